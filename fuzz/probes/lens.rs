//! The lens: any text at all.

use super::judged;
use hufu_ident::systems::gs1::Companies;
use hufu_ident::{Identifier, lens};

/// What is read has a name that may be registered as it stands, if it carries a tag.
pub fn probe(input: &[u8]) -> bool {
    let text = &*String::from_utf8_lossy(input);
    judged(text, lens::name(text));
    let Some(reading) = judged(text, lens::read(text)) else { return false };
    if let Some(name) = reading.name.as_ref().filter(|name| name.name().is_tagged()) {
        match Identifier::parse_new(name.as_str()) {
            Ok(again) => assert_eq!(&again, name, "{text:?}"),
            // One may ask for longer names than may be registered.
            Err(refusal) => assert_eq!(refusal.code, "too-long", "{text:?}"),
        }
    }
    let named = reading.name.clone();
    if let Ok(complete) = Companies::of_length(7).and_then(|companies| companies.complete(reading)) {
        assert_eq!(complete.name, named);
    }
    true
}
