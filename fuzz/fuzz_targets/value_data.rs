//! Value sets and the data of every predefined type: no input panics, and what decodes encodes to the same octets.
//!
//! What is asked, and how to run it, stands in `probes/mod.rs`.
#![no_main]

#[path = "../probes/mod.rs"]
mod probes;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let probe = probes::of("value_data").expect("a probe of this name");
    (probe.run)(input);
});
