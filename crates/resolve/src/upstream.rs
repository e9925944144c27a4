//! The way out: how the recursor asks another server. The node gives an implementation on real sockets.

use hufu_ident::systems::handle::Protocol;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

/// One way to reach a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Endpoint {
    pub address: SocketAddr,
    pub protocol: Protocol,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.protocol.name().to_ascii_lowercase())
    }
}

/// Why a server gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamFault {
    #[error("no answer from {0} in time")]
    Timeout(Endpoint),
    #[error("{0} cannot be reached: {1}")]
    Unreachable(Endpoint, String),
    #[error("{0} does not speak the protocol: {1}")]
    Protocol(Endpoint, String),
}

/// Asks servers. `frame` is a whole message with envelope; so is the answer.
pub trait Upstream: Send + Sync + 'static {
    fn ask<'a>(
        &'a self,
        to: Endpoint,
        frame: &'a [u8],
        deadline: Duration,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, UpstreamFault>> + Send + 'a>>;
}
