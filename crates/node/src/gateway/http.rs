//! Any identifier asked by a URL that holds it: a redirect is a `URL`, gateway JSON is the record itself.

use super::{Gateway, Trouble, json};
use crate::http::gateway_json;
use axum::http::header::{ACCEPT, LOCATION};
use hufu_client::WebRequest;
use hufu_ident::{Identifier, Value};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::time::Duration;

/// Stands in the URL for the identifier without its system's tag, percent-encoded.
const PLACE: &str = "{identifier}";

pub async fn ask(gateway: &Gateway, name: &Identifier, wait: Duration) -> Result<Vec<Value>, Trouble> {
    let bare = name.name().tagged().map_or(name.as_str(), |(_, rest)| rest);
    let encoded = utf8_percent_encode(bare, NON_ALPHANUMERIC).to_string();
    let url = match gateway.url.contains(PLACE) {
        true => gateway.url.replace(PLACE, &encoded),
        false => format!("{}/{encoded}", gateway.url),
    };
    let answer = gateway.get(WebRequest::get(url).with_header(ACCEPT, "application/json, */*;q=0.1"), wait).await?;
    if let Some(location) = answer.header(&LOCATION).filter(|_| answer.status >= 300) {
        return Ok(vec![gateway.value(1, "URL", location, &answer)]);
    }
    let body = json(&answer)?;
    match body.get("responseCode").and_then(|code| code.as_i64()) {
        Some(1) => {}
        Some(100) => return Err(Trouble::Absent),
        _ => return Err(Trouble::Fault("the answer is no gateway JSON".into())),
    }
    let values = body.get("value").or_else(|| body.get("values")).unwrap_or(&serde_json::Value::Null);
    gateway_json::read(values).map_err(Trouble::Fault)
}
