//! DIDs of other methods, asked of a universal resolver: `GET <url>/1.0/identifiers/<did>`.

use super::{Gateway, Trouble, json};
use axum::http::header::ACCEPT;
use hufu_client::WebRequest;
use hufu_ident::{Identifier, Value};
use std::time::Duration;

/// The whole document is one value of this type.
const DOCUMENT: &str = "DID_DOC";

pub async fn ask(gateway: &Gateway, name: &Identifier, wait: Duration) -> Result<Vec<Value>, Trouble> {
    let did = name.as_str();
    let url = format!("{}/1.0/identifiers/{did}", gateway.url);
    let request = WebRequest::get(url).with_header(ACCEPT, "application/did-resolution, application/json;q=0.9");
    let answer = gateway.get(request, wait).await?;
    let body = json(&answer)?;
    // Some resolvers give the bare document.
    let document = body.get("didDocument").unwrap_or(&body);
    if document.is_null() {
        return Err(Trouble::Absent);
    }
    if document.get("id").and_then(|id| id.as_str()) != Some(did) {
        return Err(Trouble::Fault("the document is another one's".into()));
    }
    Ok(vec![gateway.value(1, DOCUMENT, document.to_string(), &answer)])
}
