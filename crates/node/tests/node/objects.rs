//! Objects through the doors of a running node: what is registered resolves at once, and every asker sees what he may.

use crate::Alone;
use crate::control::command;
use hufu_ident::systems::handle::kind;
use hufu_ident::systems::handle::wire::flag;
use hufu_ident::{SelectionBuf, Value};
use hufu_testkit::talk::{Talk, Who, code, resolution, values};
use hufu_testkit::web::basic;
use hufu_testkit::{NodeProcess, Web, block_on};
use hyper::Method;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const NAME: &str = "88.118.8/PUMP-1";
const PATH: &str = "/api/handles/88.118.8/PUMP-1";
const TEMPLATE: &str = "88.118.8/META_PUMP";

fn run(node: &NodeProcess, args: &[&str], data: Json) -> Json {
    let with_data = ["--data", "-"];
    let all: Vec<&str> = match data {
        Json::Null => args.to_vec(),
        _ => args.iter().copied().chain(with_data).collect(),
    };
    command(node, &all, &data.to_string()).expect(0).json()
}

/// A node with a template of four fields and one object of it.
fn with_pump() -> Alone {
    let alone = Alone::lay_out(&["88.118.8"]);
    let mut alone = Alone { node: alone.node.with_tls(), ..alone };
    alone.node.start();
    let item = |name: &str, visibility: &str| json!({"name": name, "labels": {"zh": name, "en": name}, "dataType": "string", "visibility": visibility});
    let items = [item("title", "public"), item("batch", "granted"), item("test", "granted"), item("cost", "private")];
    let new = json!({"prefix": "88.118.8", "versionText": "1", "handle": TEMPLATE,
                     "content": {"labels": {"zh": "泵"}, "items": items}});
    let node = &alone.node;
    let template = run(node, &["template", "create"], new);
    let id = template["id"].as_str().expect("an id");
    run(node, &["template", "state", id, "--state", "published"], Json::Null);
    let values = json!({"title": "水泵", "batch": "B7", "test": "1.6 MPa", "cost": "99"});
    let made = run(node, &["object", "create"], json!({"identifier": NAME, "template": TEMPLATE, "values": values}));
    assert_eq!((&made["outcome"], &made["version"]), (&json!("created"), &json!(1)));
    alone
}

/// Names of the fields among types of values.
fn fields<'a>(types: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let known = ["title", "batch", "test", "cost"];
    types.filter(|name| known.contains(name)).map(str::to_owned).collect()
}

/// What the Handle protocol shows to somebody who asks for everything.
fn by_handle(node: &NodeProcess, who: Option<&Who>) -> BTreeSet<String> {
    let mut talk = Talk::connect(node.handle());
    let flags = match who {
        Some(_) => flag::DEFAULT_QUERY & !flag::PUBL,
        None => flag::DEFAULT_QUERY,
    };
    let question = resolution(NAME, flags, SelectionBuf::default());
    let answer = match who {
        Some(who) => talk.ask_as(&question, who),
        None => talk.ask(&question),
    };
    if code(&answer) != 1 {
        return BTreeSet::new();
    }
    let kinds: Vec<String> =
        values(&answer).iter().map(|value| String::from_utf8_lossy(&value.kind).into_owned()).collect();
    fields(kinds.iter().map(String::as_str))
}

/// What HTTP shows.
fn by_http(node: &NodeProcess, who: Option<&str>, purpose: &str) -> BTreeSet<String> {
    let mut headers = vec![("hufu-purpose", purpose)];
    headers.extend(who.map(|who| ("authorization", who)));
    let answer = Web::tls(node.http()).send(Method::GET, PATH, &headers, b"");
    let document = answer.json();
    fields(document["values"].as_array().into_iter().flatten().filter_map(|value| value["type"].as_str()))
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_millis() as u64
}

#[test]
fn every_asker_sees_through_every_door_just_what_a_grant_opens() {
    let alone = with_pump();
    let node = &alone.node;
    for (name, index) in [("88.118.8/guest", 302), ("88.118.8/other", 303)] {
        let secret = Value::new(index, kind::SECKEY, "a-long-secret").with_permissions(0x0C);
        block_on(node.admin_client().create(name, vec![secret], false)).expect("an identity");
    }
    let who = |name: &str| Who::secret(name, "a-long-secret");
    let (guest, other) = ("302:88.118.8/guest", "303:88.118.8/other");
    let past = json!({"starts": 1, "ends": 2});
    let near = json!({"starts": now() - 1000, "ends": now() + 3_600_000});
    // A grant, whether it means the guest and the other, and whether it needs the purpose to be said.
    let cases: [(&str, Json, [bool; 2], bool); 9] = [
        ("identity:302:88.118.8/guest", json!({}), [true, false], false),
        ("identity:88.118.8/GUEST", json!({}), [true, false], false),
        ("identity:301:88.118.8/guest", json!({}), [false, false], false),
        ("prefix:88.118.8", json!({}), [true, true], false),
        ("prefix:88.118.9", json!({}), [false, false], false),
        ("prefix:88.118", near, [true, true], false),
        ("prefix:88.118.8", past, [false, false], false),
        ("prefix:88.118.8", json!({"identifier": "88.118.8/PUMP-2"}), [false, false], false),
        ("prefix:88.118.8", json!({"purpose": "audit", "template": TEMPLATE}), [true, true], true),
    ];
    let (public, all) = (set(&["title"]), set(&["title", "batch", "test", "cost"]));
    let mut given = 0;
    for (grantee, scope, opens, needs_purpose) in cases {
        let mut scope = scope;
        // The private field stays private, though it be named.
        scope["fields"] = json!(["batch", "cost"]);
        let grant = run(node, &["grant", "create"], json!({"grantee": grantee, "scope": scope}));
        let opened = set(&["title", "batch"]);
        for (name, opens) in [guest, other].into_iter().zip(opens) {
            let authorization = basic(name, "a-long-secret");
            for (purpose, named) in [("audit", true), ("sale", false)] {
                let expected = match opens && (named || !needs_purpose) {
                    true => &opened,
                    // Who asks for more than is his is refused as a whole, as ever.
                    false => &BTreeSet::new(),
                };
                assert_eq!(&by_http(node, Some(&authorization), purpose), expected, "{grantee} {name} {purpose}");
                given += u64::from(!expected.is_empty());
            }
            let expected = if opens && !needs_purpose { opened.clone() } else { BTreeSet::new() };
            assert_eq!(by_handle(node, Some(&who(name))), expected, "{grantee} {name}");
            given += u64::from(!expected.is_empty());
        }
        assert_eq!(by_handle(node, None), public);
        assert_eq!(by_http(node, None, "audit"), public);
        let id = grant["id"].as_str().expect("an id");
        run(node, &["grant", "revoke", id, "--reason", "test"], Json::Null);
    }
    assert_eq!(by_handle(node, Some(&who(guest))), BTreeSet::new());
    let administrator = Who::secret(&node.administrator(), node.secret());
    assert_eq!(by_handle(node, Some(&administrator)), all);
    // Other doors know nobody, so they show what is public and not that there is more.
    for path in ["/88.118.8/PUMP-1", "/api/handles/88.118.8/PUMP-1?publicOnly=true"] {
        let text = Web::tls(node.http()).send(Method::GET, path, &[("accept", "application/json")], b"").text();
        assert!(text.contains("水泵") && !text.contains("B7") && !text.contains("cost"), "{path}: {text}");
    }
    let disclosures = run(node, &["grant", "disclosures", "--limit", "200"], Json::Null);
    assert_eq!(disclosures["total"], given, "everything that was given is written down, and nothing else");
    assert_eq!(disclosures["items"][0]["fields"], json!(["batch"]));
}

#[test]
fn an_object_is_resolved_as_soon_as_it_is_changed_suspended_or_deleted() {
    let alone = with_pump();
    let node = &alone.node;
    let public = || -> Vec<(u32, String)> {
        let answer = Talk::connect(node.handle()).ask(&resolution(NAME, flag::DEFAULT_QUERY, SelectionBuf::default()));
        let text = |value: &Value| String::from_utf8_lossy(&value.data).into_owned();
        values(&answer).iter().map(|value| (value.index, text(value))).collect()
    };
    assert_eq!(public(), [(1000, TEMPLATE.into()), (1001, "1".into()), (2000, "水泵".into())]);
    run(node, &["object", "patch", NAME], json!({"values": {"title": "离心泵"}}));
    assert_eq!(public()[2].1, "离心泵");
    run(node, &["object", "state", NAME, "--state", "suspended", "--reason", "召回"], Json::Null);
    assert_eq!(public()[2..], [(1003, "suspended: 召回".to_owned())]);
    run(node, &["object", "state", NAME, "--state", "active", "--reason", ""], Json::Null);
    assert_eq!(public()[2].1, "离心泵");
    let stale = command(node, &["object", "delete", NAME, "--reason", "x", "--if-version", "1"], "").expect(1);
    assert!(stale.err.contains("stale-version"), "{}", stale.err);
    run(node, &["object", "delete", NAME, "--reason", "报废"], Json::Null);
    assert_eq!(public()[2..], [(1003, "deleted: 报废".to_owned())]);
    let history = run(node, &["object", "history", NAME], Json::Null);
    assert_eq!(history["items"].as_array().map(Vec::len), Some(5));
    let was = history["items"][3]["since"].as_i64().expect("a moment").to_string();
    let then = run(node, &["object", "show", NAME, "--at", &was], Json::Null);
    assert_eq!(then["fields"][0]["value"], "离心泵");
    assert_eq!(run(node, &["audit", "verify"], Json::Null)["whole"], true);
}

#[test]
fn a_file_is_imported_from_the_command_line_and_goes_on_after_a_kill() {
    let mut alone = with_pump();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pumps.csv");
    let mut text = String::from("标识,title,batch\n");
    for number in 0..20_000 {
        text.push_str(&format!("88.118.8/F{number},泵{number},B\n"));
    }
    std::fs::write(&path, text).expect("written");
    let file = path.to_string_lossy().into_owned();
    let args = ["job", "import", "--file", &file, "--name", "pumps.csv", "--template", TEMPLATE];
    let job = run(&alone.node, &args, Json::Null);
    let id = job["id"].as_str().expect("an id").to_owned();
    assert_eq!(job["total"], 20_000);
    run(&alone.node, &["job", "wish", &id, "--wish", "apply", "--bad-rows", "skip"], Json::Null);
    let started = Instant::now();
    let mut kills = 0;
    loop {
        let shown = run(&alone.node, &["job", "show", &id], Json::Null);
        let rows = shown["tally"]["rows"].as_u64().expect("a number");
        if shown["state"] == "done" {
            let tally = json!({"rows": 20_000, "created": 20_000, "changed": 0, "unchanged": 0, "refused": 0});
            assert_eq!(shown["tally"], tally, "after {kills} kills");
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "{shown}");
        if rows >= 4_000 * (kills + 1) && kills < 3 {
            alone.node.kill();
            alone.node.start();
            kills += 1;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let listed = run(&alone.node, &["object", "list", "--limit", "1"], Json::Null);
    assert_eq!(listed["total"], 20_001);
    let last = resolution("88.118.8/F19999", flag::DEFAULT_QUERY, SelectionBuf::default());
    assert_eq!(code(&Talk::connect(alone.node.handle()).ask(&last)), 1);
    assert_eq!(run(&alone.node, &["audit", "verify"], Json::Null)["whole"], true);
}
