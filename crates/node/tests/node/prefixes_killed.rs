//! `kill -9` in the middle of allocations, publications and transfers: nothing acknowledged is lost, nothing is half
//! done, the outbox drains and the audit chain is whole. `HUFU_KILL_ROUNDS` says how often per database [default: 2].

use crate::prefixes::Secondary;
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_testkit::{Scratch, eventually};
use serde_json::{Value as Json, json};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Clerks who work at the same time.
const CLERKS: usize = 4;
/// The outbox must be empty so soon after a start.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends one request through the node's Unix socket; `None` where the node did not answer it to the end.
fn send(socket: &Path, method: &str, path: &str, body: &Json) -> Option<(u16, Json)> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: node\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    if length.is_some_and(|length: usize| body.len() < length) {
        return None;
    }
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, serde_json::from_str(body).unwrap_or_default()))
}

/// What clerks were told.
#[derive(Default)]
struct Told {
    /// Names of prefixes that were allocated.
    allocated: Vec<String>,
    /// Prefix and its last acknowledged holder.
    moved: Vec<(String, String)>,
}

/// Allocates and hands over until nobody answers any more.
fn work(socket: &Path, organisation: &str, gaining: &str, told: &Mutex<Told>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let servers = json!([{"address": "127.0.0.1", "udp": 2641, "tcp": 2641}]);
        let wish = json!({"organisation": organisation, "under": "88.118", "delegation": {"servers": servers}});
        let Some((status, prefix)) = send(socket, "POST", "/api/v1/prefix-allocations", &wish) else { return };
        assert_eq!(status, 201, "{prefix}");
        let name = prefix["name"].as_str().expect("a name").to_owned();
        told.lock().expect("told").allocated.push(name.clone());
        let path = format!("/api/v1/prefixes/{name}/transfer-code");
        let Some((status, code)) = send(socket, "POST", &path, &Json::Null) else { return };
        assert_eq!(status, 201, "{code}");
        let request = json!({"prefix": name, "kind": "holder", "code": code["code"], "gaining": gaining});
        let Some((status, transfer)) = send(socket, "POST", "/api/v1/transfers", &request) else { return };
        assert_eq!(status, 202, "{transfer}");
        let id = transfer["id"].as_str().expect("an id");
        let path = format!("/api/v1/transfers/{id}/answers");
        let Some((status, done)) = send(socket, "POST", &path, &json!({"answer": "approve"})) else { return };
        assert_eq!((status, &done["state"]), (200, &json!("server-approved")), "{done}");
        told.lock().expect("told").moved.push((name, gaining.to_owned()));
    }
}

/// All items of a list.
fn all(socket: &Path, path: &str) -> Vec<Json> {
    let (mut items, mut after) = (Vec::new(), String::new());
    loop {
        let (status, page) = send(socket, "GET", &format!("{path}?limit=200{after}"), &Json::Null).expect("a page");
        assert_eq!(status, 200, "{page}");
        items.extend(page["items"].as_array().expect("items").iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return items,
        }
    }
}

fn examine(secondary: &Secondary, socket: &Path, told: &Told, gaining: &str) {
    let mut figures = Json::Null;
    eventually("the outbox is empty", PATIENCE, || {
        figures = send(socket, "GET", "/api/v1/activation", &Json::Null).map(|found| found.1).unwrap_or_default();
        figures["waiting"] == 0
    });
    let verified = send(socket, "GET", "/api/v1/audit/verification", &Json::Null);
    let prefixes = all(socket, "/api/v1/prefixes");
    let transfers = all(socket, "/api/v1/transfers");
    let mut names: Vec<&str> = prefixes.iter().filter_map(|prefix| prefix["name"].as_str()).collect();
    for name in &told.allocated {
        assert!(names.contains(&name.as_str()), "{name} was acknowledged and is lost");
    }
    let mut acknowledged = told.allocated.clone();
    acknowledged.sort();
    let count = acknowledged.len();
    acknowledged.dedup();
    assert_eq!(acknowledged.len(), count, "a name was given out twice");
    names.sort_unstable();
    for (name, gained) in &told.moved {
        let prefix = prefixes.iter().find(|prefix| prefix["name"] == name.as_str()).expect("there");
        assert_eq!(prefix["organisation"], gained.as_str(), "an acknowledged transfer of {name} is lost");
    }
    for prefix in &prefixes {
        let name = prefix["name"].as_str().expect("a name");
        let of_it = |transfer: &&Json| transfer["prefix"] == name;
        let pending = transfers.iter().filter(of_it).any(|transfer| transfer["state"] == "pending");
        let flagged = prefix["flags"].as_array().expect("flags").contains(&json!("pendingTransfer"));
        assert_eq!(pending, flagged, "{prefix}");
        let approved = |transfer: &Json| transfer["state"].as_str().is_some_and(|state| state.ends_with("approved"));
        let moved = transfers.iter().filter(of_it).any(approved);
        assert_eq!(prefix["organisation"] == gaining, moved, "{prefix}");
        let (code, values, text) = secondary.ask(&format!("0.NA/{name}"));
        assert_eq!(code, ResponseCode::SUCCESS.0, "{name}: {text}");
        assert!(values.iter().any(|value| value.is_kind("HS_SITE")), "{name} is not delegated");
    }
    let (status, verified) = verified.expect("a verification");
    assert!(status == 200 && verified["whole"] == true, "{status} {verified}");
}

fn rounds() -> usize {
    std::env::var("HUFU_KILL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2)
}

/// On the node's own file, or on a server.
fn killed_on(server: Option<&Scratch>) {
    let mut secondary = Secondary::start(server.map(|server| server.url.as_str()));
    let socket: PathBuf = secondary.node.home().join("data").join("hufu.sock");
    let other = json!({"subject": {"orgName": "服务机构", "orgCrtType": 1, "orgCrtCode": "S1"}});
    let (_, gaining) = send(&socket, "POST", "/api/v1/organisations", &other).expect("an organisation");
    let gaining = gaining["id"].as_str().expect("an id").to_owned();
    let told = Arc::new(Mutex::new(Told::default()));
    for round in 0..rounds() {
        let stop = Arc::new(AtomicBool::new(false));
        let clerks: Vec<_> = (0..CLERKS)
            .map(|_| {
                let (socket, organisation, gaining) = (socket.clone(), secondary.organisation.clone(), gaining.clone());
                let (told, stop) = (told.clone(), stop.clone());
                std::thread::spawn(move || work(&socket, &organisation, &gaining, &told, &stop))
            })
            .collect();
        // Everything is under way, and it is another moment in each round.
        let moved = || told.lock().expect("told").moved.len();
        let before = moved();
        eventually("a transfer is done", PATIENCE, || moved() > before);
        std::thread::sleep(Duration::from_millis((round as u64 * 37) % 400));
        secondary.node.kill();
        stop.store(true, Ordering::Relaxed);
        for clerk in clerks {
            clerk.join().expect("a clerk");
        }
        secondary.node.start();
        examine(&secondary, &socket, &told.lock().expect("told"), &gaining);
    }
    let told = told.lock().expect("told");
    assert!(!told.allocated.is_empty() && !told.moved.is_empty(), "nothing was under way when the node was killed");
}

#[test]
fn killed_at_any_moment_on_sqlite() {
    killed_on(None);
}

#[test]
fn killed_at_any_moment_on_postgres() {
    killed_on(Some(&Scratch::postgres()));
}
