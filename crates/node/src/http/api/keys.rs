//! API keys 接口密钥.

use super::{Asker, Body, IfVersion, Params, Path, done};
use crate::node::Parts;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_registry::accounts::key::{ApiKey, IssuedKey, KeyContent, KeyFilter, NewKey, Rotation};
use hufu_registry::{Listing, Page};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, amend, revoke)).routes(routes!(rotate))
}

/// 接口密钥列表 · List API keys
#[utoipa::path(get, path = "/api/v1/keys", tag = "keys", operation_id = "listKeys",
    params(KeyFilter, Listing),
    responses((status = 200, body = Page<ApiKey>)),
    extensions(("x-cli" = json!("key list")), ("x-columns" = json!("id account note permissions expires revoked used")),
        ("x-permission" = json!("key.read"))))]
async fn list(asker: Asker, Params(filter): Params<KeyFilter>, Params(page): Params<Listing>) -> Response {
    let outcome = asker.registry.keys(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 签发接口密钥 · Issue an API key; its secret is shown once
#[utoipa::path(post, path = "/api/v1/keys", tag = "keys", operation_id = "createKey",
    request_body = NewKey,
    responses((status = 201, body = IssuedKey)),
    extensions(("x-cli" = json!("key create")), ("x-permission" = json!("key.write"))))]
async fn create(asker: Asker, Body(new): Body<NewKey>) -> Response {
    let outcome = asker.registry.create_key(&asker.caller, &new).await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 查看接口密钥 · Show an API key, without its secret
#[utoipa::path(get, path = "/api/v1/keys/{id}", tag = "keys", operation_id = "showKey",
    params(("id" = String, Path)),
    responses((status = 200, body = ApiKey)),
    extensions(("x-cli" = json!("key show")), ("x-permission" = json!("key.read"))))]
async fn show(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.key(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 变更接口密钥 · Change note, permissions and addresses of an API key
#[utoipa::path(put, path = "/api/v1/keys/{id}", tag = "keys", operation_id = "amendKey",
    params(("id" = String, Path)),
    request_body = KeyContent,
    responses((status = 200, body = ApiKey)),
    extensions(("x-cli" = json!("key amend")), ("x-permission" = json!("key.write"))))]
async fn amend(
    asker: Asker,
    Path(id): Path<String>,
    IfVersion(version): IfVersion,
    Body(content): Body<KeyContent>,
) -> Response {
    let outcome = asker.registry.amend_key(&asker.caller, &id, version, &content).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 轮换接口密钥 · Give an API key another secret; the former one goes on for a while
#[utoipa::path(post, path = "/api/v1/keys/{id}/rotation", tag = "keys", operation_id = "rotateKey",
    params(("id" = String, Path)),
    request_body = Rotation,
    responses((status = 200, body = IssuedKey)),
    extensions(("x-cli" = json!("key rotate")), ("x-permission" = json!("key.write")), ("x-or-itself" = json!(true))))]
async fn rotate(asker: Asker, Path(id): Path<String>, Body(rotation): Body<Rotation>) -> Response {
    let outcome = asker.registry.rotate_key(&asker.caller, &id, &rotation).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 吊销接口密钥 · Revoke an API key for good
#[utoipa::path(delete, path = "/api/v1/keys/{id}", tag = "keys", operation_id = "revokeKey",
    params(("id" = String, Path)),
    responses((status = 200, body = ApiKey)),
    extensions(("x-cli" = json!("key revoke")), ("x-permission" = json!("key.write")),
        ("x-permission-of-security" = json!("lock.write"))))]
async fn revoke(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.revoke_key(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}
