//! HTTP over a node's Unix socket, for the operator on the node's own machine.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::error::{Error, ErrorKind};
use crate::web::{WebAnswer, WebRequest};

/// Sends one request through the socket at `path`; the answer's body may have `most` octets, and all of it `deadline`.
/// The URL is a path, `/api/v1/…`.
///
/// Errors: [`ErrorKind::Unreachable`] if nobody listens there, [`ErrorKind::TimedOut`], [`ErrorKind::Closed`],
/// [`ErrorKind::Malformed`] if the body is longer. A status that says "no" is an answer.
pub async fn ask_local(path: &Path, request: WebRequest, most: usize, deadline: Duration) -> Result<WebAnswer, Error> {
    timeout(deadline, exchange(path, request, most)).await.unwrap_or_else(|_| Err(Error::timed_out()))
}

async fn exchange(path: &Path, request: WebRequest, most: usize) -> Result<WebAnswer, Error> {
    let unreachable =
        |error: std::io::Error| Error::new(ErrorKind::Unreachable, format!("{}: {error}", path.display()));
    let stream = UnixStream::connect(path).await.map_err(unreachable)?;
    let closed = |error: hyper::Error| Error::new(ErrorKind::Closed, error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(closed)?;
    let driver = tokio::spawn(connection);
    let mut request: Request<Full<Bytes>> = request.try_into()?;
    request.headers_mut().insert(hyper::header::HOST, hyper::header::HeaderValue::from_static("localhost"));
    let response = sender.send_request(request).await.map_err(closed)?;
    let (parts, body) = response.into_parts();
    let broken = |error| Error::malformed(format!("the body broke off or is over {most} octets: {error}"));
    let body = Limited::new(body, most).collect().await.map_err(broken)?.to_bytes();
    driver.abort();
    Ok(WebAnswer { status: parts.status.as_u16(), version: parts.version, headers: parts.headers, body })
}
