//! Every other path names an identifier: whoever scans it is redirected, or shown a page or JSON.
//!
//! `?format=gateway|handle|native|html` chooses the shape. Without it a browser is redirected to the record's URL
//! or shown its values; on a recursive node, whoever does not ask for HTML gets the public gateway's JSON.

use super::locations::{self, Locations};
use super::namespace::Namespace;
use super::page::{self, Lang, Meta};
use super::{Asked, Web, gateway_json, handles, name, native_json, reply, value_json};
use crate::administration::{Claim, Refused};
use crate::answering::{Found, How};
use crate::{clock, random};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hufu_ident::systems::handle::kind;
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_ident::{Identifier, Record, ValueSet};
use hufu_resolve::alias::{self, AliasFault};
use hufu_resolve::{CacheState, Trace};
use serde_json::json;
use std::time::Instant;

/// The shape of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Redirect, or a page.
    Browser,
    Gateway,
    Handle,
    Native,
}

/// One look-up of the proxy.
struct Looked {
    name: Identifier,
    values: ValueSet,
    own: bool,
    stale: bool,
    cache: CacheState,
}

/// Why the proxy shows no record.
enum Failure {
    Absent(ResponseCode, String),
    Refused(Refused),
    Alias(AliasFault),
}

impl From<AliasFault> for Failure {
    fn from(fault: AliasFault) -> Self {
        Failure::Alias(fault)
    }
}

pub async fn answer(web: &Web, asked: &Asked) -> Response {
    let lang = Lang::choose(asked.params.get("lang"), asked.header(header::ACCEPT_LANGUAGE));
    let format = match format(web, asked) {
        Ok(format) => format,
        Err(text) => return reply::bad_request(asked, &text, None),
    };
    if !asked.is_get() && asked.method != Method::POST {
        return reply::unknown_method(asked);
    }
    let wanted = match named(asked) {
        Some(wanted) => wanted,
        None => return start_page(web, lang),
    };
    let identifier = match wanted {
        Ok(identifier) => identifier,
        Err(refusal) if format == Format::Browser => {
            let text = if lang == Lang::Zh { &refusal.zh } else { &refusal.en };
            return html(StatusCode::BAD_REQUEST, page::error_page(lang, 400, text));
        }
        Err(refusal) => return reply::code(asked, ResponseCode::INVALID_HANDLE, &refusal.to_string(), None, true),
    };
    let started = Instant::now();
    match look_up(web, asked, identifier.clone(), format).await {
        Ok((passed, looked)) => {
            web.parts.resolved(&asked.peer, identifier.as_str(), ResponseCode::SUCCESS);
            if passed.len() > 1 && format == Format::Browser {
                return redirect_to_alias(asked, &looked.name);
            }
            show(web, asked, lang, format, &looked, started).await
        }
        Err(failure) => fail(web, asked, lang, format, &identifier, failure),
    }
}

/// The identifier in the path, in `?id=`, or in the form field `hdl`.
fn named(asked: &Asked) -> Option<Result<Identifier, hufu_ident::Refusal>> {
    if asked.path != "/" {
        return Some(name::from_path(&asked.path));
    }
    if let Some(text) = asked.params.get("id") {
        return Some(name::from_text(text));
    }
    let form = std::str::from_utf8(&asked.body).ok().filter(|_| asked.method == Method::POST)?;
    super::params::Params::parse(form).get("hdl").map(name::from_text)
}

fn format(web: &Web, asked: &Asked) -> Result<Format, String> {
    match asked.params.get("format") {
        Some("gateway") => return Ok(Format::Gateway),
        Some("handle") => return Ok(Format::Handle),
        Some("native") => return Ok(Format::Native),
        Some("html") => return Ok(Format::Browser),
        Some(other) => return Err(format!("format must be gateway, handle, native or html, not {other:?}")),
        None => {}
    }
    let browser = asked.header(header::ACCEPT).is_some_and(|accept| accept.contains("text/html"));
    let pages = ["noredirect", "action", "lang", "id"].iter().any(|name| asked.params.has(name));
    let gateway = web.parts.config.role.recipe().gateway_json;
    Ok(if gateway && !browser && !pages && asked.path != "/" { Format::Gateway } else { Format::Browser })
}

/// Looks the identifier up, following aliases unless told not to.
async fn look_up(
    web: &Web,
    asked: &Asked,
    identifier: Identifier,
    format: Format,
) -> Result<(Vec<Identifier>, Looked), Failure> {
    let follow = !asked.params.has("ignore_aliases") && format == Format::Browser;
    if !follow {
        let looked = look_up_one(web, asked, identifier.clone()).await?;
        return Ok((vec![identifier], looked));
    }
    let look_up = |name| look_up_one(web, asked, name);
    alias::follow(identifier, clock::seconds(), look_up, |looked: &Looked| Some(&looked.values)).await
}

async fn look_up_one(web: &Web, asked: &Asked, name: Identifier) -> Result<Looked, Failure> {
    let how = How { authoritative: asked.params.switch("auth").unwrap_or(false), ..How::default() };
    match web.parts.answering.look_up(&name, how, &Trace::off()).await {
        Ok(Found::Values { values, own, stale, cache }) => Ok(Looked { name, values, own, stale, cache }),
        Ok(Found::No { code, text }) => Err(Failure::Absent(code, text)),
        Ok(Found::Referral(delegation)) => Err(Failure::Refused(Refused::Referral(delegation))),
        Err(fault) => Err(Failure::Refused(fault.into())),
    }
}

async fn show(web: &Web, asked: &Asked, lang: Lang, format: Format, looked: &Looked, started: Instant) -> Response {
    let selection = match handles::selection(asked) {
        Ok(selection) => selection,
        Err(text) => return reply::bad_request(asked, &text, Some(looked.name.as_str())),
    };
    let wish = handles::Wish { selection: &selection, public_only: true, own: looked.own };
    let visible = handles::visible(web, asked, &Claim::Nobody, &looked.name, &looked.values, wish).await;
    let values = match visible {
        Ok(values) => values,
        Err(Refused::No { code: ResponseCode::VALUES_NOT_FOUND, .. }) => ValueSet::from_values(Vec::new()),
        Err(refused) => return reply::refused(web, asked, refused, looked.name.as_str(), true),
    };
    let mut response = match format {
        Format::Gateway => {
            let body = gateway_json::gateway(looked.name.as_str(), &values, clock::seconds());
            reply::json(asked, StatusCode::OK, body)
        }
        Format::Handle => {
            let body = json!({
                "responseCode": 1, "handle": looked.name.as_str(), "values": value_json::values_to_json(&values)
            });
            reply::json(asked, StatusCode::OK, body)
        }
        Format::Native => {
            let source = native_json::Source {
                authoritative: looked.own,
                stale: looked.stale,
                cache: looked.cache != CacheState::Miss,
                milliseconds: started.elapsed().as_millis() as u64,
            };
            let record = Record { identifier: looked.name.clone(), values };
            reply::json(asked, StatusCode::OK, native_json::native(&record, source))
        }
        Format::Browser => browse(web, asked, lang, looked, &values).await,
    };
    if looked.stale {
        reply::insert(&mut response, header::WARNING, "110 - \"Response is Stale\"");
    }
    response
}

/// A redirect to the record's location, or a page of its values.
async fn browse(web: &Web, asked: &Asked, lang: Lang, looked: &Looked, values: &ValueSet) -> Response {
    if asked.params.get("action") == Some("showurls") {
        let locations = location_value(values).unwrap_or_else(Locations::none);
        let xml = locations::to_xml(&locations, &locations::urls(values));
        return reply::typed(StatusCode::OK, "application/xml;charset=utf-8", xml);
    }
    // Whoever asks by the search box wants to see what there is; a browser also follows no form to another host.
    let shown =
        asked.params.has("noredirect") || asked.params.has("id") || asked.params.get("action") == Some("showvalues");
    if !shown && let Some(response) = redirect(web, asked, looked, values).await {
        return response;
    }
    let source = &web.parts.config.name;
    let meta = Meta { stale: looked.stale, authoritative: looked.own, source };
    html(StatusCode::OK, page::values_page(lang, looked.name.as_str(), values, &meta))
}

async fn redirect(web: &Web, asked: &Asked, looked: &Looked, values: &ValueSet) -> Option<Response> {
    let mut locations = location_value(values).unwrap_or_else(Locations::none);
    if !locations.no_nslocs {
        add_namespace_locations(web, asked, &looked.name, &mut locations).await;
    }
    let request = locations::Request {
        locatt: asked.params.all("locatt").map(attribute).collect(),
        country: asked.params.get("country").map(str::to_owned),
        client: Some(asked.peer.address.ip()),
        accept_conneg: asked.header(header::ACCEPT).is_some_and(|accept| !accept.contains("text/html")),
    };
    let urls = locations::urls(values);
    let choice = locations::choose(&locations, looked.name.as_str(), &request, &urls, random::fraction())?;
    let target = match asked.params.get("urlappend") {
        Some(addition) => locations::urlappend(&choice.href, addition)?,
        None => choice.href,
    };
    let status = StatusCode::from_u16(choice.status).unwrap_or(StatusCode::FOUND);
    let mut response = html(status, page::redirect_page(&target));
    reply::insert(&mut response, header::LOCATION, &target);
    let until = clock::seconds() + u64::from(values.shortest_ttl(clock::seconds()));
    reply::insert(&mut response, header::EXPIRES, &http_date(until));
    if locations.negotiates() {
        reply::insert(&mut response, header::VARY, "Accept");
    }
    Some(response)
}

fn attribute(text: &str) -> (String, Option<String>) {
    match text.split_once(':') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (text.to_owned(), None),
    }
}

fn location_value(values: &ValueSet) -> Option<Locations> {
    let value = values.iter().find(|value| value.is_kind(kind::LOC))?;
    Locations::parse(std::str::from_utf8(value.data).ok()?)
}

/// The locations that the prefix's namespace adds.
async fn add_namespace_locations(web: &Web, asked: &Asked, name: &Identifier, locations: &mut Locations) {
    let Some(namespace) = namespace_of(web, name).await else { return };
    for handle in namespace.locations.iter().take(4).filter(|_| !namespace.no_nslocs) {
        let Ok(handle) = Identifier::parse(handle) else { continue };
        if let Ok(looked) = look_up_one(web, asked, handle).await
            && let Some(more) = location_value(&looked.values)
        {
            locations.add(more);
        }
    }
}

/// The HS_NAMESPACE of the prefix, from its prefix handle; none if that cannot be had.
async fn namespace_of(web: &Web, name: &Identifier) -> Option<Namespace> {
    let handle = name.name().home().handle();
    let found = web.parts.answering.look_up_anywhere(&handle).await.ok()?;
    let Found::Values { values, .. } = found else { return None };
    let value = values.iter().find(|value| value.is_kind(kind::NAMESPACE))?;
    Namespace::parse(std::str::from_utf8(value.data).ok()?)
}

fn redirect_to_alias(asked: &Asked, target: &Identifier) -> Response {
    let path = percent_encoding::utf8_percent_encode(target.as_str(), locations::PATH);
    let query = asked.params.to_query();
    let location = if query.is_empty() { format!("/{path}") } else { format!("/{path}?{query}") };
    let mut response = html(StatusCode::MOVED_PERMANENTLY, page::redirect_page(&location));
    reply::insert(&mut response, header::LOCATION, &location);
    response
}

fn fail(web: &Web, asked: &Asked, lang: Lang, format: Format, name: &Identifier, failure: Failure) -> Response {
    let (code, text) = match failure {
        Failure::Absent(code, text) => (code, text),
        Failure::Alias(fault) => (ResponseCode::HANDLE_NOT_FOUND, fault.to_string()),
        Failure::Refused(Refused::No { code, text }) => (code, text),
        Failure::Refused(_) if format == Format::Browser => {
            (ResponseCode::SERVER_NOT_RESP, String::from("this node refers to another one"))
        }
        Failure::Refused(refused) => return reply::refused(web, asked, refused, name.as_str(), true),
    };
    web.parts.resolved(&asked.peer, name.as_str(), code);
    if format != Format::Browser {
        return reply::code(asked, code, &text, Some(name.as_str()), true);
    }
    match code {
        ResponseCode::HANDLE_NOT_FOUND => html(StatusCode::NOT_FOUND, page::not_found_page(lang, name.as_str())),
        code => {
            let status = reply::status(code, true);
            let text = if text.is_empty() { code.to_string() } else { text };
            html(status, page::error_page(lang, status.as_u16(), &text))
        }
    }
}

fn start_page(web: &Web, lang: Lang) -> Response {
    let config = &web.parts.config;
    let samples: Vec<&str> = config.samples.iter().map(String::as_str).collect();
    html(StatusCode::OK, page::start_page(lang, &config.name, config.role.name(), &samples))
}

fn html(status: StatusCode, text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html;charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, page::CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, text).into_response()
}

/// `Sat, 21 Nov 2026 16:08:35 GMT` (RFC 9110 §5.6.7).
fn http_date(seconds: u64) -> String {
    let timestamp = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    timestamp.map(|time| time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).unwrap_or_default()
}
