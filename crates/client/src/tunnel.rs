//! Frames inside HTTP: `POST` with media type `application/x-hdl-message`.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hufu_ident::limits::MESSAGE_OCTETS;
use hufu_ident::systems::handle::Protocol;
use hufu_net::ENVELOPE;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::{Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::answers::first_frame;
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};

const MEDIA_TYPE: &str = "application/x-hdl-message";
/// Requests in flight at once.
const IN_FLIGHT: usize = 256;
/// Idle connections kept for each server, and how long.
const KEPT: usize = 4;
const IDLE: Duration = Duration::from_secs(60);

pub(crate) struct Tunnel {
    plain: Client<HttpConnector, Full<Bytes>>,
    /// Only if the caller said whom to trust.
    secure: Option<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>,
    permits: Arc<Semaphore>,
}

impl Tunnel {
    pub(crate) fn new(tls: Option<rustls::ClientConfig>) -> Self {
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).pool_max_idle_per_host(KEPT);
        let secure = tls.map(|tls| {
            builder.build(HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1().build())
        });
        Tunnel { plain: builder.build_http(), secure, permits: Arc::new(Semaphore::new(IN_FLIGHT)) }
    }

    /// Sends a frame; the frames of the answer stand in the body that is returned.
    pub(crate) async fn open(&self, to: &Endpoint, frame: Vec<u8>) -> Result<Body, Error> {
        let closed = |_| Error::new(ErrorKind::Busy, "no requests are sent any more");
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(closed)?;
        let scheme = if to.protocol == Protocol::Https { "https" } else { "http" };
        let request = Request::post(format!("{scheme}://{}{}", to.address, to.path))
            .header(ACCEPT, MEDIA_TYPE)
            .header(CONTENT_TYPE, MEDIA_TYPE)
            .body(Full::new(Bytes::from(frame)))
            .map_err(|error| Error::invalid(format!("`{}` is no path: {error}", to.path)))?;
        let answer = match (&self.secure, to.protocol) {
            (Some(secure), Protocol::Https) => secure.request(request),
            (None, Protocol::Https) => return Err(untrusting()),
            _ => self.plain.request(request),
        };
        let response = answer.await.map_err(failed)?;
        let media_type = response.headers().get(CONTENT_TYPE).map(|value| value.as_bytes().to_ascii_lowercase());
        let tunnelled = media_type.is_some_and(|found| found.starts_with(MEDIA_TYPE.as_bytes()));
        if response.status() != StatusCode::OK || !tunnelled {
            return Err(Error::malformed(format!("no Handle message, but HTTP status {}", response.status())));
        }
        Ok(Body { incoming: response.into_body(), buffer: BytesMut::new(), _permit: permit })
    }
}

fn untrusting() -> Error {
    Error::new(ErrorKind::Unsupported, "HTTPS needs a TLS configuration that says whom to trust")
}

fn failed(error: hyper_util::client::legacy::Error) -> Error {
    let kind = if error.is_connect() { ErrorKind::Unreachable } else { ErrorKind::Closed };
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Error::new(kind, format!("{error}{cause}"))
}

/// The body of an answer, cut into frames as it comes.
pub(crate) struct Body {
    incoming: Incoming,
    buffer: BytesMut,
    _permit: OwnedSemaphorePermit,
}

impl Body {
    pub(crate) async fn next(&mut self) -> Result<Vec<u8>, Error> {
        loop {
            if let Some(frame) = first_frame(&self.buffer) {
                let _ = self.buffer.split_to(frame.len());
                return Ok(frame);
            }
            if self.buffer.len() > ENVELOPE + MESSAGE_OCTETS {
                return Err(Error::malformed("the answer is longer than a message may be"));
            }
            let part = self.incoming.frame().await;
            let part = part.ok_or_else(|| Error::new(ErrorKind::Closed, "the body ended before the answer"))?;
            let broken = |error| Error::new(ErrorKind::Closed, format!("the body broke off: {error}"));
            if let Ok(octets) = part.map_err(broken)?.into_data() {
                self.buffer.extend_from_slice(&octets);
            }
        }
    }
}
