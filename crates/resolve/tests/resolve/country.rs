//! A country: a root, two top-level nodes, two secondaries and three enterprises, and recursors that resolve in it.

use crate::network::{Network, Node, address, identifier};
use hufu_ident::systems::handle::{Site, kind};
use hufu_ident::{CaseRule, Ttl, Value};
use hufu_resolve::bootstrap::site_at;
use hufu_resolve::{Ask, Bootstrap, Recursor, RecursorLimits, Resolution, Resolved, Trace};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

pub const ROOT: &str = "198.51.100.1:2641";
pub const TOP_88: &str = "198.51.100.88:2641";
pub const TOP_86: &str = "198.51.100.86:2641";
pub const SECONDARY: &str = "203.0.113.118:2641";
pub const SECONDARY_86: &str = "203.0.113.122:2641";
pub const ENTERPRISE: &str = "203.0.113.8:2641";
pub const SIBLING: &str = "203.0.113.9:2641";
pub const ENTERPRISE_86: &str = "203.0.113.2:2641";

/// Milliseconds since the epoch when every test begins.
pub const EPOCH: u64 = 1_750_000_000_000;

pub struct Country {
    pub network: Network,
    pub root: Arc<Node>,
    pub top: Arc<Node>,
    pub secondary: Arc<Node>,
    pub enterprise: Arc<Node>,
    started: Instant,
}

impl Country {
    /// 88 › 88.118 › 88.118.8 and 88.118.9, and 86 › 86.122 › 86.122.2.
    pub fn new() -> Self {
        let network = Network::default();
        let root = Node::new();
        root.home("0.NA");
        network.add(ROOT, &root);
        let top = child(&network, &root, "88", TOP_88, true);
        let secondary = child(&network, &top, "88.118", SECONDARY, true);
        let enterprise = child(&network, &secondary, "88.118.8", ENTERPRISE, false);
        let sibling = child(&network, &secondary, "88.118.9", SIBLING, false);
        let top_86 = child(&network, &root, "86", TOP_86, true);
        let secondary_86 = child(&network, &top_86, "86.122", SECONDARY_86, true);
        let enterprise_86 = child(&network, &secondary_86, "86.122.2", ENTERPRISE_86, false);
        for suffix in ["x", "y", "z"] {
            enterprise.put(&format!("88.118.8/{suffix}"), url(suffix));
            sibling.put(&format!("88.118.9/{suffix}"), url(suffix));
            enterprise_86.put(&format!("86.122.2/{suffix}"), url(suffix));
        }
        Country { network, root, top, secondary, enterprise, started: Instant::now() }
    }

    /// A recursor that knows the root and nothing else.
    pub fn recursor(&self, limits: RecursorLimits) -> Arc<Recursor<Network>> {
        let mut bootstrap = Bootstrap::default();
        bootstrap.add_root(site_at(address(ROOT)));
        self.recursor_from(bootstrap, limits)
    }

    pub fn recursor_from(&self, bootstrap: Bootstrap, limits: RecursorLimits) -> Arc<Recursor<Network>> {
        let started = self.started;
        let clock = move || EPOCH + started.elapsed().as_millis() as u64;
        let recursor = Recursor::new(self.network.clone(), bootstrap, CaseRule::Insensitive, 1 << 20, limits);
        Arc::new(recursor.with_clock(clock))
    }

    /// A node below `parent`, known there.
    pub fn below(&self, parent: &Node, prefix: &str, at: &str) -> Arc<Node> {
        child(&self.network, parent, prefix, at, false)
    }
}

fn child(network: &Network, parent: &Node, prefix: &str, at: &str, delegates: bool) -> Arc<Node> {
    let node = Node::new();
    network.add(at, &node);
    node.home(prefix);
    let mut values = vec![site_value(1, kind::SITE, at)];
    if delegates {
        values.push(site_value(2, kind::SITE_PREFIX, at));
    }
    let handle = format!("0.NA/{prefix}");
    node.put(&handle, values.clone());
    parent.put(&handle, values);
    node
}

/// An HS_SITE or the like for a server that speaks UDP and TCP at one address.
pub fn site_value(index: u32, kind: &str, at: &str) -> Value {
    value_of(index, kind, &site_at(address(at)))
}

pub fn value_of(index: u32, kind: &str, site: &Site) -> Value {
    Value::new(index, kind, site.to_bytes())
}

/// A record of one URL.
pub fn url(text: &str) -> Vec<Value> {
    vec![Value::new(1, "URL", format!("https://example.test/{text}"))]
}

/// The same with a TTL.
pub fn url_for(text: &str, ttl: Ttl) -> Vec<Value> {
    url(text).into_iter().map(|value| Value { ttl, ..value }).collect()
}

/// Resolves without trace.
pub async fn resolve(recursor: &Recursor<Network>, name: &str) -> Resolution {
    recursor.resolve(&identifier(name), Ask::default(), &Trace::off()).await
}

/// Resolves past the cache.
pub async fn resolve_anew(recursor: &Recursor<Network>, name: &str) -> Resolution {
    let ask = Ask { authoritative: true, hops: 0 };
    recursor.resolve(&identifier(name), ask, &Trace::off()).await
}

/// The text of the first value; panics when there is none.
#[track_caller]
pub fn text(resolution: &Resolution) -> String {
    match &resolution.resolved {
        Resolved::Values(values) => {
            let first = values.iter().next().expect("a value");
            String::from_utf8(first.data.to_vec()).expect("text")
        }
        other => panic!("expected values, got {other:?}"),
    }
}

pub fn is_unreachable(resolution: &Resolution) -> bool {
    matches!(resolution.resolved, Resolved::Unreachable(_))
}

/// Lets time pass, for everybody.
pub async fn pass(time: Duration) {
    tokio::time::advance(time).await;
}

pub const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
