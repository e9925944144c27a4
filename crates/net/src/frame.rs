//! Framing: where a frame ends, and how it is cut into UDP packets (RFC 3652 §2.1.1, §2.3).

use thiserror::Error;

/// Octets of the envelope before every message, and on UDP before every packet (RFC 3652 §2.1.1).
pub const ENVELOPE: usize = 20;
/// Octets of the largest UDP packet sent, envelope included (RFC 3652 §2.3).
pub const PACKET: usize = 512;
/// Octets of message in a full UDP packet.
pub const PAYLOAD: usize = PACKET - ENVELOPE;
/// Octets of the longest message that clients and servers of the protocol take, envelope not counted.
pub const MESSAGE: usize = 262_144;
/// Octets of the shortest message that can be answered: its header.
const SHORTEST: u32 = 24;
/// Envelope flag of a message that is spread over several packets (RFC 3652 §2.1.1).
const TRUNCATED: u8 = 0x20;

/// The four envelope fields that framing needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub request_id: u32,
    pub sequence: u32,
    /// Octets of the whole message, envelopes not counted.
    pub length: u32,
}

impl Head {
    /// Reads an envelope; `None` if there are fewer than 20 octets.
    pub fn read(octets: &[u8]) -> Option<Head> {
        let envelope: &[u8; ENVELOPE] = octets.first_chunk()?;
        let word = |at: usize| u32::from_be_bytes([envelope[at], envelope[at + 1], envelope[at + 2], envelope[at + 3]]);
        Some(Head { request_id: word(8), sequence: word(12), length: word(16) })
    }

    /// Octets of the whole frame, once the announced length is one that we serve.
    pub fn frame_length(&self, longest: usize) -> Result<usize, FrameError> {
        if self.length < SHORTEST {
            return Err(FrameError::TooShort { length: self.length });
        }
        if self.length as usize > longest {
            return Err(FrameError::TooLong { length: self.length, longest });
        }
        Ok(ENVELOPE + self.length as usize)
    }
}

/// Why a stream or packet cannot be cut into frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The envelope announces less than a message header.
    #[error("message of {length} octets is shorter than its header")]
    TooShort { length: u32 },
    /// The envelope announces more than [`crate::Limits::message`]; lengths above 2^31 were negative numbers.
    #[error("message of {length} octets is longer than {longest}")]
    TooLong { length: u32, longest: usize },
    /// A frame was begun and not finished within [`crate::Limits::read`].
    #[error("the rest of a frame did not arrive in time")]
    TimedOut,
}

/// The frame at the start of `input`: its length in octets, or `None` if more octets are needed.
pub(crate) fn first_frame(input: &[u8], longest: usize) -> Result<Option<usize>, FrameError> {
    let Some(head) = Head::read(input) else {
        return Ok(None);
    };
    let length = head.frame_length(longest)?;
    Ok((input.len() >= length).then_some(length))
}

/// The frames that stand one after another in `octets`, as a [`crate::Service`] composes them and as the
/// HTTP tunnel carries them. Ends at the first octets that are no whole frame.
pub fn frames(mut octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = ENVELOPE + Head::read(octets)?.length as usize;
        let (frame, rest) = octets.split_at_checked(length)?;
        octets = rest;
        Some(frame)
    })
}

/// How many packets a message of `length` octets takes; an empty message takes one.
pub(crate) fn packet_count(length: usize) -> usize {
    length.div_ceil(PAYLOAD).max(1)
}

/// Cuts a frame into packets of at most 512 octets. `emit` is given the envelope and the payload of each:
/// the envelope is the frame's own with the packet's sequence number, and the truncated flag set if and
/// only if there is more than one packet.
pub(crate) fn split(frame: &[u8], mut emit: impl FnMut(&[u8; ENVELOPE], &[u8])) {
    let Some((envelope, message)) = frame.split_first_chunk::<ENVELOPE>() else {
        return;
    };
    let mut envelope = *envelope;
    let count = packet_count(message.len());
    whole(&mut envelope);
    if count > 1 {
        envelope[2] |= TRUNCATED;
    }
    for sequence in 0..count {
        // At most 2^32 / 492 packets, as the length field has 32 bits.
        envelope[12..16].copy_from_slice(&(sequence as u32).to_be_bytes());
        let start = sequence * PAYLOAD;
        emit(&envelope, &message[start..message.len().min(start + PAYLOAD)]);
    }
}

/// Makes the envelope of a packet the envelope of an unsplit frame: sequence 0, not truncated.
pub(crate) fn whole(envelope: &mut [u8; ENVELOPE]) {
    envelope[2] &= !TRUNCATED;
    envelope[12..16].fill(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(message: usize) -> Vec<u8> {
        let mut frame = vec![2, 11, 2, 11, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0];
        frame.extend((message as u32).to_be_bytes());
        frame.extend((0..message).map(|octet| octet as u8));
        frame
    }

    #[test]
    fn reads_the_worked_envelope() {
        let envelope = [2, 11, 2, 11, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 55];
        let head = Head::read(&envelope).unwrap();
        assert_eq!(head, Head { request_id: 0x01020304, sequence: 0, length: 55 });
        assert_eq!(Head::read(&envelope[..19]), None);
    }

    #[test]
    fn refuses_lengths_outside_the_bounds() {
        let of = |length| Head { request_id: 1, sequence: 0, length }.frame_length(262_144);
        assert_eq!(of(23), Err(FrameError::TooShort { length: 23 }));
        assert_eq!(of(24), Ok(44));
        assert_eq!(of(262_144), Ok(262_164));
        assert_eq!(of(262_145), Err(FrameError::TooLong { length: 262_145, longest: 262_144 }));
        assert!(of(u32::MAX).is_err());
    }

    #[test]
    fn splits_at_492_octets() {
        for (message, packets) in [(0, 1), (24, 1), (492, 1), (493, 2), (984, 2), (985, 3)] {
            let frame = frame(message);
            let mut cut = Vec::new();
            split(&frame, |envelope, payload| cut.push((*envelope, payload.to_vec())));
            assert_eq!(cut.len(), packets, "{message} octets");
            for (sequence, (envelope, payload)) in cut.iter().enumerate() {
                assert_eq!(Head::read(envelope).unwrap().sequence as usize, sequence);
                assert_eq!(envelope[2] & TRUNCATED != 0, packets > 1);
                assert_eq!(envelope[2] & !TRUNCATED, 2);
                assert!(payload.len() <= PAYLOAD);
            }
            let joined: Vec<u8> = cut.into_iter().flat_map(|(_, payload)| payload).collect();
            assert_eq!(joined, &frame[ENVELOPE..]);
        }
    }

    #[test]
    fn walks_frames_and_stops_at_a_fragment() {
        let mut octets = frame(30);
        octets.extend(frame(600));
        octets.extend(&frame(40)[..50]);
        assert_eq!(frames(&octets).map(<[u8]>::len).collect::<Vec<_>>(), [50, 620]);
    }
}
