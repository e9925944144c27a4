//! What only a store on disk does: folders, locks, retention, a queue with a bound.

use crate::support::{batch, open, pair, put};
use hufu_store::{CommitError, Condition, DiskStore, Records, StoreError, StoreOptions};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[cfg(unix)]
#[test]
fn the_folder_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/store");
    drop(open(&path));
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_held_lock_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    std::thread::scope(|scope| {
        let second = scope.spawn(|| DiskStore::open(folder.path(), StoreOptions::default()));
        std::thread::sleep(Duration::from_millis(700));
        drop(store);
        second.join().unwrap().unwrap();
    });
    let _store = open(folder.path());
    let refused = DiskStore::open(folder.path(), StoreOptions::default());
    assert!(matches!(refused.err(), Some(StoreError::Locked(_))));
}

#[test]
fn old_changes_go_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let options = || StoreOptions { changes_kept: Some(100), ..StoreOptions::default() };
    let store = DiskStore::open(folder.path(), options()).unwrap();
    for hundred in 0..30 {
        let name = |n| format!("88.1/{hundred}-{n}");
        store.commit(batch((0..100).map(|n| put(&name(n), "", Condition::Any)).collect())).wait().unwrap();
    }
    drop(store);
    let store = DiskStore::open(folder.path(), options()).unwrap();
    let Err(StoreError::Trimmed { oldest }) = store.changes(0, 1) else { panic!("nothing was trimmed") };
    assert!((1000..=2901).contains(&oldest), "{oldest}");
    assert_eq!(store.changes(oldest - 1, usize::MAX).unwrap().len() as u64, 3001 - oldest);
    assert_eq!(store.size().records, 3000);
}

#[test]
fn a_full_queue_is_busy_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let receipts: Vec<_> = (1..=60).map(|number| store.commit(pair(number, 2 << 20))).collect();
    drop(store);
    let outcomes: Vec<_> = receipts.into_iter().map(|receipt| receipt.wait()).collect();
    let written = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let busy = outcomes.iter().filter(|outcome| **outcome == Err(CommitError::Busy)).count();
    assert_eq!(written + busy, 60, "{outcomes:?}");
    assert!(busy > 0 && written >= 16, "{written} written");
    assert_eq!(open(folder.path()).size().records, 2 * written as u64);
}

#[test]
fn a_receipt_is_a_future() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut receipt = pin!(store.commit(pair(1, 10)));
    let mut context = Context::from_waker(Waker::noop());
    let outcome = loop {
        if let Poll::Ready(outcome) = receipt.as_mut().poll(&mut context) {
            break outcome;
        }
        std::thread::yield_now();
    };
    assert_eq!(outcome.unwrap().last, 2);
    assert!(matches!(receipt.as_mut().poll(&mut context), Poll::Ready(Ok(_))));
}
