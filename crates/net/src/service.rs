//! What a node gives to the sockets: a [`Service`], told who asks and where replies go.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;
use tokio::sync::mpsc;

use crate::frame::FrameError;

/// How a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    Udp,
    Tcp,
    Http,
    Https,
}

/// A connection, unique in the process; [`ConnectionId::NONE`] for UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId(u64);

impl ConnectionId {
    /// No connection: a datagram.
    pub const NONE: ConnectionId = ConnectionId(0);

    pub(crate) fn next() -> ConnectionId {
        static LAST: AtomicU64 = AtomicU64::new(0);
        ConnectionId(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The number behind it, for logs and keys.
    pub fn get(self) -> u64 {
        self.0
    }
}

/// Who is asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    pub address: SocketAddr,
    pub transport: Transport,
    pub connection: ConnectionId,
}

/// What became of a frame on the hot path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The answer stands in `out`.
    Answered,
    /// The answer takes time: [`Service::answer_later`] is to be called with the same frame.
    Later,
    /// There is nothing to say, as to a frame that is itself an answer.
    Drop,
}

/// What answers frames.
pub trait Service: Send + Sync + 'static {
    /// Answers at once into `out`: one or more whole frames, not split into packets. `frame` is whole too,
    /// also if it came in several packets. `out` is empty when called.
    ///
    /// This is the hot path: it must not wait, and may run on a thread that is not of the main runtime,
    /// so it must not spawn either. A frame that is an answer (response code other than 0) must be
    /// [`Outcome::Drop`]ped, or two servers can be made to talk to each other for ever.
    fn answer(&self, frame: &[u8], peer: &Peer, out: &mut Vec<u8>) -> Outcome;

    /// Answers a frame for which [`Service::answer`] said [`Outcome::Later`], with any number of frames.
    /// Runs as a task of the runtime on which the server's `run` was called. It is not stopped when the
    /// peer goes away; `replies` then reports [`Closed`].
    fn answer_later(
        self: Arc<Self>,
        frame: Vec<u8>,
        peer: Peer,
        replies: Replies,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// A TCP connection ended and none of its requests is in flight any more.
    fn closed(&self, connection: ConnectionId) {
        let _ = connection;
    }

    /// The stream or packet cannot be framed. What is put into `out` is sent before the connection is
    /// closed. `envelope` holds what was read of it: 20 octets, or fewer after [`FrameError::TimedOut`].
    fn malformed(&self, envelope: &[u8], reason: FrameError, out: &mut Vec<u8>) {
        let _ = (envelope, reason, out);
    }
}

/// Where the frames of a slow answer go. Cheap to clone; the answer is complete when the future of
/// [`Service::answer_later`] is done and all clones are dropped.
#[derive(Clone, Debug)]
pub struct Replies {
    queue: mpsc::Sender<Vec<u8>>,
}

/// Nobody waits for the answer any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the peer is gone")]
pub struct Closed;

impl Replies {
    /// A queue of `capacity` frames (at least one), for callers of a [`Service`] other than the sockets,
    /// such as the HTTP tunnel and tests.
    pub fn channel(capacity: usize) -> (Replies, mpsc::Receiver<Vec<u8>>) {
        let (queue, frames) = mpsc::channel(capacity.max(1));
        (Replies { queue }, frames)
    }

    /// Sends one whole frame; waits while the queue is full.
    pub async fn send(&self, frame: Vec<u8>) -> Result<(), Closed> {
        self.queue.send(frame).await.map_err(|_| Closed)
    }
}
