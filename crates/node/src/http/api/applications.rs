//! Applications 申请: filing, verification, review.

use super::{Asker, Body, IfVersion, Params, Path, done};
use crate::node::Parts;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_registry::onboarding::application::{ApplicationSummary, Step, Version};
use hufu_registry::onboarding::evidence::{Evidence, NewEvidence};
use hufu_registry::onboarding::review::{Decided, Decision};
use hufu_registry::onboarding::submission::Rehearsal;
use hufu_registry::onboarding::{Application, ApplicationFilter, Content, NewApplication};
use hufu_registry::{Listing, Page};
use serde::Deserialize;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show))
        .routes(routes!(save))
        .routes(routes!(check))
        .routes(routes!(submit))
        .routes(routes!(withdraw))
        .routes(routes!(claim))
        .routes(routes!(release))
        .routes(routes!(decide))
        .routes(routes!(steps))
        .routes(routes!(version))
        .routes(routes!(verify))
        .routes(routes!(evidence, record))
        .routes(routes!(set_aside))
}

/// 申请列表 · List applications
#[utoipa::path(get, path = "/api/v1/applications", tag = "applications", operation_id = "listApplications",
    params(ApplicationFilter, Listing),
    responses((status = 200, body = Page<ApplicationSummary>)),
    extensions(("x-cli" = json!("application list")), ("x-columns" = json!("id kind state title claimedName due")),
        ("x-permission" = json!("application.read"))))]
async fn list(asker: Asker, Params(filter): Params<ApplicationFilter>, Params(page): Params<Listing>) -> Response {
    let outcome = asker.registry.applications(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 新建申请（草稿） · File an application, as a draft
#[utoipa::path(post, path = "/api/v1/applications", tag = "applications", operation_id = "createApplication",
    request_body = NewApplication,
    responses((status = 201, body = Application)),
    extensions(("x-cli" = json!("application create")), ("x-permission" = json!("application.write"))))]
async fn create(asker: Asker, Body(new): Body<NewApplication>) -> Response {
    let outcome = asker.registry.create_application(&asker.caller, &new).await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 查看申请 · Show an application
#[utoipa::path(get, path = "/api/v1/applications/{id}", tag = "applications", operation_id = "showApplication",
    params(("id" = String, Path)),
    responses((status = 200, body = Application)),
    extensions(("x-cli" = json!("application show")), ("x-permission" = json!("application.read"))))]
async fn show(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.application(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 保存申请内容 · Save the content of a draft or of a returned application
#[utoipa::path(put, path = "/api/v1/applications/{id}/content", tag = "applications",
    operation_id = "saveApplication", params(("id" = String, Path)),
    request_body = Content,
    responses((status = 200, body = Application)),
    extensions(("x-cli" = json!("application save")), ("x-permission" = json!("application.write"))))]
async fn save(
    asker: Asker,
    Path(id): Path<String>,
    IfVersion(version): IfVersion,
    Body(content): Body<Content>,
) -> Response {
    let outcome = asker.registry.save_application(&asker.caller, &id, version, &content).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 预检申请 · Say what submitting would find
#[utoipa::path(get, path = "/api/v1/applications/{id}/check", tag = "applications",
    operation_id = "checkApplication", params(("id" = String, Path)),
    responses((status = 200, body = Rehearsal)),
    extensions(("x-cli" = json!("application check")), ("x-permission" = json!("application.read"))))]
async fn check(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.rehearse_application(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 提交申请 · Submit an application
#[utoipa::path(post, path = "/api/v1/applications/{id}/submit", tag = "applications",
    operation_id = "submitApplication", params(("id" = String, Path)),
    responses((status = 200, body = Application)),
    extensions(("x-cli" = json!("application submit")), ("x-permission" = json!("application.write"))))]
async fn submit(asker: Asker, Path(id): Path<String>, IfVersion(version): IfVersion) -> Response {
    let outcome = asker.registry.submit_application(&asker.caller, &id, version).await;
    done(&asker, outcome, StatusCode::OK)
}

/// Why.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = ApplicationReason)]
struct Reason {
    #[schema(max_length = 2000)]
    reason: String,
}

/// 撤回申请 · Withdraw an application
#[utoipa::path(post, path = "/api/v1/applications/{id}/withdraw", tag = "applications",
    operation_id = "withdrawApplication", params(("id" = String, Path)),
    request_body = Reason,
    responses((status = 200, body = Application)),
    extensions(("x-cli" = json!("application withdraw")), ("x-permission" = json!("application.write"))))]
async fn withdraw(asker: Asker, Path(id): Path<String>, Body(why): Body<Reason>) -> Response {
    let outcome = asker.registry.withdraw_application(&asker.caller, &id, &why.reason).await;
    done(&asker, outcome, StatusCode::OK)
}

/// How an application is claimed.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = ApplicationClaim)]
struct Claim {
    /// Also if another reviewer has it.
    take_over: bool,
}

/// 领取申请 · Claim an application to review it
#[utoipa::path(post, path = "/api/v1/applications/{id}/claim", tag = "applications",
    operation_id = "claimApplication", params(("id" = String, Path)),
    request_body = Claim,
    responses((status = 200, body = Application)),
    extensions(("x-cli" = json!("application claim")), ("x-permission" = json!("application.review"))))]
async fn claim(asker: Asker, Path(id): Path<String>, Body(claim): Body<Claim>) -> Response {
    let outcome = asker.registry.claim_application(&asker.caller, &id, claim.take_over).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 放回申请 · Release an application for another reviewer
#[utoipa::path(post, path = "/api/v1/applications/{id}/release", tag = "applications",
    operation_id = "releaseApplication", params(("id" = String, Path)),
    responses((status = 200, body = Application)),
    extensions(("x-cli" = json!("application release")), ("x-permission" = json!("application.review"))))]
async fn release(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.release_application(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 审核决定 · Approve, reject or return an application
#[utoipa::path(post, path = "/api/v1/applications/{id}/decision", tag = "applications",
    operation_id = "decideApplication", params(("id" = String, Path)),
    request_body = Decision,
    responses((status = 200, body = Decided)),
    extensions(("x-cli" = json!("application decide")), ("x-permission" = json!("application.review"))))]
async fn decide(
    asker: Asker,
    Path(id): Path<String>,
    IfVersion(version): IfVersion,
    Body(decision): Body<Decision>,
) -> Response {
    let outcome = asker.registry.decide_application(&asker.caller, &id, version, &decision).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 办理过程 · What happened to an application
#[utoipa::path(get, path = "/api/v1/applications/{id}/steps", tag = "applications",
    operation_id = "listApplicationSteps", params(("id" = String, Path)),
    responses((status = 200, body = Vec<Step>)),
    extensions(("x-cli" = json!("application steps")), ("x-columns" = json!("number event from to actorName reason at")),
        ("x-permission" = json!("application.read"))))]
async fn steps(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.application_steps(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 申请的历史版本 · One saved content of an application
#[utoipa::path(get, path = "/api/v1/applications/{id}/versions/{number}", tag = "applications",
    operation_id = "showApplicationVersion", params(("id" = String, Path), ("number" = i64, Path)),
    responses((status = 200, body = Version)),
    extensions(("x-cli" = json!("application version")), ("x-permission" = json!("application.read"))))]
async fn version(asker: Asker, Path((id, number)): Path<(String, i64)>) -> Response {
    let outcome = asker.registry.application_version(&asker.caller, &id, number).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 重新核验 · Make the built-in verifications again
#[utoipa::path(post, path = "/api/v1/applications/{id}/verify", tag = "applications",
    operation_id = "verifyApplication", params(("id" = String, Path)),
    responses((status = 200, body = Application)),
    extensions(("x-cli" = json!("application verify")), ("x-permission" = json!("application.verify"))))]
async fn verify(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.verify_application(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 核验记录 · The evidence of an application
#[utoipa::path(get, path = "/api/v1/applications/{id}/evidence", tag = "applications",
    operation_id = "listEvidence", params(("id" = String, Path)),
    responses((status = 200, body = Vec<Evidence>)),
    extensions(("x-cli" = json!("application evidence")),
        ("x-columns" = json!("id aspect checker outcome current overrideReason")),
        ("x-permission" = json!("application.read"))))]
async fn evidence(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.evidence(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 登记核验结果 · Record what a person has verified
#[utoipa::path(post, path = "/api/v1/applications/{id}/evidence", tag = "applications",
    operation_id = "recordEvidence", params(("id" = String, Path)),
    request_body = NewEvidence,
    responses((status = 201, body = Evidence)),
    extensions(("x-cli" = json!("application record")), ("x-permission" = json!("application.verify"))))]
async fn record(asker: Asker, Path(id): Path<String>, Body(new): Body<NewEvidence>) -> Response {
    let outcome = asker.registry.record_evidence(&asker.caller, &id, &new).await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 忽略未通过的核验结果 · Set failed evidence aside, with a reason
#[utoipa::path(post, path = "/api/v1/applications/{id}/evidence/{evidence}/override", tag = "applications",
    operation_id = "overrideEvidence", params(("id" = String, Path), ("evidence" = String, Path)),
    request_body = Reason,
    responses((status = 200, body = Evidence)),
    extensions(("x-cli" = json!("application override")), ("x-permission" = json!("application.review"))))]
async fn set_aside(asker: Asker, Path((id, evidence)): Path<(String, String)>, Body(why): Body<Reason>) -> Response {
    let outcome = asker.registry.override_evidence(&asker.caller, &id, &evidence, &why.reason).await;
    done(&asker, outcome, StatusCode::OK)
}
