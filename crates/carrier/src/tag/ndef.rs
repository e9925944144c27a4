//! NFC data exchange format: one URI or text record, ready to be written to a tag.

use crate::payload::Payload;
use hufu_ident::Refusal;

/// Octets of a message: what the largest usual tags hold.
const MESSAGE_OCTETS: usize = 8192;
/// Message begin, message end, well-known type; short record adds 0x10.
const HEADER: u8 = 0xC1;
const SHORT: u8 = 0x10;
/// What the first octet of a URI record stands for, from 1 (NFC Forum URI record type definition, table 3).
const ABBREVIATIONS: [&str; 35] = [
    "http://www.",
    "https://www.",
    "http://",
    "https://",
    "tel:",
    "mailto:",
    "ftp://anonymous:anonymous@",
    "ftp://ftp.",
    "ftps://",
    "sftp://",
    "smb://",
    "nfs://",
    "ftp://",
    "dav://",
    "news:",
    "telnet://",
    "imap:",
    "rtsp://",
    "urn:",
    "pop:",
    "sip:",
    "sips:",
    "tftp:",
    "btspp://",
    "btl2cap://",
    "btgoep://",
    "tcpobex://",
    "irdaobex://",
    "file://",
    "urn:epc:id:",
    "urn:epc:tag:",
    "urn:epc:pat:",
    "urn:epc:raw:",
    "urn:epc:",
    "urn:nfc:",
];

/// A message of one record: a URI record for `http://` and `https://`, else a text record.
///
/// The language of a text record is `zh` if it has characters beyond ASCII, else `en`.
pub fn ndef(payload: &Payload) -> Result<Vec<u8>, Refusal> {
    let text = match payload {
        Payload::Text(text) if !text.is_empty() => text,
        _ => {
            let (zh, en) = ("NFC记录须为非空文本", "an NFC record carries a text that is not empty");
            return Err(Refusal::new("ndef-text", "NFC Forum NDEF 1.0 §3", zh, en));
        }
    };
    if text.len() > MESSAGE_OCTETS {
        let (zh, en) = ("NFC记录超过8192字节", "more than 8192 octets for an NFC record");
        return Err(Refusal::new("ndef-length", "our profile", zh, en));
    }
    let is_uri = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    Ok(if is_uri { record(b'U', &uri(text)) } else { record(b'T', &plain(text)) })
}

fn uri(text: &str) -> Vec<u8> {
    let fitting = ABBREVIATIONS.iter().enumerate().filter(|(_, start)| text.starts_with(*start));
    let longest = fitting.max_by_key(|(_, start)| start.len());
    let (code, rest) = longest.map_or((0, text), |(at, start)| (at as u8 + 1, &text[start.len()..]));
    std::iter::once(code).chain(rest.bytes()).collect()
}

fn plain(text: &str) -> Vec<u8> {
    let language = if text.is_ascii() { "en" } else { "zh" };
    // The upper bit of the status octet is clear: UTF-8.
    std::iter::once(language.len() as u8).chain(language.bytes()).chain(text.bytes()).collect()
}

fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = match u8::try_from(payload.len()) {
        Ok(length) => vec![HEADER | SHORT, 1, length],
        Err(_) => [&[HEADER, 1][..], &(payload.len() as u32).to_be_bytes()].concat(),
    };
    out.push(kind);
    out.extend_from_slice(payload);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_as_the_forum_writes_them() {
        let of = |text: &str| ndef(&Payload::Text(text.into())).unwrap();
        // The example of the URI record type definition: http://www.nfc.com.
        assert_eq!(of("http://www.nfc.com"), b"\xD1\x01\x08U\x01nfc.com");
        assert_eq!(of("https://a.cn/x"), b"\xD1\x01\x07U\x04a.cn/x");
        assert_eq!(of("hello"), b"\xD1\x01\x08T\x02enhello");
        assert_eq!(of("虎"), b"\xD1\x01\x06T\x02zh\xE8\x99\x8E");
        let long = of(&"x".repeat(300));
        assert_eq!(long[..7], [0xC1, 1, 0, 0, 1, 47, b'T']);
        assert_eq!(long.len(), 7 + 303);
        assert_eq!(ndef(&Payload::Text(String::new())).unwrap_err().code, "ndef-text");
        assert_eq!(ndef(&Payload::Text("x".repeat(8193))).unwrap_err().code, "ndef-length");
    }
}
