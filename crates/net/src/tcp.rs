//! The TCP server: connections that stay open, with many requests in flight (RFC 3652 §2.3).

mod connection;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;

use self::connection::Connection;
use crate::accept::accept_on;
use crate::admission::Ticket;
use crate::bind::{self, BindError};
use crate::context::Context;
use crate::service::{ConnectionId, Peer, Service, Transport};

/// TCP listeners bound and not yet served.
#[derive(Debug)]
pub struct TcpServer {
    listeners: Vec<std::net::TcpListener>,
    local: Vec<SocketAddr>,
}

impl TcpServer {
    /// Binds all addresses. Those with port 0 get the same free port.
    pub fn bind(addresses: &[SocketAddr]) -> Result<TcpServer, BindError> {
        let (listeners, local) = bind::bind_all(addresses, bind::tcp)?.into_iter().unzip();
        Ok(TcpServer { listeners, local })
    }

    /// The addresses listened on, with their real ports.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.local
    }

    /// Serves until the shutdown and the end of requests in flight. Errors: the operating system refuses
    /// to watch a socket.
    pub async fn run(self, service: Arc<dyn Service>, context: Arc<Context>) -> io::Result<()> {
        let shared = Arc::clone(&context);
        accept_on(self.listeners, &context, move |stream, address, ticket| {
            let (service, context) = (Arc::clone(&service), Arc::clone(&shared));
            serve(stream, address, ticket, service, context)
        })
        .await
    }
}

async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    ticket: Ticket,
    service: Arc<dyn Service>,
    context: Arc<Context>,
) {
    let peer = Peer { address, transport: Transport::Tcp, connection: ConnectionId::next() };
    let _end = End { service: Arc::clone(&service), connection: peer.connection };
    let mut connection = Connection::new(stream, peer, service, context);
    if let Err(error) = connection.converse().await {
        tracing::debug!(%error, "connection broken");
    }
    // The place is free for another as soon as the socket is closed.
    let slow = connection.close();
    drop(ticket);
    slow.await;
}

/// Tells the service of the end of a connection, also when its task is cut off.
struct End {
    service: Arc<dyn Service>,
    connection: ConnectionId,
}

impl Drop for End {
    fn drop(&mut self) {
        self.service.closed(self.connection);
    }
}
