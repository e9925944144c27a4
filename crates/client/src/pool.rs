//! TCP connections that are kept and shared.
//!
//! Some servers keep a connection and answer many requests on it; others answer one request and close. A server
//! is taken for one of the latter until it has shown otherwise: only questions that can be asked again share its
//! connections, and changes go alone.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::lease::{Lease, Slot};

/// Connections in all, and kept for each address.
const CONNECTIONS: usize = 256;
const KEPT: usize = 4;
/// Requests on a connection before the next one is opened, as long as there are fewer than [`KEPT`].
const COMFORT: usize = 32;
/// Connections to one address that carry a single request each.
const ALONE: usize = 32;
/// Addresses remembered.
const PEERS: usize = 4096;
/// How long a connection is kept without use, and how often that is looked at.
const IDLE: Duration = Duration::from_secs(60);
const SWEEP: Duration = Duration::from_secs(10);
/// How long it is remembered that a server closes after one answer.
const SINGLE_FOR: Duration = Duration::from_secs(300);
/// A connection that ends this soon after its first answer was ended because of it.
const SOON: Duration = Duration::from_secs(5);

/// What a connection is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// May be sent again on another connection.
    Question,
    /// May be carried out although no answer came, so it is sent once.
    Change,
    /// Has many answers, which are taken as slowly as the asker likes: shares no connection, as the others' answers
    /// would wait behind.
    Stream,
}

/// The connections to all servers.
pub(crate) struct Pool {
    peers: Mutex<Peers>,
    permits: Arc<Semaphore>,
    /// Requests that wait for one of the [`CONNECTIONS`].
    waiting: AtomicUsize,
}

#[derive(Default)]
struct Peers {
    by_address: HashMap<SocketAddr, Peer>,
    /// A task closes what is idle; it ends when there is nothing left.
    swept: bool,
}

/// What is known of one server.
struct Peer {
    slots: Vec<Arc<Slot>>,
    habit: Habit,
    alone: Arc<Semaphore>,
}

/// What a server does with a connection after its first answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Habit {
    Unknown,
    Keeps,
    /// Closes it; forgotten at the given time.
    Closes(Instant),
}

impl Default for Peer {
    fn default() -> Self {
        Peer { slots: Vec::new(), habit: Habit::Unknown, alone: Arc::new(Semaphore::new(ALONE)) }
    }
}

impl Peer {
    /// Forgets closed connections and old habits, and learns from both.
    fn refresh(&mut self, now: Instant) {
        if matches!(self.habit, Habit::Closes(until) if until <= now) {
            self.habit = Habit::Unknown;
        }
        for slot in self.slots.extract_if(.., |slot| slot.is_closed()) {
            if slot.answered() == 1 && slot.unused(now) < SOON {
                self.habit = Habit::Closes(now + SINGLE_FOR);
            }
        }
        if self.habit == Habit::Unknown && self.slots.iter().any(|slot| slot.outlived_its_answer(now)) {
            self.habit = Habit::Keeps;
        }
    }

    /// Whether a request may go where others are in flight.
    fn shares(&self, purpose: Use) -> bool {
        match (purpose, self.habit) {
            (Use::Stream, _) | (_, Habit::Closes(_)) => false,
            (Use::Question, _) => true,
            (Use::Change, habit) => habit == Habit::Keeps,
        }
    }

    /// A connection that may carry one more request: the one with least to do.
    fn share(&self, purpose: Use) -> Option<Arc<Slot>> {
        let slots = self.slots.iter().filter(|_| self.shares(purpose));
        let best = slots.min_by_key(|slot| slot.load())?;
        (best.load() < COMFORT || self.slots.len() >= KEPT).then(|| Arc::clone(best))
    }

    fn is_forgettable(&self) -> bool {
        self.slots.is_empty() && self.habit == Habit::Unknown && self.alone.available_permits() == ALONE
    }
}

impl Pool {
    pub(crate) fn new() -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        Arc::new(Pool { peers: Mutex::default(), permits, waiting: AtomicUsize::new(0) })
    }

    /// Sends a request; returns once its first answer has come.
    pub(crate) async fn open(self: &Arc<Self>, to: SocketAddr, purpose: Use, frame: Vec<u8>) -> Result<Lease, Error> {
        if purpose != Use::Question {
            return self.attempt(to, purpose, frame).await;
        }
        match self.attempt(to, purpose, frame.clone()).await {
            Err(error) if error.kind() == ErrorKind::Closed => self.attempt(to, purpose, frame).await,
            result => result,
        }
    }

    async fn attempt(self: &Arc<Self>, to: SocketAddr, purpose: Use, frame: Vec<u8>) -> Result<Lease, Error> {
        let mut lease = self.lease(to, purpose).await?;
        match lease.send(frame).await {
            Ok(()) => {
                self.answered(lease.slot(), purpose);
                Ok(lease)
            }
            Err(error) => {
                self.failed(lease.slot(), error.kind());
                Err(error)
            }
        }
    }

    /// A connection for one request: shared if that is safe, else a new one.
    async fn lease(self: &Arc<Self>, to: SocketAddr, purpose: Use) -> Result<Lease, Error> {
        let alone = {
            let mut peers = self.lock();
            let peer = peers.peer(to);
            peer.refresh(Instant::now());
            if let Some(slot) = peer.share(purpose) {
                return Ok(Lease::new(self, slot, None));
            }
            Arc::clone(&peer.alone)
        };
        let permit = self.permit().await?;
        {
            let mut peers = self.lock();
            let peer = peers.peer(to);
            // While this request waited, another may have opened what both can use.
            if let Some(slot) = peer.share(purpose) {
                return Ok(Lease::new(self, slot, None));
            }
            if peer.shares(purpose) && peer.slots.len() < KEPT {
                let slot = Arc::new(Slot::new(to, permit));
                peer.slots.push(Arc::clone(&slot));
                self.sweep(&mut peers);
                return Ok(Lease::new(self, slot, None));
            }
        }
        // Not holding a connection's permit while waiting for a turn with this server.
        drop(permit);
        let turn = alone.acquire_owned().await.map_err(|_| exhausted())?;
        Ok(Lease::new(self, Arc::new(Slot::new(to, self.permit().await?)), Some(turn)))
    }

    /// Leave for one more connection; what is idle makes room.
    async fn permit(&self) -> Result<OwnedSemaphorePermit, Error> {
        let permits = Arc::clone(&self.permits);
        if let Ok(permit) = Arc::clone(&permits).try_acquire_owned() {
            return Ok(permit);
        }
        let _waiting = Waiting::new(&self.waiting);
        self.lock().close_longest_idle();
        permits.acquire_owned().await.map_err(|_| exhausted())
    }

    /// Notes an answer, and keeps the connection of a request that went alone if it turns out to stay open.
    fn answered(self: &Arc<Self>, slot: &Arc<Slot>, purpose: Use) {
        let answered = slot.note_answer();
        let mut peers = self.lock();
        let peer = peers.peer(slot.address());
        if answered >= 2 && peer.habit == Habit::Unknown {
            peer.habit = Habit::Keeps;
        }
        let known = peer.slots.iter().any(|kept| Arc::ptr_eq(kept, slot));
        let worthy = purpose != Use::Stream && !matches!(peer.habit, Habit::Closes(_)) && !slot.is_closed();
        if worthy && !known && peer.slots.len() < KEPT {
            peer.slots.push(Arc::clone(slot));
            self.sweep(&mut peers);
        }
    }

    /// Forgets a connection that has ended, and learns from when it did.
    fn failed(&self, slot: &Arc<Slot>, why: ErrorKind) {
        let ended = why == ErrorKind::Closed;
        let mut peers = self.lock();
        if ended && slot.answered() <= 1 {
            peers.peer(slot.address()).habit = Habit::Closes(Instant::now() + SINGLE_FOR);
        }
        if ended || slot.is_closed() {
            peers.forget(slot);
        }
    }

    /// Sees to it that idle connections are closed.
    fn sweep(self: &Arc<Self>, peers: &mut Peers) {
        if std::mem::replace(&mut peers.swept, true) {
            return;
        }
        let pool = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                let Some(pool) = pool.upgrade() else { return };
                let mut peers = pool.lock();
                peers.close_idle(Instant::now());
                if peers.by_address.is_empty() {
                    peers.swept = false;
                    return;
                }
            }
        });
    }

    /// A request is done with its connection, which is closed if it went silent, or is idle and others wait for
    /// leave to open one.
    pub(crate) fn released(&self, slot: &Arc<Slot>) {
        let makes_room = slot.load() == 0 && self.waiting.load(Ordering::SeqCst) > 0;
        if makes_room || slot.is_silent() {
            self.lock().forget(slot);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Peers> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Peers {
    fn peer(&mut self, address: SocketAddr) -> &mut Peer {
        if self.by_address.len() >= PEERS && !self.by_address.contains_key(&address) {
            self.by_address.retain(|_, peer| !peer.slots.is_empty());
        }
        self.by_address.entry(address).or_default()
    }

    fn close_idle(&mut self, now: Instant) {
        for peer in self.by_address.values_mut() {
            peer.refresh(now);
            peer.slots.retain(|slot| slot.load() > 0 || slot.unused(now) < IDLE);
            if peer.slots.is_empty() && peer.habit == Habit::Keeps {
                peer.habit = Habit::Unknown;
            }
        }
        self.by_address.retain(|_, peer| !peer.is_forgettable());
    }

    fn close_longest_idle(&mut self) {
        let now = Instant::now();
        let idle = self.by_address.values().flat_map(|peer| &peer.slots).filter(|slot| slot.load() == 0);
        let Some(oldest) = idle.max_by_key(|slot| slot.unused(now)).cloned() else {
            return;
        };
        self.forget(&oldest);
    }

    /// It is closed when the last request on it ends.
    fn forget(&mut self, slot: &Arc<Slot>) {
        if let Some(peer) = self.by_address.get_mut(&slot.address()) {
            peer.slots.retain(|kept| !Arc::ptr_eq(kept, slot));
        }
    }
}

fn exhausted() -> Error {
    Error::new(ErrorKind::Busy, "no connections are opened any more")
}

/// One request that waits, counted.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
