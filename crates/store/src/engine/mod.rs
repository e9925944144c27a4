//! The store on disk: fjall below, one writer thread above, readers beside it.
//!
//! A failed write or `fsync` poisons fjall: it writes no more, while reads go on. The store then refuses
//! writes with the reason and, at most once a second when somebody wants to write, tries whether the disk
//! takes octets again; if so it closes the database, opens it anew and goes on. Reads wait for those
//! moments, at most [`REOPEN_WAIT`].
//!
//! That is for lack of room only. After another I/O error on the journal (a broken disk) the system may have
//! dropped octets that a later read still shows, so nothing more is built on them: the store stays read-only
//! until somebody has looked at the disk and starts it again.

mod backup;
mod layout;
mod upgrade;
mod watch;
mod writer;

pub(crate) use backup::copy_to;
pub(crate) use layout::{compose_earlier, compose_row, earlier_key};

use crate::batch::{Batch, CommitError, Earlier};
use crate::change::Change;
use crate::plan::Position;
use crate::receipt::Receipt;
use crate::store::{BackupReport, Delegations, HomedPrefixes, MovingPrefixes, Records, StoreError, StoreSize, Stored};
use arc_swap::{ArcSwap, ArcSwapOption};
use hufu_ident::{Prefix, RecordKey};
use layout::Engine;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use watch::{Pulse, Watchdog};
use writer::Writer;

/// How long a read waits for the database to be opened again before it is [`StoreError::Unavailable`].
const REOPEN_WAIT: Duration = Duration::from_secs(2);
/// How long reopening waits for readers to leave the old database.
const READERS_WAIT: Duration = Duration::from_secs(5);
/// A commit that takes longer is an incident, and new batches are refused until it ends.
const STALL: Duration = Duration::from_secs(10);
/// Changes trimmed in one go.
const TRIM_CHANGES: u64 = 10_000;

/// How a store on disk is opened.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Cache of blocks in memory, in octets (default 64 MiB). Write buffers come on top: usually below
    /// 50 MiB, at most 120 MiB while the disk cannot follow.
    pub cache_octets: u64,
    /// Newest changes to keep; older ones are trimmed as new ones come, in strides. `None` keeps them all.
    pub changes_kept: Option<u64>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions { cache_octets: 64 << 20, changes_kept: None }
    }
}

/// Records and delegations in a folder of their own. Dropping it writes what is queued, then closes it.
///
/// At most 4096 batches and 64 MiB wait to be written; more are [`CommitError::Busy`]. Up to 512 of them,
/// until 8 MiB are reached, share one `fsync`.
pub struct DiskStore {
    // Dropped in this order: the writer first drains its queue.
    writer: Writer,
    _watchdog: Watchdog,
    shared: Arc<Shared>,
}

/// What the writer, the readers and the watchdog have in common.
struct Shared {
    path: PathBuf,
    options: StoreOptions,
    /// Absent only while it is being opened again.
    engine: ArcSwapOption<Engine>,
    homed: ArcSwap<HomedPrefixes>,
    moving: ArcSwap<MovingPrefixes>,
    sequence: AtomicU64,
    records: AtomicU64,
    /// Sequence of the oldest change kept.
    oldest: AtomicU64,
    trimming: Mutex<()>,
    /// Held during a backup, which must keep its database.
    copying: Mutex<()>,
    /// Why writes are refused.
    refusing: ArcSwapOption<Arc<str>>,
    pulse: Pulse,
}

impl DiskStore {
    /// Opens the store in the folder `path`, or creates it, for this user only.
    ///
    /// A lock that somebody holds is waited for, 5 s at most. A store of an older schema is upgraded in
    /// place; a newer one is refused.
    pub fn open(path: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        backup::create_folder(path)?;
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            options,
            engine: ArcSwapOption::empty(),
            homed: ArcSwap::default(),
            moving: ArcSwap::default(),
            sequence: AtomicU64::new(0),
            records: AtomicU64::new(0),
            oldest: AtomicU64::new(0),
            trimming: Mutex::new(()),
            copying: Mutex::new(()),
            refusing: ArcSwapOption::empty(),
            pulse: Pulse::new(),
        });
        shared.open_engine()?;
        let writer = Writer::spawn(Arc::clone(&shared))?;
        let _watchdog = Watchdog::spawn(Arc::clone(&shared))?;
        Ok(DiskStore { writer, _watchdog, shared })
    }
}

impl Shared {
    fn open_engine(&self) -> Result<(), StoreError> {
        let engine = Engine::open(&self.path, &self.options)?;
        upgrade::upgrade(&engine, &self.path, upgrade::SCHEMA, upgrade::STEPS)?;
        let position = engine.position()?;
        self.oldest.store(engine.oldest()?, Ordering::Release);
        self.homed.store(Arc::new(engine.snapshot().homed()?));
        self.moving.store(Arc::new(engine.snapshot().moving()?));
        self.engine.store(Some(Arc::new(engine)));
        self.publish(position);
        Ok(())
    }

    /// Closes the database and opens it again; not while a backup runs.
    fn reopen(&self) -> Result<(), StoreError> {
        let Ok(_copying) = self.copying.try_lock() else {
            return Err(StoreError::Unavailable);
        };
        let started = Instant::now();
        if let Some(old) = self.engine.swap(None) {
            // Its lock is free once the last reader has left.
            while Arc::strong_count(&old) > 1 && started.elapsed() < READERS_WAIT {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        self.open_engine()
    }

    /// Runs a read on the database.
    fn read<T>(&self, run: impl FnOnce(&Engine) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if let Some(engine) = &*self.engine.load() {
            return run(engine);
        }
        run(&*self.await_engine()?)
    }

    fn await_engine(&self) -> Result<Arc<Engine>, StoreError> {
        let started = Instant::now();
        loop {
            if let Some(engine) = self.engine.load_full() {
                return Ok(engine);
            }
            if started.elapsed() > REOPEN_WAIT {
                return Err(StoreError::Unavailable);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn position(&self) -> Position {
        let sequence = self.sequence.load(Ordering::Acquire);
        Position { sequence, records: self.records.load(Ordering::Acquire) }
    }

    fn publish(&self, position: Position) {
        self.records.store(position.records, Ordering::Release);
        self.sequence.store(position.sequence, Ordering::Release);
    }

    fn trim(&self, before: u64) -> Result<u64, StoreError> {
        let _trimming = lock(&self.trimming);
        let oldest = self.oldest.load(Ordering::Acquire);
        let before = before.min(self.sequence.load(Ordering::Acquire));
        let mut from = oldest;
        while from < before {
            let to = before.min(from + TRIM_CHANGES);
            // First the bound, then the rows: a reader meets a refusal rather than a gap.
            self.oldest.store(to, Ordering::Release);
            self.read(|engine| engine.trim(from..to))?;
            from = to;
        }
        Ok(before.saturating_sub(oldest))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Records for DiskStore {
    fn get(&self, key: &[u8]) -> Result<Option<Stored>, StoreError> {
        self.shared.read(|engine| engine.get(key))
    }

    fn scan(&self, start: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<(RecordKey, Stored)>, StoreError> {
        self.shared.read(|engine| engine.scan(start, after, limit))
    }

    fn commit(&self, batch: Batch) -> Receipt {
        if let Some(time) = self.shared.pulse.busy_for().filter(|time| *time > STALL) {
            let reason = format!("a commit has been under way for {} s", time.as_secs());
            return Receipt::ready(Err(CommitError::ReadOnly(reason.into())));
        }
        self.writer.submit(batch)
    }

    fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, StoreError> {
        let oldest = || self.shared.oldest.load(Ordering::Acquire);
        self.shared.read(|engine| engine.changes(after, limit, oldest))
    }

    fn earlier(&self, key: &[u8], below: u64, limit: usize) -> Result<Vec<Earlier>, StoreError> {
        self.shared.read(|engine| engine.earlier(key, below, limit))
    }

    fn trim_changes(&self, before: u64) -> Result<u64, StoreError> {
        self.shared.trim(before)
    }

    fn last_sequence(&self) -> u64 {
        self.shared.sequence.load(Ordering::Acquire)
    }

    fn backup(&self, to: &Path) -> Result<BackupReport, StoreError> {
        let _copying = lock(&self.shared.copying);
        self.shared.read(|engine| {
            let snapshot = engine.snapshot();
            let sequence = snapshot.position()?.sequence;
            let marks = (&snapshot.homed()?, &snapshot.moving()?);
            copy_to(to, sequence, snapshot.records(), snapshot.history(), snapshot.log(), marks)
        })
    }

    fn size(&self) -> StoreSize {
        let records = self.shared.records.load(Ordering::Acquire);
        StoreSize { records, octets: backup::octets_on_disk(&self.shared.path) }
    }

    fn refusing_writes(&self) -> Option<Arc<str>> {
        self.shared.refusing.load().as_deref().cloned()
    }
}

impl Delegations for DiskStore {
    fn homed(&self) -> Arc<HomedPrefixes> {
        self.shared.homed.load_full()
    }

    fn is_homed(&self, prefix: &Prefix) -> bool {
        self.shared.homed.load().contains(prefix)
    }

    fn moving(&self) -> Arc<MovingPrefixes> {
        self.shared.moving.load_full()
    }
}
