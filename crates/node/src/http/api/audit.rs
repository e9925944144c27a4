//! The audit trail 审计.

use super::{Asker, Params, done};
use crate::node::Parts;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_registry::audit::{AuditEntry, AuditFilter, Verification};
use hufu_registry::{Listing, Page};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(verify))
}

/// 审计记录 · List audit entries, newest first
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", operation_id = "listAudit",
    params(AuditFilter, Listing),
    responses((status = 200, body = Page<AuditEntry>)),
    extensions(("x-cli" = json!("audit list")), ("x-columns" = json!("sequence at actor address action object outcome")),
        ("x-permission" = json!("audit.read"))))]
async fn list(asker: Asker, Params(filter): Params<AuditFilter>, Params(page): Params<Listing>) -> Response {
    let outcome = asker.registry.audit(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 校验审计链 · Verify the audit chain
#[utoipa::path(get, path = "/api/v1/audit/verification", tag = "audit", operation_id = "verifyAudit",
    responses((status = 200, body = Verification)),
    extensions(("x-cli" = json!("audit verify")), ("x-permission" = json!("audit.read"))))]
async fn verify(asker: Asker) -> Response {
    let outcome = asker.registry.verify_audit(&asker.caller).await;
    done(&asker, outcome, StatusCode::OK)
}
