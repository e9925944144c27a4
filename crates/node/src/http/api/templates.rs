//! Templates 模板: what objects of a kind say, and what their values may be.

use super::{Asker, Body, IfVersion, Params, Path, done};
use crate::node::Parts;
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hufu_registry::templates::content::TemplateContent;
use hufu_registry::templates::life::{NewTemplate, TemplateCopy, TemplateScopeChange, TemplateStateChange};
use hufu_registry::templates::starter::{StarterSet, StarterTaking};
use hufu_registry::templates::template::{TemplateFilter, TemplateLine, TemplateRevision, TemplateView};
use hufu_registry::templates::workbook as sheets;
use hufu_registry::{Error, Kind, Listing, Page, Refusal};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(starters))
        .routes(routes!(import))
        .routes(routes!(workbook))
        .routes(routes!(take))
        .routes(routes!(show, amend, delete))
        .routes(routes!(revisions))
        .routes(routes!(set_state))
        .routes(routes!(users, set_scope))
        .routes(routes!(copy))
}

/// 模板列表 · List templates
///
/// The caller's own in every state, and those of others that it may use.
#[utoipa::path(get, path = "/api/v1/templates", tag = "templates", operation_id = "listTemplates",
    params(TemplateFilter, Listing),
    responses((status = 200, body = Page<TemplateLine>)),
    extensions(("x-cli" = json!("template list")),
        ("x-columns" = json!("handle versionText name industry state scope items revision version")),
        ("x-permission" = json!("template.read"))))]
async fn list(asker: Asker, Params(filter): Params<TemplateFilter>, Params(page): Params<Listing>) -> Response {
    let outcome = asker.registry.templates(&asker.caller, &filter, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 新建模板 · Make a template
///
/// It is a draft until it is published. An item that only names its metadata takes everything over from there.
#[utoipa::path(post, path = "/api/v1/templates", tag = "templates", operation_id = "createTemplate",
    request_body = NewTemplate,
    responses((status = 201, body = TemplateView)),
    extensions(("x-cli" = json!("template create")), ("x-permission" = json!("template.write"))))]
async fn create(asker: Asker, Body(new): Body<NewTemplate>) -> Response {
    let outcome = asker.registry.create_template(&asker.caller, &new).await;
    done(&asker, outcome, StatusCode::CREATED)
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct RevisionParams {
    /// An earlier revision; the present one unless given.
    revision: Option<i64>,
}

/// 查看模板 · Show a template
///
/// By id or handle.
#[utoipa::path(get, path = "/api/v1/templates/{id}", tag = "templates", operation_id = "showTemplate",
    params(("id" = String, Path), RevisionParams),
    responses((status = 200, body = TemplateView)),
    extensions(("x-cli" = json!("template show")), ("x-permission" = json!("template.read"))))]
async fn show(asker: Asker, Path(id): Path<String>, Params(which): Params<RevisionParams>) -> Response {
    let outcome = asker.registry.template(&asker.caller, &id, which.revision).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 变更模板 · Change what a template says
///
/// A draft is replaced. Once published, items that are sent are added, relabelled or disabled; others stay, nothing is
/// deleted, and the outcome is a new revision.
#[utoipa::path(put, path = "/api/v1/templates/{id}", tag = "templates", operation_id = "amendTemplate",
    params(("id" = String, Path)),
    request_body = TemplateContent,
    responses((status = 200, body = TemplateView)),
    extensions(("x-cli" = json!("template amend")), ("x-permission" = json!("template.write"))))]
async fn amend(
    asker: Asker,
    Path(id): Path<String>,
    IfVersion(version): IfVersion,
    Body(content): Body<TemplateContent>,
) -> Response {
    let outcome = asker.registry.amend_template(&asker.caller, &id, version, &content).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 删除模板 · Delete a template
///
/// A draft is gone; one that was published must be withdrawn first, and stays for the objects that have it.
#[utoipa::path(delete, path = "/api/v1/templates/{id}", tag = "templates", operation_id = "deleteTemplate",
    params(("id" = String, Path)),
    responses((status = 200, body = TemplateView)),
    extensions(("x-cli" = json!("template delete")), ("x-permission" = json!("template.write"))))]
async fn delete(asker: Asker, Path(id): Path<String>, IfVersion(version): IfVersion) -> Response {
    let outcome = asker.registry.delete_template(&asker.caller, &id, version).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 模板修订记录 · Revisions of a template
#[utoipa::path(get, path = "/api/v1/templates/{id}/revisions", tag = "templates",
    operation_id = "listTemplateRevisions", params(("id" = String, Path), Listing),
    responses((status = 200, body = Page<TemplateRevision>)),
    extensions(("x-cli" = json!("template revisions")), ("x-columns" = json!("revision created createdBy")),
        ("x-permission" = json!("template.read"))))]
async fn revisions(asker: Asker, Path(id): Path<String>, Params(page): Params<Listing>) -> Response {
    let outcome = asker.registry.template_revisions(&asker.caller, &id, &page).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 发布或撤回模板 · Publish or withdraw a template
#[utoipa::path(put, path = "/api/v1/templates/{id}/state", tag = "templates", operation_id = "setTemplateState",
    params(("id" = String, Path)),
    request_body = TemplateStateChange,
    responses((status = 200, body = TemplateView)),
    extensions(("x-cli" = json!("template state")), ("x-permission" = json!("template.write"))))]
async fn set_state(
    asker: Asker,
    Path(id): Path<String>,
    IfVersion(version): IfVersion,
    Body(change): Body<TemplateStateChange>,
) -> Response {
    let outcome = asker.registry.set_template_state(&asker.caller, &id, version, &change).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 模板可用组织 · Organisations that a template is opened to by name
#[utoipa::path(get, path = "/api/v1/templates/{id}/scope", tag = "templates", operation_id = "listTemplateUsers",
    params(("id" = String, Path)),
    responses((status = 200, body = Vec<String>)),
    extensions(("x-cli" = json!("template users")), ("x-permission" = json!("template.read"))))]
async fn users(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.template_users(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 设置模板使用范围 · Say who may use a template
#[utoipa::path(put, path = "/api/v1/templates/{id}/scope", tag = "templates", operation_id = "setTemplateScope",
    params(("id" = String, Path)),
    request_body = TemplateScopeChange,
    responses((status = 200, body = TemplateView)),
    extensions(("x-cli" = json!("template scope")), ("x-permission" = json!("template.write"))))]
async fn set_scope(
    asker: Asker,
    Path(id): Path<String>,
    IfVersion(version): IfVersion,
    Body(change): Body<TemplateScopeChange>,
) -> Response {
    let outcome = asker.registry.set_template_scope(&asker.caller, &id, version, &change).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 引用模板 · Make a template with the items of another
///
/// They stay as they are, and the copy is for its own organisation.
#[utoipa::path(post, path = "/api/v1/templates/{id}/copies", tag = "templates", operation_id = "copyTemplate",
    params(("id" = String, Path)),
    request_body = TemplateCopy,
    responses((status = 201, body = TemplateView)),
    extensions(("x-cli" = json!("template copy")), ("x-permission" = json!("template.write"))))]
async fn copy(asker: Asker, Path(id): Path<String>, Body(wish): Body<TemplateCopy>) -> Response {
    let outcome = asker.registry.copy_template(&asker.caller, &id, &wish).await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 入门模板列表 · List the starter set
#[utoipa::path(get, path = "/api/v1/templates/starter", tag = "templates", operation_id = "listStarterTemplates",
    responses((status = 200, body = StarterSet)),
    extensions(("x-cli" = json!("template starter-list")),
        ("x-columns" = json!("key group content.labels.zh content.labels.en content.industryCategory")),
        ("x-permission" = json!("template.read"))))]
async fn starters(asker: Asker) -> Response {
    let outcome = asker.registry.starter_templates(&asker.caller).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 引入入门模板 · Make a draft of a template of the starter set
#[utoipa::path(post, path = "/api/v1/templates/starter/{key}", tag = "templates",
    operation_id = "takeStarterTemplate", params(("key" = String, Path)),
    request_body = StarterTaking,
    responses((status = 201, body = TemplateView)),
    extensions(("x-cli" = json!("template starter-take")), ("x-permission" = json!("template.write"))))]
async fn take(asker: Asker, Path(key): Path<String>, Body(taking): Body<StarterTaking>) -> Response {
    let outcome = asker.registry.take_starter(&asker.caller, &key, &taking).await;
    done(&asker, outcome, StatusCode::CREATED)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct WorkbookParams {
    /// Prefix below which the template shall be; the caller's own.
    prefix: String,
    /// The maker's version, unique below the prefix.
    version_text: String,
}

/// 导入模板 · Make a draft of an Excel file (xlsx, up to 2 MiB)
///
/// In the form that `readTemplateWorkbook` gives. What cannot be understood is named by sheet and cell.
#[utoipa::path(post, path = "/api/v1/templates/workbook", tag = "templates", operation_id = "importTemplate",
    params(WorkbookParams),
    request_body(content = String, content_type = "application/octet-stream", description = "xlsx"),
    responses((status = 201, body = TemplateView)),
    extensions(("x-cli" = json!("template import")), ("x-permission" = json!("template.write"))))]
async fn import(asker: Asker, Params(to): Params<WorkbookParams>, request: Request) -> Response {
    let outcome = async {
        let octets = Bytes::from_request(request, &()).await.map_err(|_| {
            let (zh, en) = ("文件过大（最多 2 MB）或传输中断", "the file is too large (at most 2 MiB) or broke off");
            Error::from(Refusal::new(Kind::Invalid, "xlsx-too-large", zh, en))
        })?;
        asker.registry.import_template(&asker.caller, &to.prefix, &to.version_text, &octets).await
    };
    let outcome = outcome.await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 导出模板 · A template as an Excel file
#[utoipa::path(get, path = "/api/v1/templates/{id}/workbook", tag = "templates",
    operation_id = "readTemplateWorkbook", params(("id" = String, Path), RevisionParams),
    responses((status = 200, content((String = "application/octet-stream")))),
    extensions(("x-permission" = json!("template.read"))))]
async fn workbook(asker: Asker, Path(id): Path<String>, Params(which): Params<RevisionParams>) -> Response {
    let outcome = async {
        let template = asker.registry.template(&asker.caller, &id, which.revision).await?;
        Ok::<_, Error>((sheets::write(&template.content)?, template))
    };
    let (octets, template) = match outcome.await {
        Ok(found) => found,
        Err(error) => return done(&asker, Err::<(), _>(error), StatusCode::OK),
    };
    let name = format!("{} {}.xlsx", template.name, template.version_text);
    let disposition = format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(&name, NON_ALPHANUMERIC));
    let disposition = HeaderValue::from_str(&disposition).unwrap_or(HeaderValue::from_static("attachment"));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, octets).into_response()
}
