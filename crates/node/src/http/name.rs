//! What a request of the proxy names: any code, read by the one lens; what the lens does not know is asked as it is.

use hufu_ident::identifier::percent_decode;
use hufu_ident::{Identifier, Refusal, lens};

/// Reads the path of a request, escapes and all: it is percent-decoded once.
pub fn from_path(path: &str) -> Result<Identifier, Refusal> {
    let path = path.strip_prefix('/').unwrap_or(path);
    match path.starts_with("http:") || path.starts_with("https:") {
        // The escapes are those of the URL inside.
        true => lens::name(path),
        false => lens::name(&percent_decode(path)?),
    }
}

/// Reads what somebody typed, pasted or scanned into a form. Only a whole URL is percent-decoded, because
/// only there escapes are not part of the name.
pub fn from_text(text: &str) -> Result<Identifier, Refusal> {
    lens::name(text)
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
        assert_eq!(from_path("/").unwrap_err().code, "empty-text");
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
