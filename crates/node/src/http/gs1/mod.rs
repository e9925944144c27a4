//! The door for GS1 Digital Link URIs: a GS1-conformant resolver (1.2.0) over the node's records.
//!
//! `request` reads the URI, `levels` finds the records of its levels, `links` (in `ident`) chooses, and this module
//! writes the redirect, the list of links or the problem down.

mod description;
mod entry;
mod levels;
mod linkset;
mod management;
mod problem;
pub mod record;
mod referral;
mod request;
mod token;
mod uri;

pub use token::Tokens;

use super::{Asked, Web, page, reply};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hufu_ident::systems::gs1::links::{self, Choice, Link};
use hufu_ident::systems::handle::wire::ResponseCode;
use levels::{Found, Levels};
use problem::Problem;
use request::Request;
use serde_json::json;

const METHODS: &str = "GET, HEAD, OPTIONS";
/// Octets of a request's path and query.
const URI_OCTETS: usize = 8_191;
const LINKSET: &str = "application/linkset+json";
/// Where the JSON-LD context of linksets is.
const CONTEXT: &str = "<https://ref.gs1.org/standards/resolver/linkset-context>; \
    rel=\"http://www.w3.org/ns/json-ld#context\"; type=\"application/ld+json\"";

/// Answers what belongs to this door; `None` leaves the request to the others.
pub async fn answer(web: &Web, asked: &Asked) -> Option<Response> {
    let config = &web.parts.config.gs1;
    if !config.enabled {
        return None;
    }
    if asked.path == description::PATH {
        return Some(with_cross_origin(described(web, asked)));
    }
    if let Some(rest) = management::claims(&config.management, &asked.path) {
        return management::answer(web, asked, rest).await;
    }
    let read = request::read(&asked.path, &asked.query)?;
    Some(with_cross_origin(resolve(web, asked, read).await))
}

fn described(web: &Web, asked: &Asked) -> Response {
    match asked.method {
        Method::OPTIONS => no_content(),
        Method::GET | Method::HEAD => description::answer(web, asked),
        _ => Problem::method().answer(asked),
    }
}

async fn resolve(web: &Web, asked: &Asked, read: Result<Request, hufu_ident::Refusal>) -> Response {
    match asked.method {
        Method::OPTIONS => return no_content(),
        Method::GET | Method::HEAD => {}
        _ => return Problem::method().answer(asked),
    }
    if asked.path.len() + asked.query.len() > URI_OCTETS {
        return Problem::too_long(URI_OCTETS).answer(asked);
    }
    let request = match read {
        Ok(request) => request,
        Err(refusal) => return Problem::refusal(StatusCode::BAD_REQUEST, &refusal).answer(asked),
    };
    if request.wants_compressed {
        return compressed(asked, &request);
    }
    let name = format!("gs1:{}", request.name);
    let found = levels::find(web, &request).await;
    let code = match &found {
        Found::Levels(_) | Found::HandledBy(_) | Found::Referral(_) => ResponseCode::SUCCESS,
        Found::No(code, _) => *code,
    };
    web.parts.resolved(&asked.peer, &name, code);
    match found {
        Found::Levels(levels) => serve(web, asked, &request, &levels),
        Found::HandledBy(resolver) => hand_over(&request, &resolver),
        Found::Referral(delegation) => match referral::resolver(&delegation, asked.peer.address.ip()) {
            Some(resolver) => hand_over(&request, &resolver),
            None => Problem::elsewhere().answer(asked),
        },
        Found::No(code, text) => Problem::absent(code, &text).answer(asked),
    }
}

/// The levels are known: a list of links, or one of them.
fn serve(web: &Web, asked: &Asked, request: &Request, levels: &Levels) -> Response {
    if levels.withdrawn {
        return Problem::withdrawn().answer(asked);
    }
    let root = request::root(web, asked);
    let wants = request.wants(asked);
    let mut response = match linkset::wanted(asked, request) {
        Some(form) => linkset::answer(web, asked, request, levels, &root, form),
        None => match choice(levels, request, &wants) {
            Some(Choice::One(link)) => redirect(asked, request, link, &root),
            Some(Choice::Many(links)) => several(request, &links, &root),
            Some(Choice::None) => Problem::not_acceptable().answer(asked),
            None => Problem::no_such_link(request.link_type.as_deref()).answer(asked),
        },
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Language"));
    if let Some(readable) = &request.readable {
        append(headers, header::LINK, &format!("<{root}/{readable}>; rel=\"owl:sameAs\""));
    }
    reply::insert(&mut response, header::CACHE_CONTROL, &format!("max-age={}", levels.ttl));
    if levels.stale {
        reply::insert(&mut response, header::WARNING, "110 - \"Response is Stale\"");
    }
    response
}

fn choice<'a>(levels: &'a Levels, request: &Request, wants: &links::Wants) -> Option<Choice<'a>> {
    match request.link_type.as_deref() {
        Some(links::DEFAULT_LINK) => links::default_of(&levels.list).map(|(_, link)| Choice::One(link)),
        Some(link_type) => links::of_type(&levels.list, link_type, wants),
        None => links::default_target(&levels.list, wants).map(Choice::One),
    }
}

/// 307, because links change; the query goes along unless the link says otherwise.
fn redirect(asked: &Asked, request: &Request, link: &Link, root: &str) -> Response {
    let target = if link.fwqs { links::forward(&link.href, &request.query) } else { link.href.clone() };
    let mut response = moved(&target);
    // A program that reads the body of a redirect expects JSON, as the neighbouring resolver gives it.
    if asked.header(header::ACCEPT).is_some_and(|accept| !accept.contains("text/html")) {
        let (kind, body) = ("application/json", json!({"href": target, "title": link.title}));
        *response.body_mut() = axum::body::Body::from(body.to_string());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    append(response.headers_mut(), header::LINK, &linkset_link(request, root));
    response
}

fn linkset_link(request: &Request, root: &str) -> String {
    format!("<{root}/{}?linkType=linkset>; rel=\"linkset\"; type=\"{LINKSET}\"", request.name)
}

fn moved(target: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html;charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, page::CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    let mut response = (StatusCode::TEMPORARY_REDIRECT, headers, page::redirect_page(target)).into_response();
    reply::insert(&mut response, header::LOCATION, target);
    response
}

/// Another resolver answers for all that begins so: it gets the readable URI, query and all.
fn hand_over(request: &Request, resolver: &str) -> Response {
    let target = links::forward(&format!("{}/{}", resolver.trim_end_matches('/'), request.name), &request.query);
    let mut response = moved(&target);
    let link = format!("<{target}>; rel=\"{}\"", links::iri(links::HANDLED_BY));
    let headers = response.headers_mut();
    append(headers, header::LINK, &link);
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Language"));
    response
}

fn several(request: &Request, links: &[&Link], root: &str) -> Response {
    let list: Vec<_> = links.iter().map(|link| record::to_json(link, record::Shape::Full)).collect();
    let body = json!({"linkset": list}).to_string();
    let mut response = reply::typed(StatusCode::MULTIPLE_CHOICES, "application/json", body);
    append(response.headers_mut(), header::LINK, &linkset_link(request, root));
    response
}

/// `?compress=true`: the short form of the URI.
fn compressed(asked: &Asked, request: &Request) -> Response {
    match &request.compressed {
        Some(short) => reply::json(asked, StatusCode::OK, json!({"COMPRESSED_LINK": format!("/{short}")})),
        None => Problem::incompressible().answer(asked),
    }
}

fn no_content() -> Response {
    (StatusCode::NO_CONTENT, [(header::ALLOW, METHODS)]).into_response()
}

/// Anybody's page may ask (§10.1); the methods stand on every answer because the public test reads them there.
fn with_cross_origin(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Accept, Accept-Language"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Link, Location"));
    response
}

fn append(headers: &mut axum::http::HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.append(name, value);
    }
}
