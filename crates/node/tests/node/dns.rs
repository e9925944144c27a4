//! Object identifiers by DNS over real sockets: what is answered, referred, absent and refused, and ordinary names.

use crate::hufu;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hufu_node::config::{Config, NameServer, Span};
use hufu_testkit::country::{RECURSIVE, ROOT, SECONDARY, TOP};
use hufu_testkit::{Country, Web};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

const ZONE: &str = "ors.example.cn";
/// Services of one record that do not fit into one packet.
const MANY: usize = 30;

fn adjust(name: &str, config: &mut Config, resolver: SocketAddr) {
    let more: &[&str] = match name {
        TOP => &["oid:1.2.156"],
        SECONDARY => &["oid:1.2.156.20009"],
        _ => &[],
    };
    config.prefixes.extend(more.iter().map(|prefix| (*prefix).to_owned()));
    config.dns.enabled = matches!(name, TOP | SECONDARY | RECURSIVE);
    config.dns.listen = vec![Ipv4Addr::LOCALHOST.into()];
    config.dns.port = hufu_testkit::ports::free();
    config.dns.zone = ZONE.into();
    config.dns.apex = name != SECONDARY;
    if name == TOP {
        let server = |name: &str, last| NameServer {
            name: format!("{name}.{ZONE}"),
            addresses: vec![Ipv4Addr::new(127, 0, 0, last).into()],
        };
        config.dns.nameservers = vec![server("ns1", 1), server("a.hosts", 2)];
    }
    if name == RECURSIVE {
        config.dns.forward = vec![resolver];
        config.dns.forward_wait = Span::seconds(5);
    }
}

struct World {
    country: Country,
    asked: Arc<Mutex<usize>>,
}

/// One country for all tests of this file that run at the same time.
fn world() -> Arc<World> {
    static SHARED: Mutex<Weak<World>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(world) = shared.upgrade() {
        return world;
    }
    let (resolver, asked) = resolver();
    let country = Country::plan(hufu()).adjust(move |name, config| adjust(name, config, resolver)).start();
    country.delegate("oid:1.2.156", ROOT, TOP, true).expect(0);
    country.delegate("oid:1.2.156.20009", TOP, SECONDARY, true).expect(0);
    let create = |node, name: &str, values: &[&str]| {
        let arguments: Vec<&str> =
            ["create", name].into_iter().chain(values.iter().flat_map(|value| ["--value", *value])).collect();
        country.hufu_as(node, &arguments).expect(0);
    };
    create(TOP, "oid:1.2.156.3088", &["1:URL=https://a.example/x", "2:ORS+LABEL=虎符", "3:ORS+snas=coap://s.example"]);
    create(TOP, "oid:1.2.156.3088.4.1", &["1:URL=https://a.example/deep"]);
    let many: Vec<String> =
        (1..=MANY).map(|n| format!("{n}:ORS+x{n}=https://many.example/{}", "p".repeat(60))).collect();
    create(TOP, "oid:1.2.156.9", &many.iter().map(String::as_str).collect::<Vec<_>>());
    create(SECONDARY, "oid:1.2.156.20009.7", &["1:URL=https://works.example/7"]);
    let world = Arc::new(World { country, asked });
    *shared = Arc::downgrade(&world);
    world
}

/// A resolver that knows one address, and counts how often it is asked.
fn resolver() -> (SocketAddr, Arc<Mutex<usize>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let count = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok((octets, from)) = socket.recv_from(&mut buffer) {
            *counted.lock().unwrap() += 1;
            let query = Message::from_vec(&buffer[..octets]).unwrap();
            let mut answer = Message::response(query.metadata.id, OpCode::Query);
            answer.queries = query.queries.clone();
            let name = answer.queries[0].name().clone();
            let data = RData::A(hickory_proto::rr::rdata::A(Ipv4Addr::new(192, 0, 2, 7)));
            answer.answers.push(Record::from_rdata(name, 300, data));
            socket.send_to(&answer.to_vec().unwrap(), from).unwrap();
        }
    });
    (address, count)
}

fn server(world: &World, node: &str) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, world.country.node(node).config.dns.port))
}

pub fn query(name: &str, kind: RecordType) -> Message {
    let mut message = Message::new(0x4875, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    let mut name = Name::from_ascii(name).unwrap();
    name.set_fqdn(true);
    message.add_query(Query::query(name, kind));
    message
}

pub fn by_udp(to: SocketAddr, octets: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket.send_to(octets, to).unwrap();
    let mut buffer = [0; 65_535];
    let octets = socket.recv(&mut buffer).ok()?;
    Some(buffer[..octets].to_vec())
}

fn send(to: SocketAddr, message: &Message) -> Message {
    let answer = by_udp(to, &message.to_vec().unwrap()).expect("an answer");
    Message::from_vec(&answer).unwrap()
}

/// Asks by UDP with EDNS.
fn ask(to: SocketAddr, name: &str, kind: RecordType) -> Message {
    let mut message = query(&format!("{name}.{ZONE}"), kind);
    let mut edns = Edns::new();
    edns.set_max_payload(4096);
    message.set_edns(edns);
    let answer = send(to, &message);
    assert_eq!(answer.metadata.id, 0x4875);
    assert!(answer.edns.is_some());
    answer
}

/// Service and result of each NAPTR record.
fn services(answer: &Message) -> Vec<(String, String)> {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let read = |record: &Record| match &record.data {
        RData::NAPTR(naptr) => {
            assert_eq!((&naptr.flags[..], naptr.replacement.is_root()), (&b"U"[..], true));
            let regexp = text(&naptr.regexp);
            let result = regexp.strip_prefix("!^.*$!").and_then(|rest| rest.strip_suffix('!'));
            Some((text(&naptr.services), result.expect("the fixed substitution").to_owned()))
        }
        _ => None,
    };
    answer.answers.iter().filter_map(read).collect()
}

fn service<'a>(services: &'a [(String, String)], name: &str) -> Option<&'a str> {
    services.iter().find(|(own, _)| own == name).map(|(_, result)| result.as_str())
}

/// The apex in the SOA of a negative answer.
fn soa(answer: &Message) -> Option<String> {
    let soa = answer.authorities.iter().find(|record| record.record_type() == RecordType::SOA)?;
    Some(soa.name.to_ascii())
}

pub fn code(answer: &Message) -> ResponseCode {
    answer.metadata.response_code
}

#[test]
fn a_record_is_answered_at_its_owner_and_below_it() {
    let world = world();
    let top = server(&world, TOP);
    for name in ["3088.156.2.1", "ors-dummy.3088.156.2.1", "ORS-Dummy.3088.156.2.1", "3088.156.2.iso", "3088.CN.2.1"] {
        let answer = ask(top, name, RecordType::NAPTR);
        assert_eq!((code(&answer), answer.metadata.authoritative), (ResponseCode::NoError, true), "{name}");
        let services = services(&answer);
        assert_eq!(service(&services, "ORS+COID"), Some("1.2.156.3088"), "{name}");
        assert_eq!(service(&services, "ORS+UINF"), Some("https://a.example/x"));
        assert_eq!(service(&services, "ORS+snas"), Some("coap://s.example"));
        let http = format!("http://{}", world.country.node(TOP).http());
        assert_eq!(service(&services, "ORS+CINF"), Some(&format!("{http}/oid/1.2.156.3088/cinf.xml")[..]));
        assert_eq!(service(&services, "ORS+RINF"), Some(&format!("{http}/oid/1.2.156.3088/rinf.xml")[..]));
        assert!(answer.answers.iter().all(|record| record.ttl <= 3600));
    }
    let leaf = services(&ask(top, "1.4.3088.156.2.1", RecordType::NAPTR));
    assert_eq!(service(&leaf, "ORS+CINF"), None);
}

#[test]
fn labels_lead_to_numbers() {
    let world = world();
    let top = server(&world, TOP);
    let label = hufu_ident::systems::oid::label::to_dns("虎符").unwrap();
    // At the label itself the data stands; below it a DNAME and the CNAME that follows from it.
    let at = ask(top, &format!("{label}.156.2.1"), RecordType::NAPTR);
    assert_eq!(service(&services(&at), "ORS+COID"), Some("1.2.156.3088"));
    let below = ask(top, &format!("1.4.{label}.cn.member-body.ISO"), RecordType::NAPTR);
    assert_eq!(service(&services(&below), "ORS+COID"), Some("1.2.156.3088.4.1"));
    let kinds: Vec<_> = below.answers.iter().map(Record::record_type).collect();
    let chain = [RecordType::DNAME, RecordType::CNAME];
    assert!(kinds.starts_with(&[chain, chain, chain, chain].concat()), "{kinds:?}");
    let last = below.answers.iter().rev().find(|record| record.record_type() == RecordType::CNAME).unwrap();
    let owner = below.answers.last().unwrap().name.to_ascii();
    assert_eq!(owner, format!("1.4.3088.156.2.1.{ZONE}."));
    assert_eq!(last.data, RData::CNAME(hickory_proto::rr::rdata::CNAME(Name::from_ascii(owner).unwrap())));
    let dname = ask(top, "joint-iso-itu-t", RecordType::DNAME);
    assert_eq!(dname.answers.iter().map(Record::record_type).collect::<Vec<_>>(), [RecordType::DNAME]);
    let unknown = ask(top, "nobody.156.2.1", RecordType::NAPTR);
    assert_eq!(code(&unknown), ResponseCode::NXDomain);
}

#[test]
fn what_is_absent_is_told_from_what_has_no_such_data() {
    let world = world();
    let top = server(&world, TOP);
    let apex = Some(format!("{ZONE}."));
    for name in ["3089.156.2.1", "1.1.4.3088.156.2.1", "157.2.1", "3", "40.1", "x.3088.156.2.1", "03088.156.2.1"] {
        let answer = ask(top, name, RecordType::NAPTR);
        assert_eq!((code(&answer), soa(&answer)), (ResponseCode::NXDomain, apex.clone()), "{name}");
        assert!(answer.metadata.authoritative && answer.answers.is_empty());
    }
    // Above a record, and at it for other types.
    for (name, kind) in [
        ("4.3088.156.2.1", RecordType::NAPTR),
        ("156.2.1", RecordType::NAPTR),
        ("2.1", RecordType::NAPTR),
        ("1", RecordType::NAPTR),
        ("3088.156.2.1", RecordType::A),
        ("3088.156.2.1", RecordType::Unknown(65_280)),
        ("3088.156.2.1", RecordType::SOA),
        ("20009.156.2.1", RecordType::DS),
    ] {
        let answer = ask(top, name, kind);
        assert_eq!((code(&answer), soa(&answer)), (ResponseCode::NoError, apex.clone()), "{name} {kind}");
        assert!(answer.answers.is_empty());
    }
    let any = ask(top, "3088.156.2.1", RecordType::ANY);
    assert_eq!(any.answers.iter().map(Record::record_type).collect::<Vec<_>>(), [RecordType::HINFO]);
}

#[test]
fn every_apex_has_its_own_records() {
    let world = world();
    let (top, secondary) = (server(&world, TOP), server(&world, SECONDARY));
    for (to, apex) in [(top, ZONE.to_owned()), (secondary, format!("20009.156.2.1.{ZONE}"))] {
        for kind in [RecordType::SOA, RecordType::NS] {
            let answer = send(to, &query(&apex, kind));
            let mut owners: Vec<_> =
                answer.answers.iter().map(|record| (record.name.to_ascii(), record.record_type())).collect();
            owners.dedup();
            assert_eq!(owners, [(format!("{apex}."), kind)]);
        }
        let answer = send(to, &query(&format!("ns1.{apex}"), RecordType::A));
        assert_eq!(answer.answers.len(), 1);
        assert_eq!(code(&send(to, &query(&format!("ns1.{apex}"), RecordType::AAAA))), ResponseCode::NoError);
    }
    // A node below a parent answers for its own prefixes only.
    for name in ["156.2.1", "1", "3088.156.2.1"] {
        assert_eq!(code(&ask(secondary, name, RecordType::NAPTR)), ResponseCode::Refused, "{name}");
    }
    let own = ask(secondary, "7.20009.156.2.1", RecordType::NAPTR);
    assert_eq!(service(&services(&own), "ORS+UINF"), Some("https://works.example/7"));
    assert_eq!(soa(&ask(secondary, "8.20009.156.2.1", RecordType::NAPTR)), Some(format!("20009.156.2.1.{ZONE}.")));
}

#[test]
fn a_node_without_dns_on_its_own_port_is_reached_by_http() {
    let world = world();
    let answer = ask(server(&world, TOP), "7.20009.156.2.1", RecordType::NAPTR);
    let expected = format!("http://{}/oid/1.2.156.20009.7", world.country.node(SECONDARY).http());
    assert_eq!(services(&answer), [("ORS+UINF".to_owned(), expected)]);
}

#[test]
fn the_recursive_node_finds_every_identifier_and_forwards_the_rest() {
    let world = world();
    let recursive = server(&world, RECURSIVE);
    let answer = ask(recursive, "7.20009.156.2.1", RecordType::NAPTR);
    assert_eq!(service(&services(&answer), "ORS+UINF"), Some("https://works.example/7"));
    assert!(answer.metadata.recursion_available && !answer.metadata.authoritative);
    let absent = ask(recursive, "8.20009.156.2.1", RecordType::NAPTR);
    assert_eq!(code(&absent), ResponseCode::NXDomain);
    let before = *world.asked.lock().unwrap();
    for _ in 0..3 {
        let answer = send(recursive, &query("www.example.com", RecordType::A));
        assert_eq!(answer.answers.len(), 1, "{answer:?}");
        assert!(answer.metadata.recursion_available);
    }
    assert_eq!(*world.asked.lock().unwrap() - before, 1, "remembered after the first");
    let mut unwanted = query("www.example.com", RecordType::A);
    unwanted.metadata.recursion_desired = false;
    assert_eq!(code(&send(recursive, &unwanted)), ResponseCode::Refused);
    // Others do not forward.
    let answer = send(server(&world, TOP), &query("www.example.com", RecordType::A));
    assert_eq!((code(&answer), answer.metadata.recursion_available), (ResponseCode::Refused, false));
}

/// RFC 8020: an NXDOMAIN would deny what lies below as well.
#[test]
fn what_has_something_below_it_is_never_denied() {
    let world = world();
    let recursive = server(&world, RECURSIVE);
    for (name, at) in [
        // A node of the top-level node without a record of its own, that node's prefix, and what is nobody's.
        ("4.3088.156.2.1", "below a record"),
        ("156.2.1", "the top-level node's prefix"),
        ("2.1", "above every prefix"),
        ("1", "above every prefix"),
        ("20009.156.2.1", "the secondary node's prefix"),
    ] {
        for to in [recursive, recursive] {
            let answer = ask(to, name, RecordType::NAPTR);
            assert_eq!((code(&answer), answer.answers.len()), (ResponseCode::NoError, 0), "{name}: {at}");
            assert_eq!(soa(&answer), Some(format!("{ZONE}.")), "{name}");
        }
    }
    for name in ["3089.156.2.1", "5.3088.156.2.1", "8.20009.156.2.1", "1.8.20009.156.2.1"] {
        assert_eq!(code(&ask(recursive, name, RecordType::NAPTR)), ResponseCode::NXDomain, "{name}");
    }
    // At the authority too, between a zone's apex and the name of one of its servers.
    let top = server(&world, TOP);
    assert_eq!(code(&ask(top, "hosts", RecordType::A)), ResponseCode::NoError);
    assert_eq!(ask(top, "a.hosts", RecordType::A).answers.len(), 1);
    assert_eq!(code(&ask(top, "b.hosts", RecordType::A)), ResponseCode::NXDomain);
}

fn by_tcp(to: SocketAddr, queries: &[Message]) -> Vec<Message> {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    for query in queries {
        let octets = query.to_vec().unwrap();
        stream.write_all(&[&(octets.len() as u16).to_be_bytes(), &octets[..]].concat()).unwrap();
    }
    let mut read = || {
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut octets = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut octets).unwrap();
        Message::from_vec(&octets).unwrap()
    };
    queries.iter().map(|_| read()).collect()
}

#[test]
fn what_does_not_fit_is_cut_and_comes_whole_by_tcp() {
    let world = world();
    let top = server(&world, TOP);
    let long = format!("9.156.2.1.{ZONE}");
    let cut = by_udp(top, &query(&long, RecordType::NAPTR).to_vec().unwrap()).unwrap();
    assert!(cut.len() <= 512 && Message::from_vec(&cut).unwrap().metadata.truncation);
    assert!(ask(top, "9.156.2.1", RecordType::NAPTR).metadata.truncation, "1232 octets are too few too");
    let whole =
        by_tcp(top, &[query(&long, RecordType::NAPTR), query(ZONE, RecordType::SOA), query(&long, RecordType::A)]);
    assert_eq!(whole.len(), 3);
    let naptr = whole.iter().find(|answer| answer.queries[0] == query(&long, RecordType::NAPTR).queries[0]).unwrap();
    assert!(services(naptr).len() > MANY && !naptr.metadata.truncation);
}

#[test]
fn what_is_no_question_of_ours_is_refused_and_answers_get_none() {
    let world = world();
    let top = server(&world, TOP);
    let mut chaos = query("version.bind", RecordType::TXT);
    chaos.queries[0].set_query_class(DNSClass::CH);
    assert_eq!(code(&send(top, &chaos)), ResponseCode::Refused);
    assert_eq!(code(&send(top, &query(ZONE, RecordType::AXFR))), ResponseCode::Refused);
    let mut update = query(ZONE, RecordType::SOA);
    update.metadata.op_code = OpCode::Notify;
    assert_eq!(code(&send(top, &update)), ResponseCode::NotImp);
    assert_eq!(code(&send(top, &Message::new(7, MessageType::Query, OpCode::Query))), ResponseCode::FormErr);
    let mut later = query(ZONE, RecordType::SOA);
    let mut edns = Edns::new();
    edns.set_version(1);
    later.set_edns(edns);
    // The library reads the number, which two codes share, by its other name.
    assert_eq!(u16::from(code(&send(top, &later))), u16::from(ResponseCode::BADVERS));
    let garbage = [&[9, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &[0xC0; 40]].concat();
    let answer = Message::from_vec(&by_udp(top, &garbage).expect("an answer")).unwrap();
    assert_eq!((answer.metadata.id, code(&answer)), (0x0909, ResponseCode::FormErr));
    let mut response = query(ZONE, RecordType::SOA);
    response.metadata.message_type = MessageType::Response;
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    socket.send_to(&response.to_vec().unwrap(), top).unwrap();
    assert!(socket.recv(&mut [0; 512]).is_err());
}

#[test]
fn the_same_tree_is_there_over_http() {
    let world = world();
    let web = Web::plain(world.country.node(TOP).http());
    let children = web.get("/oid/1.2.156/children").json();
    let list: Vec<_> =
        children["children"].as_array().unwrap().iter().map(|child| child["oid"].as_str().unwrap()).collect();
    assert_eq!(list, ["1.2.156.9", "1.2.156.3088", "1.2.156.20009"]);
    assert_eq!(children["children"][2]["delegated"], true);
    assert_eq!(children["children"][1]["labels"][0], "虎符");
    assert_eq!(web.get("/oid/1.2.156.3088.4/children").json()["children"][0]["registered"], true);
    assert_eq!(web.get("/oid/1.2.156.77/children").status, 404);
    for path in ["/oid/1.2.156.3088?format=native", "/oid/iri?value=/ISO/2/156/%E8%99%8E%E7%AC%A6&format=native"] {
        let answer = web.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text().contains("oid:1.2.156.3088"), "{path}");
    }
    assert_eq!(web.get("/oid/1.2.156.3088").status, 302);
    assert!(web.get("/oid/1.2.156.3088/rinf.xml").text().contains("noDisclosure"));
    assert_eq!(web.get("/oid/1.2.156.4444/cinf.xml").status, 404);
    assert_eq!(web.get("/oid/1.2.0156").status, 400);
    assert_eq!(web.get("/oid/iri?value=/1/2/nobody").status, 404);
    assert_eq!(web.get("/oid/1.2.156/x").status, 404);
}
