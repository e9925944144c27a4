//! Object identifiers in text: every spelling of one leads back to it, its owner name in DNS included.
//!
//! What is asked, and how to run it, stands in `probes/mod.rs`.
#![no_main]

#[path = "../probes/mod.rs"]
mod probes;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let probe = probes::of("oid_text").expect("a probe of this name");
    (probe.run)(input);
});
