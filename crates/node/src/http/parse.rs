//! `GET /api/v1/parse?text=…`: what a code is, by the lens. Whatever was scanned, the answer is an object.
//!
//! `company-prefix=` says how long the GS1 company prefix is, or which are known; without it, the configuration does.

use super::{Asked, Web, api, reply};
use crate::parsed::{Parsed, read};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use hufu_ident::Refusal;
use hufu_ident::systems::gs1::Companies;
use serde_json::json;

/// 识别编码 · What a code is: its system, its parts, its other spellings, and whether it keeps the rules
#[utoipa::path(get, path = "/api/v1/parse", tag = "codes", operation_id = "parseCode",
    params(("text" = String, Query, description = "待识别的编码 · the code as it was scanned or typed"),
        ("company-prefix" = Option<String>, Query,
            description = "GS1 厂商识别代码的长度，或已知的代码 · length of the GS1 company prefix, or those known")),
    responses((status = 200, body = Parsed)),
    extensions(("x-public" = json!(true))))]
pub fn answer(web: &Web, asked: &Asked) -> Response {
    if !asked.is_get() {
        return only_get();
    }
    let told = match asked.params.get("company-prefix").map(Companies::parse).transpose() {
        Ok(told) => told,
        Err(refusal) => return bad(asked, &refusal),
    };
    let companies = told.as_ref().unwrap_or(&web.parts.companies);
    match asked.params.get("text") {
        Some(text) => reply::json(asked, StatusCode::OK, json!(Parsed::of(text, &read(text, companies)))),
        None => {
            let (zh, en) = ("缺少参数 text：待识别的编码", "which code? add ?text=<code>");
            bad(asked, &Refusal::new("text-missing", "our profile", zh, en))
        }
    }
}

/// 405 for whoever does more than ask.
pub fn only_get() -> Response {
    let mut response = api::unknown_method();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

/// A request that no answer fits (RFC 9457).
pub fn bad(asked: &Asked, refusal: &Refusal) -> Response {
    let refusal =
        hufu_registry::Refusal::new(hufu_registry::Kind::Invalid, refusal.code, refusal.zh.clone(), refusal.en.clone());
    api::refused(&refusal, asked.chinese(), "")
}
