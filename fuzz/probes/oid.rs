//! Object identifiers: dot form, URN, OID-IRI, ASN.1 value notation, owner names of ORS, DER.

use super::{judged, named};
use hufu_ident::System;
use hufu_ident::systems::oid::label::StandardLabels;
use hufu_ident::systems::oid::{ObjectIdentifier, Oid, china, der, label, ors, text};

/// Every spelling of an identifier leads back to it.
fn every_spelling(oid: &ObjectIdentifier) {
    let spellings = [
        ObjectIdentifier::parse(oid.as_str()),
        text::from_urn(&text::to_urn(oid)),
        text::from_iri(&text::to_iri(oid), &StandardLabels).and_then(|node| ObjectIdentifier::parse(&node)),
        text::from_asn1(&text::to_asn1(oid)),
    ];
    for again in spellings {
        assert_eq!(again.as_ref(), Ok(oid));
    }
    // One with as many digits as text may have can be longer in octets than a content may be.
    if let Ok(again) = der::decode(&der::encode(oid)) {
        assert_eq!(&again, oid);
    } else {
        assert!(der::content(oid).len() > der::CONTENT, "{oid}");
    }
    if let Some(owner) = ors::owner(oid.as_str(), ors::ZONE) {
        assert_eq!(ors::identifier(&owner, ors::ZONE).as_ref(), Some(oid));
    }
    let _ = (china::check(oid), ors::owner_of_iri(&text::to_iri(oid), ors::ZONE));
}

pub fn text(input: &[u8]) -> bool {
    let text = &*String::from_utf8_lossy(input);
    let _ = (Oid.read(text).map(|read| judged(text, read)), ors::identifier(text, ors::ZONE));
    let _ = (label::to_dns(text), ors::owner_of_iri(text, ors::ZONE), judged(text, label::check(text)));
    assert!(label::same(text, text));
    let named = named(&Oid, text);
    let read = [
        judged(text, ObjectIdentifier::parse(text)),
        judged(text, text::from_urn(text)),
        judged(text, text::from_asn1(text)),
        judged(text, text::from_iri(text, &StandardLabels)).and_then(|node| ObjectIdentifier::parse(&node).ok()),
    ];
    read.iter().flatten().for_each(every_spelling);
    named || read.iter().any(Option::is_some)
}

/// Tag, length and content, or the content alone.
pub fn octets(input: &[u8]) -> bool {
    let read = [der::decode(input), der::from_content(input)];
    for verdict in &read {
        match verdict {
            Ok(oid) => every_spelling(oid),
            Err(refusal) => assert!(refusal.at.is_none_or(|at| at <= input.len()), "{refusal}"),
        }
    }
    let relative = der::decode_relative(input);
    if let Ok(arcs) = &relative {
        let octets = der::encode_relative(arcs.iter().map(String::as_str)).expect("decoded arcs");
        assert_eq!(der::decode_relative(&octets).as_ref(), Ok(arcs));
    }
    relative.is_ok() || read.iter().any(Result::is_ok)
}
