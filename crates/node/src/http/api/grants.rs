//! Grants 权限授予, groups of grantees, and the log of disclosures.

use super::{Asker, Body, IfVersion, Params, Path, done};
use crate::node::Parts;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_registry::objects::disclosure::{Disclosure, DisclosureFilter};
use hufu_registry::objects::grants::{Grant, GrantFilter, GrantGroup, GrantRequest, NewGrant, NewGrantGroup};
use hufu_registry::{Listing, Page};
use serde::Deserialize;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list, grant))
        .routes(routes!(held))
        .routes(routes!(request))
        .routes(routes!(show))
        .routes(routes!(decide))
        .routes(routes!(revoke))
        .routes(routes!(groups, create_group))
        .routes(routes!(change_group))
        .routes(routes!(disclosures))
}

/// 授权列表 · Grants on the caller's objects
#[utoipa::path(get, path = "/api/v1/grants", tag = "grants", operation_id = "listGrants",
    params(GrantFilter, Listing),
    responses((status = 200, body = Page<Grant>)),
    extensions(("x-cli" = json!("grant list")), ("x-columns" = json!("id grantee state created decidedBy version")),
        ("x-permission" = json!("grant.read"))))]
async fn list(asker: Asker, Params(filter): Params<GrantFilter>, Params(page): Params<Listing>) -> Response {
    let outcome = async { asker.objects()?.grants(&asker.caller, false, &filter, &page).await }.await;
    done(&asker, outcome, StatusCode::OK)
}

/// 已获授权 · Grants that the caller's organisation has or asked for
#[utoipa::path(get, path = "/api/v1/grants/held", tag = "grants", operation_id = "listHeldGrants",
    params(GrantFilter, Listing),
    responses((status = 200, body = Page<Grant>)),
    extensions(("x-cli" = json!("grant held")), ("x-columns" = json!("id owner state created version")),
        ("x-permission" = json!("grant.read"))))]
async fn held(asker: Asker, Params(filter): Params<GrantFilter>, Params(page): Params<Listing>) -> Response {
    let outcome = async { asker.objects()?.grants(&asker.caller, true, &filter, &page).await }.await;
    done(&asker, outcome, StatusCode::OK)
}

/// 授权 · Open fields to somebody
#[utoipa::path(post, path = "/api/v1/grants", tag = "grants", operation_id = "createGrant",
    request_body = NewGrant,
    responses((status = 201, body = Grant)),
    extensions(("x-cli" = json!("grant create")), ("x-permission" = json!("grant.write"))))]
async fn grant(asker: Asker, Body(new): Body<NewGrant>) -> Response {
    let outcome = async { asker.objects()?.grant(&asker.caller, &new).await }.await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 申请授权 · Ask to see fields of another's objects
#[utoipa::path(post, path = "/api/v1/grants/requests", tag = "grants", operation_id = "requestGrant",
    request_body = GrantRequest,
    responses((status = 201, body = Grant)),
    extensions(("x-cli" = json!("grant request")), ("x-permission" = json!("grant.request"))))]
async fn request(asker: Asker, Body(wish): Body<GrantRequest>) -> Response {
    let outcome = async { asker.objects()?.request_grant(&asker.caller, &wish).await }.await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 查看授权 · Show a grant
#[utoipa::path(get, path = "/api/v1/grants/{id}", tag = "grants", operation_id = "showGrant",
    params(("id" = String, Path)),
    responses((status = 200, body = Grant)),
    extensions(("x-cli" = json!("grant show")), ("x-permission" = json!("grant.read"))))]
async fn show(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = async { asker.objects()?.grant_by_id(&asker.caller, &id).await }.await;
    done(&asker, outcome, StatusCode::OK)
}

/// A decision on a request, and why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GrantDecision {
    approve: bool,
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: String,
}

/// 审批授权申请 · Approve or refuse a request
#[utoipa::path(put, path = "/api/v1/grants/{id}/decision", tag = "grants", operation_id = "decideGrant",
    params(("id" = String, Path)),
    request_body = GrantDecision,
    responses((status = 200, body = Grant)),
    extensions(("x-cli" = json!("grant decide")), ("x-permission" = json!("grant.write"))))]
async fn decide(asker: Asker, Path(id): Path<String>, Body(decision): Body<GrantDecision>) -> Response {
    let outcome = async { asker.objects()?.decide_grant(&asker.caller, &id, decision.approve, &decision.reason).await };
    let outcome = outcome.await;
    done(&asker, outcome, StatusCode::OK)
}

/// Why a grant is taken back.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Revocation {
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: String,
}

/// 撤销授权 · Take a grant back
#[utoipa::path(put, path = "/api/v1/grants/{id}/revocation", tag = "grants", operation_id = "revokeGrant",
    params(("id" = String, Path)),
    request_body = Revocation,
    responses((status = 200, body = Grant)),
    extensions(("x-cli" = json!("grant revoke")), ("x-permission" = json!("grant.write"))))]
async fn revoke(asker: Asker, Path(id): Path<String>, Body(why): Body<Revocation>) -> Response {
    let outcome = async { asker.objects()?.revoke_grant(&asker.caller, &id, &why.reason).await }.await;
    done(&asker, outcome, StatusCode::OK)
}

/// 授权组列表 · Groups of grantees
#[utoipa::path(get, path = "/api/v1/grant-groups", tag = "grants", operation_id = "listGrantGroups",
    params(Listing),
    responses((status = 200, body = Page<GrantGroup>)),
    extensions(("x-cli" = json!("grant groups")), ("x-columns" = json!("id name members version")),
        ("x-permission" = json!("grant.read"))))]
async fn groups(asker: Asker, Params(page): Params<Listing>) -> Response {
    let outcome = async { asker.objects()?.groups(&asker.caller, &page).await }.await;
    done(&asker, outcome, StatusCode::OK)
}

/// 新建授权组 · Make a group of grantees
#[utoipa::path(post, path = "/api/v1/grant-groups", tag = "grants", operation_id = "createGrantGroup",
    request_body = NewGrantGroup,
    responses((status = 201, body = GrantGroup)),
    extensions(("x-cli" = json!("grant group")), ("x-permission" = json!("grant.write"))))]
async fn create_group(asker: Asker, Body(new): Body<NewGrantGroup>) -> Response {
    let outcome = async { asker.objects()?.create_group(&asker.caller, &new).await }.await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 修改授权组 · Replace name and members of a group
#[utoipa::path(put, path = "/api/v1/grant-groups/{id}", tag = "grants", operation_id = "changeGrantGroup",
    params(("id" = String, Path)),
    request_body = NewGrantGroup,
    responses((status = 200, body = GrantGroup)),
    extensions(("x-cli" = json!("grant regroup")), ("x-permission" = json!("grant.write"))))]
async fn change_group(
    asker: Asker,
    Path(id): Path<String>,
    IfVersion(version): IfVersion,
    Body(new): Body<NewGrantGroup>,
) -> Response {
    let outcome = async { asker.objects()?.change_group(&asker.caller, &id, version, &new).await }.await;
    done(&asker, outcome, StatusCode::OK)
}

/// 读取记录 · Who has read fields that are not public
#[utoipa::path(get, path = "/api/v1/disclosures", tag = "grants", operation_id = "listDisclosures",
    params(DisclosureFilter, Listing),
    responses((status = 200, body = Page<Disclosure>)),
    extensions(("x-cli" = json!("grant disclosures")),
        ("x-columns" = json!("at identifier reader organisation purpose fields door")),
        ("x-permission" = json!("grant.read"))))]
async fn disclosures(
    asker: Asker,
    Params(filter): Params<DisclosureFilter>,
    Params(page): Params<Listing>,
) -> Response {
    let outcome = async { asker.objects()?.disclosures(&asker.caller, &filter, &page).await }.await;
    done(&asker, outcome, StatusCode::OK)
}
