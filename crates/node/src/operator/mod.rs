//! The node above: sends what the registry has noted for it, in order, and applies what its queue says.
//!
//! A request goes out again under the same transaction id until there is an answer, so a cut connection does no harm;
//! a message is applied before it is acknowledged, and applied once. The queue is looked at as often as configured.

pub mod signature;
pub mod wire;

use crate::config::OperatorConfig;
use crate::node::Parts;
use crate::{clock, provision, random, telemetry};
use axum::http::{HeaderName, Method, header};
use hufu_client::{Trust, Web, WebAnswer, WebRequest};
use hufu_registry::operator::{CODE_FAILED, CommandAnswer, Contact, OperatorAbove, Outgoing, Queue, ResultCode};
use hufu_registry::{Caller, Error, Registry, Time};
use serde_json::Value as Json;
use signature::{Signed, Signer, SigningKey};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Looks for requests of its own registry so often.
const PAUSE: Duration = Duration::from_millis(500);
/// First and longest pause after the node above was not to be reached; doubled each time.
const SILENCE_FIRST: Duration = Duration::from_secs(1);
const SILENCE_MOST: Duration = Duration::from_secs(30);
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
    /// Failures in a row, and until when nothing is sent.
    failures: u32,
    silent: Option<Instant>,
    /// Own prefixes for which this node answers already.
    homed: HashSet<String>,
}

/// Why there is no answer.
enum Failure {
    /// It is not to be reached, or does not believe this node (then with a code): nothing else would go better.
    Connection(ResultCode, String),
    /// It fails on this request: the next may do better.
    Request(ResultCode, String),
    /// It says no.
    Refused(ResultCode, String),
}

impl Failure {
    fn parts(&self) -> (ResultCode, &str) {
        match self {
            Failure::Connection(code, text) | Failure::Request(code, text) | Failure::Refused(code, text) => {
                (*code, text)
            }
        }
    }
}

/// What the registry is told of the node above; the key is made if there is none.
pub fn above(config: &OperatorConfig) -> std::io::Result<OperatorAbove> {
    let public_key = SigningKey::of_file(&config.key_file)?.public();
    Ok(OperatorAbove { url: config.url.clone(), client: config.client.clone(), public_key })
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
        let homed = parts.config.prefixes.iter().cloned().collect();
        Ok(Some(OperatorLink { parts, registry, config, key, web, failures: 0, silent: None, homed }))
    }

    /// Works until the node stops.
    pub async fn run(mut self) -> std::io::Result<()> {
        let shutdown = self.parts.net.shutdown.clone();
        if self.config.client.is_empty() {
            tracing::warn!("operator.client is empty: nothing is sent until the node above has given an id");
            return Ok(());
        }
        let mut polled = None::<Instant>;
        while !shutdown.is_triggered() {
            if self.silent.is_none_or(|until| until <= Instant::now()) {
                if let Err(error) = self.send_waiting().await {
                    telemetry::incident("operator requests", &error);
                }
                if polled.is_none_or(|last| last.elapsed() >= self.config.poll_interval.0) {
                    polled = Some(Instant::now());
                    if let Err(error) = self.poll().await {
                        telemetry::incident("operator messages", &error);
                    }
                }
            }
            if let Err(error) = self.home_obtained().await {
                telemetry::incident("operator prefixes", &error);
            }
            tokio::select! {
                () = shutdown.triggered() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        Ok(())
    }

    /// Sends what may go now, until nothing may or the node above is not to be reached.
    async fn send_waiting(&mut self) -> Result<(), Error> {
        for _ in 0..STRIDE {
            let Some(next) = self.registry.next_operator_request(now()).await? else { break };
            let (id, caller) = (next.id.as_str(), Caller::node(now()));
            match self.tell(&next).await {
                Ok(answer) => {
                    self.heard();
                    self.registry.operator_accepted(&caller, id, &answer).await?;
                }
                Err(Failure::Refused(code, text)) => {
                    self.heard();
                    tracing::warn!(request = id, code, error = text, "the node above refuses");
                    self.registry.operator_refused(&caller, id, code, &text).await?;
                }
                Err(failure) => {
                    let (code, text) = failure.parts();
                    tracing::warn!(request = id, code, error = text, "the node above gives no decision");
                    self.registry.operator_undecided(id, now(), code, text).await?;
                    if matches!(failure, Failure::Connection(..)) {
                        self.registry.note_contact(now(), Contact::Failed { code, fault: text }).await?;
                        self.be_silent();
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn heard(&mut self) {
        (self.failures, self.silent) = (0, None);
    }

    fn be_silent(&mut self) {
        let pause = SILENCE_FIRST.saturating_mul(1 << self.failures.min(10)).min(SILENCE_MOST);
        (self.failures, self.silent) = (self.failures.saturating_add(1), Some(Instant::now() + pause));
    }

    async fn tell(&self, next: &Outgoing) -> Result<CommandAnswer, Failure> {
        let unreadable = |error: serde_json::Error| Failure::Request(CODE_FAILED, error.to_string());
        let body = serde_json::to_vec(&next.command).map_err(unreadable)?;
        let (method, path) = wire::route(&next.command);
        let answer = self.exchange(method, &path, body, &next.transaction).await?;
        serde_json::from_slice(&answer.body).map_err(unreadable)
    }

    /// Reads, applies and acknowledges messages until there are none, and notes how the node above was found.
    async fn poll(&mut self) -> Result<(), Error> {
        for _ in 0..STRIDE {
            match self.next_message().await? {
                Ok(0) => break,
                Ok(_) => self.heard(),
                Err(failure) => {
                    let (code, fault) = failure.parts();
                    tracing::warn!(code, error = fault, "the queue of the node above cannot be read");
                    self.registry.note_contact(now(), Contact::Failed { code, fault }).await?;
                    if matches!(failure, Failure::Connection(..)) {
                        self.be_silent();
                    }
                    break;
                }
            }
        }
        Ok(())
    }

    /// Applies the head of the queue and removes it; says how many messages there were.
    async fn next_message(&self) -> Result<Result<i64, Failure>, Error> {
        let path = format!("{}/messages", wire::BASE);
        let answer = match self.exchange("GET", &path, Vec::new(), &transaction()).await {
            Ok(answer) => answer,
            Err(failure) => return Ok(Err(failure)),
        };
        let queue = match answer.status {
            204 => Queue { count: 0, message: None },
            _ => match serde_json::from_slice::<Queue>(&answer.body) {
                Ok(queue) => queue,
                Err(error) => return Ok(Err(Failure::Request(CODE_FAILED, error.to_string()))),
            },
        };
        self.registry.note_contact(now(), Contact::Answered { queue: queue.count }).await?;
        let Some(message) = queue.message else { return Ok(Ok(0)) };
        self.registry.receive_operator_message(&Caller::node(now()), &message).await?;
        let path = format!("{}/messages/{}", wire::BASE, wire::segment(&message.id));
        Ok(self.exchange("DELETE", &path, Vec::new(), &transaction()).await.map(|_| queue.count))
    }

    /// Answers for own prefixes that were obtained while the node runs; at its start it does so anyway.
    async fn home_obtained(&mut self) -> Result<(), Error> {
        let obtained = self.registry.obtained_prefixes().await?;
        let new: Vec<String> = obtained.into_iter().filter(|prefix| !self.homed.contains(prefix)).collect();
        let Some(store) = self.parts.store.as_ref().filter(|_| !new.is_empty()) else { return Ok(()) };
        let config = crate::config::Config { prefixes: new.clone(), ..self.parts.config.clone() };
        let done = provision::provision(store, &config, &self.parts.identity.site).await;
        done.map_err(|error| Error::Fault(error.to_string()))?;
        tracing::info!(prefixes = ?new, "obtained from the node above");
        self.homed.extend(new);
        Ok(())
    }

    async fn exchange(&self, method: &str, path: &str, body: Vec<u8>, id: &str) -> Result<WebAnswer, Failure> {
        let signed = Signed { method, path, body: &body, transaction: id };
        let nonce = hex::encode(random::octets::<16>());
        let signer = Signer { client: self.config.client.clone(), created: clock::seconds() as i64, nonce };
        let headers = self.key.sign(&signed, &signer);
        let unsent = |error: String| Failure::Connection(0, error);
        let method = Method::from_bytes(method.as_bytes()).map_err(|error| unsent(error.to_string()))?;
        let url = format!("{}{path}", self.config.url);
        let request = WebRequest { method, url, headers: Vec::new(), body }
            .with_header(HeaderName::from_static("rpp-cltrid"), id)
            .with_header(HeaderName::from_static("content-digest"), headers.content_digest)
            .with_header(HeaderName::from_static("signature-input"), headers.signature_input)
            .with_header(HeaderName::from_static("signature"), headers.signature)
            .with_header(header::CONTENT_TYPE, "application/json");
        let answer = self.web.send(request, ANSWER, DEADLINE).await;
        let answer = answer.map_err(|error| unsent(error.to_string()))?;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let problem: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
        let error = problem.get("errors").and_then(|errors| errors.get(0));
        let text = |name: &str| error.and_then(|error| error.get(name)).and_then(Json::as_str).unwrap_or_default();
        let code = text("result").parse::<ResultCode>().unwrap_or(0);
        let said = format!("HTTP {}, {code}: {}", answer.status, text("reason"));
        // Clocks, keys and registration are put right by people: then the request is good as it is.
        Err(match code {
            2200 => Failure::Connection(code, said),
            2000..2400 => Failure::Refused(code, said),
            2400 => Failure::Request(code, said),
            // Something between the nodes has answered, or the rate is used up.
            _ if matches!(answer.status, 429 | 502..=504) => Failure::Connection(0, said),
            _ => Failure::Request(CODE_FAILED, said),
        })
    }
}

fn now() -> Time {
    clock::millis() as Time
}

/// For requests that need no memory.
fn transaction() -> String {
    format!("q-{}", hex::encode(random::octets::<10>()))
}
