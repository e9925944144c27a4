//! Whether something lies below a name without a record that another node answers for: NXDOMAIN would deny that too
//! (RFC 8020). The Handle protocol cannot tell, so the responsible node is asked by DNS, where it serves that.

use super::{DNS_PORT, PAYLOAD, zone};
use crate::clock;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use hufu_ident::Identifier;
use hufu_ident::systems::handle::Site;
use hufu_net::dns_exchange;
use hufu_resolve::{Recursor, Trace, Upstream};
use quick_cache::sync::Cache;
use std::net::SocketAddr;
use std::time::Duration;

/// Names whose answer is remembered.
const NAMES: usize = 10_000;
/// Servers asked for one name, and how long each is waited for.
const SERVERS: usize = 3;
const WAIT: Duration = Duration::from_secs(1);

/// What responsible nodes have said of names without a record.
pub(super) struct Below {
    /// By dot form: whether the name exists, and until when that is believed, in milliseconds since the epoch.
    told: Cache<String, (bool, u64)>,
    /// Milliseconds.
    ttl: u64,
}

impl Below {
    pub fn new(ttl: Duration) -> Below {
        Below { told: Cache::new(NAMES), ttl: u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX) }
    }

    /// Whether a node of the tree that has no record exists all the same. If nobody can tell, it may: an answer without
    /// data denies nothing below.
    pub async fn exists<U: Upstream>(
        &self,
        recursor: &Recursor<U>,
        name: &Identifier,
        dotted: &str,
        owner: &Name,
    ) -> bool {
        if let Some((exists, until)) = self.told.get(dotted)
            && until > clock::millis()
        {
            return exists;
        }
        let sites = recursor.sites_for(name, &Trace::off()).await.unwrap_or_default();
        let servers = sites.iter().flat_map(dns_servers).filter(|server| recursor.may_ask(server.ip()));
        for server in servers.take(SERVERS) {
            if let Some(exists) = ask(server, owner).await {
                self.told.insert(dotted.to_owned(), (exists, clock::millis().saturating_add(self.ttl)));
                return exists;
            }
        }
        true
    }
}

/// Where a site serves DNS.
fn dns_servers(site: &Site) -> Vec<SocketAddr> {
    let port = site.attribute(DNS_PORT).and_then(|port| std::str::from_utf8(port).ok()?.parse().ok());
    let at = |port: u16| zone::addresses_of(site).into_iter().map(move |address| SocketAddr::new(address, port));
    port.map(at).into_iter().flatten().collect()
}

/// What a server says of an owner name; `None` if it does not answer for it.
async fn ask(server: SocketAddr, owner: &Name) -> Option<bool> {
    let question = Query::query(owner.clone(), RecordType::NAPTR);
    let mut query = Message::new(crate::random::number(), MessageType::Query, OpCode::Query);
    query.add_query(question);
    let mut edns = Edns::new();
    edns.set_max_payload(PAYLOAD);
    query.set_edns(edns);
    let octets = query.to_vec().ok()?;
    let read = |octets: &[u8]| {
        let answer = Message::from_vec(octets).ok()?;
        let meta = &answer.metadata;
        let fits = meta.message_type == MessageType::Response && meta.id == query.metadata.id;
        (fits && answer.queries == query.queries).then_some(answer)
    };
    let answer = dns_exchange(server, &octets, WAIT, |octets| read(octets).is_some()).await;
    let answer = answer.inspect_err(|error| tracing::debug!(%server, %error, "a name server does not answer"));
    let answer = read(&answer.ok()?)?;
    match answer.metadata.response_code {
        ResponseCode::NoError => Some(true),
        ResponseCode::NXDomain if answer.metadata.authoritative => Some(false),
        _ => None,
    }
}
