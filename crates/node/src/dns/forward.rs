//! Ordinary names: asked of configured resolvers, whose answers are passed on whole and remembered.

use super::PAYLOAD;
use super::answer::Reply;
use crate::clock;
use crate::config::DnsConfig;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Record, RecordType};
use hufu_net::dns_exchange;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Questions on their way at once; above, SERVFAIL at once.
const IN_FLIGHT: usize = 1024;
/// Seconds that an answer is remembered at most (RFC 8767 §4 suggests days; a day is enough here).
const TTL: u32 = 86_400;
/// Octets that an answer of usual size takes in the cache, to size its table.
const USUAL: u64 = 512;

/// The resolvers and what they have said.
pub(super) struct Forwarder {
    servers: Vec<SocketAddr>,
    wait: Duration,
    /// The server that answered last.
    well: AtomicUsize,
    permits: Semaphore,
    cache: Cache<Key, Arc<Kept>, ByRecords>,
}

/// What tells one question from another: the name in lower case, type, and whether signatures are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    name: String,
    kind: u16,
    dnssec: bool,
    unchecked: bool,
}

struct Kept {
    reply: Reply,
    /// Unix seconds.
    since: u64,
    ttl: u32,
    octets: u64,
}

#[derive(Clone)]
struct ByRecords;

impl Weighter<Key, Arc<Kept>> for ByRecords {
    fn weight(&self, key: &Key, kept: &Arc<Kept>) -> u64 {
        kept.octets + key.name.len() as u64 + 128
    }
}

impl Forwarder {
    /// `None` without a resolver to ask.
    pub fn new(config: &DnsConfig) -> Option<Forwarder> {
        if config.forward.is_empty() {
            return None;
        }
        let octets = config.forward_cache.0;
        Some(Forwarder {
            servers: config.forward.clone(),
            wait: config.forward_wait.0,
            well: AtomicUsize::new(0),
            permits: Semaphore::new(IN_FLIGHT),
            cache: Cache::with_weighter((octets / USUAL).max(64) as usize, octets, ByRecords),
        })
    }

    /// Whether questions are sent to this address.
    pub fn asks(&self, address: IpAddr) -> bool {
        // On a loopback, clients and resolvers share addresses; there the configuration check must do.
        !address.is_loopback() && self.servers.iter().any(|server| server.ip() == address.to_canonical())
    }

    pub async fn answer(&self, message: &Message) -> Reply {
        let Some(question) = message.queries.first() else { return Reply::code(ResponseCode::FormErr) };
        let key = Key {
            name: question.name().to_lowercase().to_ascii(),
            kind: question.query_type().into(),
            dnssec: message.edns.as_ref().is_some_and(|edns| edns.flags().dnssec_ok),
            unchecked: message.metadata.checking_disabled,
        };
        let now = clock::seconds();
        if let Some(kept) = self.cache.get(&key)
            && let Some(reply) = kept.aged(now)
        {
            return reply;
        }
        let Ok(_permit) = self.permits.try_acquire() else { return Reply::code(ResponseCode::ServFail) };
        let Some((answer, octets)) = self.ask(question, &key).await else {
            return Reply::code(ResponseCode::ServFail);
        };
        let ttl = lifetime(&answer);
        let reply = Reply {
            code: answer.metadata.response_code,
            authoritative: false,
            answers: answer.answers,
            authorities: answer.authorities,
            additionals: answer.additionals,
            provable: None,
        };
        if ttl > 0 {
            let kept = Kept { reply: reply.clone(), since: now, ttl, octets: 4 * octets as u64 };
            self.cache.insert(key, Arc::new(kept));
        }
        reply
    }

    /// Asks one server after the other, beginning with the one that answered last.
    async fn ask(&self, question: &Query, key: &Key) -> Option<(Message, usize)> {
        let first = self.well.load(Ordering::Relaxed);
        for turn in 0..self.servers.len() {
            let position = (first + turn) % self.servers.len();
            let server = self.servers.get(position)?;
            let mut query = Message::new(crate::random::number(), MessageType::Query, OpCode::Query);
            query.metadata.recursion_desired = true;
            query.metadata.checking_disabled = key.unchecked;
            query.add_query(question.clone());
            let mut edns = Edns::new();
            edns.set_max_payload(PAYLOAD).set_dnssec_ok(key.dnssec);
            query.set_edns(edns);
            let octets = query.to_vec().ok()?;
            let fits = |octets: &[u8]| Message::from_vec(octets).is_ok_and(|answer| answers(&answer, &query));
            let answer = match dns_exchange(*server, &octets, self.wait, fits).await {
                Ok(octets) => Message::from_vec(&octets).ok().map(|answer| (answer, octets.len())),
                Err(error) => {
                    tracing::debug!(%server, %error, "a resolver does not answer");
                    None
                }
            };
            let usable = |code| matches!(code, ResponseCode::NoError | ResponseCode::NXDomain);
            if let Some(answer) = answer.filter(|(answer, _)| usable(answer.metadata.response_code)) {
                self.well.store(position, Ordering::Relaxed);
                return Some(answer);
            }
        }
        None
    }
}

/// Whether a message is the answer to just this question.
fn answers(answer: &Message, query: &Message) -> bool {
    answer.metadata.message_type == MessageType::Response
        && answer.metadata.id == query.metadata.id
        && answer.queries == query.queries
}

/// Seconds that an answer may be kept: the shortest TTL in it; for an absence as its SOA says (RFC 2308 §5), else not.
fn lifetime(answer: &Message) -> u32 {
    let records = answer.answers.iter().chain(&answer.authorities);
    let shortest = records.map(|record| record.ttl).min().unwrap_or_default();
    let negative = answer.answers.is_empty().then(|| {
        let soa = answer.authorities.iter().find(|record| record.record_type() == RecordType::SOA);
        soa.map_or(0, |record| match &record.data {
            hickory_proto::rr::RData::SOA(soa) => soa.minimum,
            _ => 0,
        })
    });
    shortest.min(negative.unwrap_or(TTL)).min(TTL)
}

impl Kept {
    /// The answer with the TTLs that are left at `now`; `None` once they have run out.
    fn aged(&self, now: u64) -> Option<Reply> {
        let age = u32::try_from(now.saturating_sub(self.since)).unwrap_or(u32::MAX);
        if age >= self.ttl {
            return None;
        }
        let mut reply = self.reply.clone();
        let age_all =
            |records: &mut Vec<Record>| records.iter_mut().for_each(|record| record.ttl -= age.min(record.ttl));
        age_all(&mut reply.answers);
        age_all(&mut reply.authorities);
        age_all(&mut reply.additionals);
        Some(reply)
    }
}
