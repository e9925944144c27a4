//! ISO/IEC 15434 messages, ISO/IEC 15459 identifiers, identification links.
//!
//! What is asked, and how to run it, stands in `probes/mod.rs`.
#![no_main]

#[path = "../probes/mod.rs"]
mod probes;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let probe = probes::of("envelope").expect("a probe of this name");
    (probe.run)(input);
});
