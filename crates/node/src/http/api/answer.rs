//! Outcomes become responses: JSON with an ETag, or a problem document (RFC 9457) in both languages.

use super::extract::Asker;
use crate::telemetry;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hufu_registry::{Error, FieldRefusal, Kind, Refusal};
use serde::Serialize;
use serde_json::Value as Json;

/// A refusal or fault as it is sent: `application/problem+json`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// `urn:hufu:refusal:<code>`.
    pub r#type: String,
    /// In the language that was asked for, as `detail`.
    pub title: String,
    pub status: u16,
    pub detail: String,
    /// Stable, for machines.
    pub code: String,
    pub zh: String,
    pub en: String,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldRefusal>,
    /// Id of the request, as in the audit and the log.
    pub instance: String,
}

/// The response of an operation whose success has this status.
pub fn done<T: Serialize>(asker: &Asker, outcome: Result<T, Error>, success: StatusCode) -> Response {
    let answer = match outcome {
        Ok(answer) => serde_json::to_value(answer).map_err(|error| Error::Fault(error.to_string())),
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) => success_of(&answer, success),
        Err(Error::Repeated(answer)) => {
            let mut response = success_of(&answer, success);
            response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
            response
        }
        Err(error) => of_error(error, asker.chinese, &asker.caller.request),
    }
}

/// The problem document of whatever went wrong; a fault becomes an incident.
pub fn of_error(error: Error, chinese: bool, request: &str) -> Response {
    match error {
        Error::Refused(refusal) => refused(&refusal, chinese, request),
        fault => {
            let id = telemetry::incident("registry", &fault);
            let zh = format!("系统故障，未作任何改动；请联系管理员并告知编号 {id}");
            let en = format!("a fault; nothing was changed. Tell the operator this number: {id}");
            let refusal = Refusal::new(Kind::Unavailable, "fault", zh, en);
            with_status(&refusal, StatusCode::INTERNAL_SERVER_ERROR, chinese, request)
        }
    }
}

fn success_of(answer: &Json, status: StatusCode) -> Response {
    if status == StatusCode::NO_CONTENT || answer.is_null() {
        return StatusCode::NO_CONTENT.into_response();
    }
    let mut response = (status, axum::Json(answer)).into_response();
    let version = answer.get("version").and_then(Json::as_i64);
    if let Some(tag) = version.and_then(|version| HeaderValue::from_str(&format!("\"{version}\"")).ok()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The problem document of a refusal.
pub fn refused(refusal: &Refusal, chinese: bool, request: &str) -> Response {
    let status = match refusal.kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Denied => StatusCode::FORBIDDEN,
        Kind::Absent => StatusCode::NOT_FOUND,
        Kind::Gone => StatusCode::GONE,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Stale => StatusCode::PRECONDITION_FAILED,
        Kind::Limit => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    with_status(refusal, status, chinese, request)
}

pub fn with_status(refusal: &Refusal, status: StatusCode, chinese: bool, request: &str) -> Response {
    let detail = if chinese { refusal.zh.clone() } else { refusal.en.clone() };
    let title = status.canonical_reason().unwrap_or_default().to_owned();
    let problem = Problem {
        r#type: format!("urn:hufu:refusal:{}", refusal.code),
        title,
        status: status.as_u16(),
        detail,
        code: refusal.code.to_owned(),
        zh: refusal.zh.clone(),
        en: refusal.en.clone(),
        errors: refusal.fields.clone(),
        instance: request.to_owned(),
    };
    let body = serde_json::to_string(&problem).unwrap_or_default();
    let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// 405; the router adds `Allow`.
pub fn unknown_method() -> Response {
    let refusal = Refusal::new(
        Kind::Invalid,
        "method-not-allowed",
        "该资源不支持此方法，见 /api/docs",
        "this resource does not know the method; see /api/docs",
    );
    with_status(&refusal, StatusCode::METHOD_NOT_ALLOWED, false, "")
}
