//! The operator's listener: `/livez`, `/readyz`, `/metrics`, and `POST /backup`.

use crate::node::Parts;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub fn router(parts: Arc<Parts>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readiness))
        .route("/metrics", get(metrics))
        .route("/backup", post(backup))
        .with_state(parts)
}

/// 200 while the node answers; a store that refuses writes is named but does not end readiness, because
/// resolution goes on.
async fn readiness(State(parts): State<Arc<Parts>>) -> Response {
    if parts.net.shutdown.is_triggered() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    let mut text = String::from("ready\n");
    if let Some(why) = parts.store.as_ref().and_then(|store| store.refusing_writes()) {
        let _ = writeln!(text, "writes refused: {why}");
    }
    text.into_response()
}

/// Copies the store, while it goes on, into a new folder below the data directory. The header `X-Hufu-Operator` must
/// be there, with any value: no web page of elsewhere can send it.
async fn backup(State(parts): State<Arc<Parts>>, headers: HeaderMap) -> Response {
    if !headers.contains_key("x-hufu-operator") {
        return (StatusCode::FORBIDDEN, "send the header X-Hufu-Operator: 1\n").into_response();
    }
    let Some(store) = parts.store.clone() else {
        return (StatusCode::NOT_FOUND, "this node keeps no records\n").into_response();
    };
    let to = parts.config.data_directory.join("backups").join(crate::clock::seconds().to_string());
    let folder = to.clone();
    let copied = tokio::task::spawn_blocking(move || {
        if let Some(above) = folder.parent() {
            std::fs::create_dir_all(above).map_err(|error| error.to_string())?;
        }
        store.backup(&folder).map_err(|error| error.to_string())
    });
    match copied.await.unwrap_or_else(|error| Err(error.to_string())) {
        Ok(report) => {
            let body = serde_json::json!({
                "folder": to, "sequence": report.sequence, "records": report.records, "octets": report.octets
            });
            (StatusCode::CREATED, axum::Json(body)).into_response()
        }
        Err(fault) => {
            let id = crate::telemetry::incident("backup", &fault);
            (StatusCode::INTERNAL_SERVER_ERROR, format!("incident {id}: {fault}\n")).into_response()
        }
    }
}

async fn metrics(State(parts): State<Arc<Parts>>) -> Response {
    let mut text = parts.meter.text();
    // The encoder ends its text with a mark; what follows here belongs before it.
    if let Some(at) = text.rfind("# EOF") {
        text.truncate(at);
    }
    let mut line = |name: &str, kind: &str, help: &str, value: u64| {
        let _ = writeln!(text, "# HELP hufu_{name} {help}\n# TYPE hufu_{name} {kind}\nhufu_{name} {value}");
    };
    let counters = &parts.net.counters;
    let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    line("udp_packets_in_total", "counter", "UDP packets received", read(&counters.packets_in));
    line("udp_packets_out_total", "counter", "UDP packets sent", read(&counters.packets_out));
    line("connections_open", "gauge", "Open TCP and HTTP connections", read(&counters.connections_open));
    line("connections_total", "counter", "Connections accepted", read(&counters.connections_accepted));
    line("connections_refused_total", "counter", "Connections over a limit", read(&counters.connections_refused));
    line("requests_over_rate_total", "counter", "Requests over the rate limit", read(&counters.requests_over_rate));
    line("answers_over_rate_total", "counter", "UDP answers over the rate limit", read(&counters.answers_over_rate));
    line("overload_drops_total", "counter", "Requests dropped for want of room", read(&counters.overload_drops));
    line("panics_total", "counter", "Panics caught; each is a defect", read(&counters.panics));
    if let Some(store) = &parts.store {
        let size = store.size();
        line("records", "gauge", "Records stored", size.records);
        line("store_octets", "gauge", "Octets of the store on disk", size.octets);
        line("changes_sequence", "counter", "Sequence of the last change", store.last_sequence());
        let refusing = u64::from(store.refusing_writes().is_some());
        line("store_refusing_writes", "gauge", "1 while the store refuses writes", refusing);
    }
    if let Some(recursor) = &parts.answering.recursor {
        let (entries, octets) = recursor.cache().size();
        let (hits, misses) = recursor.cache().counts();
        line("cache_entries", "gauge", "Answers remembered", entries as u64);
        line("cache_octets", "gauge", "Octets of the answer cache", octets);
        line("cache_hits_total", "counter", "Look-ups that found something fresh", hits);
        line("cache_misses_total", "counter", "Look-ups that did not", misses);
    }
    if let Some(queries) = &parts.queries {
        line("query_log_dropped_total", "counter", "Lines the query log had no room for", queries.dropped());
    }
    text.push_str("# EOF\n");
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}
