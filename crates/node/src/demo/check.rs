//! `hufu demo --check`: every sample resolved through the recursive node: by the Handle protocol over UDP, TCP and HTTP,
//! by the gateway, and by its system's own door.

use super::country::{Country, Member, Sample};
use crate::cli::table;
use crate::gateway::ask_dns;
use hufu_client::{Client, Endpoint, ResolveOptions, Trust, Web, WebRequest};
use hufu_ident::SelectionBuf;
use hufu_ident::systems::handle::Protocol;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Octets of an answer, and how long it is waited for.
const BODY: usize = 1 << 20;
const WAIT: Duration = Duration::from_secs(10);
const PROTOCOLS: [Protocol; 3] = [Protocol::Udp, Protocol::Tcp, Protocol::Http];

/// One sample over one protocol.
pub struct Row {
    identifier: String,
    door: &'static str,
    took: Duration,
    /// What went wrong; none if the expected value came.
    pub fault: Option<String>,
}

impl Row {
    pub fn is_good(&self) -> bool {
        self.fault.is_none()
    }
}

pub async fn check(country: &Country) -> Vec<Row> {
    let recursive = country.recursive();
    let mut rows = Vec::new();
    for sample in country.samples() {
        for protocol in PROTOCOLS {
            let address = match protocol {
                Protocol::Udp => recursive.udp(),
                Protocol::Http => recursive.http(),
                _ => recursive.tcp(),
            };
            rows.push(check_one(&sample, protocol, address).await);
        }
        rows.extend(check_doors(&sample, recursive).await);
    }
    rows
}

/// The gateway, and the door of the sample's system.
async fn check_doors(sample: &Sample, at: &Member) -> Vec<Row> {
    let web = match Web::new(Trust::System) {
        Ok(web) => web,
        Err(error) => return vec![row(sample, "Gateway", Instant::now(), Err(error.to_string()))],
    };
    let mut rows = Vec::new();
    let started = Instant::now();
    let escaped = utf8_percent_encode(&sample.identifier, NON_ALPHANUMERIC);
    let found = fetch(&web, format!("{}/{escaped}?format=gateway", at.http_url()), "\"responseCode\":1,").await;
    rows.push(row(sample, "Gateway", started, found));
    let Some((_, rest)) = sample.identifier.split_once(':') else { return rows };
    let started = Instant::now();
    match sample.system {
        "gs1" => {
            let url = format!("{}/{rest}?linkType=linkset", at.http_url());
            rows.push(row(sample, "GS1 resolver", started, fetch(&web, url, &format!("/{rest}\"")).await));
        }
        "oid" => {
            let zone = &at.node.parts.config.dns.zone;
            let found = match at.dns() {
                Some(dns) => ask_dns(dns, zone, rest, WAIT).await.map(|_| ()),
                None => Err("the node answers no DNS".into()),
            };
            rows.push(row(sample, "DNS (ORS)", started, found));
        }
        "did" => {
            let url = format!("{}/1.0/identifiers/{}", at.http_url(), sample.identifier);
            let document = format!("\"id\":\"{}\"", sample.identifier);
            rows.push(row(sample, "DID resolver", started, fetch(&web, url, &document).await));
        }
        "ecode" => {
            let url = format!("{}/ecode/{rest}?format=gateway", at.http_url());
            rows.push(row(sample, "Ecode HTTP", started, fetch(&web, url, "\"responseCode\":1,").await));
        }
        _ => {}
    }
    rows
}

/// GETs a page that must have `expected` in it.
async fn fetch(web: &Web, url: String, expected: &str) -> Result<(), String> {
    let answer = web.send(WebRequest::get(url), BODY, WAIT).await.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&answer.body);
    match answer.status == 200 && text.contains(expected) {
        true => Ok(()),
        false => Err(format!("HTTP {} without {expected}", answer.status)),
    }
}

fn row(sample: &Sample, door: &'static str, started: Instant, found: Result<(), String>) -> Row {
    Row { identifier: sample.identifier.clone(), door, took: started.elapsed(), fault: found.err() }
}

pub async fn check_one(sample: &Sample, protocol: Protocol, address: SocketAddr) -> Row {
    let client = Client::new(Endpoint::new(protocol, address));
    let started = Instant::now();
    let resolved = client.resolve(&sample.identifier, &SelectionBuf::default(), ResolveOptions::default()).await;
    let took = started.elapsed();
    let fault = match resolved {
        Ok(resolved) => {
            let same = resolved.values.iter().any(|value| value.same_but_time(&sample.expect));
            (!same).then(|| format!("value {} is missing or differs", sample.expect.index))
        }
        Err(error) => Some(error.to_string()),
    };
    Row { identifier: sample.identifier.clone(), door: protocol.name(), took, fault }
}

pub fn print(rows: &[Row], json: bool) {
    if json {
        for row in rows {
            let line = serde_json::json!({
                "identifier": row.identifier,
                "door": row.door,
                "microseconds": row.took.as_micros() as u64,
                "ok": row.is_good(),
                "error": row.fault,
            });
            println!("{line}");
        }
        return;
    }
    let mut table = table(&["标识 Identifier", "入口 Door", "用时 Time", "结果 Result"]);
    for row in rows {
        let result = row.fault.clone().unwrap_or_else(|| "✓".into());
        let took = format!("{:.1} ms", row.took.as_secs_f64() * 1000.0);
        table.add_row([row.identifier.clone(), row.door.into(), took, result]);
    }
    let failed = rows.iter().filter(|row| !row.is_good()).count();
    println!("{table}\n{} passed, {failed} failed", rows.len() - failed);
}
