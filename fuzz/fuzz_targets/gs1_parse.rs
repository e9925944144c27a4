//! Whatever parses as GS1 data is written in every shape, and reads again as the same.
//!
//! What is asked, and how to run it, stands in `probes/mod.rs`.
#![no_main]

#[path = "../probes/mod.rs"]
mod probes;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let probe = probes::of("gs1_parse").expect("a probe of this name");
    (probe.run)(input);
});
