//! Identifiers: no text panics, refusals point into the text, and a key leads back to its identifier.
//!
//! What is asked, and how to run it, stands in `probes/mod.rs`.
#![no_main]

#[path = "../probes/mod.rs"]
mod probes;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let probe = probes::of("identifier").expect("a probe of this name");
    (probe.run)(input);
});
