//! What a symbol carries: a text, or GS1 element strings with their separators.

use hufu_ident::Refusal;

/// The separator between element strings of variable length (GS1 General Specifications §7.8).
pub const GS: u8 = 0x1D;

/// What a symbol carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// A text in UTF-8.
    Text(String),
    /// GS1 element strings: printable ASCII, with 0x1D where a separator is needed and none in front.
    Elements(String),
}

impl Payload {
    /// Takes element strings with `^` for FNC1: one in front, one behind each value of variable length but the last.
    ///
    /// Only characters are judged: those of GS1's set 82 (§7.11 figure 1), set 39 and 64 being parts of it. The
    /// values are judged by whoever reads the code.
    pub fn elements(caret: &str) -> Result<Self, Refusal> {
        let Some(data) = caret.strip_prefix('^').filter(|data| !data.is_empty()) else {
            let (zh, en) =
                ("要素字符串须以“^”(FNC1)开头且非空", "element strings begin with “^” (FNC1), and are not empty");
            return Err(refuse("element-string-start", zh, en).at(0));
        };
        for (position, character) in data.chars().enumerate() {
            if character != '^' && !is_invariant(character) {
                let zh = format!("要素字符串不得含{character:?}");
                let en = format!("element strings may not contain {character:?}");
                return Err(refuse("element-string-character", zh, en).at(position + 1));
            }
        }
        Ok(Payload::Elements(data.replace('^', "\u{1d}")))
    }

    /// The data characters as a scanner transmits them behind the symbology identifier.
    pub fn data(&self) -> &str {
        match self {
            Payload::Text(text) | Payload::Elements(text) => text,
        }
    }

    /// The same in printable form: `^` for each FNC1.
    pub fn printable(&self) -> String {
        match self {
            Payload::Text(text) => text.clone(),
            Payload::Elements(text) => format!("^{}", text.replace('\u{1d}', "^")),
        }
    }
}

/// Set 82 of GS1, and `#` that set 39 adds.
fn is_invariant(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!\"%&'()*+,-./:;<=>?_#".contains(character)
}

fn refuse(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Refusal {
    Refusal::new(code, "GS1 General Specifications §7.8, §7.11", zh, en)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_for_fnc1() {
        let payload = Payload::elements("^010952132100001810ABC^21x").unwrap();
        assert_eq!(payload.data(), "010952132100001810ABC\u{1d}21x");
        assert_eq!(payload.printable(), "^010952132100001810ABC^21x");
        for (text, code, at) in [
            ("", "element-string-start", 0),
            ("0109", "element-string-start", 0),
            ("^", "element-string-start", 0),
            ("^10a~", "element-string-character", 4),
            ("^10虎", "element-string-character", 3),
        ] {
            let refusal = Payload::elements(text).unwrap_err();
            assert_eq!((refusal.code, refusal.at), (code, Some(at)), "{text}");
        }
    }
}
