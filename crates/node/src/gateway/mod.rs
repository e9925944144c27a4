//! Gateways 网关 to other systems' own networks, each asked in its own protocol: GS1 resolvers and DID resolvers by
//! HTTP, the DNS of OIDs, anything else by a URL with the identifier in it.
//!
//! Which prefix goes where is configuration (`[[resolution.gateway]]`). Answers become records and are cached like
//! all others; a server that does not answer is left alone for a while.

mod did;
mod dns;
mod gs1;
mod http;

use crate::clock;
use crate::config::{ConfigError, GatewayConfig, GatewayProtocol};
use crate::telemetry::Meter;
use hufu_client::{Trust, Web, WebAnswer, WebRequest};
use hufu_ident::{Identifier, Prefix, Ttl, Value, ValueSet};
use hufu_resolve::{Foreign, Resolved, Told};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(crate) use dns::target as dns_target;

/// What a resolver says of an OID in the DNS; the error is for people.
pub(crate) async fn ask_dns(server: SocketAddr, zone: &str, oid: &str, wait: Duration) -> Result<Vec<Value>, String> {
    dns::ask_resolver(server, zone, oid, wait).await.map_err(|trouble| match trouble {
        Trouble::Absent => "there is none".into(),
        Trouble::Fault(why) => why,
    })
}

/// Octets of a foreign answer.
const ANSWER: usize = 1 << 20;
/// How long a server that failed is left alone, in milliseconds.
const PAUSE: u64 = 10_000;

/// All gateways of one node.
pub struct Gateways {
    gateways: Vec<Gateway>,
    meter: Arc<Meter>,
}

/// One way abroad.
struct Gateway {
    prefix: Prefix,
    protocol: GatewayProtocol,
    /// For HTTP: the base or the template.
    url: String,
    web: Web,
    timeout: Duration,
    /// Of answers that name no lifetime, in seconds.
    ttl: u32,
    /// Milliseconds since the epoch until which it is left alone.
    paused_until: AtomicU64,
}

/// Why there is no record.
#[derive(Debug)]
enum Trouble {
    /// The foreign network says that there is none.
    Absent,
    /// It does not answer, or not in its protocol.
    Fault(String),
}

impl Gateways {
    /// None if the configuration names no gateway.
    pub fn build(configs: &[GatewayConfig], meter: Arc<Meter>) -> Result<Option<Self>, ConfigError> {
        let gateways: Vec<Gateway> = configs.iter().map(Gateway::build).collect::<Result<_, _>>()?;
        Ok((!gateways.is_empty()).then_some(Gateways { gateways, meter }))
    }

    fn at(&self, prefix: &Prefix) -> Option<&Gateway> {
        self.gateways.iter().find(|gateway| gateway.prefix == *prefix)
    }
}

impl Foreign for Gateways {
    fn covering(&self, home: &Prefix) -> Option<Prefix> {
        home.lineage().find(|prefix| self.at(prefix).is_some())
    }

    fn ask<'a>(&'a self, name: &'a Identifier, deadline: Duration) -> Pin<Box<dyn Future<Output = Told> + Send + 'a>> {
        Box::pin(async move {
            let gateway = self.covering(&name.name().home()).and_then(|prefix| self.at(&prefix));
            match gateway {
                Some(gateway) => gateway.ask(name, deadline, &self.meter).await,
                None => Told { resolved: Resolved::NotResponsible, by: String::new() },
            }
        })
    }
}

impl Gateway {
    fn build(config: &GatewayConfig) -> Result<Self, ConfigError> {
        let rule = |key: &str, text: String| ConfigError::rule(&format!("resolution.gateway.{key}"), text);
        let prefix = Prefix::parse(&config.prefix).map_err(|refusal| rule("prefix", refusal.to_string()))?;
        let trust = config.certificates.as_deref().map_or(Trust::System, Trust::Also);
        let web = Web::new(trust).map_err(|error| rule("certificates", error.to_string()))?;
        Ok(Gateway {
            prefix,
            protocol: config.protocol,
            url: config.url.trim_end_matches('/').to_owned(),
            web,
            timeout: config.timeout.0,
            ttl: u32::try_from(config.ttl.0.as_secs()).unwrap_or(u32::MAX),
            paused_until: AtomicU64::new(0),
        })
    }

    async fn ask(&self, name: &Identifier, deadline: Duration, meter: &Meter) -> Told {
        let by = self.url.clone();
        if self.paused_until.load(Ordering::Relaxed) > clock::millis() {
            meter.asked_abroad(self.prefix.as_str(), "paused");
            let resolved = Resolved::Unreachable(format!("{by} did not answer lately"));
            return Told { resolved, by };
        }
        let wait = self.timeout.min(deadline);
        let asked = match self.protocol {
            GatewayProtocol::Gs1 => gs1::ask(self, name, wait).await,
            GatewayProtocol::Dns => dns::ask(self, name, wait).await,
            GatewayProtocol::Did => did::ask(self, name, wait).await,
            GatewayProtocol::Http => http::ask(self, name, wait).await,
        };
        let resolved = match asked {
            Ok(values) => Resolved::Values(ValueSet::from_values(values)),
            Err(Trouble::Absent) => Resolved::NotFound,
            Err(Trouble::Fault(why)) => {
                self.paused_until.store(clock::millis() + PAUSE, Ordering::Relaxed);
                tracing::warn!(gateway = %by, %why, "a foreign server does not answer");
                Resolved::Unreachable(format!("{by}: {why}"))
            }
        };
        let outcome = match &resolved {
            Resolved::Values(_) => "found",
            Resolved::NotFound => "absent",
            _ => "failed",
        };
        meter.asked_abroad(self.prefix.as_str(), outcome);
        Told { resolved, by }
    }

    /// One GET; what is absent there (404, 410) and what is broken are told apart.
    async fn get(&self, request: WebRequest, wait: Duration) -> Result<WebAnswer, Trouble> {
        let answer = self.web.send(request, ANSWER, wait).await.map_err(|error| Trouble::Fault(error.to_string()))?;
        match answer.status {
            200..=399 => Ok(answer),
            404 | 410 => Err(Trouble::Absent),
            // It read the question and will not have it: that is an answer, not an outage.
            400 | 422 => Err(Trouble::Absent),
            status => Err(Trouble::Fault(format!("HTTP status {status}"))),
        }
    }

    /// A value of a foreign record; only what is public comes from abroad.
    fn value(&self, index: u32, kind: &str, data: impl Into<Vec<u8>>, answer: &WebAnswer) -> Value {
        foreign_value(index, kind, data, max_age(answer).unwrap_or(self.ttl))
    }
}

fn foreign_value(index: u32, kind: &str, data: impl Into<Vec<u8>>, ttl: u32) -> Value {
    Value { ttl: Ttl::Relative(ttl), timestamp: clock::seconds() as u32, ..Value::new(index, kind, data) }
}

/// `Cache-Control: max-age` in seconds.
fn max_age(answer: &WebAnswer) -> Option<u32> {
    let control = answer.header(&axum::http::header::CACHE_CONTROL)?;
    control.split(',').find_map(|part| part.trim().strip_prefix("max-age=")?.parse().ok())
}

/// A JSON body.
fn json(answer: &WebAnswer) -> Result<serde_json::Value, Trouble> {
    serde_json::from_slice(&answer.body).map_err(|error| Trouble::Fault(format!("the answer is no JSON: {error}")))
}
