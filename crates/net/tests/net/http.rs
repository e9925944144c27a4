//! HTTP: plain text and TLS on one port, limits, shutdown.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use hufu_net::*;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::echo::{SOON, until};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

fn router() -> Router {
    Router::new()
        .route("/", get(|Extension(peer): Extension<Peer>| async move { format!("{:?}", peer.transport) }))
        .route(
            "/slow",
            get(|| async {
                tokio::time::sleep(Duration::from_millis(200)).await;
                "at last"
            }),
        )
}

struct Running {
    at: SocketAddr,
    context: Arc<Context>,
    task: JoinHandle<std::io::Result<()>>,
}

fn start(tls: Option<Arc<Tls>>, limits: Limits) -> Running {
    let server = HttpServer::bind(&["127.0.0.1:0".parse().unwrap()]).unwrap();
    let at = server.local_addrs()[0];
    let context = Context::new(limits, RateLimits::default(), Shutdown::new(SOON));
    let task = tokio::spawn(server.run(router(), tls, Arc::clone(&context)));
    Running { at, context, task }
}

impl Running {
    async fn stop(self) {
        self.context.shutdown.trigger();
        timeout(SOON, self.task).await.unwrap().unwrap().unwrap();
    }
}

async fn fetch(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &[u8]) -> String {
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8(answer).unwrap()
}

/// A new certificate in `folder`; returns what a client has to trust.
fn certify(folder: &std::path::Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("chain.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

async fn connect_tls(
    at: SocketAddr,
    trusted: &CertificateDer<'static>,
    alpn: &[u8],
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(at).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

#[tokio::test]
async fn serves_plain_text_and_tls_on_one_port() {
    let folder = tempfile::tempdir().unwrap();
    let first = certify(folder.path());
    let tls = Arc::new(Tls::load(folder.path().join("chain.pem"), folder.path().join("key.pem")).unwrap());
    let running = start(Some(Arc::clone(&tls)), Limits::default());

    let answer = fetch(TcpStream::connect(running.at).await.unwrap(), GET).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("\r\n\r\nHttp"), "{answer}");
    let old = connect_tls(running.at, &first, b"http/1.1").await.unwrap();

    let second = certify(folder.path());
    tls.reload().unwrap();
    assert!(connect_tls(running.at, &first, b"http/1.1").await.is_err());
    until(|| running.context.counters.tls_failures.load(Ordering::Relaxed) == 1).await;
    let http2 = connect_tls(running.at, &second, b"h2").await.unwrap();
    assert_eq!(http2.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    drop(http2);
    let answer = fetch(old, GET).await;
    assert!(answer.ends_with("\r\n\r\nHttps"), "open connections survive the change: {answer}");
    running.stop().await;
}

#[tokio::test]
async fn takes_tls_for_nonsense_without_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(None, Limits::default());
    assert!(connect_tls(running.at, &certify(folder.path()), b"h2").await.is_err());
    assert!(fetch(TcpStream::connect(running.at).await.unwrap(), GET).await.ends_with("Http"));
    running.stop().await;
}

#[tokio::test]
async fn ends_clients_that_dawdle() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let tls = Arc::new(Tls::load(folder.path().join("chain.pem"), folder.path().join("key.pem")).unwrap());
    let limits = Limits { http_head: Duration::from_millis(100), ..Limits::default() };
    let running = start(Some(tls), limits);
    for begun in [&b""[..], b"GET / HT", b"\x16\x03\x01"] {
        let answer = fetch(TcpStream::connect(running.at).await.unwrap(), begun).await;
        assert!(!answer.contains("200"), "{answer}");
    }
    running.stop().await;
}

#[tokio::test]
async fn ends_connections_on_which_nothing_moves() {
    let limits = Limits { http_idle: Duration::from_millis(50), ..Limits::default() };
    let running = start(None, limits);
    let answer = fetch(TcpStream::connect(running.at).await.unwrap(), b"").await;
    assert_eq!(answer, "");
    running.stop().await;
}

#[tokio::test]
async fn finishes_requests_at_shutdown() {
    let running = start(None, Limits::default());
    let mut stream = TcpStream::connect(running.at).await.unwrap();
    stream.write_all(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    until(|| running.context.counters.connections_open.load(Ordering::Relaxed) == 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    running.stop().await;
    let answer = fetch(stream, b"").await;
    assert!(answer.ends_with("at last"), "{answer}");
}
