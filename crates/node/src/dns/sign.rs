//! Signs a reply for who asks for signatures (RFC 4035 §3): every RRset of the zone, and the proof of what is absent.

use super::answer::Reply;
use super::denial::Denied;
use super::key::ZoneKey;
use hickory_proto::ProtoError;
use hickory_proto::rr::{Name, Record, RecordType};

/// What a reply needs to be signed.
#[derive(Debug, Clone)]
pub(super) struct Provable {
    /// The apex of the zone that says it.
    pub zone: Name,
    pub denied: Option<Denied>,
}

/// The reply with its signatures; replies that say nothing of a zone have none. Proofs live for `ttl` seconds.
pub(super) fn sign(mut reply: Reply, key: &ZoneKey, ttl: u32, now: u64) -> Result<Reply, ProtoError> {
    let Some(provable) = reply.provable.take() else { return Ok(reply) };
    if let Some(denied) = &provable.denied {
        let proof = denied.records(ttl);
        reply.authorities.extend(proof.ok_or_else(|| ProtoError::from("no name fits beside this one"))?);
    }
    // A CNAME is made from its DNAME, which is what is signed (RFC 6672 §5.3.1).
    reply.answers = signed(reply.answers, |kind| kind != RecordType::CNAME, &provable.zone, key, now)?;
    // The NS records of a referral are the child's (RFC 4035 §2.2); others never stand there.
    reply.authorities = signed(reply.authorities, |kind| kind != RecordType::NS, &provable.zone, key, now)?;
    Ok(reply)
}

/// Each RRset followed by its signature.
fn signed(
    records: Vec<Record>,
    due: impl Fn(RecordType) -> bool,
    zone: &Name,
    key: &ZoneKey,
    now: u64,
) -> Result<Vec<Record>, ProtoError> {
    let mut out = Vec::with_capacity(records.len() * 2);
    for set in records.chunk_by(|one, two| one.record_type() == two.record_type() && one.name == two.name) {
        out.extend_from_slice(set);
        if set.first().is_some_and(|first| due(first.record_type())) {
            out.push(key.sign(set, zone, now)?);
        }
    }
    Ok(out)
}
