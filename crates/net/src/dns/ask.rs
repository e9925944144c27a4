//! Asking a DNS server: by UDP from a port of its own, by TCP if the answer was cut short.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout_at};

use super::HEADER;
use crate::bind;

/// The octet and the bit that say that an answer was cut short (RFC 1035 §4.1.1).
const TRUNCATED: (usize, u8) = (2, 0x02);
/// Octets of the longest UDP answer taken.
const PACKET: usize = 4096;

/// Sends `query` and waits at most `wait` for an answer that `fits` it; the caller's check is what keeps strangers'
/// answers out, beside the fresh port and the kernel's filter by address. Asks again by TCP for one that is cut short.
///
/// Errors: those of the network; `TimedOut`.
pub async fn dns_exchange(
    to: SocketAddr,
    query: &[u8],
    wait: Duration,
    fits: impl Fn(&[u8]) -> bool,
) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + wait;
    let answer = timeout_at(deadline, by_udp(to, query, &fits)).await??;
    let (octet, bit) = TRUNCATED;
    if answer.get(octet).is_none_or(|flags| flags & bit == 0) {
        return Ok(answer);
    }
    let answer = timeout_at(deadline, by_tcp(to, query)).await??;
    if fits(&answer) { Ok(answer) } else { Err(io::ErrorKind::InvalidData.into()) }
}

async fn by_udp(to: SocketAddr, query: &[u8], fits: &impl Fn(&[u8]) -> bool) -> io::Result<Vec<u8>> {
    let local = match to {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::from_std(bind::udp_socket(local, false)?)?;
    socket.connect(to).await?;
    socket.send(query).await?;
    let mut buffer = vec![0; PACKET];
    loop {
        let octets = socket.recv(&mut buffer).await?;
        if let Some(answer) = buffer.get(..octets).filter(|answer| answer.len() >= HEADER && fits(answer)) {
            return Ok(answer.to_vec());
        }
    }
}

async fn by_tcp(to: SocketAddr, query: &[u8]) -> io::Result<Vec<u8>> {
    let length = u16::try_from(query.len()).map_err(io::Error::other)?;
    let mut stream = TcpStream::connect(to).await?;
    stream.write_all(&[&length.to_be_bytes(), query].concat()).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}
