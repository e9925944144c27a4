//! Asking any server by any transport, with everything that is worth sharing between questions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hufu_ident::systems::handle::Protocol;
use hufu_ident::systems::handle::wire::{ENVELOPE_OCTETS, HEADER_OCTETS, OpCode};
use hufu_net::{DialError, UDP_WAITS, udp_exchange};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::answers::{Answers, Source};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::pool::{Pool, Use};
use crate::tunnel::Tunnel;

/// Questions by UDP in flight at once; each has a socket of its own.
const UDP_IN_FLIGHT: usize = 1024;
/// Where the request id stands in an envelope (RFC 3652 §2.1.1).
const REQUEST_ID: std::ops::Range<usize> = 8..12;
/// Where the response code stands in a frame.
const RESPONSE_CODE: std::ops::Range<usize> = ENVELOPE_OCTETS + 4..ENVELOPE_OCTETS + 8;

/// Carries frames to servers and their answers back. Clones share connections; one per process is enough.
///
/// Bounds: 1024 questions by UDP at once; by TCP 4 kept connections for each address, 256 in all, closed after 60 s
/// without use; by HTTP 256 requests at once. What does not fit waits within its deadline.
#[derive(Clone)]
pub struct Exchange {
    inner: Arc<Inner>,
}

struct Inner {
    ids: RequestIds,
    sockets: Semaphore,
    pool: Arc<Pool>,
    tunnel: Tunnel,
}

impl Default for Exchange {
    fn default() -> Self {
        Exchange::new()
    }
}

impl Exchange {
    /// Speaks no HTTPS; see [`Exchange::with_tls`].
    pub fn new() -> Self {
        Exchange::with_tunnel(Tunnel::new(None))
    }

    /// Makes HTTPS connections by this configuration. Certificates have to name the endpoint's IP address.
    pub fn with_tls(tls: rustls::ClientConfig) -> Self {
        Exchange::with_tunnel(Tunnel::new(Some(tls)))
    }

    fn with_tunnel(tunnel: Tunnel) -> Self {
        let (ids, sockets, pool) = (RequestIds::random(), Semaphore::new(UDP_IN_FLIGHT), Pool::new());
        Exchange { inner: Arc::new(Inner { ids, sockets, pool, tunnel }) }
    }

    /// Sends `frame` (an envelope and its whole message) and returns the frame that answers it, or the first of
    /// several. On the way the request id is another one; the answer carries the caller's again, so a signature over
    /// the answer's envelope can be checked only if `frame` is sent by other means.
    ///
    /// UDP: sent anew after 500 and 1500 ms, given up after 3000 ms. TCP: many requests share a connection; if the
    /// server closes it early, a request that changes nothing is sent once more on another.
    ///
    /// Errors: [`ErrorKind::TimedOut`] after `deadline` or the last retransmission, [`ErrorKind::Unreachable`],
    /// [`ErrorKind::Closed`], [`ErrorKind::Malformed`] if what comes back is no answer, [`ErrorKind::Invalid`] if
    /// `frame` is not a frame. Answers that say "no" are answers.
    pub async fn ask(&self, to: &Endpoint, frame: &[u8], deadline: Duration) -> Result<Vec<u8>, Error> {
        let exchange = async { self.open(to, frame).await?.next().await };
        timeout(deadline, exchange).await.unwrap_or_else(|_| Err(Error::timed_out()))
    }

    /// Sends `frame` and returns its answers one by one, the first having come. Bounds no time.
    pub(crate) async fn open(&self, to: &Endpoint, frame: &[u8]) -> Result<Answers, Error> {
        self.open_for(to, frame, use_for(op_of(frame)?)).await
    }

    /// [`Exchange::open`] of an operation whose answer may be many frames that are taken slowly.
    pub(crate) async fn open_stream(&self, to: &Endpoint, frame: &[u8]) -> Result<Answers, Error> {
        self.open_for(to, frame, op_of(frame).map(|_| Use::Stream)?).await
    }

    async fn open_for(&self, to: &Endpoint, frame: &[u8], purpose: Use) -> Result<Answers, Error> {
        let mut frame = frame.to_vec();
        let asked = frame[REQUEST_ID].to_vec();
        let id = match to.protocol {
            // A socket of its own keeps answers apart; the id shall be hard to guess for who cannot see it.
            Protocol::Udp => (rand::random::<u32>() >> 1).max(1),
            _ => self.inner.ids.next(),
        };
        frame[REQUEST_ID].copy_from_slice(&id.to_be_bytes());
        let source = match to.protocol {
            Protocol::Udp => Source::One(Some(self.ask_udp(to, purpose, &frame).await?)),
            Protocol::Tcp => Source::Link(self.inner.pool.open(to.address, purpose, frame).await?),
            Protocol::Http | Protocol::Https => Source::Body(self.inner.tunnel.open(to, frame).await?),
            Protocol::Other(_) => return Err(unsupported("this protocol cannot be spoken")),
        };
        Ok(Answers::new(source, move |answer| restore(answer, id, &asked)))
    }

    async fn ask_udp(&self, to: &Endpoint, purpose: Use, frame: &[u8]) -> Result<Vec<u8>, Error> {
        if purpose == Use::Stream {
            return Err(unsupported("listings need TCP or HTTP"));
        }
        let closed = |_| Error::new(ErrorKind::Busy, "no sockets are given out any more");
        let _permit = self.inner.sockets.acquire().await.map_err(closed)?;
        Ok(udp_exchange(to.address, frame, &UDP_WAITS).await?)
    }
}

/// Questions may be sent twice without harm; listings are many messages (RFC 3652 §3.6).
fn use_for(op: OpCode) -> Use {
    match op {
        OpCode::RESOLUTION | OpCode::GET_SITE_INFO => Use::Question,
        OpCode::LIST_HANDLES | OpCode::LIST_DERIVED_PREFIXES | OpCode::LIST_HOMED_NAS => Use::Stream,
        _ => Use::Change,
    }
}

/// The operation of a frame that has at least an envelope and a header.
fn op_of(frame: &[u8]) -> Result<OpCode, Error> {
    match frame.get(ENVELOPE_OCTETS..ENVELOPE_OCTETS + HEADER_OCTETS) {
        Some([a, b, c, d, ..]) => Ok(OpCode(u32::from_be_bytes([*a, *b, *c, *d]))),
        _ => Err(Error::invalid("a frame is an envelope of 20 and a message of at least 24 octets")),
    }
}

/// Checks that a frame is an answer to request `id`, and gives it the asker's id.
fn restore(answer: &mut [u8], id: u32, asked: &[u8]) -> Result<(), Error> {
    op_of(answer).map_err(|_| Error::malformed("the answer is shorter than its header"))?;
    if answer[REQUEST_ID] != id.to_be_bytes() {
        return Err(Error::malformed("the answer is to another request"));
    }
    // In an encrypted message this is ciphertext; no session of ours asks for one.
    if answer[RESPONSE_CODE] == [0; 4] {
        return Err(Error::malformed("a request came back instead of an answer"));
    }
    answer[REQUEST_ID].copy_from_slice(asked);
    Ok(())
}

fn unsupported(text: &str) -> Error {
    Error::new(ErrorKind::Unsupported, text)
}

impl From<DialError> for Error {
    fn from(error: DialError) -> Self {
        let kind = match error {
            DialError::Io(_) => ErrorKind::Unreachable,
            DialError::TimedOut => ErrorKind::TimedOut,
            DialError::Closed => ErrorKind::Closed,
            DialError::Busy | DialError::InFlight(_) => ErrorKind::Busy,
            DialError::NotAFrame => ErrorKind::Invalid,
            DialError::Malformed(_) => ErrorKind::Malformed,
        };
        Error::new(kind, error.to_string())
    }
}

/// Request ids: one after another from a random start, never 0, below 2^31 because some peers read signed numbers.
pub(crate) struct RequestIds(AtomicU32);

impl RequestIds {
    pub(crate) fn random() -> Self {
        RequestIds(AtomicU32::new(rand::random()))
    }

    pub(crate) fn next(&self) -> u32 {
        match self.0.fetch_add(1, Ordering::Relaxed) & 0x7FFF_FFFF {
            0 => 0x7FFF_FFFF,
            id => id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_positive() {
        let ids = RequestIds(AtomicU32::new(0x7FFF_FFFE));
        let next: Vec<u32> = (0..4).map(|_| ids.next()).collect();
        assert_eq!(next, [0x7FFF_FFFE, 0x7FFF_FFFF, 0x7FFF_FFFF, 1]);
    }
}
