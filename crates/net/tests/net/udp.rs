//! UDP: packets both ways, bounds, workers, shutdown.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hufu_net::*;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::echo::*;

/// The packets of a frame, as the protocol cuts it.
fn packets(frame: &[u8]) -> Vec<Vec<u8>> {
    let cut = frame[ENVELOPE..].chunks(PAYLOAD).enumerate().map(|(sequence, payload)| {
        let mut packet = frame[..ENVELOPE].to_vec();
        packet[12..16].copy_from_slice(&(sequence as u32).to_be_bytes());
        packet.extend(payload);
        packet
    });
    cut.collect()
}

async fn client(of: &Running) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(of.at[0]).await.unwrap();
    socket
}

async fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = [0; 2048];
    let length = timeout(SOON, socket.recv(&mut buffer)).await.unwrap().unwrap();
    buffer[..length].to_vec()
}

#[tokio::test]
async fn answers_over_v4_and_v6_in_one_packet_and_many() {
    let running = start_default();
    for at in &running.at {
        for length in [28, 492, 493, 5000, 100_000] {
            let frame = request(9, Ask::Echo, length);
            assert_eq!(udp_exchange(*at, &frame, &UDP_WAITS).await.unwrap(), frame, "{at} {length}");
        }
    }
    running.stop().await;
}

#[tokio::test]
async fn answers_from_worker_threads() {
    let running = start(Limits::default(), RateLimits::default(), 2);
    let asking = (0..40).map(|id| {
        let at = running.at[id as usize % 2];
        tokio::spawn(async move {
            let ask = if id % 3 == 0 { Ask::Slow(20) } else { Ask::Echo };
            let frame = request(id, ask, 1000);
            assert_eq!(udp_exchange(at, &frame, &UDP_WAITS).await.unwrap(), frame);
        })
    });
    for asked in asking.collect::<Vec<_>>() {
        asked.await.unwrap();
    }
    running.stop().await;
}

#[tokio::test]
async fn puts_packets_together_in_any_order_and_flags_its_own() {
    let running = start_default();
    let socket = client(&running).await;
    let frame = request(5, Ask::Echo, 1300);
    let mut shuffled = packets(&frame);
    shuffled.rotate_left(1);
    for packet in &shuffled {
        socket.send(packet).await.unwrap();
    }
    for sequence in 0..3 {
        let packet = receive(&socket).await;
        assert_eq!((word(&packet, 12), packet[2], packet.len() <= PACKET), (sequence, 0x22, true));
        let start = ENVELOPE + sequence as usize * PAYLOAD;
        assert_eq!(packet[ENVELOPE..], frame[start..frame.len().min(start + PAYLOAD)]);
    }
    socket.send(&request(6, Ask::Echo, 492)).await.unwrap();
    let packet = receive(&socket).await;
    assert_eq!((packet.len(), packet[2]), (512, 2), "one packet is not truncated");
    running.stop().await;
}

#[tokio::test]
async fn forgets_incomplete_messages() {
    let limits = Limits { reassembly: Duration::from_millis(50), ..Limits::default() };
    let running = start(limits, RateLimits::default(), 0);
    let socket = client(&running).await;
    let parts = packets(&request(5, Ask::Echo, 600));
    socket.send(&parts[0]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    socket.send(&parts[1]).await.unwrap();
    // Answered in order, so nothing was answered before this.
    socket.send(&request(6, Ask::Echo, 30)).await.unwrap();
    assert_eq!(request_id(&receive(&socket).await), 6);
    assert_eq!(running.context.counters.reassemblies_dropped.load(Ordering::Relaxed), 1);
    running.stop().await;
}

#[tokio::test]
async fn says_what_is_wrong_with_a_length() {
    let running = start_default();
    let socket = client(&running).await;
    let mut long = request(5, Ask::Echo, 30);
    long[16..20].copy_from_slice(&262_145u32.to_be_bytes());
    socket.send(&long).await.unwrap();
    assert_eq!(request_id(&receive(&socket).await), u32::MAX);
    socket.send(&[2; 19]).await.unwrap();
    socket.send(&request(6, Ask::Echo, 30)).await.unwrap();
    assert_eq!(request_id(&receive(&socket).await), 6, "nothing is said to what is no envelope");
    let told = running.echo.malformed.lock().unwrap().clone();
    assert_eq!(told, [(long[..20].to_vec(), FrameError::TooLong { length: 262_145, longest: 262_144 })]);
    running.stop().await;
}

#[tokio::test]
async fn goes_on_after_a_panic_and_beside_slow_requests() {
    let running = start_default();
    let socket = client(&running).await;
    socket.send(&request(1, Ask::Panic, 30)).await.unwrap();
    socket.send(&request(2, Ask::Silence, 30)).await.unwrap();
    socket.send(&request(3, Ask::Slow(100), 30)).await.unwrap();
    socket.send(&request(4, Ask::Echo, 30)).await.unwrap();
    assert_eq!(request_id(&receive(&socket).await), 4);
    assert_eq!(request_id(&receive(&socket).await), 3);
    assert_eq!(running.context.counters.panics.load(Ordering::Relaxed), 1);
    running.stop().await;
}

#[tokio::test]
async fn drops_what_is_over_the_limits() {
    let rates = RateLimits {
        requests: Rate { per_second: 1, burst: 3 },
        udp_octets: Rate { per_second: 1, burst: 100 },
        exempt: Vec::new(),
        ..RateLimits::default()
    };
    let running = start(Limits { tasks: 1, ..Limits::default() }, rates, 0);
    let socket = client(&running).await;
    socket.send(&request(1, Ask::Echo, 60)).await.unwrap();
    assert_eq!(request_id(&receive(&socket).await), 1);
    for id in 2..6 {
        socket.send(&request(id, Ask::Echo, 60)).await.unwrap();
    }
    let counters = &running.context.counters;
    until(|| counters.packets_in.load(Ordering::Relaxed) == 5).await;
    assert_eq!(counters.answers_over_rate.load(Ordering::Relaxed), 2);
    assert_eq!(counters.requests_over_rate.load(Ordering::Relaxed), 2);
    running.stop().await;
}

#[tokio::test]
async fn bounds_slow_requests() {
    let running = start(Limits { tasks: 1, ..Limits::default() }, RateLimits::default(), 0);
    let socket = client(&running).await;
    socket.send(&request(1, Ask::Slow(100), 30)).await.unwrap();
    socket.send(&request(2, Ask::Slow(0), 30)).await.unwrap();
    assert_eq!(request_id(&receive(&socket).await), 1);
    assert_eq!(running.context.counters.overload_drops.load(Ordering::Relaxed), 1);
    running.stop().await;
}

#[tokio::test]
async fn finishes_slow_requests_at_shutdown() {
    for workers in [0, 1] {
        let running = start(Limits::default(), RateLimits::default(), workers);
        let socket = client(&running).await;
        socket.send(&request(1, Ask::Slow(150), 30)).await.unwrap();
        let counters = &running.context.counters;
        until(|| counters.packets_in.load(Ordering::Relaxed) == 1).await;
        running.stop().await;
        assert_eq!(request_id(&receive(&socket).await), 1);
    }
}
