//! `/api/handles`: read, create, change, delete and list identifiers (Handle.Net JSON API).

use super::{Asked, Web, auth, reply, value_json};
use crate::administration::{Claim, Done, Operation, Refused, Visitor};
use crate::answering::{Found, How};
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use hufu_ident::identifier::percent_decode;
use hufu_ident::systems::handle::wire::{Reader, ResponseCode};
use hufu_ident::{Identifier, RecordKey, Selection, SelectionBuf, ValueSet};
use hufu_resolve::{Selected, Trace, select};
use serde_json::{Map, Value as Json, json};

/// Names in one listing without paging.
const LISTED: usize = 1_000_000;
/// Names read from the store at once.
const PAGE: usize = 1000;

/// One identifier.
pub async fn answer(web: &Web, asked: &Asked, raw_name: &str) -> Response {
    let name = match percent_decode(raw_name) {
        Ok(name) => name,
        Err(refusal) => return reply::code(asked, ResponseCode::INVALID_HANDLE, &refusal.to_string(), None, false),
    };
    if name.is_empty() {
        return reply::code(asked, ResponseCode::INVALID_HANDLE, "Empty handle invalid", None, false);
    }
    match asked.method {
        Method::GET | Method::HEAD | Method::POST => read(web, asked, &name).await,
        Method::PUT => write(web, asked, &name).await,
        Method::DELETE => delete(web, asked, &name).await,
        _ => reply::unknown_method(asked),
    }
}

/// `/api/handles?prefix=`, and POST with the name in a field.
pub async fn collection(web: &Web, asked: &Asked) -> Response {
    match (&asked.method, asked.params.get("prefix")) {
        (&Method::GET | &Method::HEAD, Some(prefix)) => list(web, asked, prefix).await,
        (&Method::GET | &Method::HEAD, None) => reply::bad_request(asked, "the parameter prefix is missing", None),
        _ => reply::unknown_method(asked),
    }
}

async fn read(web: &Web, asked: &Asked, name: &str) -> Response {
    let identifier = match Identifier::parse(name) {
        Ok(identifier) => identifier,
        Err(refusal) => {
            return reply::code(asked, ResponseCode::INVALID_HANDLE, &refusal.to_string(), Some(name), true);
        }
    };
    let selection = match selection(asked) {
        Ok(selection) => selection,
        Err(text) => return reply::bad_request(asked, &text, None),
    };
    let claim = match auth::claim(web, asked).await {
        Ok(claim) => claim,
        Err(wrong) => return *wrong,
    };
    let known = !matches!(claim, Claim::Nobody);
    let how = How {
        authoritative: asked.params.switch("auth").unwrap_or(false),
        public_only: asked.params.switch("publicOnly").unwrap_or(!known),
        do_not_refer: asked.params.switch("doNotRefer").unwrap_or(false),
        ..How::default()
    };
    match web.parts.answering.look_up(&identifier, how, &Trace::off()).await {
        Ok(Found::Values { values, own, stale, .. }) => {
            web.parts.resolved(&asked.peer, name, ResponseCode::SUCCESS);
            let wish = Wish { selection: &selection, public_only: how.public_only, own };
            let visible = visible(web, asked, &claim, &identifier, &values, wish).await;
            show(web, asked, name, visible, stale)
        }
        Ok(Found::Referral(delegation)) => reply::refused(web, asked, Refused::Referral(delegation), name, true),
        Ok(Found::No { code, text }) => {
            web.parts.resolved(&asked.peer, name, code);
            reply::code(asked, code, &text, Some(name), true)
        }
        Err(fault) => reply::refused(web, asked, fault.into(), name, true),
    }
}

fn show(web: &Web, asked: &Asked, name: &str, visible: Result<ValueSet, Refused>, stale: bool) -> Response {
    let values = match visible {
        Ok(values) => values,
        Err(Refused::No { code: ResponseCode::VALUES_NOT_FOUND, .. }) => {
            let body = json!({"responseCode": 200, "values": [], "handle": name});
            return reply::json(asked, StatusCode::OK, body);
        }
        Err(refused) => return reply::refused(web, asked, refused, name, true),
    };
    let mut body = Map::new();
    body.insert("responseCode".into(), json!(1));
    body.insert("handle".into(), json!(name));
    body.insert("values".into(), value_json::values_to_json(&values));
    let mut response = reply::json(asked, StatusCode::OK, Json::Object(body));
    reply::insert(&mut response, header::VARY, "Accept-Encoding, User-Agent");
    if stale {
        reply::insert(&mut response, header::WARNING, "110 - \"Response is Stale\"");
    }
    response
}

/// Names what granted fields are read for; the log of their owner shows it.
pub const PURPOSE: &str = "hufu-purpose";

/// Which values are asked for.
#[derive(Clone, Copy)]
pub struct Wish<'a> {
    pub selection: &'a SelectionBuf,
    pub public_only: bool,
    /// Whether the record is kept here.
    pub own: bool,
}

/// The selected values that the asker may see.
pub async fn visible(
    web: &Web,
    asked: &Asked,
    claim: &Claim,
    name: &Identifier,
    values: &ValueSet,
    wish: Wish<'_>,
) -> Result<ValueSet, Refused> {
    let Wish { selection, public_only, own } = wish;
    let mut wire = Vec::new();
    selection.compose(&mut wire);
    let wanted = Selection::decode(&mut Reader::new(&wire)).unwrap_or_default();
    let mut out = Vec::new();
    let mut selected = select(values, &wanted, public_only, false, &mut out);
    if selected == Selected::NeedsAuthority && own {
        let administration = web.parts.administration.as_ref().ok_or(Refused::NeedsProof)?;
        let address = asked.peer.address.ip().to_canonical().to_string();
        let purpose = asked.headers.get(PURPOSE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let visitor = Visitor { door: "http", address: &address, request: "", purpose };
        let readable = administration.readable(claim, name, values, &visitor).await?;
        selected = select(&readable, &wanted, public_only, true, &mut out);
    }
    match selected {
        Selected::Values(_) => Ok(ValueSet::trusted(out.into())),
        Selected::Nothing => Err(Refused::code(ResponseCode::VALUES_NOT_FOUND)),
        _ => Err(Refused::code(ResponseCode::INSUFFICIENT_PERMISSIONS)),
    }
}

/// `index=` and `type=`, repeatable; in a POST also from a JSON body.
pub fn selection(asked: &Asked) -> Result<SelectionBuf, String> {
    let mut selection = SelectionBuf::default();
    for text in asked.params.all("index") {
        let index = text.parse().map_err(|_| format!("index must be a number, not {text:?}"))?;
        selection.indexes.push(index);
    }
    selection.types.extend(asked.params.all("type").map(|kind| kind.as_bytes().to_vec()));
    if asked.method == Method::POST
        && let Ok(Json::Object(body)) = serde_json::from_slice(&asked.body)
    {
        let each = |value: Option<&Json>| match value {
            Some(Json::Array(list)) => list.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        };
        let indexes = each(body.get("index")).into_iter().filter_map(|index| index.as_u64());
        selection.indexes.extend(indexes.filter_map(|index| u32::try_from(index).ok()));
        let types = each(body.get("type")).into_iter().filter_map(|kind| kind.as_str().map(|kind| kind.into()));
        selection.types.extend(types);
    }
    Ok(selection)
}

async fn write(web: &Web, asked: &Asked, name: &str) -> Response {
    let claim = match auth::claim(web, asked).await {
        Ok(claim) => claim,
        Err(wrong) => return *wrong,
    };
    if !asked.secure {
        return reply::needs_proof(web, asked, name);
    }
    let body = match json_body(asked) {
        Ok(body) => body,
        Err(text) => return reply::bad_request(asked, &text, None),
    };
    let values = match value_json::body_to_values(&body, name) {
        Ok(values) => values,
        Err(error) => return reply::bad_request(asked, &error.to_string(), None),
    };
    let overwrite = asked.params.switch("overwrite").unwrap_or(true);
    let mint = asked.params.switch("mintNewSuffix").unwrap_or(false);
    let bytes = name.as_bytes().to_vec();
    let operation = match asked.params.has("index") {
        false => Operation::Create { name: bytes, values, overwrite, mint },
        true => {
            let mut indexes: Vec<&str> = asked.params.all("index").collect();
            let mut own: Vec<String> = values.iter().map(|value| value.index.to_string()).collect();
            indexes.sort_unstable();
            own.sort_unstable();
            if !indexes.contains(&"various") && indexes != own {
                return reply::bad_request(asked, "Mismatched indexes in PUT request", Some(name));
            }
            Operation::Add { name: bytes, values, overwrite }
        }
    };
    perform(web, asked, name, operation, &claim).await
}

async fn delete(web: &Web, asked: &Asked, name: &str) -> Response {
    let claim = match auth::claim(web, asked).await {
        Ok(claim) => claim,
        Err(wrong) => return *wrong,
    };
    let bytes = name.as_bytes().to_vec();
    let indexes: Result<Vec<u32>, _> = asked.params.all("index").map(str::parse).collect();
    let operation = match indexes {
        Ok(indexes) if indexes.is_empty() => Operation::Delete { name: bytes },
        Ok(indexes) => Operation::Remove { name: bytes, indexes },
        Err(_) => return reply::bad_request(asked, "index must be a number", Some(name)),
    };
    perform(web, asked, name, operation, &claim).await
}

async fn perform(web: &Web, asked: &Asked, name: &str, operation: Operation, claim: &Claim) -> Response {
    let Some(administration) = &web.parts.administration else {
        return reply::code(asked, ResponseCode::SERVER_NOT_RESP, "Not a primary server", Some(name), false);
    };
    let adds = matches!(operation, Operation::Create { .. } | Operation::Add { .. });
    match administration.perform(operation, claim).await {
        Ok(Done::Changed { name, overwritten }) => {
            let status = if adds && !overwritten { StatusCode::CREATED } else { StatusCode::OK };
            let name = String::from_utf8_lossy(&name).into_owned();
            reply::json(asked, status, json!({"responseCode": 1, "handle": name}))
        }
        Ok(_) => reply::unknown_endpoint(asked),
        Err(refused) => reply::refused(web, asked, refused, name, false),
    }
}

/// The body as JSON; its media type must say so.
fn json_body(asked: &Asked) -> Result<Json, String> {
    let media_type = asked.header(header::CONTENT_TYPE).unwrap_or_default();
    let plain = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !plain.is_empty() && plain != "application/json" && !plain.ends_with("+json") {
        return Err(format!("Unsupported media type {plain}; send application/json"));
    }
    serde_json::from_slice(&asked.body).map_err(|error| format!("the body is no JSON: {error}"))
}

async fn list(web: &Web, asked: &Asked, prefix: &str) -> Response {
    let claim = match auth::claim(web, asked).await {
        Ok(claim) => claim,
        Err(wrong) => return *wrong,
    };
    let Some(administration) = &web.parts.administration else {
        return reply::code(asked, ResponseCode::SERVER_NOT_RESP, "Not a primary server", Some(prefix), false);
    };
    let described = hufu_ident::Prefix::folded(prefix.strip_prefix("0.NA/").unwrap_or(prefix));
    let start = RecordKey::range_of(&described);
    if !web.parts.config.http.public_listing {
        let operation = Operation::List { prefix: prefix.as_bytes().to_vec() };
        if let Err(refused) = administration.perform(operation, &claim).await {
            return reply::refused(web, asked, refused, prefix, false);
        }
    }
    let number = |name| asked.params.get(name).and_then(|text| text.parse::<usize>().ok());
    let size = number("pageSize").filter(|size| *size > 0);
    let first = number("page").unwrap_or(0).saturating_mul(size.unwrap_or(0));
    let shown = first..first.saturating_add(size.unwrap_or(LISTED).min(LISTED));
    let mut handles = Vec::new();
    let mut total = 0;
    let mut after: Option<RecordKey> = None;
    loop {
        let page = match administration.page(&start, after.as_ref(), PAGE) {
            Ok(page) => page,
            Err(refused) => return reply::refused(web, asked, refused, prefix, false),
        };
        for key in &page {
            if shown.contains(&total) {
                handles.push(key.to_identifier().to_string());
            }
            total += 1;
        }
        if page.len() < PAGE {
            break;
        }
        after = page.last().cloned();
        tokio::task::yield_now().await;
    }
    let mut body = Map::new();
    body.insert("responseCode".into(), json!(1));
    body.insert("prefix".into(), json!(prefix));
    body.insert("totalCount".into(), json!(total.to_string()));
    if let Some(size) = size {
        body.insert("page".into(), json!(number("page").unwrap_or(0)));
        body.insert("pageSize".into(), json!(size));
    }
    body.insert("handles".into(), json!(handles));
    reply::json(asked, StatusCode::OK, Json::Object(body))
}
