//! What the registry wants done outside of it: notices are sent, declared addresses are tried, external checkers are
//! asked, reviewers are reminded, and files that nobody needs are taken away.
//!
//! Everything waits in queues of the registry, so a node that was killed goes on where it was; a notice may then be
//! sent twice, and says by its delivery id that it is the same.

mod checks;
mod mail;
mod reach;

use crate::node::Parts;
use crate::{clock, telemetry};
use axum::http::{HeaderName, Method, header};
use hufu_client::{Trust, Web, WebRequest};
use hufu_registry::notices::Notice;
use hufu_registry::notices::queue::{Outgoing, Way, signature};
use hufu_registry::notices::settings::Webhook;
use hufu_registry::{Caller, Error, Registry, Time};
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Looks at the queues so often.
const PAUSE: Duration = Duration::from_secs(2);
/// Looks at deadlines so often.
const MINUTE: Duration = Duration::from_secs(60);
/// Tidies up so often.
const HOUR: Duration = Duration::from_secs(3600);
/// How long a service has to answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// Octets of an answer of a webhook; nothing in it matters.
const ANSWER: usize = 16 << 10;
/// Proves that a request comes from this node.
const SIGNATURE: HeaderName = HeaderName::from_static("hufu-signature");
/// The same for every attempt of one delivery.
const DELIVERY: HeaderName = HeaderName::from_static("hufu-delivery");

/// Carries things from the registry to others and back.
#[derive(Clone)]
pub struct Courier {
    parts: Arc<Parts>,
    registry: Registry,
    web: Web,
}

/// What a webhook gets.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    delivery: &'a str,
    node: &'a str,
    notice: &'a Notice,
}

/// Why a delivery failed, and whether another attempt is of any use.
struct Failed {
    fault: String,
    hopeless: bool,
}

fn now() -> Time {
    clock::millis() as Time
}

impl Courier {
    /// None for a node without registry.
    pub fn new(parts: Arc<Parts>) -> Option<Self> {
        let registry = parts.registry.clone()?;
        match Web::new(Trust::System) {
            Ok(web) => Some(Courier { parts, registry, web }),
            Err(error) => {
                telemetry::incident("courier", &error);
                None
            }
        }
    }

    /// Works until the node stops.
    pub async fn run(self) -> std::io::Result<()> {
        let shutdown = self.parts.net.shutdown.clone();
        let (mut minute, mut hour) = (None::<Instant>, None::<Instant>);
        while !shutdown.is_triggered() {
            let mut round = vec![("notices", self.send_notices().await), ("verification", self.make_checks().await)];
            if minute.is_none_or(|last| last.elapsed() >= MINUTE) {
                minute = Some(Instant::now());
                round.push(("deadlines", self.registry.remind_reviewers(&Caller::node(now())).await.map(|_| ())));
                round.push(("keys", self.registry.remind_of_keys(&Caller::node(now())).await.map(|_| ())));
            }
            if hour.is_none_or(|last| last.elapsed() >= HOUR) {
                hour = Some(Instant::now());
                round.push(("documents", self.registry.sweep_documents(now()).await.map(|_| ())));
                round.push(("uploads", self.registry.sweep_uploads(now()).await.map(|_| ())));
                round.push(("notices", self.registry.forget_notices(now()).await.map(|_| ())));
                round.push(("accounts", self.registry.sweep_accounts(now()).await.map(|_| ())));
                round.push(("answers", self.registry.forget_answers(now()).await.map(|_| ())));
            }
            for (what, outcome) in round {
                if let Err(error) = outcome {
                    telemetry::incident(what, &error);
                }
            }
            tokio::select! {
                () = shutdown.triggered() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        Ok(())
    }

    /// Sends what is due, all at the same time.
    async fn send_notices(&self) -> Result<(), Error> {
        let mut sending = JoinSet::new();
        for outgoing in self.registry.deliveries_due(now()).await? {
            let courier = self.clone();
            sending.spawn(async move { (courier.send(&outgoing).await, outgoing.id) });
        }
        while let Some(sent) = sending.join_next().await {
            match sent {
                Ok((Ok(()), id)) => self.registry.delivered(&id, now()).await?,
                Ok((Err(failed), id)) => {
                    self.registry.not_delivered(&id, &failed.fault, failed.hopeless, now()).await?;
                }
                // It stays in the queue.
                Err(error) => {
                    telemetry::incident("notices", &error);
                }
            }
        }
        Ok(())
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<(), Failed> {
        match &outgoing.way {
            Way::Webhook(webhook) => self.post(outgoing, webhook).await,
            Way::Mail { server, to } => {
                let link = outgoing.link.as_deref();
                mail::send(server, to, &outgoing.notice, link, &self.parts.config.name).await
            }
            Way::Nowhere => Err(Failed { fault: "it is not configured any more".into(), hopeless: true }),
        }
    }

    async fn post(&self, outgoing: &Outgoing, webhook: &Webhook) -> Result<(), Failed> {
        let message = Message { delivery: &outgoing.id, node: &self.parts.config.name, notice: &outgoing.notice };
        let lasting = |fault: String| Failed { fault, hopeless: true };
        let body = serde_json::to_vec(&message).map_err(|error| lasting(error.to_string()))?;
        let mut request = signed(&webhook.url, &webhook.secret, body).map_err(|error| lasting(error.to_string()))?;
        request = request.with_header(DELIVERY, outgoing.id.clone());
        let passing = |fault: String| Failed { fault, hopeless: false };
        let answer = self.web.send(request, ANSWER, DEADLINE).await.map_err(|error| passing(error.to_string()))?;
        match answer.status {
            200..=299 => Ok(()),
            410 => Err(lasting("the service says that it is gone (410)".into())),
            status => Err(passing(format!("the service answered {status}"))),
        }
    }
}

/// A JSON request with a signature, where there is a secret to sign with.
fn signed(url: &str, secret: &str, body: Vec<u8>) -> Result<WebRequest, Error> {
    let mut request = WebRequest { method: Method::POST, ..WebRequest::get(url) };
    request = request.with_header(header::CONTENT_TYPE, "application/json");
    if !secret.is_empty() {
        request = request.with_header(SIGNATURE, signature(secret, now(), &body)?);
    }
    Ok(WebRequest { body, ..request })
}
