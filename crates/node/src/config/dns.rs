//! `[dns]`: the DNS listener, the zone of object identifiers, and where ordinary names are asked for.

use super::{ConfigError, HandleConfig, Octets, Span};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// The DNS listener: object identifiers as names of a zone (ITU-T X.672).
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DnsConfig {
    pub enabled: bool,
    pub listen: Vec<IpAddr>,
    /// A parent node refers here by NS only if this is 53.
    pub port: u16,
    /// UDP sockets on each address; 0 is one.
    pub workers: usize,
    /// The name below which the reversed arcs stand: `oid-res.org` by the standard, or one's own.
    pub zone: String,
    /// Whether the zone's own apex is here. Below a parent node that refers by NS, `false`: then the apexes are the
    /// names of this node's own OID prefixes, and nothing else is answered.
    pub apex: bool,
    /// Sign the zone (DNSSEC). A parent node vouches for the key once it delegates to this node by NS.
    pub signed: bool,
    /// The signing key, a P-256 key in PKCS#8 PEM; made at the first start.
    pub key_file: PathBuf,
    /// The zone's name servers; empty means this node alone, as `ns1` below each apex.
    pub nameservers: Vec<NameServer>,
    /// Mailbox of the SOA record, `@` as a dot; empty means `hostmaster` below the apex.
    pub hostmaster: String,
    /// The longest TTL in an answer.
    pub max_ttl: Span,
    /// How long an absence may be kept by others.
    pub negative_ttl: Span,
    /// Resolvers that a node which resolves for others asks for ordinary names; empty refuses such names.
    pub forward: Vec<SocketAddr>,
    /// How long one of them is waited for.
    pub forward_wait: Span,
    /// Memory for their answers.
    pub forward_cache: Octets,
    /// Clients for which this node recurses and forwards. Keep it narrow: whoever answers everybody amplifies attacks.
    pub clients: Vec<IpNet>,
}

/// A name server of the zone.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NameServer {
    pub name: String,
    /// Served as A and AAAA if the name lies in the zone.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
}

/// Loopback and private networks.
const NEAR: [&str; 7] =
    ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10"];

impl Default for DnsConfig {
    fn default() -> Self {
        DnsConfig {
            enabled: false,
            listen: HandleConfig::default().listen,
            port: 53,
            workers: 0,
            zone: hufu_ident::systems::oid::ors::ZONE.into(),
            apex: true,
            signed: false,
            key_file: "dns-key.pem".into(),
            nameservers: Vec::new(),
            hostmaster: String::new(),
            max_ttl: Span::seconds(3600),
            negative_ttl: Span::seconds(300),
            forward: Vec::new(),
            forward_wait: Span::seconds(2),
            forward_cache: Octets::mebi(32),
            clients: NEAR.iter().filter_map(|network| network.parse().ok()).collect(),
        }
    }
}

impl DnsConfig {
    /// Checks what the file's syntax cannot.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let names = self.nameservers.iter().map(|server| ("dns.nameservers.name", &server.name));
        let names = names.chain([("dns.zone", &self.zone)]);
        let given = (!self.hostmaster.is_empty()).then_some(("dns.hostmaster", &self.hostmaster));
        for (key, name) in names.chain(given) {
            if name.trim_matches('.').is_empty() || crate::dns::absolute(name).is_none() {
                return Err(ConfigError::rule(key, format!("{name:?} is no domain name; write \"ors.example.cn\"")));
            }
        }
        if self.enabled && self.listen.is_empty() {
            return Err(ConfigError::rule("dns.listen", "needs at least one address"));
        }
        let own = |server: &&SocketAddr| {
            server.port() == self.port && (self.listen.contains(&server.ip()) || server.ip().is_unspecified())
        };
        match self.forward.iter().find(own).filter(|_| self.enabled) {
            Some(server) => Err(ConfigError::rule("dns.forward", format!("{server} is this node itself"))),
            None => Ok(()),
        }
    }
}
