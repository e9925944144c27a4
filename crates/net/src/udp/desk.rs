//! One UDP socket at work: receive up to 64 datagrams, answer each, send all answers.
//!
//! Nothing in the loop waits for a request that takes time: those run as tasks of the main runtime and
//! send their own answers.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::runtime::Handle;

use crate::context::Context;
use crate::counters;
use crate::frame::{self, ENVELOPE, Head};
use crate::mmsg::{Inbox, Outbox};
use crate::reassembly::{Fate, Reassembly};
use crate::service::{ConnectionId, Outcome, Peer, Replies, Service, Transport};
use crate::shutdown::InFlight;

/// Frames that a slow answer may have ready before the socket takes them.
const REPLIES: usize = 8;
/// Pause after a failure of the socket itself.
const PAUSE: Duration = Duration::from_millis(10);
/// Octets that the buffer of one answer keeps allocated between batches.
const KEEP: usize = 64 << 10;

/// What all sockets of a server share.
#[derive(Clone)]
pub(super) struct Station {
    pub service: Arc<dyn Service>,
    pub context: Arc<Context>,
    /// One for all sockets, so that its bounds hold whichever socket a packet comes to. Only messages
    /// longer than a packet take the lock.
    pub reassembly: Arc<Mutex<Reassembly>>,
    /// Where slow requests run.
    pub runtime: Handle,
}

/// One socket at work, with its reused buffers.
pub(super) struct Desk {
    socket: Arc<UdpSocket>,
    station: Station,
    inbox: Inbox,
    outbox: Outbox,
    answer: Vec<u8>,
    in_flight: InFlight,
}

impl Desk {
    pub fn new(socket: Arc<UdpSocket>, station: Station) -> Desk {
        Desk {
            socket,
            station,
            inbox: Inbox::new(),
            outbox: Outbox::default(),
            answer: Vec::new(),
            in_flight: InFlight::new(),
        }
    }

    pub async fn serve(mut self) {
        let context = Arc::clone(&self.station.context);
        let stop = context.shutdown.triggered();
        tokio::pin!(stop);
        loop {
            let received = tokio::select! {
                biased;
                () = &mut stop => break,
                received = self.socket.async_io(Interest::READABLE, || self.inbox.receive(self.socket.as_fd())) => received,
            };
            match received {
                Ok(count) => self.answer_batch(count).await,
                Err(error) => {
                    tracing::warn!(%error, "cannot receive datagrams");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        if !self.in_flight.finished(context.shutdown.drain()).await {
            tracing::warn!("slow UDP requests cut off at the end of the drain time");
        }
    }

    async fn answer_batch(&mut self, count: usize) {
        // One reading of the clock and one addition to shared counters serve the whole batch.
        let now = Instant::now();
        let Desk { socket, station, inbox, outbox, answer, in_flight } = self;
        let mut turn = Turn { socket, station, outbox, answer, in_flight, now };
        let mut octets = 0;
        for slot in 0..count {
            if let Some((packet, from)) = inbox.datagram(slot) {
                octets += packet.len();
                turn.take(packet, from);
            } else {
                turn.station.count_malformed();
            }
        }
        counters::add(&station.context.counters.packets_in, count);
        counters::add(&station.context.counters.octets_in, octets);
        station.send(socket, outbox).await;
        answer.clear();
        answer.shrink_to(KEEP);
    }
}

/// One batch being answered.
struct Turn<'a> {
    socket: &'a Arc<UdpSocket>,
    station: &'a Station,
    outbox: &'a mut Outbox,
    answer: &'a mut Vec<u8>,
    in_flight: &'a InFlight,
    now: Instant,
}

impl Turn<'_> {
    /// Takes one packet through rate check, reassembly and answer.
    fn take(&mut self, packet: &[u8], from: SocketAddr) {
        let context = &self.station.context;
        // Before anything else, as a flood is to cost as little as possible. Each packet counts.
        if context.rate.admit(from.ip(), self.now).is_err() {
            return counters::add(&context.counters.requests_over_rate, 1);
        }
        let Some(head) = Head::read(packet) else {
            return self.station.count_malformed();
        };
        match head.frame_length(context.limits.message) {
            Err(reason) => {
                context.malformed(&*self.station.service, &packet[..ENVELOPE], reason, self.answer);
                self.station.post(self.outbox, self.answer, from, self.now);
            }
            Ok(length) if head.sequence == 0 && length <= packet.len() => self.serve(&packet[..length], from),
            Ok(_) => self.gather(packet, from),
        }
    }

    /// Takes one packet of several.
    fn gather(&mut self, packet: &[u8], from: SocketAddr) {
        let reassembly = &self.station.reassembly;
        let (fate, dropped) = {
            let mut reassembly = reassembly.lock().unwrap_or_else(PoisonError::into_inner);
            (reassembly.add(from, packet, self.now), reassembly.take_dropped())
        };
        counters::add(&self.station.context.counters.reassemblies_dropped, dropped);
        match fate {
            Fate::Complete(frame) => self.serve(&frame, from),
            Fate::Kept | Fate::Refused => {}
            Fate::Misfit => self.station.count_malformed(),
        }
    }

    /// Answers one whole frame.
    fn serve(&mut self, frame: &[u8], from: SocketAddr) {
        let Station { service, context, .. } = self.station;
        let peer = Peer { address: from, transport: Transport::Udp, connection: ConnectionId::NONE };
        match context.answer(&**service, frame, &peer, self.answer) {
            Outcome::Answered => self.station.post(self.outbox, self.answer, from, self.now),
            Outcome::Later => self.station.answer_later(self.socket, frame, peer, self.in_flight),
            Outcome::Drop => {}
        }
    }
}

impl Station {
    fn count_malformed(&self) {
        counters::add(&self.context.counters.malformed, 1);
    }

    /// Puts the packets of an answer into the outbox, unless the client is over its rate of octets.
    fn post(&self, outbox: &mut Outbox, answer: &[u8], to: SocketAddr, now: Instant) {
        for frame in frame::frames(answer) {
            if self.context.rate.admit_answer(to.ip(), frame.len(), now) {
                frame::split(frame, |envelope, payload| outbox.push(to, envelope, payload));
            } else {
                counters::add(&self.context.counters.answers_over_rate, 1);
            }
        }
    }

    /// Sends everything in the outbox; waits while the socket is full.
    async fn send(&self, socket: &UdpSocket, outbox: &mut Outbox) {
        let (packets, octets) = outbox.waiting();
        while !outbox.is_done() {
            let sent = socket.async_io(Interest::WRITABLE, || outbox.send(socket.as_fd())).await;
            if let Err(error) = sent {
                tracing::warn!(%error, "cannot send datagrams");
                outbox.discard();
            }
        }
        counters::add(&self.context.counters.packets_out, packets);
        counters::add(&self.context.counters.octets_out, octets);
    }

    /// Starts a slow request on the main runtime, unless there are too many.
    fn answer_later(&self, socket: &Arc<UdpSocket>, frame: &[u8], peer: Peer, in_flight: &InFlight) {
        let Ok(permit) = Arc::clone(&self.context.tasks).try_acquire_owned() else {
            return counters::add(&self.context.counters.overload_drops, 1);
        };
        let held = (permit, in_flight.guard());
        let (station, socket, frame) = (self.clone(), Arc::clone(socket), frame.to_vec());
        self.runtime.spawn(async move {
            station.finish(&socket, frame, peer).await;
            drop(held);
        });
    }

    async fn finish(&self, socket: &UdpSocket, frame: Vec<u8>, peer: Peer) {
        let (replies, mut answers) = Replies::channel(REPLIES);
        let answering = Arc::clone(&self.service).answer_later(frame, peer, replies);
        let sending = async {
            let mut outbox = Outbox::default();
            while let Some(answer) = answers.recv().await {
                self.post(&mut outbox, &answer, peer.address, Instant::now());
                self.send(socket, &mut outbox).await;
            }
        };
        tokio::join!(answering, sending);
    }
}
