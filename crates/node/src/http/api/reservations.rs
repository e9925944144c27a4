//! Names that are not given out 保留与禁用前缀, and quotas 配额.

use super::{Asker, Body, Params, Path, done};
use crate::node::Parts;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_registry::prefixes::{NewReservation, Quota, QuotaChange, Reservation, ReservationFilter};
use hufu_registry::{Listing, Page};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, delete)).routes(routes!(quotas, set_quotas))
}

/// 保留与禁用名单 · List reserved and blocked names
#[utoipa::path(get, path = "/api/v1/reservations", tag = "reservations", operation_id = "listReservations",
    params(ReservationFilter, Listing),
    responses((status = 200, body = Page<Reservation>)),
    extensions(("x-cli" = json!("reserve list")), ("x-columns" = json!("id kind pattern organisation reason")),
        ("x-permission" = json!("prefix.reserve"))))]
async fn list(asker: Asker, Params(filter): Params<ReservationFilter>, Params(page): Params<Listing>) -> Response {
    let outcome = asker.registry.reservations(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 保留或禁用 · Reserve or block a name, a range or a pattern
#[utoipa::path(post, path = "/api/v1/reservations", tag = "reservations", operation_id = "createReservation",
    request_body = NewReservation,
    responses((status = 201, body = Reservation)),
    extensions(("x-cli" = json!("reserve create")), ("x-permission" = json!("prefix.reserve"))))]
async fn create(asker: Asker, Body(new): Body<NewReservation>) -> Response {
    let outcome = asker.registry.reserve(&asker.caller, &new).await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 查看保留条目 · Show a reservation
#[utoipa::path(get, path = "/api/v1/reservations/{id}", tag = "reservations", operation_id = "showReservation",
    params(("id" = String, Path)),
    responses((status = 200, body = Reservation)),
    extensions(("x-cli" = json!("reserve show")), ("x-permission" = json!("prefix.reserve"))))]
async fn show(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.reservation(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 取消保留 · Let the names be given out again
#[utoipa::path(delete, path = "/api/v1/reservations/{id}", tag = "reservations", operation_id = "deleteReservation",
    params(("id" = String, Path)),
    responses((status = 204)),
    extensions(("x-cli" = json!("reserve delete")), ("x-permission" = json!("prefix.reserve"))))]
async fn delete(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.release_reservation(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::NO_CONTENT)
}

/// 查看配额 · Show the quotas of an organisation
#[utoipa::path(get, path = "/api/v1/organisations/{id}/quotas", tag = "reservations", operation_id = "showQuotas",
    params(("id" = String, Path)),
    responses((status = 200, body = [Quota])),
    extensions(("x-cli" = json!("quota show")), ("x-permission" = json!("organisation.read"))))]
async fn quotas(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.quotas(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 设置配额 · Set the quotas of an organisation; absent ones go back to the default
#[utoipa::path(put, path = "/api/v1/organisations/{id}/quotas", tag = "reservations", operation_id = "setQuotas",
    params(("id" = String, Path)),
    request_body = QuotaChange,
    responses((status = 200, body = [Quota])),
    extensions(("x-cli" = json!("quota set")), ("x-permission" = json!("quota.write"))))]
async fn set_quotas(asker: Asker, Path(id): Path<String>, Body(change): Body<QuotaChange>) -> Response {
    let outcome = asker.registry.set_quotas(&asker.caller, &id, &change).await;
    done(&asker, outcome, StatusCode::OK)
}
