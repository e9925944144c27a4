//! Metrics of one node in Prometheus form, names `hufu_…`.

use hufu_ident::Scheme;
use hufu_ident::recognise;
use hufu_ident::systems::handle::wire::{OpCode, ResponseCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::sync::Mutex;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Resolution {
    system: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Change {
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Abroad {
    gateway: String,
    outcome: &'static str,
}

/// Outcomes counted apart.
const OUTCOMES: [&str; 6] = ["found", "absent", "nothing-selected", "not-responsible", "referred", "other"];

/// Counts what a node does. Counters of the hot path are found by position, not by label.
pub struct Meter {
    registry: Mutex<Registry>,
    resolutions: [[Counter; OUTCOMES.len()]; Scheme::ALL.len()],
    changes: Family<Change, Counter>,
    malformed: Counter,
    abroad: Family<Abroad, Counter>,
    waits: Histogram,
    outbox: Gauge,
    activations: Histogram,
}

impl Meter {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("hufu");
        let family = Family::<Resolution, Counter>::default();
        let resolutions = Scheme::ALL.map(|scheme| {
            OUTCOMES.map(|outcome| family.get_or_create(&Resolution { system: scheme.name(), outcome }).clone())
        });
        let changes = Family::default();
        let malformed = Counter::default();
        let abroad = Family::default();
        // From 100 µs to 13 s, doubling.
        let waits = Histogram::new(exponential_buckets(0.000_1, 2.0, 18));
        let outbox = Gauge::default();
        // From 1 ms to 4 hours, doubling.
        let activations = Histogram::new(exponential_buckets(0.001, 2.0, 24));
        let about = "From the decision on a prefix until the node answers accordingly";
        registry.register("activation_latency_seconds", about, activations.clone());
        registry.register("outbox_waiting", "Publications that wait for the records", outbox.clone());
        registry.register(
            "resolution_wait_seconds",
            "Resolutions that waited for the store or upstream",
            waits.clone(),
        );
        registry.register("resolutions", "Questions answered, by identifier system and outcome", family);
        registry.register("changes", "Operations that changed records", changes.clone());
        registry.register("gateway_requests", "Questions to foreign networks, by gateway prefix", abroad.clone());
        registry.register("malformed", "Frames that did not decode", malformed.clone());
        Meter { registry: Mutex::new(registry), resolutions, changes, malformed, abroad, waits, outbox, activations }
    }

    pub fn resolved(&self, name: &str, code: ResponseCode) {
        let system = recognise(name) as usize;
        let outcome = match code {
            ResponseCode::SUCCESS => 0,
            ResponseCode::HANDLE_NOT_FOUND => 1,
            ResponseCode::VALUES_NOT_FOUND => 2,
            ResponseCode::SERVER_NOT_RESP => 3,
            ResponseCode::SERVICE_REFERRAL | ResponseCode::PREFIX_REFERRAL => 4,
            _ => 5,
        };
        self.resolutions[system][outcome].inc();
    }

    /// The time of a resolution that did not end on the spot; those that do are not timed, because that would cost
    /// more than they do.
    pub fn waited(&self, time: Duration) {
        self.waits.observe(time.as_secs_f64());
    }

    pub fn changed(&self, op: OpCode) {
        self.changes.get_or_create(&Change { operation: op.name().unwrap_or("other") }).inc();
    }

    /// A question to a foreign network: `found`, `absent`, `failed` or `paused`.
    pub fn asked_abroad(&self, gateway: &str, outcome: &'static str) {
        self.abroad.get_or_create(&Abroad { gateway: gateway.to_owned(), outcome }).inc();
    }

    /// How many publications of the registry wait.
    pub fn outbox(&self, waiting: i64) {
        self.outbox.set(waiting);
    }

    /// The time from a decision until the node answers accordingly 标识注册生效时间.
    pub fn activated(&self, latency: Duration) {
        self.activations.observe(latency.as_secs_f64());
    }

    pub fn malformed(&self) {
        self.malformed.inc();
    }

    /// Everything in the text format.
    pub fn text(&self) -> String {
        let mut out = String::new();
        if let Ok(registry) = self.registry.lock() {
            let _ = prometheus_client::encoding::text::encode(&mut out, &registry);
        }
        out
    }
}

impl Default for Meter {
    fn default() -> Self {
        Meter::new()
    }
}
