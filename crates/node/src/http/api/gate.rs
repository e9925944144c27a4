//! What every request of the control plane passes: rate, identity, same origin, what the operation demands, repetition.
//!
//! The demand is read from the operation's own description, so that whoever may not is told so before the body is
//! looked at, and what is declared is what holds. The registry asks again, closer to the matter.

use super::{answer, extract};
use crate::node::Parts;
use crate::{clock, random};
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts as Head;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hufu_net::{LocalUser, Peer, Transport};
use hufu_registry::caller::Idempotency;
use hufu_registry::{Caller, Error, Kind, Origin, Permission, Refusal, Time};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// The cookie of a session.
pub const COOKIE: &str = "hufu_session";
/// Header of a request that may be repeated.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Names the request in answer, audit and log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Most octets of a request that is to be recognised when it is repeated.
const REPEATABLE: usize = 6 << 20;

/// What an operation demands of whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    /// `x-public`: nothing.
    Nothing,
    /// `x-self`: an account; it is about that account itself.
    Account,
    /// `x-permission…`: one of these.
    OneOf(Vec<Permission>),
}

/// The demands of all operations, by method and path.
#[derive(Debug, Default)]
pub struct Demands(HashMap<(String, String), Demand>);

impl Demands {
    /// Reads them from the description.
    pub fn of(description: &serde_json::Value) -> Self {
        let mut demands = HashMap::new();
        for (path, item) in description["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                demands.insert((method.to_uppercase(), path.clone()), Demand::of(operation));
            }
        }
        Demands(demands)
    }

    fn of_request(&self, method: &Method, path: Option<&MatchedPath>) -> Demand {
        let method = if method == Method::HEAD { "GET" } else { method.as_str() };
        let found = path.and_then(|path| self.0.get(&(method.to_owned(), path.as_str().to_owned())));
        found.cloned().unwrap_or(Demand::Nothing)
    }
}

impl Demand {
    pub fn of(operation: &serde_json::Value) -> Self {
        if operation.get("x-public").is_some() {
            return Demand::Nothing;
        }
        if operation.get("x-self").is_some() || operation.get("x-or-itself").is_some() {
            return Demand::Account;
        }
        let members = operation.as_object().into_iter().flatten();
        let named =
            members.filter(|(name, _)| name.starts_with("x-permission")).filter_map(|(_, value)| value.as_str());
        Demand::OneOf(named.filter_map(Permission::parse).collect())
    }
}

/// What the gate knows.
#[derive(Clone)]
pub struct Gate {
    pub parts: Arc<Parts>,
    pub demands: Arc<Demands>,
}

/// Refuses whoever has not what the operation demands; a denial is written down.
async fn demanded(gate: &Gate, head: &Head, caller: &Caller) -> Result<(), Error> {
    let Some(registry) = &gate.parts.registry else { return Ok(()) };
    let demand = gate.demands.of_request(&head.method, head.extensions.get::<MatchedPath>());
    let anonymous = caller.origin == Origin::Anonymous;
    match demand {
        Demand::Nothing => Ok(()),
        Demand::Account if !anonymous => Ok(()),
        // Nobody has a permission, so any of them names what is missing.
        Demand::Account => registry.authorise(caller, Permission::AccountRead, head.uri.path()).await,
        Demand::OneOf(all) if all.iter().any(|one| caller.permissions.contains(*one)) => Ok(()),
        Demand::OneOf(all) => match all.first() {
            Some(first) => registry.authorise(caller, *first, head.uri.path()).await,
            // An operation that names no permission we know is nobody's; a test finds it before anybody does.
            None => Err(Error::Fault(format!("{} demands nothing that is known", head.uri.path()))),
        },
    }
}

/// Lets a request through with its [`Caller`], or answers it.
pub async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let parts = &gate.parts;
    let id = hex::encode(random::octets::<8>());
    let (mut head, body) = request.into_parts();
    let chinese = extract::chinese(&head);
    let caller = match identify(parts, &head, &id).await {
        Ok(caller) => caller,
        Err(response) => return named(*response, &id),
    };
    if head.uri.path_and_query().is_some_and(|all| all.as_str().contains("%00")) {
        let (zh, en) = ("地址中不得有 %00", "an address may not hold %00");
        let refusal = Refusal::new(Kind::Invalid, "zero-character", zh, en);
        return named(answer::refused(&refusal, chinese, &id), &id);
    }
    if let Err(error) = demanded(&gate, &head, &caller).await {
        return named(answer::of_error(error, chinese, &id), &id);
    }
    let (caller, body) = match repetition(&head, body, caller).await {
        Ok(both) => both,
        Err(refusal) => return named(answer::refused(&refusal, chinese, &id), &id),
    };
    head.extensions.insert(caller);
    named(next.run(Request::from_parts(head, body)).await, &id)
}

fn named(mut response: Response, id: &str) -> Response {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Who asks. On the Unix socket the kernel says so; elsewhere a bearer token or the session's cookie does.
async fn identify(parts: &Parts, head: &Head, id: &str) -> Result<Caller, Box<Response>> {
    let now = clock::millis() as Time;
    if let Some(LocalUser(user)) = head.extensions.get::<LocalUser>() {
        return Ok(Caller::local(*user, id, now));
    }
    let chinese = extract::chinese(head);
    let refuse = |refusal: Refusal| Box::new(answer::refused(&refusal, chinese, id));
    let Some(peer) = head.extensions.get::<Peer>() else {
        let (zh, en) = ("无法确定来源地址", "the request comes from nowhere");
        return Err(refuse(Refusal::new(Kind::Unavailable, "no-peer", zh, en)));
    };
    let address = peer.address.ip().to_canonical();
    if let Err(wait) = parts.net.rate.admit(address, std::time::Instant::now()) {
        let seconds = wait.as_secs().max(1).to_string();
        return Err(Box::new((StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds)]).into_response()));
    }
    if proves_by_body(head) {
        if !may_carry_credentials(parts, peer, address) {
            return Err(refuse(not_secure()));
        }
        if names_origin(head) && !is_same_origin(head) {
            return Err(refuse(other_origin()));
        }
        return Ok(Caller::anonymous(address.to_string(), id, now));
    }
    let Some((credential, from_cookie)) = credential(head) else {
        return Ok(Caller::anonymous(address.to_string(), id, now));
    };
    if !may_carry_credentials(parts, peer, address) {
        return Err(refuse(not_secure()));
    }
    if from_cookie && !head.method.is_safe() && !is_same_origin(head) {
        return Err(refuse(other_origin()));
    }
    let Some(registry) = &parts.registry else { return Ok(Caller::anonymous(address.to_string(), id, now)) };
    match registry.identify(&credential, address, id, now).await {
        Ok(caller) => Ok(caller),
        Err(error) => Err(Box::new(answer::of_error(error, chinese, id))),
    }
}

/// Operations whose body has the credential: a password, an invitation. What the headers say does not count, so that
/// nobody is kept from signing in by the cookie of a session that has ended.
fn proves_by_body(head: &Head) -> bool {
    let path = head.uri.path();
    head.method == Method::POST
        && ["/api/v1/sessions", "/api/v1/invitations/accept", "/api/v1/resets/confirm"].contains(&path)
}

fn not_secure() -> Refusal {
    let (zh, en) = ("请使用 HTTPS：明文连接不接受凭据", "use HTTPS: no credential is looked at over plain HTTP");
    Refusal::new(Kind::Denied, "not-secure", zh, en)
}

fn other_origin() -> Refusal {
    let (zh, en) = ("请求来自其他网站，已拒绝", "the request comes from another site");
    Refusal::new(Kind::Denied, "other-origin", zh, en)
}

/// Whether a browser sent it: others say nothing of where it comes from.
fn names_origin(head: &Head) -> bool {
    head.headers.contains_key("sec-fetch-site") || head.headers.contains_key(header::ORIGIN)
}

/// Credentials over HTTPS, or over plain HTTP from this machine if the configuration allows it.
fn may_carry_credentials(parts: &Parts, peer: &Peer, address: IpAddr) -> bool {
    let loopback = parts.config.http.plain_credentials_on_loopback && address.is_loopback();
    peer.transport == Transport::Https || loopback
}

/// The bearer token, or the session's cookie; says whether it was the cookie.
fn credential(head: &Head) -> Option<(String, bool)> {
    let text = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(authorization) = text(header::AUTHORIZATION) {
        let (scheme, token) = authorization.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| (token.trim().to_owned(), false));
    }
    let cookies = text(header::COOKIE)?;
    let ours = cookies.split(';').filter_map(|cookie| cookie.trim().split_once('=')).find(|(name, _)| *name == COOKIE);
    ours.map(|(_, token)| (token.to_owned(), true))
}

/// Whether a page of this very site sent the request, by what the browser says of it.
fn is_same_origin(head: &Head) -> bool {
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let host = text("host").or(head.uri.host());
    match (text("origin"), host) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, authority)| authority == host),
        _ => false,
    }
}

/// Reads the body of a request with an `Idempotency-Key`, so that its repetition is recognised.
async fn repetition(head: &Head, body: Body, mut caller: Caller) -> Result<(Caller, Body), Box<Refusal>> {
    let Some(key) = head.headers.get(IDEMPOTENCY_KEY) else { return Ok((caller, body)) };
    if head.method == Method::GET || head.method == Method::HEAD {
        return Ok((caller, body));
    }
    let key = key.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > 255 {
        let (zh, en) = ("Idempotency-Key 应为 1–255 个字符", "an Idempotency-Key has 1 to 255 characters");
        return Err(Box::new(Refusal::new(Kind::Invalid, "invalid-idempotency-key", zh, en)));
    }
    let octets = axum::body::to_bytes(body, REPEATABLE).await.map_err(|_| {
        let (zh, en) = ("请求内容过大或中断", "the body is too large or broke off");
        Box::new(Refusal::new(Kind::Invalid, "invalid-body", zh, en))
    })?;
    let mut digest = Sha256::new();
    digest.update(format!("{} {}\n", head.method, head.uri));
    digest.update(&octets);
    caller.idempotency = Some(Idempotency { key: key.to_owned(), digest: hex::encode(digest.finalize()) });
    Ok((caller, Body::from(octets)))
}
