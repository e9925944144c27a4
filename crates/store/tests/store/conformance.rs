//! What every store must do; run over each of them.

use crate::support::{batch, delete, key, open, put, values};
use hufu_ident::{Prefix, RecordKey, Value, ValueSet};
use hufu_store::{
    BATCH_WRITES, Batch, CommitError, Committed, Condition, Earlier, KEY_OCTETS, MemoryStore, Moving, Operation,
    Records, Store, StoreError, Write,
};

type Check = fn(&dyn Store);

const SUITE: &[(&str, Check)] = &[
    ("an empty store is empty", empty),
    ("what is put is got", put_and_get),
    ("conditions hold or nothing happens", conditions),
    ("a batch sees its own writes", own_writes),
    ("scans page in key order", scans),
    ("every write is one change", feed),
    ("trimmed changes are refused, not skipped", trimming),
    ("bounds are checked", bounds),
    ("prefixes are homed and unhomed", homing),
    ("nothing is written below a prefix on its way out", moving),
    ("delegations come from prefix handles", delegations),
    ("one of many creators wins", creators),
    ("earlier versions are kept where they are handed over", history),
];

#[test]
fn memory() {
    for (name, check) in SUITE {
        println!("{name}");
        check(&MemoryStore::new());
    }
}

#[test]
fn disk() {
    for (name, check) in SUITE {
        println!("{name}");
        let folder = tempfile::tempdir().unwrap();
        check(&open(folder.path()));
    }
}

fn commit(store: &dyn Store, writes: Vec<Write>) -> Result<Committed, CommitError> {
    store.commit(batch(writes)).wait()
}

fn empty(store: &dyn Store) {
    assert_eq!(store.get(key("88.1/a").as_bytes()).unwrap(), None);
    assert_eq!((store.last_sequence(), store.size().records), (0, 0));
    assert!(store.changes(0, 10).unwrap().is_empty());
    assert!(store.scan(b"", None, 10).unwrap().is_empty());
    assert!(store.homed().is_empty());
    assert_eq!(store.trim_changes(100).unwrap(), 0);
    assert_eq!(commit(store, vec![]), Ok(Committed { first: 1, last: 0 }));
    assert!(store.refusing_writes().is_none());
}

fn moving(store: &dyn Store) {
    let prefix = Prefix::folded("88.1");
    let moves = |moving: Option<Moving>| Write::Move(prefix.clone(), moving);
    commit(store, vec![Write::Home(prefix.clone()), put("88.1/a", "1", Condition::Any)]).unwrap();
    commit(store, vec![moves(Some(Moving::Out))]).unwrap();
    assert_eq!(store.moving().get(&prefix), Some(&Moving::Out));
    let refused = Err(CommitError::Moving { prefix: prefix.clone() });
    for write in [
        put("88.1/a", "2", Condition::Any),
        put("88.1/A", "2", Condition::Version(2)),
        delete("88.1/a", Condition::Present),
        put("88.1/new", "2", Condition::Absent),
        put("0.NA/88.1.5", "2", Condition::Any),
    ] {
        let other = put("88.10/other", "", Condition::Any);
        assert_eq!(commit(store, vec![other, write.clone()]), refused, "{write:?}");
    }
    assert!(store.get(key("88.10/other").as_bytes()).unwrap().is_none(), "nothing of such a batch is written");
    commit(store, vec![moves(Some(Moving::Left))]).unwrap();
    assert_eq!(commit(store, vec![put("88.1/new", "2", Condition::Any)]), refused);
    // Others are written, and its own handle says where it is.
    for name in ["88.10/a", "88/1", "0.NA/88.1", "0.NA/88.10"] {
        commit(store, vec![put(name, "2", Condition::Any)]).unwrap();
    }
    // What undoes the move may write in the same batch; a batch that fails leaves the move as it was.
    let failing = vec![moves(None), put("88.1/a", "2", Condition::Absent)];
    assert!(matches!(commit(store, failing), Err(CommitError::Conflict { .. })));
    assert_eq!(commit(store, vec![put("88.1/a", "2", Condition::Any)]), refused);
    commit(store, vec![moves(None), put("88.1/a", "2", Condition::Present)]).unwrap();
    commit(store, vec![moves(Some(Moving::In)), put("88.1/b", "2", Condition::Any)]).unwrap();
    assert_eq!(store.moving().get(&prefix), Some(&Moving::In));
    let last = store.changes(store.last_sequence() - 2, 1).unwrap().remove(0);
    assert_eq!((last.operation, last.key), (Operation::Move, key("0.NA/88.1")));
}

fn put_and_get(store: &dyn Store) {
    let done = commit(store, vec![put("88.1/a", "one", Condition::Any), put("88.1/b", "", Condition::Any)]);
    assert_eq!(done, Ok(Committed { first: 1, last: 2 }));
    let stored = store.get(key("88.1/A").as_bytes()).unwrap().unwrap();
    assert_eq!((stored.version, stored.values), (1, values("one")));
    commit(store, vec![put("88.1/a", "two", Condition::Any)]).unwrap();
    let stored = store.get(key("88.1/a").as_bytes()).unwrap().unwrap();
    assert_eq!((stored.version, stored.values), (3, values("two")));
    commit(store, vec![delete("88.1/a", Condition::Any)]).unwrap();
    assert_eq!(store.get(key("88.1/a").as_bytes()).unwrap(), None);
    assert_eq!((store.last_sequence(), store.size().records), (4, 1));
}

fn conditions(store: &dyn Store) {
    commit(store, vec![put("88.1/a", "1", Condition::Absent)]).unwrap();
    let refused = [
        (Condition::Absent, "88.1/a", Some(1)),
        (Condition::Version(2), "88.1/a", Some(1)),
        (Condition::Present, "88.1/none", None),
        (Condition::Version(1), "88.1/none", None),
    ];
    for (condition, name, found) in refused {
        let conflict = Err(CommitError::Conflict { write: 1, found });
        let other = || put("88.1/other", "", Condition::Any);
        assert_eq!(commit(store, vec![other(), put(name, "2", condition)]), conflict);
        assert_eq!(commit(store, vec![other(), delete(name, condition)]), conflict);
    }
    assert_eq!((store.last_sequence(), store.size().records), (1, 1));
    commit(store, vec![put("88.1/a", "2", Condition::Version(1))]).unwrap();
    commit(store, vec![delete("88.1/a", Condition::Present)]).unwrap();
    assert_eq!(store.size().records, 0);
}

fn own_writes(store: &dyn Store) {
    let writes = vec![
        put("88.1/a", "1", Condition::Absent),
        put("88.1/a", "2", Condition::Version(1)),
        delete("88.1/a", Condition::Present),
        delete("88.1/a", Condition::Any),
        put("88.1/a", "3", Condition::Absent),
    ];
    assert_eq!(commit(store, writes), Ok(Committed { first: 1, last: 5 }));
    assert_eq!(store.get(key("88.1/a").as_bytes()).unwrap().unwrap().version, 5);
    assert_eq!(store.size().records, 1);
}

fn scans(store: &dyn Store) {
    let names = ["88.1/a", "88.1/b", "88.1/c", "88.1.2/a", "88.10/a", "0.NA/88.1"];
    commit(store, names.iter().map(|name| put(name, name, Condition::Any)).collect()).unwrap();
    let list = |start: &[u8], after: Option<&[u8]>, limit| -> Vec<String> {
        let page = store.scan(start, after, limit).unwrap();
        page.iter().map(|(key, _)| key.to_identifier().to_string()).collect()
    };
    let start = RecordKey::range_of(&Prefix::folded("88.1"));
    assert_eq!(list(&start, None, 10), ["88.1/A", "88.1/B", "88.1/C"]);
    assert_eq!(list(&start, None, 2), ["88.1/A", "88.1/B"]);
    assert_eq!(list(&start, Some(key("88.1/b").as_bytes()), 2), ["88.1/C"]);
    assert_eq!(list(&start, Some(key("88.1/bb").as_bytes()), 2), ["88.1/C"]);
    assert_eq!(list(&start, Some(b"a"), 1), ["88.1/A"]);
    assert!(list(&start, Some(b"z"), 1).is_empty());
    assert!(list(&start, None, 0).is_empty());
    assert_eq!(list(b"", None, usize::MAX).len(), names.len());
}

fn feed(store: &dyn Store) {
    let home = Prefix::folded("88.1");
    commit(store, vec![Write::Home(home.clone()), put("88.1/a", "1", Condition::Any)]).unwrap();
    commit(store, vec![put("88.1/a", "2", Condition::Any), delete("88.1/a", Condition::Any)]).unwrap();
    commit(store, vec![delete("88.1/a", Condition::Any), Write::Unhome(home)]).unwrap();
    let feed = store.changes(0, 100).unwrap();
    use Operation::{Create, Delete, Home, Replace, Unhome};
    let operations: Vec<_> = feed.iter().map(|change| change.operation).collect();
    assert_eq!(operations, [Home, Create, Replace, Delete, Delete, Unhome]);
    let sequences: Vec<_> = feed.iter().map(|change| change.sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4, 5, 6]);
    assert!(feed.iter().all(|change| change.time == 1_700_000_000));
    assert_eq!((&feed[0].key, &feed[1].key), (&key("0.NA/88.1"), &key("88.1/a")));
    assert_ne!(feed[1].digest, feed[2].digest);
    assert_eq!(feed[3].digest, [0; 32]);
    assert_eq!(store.changes(2, 2).unwrap(), feed[2..4]);
    assert!(store.changes(6, 2).unwrap().is_empty());
    assert!(store.changes(u64::MAX, 2).unwrap().is_empty());
}

fn trimming(store: &dyn Store) {
    commit(store, (0..10).map(|n| put(&format!("88.1/{n}"), "", Condition::Any)).collect()).unwrap();
    assert_eq!(store.trim_changes(4).unwrap(), 3);
    assert_eq!(store.trim_changes(4).unwrap(), 0);
    assert!(matches!(store.changes(2, 1), Err(StoreError::Trimmed { oldest: 4 })));
    assert_eq!(store.changes(3, 1).unwrap()[0].sequence, 4);
    assert_eq!(store.trim_changes(u64::MAX).unwrap(), 6);
    assert_eq!(store.changes(9, 5).unwrap().len(), 1);
    assert_eq!((store.last_sequence(), store.size().records), (10, 10));
}

fn bounds(store: &dyn Store) {
    let with_key = |octets| {
        let key = RecordKey::from_bytes(vec![b'h'; octets]);
        commit(store, vec![Write::Put { key, values: values(""), condition: Condition::Any }])
    };
    assert_eq!(with_key(0), Err(CommitError::EmptyKey));
    assert!(with_key(KEY_OCTETS).is_ok());
    assert!(matches!(with_key(KEY_OCTETS + 1), Err(CommitError::TooLarge { .. })));
    let many = vec![delete("88.1/a", Condition::Any); BATCH_WRITES + 1];
    assert!(matches!(commit(store, many), Err(CommitError::TooLarge { .. })));
    let large = vec![put("88.1/a", &"x".repeat(17 << 20), Condition::Any); 2];
    assert!(matches!(commit(store, large), Err(CommitError::TooLarge { .. })));
    assert_eq!(store.last_sequence(), 1);
}

fn homing(store: &dyn Store) {
    let (one, two) = (Prefix::folded("88.1"), Prefix::folded("88.2"));
    commit(store, vec![Write::Home(one.clone()), Write::Home(two.clone()), Write::Home(one.clone())]).unwrap();
    let before = store.homed();
    assert!(store.is_homed(&one) && store.is_homed(&two) && !store.is_homed(&Prefix::folded("88")));
    commit(store, vec![Write::Unhome(two.clone()), Write::Unhome(Prefix::folded("99"))]).unwrap();
    assert!(!store.is_homed(&two));
    assert_eq!((before.len(), store.homed().len()), (2, 1));
    assert_eq!(store.size().records, 0);
}

fn delegations(store: &dyn Store) {
    let prefix = Prefix::folded("88.1");
    assert_eq!(store.delegation(&prefix, false).unwrap(), None);
    let all = vec![
        Value::new(1, "hs_site", "s"),
        Value::new(2, "HS_SERV", "0.SERV/1"),
        Value::new(3, "HS_NA_DELEGATE", "d"),
        Value::new(4, "URL", "u"),
    ];
    let put = |values: Vec<Value>| Write::Put {
        key: key("0.na/88.1"),
        values: ValueSet::from_values(values),
        condition: Condition::Any,
    };
    commit(store, vec![put(all.clone())]).unwrap();
    let sites = store.delegation(&prefix, false).unwrap().unwrap();
    assert_eq!((&sites.prefix, sites.for_prefixes, &sites.values[..]), (&prefix, false, &all[..2]));
    let sites = store.delegation(&prefix, true).unwrap().unwrap();
    assert_eq!((sites.for_prefixes, &sites.values[..]), (true, &all[2..3]));
    commit(store, vec![put(all[3..].to_vec())]).unwrap();
    assert_eq!(store.delegation(&prefix, false).unwrap(), None);
}

fn creators(store: &dyn Store) {
    let create = |creator: u64| {
        let writes = vec![put("88.1/wanted", &creator.to_string(), Condition::Absent)];
        store.commit(Batch::new(writes, creator)).wait()
    };
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..64).map(|creator| scope.spawn(move || create(creator))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let winners: Vec<_> = (0..64).filter(|creator| outcomes[*creator].is_ok()).collect();
    assert_eq!(winners.len(), 1);
    let lost = Err(CommitError::Conflict { write: 0, found: Some(1) });
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == lost).count(), 63);
    let stored = store.get(key("88.1/wanted").as_bytes()).unwrap().unwrap();
    assert_eq!(stored.values, values(&winners[0].to_string()));
}

fn history(store: &dyn Store) {
    let replace = |name: &str, version: u64, old: &str, new: &str| {
        let mut batch = batch(vec![put(name, new, Condition::Version(version))]);
        batch.earlier.push((key(name), Earlier { version, until: version * 1000, values: values(old) }));
        store.commit(batch).wait()
    };
    commit(store, vec![put("88.1/a", "1", Condition::Any), put("88.1/ab", "other", Condition::Any)]).unwrap();
    replace("88.1/a", 1, "1", "2").unwrap();
    replace("88.1/a", 3, "2", "3").unwrap();
    replace("88.1/ab", 2, "other", "another").unwrap();
    assert!(replace("88.1/a", 3, "2", "late").is_err());
    let page = |below, limit| store.earlier(key("88.1/a").as_bytes(), below, limit).unwrap();
    let first = Earlier { version: 1, until: 1000, values: values("1") };
    let second = Earlier { version: 3, until: 3000, values: values("2") };
    assert_eq!(page(u64::MAX, 10), [second.clone(), first.clone()]);
    assert_eq!(page(u64::MAX, 1), [second]);
    assert_eq!(page(3, 10), [first]);
    assert!(store.earlier(key("88.1/b").as_bytes(), u64::MAX, 10).unwrap().is_empty());
    assert_eq!(store.size().records, 2);
    let folder = tempfile::tempdir().unwrap();
    store.backup(&folder.path().join("copy")).unwrap();
    let copy = open(&folder.path().join("copy"));
    assert_eq!(copy.earlier(key("88.1/a").as_bytes(), u64::MAX, 10).unwrap(), page(u64::MAX, 10));
}
