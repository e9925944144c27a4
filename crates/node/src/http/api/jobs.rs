//! Jobs 任务: files of rows in and out, runs of serials; their progress, their errors, their files.

use super::{Asker, Body, IfVersion, Params, Path, done};
use crate::node::Parts;
use axum::body::Body as Stream;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hufu_registry::jobs::columns::ImportSettings;
use hufu_registry::jobs::job::{BadRows, Job};
use hufu_registry::jobs::{JobFilter, JobWish, NewExport, NewRun, RowErrors, table};
use hufu_registry::{Error, Kind, Listing, Page, Permission, Refusal};
use hyper::body::{Body as _, Frame};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::future::poll_fn;
use std::io;
use std::path::Path as FilePath;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .merge(OpenApiRouter::new().routes(routes!(import)).layer(DefaultBodyLimit::disable()))
        .routes(routes!(export))
        .routes(routes!(run))
        .routes(routes!(show))
        .routes(routes!(set))
        .routes(routes!(wish))
        .routes(routes!(errors))
        .routes(routes!(error_file))
        .routes(routes!(result))
}

/// 任务列表 · List jobs
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", operation_id = "listJobs",
    params(JobFilter, Listing),
    responses((status = 200, body = Page<Job>)),
    extensions(("x-cli" = json!("job list")), ("x-columns" = json!("id kind state name total errors author created")),
        ("x-permission" = json!("object.read"))))]
async fn list(asker: Asker, Params(filter): Params<JobFilter>, Params(page): Params<Listing>) -> Response {
    let outcome = async { asker.objects()?.jobs(&asker.caller, &filter, &page).await }.await;
    done(&asker, outcome, StatusCode::OK)
}

/// What a file that is sent holds.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct ImportParams {
    /// Name of the file.
    #[param(max_length = 255)]
    name: String,
    /// Id or handle of the template; the one that such a form had before unless named.
    #[param(max_length = 255)]
    template: Option<String>,
    /// Put before suffixes.
    #[param(max_length = 255)]
    prefix: Option<String>,
}

/// 上传导入文件 · Send a file of rows (CSV in UTF-8 or GBK, xlsx; up to 512 MiB)
///
/// The first row are headings. The answer says what the columns are taken for; change that with `setImport`, then
/// check, then apply.
#[utoipa::path(post, path = "/api/v1/jobs/imports", tag = "jobs", operation_id = "createImport",
    params(ImportParams),
    request_body(content = String, content_type = "application/octet-stream", description = "CSV, xlsx"),
    responses((status = 201, body = Job)),
    extensions(("x-cli" = json!("job import")), ("x-permission" = json!("object.write"))))]
async fn import(asker: Asker, Params(of): Params<ImportParams>, request: Request) -> Response {
    let outcome = take_in(&asker, &of, request).await;
    done(&asker, outcome, StatusCode::CREATED)
}

async fn take_in(asker: &Asker, of: &ImportParams, request: Request) -> Result<Job, Error> {
    let objects = asker.objects()?;
    asker.registry.authorise(&asker.caller, Permission::ObjectWrite, "job").await?;
    let path = objects.upload_path()?;
    let outcome = match store(request.into_body(), &path).await {
        Ok(()) => {
            let (template, prefix) = (of.template.as_deref(), of.prefix.as_deref());
            objects.create_import(&asker.caller, &of.name, &path, template, prefix).await
        }
        Err(error) => Err(error),
    };
    if outcome.is_err() {
        let _ = tokio::fs::remove_file(&path).await;
    }
    outcome
}

/// Writes a body to a file as it comes.
async fn store(mut body: Stream, path: &FilePath) -> Result<(), Error> {
    let fault = |error: io::Error| Error::Fault(format!("{}: {error}", path.display()));
    let mut file = tokio::fs::File::create(path).await.map_err(fault)?;
    let mut octets = 0_u64;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| {
            let (zh, en) = ("传输中断，请重新上传", "the body broke off; send it again");
            Refusal::new(Kind::Invalid, "invalid-body", zh, en)
        })?;
        let Ok(piece) = frame.into_data() else { continue };
        octets += piece.len() as u64;
        if octets > table::OCTETS {
            let most = table::OCTETS >> 20;
            let (zh, en) = (format!("文件超过 {most} MiB，请拆分"), format!("the file has over {most} MiB; split it"));
            return Err(Refusal::new(Kind::Invalid, "file-too-large", zh, en).into());
        }
        file.write_all(&piece).await.map_err(fault)?;
    }
    file.sync_all().await.map_err(fault)
}

/// 导出 · Export all objects that a filter names
#[utoipa::path(post, path = "/api/v1/jobs/exports", tag = "jobs", operation_id = "createExport",
    request_body = NewExport,
    responses((status = 201, body = Job)),
    extensions(("x-cli" = json!("job export")), ("x-permission" = json!("object.read"))))]
async fn export(asker: Asker, Body(new): Body<NewExport>) -> Response {
    let outcome = async { asker.objects()?.create_export(&asker.caller, &new).await }.await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 批次注册 · Register a run of serials
#[utoipa::path(post, path = "/api/v1/jobs/runs", tag = "jobs", operation_id = "createRun",
    request_body = NewRun,
    responses((status = 201, body = Job)),
    extensions(("x-cli" = json!("job run")), ("x-permission" = json!("object.write"))))]
async fn run(asker: Asker, Body(new): Body<NewRun>) -> Response {
    let outcome = async { asker.objects()?.create_run(&asker.caller, &new).await }.await;
    done(&asker, outcome, StatusCode::CREATED)
}

/// 查看任务 · Show a job and how far it is
#[utoipa::path(get, path = "/api/v1/jobs/{id}", tag = "jobs", operation_id = "showJob",
    params(("id" = String, Path)),
    responses((status = 200, body = Job)),
    extensions(("x-cli" = json!("job show")), ("x-permission" = json!("object.read"))))]
async fn show(asker: Asker, Path(id): Path<String>) -> Response {
    let outcome = async { asker.objects()?.job(&asker.caller, &id).await }.await;
    done(&asker, outcome, StatusCode::OK)
}

/// 设置列的对应 · Say what the columns of an import are
#[utoipa::path(put, path = "/api/v1/jobs/{id}/settings", tag = "jobs", operation_id = "setImport",
    params(("id" = String, Path)),
    request_body = ImportSettings,
    responses((status = 200, body = Job)),
    extensions(("x-cli" = json!("job set")), ("x-permission" = json!("object.write"))))]
async fn set(
    asker: Asker,
    Path(id): Path<String>,
    IfVersion(version): IfVersion,
    Body(settings): Body<ImportSettings>,
) -> Response {
    let outcome = async { asker.objects()?.set_import(&asker.caller, &id, version, &settings).await }.await;
    done(&asker, outcome, StatusCode::OK)
}

/// What a job shall do.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JobOrder {
    wish: JobWish,
    /// For `apply`: what becomes of rows that are wrong.
    #[serde(default)]
    bad_rows: BadRows,
}

/// 检查、执行、暂停、继续或取消任务 · Check, apply, pause, resume or cancel a job
#[utoipa::path(put, path = "/api/v1/jobs/{id}/wish", tag = "jobs", operation_id = "wishJob",
    params(("id" = String, Path)),
    request_body = JobOrder,
    responses((status = 200, body = Job)),
    extensions(("x-cli" = json!("job wish")), ("x-permission" = json!("object.write"))))]
async fn wish(asker: Asker, Path(id): Path<String>, Body(order): Body<JobOrder>) -> Response {
    let outcome = async { asker.objects()?.wish_job(&asker.caller, &id, order.wish, order.bad_rows).await }.await;
    done(&asker, outcome, StatusCode::OK)
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct ErrorParams {
    /// `next` of the page before.
    #[param(minimum = 0)]
    after: i64,
}

/// 错误明细 · What was found wrong, by sheet, row and column
#[utoipa::path(get, path = "/api/v1/jobs/{id}/errors", tag = "jobs", operation_id = "listJobErrors",
    params(("id" = String, Path), ErrorParams),
    responses((status = 200, body = RowErrors)),
    extensions(("x-cli" = json!("job errors")), ("x-columns" = json!("sheet row column heading code zh en")),
        ("x-permission" = json!("object.read"))))]
async fn errors(asker: Asker, Path(id): Path<String>, Params(page): Params<ErrorParams>) -> Response {
    let outcome = async { asker.objects()?.job_errors(&asker.caller, &id, page.after).await }.await;
    done(&asker, outcome, StatusCode::OK)
}

/// 下载错误文件 · The wrong rows, each with what is wrong with it
#[utoipa::path(get, path = "/api/v1/jobs/{id}/error-file", tag = "jobs", operation_id = "readJobErrorFile",
    params(("id" = String, Path)),
    responses((status = 200, content((String = "application/octet-stream")))),
    extensions(("x-permission" = json!("object.read"))))]
async fn error_file(asker: Asker, Path(id): Path<String>) -> Response {
    send(&asker, &id, true).await
}

/// 下载导出文件 · The file that an export has made
#[utoipa::path(get, path = "/api/v1/jobs/{id}/result", tag = "jobs", operation_id = "readJobResult",
    params(("id" = String, Path)),
    responses((status = 200, content((String = "application/octet-stream")))),
    extensions(("x-permission" = json!("object.read"))))]
async fn result(asker: Asker, Path(id): Path<String>) -> Response {
    send(&asker, &id, false).await
}

async fn send(asker: &Asker, id: &str, errors: bool) -> Response {
    let found = async {
        let (path, name) = asker.objects()?.job_file(&asker.caller, id, errors).await?;
        let file = tokio::fs::File::open(&path).await;
        Ok::<_, Error>((file.map_err(|error| Error::Fault(format!("{}: {error}", path.display())))?, name))
    };
    let (file, name) = match found.await {
        Ok(found) => found,
        Err(error) => return done(asker, Err::<(), _>(error), StatusCode::OK),
    };
    let disposition = format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(&name, NON_ALPHANUMERIC));
    let disposition = HeaderValue::from_str(&disposition).unwrap_or(HeaderValue::from_static("attachment"));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, Stream::new(Pieces::of(file))).into_response()
}

/// A file as a body, piece by piece.
struct Pieces(mpsc::Receiver<io::Result<Bytes>>);

/// Octets of a piece.
const PIECE: usize = 64 << 10;

impl Pieces {
    fn of(mut file: tokio::fs::File) -> Self {
        let (sender, receiver) = mpsc::channel(2);
        tokio::spawn(async move {
            loop {
                let mut piece = vec![0; PIECE];
                let read = file.read(&mut piece).await;
                let (end, piece) = match read {
                    Ok(0) => return,
                    Ok(octets) => {
                        piece.truncate(octets);
                        (false, Ok(Bytes::from(piece)))
                    }
                    Err(error) => (true, Err(error)),
                };
                if sender.send(piece).await.is_err() || end {
                    return;
                }
            }
        });
        Pieces(receiver)
    }
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
