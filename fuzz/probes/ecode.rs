//! Ecodes: the text, separated or not, and the octets.

use super::{judged, named};
use hufu_ident::System;
use hufu_ident::systems::ecode::{Code, Ecode, Schemes, cut, from_octets, parse, to_octets};

/// What parses is written canonically and read again as the same; its octets lead back to it.
fn written(code: &Code<'_>) {
    let canonical = code.canonical();
    let again = parse(&canonical).unwrap_or_else(|refusal| panic!("{canonical:?}: {refusal}"));
    assert_eq!(again.canonical(), canonical);
    if let Ok(octets) = to_octets(code) {
        assert_eq!(from_octets(&octets).as_ref(), Ok(&canonical));
    }
    if let Ok(Some((_, parts))) = cut(code, Schemes::built_in()) {
        assert_eq!(parts.iter().map(|(_, part)| *part).collect::<String>(), code.md);
    }
}

pub fn text(input: &[u8]) -> bool {
    let text = &*String::from_utf8_lossy(input);
    let tagged = format!("ecode:{text}");
    for text in [text, &tagged] {
        let _ = Ecode.read(text).map(|read| judged(text, read));
    }
    let _ = Schemes::parse(text);
    named(&Ecode, text);
    let Some(code) = judged(text, parse(text)) else { return false };
    written(&code);
    true
}

pub fn octets(input: &[u8]) -> bool {
    let Ok(text) = from_octets(input) else { return false };
    let code = parse(&text).unwrap_or_else(|refusal| panic!("{text:?}: {refusal}"));
    written(&code);
    true
}
