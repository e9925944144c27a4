//! What a resolution went through, hop by hop, for whoever asks why an answer is what it is.

use crate::upstream::Endpoint;
use std::sync::Mutex;
use std::time::Duration;

/// Where an answer came from at one hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheState {
    /// Asked upstream.
    Miss,
    /// Fresh from the cache.
    Hit,
    /// From the cache, past its time, because upstream does not answer.
    Stale,
    /// Absence from the cache.
    Negative,
}

impl CacheState {
    pub fn name(self) -> &'static str {
        match self {
            CacheState::Miss => "miss",
            CacheState::Hit => "hit",
            CacheState::Stale => "stale",
            CacheState::Negative => "negative",
        }
    }
}

/// One question on the way.
#[derive(Debug, Clone)]
pub struct Hop {
    pub question: String,
    /// The server asked; none when the cache answered.
    pub server: Option<Endpoint>,
    pub cache: CacheState,
    /// What came back, in words: `1 SUCCESS`, `303 PREFIX_REFERRAL`, `no answer`.
    pub outcome: String,
    /// Values in the answer.
    pub values: usize,
    pub took: Duration,
}

/// Collects hops when somebody wants them; costs nothing otherwise.
#[derive(Debug, Default)]
pub struct Trace(Option<Mutex<Vec<Hop>>>);

impl Trace {
    pub fn off() -> Self {
        Trace(None)
    }

    pub fn on() -> Self {
        Trace(Some(Mutex::new(Vec::new())))
    }

    pub fn add(&self, hop: impl FnOnce() -> Hop) {
        if let Some(hops) = &self.0
            && let Ok(mut hops) = hops.lock()
        {
            hops.push(hop());
        }
    }

    pub fn take(self) -> Vec<Hop> {
        self.0.and_then(|hops| hops.into_inner().ok()).unwrap_or_default()
    }
}
