//! One pooled connection, and the use of it for the time of one request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use hufu_net::{Answers, TcpLink};
use tokio::sync::{OnceCell, OwnedSemaphorePermit};
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::pool::Pool;

/// How long a connection attempt may take; the deadline of a request is usually shorter.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a request may wait for its next answer, as a last resort behind the deadlines of callers.
const ANSWER: Duration = Duration::from_secs(300);
/// A connection still open this long after an answer was not closed because of it.
const OUTLIVED: Duration = Duration::from_millis(250);
/// Requests given up one after another, without an answer to any, after which a connection counts as dead.
const SILENT: u32 = 2;

/// A connection that is made when it is first used.
pub(crate) struct Slot {
    address: SocketAddr,
    /// A failure is shared by all who waited for it, and remembered until the pool forgets the slot.
    link: OnceCell<Result<TcpLink, Error>>,
    load: AtomicUsize,
    answered: AtomicU32,
    /// Requests given up since the last answer.
    given_up: AtomicU32,
    born: Instant,
    /// Milliseconds from `born`.
    last_used: AtomicU64,
    _permit: OwnedSemaphorePermit,
}

impl Slot {
    pub(crate) fn new(address: SocketAddr, permit: OwnedSemaphorePermit) -> Self {
        Slot {
            address,
            link: OnceCell::new(),
            load: AtomicUsize::new(0),
            answered: AtomicU32::new(0),
            given_up: AtomicU32::new(0),
            born: Instant::now(),
            last_used: AtomicU64::new(0),
            _permit: permit,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests in flight.
    pub(crate) fn load(&self) -> usize {
        self.load.load(Ordering::SeqCst)
    }

    /// Requests that got an answer.
    pub(crate) fn answered(&self) -> u32 {
        self.answered.load(Ordering::SeqCst)
    }

    /// Counts an answer, and returns how many there were.
    pub(crate) fn note_answer(&self) -> u32 {
        self.touch();
        self.given_up.store(0, Ordering::SeqCst);
        self.answered.fetch_add(1, Ordering::SeqCst).saturating_add(1)
    }

    /// Whether no request can be sent any more, or none ever could.
    pub(crate) fn is_closed(&self) -> bool {
        self.link.get().is_some_and(|link| link.as_ref().map_or(true, TcpLink::is_closed))
    }

    /// Whether nothing comes any more although the connection is open, as when the way to the server is cut.
    pub(crate) fn is_silent(&self) -> bool {
        self.given_up.load(Ordering::SeqCst) >= SILENT
    }

    /// How long ago a request was answered or ended.
    pub(crate) fn unused(&self, now: Instant) -> Duration {
        let last_used = self.born + Duration::from_millis(self.last_used.load(Ordering::Relaxed));
        now.saturating_duration_since(last_used)
    }

    /// Whether the server is seen to keep connections.
    pub(crate) fn outlived_its_answer(&self, now: Instant) -> bool {
        self.answered() > 0 && self.unused(now) >= OUTLIVED && !self.is_closed()
    }

    fn touch(&self) {
        self.last_used.store(self.born.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    async fn link(&self) -> Result<TcpLink, Error> {
        let connect = || async { TcpLink::connect(self.address, CONNECT).await.map_err(Error::from) };
        self.link.get_or_init(connect).await.clone().map_err(|error| match error.kind() {
            ErrorKind::Unreachable => {
                Error::new(ErrorKind::Unreachable, format!("cannot connect to {}: {error}", self.address))
            }
            _ => error,
        })
    }
}

/// The use of a connection by one request, until all its answers are taken.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    slot: Arc<Slot>,
    /// From when the request is sent.
    answers: Option<Answers>,
    answered: bool,
    first: Option<Vec<u8>>,
    /// The request's turn with a server that takes one request at a time on each connection.
    _turn: Option<OwnedSemaphorePermit>,
}

impl Lease {
    pub(crate) fn new(pool: &Arc<Pool>, slot: Arc<Slot>, turn: Option<OwnedSemaphorePermit>) -> Self {
        slot.load.fetch_add(1, Ordering::SeqCst);
        Lease { pool: Arc::clone(pool), slot, answers: None, answered: false, first: None, _turn: turn }
    }

    pub(crate) fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }

    /// Sends a request and waits for its first answer.
    pub(crate) async fn send(&mut self, frame: Vec<u8>) -> Result<(), Error> {
        let answers = self.slot.link().await?.open(frame).await?;
        self.first = Some(self.answers.insert(answers).next(ANSWER).await?);
        self.answered = true;
        Ok(())
    }

    /// The next answer.
    pub(crate) async fn next(&mut self) -> Result<Vec<u8>, Error> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        match &mut self.answers {
            Some(answers) => Ok(answers.next(ANSWER).await?),
            None => Err(Error::new(ErrorKind::Closed, "nothing was asked on this connection")),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.answers.take().is_some() && !self.answered {
            self.slot.given_up.fetch_add(1, Ordering::SeqCst);
        }
        self.slot.touch();
        self.slot.load.fetch_sub(1, Ordering::SeqCst);
        self.pool.released(&self.slot);
    }
}
