//! What a node says from its own records: found, referred, absent, or not its business.

use crate::country::{ENTERPRISE, SECONDARY, TOP_88, site_value, url};
use crate::network::{Node, identifier};
use hufu_ident::systems::handle::{Interface, Protocol, Server, Site, kind};
use hufu_ident::{Absence, Answer, CaseRule, Delegation, Identifier, Value, ValueSet};
use hufu_resolve::Authority;
use hufu_resolve::authority::Share;
use hufu_store::{Batch, Condition, MemoryStore, Store, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const ABROAD: &str = "203.0.113.77:2641";

/// A top-level node for 88 that has delegated 88.118 with all below it, and 88.120 alone.
fn top() -> Arc<Node> {
    let node = Node::new();
    node.home("88");
    let own = [site_value(1, kind::SITE, TOP_88), site_value(2, kind::SITE_PREFIX, TOP_88)];
    node.put("0.NA/88", own.to_vec());
    let both = [site_value(1, kind::SITE, SECONDARY), site_value(2, kind::SITE_PREFIX, SECONDARY)];
    node.put("0.NA/88.118", both.to_vec());
    node.put("0.NA/88.120", vec![site_value(1, kind::SITE, ENTERPRISE)]);
    node.put("88/own", url("own"));
    node
}

fn referral(node: &Node, name: &str) -> Delegation {
    match node.answer(name, false) {
        Answer::Referral(delegation) => delegation,
        other => panic!("{name}: {other:?}"),
    }
}

fn kinds(delegation: &Delegation) -> Vec<String> {
    let text = |value: &Value| String::from_utf8_lossy(&value.kind).into_owned();
    delegation.values.iter().map(text).collect()
}

#[test]
fn own_records_are_found_in_the_spelling_of_the_asker() {
    let top = top();
    for name in ["88/own", "88/OWN", "0.na/88.118", "88.118"] {
        match top.answer(name, false) {
            Answer::Found(record) => assert_eq!(record.identifier.as_str(), name),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(top.answer("88/none", false), Answer::Absent(Absence::NotFound));
}

#[test]
fn prefix_handles_below_a_delegated_prefix_are_referred_by_303() {
    let top = top();
    for name in ["0.NA/88.118.8", "0.na/88.118.8.1", "88.118.8"] {
        let delegation = referral(&top, name);
        assert_eq!((delegation.prefix.as_str(), delegation.for_prefixes), ("88.118", true), "{name}");
        assert_eq!(kinds(&delegation), [kind::SITE_PREFIX]);
    }
}

#[test]
fn names_below_a_delegated_prefix_are_referred_by_302() {
    let top = top();
    for (name, prefix) in [("88.118/x", "88.118"), ("88.120/x", "88.120"), ("88.118.8/x", "88.118")] {
        let delegation = referral(&top, name);
        assert_eq!((delegation.prefix.as_str(), delegation.for_prefixes), (prefix, false), "{name}");
        assert_eq!(kinds(&delegation), [kind::SITE], "clients follow 302 by HS_SITE");
    }
}

#[test]
fn the_longest_delegated_prefix_wins() {
    let top = top();
    top.put("0.NA/88.118.8", vec![site_value(1, kind::SITE, ENTERPRISE), site_value(2, kind::SITE_PREFIX, ABROAD)]);
    assert_eq!(referral(&top, "88.118.8/x").values[0].data, site_value(1, kind::SITE, ENTERPRISE).data);
    assert_eq!(referral(&top, "88.118.8.1/x").values[0].data, site_value(2, kind::SITE, ABROAD).data);
    assert_eq!(referral(&top, "88.118.9/x").values[0].data, site_value(2, kind::SITE, SECONDARY).data);
    assert_eq!(referral(&top, "0.NA/88.118.8.1").prefix.as_str(), "88.118.8");
}

#[test]
fn whoever_wants_no_referral_gets_none() {
    let top = top();
    assert_eq!(top.answer("88.118/x", true), Answer::Absent(Absence::NotResponsible));
    assert_eq!(top.answer("0.NA/88.118.8", true), Answer::Absent(Absence::NotFound), "it would be kept below 88");
    assert!(matches!(top.answer("88/own", true), Answer::Found(_)));
}

#[test]
fn unknown_prefixes_are_nobodys_here() {
    let top = top();
    for name in ["86/x", "0.NA/86", "0.NA/86.1", "880/x", "0.NA/880", "8/x", "0.NA/8"] {
        assert_eq!(top.answer(name, false), Answer::Absent(Absence::NotResponsible), "{name}");
    }
}

#[test]
fn a_node_does_not_refer_to_itself() {
    let top = top();
    assert_eq!(top.answer("0.NA/88.999", false), Answer::Absent(Absence::NotFound));
    assert_eq!(top.answer("88.999/x", false), Answer::Absent(Absence::NotResponsible));
    // Prefixes that are kept elsewhere than the identifiers are referred to all the same.
    top.put("0.NA/88", vec![site_value(1, kind::SITE, TOP_88), site_value(2, kind::SITE_PREFIX, ABROAD)]);
    assert_eq!(referral(&top, "0.NA/88.999").prefix.as_str(), "88");
}

#[test]
fn service_handles_and_the_old_kind_delegate_too() {
    let node = Node::new();
    node.home("0.NA");
    node.put("0.NA/10", vec![Value::new(3, kind::SERV_PREFIX, "0.SERV/10"), Value::new(4, kind::SERV, "0.SERV/11")]);
    node.put("0.NA/11", vec![site_value(1, kind::NA_DELEGATE, ABROAD)]);
    assert_eq!(kinds(&referral(&node, "0.NA/10.1")), [kind::SERV_PREFIX]);
    assert_eq!(kinds(&referral(&node, "10.1/x")), [kind::SERV]);
    assert_eq!(referral(&node, "10/x").values[0].data, b"0.SERV/11");
    assert_eq!(kinds(&referral(&node, "0.NA/11.1")), [kind::NA_DELEGATE]);
    assert_eq!(kinds(&referral(&node, "11.1/x")), [kind::SITE]);
}

#[test]
fn a_referral_shows_no_value_that_is_not_public() {
    let node = Node::new();
    node.home("0.NA");
    let hidden = site_value(2, kind::SITE_PREFIX, ABROAD).with_permissions(0x0C);
    node.put("0.NA/10", vec![site_value(1, kind::SITE_PREFIX, SECONDARY), hidden.clone()]);
    assert_eq!(referral(&node, "0.NA/10.1").values.len(), 1);
    node.put("0.NA/10", vec![hidden]);
    assert_eq!(node.answer("0.NA/10.1", false), Answer::Absent(Absence::NotFound));
}

#[test]
fn servers_of_one_site_share_its_names_by_hash() {
    let server = |id: u32| {
        let interface = Interface { purpose: Interface::BOTH, protocol: Protocol::Tcp, port: 2641 };
        Server::new(id, [203, 0, 113, id as u8].into(), Vec::new(), vec![interface])
    };
    let site = Site::new(1, vec![server(1), server(2), server(3)]);
    let nodes: Vec<_> = (0..3)
        .map(|position| {
            let share = Share { site: site.clone(), position };
            let node = Node::made(|authority| authority.with_share(share));
            node.home("88");
            node
        })
        .collect();
    let mut held = [0; 3];
    for number in 0..60 {
        let name = format!("88/{number}");
        let at = site.server_position(identifier(&name).name()).expect("a server");
        held[at] += 1;
        for (position, node) in nodes.iter().enumerate() {
            let expected = if position == at { Absence::NotFound } else { Absence::WrongServer };
            assert_eq!(node.answer(&name, false), Answer::Absent(expected), "{name} at {position}");
        }
    }
    assert!(held.iter().all(|held| *held > 0), "{held:?}");
    assert_eq!(nodes[0].answer("86/x", false), Answer::Absent(Absence::NotResponsible), "the prefix comes first");
}

#[test]
fn a_forgotten_record_is_read_again() {
    let top = top();
    let name = identifier("88/own");
    let key = name.key(CaseRule::Insensitive);
    let shown = || match top.answer("88/own", false) {
        Answer::Found(record) => record.values.iter().next().map(|value| value.data.to_vec()),
        _ => None,
    };
    assert_eq!(shown().as_deref(), Some(&b"https://example.test/own"[..]));
    write(&**top.authority.store(), Write::Delete { key: key.clone(), condition: Condition::Any });
    assert!(shown().is_some(), "the cache does not know yet");
    top.authority.forget(&key);
    assert_eq!(shown(), None);
    top.put("88/own", url("again"));
    assert_eq!(shown().as_deref(), Some(&b"https://example.test/again"[..]), "an absence is forgotten as well");
    assert!(top.authority.cache_size().1 > 0);
    top.authority.forget_all();
    assert_eq!(top.authority.cache_size(), (0, 0));
}

#[test]
fn the_hot_path_says_the_same_or_nothing() {
    let top = top();
    let mut key = Vec::new();
    let mut direct = |name: &Identifier| top.authority.direct(name.name(), &mut key).expect("a store in memory");
    assert!(direct(&identifier("88/own")).is_some());
    assert!(direct(&identifier("0.NA/88.118")).is_some());
    for other in ["88/none", "88.118/x", "0.NA/88.118.8", "86/x"] {
        assert_eq!(direct(&identifier(other)), None, "{other}");
    }
}

#[test]
fn the_cache_keeps_within_its_octets() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let authority = Authority::new(store, CaseRule::Insensitive, 50_000);
    for number in 0..5_000 {
        let key = identifier(&format!("88/absent-{number}")).key(CaseRule::Insensitive);
        assert_eq!(authority.values(key.as_bytes()).expect("a store in memory"), None);
    }
    let (octets, entries) = authority.cache_size();
    assert!(octets <= 50_000 && entries > 100, "{octets} octets in {entries} entries");
}

/// Readers that begin after a write was announced never see what was there before it.
#[test]
fn no_reader_sees_an_old_value_once_the_new_one_was_announced() {
    const WRITES: u32 = 3_000;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let authority = Authority::new(store.clone(), CaseRule::Insensitive, 1 << 20);
    let key = identifier("88/counter").key(CaseRule::Insensitive);
    let announced = AtomicU32::new(0);
    let read = || {
        let values = authority.values(key.as_bytes()).expect("a store in memory");
        values.and_then(|values| values.iter().next().map(|value| value.timestamp)).unwrap_or(0)
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let before = announced.load(Ordering::SeqCst);
                    let seen = read();
                    assert!(seen >= before, "saw {seen} after {before} was announced");
                    if before == WRITES {
                        break;
                    }
                }
            });
        }
        for number in 1..=WRITES {
            let value = Value { timestamp: number, ..Value::new(1, "COUNT", "") };
            let values = ValueSet::from_values(vec![value]);
            write(&*store, Write::Put { key: key.clone(), values, condition: Condition::Any });
            authority.forget(&key);
            announced.store(number, Ordering::SeqCst);
        }
    });
    assert_eq!(read(), WRITES);
}

fn write(store: &dyn Store, write: Write) {
    store.commit(Batch::new(vec![write], 0)).wait().expect("a write in memory");
}
