//! One TCP connection of the DNS server: each message behind two octets of length, many in flight, answers in any
//! order (RFC 7766 §6.2, §7).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{DnsService, HEADER, call};
use crate::context::Context;
use crate::counters;
use crate::service::{ConnectionId, Peer, Transport};

/// How long a connection without a question is kept (RFC 7766 §6.2.3 asks for seconds, not minutes).
const IDLE: Duration = Duration::from_secs(15);
/// Octets of the length in front of a message.
const LENGTH: usize = 2;
/// Octets asked of the socket at once.
const READ: usize = 4 << 10;

pub(super) async fn serve(stream: TcpStream, address: SocketAddr, service: Arc<dyn DnsService>, context: Arc<Context>) {
    let peer = Peer { address, transport: Transport::Tcp, connection: ConnectionId::next() };
    let (reader, writer) = stream.into_split();
    let input = BytesMut::new();
    let mut talk = Talk { reader, writer, input, answers: JoinSet::new(), peer, service, context };
    if let Err(error) = talk.converse().await {
        tracing::debug!(%error, "DNS connection broken");
    }
}

struct Talk {
    reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
    /// Octets read and not yet answered.
    input: BytesMut,
    answers: JoinSet<Option<Vec<u8>>>,
    peer: Peer,
    service: Arc<dyn DnsService>,
    context: Arc<Context>,
}

impl Talk {
    async fn converse(&mut self) -> io::Result<()> {
        let context = Arc::clone(&self.context);
        let stop = context.shutdown.triggered();
        tokio::pin!(stop);
        let mut moved = Instant::now();
        let mut reading = true;
        while reading || !self.answers.is_empty() {
            let room = self.answers.len() < context.limits.in_flight.max(1);
            let limit = if self.input.is_empty() { IDLE.min(context.limits.idle) } else { context.limits.read };
            tokio::select! {
                Some(answer) = self.answers.join_next(), if !self.answers.is_empty() => {
                    if let Ok(Some(answer)) = answer {
                        self.write(&answer).await?;
                    }
                    moved = Instant::now();
                }
                read = self.reader.read_buf(&mut self.input), if reading && room => {
                    let octets = read?;
                    counters::add(&context.counters.octets_in, octets);
                    reading = octets > 0 && self.take_messages().await;
                    moved = Instant::now();
                }
                () = tokio::time::sleep_until(moved + limit), if reading && self.answers.is_empty() => reading = false,
                () = &mut stop, if reading => reading = false,
            }
        }
        self.writer.shutdown().await
    }

    /// Starts the answers to all whole messages that are there; `false` if the stream makes no sense.
    async fn take_messages(&mut self) -> bool {
        while let Some((length, behind)) = self.input.split_at_checked(LENGTH) {
            let length = length.iter().fold(0, |number, octet| number << 8 | usize::from(*octet));
            if length < HEADER {
                counters::add(&self.context.counters.malformed, 1);
                return false;
            }
            let Some(message) = behind.get(..length) else { break };
            let answer = call(&self.service, message, self.peer, &self.context);
            self.input.advance(LENGTH + length);
            if let Some(answer) = answer {
                self.answers.spawn(answer);
            }
            // A client over its rate slows down nobody but itself.
            if let Err(pause) = self.context.rate.admit(self.peer.address.ip(), std::time::Instant::now()) {
                tokio::time::sleep(pause).await;
            }
        }
        self.input.reserve(READ);
        true
    }

    async fn write(&mut self, answer: &[u8]) -> io::Result<()> {
        let Ok(length) = u16::try_from(answer.len()) else { return Ok(()) };
        let framed = [&length.to_be_bytes(), answer].concat();
        tokio::time::timeout(self.context.limits.write, self.writer.write_all(&framed)).await??;
        counters::add(&self.context.counters.octets_out, framed.len());
        Ok(())
    }
}
