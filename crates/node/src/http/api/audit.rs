//! The audit trail 审计: read, verified, exported as a stream, pruned.

use super::{Asker, Body, Params, done};
use crate::node::Parts;
use crate::telemetry;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hufu_registry::audit::{AuditEntry, AuditFilter, Pruned, Verification};
use hufu_registry::{Error, Listing, Page};
use hyper::body::Frame;
use serde::Deserialize;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<Arc<Parts>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(verify)).routes(routes!(export)).routes(routes!(prune))
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

/// How an export is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
enum ExportFormat {
    /// One JSON object a line, as the list shows it.
    #[default]
    Jsonl,
    /// RFC 4180 with a byte order mark; what a spreadsheet would take for a formula has `'` before it.
    Csv,
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct ExportParams {
    #[param(inline)]
    format: ExportFormat,
}

/// Pages that wait for a slow reader.
const WAITING: usize = 2;

/// 导出审计记录 · Export audit entries, oldest first
#[utoipa::path(get, path = "/api/v1/audit/export", tag = "audit", operation_id = "exportAudit",
    params(AuditFilter, ExportParams),
    responses((status = 200, content((String = "application/x-ndjson"), (String = "text/csv")))),
    extensions(("x-cli" = json!("audit export")), ("x-permission" = json!("audit.export"))))]
async fn export(asker: Asker, Params(filter): Params<AuditFilter>, Params(params): Params<ExportParams>) -> Response {
    let (name, media_type) = match params.format {
        ExportFormat::Jsonl => ("jsonl", "application/x-ndjson"),
        ExportFormat::Csv => ("csv", "text/csv; charset=utf-8"),
    };
    let last = match asker.registry.begin_audit_export(&asker.caller, &filter, name).await {
        Ok(last) => last,
        Err(error) => return done::<()>(&asker, Err(error), StatusCode::OK),
    };
    let (send, receive) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        if let Err(error) = pour(&asker, &filter, params.format, last, &send).await {
            telemetry::incident("audit export", &error);
            // The connection breaks off: nobody takes a part for the whole. If nobody listens, nobody minds.
            let _ = send.send(Err(io::Error::other("the export broke off"))).await;
        }
    });
    let disposition = format!("attachment; filename=\"audit.{name}\"");
    let headers = [(header::CONTENT_TYPE, media_type.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (headers, axum::body::Body::new(Poured(receive))).into_response()
}

type Piece = Result<Bytes, io::Error>;

/// Reads page by page and sends each on; ends when nobody listens.
async fn pour(
    asker: &Asker,
    filter: &AuditFilter,
    format: ExportFormat,
    last: i64,
    send: &mpsc::Sender<Piece>,
) -> Result<(), Error> {
    let mut after = 0;
    let mut head = format == ExportFormat::Csv;
    loop {
        let entries = asker.registry.audit_export(&asker.caller, filter, after, last).await?;
        if entries.is_empty() && !head {
            return Ok(());
        }
        after = entries.last().map_or(last, |entry| entry.sequence);
        let text = match format {
            ExportFormat::Jsonl => lines(&entries)?,
            ExportFormat::Csv => table(&entries, head).map_err(|error| Error::Fault(error.to_string()))?,
        };
        head = false;
        if send.send(Ok(text.into())).await.is_err() {
            return Ok(());
        }
    }
}

fn lines(entries: &[AuditEntry]) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    for entry in entries {
        serde_json::to_writer(&mut text, entry)?;
        text.push(b'\n');
    }
    Ok(text)
}

const COLUMNS: [&str; 14] = [
    "sequence",
    "at",
    "actor",
    "origin",
    "account",
    "address",
    "request",
    "organisation",
    "action",
    "object",
    "outcome",
    "before",
    "after",
    "hash",
];

fn table(entries: &[AuditEntry], head: bool) -> Result<Vec<u8>, csv::Error> {
    let start = if head { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
    let mut rows = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(start);
    if head {
        rows.write_record(COLUMNS)?;
    }
    for entry in entries {
        let (sequence, at) = (entry.sequence.to_string(), entry.at.to_string());
        let (before, after) = (entry.before.to_string(), entry.after.to_string());
        let cells = [
            &sequence,
            &at,
            &entry.actor,
            &entry.origin,
            &entry.account,
            &entry.address,
            &entry.request,
            &entry.organisation,
            &entry.action,
            &entry.object,
            &entry.outcome,
            &before,
            &after,
            &entry.hash,
        ];
        rows.write_record(cells.map(|cell| harmless(cell)))?;
    }
    rows.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// Spreadsheets carry out what begins so.
fn harmless(cell: &str) -> String {
    match cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{cell}"),
        false => cell.to_owned(),
    }
}

/// A body that comes piece by piece.
struct Poured(mpsc::Receiver<Piece>);

impl hyper::body::Body for Poured {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

/// How long entries are kept.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Retention {
    /// Days; at least 180.
    #[schema(minimum = 180, maximum = 36500)]
    days: i64,
}

/// 清理过期审计记录 · Remove audit entries older than so many days
#[utoipa::path(post, path = "/api/v1/audit/prune", tag = "audit", operation_id = "pruneAudit",
    request_body = Retention,
    responses((status = 200, body = Pruned)),
    extensions(("x-cli" = json!("audit prune")), ("x-permission" = json!("audit.export"))))]
async fn prune(asker: Asker, Body(retention): Body<Retention>) -> Response {
    let outcome = asker.registry.prune_audit(&asker.caller, retention.days).await;
    done(&asker, outcome, StatusCode::OK)
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn formulas_are_texts() {
        for (cell, expected) in
            [("=1+1", "'=1+1"), ("@x", "'@x"), ("-1", "'-1"), ("\t=", "'\t="), ("a=1", "a=1"), ("", "")]
        {
            assert_eq!(harmless(cell), expected);
        }
    }
}
