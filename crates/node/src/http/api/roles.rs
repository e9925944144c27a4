//! Roles 角色.

use super::{Asker, Body, IfVersion, Params, Path, done};
use crate::node::Parts;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_registry::accounts::role::{NewRole, Role, RoleContent, RoleFilter};
use hufu_registry::{Listing, Page};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, amend, delete))
}

/// 角色列表 · List roles
#[utoipa::path(get, path = "/api/v1/roles", tag = "roles", operation_id = "listRoles",
    params(RoleFilter, Listing),
    responses((status = 200, body = Page<Role>)),
    extensions(("x-cli" = json!("role list")), ("x-columns" = json!("id zh en reach organisation builtIn totp version")),
        ("x-permission" = json!("role.read"))))]
async fn list(asker: Asker, Params(filter): Params<RoleFilter>, Params(page): Params<Listing>) -> Response {
    let outcome = asker.registry.roles(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 新建角色 · Make a role of permissions
#[utoipa::path(post, path = "/api/v1/roles", tag = "roles", operation_id = "createRole",
    request_body = NewRole,
    responses((status = 201, body = Role)),
    extensions(("x-cli" = json!("role create")), ("x-permission" = json!("role.write"))))]
async fn create(asker: Asker, Body(new): Body<NewRole>) -> Response {
    let outcome = asker.registry.create_role(&asker.caller, &new).await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 查看角色 · Show a role
#[utoipa::path(get, path = "/api/v1/roles/{id}", tag = "roles", operation_id = "showRole",
    params(("id" = String, Path)),
    responses((status = 200, body = Role)),
    extensions(("x-cli" = json!("role show")), ("x-permission" = json!("role.read"))))]
async fn show(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.role(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 变更角色 · Change a role, and so what its holders may do
#[utoipa::path(put, path = "/api/v1/roles/{id}", tag = "roles", operation_id = "amendRole",
    params(("id" = String, Path)),
    request_body = RoleContent,
    responses((status = 200, body = Role)),
    extensions(("x-cli" = json!("role amend")), ("x-permission" = json!("role.write"))))]
async fn amend(
    asker: Asker,
    Path(id): Path<String>,
    IfVersion(version): IfVersion,
    Body(content): Body<RoleContent>,
) -> Response {
    let outcome = asker.registry.amend_role(&asker.caller, &id, version, &content).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 删除角色 · Remove a role that nobody holds
#[utoipa::path(delete, path = "/api/v1/roles/{id}", tag = "roles", operation_id = "deleteRole",
    params(("id" = String, Path)),
    responses((status = 204)),
    extensions(("x-cli" = json!("role delete")), ("x-permission" = json!("role.write"))))]
async fn delete(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.delete_role(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::NO_CONTENT)
}
