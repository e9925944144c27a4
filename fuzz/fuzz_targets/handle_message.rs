//! Frames of the Handle protocol: no input panics, both decoders agree, and what decodes composes to the same octets.
//!
//! # How to run
//!
//! ```sh
//! cargo install cargo-fuzz
//! cargo +nightly fuzz run handle_message -- -max_len=4096
//! ```
//!
//! from the root of the repository. Good seeds are the `hex` fields of `vectors/handle/messages.json`:
//!
//! ```sh
//! mkdir -p fuzz/corpus/handle_message
//! python3 -c 'import json, sys
//! for e in json.load(open("vectors/handle/messages.json")):
//!     open("fuzz/corpus/handle_message/" + e["name"], "wb").write(bytes.fromhex(e["hex"]))'
//! ```
//!
//! A find becomes a vector in `vectors/handle/` before it is fixed.

#![no_main]

use hufu_ident::systems::handle::wire::{Body, Message, Question};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|frame: &[u8]| {
    let question = Question::decode(frame);
    let Ok(message) = Message::decode(frame) else {
        assert!(question.is_none());
        return;
    };
    assert_eq!(message.to_bytes(), frame);
    let name = message.plain().and_then(|plain| match &plain.body {
        Body::Resolve { handle, .. } => std::str::from_utf8(handle).ok(),
        _ => None,
    });
    assert_eq!(question.map(|question| question.name.text()), name);
});
