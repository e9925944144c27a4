//! Durations and sizes as people write them: `"500ms"`, `"2h"`, `"64KiB"`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// A duration: a number and `ms`, `s`, `m`, `h` or `d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

/// A size in octets: a number and `B`, `KiB`, `MiB` or `GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Octets(pub u64);

const SPANS: [(&str, u64); 5] = [("ms", 1), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl Span {
    pub const fn seconds(seconds: u64) -> Self {
        Span(Duration::from_secs(seconds))
    }

    pub const fn millis(millis: u64) -> Self {
        Span(Duration::from_millis(millis))
    }
}

impl Octets {
    pub const fn mebi(count: u64) -> Self {
        Octets(count << 20)
    }

    pub const fn kibi(count: u64) -> Self {
        Octets(count << 10)
    }
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let (unit, factor) = units.iter().find(|(unit, _)| text.ends_with(unit))?;
    let number: u64 = text[..text.len() - unit.len()].trim().replace('_', "").parse().ok()?;
    number.checked_mul(*factor)
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let millis = parse(&text, &SPANS);
        let rule = || serde::de::Error::custom(format!("{text:?} is no duration; write \"500ms\", \"30s\", \"2h\""));
        millis.map(Span::millis).ok_or_else(rule)
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let rule = || serde::de::Error::custom(format!("{text:?} is no size; write \"512B\", \"64KiB\", \"1GiB\""));
        parse(&text, &SIZES).map(Octets).ok_or_else(rule)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_millis() {
            millis if millis.is_multiple_of(1000) => write!(f, "{}s", millis / 1000),
            millis => write!(f, "{millis}ms"),
        }
    }
}

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) =
            SIZES.iter().find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor)).unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_read_and_write() {
        assert_eq!(parse("500ms", &SPANS), Some(500));
        assert_eq!(parse("2h", &SPANS), Some(7_200_000));
        assert_eq!(parse("1 m", &SPANS), Some(60_000));
        assert_eq!(parse("64KiB", &SIZES), Some(65_536));
        assert_eq!(parse("64", &SIZES), None);
        assert_eq!(Octets::mebi(64).to_string(), "64MiB");
        assert_eq!(Span::millis(1500).to_string(), "1500ms");
    }
}
