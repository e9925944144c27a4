//! DIDs and the texts of their keys.

use super::{judged, named};
use hufu_ident::System;
use hufu_ident::systems::did::{Did, PublicKeyText, encoding, parse};

pub fn probe(input: &[u8]) -> bool {
    let text = &*String::from_utf8_lossy(input);
    let rest = text.strip_prefix("did:").unwrap_or(text);
    let tagged = format!("did:{rest}");
    judged(rest, parse(rest));
    let reading = Did.read(&tagged).and_then(|read| judged(&tagged, read));
    if let Some(name) = reading.as_ref().and_then(|reading| reading.name.as_ref()) {
        let again = Did.read(name.as_str()).and_then(Result::ok).and_then(|reading| reading.name);
        assert_eq!(again.as_ref(), Some(name), "{text:?}");
    }
    if let Some(key) = PublicKeyText::parse(text) {
        // Its digits may be capitals.
        assert!(key.to_string().eq_ignore_ascii_case(text), "{text:?}");
        assert!(key.did().is_ok(), "{text:?}");
    }
    if let Ok(octets) = encoding::from_base58(rest) {
        assert_eq!(encoding::base58(&octets), rest);
    }
    let _ = encoding::from_bech32(rest);
    named(&Did, rest) || reading.is_some()
}
