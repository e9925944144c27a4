//! `/.well-known/gs1resolver`: what this resolver is and serves.

use super::super::{Asked, Web, reply};
use super::request;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value as Json, json};

pub const PATH: &str = "/.well-known/gs1resolver";

pub fn answer(web: &Web, asked: &Asked) -> Response {
    let config = &web.parts.config.gs1;
    let mut out = Map::new();
    let mut add = |name: &str, value: Json| out.insert(name.into(), value);
    add("resolverRoot", json!(request::root(web, asked)));
    add("name", json!(config.name.as_ref().unwrap_or(&web.parts.config.name)));
    add("supportedPrimaryKeys", json!(config.supported_keys));
    add("supportedLinkType", json!([{"namespace": "https://ref.gs1.org/voc/", "prefix": "gs1:"}]));
    add("linkTypeDefaultCanBeLinkset", json!(false));
    add("supportedContextValuesEnumerated", json!(config.contexts));
    let countries = "https://www.iso.org/iso-3166-country-codes.html";
    add("supportedContextValuesExternal", json!([{"nameOfList": "ISO 3166-1 alpha-2", "url": countries}]));
    add("supportsLanguageVariants", json!(true));
    add("validatesAIcombinations", json!(true));
    if let Some(terms) = &config.terms_of_use {
        add("termsOfUse", json!(terms));
    }
    add("contact", contact(web));
    reply::typed(StatusCode::OK, "application/json", Json::Object(out).to_string())
}

fn contact(web: &Web) -> Json {
    let contact = &web.parts.config.gs1.contact;
    let mut address = Map::new();
    for (name, text) in [
        ("streetAddress", &contact.street_address),
        ("locality", &contact.locality),
        ("region", &contact.region),
        ("countryName", &contact.country),
        ("postalCode", &contact.postal_code),
    ] {
        if let Some(text) = text {
            address.insert(name.into(), json!(text));
        }
    }
    let mut out = Map::new();
    out.insert("fn".into(), json!(contact.name.as_ref().unwrap_or(&web.parts.config.name)));
    if !address.is_empty() {
        out.insert("hasAddress".into(), Json::Object(address));
    }
    if let Some(telephone) = &contact.telephone {
        out.insert("hasTelephone".into(), json!(telephone));
    }
    Json::Object(out)
}
