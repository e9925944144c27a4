//! Frames of the Handle protocol, value sets, and the data of every predefined type.

use bytes::Bytes;
use hufu_ident::ValueSet;
use hufu_ident::systems::handle::wire::{Body, Message, Question};
use hufu_ident::systems::handle::{Data, kind};

/// Both decoders of a frame agree, and what decodes composes to the same octets.
pub fn message(frame: &[u8]) -> bool {
    let question = Question::decode(frame);
    let Ok(message) = Message::decode(frame) else {
        assert!(question.is_none());
        return false;
    };
    assert_eq!(message.to_bytes(), frame);
    let name = message.plain().and_then(|plain| match &plain.body {
        Body::Resolve { handle, .. } => std::str::from_utf8(handle).ok(),
        _ => None,
    });
    assert_eq!(question.map(|question| question.name.text()), name);
    true
}

const KINDS: [&str; 8] =
    [kind::ADMIN, kind::SITE, kind::PUBKEY, kind::VLIST, kind::ALIAS, kind::SERV, kind::SECKEY, kind::URL];

/// The first octet says as what the rest is decoded.
pub fn value_data(input: &[u8]) -> bool {
    let Some((first, data)) = input.split_first() else { return false };
    match KINDS.get(usize::from(*first)) {
        Some(kind) => match Data::decode(kind.as_bytes(), data) {
            Ok(decoded) => {
                assert_eq!(decoded.to_bytes(), data);
                true
            }
            Err(_) => false,
        },
        None => value_set(Bytes::copy_from_slice(data)),
    }
}

fn value_set(octets: Bytes) -> bool {
    let trusted = ValueSet::trusted(octets.clone());
    let _ = (trusted.public(), trusted.with_ttl_at_most(30), trusted.shortest_ttl(0));
    let Ok(set) = ValueSet::decode(octets) else { return false };
    for changed in [set.public(), set.filtered(|value| value.index % 2 == 0), set.with_ttl_at_most(30)] {
        assert_eq!(ValueSet::decode(changed.as_bytes().clone()), Ok(changed));
    }
    true
}
