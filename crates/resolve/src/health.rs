//! Which servers have answered lately, and how fast: the order in which the recursor tries them.

use crate::upstream::Endpoint;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

/// Endpoints remembered; beyond that the memory starts anew.
const REMEMBERED: usize = 8192;
/// First pause after a failure, doubled at each further one: longer than it takes to give up on the next endpoint
/// of the same server.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Smoothed response time in microseconds.
    time: u64,
    failures: u32,
    /// Milliseconds since the epoch.
    paused_until: u64,
}

/// Response times and failures by endpoint.
#[derive(Debug, Default)]
pub struct Health(Mutex<HashMap<Endpoint, State>>);

impl Health {
    /// Sorts the endpoints: those not paused first, each group by the order given, then by response time in steps
    /// of 50 ms, so that a protocol preference is kept between servers that are about as fast.
    pub fn order(&self, endpoints: &mut [Endpoint], now: u64) {
        let Ok(states) = self.0.lock() else { return };
        let rank = |endpoint: &Endpoint| {
            let state = states.get(endpoint).copied().unwrap_or_default();
            (state.paused_until > now, state.time / 50_000)
        };
        endpoints.sort_by_key(rank);
    }

    /// Whether the endpoint has failed lately.
    pub fn is_paused(&self, endpoint: &Endpoint, now: u64) -> bool {
        self.0.lock().is_ok_and(|states| states.get(endpoint).is_some_and(|state| state.paused_until > now))
    }

    pub fn answered(&self, endpoint: Endpoint, took: Duration) {
        self.update(endpoint, |state| {
            let sample = took.as_micros() as u64;
            state.time = if state.time == 0 { sample } else { (state.time * 7 + sample) / 8 };
            state.failures = 0;
            state.paused_until = 0;
        });
    }

    pub fn failed(&self, endpoint: Endpoint, now: u64) {
        self.update(endpoint, |state| {
            if state.paused_until > now {
                // One outage counts once, however many askers meet it.
                return;
            }
            let pause = FIRST_PAUSE.saturating_mul(1 << state.failures.min(6)).min(LONGEST_PAUSE);
            state.failures = state.failures.saturating_add(1);
            state.paused_until = now + pause.as_millis() as u64;
        });
    }

    fn update(&self, endpoint: Endpoint, change: impl FnOnce(&mut State)) {
        let Ok(mut states) = self.0.lock() else { return };
        if states.len() >= REMEMBERED && !states.contains_key(&endpoint) {
            states.clear();
        }
        change(states.entry(endpoint).or_default());
    }
}
