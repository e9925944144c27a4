//! Object identifiers: every form of each vector, what is refused and where, order, and that nothing panics.

use crate::corpus::{self, octets, text};
use hufu_ident::systems::oid::label::{self, Labels, StandardLabels};
use hufu_ident::systems::oid::{ObjectIdentifier, Oid, china, der, ors, text as forms};
use hufu_ident::{CaseRule, Identifier, Prefix, Reading, RecordKey, Refusal, System};
use proptest::prelude::*;
use serde_json::Value as Json;

fn parse(dotted: &str) -> ObjectIdentifier {
    ObjectIdentifier::parse(dotted).unwrap_or_else(|refusal| panic!("{dotted}: {refusal}"))
}

fn read(text: &str) -> Reading {
    Oid.read(text).unwrap_or_else(|| panic!("{text} is nobody's")).unwrap_or_else(|refusal| panic!("{text}: {refusal}"))
}

fn key(oid: &str) -> RecordKey {
    Identifier::parse(&format!("oid:{oid}")).unwrap().key(CaseRule::Insensitive)
}

#[test]
fn every_form_of_an_identifier_is_as_the_standards_have_it() {
    let entries = corpus::own("oid/identifiers.json");
    assert!(entries.len() >= 150);
    for entry in &entries {
        let dotted = text(entry, "oid");
        let oid = parse(dotted);
        let der = hex::decode(text(entry, "der_hex")).unwrap();
        assert_eq!(forms::to_urn(&oid), text(entry, "urn"));
        assert_eq!(forms::to_iri(&oid), text(entry, "oid_iri"));
        assert_eq!(forms::to_asn1(&oid), text(entry, "asn1"));
        assert_eq!(hex::encode(der::encode(&oid)), text(entry, "der_hex"), "{dotted}");
        assert_eq!(ors::owner(dotted, ors::ZONE).as_deref(), entry["ors_name"].as_str(), "{dotted}");
        assert_eq!(der::decode(&der).as_ref(), Ok(&oid));
        assert_eq!(forms::from_urn(text(entry, "urn")).as_ref(), Ok(&oid));
        assert_eq!(forms::from_iri(text(entry, "oid_iri"), &StandardLabels).as_deref(), Ok(dotted));
        assert_eq!(forms::from_asn1(text(entry, "asn1")).as_ref(), Ok(&oid));
        if let Some(owner) = entry["ors_name"].as_str() {
            assert_eq!(ors::identifier(owner, "OID-RES.org.").as_ref(), Some(&oid));
        }
        check_findings(entry, &oid);
    }
}

fn check_findings(entry: &Json, oid: &ObjectIdentifier) {
    let found: Vec<_> = china::check(oid).iter().map(|finding| finding.code).collect();
    let expected: Vec<_> = entry["cn"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    assert_eq!(found, expected, "{oid}");
    assert_eq!(china::node_above(oid).is_some(), entry["cn"].is_array(), "{oid}");
}

#[test]
fn a_reading_names_the_record_and_all_forms() {
    for entry in &corpus::own("oid/identifiers.json") {
        let dotted = text(entry, "oid");
        for spelling in [dotted, text(entry, "urn"), text(entry, "oid_iri"), text(entry, "asn1")] {
            let reading = read(spelling);
            // A name longer than a question may carry is read, but cannot be asked for.
            let name = Some(format!("oid:{dotted}")).filter(|name| name.len() <= 2048);
            assert_eq!(reading.name.as_ref().map(Identifier::as_str), name.as_deref());
            for form in ["oid", "urn", "oid_iri", "asn1", "der_hex", "ors_name"] {
                assert_eq!(reading.form_named(form), entry[form].as_str(), "{dotted} {form}");
            }
            assert_eq!(reading.parts.len(), dotted.split('.').count());
            let advised = reading.checks.iter().filter(|check| !check.ok).count();
            assert_eq!(advised, entry["cn"].as_array().map_or(0, Vec::len));
        }
        let octets = format!("der:{}", text(entry, "der_hex"));
        assert_eq!(read(&octets).form_named("oid"), Some(dotted));
    }
    assert_eq!(read("06032A811C").form_named("oid"), Some("1.2.156"));
    assert_eq!(read("der:0D03A25B07").form_named("relative_oid"), Some("4443.7"));
    // A trade item number of fourteen digits could be octets as well.
    for other in
        ["06051234567812", "06032b0681", "88.118.8/x", "10.1000/1", "2.5.04", "/3/1", "/1/2/x/y", "{\"a\":1}", "1"]
    {
        assert!(Oid.read(other).is_none(), "{other}");
    }
    for refused in ["urn:oid:3.1", "oid:1", "der:06", "der:xx", "der:060", "{foo}"] {
        assert!(Oid.read(refused).unwrap().is_err(), "{refused}");
    }
}

#[test]
fn keys_sort_as_numbers_and_ranges_hold_what_is_below() {
    let entries = corpus::own("oid/identifiers.json");
    // Longer ones are no names.
    let entries: Vec<_> = entries.iter().filter(|entry| text(entry, "oid").len() <= 2000).collect();
    let mut oids: Vec<_> = entries.iter().map(|entry| parse(text(entry, "oid"))).collect();
    for entry in entries {
        let name = text(entry, "oid");
        let stored = key(name);
        assert_eq!(hex::encode(&stored.as_bytes()[1..]), text(entry, "key_hex"));
        assert_eq!(stored.to_identifier().as_str(), format!("oid:{name}"));
    }
    oids.sort();
    for pair in oids.windows(2) {
        assert!(key(pair[0].as_str()) < key(pair[1].as_str()), "{} {}", pair[0], pair[1]);
    }
    for node in ["1.2.156", "2.16.156", "2.999", "1", "1.3.6.1"] {
        let range = RecordKey::range_of(&Prefix::parse(&format!("oid:{node}")).unwrap());
        for oid in &oids {
            assert_eq!(key(oid.as_str()).as_bytes().starts_with(&range), oid.is_within(node), "{oid} {node}");
        }
    }
}

/// The label table that the vectors are written for: 2.999 has a long arc, and some nodes below have names.
struct Table;

impl Labels for Table {
    fn node(&self, parent: &str, label: &str) -> Option<String> {
        let named = [
            ("", "Example", "2.999"),
            ("", "示例", "2.999"),
            ("2", "示例", "2.999"),
            ("2", "Straße", "2.998"),
            ("2", "äpfel", "2.997"),
            ("1.2.156", "虎符", "1.2.156.20009"),
            ("1.2.156.20009", "零件", "1.2.156.20009.7"),
        ];
        let found = named.iter().find(|(above, name, _)| *above == parent && label::same(name, label));
        found.map(|(.., node)| String::from(*node)).or_else(|| StandardLabels.node(parent, label))
    }
}

fn read_form(form: &str, text: &str) -> Result<String, Refusal> {
    match form {
        "dot" => ObjectIdentifier::parse(text).map(|oid| oid.to_string()),
        "urn" => forms::from_urn(text).map(|oid| oid.to_string()),
        "iri" => forms::from_iri(text, &Table),
        "asn1" => forms::from_asn1(text).map(|oid| oid.to_string()),
        other => panic!("no form {other}"),
    }
}

#[test]
fn written_forms_are_read_or_refused_at_the_place() {
    for entry in &corpus::own("oid/texts.json") {
        match read_form(text(entry, "form"), text(entry, "text")) {
            Ok(oid) => assert_eq!(Some(oid.as_str()), entry["oid"].as_str(), "{}", entry["name"]),
            Err(refusal) => check_refusal(entry, &refusal),
        }
    }
}

fn check_refusal(entry: &Json, refusal: &Refusal) {
    let expected = (entry["code"].as_str(), entry["at"].as_u64());
    assert_eq!((Some(refusal.code), refusal.at.map(|at| at as u64)), expected, "{}: {refusal}", entry["name"]);
    assert!(!refusal.zh.is_empty() && !refusal.en.is_empty());
}

#[test]
fn octets_are_refused_at_the_place() {
    for entry in &corpus::own("oid/octets.json") {
        let octets = octets(entry);
        let decoded = match entry["relative"] == true {
            true => der::decode_relative(&octets).map(|arcs| arcs.join(".")),
            false => der::decode(&octets).map(|oid| oid.to_string()),
        };
        match decoded {
            Ok(arcs) => {
                assert_eq!(Some(arcs.as_str()), entry["arcs"].as_str(), "{}", entry["name"]);
                assert_eq!(der::encode_relative(arcs.split('.')), Ok(octets));
            }
            Err(refusal) => check_refusal(entry, &refusal),
        }
    }
}

#[test]
fn labels_are_checked_and_go_to_dns() {
    for entry in &corpus::own("oid/labels.json") {
        let name = text(entry, "label");
        match label::check(name) {
            Ok(()) => {
                assert!(entry["code"].is_null(), "{}", entry["name"]);
                assert_eq!(label::to_dns(name).as_deref(), entry["dns"].as_str(), "{}", entry["name"]);
            }
            Err(refusal) => check_refusal(entry, &refusal),
        }
    }
    let owner = ors::owner_of_iri("/ISO/2/156/虎符", "ors.example.cn.");
    assert_eq!(owner, Some(format!("{}.156.2.iso.ors.example.cn.", label::to_dns("虎符").unwrap())));
}

#[test]
fn paths_are_checked_and_cut_arc_by_arc() {
    let line: Vec<_> = Prefix::parse("oid:1.2.156.20009").unwrap().lineage().map(|p| p.to_string()).collect();
    assert_eq!(line, ["OID:1.2.156.20009", "OID:1.2.156", "OID:1.2", "OID:1", "OID:"]);
    for (path, code) in [("oid:3", "oid-root"), ("oid:1.40", "oid-second-arc"), ("oid:1.2.", "oid-empty-arc")] {
        assert_eq!(Prefix::parse(path).unwrap_err().code, code);
    }
    for path in ["oid:", "oid:2", "OID:1.2.156"] {
        assert!(Prefix::parse(path).is_ok());
    }
    for spelling in ["oid:1.2.156", "OID:1.2.156", "oid:/ISO/member-body/156", "oid:/1/2/156"] {
        assert_eq!(Identifier::parse_new(spelling).unwrap().as_str(), "oid:1.2.156");
    }
    assert_eq!(Identifier::parse_new("oid:1.2.0156").unwrap_err().code, "oid-leading-zero");
}

#[test]
fn the_shared_samples_hold() {
    let folder = std::env::var_os("HUFU_SHARED").map(std::path::PathBuf::from);
    let beside = || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let path = folder.unwrap_or_else(beside).join("vectors/oid/oid_samples.json");
    let Ok(text) = std::fs::read_to_string(path) else { return println!("skipped: shared vectors absent") };
    let samples: Json = serde_json::from_str(&text).unwrap();
    let list = |field: &str| samples[field].as_array().unwrap().clone();
    for case in &list("cases") {
        let oid = parse(corpus::text(case, "oid"));
        assert_eq!(hex::encode(der::content(&oid)), corpus::text(case, "content_hex"));
        assert_eq!(hex::encode(der::encode(&oid)), corpus::text(case, "der_hex"));
        assert_eq!(forms::to_urn(&oid), corpus::text(case, "urn"));
        assert_eq!(forms::to_iri(&oid), corpus::text(case, "oid_iri_numeric"));
        // The samples give the plain reversal; what is longer than a name of DNS has none here.
        let owner = corpus::text(case, "ors_owner");
        let expected = (owner.len() <= ors::DOMAIN + 1).then_some(owner);
        assert_eq!(ors::owner(oid.as_str(), ors::ZONE).as_deref(), expected);
    }
    for text in list("invalid_text") {
        assert!(ObjectIdentifier::parse(text.as_str().unwrap()).is_err(), "{text}");
    }
    for octets in list("invalid_der") {
        assert!(der::decode(&hex::decode(octets.as_str().unwrap()).unwrap()).is_err(), "{octets}");
    }
}

fn any_oid() -> impl Strategy<Value = String> {
    let arc = prop_oneof!["0", "[1-9][0-9]{0,3}", "[1-9][0-9]{0,60}"];
    let top = prop_oneof![(0u8..2, 0u8..40).prop_map(|(a, b)| format!("{a}.{b}")), "2\\.[1-9][0-9]{0,30}"];
    (top, proptest::collection::vec(arc, 0..20))
        .prop_map(|(top, arcs)| arcs.iter().fold(top, |dotted, arc| format!("{dotted}.{arc}")))
}

proptest! {
    #[test]
    fn every_legal_identifier_survives_its_forms(dotted in any_oid()) {
        let oid = parse(&dotted);
        prop_assert_eq!(&der::decode(&der::encode(&oid)).unwrap(), &oid);
        prop_assert_eq!(&forms::from_asn1(&forms::to_asn1(&oid)).unwrap(), &oid);
        let stored = key(&dotted).to_identifier();
        prop_assert_eq!(stored.as_str(), format!("oid:{dotted}"));
    }

    #[test]
    fn no_octets_panic_and_what_decodes_is_the_shortest_form(octets in proptest::collection::vec(any::<u8>(), 0..64), tag in 0u8..4) {
        let mut octets = octets;
        let length = octets.len().min(127) as u8;
        if tag < 3 {
            octets.splice(0..0, [[6, length], [13, length], [6, 0x81]][usize::from(tag)]);
        }
        if let Ok(oid) = der::decode(&octets) {
            prop_assert_eq!(der::encode(&oid), octets.clone());
        }
        if let Ok(arcs) = der::decode_relative(&octets) {
            prop_assert_eq!(der::encode_relative(arcs.iter().map(String::as_str)).unwrap(), octets);
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>(), near in "[012./{}() a-z0-9:虎-]{0,40}") {
        for text in [text, near] {
            for form in ["dot", "urn", "iri", "asn1"] {
                let _ = read_form(form, &text);
            }
            for start in ["", "urn:oid:", "oid:", "der:", "{", "/", "06"] {
                let whole = format!("{start}{text}");
                let _ = Oid.read(&whole);
                let _ = Oid.name_of_key(whole.as_bytes());
                let _ = (ors::owner(&whole, &text), ors::owner_of_iri(&whole, "a"), ors::identifier(&whole, &text));
                let _ = (label::check(&whole), Oid.canonical(&whole), Oid.check_path(&whole));
                let mut key = Vec::new();
                Oid.write_key(&whole, &mut key);
                prop_assert_eq!(Oid.name_of_key(&key), whole);
            }
        }
    }
}
