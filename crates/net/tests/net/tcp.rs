//! TCP: pipelining, half close, malformed streams, time limits, shutdown.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hufu_net::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::echo::*;

async fn receive(stream: &mut TcpStream) -> Vec<u8> {
    let reading = async {
        let mut frame = vec![0; ENVELOPE];
        stream.read_exact(&mut frame).await.unwrap();
        let length = word(&frame, 16) as usize;
        frame.resize(ENVELOPE + length, 0);
        stream.read_exact(&mut frame[ENVELOPE..]).await.unwrap();
        frame
    };
    timeout(SOON, reading).await.expect("no answer")
}

async fn assert_ended(stream: &mut TcpStream) {
    let read = timeout(SOON, stream.read_u8()).await.expect("still open");
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn answers_pipelined_requests_of_any_size() {
    let running = start_default();
    for at in &running.at {
        let mut stream = TcpStream::connect(at).await.unwrap();
        let frames: Vec<_> = (1..200).map(|id| request(id, Ask::Echo, 28 + id as usize * 37)).collect();
        // In odd pieces, so that frames are split between reads.
        for piece in frames.concat().chunks(7777) {
            stream.write_all(piece).await.unwrap();
        }
        for frame in &frames {
            assert_eq!(&receive(&mut stream).await, frame);
        }
        let largest = request(7, Ask::Echo, MESSAGE);
        stream.write_all(&largest).await.unwrap();
        assert_eq!(receive(&mut stream).await, largest);
    }
    until(|| running.echo.closed.load(Ordering::SeqCst) == 2).await;
    assert_eq!(running.context.counters.connections_open.load(Ordering::Relaxed), 0);
    running.stop().await;
}

#[tokio::test]
async fn answers_after_the_client_has_closed_its_half() {
    let running = start_default();
    let mut stream = TcpStream::connect(running.at[0]).await.unwrap();
    stream.write_all(&request(1, Ask::Slow(50), 30)).await.unwrap();
    stream.write_all(&request(2, Ask::Large(100_000), 30)).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(receive(&mut stream).await.len(), 100_020);
    assert_eq!(request_id(&receive(&mut stream).await), 1);
    assert_ended(&mut stream).await;
    running.stop().await;
}

#[tokio::test]
async fn does_not_let_slow_requests_block_others() {
    let running = start(Limits { in_flight: 2, ..Limits::default() }, RateLimits::default(), 0);
    let mut stream = TcpStream::connect(running.at[0]).await.unwrap();
    let asks = [(1, Ask::Slow(300)), (2, Ask::Slow(50)), (3, Ask::Panic), (4, Ask::Echo)];
    for (id, ask) in asks {
        stream.write_all(&request(id, ask, 30)).await.unwrap();
    }
    let mut order = Vec::new();
    for _ in 0..3 {
        order.push(request_id(&receive(&mut stream).await));
    }
    assert_eq!(order, [4, 2, 1]);

    // The third slow one waits for a place, and what comes after it waits behind it.
    for (id, ask) in [(1, Ask::Slow(200)), (2, Ask::Slow(200)), (3, Ask::Slow(0)), (4, Ask::Echo)] {
        stream.write_all(&request(id, ask, 30)).await.unwrap();
    }
    let mut order = Vec::new();
    for _ in 0..4 {
        order.push(request_id(&receive(&mut stream).await));
    }
    assert!(order[0] <= 2 && order.contains(&3) && order.contains(&4), "{order:?}");
    running.stop().await;
}

#[tokio::test]
async fn shares_the_places_for_slow_requests_among_connections() {
    let running = start(Limits { tasks: 1, ..Limits::default() }, RateLimits::default(), 0);
    let mut one = TcpStream::connect(running.at[0]).await.unwrap();
    let mut two = TcpStream::connect(running.at[0]).await.unwrap();
    for id in 0..5 {
        one.write_all(&request(id, Ask::Slow(20), 30)).await.unwrap();
        two.write_all(&request(id, Ask::Stream(50), 30)).await.unwrap();
    }
    for id in 0..5 {
        assert_eq!(request_id(&receive(&mut one).await), id);
        for number in 0..50 {
            let answer = receive(&mut two).await;
            assert_eq!((request_id(&answer), word(&answer, 20)), (id, number));
        }
    }
    running.stop().await;
}

#[tokio::test]
async fn ends_a_malformed_stream_after_what_is_in_flight() {
    let running = start_default();
    let mut stream = TcpStream::connect(running.at[0]).await.unwrap();
    stream.write_all(&request(1, Ask::Slow(50), 30)).await.unwrap();
    let mut short = request(2, Ask::Echo, 30);
    short[16..20].copy_from_slice(&23u32.to_be_bytes());
    stream.write_all(&short).await.unwrap();
    stream.write_all(&vec![0xAA; 500_000]).await.unwrap();
    assert_eq!(request_id(&receive(&mut stream).await), u32::MAX);
    assert_eq!(request_id(&receive(&mut stream).await), 1);
    assert_ended(&mut stream).await;
    let told = running.echo.malformed.lock().unwrap().clone();
    assert_eq!(told, [(short[..20].to_vec(), FrameError::TooShort { length: 23 })]);
    drop(stream);
    running.stop().await;
}

#[tokio::test]
async fn ends_idle_connections_and_frames_that_stall() {
    let limits = Limits { idle: Duration::from_millis(200), read: Duration::from_millis(50), ..Limits::default() };
    let running = start(limits, RateLimits::default(), 0);
    let mut idle = TcpStream::connect(running.at[0]).await.unwrap();
    let mut stalled = TcpStream::connect(running.at[0]).await.unwrap();
    let mut slow = TcpStream::connect(running.at[0]).await.unwrap();
    slow.write_all(&request(1, Ask::Slow(500), 30)).await.unwrap();
    stalled.write_all(&request(1, Ask::Echo, 30)[..25]).await.unwrap();
    assert_eq!(request_id(&receive(&mut stalled).await), u32::MAX);
    assert_ended(&mut stalled).await;
    assert_ended(&mut idle).await;
    assert_eq!(request_id(&receive(&mut slow).await), 1, "a connection with work is not idle");
    let reasons: Vec<_> = running.echo.malformed.lock().unwrap().iter().map(|told| told.1).collect();
    assert_eq!(reasons, [FrameError::TimedOut]);
    running.stop().await;
}

#[tokio::test]
async fn refuses_connections_over_the_limit() {
    let limits = Limits { connections_per_peer: 2, ..Limits::default() };
    let running = start(limits, RateLimits { exempt: Vec::new(), ..RateLimits::default() }, 0);
    let mut open = Vec::new();
    for id in 0..2 {
        let mut stream = TcpStream::connect(running.at[0]).await.unwrap();
        stream.write_all(&request(id, Ask::Echo, 30)).await.unwrap();
        receive(&mut stream).await;
        open.push(stream);
    }
    assert_ended(&mut TcpStream::connect(running.at[0]).await.unwrap()).await;
    assert_eq!(running.context.counters.connections_refused.load(Ordering::Relaxed), 1);
    running.stop().await;
}

#[tokio::test]
async fn slows_down_a_client_over_its_rate() {
    let requests = Rate { per_second: 100, burst: 1 };
    let rates = RateLimits { requests, exempt: Vec::new(), ..RateLimits::default() };
    let running = start(Limits::default(), rates, 0);
    let mut stream = TcpStream::connect(running.at[0]).await.unwrap();
    let began = std::time::Instant::now();
    let frames: Vec<_> = (0..11).map(|id| request(id, Ask::Echo, 30)).collect();
    stream.write_all(&frames.concat()).await.unwrap();
    for frame in &frames {
        assert_eq!(&receive(&mut stream).await, frame);
    }
    assert!(began.elapsed() >= Duration::from_millis(95), "{:?}", began.elapsed());
    running.stop().await;
}

#[tokio::test]
async fn finishes_requests_at_shutdown() {
    let running = start_default();
    let mut stream = TcpStream::connect(running.at[0]).await.unwrap();
    let mut idle = TcpStream::connect(running.at[0]).await.unwrap();
    stream.write_all(&request(1, Ask::Slow(200), 30)).await.unwrap();
    let counters = &running.context.counters;
    until(|| counters.octets_in.load(Ordering::Relaxed) > 0).await;
    running.context.shutdown.trigger();
    assert_ended(&mut idle).await;
    assert_eq!(request_id(&receive(&mut stream).await), 1);
    assert_ended(&mut stream).await;
    let at = running.at[0];
    running.stop().await;
    assert!(TcpStream::connect(at).await.is_err());
}

#[tokio::test]
async fn brings_slow_requests_to_their_end_without_a_client() {
    let running = start_default();
    let mut stream = TcpStream::connect(running.at[0]).await.unwrap();
    stream.write_all(&request(1, Ask::Slow(50), 30)).await.unwrap();
    drop(stream);
    until(|| running.echo.closed.load(Ordering::SeqCst) == 1).await;
    assert_eq!(running.echo.slow_done.load(Ordering::SeqCst), 1);
    running.stop().await;
}
