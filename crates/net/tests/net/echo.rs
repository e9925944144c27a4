//! A service whose frames say what it is to do, and the making of such frames.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hufu_net::*;
use tokio::task::JoinHandle;

/// Generous bound for whatever a test waits for.
pub const SOON: Duration = Duration::from_secs(10);

/// What a request asks of the service: the first word of its message, with an argument in the second.
#[derive(Clone, Copy)]
pub enum Ask {
    /// The same frame back.
    Echo,
    /// A frame with a message of so many octets.
    Large(u32),
    /// The same frame back, after so many milliseconds.
    Slow(u32),
    /// So many frames, one after another.
    Stream(u32),
    /// Nothing.
    Silence,
    Panic,
}

/// A request frame with a message of `length` octets.
pub fn request(request_id: u32, ask: Ask, length: usize) -> Vec<u8> {
    let (word, argument) = match ask {
        Ask::Echo => (1, 0),
        Ask::Large(octets) => (2, octets),
        Ask::Slow(millis) => (3, millis),
        Ask::Stream(frames) => (4, frames),
        Ask::Silence => (5, 0),
        Ask::Panic => (6, 0u32),
    };
    let mut frame = frame(request_id, length);
    frame[20..24].copy_from_slice(&u32::to_be_bytes(word));
    frame[24..28].copy_from_slice(&argument.to_be_bytes());
    frame
}

/// A frame with a patterned message.
pub fn frame(request_id: u32, length: usize) -> Vec<u8> {
    let mut frame = vec![2, 11, 2, 11, 0, 0, 0, 0];
    frame.extend(request_id.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend((length as u32).to_be_bytes());
    frame.extend((0..length).map(|at| (at % 251) as u8));
    frame
}

pub fn word(frame: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(frame[at..at + 4].try_into().unwrap())
}

pub fn request_id(frame: &[u8]) -> u32 {
    word(frame, 8)
}

/// Answers as asked, and remembers what else it was told.
#[derive(Default)]
pub struct Echo {
    pub closed: AtomicU64,
    pub slow_done: AtomicU64,
    pub malformed: Mutex<Vec<(Vec<u8>, FrameError)>>,
}

impl Service for Echo {
    fn answer(&self, request: &[u8], _peer: &Peer, out: &mut Vec<u8>) -> Outcome {
        assert!(out.is_empty());
        assert_eq!(request.len(), 20 + word(request, 16) as usize);
        match word(request, 20) {
            1 => out.extend_from_slice(request),
            2 => *out = frame(request_id(request), word(request, 24) as usize),
            3 | 4 => return Outcome::Later,
            6 => panic!("asked to"),
            _ => return Outcome::Drop,
        }
        Outcome::Answered
    }

    fn answer_later(
        self: Arc<Self>,
        request: Vec<u8>,
        _peer: Peer,
        replies: Replies,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let argument = word(&request, 24);
            if word(&request, 20) == 3 {
                tokio::time::sleep(Duration::from_millis(argument.into())).await;
                let _ = replies.send(request).await;
            } else {
                for number in 0..argument {
                    let mut answer = frame(request_id(&request), 24);
                    answer[20..24].copy_from_slice(&number.to_be_bytes());
                    if replies.send(answer).await.is_err() {
                        break;
                    }
                }
            }
            self.slow_done.fetch_add(1, Ordering::SeqCst);
        })
    }

    fn closed(&self, connection: ConnectionId) {
        assert_ne!(connection, ConnectionId::NONE);
        self.closed.fetch_add(1, Ordering::SeqCst);
    }

    fn malformed(&self, envelope: &[u8], reason: FrameError, out: &mut Vec<u8>) {
        self.malformed.lock().unwrap().push((envelope.to_vec(), reason));
        out.extend(frame(u32::MAX, 24));
    }
}

/// An echo service on UDP and TCP of one port, on both loopback addresses.
pub struct Running {
    pub echo: Arc<Echo>,
    pub context: Arc<Context>,
    /// The IPv4 and the IPv6 address.
    pub at: Vec<SocketAddr>,
    pub tasks: Vec<JoinHandle<std::io::Result<()>>>,
}

pub fn start(limits: Limits, rates: RateLimits, workers: usize) -> Running {
    let any = ["127.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()];
    let (udp, tcp) = bind_handle(&any, workers).unwrap();
    let echo = Arc::new(Echo::default());
    let context = Context::new(limits, rates, Shutdown::new(SOON));
    let at = tcp.local_addrs().to_vec();
    let tasks = vec![
        tokio::spawn(udp.run(Arc::clone(&echo) as Arc<dyn Service>, Arc::clone(&context))),
        tokio::spawn(tcp.run(Arc::clone(&echo) as Arc<dyn Service>, Arc::clone(&context))),
    ];
    Running { echo, context, at, tasks }
}

pub fn start_default() -> Running {
    start(Limits::default(), RateLimits::default(), 0)
}

impl Running {
    /// Gives the signal and waits for the servers to return.
    pub async fn stop(self) {
        self.context.shutdown.trigger();
        for task in self.tasks {
            tokio::time::timeout(SOON, task).await.unwrap().unwrap().unwrap();
        }
    }
}

/// Waits until something becomes true.
pub async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, waiting).await.expect("never came true");
}
