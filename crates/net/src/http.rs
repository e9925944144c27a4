//! The HTTP server: plain text and TLS on one port, told apart by the first octet.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::accept::accept_on;
use crate::admission::Ticket;
use crate::bind::{self, BindError};
use crate::context::Context;
use crate::counters;
use crate::idle::IdleLimit;
use crate::service::{ConnectionId, Peer, Transport};
use crate::tls::Tls;

/// First octet of every TLS connection: a record of type handshake (RFC 8446 §5.1). No HTTP method has it.
const HANDSHAKE: u8 = 0x16;
/// Requests that one HTTP/2 connection may have in flight.
const STREAMS: u32 = 128;
/// How often a silent HTTP/2 client is asked for a sign of life.
const PING: Duration = Duration::from_secs(30);

/// HTTP listeners bound and not yet served.
#[derive(Debug)]
pub struct HttpServer {
    listeners: Vec<std::net::TcpListener>,
    local: Vec<SocketAddr>,
}

/// What all connections of a server share.
#[derive(Clone)]
struct Front {
    router: Router,
    tls: Option<Arc<Tls>>,
    context: Arc<Context>,
}

impl HttpServer {
    /// Binds all addresses. Those with port 0 get the same free port.
    pub fn bind(addresses: &[SocketAddr]) -> Result<HttpServer, BindError> {
        let (listeners, local) = bind::bind_all(addresses, bind::tcp)?.into_iter().unzip();
        Ok(HttpServer { listeners, local })
    }

    /// The addresses listened on, with their real ports.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.local
    }

    /// Serves `router` until the shutdown and the end of requests in flight. Each request carries its
    /// [`Peer`] as an extension. With `tls`, a connection that begins with a TLS handshake is served by
    /// TLS (HTTP/2 or HTTP/1.1 by ALPN) and any other in plain text (HTTP/1.1); without, all are plain.
    ///
    /// Connections are limited here; rates, body sizes and handler times are the router's. There are no
    /// protocol upgrades (WebSocket). Errors: the operating system refuses to watch a socket.
    pub async fn run(self, router: Router, tls: Option<Arc<Tls>>, context: Arc<Context>) -> io::Result<()> {
        let front = Front { router, tls, context: Arc::clone(&context) };
        accept_on(self.listeners, &context, move |stream, address, ticket| front.clone().serve(stream, address, ticket))
            .await
    }
}

impl Front {
    async fn serve(self, stream: TcpStream, address: SocketAddr, _open: Ticket) {
        let peer = |transport| Peer { address, transport, connection: ConnectionId::next() };
        let limits = &self.context.limits;
        let Some(tls) = &self.tls else {
            let stream = IdleLimit::new(stream, limits.http_idle);
            return self.converse(stream, peer(Transport::Http), false).await;
        };
        let mut first = [0];
        let peeked = tokio::select! {
            peeked = tokio::time::timeout(limits.http_head, stream.peek(&mut first)) => peeked,
            () = self.context.shutdown.triggered() => return,
        };
        if !matches!(peeked, Ok(Ok(1))) {
            return;
        }
        let stream = IdleLimit::new(stream, limits.http_idle);
        if first != [HANDSHAKE] {
            return self.converse(stream, peer(Transport::Http), false).await;
        }
        let handshake = TlsAcceptor::from(tls.current()).accept(stream);
        if let Ok(Ok(stream)) = tokio::time::timeout(limits.http_head, handshake).await {
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            self.converse(stream, peer(Transport::Https), http2).await;
        } else {
            counters::add(&self.context.counters.tls_failures, 1);
        }
    }

    /// Serves the requests of one connection.
    async fn converse(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: Peer, http2: bool) {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.context.limits.http_head)
            .pipeline_flush(true);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .keep_alive_interval(PING)
            .keep_alive_timeout(self.context.limits.http_head);
        // The version is known, so no time is lost, and none can be wasted, with guessing it.
        let builder = if http2 { builder.http2_only() } else { builder.http1_only() };
        let router = self.router.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            router.clone().oneshot(request)
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.context.shutdown.triggered() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "HTTP connection broken");
        }
    }
}
