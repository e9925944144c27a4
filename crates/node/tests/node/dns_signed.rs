//! A signed zone: every signature verifies with the key that the node publishes, and what is absent is proven so.

use crate::dns::{by_udp, code, query};
use crate::{Alone, url};
use hickory_proto::dnssec::Verifier;
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData};
use hickory_proto::op::{Edns, Message, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hufu_ident::Value;
use hufu_ident::systems::handle::{Interface, Protocol, Server, Site, kind};
use hufu_testkit::{block_on, shell};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;

const ZONE: &str = "ors.example.cn";

/// A node of 1.2.156 with a record, something below an empty node, a label, and two children.
struct Signed {
    alone: Alone,
    address: SocketAddr,
}

impl Signed {
    fn start() -> Signed {
        let mut alone = Alone::lay_out(&["oid:1.2.156"]);
        let dns = &mut alone.node.config.dns;
        (dns.enabled, dns.signed, dns.apex) = (true, true, true);
        dns.listen = vec![Ipv4Addr::LOCALHOST.into()];
        dns.port = hufu_testkit::ports::free();
        dns.zone = ZONE.into();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, dns.port));
        alone.node.start();
        let client = alone.node.admin_client();
        let create = |name: &str, values| block_on(client.create(name, values, false)).unwrap();
        create("oid:1.2.156.3088", vec![url(1, "https://a.example/x"), Value::new(2, "ORS+LABEL", "虎符")]);
        create("oid:1.2.156.3088.4.1", vec![url(1, "https://a.example/deep")]);
        let key = alone.node.client();
        let own = block_on(key.site_info()).unwrap();
        let published = own.attribute("dns_key").expect("the site publishes the key").to_vec();
        for (prefix, key) in [("1.2.156.5", Some(published)), ("1.2.156.6", None)] {
            create(&format!("0.NA/oid:{prefix}"), vec![Value::new(1, kind::SITE, child(key).to_bytes())]);
        }
        Signed { alone, address }
    }

    /// Asks for signatures.
    fn ask(&self, name: &str, kind: RecordType) -> Message {
        let mut message = query(&format!("{name}{ZONE}"), kind);
        message.metadata.recursion_desired = false;
        let mut edns = Edns::new();
        edns.set_max_payload(1232).set_dnssec_ok(true);
        message.set_edns(edns);
        let answer = Message::from_vec(&by_udp(self.address, &message.to_vec().unwrap()).unwrap()).unwrap();
        assert!(answer.edns.as_ref().is_some_and(|edns| edns.flags().dnssec_ok), "{answer:?}");
        answer
    }

    fn key(&self) -> DNSKEY {
        let answer = self.ask("", RecordType::DNSKEY);
        match &answer.answers[0].data {
            RData::DNSSEC(DNSSECRData::DNSKEY(key)) => key.clone(),
            other => panic!("{other:?}"),
        }
    }
}

/// The site of a child that serves DNS on its standard port.
fn child(key: Option<Vec<u8>>) -> Site {
    let interfaces = vec![Interface { purpose: Interface::BOTH, protocol: Protocol::Tcp, port: 2641 }];
    let server = Server::new(1, IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9)), Vec::new(), interfaces);
    let site = Site::new(1, vec![server]).with_attribute("dns_port", "53");
    match key {
        Some(key) => site.with_attribute("dns_key", std::str::from_utf8(&key).unwrap()),
        None => site,
    }
}

/// The types of the RRsets of a section that have a signature; each must verify.
#[track_caller]
fn verified(records: &[Record], key: &DNSKEY) -> Vec<RecordType> {
    let mut signed = Vec::new();
    for record in records {
        let RData::DNSSEC(DNSSECRData::RRSIG(signature)) = &record.data else { continue };
        let kind = signature.input().type_covered;
        let set = records.iter().filter(|other| other.record_type() == kind && other.name == record.name);
        key.verify_rrsig(&record.name, DNSClass::IN, signature, set).unwrap_or_else(|why| panic!("{kind}: {why}"));
        signed.push(kind);
    }
    signed
}

fn types(records: &[Record]) -> Vec<RecordType> {
    records.iter().map(Record::record_type).filter(|kind| *kind != RecordType::RRSIG).collect()
}

/// Owner, next name and types of each NSEC record.
fn proofs(answer: &Message) -> Vec<(Name, Name, Vec<RecordType>)> {
    let of = |record: &Record| match &record.data {
        RData::DNSSEC(DNSSECRData::NSEC(nsec)) => {
            Some((record.name.clone(), nsec.next_domain_name().clone(), nsec.type_bit_maps().collect()))
        }
        _ => None,
    };
    answer.authorities.iter().filter_map(of).collect()
}

const OWN: [RecordType; 2] = [RecordType::RRSIG, RecordType::NSEC];

#[test]
fn everything_the_zone_says_is_signed_for_who_asks() {
    let signed = Signed::start();
    let key = signed.key();
    for (name, kind) in [
        ("", RecordType::SOA),
        ("", RecordType::NS),
        ("", RecordType::DNSKEY),
        ("3088.156.2.1.", RecordType::NAPTR),
        ("3088.156.2.1.", RecordType::ANY),
        ("ors-dummy.3088.156.2.1.", RecordType::NAPTR),
        ("ns1.", RecordType::A),
    ] {
        let answer = signed.ask(name, kind);
        let mut sets = types(&answer.answers);
        sets.dedup();
        assert_eq!(verified(&answer.answers, &key), sets, "{name} {kind}");
        assert!(!sets.is_empty() && answer.authorities.is_empty());
    }
    // What is made from a DNAME is not signed, the DNAME is; case as it was asked does not matter.
    let chain = signed.ask("3088.156.member-body.ISO.", RecordType::NAPTR);
    let (dname, naptr) = (RecordType::DNAME, RecordType::NAPTR);
    assert_eq!(verified(&chain.answers, &key), [dname, dname, naptr]);
    // Who does not ask gets none.
    let plain = query(&format!("3088.156.2.1.{ZONE}"), RecordType::NAPTR);
    let plain = Message::from_vec(&by_udp(signed.address, &plain.to_vec().unwrap()).unwrap()).unwrap();
    assert!(plain.answers.iter().all(|record| record.record_type() == naptr) && !plain.answers.is_empty());
}

#[test]
fn what_is_absent_is_proven_absent() {
    let signed = Signed::start();
    let key = signed.key();
    for name in ["3089.156.2.1.", "X.3088.156.2.1.", "1.2.3.3089.156.2.1.", "9."] {
        let answer = signed.ask(name, RecordType::NAPTR);
        assert_eq!(code(&answer), ResponseCode::NXDomain, "{name}");
        assert_eq!(verified(&answer.authorities, &key), [RecordType::SOA, RecordType::NSEC, RecordType::NSEC]);
        let own = Name::from_ascii(format!("{name}{ZONE}.")).unwrap();
        let wildcard = own.base_name().prepend_label("*").unwrap();
        let covered = proofs(&answer);
        for (denied, (low, high, kinds)) in [own, wildcard].iter().zip(&covered) {
            assert!(low < denied && denied < high, "{low} {denied} {high}");
            assert_eq!(kinds.iter().filter(|kind| !OWN.contains(kind)).count(), 0);
        }
        assert_eq!(covered.len(), 2);
    }
    // A wildcard is denied once.
    let star = signed.ask("*.156.2.1.", RecordType::NAPTR);
    assert_eq!(verified(&star.authorities, &key), [RecordType::SOA, RecordType::NSEC]);
    assert_eq!((code(&star), proofs(&star).len()), (ResponseCode::NXDomain, 1));
    let naptr = RecordType::NAPTR;
    let apex = vec![RecordType::NS, RecordType::SOA, RecordType::DNSKEY];
    for (name, kind, has) in [
        ("3088.156.2.1.", RecordType::TXT, vec![naptr]),
        ("4.3088.156.2.1.", naptr, vec![]),
        ("156.2.1.", naptr, vec![]),
        ("", RecordType::TXT, apex),
        ("ns1.", RecordType::TXT, vec![RecordType::A, RecordType::AAAA]),
        ("iso.", RecordType::TXT, vec![RecordType::DNAME]),
        ("6.156.2.1.", RecordType::DS, vec![RecordType::NS]),
    ] {
        let answer = signed.ask(name, kind);
        assert_eq!((code(&answer), answer.answers.len()), (ResponseCode::NoError, 0), "{name}");
        assert_eq!(verified(&answer.authorities, &key), [RecordType::SOA, RecordType::NSEC]);
        let own = Name::from_ascii(format!("{name}{ZONE}.")).unwrap();
        let [(owner, next, kinds)] = &proofs(&answer)[..] else { panic!("{answer:?}") };
        assert_eq!((owner, &next.base_name()), (&own, &own));
        let kinds: Vec<RecordType> = kinds.iter().copied().filter(|kind| !OWN.contains(kind)).collect();
        assert_eq!(kinds, has, "{name}");
    }
}

#[test]
fn a_childs_key_is_vouched_for_and_no_key_is_proven() {
    let signed = Signed::start();
    let key = signed.key();
    let vouched = signed.ask("1.5.156.2.1.", RecordType::NAPTR);
    assert!(!vouched.metadata.authoritative && vouched.answers.is_empty());
    assert_eq!(types(&vouched.authorities), [RecordType::NS, RecordType::DS]);
    assert_eq!(verified(&vouched.authorities, &key), [RecordType::DS]);
    let ds = signed.ask("5.156.2.1.", RecordType::DS);
    assert_eq!(verified(&ds.answers, &key), [RecordType::DS]);
    let RData::DNSSEC(DNSSECRData::DS(digest)) = &ds.answers[0].data else { panic!("{ds:?}") };
    // The child of this test publishes the parent's own key.
    assert!(digest.covers(&ds.answers[0].name, &key).unwrap());
    let unsigned = signed.ask("1.6.156.2.1.", RecordType::NAPTR);
    assert_eq!(types(&unsigned.authorities), [RecordType::NS, RecordType::NSEC]);
    assert_eq!(verified(&unsigned.authorities, &key), [RecordType::NSEC]);
    let cut = Name::from_ascii(format!("6.156.2.1.{ZONE}.")).unwrap();
    let [(owner, _, kinds)] = &proofs(&unsigned)[..] else { panic!("{unsigned:?}") };
    assert_eq!((owner, kinds.contains(&RecordType::NS), kinds.contains(&RecordType::DS)), (&cut, true, false));
}

#[test]
fn the_key_is_made_once_kept_private_and_shown_as_an_anchor() {
    let mut signed = Signed::start();
    let before = signed.key();
    let file = signed.alone.node.home().join("dns-key.pem");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    signed.alone.node.stop();
    signed.alone.node.start();
    assert_eq!(signed.key(), before);
    let config = signed.alone.node.path().to_string_lossy().into_owned();
    let anchor = shell::run(crate::hufu(), &["dns", "anchor", "--config", &config]).expect(0);
    let lines: Vec<&str> = anchor.out.lines().collect();
    let ds =
        before.to_digest(&Name::from_ascii(format!("{ZONE}.")).unwrap(), hickory_proto::dnssec::DigestType::SHA256);
    let digest = hex::encode_upper(ds.unwrap().as_ref());
    assert_eq!(lines[0], format!("{ZONE}. IN DNSKEY {before}"));
    assert_eq!(lines[1], format!("{ZONE}. IN DS {} 13 2 {digest}", before.calculate_key_tag().unwrap()));
    std::fs::write(&file, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
    shell::run(crate::hufu(), &["dns", "anchor", "--config", &config]).expect(2);
    signed.alone.node.stop();
    signed.alone.node.launch();
    assert!(!signed.alone.node.wait_end().success(), "a node started with a key that is none");
}
