//! The envelope: outcomes become `{"message","status","data"}`; the HTTP status is 200 whatever the outcome.

use crate::telemetry;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hufu_registry::{Error, Kind};
use serde_json::{Value as Json, json};

pub type Answered = Result<Json, Failure>;

/// Why there is no answer.
pub struct Failure {
    status: Status,
    message: String,
}

#[derive(Clone, Copy)]
enum Status {
    Unproven = -1,
    Business = -2,
    Denied = -3,
    Fault = -4,
    /// A parameter of a wrong type; a business failure where the interface is not the compatible one.
    Type = 21_000,
}

impl Failure {
    fn new(status: Status, message: impl Into<String>) -> Self {
        Failure { status, message: message.into() }
    }

    pub fn business(message: impl Into<String>) -> Self {
        Failure::new(Status::Business, message)
    }

    pub fn unproven(message: &str) -> Self {
        Failure::new(Status::Unproven, message)
    }

    pub fn denied(message: &str) -> Self {
        Failure::new(Status::Denied, message)
    }

    pub fn missing(name: &str) -> Self {
        Failure::business(format!("缺少必要的请求参数: {name}"))
    }

    pub fn wrong_type(name: &str) -> Self {
        Failure::new(Status::Type, format!("参数类型错误: {name}"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let refusal = match error {
            Error::Refused(refusal) => refusal,
            Error::Fault(fault) => {
                telemetry::incident("snms", &fault);
                return Failure::new(Status::Fault, "系统繁忙");
            }
            // Calls of this dialect are never repeated by a key.
            Error::Repeated(_) => return Failure::new(Status::Fault, "系统繁忙"),
        };
        let status = match refusal.kind {
            Kind::Unauthenticated => Status::Unproven,
            Kind::Denied => Status::Denied,
            Kind::Unavailable => Status::Fault,
            Kind::Invalid | Kind::Absent | Kind::Gone | Kind::Conflict | Kind::Stale | Kind::Limit => Status::Business,
        };
        Failure::new(status, refusal.zh)
    }
}

/// The answer as it is sent. `strict`: as the compatible interface of an enterprise node.
pub fn write(answered: Answered, strict: bool) -> Response {
    let body = match answered {
        Ok(data) => json!({"message": "success", "status": 1, "data": data}),
        Err(failure) => {
            let status = match failure.status {
                Status::Type if !strict => Status::Business,
                status => status,
            };
            json!({"message": failure.message, "status": status as i32, "data": null})
        }
    };
    let headers = [(header::CONTENT_TYPE, "application/json;charset=UTF-8"), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::OK, headers, body.to_string()).into_response()
}
