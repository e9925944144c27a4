//! `[operator]`: the registry operator above, with whom this node registers its prefix and those below it.

use super::{ConfigError, Span};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Longest and shortest pause between two looks at the queue, in seconds.
const POLL: std::ops::RangeInclusive<u64> = 1..=86_400;

/// The node above. Without `url` there is none.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct OperatorConfig {
    /// `https://host:port`, without a path.
    pub url: String,
    /// Id that the node above has given this one; empty until it has: then nothing is sent.
    pub client: String,
    /// PKCS#8 PEM of an Ed25519 key; made if it is not there. Relative to the configuration file.
    pub key_file: PathBuf,
    /// How often the queue of the node above is looked at.
    pub poll_interval: Span,
    /// PEM of authorities that are believed beside the machine's own.
    pub certificates: Option<PathBuf>,
}

impl Default for OperatorConfig {
    fn default() -> Self {
        OperatorConfig {
            url: String::new(),
            client: String::new(),
            key_file: "operator-key.pem".into(),
            poll_interval: Span::seconds(30),
            certificates: None,
        }
    }
}

impl OperatorConfig {
    /// Whether there is a node above.
    pub fn is_set(&self) -> bool {
        !self.url.is_empty()
    }

    pub fn check(&self) -> Result<(), ConfigError> {
        if !self.is_set() {
            return Ok(());
        }
        let local = ["http://127.0.0.1:", "http://[::1]:", "http://localhost:"];
        let secure = self.url.starts_with("https://") || local.iter().any(|start| self.url.starts_with(start));
        let bare = self.url.split_once("://").is_some_and(|(_, rest)| !rest.is_empty() && !rest.contains('/'));
        if !secure || !bare {
            return Err(ConfigError::rule("operator.url", "must be \"https://host:port\" (http only on this machine)"));
        }
        if !POLL.contains(&self.poll_interval.0.as_secs()) {
            return Err(ConfigError::rule("operator.poll-interval", "must be between 1s and 1d"));
        }
        Ok(())
    }
}
