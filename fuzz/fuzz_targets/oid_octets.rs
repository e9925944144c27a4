//! Object identifiers in octets (BER, DER, relative): what decodes encodes and decodes again as the same.
//!
//! What is asked, and how to run it, stands in `probes/mod.rs`.
#![no_main]

#[path = "../probes/mod.rs"]
mod probes;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let probe = probes::of("oid_octets").expect("a probe of this name");
    (probe.run)(input);
});
