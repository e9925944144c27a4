//! `/operator/v1`: the other end of the operator interface, for the secondary nodes that register here.
//!
//! A request is signed ([`crate::operator::signature`]); whoever is not known, has signed something else, or comes with
//! a signature that was used before, gets 2200, learns nothing more, and is written down in the audit trail. Errors are
//! problem documents of RPP.

use crate::node::Parts;
use crate::operator::{signature, wire};
use crate::{clock, telemetry};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use hufu_net::{Peer, Transport};
use hufu_registry::operator::{
    Command, CommandRefusal, Disbelieved, OperatorClient, ResultCode, check_transaction, code_of_error, operator_caller,
};
use hufu_registry::{Caller, Error, Registry, Time};
use serde_json::json;
use signature::{Signed, Signer};
use std::net::IpAddr;
use std::sync::Arc;

/// Octets of a request body.
const BODY: usize = 256 << 10;
const QUEUE_EMPTY: ResultCode = 1300;
const MESSAGE_FOLLOWS: ResultCode = 1301;
const UNKNOWN_COMMAND: ResultCode = 2000;
const SYNTAX: ResultCode = 2001;
const MISUSE: ResultCode = 2002;
const OUT_OF_RANGE: ResultCode = 2004;
const NOT_AUTHENTIC: ResultCode = 2200;

/// The routes; for a node that has a registry.
pub fn router(parts: Arc<Parts>) -> Router {
    Router::new().route("/operator/v1/{*rest}", any(entry)).layer(DefaultBodyLimit::max(BODY)).with_state(parts)
}

/// One request whose signature holds.
struct Asked {
    registry: Registry,
    client: OperatorClient,
    caller: Caller,
    transaction: String,
    method: Method,
    path: String,
    body: Bytes,
}

/// A "no" of this door itself.
struct Refused(ResultCode, &'static str);

/// A request that is not believed: for the audit trail, and what whoever sent it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    NotSecure,
    NotSigned,
    Stale,
    BodyChanged,
    UnknownClient,
    OtherAddress,
    WrongSignature,
    Replayed,
}

impl Doubt {
    fn code(self) -> &'static str {
        match self {
            Doubt::NotSecure => "not-secure",
            Doubt::NotSigned => "not-signed",
            Doubt::Stale => "stale-signature",
            Doubt::BodyChanged => "body-changed",
            Doubt::UnknownClient => "unknown-client",
            Doubt::OtherAddress => "other-address",
            Doubt::WrongSignature => "wrong-signature",
            Doubt::Replayed => "replayed-signature",
        }
    }

    /// Who is not known is not told whether it is the client, its address or its key that is wrong.
    fn text(self) -> &'static str {
        match self {
            Doubt::NotSecure => "use HTTPS",
            Doubt::NotSigned => "the request is not signed in the form of the profile",
            Doubt::Stale => "the signature is too old, or a clock is wrong by more than 5 minutes",
            Doubt::BodyChanged => "the body is not what its digest says",
            Doubt::UnknownClient | Doubt::OtherAddress | Doubt::WrongSignature => "the signature does not hold",
            Doubt::Replayed => "the signature was used before",
        }
    }
}

/// What of a request its signature is about.
struct Claim<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    body: &'a [u8],
    transaction: &'a str,
    address: IpAddr,
}

async fn entry(
    State(parts): State<Arc<Parts>>,
    Extension(peer): Extension<Peer>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let address = peer.address.ip().to_canonical();
    if let Err(wait) = parts.net.rate.admit(address, std::time::Instant::now()) {
        let seconds = wait.as_secs().max(1).to_string();
        return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds)]).into_response();
    }
    let transaction = text(&headers, "rpp-cltrid").to_owned();
    let Some(registry) = parts.registry.clone() else {
        return problem(&transaction, "", UNKNOWN_COMMAND, "this node has no registry");
    };
    let loopback = parts.config.http.plain_credentials_on_loopback && address.is_loopback();
    let secure = peer.transport == Transport::Https || loopback;
    let claim =
        Claim { method: &method, uri: &uri, headers: &headers, body: &body, transaction: &transaction, address };
    let found = match secure {
        true => believe(&registry, &claim).await,
        false => Ok(Err(Doubt::NotSecure)),
    };
    let client = match found {
        Ok(Ok(client)) => client,
        Ok(Err(doubt)) => return disbelieved(&registry, &claim, doubt).await,
        Err(error) => return failed(&transaction, &error),
    };
    if check_transaction(&transaction).is_err() {
        return problem("", "", OUT_OF_RANGE, "RPP-Cltrid has 3 to 64 printable characters");
    }
    let caller = operator_caller(&client, &address.to_string(), &transaction, clock::millis() as Time);
    let asked = Asked { registry, client, caller, transaction, method, path: uri.path().to_owned(), body };
    match answer(&asked).await {
        Ok(Ok(response)) => response,
        Ok(Err(Refused(code, reason))) => problem(&asked.transaction, "", code, reason),
        Err(error) => failed(&asked.transaction, &error),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The client whose signature the request bears, taken for the first time.
async fn believe(registry: &Registry, claim: &Claim<'_>) -> Result<Result<OperatorClient, Doubt>, Error> {
    let Some(signer) = signature::read_input(text(claim.headers, "signature-input")) else {
        return Ok(Err(Doubt::NotSigned));
    };
    let now = clock::seconds() as i64;
    if now.abs_diff(signer.created) > signature::SKEW.unsigned_abs() {
        return Ok(Err(Doubt::Stale));
    }
    if text(claim.headers, "content-digest") != signature::content_digest(claim.body) || claim.uri.query().is_some() {
        return Ok(Err(Doubt::BodyChanged));
    }
    let Some(client) = registry.operator_client(&signer.client).await? else { return Ok(Err(Doubt::UnknownClient)) };
    if !client.comes_from(claim.address) {
        return Ok(Err(Doubt::OtherAddress));
    }
    let (path, body, transaction) = (claim.uri.path(), claim.body, claim.transaction);
    let signed = Signed { method: claim.method.as_str(), path, body, transaction };
    if !signature::is_signed(&client.public_key, &signed, &signer, text(claim.headers, "signature")) {
        return Ok(Err(Doubt::WrongSignature));
    }
    let Signer { created, nonce, .. } = signer;
    // Remembered for as long as its second is believed.
    let forget = (created + signature::SKEW + 1) * 1000;
    match registry.take_nonce(&client.id, &nonce, forget, clock::millis() as Time).await? {
        true => Ok(Ok(client)),
        false => Ok(Err(Doubt::Replayed)),
    }
}

/// Written down before it is answered.
async fn disbelieved(registry: &Registry, claim: &Claim<'_>, doubt: Doubt) -> Response {
    let signer = signature::read_input(text(claim.headers, "signature-input"));
    let attempt = Disbelieved {
        client: signer.as_ref().map_or("", |signer| signer.client.as_str()),
        transaction: claim.transaction,
        method: claim.method.as_str(),
        path: claim.uri.path(),
        reason: doubt.code(),
    };
    let (address, at) = (claim.address.to_string(), clock::millis() as Time);
    match registry.note_disbelieved(&address, at, &attempt).await {
        Ok(()) => problem(claim.transaction, "", NOT_AUTHENTIC, doubt.text()),
        Err(error) => failed(claim.transaction, &error),
    }
}

async fn answer(asked: &Asked) -> Result<Result<Response, Refused>, Error> {
    let rest = asked.path.strip_prefix(wire::BASE).unwrap_or_default();
    let parts: Vec<&str> = rest.split('/').skip(1).collect();
    let decode = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
    let reads = asked.method == Method::GET || asked.method == Method::HEAD;
    match parts.as_slice() {
        ["messages"] if reads => Ok(Ok(head_of_queue(asked).await?)),
        ["messages", id] if asked.method == Method::DELETE => {
            let left = asked.registry.acknowledge_message(&asked.client, &asked.caller, &decode(id)).await?;
            let mut response = plain(asked, 1000, StatusCode::NO_CONTENT);
            response.headers_mut().insert(HeaderName::from_static("rpp-queue-size"), HeaderValue::from(left));
            Ok(Ok(response))
        }
        ["prefixes", name, "availability"] if reads => {
            let found = asked.registry.availability(&asked.caller, &decode(name), false).await?;
            let status = if found.available { StatusCode::OK } else { StatusCode::NOT_FOUND };
            Ok(Ok(with_headers((status, axum::Json(found)).into_response(), &asked.transaction, "", 1000)))
        }
        ["prefixes", name] if reads => {
            let found = asked.registry.query_command(&asked.client, &asked.caller, &decode(name)).await?;
            Ok(Ok(with_headers(axum::Json(found).into_response(), &asked.transaction, "", 1000)))
        }
        ["prefixes", ..] if !reads => command(asked).await,
        _ => Ok(Err(Refused(UNKNOWN_COMMAND, "no such route"))),
    }
}

async fn command(asked: &Asked) -> Result<Result<Response, Refused>, Error> {
    let Ok(command) = serde_json::from_slice::<Command>(&asked.body) else {
        return Ok(Err(Refused(SYNTAX, "the body is no command of the profile")));
    };
    let (method, path) = wire::route(&command);
    if method != asked.method.as_str() || path != asked.path {
        return Ok(Err(Refused(MISUSE, "route and body are about different things")));
    }
    let (client, address, at) = (&asked.client, asked.caller.address.as_str(), asked.caller.at);
    let done = match asked.registry.execute_command(client, address, at, &asked.transaction, &command).await? {
        Ok(done) => done,
        Err(refusal) => return Ok(Ok(refused(&asked.transaction, &refusal))),
    };
    let created = matches!(command, Command::Create { .. }) && done.code == 1000;
    let status = if created { 201 } else { wire::status(done.code) };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = (status, axum::Json(&done)).into_response();
    let name = done.data.get("name").and_then(|name| name.as_str()).filter(|_| created);
    if let Some(name) = name
        && let Ok(place) = HeaderValue::from_str(&format!("{}/prefixes/{}", wire::BASE, wire::segment(name)))
    {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(Ok(with_headers(response, &asked.transaction, &done.server_transaction, done.code)))
}

async fn head_of_queue(asked: &Asked) -> Result<Response, Error> {
    let queue = asked.registry.operator_queue(&asked.client).await?;
    let mut response = match queue.message {
        Some(_) => with_headers(axum::Json(&queue).into_response(), &asked.transaction, "", MESSAGE_FOLLOWS),
        None => plain(asked, QUEUE_EMPTY, StatusCode::NO_CONTENT),
    };
    response.headers_mut().insert(HeaderName::from_static("rpp-queue-size"), HeaderValue::from(queue.count));
    Ok(response)
}

fn plain(asked: &Asked, code: ResultCode, status: StatusCode) -> Response {
    with_headers(status.into_response(), &asked.transaction, "", code)
}

fn with_headers(mut response: Response, client: &str, server: &str, code: ResultCode) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [("rpp-cltrid", client), ("rpp-svtrid", server), ("rpp-code", &format!("{code:05}"))] {
        if let Some(value) = HeaderValue::from_str(value).ok().filter(|value| !value.is_empty()) {
            headers.insert(name, value);
        }
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A command that the registry refuses.
fn refused(transaction: &str, refusal: &CommandRefusal) -> Response {
    let reason = format!("{} {} [{}]", refusal.zh, refusal.en, refusal.refusal);
    problem(transaction, &refusal.server_transaction, refusal.code, &reason)
}

/// A refusal or fault of the registry.
fn failed(transaction: &str, error: &Error) -> Response {
    let code = code_of_error(error);
    match error.refusal() {
        Some(refusal) => {
            let reason = format!("{} {} [{}]", refusal.zh, refusal.en, refusal.code);
            problem(transaction, "", code, &reason)
        }
        None => {
            let id = telemetry::incident("operator interface", error);
            problem(transaction, "", code, &format!("incident {id}"))
        }
    }
}

/// A problem document of RPP.
fn problem(transaction: &str, server: &str, code: ResultCode, reason: &str) -> Response {
    let status = StatusCode::from_u16(wire::status(code)).unwrap_or(StatusCode::BAD_REQUEST);
    let title = status.canonical_reason().unwrap_or_default();
    let body = json!({
        "type": "urn:ietf:params:rpp:error", "title": title, "status": status.as_u16(),
        "errors": [{"type": "urn:ietf:params:rpp:error", "result": format!("{code:05}"), "paths": [], "reason": reason}],
    });
    let content = [(header::CONTENT_TYPE, "application/problem+json")];
    with_headers((status, content, body.to_string()).into_response(), transaction, server, code)
}
