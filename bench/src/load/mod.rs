//! The load: clients that keep a window of questions in flight and look at every answer.

mod http;
mod tcp;
mod udp;
mod window;

use crate::latency::Latency;
use crate::sample::Random;
use crate::serve::Listening;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::time::Duration;

/// Without an answer for so long a question is counted as dropped, and another takes its place.
const OVERDUE: Duration = Duration::from_secs(1);
/// How often a client that hears nothing looks around.
const GLANCE: Duration = Duration::from_millis(50);

/// How the questions come in.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    /// One socket, a window of questions.
    Udp { window: u16 },
    /// One connection, a window of questions.
    TcpPipelined { window: u16 },
    /// So many clients, each with a new connection for every question.
    TcpConnect { clients: u16 },
    /// So many connections that stay, one question at a time on each.
    Http { clients: u16 },
}

/// Whom to ask.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    pub listening: Listening,
    /// Whether it answers with the name asked for; the floor does not.
    pub named: bool,
}

/// What the clients saw while it counted.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub latency: Latency,
    pub dropped: u64,
}

impl Tally {
    pub fn answered(&self) -> u64 {
        self.latency.count()
    }

    pub fn merge(&mut self, other: &Tally) {
        self.latency.merge(&other.latency);
        self.dropped += other.dropped;
    }
}

/// Which part of a round it is, told to the clients by whoever has the clock.
#[derive(Debug, Default)]
pub struct Stage(AtomicU8);

const COUNTING: u8 = 1;
const OVER: u8 = 2;

impl Stage {
    /// Answers count from now on.
    pub fn count(&self) {
        self.0.store(COUNTING, Ordering::Relaxed);
    }

    pub fn end(&self) {
        self.0.store(OVER, Ordering::Relaxed);
    }

    fn is_counting(&self) -> bool {
        self.0.load(Ordering::Relaxed) == COUNTING
    }

    fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed) == OVER
    }
}

/// In which order names are asked for.
#[derive(Debug, Clone)]
enum Order {
    /// For ever.
    Random { random: Random, count: u32 },
    /// Each once.
    Each { next: u32, count: u32 },
}

impl Order {
    /// Every client of every round asks in another order, the same in every run.
    fn random(count: u32) -> Self {
        static CLIENTS: AtomicU32 = AtomicU32::new(1);
        let seed = CLIENTS.fetch_add(1, Ordering::Relaxed);
        Order::Random { random: Random::new(u64::from(seed)), count }
    }

    fn next(&mut self) -> Option<u32> {
        match self {
            Order::Random { random, count } => Some(random.below(*count)),
            Order::Each { next, count } => {
                let number = (next < count).then_some(*next);
                *next += 1;
                number
            }
        }
    }
}

/// Asks for random names out of `count` until the stage is over.
pub fn run(way: Way, target: Target, count: u32, stage: &Stage) -> Result<Tally, String> {
    match way {
        Way::Udp { window } => udp::run(target, Order::random(count), window, stage),
        Way::TcpPipelined { window } => tcp::pipelined(target, Order::random(count), window, stage),
        Way::TcpConnect { clients } => crowd(clients, || tcp::connecting(target, Order::random(count), stage)),
        Way::Http { clients } => crowd(clients, || http::run(target, Order::random(count), stage)),
    }
}

/// Asks once for each of `count` names, by UDP.
pub fn walk(target: Target, count: u32) -> Result<(), String> {
    let stage = Stage::default();
    udp::run(target, Order::Each { next: 0, count }, 64, &stage).map(drop)
}

/// So many clients at once; one failure is the failure of all.
fn crowd(clients: u16, client: impl Fn() -> Result<Tally, String> + Sync) -> Result<Tally, String> {
    let tallies: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(&client)).collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    });
    let mut sum = Tally::default();
    for tally in tallies {
        sum.merge(&tally.map_err(|_| "a client panicked")??);
    }
    Ok(sum)
}
