//! EPC: URNs and the octets of tags, each from the other.

use super::judged;
use hufu_ident::systems::gs1::epc::{self, Epc};

/// Each spelling of an EPC reads as the same again.
fn every_spelling(epc: &Epc) {
    let read = |text: &str| match epc::read(text) {
        Some(Ok(again)) => again,
        other => panic!("{text}: {other:?}"),
    };
    if let Some(uri) = epc.identity_uri() {
        assert_eq!(read(&uri).identity, epc.identity, "{uri}");
    }
    if let Some(uri) = epc.tag_uri() {
        let again = read(&uri);
        assert_eq!(again.identity, epc.identity, "{uri}");
        assert_eq!(again.hex(), epc.hex(), "{uri}");
    }
    if let Some(hex) = epc.hex() {
        let again = epc::decode_hex(&hex).unwrap_or_else(|refusal| panic!("{hex}: {refusal}"));
        assert_eq!((&again.identity, &again.elements), (&epc.identity, &epc.elements), "{hex}");
        assert_eq!(again.hex(), Some(hex));
    }
    if let Some(bits) = epc.zeros_and_ones() {
        let again = epc::decode_zeros_and_ones(&bits).unwrap_or_else(|refusal| panic!("{bits}: {refusal}"));
        assert_eq!(again.identity, epc.identity, "{bits}");
    }
    let elements: Vec<(&str, &str)> = epc.elements.iter().map(|(ai, value)| (*ai, value.as_str())).collect();
    for digits in [None, Some(6), Some(9), Some(12)] {
        for (_, form) in epc::forms(&elements, digits) {
            read(&form);
        }
    }
}

/// URNs, and hexadecimal or binary digits in text.
pub fn text(input: &[u8]) -> bool {
    let text = &*String::from_utf8_lossy(input);
    let Some(epc) = epc::read(text).and_then(|read| judged(text, read)) else { return false };
    every_spelling(&epc);
    true
}

/// The octets of a tag.
pub fn octets(input: &[u8]) -> bool {
    let text: String = input.iter().map(|octet| format!("{octet:02X}")).collect();
    let Some(epc) = judged(&text, epc::decode_hex(&text)) else { return false };
    every_spelling(&epc);
    true
}
