//! What an operation takes out of a request; each refuses with a problem document.

use super::answer;
use crate::node::Parts;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts as Head;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use hufu_registry::objects::Objects;
use hufu_registry::{Caller, Error, Kind, Refusal, Registry};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Who asks, and the registry that is asked.
pub struct Asker {
    pub registry: Registry,
    /// What is registered below the prefixes that this node serves; absent where it has no records.
    objects: Option<Objects>,
    pub caller: Caller,
    /// Whether Chinese is wanted rather than English.
    pub chinese: bool,
}

impl FromRequestParts<Arc<Parts>> for Asker {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Head, parts: &Arc<Parts>) -> Result<Self, Response> {
        let registry = parts.registry.clone();
        let caller = head.extensions.get::<Caller>().cloned();
        match (registry, caller) {
            (Some(registry), Some(caller)) => {
                Ok(Asker { registry, objects: parts.objects.clone(), caller, chinese: chinese(head) })
            }
            _ => {
                let (zh, en) = ("本节点没有注册管理功能", "this node has no registry");
                Err(answer::refused(&Refusal::new(Kind::Unavailable, "no-registry", zh, en), chinese(head), ""))
            }
        }
    }
}

impl Asker {
    /// The objects of this node.
    pub fn objects(&self) -> Result<&Objects, Error> {
        self.objects.as_ref().ok_or_else(|| {
            let (zh, en) = ("本节点不保存标识数据", "this node keeps no identifiers");
            Refusal::new(Kind::Unavailable, "no-objects", zh, en).into()
        })
    }
}

/// Whether the request prefers Chinese; it does unless it says otherwise.
pub fn chinese(head: &Head) -> bool {
    reads_chinese(&head.headers)
}

/// Whether whoever sends these headers reads Chinese rather than English.
pub fn reads_chinese(headers: &HeaderMap) -> bool {
    let languages = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match (languages.find("zh"), languages.find("en")) {
        (Some(zh), Some(en)) => zh < en,
        (None, Some(_)) => false,
        _ => true,
    }
}

fn invalid(head: (bool, String), code: &'static str, zh: String, en: String) -> Response {
    answer::refused(&Refusal::new(Kind::Invalid, code, zh, en), head.0, &head.1)
}

fn about(head: &Head) -> (bool, String) {
    let request = head.extensions.get::<Caller>().map(|caller| caller.request.clone()).unwrap_or_default();
    (chinese(head), request)
}

/// Parameters behind the `?`.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Parts>> for Params<T> {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Head, parts: &Arc<Parts>) -> Result<Self, Response> {
        match Query::<T>::from_request_parts(head, parts).await {
            Ok(Query(params)) => Ok(Params(params)),
            Err(error) => {
                let text = error.body_text();
                let (zh, en) = (format!("查询参数有误：{text}"), format!("a parameter is wrong: {text}"));
                Err(invalid(about(head), "invalid-parameter", zh, en))
            }
        }
    }
}

/// What stands in the path, unescaped.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Parts>> for Path<T> {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Head, parts: &Arc<Parts>) -> Result<Self, Response> {
        match axum::extract::Path::<T>::from_request_parts(head, parts).await {
            Ok(axum::extract::Path(names)) => Ok(Path(names)),
            Err(error) => {
                let text = error.body_text();
                let (zh, en) = (format!("路径有误：{text}"), format!("the path is wrong: {text}"));
                Err(invalid(about(head), "invalid-path", zh, en))
            }
        }
    }
}

/// A JSON body.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<Parts>> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, parts: &Arc<Parts>) -> Result<Self, Response> {
        let (head, body) = request.into_parts();
        let about = about(&head);
        // The limit of the route holds here too: the body reports it as an error.
        let octets = match Bytes::from_request(Request::from_parts(head.clone(), body), parts).await {
            Ok(octets) => octets,
            Err(error) => {
                let (zh, en) = ("请求内容过大或中断", "the body is too large or broke off");
                let refusal = Refusal::new(Kind::Invalid, "invalid-body", zh, en);
                return Err(answer::with_status(&refusal, error.status(), about.0, &about.1));
            }
        };
        if has_zero_character(&octets) {
            let (zh, en) = ("文本中不得有空字符（U+0000）", "a text holds U+0000, which no text may");
            return Err(invalid(about, "zero-character", zh.to_owned(), en.to_owned()));
        }
        let body = axum::body::Body::from(octets);
        match Json::<T>::from_request(Request::from_parts(head, body), parts).await {
            Ok(Json(body)) => Ok(Body(body)),
            Err(error) => {
                let text = error.body_text();
                let (zh, en) = (format!("请求内容有误：{text}"), format!("the body is wrong: {text}"));
                let refusal = Refusal::new(Kind::Invalid, "invalid-body", zh, en);
                let status = match error.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => StatusCode::PAYLOAD_TOO_LARGE,
                    StatusCode::UNSUPPORTED_MEDIA_TYPE => StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    _ => StatusCode::BAD_REQUEST,
                };
                Err(answer::with_status(&refusal, status, about.0, &about.1))
            }
        }
    }
}

/// Whether a JSON text holds the escape `\u0000`: databases differ in what they make of that character.
fn has_zero_character(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|octet| *octet == b'\\') {
        if rest[at + 1..].starts_with(b"u0000") {
            return true;
        }
        // What follows a backslash belongs to it, another backslash too.
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    false
}

/// The version that the caller has seen: `If-Match: "3"`. Absent or `*`: it does not mind.
pub struct IfVersion(pub Option<i64>);

impl FromRequestParts<Arc<Parts>> for IfVersion {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Head, _: &Arc<Parts>) -> Result<Self, Response> {
        let Some(value) = head.headers.get(header::IF_MATCH) else { return Ok(IfVersion(None)) };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(IfVersion(None));
        }
        match text.trim_start_matches("W/").trim_matches('"').parse() {
            Ok(version) => Ok(IfVersion(Some(version))),
            Err(_) => {
                let zh = "If-Match 应为先前读到的 ETag，如 \"3\"".to_owned();
                let en = "If-Match is an ETag that was read before, such as \"3\"".to_owned();
                Err(invalid(about(head), "invalid-if-match", zh, en))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::has_zero_character;

    #[test]
    fn an_escaped_zero_is_found_and_a_text_about_one_is_not() {
        assert!(has_zero_character(br#"{"a":"x\u0000"}"#));
        assert!(has_zero_character(br#"{"a":"\\\u0000"}"#));
        for harmless in [&br#"{"a":"\\u0000"}"#[..], br#"{"a":"\u0001"}"#, b"\\", b""] {
            assert!(!has_zero_character(harmless));
        }
    }
}
