//! Metrics of one node in Prometheus form, names `hufu_…`.

use hufu_ident::Scheme;
use hufu_ident::recognise;
use hufu_ident::systems::handle::wire::{OpCode, ResponseCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use std::sync::Mutex;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Resolution {
    system: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Change {
    operation: &'static str,
}

/// Outcomes counted apart.
const OUTCOMES: [&str; 6] = ["found", "absent", "nothing-selected", "not-responsible", "referred", "other"];

/// Counts what a node does. Counters of the hot path are found by position, not by label.
pub struct Meter {
    registry: Mutex<Registry>,
    resolutions: [[Counter; OUTCOMES.len()]; Scheme::ALL.len()],
    changes: Family<Change, Counter>,
    malformed: Counter,
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
        registry.register("resolutions", "Questions answered, by identifier system and outcome", family);
        registry.register("changes", "Operations that changed records", changes.clone());
        registry.register("malformed", "Frames that did not decode", malformed.clone());
        Meter { registry: Mutex::new(registry), resolutions, changes, malformed }
    }

    pub fn resolved(&self, name: &str, code: ResponseCode) {
        let system = match recognise(name) {
            Scheme::Handle => 0,
            Scheme::Vaa => 1,
        };
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

    pub fn changed(&self, op: OpCode) {
        self.changes.get_or_create(&Change { operation: op.name().unwrap_or("other") }).inc();
    }

    pub fn malformed(&self) {
        self.malformed.inc();
    }

    /// Registers a gauge or counter of another part.
    pub fn register(&self, name: &str, help: &str, metric: impl prometheus_client::registry::Metric) {
        if let Ok(mut registry) = self.registry.lock() {
            registry.register(name, help, metric);
        }
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
