//! One captured packet: through link and network layers to the payload of UDP or TCP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What a packet carries for its application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub transport: Transport,
    pub payload: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Udp,
    Tcp { sequence: u32, opens: bool, ends: bool },
}

/// The link layers that are understood, by their number in the capture's head.
pub fn is_known_link(link: u32) -> bool {
    matches!(link, NULL | ETHERNET | RAW_OLD | RAW_BSD | RAW | LOOP | COOKED | COOKED_2 | IPV4 | IPV6)
}

const NULL: u32 = 0;
const ETHERNET: u32 = 1;
const RAW_OLD: u32 = 12;
const RAW_BSD: u32 = 14;
const RAW: u32 = 101;
const LOOP: u32 = 108;
const COOKED: u32 = 113;
const IPV4: u32 = 228;
const IPV6: u32 = 229;
const COOKED_2: u32 = 276;

/// The segment in a packet; none if it is something else, or cut too short.
pub fn segment(link: u32, packet: &[u8]) -> Option<Segment<'_>> {
    let network = match link {
        NULL | LOOP => packet.get(4..)?,
        ETHERNET => ethernet(packet)?,
        RAW_OLD | RAW_BSD | RAW | IPV4 | IPV6 => packet,
        COOKED => packet.get(16..)?,
        COOKED_2 => packet.get(20..)?,
        _ => return None,
    };
    match network.first()? >> 4 {
        4 => ipv4(network),
        6 => ipv6(network),
        _ => None,
    }
}

/// Skips addresses and VLAN tags.
fn ethernet(packet: &[u8]) -> Option<&[u8]> {
    let mut at = 12;
    while matches!(u16_at(packet, at)?, 0x8100 | 0x88A8 | 0x9100) {
        at += 4;
    }
    matches!(u16_at(packet, at)?, 0x0800 | 0x86DD).then(|| packet.get(at + 2..))?
}

fn ipv4(packet: &[u8]) -> Option<Segment<'_>> {
    let header = usize::from(packet[0] & 0x0F) * 4;
    let total = usize::from(u16_at(packet, 2)?);
    // Parts of a cut packet have no whole segment.
    if header < 20 || u16_at(packet, 6)? & 0x3FFF != 0 {
        return None;
    }
    let address = |at| Some(Ipv4Addr::from(*packet.get(at..)?.first_chunk::<4>()?));
    let (from, to): (Ipv4Addr, Ipv4Addr) = (address(12)?, address(16)?);
    // Segmentation by the network card leaves 0 here.
    let end = if total == 0 { packet.len() } else { total.min(packet.len()) };
    transport(packet[9], IpAddr::V4(from), IpAddr::V4(to), packet.get(header..end)?)
}

fn ipv6(packet: &[u8]) -> Option<Segment<'_>> {
    let length = usize::from(u16_at(packet, 4)?);
    let address = |at| Some(Ipv6Addr::from(*packet.get(at..)?.first_chunk::<16>()?));
    let (from, to): (Ipv6Addr, Ipv6Addr) = (address(8)?, address(24)?);
    let end = if length == 0 { packet.len() } else { (40 + length).min(packet.len()) };
    let mut rest = packet.get(40..end)?;
    let mut next = *packet.get(6)?;
    // Hop-by-hop options, routing, destination options.
    while matches!(next, 0 | 43 | 60) {
        next = *rest.first()?;
        let size = 8 + usize::from(*rest.get(1)?) * 8;
        rest = rest.get(size..)?;
    }
    transport(next, IpAddr::V6(from), IpAddr::V6(to), rest)
}

fn transport(protocol: u8, from: IpAddr, to: IpAddr, octets: &[u8]) -> Option<Segment<'_>> {
    let (from, to) = (SocketAddr::new(from, u16_at(octets, 0)?), SocketAddr::new(to, u16_at(octets, 2)?));
    match protocol {
        17 => {
            let length = usize::from(u16_at(octets, 4)?);
            let end = if length < 8 { octets.len() } else { length.min(octets.len()) };
            Some(Segment { from, to, transport: Transport::Udp, payload: octets.get(8..end)? })
        }
        6 => {
            let sequence = u32::from_be_bytes(*octets.get(4..)?.first_chunk()?);
            let (header, flags) = (usize::from(octets.get(12)? >> 4) * 4, *octets.get(13)?);
            let payload = octets.get(header.max(20)..)?;
            let transport = Transport::Tcp { sequence, opens: flags & 0x02 != 0, ends: flags & 0x05 != 0 };
            Some(Segment { from, to, transport, payload })
        }
        _ => None,
    }
}

fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*octets.get(at..)?.first_chunk()?))
}
