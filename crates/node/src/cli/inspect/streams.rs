//! Puts messages together out of segments: UDP packets by request id, TCP streams by sequence number.
//!
//! Memory is bounded: a stream or message that would need more is given up and reported.

use super::packet::{Segment, Transport};
use hufu_ident::limits::MESSAGE_OCTETS;
use hufu_ident::systems::handle::wire::{ENVELOPE_OCTETS, Envelope, Reader};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

/// Streams and cut messages kept at once.
const KEPT: usize = 4096;
/// Octets of one stream that wait for a gap to be filled.
const WAITING_OCTETS: usize = 1 << 20;

type Way = (SocketAddr, SocketAddr);

/// Everything that is not complete yet.
#[derive(Debug, Default)]
pub struct Streams {
    messages: HashMap<(Way, u32), Pieces>,
    streams: HashMap<Way, Stream>,
    /// Whether anything on any port is looked at, so that what is not our protocol is passed over in silence.
    any_port: bool,
}

/// The packets of one cut message, by number.
#[derive(Debug)]
struct Pieces {
    envelope: [u8; ENVELOPE_OCTETS],
    parts: BTreeMap<u32, Vec<u8>>,
}

#[derive(Debug, Default)]
struct Stream {
    /// The sequence number that comes next; none before the first segment.
    next: Option<u32>,
    /// In order, not yet a whole frame.
    buffer: Vec<u8>,
    /// Ahead of a gap.
    waiting: BTreeMap<u32, Vec<u8>>,
    /// Not our protocol, or out of step: nothing more is read.
    given_up: bool,
}

impl Streams {
    pub fn new(any_port: bool) -> Self {
        Streams { any_port, ..Streams::default() }
    }

    /// Takes one segment; calls `each` with every frame that is complete, or with what cannot become one.
    pub fn add(&mut self, segment: &Segment<'_>, each: &mut dyn FnMut(Vec<u8>)) {
        match segment.transport {
            Transport::Udp => self.add_packet(segment, each),
            Transport::Tcp { sequence, opens, ends } => self.add_segment(segment, sequence, opens, ends, each),
        }
    }

    fn add_packet(&mut self, segment: &Segment<'_>, each: &mut dyn FnMut(Vec<u8>)) {
        let mut reader = Reader::new(segment.payload);
        let envelope = Envelope::decode(&mut reader).ok().filter(is_possible);
        let Some(envelope) = envelope else {
            if !self.any_port && !segment.payload.is_empty() {
                each(segment.payload.to_vec());
            }
            return;
        };
        let part = reader.rest();
        if part.len() >= envelope.length as usize {
            return each(segment.payload.to_vec());
        }
        let key = ((segment.from, segment.to), envelope.request_id);
        if self.messages.len() >= KEPT && !self.messages.contains_key(&key) {
            return each(segment.payload.to_vec());
        }
        let pieces = self.messages.entry(key).or_insert_with(|| Pieces::of(&envelope));
        pieces.parts.entry(envelope.sequence).or_insert_with(|| part.to_vec());
        if pieces.octets() >= envelope.length as usize
            && let Some(pieces) = self.messages.remove(&key)
        {
            each(pieces.join());
        }
    }

    fn add_segment(
        &mut self,
        segment: &Segment<'_>,
        sequence: u32,
        opens: bool,
        ends: bool,
        each: &mut dyn FnMut(Vec<u8>),
    ) {
        let way = (segment.from, segment.to);
        if opens {
            self.streams.remove(&way);
        }
        if self.streams.len() >= KEPT && !self.streams.contains_key(&way) {
            return;
        }
        let stream = self.streams.entry(way).or_default();
        let first = if opens { sequence.wrapping_add(1) } else { sequence };
        let next = *stream.next.get_or_insert(first);
        if !segment.payload.is_empty() && !stream.given_up {
            stream.take(next, first, segment.payload);
            stream.cut(self.any_port, each);
        }
        if ends && let Some(mut stream) = self.streams.remove(&way) {
            stream.finish(each);
        }
    }

    /// What is left at the end of the capture.
    pub fn finish(&mut self, each: &mut dyn FnMut(Vec<u8>)) {
        self.messages.drain().for_each(|(_, pieces)| each(pieces.join()));
        self.streams.drain().for_each(|(_, mut stream)| stream.finish(each));
    }
}

/// Whether an envelope may be one of a message.
fn is_possible(envelope: &Envelope) -> bool {
    (1..=5).contains(&envelope.version.major) && (24..=MESSAGE_OCTETS).contains(&(envelope.length as usize))
}

impl Pieces {
    fn of(envelope: &Envelope) -> Self {
        let whole = Envelope { flags: envelope.flags & !Envelope::TRUNCATED, sequence: 0, ..*envelope };
        let mut octets = Vec::with_capacity(ENVELOPE_OCTETS);
        whole.compose(&mut octets);
        let mut fixed = [0; ENVELOPE_OCTETS];
        fixed.iter_mut().zip(octets).for_each(|(to, from)| *to = from);
        Pieces { envelope: fixed, parts: BTreeMap::new() }
    }

    fn octets(&self) -> usize {
        self.parts.values().map(Vec::len).sum()
    }

    fn join(self) -> Vec<u8> {
        self.parts.values().fold(self.envelope.to_vec(), |mut frame, part| {
            frame.extend_from_slice(part);
            frame
        })
    }
}

impl Stream {
    /// Puts a segment in its place; what came before is left out.
    fn take(&mut self, next: u32, sequence: u32, payload: &[u8]) {
        let ahead = sequence.wrapping_sub(next) as i32;
        if ahead > 0 {
            let waiting: usize = self.waiting.values().map(Vec::len).sum();
            if waiting + payload.len() > WAITING_OCTETS {
                self.given_up = true;
                return;
            }
            self.waiting.entry(sequence).or_insert_with(|| payload.to_vec());
            return;
        }
        self.append(next, sequence, payload);
        while let Some(next) = self.next
            && let Some(at) = self.waiting.keys().copied().find(|at| at.wrapping_sub(next) as i32 <= 0)
            && let Some(payload) = self.waiting.remove(&at)
        {
            self.append(next, at, &payload);
        }
    }

    fn append(&mut self, next: u32, sequence: u32, payload: &[u8]) {
        let seen = next.wrapping_sub(sequence) as usize;
        let fresh = payload.get(seen..).unwrap_or_default();
        self.buffer.extend_from_slice(fresh);
        self.next = Some(next.wrapping_add(fresh.len() as u32));
    }

    /// Cuts whole frames off the front.
    fn cut(&mut self, any_port: bool, each: &mut dyn FnMut(Vec<u8>)) {
        let mut start = 0;
        while let Ok(envelope) = Envelope::decode(&mut Reader::new(&self.buffer[start..])) {
            if !is_possible(&envelope) {
                self.given_up = true;
                if !any_port && !is_http(&self.buffer[start..]) {
                    each(self.buffer[start..].to_vec());
                }
                start = self.buffer.len();
                break;
            }
            let end = start + ENVELOPE_OCTETS + envelope.length as usize;
            let Some(frame) = self.buffer.get(start..end) else { break };
            each(frame.to_vec());
            start = end;
        }
        self.buffer.drain(..start);
    }

    /// A frame that broke off is reported.
    fn finish(&mut self, each: &mut dyn FnMut(Vec<u8>)) {
        if !self.given_up && !self.buffer.is_empty() {
            each(std::mem::take(&mut self.buffer));
        }
    }
}

/// Whether a stream is HTTP, which carries no bare frames.
fn is_http(octets: &[u8]) -> bool {
    ["GET ", "POST", "HTTP", "PUT ", "HEAD", "OPTI", "DELE"].iter().any(|word| octets.starts_with(word.as_bytes()))
}
