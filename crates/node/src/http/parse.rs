//! `GET /api/v1/parse?text=…`: what a code is, by the lens. Whatever was scanned, the answer is an object.

use super::{Asked, reply};
use crate::parsed::parsed;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

pub fn answer(asked: &Asked) -> Response {
    if !asked.is_get() {
        return reply::unknown_method(asked);
    }
    match asked.params.get("text") {
        Some(text) => reply::json(asked, StatusCode::OK, parsed(text)),
        None => {
            let problem = json!({
                "type": "about:blank", "title": "Bad Request", "status": 400, "code": "text-missing",
                "detail": "which code? add ?text=<code>", "detail_zh": "缺少参数 text：待识别的编码",
            });
            reply::typed(StatusCode::BAD_REQUEST, "application/problem+json", problem.to_string())
        }
    }
}
