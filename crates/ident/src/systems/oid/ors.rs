//! Owner names of the object identifier resolution system (ITU-T X.672): arcs reversed below a zone of DNS.

use super::label::{self, DNS_LABEL};
use super::value::ObjectIdentifier;

/// The zone that the standard names.
pub const ZONE: &str = "oid-res.org";
/// The label below an owner at which records are found too, because the owner of a DNAME carries none.
pub const DUMMY: &str = "ors-dummy";
/// Characters of a domain name without its last dot (RFC 1035 §2.3.4).
pub const DOMAIN: usize = 253;

/// `3088.156.2.1.oid-res.org.`: the owner of an identifier (or of one arc) below `zone`, with the last dot.
///
/// `None` if DNS cannot carry it: a label over 63 characters, a name over 253.
pub fn owner(dotted: &str, zone: &str) -> Option<String> {
    let mut name = String::with_capacity(dotted.len() + zone.len() + 2);
    for arc in dotted.rsplit('.') {
        if arc.len() > DNS_LABEL {
            return None;
        }
        name.push_str(arc);
        name.push('.');
    }
    name.push_str(zone.trim_matches('.'));
    (name.len() <= DOMAIN).then(|| name + ".")
}

/// The owner of an OID-IRI (without its first `/`), Unicode labels as lower-case A-labels.
pub fn owner_of_iri(iri: &str, zone: &str) -> Option<String> {
    let labels: Option<Vec<String>> = iri.trim_start_matches('/').rsplit('/').map(label::to_dns).collect();
    let name = format!("{}.{}", labels?.join("."), zone.trim_matches('.'));
    (name.len() <= DOMAIN).then(|| name + ".")
}

/// The identifier whose owner stands in front of the zone; labels of digits only, at least two.
pub fn identifier(owner: &str, zone: &str) -> Option<ObjectIdentifier> {
    let owner = owner.strip_suffix('.').unwrap_or(owner);
    let zone = zone.trim_matches('.');
    let cut = owner.len().checked_sub(zone.len() + 1)?;
    let (labels, tail) = (owner.get(..cut)?, owner.get(cut..)?);
    if !tail.strip_prefix('.')?.eq_ignore_ascii_case(zone) {
        return None;
    }
    let arcs: Vec<&str> = labels.rsplit('.').collect();
    ObjectIdentifier::from_arcs(arcs).ok()
}
