//! The one thread that writes: a bounded queue, groups, and what to do when the disk says no.

use super::Shared;
use crate::batch::{Batch, CommitError};
use crate::plan::{Plan, Position};
use crate::receipt::{Outcome, Receipt};
use crate::store::StoreError;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Most batches that wait.
const QUEUE_BATCHES: usize = 4096;
/// Most octets that wait (64 MiB).
const QUEUE_OCTETS: usize = 64 << 20;
/// Most batches of one group.
const GROUP_BATCHES: usize = 512;
/// No further batch joins a group of this many octets (8 MiB).
const GROUP_OCTETS: usize = 8 << 20;
/// Pause between two attempts to write again.
const PROBE_PAUSE: Duration = Duration::from_secs(1);
/// Octets that the disk must take before the database is opened again (4 MiB).
const PROBE_OCTETS: usize = 4 << 20;
/// Changes above `changes_kept` that are trimmed in one stride.
const TRIM_STRIDE: u64 = 1_000;

struct Request {
    batch: Batch,
    octets: usize,
    reply: oneshot::Sender<Outcome>,
}

/// The queue and its thread; dropping it writes what is queued, then ends the thread.
pub(super) struct Writer {
    queue: Option<SyncSender<Request>>,
    waiting: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub fn spawn(shared: Arc<Shared>) -> Result<Self, StoreError> {
        let (queue, requests) = mpsc::sync_channel(QUEUE_BATCHES);
        let waiting = Arc::new(AtomicUsize::new(0));
        let path = shared.path.clone();
        let mut work = Work { shared, waiting: Arc::clone(&waiting), probed: Instant::now(), given_up: false };
        let thread = thread::Builder::new().name("store-write".into());
        let thread = thread.spawn(move || work.run(&requests)).map_err(StoreError::io(&path))?;
        Ok(Writer { queue: Some(queue), waiting, thread: Some(thread) })
    }

    /// Queues a batch, or says at once why not.
    pub fn submit(&self, batch: Batch) -> Receipt {
        self.try_submit(batch).unwrap_or_else(|error| Receipt::ready(Err(error)))
    }

    fn try_submit(&self, batch: Batch) -> Result<Receipt, CommitError> {
        let octets = batch.check()?;
        let queue = self.queue.as_ref().ok_or(CommitError::Closed)?;
        let waiting = self.waiting.fetch_add(octets, Ordering::Relaxed);
        let (reply, receiver) = oneshot::channel();
        let sent = if waiting + octets > QUEUE_OCTETS {
            Err(CommitError::Busy)
        } else {
            queue.try_send(Request { batch, octets, reply }).map_err(|error| match error {
                TrySendError::Full(_) => CommitError::Busy,
                TrySendError::Disconnected(_) => CommitError::Closed,
            })
        };
        if sent.is_err() {
            self.waiting.fetch_sub(octets, Ordering::Relaxed);
        }
        sent.map(|()| Receipt::waiting(receiver))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The writer thread's own.
struct Work {
    shared: Arc<Shared>,
    waiting: Arc<AtomicUsize>,
    /// When writing was last tried while it is refused.
    probed: Instant,
    /// Writing is not tried again: see the module `engine`.
    given_up: bool,
}

impl Work {
    fn run(&mut self, requests: &Receiver<Request>) {
        while let Ok(first) = requests.recv() {
            let group = self.gather(first, requests);
            self.shared.pulse.start();
            self.commit(group);
            self.trim();
            self.shared.pulse.stop();
        }
    }

    /// Whatever waits already. There is no pause for more: while one group is on its way to the disk, the
    /// next one gathers by itself.
    fn gather(&self, first: Request, requests: &Receiver<Request>) -> Vec<Request> {
        let mut octets = first.octets;
        let mut group = vec![first];
        while group.len() < GROUP_BATCHES && octets < GROUP_OCTETS {
            let Ok(request) = requests.try_recv() else { break };
            octets += request.octets;
            group.push(request);
        }
        self.waiting.fetch_sub(octets, Ordering::Relaxed);
        group
    }

    fn commit(&mut self, group: Vec<Request>) {
        if let Err(reason) = self.ensure_writable() {
            for request in group {
                answer(request.reply, Err(CommitError::ReadOnly(Arc::clone(&reason))));
            }
            return;
        }
        let shared = &self.shared;
        let mut plan = Plan::from(shared.position(), shared.moving.load_full());
        let mut outcomes = Vec::with_capacity(group.len());
        for request in group {
            let stored = |key: &[u8]| shared.read(|engine| engine.version(key));
            outcomes.push((request.reply, plan.add(request.batch, stored)));
        }
        let written = shared.engine.load_full().map(|engine| engine.write(&plan));
        match written {
            Some(Ok(())) => {
                self.publish(&plan);
                outcomes.into_iter().for_each(|(reply, outcome)| answer(reply, outcome));
            }
            Some(Err(error)) => {
                let reason = self.refuse(&error);
                // A poisoned engine looks before it writes; any other failure may have struck half-way.
                let open = !matches!(error, fjall::Error::Poisoned);
                outcomes.into_iter().for_each(|(reply, outcome)| fail(reply, outcome, open, &reason));
            }
            None => outcomes.into_iter().for_each(|(reply, _)| answer(reply, Err(CommitError::Closed))),
        }
    }

    fn publish(&self, plan: &Plan) {
        if let Some(homed) = plan.homed(&self.shared.homed.load()) {
            self.shared.homed.store(Arc::new(homed));
        }
        if !Arc::ptr_eq(&plan.moving, &self.shared.moving.load()) {
            self.shared.moving.store(plan.moving.clone());
        }
        self.shared.publish(plan.position);
    }

    fn refuse(&mut self, error: &fjall::Error) -> Arc<str> {
        let reason: Arc<str> = match error {
            fjall::Error::Io(error) => error.to_string(),
            fjall::Error::Poisoned => "the storage engine gave up after an earlier failure".to_owned(),
            other => other.to_string(),
        }
        .into();
        self.given_up = matches!(error, fjall::Error::Io(error) if !is_lack_of_room(error));
        let lasting = self.given_up;
        tracing::error!(%reason, lasting, path = %self.shared.path.display(), "the store refuses writes");
        self.shared.refusing.store(Some(Arc::new(Arc::clone(&reason))));
        self.probed = Instant::now();
        reason
    }

    /// Passes while all is well; otherwise tries now and then to write again.
    fn ensure_writable(&mut self) -> Result<(), Arc<str>> {
        let Some(reason) = self.shared.refusing.load().as_deref().cloned() else {
            return Ok(());
        };
        if self.given_up || self.probed.elapsed() < PROBE_PAUSE {
            return Err(reason);
        }
        let tried = probe(&self.shared.path).map_err(StoreError::io(&self.shared.path));
        let tried = tried.and_then(|()| self.shared.reopen());
        self.probed = Instant::now();
        if let Err(error) = tried {
            tracing::warn!(%error, %reason, "the store still refuses writes");
            return Err(reason);
        }
        self.shared.refusing.store(None);
        let Position { sequence, records } = self.shared.position();
        tracing::info!(sequence, records, "the store accepts writes again");
        Ok(())
    }

    fn trim(&self) {
        let Some(kept) = self.shared.options.changes_kept else {
            return;
        };
        let oldest = self.shared.oldest.load(Ordering::Acquire);
        let before = (self.shared.position().sequence + 1).saturating_sub(kept);
        if before < oldest + TRIM_STRIDE || self.shared.refusing.load().is_some() {
            return;
        }
        // Bounded, so that a bound set late does not hold up the writers.
        if let Err(error) = self.shared.trim(before.min(oldest + super::TRIM_CHANGES)) {
            tracing::warn!(%error, "old changes could not be trimmed");
        }
    }
}

fn answer(reply: oneshot::Sender<Outcome>, outcome: Outcome) {
    // Nobody may be waiting for it any more.
    let _ = reply.send(outcome);
}

/// Answers after a failed commit. A batch that was refused anyway wrote nothing, but a conflict may have
/// been with a batch that failed as well, so it is not told.
fn fail(reply: oneshot::Sender<Outcome>, planned: Outcome, open: bool, reason: &Arc<str>) {
    let reason = Arc::clone(reason);
    let error = if open && planned.is_ok() { CommitError::Engine(reason) } else { CommitError::ReadOnly(reason) };
    answer(reply, Err(error));
}

fn is_lack_of_room(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// Whether the disk takes some octets.
fn probe(folder: &Path) -> io::Result<()> {
    let path = folder.join("probe");
    let written = File::create(&path).and_then(|mut file| {
        file.write_all(&vec![0x5A; PROBE_OCTETS])?;
        file.sync_all()
    });
    let removed = fs::remove_file(&path);
    written.and(removed)
}
