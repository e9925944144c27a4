//! Bounds of the sockets, each with its unit.

use std::time::Duration;

use crate::frame::MESSAGE;

/// Bounds of one node's sockets. The defaults are the product's.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Octets of the longest message, envelope not counted ([`MESSAGE`] as in Handle.Net).
    pub message: usize,
    /// Open connections of one server.
    pub connections: usize,
    /// Open connections of one server to one client: an IPv4 address or an IPv6 /56.
    /// Clients in [`crate::RateLimits::exempt`] are not counted.
    pub connections_per_peer: usize,
    /// Slow requests that one TCP connection may have in flight; above, it is not read.
    pub in_flight: usize,
    /// Slow requests in flight on all servers of a node. Above, a UDP request is dropped (its client
    /// asks again) and a TCP connection waits.
    pub tasks: usize,
    /// UDP messages of which some packets are missing; above, the oldest gives way.
    pub reassemblies: usize,
    /// The same for one client; above, its new message is dropped.
    pub reassemblies_per_peer: usize,
    /// Octets held for incomplete UDP messages, bookkeeping included; above, the oldest gives way.
    pub reassembly_octets: usize,
    /// How long an incomplete UDP message is kept (5 s as in Handle.Net).
    pub reassembly: Duration,
    /// How long a TCP connection without a request is kept; clients keep theirs for 600 s.
    pub idle: Duration,
    /// How long a TCP client may take for the rest of a frame that it began.
    pub read: Duration,
    /// How long a TCP client may take to accept the answers written to it.
    pub write: Duration,
    /// How long an HTTP client may take for a request head, the TLS handshake, or between two requests
    /// of HTTP/1.1.
    pub http_head: Duration,
    /// How long an HTTP connection is kept on which no octet moves.
    pub http_idle: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            message: MESSAGE,
            connections: 10_000,
            connections_per_peer: 256,
            in_flight: 64,
            tasks: 4096,
            reassemblies: 4096,
            reassemblies_per_peer: 16,
            reassembly_octets: 16 << 20,
            reassembly: Duration::from_secs(5),
            idle: Duration::from_secs(660),
            read: Duration::from_secs(30),
            write: Duration::from_secs(30),
            http_head: Duration::from_secs(10),
            http_idle: Duration::from_secs(300),
        }
    }
}
