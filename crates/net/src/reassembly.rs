//! Puts together UDP messages that came in several packets (RFC 3652 §2.3).
//!
//! Packets belong together by peer address, port and request id, and are counted by the message length
//! alone: servers before Handle.Net 9.3.0 forget the truncated flag. Packet *k* carries octets 492·*k*
//! and following, in any order. Memory is charged for what has arrived, never for what was announced.

use std::collections::btree_map::Entry as PieceEntry;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Instant;

use crate::frame::{self, ENVELOPE, Head, PAYLOAD};
use crate::limits::Limits;
use crate::rate::network;

/// Octets charged for keeping a piece, beside the piece itself.
const BOOKKEEPING: usize = 64;

/// A message of which some packets have arrived.
#[derive(Debug)]
pub(crate) struct Partial {
    envelope: [u8; ENVELOPE],
    length: u32,
    pieces: BTreeMap<u32, Box<[u8]>>,
    octets: usize,
}

/// A packet that does not fit the message it claims to belong to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misfit;

impl Partial {
    /// A message of which nothing has arrived; `packet` is any of its packets.
    pub fn of(packet: &[u8]) -> Option<Partial> {
        let mut envelope = *packet.first_chunk::<ENVELOPE>()?;
        frame::whole(&mut envelope);
        let length = Head::read(&envelope)?.length;
        Some(Partial { envelope, length, pieces: BTreeMap::new(), octets: 0 })
    }

    /// Takes one packet; tells whether the message is complete. A packet seen before changes nothing.
    pub fn add(&mut self, packet: &[u8]) -> Result<bool, Misfit> {
        let (envelope, payload) = packet.split_first_chunk::<ENVELOPE>().ok_or(Misfit)?;
        let head = Head::read(envelope).ok_or(Misfit)?;
        let length = self.length as usize;
        let start = PAYLOAD.checked_mul(head.sequence as usize).ok_or(Misfit)?;
        if !self.is_of(envelope) || start >= length {
            return Err(Misfit);
        }
        let size = PAYLOAD.min(length - start);
        let piece = payload.get(..size).ok_or(Misfit)?;
        if let PieceEntry::Vacant(vacant) = self.pieces.entry(head.sequence) {
            vacant.insert(piece.into());
            self.octets += size + BOOKKEEPING;
        }
        Ok(self.pieces.len() == frame::packet_count(length))
    }

    /// Whether a packet with this envelope belongs to the message: all packets of one differ in nothing but
    /// the sequence number and the truncated flag.
    fn is_of(&self, envelope: &[u8; ENVELOPE]) -> bool {
        let mut envelope = *envelope;
        frame::whole(&mut envelope);
        envelope == self.envelope
    }

    /// The frame, as if it had come in one packet.
    pub fn join(self) -> Vec<u8> {
        let mut frame = Vec::with_capacity(ENVELOPE + self.length as usize);
        frame.extend_from_slice(&self.envelope);
        self.pieces.values().for_each(|piece| frame.extend_from_slice(piece));
        frame
    }
}

type Key = (SocketAddr, u32);

/// A message being put together for the server.
#[derive(Debug)]
struct Pending {
    partial: Partial,
    born: Instant,
    /// Its place in the order of birth.
    serial: u64,
}

/// What became of a packet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was the last: here is the frame.
    Complete(Vec<u8>),
    /// It waits for the others.
    Kept,
    /// It contradicts the others.
    Misfit,
    /// Its client has too many messages pending; counted as dropped.
    Refused,
}

/// All incomplete messages of a server, bounded in number, octets and time.
#[derive(Debug)]
pub(crate) struct Reassembly {
    limits: Limits,
    pending: HashMap<Key, Pending>,
    /// Oldest first.
    order: BTreeMap<u64, Key>,
    clients: HashMap<u64, usize>,
    octets: usize,
    next_serial: u64,
    dropped: usize,
}

impl Reassembly {
    pub fn new(limits: Limits) -> Reassembly {
        Reassembly {
            limits,
            pending: HashMap::new(),
            order: BTreeMap::new(),
            clients: HashMap::new(),
            octets: 0,
            next_serial: 0,
            dropped: 0,
        }
    }

    /// Takes one packet of a message that does not fit in one.
    pub fn add(&mut self, from: SocketAddr, packet: &[u8], now: Instant) -> Fate {
        self.expire(now);
        let Some(head) = Head::read(packet) else {
            return Fate::Misfit;
        };
        let key = (from, head.request_id);
        if !self.begin(key, packet, now) {
            self.dropped += 1;
            return Fate::Refused;
        }
        let Some(pending) = self.pending.get_mut(&key) else {
            return Fate::Misfit;
        };
        let before = pending.partial.octets;
        let added = pending.partial.add(packet);
        self.octets += pending.partial.octets - before;
        match added {
            Ok(true) => self.remove(key).map_or(Fate::Misfit, |partial| Fate::Complete(partial.join())),
            Ok(false) => {
                while self.octets > self.limits.reassembly_octets {
                    self.drop_oldest();
                }
                Fate::Kept
            }
            Err(Misfit) => {
                // A message of which not even the first packet fits is not worth its place.
                if before == 0 {
                    self.remove(key);
                }
                Fate::Misfit
            }
        }
    }

    /// Messages dropped since the last call, by time or limit.
    pub fn take_dropped(&mut self) -> usize {
        std::mem::take(&mut self.dropped)
    }

    /// Makes room for a message unless it has been begun; `false` if its client has too many.
    fn begin(&mut self, key: Key, packet: &[u8], now: Instant) -> bool {
        if self.pending.contains_key(&key) {
            return true;
        }
        let count = self.clients.get(&network(key.0.ip())).copied().unwrap_or(0);
        if count >= self.limits.reassemblies_per_peer {
            return false;
        }
        let Some(partial) = Partial::of(packet) else {
            return false;
        };
        // A whole message comes within milliseconds, so the oldest is the one least likely to be completed.
        while self.pending.len() >= self.limits.reassemblies.max(1) {
            self.drop_oldest();
        }
        let serial = self.next_serial;
        self.next_serial += 1;
        self.order.insert(serial, key);
        self.pending.insert(key, Pending { partial, born: now, serial });
        *self.clients.entry(network(key.0.ip())).or_default() += 1;
        true
    }

    fn expire(&mut self, now: Instant) {
        while let Some(key) = self.order.first_entry().map(|oldest| *oldest.get()) {
            let born = self.pending.get(&key).map(|pending| pending.born);
            if born.is_some_and(|born| now.saturating_duration_since(born) < self.limits.reassembly) {
                break;
            }
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_first() {
            self.remove(key);
            self.dropped += 1;
        }
    }

    fn remove(&mut self, key: Key) -> Option<Partial> {
        let pending = self.pending.remove(&key)?;
        self.order.remove(&pending.serial);
        self.octets -= pending.partial.octets;
        if let Entry::Occupied(mut count) = self.clients.entry(network(key.0.ip())) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        Some(pending.partial)
    }
}

#[cfg(test)]
mod tests;
