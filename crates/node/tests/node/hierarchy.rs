//! An identifier registered at its enterprise is resolved from anywhere, by every way in, and nothing private leaves.

use crate::{admin, hufu, url};
use hufu_client::{Client, ErrorKind, ResolveOptions, locate};
use hufu_ident::systems::handle::wire::{ResponseCode, flag};
use hufu_ident::{SelectionBuf, Value};
use hufu_testkit::country::{ENTERPRISE, SECONDARY, TOP};
use hufu_testkit::talk::{self, Talk};
use hufu_testkit::web::basic;
use hufu_testkit::{Country, NodeProcess, Web, block_on};
use std::sync::{Arc, Mutex, Weak};

const ENGINE: &str = "88.118.8/JXDY2106023";
const SECRET_DATA: &str = "torque-table-of-the-works";

/// One country for all tests of this file that run at the same time.
fn country() -> Arc<Country> {
    static SHARED: Mutex<Weak<Country>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(country) = shared.upgrade() {
        return country;
    }
    let adjust = |name: &str, config: &mut hufu_node::config::Config| {
        config.http.plain_credentials_on_loopback = name == ENTERPRISE;
    };
    let country = Arc::new(Country::plan(hufu()).adjust(adjust).start());
    register(&country);
    *shared = Arc::downgrade(&country);
    country
}

/// By the command line and by the SDK.
fn register(country: &Country) {
    let created = country.hufu_as(
        ENTERPRISE,
        &[
            "create",
            ENGINE,
            "--value",
            "1:URL=https://works.example/e",
            "--value",
            "2:DESC=柴油发动机",
            "--output",
            "json",
        ],
    );
    assert_eq!(created.expect(0).json()["done"], "created");
    let hidden = Value::new(7, "TORQUE", SECRET_DATA).with_permissions(0x0C);
    let values = vec![
        url(1, "https://works.example/p"),
        Value::new(2, "URL.us", "https://us.example/p"),
        hidden,
        admin(100, "301:0.NA/88.118.8"),
    ];
    let client = country.enterprise().admin_client();
    block_on(client.create("88.118.8/part", values, false)).unwrap();
}

fn ask(client: &Client, name: &str) -> Result<hufu_client::Resolved, hufu_client::Error> {
    block_on(client.resolve(name, &SelectionBuf::default(), ResolveOptions::default()))
}

fn kinds(values: &[Value]) -> Vec<String> {
    values.iter().map(|value| String::from_utf8_lossy(&value.kind).into_owned()).collect()
}

#[test]
fn every_way_into_the_recursive_node_gives_the_same_values() {
    let country = country();
    for (way, endpoint) in country.recursive().ways() {
        let found = ask(&Client::new(endpoint), ENGINE).unwrap_or_else(|error| panic!("{way}: {error}"));
        assert_eq!(found.code, ResponseCode::SUCCESS, "{way}");
        assert_eq!(kinds(&found.values), ["URL", "DESC", "HS_ADMIN"], "{way}");
        assert_eq!(found.values[1].data, "柴油发动机".as_bytes(), "{way}");
        assert!(!found.stale && !found.authoritative, "{way}: {found:?}");
    }
    let node = country.recursive();
    for place in [node.http(), node.http_v6()] {
        let json = Web::plain(place).get(&format!("/api/handles/{ENGINE}")).json();
        assert_eq!((&json["responseCode"], &json["handle"]), (&1.into(), &ENGINE.into()));
        assert_eq!(json["values"][0]["data"]["value"], "https://works.example/e");
        let gateway = Web::plain(place).get(&format!("/{ENGINE}")).json();
        assert_eq!(gateway["responseCode"], 1);
        assert_eq!(gateway["value"][1]["data"], "柴油发动机", "{gateway}");
        let native = Web::plain(place).get(&format!("/{ENGINE}?format=native")).json();
        assert_eq!((&native["found"], &native["system"]), (&true.into(), &"vaa".into()));
        let page = Web::plain(place).get(&format!("/{ENGINE}?format=html&noredirect"));
        assert_eq!(page.status, 200);
        assert!(page.text().contains("柴油发动机"));
    }
}

#[test]
fn a_browser_is_sent_to_the_url() {
    let country = country();
    for node in [country.recursive(), country.enterprise()] {
        let answer =
            Web::plain(node.http()).send(hyper::Method::GET, &format!("/{ENGINE}"), &[("accept", "text/html")], b"");
        assert_eq!((answer.status, answer.header("location")), (302, Some("https://works.example/e")));
    }
}

#[test]
fn each_node_answers_or_refers_as_its_place_demands() {
    let country = country();
    let refers = |node: &NodeProcess, name: &str| {
        let found = ask(&node.client(), name).unwrap();
        (found.code, found.values.iter().map(|value| value.data.clone()).collect::<Vec<_>>())
    };
    let site = |node: &NodeProcess| block_on(node.client().site_info()).unwrap().to_bytes();
    let enterprise = site(country.enterprise());
    assert_eq!(refers(country.secondary(), ENGINE), (ResponseCode::SERVICE_REFERRAL, vec![enterprise]));
    let secondary = site(country.secondary());
    assert_eq!(refers(country.top_level(), ENGINE), (ResponseCode::SERVICE_REFERRAL, vec![secondary.clone()]));
    assert_eq!(refers(country.top_level(), "0.NA/88.118.8"), (ResponseCode::PREFIX_REFERRAL, vec![secondary]));
    let top = site(country.top_level());
    assert_eq!(refers(country.root(), "0.NA/88.118"), (ResponseCode::PREFIX_REFERRAL, vec![top]));
    let found = ask(&country.enterprise().client(), ENGINE).unwrap();
    assert!(found.authoritative);
    let place = block_on(locate(country.recursive().ways()[1].1.clone(), "88.118.8")).unwrap();
    assert_eq!(place.address, country.enterprise().handle());
}

#[test]
fn what_is_not_there_is_refused_with_the_right_code() {
    let country = country();
    let web = Web::plain(country.recursive().http());
    let absent =
        [("88.118.8/nobody", 100, 404), ("88.118.9/x", 301, 400), ("88.999/x", 301, 400), ("77.1/x", 301, 400)];
    for (name, code, status) in absent {
        for (way, endpoint) in country.recursive().ways() {
            let error = ask(&Client::new(endpoint), name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused(ResponseCode(code)), "{name} by {way}: {error}");
        }
        let answer = web.get(&format!("/api/handles/{name}"));
        assert_eq!(answer.status, status, "{name}");
        assert_eq!((&answer.json()["responseCode"], &answer.json()["handle"]), (&code.into(), &name.into()));
        let page = web.send(hyper::Method::GET, &format!("/{name}"), &[("accept", "text/html")], b"");
        assert_eq!(page.status, status, "{name}");
        assert_eq!(page.header("content-type"), Some("text/html;charset=utf-8"));
    }
    for (node, code) in [(country.enterprise(), 301), (country.secondary(), 301)] {
        let error = ask(&node.client(), "86.1/x").unwrap_err();
        assert_eq!(error.code(), Some(ResponseCode(code)), "{error}");
    }
}

#[test]
fn a_malformed_identifier_is_named_with_its_place() {
    let country = country();
    let answer = Web::plain(country.recursive().http()).get("/88.118.8/a%4");
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["responseCode"], 102);
    let refused =
        country.hufu(&["resolve", "88.118..8/x", "--via", &country.recursive().handle().to_string()]).expect(2);
    assert!(refused.err.contains("88.118..8/x") && refused.err.contains('^'), "{}", refused.err);
}

#[test]
fn do_not_refer_is_honoured() {
    let country = country();
    let options = ResolveOptions { do_not_refer: true, ..ResolveOptions::default() };
    let asked = block_on(country.secondary().client().resolve(ENGINE, &SelectionBuf::default(), options));
    assert_eq!(asked.unwrap_err().code(), Some(ResponseCode::SERVER_NOT_RESP));
    let mut talk = Talk::connect(country.secondary().handle());
    let question = talk::resolution(ENGINE, flag::DEFAULT_QUERY | flag::DNRF, SelectionBuf::default());
    let answer = talk.ask(&question);
    assert_eq!(talk::code(&answer), 301);
    assert!(answer.plain().unwrap().header.has(flag::DNRF), "the flag is repeated");
}

#[test]
fn types_and_indexes_select() {
    let country = country();
    let select = |indexes: &[u32], types: &[&str]| {
        let selection = SelectionBuf { indexes: indexes.to_vec(), ..SelectionBuf::of_types(types) };
        country.recursive().ways().into_iter().map(move |(way, endpoint)| {
            let asked = Client::new(endpoint);
            (way, block_on(asked.resolve("88.118.8/part", &selection, ResolveOptions::default())))
        })
    };
    let cases: [(&[u32], &[&str], &[&str]); 5] = [
        (&[], &["URL"], &["URL"]),
        (&[], &["url."], &["URL", "URL.us"]),
        (&[2], &[], &["URL.us"]),
        (&[2], &["HS_ADMIN"], &["URL.us", "HS_ADMIN"]),
        (&[], &[], &["URL", "URL.us", "HS_ADMIN"]),
    ];
    for (indexes, types, expected) in cases {
        for (way, found) in select(indexes, types) {
            assert_eq!(kinds(&found.unwrap().values), expected, "{indexes:?} {types:?} by {way}");
        }
    }
    for (way, found) in select(&[99], &[]) {
        assert_eq!(found.unwrap_err().code(), Some(ResponseCode::VALUES_NOT_FOUND), "{way}");
    }
    let web = Web::plain(country.recursive().http());
    let json = web.get("/api/handles/88.118.8/part?type=URL.&index=100").json();
    assert_eq!(json["values"].as_array().map(Vec::len), Some(3), "{json}");
    let none = web.get("/api/handles/88.118.8/part?index=99");
    assert_eq!((none.status, &none.json()["responseCode"]), (200, &200.into()));
}

#[test]
fn private_values_never_leave_unless_to_whoever_may_read_them() {
    let country = country();
    let private = ResolveOptions { public_only: false, ..ResolveOptions::default() };
    for node in [country.recursive(), country.enterprise(), country.secondary()] {
        for (way, endpoint) in node.ways() {
            let client = Client::new(endpoint);
            for options in [
                ResolveOptions::default(),
                private,
                ResolveOptions { authoritative: true, ..ResolveOptions::default() },
            ] {
                let answer = block_on(client.resolve("88.118.8/part", &SelectionBuf::default(), options));
                assert!(!format!("{answer:?}").contains("TORQUE"), "{way}: {answer:?}");
                let only = SelectionBuf { indexes: vec![7], ..SelectionBuf::default() };
                let answer = block_on(client.resolve("88.118.8/part", &only, options));
                let values = answer.map(|found| kinds(&found.values)).unwrap_or_default();
                assert!(!values.iter().any(|kind| kind == "TORQUE"), "{way}: {values:?}");
            }
        }
        let web = Web::plain(node.http());
        for path in [
            "/api/handles/88.118.8/part",
            "/api/handles/88.118.8/part?publicOnly=false",
            "/api/handles/88.118.8/part?index=7",
            "/88.118.8/part?noredirect",
            "/88.118.8/part?format=gateway",
            "/88.118.8/part?format=handle",
            "/88.118.8/part?format=native",
            "/88.118.8/part?format=html&index=7&noredirect",
        ] {
            let answer = web.get(path);
            assert!(!answer.text().contains(SECRET_DATA), "{path}: {}", answer.text());
        }
    }
    let values = |found: hufu_client::Resolved| found.values.into_iter().find(|value| value.index == 7);
    let reader = country.enterprise().admin_client();
    let read = block_on(reader.resolve("88.118.8/part", &SelectionBuf::default(), private)).unwrap();
    assert_eq!(values(read).unwrap().data, SECRET_DATA.as_bytes());
    let mut authorised = [("authorization", String::new())];
    authorised[0].1 = basic("301:0.NA/88.118.8", country.enterprise().secret());
    let headers = authorised.each_ref().map(|(name, value)| (*name, value.as_str()));
    let web = Web::plain(country.enterprise().http());
    let json = web.send(hyper::Method::GET, "/api/handles/88.118.8/part?index=7", &headers, b"").json();
    assert_eq!(json["values"][0]["data"]["value"], SECRET_DATA, "{json}");
}

#[test]
fn an_identity_without_the_right_to_read_is_told_so() {
    let country = country();
    let secret = Value::new(302, "HS_SECKEY", "of-a-visitor").with_permissions(0x0C);
    let enterprise = country.enterprise();
    block_on(enterprise.admin_client().create("88.118.8/visitor", vec![secret], true)).unwrap();
    let private = ResolveOptions { public_only: false, ..ResolveOptions::default() };
    let read = |secret: &[u8]| {
        let identity = hufu_client::Identity::read("302:88.118.8/visitor", secret).unwrap();
        let client = enterprise.client().with_identity(identity);
        block_on(client.resolve("88.118.8/part", &SelectionBuf::default(), private)).unwrap_err().code()
    };
    assert_eq!(read(b"of-a-visitor"), Some(ResponseCode::INVALID_ADMIN));
    assert_eq!(read(b"wrong"), Some(ResponseCode::INVALID_ADMIN));
}

#[test]
fn an_administrator_of_one_node_is_known_at_another() {
    let country = country();
    // The secret is kept at the enterprise; the secondary node asks there whether the proof is right (op 201).
    let secret = Value::new(302, "HS_SECKEY", "of-a-clerk").with_permissions(0x0C);
    block_on(country.enterprise().admin_client().create("88.118.8/clerk", vec![secret], true)).unwrap();
    let who = "302:88.118.8/clerk";
    let secondary = country.secondary();
    block_on(secondary.admin_client().create("0.NA/88.118.77", vec![admin(100, who)], true)).unwrap();
    let values = vec![admin(100, who), url(1, "https://a.example")];
    block_on(secondary.admin_client().create("88.118.77/guest", values, true)).unwrap();
    let as_guest = |secret: &str| {
        let identity = hufu_client::Identity::read(who, secret.as_bytes()).unwrap();
        block_on(
            secondary.client().with_identity(identity).modify("88.118.77/guest", vec![url(1, "https://b.example")]),
        )
    };
    as_guest("of-a-clerk").unwrap();
    assert_eq!(as_guest("wrong").unwrap_err().code(), Some(ResponseCode::AUTHENTICATION_FAILED));
}

#[test]
fn a_hosted_enterprise_resolves_from_anywhere() {
    let country = country();
    let created =
        country.hufu_as(SECONDARY, &["create", "0.NA/88.118.55", "--value", "DESC=hosted", "--output", "json"]);
    created.expect(0);
    country.hufu_as(SECONDARY, &["create", "88.118.55/x", "--value", "URL=https://hosted.example/"]).expect(0);
    for (way, endpoint) in country.recursive().ways() {
        let found = ask(&Client::new(endpoint), "88.118.55/x").unwrap_or_else(|error| panic!("{way}: {error}"));
        assert_eq!(found.values[0].data, b"https://hosted.example/", "{way}");
    }
    let site = block_on(country.secondary().client().site_info()).unwrap().to_bytes();
    let handle = ask(&country.recursive().client(), "0.NA/88.118.55").unwrap();
    assert!(handle.values.iter().any(|value| value.is_kind("HS_SITE") && value.data == site), "{handle:?}");
    country.hufu_as(SECONDARY, &["delete", "88.118.55/x"]).expect(0);
    country.hufu_as(SECONDARY, &["delete", "0.NA/88.118.55"]).expect(0);
    let gone = ask(&country.secondary().client(), "88.118.55/x").unwrap_err();
    assert_eq!(gone.code(), Some(ResponseCode::SERVER_NOT_RESP));
}

#[test]
fn a_refused_delegation_leaves_nothing_behind() {
    let country = country();
    let again = country.delegate("88.118.8", SECONDARY, ENTERPRISE, false).expect(1);
    assert!(again.err.contains("101"), "{}", again.err);
    // The child refuses, so the parent takes back what it published.
    let (parent, child) = (country.top_level(), country.enterprise());
    let wrong = country.home().join("wrong-secret");
    std::fs::write(&wrong, "not-the-secret\n").unwrap();
    let refused = country.hufu(&[
        "delegate",
        "88.404",
        "--parent",
        &parent.handle().to_string(),
        "--child",
        &child.handle().to_string(),
        "--parent-identity",
        &parent.administrator(),
        "--parent-secret-file",
        &parent.secret_file().to_string_lossy(),
        "--child-identity",
        &child.administrator(),
        "--child-secret-file",
        &wrong.to_string_lossy(),
    ]);
    refused.expect(1);
    let gone = ask(&country.node(TOP).client(), "0.NA/88.404").unwrap_err();
    assert_eq!(gone.code(), Some(ResponseCode::HANDLE_NOT_FOUND));
}
