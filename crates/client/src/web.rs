//! Plain HTTP for gateways and checks: one request, one bounded answer; redirects are told, not followed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Request};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::error::{Error, ErrorKind};

/// Requests in flight at once.
const IN_FLIGHT: usize = 256;
/// Idle connections kept for each server, and how long.
const KEPT: usize = 4;
const IDLE: Duration = Duration::from_secs(60);

/// Whose certificates are believed.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// The authorities that this machine trusts.
    System,
    /// Those, and the certificates in a PEM file.
    Also(&'a Path),
    /// Anybody's. For looking at servers under test, never for data.
    Anybody,
}

/// Makes requests; clones share connections.
#[derive(Clone)]
pub struct Web {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    permits: Arc<Semaphore>,
}

/// One request.
#[derive(Debug, Clone)]
pub struct WebRequest {
    pub method: Method,
    pub url: String,
    pub headers: Vec<(HeaderName, String)>,
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct WebAnswer {
    pub status: u16,
    pub version: hyper::Version,
    pub headers: hyper::HeaderMap,
    pub body: Bytes,
}

impl WebRequest {
    pub fn get(url: impl Into<String>) -> Self {
        WebRequest { method: Method::GET, url: url.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl WebAnswer {
    /// The first value of a header, if it is text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The media type without parameters, in lower case; empty if there is none.
    pub fn media_type(&self) -> String {
        let value = self.header(&hyper::header::CONTENT_TYPE).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

impl Web {
    /// Errors: [`ErrorKind::Invalid`] if a certificate file cannot be read or holds no certificate.
    pub fn new(trust: Trust<'_>) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone());
        let builder =
            builder.with_safe_default_protocol_versions().map_err(|error| Error::invalid(error.to_string()))?;
        let tls = match trust {
            Trust::System => builder.with_root_certificates(system_roots()).with_no_client_auth(),
            Trust::Also(path) => builder.with_root_certificates(roots_and(path)?).with_no_client_auth(),
            Trust::Anybody => {
                let verifier = Arc::new(Believing(provider));
                builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
            }
        };
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).pool_max_idle_per_host(KEPT);
        Ok(Web { client: builder.build(connector), permits: Arc::new(Semaphore::new(IN_FLIGHT)) })
    }

    /// Sends a request; the answer's body may have `most` octets, and all of it `deadline`.
    ///
    /// Errors: [`ErrorKind::Invalid`], [`ErrorKind::TimedOut`], [`ErrorKind::Unreachable`], [`ErrorKind::Closed`],
    /// [`ErrorKind::Malformed`] if the body is longer. A status that says "no" is an answer.
    pub async fn send(&self, request: WebRequest, most: usize, deadline: Duration) -> Result<WebAnswer, Error> {
        timeout(deadline, self.exchange(request, most)).await.unwrap_or_else(|_| Err(Error::timed_out()))
    }

    async fn exchange(&self, request: WebRequest, most: usize) -> Result<WebAnswer, Error> {
        let closed = |_| Error::new(ErrorKind::Busy, "no requests are sent any more");
        let _permit = self.permits.acquire().await.map_err(closed)?;
        let response = self.client.request(request.try_into()?).await.map_err(failed)?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, most).collect().await;
        let broken = |error| Error::malformed(format!("the body broke off or is over {most} octets: {error}"));
        let body = body.map_err(broken)?.to_bytes();
        Ok(WebAnswer { status: parts.status.as_u16(), version: parts.version, headers: parts.headers, body })
    }
}

impl TryFrom<WebRequest> for Request<Full<Bytes>> {
    type Error = Error;

    fn try_from(request: WebRequest) -> Result<Self, Error> {
        let mut builder = Request::builder().method(request.method).uri(&request.url);
        for (name, value) in &request.headers {
            let value =
                HeaderValue::from_str(value).map_err(|_| Error::invalid(format!("{name}: not a header value")))?;
            builder = builder.header(name, value);
        }
        let wrong = |error| Error::invalid(format!("`{}` is no URL: {error}", request.url));
        builder.body(Full::new(Bytes::from(request.body))).map_err(wrong)
    }
}

fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // What cannot be read is not trusted; the handshake then says so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn roots_and(path: &Path) -> Result<RootCertStore, Error> {
    let mut roots = system_roots();
    let wrong = |why: String| Error::invalid(format!("{}: {why}", path.display()));
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
    let mut found = false;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
        found = true;
    }
    if found { Ok(roots) } else { Err(wrong("no certificate in it".into())) }
}

fn failed(error: hyper_util::client::legacy::Error) -> Error {
    let kind = if error.is_connect() { ErrorKind::Unreachable } else { ErrorKind::Closed };
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(why) = cause {
        text.push_str(&format!(": {why}"));
        cause = why.source();
    }
    Error::new(kind, text)
}

/// Believes every certificate; signatures are still checked.
#[derive(Debug)]
struct Believing(Arc<CryptoProvider>);

impl ServerCertVerifier for Believing {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
