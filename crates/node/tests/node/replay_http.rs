//! The HTTP exchanges recorded from the reference server, said again over HTTPS as recorded, and the public ones over
//! plain HTTP too: status, the headers shown and the parsed JSON must be the same.
//!
//! Left out: session ids, nonces, times, and the pages for people. [`DIFFERENCES`] says where the node differs on
//! purpose.

use crate::replay_tcp::recorded_server;
use crate::{Alone, url};
use hufu_client::Identity;
use hufu_testkit::web::Answer;
use hufu_testkit::{NodeProcess, Web, block_on, recordings};
use hyper::Method;
use serde_json::Value as Json;

/// Scenario, what differs, and why.
const DIFFERENCES: [(&str, &[&str], &str); 2] = [
    ("put_bad_json", &["message"], "the reference shows the name of a Java class"),
    ("get_index_bad", &["message"], "the reference shows the name of a Java class"),
];

/// Headers that come with compression and chunks, which the node does not do, and with each answer of its server.
const TRANSPORT: [&str; 3] = ["transfer-encoding", "content-encoding", "vary"];

/// The number of scenarios; a new one must be looked at.
const SCENARIOS: usize = 38;

const USER: &str = "301:0.NA/20.500.TEST";

#[test]
fn the_node_answers_http_as_the_recorded_server() {
    let Some(entries) = recordings::shared("handle/rest.json") else { return };
    let Some((alone, _)) = recorded_server() else { return };
    let mut alone = Alone { node: alone.node.with_secret("secret123").with_tls(), ..alone };
    alone.node.start();
    assert_eq!(entries.len(), SCENARIOS);
    let mut wrong = Vec::new();
    for entry in &entries {
        let name = recordings::text(entry, "name");
        prepare(&alone.node, name);
        let mut found = replay(&alone.node, entry, entry["tls"] == true);
        let expected = DIFFERENCES.iter().find(|(scenario, ..)| *scenario == name).map_or(&[][..], |(_, what, _)| what);
        if is_public(entry) {
            found.extend(replay(&alone.node, entry, false));
        }
        found.retain(|(what, _)| !expected.contains(&what.as_str()));
        wrong.extend(found.into_iter().map(|(what, how)| format!("{name}: {what}: {how}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What exchanges between the recorded ones have left behind.
fn prepare(node: &NodeProcess, scenario: &str) {
    if scenario == "put_index_various" {
        let client = node.client().with_identity(Identity::read(USER, b"secret123").unwrap());
        block_on(client.add("20.500.TEST/r1", vec![url(5, "replaced")], false)).unwrap();
    }
}

/// A question that needs no credential and is answered alike over plain HTTP.
fn is_public(entry: &Json) -> bool {
    let reads = ["GET", "HEAD"].contains(&recordings::text(entry, "method"));
    reads
        && entry["request_headers"].as_object().is_none_or(|headers| !headers.contains_key("Authorization"))
        && entry["status"] != 401
}

type Difference = (String, String);

fn replay(node: &NodeProcess, entry: &Json, tls: bool) -> Vec<Difference> {
    let web = if tls { Web::tls(node.http()) } else { Web::plain(node.http()) };
    let method: Method = recordings::text(entry, "method").parse().unwrap();
    let headers = entry["request_headers"].as_object().unwrap();
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    let body = entry["request_body"].as_str().unwrap_or_default();
    let answer = web.send(method, recordings::text(entry, "path"), &headers, body.as_bytes());
    let mut found = Vec::new();
    if entry["status"] != answer.status {
        found.push(("status".into(), format!("{} became {}", entry["status"], answer.status)));
    }
    compare_headers(entry, &answer, &mut found);
    compare_body(entry, &answer, &mut found);
    found
}

fn compare_headers(entry: &Json, answer: &Answer, found: &mut Vec<Difference>) {
    for (name, value) in entry["response_headers"].as_object().unwrap() {
        let name = name.to_ascii_lowercase();
        if TRANSPORT.contains(&name.as_str()) {
            continue;
        }
        let (theirs, ours) = (value.as_str().unwrap(), answer.header(&name).unwrap_or("(absent)"));
        if masked(&name, theirs) != masked(&name, ours) {
            found.push((name, format!("{theirs} became {ours}")));
        }
    }
}

/// A header's value with what is new each time replaced.
fn masked(name: &str, value: &str) -> String {
    match name {
        "www-authenticate" => {
            let quoted: Vec<&str> = value.split('"').collect();
            let keep = |(at, part): (usize, &&str)| {
                let secret = at % 2 == 1 && ["sessionId=", "nonce="].iter().any(|end| quoted[at - 1].ends_with(end));
                if secret { String::from("…") } else { (*part).to_owned() }
            };
            quoted.iter().enumerate().map(keep).collect::<Vec<_>>().join("\"")
        }
        // A date of RFC 9110: what it says changes, how it is written does not.
        "expires" => value
            .chars()
            .map(|c| {
                if c.is_ascii_digit() {
                    '0'
                } else if c.is_ascii_alphabetic() {
                    'a'
                } else {
                    c
                }
            })
            .collect(),
        _ => value.to_owned(),
    }
}

fn compare_body(entry: &Json, answer: &Answer, found: &mut Vec<Difference>) {
    let theirs = entry["response_body"].as_str().unwrap_or_default();
    let Ok(theirs) = serde_json::from_str::<Json>(theirs) else {
        let link = theirs.split("href=\"").nth(1).and_then(|rest| rest.split('"').next());
        if let Some(link) = link.filter(|link| !answer.text().contains(*link)) {
            found.push(("link".into(), format!("{link} is not in {}", answer.text())));
        }
        if theirs.is_empty() && entry["response_body_note"].is_null() && !answer.body.is_empty() {
            found.push(("body".into(), format!("should be empty, is {}", answer.text())));
        }
        return;
    };
    let ours = answer.json();
    let pretty = entry["path"].as_str().unwrap().contains("pretty");
    if pretty != answer.text().contains("\n  ") {
        found.push(("layout".into(), answer.text()));
    }
    let keys = |json: &Json| json.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>());
    if keys(&theirs) != keys(&ours) {
        found.push(("keys".into(), format!("{:?} became {:?}", keys(&theirs), keys(&ours))));
    }
    for (key, value) in theirs.as_object().unwrap() {
        let (theirs, ours) = (timeless(value.clone()), timeless(ours[key].clone()));
        let new_each_time = ["sessionId", "nonce"].contains(&key.as_str()) && ours.is_string();
        if theirs != ours && !new_each_time {
            found.push((key.clone(), format!("{theirs} became {ours}")));
        }
    }
}

/// Without the timestamps of values; that there is one stays.
fn timeless(mut json: Json) -> Json {
    match &mut json {
        Json::Object(object) => {
            object.iter_mut().filter(|(key, _)| *key == "timestamp").for_each(|(_, value)| *value = "now".into());
            object.values_mut().for_each(|value| *value = timeless(value.take()));
        }
        Json::Array(list) => list.iter_mut().for_each(|value| *value = timeless(value.take())),
        _ => {}
    }
    json
}
