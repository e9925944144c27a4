//! What a caller asks to be written, and what may come of it.

use hufu_ident::{Prefix, RecordKey, ValueSet};
use std::sync::Arc;

/// Most writes in one batch.
pub const BATCH_WRITES: usize = 10_000;
/// Most octets in one batch, keys and value sets together (32 MiB).
pub const BATCH_OCTETS: usize = 32 << 20;
/// Most octets of a record key; at least one.
pub const KEY_OCTETS: usize = 4096;

/// Writes that happen together or not at all, in this order.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// At most [`BATCH_WRITES`]; later writes see earlier ones.
    pub writes: Vec<Write>,
    /// Unix seconds, for the change feed.
    pub time: u64,
    /// Versions that these writes end, to be kept beside the records; at most [`BATCH_WRITES`].
    pub earlier: Vec<(RecordKey, Earlier)>,
}

/// A version of a record that was, and until when it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Sequence of the change that wrote it.
    pub version: u64,
    /// Unix milliseconds at which another took its place.
    pub until: u64,
    pub values: ValueSet,
}

/// One write; each becomes exactly one change of the feed, even where it leaves everything as it was.
#[derive(Debug, Clone)]
pub enum Write {
    /// Creates or replaces the record under `key`.
    Put { key: RecordKey, values: ValueSet, condition: Condition },
    /// Removes the record under `key`, if there is one.
    Delete { key: RecordKey, condition: Condition },
    /// This store answers for the prefix from now on.
    Home(Prefix),
    /// It no longer does; records stay.
    Unhome(Prefix),
    /// The prefix is on its way out of this store or into it; `None` for neither.
    Move(Prefix, Option<Moving>),
}

/// Which way a prefix moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moving {
    /// Nothing below it is written, so that what was copied stays whole: [`CommitError::Moving`].
    Out,
    /// What is below it is written before this store answers for it.
    In,
    /// It is served elsewhere. Who remembers the old delegation is sent on; what is here is for those who cannot be.
    /// Nothing is written.
    Left,
}

impl Moving {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Moving::Out => "out",
            Moving::In => "in",
            Moving::Left => "left",
        }
    }

    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        [Moving::Out, Moving::In, Moving::Left].into_iter().find(|moving| moving.text().as_bytes() == text)
    }
}

/// What must hold of a record just before its write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Condition {
    /// Nothing.
    #[default]
    Any,
    /// There is no record.
    Absent,
    /// There is a record.
    Present,
    /// There is a record of this version.
    Version(u64),
}

impl Condition {
    /// Whether it holds where the record has version `found`.
    pub fn holds(self, found: Option<u64>) -> bool {
        match self {
            Condition::Any => true,
            Condition::Absent => found.is_none(),
            Condition::Present => found.is_some(),
            Condition::Version(version) => found == Some(version),
        }
    }
}

/// A batch that is on disk. Write number `i` (from 0) has sequence `first + i`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Sequence of the first write.
    pub first: u64,
    /// Sequence of the last write; `first - 1` for an empty batch.
    pub last: u64,
}

/// Why a batch was not written. Only [`CommitError::Engine`] leaves its outcome open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// A condition does not hold. Nothing of the batch was written.
    #[error("write {write} met version {found:?}")]
    Conflict {
        /// Which write of the batch, from 0.
        write: usize,
        /// The version it found.
        found: Option<u64>,
    },
    /// The prefix moves to another store, so nothing below it is written. Nothing of the batch was.
    #[error("the prefix {prefix} is moving")]
    Moving { prefix: Prefix },
    /// The batch breaks a bound of this crate.
    #[error("{what}: {size}, at most {limit}")]
    TooLarge { what: &'static str, size: usize, limit: usize },
    /// A key has no octets.
    #[error("a record key is empty")]
    EmptyKey,
    /// The queue is full; nothing was written, try again later.
    #[error("too many batches wait to be written")]
    Busy,
    /// The store cannot write now (disk full, …) and says why; nothing was written, reads go on.
    #[error("the store refuses writes: {0}")]
    ReadOnly(Arc<str>),
    /// The engine failed during this very commit: the batch is there as a whole or not at all, and which
    /// of the two is known only once the store writes again. Read before repeating.
    #[error("the outcome is unknown: {0}")]
    Engine(Arc<str>),
    /// The store was closed before it took the batch.
    #[error("the store is closed")]
    Closed,
}

impl Batch {
    /// Writes that leave nothing of what was before.
    pub fn new(writes: Vec<Write>, time: u64) -> Self {
        Batch { writes, time, earlier: Vec::new() }
    }

    /// Octets of keys and value sets.
    pub(crate) fn octets(&self) -> usize {
        let of = |write: &Write| match write {
            Write::Put { key, values, .. } => key.as_bytes().len() + values.as_bytes().len(),
            Write::Delete { key, .. } => key.as_bytes().len(),
            Write::Home(prefix) | Write::Unhome(prefix) | Write::Move(prefix, _) => prefix.as_str().len(),
        };
        let kept = |(key, earlier): &(RecordKey, Earlier)| key.as_bytes().len() + earlier.values.as_bytes().len();
        self.writes.iter().map(of).sum::<usize>() + self.earlier.iter().map(kept).sum::<usize>()
    }

    /// Checks the bounds; returns the octets.
    pub(crate) fn check(&self) -> Result<usize, CommitError> {
        let octets = self.octets();
        within("the number of writes", self.writes.len(), BATCH_WRITES)?;
        within("the number of earlier versions", self.earlier.len(), BATCH_WRITES)?;
        within("the octets of a batch", octets, BATCH_OCTETS)?;
        for write in &self.writes {
            if let Write::Put { key, .. } | Write::Delete { key, .. } = write {
                let size = key.as_bytes().len();
                within("the octets of a key", size, KEY_OCTETS)?;
                if size == 0 {
                    return Err(CommitError::EmptyKey);
                }
            }
        }
        for (key, _) in &self.earlier {
            within("the octets of a key", key.as_bytes().len(), KEY_OCTETS)?;
        }
        Ok(octets)
    }
}

fn within(what: &'static str, size: usize, limit: usize) -> Result<(), CommitError> {
    if size > limit { Err(CommitError::TooLarge { what, size, limit }) } else { Ok(()) }
}
