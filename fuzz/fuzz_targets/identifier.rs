//! Identifiers: no text panics, refusals point into the text, and a key leads back to its identifier.
//!
//! # How to run
//!
//! ```sh
//! cargo install cargo-fuzz
//! cargo +nightly fuzz run identifier -- -max_len=2100
//! ```
//!
//! from the root of the repository. A find becomes a vector in `vectors/` before it is fixed.

#![no_main]

use hufu_ident::systems::vaa;
use hufu_ident::{CaseRule, Identifier, Prefix, Reference, system};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let length = text.chars().count();
    let refusals = [
        system::check_new(text).err(),
        Identifier::parse_percent(text).err(),
        Prefix::parse(text).err(),
        vaa::parse(text).err(),
    ];
    for refusal in refusals.into_iter().flatten() {
        assert!(refusal.at.is_none_or(|at| at <= length), "{refusal}");
    }
    let _ = Reference::parse(text);
    let Ok(identifier) = Identifier::parse_new(text) else {
        return;
    };
    for rule in [CaseRule::Insensitive, CaseRule::Sensitive] {
        let key = identifier.key(rule);
        assert_eq!(key.to_identifier().key(rule), key);
    }
    if let Ok(parts) = vaa::parse(text) {
        assert_eq!(format!("{}.{}.{}/{}", parts.issuer, parts.node, parts.enterprise, parts.suffix), text);
    }
});
