//! EPC URNs and hexadecimal text: every spelling of one reads as the same again.
//!
//! What is asked, and how to run it, stands in `probes/mod.rs`.
#![no_main]

#[path = "../probes/mod.rs"]
mod probes;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let probe = probes::of("epc_urn").expect("a probe of this name");
    (probe.run)(input);
});
