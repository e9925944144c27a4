//! The DNS front door: object identifiers by their owner names (ITU-T X.672), ordinary names by forwarding.
//!
//! Like every door it reads a question, asks [`crate::answering`], and writes the answer down in its own shape.

mod answer;
mod below;
mod denial;
mod forward;
pub mod key;
mod locate;
mod records;
mod referral;
mod sign;
pub mod tree;
mod zone;

use crate::answering::Answering;
use crate::node::Parts;
pub use referral::{DNS_KEY, DNS_PORT};

use answer::Reply;
use below::Below;
use forward::Forwarder;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RecordType};
use hufu_net::{DnsAnswer, DnsService, Peer, Transport};
use std::sync::Arc;
use tree::Tree;
use zone::Zone;

/// Octets of a UDP answer that no path fragments (DNS flag day 2020), and what a client without EDNS takes.
const PAYLOAD: u16 = 1232;
const PLAIN: u16 = 512;

/// A domain name, with the root at its end whether or not it was written; `None` if it is none.
pub fn absolute(text: &str) -> Option<Name> {
    let mut name = Name::from_ascii(text).ok()?;
    name.set_fqdn(true);
    Some(name)
}

/// What answers DNS messages of one node.
pub struct Door {
    parts: Arc<Parts>,
    zone: Zone,
    tree: Tree,
    forwarder: Option<Forwarder>,
    below: Below,
}

/// One question, read once.
pub(crate) struct Asked {
    pub question: Query,
    pub peer: Peer,
    /// Whether this client may have this node resolve, and wants it to.
    pub recurse: bool,
    /// Whether signatures are wanted.
    pub dnssec: bool,
}

impl Door {
    /// The door of a node; `None` if its configuration names no zone that can be.
    pub fn new(parts: Arc<Parts>) -> Option<Door> {
        let config = &parts.config.dns;
        let zone = Zone::new(config, &parts.identity.site)?;
        let tree = Tree::of(&parts.answering);
        let forwarder = parts.answering.recursion.then(|| Forwarder::new(config)).flatten();
        let below = Below::new(config.negative_ttl.0);
        Some(Door { parts, zone, tree, forwarder, below })
    }

    fn answering(&self) -> &Answering {
        &self.parts.answering
    }

    /// Whether the node resolves for this client.
    fn serves(&self, peer: &Peer) -> bool {
        let client = peer.address.ip().to_canonical();
        self.answering().recursion && self.parts.config.dns.clients.iter().any(|network| network.contains(&client))
    }

    async fn respond(&self, octets: &[u8], peer: Peer) -> Option<Vec<u8>> {
        let Ok(message) = Message::from_vec(octets) else { return unreadable(octets) };
        // An answer gets none, or two servers could talk for ever.
        if message.metadata.message_type == MessageType::Response {
            return None;
        }
        let reply = self.reply(&message, peer).await;
        compose(&message, reply, peer, self.serves(&peer))
    }

    async fn reply(&self, message: &Message, peer: Peer) -> Reply {
        if message.metadata.op_code != OpCode::Query {
            return Reply::code(ResponseCode::NotImp);
        }
        if message.edns.as_ref().is_some_and(|edns| edns.version() > 0) {
            return Reply::code(ResponseCode::BADVERS);
        }
        let [question] = &message.queries[..] else { return Reply::code(ResponseCode::FormErr) };
        let transfer = matches!(question.query_type(), RecordType::AXFR | RecordType::IXFR);
        if question.query_class() != DNSClass::IN || transfer {
            return Reply::code(ResponseCode::Refused);
        }
        let recurse = message.metadata.recursion_desired && self.serves(&peer);
        let dnssec = message.edns.as_ref().is_some_and(|edns| edns.flags().dnssec_ok);
        let asked = Asked { question: question.clone(), peer, recurse, dnssec };
        if let Some(labels) = self.zone.labels(question.name()) {
            return self.answer(&asked, &labels).await;
        }
        match &self.forwarder {
            // Whom we ask must not ask us in turn.
            Some(forwarder) if recurse && !forwarder.asks(peer.address.ip()) => forwarder.answer(message).await,
            _ => Reply::code(ResponseCode::Refused),
        }
    }
}

impl DnsService for Door {
    fn answer(self: Arc<Self>, query: Vec<u8>, peer: Peer) -> DnsAnswer {
        Box::pin(async move { self.respond(&query, peer).await })
    }
}

/// FORMERR with the question's id (RFC 1035 §4.1.1), if it is a question at all.
fn unreadable(octets: &[u8]) -> Option<Vec<u8>> {
    let [high, low, flags, ..] = octets else { return None };
    if flags & 0x80 != 0 {
        return None;
    }
    Message::error_msg(u16::from_be_bytes([*high, *low]), OpCode::Query, ResponseCode::FormErr).to_vec().ok()
}

/// The octets of a reply, cut to what the asker takes.
fn compose(query: &Message, reply: Reply, peer: Peer, recursion: bool) -> Option<Vec<u8>> {
    let mut message = Message::response(query.metadata.id, query.metadata.op_code);
    message.metadata.recursion_desired = query.metadata.recursion_desired;
    message.metadata.checking_disabled = query.metadata.checking_disabled;
    message.metadata.recursion_available = recursion;
    message.metadata.authoritative = reply.authoritative;
    message.metadata.response_code = reply.code;
    message.queries = query.queries.clone();
    (message.answers, message.authorities, message.additionals) = (reply.answers, reply.authorities, reply.additionals);
    if let Some(asked) = &query.edns {
        let mut edns = Edns::new();
        edns.set_max_payload(PAYLOAD).set_dnssec_ok(asked.flags().dnssec_ok);
        message.edns = Some(edns);
    }
    let octets = message.to_vec().ok()?;
    let limit = match (peer.transport, &query.edns) {
        (Transport::Udp, Some(edns)) => edns.max_payload().clamp(PLAIN, PAYLOAD),
        (Transport::Udp, None) => PLAIN,
        _ => u16::MAX,
    };
    if octets.len() <= usize::from(limit) { Some(octets) } else { message.truncate().to_vec().ok() }
}
