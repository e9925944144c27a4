//! Organisations 组织.

use super::{Asker, Body, IfVersion, Params, Path, done};
use crate::node::Parts;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_registry::organisations::{NewOrganisation, Organisation, OrganisationFilter, OrganisationState};
use hufu_registry::subject::Subject;
use hufu_registry::{Listing, Page};
use serde::Deserialize;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, amend)).routes(routes!(set_state))
}

/// 组织列表 · List organisations
#[utoipa::path(get, path = "/api/v1/organisations", tag = "organisations", operation_id = "listOrganisations",
    params(OrganisationFilter, Listing),
    responses((status = 200, body = Page<Organisation>)),
    extensions(("x-cli" = json!("org list")), ("x-columns" = json!("id name kind state created version")),
        ("x-permission" = json!("organisation.read"))))]
async fn list(asker: Asker, Params(filter): Params<OrganisationFilter>, Params(page): Params<Listing>) -> Response {
    let outcome = asker.registry.organisations(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 登记组织 · Enter an organisation
#[utoipa::path(post, path = "/api/v1/organisations", tag = "organisations", operation_id = "createOrganisation",
    request_body = NewOrganisation,
    responses((status = 201, body = Organisation)),
    extensions(("x-cli" = json!("org create")), ("x-permission" = json!("organisation.create"))))]
async fn create(asker: Asker, Body(new): Body<NewOrganisation>) -> Response {
    let outcome = asker.registry.create_organisation(&asker.caller, &new).await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 查看组织 · Show an organisation
#[utoipa::path(get, path = "/api/v1/organisations/{id}", tag = "organisations", operation_id = "showOrganisation",
    params(("id" = String, Path)),
    responses((status = 200, body = Organisation)),
    extensions(("x-cli" = json!("org show")), ("x-permission" = json!("organisation.read"))))]
async fn show(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.organisation(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 变更组织资料 · Change the subject data of an organisation
#[utoipa::path(put, path = "/api/v1/organisations/{id}/subject", tag = "organisations",
    operation_id = "amendOrganisation", params(("id" = String, Path)),
    request_body = Subject,
    responses((status = 200, body = Organisation)),
    extensions(("x-cli" = json!("org amend")), ("x-permission" = json!("organisation.write"))))]
async fn amend(
    asker: Asker,
    Path(id): Path<String>,
    IfVersion(version): IfVersion,
    Body(subject): Body<Subject>,
) -> Response {
    let outcome = asker.registry.amend_organisation(&asker.caller, &id, version, &subject).await;
    done(&asker, outcome, StatusCode::OK)
}

/// The state that an organisation shall have, and why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OrganisationStateChange {
    state: OrganisationState,
    #[schema(max_length = 1000)]
    reason: String,
}

/// 停用或恢复组织 · Suspend or resume an organisation
#[utoipa::path(put, path = "/api/v1/organisations/{id}/state", tag = "organisations",
    operation_id = "setOrganisationState", params(("id" = String, Path)),
    request_body = OrganisationStateChange,
    responses((status = 200, body = Organisation)),
    extensions(("x-cli" = json!("org state")), ("x-permission" = json!("organisation.suspend"))))]
async fn set_state(asker: Asker, Path(id): Path<String>, Body(change): Body<OrganisationStateChange>) -> Response {
    let registry = &asker.registry;
    let outcome = registry.set_organisation_state(&asker.caller, &id, change.state, &change.reason).await;
    done(&asker, outcome, StatusCode::OK)
}
