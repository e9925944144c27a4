//! The HTTP front door: Handle.Net JSON API, proxy, gateway and tunnel on one port; the operator's listener on another.
//!
//! Each dialect is a thin module: it reads a request, asks [`crate::answering`] or [`crate::administration`], and
//! writes the answer down in its own shape.

pub mod api;
mod auth;
mod challenge;
pub(crate) mod codes;
mod did;
pub(crate) mod gateway_json;
pub mod gs1;
mod handles;
mod locations;
mod name;
mod namespace;
mod native_json;
mod oid;
pub mod operations;
mod operator;
mod page;
mod params;
mod parse;
mod prefixes;
mod proxy;
mod rdap;
mod reply;
mod sessions;
mod snms;
mod tunnel;
pub mod value_json;

use crate::node::Parts;
use auth::HttpSessions;
use axum::Router;
use axum::body::{Bytes, HttpBody};
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use hufu_ident::identifier::percent_decode;
use hufu_ident::system::check_new;
use hufu_net::{Peer, Transport};
use params::Params;
use std::sync::Arc;

/// Octets of a request body: a document of 5 MiB in a form fits.
const BODY: usize = (5 << 20) + (64 << 10);

/// Systems whose codes may be asked for by `/<system>/<code>`.
const BY_SYSTEM: [&str; 1] = ["ecode"];

/// What every handler of one node shares.
pub struct Web {
    pub parts: Arc<Parts>,
    pub sessions: HttpSessions,
}

/// One request, read once.
pub struct Asked {
    pub method: Method,
    /// The raw path, percent-escapes and all.
    pub path: String,
    /// What stands behind the `?`, as it came.
    pub query: String,
    pub params: Params,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub peer: Peer,
    /// Whether credentials may be looked at: HTTPS, or plain HTTP from this machine if the configuration allows it.
    pub secure: bool,
}

impl Asked {
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The same request, `/<system>/<code>` asking for `<system>:<code>` in its canonical spelling; a path that names
    /// no such code stays as it is.
    fn by_system(self) -> Self {
        let named = self.path.strip_prefix('/').and_then(|path| path.split_once('/'));
        let name = named.filter(|(system, _)| BY_SYSTEM.contains(system)).and_then(|(system, code)| {
            let code = percent_decode(code).ok()?;
            check_new(&format!("{system}:{code}")).ok()
        });
        match name {
            Some((name, _)) => {
                let path = percent_encoding::utf8_percent_encode(name.as_str(), locations::PATH);
                Asked { path: format!("/{path}"), ..self }
            }
            None => self,
        }
    }

    /// Whether the asker reads Chinese rather than English.
    pub fn chinese(&self) -> bool {
        api::reads_chinese(&self.headers)
    }

    pub fn is_get(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }
}

/// The router of a node's public HTTP port.
pub fn router(parts: Arc<Parts>) -> Router {
    let web = Arc::new(Web { parts: parts.clone(), sessions: HttpSessions::default() });
    let others = Router::new().fallback(entry).layer(DefaultBodyLimit::max(BODY)).with_state(web);
    match parts.registry {
        Some(_) => others.merge(api::router(parts.clone())).merge(operator::router(parts)),
        None => others,
    }
}

async fn entry(
    State(web): State<Arc<Web>>,
    Extension(peer): Extension<Peer>,
    method: Method,
    uri: Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response {
    let net = &web.parts.net;
    if let Err(wait) = net.rate.admit(peer.address.ip(), std::time::Instant::now()) {
        let seconds = wait.as_secs().max(1).to_string();
        return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds)]).into_response();
    }
    let loopback =
        web.parts.config.http.plain_credentials_on_loopback && peer.address.ip().to_canonical().is_loopback();
    let secure = peer.transport == Transport::Https || loopback;
    // HTTP/2 names the host beside the headers (RFC 9113 §8.3.1), an absolute target before them (RFC 9112 §3.2.2).
    if let Some(host) = uri.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok()) {
        headers.insert(header::HOST, host);
    }
    let path = uri.path().to_owned();
    let query = uri.query().unwrap_or_default().to_owned();
    let params = Params::parse(&query);
    let origin = headers.get(header::ORIGIN).cloned();
    let asked = Asked { method, path, query, params, headers, body, peer, secure };
    let head = asked.method == Method::HEAD;
    let preflight = asked.method == Method::OPTIONS;
    let mut response = match gs1::answer(&web, &asked).await {
        Some(response) => response,
        None if preflight => StatusCode::OK.into_response(),
        None => route(&web, asked).await,
    };
    // A door with rules of its own has set these already.
    if let Some(origin) = origin
        && !response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN)
    {
        cross_origin(response.headers_mut(), origin, preflight);
    }
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if head { without_body(response) } else { response }
}

async fn route(web: &Web, asked: Asked) -> Response {
    if tunnel::wanted(&asked) {
        return tunnel::answer(web, asked).await;
    }
    let path = asked.path.clone();
    if path == "/api" || path.starts_with("/api/") {
        return match path.strip_prefix("/api").unwrap_or_default() {
            "/handles" => handles::collection(web, &asked).await,
            "/v1/parse" => parse::answer(web, &asked),
            "/v1/codes" => codes::answer(web, &asked).await,
            "/prefixes" => prefixes::answer(web, &asked).await,
            "/site" if asked.is_get() => prefixes::site(web),
            "/sessions" | "/sessions/" | "/sessions/this" => sessions::answer(web, &asked).await,
            rest => match (rest.strip_prefix("/handles/"), rest.strip_prefix("/verifications/")) {
                (Some(name), _) => handles::answer(web, &asked, name).await,
                (_, Some(identity)) => sessions::verification(web, &asked, identity).await,
                _ => reply::unknown_endpoint(&asked),
            },
        };
    }
    if let Some(response) = rdap::answer(web, &asked).await {
        return response;
    }
    if let Some(response) = snms::answer(web, &asked).await {
        return response;
    }
    if let Some(rest) = path.strip_prefix("/oid/") {
        return oid::answer(web, asked, rest).await;
    }
    if let Some(response) = did::answer(web, &asked).await {
        return response;
    }
    proxy::answer(web, &asked.by_system()).await
}

fn cross_origin(headers: &mut HeaderMap, origin: HeaderValue, preflight: bool) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Content-Length"));
    if preflight {
        let pairs = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET,POST,HEAD,PUT,DELETE"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "X-Requested-With,Authorization,Origin,Accept,Content-Type"),
            (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        ];
        pairs.into_iter().for_each(|(name, value)| {
            headers.insert(name, HeaderValue::from_static(value));
        });
    }
}

/// The headers of the answer to GET, its length among them, without the octets.
fn without_body(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Response::from_parts(parts, axum::body::Body::empty())
}
