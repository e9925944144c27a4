//! What all servers of a node share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::counters::{self, Counters};
use crate::frame::FrameError;
use crate::limits::Limits;
use crate::rate::{RateLimiter, RateLimits};
use crate::service::{Outcome, Peer, Service};
use crate::shutdown::Shutdown;

/// What all servers of a node share: bounds, rates, counters and the signal to stop.
#[derive(Debug)]
pub struct Context {
    pub limits: Limits,
    pub rate: RateLimiter,
    pub counters: Counters,
    pub shutdown: Shutdown,
    /// One permit for each slow request in flight.
    pub(crate) tasks: Arc<Semaphore>,
}

impl Context {
    /// A context with all counters at zero.
    pub fn new(limits: Limits, rates: RateLimits, shutdown: Shutdown) -> Arc<Context> {
        let tasks = Arc::new(Semaphore::new(limits.tasks.clamp(1, Semaphore::MAX_PERMITS)));
        Arc::new(Context { rate: RateLimiter::new(rates), counters: Counters::default(), limits, shutdown, tasks })
    }

    /// Has the service answer a frame.
    pub(crate) fn answer(&self, service: &dyn Service, frame: &[u8], peer: &Peer, out: &mut Vec<u8>) -> Outcome {
        self.guard(out, |out| service.answer(frame, peer, out)).unwrap_or(Outcome::Drop)
    }

    /// Counts what cannot be framed, and has the service say so.
    pub(crate) fn malformed(&self, service: &dyn Service, envelope: &[u8], reason: FrameError, out: &mut Vec<u8>) {
        counters::add(&self.counters.malformed, 1);
        self.guard(out, |out| service.malformed(envelope, reason, out));
    }

    /// Calls the service with an empty `out`. One poisonous frame must not end the loop that serves
    /// everybody, so a panic is counted and logged, and the frame dropped.
    fn guard<T>(&self, out: &mut Vec<u8>, call: impl FnOnce(&mut Vec<u8>) -> T) -> Option<T> {
        out.clear();
        let done = self.guarded(|| call(out));
        if done.is_none() {
            out.clear();
        }
        done
    }

    /// Calls what must not end the loop that serves everybody; a panic is counted and logged.
    pub(crate) fn guarded<T>(&self, call: impl FnOnce() -> T) -> Option<T> {
        let done = catch_unwind(AssertUnwindSafe(call)).ok();
        if done.is_none() {
            tracing::error!("service panicked on a frame");
            counters::add(&self.counters.panics, 1);
        }
        done
    }
}
