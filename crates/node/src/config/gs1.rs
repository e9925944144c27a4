//! `[gs1]`: the node as a GS1-conformant resolver, and who may fill it by the management API.

use super::ConfigError;
use hufu_ident::Reference;
use hufu_ident::systems::gs1::Companies;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Keys that a resolver may declare (GS1 resolver description file).
const KEYS: [&str; 21] = [
    "all", "00", "01", "253", "255", "401", "402", "410", "411", "412", "413", "414", "415", "417", "8003", "8004",
    "8006", "8010", "8013", "8017", "8018",
];

/// The GS1 door of the HTTP listener.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Gs1Config {
    /// Answer GS1 Digital Link URIs.
    pub enabled: bool,
    /// What stands before the key in the URIs of this resolver, `https://id.example.cn`; without it, the host that was
    /// asked.
    pub resolver_root: Option<String>,
    /// The resolver's name; without it, the node's.
    pub name: Option<String>,
    /// AIs of the keys that are served, or `all`.
    pub supported_keys: Vec<String>,
    /// The form of linksets: `1.1` validates against the published schema, `1.2` adds `description`.
    pub linkset_profile: LinksetProfile,
    /// Values of `context` that links here use.
    pub contexts: Vec<String>,
    pub terms_of_use: Option<String>,
    /// Known company prefixes, of 6 to 12 digits: with them codes have EPC spellings that cut the key there. The
    /// longest that a key begins with counts.
    pub company_prefixes: Vec<String>,
    /// Where the management API stands: `/api`.
    pub management: String,
    pub contact: Gs1Contact,
    /// Who may use the management API.
    pub token: Vec<Gs1Token>,
}

/// The published linkset schema is of release 1.1; release 1.2.0 adds a member that it refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum LinksetProfile {
    #[serde(rename = "1.1")]
    V1_1,
    #[serde(rename = "1.2")]
    V1_2,
}

/// Whom the description file names.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Gs1Contact {
    pub name: Option<String>,
    pub street_address: Option<String>,
    pub locality: Option<String>,
    pub region: Option<String>,
    pub country: Option<String>,
    pub postal_code: Option<String>,
    pub telephone: Option<String>,
}

/// A bearer token and whom it stands for.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Gs1Token {
    /// Holds the token, at least 16 characters.
    pub file: PathBuf,
    /// `index:handle`; its ordinary rights apply: `301:0.NA/gs1:0950600`.
    pub identity: String,
}

impl Default for Gs1Config {
    fn default() -> Self {
        Gs1Config {
            enabled: true,
            resolver_root: None,
            name: None,
            supported_keys: vec!["all".into()],
            linkset_profile: LinksetProfile::V1_1,
            contexts: Vec::new(),
            terms_of_use: None,
            company_prefixes: Vec::new(),
            management: "/api".into(),
            contact: Gs1Contact::default(),
            token: Vec::new(),
        }
    }
}

impl Gs1Config {
    /// The known company prefixes as a table.
    pub fn companies(&self) -> Result<Companies, ConfigError> {
        Companies::of_prefixes(self.company_prefixes.iter().map(String::as_str))
            .map_err(|refusal| ConfigError::rule("gs1.company-prefixes", refusal.to_string()))
    }

    pub fn check(&self) -> Result<(), ConfigError> {
        self.companies()?;
        let root = self.resolver_root.as_deref();
        if root.is_some_and(|root| !hufu_ident::systems::gs1::links::is_target(root) || root.ends_with('/')) {
            return Err(ConfigError::rule("gs1.resolver-root", "must be an http(s) URL without a / at its end"));
        }
        if let Some(key) = self.supported_keys.iter().find(|key| !KEYS.contains(&key.as_str())) {
            let rule = format!("{key:?} is no key; write \"all\", or AIs such as \"01\", \"414\"");
            return Err(ConfigError::rule("gs1.supported-keys", rule));
        }
        if !self.management.starts_with('/') || self.management.ends_with('/') {
            return Err(ConfigError::rule("gs1.management", "must be a path such as \"/api\""));
        }
        for token in &self.token {
            let indexed = token.identity.split_once(':').is_some_and(|(index, _)| index.parse::<u32>().is_ok());
            if !indexed || Reference::parse(&token.identity).is_none() {
                let rule = format!("{:?} must read index:handle, e.g. \"301:0.NA/gs1:0950600\"", token.identity);
                return Err(ConfigError::rule("gs1.token.identity", rule));
            }
        }
        Ok(())
    }
}
