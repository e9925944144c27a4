//! HTTP/1.1 as browsers and Handle clients speak it, over plain text or TLS that trusts the tests' certificate.

use crate::{block_on, keys};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value as Json;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const PATIENCE: Duration = Duration::from_secs(20);

/// A place that speaks HTTP.
#[derive(Clone, Copy)]
pub struct Web {
    to: SocketAddr,
    tls: bool,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of a name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }
}

type Broken = Box<dyn std::error::Error + Send + Sync>;

impl Web {
    pub fn plain(to: SocketAddr) -> Self {
        Web { to, tls: false }
    }

    pub fn tls(to: SocketAddr) -> Self {
        Web { to, tls: true }
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], b"")
    }

    pub fn try_get(&self, path: &str) -> Result<Answer, Broken> {
        block_on(self.ask(Method::GET, path, &[], b""))
    }

    /// One request on a connection of its own. Panics when no answer comes.
    #[track_caller]
    pub fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let failed = |error| panic!("{path} at {}: {error}", self.to);
        block_on(self.ask(method.clone(), path, headers, body)).unwrap_or_else(failed)
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, Broken> {
        let mut request = Request::builder().method(method).uri(path).header("host", self.to.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body)))?;
        let work = async {
            let stream = TcpStream::connect(self.to).await?;
            match self.tls {
                true => {
                    let name = ServerName::IpAddress(self.to.ip().into());
                    exchange(TlsConnector::from(trust()).connect(name, stream).await?, request).await
                }
                false => exchange(stream, request).await,
            }
        };
        tokio::time::timeout(PATIENCE, work).await?
    }
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, Broken>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let body = response.into_body().collect().await?.to_bytes().to_vec();
    driver.abort();
    Ok(Answer { status, headers, body })
}

/// Trusts the certificate of the tests' servers and nobody else.
fn trust() -> Arc<ClientConfig> {
    static TRUST: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    let make = || {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_slice(keys::certificate().as_bytes()).expect("a certificate");
        roots.add(certificate).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        Arc::new(builder.expect("TLS versions").with_root_certificates(roots).with_no_client_auth())
    };
    TRUST.get_or_init(make).clone()
}

/// The value of an `Authorization` header for a name and a secret.
pub fn basic(name: &str, secret: &str) -> String {
    use base64::Engine;
    let user = name.replace(':', "%3A");
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{secret}"));
    format!("Basic {encoded}")
}
