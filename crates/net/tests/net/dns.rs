//! DNS sockets: both transports, answers at once and later, framing, silence, and the end.

use hufu_net::{
    Context, DnsAnswer, DnsServer, DnsService, Limits, Peer, RateLimits, Shutdown, Transport, dns_exchange,
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

const WAIT: Duration = Duration::from_secs(5);
/// What the 13th octet of a message makes the service do.
const AT_ONCE: u8 = 0;
const LATER: u8 = 1;
const SILENT: u8 = 2;
const PANIC: u8 = 3;
/// Cut on UDP, whole on TCP.
const CUT: u8 = 4;

struct Echo;

impl DnsService for Echo {
    fn answer(self: Arc<Self>, query: Vec<u8>, peer: Peer) -> DnsAnswer {
        Box::pin(async move {
            match query.get(12).copied().unwrap_or(AT_ONCE) {
                LATER => tokio::time::sleep(Duration::from_millis(100)).await,
                SILENT => return None,
                PANIC => panic!("on purpose"),
                _ => {}
            }
            let mut answer = query;
            if answer.get(12) == Some(&CUT) && peer.transport == Transport::Udp {
                answer[2] |= 0x02;
            }
            Some(answer)
        })
    }
}

fn start() -> (SocketAddr, Arc<Context>, JoinHandle<std::io::Result<()>>) {
    let server = DnsServer::bind(&["127.0.0.1:0".parse().unwrap()], 2).unwrap();
    let address = server.local_addrs()[0];
    let context = Context::new(Limits::default(), RateLimits::default(), Shutdown::new(WAIT));
    let running = tokio::spawn(server.run(Arc::new(Echo), Arc::clone(&context)));
    (address, context, running)
}

fn message(id: u8, what: u8) -> Vec<u8> {
    let mut message = vec![0; 14];
    (message[1], message[12]) = (id, what);
    message
}

#[tokio::test]
async fn udp_answers_at_once_and_later_and_outlives_a_panic() {
    let (address, context, running) = start();
    for what in [AT_ONCE, LATER] {
        let query = message(7, what);
        assert_eq!(dns_exchange(address, &query, WAIT, |_| true).await.unwrap(), query);
    }
    for what in [SILENT, PANIC] {
        let short = Duration::from_millis(200);
        let error = dns_exchange(address, &message(8, what), short, |_| true).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    }
    // A stranger's answer is passed over.
    let error = dns_exchange(address, &message(9, AT_ONCE), Duration::from_millis(200), |_| false).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    let query = message(10, CUT);
    assert_eq!(dns_exchange(address, &query, WAIT, |_| true).await.unwrap(), query, "whole by TCP");
    context.shutdown.trigger();
    running.await.unwrap().unwrap();
}

async fn write(stream: &mut TcpStream, message: &[u8]) {
    let length = u16::try_from(message.len()).unwrap();
    stream.write_all(&[&length.to_be_bytes(), message].concat()).await.unwrap();
}

async fn read(stream: &mut TcpStream) -> Vec<u8> {
    let length = stream.read_u16().await.unwrap();
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await.unwrap();
    message
}

#[tokio::test]
async fn tcp_takes_many_questions_and_answers_in_any_order() {
    let (address, context, running) = start();
    let mut stream = TcpStream::connect(address).await.unwrap();
    for (id, what) in [(1, LATER), (2, AT_ONCE), (3, SILENT), (4, PANIC), (5, AT_ONCE)] {
        write(&mut stream, &message(id, what)).await;
    }
    let mut order = Vec::new();
    for _ in 0..3 {
        order.push(read(&mut stream).await[1]);
    }
    assert_eq!(order.last(), Some(&1), "the slow one does not hold up the others");
    order.sort_unstable();
    assert_eq!(order, [1, 2, 5]);
    // What cannot be a message ends the connection.
    stream.write_all(&[0, 3, 1, 2, 3]).await.unwrap();
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0);
    // A question in flight is answered after the shutdown.
    let mut stream = TcpStream::connect(address).await.unwrap();
    write(&mut stream, &message(6, LATER)).await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    context.shutdown.trigger();
    assert_eq!(read(&mut stream).await[1], 6);
    running.await.unwrap().unwrap();
}
