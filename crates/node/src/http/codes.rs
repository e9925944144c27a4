//! `GET /api/v1/codes?id=…`: every known code of one thing, from any of them, as far as the asker may see.

use super::{Asked, Web, name, parse, reply};
use crate::answering::{Found, How};
use crate::clock;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_ident::{Identifier, Refusal, ValueSet, recognise};
use hufu_resolve::{Code, Declared, Trace, known_codes};
use serde::Serialize;
use serde_json::{Value as Json, json};

/// 一物多码 · Every known code of one thing, from any of them; 404 where nothing is known of it
#[utoipa::path(get, path = "/api/v1/codes", tag = "codes", operation_id = "listCodes",
    params(("id" = String, Query, description = "任一编码 · any code of the thing")),
    responses((status = 200, body = CodesOfThing), (status = 404, body = CodesOfThing)),
    extensions(("x-public" = json!(true))))]
pub async fn answer(web: &Web, asked: &Asked) -> Response {
    if !asked.is_get() {
        return parse::only_get();
    }
    let Some(text) = asked.params.get("id") else {
        let (zh, en) = ("缺少参数 id：任一编码", "which code? add ?id=<identifier>");
        return parse::bad(asked, &Refusal::new("id-missing", "our profile", zh, en));
    };
    let start = match name::from_text(text) {
        Ok(start) => start,
        Err(refusal) => return parse::bad(asked, &refusal),
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

/// The codes of one thing, the one asked for first.
#[derive(Serialize, utoipa::ToSchema)]
pub struct CodesOfThing {
    id: Option<String>,
    codes: Vec<CodeOfThing>,
}

/// One code of a thing.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct CodeOfThing {
    identifier: String,
    system: String,
    /// How many declarations away from the code that was asked for.
    depth: usize,
    /// Whether both codes declare each other.
    mutual: bool,
    /// Whether it has a record.
    found: bool,
    declared_by: Vec<Declaration>,
}

/// A record that says so.
#[derive(Serialize, utoipa::ToSchema)]
struct Declaration {
    identifier: String,
    /// By an alias, not by a mapping.
    alias: bool,
    /// Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
}

/// The codes as they are written down.
pub fn to_json(codes: &[Code]) -> Json {
    let id = codes.first().map(|code| code.identifier.as_str().to_owned());
    json!(CodesOfThing { id, codes: codes.iter().map(one).collect() })
}

fn one(code: &Code) -> CodeOfThing {
    CodeOfThing {
        identifier: code.identifier.as_str().to_owned(),
        system: recognise(code.identifier.as_str()).name().to_owned(),
        depth: code.depth,
        mutual: code.mutual,
        found: code.found,
        declared_by: code.declared_by.iter().map(declared).collect(),
    }
}

fn declared(declared: &Declared) -> Declaration {
    let identifier = declared.by.as_str().to_owned();
    Declaration { identifier, alias: declared.alias, from: declared.from, until: declared.until }
}
