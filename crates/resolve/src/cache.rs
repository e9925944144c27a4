//! What the recursor remembers: public value sets and absences, each with its time, bounded in octets.

use hufu_ident::ValueSet;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is remembered of one identifier.
#[derive(Debug, Clone)]
pub struct Entry {
    pub what: Remembered,
    /// Milliseconds since the epoch.
    pub fresh_until: u64,
    /// Until then it may be served when upstream does not answer.
    pub stale_until: u64,
}

/// A record's public values, or that there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remembered {
    Values(ValueSet),
    NotFound,
    /// Its prefix is unknown.
    NotResponsible,
}

/// How an entry may be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    Fresh,
    Stale,
}

#[derive(Clone)]
struct ByOctets;

impl Weighter<Vec<u8>, Arc<Entry>> for ByOctets {
    fn weight(&self, key: &Vec<u8>, entry: &Arc<Entry>) -> u64 {
        let values = match &entry.what {
            Remembered::Values(values) => values.as_bytes().len(),
            _ => 0,
        };
        (key.len() + values + 96) as u64
    }
}

/// The cache of a recursive node, keyed by record key.
pub struct AnswerCache {
    entries: Cache<Vec<u8>, Arc<Entry>, ByOctets>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl AnswerCache {
    pub fn new(octets: u64) -> Self {
        let expected = (octets / 700).max(64) as usize;
        let entries = Cache::with_weighter(expected, octets, ByOctets);
        AnswerCache { entries, hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }

    /// The fresh entry under `key` at `now` (milliseconds), if any.
    pub fn fresh(&self, key: &[u8], now: u64) -> Option<Arc<Entry>> {
        let found = self.entries.get(key).filter(|entry| entry.fresh_until > now);
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// The entry under `key` if it may still be served, with its freshness.
    pub fn usable(&self, key: &[u8], now: u64) -> Option<(Arc<Entry>, Freshness)> {
        let entry = self.entries.get(key).filter(|entry| entry.stale_until > now)?;
        let freshness = if entry.fresh_until > now { Freshness::Fresh } else { Freshness::Stale };
        Some((entry, freshness))
    }

    pub fn insert(&self, key: &[u8], entry: Entry) {
        self.entries.insert(key.to_vec(), Arc::new(entry));
    }

    pub fn remove(&self, key: &[u8]) {
        self.entries.remove(key);
    }

    pub fn clear(&self) {
        self.entries.clear();
    }

    /// Entries and octets held.
    pub fn size(&self) -> (usize, u64) {
        (self.entries.len(), self.entries.weight())
    }

    /// Look-ups that found something fresh, and those that did not.
    pub fn counts(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }
}
