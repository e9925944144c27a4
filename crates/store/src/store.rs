//! What every store can do: the traits, their nouns and their errors.

use crate::batch::{Batch, Earlier, Moving};
use crate::change::Change;
use crate::receipt::Receipt;
use hufu_ident::systems::handle::kind;
use hufu_ident::{CaseRule, Delegation, Prefix, RecordKey, ValueSet};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A record as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Sequence of the change that wrote it.
    pub version: u64,
    pub values: ValueSet,
}

/// The prefixes a store answers for.
pub type HomedPrefixes = BTreeSet<Prefix>;

/// The prefixes that are on their way out of a store or into it.
pub type MovingPrefixes = BTreeMap<Prefix, Moving>;

/// Records by key, and the feed of their changes.
///
/// Reads see whole commits only and never wait for writes. They block for as long as the disk takes.
pub trait Records: Send + Sync {
    /// The record under `key` (the octets of a [`RecordKey`]).
    fn get(&self, key: &[u8]) -> Result<Option<Stored>, StoreError>;

    /// Up to `limit` records in key order whose keys start with `start`, strictly after the key `after`.
    /// All from one moment; the next page may be from a later one.
    fn scan(&self, start: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<(RecordKey, Stored)>, StoreError>;

    /// Queues a batch. It is durable once the receipt resolves to `Ok`; batches are written in the order
    /// in which they were queued. Never blocks: a full queue is [`crate::CommitError::Busy`].
    fn commit(&self, batch: Batch) -> Receipt;

    /// Up to `limit` changes with a sequence above `after`, ascending and without gaps;
    /// [`StoreError::Trimmed`] where some of them are no longer kept.
    fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, StoreError>;

    /// Up to `limit` earlier versions of the record under `key`, newest first: those below the version `below`.
    /// Only writers that hand them over leave any.
    fn earlier(&self, key: &[u8], below: u64, limit: usize) -> Result<Vec<Earlier>, StoreError>;

    /// Forgets the changes with a sequence below `before`, but never the newest one; says how many.
    fn trim_changes(&self, before: u64) -> Result<u64, StoreError>;

    /// Sequence of the newest change; 0 before the first.
    fn last_sequence(&self) -> u64;

    /// Writes a copy of one moment to `to`, which must not exist, while reads and writes go on; blocks
    /// until it is durable. The copy opens as a [`crate::DiskStore`].
    fn backup(&self, to: &Path) -> Result<BackupReport, StoreError>;

    /// How much is kept. Lists the data directory, so ask once in some seconds, not per query.
    fn size(&self) -> StoreSize;

    /// Why writes are refused at present; `None` while they are accepted.
    fn refusing_writes(&self) -> Option<Arc<str>>;
}

/// Which prefixes are answered for here and where the others are.
pub trait Delegations: Records {
    /// A snapshot of all homed prefixes.
    fn homed(&self) -> Arc<HomedPrefixes>;

    /// Whether this store answers for exactly this prefix.
    fn is_homed(&self, prefix: &Prefix) -> bool {
        self.homed().contains(prefix)
    }

    /// A snapshot of all prefixes that move.
    fn moving(&self) -> Arc<MovingPrefixes>;

    /// What the prefix handle `0.NA/prefix` kept here says: the sites of the prefix's identifiers, or,
    /// `for_prefixes`, of the prefixes derived from it. `None` if it names no site or is not kept here.
    fn delegation(&self, prefix: &Prefix, for_prefixes: bool) -> Result<Option<Delegation>, StoreError> {
        // Names under `0.` fold under either rule, so the rule does not matter here.
        let key = prefix.handle().key(CaseRule::Insensitive);
        let Some(stored) = self.get(key.as_bytes())? else {
            return Ok(None);
        };
        Ok(delegation_in(prefix, &stored.values, for_prefixes))
    }
}

/// What the values of the prefix handle of `prefix` say about its service; see [`Delegations::delegation`].
pub fn delegation_in(prefix: &Prefix, values: &ValueSet, for_prefixes: bool) -> Option<Delegation> {
    let kinds = if for_prefixes { &kind::PREFIX_SERVICE } else { &kind::SERVICE };
    let wanted = values.iter().filter(|value| kind::is_one_of(value.kind, kinds));
    let values: Vec<_> = wanted.map(|value| value.to_value()).collect();
    (!values.is_empty()).then(|| Delegation { prefix: prefix.clone(), for_prefixes, values })
}

/// Everything a node asks of its store.
pub trait Store: Delegations {}

impl<T: Delegations> Store for T {}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupReport {
    /// Sequence of the newest change in it.
    pub sequence: u64,
    pub records: u64,
    pub changes: u64,
    /// Octets on disk.
    pub octets: u64,
}

/// How much a store keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreSize {
    /// Exact.
    pub records: u64,
    /// Octets that the files occupy on disk (in memory: of keys and value sets).
    pub octets: u64,
}

/// Why a store cannot be opened, read or copied.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The storage engine failed.
    #[error("the storage engine failed: {0}")]
    Engine(String),
    /// The file system failed.
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// Another process has the store open.
    #[error("another process has {} open", .0.display())]
    Locked(PathBuf),
    /// The store was written by a version of this program that we cannot follow.
    #[error("{} has schema {found}; this program knows {known} and no step leads there", path.display())]
    Schema { path: PathBuf, found: u32, known: u32 },
    /// A row is not what was written.
    #[error("damaged: {0}")]
    Damaged(&'static str),
    /// The change feed begins later than asked.
    #[error("changes before sequence {oldest} are no longer kept")]
    Trimmed { oldest: u64 },
    /// The target of a backup is there already.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The store is being opened again after a failure.
    #[error("the store is being reopened")]
    Unavailable,
}

impl StoreError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
        let path = path.to_owned();
        move |source| StoreError::Io { path, source }
    }
}

impl From<fjall::Error> for StoreError {
    fn from(error: fjall::Error) -> Self {
        StoreError::Engine(error.to_string())
    }
}
