//! Roles: recipes that say which parts a node has and whom it faces. Nothing else in the node knows a role.

mod enterprise;
mod recursive;
mod root;
mod secondary;
mod top_level;

use serde::{Deserialize, Serialize};

/// What a node is in the hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// International root gateway.
    Root,
    /// National top-level node 国家顶级节点.
    TopLevel,
    /// Secondary node 二级节点.
    Secondary,
    /// Enterprise node 企业节点.
    Enterprise,
    /// Recursive node 递归节点.
    Recursive,
}

/// The parts of a node and the defaults that go with its place.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Keeps records and answers from them.
    pub authority: bool,
    /// Resolves for clients, with a cache.
    pub recursion: bool,
    /// Accepts operations that change records.
    pub administration: bool,
    /// Has a control plane: organisations, accounts, review, prefixes.
    pub registry: bool,
    /// Prefix suggested by `hufu init`.
    pub example_prefix: Option<&'static str>,
    /// Whether the prefix handle of its own prefix says where the prefixes below it are served.
    pub delegates_below: bool,
    pub handle_port: u16,
    pub http_port: u16,
    pub admin_port: u16,
    /// Default answer shape of the gateway at `/{identifier}?format=`.
    pub gateway_json: bool,
    pub zh: &'static str,
    pub en: &'static str,
    /// What to do after `hufu init`, printed and written at the head of the configuration.
    pub next: &'static [&'static str],
}

impl Role {
    pub const ALL: [Role; 5] = [Role::Root, Role::TopLevel, Role::Secondary, Role::Enterprise, Role::Recursive];

    pub fn recipe(self) -> Recipe {
        match self {
            Role::Root => root::recipe(),
            Role::TopLevel => top_level::recipe(),
            Role::Secondary => secondary::recipe(),
            Role::Enterprise => enterprise::recipe(),
            Role::Recursive => recursive::recipe(),
        }
    }

    /// Its name in configuration and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Role::Root => "root",
            Role::TopLevel => "top-level",
            Role::Secondary => "secondary",
            Role::Enterprise => "enterprise",
            Role::Recursive => "recursive",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Role::ALL.into_iter().find(|role| role.name() == text)
    }
}
