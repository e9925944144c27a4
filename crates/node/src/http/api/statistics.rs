//! What is counted 统计, and the classification of industries 国民经济行业分类.

use super::{Asker, Params, done};
use crate::node::Parts;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_registry::statistics::{self, CountFilter, Counted, IndustryClass, IndustryFilter, Overview};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(overview))
        .routes(routes!(organisations))
        .routes(routes!(prefixes))
        .routes(routes!(applications))
        .routes(routes!(industries))
}

/// 概览 · Everything at a glance
#[utoipa::path(get, path = "/api/v1/statistics/overview", tag = "statistics", operation_id = "showOverview",
    responses((status = 200, body = Overview)),
    extensions(("x-cli" = json!("statistics overview")), ("x-permission" = json!("statistics.read"))))]
async fn overview(asker: Asker) -> Response {
    let outcome = asker.registry.overview(&asker.caller).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 组织统计 · Count organisations
#[utoipa::path(get, path = "/api/v1/statistics/organisations", tag = "statistics", operation_id = "countOrganisations",
    params(CountFilter),
    responses((status = 200, body = Counted)),
    extensions(("x-cli" = json!("statistics organisations")), ("x-permission" = json!("statistics.read"))))]
async fn organisations(asker: Asker, Params(filter): Params<CountFilter>) -> Response {
    let outcome = asker.registry.count_organisations(&asker.caller, &filter).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 前缀统计 · Count prefixes
#[utoipa::path(get, path = "/api/v1/statistics/prefixes", tag = "statistics", operation_id = "countPrefixes",
    params(CountFilter),
    responses((status = 200, body = Counted)),
    extensions(("x-cli" = json!("statistics prefixes")), ("x-permission" = json!("statistics.read"))))]
async fn prefixes(asker: Asker, Params(filter): Params<CountFilter>) -> Response {
    let outcome = asker.registry.count_prefixes(&asker.caller, &filter).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 申请统计 · Count applications
#[utoipa::path(get, path = "/api/v1/statistics/applications", tag = "statistics", operation_id = "countApplications",
    params(CountFilter),
    responses((status = 200, body = Counted)),
    extensions(("x-cli" = json!("statistics applications")), ("x-permission" = json!("statistics.read"))))]
async fn applications(asker: Asker, Params(filter): Params<CountFilter>) -> Response {
    let outcome = asker.registry.count_applications(&asker.caller, &filter).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 行业分类 · Browse or search the classification of industries
#[utoipa::path(get, path = "/api/v1/industries", tag = "statistics", operation_id = "listIndustries",
    params(IndustryFilter),
    responses((status = 200, body = Vec<IndustryClass>)),
    extensions(("x-cli" = json!("statistics industries")), ("x-public" = json!(true))))]
async fn industries(asker: Asker, Params(filter): Params<IndustryFilter>) -> Response {
    let outcome = statistics::industries(&filter).map_err(Into::into);
    done(&asker, outcome, StatusCode::OK)
}
