//! Proofs that something is not there, made when they are asked for: NSEC records that cover just the name in question
//! (RFC 4470), so that nobody can list the zone by them.

use hickory_proto::dnssec::rdata::{DNSSECRData, NSEC};
use hickory_proto::rr::{Name, RData, Record, RecordType};

/// Octets of the longest label (RFC 1035 §2.3.4).
const LABEL: usize = 63;

/// What is denied.
#[derive(Debug, Clone)]
pub(super) enum Denied {
    /// The name is there; these types are all that it has.
    Type { name: Name, types: Vec<RecordType> },
    /// Neither the name nor anything below it is there, nor a wildcard beside it.
    Name(Name),
}

impl Denied {
    /// The proof; `None` for a name so long that no other fits beside it.
    pub fn records(&self, ttl: u32) -> Option<Vec<Record>> {
        match self {
            Denied::Type { name, types } => {
                let name = name.to_lowercase();
                let next = name.prepend_label(&[0][..]).ok().or_else(|| after(&name))?;
                Some(vec![nsec(name, next, types, ttl)])
            }
            Denied::Name(name) => {
                let name = name.to_lowercase();
                // Whoever checks takes the name above for the closest one that is there.
                let wildcard = name.base_name().prepend_label(&b"*"[..]).ok()?;
                let mut proof = vec![around(&name, ttl)?];
                if wildcard != name {
                    proof.push(around(&wildcard, ttl)?);
                }
                Some(proof)
            }
        }
    }
}

fn around(name: &Name, ttl: u32) -> Option<Record> {
    Some(nsec(before(name)?, after(name)?, &[], ttl))
}

fn nsec(name: Name, next: Name, types: &[RecordType], ttl: u32) -> Record {
    let data = NSEC::new_cover_self(next, types.iter().copied());
    Record::from_rdata(name, ttl, RData::DNSSEC(DNSSECRData::NSEC(data)))
}

/// A name beside this one that sorts before it, with nothing between them but names too long to be (RFC 4471 §3.1.2).
fn before(name: &Name) -> Option<Name> {
    let mut label = name.iter().next()?.to_vec();
    let last = label.pop()?;
    // Capitals sort as small letters (RFC 4034 §6.1), so the octet before `[` is `@`. Before a zero octet nothing can
    // be put: the shorter label may be there.
    let less = if last == b'[' { b'@' } else { last.checked_sub(1)? };
    label.push(less);
    longest(&name.base_name(), label)
}

/// A name beside this one that sorts after it and all below it, with nothing else between.
fn after(name: &Name) -> Option<Name> {
    let label = name.iter().next()?;
    let above = name.base_name();
    if let Ok(next) = above.prepend_label([label, &[0]].concat()) {
        return Some(next);
    }
    // No longer label fits: the next one of this length.
    let mut label = label.to_vec();
    let last = label.pop()?;
    let more = if last == b'@' { b'[' } else { last.checked_add(1)? };
    label.push(more);
    above.prepend_label(label).ok()
}

/// The label, filled up with the highest octet as far as the name may go.
fn longest(above: &Name, label: Vec<u8>) -> Option<Name> {
    let filled = |octets: usize| {
        let mut filled = label.clone();
        filled.resize(octets, u8::MAX);
        above.prepend_label(filled).ok()
    };
    (label.len()..=LABEL).rev().find_map(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering;

    fn name(labels: &[&[u8]]) -> Name {
        Name::from_labels(labels.iter().copied()).unwrap()
    }

    /// RFC 4034 §6.1.
    fn canonical(one: &Name, two: &Name) -> Ordering {
        let labels = |name: &Name| -> Vec<Vec<u8>> {
            let mut labels: Vec<Vec<u8>> = name.iter().map(|label| label.to_ascii_lowercase()).collect();
            labels.reverse();
            labels
        };
        labels(one).cmp(&labels(two))
    }

    #[test]
    fn neighbours_stand_on_either_side_and_leave_room_for_nobody() {
        let zone: [&[u8]; 3] = [b"156", b"ors", b"example"];
        let in_zone = |label: &[u8]| name(&[&[label][..], &zone].concat());
        for label in [&b"3088"[..], b"1", b"a", b"[", b"@", b"x-", &[b'z'; 63], b"*", b"\xC3\xA4", &[1]] {
            let own = in_zone(label);
            let (low, high) = (before(&own).unwrap(), after(&own).unwrap());
            assert_eq!([canonical(&low, &own), canonical(&own, &high)], [Ordering::Less; 2], "{own}");
            assert_eq!([low.base_name(), high.base_name()], [own.base_name(), own.base_name()]);
            let below = own.prepend_label("zzz").ok();
            assert!(below.is_none_or(|below| canonical(&below, &high) == Ordering::Less));
            // Those that sort next to it are outside.
            let shorter = label.split_last().map(|(_, rest)| rest.to_vec()).filter(|rest| !rest.is_empty());
            let longer = (label.len() < LABEL).then(|| [label, b"0"].concat());
            assert!(shorter.is_none_or(|rest| canonical(&in_zone(&rest), &low) == Ordering::Less), "{own}");
            assert!(longer.is_none_or(|more| canonical(&high, &in_zone(&more)) == Ordering::Less), "{own}");
        }
        assert_eq!((before(&in_zone(b"ab\0")), after(&in_zone(&[255; 63]))), (None, None));
        assert_eq!(before(&Name::root()), None);
    }
}
