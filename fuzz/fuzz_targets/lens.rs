//! The lens: any text; a name that is read may be registered as it stands.
//!
//! What is asked, and how to run it, stands in `probes/mod.rs`.
#![no_main]

#[path = "../probes/mod.rs"]
mod probes;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let probe = probes::of("lens").expect("a probe of this name");
    (probe.run)(input);
});
