//! The citizen identification number (GB 11643-1999): division, date of birth, sequence, check digit.
//!
//! It is personal data: no refusal repeats it, and its text form hides the middle.

use super::division::{Division, Level};
use super::length;
use hufu_ident::Refusal;
use jiff::civil::Date;
use std::fmt;

const CLAUSE: &str = "GB 11643-1999";
const LENGTH: usize = 18;
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/// Check digits by remainder (ISO 7064, MOD 11-2).
const CHECKS: &[u8; 11] = b"10X98765432";
/// Residence permits of people from Hong Kong, Macao and Taiwan have numbers of the same form.
const RESIDENCE_PERMITS: [&str; 3] = ["810000", "820000", "830000"];
/// Nobody is known to have become older; our profile.
const YEARS_OF_LIFE: i16 = 130;

/// A citizen number whose division, date and check digit are right.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CitizenNumber {
    text: String,
    born: Date,
}

impl CitizenNumber {
    /// Parses a number; `today` is the date in China. A small x is taken as X.
    pub fn parse(text: &str, today: Date) -> Result<CitizenNumber, Refusal> {
        check_form(text)?;
        let text = text.to_ascii_uppercase();
        check_division(&text[..6])?;
        let born = birth(&text[6..14], today)?;
        if text.as_bytes()[17] != check_digit(&text.as_bytes()[..17]) {
            let refusal =
                Refusal::new("citizen-check", CLAUSE, "公民身份号码的校验码不符", "the check digit is not right");
            return Err(refusal.at(17));
        }
        Ok(CitizenNumber { text, born })
    }

    /// The whole number. Not for logs.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn born(&self) -> Date {
        self.born
    }

    /// Completed years of life on a day.
    pub fn age(&self, on: Date) -> i16 {
        let had_birthday = (on.month(), on.day()) >= (self.born.month(), self.born.day());
        on.year() - self.born.year() - i16::from(!had_birthday)
    }
}

/// Six characters, eight stars, four characters: enough to recognise it by.
impl fmt::Display for CitizenNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}********{}", &self.text[..6], &self.text[14..])
    }
}

impl fmt::Debug for CitizenNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CitizenNumber({self})")
    }
}

/// After this the text is ASCII and eighteen long.
fn check_form(text: &str) -> Result<(), Refusal> {
    let fits = |at: usize, c: char| c.is_ascii_digit() || (at == LENGTH - 1 && matches!(c, 'X' | 'x'));
    if let Some(at) = text.chars().take(LENGTH).enumerate().position(|(at, c)| !fits(at, c)) {
        let (zh, en) = ("只能是数字，末位可以是X", "only digits are used, and X at the end");
        return Err(Refusal::new("citizen-character", CLAUSE, zh, en).at(at));
    }
    match length(text, LENGTH) {
        LENGTH => Ok(()),
        15 => {
            let (zh, en) = ("15位的旧号码已于2013年停用", "numbers of 15 digits are no longer valid since 2013");
            Err(Refusal::new("citizen-old", CLAUSE, zh, en))
        }
        other => {
            let (zh, en) = ("公民身份号码须为18位", "a citizen number has 18 characters");
            Err(Refusal::new("citizen-length", CLAUSE, zh, en).at(other.min(LENGTH)))
        }
    }
}

fn check_division(digits: &str) -> Result<(), Refusal> {
    if RESIDENCE_PERMITS.contains(&digits) {
        return Ok(());
    }
    if Division::parse(digits)?.level() == Level::Province {
        let (zh, en) = ("地址码须到县级", "the division must be a county");
        return Err(Refusal::new("citizen-division", CLAUSE, zh, en).at(2));
    }
    Ok(())
}

fn birth(digits: &str, today: Date) -> Result<Date, Refusal> {
    let number = |range: std::ops::Range<usize>| digits[range].parse::<i16>().unwrap_or_default();
    let (year, month, day) = (number(0..4), number(4..6) as i8, number(6..8) as i8);
    let Ok(born) = Date::new(year, month, day) else {
        let (zh, en) = ("出生日期不存在", "there is no such date of birth");
        return Err(Refusal::new("citizen-birth", CLAUSE, zh, en).at(6));
    };
    if born > today {
        let (zh, en) = ("出生日期在今天之后", "the date of birth is in the future");
        return Err(Refusal::new("citizen-birth-future", CLAUSE, zh, en).at(6));
    }
    if today.year() - year > YEARS_OF_LIFE {
        let (zh, en) = (
            format!("出生日期在{YEARS_OF_LIFE}年以前"),
            format!("the date of birth is more than {YEARS_OF_LIFE} years ago"),
        );
        return Err(Refusal::new("citizen-birth-early", "our profile", zh, en).at(6));
    }
    Ok(born)
}

fn check_digit(digits: &[u8]) -> u8 {
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    CHECKS[(sum % 11) as usize]
}

#[cfg(test)]
mod tests {
    use super::super::vectors;
    use super::*;

    #[test]
    fn the_vectors_hold() {
        let mut valid = 0;
        for entry in vectors::entries("citizens.json") {
            let text = entry["text"].as_str().unwrap();
            let today: Date = entry["today"].as_str().unwrap().parse().unwrap();
            let found = CitizenNumber::parse(text, today);
            if let Some(expected) = vectors::refusal(&entry) {
                let refusal = found.unwrap_err();
                assert_eq!((refusal.code, refusal.at), expected, "{text}");
                continue;
            }
            let number = found.unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
            valid += 1;
            assert_eq!(number.as_str(), text.to_ascii_uppercase());
            assert_eq!(number.born().to_string(), entry["born"].as_str().unwrap());
            assert_eq!(i64::from(number.age(today)), entry["age"].as_i64().unwrap(), "{text}");
        }
        assert!(valid >= 40);
    }

    #[test]
    fn any_change_of_one_digit_is_noticed() {
        let today = Date::constant(2026, 11, 25);
        for entry in vectors::entries("citizens.json").iter().filter(|entry| entry["code"].is_null()) {
            let text = entry["text"].as_str().unwrap();
            for (at, digit) in (0..17).flat_map(|at| (b'0'..=b'9').map(move |digit| (at, digit))) {
                let mut changed = text.as_bytes().to_vec();
                if changed[at] != digit {
                    changed[at] = digit;
                    let changed = String::from_utf8(changed).unwrap();
                    assert!(CitizenNumber::parse(&changed, today).is_err(), "{changed}");
                }
            }
        }
    }

    #[test]
    fn the_text_form_hides_the_birthday() {
        let entry = vectors::entries("citizens.json").into_iter().find(|entry| entry["code"].is_null()).unwrap();
        let text = entry["text"].as_str().unwrap();
        let number = CitizenNumber::parse(text, Date::constant(2026, 11, 25)).unwrap();
        assert!(!format!("{number} {number:?}").contains(&text[6..14]));
        assert_eq!(number.to_string().len(), 18);
    }
}
