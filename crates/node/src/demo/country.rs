//! The nodes of the demo: configured, started from the root down, delegated, filled.

use super::data::systems::{self, Delegation, Item};
use super::data::{self, Company};
use super::registration::{self, Applicant, Login};
use crate::administration::{Claim, Operation};
use crate::config::{Config, Octets, Span, UpstreamConfig};
use crate::node::RunningNode;
use crate::provision::{first_administrator, prefix_handle};
use crate::roles::Role;
use crate::{clock, keys, random};
use hufu_ident::mapping::SAME_AS;
use hufu_ident::systems::handle::{AdminRecord, kind, right};
use hufu_ident::{CaseRule, Identifier, Reference, Scheme, Value, ValueSet, recognise};
use hufu_store::{Batch, Condition, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// Which ports the nodes take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// The documented ones.
    Fixed,
    /// Whatever is free, so that several demos run at once.
    Auto,
}

/// The Handle identifier of the demo.
const HOSTED: &str = "86.122.2/JX172MM";
/// Identifiers written in one batch.
const BATCH: usize = 500;

/// The DNS port of the first node.
const DNS_PORTS: u16 = 5374;

/// One node to be.
struct Place {
    role: Role,
    folder: &'static str,
    name: &'static str,
    prefixes: &'static [&'static str],
    /// Fixed ports: Handle, HTTP; the operator's is 9300 + position.
    handle: u16,
    http: u16,
}

const fn place(
    role: Role,
    folder: &'static str,
    name: &'static str,
    prefixes: &'static [&'static str],
    handle: u16,
    http: u16,
) -> Place {
    Place { role, folder, name, prefixes, handle, http }
}

const PLACES: [Place; 8] = [
    place(Role::Root, "root", "国际根 · Root", &["0.NA"], 2641, 8000),
    place(Role::TopLevel, "top-level", "国家顶级节点（演示）· National node", &["88", "86"], 2642, 8001),
    place(Role::Secondary, "secondary-88.118", "机械行业二级节点 · Machinery", &["88.118"], 2643, 8002),
    place(Role::Secondary, "secondary-88.101", "食品行业二级节点 · Food", &["88.101"], 2644, 8003),
    place(Role::Enterprise, "enterprise-88.118.8", data::ENGINES.name, &[data::ENGINES.prefix], 2645, 8004),
    place(Role::Enterprise, "enterprise-88.118.15", data::FIBRE.name, &[data::FIBRE.prefix], 2646, 8005),
    place(Role::Enterprise, "enterprise-88.101.4", data::COLD_CHAIN.name, &[data::COLD_CHAIN.prefix], 2647, 8006),
    place(Role::Recursive, "recursive", "递归节点（演示）· Recursive", &[], 3641, 8081),
];

/// A started node and its administrator.
pub struct Member {
    pub node: RunningNode,
    /// Identity and secret of the first administrator; none for the recursive node.
    pub administrator: Option<(Reference, String)>,
    /// Who may sign in to its registry.
    pub logins: Vec<Login>,
}

/// An identifier to show and to check.
#[derive(Debug, Clone)]
pub struct Sample {
    pub system: &'static str,
    pub identifier: String,
    pub title: String,
    /// A publicly readable value of the record.
    pub expect: Value,
}

/// All nodes.
pub struct Country {
    pub members: Vec<Member>,
    pub directory: PathBuf,
}

impl Member {
    pub fn prefixes(&self) -> &[String] {
        &self.node.parts.config.prefixes
    }

    pub fn udp(&self) -> SocketAddr {
        first(&self.node.endpoints.udp)
    }

    pub fn tcp(&self) -> SocketAddr {
        first(&self.node.endpoints.tcp)
    }

    pub fn http(&self) -> SocketAddr {
        first(&self.node.endpoints.http)
    }

    /// Where it answers the DNS, if it does.
    pub fn dns(&self) -> Option<SocketAddr> {
        self.node.endpoints.dns.first().copied()
    }

    pub fn http_url(&self) -> String {
        format!("http://{}", self.http())
    }

    /// Where its registry is worked with: until there is a console, the page of its API.
    pub fn console(&self) -> String {
        format!("{}/api/docs", self.http_url())
    }
}

fn first(addresses: &[SocketAddr]) -> SocketAddr {
    addresses.first().copied().unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)))
}

impl Country {
    /// Starts every node from the root down, delegates every prefix and fills the enterprises.
    pub async fn start(directory: &Path, ports: Ports) -> Result<Self, String> {
        make_keys(directory).await?;
        let mut country = Country { members: Vec::new(), directory: directory.to_owned() };
        for (position, place) in PLACES.iter().enumerate() {
            let mut config = country.config(place, position, ports);
            registration::write_first_accounts(&config.data_directory, place.name)?;
            let administrator = administrator(&config, place)?;
            if let (Role::Secondary, Some(above), Some(prefix)) =
                (place.role, country.home_of("88"), place.prefixes.first())
            {
                registration::introduce(above, &Applicant::secondary(prefix), prefix, &mut config).await?;
            }
            let node = RunningNode::start(config).await.map_err(|error| hint(error.to_string(), ports))?;
            let logins = registration::logins(&node.parts.config.data_directory);
            country.members.push(Member { node, administrator, logins });
        }
        for child in ["88", "86"] {
            country.delegate(child, "0.NA", true).await?;
        }
        for secondary in ["88.118", "88.101"] {
            let (above, below) = country.pair("88", secondary)?;
            registration::obtain(above, below, secondary).await?;
        }
        for company in data::companies() {
            let parent = company.prefix.rsplit_once('.').map_or("", |(parent, _)| parent);
            let (above, below) = country.pair(parent, company.prefix)?;
            registration::register(above, below, company.prefix, &Applicant::of(company)).await?;
            country.fill(company).await?;
        }
        country.host_a_handle().await?;
        for delegation in &systems::DELEGATIONS {
            country.delegate(delegation.prefix, delegation.parent, false).await?;
        }
        for item in &systems::ITEMS {
            country.register(item).await?;
        }
        country.name_the_codes().await?;
        Ok(country)
    }

    /// A Handle identifier whose prefix has no node of its own: the top-level node hosts it.
    async fn host_a_handle(&self) -> Result<(), String> {
        let Some(host) = self.home_of("86") else { return Ok(()) };
        let claim = Claim::Proven(first_administrator("88"));
        let administration = host.node.parts.administration.as_ref().ok_or("the top-level node keeps no records")?;
        let owner = Reference::new(301, prefix_handle("88").as_str());
        let admin = Value::new(100, kind::ADMIN, AdminRecord::new(right::ALL, owner).to_bytes());
        let page = Value::new(1, kind::URL, format!("{}/{HOSTED}?noredirect", host.http_url()));
        let text = Value::new(2, kind::DESC, "托管在国家顶级节点的 Handle 标识");
        let site = Value::new(1, kind::SITE, host.node.parts.identity.site.to_bytes());
        for (name, values) in [("0.NA/86.122.2", vec![site, admin.clone()]), (HOSTED, vec![page, text, admin])] {
            let operation = Operation::Create { name: name.into(), values, overwrite: true, mint: false };
            let done = administration.perform(operation, &claim).await;
            done.map_err(|refused| format!("{name} cannot be hosted: {refused:?}"))?;
        }
        Ok(())
    }

    /// Writes a record of another system at the node that its prefix is homed at.
    async fn register(&self, item: &Item) -> Result<(), String> {
        let Some(member) = self.home_of(item.home) else { return Err(format!("no node for {}", item.home)) };
        let mut values = item.values(&member.http_url());
        let owner = Reference::new(0, prefix_handle(&member.prefixes()[0]).as_str());
        values.push(Value::new(100, kind::ADMIN, AdminRecord::new(right::RECORD, owner).to_bytes()));
        let operation = Operation::Create { name: item.name.into(), values, overwrite: true, mint: false };
        self.perform(member, operation, item.name).await
    }

    /// The VAA record of the engine names its other codes.
    async fn name_the_codes(&self) -> Result<(), String> {
        let Some(member) = self.home_of(data::ENGINES.prefix) else { return Ok(()) };
        let values = systems::CODES.iter().zip(700..).map(|(code, index)| Value::new(index, SAME_AS, *code)).collect();
        let operation = Operation::Add { name: systems::ENGINE.into(), values, overwrite: true };
        self.perform(member, operation, systems::ENGINE).await
    }

    async fn perform(&self, member: &Member, operation: Operation, name: &str) -> Result<(), String> {
        let claim = Claim::Proven(first_administrator(&member.prefixes()[0]));
        let administration = member.node.parts.administration.as_ref().ok_or("that node keeps no records")?;
        let done = administration.perform(operation, &claim).await;
        done.map(|_| ()).map_err(|refused| format!("{name} cannot be written: {refused:?}"))
    }

    fn config(&self, place: &Place, position: usize, ports: Ports) -> Config {
        let folder = self.directory.join(place.folder);
        let mut config = Config::new(place.role, place.name, folder.clone());
        let loopback = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let port = |fixed| if ports == Ports::Fixed { fixed } else { 0 };
        let homed = |delegation: &&Delegation| place.prefixes.contains(&delegation.home);
        let more = systems::DELEGATIONS.iter().filter(homed).map(|delegation| delegation.prefix);
        config.prefixes = place.prefixes.iter().copied().chain(more).map(str::to_owned).collect();
        config.handle.listen = loopback.clone();
        (config.handle.udp_port, config.handle.tcp_port) = (port(place.handle), port(place.handle));
        config.handle.key_file = folder.join("server-key.pem");
        config.http.listen = loopback.clone();
        config.http.port = port(place.http);
        config.http.certificate = Some(folder.join("certificate.pem"));
        config.http.key = Some(folder.join("server-key.pem"));
        config.http.plain_credentials_on_loopback = true;
        config.dns.listen = loopback.clone();
        config.dns.port = port(DNS_PORTS + position as u16);
        config.dns.enabled = place.role == Role::Recursive || config.prefixes.iter().any(|own| own.starts_with("oid:"));
        // The secondaries and enterprises answer below their own prefixes only.
        config.dns.apex = matches!(place.role, Role::Recursive | Role::TopLevel);
        config.admin.listen = loopback;
        config.admin.port = port(9300 + position as u16);
        config.store.cache = Octets::mebi(16);
        config.store.record_cache = Octets::mebi(32);
        config.administration.secret_file = Some(folder.join("admin-secret"));
        config.registry.first_accounts = Some(folder.join("first-accounts.toml"));
        let root = self.members.first().map(Member::tcp);
        config.resolution.root = root.into_iter().collect();
        if place.role == Role::Recursive {
            let top_level = self.members.get(1).map(Member::tcp).into_iter().collect::<Vec<_>>();
            let hop = |prefix: &str| UpstreamConfig { prefix: prefix.into(), servers: top_level.clone() };
            config.resolution.upstream = vec![hop("88"), hop("86")];
            config.resolution.cache = Octets::mebi(64);
            // Short, so that whoever changes a value here sees it soon.
            config.resolution.max_ttl = Span::seconds(10);
            config.resolution.negative_ttl = Span::seconds(1);
        }
        config.samples = data::companies().into_iter().filter_map(first_sample).collect();
        config
    }

    /// The nodes of two prefixes, one above the other.
    fn pair(&self, parent: &str, child: &str) -> Result<(&Member, &Member), String> {
        self.home_of(parent).zip(self.home_of(child)).ok_or_else(|| format!("no node for {child} or {parent}"))
    }

    /// The parent learns where the child's prefix is served.
    async fn delegate(&self, child: &str, parent: &str, below: bool) -> Result<(), String> {
        let (upper, lower) = self.pair(parent, child)?;
        let site = lower.node.parts.identity.site.to_bytes();
        let handle = prefix_handle(child);
        let admin = |index| AdminRecord::new(right::ALL, Reference::new(index, handle.as_str())).to_bytes();
        let mut values = vec![
            Value::new(1, kind::SITE, site.clone()),
            Value::new(100, kind::ADMIN, admin(300)),
            Value::new(101, kind::ADMIN, admin(301)),
        ];
        if below {
            values.push(Value::new(2, kind::SITE_PREFIX, site));
        }
        let name = handle.as_str().as_bytes().to_vec();
        let operation = Operation::Create { name, values, overwrite: true, mint: false };
        let claim = Claim::Proven(first_administrator(&upper.prefixes()[0]));
        let administration = upper.node.parts.administration.as_ref().ok_or("the parent keeps no records")?;
        let done = administration.perform(operation, &claim).await;
        done.map(|_| ()).map_err(|refused| format!("{child} cannot be delegated: {refused:?}"))
    }

    /// Writes a company's identifiers, once; again when the pages that they link to have moved to another port.
    async fn fill(&self, company: &Company) -> Result<(), String> {
        let Some(member) = self.home_of(company.prefix) else { return Ok(()) };
        let Some(store) = &member.node.parts.store else { return Ok(()) };
        let url = member.http_url();
        let filled = self.directory.join(format!("sample-url-{}", company.prefix));
        if std::fs::read_to_string(&filled).is_ok_and(|before| before == url) {
            return Ok(());
        }
        let now = clock::seconds();
        let owner = Reference::new(0, prefix_handle(company.prefix).as_str());
        let admin = Value::new(100, kind::ADMIN, AdminRecord::new(right::RECORD, owner).to_bytes());
        let mut writes = Vec::with_capacity(BATCH);
        for (suffix, mut values) in data::records(company, &url) {
            values.push(admin.clone());
            values.iter_mut().for_each(|value| value.timestamp = now as u32);
            let name =
                Identifier::parse(&format!("{}/{suffix}", company.prefix)).map_err(|refusal| refusal.to_string())?;
            let key = name.key(CaseRule::Insensitive);
            writes.push(Write::Put { key, values: ValueSet::from_values(values), condition: Condition::Any });
            if writes.len() == BATCH {
                commit(store, std::mem::take(&mut writes), now).await?;
            }
        }
        commit(store, writes, now).await?;
        std::fs::write(&filled, &url).map_err(|error| format!("{}: {error}", filled.display()))
    }

    /// The node that a prefix is homed at.
    pub fn home_of(&self, prefix: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.prefixes().iter().any(|own| own == prefix))
    }

    pub fn recursive(&self) -> &Member {
        &self.members[self.members.len() - 1]
    }

    /// Identifiers to show, each with a public value that its record has.
    pub fn samples(&self) -> Vec<Sample> {
        let mut samples = Vec::new();
        for company in data::companies() {
            let Some(store) = self.home_of(company.prefix).and_then(|member| member.node.parts.store.as_ref()) else {
                continue;
            };
            for sample in data::samples(company) {
                let identifier = format!("{}/{}", company.prefix, sample.suffix);
                let Ok(name) = Identifier::parse(&identifier) else { continue };
                let Ok(Some(stored)) = store.get(name.key(CaseRule::Insensitive).as_bytes()) else { continue };
                let public = stored.values.public().to_values();
                let Some(expect) = public.into_iter().find(|value| !value.is_kind(kind::ADMIN)) else { continue };
                let system = recognise(&identifier).name();
                let title = format!("{} {}", sample.title_zh, sample.title_en);
                samples.push(Sample { system, identifier, title, expect });
            }
        }
        samples.extend(systems::ITEMS.iter().filter_map(|item| self.system_sample(item)));
        let hosted = "托管的 Handle 标识 A Handle identifier, hosted by the top-level node";
        samples.extend(self.top_level_sample(HOSTED, kind::DESC, hosted));
        let prefix = "二级节点前缀的服务站点 A prefix handle: where a secondary node is";
        samples.extend(self.top_level_sample("0.NA/88.118", kind::SITE, prefix));
        samples
    }

    fn system_sample(&self, item: &Item) -> Option<Sample> {
        let store = self.home_of(item.home)?.node.parts.store.as_ref()?;
        let name = Identifier::parse(item.name).ok()?;
        let stored = store.get(name.key(CaseRule::Insensitive).as_bytes()).ok()??;
        let expect = stored.values.to_values().into_iter().find(|value| !value.is_kind(kind::ADMIN))?;
        let title = format!("{} {}", item.title_zh, item.title_en);
        Some(Sample { system: recognise(item.name).name(), identifier: item.name.to_owned(), title, expect })
    }

    fn top_level_sample(&self, identifier: &str, expected: &str, title: &str) -> Option<Sample> {
        let store = self.home_of("88")?.node.parts.store.as_ref()?;
        let name = Identifier::parse(identifier).ok()?;
        let stored = store.get(name.key(CaseRule::Insensitive).as_bytes()).ok()??;
        let expect = stored.values.to_values().into_iter().find(|value| value.is_kind(expected))?;
        let (identifier, title) = (identifier.to_owned(), title.to_owned());
        Some(Sample { system: Scheme::Handle.name(), identifier, title, expect })
    }

    pub async fn stop(self) {
        for member in self.members {
            member.node.stop().await;
        }
    }
}

fn first_sample(company: &Company) -> Option<String> {
    data::samples(company).first().map(|sample| format!("{}/{}", company.prefix, sample.suffix))
}

async fn commit(store: &std::sync::Arc<dyn hufu_store::Store>, writes: Vec<Write>, time: u64) -> Result<(), String> {
    if writes.is_empty() {
        return Ok(());
    }
    store.commit(Batch { writes, time }).await.map(|_| ()).map_err(|error| error.to_string())
}

/// Keys and certificates of all nodes, made at the first start, two at a time.
async fn make_keys(directory: &Path) -> Result<(), String> {
    let mut work = tokio::task::JoinSet::new();
    for place in &PLACES {
        let folder = directory.join(place.folder);
        work.spawn_blocking(move || make_key(&folder));
    }
    while let Some(done) = work.join_next().await {
        done.map_err(|error| error.to_string())??;
    }
    Ok(())
}

fn make_key(folder: &Path) -> Result<(), String> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let key = keys::load_or_make(&folder.join("server-key.pem")).map_err(|error| error.to_string())?;
    let certificate = folder.join("certificate.pem");
    if !certificate.exists() {
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        let pem = keys::self_signed(&key, names)?;
        std::fs::write(&certificate, pem).map_err(|error| format!("{}: {error}", certificate.display()))?;
    }
    Ok(())
}

/// The first administrator and the secret, made at the first start.
fn administrator(config: &Config, place: &Place) -> Result<Option<(Reference, String)>, String> {
    let (Some(path), Some(prefix)) = (&config.administration.secret_file, place.prefixes.first()) else {
        return Ok(None);
    };
    if !path.exists() {
        let made = keys::write_private(path, random::secret().as_bytes());
        made.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let secret = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Some((first_administrator(prefix), secret.trim().to_owned())))
}

fn hint(error: String, ports: Ports) -> String {
    match ports {
        Ports::Fixed => format!("{error}\nIf another program has the port, start with: hufu demo --ports auto"),
        Ports::Auto => error,
    }
}
