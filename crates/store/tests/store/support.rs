//! Shorthand that the tests share.

use hufu_ident::{CaseRule, Identifier, RecordKey, Value, ValueSet};
use hufu_store::{Batch, Condition, DiskStore, Records, StoreOptions, Write};
use std::path::Path;
use std::process::Command;

pub fn open(path: &Path) -> DiskStore {
    let options = StoreOptions { cache_octets: 4 << 20, ..StoreOptions::default() };
    DiskStore::open(path, options).unwrap()
}

pub fn key(text: &str) -> RecordKey {
    Identifier::parse(text).unwrap().key(CaseRule::Insensitive)
}

pub fn values(url: &str) -> ValueSet {
    ValueSet::from_values(vec![Value::new(1, "URL", url)])
}

pub fn put(name: &str, url: &str, condition: Condition) -> Write {
    Write::Put { key: key(name), values: values(url), condition }
}

pub fn delete(name: &str, condition: Condition) -> Write {
    Write::Delete { key: key(name), condition }
}

pub fn batch(writes: Vec<Write>) -> Batch {
    Batch::new(writes, 1_700_000_000)
}

/// Two records that belong together, of so many octets each, which compress well.
pub fn pair(number: u64, octets: usize) -> Batch {
    pair_of(number, &"x".repeat(octets))
}

/// Two records that belong together.
pub fn pair_of(number: u64, text: &str) -> Batch {
    let url = format!("{number}:{text}");
    let of = |side| put(&format!("88.1/{side}-{number:08}"), &url, Condition::Absent);
    batch(vec![of("a"), of("b")])
}

/// Checks that every pair is whole and every acknowledged one there; returns the highest number seen.
pub fn check_pairs(store: &dyn Records, acknowledged: &[u64]) -> u64 {
    let numbers = |side: &str| -> Vec<u64> {
        let start = key(&format!("88.1/{side}-"));
        let page = store.scan(start.as_bytes(), None, usize::MAX).unwrap();
        let number = |key: &RecordKey| key.to_identifier().as_str()["88.1/a-".len()..].parse().unwrap();
        page.iter().map(|(key, _)| number(key)).collect()
    };
    let (a, b) = (numbers("a"), numbers("b"));
    assert_eq!(a, b, "half a batch");
    assert_eq!(store.size().records, 2 * a.len() as u64);
    let sequences: Vec<_> = store.changes(0, usize::MAX).unwrap().iter().map(|c| c.sequence).collect();
    assert_eq!(sequences, (1..=store.last_sequence()).collect::<Vec<_>>());
    for number in acknowledged {
        assert!(a.binary_search(number).is_ok(), "acknowledged batch {number} is lost");
    }
    a.last().copied().unwrap_or(0)
}

/// This test program again, running only the test `name`, which finds `path` in `HUFU_STORE_CHILD`.
pub fn child(name: &str, path: &Path, shell: Option<&str>) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut command = match shell {
        None => Command::new(program),
        Some(script) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", script]).arg(program);
            shell
        }
    };
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env("HUFU_STORE_CHILD", path);
    command
}

/// Where a child works; `None` in a test run of its own.
pub fn child_path() -> Option<std::path::PathBuf> {
    std::env::var_os("HUFU_STORE_CHILD").map(Into::into)
}
