//! The checks of values: character sets, check digits, dates, code lists and the rest that the AI table names.

use super::ai::{Charset, Part};
use super::coupon;
use super::fault::{Fault, Finding};
use std::sync::LazyLock;

type Checked = Result<(), Finding>;

/// The year from which the century of two-digit years is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Century {
    pub year: u16,
}

impl Century {
    /// The full year of a two-digit one: within 49 years before and 50 after (GS1 General Specifications §7.12).
    pub fn of(self, two_digits: u16) -> u16 {
        let (base, current) = (self.year - self.year % 100, self.year % 100);
        match i32::from(two_digits) - i32::from(current) {
            51.. => base.saturating_sub(100) + two_digits,
            ..=-50 => base.saturating_add(100).saturating_add(two_digits),
            _ => base + two_digits,
        }
    }
}

/// A rule for one part of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    Mod10,
    Mod1021,
    /// A company prefix begins behind so many characters.
    CompanyPrefix {
        skip: usize,
    },
    Date {
        four_digit_year: bool,
        day_may_be_zero: bool,
    },
    Hour,
    Minute,
    Second,
    HourMinute,
    Country3,
    Country3Or999,
    Country2,
    Currency,
    Sex,
    Flag,
    Winding,
    Minus,
    Zero,
    NonZero,
    NoLeadingZero,
    NotOnlyDigits,
    Percent,
    Latitude,
    Longitude,
    PieceOfTotal,
    PositionOfEnd,
    Importer,
    Media,
    Package,
    Iban,
    Coupon,
    PositiveOffer,
}

impl Check {
    /// The check of that name in `ai.tsv`.
    pub fn named(name: &str) -> Option<Check> {
        Some(match name {
            "mod10" => Check::Mod10,
            "mod1021" => Check::Mod1021,
            "gcp@1" => Check::CompanyPrefix { skip: 0 },
            "gcp@2" => Check::CompanyPrefix { skip: 1 },
            "date6" => Check::Date { four_digit_year: false, day_may_be_zero: false },
            "date6z" => Check::Date { four_digit_year: false, day_may_be_zero: true },
            "date8" => Check::Date { four_digit_year: true, day_may_be_zero: false },
            "date8z" => Check::Date { four_digit_year: true, day_may_be_zero: true },
            "hour" => Check::Hour,
            "minute" => Check::Minute,
            "second" => Check::Second,
            "hourmin" => Check::HourMinute,
            "country3" => Check::Country3,
            "country3+999" => Check::Country3Or999,
            "country2" => Check::Country2,
            "currency3" => Check::Currency,
            "sex" => Check::Sex,
            "bool" => Check::Flag,
            "winding" => Check::Winding,
            "minus" => Check::Minus,
            "zero" => Check::Zero,
            "nonzero" => Check::NonZero,
            "nolead0" => Check::NoLeadingZero,
            "mixed" => Check::NotOnlyDigits,
            "pct" => Check::Percent,
            "lat" => Check::Latitude,
            "lon" => Check::Longitude,
            "piece" => Check::PieceOfTotal,
            "posof" => Check::PositionOfEnd,
            "importer" => Check::Importer,
            "media" => Check::Media,
            "package" => Check::Package,
            "iban" => Check::Iban,
            "coupon1" => Check::Coupon,
            "coupon2" => Check::PositiveOffer,
            _ => return None,
        })
    }

    /// Checks a part of a value; the place of a finding is counted in characters from its beginning.
    pub fn run(self, text: &str, century: Century) -> Checked {
        match self {
            Check::Mod10 => check_digit(text),
            Check::Mod1021 => check_pair(text),
            Check::CompanyPrefix { skip } => company_prefix(text, skip),
            Check::Date { four_digit_year, day_may_be_zero } => {
                let years = if four_digit_year { Years::Four } else { Years::Two(century) };
                date(text, years, if day_may_be_zero { Days::OrZero } else { Days::Real })
            }
            Check::Hour => two_digits(text, 23, [Fault::HourShort, Fault::HourLong, Fault::Hour]),
            Check::Minute => two_digits(text, 59, [Fault::MinuteShort, Fault::MinuteLong, Fault::Minute]),
            Check::Second => two_digits(text, 59, [Fault::SecondShort, Fault::SecondLong, Fault::Second]),
            Check::HourMinute => hour_minute(text),
            Check::Country3 => listed(text, 3, &COUNTRY3, Fault::Country3),
            Check::Country3Or999 if text == "999" => Ok(()),
            Check::Country3Or999 => listed(text, 3, &COUNTRY3, Fault::Country3Or999),
            Check::Country2 => listed(text, 2, &COUNTRY2, Fault::Country2),
            Check::Currency => listed(text, 3, &CURRENCY, Fault::Currency),
            Check::Package => listed(text, 4, &PACKAGE, Fault::Package),
            Check::Sex => one_of(text, &["0", "1", "2", "9"], Fault::Sex),
            Check::Flag => one_of(text, &["0", "1"], Fault::Flag),
            Check::Winding => one_of(text, &["0", "1", "9"], Fault::Winding),
            Check::Minus => hold(text.bytes().all(|octet| octet == b'-'), Fault::NotHyphen, text),
            Check::Zero => hold(!text.is_empty() && text.bytes().all(|octet| octet == b'0'), Fault::NotZero, text),
            Check::NonZero => {
                only_digits(text)?;
                hold(text.bytes().any(|octet| octet != b'0'), Fault::AllZero, text)
            }
            Check::NoLeadingZero => {
                only_digits(text)?;
                if text.starts_with('0') { Err(Fault::LeadingZero.at(0, 1)) } else { Ok(()) }
            }
            Check::NotOnlyDigits => hold(text.bytes().any(|octet| !octet.is_ascii_digit()), Fault::OnlyDigits, text),
            Check::Percent => percent(text),
            Check::Latitude => degrees(text, 1_800_000_000, [Fault::LatitudeLength, Fault::Latitude]),
            Check::Longitude => degrees(text, 3_600_000_000, [Fault::LongitudeLength, Fault::Longitude]),
            Check::PieceOfTotal => piece_of_total(text),
            Check::PositionOfEnd => position_of_end(text),
            Check::Importer => importer(text),
            Check::Media => {
                let known = matches!(text.as_bytes(), [b'0', b'1'..=b'9'] | b"10" | [b'8' | b'9', b'0'..=b'9']);
                hold(known, Fault::Media, text)
            }
            Check::Iban => iban(text),
            Check::Coupon => coupon::coupon(text, century),
            Check::PositiveOffer => coupon::positive_offer(text),
        }
    }
}

/// Checks a whole value against its parts; its length must be within theirs.
pub fn value(text: &str, parts: &[Part], century: Century) -> Checked {
    let mut at = 0;
    for part in parts {
        let left = text.get(at..).unwrap_or_default();
        if left.is_empty() && part.optional {
            break;
        }
        let piece = left.get(..part.most).unwrap_or(left);
        let place = |finding: Finding| Finding { at: finding.at + at, ..finding };
        characters(piece, part.charset).map_err(place)?;
        if piece.len() < part.least {
            return Err(place(Fault::TooShort.at(0, piece.len())));
        }
        for check in &part.checks {
            check.run(piece, century).map_err(place)?;
        }
        at += piece.len();
    }
    if at < text.len() {
        return Err(Fault::TooLong.at(at, text.len() - at));
    }
    Ok(())
}

/// Whether all characters are of the set; for character set 64 the padding too.
pub fn characters(text: &str, charset: Charset) -> Checked {
    let body = if charset == Charset::Set64 { text.trim_end_matches('=') } else { text };
    if let Some(at) = body.bytes().position(|octet| !charset.has(octet)) {
        let fault = match charset {
            Charset::Digits => Fault::NotDigit,
            Charset::Set82 => Fault::NotSet82,
            Charset::Set39 => Fault::NotSet39,
            Charset::Set64 => Fault::NotSet64,
        };
        return Err(fault.at(body[..at].chars().count(), 1));
    }
    let padding = text.len() - body.len();
    // Three characters, not four: so the reference has it.
    if padding > 2 || padding > 0 && !text.len().is_multiple_of(3) {
        return Err(Fault::Padding.at(body.len(), padding));
    }
    Ok(())
}

pub fn only_digits(text: &str) -> Checked {
    characters(text, Charset::Digits)
}

fn hold(holds: bool, fault: Fault, text: &str) -> Checked {
    if holds { Ok(()) } else { Err(fault.at(0, text.chars().count())) }
}

fn one_of(text: &str, allowed: &[&str], fault: Fault) -> Checked {
    hold(allowed.contains(&text), fault, text)
}

fn digit(octet: u8) -> u32 {
    u32::from(octet.wrapping_sub(b'0'))
}

/// The check digit that belongs behind `digits` (GS1 General Specifications §7.9).
pub fn check_digit_of(digits: &str) -> char {
    let sum: u32 =
        digits.bytes().rev().enumerate().map(|(at, octet)| digit(octet) * if at % 2 == 0 { 3 } else { 1 }).sum();
    char::from(b'0' + ((10 - sum % 10) % 10) as u8)
}

fn check_digit(text: &str) -> Checked {
    only_digits(text)?;
    let Some(last) = text.len().checked_sub(1) else { return Err(Fault::CheckDigit.at(0, 0)) };
    if text[last..].chars().eq([check_digit_of(&text[..last])]) { Ok(()) } else { Err(Fault::CheckDigit.at(last, 1)) }
}

/// The symbols of a check pair.
const PAIR: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// The weights, from the right: as many primes as the longest data part of our profile has characters.
static PRIMES: LazyLock<Vec<u32>> = LazyLock::new(|| (2..).filter(|n| (2..*n).all(|d| n % d != 0)).take(97).collect());

/// Value of a character of set 82: its place in the set.
fn value82(octet: u8) -> Option<u32> {
    let before = match octet {
        b'!'..=b'"' => octet - b'!',
        b'%'..=b'?' => octet - b'%' + 2,
        b'A'..=b'Z' => octet - b'A' + 29,
        b'_' => 55,
        b'a'..=b'z' => octet - b'a' + 56,
        _ => return None,
    };
    Some(u32::from(before))
}

/// The check character pair that belongs behind `data` (GS1 General Specifications §7.9, GMN); none if a character is not
/// of set 82 or there are more than 97.
pub fn check_pair_of(data: &str) -> Option<[char; 2]> {
    if data.len() > PRIMES.len() {
        return None;
    }
    let mut sum = 0;
    for (octet, weight) in data.bytes().rev().zip(PRIMES.iter()) {
        sum += value82(octet)? * weight;
    }
    let sum = (sum % 1021) as usize;
    Some([char::from(PAIR[sum / 32]), char::from(PAIR[sum % 32])])
}

fn check_pair(text: &str) -> Checked {
    let Some(split) = text.len().checked_sub(2).filter(|at| text.is_char_boundary(*at)) else {
        return Err(Fault::NoCheckPair.at(0, text.len()));
    };
    let (data, pair) = text.split_at(split);
    characters(data, Charset::Set82)?;
    match check_pair_of(data) {
        None => Err(Fault::TooLong.at(0, text.len())),
        Some(expected) if pair.chars().eq(expected) => Ok(()),
        Some(_) => Err(Fault::CheckPair.at(split, 2)),
    }
}

/// Whether a company prefix can begin behind `skip` characters: four digits.
pub fn company_prefix(text: &str, skip: usize) -> Checked {
    let rest = text.as_bytes().get(skip..).unwrap_or_default();
    let start = skip.min(text.len());
    match rest.get(..4) {
        None => Err(Fault::ShortPrefix.at(start, rest.len())),
        Some(four) => match four.iter().position(|octet| !octet.is_ascii_digit()) {
            None => Ok(()),
            Some(_) => Err(Fault::BadPrefix.at(start, rest.len())),
        },
    }
}

/// How many digits a year has.
#[derive(Debug, Clone, Copy)]
pub enum Years {
    Two(Century),
    Four,
}

/// Whether day 00, no day in particular, is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Days {
    Real,
    OrZero,
}

/// Checks year, month and day.
pub fn date(text: &str, years: Years, days: Days) -> Checked {
    let year_digits = if matches!(years, Years::Two(_)) { 2 } else { 4 };
    let length = text.chars().count();
    match length.cmp(&(year_digits + 4)) {
        std::cmp::Ordering::Less => return Err(Fault::DateShort.at(0, length)),
        std::cmp::Ordering::Greater => return Err(Fault::DateLong.at(0, length)),
        std::cmp::Ordering::Equal => only_digits(text)?,
    }
    let number = |from: usize, to: usize| text[from..to].bytes().fold(0, |sum, octet| sum * 10 + digit(octet) as u16);
    let year = match years {
        Years::Two(century) => century.of(number(0, 2)),
        Years::Four => number(0, 4),
    };
    let (month, day) = (number(year_digits, year_digits + 2), number(year_digits + 2, year_digits + 4));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return Err(Fault::Month.at(year_digits, 2)),
    };
    let first = u16::from(days == Days::Real);
    if (first..=last).contains(&day) { Ok(()) } else { Err(Fault::Day.at(year_digits + 2, 2)) }
}

fn two_digits(text: &str, most: u8, [short, long, beyond]: [Fault; 3]) -> Checked {
    let length = text.chars().count();
    if length != 2 {
        return Err(if length < 2 { short } else { long }.at(0, length));
    }
    only_digits(text)?;
    hold(text.parse::<u8>().is_ok_and(|number| number <= most), beyond, text)
}

fn hour_minute(text: &str) -> Checked {
    let length = text.chars().count();
    if length != 4 {
        return Err(if length < 4 { Fault::HourMinuteShort } else { Fault::HourMinuteLong }.at(0, length));
    }
    only_digits(text)?;
    Check::Hour.run(&text[..2], Century { year: 0 })?;
    let minute = Check::Minute.run(&text[2..], Century { year: 0 });
    minute.map_err(|finding| Finding { at: finding.at + 2, ..finding })
}

fn percent(text: &str) -> Checked {
    let octets = text.as_bytes();
    for (at, _) in text.match_indices('%') {
        let behind = &octets[at + 1..octets.len().min(at + 3)];
        if behind.len() < 2 || !behind.iter().all(u8::is_ascii_hexdigit) {
            return Err(Fault::Percent.at(text[..at].chars().count(), 1 + behind.len()));
        }
    }
    Ok(())
}

fn degrees(text: &str, most: u64, [length, beyond]: [Fault; 2]) -> Checked {
    hold(text.chars().count() == 10, length, text)?;
    only_digits(text)?;
    hold(text.parse::<u64>().is_ok_and(|number| number <= most), beyond, text)
}

fn piece_of_total(text: &str) -> Checked {
    if text.is_empty() || !text.len().is_multiple_of(2) {
        return Err(Fault::PieceLength.at(0, text.chars().count()));
    }
    only_digits(text)?;
    let half = text.len() / 2;
    let (piece, total) = text.split_at(half);
    let zero = |part: &str| part.bytes().all(|octet| octet == b'0');
    if zero(piece) {
        return Err(Fault::ZeroPiece.at(0, half));
    }
    if zero(total) {
        return Err(Fault::ZeroTotal.at(half, half));
    }
    // Of equal length, so they compare as texts.
    hold(piece <= total, Fault::PieceBeyond, text)
}

fn position_of_end(text: &str) -> Checked {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_digit());
    let Some((position, end)) = text.split_once('/').filter(|(left, right)| digits(left) && digits(right)) else {
        return Err(Fault::Position.at(0, text.chars().count()));
    };
    if position.starts_with('0') {
        return Err(Fault::LeadingZero.at(0, position.len()));
    }
    if end.starts_with('0') {
        return Err(Fault::LeadingZero.at(position.len() + 1, end.len()));
    }
    // Without leading zeros the longer one is the greater one.
    hold((position.len(), position) <= (end.len(), end), Fault::PositionBeyond, text)
}

fn importer(text: &str) -> Checked {
    let mut characters = text.chars();
    let (Some(character), None) = (characters.next(), characters.next()) else {
        return Err(Fault::ImporterLength.at(0, text.chars().count()));
    };
    let known = character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    hold(known, Fault::Importer, text)
}

fn iban(text: &str) -> Checked {
    let length = text.chars().count();
    if length < 11 {
        return Err(Fault::IbanShort.at(0, length));
    }
    if length > 34 {
        return Err(Fault::IbanLong.at(0, length));
    }
    let known = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase();
    if let Some(at) = text.chars().position(|character| !known(character)) {
        return Err(Fault::IbanCharacter.at(at, 1));
    }
    if !COUNTRY2.contains(&text[..2]) {
        return Err(Fault::IbanCountry.at(0, 2));
    }
    let (front, back) = text.split_at(4);
    let remainder = back.bytes().chain(front.bytes()).fold(0, |remainder, octet| match octet {
        b'0'..=b'9' => (remainder * 10 + digit(octet)) % 97,
        _ => (remainder * 100 + u32::from(octet - b'A') + 10) % 97,
    });
    if remainder == 1 { Ok(()) } else { Err(Fault::IbanCheck.at(2, 2)) }
}

/// Codes of equal kind, sorted.
struct List(Vec<&'static str>);

impl List {
    fn contains(&self, code: &str) -> bool {
        self.0.binary_search(&code).is_ok()
    }
}

macro_rules! list {
    ($name:ident, $file:literal, $what:literal) => {
        #[doc = $what]
        static $name: LazyLock<List> = LazyLock::new(|| List(include_str!($file).split_whitespace().collect()));
    };
}

list!(COUNTRY3, "lists/country-numeric.txt", "ISO 3166-1 numeric codes.");
list!(COUNTRY2, "lists/country-alpha.txt", "ISO 3166-1 alpha-2 codes.");
list!(CURRENCY, "lists/currency.txt", "ISO 4217 numeric codes.");
list!(PACKAGE, "lists/package.txt", "Package type codes of GS1 and UN/ECE Recommendation 21.");

fn listed(text: &str, most: usize, list: &List, fault: Fault) -> Checked {
    hold(text.len() <= most && list.contains(text), fault, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_whole_and_sorted() {
        for (list, count) in [(&COUNTRY3, 249), (&COUNTRY2, 249), (&CURRENCY, 179), (&PACKAGE, 431)] {
            assert_eq!(list.0.len(), count);
            assert!(list.0.is_sorted());
        }
        assert_eq!(PRIMES.last(), Some(&509));
    }
}
