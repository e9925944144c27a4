//! The signal that ends a node's servers, and the wait for what is still in flight.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

/// Tells all servers of a node to stop: they take nothing new, finish what is in flight within the drain
/// time, then close. Cheap to clone; triggering twice is harmless.
#[derive(Clone, Debug)]
pub struct Shutdown {
    stopping: watch::Sender<bool>,
    drain: Duration,
}

impl Shutdown {
    /// A signal not yet given. `drain` bounds the wait for requests in flight.
    pub fn new(drain: Duration) -> Shutdown {
        Shutdown { stopping: watch::Sender::new(false), drain }
    }

    /// Gives the signal.
    pub fn trigger(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether the signal was given.
    pub fn is_triggered(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Waits for the signal; returns at once if it was given before.
    pub async fn triggered(&self) {
        // Cannot fail: `self` holds a sender.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// How long requests in flight may take after the signal.
    pub fn drain(&self) -> Duration {
        self.drain
    }
}

/// Counts what is in flight by handing out guards.
#[derive(Debug)]
pub(crate) struct InFlight {
    guard: Guard,
    gone: mpsc::Receiver<Infallible>,
}

/// Held by whatever is in flight. Never used to send: its drop is the message.
pub(crate) type Guard = mpsc::Sender<Infallible>;

impl InFlight {
    pub fn new() -> InFlight {
        let (guard, gone) = mpsc::channel(1);
        InFlight { guard, gone }
    }

    pub fn guard(&self) -> Guard {
        self.guard.clone()
    }

    /// Waits until all guards are dropped, at most for `limit`; tells whether they were.
    pub async fn finished(self, limit: Duration) -> bool {
        let InFlight { guard, mut gone } = self;
        drop(guard);
        tokio::time::timeout(limit, gone.recv()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_for_guards_within_the_limit() {
        let pending = InFlight::new();
        let guard = pending.guard();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(guard);
        });
        assert!(pending.finished(Duration::from_secs(2)).await);

        let pending = InFlight::new();
        let _guard = pending.guard();
        assert!(!pending.finished(Duration::from_secs(2)).await);
    }

    #[tokio::test]
    async fn is_seen_by_late_comers() {
        let shutdown = Shutdown::new(Duration::ZERO);
        let other = shutdown.clone();
        assert!(!other.is_triggered());
        shutdown.trigger();
        other.triggered().await;
        assert!(other.is_triggered());
    }
}
