//! `/api/prefixes` and `/api/site`.

use super::{Asked, Web, auth, reply, value_json};
use crate::administration::{Done, Operation};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

/// The prefixes homed here, for server administrators.
pub async fn answer(web: &Web, asked: &Asked) -> Response {
    if !asked.is_get() {
        return reply::unknown_method(asked);
    }
    let claim = match auth::claim(web, asked).await {
        Ok(claim) => claim,
        Err(wrong) => return *wrong,
    };
    let Some(administration) = &web.parts.administration else {
        return reply::json(asked, StatusCode::OK, json!({"responseCode": 1, "totalCount": "0", "prefixes": []}));
    };
    match administration.perform(Operation::ListHomed, &claim).await {
        Ok(Done::Homed(prefixes)) => {
            let names: Vec<String> = prefixes.iter().map(|prefix| prefix.handle().to_string()).collect();
            let body = json!({"responseCode": 1, "totalCount": names.len().to_string(), "prefixes": names});
            reply::json(asked, StatusCode::OK, body)
        }
        Ok(_) => reply::unknown_endpoint(asked),
        Err(refused) => reply::refused(web, asked, refused, "/", false),
    }
}

/// The node's own site record.
pub fn site(web: &Web) -> Response {
    let body = json!({"responseCode": 1, "site": value_json::site_to_json(&web.parts.identity.site)});
    reply::typed(StatusCode::OK, "application/json;charset=utf-8", body.to_string())
}
