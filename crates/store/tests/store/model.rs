//! Random batches against a map: both stores, the disk one reopened now and then.

use crate::support::{batch, delete, key, open, put};
use hufu_ident::{Prefix, RecordKey, ValueSet};
use hufu_store::{Condition, MemoryStore, Operation, Store, Write};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Write>),
    Trim(u64),
    Reopen,
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        4 => Just(Condition::Any),
        1 => Just(Condition::Absent),
        1 => Just(Condition::Present),
        1 => (0..40u64).prop_map(Condition::Version),
    ]
}

fn write() -> impl Strategy<Value = Write> {
    let name = || (0..8u8).prop_map(|n| format!("88.{}/{n}", n % 2));
    prop_oneof![
        5 => (name(), "[a-z]{0,9}", condition()).prop_map(|(n, url, c)| put(&n, &url, c)),
        2 => (name(), condition()).prop_map(|(n, c)| delete(&n, c)),
        1 => (0..3u8).prop_map(|n| Write::Home(Prefix::folded(&n.to_string()))),
        1 => (0..3u8).prop_map(|n| Write::Unhome(Prefix::folded(&n.to_string()))),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => prop::collection::vec(write(), 0..6).prop_map(Step::Commit),
        1 => (0..60u64).prop_map(Step::Trim),
        1 => Just(Step::Reopen),
    ]
}

#[derive(Debug, Clone, Default)]
struct Model {
    records: BTreeMap<RecordKey, (u64, ValueSet)>,
    homed: BTreeSet<Prefix>,
    /// Sequence of the oldest change kept.
    oldest: u64,
    log: Vec<(u64, Operation)>,
}

impl Model {
    fn sequence(&self) -> u64 {
        self.log.len() as u64
    }

    fn commit(&mut self, writes: &[Write]) -> Option<(u64, u64)> {
        let mut next = self.clone();
        for write in writes {
            let sequence = next.sequence() + 1;
            let operation = next.apply(write, sequence)?;
            next.log.push((sequence, operation));
        }
        let first = self.sequence() + 1;
        *self = next;
        Some((first, self.sequence()))
    }

    fn apply(&mut self, write: &Write, sequence: u64) -> Option<Operation> {
        Some(match write {
            Write::Put { key, values, condition } => {
                let found = self.records.get(key).map(|(version, _)| *version);
                condition.holds(found).then_some(())?;
                self.records.insert(key.clone(), (sequence, values.clone()));
                if found.is_some() { Operation::Replace } else { Operation::Create }
            }
            Write::Delete { key, condition } => {
                condition.holds(self.records.get(key).map(|(version, _)| *version)).then_some(())?;
                self.records.remove(key);
                Operation::Delete
            }
            Write::Home(prefix) => {
                self.homed.insert(prefix.clone());
                Operation::Home
            }
            Write::Unhome(prefix) => {
                self.homed.remove(prefix);
                Operation::Unhome
            }
            // Not among what is drawn; `conformance` has it.
            Write::Move(..) => Operation::Move,
        })
    }

    fn trim(&mut self, before: u64) -> u64 {
        let oldest = self.oldest.max(before.min(self.sequence()));
        oldest - std::mem::replace(&mut self.oldest, oldest)
    }

    fn check(&self, store: &dyn Store) {
        let page = store.scan(b"", None, usize::MAX).unwrap();
        let page: BTreeMap<_, _> = page.into_iter().map(|(k, s)| (k, (s.version, s.values))).collect();
        assert_eq!(page, self.records);
        assert_eq!(store.size().records, self.records.len() as u64);
        assert_eq!(store.last_sequence(), self.sequence());
        assert_eq!(*store.homed(), self.homed);
        let feed = store.changes(self.oldest - 1, usize::MAX).unwrap();
        let feed: Vec<_> = feed.iter().map(|change| (change.sequence, change.operation)).collect();
        assert_eq!(feed, self.log[self.oldest as usize - 1..]);
        for name in ["88.0/0", "88.1/1", "88.0/none"] {
            let stored = store.get(key(name).as_bytes()).unwrap();
            assert_eq!(stored.map(|s| (s.version, s.values)), self.records.get(&key(name)).cloned());
        }
    }
}

fn run(store: &dyn Store, model: &mut Model, step: &Step) {
    match step {
        Step::Commit(writes) => {
            let done = store.commit(batch(writes.clone())).wait();
            assert_eq!(done.ok().map(|done| (done.first, done.last)), model.commit(writes));
        }
        Step::Trim(before) => assert_eq!(store.trim_changes(*before).unwrap(), model.trim(*before)),
        Step::Reopen => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn memory_follows_the_model(steps in prop::collection::vec(step(), 1..30)) {
        let (store, mut model) = (MemoryStore::new(), Model { oldest: 1, ..Model::default() });
        steps.iter().for_each(|step| run(&store, &mut model, step));
        model.check(&store);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn disk_follows_the_model(steps in prop::collection::vec(step(), 1..30)) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let mut model = Model { oldest: 1, ..Model::default() };
        for step in &steps {
            if matches!(step, Step::Reopen) {
                drop(store);
                store = open(folder.path());
                model.check(&store);
            }
            run(&store, &mut model, step);
        }
        model.check(&store);
    }
}
