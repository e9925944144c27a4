//! The recursor: walks prefix handle → site → identifier for an asker, and remembers.
//!
//! A name's service is found through its prefix handle `0.NA/P`; the prefix handle's own service through the
//! handles of its ancestors, each cached, starting at the nearest bootstrap site (RFC 3651 §4, handle walk).
//! Identical questions in flight are joined. When no server answers, what is past its time is served, bounded and
//! marked. Loops end by depth, by the path of names asked, by the number of questions, and by the deadline.

use crate::bootstrap::Bootstrap;
use crate::cache::{AnswerCache, Entry, Freshness, Remembered};
use crate::flight::Flights;
use crate::foreign::Foreign;
use crate::health::Health;
use crate::reply::{Referral, Reply};
use crate::trace::{CacheState, Hop, Trace};
use crate::upstream::{Endpoint, Upstream};
use crate::walk::{Path, Walk};
use arc_swap::ArcSwap;
use hufu_ident::systems::handle::wire::{Body, Envelope, Header, Message, OpCode, ResponseCode, flag};
use hufu_ident::systems::handle::{Interface, Protocol, Site, kind};
use hufu_ident::{CaseRule, Identifier, Name, Prefix, RecordKey, SelectionBuf, ValueSet, limits};
use std::collections::HashSet;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

mod tagged;

/// Endpoints tried for one name at one step of the walk.
const ENDPOINTS: usize = 16;
/// Our questions' request id; who carries them to the wire gives each its own and puts this one back.
const REQUEST: u32 = 1;

/// Bounds of the recursor.
#[derive(Debug, Clone)]
pub struct RecursorLimits {
    /// Time for one whole resolution.
    pub deadline: Duration,
    /// Time for one question to one server.
    pub attempt: Duration,
    /// Longest time an answer counts as fresh, whatever its TTL.
    pub max_ttl: Duration,
    /// How long an absence is remembered.
    pub negative_ttl: Duration,
    /// How long past its time an answer may be served when upstream is down.
    pub max_stale: Duration,
    /// Resolutions in flight; more are refused as busy.
    pub in_flight: usize,
    /// Whether servers on private and loopback addresses may be asked when a record names them.
    pub private_addresses: bool,
}

impl Default for RecursorLimits {
    fn default() -> Self {
        RecursorLimits {
            deadline: Duration::from_secs(8),
            attempt: Duration::from_secs(2),
            max_ttl: Duration::from_secs(u64::from(limits::TTL_SECONDS)),
            negative_ttl: Duration::from_secs(30),
            max_stale: Duration::from_secs(86_400),
            in_flight: 10_000,
            private_addresses: true,
        }
    }
}

/// What came of a resolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// The publicly readable values.
    Values(ValueSet),
    NotFound,
    /// No node answers for the prefix.
    NotResponsible,
    /// The responsible servers do not answer and nothing is remembered.
    Unreachable(String),
    /// Too many resolutions in flight.
    Busy,
    /// The question went round in circles or too far.
    Loop,
}

/// A resolution and how it was come by.
#[derive(Debug, Clone)]
pub struct Resolution {
    pub resolved: Resolved,
    /// Past its time: no server answered.
    pub stale: bool,
    pub cache: CacheState,
}

/// How to ask.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ask {
    /// Pass the cache by and ask primaries only (flag AUTH).
    pub authoritative: bool,
    /// Servers that passed the question on before us.
    pub hops: u8,
}

/// Resolves for others; cheap to share.
pub struct Recursor<U> {
    upstream: U,
    bootstrap: ArcSwap<Bootstrap>,
    cache: AnswerCache,
    rule: CaseRule,
    health: Health,
    limits: RecursorLimits,
    flights: Flights,
    foreign: Option<Arc<dyn Foreign>>,
    /// One for each resolution that may be in flight.
    places: Semaphore,
    clock: Clock,
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// Gives milliseconds since the epoch.
type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

fn wall_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

impl<U: Upstream> Recursor<U> {
    pub fn new(upstream: U, bootstrap: Bootstrap, rule: CaseRule, cache_octets: u64, limits: RecursorLimits) -> Self {
        Recursor {
            upstream,
            bootstrap: ArcSwap::from_pointee(bootstrap),
            cache: AnswerCache::new(cache_octets),
            rule,
            health: Health::default(),
            places: Semaphore::new(limits.in_flight.min(Semaphore::MAX_PERMITS)),
            limits,
            flights: Flights::default(),
            foreign: None,
            clock: Box::new(wall_clock),
        }
    }

    /// Takes the time, in milliseconds since the epoch, from elsewhere than the machine's clock.
    pub fn with_clock(mut self, clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Names that our own nodes do not know are asked of these gateways.
    pub fn with_foreign(mut self, foreign: Arc<dyn Foreign>) -> Self {
        self.foreign = Some(foreign);
        self
    }

    fn now(&self) -> u64 {
        (self.clock)()
    }

    /// Questions under way, those of the walk included.
    pub fn under_way(&self) -> usize {
        self.flights.len()
    }

    pub fn cache(&self) -> &AnswerCache {
        &self.cache
    }

    pub fn rule(&self) -> CaseRule {
        self.rule
    }

    /// Replaces the starting points; what is cached stays.
    pub fn set_bootstrap(&self, bootstrap: Bootstrap) {
        self.bootstrap.store(Arc::new(bootstrap));
    }

    pub fn bootstrap(&self) -> Arc<Bootstrap> {
        self.bootstrap.load_full()
    }

    /// The hot path: what the cache holds fresh under `key` at `now` (milliseconds).
    pub fn cached(&self, key: &[u8], now: u64) -> Option<Arc<Entry>> {
        self.cache.fresh(key, now)
    }

    /// Resolves a name: cache first, then upstream, then what is past its time.
    pub async fn resolve(&self, name: &Identifier, ask: Ask, trace: &Trace) -> Resolution {
        let walk = Walk::new(trace);
        match timeout(self.limits.deadline, self.look_up(name, ask, &walk, None)).await {
            Ok(resolution) => resolution,
            Err(_) if ask.authoritative => upstream_outcome(too_late()),
            Err(_) => self.stale_or(name, &name.key(self.rule), too_late(), &walk),
        }
    }

    /// The sites that answer for a name, e.g. to refer an asker there.
    pub async fn sites_for(&self, name: &Identifier, trace: &Trace) -> Result<Vec<Site>, Resolved> {
        let key = name.key(self.rule);
        let path = Path { key: &key, above: None, depth: 0, has_stale: false };
        let walk = Walk::new(trace);
        let _place = self.place(&path)?;
        let work = self.service_of(name.name(), Ask::default(), &walk, &path);
        timeout(self.limits.deadline, work).await.unwrap_or_else(|_| Err(too_late()))
    }

    /// Asks the servers responsible for `name` with a message of the caller's making, e.g. a proof to be verified.
    pub async fn ask_responsible(&self, name: &Identifier, message: &Message) -> Result<Message, Resolved> {
        let work = async {
            let sites = self.sites_for(name, &Trace::off()).await?;
            let mut last = Resolved::Unreachable("no server".into());
            for endpoint in self.endpoints(&sites, name.name(), false) {
                match self.ask_as_is(message, endpoint).await {
                    Ok(answer) => return Ok(answer),
                    Err(why) => last = why,
                }
            }
            Err(last)
        };
        timeout(self.limits.deadline, work).await.unwrap_or_else(|_| Err(too_late()))
    }

    async fn ask_as_is(&self, message: &Message, endpoint: Endpoint) -> Result<Message, Resolved> {
        let frame = self.upstream.ask(endpoint, &message.to_bytes(), self.limits.attempt).await;
        let frame = frame.map_err(|fault| Resolved::Unreachable(fault.to_string()))?;
        let answer = Message::decode(&frame).map_err(|error| Resolved::Unreachable(error.to_string()))?;
        if answer.envelope.request_id != message.envelope.request_id {
            return Err(Resolved::Unreachable("the answer to another question".into()));
        }
        match answer.plain().map(|plain| plain.header.response) {
            Some(ResponseCode::SERVER_NOT_RESP) => Err(Resolved::NotResponsible),
            _ => Ok(answer),
        }
    }

    fn look_up<'a>(
        &'a self,
        name: &'a Identifier,
        ask: Ask,
        walk: &'a Walk<'a>,
        above: Option<&'a Path<'a>>,
    ) -> Boxed<'a, Resolution> {
        Box::pin(async move {
            let key = name.key(self.rule);
            let depth = above.map_or(0, |path| path.depth + 1);
            let circular = above.is_some_and(|path| path.contains(&key));
            if depth > limits::SERVICE_DEPTH || circular || !walk.takes_look_up() {
                return upstream_outcome(Resolved::Loop);
            }
            if ask.authoritative {
                let path = Path { key: &key, above, depth, has_stale: false };
                return self.fetch(name, ask, walk, &path).await;
            }
            if let Some(entry) = self.cache.fresh(key.as_bytes(), self.now()) {
                return served(name, &entry, Freshness::Fresh, walk);
            }
            let has_stale = self.cache.usable(key.as_bytes(), self.now()).is_some();
            let path = Path { key: &key, above, depth, has_stale };
            let resolution = self.fetch_joined(name, ask, walk, &path).await;
            match resolution.resolved {
                Resolved::Unreachable(_) | Resolved::Busy | Resolved::Loop => {
                    self.stale_or(name, &key, resolution.resolved, walk)
                }
                _ => resolution,
            }
        })
    }

    fn stale_or(&self, name: &Identifier, key: &RecordKey, otherwise: Resolved, walk: &Walk<'_>) -> Resolution {
        match self.cache.usable(key.as_bytes(), self.now()) {
            Some((entry, freshness)) => served(name, &entry, freshness, walk),
            None => upstream_outcome(otherwise),
        }
    }

    /// Joins an identical question that is under way, or starts one.
    async fn fetch_joined(&self, name: &Identifier, ask: Ask, walk: &Walk<'_>, path: &Path<'_>) -> Resolution {
        let (resolution, asked) = self.flights.share(path.key, || self.fetch(name, ask, walk, path)).await;
        if !asked {
            walk.trace.add(|| hop_without_server(name, CacheState::Miss, &resolution.resolved));
        }
        resolution
    }

    /// Room for a resolution; the questions on its way take none of their own.
    fn place(&self, path: &Path<'_>) -> Result<Option<SemaphorePermit<'_>>, Resolved> {
        match path.above {
            None => self.places.try_acquire().map(Some).map_err(|_| Resolved::Busy),
            Some(_) => Ok(None),
        }
    }

    /// Asks upstream and remembers what comes.
    async fn fetch(&self, name: &Identifier, ask: Ask, walk: &Walk<'_>, path: &Path<'_>) -> Resolution {
        let _place = match self.place(path) {
            Ok(place) => place,
            Err(busy) => return upstream_outcome(busy),
        };
        let resolved = match name.name().is_tagged() {
            true => self.fetch_tagged(name, ask, walk, path).await,
            false => match self.service_of(name.name(), ask, walk, path).await {
                Ok(sites) => self.ask_sites(name, sites, None, ask, walk, path).await,
                Err(resolved) => resolved,
            },
        };
        self.remember(path.key, &resolved);
        upstream_outcome(resolved)
    }

    fn remember(&self, key: &RecordKey, resolved: &Resolved) {
        let now = self.now();
        let (what, life) = match resolved {
            // That nothing is public has no TTL of its own: it is an absence.
            Resolved::Values(values) if values.is_empty() => {
                (Remembered::Values(values.clone()), self.limits.negative_ttl)
            }
            Resolved::Values(values) => {
                let ttl = Duration::from_secs(u64::from(values.shortest_ttl(now / 1000)));
                (Remembered::Values(values.clone()), ttl.min(self.limits.max_ttl))
            }
            Resolved::NotFound => (Remembered::NotFound, self.limits.negative_ttl),
            Resolved::NotResponsible => (Remembered::NotResponsible, self.limits.negative_ttl),
            Resolved::Unreachable(_) | Resolved::Busy | Resolved::Loop => return,
        };
        let fresh_until = later(now, life);
        let stale_until = match what {
            Remembered::Values(_) => later(fresh_until, self.limits.max_stale),
            _ => fresh_until,
        };
        self.cache.insert(key.as_bytes(), Entry { what, fresh_until, stale_until });
    }

    /// The sites that answer for `name`.
    async fn service_of(
        &self,
        name: Name<'_>,
        ask: Ask,
        walk: &Walk<'_>,
        path: &Path<'_>,
    ) -> Result<Vec<Site>, Resolved> {
        if let Some(prefix) = name.described_prefix() {
            return self.service_of_prefix_handle(&prefix, walk, path).await;
        }
        let home = name.home();
        if name.is_tagged() {
            return some_site(&self.nearest_service(&home, true).sites);
        }
        if name.is_global() {
            // `0.SERV/…` and the like are kept by the global service itself.
            let bootstrap = self.bootstrap.load();
            return some_site(bootstrap.nearest(&home).0);
        }
        let prefix_handle = home.handle();
        let inner = Ask { authoritative: false, ..ask };
        let found = self.look_up(&prefix_handle, inner, walk, Some(path)).await;
        let sites = match found.resolved {
            Resolved::Values(values) => self.sites_in(&values, &kind::SERVICE, walk, path).await?,
            Resolved::NotFound | Resolved::NotResponsible => Vec::new(),
            other => return Err(other),
        };
        match sites.is_empty() {
            true => some_site(self.bootstrap.load().exactly(&home)),
            false => Ok(sites),
        }
    }

    /// The sites where `0.NA/prefix` is kept: those named for prefixes below its nearest known ancestor.
    async fn service_of_prefix_handle(
        &self,
        prefix: &Prefix,
        walk: &Walk<'_>,
        path: &Path<'_>,
    ) -> Result<Vec<Site>, Resolved> {
        let bootstrap = self.bootstrap.load();
        let (sites, covered) = bootstrap.nearest(prefix);
        let mut sites = some_site(sites)?;
        if prefix.as_str().starts_with("0.") {
            return Ok(sites);
        }
        let mut between: Vec<Prefix> = prefix.lineage().skip(1).collect();
        if let Some(covered) = &covered {
            between.retain(|ancestor| ancestor.is_derived_from(covered));
        }
        for ancestor in between.into_iter().rev() {
            let handle = ancestor.handle();
            let found = self.look_up(&handle, Ask::default(), walk, Some(path)).await;
            match found.resolved {
                Resolved::Values(values) => {
                    let below = self.sites_in(&values, &kind::PREFIX_SERVICE, walk, path).await?;
                    if !below.is_empty() {
                        sites = below;
                    }
                }
                Resolved::NotFound | Resolved::NotResponsible => break,
                other => return Err(other),
            }
        }
        Ok(sites)
    }

    /// Decodes the site values of the given types, following service handles. An error only if nothing was found
    /// and something that might have been found could not be asked.
    fn sites_in<'a>(
        &'a self,
        values: &'a ValueSet,
        kinds: &'a [&'a str],
        walk: &'a Walk<'a>,
        path: &'a Path<'a>,
    ) -> Boxed<'a, Result<Vec<Site>, Resolved>> {
        Box::pin(async move {
            let mut sites = Vec::new();
            let mut fault = None;
            for value in values.iter().filter(|value| kind::is_one_of(value.kind, kinds)) {
                if !kind::is_one_of(value.kind, &[kind::SERV, kind::SERV_PREFIX]) {
                    sites.extend(Site::decode(value.data).ok());
                    continue;
                }
                let Some(service) = std::str::from_utf8(value.data).ok().and_then(|text| Identifier::parse(text).ok())
                else {
                    continue;
                };
                match self.sites_of_service(&service, &[&kind::SERVICE], walk, path).await {
                    Ok(more) => sites.extend(more),
                    Err(why) => fault = Some(why),
                }
            }
            match fault {
                Some(why) if sites.is_empty() => Err(why),
                _ => Ok(sites),
            }
        })
    }

    /// The sites that a service handle names, by the first of `orders` that it has; `0.NA/0.NA` means the root's.
    async fn sites_of_service(
        &self,
        service: &Identifier,
        orders: &[&[&str]],
        walk: &Walk<'_>,
        path: &Path<'_>,
    ) -> Result<Vec<Site>, Resolved> {
        if service.as_str().eq_ignore_ascii_case("0.NA/0.NA") {
            return Ok(self.bootstrap.load().root().to_vec());
        }
        match self.look_up(service, Ask::default(), walk, Some(path)).await.resolved {
            Resolved::Values(values) => {
                let key = service.key(self.rule);
                let inner = Path { key: &key, above: Some(path), depth: path.depth + 1, has_stale: false };
                self.first_sites_in(&values, orders, walk, &inner).await
            }
            Resolved::NotFound | Resolved::NotResponsible => Ok(Vec::new()),
            other => Err(other),
        }
    }

    async fn first_sites_in(
        &self,
        values: &ValueSet,
        orders: &[&[&str]],
        walk: &Walk<'_>,
        path: &Path<'_>,
    ) -> Result<Vec<Site>, Resolved> {
        for kinds in orders {
            let sites = self.sites_in(values, kinds, walk, path).await?;
            if !sites.is_empty() {
                return Ok(sites);
            }
        }
        Ok(Vec::new())
    }

    /// Asks the servers of `sites` until one gives a final answer; follows referrals. `reached` is what they answer
    /// for, where that matters.
    async fn ask_sites(
        &self,
        name: &Identifier,
        mut sites: Vec<Site>,
        mut reached: Option<Prefix>,
        ask: Ask,
        walk: &Walk<'_>,
        path: &Path<'_>,
    ) -> Resolved {
        let mut asked: Vec<HashSet<Endpoint>> = Vec::new();
        let mut below = false;
        for _ in 0..limits::CLIENT_HOPS {
            let endpoints = self.endpoints(&sites, name.name(), ask.authoritative);
            let these = endpoints.iter().copied().collect();
            if below && asked.last() == Some(&these) {
                // They say that it would be with them, and have not got it.
                return Resolved::NotFound;
            }
            if asked.contains(&these) {
                return Resolved::Loop;
            }
            asked.push(these);
            match self.ask_endpoints(name, &endpoints, ask, walk, path).await {
                Reply::Final(resolved) => return resolved,
                Reply::Referral(referral) => {
                    below = referral.below;
                    reached = self.learn(name.name(), reached.as_ref(), &referral).or(reached);
                    match self.referred(&referral, walk, path).await {
                        Ok(next) => sites = next,
                        Err(resolved) => return resolved,
                    }
                }
            }
        }
        Resolved::Loop
    }

    /// The sites that a referral names, in its values or else by its handle.
    async fn referred(&self, referral: &Referral, walk: &Walk<'_>, path: &Path<'_>) -> Result<Vec<Site>, Resolved> {
        let orders: &[&[&str]] = match referral.below {
            true => &[&kind::PREFIX_SERVICE, &kind::SERVICE],
            false => &[&kind::SERVICE],
        };
        let sites = self.first_sites_in(&referral.values, orders, walk, path).await?;
        match &referral.service {
            Some(service) if sites.is_empty() => self.sites_of_service(service, orders, walk, path).await,
            _ => Ok(sites),
        }
    }

    /// The endpoints to try, best first: UDP before TCP of each server that the hash selects.
    fn endpoints(&self, sites: &[Site], name: Name<'_>, primaries_only: bool) -> Vec<Endpoint> {
        let mut endpoints: Vec<Endpoint> = Vec::new();
        for site in sites.iter().filter(|site| !primaries_only || site.is_primary()) {
            let Some(server) = site.server_for(name) else { continue };
            for protocol in [Protocol::Udp, Protocol::Tcp] {
                let ports: Vec<u16> =
                    server.endpoints(Interface::QUERY, protocol).map(|address| address.port()).collect();
                for ip in site.addresses(server).into_iter().filter(|ip| self.may_ask(*ip)) {
                    endpoints
                        .extend(ports.iter().map(|port| Endpoint { address: SocketAddr::new(ip, *port), protocol }));
                }
            }
        }
        let mut seen = HashSet::new();
        endpoints.retain(|endpoint| seen.insert(*endpoint));
        self.health.order(&mut endpoints, self.now());
        endpoints.truncate(ENDPOINTS);
        endpoints
    }

    /// Whether a server that a record names may be asked there: not on a private network unless configured so.
    pub fn may_ask(&self, ip: IpAddr) -> bool {
        self.limits.private_addresses
            || !is_private(ip)
            || self.bootstrap.load().addresses().any(|configured| configured == ip)
    }

    /// Asks one endpoint after another until one has something to say. None is responsible only if all say so.
    async fn ask_endpoints(
        &self,
        name: &Identifier,
        endpoints: &[Endpoint],
        ask: Ask,
        walk: &Walk<'_>,
        path: &Path<'_>,
    ) -> Reply {
        let mut refused = Vec::new();
        let mut faults: Vec<(SocketAddr, String)> = Vec::new();
        for endpoint in endpoints {
            if refused.contains(&endpoint.address) {
                continue;
            }
            if path.has_stale && self.health.is_paused(endpoint, self.now()) {
                faults.push((endpoint.address, format!("no answer from {endpoint} lately")));
                continue;
            }
            if !walk.takes_question() {
                return Reply::Final(Resolved::Loop);
            }
            match self.ask_endpoint(name, *endpoint, ask, walk).await {
                Ok(Reply::Final(Resolved::NotResponsible)) => refused.push(endpoint.address),
                Ok(Reply::Final(Resolved::Unreachable(why))) | Err(why) => faults.push((endpoint.address, why)),
                Ok(reply) => return reply,
            }
        }
        faults.retain(|(address, _)| !refused.contains(address));
        Reply::Final(match faults.pop() {
            Some((_, why)) => Resolved::Unreachable(why),
            None if refused.is_empty() => Resolved::Unreachable("no server address is usable".into()),
            None => Resolved::NotResponsible,
        })
    }

    /// Asks one endpoint and keeps account of it.
    async fn ask_endpoint(
        &self,
        name: &Identifier,
        endpoint: Endpoint,
        ask: Ask,
        walk: &Walk<'_>,
    ) -> Result<Reply, String> {
        let started = Instant::now();
        let outcome = self.ask_one(name, endpoint, ask).await;
        let took = started.elapsed();
        walk.trace.add(|| Hop {
            question: name.to_string(),
            server: Some(endpoint),
            cache: CacheState::Miss,
            outcome: outcome.as_ref().map_or_else(|fault| fault.clone(), |(code, _)| code.to_string()),
            values: outcome.as_ref().map_or(0, |(_, reply)| reply.values()),
            took,
        });
        match &outcome {
            Ok(_) => self.health.answered(endpoint, took),
            Err(_) => self.health.failed(endpoint, self.now()),
        }
        outcome.map(|(_, reply)| reply)
    }

    async fn ask_one(&self, name: &Identifier, endpoint: Endpoint, ask: Ask) -> Result<(ResponseCode, Reply), String> {
        let mut flags = flag::CACR | flag::PUBL;
        if ask.authoritative {
            flags |= flag::AUTH;
        }
        let mut header = Header::request(OpCode::RESOLUTION, flags, self.now() / 1000);
        header.hops = ask.hops.saturating_add(1);
        let body = Body::Resolve { handle: name.as_str().into(), selection: SelectionBuf::default() };
        let message = Message::new(Envelope::new(REQUEST), header, body);
        let frame = self.upstream.ask(endpoint, &message.to_bytes(), self.limits.attempt).await;
        Reply::read(name, REQUEST, &frame.map_err(|fault| fault.to_string())?)
    }
}

impl From<&Remembered> for Resolved {
    fn from(what: &Remembered) -> Self {
        match what {
            Remembered::Values(values) => Resolved::Values(values.clone()),
            Remembered::NotFound => Resolved::NotFound,
            Remembered::NotResponsible => Resolved::NotResponsible,
        }
    }
}

fn upstream_outcome(resolved: Resolved) -> Resolution {
    Resolution { resolved, stale: false, cache: CacheState::Miss }
}

fn too_late() -> Resolved {
    Resolved::Unreachable("no answer in time".into())
}

fn some_site(sites: &[Site]) -> Result<Vec<Site>, Resolved> {
    if sites.is_empty() { Err(Resolved::NotResponsible) } else { Ok(sites.to_vec()) }
}

fn later(milliseconds: u64, life: Duration) -> u64 {
    milliseconds.saturating_add(u64::try_from(life.as_millis()).unwrap_or(u64::MAX))
}

/// What the cache gives for `name`, noted in the trace.
fn served(name: &Identifier, entry: &Entry, freshness: Freshness, walk: &Walk<'_>) -> Resolution {
    let resolved = Resolved::from(&entry.what);
    let stale = freshness == Freshness::Stale;
    let cache = match (&entry.what, stale) {
        (_, true) => CacheState::Stale,
        (Remembered::Values(_), false) => CacheState::Hit,
        (Remembered::NotFound | Remembered::NotResponsible, false) => CacheState::Negative,
    };
    walk.trace.add(|| hop_without_server(name, cache, &resolved));
    Resolution { resolved, stale, cache }
}

fn hop_without_server(name: &Identifier, cache: CacheState, resolved: &Resolved) -> Hop {
    let (outcome, values) = outcome(resolved);
    Hop { question: name.to_string(), server: None, cache, outcome, values, took: Duration::ZERO }
}

/// What came of it in words, and how many values.
fn outcome(resolved: &Resolved) -> (String, usize) {
    match resolved {
        Resolved::Values(values) => (ResponseCode::SUCCESS.to_string(), values.len()),
        Resolved::NotFound => (ResponseCode::HANDLE_NOT_FOUND.to_string(), 0),
        Resolved::NotResponsible => (ResponseCode::SERVER_NOT_RESP.to_string(), 0),
        Resolved::Unreachable(why) => (why.clone(), 0),
        Resolved::Busy => (ResponseCode::SERVER_TOO_BUSY.to_string(), 0),
        Resolved::Loop => ("a circle".into(), 0),
    }
}

/// Addresses that lead into this machine or its network, or to more than one machine.
pub fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let shared = first == 100 && second & 0xC0 == 64;
            let local = v4.is_loopback() || v4.is_private() || v4.is_link_local() || shared;
            local || first == 0 || v4.is_multicast() || v4.is_broadcast()
        }
        IpAddr::V6(v6) => {
            let local = v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local();
            local || v6.is_unspecified() || v6.is_multicast()
        }
    }
}
