//! How an identifier may be written in front of a proxy: bare, with a scheme, as a URN, or as a whole URL.

use hufu_ident::identifier::percent_decode;
use hufu_ident::{Identifier, Refusal};

/// Reads the path of a request, escapes and all: it is percent-decoded once.
pub fn from_path(path: &str) -> Result<Identifier, Refusal> {
    let path = percent_decode(path.strip_prefix('/').unwrap_or(path))?;
    let name = without_proxy(&path).unwrap_or(&path);
    Identifier::parse(&without_scheme(name))
}

/// Reads what somebody typed, pasted or scanned into a form. Only a whole URL is percent-decoded, because
/// only there escapes are not part of the name; its query and fragment are dropped.
pub fn from_text(text: &str) -> Result<Identifier, Refusal> {
    let text = text.trim();
    match without_proxy(text) {
        Some(name) => {
            let end = name.find(['?', '#']).unwrap_or(name.len());
            Identifier::parse(&without_scheme(&percent_decode(&name[..end])?))
        }
        None => Identifier::parse(&without_scheme(text)),
    }
}

/// The part behind the host of a proxy URL, such as `https://hdl.handle.net/20.500/x`.
fn without_proxy(text: &str) -> Option<&str> {
    let rest = strip_folded(text, "http://").or_else(|| strip_folded(text, "https://"))?;
    rest.split_once('/').map(|(_, name)| name)
}

fn without_scheme(text: &str) -> String {
    let urn = ["urn:hdl:", "urn:doi:", "urn:eidr:"].iter().find_map(|start| strip_folded(text, start));
    let plain = ["hdl:", "doi:", "info:hdl/", "info:doi/"].iter().find_map(|start| strip_folded(text, start));
    match (urn, plain) {
        (Some(urn), _) => urn_name(urn),
        (None, plain) => plain.unwrap_or(text).to_owned(),
    }
}

/// In a URN the first colon of the name stands for the slash after the prefix.
fn urn_name(name: &str) -> String {
    match name.find([':', '/']) {
        Some(at) => format!("{}/{}", &name[..at], &name[at + 1..]),
        None => name.to_owned(),
    }
}

/// Strips `start`, compared without regard to case.
fn strip_folded<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let head = text.get(..start.len())?;
    head.eq_ignore_ascii_case(start).then(|| &text[start.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_once_and_loses_its_front() {
        for (path, name) in [
            ("/20.500/a", "20.500/a"),
            ("/20.500/a/b%2Fc%252F", "20.500/a/b/c%2F"),
            ("/88.101.5/%E5%9E%8B%E5%8F%B7", "88.101.5/型号"),
            ("/hdl:20.500/a", "20.500/a"),
            ("/DOI:10.1000/1", "10.1000/1"),
            ("/info:hdl/20.500/a", "20.500/a"),
            ("/info%3Adoi/10.1000/1", "10.1000/1"),
            ("/urn:hdl:20.500:a:b", "20.500/a:b"),
            ("/urn:eidr:10.5240:C1B5-9", "10.5240/C1B5-9"),
            ("/urn:doi:10.1000/a:b", "10.1000/a:b"),
            ("/https://hdl.handle.net/20.500/a%3Fb", "20.500/a?b"),
            ("/86.122", "86.122"),
        ] {
            assert_eq!(from_path(path).unwrap().as_str(), name, "{path}");
        }
        assert_eq!(from_path("/").unwrap_err().code, "empty-identifier");
        assert_eq!(from_path("/20.500/%4").unwrap_err().code, "bad-escape");
    }

    #[test]
    fn a_typed_text_keeps_its_percent_signs_and_a_pasted_url_does_not() {
        for (text, name) in [
            (" 20.500/100%25 ", "20.500/100%25"),
            ("https://doi.org/10.1000/a%2Fb?locatt=id:1#top", "10.1000/a/b"),
            ("http://localhost:8080/urn:hdl:20.500:x", "20.500/x"),
            ("hdl:20.500/型号", "20.500/型号"),
            ("中文", "中文"),
        ] {
            assert_eq!(from_text(text).unwrap().as_str(), name, "{text}");
        }
        assert!(from_text("hdl:").is_err());
    }
}
