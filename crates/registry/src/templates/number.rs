//! Decimal numbers of any length as text, and ranges of them. Pure; nothing is rounded.

use std::cmp::Ordering;
use std::fmt;

/// Most digits before and after the point together, as databases keep them.
pub const DIGITS: usize = 38;
/// Longest text that is read.
const TEXT: usize = 100;

/// A number without superfluous zeros: `-12.5`, `0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// Digits before the point, none for 0.
    whole: String,
    /// Digits after it.
    fraction: String,
}

impl Decimal {
    /// Reads `1`, `-0.50`, `+3`, `1e5`, `1.2E-3`; `None` if it is no number or has too many digits to be written out.
    pub fn parse(text: &str) -> Option<Decimal> {
        if text.len() > TEXT {
            return None;
        }
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?),
            None => (text, 0_i32),
        };
        let negative = mantissa.starts_with('-');
        let plain = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
        let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
        let digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
        let bare = whole.is_empty() || (plain.contains('.') && fraction.is_empty());
        if bare || !digits(whole) || !digits(fraction) || !(-200..=200).contains(&exponent) {
            return None;
        }
        let (mut whole, mut fraction) = (whole.to_owned(), fraction.to_owned());
        for _ in 0..exponent.unsigned_abs() {
            match exponent > 0 {
                true if fraction.is_empty() => whole.push('0'),
                true => whole.push(fraction.remove(0)),
                false => fraction.insert(0, whole.pop().unwrap_or('0')),
            }
        }
        let whole = whole.trim_start_matches('0').to_owned();
        let fraction = fraction.trim_end_matches('0').to_owned();
        let negative = negative && !(whole.is_empty() && fraction.is_empty());
        Some(Decimal { negative, whole, fraction })
    }

    /// Digits before and after the point.
    pub fn digits(&self) -> usize {
        self.whole.len() + self.fraction.len()
    }

    /// Digits after the point.
    pub fn decimals(&self) -> usize {
        self.fraction.len()
    }

    fn magnitude(&self, other: &Decimal) -> Ordering {
        let whole = self.whole.len().cmp(&other.whole.len()).then_with(|| self.whole.cmp(&other.whole));
        // Without zeros at the end, the order of texts is that of fractions.
        whole.then_with(|| self.fraction.cmp(&other.fraction))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let whole = if self.whole.is_empty() { "0" } else { &self.whole };
        match self.fraction.is_empty() {
            true => write!(f, "{sign}{whole}"),
            false => write!(f, "{sign}{whole}.{}", self.fraction),
        }
    }
}

/// One end of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub at: Decimal,
    /// The end itself belongs to the range.
    pub closed: bool,
}

/// A range: `[1,10)`, `(0,]` or `(0,)` without an upper end, `(,100]` without a lower one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    pub low: Option<End>,
    pub high: Option<End>,
}

impl Range {
    /// Reads a range; `None` if it is none, or if no number lies in it.
    pub fn parse(text: &str) -> Option<Range> {
        let text = text.trim();
        let low_closed = text.starts_with('[');
        let high_closed = text.ends_with(']');
        let inner = text.strip_prefix(['[', '('])?.strip_suffix([']', ')'])?;
        let (low, high) = inner.split_once([',', '，'])?;
        let end = |text: &str, closed: bool| match text.trim() {
            "" => Some(None),
            number => Decimal::parse(number).map(|at| Some(End { at, closed })),
        };
        let range = Range { low: end(low, low_closed)?, high: end(high, high_closed)? };
        let empty = match (&range.low, &range.high) {
            (Some(low), Some(high)) => match low.at.cmp(&high.at) {
                Ordering::Less => false,
                Ordering::Equal => !(low.closed && high.closed),
                Ordering::Greater => true,
            },
            _ => false,
        };
        (!empty).then_some(range)
    }

    pub fn contains(&self, number: &Decimal) -> bool {
        let above = self.low.as_ref().is_none_or(|low| *number > low.at || (low.closed && *number == low.at));
        let below = self.high.as_ref().is_none_or(|high| *number < high.at || (high.closed && *number == high.at));
        above && below
    }

    /// Whether every number of this one lies in the other.
    pub fn lies_in(&self, other: &Range) -> bool {
        let within = |mine: &Option<End>, theirs: &Option<End>, outward: Ordering| match (mine, theirs) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(mine), Some(theirs)) => match mine.at.cmp(&theirs.at) {
                Ordering::Equal => theirs.closed || !mine.closed,
                order => order != outward,
            },
        };
        within(&self.low, &other.low, Ordering::Less) && within(&self.high, &other.high, Ordering::Greater)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap_or_else(|| panic!("{text} is a number"))
    }

    #[test]
    fn numbers_are_written_in_one_way() {
        let cases = [
            ("0", "0"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("007", "7"),
            ("+3", "3"),
            ("1.50", "1.5"),
            ("1e5", "100000"),
            ("1.25e1", "12.5"),
            ("1.2E-3", "0.0012"),
            ("12e-1", "1.2"),
            ("1e+38", "100000000000000000000000000000000000000"),
            ("-12.5", "-12.5"),
        ];
        for (text, canonical) in cases {
            assert_eq!(number(text).to_string(), canonical, "{text}");
        }
        for wrong in ["", "-", ".", "1.", ".5", "1,000", "0x10", "1e", "e5", "1e999", "NaN", "inf", "１", " 1", "--1"]
        {
            assert_eq!(Decimal::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_have_the_order_of_numbers() {
        let ordered = ["-1e38", "-12.5", "-12.05", "-1", "0", "0.009", "0.01", "0.1", "1", "9.99", "10", "100", "1e38"];
        for pair in ordered.windows(2) {
            assert!(number(pair[0]) < number(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn ranges_with_open_and_missing_ends() {
        let cases = [
            ("[1,10)", "1", true),
            ("[1,10)", "10", false),
            ("[1,10)", "9.9999999999999999999999999", true),
            ("(1,10]", "1", false),
            ("(1,10]", "10", true),
            ("[0,]", "1e38", true),
            ("[0,)", "-0.1", false),
            ("(,100]", "-1e37", true),
            ("(,)", "5", true),
            ("[ -40 ， 85 ]", "-40", true),
        ];
        for (range, value, inside) in cases {
            let range_read = Range::parse(range).unwrap_or_else(|| panic!("{range} is a range"));
            assert_eq!(range_read.contains(&number(value)), inside, "{value} in {range}");
        }
        for wrong in ["", "1,10", "[1;10]", "[10,1]", "[1,1)", "[a,b]", "[1,10", "[1,2,3]"] {
            assert_eq!(Range::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_range_lies_in_another() {
        let lies = |inner: &str, outer: &str| {
            Range::parse(inner).zip(Range::parse(outer)).is_some_and(|(inner, outer)| inner.lies_in(&outer))
        };
        assert!(lies("[1,10)", "[1,10]") && lies("(1,2)", "[1,2]") && lies("[5,6]", "(,)"));
        assert!(!lies("[1,10]", "[1,10)") && !lies("(,5]", "[0,5]") && !lies("[0,11]", "[0,10]"));
    }
}
