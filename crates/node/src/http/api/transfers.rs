//! Transfers of prefixes 前缀转移.

use super::{Asker, Body, Params, Path, done};
use crate::node::Parts;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_registry::prefixes::{RejectReason, Transfer, TransferAnswer, TransferFilter, TransferRequest};
use hufu_registry::{Error, FieldRefusal, Listing, Page, Refusal};
use serde::Deserialize;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(list, request)).routes(routes!(show)).routes(routes!(answer))
}

/// 转移列表 · List transfers
#[utoipa::path(get, path = "/api/v1/transfers", tag = "transfers", operation_id = "listTransfers",
    params(TransferFilter, Listing),
    responses((status = 200, body = Page<Transfer>)),
    extensions(("x-cli" = json!("transfer list")),
        ("x-columns" = json!("id prefix kind state gaining losing due")), ("x-permission" = json!("prefix.read"))))]
async fn list(asker: Asker, Params(filter): Params<TransferFilter>, Params(page): Params<Listing>) -> Response {
    let outcome = asker.registry.transfers(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 发起转移 · Ask for a prefix with its code
#[utoipa::path(post, path = "/api/v1/transfers", tag = "transfers", operation_id = "requestTransfer",
    request_body = TransferRequest,
    responses((status = 202, body = Transfer)),
    extensions(("x-cli" = json!("transfer request")), ("x-permission" = json!("transfer.write"))))]
async fn request(asker: Asker, Body(request): Body<TransferRequest>) -> Response {
    let outcome = asker.registry.request_transfer(&asker.caller, &request).await;
    done(&asker, outcome, StatusCode::ACCEPTED)
}

/// 查看转移 · Show a transfer
#[utoipa::path(get, path = "/api/v1/transfers/{id}", tag = "transfers", operation_id = "showTransfer",
    params(("id" = String, Path)),
    responses((status = 200, body = Transfer)),
    extensions(("x-cli" = json!("transfer show")), ("x-permission" = json!("prefix.read"))))]
async fn show(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.transfer(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// What a side says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
enum TransferVerdict {
    /// The losing side or the holder consents.
    Approve,
    /// One of them refuses, with a reason.
    Reject,
    /// The gaining side withdraws.
    Cancel,
}

/// What a side says to a transfer.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TransferReply {
    answer: TransferVerdict,
    /// Needed for a rejection.
    #[serde(default)]
    reason: Option<RejectReason>,
}

/// 同意、拒绝或撤回转移 · Approve, reject or cancel a transfer
#[utoipa::path(post, path = "/api/v1/transfers/{id}/answers", tag = "transfers", operation_id = "answerTransfer",
    params(("id" = String, Path)),
    request_body = TransferReply,
    responses((status = 200, body = Transfer)),
    extensions(("x-cli" = json!("transfer answer")), ("x-permission" = json!("transfer.write"))))]
async fn answer(asker: Asker, Path(id): Path<String>, Body(reply): Body<TransferReply>) -> Response {
    let answer = match (reply.answer, reply.reason) {
        (TransferVerdict::Approve, _) => Some(TransferAnswer::Approve),
        (TransferVerdict::Cancel, _) => Some(TransferAnswer::Cancel),
        (TransferVerdict::Reject, reason) => reason.map(|reason| TransferAnswer::Reject { reason }),
    };
    let outcome = match answer {
        Some(answer) => asker.registry.answer_transfer(&asker.caller, &id, answer).await,
        None => {
            let (zh, en) = ("拒绝转移须选择理由", "a rejection has a reason");
            Err(Error::from(Refusal::fields(vec![FieldRefusal::new("reason", "missing", zh, en)])))
        }
    };
    done(&asker, outcome, StatusCode::OK)
}
