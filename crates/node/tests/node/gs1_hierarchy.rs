//! GS1 Digital Links in the hierarchy: a parent's door leads to its child's, and a recursive node's door answers for
//! data that another node keeps, with every word of the request that steers the choice.

use crate::hufu;
use hufu_ident::Value;
use hufu_ident::systems::handle::{AdminRecord, kind, right};
use hufu_node::config::{Config, Span, UpstreamConfig};
use hufu_node::roles::Role;
use hufu_testkit::country::{ENTERPRISE, RECURSIVE, ROOT, TOP};
use hufu_testkit::web::Answer;
use hufu_testkit::{Country, FaultProxy, NodeProcess, Web, block_on};
use hyper::Method;
use serde_json::json;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

const PUMP: &str = "/01/09521321000018";
const PLANT: &str = "/414/9521321000018";
const ASSET: &str = "/8004/952132100001";
const ENDED: &str = "/01/09521321000025";
/// Everything by which a request can be told from another: one link each.
const ROW: [(&str, &str, &str, &str); 6] = [
    ("en", "text/html", "", "https://a.example/en"),
    ("zh-CN", "text/html", "", "https://a.example/zh"),
    ("de", "text/html", "", "https://a.example/de"),
    ("en", "application/pdf", "", "https://a.example/en.pdf"),
    ("en", "text/html", "CN", "https://a.example/cn/en"),
    ("zh-CN", "text/html", "CN", "https://a.example/cn/zh"),
];

fn prefixes(name: &str, config: &mut Config) {
    let more: &[&str] = match name {
        TOP => &["gs1:952"],
        ENTERPRISE => &["gs1:9521321"],
        _ => &[],
    };
    config.prefixes.extend(more.iter().map(|prefix| (*prefix).to_owned()));
    config.resolution.negative_ttl = Span::millis(100);
}

/// One country for all tests of this file that run at the same time.
fn country() -> Arc<Country> {
    static SHARED: Mutex<Weak<Country>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(country) = shared.upgrade() {
        return country;
    }
    let country = Arc::new(Country::plan(hufu()).adjust(prefixes).start());
    country.delegate("gs1:952", ROOT, TOP, true).expect(0);
    country.delegate("gs1:9521321", TOP, ENTERPRISE, true).expect(0);
    fill(country.enterprise());
    *shared = Arc::downgrade(&country);
    country
}

fn link(language: &str, media_type: &str, context: &str, href: &str) -> String {
    let context: Vec<&str> = Some(context).filter(|context| !context.is_empty()).into_iter().collect();
    json!({"href": href, "title": "t", "type": media_type, "hreflang": [language], "context": context}).to_string()
}

fn fill(node: &NodeProcess) {
    let pages = (10..).zip(ROW).map(|(index, (language, media_type, context, href))| {
        Value::new(index, "gs1:pip", link(language, media_type, context, href))
    });
    let pump: Vec<Value> = [Value::new(1, "DESC", "Pump"), Value::new(2, "gs1:defaultLink", "gs1:pip")]
        .into_iter()
        .chain(pages)
        .chain([Value::new(50, "gs1:certificationInfo", "https://a.example/cert")])
        .collect();
    let serial = vec![Value::new(1, "gs1:traceability", "https://a.example/trace/{serial}")];
    let level = Value::new(2, "gs1:level", json!({"order": 1, "qualifiers": [{"21": "{serial}"}]}).to_string());
    let map = |index, href: &str| Value::new(index, "gs1:locationInfo", link("en", "text/html", "", href));
    create(node, PUMP, pump);
    create(node, &format!("{PUMP}/21/{{}}"), [serial, vec![level]].concat());
    create(node, PLANT, vec![map(1, "https://a.example/map/1"), map(2, "https://a.example/map/2")]);
    create(node, &format!("{ASSET}{{}}"), vec![Value::new(1, "gs1:pip", "https://a.example/asset?rest={1}")]);
    let ended = vec![Value::new(1, "gs1:pip", "https://a.example/old"), Value::new(2, "gs1:withdrawn", "2026-01-01")];
    create(node, ENDED, ended);
}

/// A record that its node's administrator may change.
fn create(node: &NodeProcess, path: &str, mut values: Vec<Value>) {
    let admin = AdminRecord::new(right::ALL, hufu_ident::Reference::parse(&node.administrator()).unwrap());
    values.push(Value::new(100, kind::ADMIN, admin.to_bytes()));
    block_on(node.admin_client().create(&format!("gs1:{}", &path[1..]), values, false)).unwrap();
}

fn ask(country: &Country, node: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    Web::plain(country.node(node).http()).send(Method::GET, path, headers, b"")
}

#[track_caller]
fn leads(country: &Country, path: &str, headers: &[(&str, &str)], target: &str) {
    let answer = ask(country, RECURSIVE, path, headers);
    let told = (answer.status, answer.header("location"));
    assert_eq!(told, (307, Some(target)), "{path} {headers:?}: {}", answer.text());
}

/// Status and code of a problem.
fn problem(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_parents_door_leads_to_its_childs() {
    let country = country();
    let path = format!("{PUMP}/21/S%2F1?linkType=gs1:traceability&k=v");
    let target = format!("http://{}{path}", country.enterprise().http());
    // The root knows the top-level node only, the top-level node knows the enterprise.
    let first = ask(&country, ROOT, &path, &[]);
    assert_eq!(first.header("location"), Some(&format!("http://{}{path}", country.top_level().http())[..]));
    let second = ask(&country, TOP, &path, &[]);
    assert_eq!((second.status, second.header("location")), (307, Some(target.as_str())), "{}", second.text());
    let link = format!("<{target}>; rel=\"https://ref.gs1.org/voc/handledBy\"");
    assert_eq!(second.header("link"), Some(link.as_str()));
    assert_eq!(second.header("access-control-allow-origin"), Some("*"));
    let last = ask(&country, ENTERPRISE, &path, &[]);
    let query = "?linkType=gs1:traceability&k=v";
    assert_eq!(last.header("location"), Some(&format!("https://a.example/trace/S%2F1{query}")[..]));
    // A short form is handed over in its long form.
    let short = ask(&country, ENTERPRISE, &format!("{PUMP}?compress=true"), &[]).json()["COMPRESSED_LINK"].clone();
    let handed = ask(&country, TOP, short.as_str().unwrap(), &[]);
    assert_eq!(handed.header("location"), Some(&format!("http://{}{PUMP}", country.enterprise().http())[..]));
}

#[test]
fn a_recursive_nodes_door_answers_for_another_nodes_data() {
    let country = country();
    leads(&country, PUMP, &[], "https://a.example/en");
    leads(&country, &format!("{PUMP}/10/L/21/S%2F1"), &[], "https://a.example/en");
    let serial = format!("{PUMP}/10/L/21/S%2F1?linkType=gs1:traceability");
    leads(&country, &serial, &[], "https://a.example/trace/S%2F1?linkType=gs1:traceability");
    let above = format!("{PUMP}/21/S1?linkType=https://gs1.org/voc/certificationInfo");
    leads(&country, &above, &[], "https://a.example/cert?linkType=https://gs1.org/voc/certificationInfo");
    leads(&country, &format!("{ASSET}-77"), &[], "https://a.example/asset?rest=-77");
    let linkset = ask(&country, RECURSIVE, &format!("{PUMP}/21/S1"), &[("accept", "application/linkset+json")]);
    let root = format!("http://{}{PUMP}", country.recursive().http());
    let json = linkset.json();
    let anchors: Vec<_> = json["linkset"].as_array().unwrap().iter().map(|level| level["anchor"].as_str()).collect();
    assert_eq!(anchors, [Some(format!("{root}/21/S1")).as_deref(), Some(root.as_str())]);
}

#[test]
fn languages_are_weighed_by_their_quality() {
    let country = country();
    for (header, target) in [
        ("de;q=0.4, zh;q=0.8, en;q=0.2", "zh"),
        ("de;q=0.9, zh;q=0.8", "de"),
        ("zh;q=0, de;q=0.001", "de"),
        ("fr, zh-Hans;q=0.1", "zh"),
        ("de-AT", "de"),
        ("fr, it", "en"),
        ("*", "en"),
        ("de;q=nonsense, zh;q=0.1", "zh"),
    ] {
        leads(&country, PUMP, &[("accept-language", header)], &format!("https://a.example/{target}"));
    }
}

#[test]
fn context_and_media_type_narrow_the_choice() {
    let country = country();
    let by = |context: &str, target: &str, headers: &[(&str, &str)]| {
        leads(&country, &format!("{PUMP}?context={context}"), headers, &format!("{target}?context={context}"));
    };
    by("CN", "https://a.example/cn/zh", &[("accept-language", "zh")]);
    by("CN", "https://a.example/cn/en", &[("accept-language", "en")]);
    by("US", "https://a.example/zh", &[("accept-language", "zh")]);
    leads(&country, PUMP, &[("accept", "application/pdf")], "https://a.example/en.pdf");
    let weighed = "text/html;q=0.2, application/pdf;q=0.7";
    leads(&country, PUMP, &[("accept", weighed), ("accept-language", "en")], "https://a.example/en.pdf");
    let page = "text/html, application/pdf;q=0.7, */*;q=0.1";
    leads(&country, PUMP, &[("accept", page), ("accept-language", "en")], "https://a.example/en");
    // By type alone nothing is a fallback: what is not taken is not given.
    let refused = [("accept", "text/html;q=0, application/pdf;q=0")];
    let answer = ask(&country, RECURSIVE, &format!("{PUMP}?linkType=gs1:pip"), &refused);
    assert_eq!(problem(&answer), (406, "not-acceptable".into()));
}

#[test]
fn equal_links_are_all_offered() {
    let country = country();
    let answer = ask(&country, RECURSIVE, &format!("{PLANT}?linkType=gs1:locationInfo"), &[]);
    assert_eq!((answer.status, answer.header("content-type")), (300, Some("application/json")));
    let json = answer.json();
    let targets: Vec<_> = json["linkset"].as_array().unwrap().iter().map(|link| link["href"].as_str()).collect();
    assert_eq!(targets, [Some("https://a.example/map/1"), Some("https://a.example/map/2")]);
    // Without a type there is always one: the first.
    leads(&country, PLANT, &[], "https://a.example/map/1");
}

#[test]
fn what_is_not_there_and_what_has_ended_are_told_apart() {
    let country = country();
    let of = |node: &str, path: &str| problem(&ask(&country, node, path, &[]));
    assert_eq!(of(RECURSIVE, "/01/09521321000032"), (404, "unknown-identifier".into()));
    assert_eq!(of(ENTERPRISE, "/01/09521321000032/10/L"), (404, "unknown-identifier".into()));
    assert_eq!(of(RECURSIVE, &format!("{PUMP}?linkType=gs1:recipeInfo")), (404, "no-such-link".into()));
    // Nobody has this company prefix.
    assert_eq!(of(RECURSIVE, "/01/06901234567892"), (404, "not-responsible".into()));
    assert_eq!(of(ENTERPRISE, "/01/06901234567892"), (404, "not-responsible".into()));
    assert_eq!(of(RECURSIVE, "/01/09521321000019"), (400, "incorrect-check-digit".into()));
    for node in [RECURSIVE, ENTERPRISE] {
        assert_eq!(of(node, ENDED), (410, "withdrawn".into()));
        let list = ask(&country, node, &format!("{ENDED}?linkType=linkset"), &[]);
        assert_eq!(problem(&list).0, 410);
    }
}

/// The store keeps nothing of a deleted record but its entry in the change feed: it is unknown, as before its creation.
/// An owner who wants 410 says so with `gs1:withdrawn`.
#[test]
fn a_deleted_record_is_unknown() {
    let country = country();
    let path = "/01/09521321000049";
    create(country.enterprise(), path, vec![Value::new(1, "gs1:pip", "https://a.example/short-lived")]);
    assert_eq!(ask(&country, ENTERPRISE, path, &[]).status, 307);
    let name = format!("gs1:{}", &path[1..]);
    country.hufu_as(ENTERPRISE, &["delete", &name]).expect(0);
    assert_eq!(problem(&ask(&country, ENTERPRISE, path, &[])), (404, "unknown-identifier".into()));
}

/// A recursive node to which the enterprise is `delay` away.
fn far_from(country: &Country, proxy: &FaultProxy, name: &str) -> NodeProcess {
    let mut node = NodeProcess::lay_out(hufu(), &country.home().join(name), Role::Recursive, &[]);
    node.config.resolution.upstream =
        vec![UpstreamConfig { prefix: "gs1:9521321".into(), servers: vec![proxy.address] }];
    node.start();
    node
}

#[test]
fn a_request_with_many_levels_waits_for_few_round_trips() {
    let country = country();
    let proxy = FaultProxy::before(country.enterprise().handle());
    let node = far_from(&country, &proxy, "far");
    let way = Duration::from_millis(200);
    proxy.delay(way);
    let timed = |path: &str| {
        let started = Instant::now();
        (Web::plain(node.http()).get(path), started.elapsed())
    };
    // 27 levels, of which none exists: one question for the key, two turns for the others.
    let (none, took) = timed("/01/09521321000056/22/V/10/L/21/S");
    assert_eq!(none.status, 404, "{}", none.text());
    assert!(took < way * 2 * 6, "{took:?} for 27 levels");
    // So many beginnings of a serial key.
    let (none, took) = timed("/8004/952132199999999999999999999999");
    assert_eq!(none.status, 404, "{}", none.text());
    assert!(took < way * 2 * 6, "{took:?} for a serial key");
    // The most special level counts, whichever is told first.
    let (serial, took) = timed(&format!("{PUMP}/22/V/10/L/21/S?linkType=gs1:traceability"));
    assert_eq!(serial.header("location"), Some("https://a.example/trace/S?linkType=gs1:traceability"));
    assert!(took < way * 2 * 6, "{took:?} for a serial number");
}
