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
