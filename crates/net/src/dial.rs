//! Asking by UDP: retransmission, and answers that come in several packets.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use thiserror::Error;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use crate::bind;
use crate::frame::{self, ENVELOPE, FrameError, Head, MESSAGE};
use crate::reassembly::{Misfit, Partial};

/// How the reference client waits after each sending: it then asks by TCP.
pub const UDP_WAITS: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_millis(1000), Duration::from_millis(1500)];

/// No answer.
#[derive(Debug, Error)]
pub enum DialError {
    /// The network or the peer's machine refuses.
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("no answer in time")]
    TimedOut,
    /// The connection ended before the answer; a new connection may be tried.
    #[error("connection closed before the answer")]
    Closed,
    /// As many requests are in flight on the connection as it takes.
    #[error("too many requests in flight on the connection")]
    Busy,
    /// A request with this id is in flight on the connection.
    #[error("request id {0} is in flight already")]
    InFlight(u32),
    /// What the caller gave is not an envelope and a message of the stated length.
    #[error("not a whole frame")]
    NotAFrame,
    /// What the server sent cannot be framed.
    #[error("malformed answer: {0}")]
    Malformed(#[from] FrameError),
}

/// The envelope of a frame that is to be sent, once it is seen to be whole.
pub(crate) fn head_of(frame: &[u8]) -> Result<Head, DialError> {
    Head::read(frame).filter(|head| frame.len() - ENVELOPE == head.length as usize).ok_or(DialError::NotAFrame)
}

/// Asks by UDP: sends the frame, split into packets as needed, and again after each of `waits` until a
/// whole answer has come from that address and port with the request's id. Answers are put together by
/// their length; anything else that arrives is ignored.
///
/// Errors: [`DialError::TimedOut`] after the last wait, [`DialError::Io`] at once if the peer's machine
/// says that nobody listens.
pub async fn udp_exchange(to: SocketAddr, frame: &[u8], waits: &[Duration]) -> Result<Vec<u8>, DialError> {
    let request_id = head_of(frame)?.request_id;
    let mut packets = Vec::new();
    frame::split(frame, |envelope, payload| packets.push([envelope, payload].concat()));
    let local = match to {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::from_std(bind::udp_socket(local, false)?)?;
    // The kernel then passes on nothing from elsewhere.
    socket.connect(to).await?;
    let mut buffer = vec![0; 64 << 10];
    let mut partial = None;
    for wait in waits {
        let deadline = Instant::now() + *wait;
        for packet in &packets {
            socket.send(packet).await?;
        }
        while let Ok(received) = timeout_at(deadline, socket.recv(&mut buffer)).await {
            if let Some(answer) = take(&mut partial, &buffer[..received?], request_id) {
                return Ok(answer);
            }
        }
    }
    Err(DialError::TimedOut)
}

/// Takes one packet; returns the answer when it is whole.
fn take(partial: &mut Option<Partial>, packet: &[u8], request_id: u32) -> Option<Vec<u8>> {
    let head = Head::read(packet).filter(|head| head.request_id == request_id)?;
    let length = head.frame_length(MESSAGE).ok()?;
    if head.sequence == 0 && packet.len() >= length {
        return Some(packet[..length].to_vec());
    }
    let begun = match partial {
        Some(begun) => begun,
        None => partial.insert(Partial::of(packet)?),
    };
    let complete = begun.add(packet).or_else(|Misfit| {
        // The answer to a retransmission may differ from the first; the later one is taken.
        *begun = Partial::of(packet).ok_or(Misfit)?;
        begun.add(packet)
    });
    if complete == Ok(true) { partial.take().map(Partial::join) } else { None }
}
