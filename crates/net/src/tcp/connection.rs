//! One TCP connection, served by one task.
//!
//! The task answers all frames that have arrived, writes the answers together, then waits for whatever
//! comes first: more octets, a frame of a slow answer, a time limit, the shutdown. Slow requests are tasks
//! of their own and answer in any order. While answers cannot be written, nothing is read, so a client
//! that does not listen slows down nobody but itself.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinSet;

use crate::context::Context;
use crate::counters;
use crate::frame::{ENVELOPE, FrameError, first_frame};
use crate::service::{Outcome, Peer, Replies, Service};

/// Octets asked of the socket at once.
const READ: usize = 8 << 10;
/// Octets of answers after which they are written even if more requests have arrived.
const WRITE: usize = 64 << 10;
/// Frames of slow answers that may wait for the connection to write them.
const REPLIES: usize = 16;
/// How long after the last octet a connection that we end first is kept for the client to read its
/// answers: closing with unread input makes the kernel throw them away.
const LINGER: Duration = Duration::from_secs(1);

pub(super) struct Connection {
    stream: TcpStream,
    peer: Peer,
    service: Arc<dyn Service>,
    context: Arc<Context>,
    /// Octets read and not yet answered.
    input: BytesMut,
    /// Whether more is to be read: not after the end of input, a malformed frame or the shutdown.
    reading: bool,
    /// When the incomplete frame at the start of `input` began.
    begun: Option<Instant>,
    /// Until when a client over its rate is not served.
    paused: Option<Instant>,
    /// A slow request for which there is no room yet. Nothing is served until there is.
    waiting: Option<Vec<u8>>,
    slow: JoinSet<()>,
    replies: Replies,
    answers: mpsc::Receiver<Vec<u8>>,
    /// The answer being made; kept for its allocation.
    answer: Vec<u8>,
    /// Answers to be written.
    output: Vec<u8>,
    /// When octets last moved.
    moved: Instant,
}

impl Connection {
    pub fn new(stream: TcpStream, peer: Peer, service: Arc<dyn Service>, context: Arc<Context>) -> Connection {
        let (replies, answers) = Replies::channel(REPLIES);
        Connection {
            stream,
            peer,
            service,
            context,
            input: BytesMut::new(),
            reading: true,
            begun: None,
            paused: None,
            waiting: None,
            slow: JoinSet::new(),
            replies,
            answers,
            answer: Vec::new(),
            output: Vec::new(),
            moved: Instant::now(),
        }
    }

    /// Serves the connection to its end.
    pub async fn converse(&mut self) -> io::Result<()> {
        let context = Arc::clone(&self.context);
        let stop = context.shutdown.triggered();
        tokio::pin!(stop);
        let mut ended_by_peer = false;
        loop {
            self.serve_input();
            self.collect_answers();
            if !self.output.is_empty() {
                self.write().await?;
                continue;
            }
            if self.is_done() {
                break;
            }
            self.make_room();
            let deadline = self.deadline();
            tokio::select! {
                read = self.stream.read_buf(&mut self.input), if self.may_read() => {
                    let octets = read?;
                    ended_by_peer = octets == 0;
                    self.reading = !ended_by_peer;
                    self.moved = Instant::now();
                    counters::add(&context.counters.octets_in, octets);
                }
                Some(answer) = self.answers.recv() => self.output.extend_from_slice(&answer),
                Some(_) = self.slow.join_next(), if !self.slow.is_empty() => {}
                Ok(permit) = Arc::clone(&context.tasks).acquire_owned(), if self.may_start() => self.start(permit),
                () = tokio::time::sleep_until(deadline.unwrap_or(self.moved).into()), if deadline.is_some() => self.time_out(),
                () = &mut stop, if self.reading => self.reading = false,
            }
        }
        if !ended_by_peer {
            self.linger().await?;
        }
        Ok(())
    }

    /// Closes the socket; what is returned ends with the slow requests in flight. They learn that nobody
    /// listens, and are still brought to their end.
    pub fn close(self) -> impl Future<Output = ()> {
        let mut slow = self.slow;
        drop((self.stream, self.answers));
        async move { while slow.join_next().await.is_some() {} }
    }

    /// Answers the whole frames in `input`, as far as bounds allow.
    fn serve_input(&mut self) {
        let now = Instant::now();
        if self.paused.is_some_and(|until| until > now) {
            return;
        }
        self.paused = None;
        while self.waiting.is_none() && self.output.len() < WRITE {
            match first_frame(&self.input, self.context.limits.message) {
                Ok(Some(length)) => {
                    if let Err(pause) = self.context.rate.admit(self.peer.address.ip(), now) {
                        self.paused = Some(now + pause);
                        break;
                    }
                    self.serve_frame(length);
                }
                Ok(None) => {
                    self.begun = self.begun.or((!self.input.is_empty()).then_some(now));
                    break;
                }
                Err(reason) => {
                    self.malformed(reason);
                    break;
                }
            }
        }
    }

    /// Answers the first `length` octets of `input`.
    fn serve_frame(&mut self, length: usize) {
        let frame = &self.input[..length];
        match self.context.answer(&*self.service, frame, &self.peer, &mut self.answer) {
            Outcome::Answered => self.output.extend_from_slice(&self.answer),
            Outcome::Later => self.waiting = Some(frame.to_vec()),
            Outcome::Drop => {}
        }
        self.input.advance(length);
        self.begun = None;
        if self.may_start()
            && let Ok(permit) = Arc::clone(&self.context.tasks).try_acquire_owned()
        {
            self.start(permit);
        }
    }

    fn may_read(&self) -> bool {
        self.reading && self.waiting.is_none() && self.paused.is_none()
    }

    /// Whether a slow request waits that this connection may have in flight.
    fn may_start(&self) -> bool {
        self.waiting.is_some() && self.slow.len() < self.context.limits.in_flight.max(1)
    }

    /// Starts the slow request that waits.
    fn start(&mut self, permit: OwnedSemaphorePermit) {
        let Some(frame) = self.waiting.take() else { return };
        let answering = Arc::clone(&self.service).answer_later(frame, self.peer, self.replies.clone());
        self.slow.spawn(async move {
            answering.await;
            drop(permit);
        });
    }

    /// Takes what slow requests have answered so far.
    fn collect_answers(&mut self) {
        while self.slow.try_join_next().is_some() {}
        while self.output.len() < WRITE
            && let Ok(answer) = self.answers.try_recv()
        {
            self.output.extend_from_slice(&answer);
        }
    }

    async fn write(&mut self) -> io::Result<()> {
        let written = self.stream.write_all(&self.output);
        tokio::time::timeout(self.context.limits.write, written).await??;
        counters::add(&self.context.counters.octets_out, self.output.len());
        self.moved = Instant::now();
        self.output.clear();
        self.output.shrink_to(WRITE);
        self.answer.shrink_to(WRITE);
        Ok(())
    }

    /// Nothing is to come in, and everything has gone out.
    fn is_done(&self) -> bool {
        let served = self.waiting.is_none() && self.paused.is_none();
        !self.reading && served && self.slow.is_empty() && self.answers.is_empty()
    }

    /// Room to read into; gives back what a large frame took.
    fn make_room(&mut self) {
        if self.input.is_empty() && self.input.capacity() > WRITE {
            self.input = BytesMut::new();
        }
        self.input.reserve(READ);
    }

    /// When something happens even if nothing comes in.
    fn deadline(&self) -> Option<Instant> {
        let limits = &self.context.limits;
        match (self.paused, self.begun) {
            (Some(until), _) => Some(until),
            _ if !self.may_read() => None,
            (_, Some(begun)) => Some(begun + limits.read),
            _ if self.slow.is_empty() => Some(self.moved + limits.idle),
            _ => None,
        }
    }

    fn time_out(&mut self) {
        match (self.paused, self.begun) {
            // The pause is over; the next turn serves what has waited.
            (Some(_), _) => {}
            (None, Some(_)) => self.malformed(FrameError::TimedOut),
            (None, None) => self.reading = false,
        }
    }

    /// The stream has no frames any more: says so and reads no further.
    fn malformed(&mut self, reason: FrameError) {
        tracing::debug!(%reason, "connection malformed");
        let envelope = &self.input[..self.input.len().min(ENVELOPE)];
        self.context.malformed(&*self.service, envelope, reason, &mut self.answer);
        self.output.extend_from_slice(&self.answer);
        self.input.clear();
        self.begun = None;
        self.reading = false;
    }

    /// Ends our half and lets the client end its own.
    async fn linger(&mut self) -> io::Result<()> {
        self.stream.shutdown().await?;
        let until = (self.moved + LINGER).into();
        let discard = async {
            loop {
                self.input.clear();
                self.input.reserve(READ);
                if !matches!(self.stream.read_buf(&mut self.input).await, Ok(1..)) {
                    break;
                }
            }
        };
        // Running out of time is the expected end with a client that keeps its half open.
        let _ = tokio::time::timeout_at(until, discard).await;
        Ok(())
    }
}
