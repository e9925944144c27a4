//! Documents 附件 of applications and organisations: sent and read as they are.

use super::{Asker, Params, Path, done, refused};
use crate::node::Parts;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hufu_registry::onboarding::documents::{Attachment, Document, OCTETS};
use hufu_registry::{Kind, Refusal};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(of_application, attach_to_application))
        .routes(routes!(of_organisation, attach_to_organisation))
        .routes(routes!(show, remove))
        .routes(routes!(read))
        .layer(DefaultBodyLimit::max(OCTETS))
}

/// How a document is called.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct Naming {
    /// The name of the file; its ending is set by what it is.
    #[param(max_length = 255)]
    name: String,
}

/// 申请的附件 · The documents of an application
#[utoipa::path(get, path = "/api/v1/applications/{id}/documents", tag = "documents",
    operation_id = "listApplicationDocuments", params(("id" = String, Path)),
    responses((status = 200, body = Vec<Document>)),
    extensions(("x-cli" = json!("document list")), ("x-columns" = json!("id name mediaType size at")),
        ("x-permission" = json!("application.read"))))]
async fn of_application(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.documents(&asker.caller, &Attachment::Application(id)).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 上传附件到申请 · Attach an image (PNG, JPEG, up to 1 MB) or PDF (up to 5 MB) to an application
#[utoipa::path(post, path = "/api/v1/applications/{id}/documents", tag = "documents",
    operation_id = "attachApplicationDocument", params(("id" = String, Path), Naming),
    request_body(content = String, content_type = "application/octet-stream", description = "PNG, JPEG, PDF"),
    responses((status = 201, body = Document)),
    extensions(("x-cli" = json!("document attach")), ("x-permission" = json!("application.write"))))]
async fn attach_to_application(
    asker: Asker,
    Path(id): Path<String>,
    Params(naming): Params<Naming>,
    request: Request,
) -> Response {
    attach(&asker, Attachment::Application(id), &naming.name, request).await
}

/// 组织的附件 · The documents of an organisation
#[utoipa::path(get, path = "/api/v1/organisations/{id}/documents", tag = "documents",
    operation_id = "listOrganisationDocuments", params(("id" = String, Path)),
    responses((status = 200, body = Vec<Document>)),
    extensions(("x-cli" = json!("document list-organisation")), ("x-columns" = json!("id name mediaType size at")),
        ("x-permission" = json!("organisation.read"))))]
async fn of_organisation(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.documents(&asker.caller, &Attachment::Organisation(id)).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 上传附件到组织 · Attach an image or PDF to an organisation
#[utoipa::path(post, path = "/api/v1/organisations/{id}/documents", tag = "documents",
    operation_id = "attachOrganisationDocument", params(("id" = String, Path), Naming),
    request_body(content = String, content_type = "application/octet-stream", description = "PNG, JPEG, PDF"),
    responses((status = 201, body = Document)),
    extensions(("x-cli" = json!("document attach-organisation")), ("x-permission" = json!("organisation.write"))))]
async fn attach_to_organisation(
    asker: Asker,
    Path(id): Path<String>,
    Params(naming): Params<Naming>,
    request: Request,
) -> Response {
    attach(&asker, Attachment::Organisation(id), &naming.name, request).await
}

async fn attach(asker: &Asker, to: Attachment, name: &str, request: Request) -> Response {
    let octets = match Bytes::from_request(request, &()).await {
        Ok(octets) => octets,
        Err(error) => {
            let (zh, en) = ("文件过大（最多 5 MB）或传输中断", "the file is too large (at most 5 MB) or broke off");
            let refusal = Refusal::new(Kind::Invalid, "document-size", zh, en);
            let request = &asker.caller.request;
            return super::answer::with_status(&refusal, error.status(), asker.chinese, request);
        }
    };
    let outcome = asker.registry.attach_document(&asker.caller, &to, name, octets.into()).await;
    done(asker, outcome, StatusCode::CREATED)
}

/// 附件信息 · Show what a document is
#[utoipa::path(get, path = "/api/v1/documents/{id}", tag = "documents", operation_id = "showDocument",
    params(("id" = String, Path)),
    responses((status = 200, body = Document)),
    extensions(("x-cli" = json!("document show")), ("x-permission" = json!("application.read"))))]
async fn show(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.document(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 删除附件 · Take a document away
#[utoipa::path(delete, path = "/api/v1/documents/{id}", tag = "documents", operation_id = "removeDocument",
    params(("id" = String, Path)),
    responses((status = 200, body = Document)),
    extensions(("x-cli" = json!("document remove")), ("x-permission" = json!("application.write"))))]
async fn remove(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = asker.registry.remove_document(&asker.caller, &id).await;
    done(&asker, outcome, StatusCode::OK)
}

/// 下载附件 · Read a document
#[utoipa::path(get, path = "/api/v1/documents/{id}/content", tag = "documents", operation_id = "readDocument",
    params(("id" = String, Path)),
    responses((status = 200, content((String = "image/png"), (String = "image/jpeg"), (String = "application/pdf")))),
    extensions(("x-permission" = json!("application.read"))))]
async fn read(asker: Asker, Path(id): Path<String>) -> Response {
    let (document, octets) = match asker.registry.read_document(&asker.caller, &id).await {
        Ok(found) => found,
        Err(error) => return done(&asker, Err::<(), _>(error), StatusCode::OK),
    };
    // Saved and never shown in place: what somebody has sent shall not run on a page of ours.
    let name = utf8_percent_encode(&document.name, NON_ALPHANUMERIC);
    let disposition = HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{name}"));
    let (Ok(disposition), Ok(media)) = (disposition, HeaderValue::from_str(&document.media_type)) else {
        let (zh, en) = ("文件名无法表示", "the name of the document cannot be sent");
        return refused(&Refusal::new(Kind::Unavailable, "fault", zh, en), asker.chinese, &asker.caller.request);
    };
    let policy = HeaderValue::from_static("default-src 'none'; sandbox");
    let headers = [
        (header::CONTENT_TYPE, media),
        (header::CONTENT_DISPOSITION, disposition),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    (headers, octets).into_response()
}
