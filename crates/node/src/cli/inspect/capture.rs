//! Packet captures in the classic pcap format, micro- and nanoseconds, both byte orders.

use super::packet::{self, Segment, Transport};
use super::streams::Streams;
use crate::cli::error::CliError;
use serde_json::{Value as Json, json};
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Octets of the largest packet accepted (the usual bound of capture tools).
const PACKET_OCTETS: u32 = 262_144;
const PCAPNG: [u8; 4] = [0x0A, 0x0D, 0x0D, 0x0A];

/// A frame out of a capture, and the packet that completed it.
#[derive(Debug)]
pub struct Item {
    pub octets: Vec<u8>,
    number: usize,
    seconds: f64,
    from: String,
    to: String,
    transport: &'static str,
}

impl Item {
    pub fn about(&self) -> Json {
        json!({
            "number": self.number,
            "time": self.seconds,
            "transport": self.transport,
            "from": self.from,
            "to": self.to,
        })
    }
}

/// Why a capture cannot be read on.
#[derive(Debug)]
pub enum Broken {
    /// Not the capture's fault: standard output, for instance.
    Other(CliError),
    Capture(String),
}

impl Broken {
    pub fn under(self, path: &Path) -> CliError {
        match self {
            Broken::Other(error) => error,
            Broken::Capture(what) => CliError::usage(what).place(path.display().to_string()),
        }
    }
}

impl From<CliError> for Broken {
    fn from(error: CliError) -> Self {
        Broken::Other(error)
    }
}

#[derive(Debug, Clone, Copy)]
struct Format {
    little: bool,
    /// Fractions of a second to a second.
    fractions: f64,
}

impl Format {
    fn of(magic: [u8; 4]) -> Option<Self> {
        let (little, fractions) = match magic {
            [0xA1, 0xB2, 0xC3, 0xD4] => (false, 1e6),
            [0xD4, 0xC3, 0xB2, 0xA1] => (true, 1e6),
            [0xA1, 0xB2, 0x3C, 0x4D] => (false, 1e9),
            [0x4D, 0x3C, 0xB2, 0xA1] => (true, 1e9),
            _ => return None,
        };
        Some(Format { little, fractions })
    }

    fn u32(self, octets: &[u8], at: usize) -> u32 {
        let four = octets.get(at..).and_then(<[u8]>::first_chunk::<4>).copied().unwrap_or_default();
        if self.little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) }
    }
}

/// Whether octets start like a capture (or the newer format, which is refused with advice).
pub fn is_capture(start: &[u8]) -> bool {
    start.first_chunk::<4>().is_some_and(|magic| Format::of(*magic).is_some() || *magic == PCAPNG)
}

/// Reads a capture packet by packet and gives every frame to `each`.
pub fn read(
    mut input: impl Read,
    ports: &Option<Vec<u16>>,
    each: &mut dyn FnMut(Item) -> Result<(), CliError>,
) -> Result<(), Broken> {
    let (format, link) = read_head(&mut input)?;
    let mut streams = Streams::new(ports.is_none());
    let mut last = None;
    for number in 1.. {
        let Some((seconds, octets)) = read_packet(&mut input, format)? else { break };
        let Some(segment) = packet::segment(link, &octets) else { continue };
        let wanted = |ports: &Vec<u16>| ports.contains(&segment.from.port()) || ports.contains(&segment.to.port());
        if ports.as_ref().is_some_and(|ports| !wanted(ports)) {
            continue;
        }
        let mut frames = Vec::new();
        streams.add(&segment, &mut |octets| frames.push(octets));
        let context = Context::of(number, seconds, &segment);
        frames.into_iter().try_for_each(|octets| each(context.item(octets)))?;
        last = Some(context);
    }
    let mut rest = Vec::new();
    streams.finish(&mut |octets| rest.push(octets));
    let left = rest.into_iter().zip(std::iter::repeat(last.as_ref()));
    left.filter_map(|(octets, context)| Some(context?.item(octets))).try_for_each(each)?;
    Ok(())
}

/// Which packet something came with.
struct Context {
    number: usize,
    seconds: f64,
    from: String,
    to: String,
    transport: &'static str,
}

impl Context {
    fn of(number: usize, seconds: f64, segment: &Segment<'_>) -> Self {
        let transport = if segment.transport == Transport::Udp { "udp" } else { "tcp" };
        Context { number, seconds, from: segment.from.to_string(), to: segment.to.to_string(), transport }
    }

    fn item(&self, octets: Vec<u8>) -> Item {
        let Context { number, seconds, transport, .. } = *self;
        Item { octets, number, seconds, from: self.from.clone(), to: self.to.clone(), transport }
    }
}

fn read_head(input: &mut impl Read) -> Result<(Format, u32), Broken> {
    let mut head = [0; 24];
    if !fill(input, &mut head)? {
        return Err(Broken::Capture("the capture ends within its head".into()));
    }
    let magic = [head[0], head[1], head[2], head[3]];
    if magic == PCAPNG {
        let text = "this is a pcapng capture; convert it to pcap first (editcap -F pcap IN OUT)";
        return Err(Broken::Capture(text.into()));
    }
    let format = Format::of(magic).ok_or_else(|| Broken::Capture("not a pcap capture".into()))?;
    // The upper bits say whether packets end with a check sum.
    let link = format.u32(&head, 20) & 0x0FFF_FFFF;
    match packet::is_known_link(link) {
        true => Ok((format, link)),
        false => Err(Broken::Capture(format!("link type {link} is not understood"))),
    }
}

fn read_packet(input: &mut impl Read, format: Format) -> Result<Option<(f64, Vec<u8>)>, Broken> {
    let mut head = [0; 16];
    if !fill(input, &mut head)? {
        return Ok(None);
    }
    let length = format.u32(&head, 8);
    if length > PACKET_OCTETS {
        return Err(Broken::Capture(format!("a packet of {length} octets: the capture is broken")));
    }
    let mut octets = vec![0; length as usize];
    if !fill(input, &mut octets)? {
        return Err(Broken::Capture("the capture ends within a packet".into()));
    }
    let seconds = f64::from(format.u32(&head, 0)) + f64::from(format.u32(&head, 4)) / format.fractions;
    Ok(Some((seconds, octets)))
}

/// Fills the buffer; false if the input ends before.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> Result<bool, Broken> {
    match input.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(Broken::Capture(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_ident::systems::handle::wire::{Body, Envelope, Header, Message, OpCode, split_packets};

    fn frame(name: &str) -> Vec<u8> {
        let header = Header::request(OpCode::DELETE_HANDLE, 0, 0);
        Message::new(Envelope::new(7), header, Body::Name(name.as_bytes().to_vec())).to_bytes()
    }

    /// An IPv4 packet between ports 5000 and 2641.
    fn ipv4(protocol: u8, segment: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x45, 0];
        packet.extend(((20 + segment.len()) as u16).to_be_bytes());
        packet.extend([0, 0, 0x40, 0, 64, protocol, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
        packet.extend_from_slice(segment);
        packet
    }

    fn udp(payload: &[u8]) -> Vec<u8> {
        let mut segment = [5000u16.to_be_bytes(), 2641u16.to_be_bytes()].concat();
        segment.extend(((8 + payload.len()) as u16).to_be_bytes());
        segment.extend([0, 0]);
        segment.extend_from_slice(payload);
        ipv4(17, &segment)
    }

    fn tcp(sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
        let mut segment = [5000u16.to_be_bytes(), 2641u16.to_be_bytes()].concat();
        segment.extend(sequence.to_be_bytes());
        segment.extend([0, 0, 0, 0, 0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0]);
        segment.extend_from_slice(payload);
        ipv4(6, &segment)
    }

    fn capture(link: u32, little: bool, packets: &[Vec<u8>]) -> Vec<u8> {
        let u32 = |number: u32| if little { number.to_le_bytes() } else { number.to_be_bytes() };
        let mut out = u32(0xA1B2_C3D4).to_vec();
        out.extend([0; 16]);
        out.extend(u32(link));
        for packet in packets {
            for number in [1_700_000_000, 500_000, packet.len() as u32, packet.len() as u32] {
                out.extend(u32(number));
            }
            out.extend_from_slice(packet);
        }
        out
    }

    fn frames(capture: &[u8]) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        read(capture, &Some(vec![2641]), &mut |item| {
            assert_eq!(item.seconds, 1_700_000_000.5);
            found.push(item.octets);
            Ok(())
        })
        .unwrap();
        found
    }

    #[test]
    fn udp_packets_are_put_together_in_any_order() {
        let long = frame(&"x".repeat(1200));
        let mut packets = vec![udp(&frame("a"))];
        split_packets(&long, 512, |packet| packets.insert(1, udp(packet)));
        assert_eq!(packets.len(), 4);
        for little in [true, false] {
            let found = frames(&capture(101, little, &packets));
            assert_eq!(found, [frame("a"), long.clone()]);
        }
    }

    #[test]
    fn tcp_streams_are_put_in_order() {
        let (a, b) = (frame("88.118.8/a"), frame("88.118.8/b"));
        let both = [a.clone(), b.clone()].concat();
        let start = 0xFFFF_FFF0u32;
        let at = |octets: usize| start.wrapping_add(1 + octets as u32);
        let packets = vec![
            tcp(start, 0x02, &[]),
            tcp(at(50), 0x18, &both[50..90]),
            tcp(at(0), 0x18, &both[..50]),
            tcp(at(40), 0x18, &both[40..70]), // Sent again.
            tcp(at(90), 0x19, &both[90..]),
        ];
        assert_eq!(frames(&capture(12, true, &packets)), [a.clone(), b]);
        let cut = frames(&capture(12, true, &[tcp(5, 0x18, &a[..30])]));
        assert_eq!(cut, [a[..30].to_vec()]);
    }

    #[test]
    fn link_layers_are_skipped() {
        let bare = udp(&frame("a"));
        let with = |head: &[u8]| [head, &bare].concat();
        let mut tagged = vec![0; 12];
        tagged.extend([0x81, 0, 0, 5, 8, 0]);
        for (link, packet) in
            [(0, with(&[2, 0, 0, 0])), (1, with(&tagged)), (113, with(&[0; 16])), (276, with(&[0; 20]))]
        {
            assert_eq!(frames(&capture(link, true, &[packet])).len(), 1, "link {link}");
        }
    }

    #[test]
    fn broken_captures_say_so_and_none_panics() {
        let whole = capture(1, true, &[tcp(1, 0x18, &frame("a"))]);
        for end in 0..whole.len() {
            let _ = read(&whole[..end], &None, &mut |_| Ok(()));
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0xFF;
            let _ = read(changed.as_slice(), &None, &mut |_| Ok(()));
        }
        let ng = [PCAPNG.as_slice(), &[0; 40]].concat();
        assert!(is_capture(&ng));
        let Err(Broken::Capture(text)) = read(ng.as_slice(), &None, &mut |_| Ok(())) else { panic!("read") };
        assert!(text.contains("editcap"));
    }
}
