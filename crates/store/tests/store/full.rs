//! A full disk, played by a file size limit: writes are refused with the reason, reads go on, and once
//! there is room again so do writes.

use crate::support::{check_pairs, child, child_path, open, pair, pair_of};
use hufu_store::{Batch, CommitError, Records};
use rand::distributions::{Alphanumeric, DistString};
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The limit in the shell's blocks: 512 KiB or 1 MiB.
const LIMITED: &str = "trap '' XFSZ; ulimit -S -f 1024; exec \"$0\" \"$@\"";

/// The journal compresses these to next to nothing, so that it is a table that hits the limit first.
#[test]
fn child_fills_tables() {
    child_fills_the_disk(|number| pair(number, 20_000));
}

/// The journal itself hits the limit, in the middle of a commit.
#[test]
fn child_fills_the_journal() {
    child_fills_the_disk(|number| pair_of(number, &Alphanumeric.sample_string(&mut rand::thread_rng(), 20_000)));
}

/// The child, under the limit: fills the store, says `full`, waits for a line, goes on, says `well`.
fn child_fills_the_disk(make: fn(u64) -> Batch) {
    let Some(path) = child_path() else { return };
    let store = open(&path);
    let mut acknowledged: Vec<u64> = (1..=10).collect();
    let failure = (11..).find_map(|number| match store.commit(make(number)).wait() {
        Ok(_) => {
            acknowledged.push(number);
            None
        }
        Err(error) => Some((number, error)),
    });
    let (number, failure) = failure.unwrap();
    assert!(matches!(failure, CommitError::Engine(_) | CommitError::ReadOnly(_)), "{failure}");
    let refusal = store.commit(pair(number + 1, 10)).wait().unwrap_err();
    assert!(matches!(refusal, CommitError::ReadOnly(_)), "{refusal}");
    std::thread::sleep(Duration::from_millis(1100));
    let refusal = store.commit(pair(number + 1, 10)).wait().unwrap_err();
    assert!(matches!(refusal, CommitError::ReadOnly(_)), "still after a probe: {refusal}");
    assert!(store.refusing_writes().is_some());
    check_pairs(&store, &acknowledged);

    println!("\nfull {}: {failure}", acknowledged.len());
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let started = Instant::now();
    while let Err(refusal) = store.commit(pair(number + 1, 10)).wait() {
        assert!(matches!(refusal, CommitError::ReadOnly(_)), "{refusal}");
        assert!(started.elapsed() < Duration::from_secs(20), "{refusal}");
        std::thread::sleep(Duration::from_millis(50));
    }
    acknowledged.push(number + 1);
    assert!(store.refusing_writes().is_none());
    check_pairs(&store, &acknowledged);
    println!("\nwell {}", number + 1);
}

#[test]
fn full_tables_refuse_writes_until_there_is_room() {
    refuses_until_there_is_room("full::child_fills_tables");
}

#[test]
fn a_full_journal_refuses_writes_until_there_is_room() {
    refuses_until_there_is_room("full::child_fills_the_journal");
}

fn refuses_until_there_is_room(name: &str) {
    if Command::new("prlimit").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: no prlimit to lift the limit with");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for number in 1..=10 {
        store.commit(pair(number, 10)).wait().unwrap();
    }
    drop(store);

    let mut child =
        child(name, folder.path(), Some(LIMITED)).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let full = lines.find(|line| line.starts_with("full ")).expect("the disk never filled");
    println!("{full}");
    let mut lift = Command::new("prlimit");
    assert!(lift.args(["--fsize=unlimited", "--pid"]).arg(child.id().to_string()).status().unwrap().success());
    child.stdin.take().unwrap().write_all(b"go on\n").unwrap();
    let well = lines.find(|line| line.starts_with("well ")).expect("writes never came back");
    lines.for_each(drop);
    assert!(child.wait().unwrap().success());

    let last: u64 = well["well ".len()..].parse().unwrap();
    let acknowledged: Vec<u64> = (1..last - 1).chain([last]).collect();
    check_pairs(&open(folder.path()), &acknowledged);
}
