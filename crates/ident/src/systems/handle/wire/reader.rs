//! A bounded cursor over received octets, and the few writers it mirrors.

use std::fmt;

/// What is wrong with received octets, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireError {
    /// Octets from the start of what was being read.
    pub at: usize,
    /// The field.
    pub field: &'static str,
    /// The rule it breaks.
    pub rule: &'static str,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at octet {}: {}", self.field, self.at, self.rule)
    }
}

impl std::error::Error for WireError {}

/// Reads big-endian fields; every length and count is checked against the octets that are left.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, at: 0 }
    }

    pub fn position(&self) -> usize {
        self.at
    }

    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The octets read since `start`, a former [`Reader::position`].
    pub fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.at]
    }

    pub fn error(&self, field: &'static str, rule: &'static str) -> WireError {
        WireError { at: self.at, field, rule }
    }

    pub fn take(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], WireError> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or(WireError { at: self.at, field, rule: "more octets announced than are left" })?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    pub fn u8(&mut self, field: &'static str) -> Result<u8, WireError> {
        Ok(self.take(1, field)?[0])
    }

    pub fn u16(&mut self, field: &'static str) -> Result<u16, WireError> {
        let two = self.take(2, field)?;
        Ok(u16::from_be_bytes([two[0], two[1]]))
    }

    pub fn u32(&mut self, field: &'static str) -> Result<u32, WireError> {
        let four = self.take(4, field)?;
        Ok(u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
    }

    /// A `u4` length and that many octets.
    pub fn bytes(&mut self, field: &'static str) -> Result<&'a [u8], WireError> {
        let length = self.u32(field)? as usize;
        self.take(length, field)
    }

    /// A `u4` count of things that are at least `smallest` octets each.
    pub fn count(&mut self, field: &'static str, smallest: usize) -> Result<u32, WireError> {
        let count = self.u32(field)?;
        match (count as usize).checked_mul(smallest) {
            Some(needed) if needed <= self.remaining() => Ok(count),
            _ => Err(WireError { at: self.at - 4, field, rule: "more items announced than octets are left" }),
        }
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        self.at = self.bytes.len();
        rest
    }

    /// An error unless all octets were read.
    pub fn finish(&self, field: &'static str) -> Result<(), WireError> {
        match self.remaining() {
            0 => Ok(()),
            _ => Err(self.error(field, "octets are left over")),
        }
    }
}

pub fn put_u16(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_be_bytes());
}

pub fn put_u32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_be_bytes());
}

/// A `u4` length and the octets.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u32(out, bytes.len() as u32);
    out.extend_from_slice(bytes);
}
