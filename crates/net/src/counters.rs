//! What the sockets count, for the node to export as metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one node's sockets since start. All but `connections_open` only grow.
#[derive(Debug, Default)]
pub struct Counters {
    /// UDP packets received and sent.
    pub packets_in: AtomicU64,
    pub packets_out: AtomicU64,
    /// Octets of frames received and sent on UDP and TCP; HTTP is counted above this crate.
    pub octets_in: AtomicU64,
    pub octets_out: AtomicU64,
    /// TCP and HTTP connections open now, accepted, and turned away at a limit.
    pub connections_open: AtomicU64,
    pub connections_accepted: AtomicU64,
    pub connections_refused: AtomicU64,
    /// UDP requests, and UDP answers, dropped because a client was over its rate.
    pub requests_over_rate: AtomicU64,
    pub answers_over_rate: AtomicU64,
    /// Incomplete UDP messages dropped by time or limit.
    pub reassemblies_dropped: AtomicU64,
    /// Packets and streams that could not be framed.
    pub malformed: AtomicU64,
    /// UDP requests dropped because too many slow ones were in flight.
    pub overload_drops: AtomicU64,
    /// TLS handshakes that failed or took too long.
    pub tls_failures: AtomicU64,
    /// Frames on which the service panicked.
    pub panics: AtomicU64,
}

/// Adds to a counter. Relaxed: a counter orders nothing.
pub(crate) fn add(counter: &AtomicU64, by: usize) {
    counter.fetch_add(by as u64, Ordering::Relaxed);
}
