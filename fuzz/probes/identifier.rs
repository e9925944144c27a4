//! Identifiers, prefixes and references of the record space.

use super::judged;
use hufu_ident::systems::vaa;
use hufu_ident::{CaseRule, Identifier, Prefix, Reference, system};

/// A key leads back to its identifier.
pub fn probe(input: &[u8]) -> bool {
    let text = &*String::from_utf8_lossy(input);
    let _ = Reference::parse(text);
    judged(text, system::check_new(text));
    judged(text, Identifier::parse_percent(text));
    judged(text, Prefix::parse(text));
    if let Some(parts) = judged(text, vaa::parse(text)) {
        assert_eq!(format!("{}.{}.{}/{}", parts.issuer, parts.node, parts.enterprise, parts.suffix), text);
    }
    let Some(identifier) = judged(text, Identifier::parse_new(text)) else { return false };
    for rule in [CaseRule::Insensitive, CaseRule::Sensitive] {
        let key = identifier.key(rule);
        assert_eq!(key.to_identifier().key(rule), key);
    }
    true
}
