//! Notices 通知, and how they leave the node.

use super::{Asker, Body, Params, Path, done};
use crate::node::Parts;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_registry::notices::queue::{Delivery, DeliveryFilter};
use hufu_registry::notices::{Notice, NoticeFilter};
use hufu_registry::{Listing, Page};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(unread))
        .routes(routes!(mark))
        .routes(routes!(deliveries))
        .routes(routes!(retry))
}

/// 通知列表 · List what the caller is told
#[utoipa::path(get, path = "/api/v1/notices", tag = "notices", operation_id = "listNotices",
    params(NoticeFilter, Listing),
    responses((status = 200, body = Page<Notice>)),
    extensions(("x-cli" = json!("notice list")), ("x-columns" = json!("id kind object titleZh at read")),
        ("x-permission" = json!("notice.read"))))]
async fn list(asker: Asker, Params(filter): Params<NoticeFilter>, Params(page): Params<Listing>) -> Response {
    let outcome = asker.registry.notices(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// How many.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = NoticeCount)]
struct Count {
    count: i64,
}

/// 未读通知数 · How many notices are unread
#[utoipa::path(get, path = "/api/v1/notices/unread", tag = "notices", operation_id = "countUnreadNotices",
    responses((status = 200, body = Count)),
    extensions(("x-cli" = json!("notice unread")), ("x-permission" = json!("notice.read"))))]
async fn unread(asker: Asker) -> Response {
    let outcome = asker.registry.unread_notices(&asker.caller).await.map(|count| Count { count });
    done(&asker, outcome, StatusCode::OK)
}

/// Notices that were read.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NoticeMarks)]
struct Marks {
    #[schema(max_items = 200)]
    ids: Vec<String>,
}

/// 标记为已读 · Mark notices as read
#[utoipa::path(post, path = "/api/v1/notices/read", tag = "notices", operation_id = "markNotices",
    request_body = Marks,
    responses((status = 200, body = Count)),
    extensions(("x-cli" = json!("notice mark")), ("x-permission" = json!("notice.read"))))]
async fn mark(asker: Asker, Body(marks): Body<Marks>) -> Response {
    let marked = asker.registry.mark_notices(&asker.caller, &marks.ids).await;
    let outcome = marked.map(|count| Count { count: i64::try_from(count).unwrap_or(i64::MAX) });
    done(&asker, outcome, StatusCode::OK)
}

/// 通知投递列表 · List deliveries by e-mail and webhook
#[utoipa::path(get, path = "/api/v1/deliveries", tag = "notices", operation_id = "listDeliveries",
    params(DeliveryFilter, Listing),
    responses((status = 200, body = Page<Delivery>)),
    extensions(("x-cli" = json!("notice deliveries")),
        ("x-columns" = json!("id channel target state attempts fault")), ("x-permission" = json!("settings.read"))))]
async fn deliveries(asker: Asker, Params(filter): Params<DeliveryFilter>, Params(page): Params<Listing>) -> Response {
    let outcome = asker.registry.deliveries(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 重试投递 · Try a delivery again that was given up
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/retry", tag = "notices", operation_id = "retryDelivery",
    params(("id" = String, Path)),
    responses((status = 200, body = Delivery)),
    extensions(("x-cli" = json!("notice retry")), ("x-permission" = json!("settings.write"))))]
async fn retry(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.retry_delivery(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}
