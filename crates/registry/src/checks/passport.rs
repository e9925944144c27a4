//! Passport numbers: one to nine letters and digits (ICAO Doc 9303 part 4), whoever issued them.

use hufu_ident::Refusal;

const CLAUSE: &str = "ICAO Doc 9303-4 §4.2.2";
/// The machine-readable zone has nine places; shorter than five is known of no country (our profile).
const LENGTHS: std::ops::RangeInclusive<usize> = 5..=9;

/// The number in capitals, or why it cannot be one.
pub fn parse(text: &str) -> Result<String, Refusal> {
    if let Some(at) = text.chars().take(LENGTHS.end() + 1).position(|c| !c.is_ascii_alphanumeric()) {
        let (zh, en) = ("护照号码只能是字母和数字", "a passport number has letters and digits only");
        return Err(Refusal::new("passport-character", CLAUSE, zh, en).at(at));
    }
    if !LENGTHS.contains(&text.len()) {
        let (zh, en) = ("护照号码须为5至9位", "a passport number has 5 to 9 characters");
        return Err(Refusal::new("passport-length", CLAUSE, zh, en).at(text.len().min(9)));
    }
    if !text.contains(|c: char| c.is_ascii_digit()) {
        let (zh, en) = ("护照号码里没有数字", "a passport number has digits in it");
        return Err(Refusal::new("passport-digits", "our profile", zh, en).at(0));
    }
    Ok(text.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_many_countries_pass() {
        for text in ["E12345678", "EA1234567", "ea1234567", "D00000000", "123456789", "AB123456", "X12345"] {
            assert_eq!(parse(text).unwrap(), text.to_ascii_uppercase());
        }
    }

    #[test]
    fn what_is_refused_and_where() {
        for (text, code, at) in [
            ("", "passport-length", 0),
            ("E123", "passport-length", 4),
            ("E123456789", "passport-length", 9),
            ("E1234 678", "passport-character", 5),
            ("护照12345", "passport-character", 0),
            ("PASSPORT", "passport-digits", 0),
        ] {
            let refusal = parse(text).unwrap_err();
            assert_eq!((refusal.code, refusal.at), (code, Some(at)), "{text}");
        }
    }
}
