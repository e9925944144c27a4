//! `kill -9` in mid-write: every acknowledged batch is there, no batch is there by half.

use crate::support::{check_pairs, child, child_path, open, pair};
use hufu_store::Records;
use rand::Rng;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The child: writes pairs, 64 at a time, and says which are acknowledged, until it is killed.
#[test]
fn child_writes_until_killed() {
    let Some(path) = child_path() else { return };
    let store = open(&path);
    let mut number = check_pairs(&store, &[]);
    let mut out = std::io::stdout().lock();
    writeln!(out).unwrap();
    let mut waiting = VecDeque::new();
    loop {
        number += 1;
        waiting.push_back((number, store.commit(pair(number, 200))));
        if waiting.len() == 64 {
            let (number, receipt) = waiting.pop_front().unwrap();
            receipt.wait().unwrap();
            writeln!(out, "ack {number}").unwrap();
        }
    }
}

/// Lets the child run for `time`, kills it and adds what it acknowledged.
fn run_and_kill(path: &Path, time: Duration, acknowledged: &mut Vec<u64>) {
    let mut child = child("crash::child_writes_until_killed", path, None)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let lines = std::thread::spawn(move || -> Vec<u64> {
        let number = |line: String| line.strip_prefix("ack ").and_then(|number| number.parse().ok());
        out.lines().map_while(Result::ok).filter_map(number).collect()
    });
    std::thread::sleep(time);
    child.kill().unwrap();
    // The lock may still be held for a moment: the store is opened before the child is reaped.
    drop(open(path));
    child.wait().unwrap();
    acknowledged.extend(lines.join().unwrap());
}

#[test]
fn acknowledged_batches_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..6 {
        let time = Duration::from_millis(rand::thread_rng().gen_range(150..500));
        run_and_kill(folder.path(), time, &mut acknowledged);
        let started = Instant::now();
        let store = open(folder.path());
        let opened = started.elapsed();
        assert!(opened < Duration::from_secs(5), "opening took {opened:?}");
        check_pairs(&store, &acknowledged);
        println!("round {round}: {} acknowledged so far, reopened in {opened:?}", acknowledged.len());
    }
    assert!(!acknowledged.is_empty());
}

#[test]
fn half_a_version_marker_is_an_unfinished_creation() {
    for marker in ["", "FJL"] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("keyspaces")).unwrap();
        for (name, text) in [("lock", ""), ("0.jnl", ""), ("version", marker)] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        open(folder.path());
    }
}

#[test]
fn a_kill_during_creation_leaves_a_store_that_opens() {
    for round in 0..24 {
        let micros = 1_000 * round;
        let folder = tempfile::tempdir().unwrap();
        let mut acknowledged = Vec::new();
        run_and_kill(folder.path(), Duration::from_micros(micros), &mut acknowledged);
        check_pairs(&open(folder.path()), &acknowledged);
    }
}
