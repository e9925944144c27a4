//! Why there is no link: problem documents (RFC 9457) in the asker's language.

use super::super::page::Lang;
use super::super::{Asked, reply};
use super::METHODS;
use axum::http::{StatusCode, header};
use axum::response::Response;
use hufu_ident::Refusal;
use hufu_ident::systems::handle::wire::ResponseCode;
use serde_json::{Map, json};

pub struct Problem {
    status: StatusCode,
    /// Stable, for machines.
    code: &'static str,
    zh: String,
    en: String,
    clause: Option<&'static str>,
    /// The character of the URI that it is about.
    offset: Option<usize>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Problem { status, code, zh: zh.into(), en: en.into(), clause: None, offset: None }
    }

    pub fn refusal(status: StatusCode, refusal: &Refusal) -> Self {
        let (zh, en) = (refusal.zh.clone(), refusal.en.clone());
        Problem { clause: Some(refusal.clause), offset: refusal.at, ..Problem::new(status, refusal.code, zh, en) }
    }

    pub fn method() -> Self {
        let (zh, en) = (format!("只接受 {METHODS}"), format!("only {METHODS}"));
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", zh, en)
    }

    pub fn too_long(limit: usize) -> Self {
        let (zh, en) = (format!("URI 超过 {limit} 字节"), format!("the URI is longer than {limit} octets"));
        Problem::new(StatusCode::URI_TOO_LONG, "uri-too-long", zh, en)
    }

    pub fn withdrawn() -> Self {
        let (zh, en) = ("该标识已被其所有者撤回", "its owner has withdrawn this identifier");
        Problem::new(StatusCode::GONE, "withdrawn", zh, en)
    }

    pub fn not_acceptable() -> Self {
        let (zh, en) = ("没有符合 Accept 的链接", "no link is of a media type that Accept allows");
        Problem::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", zh, en)
    }

    pub fn no_such_link(link_type: Option<&str>) -> Self {
        let (zh, en) = match link_type {
            Some(asked) => (format!("没有类型为 {asked} 的链接"), format!("there is no link of the type {asked}")),
            None => ("该标识没有公开的链接".into(), "this identifier has no public link".into()),
        };
        Problem::new(StatusCode::NOT_FOUND, "no-such-link", zh, en)
    }

    pub fn incompressible() -> Self {
        let (zh, en) = ("该标识不能压缩", "this identifier cannot be compressed");
        Problem::new(StatusCode::BAD_REQUEST, "incompressible", zh, en)
    }

    pub fn elsewhere() -> Self {
        let zh = "该标识由另一节点解析，但其未公布您可访问的 HTTP 地址";
        let en = "another node answers for this identifier and publishes no HTTP address that you can reach";
        Problem::new(StatusCode::NOT_FOUND, "elsewhere", zh, en)
    }

    /// Nothing is known of the identifier, or nobody who knows could be asked.
    pub fn absent(code: ResponseCode, text: &str) -> Self {
        match code {
            ResponseCode::HANDLE_NOT_FOUND | ResponseCode::VALUES_NOT_FOUND => {
                let (zh, en) = ("没有该标识，也没有其上级标识", "unknown, and so is every level above it");
                Problem::new(StatusCode::NOT_FOUND, "unknown-identifier", zh, en)
            }
            ResponseCode::SERVER_NOT_RESP => {
                let (zh, en) = (
                    "本节点不负责该标识，也不知由谁负责",
                    "this node does not answer for it, and knows nobody who does",
                );
                Problem::new(StatusCode::NOT_FOUND, "not-responsible", zh, en)
            }
            _ => {
                let (zh, en) = (format!("暂时无法解析：{text}"), format!("cannot be resolved now: {text}"));
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", zh, en)
            }
        }
    }

    pub fn answer(self, asked: &Asked) -> Response {
        let lang = Lang::choose(asked.params.get("lang"), asked.header(header::ACCEPT_LANGUAGE));
        let mut body = Map::new();
        body.insert("type".into(), json!("about:blank"));
        body.insert("title".into(), json!(self.status.canonical_reason()));
        body.insert("status".into(), json!(self.status.as_u16()));
        body.insert("detail".into(), json!(lang.of(self.zh, self.en)));
        body.insert("code".into(), json!(self.code));
        if let Some(clause) = self.clause {
            body.insert("clause".into(), json!(clause));
        }
        if let Some(offset) = self.offset {
            body.insert("offset".into(), json!(offset));
        }
        let text = serde_json::Value::Object(body).to_string();
        let mut response = reply::typed(self.status, "application/problem+json", text);
        reply::insert(&mut response, header::CONTENT_LANGUAGE, lang.tag());
        reply::insert(&mut response, header::VARY, "Accept, Accept-Language");
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            reply::insert(&mut response, header::ALLOW, METHODS);
        }
        response
    }
}
