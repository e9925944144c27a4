//! `[registry]`: the control plane of a node and the database that it keeps.

use super::ConfigError;
use hufu_registry::audit::ChainDigest;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The control plane. Roles that have none ignore it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RegistryConfig {
    pub enabled: bool,
    /// `sqlite:FILE`, relative to the data directory, or `postgres://USER@HOST/DATABASE`. The environment variable
    /// HUFU_REGISTRY_DATABASE overrides it, so that a password need not stand in the file.
    pub database: String,
    /// Hash of the audit chain: `sm3` or `sha256`.
    pub audit_digest: ChainDigest,
    /// Where the operator on this machine administers the node; relative to the data directory.
    pub socket: PathBuf,
    /// Where documents of applications are kept; relative to the data directory.
    pub documents: PathBuf,
    /// Who administers the node at first (TOML: `organisation`, `[[accounts]]` with `login`, `name`, `email`, `roles`);
    /// read once, at the first start. Without it the three administrators and a platform operator are made.
    pub first_accounts: Option<PathBuf>,
}

impl Default for RegistryConfig {
    fn default() -> Self {
        RegistryConfig {
            enabled: true,
            database: "sqlite:registry.db".into(),
            audit_digest: ChainDigest::Sm3,
            socket: "hufu.sock".into(),
            documents: "documents".into(),
            first_accounts: None,
        }
    }
}

impl RegistryConfig {
    pub fn check(&self) -> Result<(), ConfigError> {
        let known = ["sqlite:", "postgres://", "postgresql://"];
        if !known.iter().any(|start| self.database.starts_with(start)) {
            let rule = "must be \"sqlite:registry.db\" or \"postgres://user@host/database\"";
            return Err(ConfigError::rule("registry.database", rule));
        }
        Ok(())
    }

    /// What the database driver is given.
    pub fn url(&self, data: &Path) -> String {
        match self.database.strip_prefix("sqlite:") {
            Some(file) => format!("sqlite://{}?mode=rwc", data.join(file.trim_start_matches("//")).display()),
            None => self.database.clone(),
        }
    }
}
