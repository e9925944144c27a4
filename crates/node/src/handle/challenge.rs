//! Challenges that wait for their answer (RFC 3652 §3.5.1): bounded, short-lived, used once.
//!
//! Outside sessions every challenge has an id of its own; inside one it goes by the session's, and several may wait.

use hufu_ident::systems::handle::wire::{Message, RequestDigest};
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Challenges of one session waiting at once; the oldest give way.
const PER_SESSION: usize = 8;
/// Ids waiting at once; the oldest give way.
const WAITING: usize = 20_000;

/// A request that waits for a proof.
#[derive(Debug, Clone)]
pub struct Pending {
    pub request: Message,
    pub digest: RequestDigest,
    pub nonce: [u8; 16],
    pub made: Instant,
}

/// The waiting challenges by id. The same counter numbers sessions, so that the two never collide.
pub struct Challenges {
    waiting: Mutex<HashMap<u32, Vec<Pending>>>,
    life: Duration,
    last: AtomicU32,
}

impl Challenges {
    pub fn new(life: Duration) -> Self {
        Challenges { waiting: Mutex::new(HashMap::new()), life, last: AtomicU32::new(0) }
    }

    /// A fresh id, never 0.
    pub fn fresh_id(&self) -> u32 {
        self.last.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1)
    }

    /// Keeps a challenge under `id`.
    pub fn keep(&self, id: u32, pending: Pending) {
        let Ok(mut waiting) = self.waiting.lock() else { return };
        if waiting.len() >= WAITING {
            let now = pending.made;
            waiting.retain(|_, others| others.iter().any(|other| now.duration_since(other.made) < self.life));
            if waiting.len() >= WAITING
                && let Some(oldest) =
                    waiting.iter().min_by_key(|(_, others)| others.first().map(|other| other.made)).map(|(id, _)| *id)
            {
                waiting.remove(&oldest);
            }
        }
        let here = waiting.entry(id).or_default();
        if here.len() >= PER_SESSION {
            here.remove(0);
        }
        here.push(pending);
    }

    /// Takes the challenges with an id out; none if it was used, never made or has expired.
    pub fn take(&self, id: u32, now: Instant) -> Vec<Pending> {
        let taken = self.waiting.lock().ok().and_then(|mut waiting| waiting.remove(&id)).unwrap_or_default();
        taken.into_iter().filter(|pending| now.duration_since(pending.made) < self.life).collect()
    }
}
