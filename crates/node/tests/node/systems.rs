//! Identifiers of every system live in the same hierarchy: delegated by the longest path, found through the recursive
//! node, mapped to each other, and handed to foreign networks where ours know nobody.

use crate::hufu;
use hufu_client::{Client, ResolveOptions};
use hufu_ident::SelectionBuf;
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_node::config::{Config, GatewayConfig, GatewayProtocol, Span};
use hufu_testkit::country::{ENTERPRISE, RECURSIVE, ROOT, SECONDARY, TOP};
use hufu_testkit::{Country, Web, block_on};
use std::sync::{Arc, Mutex, Weak};

const PART: &str = "oid:1.2.156.20009.7.1";
const ENGINE: &str = "88.118.8/SN-1";

fn prefixes(name: &str, config: &mut Config) {
    let more: &[&str] = match name {
        TOP => &["oid:1.2.156", "gs1:690"],
        SECONDARY => &["oid:1.2.156.20009"],
        ENTERPRISE => &["oid:1.2.156.20009.7"],
        _ => &[],
    };
    config.prefixes.extend(more.iter().map(|prefix| (*prefix).to_owned()));
}

/// One country for all tests of this file that run at the same time.
fn country() -> Arc<Country> {
    static SHARED: Mutex<Weak<Country>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(country) = shared.upgrade() {
        return country;
    }
    let country = Arc::new(Country::plan(hufu()).adjust(prefixes).start());
    for (prefix, parent, child) in [
        ("oid:1.2.156", ROOT, TOP),
        ("gs1:690", ROOT, TOP),
        ("oid:1.2.156.20009", TOP, SECONDARY),
        ("oid:1.2.156.20009.7", SECONDARY, ENTERPRISE),
    ] {
        country.delegate(prefix, parent, child, true).expect(0);
    }
    for (node, name) in [(ENTERPRISE, PART), (ENTERPRISE, ENGINE), (TOP, "oid:1.2.156.3")] {
        let url = format!("1:URL=https://works.example/{name}");
        country.hufu_as(node, &["create", name, "--value", &url]).expect(0);
    }
    *shared = Arc::downgrade(&country);
    country
}

fn resolve(country: &Country, name: &str) -> Result<String, ResponseCode> {
    let via = country.node(RECURSIVE).handle().to_string();
    let outcome = country.hufu(&["resolve", name, "--via", &via, "--output", "json"]);
    let json = outcome.json();
    match json["found"].as_bool() {
        Some(true) => Ok(json["values"][0]["data"]["value"].as_str().unwrap_or_default().to_owned()),
        _ => Err(ResponseCode(json["code"].as_u64().unwrap_or_default() as u32)),
    }
}

#[test]
fn an_oid_is_found_from_the_root_down_to_its_owner() {
    let country = country();
    assert_eq!(resolve(&country, PART), Ok(format!("https://works.example/{PART}")));
    assert_eq!(resolve(&country, "OID:1.2.156.3"), Ok("https://works.example/oid:1.2.156.3".into()));
    assert_eq!(resolve(&country, "oid:1.2.156.20009.7.2"), Err(ResponseCode::HANDLE_NOT_FOUND));
    assert_eq!(resolve(&country, "oid:1.2.840.113549"), Err(ResponseCode::SERVER_NOT_RESP));
}

#[test]
fn a_node_refers_below_what_it_answers_for() {
    let country = country();
    let client = Client::new(country.secondary().ways()[0].1.clone());
    let ask = |name: &str| block_on(client.resolve(name, &SelectionBuf::default(), ResolveOptions::default())).unwrap();
    let referral = ask(PART);
    assert_eq!(referral.code, ResponseCode::SERVICE_REFERRAL);
    assert!(referral.values.iter().all(|value| value.is_kind("HS_SITE")), "{referral:?}");
}

#[test]
fn what_is_registered_below_a_path_is_listed() {
    let country = country();
    let listed = country.hufu_as(ENTERPRISE, &["list", "oid:1.2.156.20009.7", "--output", "json"]).expect(0);
    assert!(listed.out.contains(PART), "{}", listed.out);
}

#[test]
fn all_codes_of_a_thing_are_told_from_any_of_them() {
    let country = country();
    country.hufu_as(ENTERPRISE, &["map", ENGINE, PART, "--until", "2099-01-01"]).expect(0);
    country.hufu_as(ENTERPRISE, &["map", ENGINE, PART, "--until", "2099-01-01"]).expect(0);
    let via = country.node(RECURSIVE).handle().to_string();
    let told = country.hufu(&["codes", PART, "--via", &via, "--output", "json"]).expect(0).json();
    let codes: Vec<_> =
        told["codes"].as_array().unwrap().iter().map(|code| (&code["identifier"], &code["mutual"])).collect();
    assert_eq!(codes, [(&PART.into(), &true.into()), (&ENGINE.into(), &true.into())]);
    let web = Web::plain(country.node(RECURSIVE).http()).get(&format!("/api/v1/codes?id={ENGINE}"));
    assert_eq!((web.status, web.json()["codes"].as_array().map(Vec::len)), (200, Some(2)));
    assert_eq!(Web::plain(country.node(RECURSIVE).http()).get("/api/v1/codes?id=88.118.8/none").status, 404);
}

#[test]
fn a_circle_of_aliases_is_refused_when_it_would_close() {
    let country = country();
    let create = |name: &str| {
        country.hufu_as(ENTERPRISE, &["create", name, "--value", "1:DESC=x", "--overwrite"]).expect(0);
    };
    ["88.118.8/one", "88.118.8/two", "oid:1.2.156.20009.7.9"].into_iter().for_each(create);
    let map = |one: &str, two: &str| country.hufu_as(ENTERPRISE, &["map", one, two, "--alias", "--one-sided"]);
    map("88.118.8/one", "88.118.8/two").expect(0);
    map("88.118.8/two", "oid:1.2.156.20009.7.9").expect(0);
    let refused = map("oid:1.2.156.20009.7.9", "88.118.8/one").expect(1);
    assert!(refused.err.contains("circle"), "{}", refused.err);
    let itself = map("88.118.8/one", "88.118.8/ONE").expect(1);
    assert!(itself.err.contains("itself"), "{}", itself.err);
    let via = country.node(RECURSIVE).handle().to_string();
    let led = country.hufu(&["resolve", "88.118.8/one", "--via", &via, "--output", "json"]).expect(0).json();
    assert_eq!(led["aliases"], serde_json::json!(["88.118.8/two", "oid:1.2.156.20009.7.9"]));
}

/// The enterprise's HTTP port is somebody else's network to a node that does not know our hierarchy.
#[test]
fn what_nobody_here_knows_is_asked_abroad() {
    let country = country();
    let home = tempfile::tempdir().unwrap();
    let mut alone = hufu_testkit::NodeProcess::lay_out(
        hufu(),
        &home.path().join("recursive"),
        hufu_node::roles::Role::Recursive,
        &[],
    );
    let abroad = country.enterprise().http();
    let gateway = |prefix: &str, url: String| GatewayConfig {
        prefix: prefix.into(),
        protocol: GatewayProtocol::Http,
        url,
        certificates: None,
        timeout: Span::seconds(2),
        ttl: Span::seconds(60),
    };
    alone.config.resolution.gateways = vec![
        gateway("oid:1.2.156.20009", format!("http://{abroad}/oid:{{identifier}}?format=gateway")),
        gateway("oid:1.3", "http://127.0.0.1:9/{identifier}".into()),
    ];
    alone.start();
    let via = alone.handle().to_string();
    let found = country.hufu(&["resolve", PART, "--via", &via, "--trace", "--output", "json"]).expect(0).json();
    assert_eq!(found["values"][0]["data"]["value"], format!("https://works.example/{PART}"));
    assert!(found["trace"].to_string().contains(&abroad.to_string()), "{found}");
    let absent = country.hufu(&["resolve", "oid:1.2.156.20009.7.5", "--via", &via, "--output", "json"]).expect(1);
    assert_eq!(absent.json()["code"], ResponseCode::HANDLE_NOT_FOUND.0);
    let down = country.hufu(&["resolve", "oid:1.3.6", "--via", &via, "--output", "json"]).expect(1).json();
    assert_eq!(down["code"], ResponseCode::ERROR.0, "{down}");
    let metrics = Web::plain(alone.admin()).get("/metrics").text();
    for line in [
        r#"hufu_gateway_requests_total{gateway="OID:1.2.156.20009",outcome="found"} 1"#,
        r#"hufu_gateway_requests_total{gateway="OID:1.3",outcome="failed"} 1"#,
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
}
