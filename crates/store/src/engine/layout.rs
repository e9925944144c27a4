//! What stands where on disk, on top of fjall: four keyspaces and the octets of their rows.
//!
//! - `rec`: record key → `u8 version · value set in wire form`
//! - `his`: `u2 length · record key · u8 version` → `u8 until (ms) · value set`: earlier versions, kept where a writer
//!   hands them over
//! - `log`: `u8 sequence` → change (see `change.rs`)
//! - `meta`: `schema` → `u4`; `home/PREFIX` → nothing
//!
//! All integers are big-endian. The newest log row also carries the number of records, so that row is
//! never trimmed and no counter needs a write of its own.

use super::StoreOptions;
use crate::batch::{Earlier, Moving};
use crate::change::{self, Change};
use crate::plan::{After, Plan, Position};
use crate::store::{HomedPrefixes, MovingPrefixes, StoreError, Stored};
use bytes::Bytes;
use fjall::config::{CompressionPolicy, FilterPolicy, PinningPolicy};
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable};
use hufu_ident::{Prefix, RecordKey, ValueSet};
use std::ops::{Bound, Range};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long opening waits for a process that was killed to let go of its lock.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// Journals kept for recovery, in octets: bounds both disk use and the time to open.
const JOURNAL_OCTETS: u64 = 128 << 20;
/// fjall stalls inside a commit at four sealed memtables or thirty runs, without noticing that its worker
/// died; [`Engine::write`] waits outside, below those bounds.
const SEALED_MEMTABLES: usize = 3;
const UNCOMPACTED_TABLES: usize = 20;
const SCHEMA: &str = "schema";
const HOME: &str = "home/";
const MOVING: &str = "moving/";

/// An open database.
pub(crate) struct Engine {
    db: Database,
    rec: Keyspace,
    his: Keyspace,
    log: Keyspace,
    meta: Keyspace,
}

/// A row of `rec`.
pub(crate) fn compose_row(version: u64, values: &ValueSet) -> Vec<u8> {
    let mut row = Vec::with_capacity(8 + values.as_bytes().len());
    row.extend_from_slice(&version.to_be_bytes());
    row.extend_from_slice(values.as_bytes());
    row
}

fn decode_row(row: &[u8]) -> Result<Stored, StoreError> {
    let (version, values) = row.split_first_chunk::<8>().ok_or(StoreError::Damaged("a record row"))?;
    let values = ValueSet::trusted(Bytes::copy_from_slice(values));
    Ok(Stored { version: u64::from_be_bytes(*version), values })
}

/// The key of an earlier version: the length keeps the versions of one record apart from those of longer keys.
pub(crate) fn earlier_key(key: &[u8], version: u64) -> Vec<u8> {
    let mut row = Vec::with_capacity(10 + key.len());
    row.extend_from_slice(&(key.len() as u16).to_be_bytes());
    row.extend_from_slice(key);
    row.extend_from_slice(&version.to_be_bytes());
    row
}

/// A row of `his`.
pub(crate) fn compose_earlier(earlier: &Earlier) -> Vec<u8> {
    compose_row(earlier.until, &earlier.values)
}

fn decode_change(key: &[u8], row: &[u8]) -> Result<(Change, u64), StoreError> {
    change::decode(key, row).ok_or(StoreError::Damaged("a change row"))
}

/// Memtables are small because a process may hold many stores; four of them may wait to be flushed.
fn keyspace(memtable_octets: u64) -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .max_memtable_size(memtable_octets)
        .data_block_compression_policy(CompressionPolicy::new([CompressionType::None, CompressionType::Lz4]))
        .filter_block_pinning_policy(PinningPolicy::all(true))
}

impl Engine {
    /// Opens or creates the database in `path`, waiting some seconds for its lock. fjall keeps the shape
    /// of a keyspace from its creation on; only the cache size follows `options` at each opening.
    pub fn open(path: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        let started = Instant::now();
        let db = loop {
            super::backup::clear_unfinished(path)?;
            // One worker: fjall has lost writes on some platforms with more.
            let builder = Database::builder(path).cache_size(options.cache_octets).worker_threads(1);
            match builder.max_journaling_size(JOURNAL_OCTETS).open() {
                Err(fjall::Error::Locked) if started.elapsed() < LOCK_WAIT => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(fjall::Error::Locked) => return Err(StoreError::Locked(path.to_owned())),
                opened => break opened?,
            }
        };
        Ok(Engine {
            rec: db.keyspace("rec", || keyspace(16 << 20))?,
            his: db.keyspace("his", || keyspace(4 << 20).filter_policy(FilterPolicy::disabled()))?,
            log: db.keyspace("log", || keyspace(8 << 20).filter_policy(FilterPolicy::disabled()))?,
            meta: db.keyspace("meta", || keyspace(1 << 20))?,
            db,
        })
    }

    pub fn version(&self, key: &[u8]) -> Result<Option<u64>, StoreError> {
        let Some(row) = self.rec.get(key)? else {
            return Ok(None);
        };
        let version = row.first_chunk::<8>().ok_or(StoreError::Damaged("a record row"))?;
        Ok(Some(u64::from_be_bytes(*version)))
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<Stored>, StoreError> {
        self.rec.get(key)?.map(|row| decode_row(&row)).transpose()
    }

    pub fn scan(
        &self,
        start: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(RecordKey, Stored)>, StoreError> {
        let from = match after {
            Some(after) if after >= start => Bound::Excluded(after),
            _ => Bound::Included(start),
        };
        let mut page = Vec::new();
        let range: (Bound<&[u8]>, Bound<&[u8]>) = (from, Bound::Unbounded);
        for row in self.db.snapshot().range::<&[u8], _>(&self.rec, range).take(limit) {
            let (key, row) = row.into_inner()?;
            if !key.starts_with(start) {
                break;
            }
            page.push((RecordKey::from_bytes(key.to_vec()), decode_row(&row)?));
        }
        Ok(page)
    }

    /// Earlier versions below `below`, newest first.
    pub fn earlier(&self, key: &[u8], below: u64, limit: usize) -> Result<Vec<Earlier>, StoreError> {
        let (first, end) = (earlier_key(key, 0), earlier_key(key, below));
        let range = (Bound::Included(first.as_slice()), Bound::Excluded(end.as_slice()));
        let rows = self.db.snapshot().range::<&[u8], _>(&self.his, range).rev().take(limit).collect::<Vec<_>>();
        let decode = |row: fjall::Guard| {
            let (key, row) = row.into_inner()?;
            let version = key.last_chunk::<8>().ok_or(StoreError::Damaged("a key of an earlier version"))?;
            let Stored { version: until, values } = decode_row(&row)?;
            Ok(Earlier { version: u64::from_be_bytes(*version), until, values })
        };
        rows.into_iter().map(decode).collect()
    }

    /// Changes after `after`; `oldest` is asked once the snapshot is taken, so nothing is trimmed unseen.
    pub fn changes(&self, after: u64, limit: usize, oldest: impl FnOnce() -> u64) -> Result<Vec<Change>, StoreError> {
        let snapshot = self.db.snapshot();
        let oldest = oldest();
        if after.saturating_add(1) < oldest {
            return Err(StoreError::Trimmed { oldest });
        }
        let from = (Bound::Excluded(after.to_be_bytes()), Bound::Unbounded);
        let rows = snapshot.range(&self.log, from).take(limit);
        rows.map(|row| {
            let (key, row) = row.into_inner()?;
            decode_change(&key, &row).map(|(change, _)| change)
        })
        .collect()
    }

    /// Writes the effects of a plan in one atomic batch and one `fsync`.
    pub fn write(&self, plan: &Plan) -> Result<(), fjall::Error> {
        if plan.effects.is_empty() {
            return Ok(());
        }
        self.await_room()?;
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncAll));
        for effect in &plan.effects {
            let (key, sequence) = (effect.change.key.as_bytes(), effect.change.sequence);
            match &effect.after {
                After::Values(values) => batch.insert(&self.rec, key, compose_row(sequence, values)),
                After::Nothing => batch.remove(&self.rec, key),
                After::Homed(prefix) => batch.insert(&self.meta, home_key(prefix), ""),
                After::Unhomed(prefix) => batch.remove(&self.meta, home_key(prefix)),
                After::Moving(prefix, Some(moving)) => batch.insert(&self.meta, moving_key(prefix), moving.text()),
                After::Moving(prefix, None) => batch.remove(&self.meta, moving_key(prefix)),
            }
            batch.insert(&self.log, sequence.to_be_bytes(), change::compose(&effect.change, effect.records));
        }
        for (key, earlier) in &plan.earlier {
            batch.insert(&self.his, earlier_key(key.as_bytes(), earlier.version), compose_earlier(earlier));
        }
        batch.commit()
    }

    fn await_room(&self) -> Result<(), fjall::Error> {
        let full = |keyspace: &Keyspace| {
            keyspace.sealed_memtable_count() >= SEALED_MEMTABLES || keyspace.l0_table_count() >= UNCOMPACTED_TABLES
        };
        while full(&self.rec) || full(&self.his) || full(&self.log) {
            // Fails once the engine has given up.
            self.db.persist(PersistMode::Buffer)?;
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Removes log rows; not durable by itself, because forgetting twice does no harm.
    pub fn trim(&self, sequences: Range<u64>) -> Result<(), StoreError> {
        let mut batch = self.db.batch();
        sequences.for_each(|sequence| batch.remove(&self.log, sequence.to_be_bytes()));
        Ok(batch.commit()?)
    }

    pub fn position(&self) -> Result<Position, StoreError> {
        self.snapshot().position()
    }

    /// Sequence of the oldest change kept; the next sequence when none is.
    pub fn oldest(&self) -> Result<u64, StoreError> {
        let Some(row) = self.log.first_key_value() else {
            return Ok(self.position()?.sequence + 1);
        };
        let key = row.key()?;
        let sequence = key.first_chunk::<8>().ok_or(StoreError::Damaged("a change row"))?;
        Ok(u64::from_be_bytes(*sequence))
    }

    /// `None` if nobody has written one.
    pub fn schema(&self) -> Result<Option<u32>, StoreError> {
        let Some(value) = self.meta.get(SCHEMA)? else {
            return Ok(None);
        };
        let octets = value.first_chunk::<4>().ok_or(StoreError::Damaged("the schema number"))?;
        Ok(Some(u32::from_be_bytes(*octets)))
    }

    pub fn set_schema(&self, schema: u32) -> Result<(), StoreError> {
        self.meta.insert(SCHEMA, schema.to_be_bytes())?;
        Ok(self.db.persist(PersistMode::SyncAll)?)
    }

    pub fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.rec.is_empty()? && self.log.is_empty()?)
    }

    /// A view of one moment across all keyspaces.
    pub fn snapshot(&self) -> Snapshot<'_> {
        Snapshot { engine: self, at: self.db.snapshot() }
    }

    /// Fills an empty store with rows in key order, past the journal.
    pub fn ingest(
        &self,
        records: impl Iterator<Item = Result<Row, StoreError>>,
        history: impl Iterator<Item = Result<Row, StoreError>>,
        log: impl Iterator<Item = Result<Row, StoreError>>,
        homed: &HomedPrefixes,
        moving: &MovingPrefixes,
    ) -> Result<(u64, u64), StoreError> {
        ingest_into(&self.his, history)?;
        let counts = (ingest_into(&self.rec, records)?, ingest_into(&self.log, log)?);
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncAll));
        homed.iter().for_each(|prefix| batch.insert(&self.meta, home_key(prefix), ""));
        moving.iter().for_each(|(prefix, moving)| batch.insert(&self.meta, moving_key(prefix), moving.text()));
        batch.commit()?;
        Ok(counts)
    }
}

/// A key and its value as they stand on disk.
pub(crate) type Row = (Vec<u8>, Vec<u8>);

fn ingest_into(keyspace: &Keyspace, rows: impl Iterator<Item = Result<Row, StoreError>>) -> Result<u64, StoreError> {
    let mut ingestion = keyspace.start_ingestion()?;
    let mut count = 0;
    for row in rows {
        let (key, value) = row?;
        ingestion.write(key, value)?;
        count += 1;
    }
    ingestion.finish()?;
    Ok(count)
}

fn home_key(prefix: &Prefix) -> String {
    format!("{HOME}{prefix}")
}

fn moving_key(prefix: &Prefix) -> String {
    format!("{MOVING}{prefix}")
}

/// One moment of an [`Engine`].
pub(crate) struct Snapshot<'a> {
    engine: &'a Engine,
    at: fjall::Snapshot,
}

impl Snapshot<'_> {
    pub fn records(&self) -> impl Iterator<Item = Result<Row, StoreError>> {
        rows(self.at.iter(&self.engine.rec))
    }

    pub fn history(&self) -> impl Iterator<Item = Result<Row, StoreError>> {
        rows(self.at.iter(&self.engine.his))
    }

    pub fn log(&self) -> impl Iterator<Item = Result<Row, StoreError>> {
        rows(self.at.iter(&self.engine.log))
    }

    pub fn position(&self) -> Result<Position, StoreError> {
        let Some(row) = self.at.last_key_value(&self.engine.log) else {
            return Ok(Position::default());
        };
        let (key, row) = row.into_inner()?;
        let (change, records) = decode_change(&key, &row)?;
        Ok(Position { sequence: change.sequence, records })
    }

    pub fn homed(&self) -> Result<HomedPrefixes, StoreError> {
        let prefix = |row: fjall::Guard| {
            let key = row.key()?;
            let text = key.get(HOME.len()..).and_then(|octets| std::str::from_utf8(octets).ok());
            text.map(Prefix::folded).ok_or(StoreError::Damaged("a homed prefix"))
        };
        self.at.prefix(&self.engine.meta, HOME).map(prefix).collect()
    }

    pub fn moving(&self) -> Result<MovingPrefixes, StoreError> {
        let damaged = || StoreError::Damaged("a moving prefix");
        let moving = |row: fjall::Guard| {
            let (key, value) = row.into_inner()?;
            let text = key.get(MOVING.len()..).and_then(|octets| std::str::from_utf8(octets).ok());
            let prefix = text.map(Prefix::folded).ok_or_else(damaged)?;
            Ok((prefix, Moving::parse(&value).ok_or_else(damaged)?))
        };
        self.at.prefix(&self.engine.meta, MOVING).map(moving).collect()
    }
}

fn rows(iter: fjall::Iter) -> impl Iterator<Item = Result<Row, StoreError>> {
    iter.map(|row| {
        let (key, value) = row.into_inner()?;
        Ok((key.to_vec(), value.to_vec()))
    })
}
