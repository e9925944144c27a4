//! The DNS server and the asking side: messages over UDP and TCP (RFC 1035 §4.2, RFC 7766); reads none of them.

mod ask;
mod tcp;
mod udp;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::accept::accept_on;
use crate::bind::{self, BindError};
use crate::context::Context;
use crate::service::Peer;

pub use ask::dns_exchange;

/// Octets of a message's header; anything shorter is no message.
const HEADER: usize = 12;

/// An answer on its way; `None` is silence.
pub type DnsAnswer = Pin<Box<dyn Future<Output = Option<Vec<u8>>> + Send>>;

/// What answers DNS messages.
pub trait DnsService: Send + Sync + 'static {
    /// Answers one message, at least 12 octets. Cutting the answer to what the peer takes over its transport is the
    /// service's. A message that is itself an answer must get none, or two servers could talk for ever.
    ///
    /// An answer that is ready at the first poll costs no task.
    fn answer(self: Arc<Self>, query: Vec<u8>, peer: Peer) -> DnsAnswer;
}

/// DNS sockets bound and not yet served.
#[derive(Debug)]
pub struct DnsServer {
    sockets: Vec<std::net::UdpSocket>,
    listeners: Vec<std::net::TcpListener>,
    local: Vec<SocketAddr>,
}

impl DnsServer {
    /// Binds UDP and TCP on all addresses; those with port 0 get the same free port. `workers` (at least 1) UDP
    /// sockets stand on each address, among which the kernel spreads the clients.
    pub fn bind(addresses: &[SocketAddr], workers: usize) -> Result<DnsServer, BindError> {
        bind::until_port_is_free(addresses, || {
            let (listeners, local): (Vec<_>, Vec<_>) = bind::bind_all(addresses, bind::tcp)?.into_iter().unzip();
            let udp = bind::bind_all(&local, |address| bind::udp(address, workers.max(1)))?;
            let sockets = udp.into_iter().flat_map(|(sockets, _)| sockets).collect();
            Ok(DnsServer { sockets, listeners, local })
        })
    }

    /// The addresses listened on by UDP and TCP, with their real ports.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.local
    }

    /// Serves until the shutdown and the end of what is in flight. Errors: the operating system refuses to watch a
    /// socket.
    pub async fn run(self, service: Arc<dyn DnsService>, context: Arc<Context>) -> io::Result<()> {
        let mut loops = JoinSet::new();
        for socket in self.sockets {
            let socket = Arc::new(tokio::net::UdpSocket::from_std(socket)?);
            loops.spawn(udp::serve(socket, Arc::clone(&service), Arc::clone(&context)));
        }
        let shared = Arc::clone(&context);
        accept_on(self.listeners, &context, move |stream, address, ticket| {
            let (service, context) = (Arc::clone(&service), Arc::clone(&shared));
            async move {
                tcp::serve(stream, address, service, context).await;
                drop(ticket);
            }
        })
        .await?;
        while let Some(ended) = loops.join_next().await {
            ended.map_err(io::Error::other)?;
        }
        Ok(())
    }
}

/// Calls the service; a panic on one message is counted and logged, and must not end what serves everybody.
fn call(service: &Arc<dyn DnsService>, query: &[u8], peer: Peer, context: &Context) -> Option<DnsAnswer> {
    context.guarded(|| Arc::clone(service).answer(query.to_vec(), peer))
}
