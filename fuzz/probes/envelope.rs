//! Message envelopes (ISO/IEC 15434), their identifiers (ISO/IEC 15459), identification links (IEC 61406).

use super::judged;
use hufu_ident::lens::{agency, envelope, link};

/// A message that parses is written and read again as the same.
pub fn probe(input: &[u8]) -> bool {
    let text = &*String::from_utf8_lossy(input);
    for finding in link::check_il(text) {
        judged::<()>(text, Err(finding));
    }
    judged(text, agency::parse(text, agency::CHARS));
    judged(text, envelope::split_di(text));
    let message = format!("[)>\u{1e}06\u{1d}{text}");
    let texts = [text, message.as_str()];
    let messages = texts.map(|text| judged(text, envelope::parse(text)));
    for fields in messages.iter().flatten() {
        let written = envelope::compose(fields);
        // Records that are written together may be longer than a message may be.
        match envelope::parse(&written) {
            Ok(again) => assert_eq!(&again, fields, "{written:?}"),
            Err(refusal) => assert_eq!(refusal.code, "envelope-length", "{written:?}"),
        }
        let _ = (envelope::element_string(fields), envelope::as_elements(fields));
    }
    messages[0].is_some()
}
