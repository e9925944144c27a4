//! The configuration of one node: a TOML file, checked whole before anything starts.
//!
//! `version = "v1"`, kebab-case, unknown keys are errors. Defaults < file < environment (`HUFU_…`) < arguments.

mod dns;
pub mod ecode;
mod gs1;
mod operator;
mod registry;
mod units;

pub use dns::{DnsConfig, NameServer};
pub use gs1::{Gs1Config, Gs1Contact, Gs1Token, LinksetProfile};
pub use operator::OperatorConfig;
pub use registry::RegistryConfig;
pub use units::{Octets, Span};

use crate::roles::Role;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// A node's whole configuration.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// The configuration language, `v1`.
    pub version: String,
    pub role: Role,
    /// What people call this node.
    pub name: String,
    /// Prefixes whose identifiers live here, homed at first start.
    #[serde(default)]
    pub prefixes: Vec<String>,
    /// A table of Ecode numbering schemes (`V NSI rule zh en origin` between tabs), before the built-in demo rows. One
    /// for all nodes of a process: a node with another one does not start.
    #[serde(default)]
    pub ecode_schemes: Option<PathBuf>,
    /// Identifiers offered on the start page.
    #[serde(default)]
    pub samples: Vec<String>,
    /// Where records and the node's own files are kept. Relative to the configuration file.
    pub data_directory: PathBuf,
    #[serde(default)]
    pub handle: HandleConfig,
    #[serde(default)]
    pub http: HttpConfig,
    #[serde(default)]
    pub gs1: Gs1Config,
    #[serde(default)]
    pub dns: DnsConfig,
    #[serde(default)]
    pub admin: AdminConfig,
    #[serde(default)]
    pub administration: AdministrationConfig,
    #[serde(default)]
    pub registry: RegistryConfig,
    #[serde(default)]
    pub operator: OperatorConfig,
    #[serde(default)]
    pub store: StoreConfig,
    #[serde(default)]
    pub resolution: ResolutionConfig,
    #[serde(default)]
    pub limits: LimitsConfig,
    #[serde(default)]
    pub log: LogConfig,
}

/// The Handle protocol's sockets and the site record that names them.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct HandleConfig {
    pub listen: Vec<IpAddr>,
    pub udp_port: u16,
    pub tcp_port: u16,
    /// Threads that do nothing but UDP, one socket each; 0 serves UDP on the shared runtime.
    pub udp_workers: usize,
    /// Compare suffixes octet by octet.
    pub case_sensitive: bool,
    /// Addresses that others reach this node at; empty means the listening ones that are not wildcards.
    pub advertise: Vec<IpAddr>,
    /// Serial of the site record; increase it when addresses, ports or keys change.
    pub site_serial: u16,
    /// RSA key that signs answers (PEM, PKCS#8).
    pub key_file: PathBuf,
}

impl Default for HandleConfig {
    fn default() -> Self {
        HandleConfig {
            listen: vec!["0.0.0.0".parse().unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)), any_v6()],
            udp_port: 2641,
            tcp_port: 2641,
            udp_workers: 0,
            case_sensitive: false,
            advertise: Vec::new(),
            site_serial: 1,
            key_file: "server-key.pem".into(),
        }
    }
}

fn any_v6() -> IpAddr {
    IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED)
}

/// The HTTP listener: JSON API, proxy, gateway and tunnel.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct HttpConfig {
    pub enabled: bool,
    pub listen: Vec<IpAddr>,
    pub port: u16,
    /// PEM files; with them the port speaks both HTTP and HTTPS.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// Accept passwords over plain HTTP from this machine itself. Never from elsewhere.
    pub plain_credentials_on_loopback: bool,
    /// Let anybody list the identifiers of a prefix over HTTP.
    pub public_listing: bool,
    /// Where the public reaches the proxy, for links to other identifiers.
    pub public_url: Option<String>,
    /// Serve the SNMS dialect, on secondary and enterprise nodes with a registry.
    pub snms: bool,
}

impl Default for HttpConfig {
    fn default() -> Self {
        HttpConfig {
            enabled: true,
            listen: HandleConfig::default().listen,
            port: 8000,
            certificate: None,
            key: None,
            plain_credentials_on_loopback: false,
            public_listing: false,
            public_url: None,
            snms: true,
        }
    }
}

/// The operator's listener: liveness, readiness, metrics. Keep it off the public network.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AdminConfig {
    pub enabled: bool,
    pub listen: Vec<IpAddr>,
    pub port: u16,
}

impl Default for AdminConfig {
    fn default() -> Self {
        AdminConfig { enabled: true, listen: vec![IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)], port: 9300 }
    }
}

/// Who may administer, and how proofs are judged.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AdministrationConfig {
    /// Identities `index:handle` with every right on this node.
    pub server_administrators: Vec<String>,
    /// Whether those also have every right in every record here.
    pub full_access: bool,
    /// Look for administrators in the prefix handle too.
    pub prefix_administrators: bool,
    /// Answer listings of a prefix to whoever has the right.
    pub allow_listing: bool,
    /// Accept proofs by MD5 and SHA-1 alone, as clients before 2010 make them.
    pub legacy_clients: bool,
    /// Secret of the first administrator (`301:0.NA/<prefix>`), read at first start only.
    pub secret_file: Option<PathBuf>,
    /// Public key (PEM) of the first administrator, value 300 of the prefix handle, read at first start only.
    pub public_key_file: Option<PathBuf>,
    pub challenge_life: Span,
}

impl Default for AdministrationConfig {
    fn default() -> Self {
        AdministrationConfig {
            server_administrators: Vec::new(),
            full_access: true,
            prefix_administrators: true,
            allow_listing: true,
            legacy_clients: false,
            secret_file: None,
            public_key_file: None,
            challenge_life: Span::seconds(60),
        }
    }
}

/// The embedded record store.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct StoreConfig {
    /// Memory for blocks read from disk.
    pub cache: Octets,
    /// Memory for whole records in front of the store.
    pub record_cache: Octets,
}

impl Default for StoreConfig {
    fn default() -> Self {
        StoreConfig { cache: Octets::mebi(64), record_cache: Octets::mebi(64) }
    }
}

/// How this node resolves what it does not hold.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ResolutionConfig {
    /// Resolve for clients that ask for it.
    pub recursion: bool,
    /// Addresses of root servers.
    pub root: Vec<SocketAddr>,
    /// First hops for prefixes, e.g. the national top-level nodes for 88 and 86.
    pub upstream: Vec<UpstreamConfig>,
    /// Ways to other systems' own networks, one a prefix.
    #[serde(rename = "gateway")]
    pub gateways: Vec<GatewayConfig>,
    pub cache: Octets,
    pub max_ttl: Span,
    pub negative_ttl: Span,
    pub max_stale: Span,
    pub deadline: Span,
    pub attempt: Span,
    pub private_addresses: PrivateAddresses,
}

impl Default for ResolutionConfig {
    fn default() -> Self {
        ResolutionConfig {
            recursion: false,
            root: Vec::new(),
            upstream: Vec::new(),
            gateways: Vec::new(),
            cache: Octets::mebi(256),
            max_ttl: Span::seconds(172_800),
            negative_ttl: Span::seconds(30),
            max_stale: Span::seconds(86_400),
            deadline: Span::seconds(8),
            attempt: Span::seconds(2),
            private_addresses: PrivateAddresses::Auto,
        }
    }
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct UpstreamConfig {
    pub prefix: String,
    pub servers: Vec<SocketAddr>,
}

/// A way to servers of another system's own network.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GatewayConfig {
    /// `gs1:` for a whole system, asked where our own nodes know nobody; `gs1:950` for a part, as if delegated.
    pub prefix: String,
    pub protocol: GatewayProtocol,
    /// The base of a resolver; for `http` a URL with `{identifier}` in it; for `dns` a resolver and a zone,
    /// `dns://192.0.2.53:53/oid-res.org`.
    pub url: String,
    /// PEM file of authorities to believe besides the machine's own.
    pub certificates: Option<PathBuf>,
    #[serde(default = "GatewayConfig::usual_timeout")]
    pub timeout: Span,
    /// Lifetime of answers that name none.
    #[serde(default = "GatewayConfig::usual_ttl")]
    pub ttl: Span,
}

impl GatewayConfig {
    fn usual_timeout() -> Span {
        Span::seconds(3)
    }

    fn usual_ttl() -> Span {
        Span::seconds(3600)
    }
}

/// What the servers behind a gateway speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GatewayProtocol {
    /// A GS1-conformant resolver: linksets.
    Gs1,
    /// The DNS, for OIDs: NAPTR records below a zone.
    Dns,
    /// A universal resolver: DID documents.
    Did,
    /// A URL that redirects, or answers with gateway JSON.
    Http,
}

/// Whether servers on private addresses may be asked when a record names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrivateAddresses {
    Allow,
    Refuse,
    /// Allowed when the configured root or upstream is itself on a private address.
    Auto,
}

/// Bounds of the sockets.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Octets of one message; at most 256 KiB, the protocol's bound.
    pub message: Octets,
    pub tcp_connections: usize,
    pub tcp_connections_per_client: usize,
    pub requests_in_flight_per_connection: usize,
    pub idle_timeout: Span,
    /// Requests per second from one client network (/32, /56); 0 = no limit.
    pub requests_per_second: u32,
    /// Octets per second of UDP answers to one client network; 0 = no limit.
    pub udp_answer_rate: Octets,
    /// Client networks without those two limits.
    pub rate_exempt: Vec<IpNet>,
    /// Time for requests in flight to end at shutdown.
    pub drain: Span,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        LimitsConfig {
            message: Octets::kibi(256),
            tcp_connections: 10_000,
            tcp_connections_per_client: 256,
            requests_in_flight_per_connection: 512,
            idle_timeout: Span::seconds(660),
            requests_per_second: 5_000,
            udp_answer_rate: Octets::mebi(4),
            rate_exempt: ["127.0.0.0/8", "::1/128"].iter().filter_map(|net| net.parse().ok()).collect(),
            drain: Span::seconds(10),
        }
    }
}

/// What is written to the log.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug` or a filter like `info,hufu_node=debug`.
    pub level: String,
    pub format: LogFormat,
    /// Write every question with its outcome to this file. Holds identifiers: protect it.
    pub queries: Option<PathBuf>,
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig { level: "info".into(), format: LogFormat::Text, queries: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    Text,
    Json,
}

/// What is wrong with a configuration: where, and what to write instead.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{path}: cannot be read: {error}. Write one with `hufu init <role>`.")]
    Unreadable { path: PathBuf, error: std::io::Error },
    #[error("{path}: {error}")]
    Syntax { path: PathBuf, error: Box<toml::de::Error> },
    #[error("{key}: {rule}")]
    Rule { key: String, rule: String },
}

impl ConfigError {
    pub(crate) fn rule(key: &str, rule: impl Into<String>) -> Self {
        ConfigError::Rule { key: key.into(), rule: rule.into() }
    }
}

impl Config {
    /// A configuration of a role with defaults everywhere else.
    pub fn new(role: Role, name: &str, data_directory: PathBuf) -> Self {
        Config {
            version: "v1".into(),
            role,
            name: name.into(),
            prefixes: Vec::new(),
            ecode_schemes: None,
            samples: Vec::new(),
            data_directory,
            handle: HandleConfig::default(),
            http: HttpConfig::default(),
            gs1: Gs1Config::default(),
            dns: DnsConfig::default(),
            admin: AdminConfig::default(),
            administration: AdministrationConfig::default(),
            registry: RegistryConfig::default(),
            operator: OperatorConfig::default(),
            store: StoreConfig::default(),
            resolution: ResolutionConfig::default(),
            limits: LimitsConfig::default(),
            log: LogConfig::default(),
        }
    }

    /// Whether the node has a control plane.
    pub fn has_registry(&self) -> bool {
        self.registry.enabled && self.role.recipe().registry
    }

    /// Reads and checks a file; paths in it are relative to it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable { path: path.into(), error })?;
        let mut config: Config =
            toml::from_str(&text).map_err(|error| ConfigError::Syntax { path: path.into(), error: Box::new(error) })?;
        config.apply_environment()?;
        let base = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        config.make_absolute(base);
        // Prefixes may be of a scheme that only this table knows.
        if let Some(path) = &config.ecode_schemes {
            ecode::make_known(path)?;
        }
        config.check()?;
        Ok(config)
    }

    /// `HUFU_HTTP_PORT`, `HUFU_HANDLE_PORT`, `HUFU_ADMIN_PORT`, `HUFU_DATA_DIRECTORY`, `HUFU_LOG`, `HUFU_ECODE_SCHEMES`
    /// and `HUFU_REGISTRY_DATABASE` override the file.
    fn apply_environment(&mut self) -> Result<(), ConfigError> {
        let port = |name: &str| -> Result<Option<u16>, ConfigError> {
            let Ok(text) = std::env::var(name) else { return Ok(None) };
            text.parse().map(Some).map_err(|_| ConfigError::rule(name, "must be a port number 0–65535"))
        };
        if let Some(number) = port("HUFU_HTTP_PORT")? {
            self.http.port = number;
        }
        if let Some(number) = port("HUFU_ADMIN_PORT")? {
            self.admin.port = number;
        }
        if let Some(number) = port("HUFU_HANDLE_PORT")? {
            self.handle.udp_port = number;
            self.handle.tcp_port = number;
        }
        if let Some(directory) = std::env::var_os("HUFU_DATA_DIRECTORY") {
            self.data_directory = directory.into();
        }
        if let Ok(level) = std::env::var("HUFU_LOG") {
            self.log.level = level;
        }
        if let Ok(database) = std::env::var("HUFU_REGISTRY_DATABASE") {
            self.registry.database = database;
        }
        if let Some(path) = ecode::of_environment() {
            self.ecode_schemes = Some(path);
        }
        Ok(())
    }

    fn make_absolute(&mut self, base: &Path) {
        self.data_directory = base.join(&self.data_directory);
        let own = [
            Some(&mut self.handle.key_file),
            Some(&mut self.dns.key_file),
            self.http.certificate.as_mut(),
            self.http.key.as_mut(),
            self.administration.secret_file.as_mut(),
            self.administration.public_key_file.as_mut(),
            self.log.queries.as_mut(),
            self.ecode_schemes.as_mut(),
            self.registry.first_accounts.as_mut(),
            Some(&mut self.operator.key_file),
            self.operator.certificates.as_mut(),
        ];
        let certificates = self.resolution.gateways.iter_mut().map(|gateway| gateway.certificates.as_mut());
        let tokens = self.gs1.token.iter_mut().map(|token| Some(&mut token.file));
        for path in own.into_iter().chain(certificates).chain(tokens).flatten() {
            *path = base.join(&*path);
        }
    }

    /// Checks what the file's syntax cannot.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.version != "v1" {
            return Err(ConfigError::rule("version", format!("must be \"v1\", not {:?}", self.version)));
        }
        for prefix in &self.prefixes {
            hufu_ident::Prefix::parse(prefix).map_err(|refusal| ConfigError::rule("prefixes", refusal.to_string()))?;
        }
        // A node below an operator may begin without one and ask for it.
        if self.role.recipe().authority && self.prefixes.is_empty() && !self.operator.is_set() {
            let rule = format!("the role {} needs at least one prefix, e.g. [\"88.118.8\"]", self.role.name());
            return Err(ConfigError::rule("prefixes", rule));
        }
        for upstream in &self.resolution.upstream {
            hufu_ident::Prefix::parse(&upstream.prefix)
                .map_err(|refusal| ConfigError::rule("resolution.upstream.prefix", refusal.to_string()))?;
        }
        for gateway in &self.resolution.gateways {
            let prefix = hufu_ident::Prefix::parse(&gateway.prefix);
            let prefix =
                prefix.map_err(|refusal| ConfigError::rule("resolution.gateway.prefix", refusal.to_string()))?;
            if prefix.path().is_none() {
                let rule =
                    format!("{:?}: only for systems beside Handle, e.g. \"gs1:\" (use upstream)", gateway.prefix);
                return Err(ConfigError::rule("resolution.gateway.prefix", rule));
            }
            let url = &gateway.url;
            let good = match gateway.protocol {
                GatewayProtocol::Dns => crate::gateway::dns_target(url).is_some(),
                _ => url.starts_with("https://") || url.starts_with("http://"),
            };
            if !good {
                let rule = format!("{url:?} must begin with https:// or http://, or read dns://192.0.2.53:53/zone");
                return Err(ConfigError::rule("resolution.gateway.url", rule));
            }
        }
        for identity in &self.administration.server_administrators {
            let named = identity.split_once(':').is_some_and(|(index, _)| index.parse::<u32>().is_ok());
            if !named || hufu_ident::Reference::parse(identity).is_none() {
                let rule = format!("{identity:?} must read index:handle, e.g. \"301:0.NA/88.118.8\"");
                return Err(ConfigError::rule("administration.server-administrators", rule));
            }
        }
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.log.level) {
            return Err(ConfigError::rule("log.level", format!("{:?} is no level or filter: {error}", self.log.level)));
        }
        if self.handle.listen.is_empty() {
            return Err(ConfigError::rule("handle.listen", "needs at least one address"));
        }
        if self.http.certificate.is_some() != self.http.key.is_some() {
            return Err(ConfigError::rule("http.certificate", "certificate and key belong together: set both or none"));
        }
        let knows = &self.resolution;
        let knows_nobody = knows.root.is_empty() && knows.upstream.is_empty() && knows.gateways.is_empty();
        if self.role.recipe().recursion && knows_nobody {
            let rule = "a recursive node needs root servers (root = [\"192.0.2.1:2641\"]) or first hops (upstream)";
            return Err(ConfigError::rule("resolution.root", rule));
        }
        self.gs1.check()?;
        self.registry.check()?;
        self.operator.check()?;
        self.dns.check()?;
        if self.limits.message.0 > 262_144 || self.limits.message.0 < 512 {
            return Err(ConfigError::rule("limits.message", "must be between 512 octets and 256KiB"));
        }
        Ok(())
    }
}
