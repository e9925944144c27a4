//! Minting: suffixes by a pattern. Pure; randomness is an argument.
//!
//! A pattern is text with parts in braces:
//!
//! | part | stands for |
//! |---|---|
//! | `{n}`, `{n:6}` | the counter, padded with zeros to that width |
//! | `{x:6}` | random digits; `{a:6}` random letters and digits without 0, 1, I, O |
//! | `{date}` | `YYYYMMDD` of today, China time |
//! | `{check}` | a check character over everything before it: ISO/IEC 7064, MOD 37,36 |
//! | `{{`, `}}` | a brace |

use crate::error::{Error, Kind, Refusal};

/// Longest pattern, in characters.
pub const PATTERN: usize = 200;
/// Widest part.
const WIDTH: usize = 38;
/// Random letters and digits: nothing that is read for something else.
const ALPHABET: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// Of ISO/IEC 7064 for alphanumeric strings.
const CHECKED: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Counter(usize),
    Digits(usize),
    Letters(usize),
    Date,
    Check,
}

/// A pattern that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

fn bad(zh: String, en: String) -> Error {
    Refusal::new(Kind::Invalid, "bad-pattern", zh, en).into()
}

impl Pattern {
    /// Reads a pattern; a refusal names the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.is_empty() || text.chars().count() > PATTERN {
            let (zh, en) = (format!("样式应为 1–{PATTERN} 个字符"), format!("a pattern has 1 to {PATTERN} characters"));
            return Err(bad(zh, en));
        }
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text.chars().peekable();
        while let Some(letter) = rest.next() {
            match letter {
                '{' | '}' if rest.peek() == Some(&letter) => {
                    rest.next();
                    plain.push(letter);
                }
                '{' => {
                    let name: String = rest.by_ref().take_while(|letter| *letter != '}').collect();
                    if !plain.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                    }
                    parts.push(part(&name)?);
                }
                '}' => return Err(bad("样式中有多余的 }".into(), "a } closes nothing; write }} for a brace".into())),
                other => plain.push(other),
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Pattern(parts))
    }

    /// Whether it counts.
    pub fn counts(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Counter(_)))
    }

    /// Whether two of the same number differ by chance only.
    pub fn is_random(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Digits(_) | Part::Letters(_)))
    }

    /// The text for one number. `date` is `YYYYMMDD`.
    pub fn fill(&self, number: i64, date: &str, random: fn(&mut [u8])) -> Result<String, Error> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Counter(width) => {
                    let digits = number.to_string();
                    if *width > 0 && digits.len() > *width {
                        let zh = format!("序号 {number} 超出 {width} 位");
                        return Err(bad(zh, format!("the number {number} has more than {width} digits")));
                    }
                    text.extend(std::iter::repeat_n('0', width.saturating_sub(digits.len())));
                    text.push_str(&digits);
                }
                Part::Digits(width) => draw(&mut text, *width, b"0123456789", random),
                Part::Letters(width) => draw(&mut text, *width, ALPHABET, random),
                Part::Date => text.push_str(date),
                Part::Check => text.push(check_character(&text)),
            }
        }
        Ok(text)
    }
}

fn part(name: &str) -> Result<Part, Error> {
    let (kind, width) = name.split_once(':').unwrap_or((name, ""));
    let number = || width.parse::<usize>().ok().filter(|width| (1..=WIDTH).contains(width));
    let found = match (kind, width.is_empty()) {
        ("n", true) => Some(Part::Counter(0)),
        ("n", false) => number().map(Part::Counter),
        ("x", false) => number().map(Part::Digits),
        ("a", false) => number().map(Part::Letters),
        ("date", true) => Some(Part::Date),
        ("check", true) => Some(Part::Check),
        _ => None,
    };
    found.ok_or_else(|| {
        let zh = format!("样式中的 {{{name}}} 无效，可用 {{n}}、{{n:6}}、{{x:6}}、{{a:6}}、{{date}}、{{check}}");
        let en = format!(
            "{{{name}}} is no part of a pattern; there are {{n}}, {{n:6}}, {{x:6}}, {{a:6}}, {{date}}, {{check}}"
        );
        bad(zh, en)
    })
}

/// Every character equally likely: octets beyond the last whole multiple are drawn again.
fn draw(text: &mut String, width: usize, alphabet: &[u8], random: fn(&mut [u8])) {
    let whole = 256 - 256 % alphabet.len();
    let mut left = width;
    while left > 0 {
        let mut octet = [0];
        random(&mut octet);
        if usize::from(octet[0]) < whole {
            text.push(char::from(alphabet[usize::from(octet[0]) % alphabet.len()]));
            left -= 1;
        }
    }
}

/// ISO/IEC 7064 MOD 37,36 over the letters and digits of `text`, whatever else stands in it.
pub fn check_character(text: &str) -> char {
    let mut check = 36;
    for letter in text.bytes().map(|octet| octet.to_ascii_uppercase()) {
        let Some(value) = CHECKED.iter().position(|known| *known == letter) else { continue };
        check = (check + value) % 36;
        check = if check == 0 { 36 } else { check } * 2 % 37;
    }
    char::from(CHECKED[(37 - check) % 36])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zeros(octets: &mut [u8]) {
        octets.fill(0);
    }

    #[test]
    fn patterns_are_filled() {
        let fill = |text: &str, number| Pattern::parse(text).and_then(|it| it.fill(number, "20261125", zeros));
        assert_eq!(fill("SN{n:6}", 42).expect("filled"), "SN000042");
        assert_eq!(fill("{date}-{n}-{{x}}", 7).expect("filled"), "20261125-7-{x}");
        assert_eq!(fill("{x:3}{a:3}", 7).expect("filled"), "000222");
        assert!(fill("{n:2}", 100).is_err());
        for wrong in ["", "{", "{y}", "{n:0}", "{n:99}", "{x}", "}", "a}b", "{n:x}"] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }

    /// The examples of ISO/IEC 7064 in the Global Release Identifier and the International Standard Text Code.
    #[test]
    fn the_check_character_is_that_of_the_standard() {
        assert_eq!(check_character("A12425GABC1234002"), 'M');
        assert_eq!(check_character("A1-2425G-ABC1234002-"), 'M');
    }

    #[test]
    fn one_wrong_character_is_found() {
        let right = check_character("88.118.8/SN000042");
        assert_ne!(check_character("88.118.8/SN000043"), right);
        assert_ne!(check_character("88.118.8/SN000024"), right);
    }
}
