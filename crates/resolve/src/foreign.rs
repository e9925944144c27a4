//! Networks of other systems' own servers, which are asked in their own protocol. The node gives an implementation
//! on real sockets.

use crate::recursor::Resolved;
use hufu_ident::{Identifier, Prefix};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// Gateways to foreign roots: GS1 and DID resolvers, the DNS of OIDs, ….
pub trait Foreign: Send + Sync + 'static {
    /// The longest prefix beyond which a gateway leads that is `home` or above it.
    fn covering(&self, home: &Prefix) -> Option<Prefix>;

    /// Asks the network beyond it for a name, within `deadline`.
    fn ask<'a>(&'a self, name: &'a Identifier, deadline: Duration) -> Pin<Box<dyn Future<Output = Told> + Send + 'a>>;
}

/// What a foreign network said.
#[derive(Debug, Clone)]
pub struct Told {
    pub resolved: Resolved,
    /// Who was asked, for traces: `https://id.gs1.org`.
    pub by: String,
}
