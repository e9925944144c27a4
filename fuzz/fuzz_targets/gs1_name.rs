//! GS1 names of records: a canonical one is its own, and is delegated by all paths above it.
//!
//! What is asked, and how to run it, stands in `probes/mod.rs`.
#![no_main]

#[path = "../probes/mod.rs"]
mod probes;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let probe = probes::of("gs1_name").expect("a probe of this name");
    (probe.run)(input);
});
