//! Reassembly: any order, by length, within the bounds.

use std::time::Duration;

use super::*;

fn packets(request_id: u32, message: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut frame = vec![2, 11, 2, 11, 0, 0, 0, 0];
    frame.extend(request_id.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend((message as u32).to_be_bytes());
    frame.extend((0..message).map(|at| (at % 251) as u8));
    let mut packets = Vec::new();
    frame::split(&frame, |envelope, payload| packets.push([envelope, payload].concat()));
    (frame, packets)
}

fn peer(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 4000))
}

#[test]
fn joins_in_any_order_without_the_flag() {
    let mut reassembly = Reassembly::new(Limits::default());
    let now = Instant::now();
    let (frame, mut packets) = packets(7, 2000);
    packets.iter_mut().for_each(|packet| packet[2] &= !0x20);
    packets.rotate_left(2);
    packets.reverse();
    let last = packets.pop().unwrap();
    for packet in packets.iter().chain(&packets) {
        assert_eq!(reassembly.add(peer(1), packet, now), Fate::Kept);
    }
    assert_eq!(reassembly.add(peer(1), &last, now), Fate::Complete(frame));
    assert_eq!((reassembly.octets, reassembly.clients.len(), reassembly.order.len()), (0, 0, 0));
}

#[test]
fn keeps_peers_and_requests_apart() {
    let mut reassembly = Reassembly::new(Limits::default());
    let now = Instant::now();
    let (one, first) = packets(1, 600);
    let (two, second) = packets(2, 700);
    assert_eq!(reassembly.add(peer(1), &first[0], now), Fate::Kept);
    assert_eq!(reassembly.add(peer(1), &second[0], now), Fate::Kept);
    assert_eq!(reassembly.add(peer(2), &first[1], now), Fate::Kept);
    assert_eq!(reassembly.add(peer(1), &second[1], now), Fate::Complete(two));
    assert_eq!(reassembly.add(peer(1), &first[1], now), Fate::Complete(one));
}

#[test]
fn drops_what_does_not_fit() {
    let mut reassembly = Reassembly::new(Limits::default());
    let now = Instant::now();
    let (frame, good) = packets(1, 1000);
    let (_, other_length) = packets(1, 1001);
    let beyond = {
        let mut packet = good[0].clone();
        packet[15] = 3;
        packet
    };
    let huge = {
        let mut packet = good[0].clone();
        packet[12..16].fill(0xff);
        packet
    };
    assert_eq!(reassembly.add(peer(1), &good[0][..300], now), Fate::Misfit);
    assert!(reassembly.pending.is_empty());
    assert_eq!(reassembly.add(peer(1), &good[0], now), Fate::Kept);
    for bad in [&other_length[1], &beyond, &huge, &good[1][..511].to_vec()] {
        assert_eq!(reassembly.add(peer(1), bad, now), Fate::Misfit);
    }
    assert_eq!(reassembly.add(peer(1), &good[2], now), Fate::Kept);
    assert_eq!(reassembly.add(peer(1), &good[1], now), Fate::Complete(frame));
}

#[test]
fn forgets_after_the_time() {
    let mut reassembly = Reassembly::new(Limits::default());
    let now = Instant::now();
    let (_, packets) = packets(1, 600);
    assert_eq!(reassembly.add(peer(1), &packets[0], now), Fate::Kept);
    assert_eq!(reassembly.add(peer(1), &packets[1], now + Duration::from_secs(5)), Fate::Kept);
    assert_eq!(reassembly.take_dropped(), 1);
    assert_eq!(reassembly.pending.len(), 1, "begun anew by the second packet");
}

#[test]
fn is_bounded_in_number_and_per_client() {
    let limits = Limits { reassemblies: 4, reassemblies_per_peer: 3, ..Limits::default() };
    let mut reassembly = Reassembly::new(limits);
    let now = Instant::now();
    let begin = |reassembly: &mut Reassembly, from, id| reassembly.add(peer(from), &packets(id, 600).1[0], now);
    for id in 0..3 {
        assert_eq!(begin(&mut reassembly, 1, id), Fate::Kept);
    }
    assert_eq!(begin(&mut reassembly, 1, 3), Fate::Refused, "too many of one client");
    assert_eq!(begin(&mut reassembly, 2, 0), Fate::Kept);
    assert_eq!(begin(&mut reassembly, 3, 0), Fate::Kept, "the oldest gave way");
    assert_eq!(reassembly.pending.len(), 4);
    assert!(!reassembly.pending.contains_key(&(peer(1), 0)));
    assert_eq!(reassembly.take_dropped(), 2);
}

#[test]
fn is_bounded_in_octets() {
    let limits = Limits { reassembly_octets: 10_000, reassemblies_per_peer: 4096, ..Limits::default() };
    let mut reassembly = Reassembly::new(limits);
    let now = Instant::now();
    let mut first = packets(0, 262_144).1.swap_remove(0);
    for id in 0..1000u32 {
        first[8..12].copy_from_slice(&id.to_be_bytes());
        assert_eq!(reassembly.add(peer(1), &first, now), Fate::Kept);
        assert!(reassembly.octets <= 10_000);
    }
    assert_eq!(reassembly.pending.len(), 10_000 / (PAYLOAD + BOOKKEEPING));
    assert_eq!(reassembly.order.len(), reassembly.pending.len());
}
