//! Copies taken while writes go on, and copies of a store in memory.

use crate::support::{batch, check_pairs, open, pair, put};
use hufu_ident::Prefix;
use hufu_store::{Condition, Delegations, MemoryStore, Moving, Records, StoreError, Write};
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn a_backup_under_load_is_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("live"));
    let home = Prefix::folded("88.1");
    for number in 1..=500 {
        store.commit(pair(number, 500)).wait().unwrap();
    }
    let enough = AtomicBool::new(false);
    let (store, enough) = (&store, &enough);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for number in 501.. {
                store.commit(pair(number, 500)).wait().unwrap();
                if enough.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        for round in 0..3 {
            let to = folder.path().join(format!("copy-{round}"));
            let report = store.backup(&to).unwrap();
            let copy = open(&to);
            assert_eq!(copy.last_sequence(), report.sequence);
            assert_eq!((report.records, report.changes), (report.sequence, report.sequence));
            assert!(report.octets > 10_000, "{report:?}");
            let sure: Vec<_> = (1..=500).collect();
            assert!(check_pairs(&copy, &sure) >= 500);
            copy.commit(batch(vec![Write::Home(home.clone())])).wait().unwrap();
            assert!(matches!(store.backup(&to), Err(StoreError::Exists(_))));
        }
        enough.store(true, Ordering::Relaxed);
    });
    // A copy of a copy keeps what is in `meta`, and a writable copy was really written.
    let copy = open(&folder.path().join("copy-0"));
    assert!(copy.is_homed(&home));
    copy.commit(batch(vec![Write::Move(home.clone(), Some(Moving::Out))])).wait().unwrap();
    copy.backup(&folder.path().join("again")).unwrap();
    let again = open(&folder.path().join("again"));
    assert!(again.is_homed(&home));
    assert_eq!(again.moving().get(&home), Some(&Moving::Out));
    assert!(again.commit(batch(vec![put("88.1/frozen", "u", Condition::Any)])).wait().is_err(), "it is still frozen");
    assert_eq!(again.last_sequence(), copy.last_sequence());
}

#[test]
fn a_store_in_memory_can_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = MemoryStore::new();
    store.backup(&folder.path().join("empty")).unwrap();
    assert_eq!(open(&folder.path().join("empty")).last_sequence(), 0);

    let home = Prefix::folded("88.1");
    store.commit(batch(vec![Write::Home(home.clone()), put("88.1/a", "u", Condition::Any)])).wait().unwrap();
    store.backup(&folder.path().join("full")).unwrap();
    let copy = open(&folder.path().join("full"));
    assert_eq!(copy.changes(0, 9).unwrap(), store.changes(0, 9).unwrap());
    assert_eq!(copy.scan(b"", None, 9).unwrap(), store.scan(b"", None, 9).unwrap());
    assert!(copy.is_homed(&home));
    assert_eq!(copy.size().records, 1);
}
