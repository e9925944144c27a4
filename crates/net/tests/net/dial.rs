//! The asking side: retransmission, and one connection for many requests.

use std::time::Duration;

use hufu_net::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use crate::echo::*;

const WAITS: [Duration; 3] = [Duration::from_millis(50), Duration::from_millis(100), Duration::from_secs(5)];

#[tokio::test]
async fn asks_again_and_ignores_what_is_not_the_answer() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = server.local_addr().unwrap();
    let request = request(7, Ask::Echo, 40);
    let expected = request.clone();
    let serving = tokio::spawn(async move {
        let mut buffer = [0; 600];
        for turn in 0..3 {
            let (length, from) = server.recv_from(&mut buffer).await.unwrap();
            assert_eq!(buffer[..length], expected);
            match turn {
                0 => {}
                1 => {
                    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                    stranger.send_to(&frame(7, 24), from).await.unwrap();
                    for ignored in [frame(8, 24), frame(7, 23), vec![1; 5]] {
                        server.send_to(&ignored, from).await.unwrap();
                    }
                }
                _ => _ = server.send_to(&frame(7, 100), from).await.unwrap(),
            }
        }
    });
    assert_eq!(udp_exchange(at, &request, &WAITS).await.unwrap(), frame(7, 100));
    serving.await.unwrap();
}

#[tokio::test]
async fn gives_up_in_time_and_on_refusal() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = silent.local_addr().unwrap();
    let request = request(7, Ask::Echo, 40);
    let short = [Duration::from_millis(20)];
    assert!(matches!(udp_exchange(at, &request, &short).await, Err(DialError::TimedOut)));
    assert!(matches!(udp_exchange(at, &request[..50], &short).await, Err(DialError::NotAFrame)));
    drop(silent);
    assert!(matches!(udp_exchange(at, &request, &WAITS).await, Err(DialError::Io(_))));
}

#[tokio::test]
async fn matches_answers_by_request_id() {
    let running = start_default();
    let link = TcpLink::connect(running.at[1], SOON).await.unwrap();
    let asking = (0..100).map(|id| {
        let link = link.clone();
        tokio::spawn(async move {
            let frame = request(id, Ask::Slow(100 - id), 28 + id as usize);
            assert_eq!(link.ask(frame.clone(), SOON).await.unwrap(), frame);
        })
    });
    let mut listing = link.open(request(1000, Ask::Stream(500), 28)).await.unwrap();
    assert!(matches!(link.ask(request(1000, Ask::Echo, 28), SOON).await, Err(DialError::InFlight(1000))));
    let asking: Vec<_> = asking.collect();
    for number in 0..500 {
        assert_eq!(word(&listing.next(SOON).await.unwrap(), 20), number);
    }
    for asked in asking {
        asked.await.unwrap();
    }
    // A listing that is not wanted any more holds up nobody.
    let unwanted = link.open(request(1001, Ask::Stream(5000), 28)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(unwanted);
    let short = Duration::from_millis(20);
    assert!(matches!(link.ask(request(1, Ask::Silence, 28), short).await, Err(DialError::TimedOut)));
    assert!(link.ask(request(1, Ask::Echo, 28), SOON).await.is_ok(), "the id is free again");
    running.stop().await;
}

#[tokio::test]
async fn bears_servers_that_close_after_one_answer() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = server.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = server.accept().await.unwrap();
        let mut first = [0; 48];
        stream.read_exact(&mut first).await.unwrap();
        let mut second = [0; 48];
        stream.read_exact(&mut second).await.unwrap();
        stream.write_all(&first).await.unwrap();
    });
    let link = TcpLink::connect(at, SOON).await.unwrap();
    let mut one = link.open(request(1, Ask::Echo, 28)).await.unwrap();
    let mut two = link.open(request(2, Ask::Echo, 28)).await.unwrap();
    assert_eq!(one.next(SOON).await.unwrap(), request(1, Ask::Echo, 28));
    assert!(matches!(two.next(SOON).await, Err(DialError::Closed)));
    assert!(matches!(link.ask(request(3, Ask::Echo, 28), SOON).await, Err(DialError::Closed)));
    assert!(link.is_closed());
}
