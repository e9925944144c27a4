//! Frames there and back: sharing of connections, servers that close, UDP, deadlines.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hufu_client::{Client, Endpoint, ErrorKind, Exchange, ResolveOptions};
use hufu_ident::systems::handle::wire::{Body, Envelope, Header, Message, OpCode, ResponseCode, flag, split_packets};
use hufu_ident::{SelectionBuf, Value};
use tokio::net::UdpSocket;

use crate::fake::{Fake, Request};

const SOON: Duration = Duration::from_secs(5);

async fn resolves(client: &Client, name: &str) {
    let found = client.resolve(name, &SelectionBuf::default(), ResolveOptions::default()).await;
    assert_eq!(found.unwrap().values[0].data, name.as_bytes());
}

/// Asks for many names at once and checks that each got its own answer.
async fn resolve_many(client: &Client, count: usize) {
    let one = |number| {
        let client = client.clone();
        tokio::spawn(async move { resolves(&client, &format!("88.1/{number}")).await })
    };
    for task in (0..count).map(one).collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

fn question(request_id: u32) -> Vec<u8> {
    let body = Body::Resolve { handle: b"88.1/x".to_vec(), selection: SelectionBuf::default() };
    let header = Header::request(OpCode::RESOLUTION, flag::DEFAULT_QUERY, 0);
    Message::new(Envelope::new(request_id), header, body).to_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_find_their_askers_in_any_order() {
    let server = Fake::start(|mut connection| async move {
        loop {
            let mut requests = Vec::new();
            for _ in 0..3 {
                let Some(request) = connection.receive().await else {
                    return;
                };
                requests.push(request);
            }
            for request in requests.iter().rev() {
                connection.send(&request.echo()).await;
            }
        }
    })
    .await;
    resolve_many(&server.client(), 3).await;
    assert_eq!(server.connections(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_questions_share_few_connections() {
    let server = Fake::answering(|request| vec![request.echo()]).await;
    let client = server.client();
    resolve_many(&client, 500).await;
    resolve_many(&client, 500).await;
    assert!(server.connections() <= 4, "{}", server.connections());
}

/// More servers than connections may be open: what is idle makes room, and who finds nothing idle waits.
#[tokio::test(flavor = "multi_thread")]
async fn there_is_a_bound_on_all_connections() {
    let open = Arc::new(AtomicUsize::new(0));
    let mut servers = Vec::new();
    for _ in 0..280 {
        let open = Arc::clone(&open);
        let server = Fake::start(move |mut connection| {
            let open = Arc::clone(&open);
            async move {
                open.fetch_add(1, Ordering::SeqCst);
                while let Some(request) = connection.receive().await {
                    tokio::time::sleep(Duration::from_millis(30)).await;
                    connection.send(&request.echo()).await;
                }
                open.fetch_sub(1, Ordering::SeqCst);
            }
        });
        servers.push(server.await);
    }
    let exchange = Exchange::new();
    for _ in 0..2 {
        let ask = |server: &Fake| {
            let (exchange, to) = (exchange.clone(), server.endpoint());
            tokio::spawn(async move { exchange.ask(&to, &question(1), SOON).await })
        };
        for task in servers.iter().map(ask).collect::<Vec<_>>() {
            task.await.unwrap().unwrap();
        }
    }
    // The servers learn of an end a little later than the client.
    fall_to(&open, 256).await;
    assert!(open.load(Ordering::SeqCst) > 200, "they are kept");
    drop(exchange);
    fall_to(&open, 0).await;
}

async fn fall_to(count: &AtomicUsize, bound: usize) {
    let fallen = async {
        while count.load(Ordering::SeqCst) > bound {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(SOON, fallen).await.unwrap();
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let ended = Arc::new(tokio::sync::Notify::new());
    let end = Arc::clone(&ended);
    let server = Fake::start(move |mut connection| {
        let end = Arc::clone(&end);
        async move {
            while let Some(request) = connection.receive().await {
                connection.send(&request.echo()).await;
            }
            end.notify_one();
        }
    })
    .await;
    let exchange = Exchange::new();
    exchange.ask(&server.endpoint(), &question(1), SOON).await.unwrap();
    tokio::time::pause();
    tokio::time::timeout(Duration::from_secs(90), ended.notified()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_may_close_after_one_answer() {
    let server = Fake::start(|mut connection| async move {
        if let Some(request) = connection.receive().await {
            connection.send(&request.echo()).await;
        }
    })
    .await;
    let client = server.client();
    resolve_many(&client, 60).await;
    let learned = server.connections();
    resolve_many(&client, 10).await;
    assert_eq!(server.connections() - learned, 10, "one connection for each request");
}

/// As when the way to the server is cut, or its process hangs.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_went_silent_is_left() {
    let server = Fake::start(|mut connection| async move {
        if let Some(request) = connection.receive().await {
            connection.send(&request.echo()).await;
        }
        while connection.receive().await.is_some() {}
    })
    .await;
    let exchange = Exchange::new();
    let ask = || async {
        let answer = exchange.ask(&server.endpoint(), &question(1), Duration::from_millis(100)).await;
        answer.map(drop).map_err(|error| error.kind())
    };
    assert_eq!(ask().await, Ok(()));
    assert_eq!(ask().await, Err(ErrorKind::TimedOut));
    assert_eq!(ask().await, Err(ErrorKind::TimedOut));
    assert_eq!(ask().await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_not_sent_twice() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    let server = Fake::start(move |mut connection| {
        let counted = Arc::clone(&counted);
        async move {
            connection.receive().await;
            counted.fetch_add(1, Ordering::SeqCst);
        }
    })
    .await;
    let client = server.client();
    let error = client.delete("88.1/x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(seen.load(Ordering::SeqCst), 1);
    let found = client.resolve("88.1/x", &SelectionBuf::default(), ResolveOptions::default()).await;
    assert_eq!(found.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(seen.load(Ordering::SeqCst), 3, "a question is");
}

/// The server closes after each answer, but not at once: a change must not go where the close is about to come.
#[tokio::test(flavor = "multi_thread")]
async fn changes_do_not_follow_one_another_on_an_unknown_connection() {
    let server = Fake::start(|mut connection| async move {
        if let Some(request) = connection.receive().await {
            connection.send(&request.answer(ResponseCode::SUCCESS, Body::Empty)).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let client = server.client();
    for _ in 0..10 {
        client.delete("88.1/x").await.unwrap();
    }
    assert_eq!(server.connections(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_askers_request_id_comes_back() {
    let server = Fake::answering(|request| {
        assert_ne!(request.envelope.request_id, 0x0102_0304);
        vec![request.echo()]
    })
    .await;
    let answer = Exchange::new().ask(&server.endpoint(), &question(0x0102_0304), SOON).await.unwrap();
    assert_eq!(answer[8..12], [1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_frame_is_not_sent() {
    let server = Fake::answering(|request| vec![request.echo()]).await;
    for frame in [&b""[..], &[0; 43], &question(1)[..60]] {
        let error = Exchange::new().ask(&server.endpoint(), frame, SOON).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlines_hold() {
    let silent = Fake::start(|mut connection| async move { while connection.receive().await.is_some() {} }).await;
    let started = Instant::now();
    let wait = Duration::from_millis(200);
    for endpoint in [silent.endpoint(), Endpoint::udp(unanswered().await.local_addr().unwrap())] {
        let error = Exchange::new().ask(&endpoint, &question(1), wait).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let error = Client::new(endpoint).with_deadline(wait).site_info().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens() {
    let gone = Fake::answering(|_| Vec::new()).await.endpoint();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let error = Exchange::new().ask(&gone, &question(1), SOON).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
}

/// Received from, never answered.
async fn unanswered() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn udp_asks_again_and_takes_answers_in_packets() {
    let socket = unanswered().await;
    let endpoint = Endpoint::udp(socket.local_addr().unwrap());
    tokio::spawn(async move {
        let mut buffer = [0; 2048];
        // The first is lost.
        socket.recv_from(&mut buffer).await.unwrap();
        let (length, asker) = socket.recv_from(&mut buffer).await.unwrap();
        let request = Request::new(buffer[..length].to_vec());
        let values = vec![Value::new(1, "DESC", vec![b'x'; 1500])];
        let answer = request.answer(ResponseCode::SUCCESS, Body::Values { handle: b"88.1/x".to_vec(), values });
        let mut packets = Vec::new();
        split_packets(&answer.to_bytes(), 512, |packet| packets.push(packet.to_vec()));
        assert!(packets.len() > 2);
        for packet in packets.iter().rev() {
            socket.send_to(packet, asker).await.unwrap();
        }
    });
    let client = Client::new(endpoint);
    let found = client.resolve("88.1/x", &SelectionBuf::default(), ResolveOptions::default()).await.unwrap();
    assert_eq!(found.values[0].data.len(), 1500);
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_need_a_stream() {
    let endpoint = Endpoint::udp(unanswered().await.local_addr().unwrap());
    let error = Client::new(endpoint).list("88.1").await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
