//! The time, taken here and passed on as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix milliseconds.
pub fn millis() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

/// Unix seconds.
pub fn seconds() -> u64 {
    millis() / 1000
}

/// The year, in UTC.
pub fn year() -> u16 {
    let now = i64::try_from(seconds()).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let year = now.map(|now| now.to_zoned(jiff::tz::TimeZone::UTC).year());
    year.and_then(|year| u16::try_from(year).ok()).unwrap_or(1970)
}
