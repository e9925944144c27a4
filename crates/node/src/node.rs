//! A node as a value: built from a configuration, started, reloaded, stopped. One process may hold many.

use crate::administration::{Administration, Identities, Rules};
use crate::answering::Answering;
use crate::clock;
use crate::config::{Config, ConfigError, PrivateAddresses, ResolutionConfig, ecode};
use crate::courier::Courier;
use crate::dns;
use crate::first_start;
use crate::gateway::Gateways;
use crate::handle::{HandleService, Identity};
use crate::http;
use crate::keys;
use crate::operator::{self, OperatorLink};
use crate::provision;
use crate::publisher::Publisher;
use crate::random;
use crate::roles::Role;
use crate::telemetry::{self, Meter, QueryLog};
use crate::upstream::Wire;
use hufu_client::Exchange;
use hufu_ident::systems::gs1::Companies;
use hufu_ident::systems::handle::proof::{Legacy, public_key_of};
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_ident::systems::handle::{Interface, Protocol, Server, Site};
use hufu_ident::{CaseRule, Prefix, Reference};
use hufu_net::{
    BindError, Context, DnsServer, HttpServer, Limits, LocalServer, Rate, RateLimits, Service, Shutdown, TcpServer,
    Tls, UdpServer,
};
use hufu_registry::{Caller, Database, Registry};
use hufu_resolve::bootstrap::site_at;
use hufu_resolve::{Authority, Bootstrap, Recursor, RecursorLimits};
use hufu_store::{DiskStore, Store, StoreOptions};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{0}")]
    Bind(#[from] BindError),
    #[error("{0}")]
    Key(#[from] keys::KeyError),
    #[error("{0}")]
    Tls(#[from] hufu_net::TlsError),
    #[error("{0}")]
    Store(#[from] hufu_store::StoreError),
    #[error("{0}")]
    Provision(#[from] provision::ProvisionError),
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Registry(#[from] hufu_registry::Error),
    #[error("{path}: {error}")]
    File { path: PathBuf, error: std::io::Error },
}

/// Where a started node listens.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    pub udp: Vec<SocketAddr>,
    pub tcp: Vec<SocketAddr>,
    pub http: Vec<SocketAddr>,
    pub dns: Vec<SocketAddr>,
    pub admin: Vec<SocketAddr>,
}

/// The parts of a node that its front doors share.
pub struct Parts {
    pub config: Config,
    pub answering: Answering,
    pub administration: Option<Arc<Administration>>,
    pub identity: Arc<Identity>,
    pub handle: Arc<HandleService>,
    pub meter: Arc<Meter>,
    pub queries: Option<Arc<QueryLog>>,
    pub net: Arc<Context>,
    pub tls: Option<Arc<Tls>>,
    pub store: Option<Arc<dyn Store>>,
    /// Signs the zones of this node's own records.
    pub zone_key: Option<dns::key::ZoneKey>,
    /// The control plane, where the role has one.
    pub registry: Option<Registry>,
    /// Who may fill the GS1 resolver.
    pub tokens: http::gs1::Tokens,
    /// Where GS1 keys are cut.
    pub companies: Companies,
}

/// A started node. Dropping it stops it without waiting.
pub struct RunningNode {
    pub parts: Arc<Parts>,
    pub endpoints: Endpoints,
    shutdown: Shutdown,
    tasks: JoinSet<()>,
}

/// Sockets bound, so that ports are known before the site record is made.
struct Sockets {
    udp: UdpServer,
    tcp: TcpServer,
    http: Option<HttpServer>,
    dns: Option<DnsServer>,
    admin: Option<HttpServer>,
    local: Option<LocalServer>,
}

impl RunningNode {
    /// Opens the store, binds every listener, provisions the first records and starts answering.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        ecode::settle(config.ecode_schemes.as_deref())?;
        make_private_directory(&config.data_directory)?;
        let sockets = Sockets::bind(&config)?;
        let endpoints = sockets.endpoints();
        let parts = Arc::new(Parts::build(config, &endpoints).await?);
        let shutdown = parts.net.shutdown.clone();
        let mut node = RunningNode { parts, endpoints, shutdown, tasks: JoinSet::new() };
        node.serve(sockets);
        Ok(node)
    }

    fn serve(&mut self, sockets: Sockets) {
        let parts = &self.parts;
        let net = &parts.net;
        let service: Arc<dyn Service> = parts.handle.clone();
        self.tasks.spawn(logged("udp", sockets.udp.run(service.clone(), net.clone())));
        self.tasks.spawn(logged("tcp", sockets.tcp.run(service, net.clone())));
        if let Some(server) = sockets.http {
            let router = http::router(parts.clone());
            self.tasks.spawn(logged("http", server.run(router, parts.tls.clone(), net.clone())));
        }
        if let Some(server) = sockets.dns
            && let Some(door) = dns::Door::new(parts.clone())
        {
            self.tasks.spawn(logged("dns", server.run(Arc::new(door), net.clone())));
        }
        if let Some(server) = sockets.local {
            let router = http::api::router(parts.clone());
            self.tasks.spawn(logged("local", server.run(router, net.clone())));
        }
        if let Some(publisher) = Publisher::new(parts.clone()) {
            self.tasks.spawn(logged("publisher", publisher.run()));
        }
        match OperatorLink::new(parts.clone()) {
            Ok(Some(link)) => {
                self.tasks.spawn(logged("operator", link.run()));
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "nothing is told to the operator above"),
        }
        if let Some(courier) = Courier::new(parts.clone()) {
            self.tasks.spawn(logged("courier", courier.run()));
        }
        if let Some(server) = sockets.admin {
            let router = http::operations::router(parts.clone());
            self.tasks.spawn(logged("admin", server.run(router, None, net.clone())));
        }
    }

    /// Reads certificates and starting points anew.
    pub fn reload(&self, config: &Config) -> Result<(), StartError> {
        if let Some(tls) = &self.parts.tls {
            tls.reload()?;
        }
        if let Some(recursor) = &self.parts.answering.recursor {
            recursor.set_bootstrap(bootstrap(&config.resolution));
        }
        Ok(())
    }

    /// Stops accepting, lets requests in flight end within the drain time, closes.
    pub async fn stop(mut self) {
        self.shutdown.trigger();
        let limit = self.shutdown.drain() + std::time::Duration::from_secs(2);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(limit, all).await.is_err() {
            tracing::warn!("some connections were cut at shutdown");
        }
    }

    pub fn name(&self) -> &str {
        &self.parts.config.name
    }

    pub fn role(&self) -> Role {
        self.parts.config.role
    }
}

async fn logged(part: &'static str, work: impl Future<Output = std::io::Result<()>>) {
    if let Err(error) = work.await {
        telemetry::incident(part, &error);
    }
}

fn make_private_directory(path: &std::path::Path) -> Result<(), StartError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| StartError::File { path: path.into(), error })
}

fn with_port(addresses: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    addresses.iter().map(|address| SocketAddr::new(*address, port)).collect()
}

impl Sockets {
    fn bind(config: &Config) -> Result<Self, StartError> {
        let handle = &config.handle;
        let (udp, tcp) = match handle.udp_port == handle.tcp_port {
            true => hufu_net::bind_handle(&with_port(&handle.listen, handle.tcp_port), handle.udp_workers)?,
            false => (
                UdpServer::bind(&with_port(&handle.listen, handle.udp_port), handle.udp_workers)?,
                TcpServer::bind(&with_port(&handle.listen, handle.tcp_port))?,
            ),
        };
        let http = match config.http.enabled {
            true => Some(HttpServer::bind(&with_port(&config.http.listen, config.http.port))?),
            false => None,
        };
        let dns = match config.dns.enabled {
            true => Some(DnsServer::bind(&with_port(&config.dns.listen, config.dns.port), config.dns.workers)?),
            false => None,
        };
        let admin = match config.admin.enabled {
            true => Some(HttpServer::bind(&with_port(&config.admin.listen, config.admin.port))?),
            false => None,
        };
        let local = match config.has_registry() {
            true => {
                let path = config.data_directory.join(&config.registry.socket);
                Some(LocalServer::bind(&path).map_err(|error| StartError::File { path, error })?)
            }
            false => None,
        };
        Ok(Sockets { udp, tcp, http, dns, admin, local })
    }

    fn endpoints(&self) -> Endpoints {
        let http = |server: &Option<HttpServer>| server.as_ref().map_or(Vec::new(), |s| s.local_addrs().to_vec());
        Endpoints {
            udp: self.udp.local_addrs().to_vec(),
            tcp: self.tcp.local_addrs().to_vec(),
            http: http(&self.http),
            dns: self.dns.as_ref().map_or(Vec::new(), |server| server.local_addrs().to_vec()),
            admin: http(&self.admin),
        }
    }
}

impl Parts {
    /// Counts a resolution, and writes it down if the query log is on.
    pub fn resolved(&self, peer: &hufu_net::Peer, name: &str, code: ResponseCode) {
        self.meter.resolved(name, code);
        if let Some(queries) = &self.queries {
            queries.add(peer, name, code);
        }
    }

    async fn build(config: Config, endpoints: &Endpoints) -> Result<Self, StartError> {
        let mut config = config;
        let registry = open_registry(&mut config).await?;
        let recipe = config.role.recipe();
        let key = keys::load(&config.handle.key_file)?;
        let tls = match (&config.http.certificate, &config.http.key) {
            (Some(certificate), Some(key)) => Some(Arc::new(Tls::load(certificate, key)?)),
            _ => None,
        };
        let tokens = http::gs1::Tokens::load(&config.gs1.token)?;
        let companies = config.gs1.companies()?;
        let queries = match &config.log.queries {
            Some(path) => {
                let log = QueryLog::open(path).map_err(|error| StartError::File { path: path.clone(), error })?;
                Some(Arc::new(log))
            }
            None => None,
        };
        let zone_key = match config.dns.enabled && config.dns.signed && recipe.authority {
            true => Some(dns::key::ZoneKey::load_or_make(&config.dns.key_file)?),
            false => None,
        };
        let mut site = site_of(&config, endpoints, public_key_of(&key).to_bytes());
        if let Some(zone_key) = &zone_key {
            site = site.with_attribute(dns::DNS_KEY, &zone_key.published());
        }
        let rule = match config.handle.case_sensitive {
            true => CaseRule::Sensitive,
            false => CaseRule::Insensitive,
        };
        let store = match recipe.authority {
            true => Some(open_store(&config)?),
            false => None,
        };
        if let Some(store) = &store {
            provision::provision(store, &config, &site).await?;
        }
        let record_cache = config.store.record_cache.0;
        let authority = store.clone().map(|store| Arc::new(Authority::new(store, rule, record_cache)));
        let meter = Arc::new(Meter::new());
        let recursor = recursor(&config.resolution, rule, &meter)?;
        let recursion = recipe.recursion || config.resolution.recursion;
        let answering = Answering { authority: authority.clone(), recursor, recursion };
        let rules = rules(&config);
        let identities = Arc::new(Identities::new(answering.clone(), rules.legacy));
        let administration = authority.filter(|_| recipe.administration).map(|authority| {
            Arc::new(Administration::new(authority, answering.clone(), identities, rules, site.clone()))
        });
        let primary = administration.is_some();
        let identity = Arc::new(Identity { key, site_serial: site.serial, site, primary });
        let handle = Arc::new(HandleService::new(
            identity.clone(),
            answering.clone(),
            administration.clone(),
            config.administration.challenge_life.0,
            meter.clone(),
            queries.clone(),
        ));
        let net = Context::new(limits(&config), rates(&config), Shutdown::new(config.limits.drain.0));
        Ok(Parts {
            config,
            answering,
            administration,
            identity,
            handle,
            meter,
            queries,
            net,
            tls,
            store,
            zone_key,
            registry,
            tokens,
            companies,
        })
    }
}

fn open_store(config: &Config) -> Result<Arc<dyn Store>, StartError> {
    let options = StoreOptions { cache_octets: config.store.cache.0, ..StoreOptions::default() };
    Ok(Arc::new(DiskStore::open(&config.data_directory.join("records"), options)?))
}

/// Opens the registry; prefixes that the node above has given to this one are the node's like the configured ones.
async fn open_registry(config: &mut Config) -> Result<Option<Registry>, StartError> {
    if !config.has_registry() {
        return Ok(None);
    }
    let database = Database::connect(&config.registry.url(&config.data_directory)).await?;
    let now = clock::millis() as hufu_registry::Time;
    let registry = Registry::open(database, random::fill, config.registry.audit_digest, now).await?;
    let registry = registry.sealing(first_start::seal(&config.data_directory)?);
    registry.seal_settings(&Caller::node(now)).await?;
    first_start::first_logins(&registry, config).await?;
    let registry = registry.with_documents(&config.data_directory.join(&config.registry.documents))?;
    for obtained in registry.obtained_prefixes().await? {
        if !config.prefixes.contains(&obtained) {
            config.prefixes.push(obtained);
        }
    }
    registry.declare_own_prefixes(&Caller::node(now), &config.prefixes).await?;
    if !config.operator.is_set() {
        return Ok(Some(registry));
    }
    let path = config.operator.key_file.clone();
    let above = operator::above(&config.operator).map_err(|error| StartError::File { path, error })?;
    let registry = registry.below_operator(above);
    registry.catch_up_above(&Caller::node(now)).await?;
    Ok(Some(registry))
}

fn recursor(
    config: &ResolutionConfig,
    rule: CaseRule,
    meter: &Arc<Meter>,
) -> Result<Option<Arc<Recursor<Wire>>>, StartError> {
    let bootstrap = bootstrap(config);
    let gateways = Gateways::build(&config.gateways, meter.clone())?;
    if bootstrap.is_empty() && gateways.is_none() {
        return Ok(None);
    }
    let private_addresses = match config.private_addresses {
        PrivateAddresses::Allow => true,
        PrivateAddresses::Refuse => false,
        PrivateAddresses::Auto => bootstrap.addresses().any(hufu_resolve::is_private),
    };
    let limits = RecursorLimits {
        deadline: config.deadline.0,
        attempt: config.attempt.0,
        max_ttl: config.max_ttl.0,
        negative_ttl: config.negative_ttl.0,
        max_stale: config.max_stale.0,
        private_addresses,
        ..RecursorLimits::default()
    };
    let upstream = Wire::new(Exchange::new());
    let recursor = Recursor::new(upstream, bootstrap, rule, config.cache.0, limits);
    Ok(Some(Arc::new(match gateways {
        Some(gateways) => recursor.with_foreign(Arc::new(gateways)),
        None => recursor,
    })))
}

fn bootstrap(config: &ResolutionConfig) -> Bootstrap {
    let mut bootstrap = Bootstrap::default();
    config.root.iter().for_each(|address| bootstrap.add_root(site_at(*address)));
    for upstream in &config.upstream {
        let prefix = Prefix::folded(&upstream.prefix);
        upstream.servers.iter().for_each(|address| bootstrap.add(prefix.clone(), site_at(*address)));
    }
    bootstrap
}

fn rules(config: &Config) -> Rules {
    let administration = &config.administration;
    let mut administrators: Vec<Reference> =
        administration.server_administrators.iter().filter_map(|text| Reference::parse(text)).collect();
    if administrators.is_empty() {
        // Whoever holds the keys of the node's own prefix handle.
        let own = config.prefixes.iter().map(|prefix| provision::prefix_handle(prefix));
        administrators.extend(own.map(|handle| Reference::new(0, handle.as_str())));
    }
    Rules {
        server_administrators: administrators,
        full_access: administration.full_access,
        prefix_administrators: administration.prefix_administrators,
        allow_listing: administration.allow_listing,
        legacy: if administration.legacy_clients { Legacy::Accept } else { Legacy::Refuse },
    }
}

fn limits(config: &Config) -> Limits {
    let limits = &config.limits;
    Limits {
        message: limits.message.0 as usize,
        connections: limits.tcp_connections,
        connections_per_peer: limits.tcp_connections_per_client,
        in_flight: limits.requests_in_flight_per_connection,
        idle: limits.idle_timeout.0,
        ..Limits::default()
    }
}

fn rates(config: &Config) -> RateLimits {
    let octets = u32::try_from(config.limits.udp_answer_rate.0).unwrap_or(u32::MAX);
    let requests = config.limits.requests_per_second;
    RateLimits {
        requests: Rate { per_second: requests, burst: requests.saturating_mul(2) },
        udp_octets: Rate { per_second: octets, burst: octets.saturating_mul(2) },
        exempt: config.limits.rate_exempt.clone(),
        ..RateLimits::default()
    }
}

/// The site record: one server, its first address in the server's field, the second as `alt_addr`.
fn site_of(config: &Config, endpoints: &Endpoints, public_key: Vec<u8>) -> Site {
    let addresses = advertised(config, endpoints);
    let port = |addresses: &[SocketAddr]| addresses.first().map_or(0, |address| u32::from(address.port()));
    let interface = |purpose, protocol, port| Interface { purpose, protocol, port };
    let mut interfaces = vec![
        interface(Interface::BOTH, Protocol::Tcp, port(&endpoints.tcp)),
        interface(Interface::QUERY, Protocol::Udp, port(&endpoints.udp)),
    ];
    if !endpoints.http.is_empty() {
        interfaces.push(interface(Interface::BOTH, Protocol::Http, port(&endpoints.http)));
    }
    let first = addresses.first().copied().unwrap_or(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    let server = Server::new(1, first, public_key, interfaces);
    let mut site = Site::new(config.handle.site_serial, vec![server]).with_attribute("desc", &config.name);
    if let Some(second) = addresses.get(1) {
        site = site.with_attribute("alt_addr", &second.to_string());
    }
    // By this a parent node knows whether it can refer here by NS.
    if let Some(dns) = endpoints.dns.first() {
        site = site.with_attribute(dns::DNS_PORT, &dns.port().to_string());
    }
    site
}

/// Addresses others reach this node at: those configured, else the listening ones; a wildcard stands for loopback.
fn advertised(config: &Config, endpoints: &Endpoints) -> Vec<IpAddr> {
    if !config.handle.advertise.is_empty() {
        return config.handle.advertise.clone();
    }
    let reachable = |ip: IpAddr| match ip {
        IpAddr::V4(v4) if v4.is_unspecified() => IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        IpAddr::V6(v6) if v6.is_unspecified() => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let mut addresses: Vec<IpAddr> = endpoints.tcp.iter().map(|address| reachable(address.ip())).collect();
    addresses.dedup();
    addresses
}
