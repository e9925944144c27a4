//! What holds for every input: decode after compose is the identity, and the parts agree with each other.

use crate::generate::{self, octets};
use bytes::Bytes;
use hufu_ident::record::{Selection, Ttl, Value};
use hufu_ident::systems::handle::wire::{
    AnswerHead, Body, CredentialField, Envelope, Message, OWN_VERSION, Question, Reader, ResponseCode, answer_version,
    flag, split_packets,
};
use hufu_ident::systems::handle::{AdminRecord, Data, PublicKey, Site, hash, kind};
use hufu_ident::{CaseRule, Identifier, Name, Prefix, Reference, ValueSet};
use proptest::prelude::*;

const RULES: [CaseRule; 2] = [CaseRule::Insensitive, CaseRule::Sensitive];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_message_survives_compose_and_decode(message in generate::message()) {
        let frame = message.to_bytes();
        prop_assert_eq!(Message::decode(&frame), Ok(message));
        // No frame is good with an octet more or less.
        prop_assert!(Message::decode(&frame[..frame.len() - 1]).is_err());
        prop_assert!(Message::decode(&[&frame[..], &[0]].concat()).is_err());
    }

    #[test]
    fn the_hot_path_reads_what_the_full_decoder_reads(message in generate::resolution_request()) {
        let frame = message.to_bytes();
        let plain = message.plain().unwrap();
        let Body::Resolve { handle, selection } = &plain.body else { panic!("not a resolution") };
        let question = Question::decode(&frame);
        prop_assert_eq!(question.is_some(), std::str::from_utf8(handle).is_ok());
        let Some(question) = question else { return Ok(()) };
        prop_assert_eq!(question.envelope, message.envelope);
        prop_assert_eq!(question.header, plain.header);
        prop_assert_eq!(question.name.text().as_bytes(), &handle[..]);
        prop_assert_eq!(question.selection.indexes(), selection.indexes.clone());
        prop_assert_eq!(question.selection.types(), selection.types.clone());
        prop_assert_eq!(question.trailing, &plain.trailing[..]);
        let unsigned = matches!(plain.credential, CredentialField::Empty | CredentialField::Missing(_));
        prop_assert_eq!(question.signed, !unsigned);
        let mut signed_part = Vec::new();
        plain.compose_signed_part(&mut signed_part);
        prop_assert_eq!(question.signed_part, &signed_part[..]);
    }

    #[test]
    fn the_hot_path_leaves_other_messages_alone(message in generate::message()) {
        let frame = message.to_bytes();
        let resolves = message.plain().is_some_and(|plain| matches!(plain.body, Body::Resolve { .. }));
        prop_assert!(resolves || Question::decode(&frame).is_none());
    }

    #[test]
    fn a_composed_answer_decodes(
        request in generate::resolution_request(), values in generate::record(), primary: bool, stale: bool,
        site_serial: u16, now: u32,
    ) {
        let frame = request.to_bytes();
        let Some(question) = Question::decode(&frame) else { return Ok(()) };
        if question.header.has(flag::RRDG) {
            return Ok(()); // answered by the full composer
        }
        let head = AnswerHead { site_serial, primary, stale, now: u64::from(now) };
        let set = ValueSet::from_values(values);
        let mut out = b"before".to_vec();
        head.found(&question, set.as_bytes(), &mut out);
        let answer = Message::decode(&out[6..]).unwrap();
        let plain = answer.plain().unwrap();
        prop_assert_eq!(answer.envelope.request_id, question.envelope.request_id);
        prop_assert_eq!(answer.envelope.session_id, question.envelope.session_id);
        prop_assert_eq!(answer.envelope.suggested, OWN_VERSION);
        prop_assert_eq!(answer.envelope.version, answer_version(&question.envelope));
        prop_assert_eq!(plain.header.hops, question.header.hops);
        prop_assert_eq!(plain.header.site_serial, site_serial);
        prop_assert_eq!(plain.header.has(flag::AUTH), primary || question.header.has(flag::AUTH));
        prop_assert_eq!(plain.header.has(flag::STALE), stale);
        prop_assert!(plain.header.has(flag::RECU));
        let handle = question.name.text().as_bytes().to_vec();
        prop_assert_eq!(&plain.body, &Body::Values { handle, values: set.to_values() });

        out.clear();
        head.error(&question, ResponseCode::HANDLE_NOT_FOUND, "没有", &mut out);
        let answer = Message::decode(&out).unwrap();
        prop_assert_eq!(&answer.plain().unwrap().body, &Body::error("没有"));
        prop_assert_eq!(answer.to_bytes(), out);
    }

    #[test]
    fn packets_put_together_are_the_message(message in generate::message(), packet in 21usize..200) {
        let frame = message.to_bytes();
        let mut joined = Vec::new();
        let mut count = 0u32;
        split_packets(&frame, packet, |octets| {
            let envelope = Envelope::decode(&mut Reader::new(octets)).unwrap();
            assert!(octets.len() <= packet || count == 0 && octets == frame);
            assert_eq!(envelope.length, message.envelope.length);
            if frame.len() > packet {
                assert_eq!(envelope.sequence, count);
                assert!(envelope.is(Envelope::TRUNCATED));
            }
            joined.extend_from_slice(&octets[20..]);
            count += 1;
        });
        prop_assert_eq!(&joined[..], &frame[20..]);
    }

    #[test]
    fn no_answer_is_newer_than_asked_for(envelope in generate::envelope()) {
        let version = answer_version(&envelope);
        let suggested = envelope.suggested_version();
        prop_assert!(OWN_VERSION.at_least(version.major, version.minor) || version == envelope.version);
        if envelope.version.at_least(2, 1) {
            prop_assert!(suggested.at_least(version.major, version.minor));
        } else {
            prop_assert_eq!(version, envelope.version);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_value_survives_compose_and_decode(value in generate::value(), behind in octets()) {
        let mut out = Vec::new();
        value.compose(&mut out);
        let length = out.len();
        out.extend_from_slice(&behind);
        let mut reader = Reader::new(&out);
        prop_assert_eq!(Value::decode(&mut reader), Ok(value.clone()));
        prop_assert_eq!(reader.position(), length);
        let later = Value { timestamp: 1, ..value.clone() };
        prop_assert!(value.same_but_time(&later));
    }

    #[test]
    fn a_value_set_is_sorted_and_stays_well_formed(values in generate::record(), mask: u32, seconds: u32) {
        let set = ValueSet::from_values(values.clone());
        prop_assert_eq!(ValueSet::decode(set.as_bytes().clone()), Ok(set.clone()));
        let mut sorted = values;
        sorted.sort_by_key(|value| value.index);
        prop_assert_eq!(&set.to_values(), &sorted);
        prop_assert_eq!(set.len(), sorted.len());

        let filtered = set.filtered(|value| value.index & mask == 0);
        let kept: Vec<_> = sorted.iter().filter(|value| value.index & mask == 0).cloned().collect();
        prop_assert_eq!(&decoded(&filtered), &kept);

        let public: Vec<_> = sorted.iter().filter(|value| value.permissions.0 & 2 != 0).cloned().collect();
        prop_assert_eq!(&decoded(&set.public()), &public);

        let capped = set.with_ttl_at_most(seconds);
        let expected: Vec<_> = sorted.iter().map(|value| with_ttl_at_most(value, seconds)).collect();
        prop_assert_eq!(&decoded(&capped), &expected);
        prop_assert!(capped.is_empty() || capped.shortest_ttl(0) <= seconds);
    }

    #[test]
    fn a_selection_reads_as_it_was_written(selection in generate::selection(), values in generate::record()) {
        let mut out = Vec::new();
        selection.compose(&mut out);
        let mut reader = Reader::new(&out);
        let borrowed = Selection::decode(&mut reader).unwrap();
        prop_assert_eq!(reader.remaining(), 0);
        prop_assert_eq!(borrowed.is_all(), selection.is_all());
        let set = ValueSet::from_values(values);
        for value in set.iter() {
            prop_assert_eq!(borrowed.wants(&value), selection.wants(&value));
        }
    }

    #[test]
    fn sites_keys_and_administrators_survive(
        site in generate::site(), key in generate::public_key(), admin in generate::admin(),
        list in proptest::collection::vec(generate::reference(), 0..5),
    ) {
        prop_assert_eq!(Site::decode(&site.to_bytes()), Ok(site.clone()));
        prop_assert_eq!(PublicKey::decode(&key.to_bytes()), Ok(key.clone()));
        prop_assert_eq!(AdminRecord::decode(&admin.to_bytes()), Ok(admin.clone()));
        let twelve = admin.permissions & 0x0FFF;
        prop_assert_eq!(AdminRecord::parse_permissions(&admin.permission_string()), Some(twelve));
        for (kind, data) in [
            (kind::SITE_PREFIX, Data::Site(Box::new(site))),
            (kind::PUBKEY, Data::PublicKey(key)),
            (kind::ADMIN, Data::Admin(admin)),
            (kind::VLIST, Data::ValueList(list)),
        ] {
            prop_assert_eq!(Data::decode(kind.to_ascii_lowercase().as_bytes(), &data.to_bytes()), Ok(data));
        }
    }

    #[test]
    fn a_site_names_one_of_its_servers(site in generate::site(), name in generate::name()) {
        let position = site.server_position(Name::new(&name));
        prop_assert_eq!(position.is_none(), site.servers.is_empty());
        prop_assert!(position.is_none_or(|position| position < site.servers.len()));
        let upper = name.to_ascii_uppercase();
        prop_assert_eq!(site.server_position(Name::new(&upper)), position);
        prop_assert!(hash::hash(Name::new(&name), site.hash_option) <= 1 << 31);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn what_may_be_registered_has_a_key_that_leads_back(name in generate::name()) {
        let Ok(identifier) = Identifier::parse_new(&name) else { return Ok(()) };
        for rule in RULES {
            let key = identifier.key(rule);
            let stored = key.to_identifier();
            prop_assert_eq!(&stored.key(rule), &key);
            prop_assert_eq!(stored.key(rule).to_identifier(), stored.clone());
            prop_assert_eq!(stored.name().home(), identifier.name().home());
            prop_assert!(stored.as_str().eq_ignore_ascii_case(identifier.as_str()) || !name.contains('/'));
            prop_assert!(key.as_bytes().starts_with(&hufu_ident::RecordKey::range_of(&identifier.name().home())));
        }
        let upper = Identifier::parse(&name.to_ascii_uppercase()).unwrap();
        prop_assert_eq!(upper.key(CaseRule::Insensitive), identifier.key(CaseRule::Insensitive));
    }

    #[test]
    fn refusals_point_into_the_text(name in "[\\PC\\s%/.\\x00-\\x1f]{0,40}") {
        let length = name.chars().count();
        let system = hufu_ident::system::check_new(&name).map(|_| ());
        let escaped = Identifier::parse_percent(&name).map(|_| ());
        let prefix = Prefix::parse(&name).map(|_| ());
        for refusal in [system, escaped, prefix].into_iter().filter_map(Result::err) {
            prop_assert!(refusal.at.is_none_or(|at| at <= length), "{}", refusal);
        }
    }

    #[test]
    fn folding_twice_is_folding_once(name in generate::name()) {
        let prefix = Prefix::folded(&name);
        prop_assert_eq!(Prefix::folded(prefix.as_str()), prefix.clone());
        for ancestor in prefix.lineage().skip(1) {
            prop_assert!(prefix.is_derived_from(&ancestor));
        }
        prop_assert!(!prefix.is_derived_from(&prefix));
    }

    #[test]
    fn escaping_and_decoding_is_the_identity(name in "\\PC{1,30}") {
        let escaped: String = name.bytes().map(|octet| format!("%{octet:02x}")).collect();
        prop_assert_eq!(Identifier::parse_percent(&escaped).unwrap().to_string(), name);
    }

    #[test]
    fn a_value_name_reads_as_it_is_shown(index: u32, handle in "\\PC{1,20}") {
        let reference = Reference::new(index, handle);
        prop_assert_eq!(Reference::parse(&reference.to_string()), Some(reference));
    }
}

/// The values of a set after a strict decode of its octets.
fn decoded(set: &ValueSet) -> Vec<Value> {
    ValueSet::decode(Bytes::clone(set.as_bytes())).expect("a well-formed set").to_values()
}

fn with_ttl_at_most(value: &Value, seconds: u32) -> Value {
    let ttl = match value.ttl {
        Ttl::Relative(ttl) => Ttl::Relative(ttl.min(seconds)),
        Ttl::Absolute(_) => Ttl::Relative(seconds),
    };
    Value { ttl, ..value.clone() }
}
