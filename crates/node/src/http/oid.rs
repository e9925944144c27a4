//! Object identifiers over HTTP: `/oid/{dot}`, its children, OID-IRIs, and the XML documents that DNS answers point
//! to (ITU-T X.672).
//!
//! `/oid/{dot}` is the proxy's page, redirect or JSON of `oid:{dot}`.

use super::{Asked, Web, proxy, reply};
use crate::answering::How;
use crate::dns::tree::Tree;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_ident::identifier::percent_decode;
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_ident::systems::oid::{ObjectIdentifier, text};
use hufu_ident::{Answer, Identifier, Refusal};
use hufu_resolve::StoreFault;
use serde_json::{Value as Json, json};

/// What of an identifier is asked for.
enum Part {
    Record,
    Children,
    ChildInformation,
    RegistrationInformation,
}

/// Answers what follows `/oid/` in a path.
pub async fn answer(web: &Web, asked: Asked, rest: &str) -> Response {
    let (node, part) = match rest.split_once('/') {
        None => (rest, Part::Record),
        Some((node, "children")) => (node, Part::Children),
        Some((node, "cinf.xml")) => (node, Part::ChildInformation),
        Some((node, "rinf.xml")) => (node, Part::RegistrationInformation),
        Some(_) => return reply::unknown_endpoint(&asked),
    };
    let tree = Tree::of(&web.parts.answering);
    let read = match node {
        "iri" => from_iri(&asked, &tree),
        dotted => percent_decode(dotted).and_then(|dotted| ObjectIdentifier::parse(&dotted)),
    };
    let oid = match read {
        Ok(oid) => oid,
        Err(refusal) => return refused(&asked, rest, &refusal),
    };
    match part {
        Part::Record => proxy::answer(web, &Asked { path: format!("/oid:{oid}"), ..asked }).await,
        _ if !asked.is_get() => reply::unknown_method(&asked),
        Part::Children => children(web, &asked, &oid, &tree),
        Part::ChildInformation => document(web, &asked, &oid, &tree, "ChildInformation"),
        Part::RegistrationInformation => document(web, &asked, &oid, &tree, "RegistrationInformation"),
    }
}

/// `?value=/ISO/2/156/…`: labels as the standards and this node know them.
fn from_iri(asked: &Asked, tree: &Tree) -> Result<ObjectIdentifier, Refusal> {
    let node = text::from_iri(asked.params.get("value").unwrap_or_default(), tree)?;
    ObjectIdentifier::parse(&node)
}

fn refused(asked: &Asked, shown: &str, refusal: &Refusal) -> Response {
    // A label that only another node may know is no mistake of whoever wrote it.
    let code = match refusal.code {
        "oid-label-unknown" => ResponseCode::HANDLE_NOT_FOUND,
        _ => ResponseCode::INVALID_HANDLE,
    };
    let text = format!("{} / {refusal}", refusal.zh);
    reply::code(asked, code, &text, Some(shown), true)
}

/// Whether a node has a record here.
fn is_registered(web: &Web, oid: &ObjectIdentifier) -> Result<bool, StoreFault> {
    // What is longer than a name can be is not registered.
    let Ok(name) = Identifier::parse(&format!("oid:{oid}")) else { return Ok(false) };
    Ok(matches!(web.parts.answering.local(&name, How::default())?, Answer::Found(_)))
}

fn not_found(asked: &Asked, oid: &ObjectIdentifier) -> Response {
    reply::code(asked, ResponseCode::HANDLE_NOT_FOUND, "", Some(&format!("oid:{oid}")), true)
}

/// The children that this node keeps or delegates.
fn children(web: &Web, asked: &Asked, oid: &ObjectIdentifier, tree: &Tree) -> Response {
    let config = &web.parts.config;
    // Whoever serves the tree by DNS publishes it; else listing is the operator's to allow.
    if !config.dns.enabled && !config.http.public_listing {
        let text = "本节点未开放列举 / listing is not open to everybody here (http.public-listing)";
        return reply::code(asked, ResponseCode::INSUFFICIENT_PERMISSIONS, text, Some(oid.as_str()), true);
    }
    let found = tree.children(oid.as_str()).and_then(|children| Ok((children, is_registered(web, oid)?)));
    let (children, registered) = match found {
        Ok(found) => found,
        Err(fault) => return reply::refused(web, asked, fault.into(), oid.as_str(), true),
    };
    if children.is_empty() && !registered {
        return not_found(asked, oid);
    }
    let list: Vec<Json> = children.iter().map(child_json).collect();
    let complete = children.len() < crate::dns::tree::CHILDREN;
    reply::json(asked, StatusCode::OK, json!({ "oid": oid.as_str(), "children": list, "complete": complete }))
}

fn child_json(child: &crate::dns::tree::Child) -> Json {
    let arc = child.oid.rsplit('.').next().unwrap_or_default();
    json!({
        "oid": child.oid, "arc": arc, "labels": child.labels(),
        "registered": child.values.is_some(), "delegated": child.delegated,
    })
}

/// A document of the resolution system that discloses nothing, which both schemas always allow.
fn document(web: &Web, asked: &Asked, oid: &ObjectIdentifier, tree: &Tree, root: &str) -> Response {
    let known = is_registered(web, oid).and_then(|registered| Ok(registered || tree.has_below(oid.as_str())?));
    match known {
        Ok(true) => {}
        Ok(false) => return not_found(asked, oid),
        Err(fault) => return reply::refused(web, asked, fault.into(), oid.as_str(), true),
    }
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root}><noDisclosure/></{root}>\n");
    reply::typed(StatusCode::OK, "application/xml;charset=utf-8", body)
}
