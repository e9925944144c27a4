//! The node above: sends what the registry has noted for it, in order, and applies what its queue says.
//!
//! A request goes out again under the same transaction id until there is an answer, so a cut connection does no harm;
//! a message is applied before it is acknowledged, and applied once. The queue is looked at as often as configured.

pub mod signature;
pub mod wire;

use crate::config::OperatorConfig;
use crate::node::Parts;
use crate::{clock, random, telemetry};
use axum::http::{HeaderName, Method, header};
use hufu_client::{Trust, Web, WebAnswer, WebRequest};
use hufu_registry::operator::{CODE_FAILED, Command, CommandAnswer, Queue, ResultCode};
use hufu_registry::{Caller, Error, Registry, Time};
use serde_json::Value as Json;
use signature::{Signed, SigningKey};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Looks for requests of its own registry so often.
const PAUSE: Duration = Duration::from_millis(500);
/// Longest wait for an answer.
const DEADLINE: Duration = Duration::from_secs(20);
/// Octets of an answer.
const ANSWER: usize = 1 << 20;
/// Requests and messages in one go; then the node looks whether it shall stop.
const STRIDE: usize = 100;

/// Works off both queues.
pub struct OperatorLink {
    parts: Arc<Parts>,
    registry: Registry,
    config: OperatorConfig,
    key: SigningKey,
    web: Web,
}

/// Why there is no answer.
enum Failure {
    /// Whatever it was, it may be better later.
    Later(String),
    Refused(ResultCode, String),
}

impl OperatorLink {
    /// None for a node without an operator above. Fails if the key or the certificates cannot be read.
    pub fn new(parts: Arc<Parts>) -> std::io::Result<Option<Self>> {
        let config = parts.config.operator.clone();
        let Some(registry) = parts.registry.clone().filter(|_| config.is_set()) else { return Ok(None) };
        let key = SigningKey::of_file(&config.key_file)?;
        let trust = config.certificates.as_deref().map_or(Trust::System, Trust::Also);
        let web = Web::new(trust).map_err(|error| std::io::Error::other(error.to_string()))?;
        tracing::info!(url = config.url, client = config.client, key = key.public(), "an operator above is configured");
        Ok(Some(OperatorLink { parts, registry, config, key, web }))
    }

    /// Works until the node stops.
    pub async fn run(self) -> std::io::Result<()> {
        let shutdown = self.parts.net.shutdown.clone();
        if self.config.client.is_empty() {
            tracing::warn!("operator.client is empty: nothing is sent until the node above has given an id");
            return Ok(());
        }
        let mut polled = None::<Instant>;
        while !shutdown.is_triggered() {
            if let Err(error) = self.send_waiting().await {
                telemetry::incident("operator requests", &error);
            }
            if polled.is_none_or(|last| last.elapsed() >= self.config.poll_interval.0) {
                polled = Some(Instant::now());
                match self.poll().await {
                    Ok(Ok(())) => {}
                    Ok(Err(Failure::Later(text) | Failure::Refused(_, text))) => {
                        tracing::warn!(error = text, "the queue of the node above cannot be read");
                    }
                    Err(error) => {
                        telemetry::incident("operator messages", &error);
                    }
                }
            }
            tokio::select! {
                () = shutdown.triggered() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        Ok(())
    }

    /// Sends what waits, until something has to wait longer.
    async fn send_waiting(&self) -> Result<(), Error> {
        for _ in 0..STRIDE {
            let Some((id, command)) = self.registry.next_operator_request(now()).await? else { break };
            let caller = Caller::node(now());
            match self.tell(&id, &command).await {
                Ok(answer) => self.registry.operator_accepted(&caller, &id, &answer).await?,
                Err(Failure::Refused(code, text)) => {
                    tracing::warn!(request = id, code, error = text, "the node above refuses");
                    self.registry.operator_refused(&caller, &id, code, &text).await?;
                }
                Err(Failure::Later(text)) => {
                    tracing::warn!(request = id, error = text, "the node above does not answer");
                    self.registry.operator_unreachable(&id, now(), &text).await?;
                    break;
                }
            }
        }
        Ok(())
    }

    async fn tell(&self, id: &str, command: &Command) -> Result<CommandAnswer, Failure> {
        let later = |error: serde_json::Error| Failure::Later(error.to_string());
        let body = serde_json::to_vec(command).map_err(later)?;
        let (method, path) = wire::route(command);
        let answer = self.exchange(method, &path, body, id).await?;
        serde_json::from_slice(&answer.body).map_err(later)
    }

    /// Reads, applies and acknowledges messages until there are none.
    async fn poll(&self) -> Result<Result<(), Failure>, Error> {
        for _ in 0..STRIDE {
            let path = format!("{}/messages", wire::BASE);
            let answer = match self.exchange("GET", &path, Vec::new(), &transaction()).await {
                Ok(answer) => answer,
                Err(failure) => return Ok(Err(failure)),
            };
            if answer.status == 204 {
                break;
            }
            let queue: Queue = match serde_json::from_slice(&answer.body) {
                Ok(queue) => queue,
                Err(error) => return Ok(Err(Failure::Later(error.to_string()))),
            };
            let Some(message) = queue.message else { break };
            self.registry.receive_operator_message(&Caller::node(now()), &message).await?;
            let path = format!("{}/messages/{}", wire::BASE, wire::segment(&message.id));
            if let Err(failure) = self.exchange("DELETE", &path, Vec::new(), &transaction()).await {
                return Ok(Err(failure));
            }
        }
        Ok(Ok(()))
    }

    async fn exchange(&self, method: &str, path: &str, body: Vec<u8>, id: &str) -> Result<WebAnswer, Failure> {
        let signed = Signed { method, path, body: &body, transaction: id };
        let headers = self.key.sign(&signed, &self.config.client, clock::seconds() as i64);
        let method = Method::from_bytes(method.as_bytes()).map_err(|error| Failure::Later(error.to_string()))?;
        let url = format!("{}{path}", self.config.url);
        let request = WebRequest { method, url, headers: Vec::new(), body }
            .with_header(HeaderName::from_static("rpp-cltrid"), id)
            .with_header(HeaderName::from_static("content-digest"), headers.content_digest)
            .with_header(HeaderName::from_static("signature-input"), headers.signature_input)
            .with_header(HeaderName::from_static("signature"), headers.signature)
            .with_header(header::CONTENT_TYPE, "application/json");
        let answer = self.web.send(request, ANSWER, DEADLINE).await;
        let answer = answer.map_err(|error| Failure::Later(error.to_string()))?;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let problem: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
        let error = problem.get("errors").and_then(|errors| errors.get(0));
        let text = |name: &str| error.and_then(|error| error.get(name)).and_then(Json::as_str).unwrap_or_default();
        let code = text("result").parse::<ResultCode>().unwrap_or(CODE_FAILED);
        let said = format!("{} {code}: {}", answer.status, text("reason"));
        // Clocks, keys and registration are put right by people: then the request is good as it is.
        match code {
            2000..2400 if code != 2200 => Err(Failure::Refused(code, said)),
            _ => Err(Failure::Later(said)),
        }
    }
}

fn now() -> Time {
    clock::millis() as Time
}

/// For requests that need no memory.
fn transaction() -> String {
    format!("q-{}", hex::encode(random::octets::<10>()))
}
