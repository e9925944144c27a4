//! Metadata 元数据 and proposals for it.

use super::{Asker, Body, IfVersion, Params, Path, done};
use crate::node::Parts;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_registry::templates::metadata::{Metadata, MetadataContent, MetadataFilter, MetadataState, NewMetadata};
use hufu_registry::templates::proposal::{MetadataDecision, MetadataProposal, NewMetadataProposal, ProposalFilter};
use hufu_registry::{Listing, Page};
use serde::Deserialize;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(proposals, propose))
        .routes(routes!(show_proposal))
        .routes(routes!(decide))
        .routes(routes!(show, amend))
        .routes(routes!(set_state))
}

/// 元数据列表 · List metadata
///
/// Core, industry and the caller's own.
#[utoipa::path(get, path = "/api/v1/metadata", tag = "metadata", operation_id = "listMetadata",
    params(MetadataFilter, Listing),
    responses((status = 200, body = Page<Metadata>)),
    extensions(("x-cli" = json!("metadata list")),
        ("x-columns" = json!("id level content.code content.name state version")),
        ("x-permission" = json!("template.read"))))]
async fn list(asker: Asker, Params(filter): Params<MetadataFilter>, Params(page): Params<Listing>) -> Response {
    let outcome = asker.registry.metadata_entries(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 新建元数据 · Make metadata
///
/// Of the level `enterprise` for the caller's organisation; core and industry metadata need `metadata.review`.
#[utoipa::path(post, path = "/api/v1/metadata", tag = "metadata", operation_id = "createMetadata",
    request_body = NewMetadata,
    responses((status = 201, body = Metadata)),
    extensions(("x-cli" = json!("metadata create")), ("x-permission" = json!("metadata.write"))))]
async fn create(asker: Asker, Body(new): Body<NewMetadata>) -> Response {
    let outcome = asker.registry.create_metadata(&asker.caller, &new).await;
    done(&asker, outcome, StatusCode::CREATED)
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct VersionParams {
    /// An earlier version; the present one unless given.
    version: Option<i64>,
}

/// 查看元数据 · Show metadata
#[utoipa::path(get, path = "/api/v1/metadata/{id}", tag = "metadata", operation_id = "showMetadata",
    params(("id" = String, Path), VersionParams),
    responses((status = 200, body = Metadata)),
    extensions(("x-cli" = json!("metadata show")), ("x-permission" = json!("template.read"))))]
async fn show(asker: Asker, Path(id): Path<String>, Params(which): Params<VersionParams>) -> Response {
    let outcome = asker.registry.metadata(&asker.caller, &id, which.version).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 变更元数据 · Make a new version of metadata
///
/// What was made from earlier versions stays as it is.
#[utoipa::path(put, path = "/api/v1/metadata/{id}", tag = "metadata", operation_id = "amendMetadata",
    params(("id" = String, Path)),
    request_body = MetadataContent,
    responses((status = 200, body = Metadata)),
    extensions(("x-cli" = json!("metadata amend")), ("x-permission" = json!("metadata.write"))))]
async fn amend(
    asker: Asker,
    Path(id): Path<String>,
    IfVersion(version): IfVersion,
    Body(content): Body<MetadataContent>,
) -> Response {
    let outcome = asker.registry.amend_metadata(&asker.caller, &id, version, &content).await;
    done(&asker, outcome, StatusCode::OK)
}

/// The state that metadata shall have.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MetadataStateChange {
    state: MetadataState,
}

/// 停用或启用元数据 · Disable or enable metadata
#[utoipa::path(put, path = "/api/v1/metadata/{id}/state", tag = "metadata", operation_id = "setMetadataState",
    params(("id" = String, Path)),
    request_body = MetadataStateChange,
    responses((status = 200, body = Metadata)),
    extensions(("x-cli" = json!("metadata state")), ("x-permission" = json!("metadata.write"))))]
async fn set_state(
    asker: Asker,
    Path(id): Path<String>,
    IfVersion(version): IfVersion,
    Body(change): Body<MetadataStateChange>,
) -> Response {
    let outcome = asker.registry.set_metadata_state(&asker.caller, &id, version, change.state).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 元数据提议列表 · List proposals for metadata
#[utoipa::path(get, path = "/api/v1/metadata/proposals", tag = "metadata", operation_id = "listMetadataProposals",
    params(ProposalFilter, Listing),
    responses((status = 200, body = Page<MetadataProposal>)),
    extensions(("x-cli" = json!("metadata proposals")),
        ("x-columns" = json!("id organisation content.code content.industry state created version")),
        ("x-permission" = json!("template.read"))))]
async fn proposals(asker: Asker, Params(filter): Params<ProposalFilter>, Params(page): Params<Listing>) -> Response {
    let outcome = asker.registry.metadata_proposals(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 提议行业元数据 · Propose metadata for an industry
#[utoipa::path(post, path = "/api/v1/metadata/proposals", tag = "metadata", operation_id = "proposeMetadata",
    request_body = NewMetadataProposal,
    responses((status = 201, body = MetadataProposal)),
    extensions(("x-cli" = json!("metadata propose")), ("x-permission" = json!("metadata.write"))))]
async fn propose(asker: Asker, Body(new): Body<NewMetadataProposal>) -> Response {
    let outcome = asker.registry.propose_metadata(&asker.caller, &new).await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 查看元数据提议 · Show a proposal
#[utoipa::path(get, path = "/api/v1/metadata/proposals/{id}", tag = "metadata", operation_id = "showMetadataProposal",
    params(("id" = String, Path)),
    responses((status = 200, body = MetadataProposal)),
    extensions(("x-cli" = json!("metadata proposal")), ("x-permission" = json!("template.read"))))]
async fn show_proposal(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.metadata_proposal(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 评审元数据提议 · Take a proposal into review, accept or refuse it
///
/// Accepted, it is metadata of its industry.
#[utoipa::path(put, path = "/api/v1/metadata/proposals/{id}/state", tag = "metadata",
    operation_id = "decideMetadataProposal", params(("id" = String, Path)),
    request_body = MetadataDecision,
    responses((status = 200, body = MetadataProposal)),
    extensions(("x-cli" = json!("metadata decide")), ("x-permission" = json!("metadata.review")),
        ("x-scope" = json!("node"))))]
async fn decide(
    asker: Asker,
    Path(id): Path<String>,
    IfVersion(version): IfVersion,
    Body(decision): Body<MetadataDecision>,
) -> Response {
    let outcome = asker.registry.decide_metadata_proposal(&asker.caller, &id, version, &decision).await;
    done(&asker, outcome, StatusCode::OK)
}
