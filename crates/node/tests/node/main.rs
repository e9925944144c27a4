//! Real nodes, as processes, asked over real sockets: a country in small, its outages, its enemies and its clerks.

mod accounts;
mod administration;
mod command_line;
mod control;
mod did;
mod dns;
mod dns_signed;
mod gs1_hierarchy;
mod gs1_resolver;
mod hierarchy;
mod http_identity;
mod limits;
mod moving;
mod onboarding;
mod operations;
mod operator;
mod outage;
mod parse;
mod prefixes;
mod prefixes_killed;
mod replay_http;
mod replay_tcp;
mod sessions;
mod snms;
mod systems;
mod versions;

use hufu_ident::Reference;
use hufu_ident::Value;
use hufu_ident::systems::handle::{AdminRecord, kind, right};
use hufu_node::roles::Role;
use hufu_testkit::node::NodeProcess;
use std::path::Path;
use tempfile::TempDir;

/// The binary under test.
pub fn hufu() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_hufu"))
}

/// One enterprise node, and the directory that goes with it.
pub struct Alone {
    pub node: NodeProcess,
    _home: TempDir,
}

impl Alone {
    /// Lays out an enterprise node of these prefixes; it is started by the test.
    pub fn lay_out(prefixes: &[&str]) -> Self {
        let home = tempfile::tempdir().expect("a scratch directory");
        let node = NodeProcess::lay_out(hufu(), &home.path().join("enterprise"), Role::Enterprise, prefixes);
        Alone { node, _home: home }
    }

    /// Starts an enterprise node of 88.118.8.
    pub fn start() -> Self {
        let mut alone = Alone::lay_out(&["88.118.8"]);
        alone.node.start();
        alone
    }
}

/// A URL value.
pub fn url(index: u32, text: &str) -> Value {
    Value::new(index, kind::URL, text)
}

/// An HS_ADMIN value with all rights.
pub fn admin(index: u32, name: &str) -> Value {
    admin_with(index, name, right::ALL)
}

/// An HS_ADMIN value with some rights.
pub fn admin_with(index: u32, name: &str, rights: u16) -> Value {
    let name = Reference::parse(name).expect("index:handle");
    Value::new(index, kind::ADMIN, AdminRecord::new(rights, name).to_bytes())
}
