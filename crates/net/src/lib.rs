//! The protocol sockets of a node: UDP, TCP, TLS, HTTP and DNS.
//!
//! This crate moves *frames* and reads none of them: a frame is a 20-octet envelope and a message of as
//! many octets as the envelope says (RFC 3652 §2.1.1). Only the envelope fields needed for framing are
//! looked at. What a frame means is the business of the [`Service`] that a node hands in.
//!
//! * [`UdpServer`], [`TcpServer`], [`HttpServer`]: first `bind`, then `run` until the [`Shutdown`].
//! * [`LocalServer`]: HTTP on a Unix socket, for the operator on the node's own machine.
//! * [`DnsServer`]: messages of DNS over UDP and TCP, in their own framing, for a [`DnsService`].
//! * [`Context`]: what all servers of a node share: limits, rates, counters, the shutdown signal.
//! * [`udp_exchange`], [`TcpLink`], [`dns_exchange`]: the asking side.
//!
//! Every queue, table and wait has a bound; see [`Limits`] and [`RateLimits`].

mod accept;
mod admission;
mod bind;
mod context;
mod counters;
mod dial;
mod dns;
mod frame;
mod http;
mod idle;
mod limits;
mod link;
mod local;
mod mmsg;
mod rate;
mod reassembly;
mod service;
mod shutdown;
mod tcp;
mod tls;
mod udp;

pub use bind::{BindError, bind_handle};
pub use context::Context;
pub use counters::Counters;
pub use dial::{DialError, UDP_WAITS, udp_exchange};
pub use dns::{DnsAnswer, DnsServer, DnsService, dns_exchange};
pub use frame::{ENVELOPE, FrameError, MESSAGE, PACKET, PAYLOAD, frames};
pub use http::HttpServer;
pub use limits::Limits;
pub use link::{Answers, TcpLink};
pub use local::{LocalServer, LocalUser};
pub use rate::{Rate, RateLimiter, RateLimits};
pub use service::{Closed, ConnectionId, Outcome, Peer, Replies, Service, Transport};
pub use shutdown::Shutdown;
pub use tcp::TcpServer;
pub use tls::{Tls, TlsError};
pub use udp::UdpServer;
