//! The recursor's way out: other servers are asked through the client's exchange, on real sockets.

use hufu_client::Exchange;
use hufu_resolve::{Endpoint, Upstream, UpstreamFault};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// Asks over UDP, TCP or HTTP.
pub struct Wire {
    exchange: Exchange,
}

impl Wire {
    pub fn new(exchange: Exchange) -> Self {
        Wire { exchange }
    }
}

impl Upstream for Wire {
    fn ask<'a>(
        &'a self,
        to: Endpoint,
        frame: &'a [u8],
        deadline: Duration,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, UpstreamFault>> + Send + 'a>> {
        Box::pin(async move {
            let there = hufu_client::Endpoint::new(to.protocol, to.address);
            self.exchange
                .ask(&there, frame, deadline)
                .await
                .map_err(|error| UpstreamFault::Unreachable(to, error.to_string()))
        })
    }
}
