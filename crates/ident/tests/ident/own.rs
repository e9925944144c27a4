//! Our own conformance data, entry by entry (`vectors/`, whose README says what the fields mean).

use crate::corpus::{self, number, octets, text};
use crate::written;
use bytes::Bytes;
use hufu_ident::systems::handle::wire::{
    Credential, CredentialField, ENVELOPE_OCTETS, HEADER_OCTETS, Message, OpCode, Plain, Question,
};
use hufu_ident::systems::handle::{AdminRecord, Data, hash};
use hufu_ident::systems::vaa;
use hufu_ident::{CaseRule, Identifier, Name, Prefix, Reference, ValueSet, recognise};
use md5::{Digest as _, Md5};
use serde_json::Value as Json;
use sha2::Sha256;
use std::collections::{BTreeMap, BTreeSet};

/// The entry without the fields that are about it, not of it.
fn fields(entry: &Json) -> Json {
    let mut fields = entry.clone();
    let object = fields.as_object_mut().unwrap();
    object.retain(|name, _| !matches!(name.as_str(), "name" | "clause" | "note" | "hex" | "digest_of" | "mac_key"));
    if let Some(header) = object.get_mut("header") {
        header.as_object_mut().unwrap().remove("body_length");
    }
    fields
}

#[test]
fn messages_decode_field_by_field_and_compose_to_the_same_octets() {
    let entries = corpus::own("handle/messages.json");
    assert!(entries.len() >= 80);
    for entry in &entries {
        let name = text(entry, "name");
        let frame = octets(entry);
        let message = Message::decode(&frame).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(written::message(&message), fields(entry), "{name}");
        assert_eq!(hex::encode(message.to_bytes()), text(entry, "hex"), "{name}");
        if message.plain().is_some() {
            let at = ENVELOPE_OCTETS + HEADER_OCTETS - 4;
            let length = u32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
            assert_eq!(u64::from(length), number(&entry["header"], "body_length"), "{name}");
        }
    }
}

#[test]
fn every_operation_is_there_as_request_and_as_answer() {
    let mut seen: BTreeMap<u64, (bool, bool)> = BTreeMap::new();
    for entry in corpus::own("handle/messages.json") {
        let Some(op) = entry["header"]["op"].as_u64() else {
            continue;
        };
        let sides = seen.entry(op).or_default();
        match number(&entry["header"], "response") {
            0 => sides.0 = true,
            _ => sides.1 = true,
        }
    }
    let known = (1..3000).filter(|op| OpCode(*op as u32).name().is_some());
    for op in known {
        assert_eq!(seen.get(&op), Some(&(true, true)), "operation {op}");
    }
}

#[test]
fn digests_are_those_of_the_requests_they_name() {
    let entries = corpus::own("handle/messages.json");
    let mut checked = 0;
    for entry in entries.iter().filter(|entry| entry["digest_of"].is_string()) {
        let request = octets(corpus::named(&entries, text(entry, "digest_of")));
        let request = Message::decode(&request).unwrap();
        let signed = signed_part(request.plain().unwrap());
        let expected = match text(&entry["digest"], "form") {
            "md5" => Md5::digest(&signed).to_vec(),
            "sha-256" | "bytes" => Sha256::digest(&signed).to_vec(),
            _ => continue, // SHA-1 is not among the tools of these tests; its octets are compared as they are
        };
        assert_eq!(text(&entry["digest"], "octets"), hex::encode(expected), "{}", entry["name"]);
        checked += 1;
    }
    assert!(checked >= 5);
}

#[test]
fn session_macs_verify() {
    let entries = corpus::own("handle/messages.json");
    let with_key: Vec<_> = entries.iter().filter(|entry| entry["mac_key"].is_string()).collect();
    assert!(with_key.len() >= 3);
    for entry in with_key {
        let message = Message::decode(&octets(entry)).unwrap();
        let plain = message.plain().unwrap();
        let CredentialField::Signed(credential) = &plain.credential else { panic!("{}", entry["name"]) };
        let counter = credential.session_counter;
        let covered = Credential::signed_octets(&message.envelope, counter, &signed_part(plain)).unwrap();
        let key = hex::decode(text(entry, "mac_key")).unwrap();
        assert_eq!(credential.signature, hmac_sha256(&key, &covered), "{}", entry["name"]);
    }
}

/// RFC 2104 for keys of at most one block.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let padded = |pad: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or_default() ^ pad).collect() };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5C)).chain_update(inner).finalize().to_vec()
}

fn signed_part(plain: &Plain) -> Vec<u8> {
    let mut out = Vec::new();
    plain.compose_signed_part(&mut out);
    out
}

#[test]
fn malformed_octets_are_refused_with_field_and_rule() {
    let entries = corpus::own("handle/malformed.json");
    assert!(entries.len() >= 100);
    for entry in &entries {
        let data = octets(entry);
        let decoded = match text(entry, "layout") {
            "message" => Message::decode(&data).map(|message| format!("{message:?}")),
            "values" => ValueSet::decode(Bytes::from(data.clone())).map(|set| format!("{set:?}")),
            kind => Data::decode(kind.as_bytes(), &data).map(|data| format!("{data:?}")),
        };
        let error = decoded.expect_err(text(entry, "name"));
        assert_eq!((error.field, error.rule), (text(entry, "field"), text(entry, "rule")), "{}", entry["name"]);
        assert!(error.at <= data.len(), "{}: octet {}", entry["name"], error.at);
        assert!(Question::decode(&data).is_none(), "{}", entry["name"]);
    }
}

#[test]
fn names_split_and_fold() {
    for entry in corpus::own("handle/names.json") {
        let spelling = text(&entry, "name");
        let name = Name::new(spelling);
        assert_eq!(name.prefix(), text(&entry, "prefix"), "{spelling}");
        assert_eq!(name.suffix(), text(&entry, "suffix"), "{spelling}");
        assert_eq!(name.home().handle().as_str(), text(&entry, "prefix_handle"), "{spelling}");
        let parent = name.home().parent();
        assert_eq!(parent.as_ref().map(Prefix::as_str), entry["parent"].as_str(), "{spelling}");
        let described = name.described_prefix();
        assert_eq!(described.as_ref().map(Prefix::as_str), entry["describes"].as_str(), "{spelling}");
        for option in 0..3u8 {
            let expected = entry["hash"][usize::from(option)].as_u64();
            assert_eq!(Some(hash::hash(name, option)), expected, "{spelling} {option}");
        }
        check_keys(&entry, spelling);
    }
}

fn check_keys(entry: &Json, spelling: &str) {
    let key = |text: &str, rule| Identifier::parse(text).unwrap().key(rule);
    for (rule, field) in [(CaseRule::Insensitive, "folded"), (CaseRule::Sensitive, "folded_case_sensitive")] {
        let stored = text(entry, field);
        let (prefix, suffix) = stored.split_once('/').expect("a stored spelling has a slash");
        let octets = [b"h", prefix.as_bytes(), b"\0", suffix.as_bytes()].concat();
        assert_eq!(key(spelling, rule).as_bytes(), octets, "{spelling} {field}");
        assert_eq!(key(spelling, rule).to_identifier().as_str(), stored, "{spelling} {field}");
    }
    let own = key(spelling, CaseRule::Insensitive);
    for other in entry["same_as"].as_array().unwrap() {
        let other = other.as_str().unwrap();
        assert_eq!(key(other, CaseRule::Insensitive), own, "{spelling} and {other}");
        if spelling.contains('/') && other.contains('/') {
            assert_eq!(hash::hash(Name::new(other), 2), hash::hash(Name::new(spelling), 2), "{spelling}");
        }
    }
    for other in entry["differs_from"].as_array().unwrap() {
        let other = other.as_str().unwrap();
        assert_ne!(key(other, CaseRule::Insensitive), own, "{spelling} and {other}");
    }
}

#[test]
fn texts_become_values_or_are_refused() {
    let mut forms = BTreeSet::new();
    for entry in corpus::own("handle/texts.json") {
        let written = text(&entry, "text");
        forms.insert(text(&entry, "form").to_string());
        match text(&entry, "form") {
            "percent" => match Identifier::parse_percent(written) {
                Ok(identifier) => assert_eq!(Some(identifier.as_str()), entry["is"].as_str(), "{written}"),
                Err(refusal) => assert_refusal(&entry, written, refusal.code, refusal.at),
            },
            "rights" => {
                let rights = AdminRecord::parse_permissions(written).map(u64::from);
                assert_eq!(rights, entry["is"].as_u64(), "{written}");
            }
            "value-name" => {
                let parsed = Reference::parse(written);
                let parsed = parsed.map(|it| (it.index, String::from_utf8(it.handle).unwrap()));
                assert_eq!(serde_json::to_value(parsed).unwrap(), entry["is"], "{written}");
            }
            form => panic!("unknown form {form}"),
        }
    }
    assert_eq!(forms.len(), 3);
}

#[test]
fn vaa_identifiers_parse_or_name_place_and_rule() {
    let entries = corpus::own("vaa/identifiers.json");
    assert!(entries.len() >= 60);
    for entry in &entries {
        let written = text(entry, "text");
        match vaa::parse(written) {
            Ok(parts) => {
                assert_eq!(entry["valid"], true, "{written:?}");
                for (part, field) in [
                    (parts.issuer, "issuer"),
                    (parts.node, "node"),
                    (parts.enterprise, "enterprise"),
                    (parts.suffix, "suffix"),
                ] {
                    assert_eq!(part, text(entry, field), "{written:?}");
                }
                assert_eq!(recognise(written).name(), text(entry, "scheme"), "{written:?}");
                assert!(hufu_ident::system::check_new(written).is_ok(), "{written:?}");
            }
            Err(refusal) => assert_refusal(entry, written, refusal.code, refusal.at),
        }
    }
}

fn assert_refusal(entry: &Json, written: &str, code: &str, at: Option<usize>) {
    assert_eq!(entry["code"].as_str(), Some(code), "{written:?} is refused");
    assert_eq!(entry["at"].as_u64(), at.map(|at| at as u64), "{written:?} {code}");
}
