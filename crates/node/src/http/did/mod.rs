//! DIDs over HTTP: the universal resolver's `/1.0/identifiers/`, the answers of the Xinghuo blockchain (BIF-RFC-005),
//! and the documents that `did:web` expects of this host.

mod document;

use super::{Asked, Web, reply};
use crate::answering::{Found, How};
use crate::clock;
use axum::http::{StatusCode, header};
use axum::response::Response;
use hufu_ident::identifier::percent_decode;
use hufu_ident::system::check_new;
use hufu_ident::systems::handle::kind;
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_ident::{Identifier, Prefix, Scheme, Value, ValueSet};
use hufu_resolve::Trace;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use serde_json::{Value as Json, json};

const IDENTIFIERS: &str = "/1.0/identifiers/";
const WELL_KNOWN: &str = "/.well-known/did.json";
const JSON: &str = "application/did+json";
const JSON_LD: &str = "application/did+ld+json";
/// Characters of a path part of `did:web` that stay as they are.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

/// Why there is no document.
enum Failure {
    Invalid(String),
    NotFound,
    Deactivated,
    /// The stored document is none of this DID.
    Unusable,
    Unreachable(String),
}

/// A document, and what is known about it.
struct Resolved {
    id: String,
    values: ValueSet,
}

/// Answers a request about a DID; `None` if it is about something else.
pub async fn answer(web: &Web, asked: &Asked) -> Option<Response> {
    if !asked.is_get() {
        return None;
    }
    if let Some(did) = asked.path.strip_prefix(IDENTIFIERS) {
        return Some(universal(web, asked, did).await);
    }
    if asked.path == WELL_KNOWN {
        return Some(own(web, asked));
    }
    let prefix = asked.path.strip_prefix("/p/").and_then(|rest| rest.strip_suffix("/did.json"));
    if let Some(prefix) = prefix {
        return Some(of_prefix(web, asked, prefix).await);
    }
    let bid = asked.path.strip_prefix('/').filter(|path| path.starts_with("did:bid:"))?;
    let browser = asked.header(header::ACCEPT).is_some_and(|accept| accept.contains("text/html"));
    let shaped = ["format", "lang", "action", "noredirect"].iter().any(|name| asked.params.has(name));
    if browser || shaped { None } else { Some(chain(web, asked, bid).await) }
}

/// `GET /1.0/identifiers/{did}` (W3C DID Resolution, HTTP binding).
async fn universal(web: &Web, asked: &Asked, escaped: &str) -> Response {
    let accept = asked.header(header::ACCEPT).unwrap_or_default();
    let bare = [JSON_LD, JSON].into_iter().find(|kind| accept.contains(kind));
    let found = match document_of(web, asked, escaped).await {
        Ok(found) => found,
        Err(failure) => return resolution_failed(&failure),
    };
    let (document, dates) = found;
    if let Some(kind) = bare {
        return reply::typed(StatusCode::OK, kind, document.to_string());
    }
    let mut metadata = json!({});
    if dates.updated > 0 {
        metadata = json!({"created": time(dates.created), "updated": time(dates.updated)});
    }
    let body = json!({
        "@context": "https://w3id.org/did-resolution/v1",
        "didDocument": document,
        "didResolutionMetadata": {"contentType": JSON_LD},
        "didDocumentMetadata": metadata,
    });
    reply::json(asked, StatusCode::OK, body)
}

fn resolution_failed(failure: &Failure) -> Response {
    let (status, error, message) = match failure {
        Failure::Invalid(why) => (StatusCode::BAD_REQUEST, "invalidDid", why.as_str()),
        Failure::NotFound => (StatusCode::NOT_FOUND, "notFound", ""),
        Failure::Deactivated => (StatusCode::GONE, "deactivated", ""),
        Failure::Unusable => {
            (StatusCode::INTERNAL_SERVER_ERROR, "invalidDidDocument", "the stored document has another id")
        }
        Failure::Unreachable(why) => (StatusCode::BAD_GATEWAY, "internalError", why.as_str()),
    };
    let mut resolution = json!({"error": error});
    if !message.is_empty() {
        resolution["message"] = message.into();
    }
    let deactivated = matches!(failure, Failure::Deactivated);
    let metadata = if deactivated { json!({"deactivated": true}) } else { json!({}) };
    let body = json!({"didDocument": null, "didResolutionMetadata": resolution, "didDocumentMetadata": metadata});
    reply::typed(status, "application/json;charset=utf-8", body.to_string())
}

/// The document of a DID, from its record, from itself, or from the prefix that it names at this host.
async fn document_of(web: &Web, asked: &Asked, escaped: &str) -> Result<(Json, document::Dates), Failure> {
    let failure = match resolve(web, escaped).await {
        Ok(found) => {
            let document = document::w3c(&found.id, &found.values).map_err(|_| Failure::Unusable)?;
            return Ok((document, document::dates(&found.values)));
        }
        Err(failure) => failure,
    };
    let (Failure::NotFound | Failure::Unreachable(_), Ok(did)) = (&failure, valid(escaped)) else {
        return Err(failure);
    };
    let none = document::Dates { created: 0, updated: 0 };
    if did.as_str().starts_with("did:key:") {
        return Ok((document::of_key(did.as_str()), none));
    }
    let host = host(asked);
    let start = document::web_name(&host, &["p"]).map(|own| format!("{own}:"));
    if let Some(prefix) = start.and_then(|start| did.as_str().strip_prefix(&start).map(str::to_owned))
        && let Ok(prefix) = percent_decode(&prefix)
        && let Some(document) = prefix_document(web, &host, &prefix).await
    {
        return Ok((document, none));
    }
    Err(failure)
}

/// The DID in a path, in its canonical spelling.
fn valid(escaped: &str) -> Result<Identifier, Failure> {
    // A DID holds percent-escapes of its own (`%3A`), which a client may or may not have escaped again.
    let decoded = match escaped.to_ascii_lowercase().starts_with("did:") {
        true => escaped.to_owned(),
        false => percent_decode(escaped).map_err(|refusal| Failure::Invalid(refusal.to_string()))?,
    };
    match check_new(&decoded) {
        Ok((identifier, Scheme::Did)) => Ok(identifier),
        Ok(_) => Err(Failure::Invalid("a DID begins with did:".to_owned())),
        Err(refusal) => Err(Failure::Invalid(refusal.to_string())),
    }
}

async fn resolve(web: &Web, escaped: &str) -> Result<Resolved, Failure> {
    let did = valid(escaped)?;
    match web.parts.answering.look_up(&did, How::default(), &Trace::off()).await {
        Ok(Found::Values { values, .. }) if document::is_deactivated(&values) => Err(Failure::Deactivated),
        Ok(Found::Values { values, .. }) => Ok(Resolved { id: did.to_string(), values: values.public() }),
        Ok(Found::No { code: ResponseCode::HANDLE_NOT_FOUND | ResponseCode::SERVER_NOT_RESP, .. }) => {
            Err(Failure::NotFound)
        }
        Ok(Found::No { code, text }) => Err(Failure::Unreachable(format!("{code} {text}").trim_end().to_owned())),
        Ok(Found::Referral(_)) => Err(Failure::Unreachable("this node refers to another one".to_owned())),
        Err(_) => Err(Failure::Unreachable("the record cannot be read".to_owned())),
    }
}

/// `GET /did:bid:…` and its sub-resources, in the shape of BIF-RFC-005.
async fn chain(web: &Web, asked: &Asked, path: &str) -> Response {
    let (did, resource) = match path.split_once('/') {
        Some((did, resource)) => (did, resource),
        None => (path, ""),
    };
    let failed = |code: u32, message: &str| {
        let body = json!({"errorCode": code, "message": message});
        reply::json(asked, StatusCode::OK, body)
    };
    let found = match resolve(web, did).await {
        Ok(found) => found,
        Err(Failure::NotFound | Failure::Deactivated) => return failed(6, "not found"),
        Err(Failure::Invalid(why)) => return failed(4, &why),
        Err(Failure::Unusable) => return failed(2, "error"),
        Err(Failure::Unreachable(why)) => return failed(7, &why),
    };
    let ttl = found.values.shortest_ttl(clock::seconds());
    let Ok(document) = document::bif(&found.id, &found.values, ttl, time) else { return failed(2, "error") };
    let data = match resource {
        "" => json!({"didDocument": document}),
        resource => match sub_resource(&document, resource, asked) {
            Some((field, value)) => {
                let mut data = json!({"version": document["version"], "id": document["id"]});
                data[field] = value;
                data
            }
            None => return failed(8, "field not found"),
        },
    };
    reply::json(asked, StatusCode::OK, json!({"errorCode": 0, "message": "success", "data": data}))
}

/// A field of the document by the path that names it.
fn sub_resource(document: &Json, resource: &str, asked: &Asked) -> Option<(&'static str, Json)> {
    let extension = &document["extension"];
    let (name, id) = match resource.split_once('/') {
        Some((name, id)) => (name, Some(percent_decode(id).ok()?)),
        None => (resource, asked.params.get("id").map(str::to_owned)),
    };
    let (field, value) = match name {
        "public-keys" => ("publicKey", &document["publicKey"]),
        "attributes" => ("attributes", &extension["attributes"]),
        "acsns" => ("acsns", &extension["acsns"]),
        "verifiableCredentials" => ("verifiableCredentials", &extension["verifiableCredentials"]),
        "services" => ("service", &document["service"]),
        _ => return None,
    };
    let list = value.as_array()?;
    let Some(id) = id else { return Some((field, value.clone())) };
    let wanted = |item: &&Json| {
        let own = item["id"].as_str().unwrap_or_default();
        own == id || own.rsplit('#').next() == Some(id.as_str())
    };
    list.iter().find(wanted).map(|item| (field, item.clone()))
}

/// `/.well-known/did.json`: the node itself, with the key of its site.
fn own(web: &Web, asked: &Asked) -> Response {
    let host = host(asked);
    let Some(id) = document::web_name(&host, &[]) else { return no_host() };
    let servers = web.parts.identity.site.servers.iter().zip(1..);
    let mut values: Vec<Value> =
        servers.map(|(server, index)| Value::new(index, kind::PUBKEY, server.public_key.to_vec())).collect();
    values.push(resolver(values.len() as u32 + 1, &host));
    described(document::w3c(&id, &ValueSet::from_values(values)).ok())
}

/// `/p/{prefix}/did.json`: the holder of a prefix, from the prefix's record.
async fn of_prefix(web: &Web, asked: &Asked, escaped: &str) -> Response {
    let host = host(asked);
    if document::web_name(&host, &[]).is_none() {
        return no_host();
    }
    let Ok(prefix) = percent_decode(escaped) else { return described(None) };
    described(prefix_document(web, &host, &prefix).await)
}

async fn prefix_document(web: &Web, host: &str, text: &str) -> Option<Json> {
    let prefix = Prefix::parse(text).ok()?;
    let id = document::web_name(host, &["p", text])?;
    let found = web.parts.answering.look_up(&prefix.handle(), How::default(), &Trace::off()).await;
    let Ok(Found::Values { values, .. }) = found else { return None };
    let mut values = values.public().to_values();
    let last = values.iter().map(|value| value.index).max().unwrap_or_default();
    values.push(resolver(last.saturating_add(1), host));
    document::w3c(&id, &ValueSet::from_values(values)).ok()
}

fn resolver(index: u32, host: &str) -> Value {
    Value::new(index, "SERVICE.IdentifierResolver", format!("https://{host}/"))
}

fn described(document: Option<Json>) -> Response {
    match document {
        Some(document) => reply::typed(StatusCode::OK, JSON, document.to_string()),
        None => problem(StatusCode::NOT_FOUND, "did-not-found", "no document of that name", "没有这一文档"),
    }
}

fn no_host() -> Response {
    let en = "did:web needs a host name; this request came to an address";
    problem(StatusCode::NOT_FOUND, "did-web-host", en, "did:web需要主机名，本请求使用的是地址")
}

fn problem(status: StatusCode, code: &str, detail: &str, zh: &str) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let body = json!({
        "type": "about:blank", "title": title, "status": status.as_u16(), "code": code, "detail": detail,
        "detail_zh": zh,
    });
    reply::typed(status, "application/problem+json", body.to_string())
}

/// The host that the client asked, in lower case.
fn host(asked: &Asked) -> String {
    asked.header(header::HOST).unwrap_or_default().to_ascii_lowercase()
}

/// `2026-11-21T16:08:35Z`.
fn time(seconds: u32) -> String {
    jiff::Timestamp::from_second(i64::from(seconds)).map(|time| time.to_string()).unwrap_or_default()
}
