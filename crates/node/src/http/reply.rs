//! Answers of the JSON API: codes, texts, statuses (reference server's map).

use super::value_json;
use super::{Asked, Web};
use crate::administration::Refused;
use crate::answering::{PRIVATE_ONLY, referral_handle};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_resolve::shown_to;
use serde_json::{Map, Value as Json, json};

/// The HTTP status of a response code.
pub fn status(code: ResponseCode, resolution: bool) -> StatusCode {
    match code {
        ResponseCode::SUCCESS => StatusCode::OK,
        ResponseCode::VALUES_NOT_FOUND if resolution => StatusCode::OK,
        ResponseCode::SERVICE_REFERRAL | ResponseCode::PREFIX_REFERRAL => StatusCode::MULTIPLE_CHOICES,
        ResponseCode::HANDLE_NOT_FOUND => StatusCode::NOT_FOUND,
        ResponseCode::HANDLE_ALREADY_EXISTS | ResponseCode::VALUE_ALREADY_EXISTS => StatusCode::CONFLICT,
        ResponseCode::VALUES_NOT_FOUND
        | ResponseCode::PROTOCOL_ERROR
        | ResponseCode::INVALID_HANDLE
        | ResponseCode::INVALID_VALUE
        | ResponseCode::SERVER_NOT_RESP => StatusCode::BAD_REQUEST,
        ResponseCode::OPERATION_NOT_SUPPORTED => StatusCode::NOT_IMPLEMENTED,
        ResponseCode::SERVER_TOO_BUSY | ResponseCode::SERVER_BACKUP => StatusCode::SERVICE_UNAVAILABLE,
        ResponseCode::AUTHENTICATION_NEEDED => StatusCode::UNAUTHORIZED,
        ResponseCode::INVALID_ADMIN
        | ResponseCode::INSUFFICIENT_PERMISSIONS
        | ResponseCode::AUTHENTICATION_FAILED
        | ResponseCode::INVALID_CREDENTIAL => StatusCode::FORBIDDEN,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A JSON answer in the form the request wants: compact, `?pretty`, or wrapped in `?callback=`.
pub fn json(asked: &Asked, status: StatusCode, body: Json) -> Response {
    let text = match asked.params.switch("pretty") {
        Some(true) => serde_json::to_string_pretty(&body),
        _ => serde_json::to_string(&body),
    }
    .unwrap_or_default();
    match asked.params.get("callback") {
        Some(callback) => {
            let safe = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
            let callback: String = callback.chars().take(128).map(safe).collect();
            typed(status, "application/javascript;charset=utf-8", format!("{callback}({text});"))
        }
        None => typed(status, "application/json;charset=utf-8", text),
    }
}

/// An answer with a content type.
pub fn typed(status: StatusCode, content_type: &'static str, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

/// Code, text and the identifier it is about, in the reference's key order.
pub fn code(asked: &Asked, code: ResponseCode, text: &str, handle: Option<&str>, resolution: bool) -> Response {
    let mut body = Map::new();
    body.insert("responseCode".into(), json!(code.0));
    if !text.is_empty() {
        body.insert("message".into(), json!(text));
    }
    if let Some(handle) = handle {
        body.insert("handle".into(), json!(handle));
    }
    json(asked, status(code, resolution), Json::Object(body))
}

/// A request that cannot be read: RC 4.
pub fn bad_request(asked: &Asked, text: &str, handle: Option<&str>) -> Response {
    code(asked, ResponseCode::PROTOCOL_ERROR, text, handle, false)
}

pub fn unknown_endpoint(asked: &Asked) -> Response {
    let text = format!("Unknown HTTP API endpoint {} {}", asked.method, asked.path);
    json(asked, StatusCode::NOT_FOUND, json!({"responseCode": ResponseCode::PROTOCOL_ERROR.0, "message": text}))
}

pub fn unknown_method(asked: &Asked) -> Response {
    let text = format!("Unknown method {}", asked.method);
    json(asked, StatusCode::NOT_IMPLEMENTED, json!({"responseCode": ResponseCode::PROTOCOL_ERROR.0, "message": text}))
}

/// A refusal of an operation or look-up.
pub fn refused(web: &Web, asked: &Asked, refused: Refused, handle: &str, resolution: bool) -> Response {
    match refused {
        Refused::No { code, text } => self::code(asked, code, &text, Some(handle), resolution),
        Refused::NeedsProof => needs_proof(web, asked, handle),
        Refused::Referral(delegation) => {
            let Some(delegation) = shown_to(&delegation, asked.peer.address.ip()) else {
                return self::code(asked, ResponseCode::SERVER_NOT_RESP, PRIVATE_ONLY, Some(handle), resolution);
            };
            let rc = match delegation.for_prefixes {
                true => ResponseCode::PREFIX_REFERRAL,
                false => ResponseCode::SERVICE_REFERRAL,
            };
            let values: Vec<Json> = delegation.values.iter().map(value_json::value_to_json).collect();
            let body = json!({
                "responseCode": rc.0, "referralHandle": String::from_utf8_lossy(&referral_handle(&delegation)),
                "values": values, "handle": handle
            });
            json(asked, status(rc, resolution), body)
        }
    }
}

/// 401 with a challenge; over plain HTTP 403, because no credential would be looked at.
pub fn needs_proof(web: &Web, asked: &Asked, handle: &str) -> Response {
    let body = json!({"responseCode": ResponseCode::AUTHENTICATION_NEEDED.0, "handle": handle});
    if !asked.secure {
        return json(asked, StatusCode::FORBIDDEN, body);
    }
    let mut response = json(asked, StatusCode::UNAUTHORIZED, body);
    insert(&mut response, header::WWW_AUTHENTICATE, &web.sessions.challenge(asked, None));
    response
}

/// Sets a header; a value that is no legal header is left out.
pub fn insert(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
