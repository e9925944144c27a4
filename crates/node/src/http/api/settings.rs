//! Settings 系统设置 that are changed while the node runs. Secrets are written and never read.

use super::{Asker, Body, IfVersion, Path, done};
use crate::node::Parts;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_registry::notices::settings::NoticeSettings;
use hufu_registry::settings::{ReviewSettings, SettingView};
use serde_json::Value as Json;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show, write))
}

/// The documents by their names: `review`, `notices`. Absent fields have their defaults.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what is sent; the registry reads it by its name")]
enum SettingDocument {
    Review(ReviewSettings),
    Notices(NoticeSettings),
}

/// 设置列表 · List the settings
#[utoipa::path(get, path = "/api/v1/settings", tag = "settings", operation_id = "listSettings",
    responses((status = 200, body = Vec<SettingView>)),
    extensions(("x-cli" = json!("setting list")), ("x-columns" = json!("name version")),
        ("x-permission" = json!("settings.read"))))]
async fn list(asker: Asker) -> Response {
    let outcome = asker.registry.settings(&asker.caller).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 查看设置 · Show a setting
#[utoipa::path(get, path = "/api/v1/settings/{name}", tag = "settings", operation_id = "showSetting",
    params(("name" = String, Path)),
    responses((status = 200, body = SettingView)),
    extensions(("x-cli" = json!("setting show")), ("x-permission" = json!("settings.read"))))]
async fn show(asker: Asker, Path(name): Path<String>) -> Response {
    let outcome = asker.registry.read_setting(&asker.caller, &name).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 修改设置 · Replace a setting
#[utoipa::path(put, path = "/api/v1/settings/{name}", tag = "settings", operation_id = "writeSetting",
    params(("name" = String, Path)),
    request_body = SettingDocument,
    responses((status = 200, body = SettingView)),
    extensions(("x-cli" = json!("setting write")), ("x-permission" = json!("settings.write"))))]
async fn write(
    asker: Asker,
    Path(name): Path<String>,
    IfVersion(version): IfVersion,
    Body(document): Body<Json>,
) -> Response {
    let outcome = asker.registry.write_setting(&asker.caller, &name, version, document).await;
    done(&asker, outcome, StatusCode::OK)
}
