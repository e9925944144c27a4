//! `GET /api/v1/codes?id=…`: every known code of one thing, from any of them, as far as the asker may see.

use super::{Asked, Web, name, reply};
use crate::answering::{Found, How};
use crate::clock;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_ident::{Identifier, ValueSet, recognise};
use hufu_resolve::{Code, Declared, Trace, known_codes};
use serde_json::{Value as Json, json};

pub async fn answer(web: &Web, asked: &Asked) -> Response {
    if !asked.is_get() {
        return reply::unknown_method(asked);
    }
    let Some(text) = asked.params.get("id") else {
        return reply::bad_request(asked, "which code? add ?id=<identifier>", None);
    };
    let start = match name::from_text(text) {
        Ok(start) => start,
        Err(refusal) => return reply::bad_request(asked, &refusal.to_string(), None),
    };
    let codes = known_codes(start, clock::seconds(), |name| look_up(web, name)).await;
    let status = if codes.iter().any(|code| code.found) { StatusCode::OK } else { StatusCode::NOT_FOUND };
    reply::json(asked, status, to_json(&codes))
}

/// The public values of a record, wherever it lives.
async fn look_up(web: &Web, name: Identifier) -> Option<ValueSet> {
    match web.parts.answering.look_up(&name, How::default(), &Trace::off()).await {
        Ok(Found::Values { values, .. }) => Some(values.public()),
        _ => None,
    }
}

/// `{"id":…,"codes":[{"identifier","system","depth","mutual","found","declaredBy":[…]}]}`, the code asked for first.
pub fn to_json(codes: &[Code]) -> Json {
    let list: Vec<Json> = codes.iter().map(one).collect();
    json!({"id": codes.first().map(|code| code.identifier.as_str()), "codes": list})
}

fn one(code: &Code) -> Json {
    json!({
        "identifier": code.identifier.as_str(),
        "system": recognise(code.identifier.as_str()).name(),
        "depth": code.depth,
        "mutual": code.mutual,
        "found": code.found,
        "declaredBy": code.declared_by.iter().map(declared).collect::<Vec<_>>(),
    })
}

fn declared(declared: &Declared) -> Json {
    let mut out = json!({"identifier": declared.by.as_str(), "alias": declared.alias});
    for (key, bound) in [("from", declared.from), ("until", declared.until)] {
        if let Some(seconds) = bound {
            out[key] = seconds.into();
        }
    }
    out
}
