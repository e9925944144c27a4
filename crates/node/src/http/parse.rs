//! `GET /api/v1/parse?text=…`: what a code is, by the lens. Whatever was scanned, the answer is an object.
//!
//! `company-prefix=` says how long the GS1 company prefix is, or which are known; without it, the configuration does.

use super::{Asked, Web, reply};
use crate::parsed::{Parsed, read};
use axum::http::StatusCode;
use axum::response::Response;
use hufu_ident::Refusal;
use hufu_ident::systems::gs1::Companies;
use serde_json::json;

pub fn answer(web: &Web, asked: &Asked) -> Response {
    if !asked.is_get() {
        return reply::unknown_method(asked);
    }
    let told = match asked.params.get("company-prefix").map(Companies::parse).transpose() {
        Ok(told) => told,
        Err(refusal) => return bad(refusal),
    };
    let companies = told.as_ref().unwrap_or(&web.parts.companies);
    match asked.params.get("text") {
        Some(text) => reply::json(asked, StatusCode::OK, json!(Parsed::of(text, &read(text, companies)))),
        None => bad(Refusal::new(
            "text-missing",
            "our profile",
            "缺少参数 text：待识别的编码",
            "which code? add ?text=<code>",
        )),
    }
}

/// A request that no answer fits (RFC 9457).
fn bad(refusal: Refusal) -> Response {
    let problem = json!({
        "type": "about:blank", "title": "Bad Request", "status": 400, "code": refusal.code,
        "detail": refusal.en, "detail_zh": refusal.zh,
    });
    reply::typed(StatusCode::BAD_REQUEST, "application/problem+json", problem.to_string())
}
