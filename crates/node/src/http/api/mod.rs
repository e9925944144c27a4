//! `/api/v1` of the control plane: one file a resource, every operation described where it stands.
//!
//! A request passes [`gate`]: rate, identity, same origin (for cookies), permission, repetition (`Idempotency-Key`).
//! Then an operation converts it, asks the registry, and [`answer`] writes the outcome down. Nothing here decides.
//! What an operation needs is declared in its description as `x-permission`; the authorisation matrix compares that
//! declaration with what the registry really demands.

mod accounts;
mod answer;
mod applications;
mod audit;
mod document;
mod documents;
mod extract;
mod gate;
mod grants;
mod jobs;
mod keys;
mod metadata;
mod notices;
mod objects;
mod operator;
mod organisations;
mod prefixes;
mod reservations;
mod roles;
mod sessions;
mod settings;
mod statistics;
mod templates;
mod transfers;

pub use answer::{Problem, done, refused, unknown_method};
pub use extract::{Asker, Body, IfVersion, Params, Path, reads_chinese};

use crate::node::Parts;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// Octets of a request body; documents have a limit of their own.
const BODY: usize = 4 << 20;

/// What every node answers about codes, with or without a registry: described here, served by the doors beside this.
#[derive(utoipa::OpenApi)]
#[openapi(paths(super::parse::answer, super::codes::answer))]
struct Codes;

/// The operations of a node that has a registry, and their description.
pub fn operations() -> (Router<Arc<Parts>>, OpenApi) {
    let (router, mut description) = OpenApiRouter::with_openapi(document::about())
        .merge(organisations::routes())
        .merge(accounts::routes())
        .merge(roles::routes())
        .merge(sessions::routes())
        .merge(keys::routes())
        .merge(audit::routes())
        .merge(prefixes::routes())
        .merge(transfers::routes())
        .merge(reservations::routes())
        .merge(statistics::routes())
        .merge(applications::routes())
        .merge(documents::routes())
        .merge(notices::routes())
        .merge(settings::routes())
        .merge(objects::routes())
        .merge(grants::routes())
        .merge(jobs::routes())
        .merge(operator::routes())
        .merge(templates::routes())
        .merge(metadata::routes())
        .split_for_parts();
    description.merge(Codes::openapi());
    document::complete(&mut description);
    (router, description)
}

/// The router of the control plane, for the public port and for the Unix socket.
pub fn router(parts: Arc<Parts>) -> Router {
    let (operations, description) = operations();
    let text = description.to_json().unwrap_or_default();
    let demands = gate::Demands::of(&serde_json::from_str(&text).unwrap_or_default());
    let gate = gate::Gate { parts: parts.clone(), demands: Arc::new(demands) };
    operations
        .method_not_allowed_fallback(|| async { answer::unknown_method() })
        .layer(axum::middleware::from_fn_with_state(gate, gate::pass))
        .layer(DefaultBodyLimit::max(BODY))
        .route("/api/v1/openapi.json", get(move || async move { json_text(text) }))
        .route("/api/docs", get(document::page))
        .with_state(parts)
}

fn json_text(text: String) -> Response {
    (StatusCode::OK, [(axum::http::header::CONTENT_TYPE, "application/json")], text).into_response()
}
