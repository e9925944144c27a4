//! The change feed: one entry per write, and its octets on disk.

use hufu_ident::{RecordKey, ValueSet};
use sha2::{Digest as _, Sha256};

/// SHA-256 of a value set in wire form; zeros where a change leaves no value set.
pub type Digest = [u8; 32];

/// One write that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// From 1, without gaps, in commit order.
    pub sequence: u64,
    /// Unix seconds, as the writer gave it.
    pub time: u64,
    /// The record; for [`Operation::Home`], [`Operation::Unhome`] and [`Operation::Move`] the prefix handle
    /// `0.NA/prefix`.
    pub key: RecordKey,
    pub operation: Operation,
    /// Of the value set that was put.
    pub digest: Digest,
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Operation {
    Create = 1,
    Replace = 2,
    Delete = 3,
    Home = 4,
    Unhome = 5,
    Move = 6,
}

impl Operation {
    fn from_octet(octet: u8) -> Option<Self> {
        use Operation::{Create, Delete, Home, Move, Replace, Unhome};
        [Create, Replace, Delete, Home, Unhome, Move].into_iter().find(|operation| *operation as u8 == octet)
    }
}

/// The digest of `values`.
pub(crate) fn digest(values: &ValueSet) -> Digest {
    Sha256::digest(values.as_bytes()).into()
}

/// A log row: `u8 time · u8 records after it · u1 operation · 32 digest · key`, under `u8 sequence`.
pub(crate) fn compose(change: &Change, records: u64) -> Vec<u8> {
    let mut row = Vec::with_capacity(49 + change.key.as_bytes().len());
    row.extend_from_slice(&change.time.to_be_bytes());
    row.extend_from_slice(&records.to_be_bytes());
    row.push(change.operation as u8);
    row.extend_from_slice(&change.digest);
    row.extend_from_slice(change.key.as_bytes());
    row
}

/// Reads a log row back: the change and how many records there were after it.
pub(crate) fn decode(sequence: &[u8], row: &[u8]) -> Option<(Change, u64)> {
    let sequence = u64::from_be_bytes(sequence.try_into().ok()?);
    let (time, row) = row.split_first_chunk::<8>()?;
    let (records, row) = row.split_first_chunk::<8>()?;
    let (operation, row) = row.split_first()?;
    let (digest, key) = row.split_first_chunk::<32>()?;
    let change = Change {
        sequence,
        time: u64::from_be_bytes(*time),
        key: RecordKey::from_bytes(key.to_vec()),
        operation: Operation::from_octet(*operation)?,
        digest: *digest,
    };
    Some((change, u64::from_be_bytes(*records)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_round_trip_and_short_ones_are_refused() {
        let key = RecordKey::from_bytes(b"h88.1\0X".to_vec());
        let change = Change { sequence: 9, time: 7, key, operation: Operation::Replace, digest: [3; 32] };
        let row = compose(&change, 5);
        assert_eq!(decode(&9u64.to_be_bytes(), &row), Some((change, 5)));
        assert!((0..49).all(|end| decode(&9u64.to_be_bytes(), &row[..end]).is_none()));
    }
}
