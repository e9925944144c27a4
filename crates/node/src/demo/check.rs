//! `hufu demo --check`: every sample resolved through the recursive node over UDP, TCP and HTTP.

use super::country::{Country, Sample};
use crate::cli::table;
use hufu_client::{Client, Endpoint, ResolveOptions};
use hufu_ident::SelectionBuf;
use hufu_ident::systems::handle::Protocol;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const PROTOCOLS: [Protocol; 3] = [Protocol::Udp, Protocol::Tcp, Protocol::Http];

/// One sample over one protocol.
pub struct Row {
    identifier: String,
    protocol: Protocol,
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
    }
    rows
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
    Row { identifier: sample.identifier.clone(), protocol, took, fault }
}

pub fn print(rows: &[Row], json: bool) {
    if json {
        for row in rows {
            let line = serde_json::json!({
                "identifier": row.identifier,
                "protocol": row.protocol.name(),
                "microseconds": row.took.as_micros() as u64,
                "ok": row.is_good(),
                "error": row.fault,
            });
            println!("{line}");
        }
        return;
    }
    let mut table = table(&["标识 Identifier", "协议 Protocol", "用时 Time", "结果 Result"]);
    for row in rows {
        let result = row.fault.clone().unwrap_or_else(|| "✓".into());
        let took = format!("{:.1} ms", row.took.as_secs_f64() * 1000.0);
        table.add_row([row.identifier.clone(), row.protocol.name().into(), took, result]);
    }
    let failed = rows.iter().filter(|row| !row.is_good()).count();
    println!("{table}\n{} passed, {failed} failed", rows.len() - failed);
}
