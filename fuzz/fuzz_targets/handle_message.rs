//! Frames of the Handle protocol: no input panics, both decoders agree, and what decodes composes to the same octets.
//!
//! What is asked, and how to run it, stands in `probes/mod.rs`.
#![no_main]

#[path = "../probes/mod.rs"]
mod probes;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let probe = probes::of("handle_message").expect("a probe of this name");
    (probe.run)(input);
});
