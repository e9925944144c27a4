//! A node as a GS1-conformant resolver: filled by the management API, asked over HTTPS.

use crate::Alone;
use hufu_node::config::{Gs1Token, LinksetProfile};
use hufu_testkit::Web;
use hufu_testkit::web::Answer;
use hyper::Method;
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

const TOKEN: &str = "a-token-of-this-test-0123456789";
const PUMP: &str = "/01/09521321000018";
const ROOT: &str = "https://id.example.cn";

/// A resolver of all GS1 keys, with a token for its administrator.
struct Resolver {
    alone: Alone,
    web: Web,
}

impl Resolver {
    fn start() -> Self {
        Resolver::start_with(|_| {})
    }

    fn start_with(change: impl FnOnce(&mut hufu_node::config::Config)) -> Self {
        let alone = Alone::lay_out(&["gs1:"]);
        let mut alone = Alone { node: alone.node.with_tls(), ..alone };
        std::fs::write(alone.node.home().join("token"), format!("{TOKEN}\n")).unwrap();
        let identity = alone.node.administrator();
        alone.node.config.gs1.resolver_root = Some(ROOT.into());
        alone.node.config.gs1.token = vec![Gs1Token { file: "token".into(), identity }];
        change(&mut alone.node.config);
        alone.node.start();
        let web = Web::tls(alone.node.http());
        Resolver { alone, web }
    }

    /// One with the entries of [`entries`].
    fn filled() -> Self {
        let resolver = Resolver::start();
        let made = resolver.api(Method::POST, "/new", &entries());
        assert_eq!(made.status, 201, "{}", made.text());
        resolver
    }

    fn api(&self, method: Method, path: &str, body: &Json) -> Answer {
        let bearer = format!("Bearer {TOKEN}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.web.send(method, &format!("/api{path}"), &headers, &body)
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.web.send(Method::GET, path, headers, b"")
    }

    /// Status and target.
    #[track_caller]
    fn leads(&self, path: &str, headers: &[(&str, &str)], target: &str) {
        let answer = self.get(path, headers);
        assert_eq!((answer.status, answer.header("location")), (307, Some(target)), "{path}: {}", answer.text());
    }
}

fn link(kind: &str, href: &str, lang: &str, context: &[&str]) -> Json {
    json!({"linktype": kind, "href": href, "title": "a title", "type": "text/html", "hreflang": [lang], "context": context})
}

/// A key with three levels, and one with a tie.
fn entries() -> Json {
    json!([
        {
            "anchor": PUMP, "itemDescription": "泵 Pump", "defaultLinktype": "gs1:pip",
            "links": [
                link("gs1:pip", "https://a.example/pip?x=1#top", "en", &[]),
                link("gs1:pip", "https://a.example/pip/zh", "zh-CN", &[]),
                link("gs1:certificationInfo", "https://a.example/cert", "en", &["LK"]),
                {"linktype": "gs1:masterData", "href": "https://a.example/master", "title": "m", "type": "application/json", "hreflang": [], "fwqs": false}
            ]
        },
        {
            "anchor": PUMP, "itemDescription": "A lot", "defaultLinktype": "gs1:pip",
            "qualifiers": [{"10": "{lot}"}],
            "links": [link("gs1:pip", "https://a.example/lot/{lot}", "en", &[])]
        },
        {
            "anchor": PUMP, "itemDescription": "Serial 7", "defaultLinktype": "gs1:traceability",
            "qualifiers": [{"21": "7/8"}],
            "links": [link("gs1:traceability", "https://a.example/trace/7", "en", &[])]
        },
        {
            "anchor": "/414/9521321000018", "itemDescription": "Plant", "defaultLinktype": "gs1:locationInfo",
            "links": [
                link("gs1:locationInfo", "https://a.example/map/1", "en", &[]),
                link("gs1:locationInfo", "https://a.example/map/2", "en", &[]),
                link("gs1:locationInfo", "https://a.example/map/2", "en", &[])
            ]
        }
    ])
}

#[test]
fn a_request_is_led_to_the_link_that_it_fits_best() {
    let resolver = Resolver::filled();
    let (zh, en) = ([("accept-language", "zh-Hans;q=0.9, en;q=0.1")], [("accept-language", "en-GB")]);
    resolver.leads(PUMP, &[], "https://a.example/pip?x=1#top");
    resolver.leads(&format!("{PUMP}/"), &[], "https://a.example/pip?x=1#top");
    resolver.leads("/01/9521321000018", &[], "https://a.example/pip?x=1#top");
    resolver.leads(PUMP, &zh, "https://a.example/pip/zh");
    resolver.leads(PUMP, &en, "https://a.example/pip?x=1#top");
    resolver.leads("/some/stem/01/09521321000018?foo=bar&b", &zh, "https://a.example/pip/zh?foo=bar&b");
    resolver.leads(&format!("{PUMP}?foo=bar"), &[], "https://a.example/pip?x=1&foo=bar#top");
    let by_type = format!("{PUMP}?linkType=https://gs1.org/voc/pip");
    resolver.leads(&by_type, &zh, "https://a.example/pip/zh?linkType=https://gs1.org/voc/pip");
    assert_eq!(resolver.get(&by_type, &[]).status, 300);
    resolver.leads(&format!("{PUMP}?LINKTYPE=gs1:masterData"), &[], "https://a.example/master");
    // Walk-up, variables, and a level with a default of its own.
    resolver.leads(&format!("{PUMP}/10/L%2F1"), &[], "https://a.example/lot/L%2F1");
    resolver.leads(&format!("{PUMP}/21/unheard"), &[], "https://a.example/pip?x=1#top");
    resolver.leads(&format!("{PUMP}/10/L1/21/7%2F8"), &[], "https://a.example/trace/7");
    let up = format!("{PUMP}/10/L1/21/7%2F8?linkType=gs1:certificationInfo");
    resolver.leads(&up, &[], "https://a.example/cert?linkType=gs1:certificationInfo");
    let tie = resolver.get("/414/9521321000018?linkType=gs1:locationInfo", &[]);
    assert_eq!((tie.status, tie.json()["linkset"].as_array().map(Vec::len)), (300, Some(2)));
}

#[test]
fn what_is_wrong_is_said_with_its_status() {
    let resolver = Resolver::filled();
    let status = |path: &str| resolver.get(path, &[]).status;
    assert_eq!(status(&format!("{PUMP}/foo")), 400);
    assert_eq!(status("/01/09521321000019"), 400);
    assert_eq!(status("/some/stem/01/09521321000018/foo"), 400);
    assert_eq!(status("/01/09521321000025"), 404);
    assert_eq!(status(&format!("{PUMP}?linkType=gs1:nosuchlt")), 404);
    let none = resolver.get(&format!("{PUMP}?linkType=gs1:masterData"), &[("accept", "application/json;q=0")]);
    assert_eq!(none.status, 406);
    let wrong = resolver.web.send(Method::POST, PUMP, &[], b"");
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    let problem = resolver.get("/01/09521321000019", &[("accept-language", "zh")]);
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    assert_eq!(problem.json()["status"], 400);
    assert_eq!(status(&format!("{PUMP}/21/{}", "a".repeat(9_000))), 414);
    // Other doors are as they were.
    assert_eq!(status("/88.118.8/01/09521321000018"), 400);
    assert_eq!(status("/api/site"), 200);
}

#[test]
fn every_answer_is_open_to_other_origins_and_says_what_it_depends_on() {
    let resolver = Resolver::filled();
    let redirect = resolver.get(PUMP, &[("origin", "https://b.example")]);
    assert_eq!(redirect.header("access-control-allow-origin"), Some("*"));
    assert_eq!(redirect.header("access-control-allow-methods"), Some("GET, HEAD, OPTIONS"));
    assert_eq!(redirect.header("vary"), Some("Accept, Accept-Language"));
    assert_eq!(redirect.header("cache-control"), Some("max-age=86400"));
    let link = format!("<{ROOT}{PUMP}?linkType=linkset>; rel=\"linkset\"; type=\"application/linkset+json\"");
    assert_eq!(redirect.header("link"), Some(link.as_str()));
    let options = resolver.web.send(Method::OPTIONS, PUMP, &[("origin", "https://b.example")], b"");
    assert_eq!((options.status, options.header("allow")), (204, Some("GET, HEAD, OPTIONS")));
    let head = resolver.web.send(Method::HEAD, PUMP, &[], b"");
    assert_eq!((head.status, head.body.len(), head.header("location")), (307, 0, redirect.header("location")));
}

#[test]
fn the_linkset_holds_every_level_in_the_published_schema() {
    let resolver = Resolver::filled();
    let path = format!("{PUMP}/10/L1/21/7%2F8");
    let asked = resolver.get(&path, &[("accept", "application/linkset+json")]);
    assert_eq!((asked.status, asked.header("content-type")), (200, Some("application/linkset+json")));
    assert!(asked.header("link").is_some_and(|link| link.contains("json-ld#context")));
    for alias in ["linkset", "all"] {
        assert_eq!(resolver.get(&format!("{path}?linkType={alias}"), &[]).json(), asked.json());
    }
    let json = asked.json();
    let anchors: Vec<&str> =
        json["linkset"].as_array().unwrap().iter().map(|c| c["anchor"].as_str().unwrap()).collect();
    let wanted = ["/21/7%2F8", "/10/L1", ""].map(|rest| format!("{ROOT}{PUMP}{rest}"));
    assert_eq!(anchors, wanted);
    let default = "https://ref.gs1.org/voc/defaultLink";
    let defaults: Vec<&Json> = json["linkset"].as_array().unwrap().iter().filter_map(|c| c.get(default)).collect();
    assert_eq!(defaults, [&json!([{"href": "https://a.example/trace/7", "title": "a title"}])]);
    check_schema(&json);
    let key = resolver.get(PUMP, &[("accept", "application/linkset+json")]).json();
    assert_eq!(key["linkset"][0]["https://ref.gs1.org/voc/pip"][1]["hreflang"], json!(["zh-CN"]));
    check_schema(&key);
    let page = resolver.get(&format!("{PUMP}?linkType=linkset"), &[("accept", "text/html"), ("accept-language", "zh")]);
    assert_eq!(page.header("content-type"), Some("text/html;charset=utf-8"));
    assert!(page.text().contains("<script type=\"application/linkset+json\">{\"linkset\""), "{}", page.text());
    // A browser that prefers pages is redirected.
    assert_eq!(resolver.get(PUMP, &[("accept", "text/html,application/*;q=0.9,*/*;q=0.8")]).status, 307);
}

/// The published linkset schema, by hand: every rule of it.
#[track_caller]
fn check_schema(json: &Json) {
    let object = json.as_object().expect("an object");
    assert_eq!(object.keys().collect::<Vec<_>>(), ["linkset"]);
    for context in object["linkset"].as_array().expect("a list") {
        let context = context.as_object().expect("an object");
        assert!(context["anchor"].as_str().expect("text").starts_with("https://"));
        assert!(context["itemDescription"].is_string());
        for (name, links) in context.iter().filter(|(name, _)| !["anchor", "itemDescription"].contains(&name.as_str()))
        {
            let uri = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://"));
            let legal = |rest: &str| rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '/');
            assert!(uri.is_some_and(legal) || name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
            let links = links.as_array().expect("a list");
            assert!(!links.is_empty());
            links.iter().for_each(check_link);
        }
    }
}

#[track_caller]
fn check_link(link: &Json) {
    let link = link.as_object().expect("an object");
    assert!(link["href"].as_str().expect("text").starts_with("https://"));
    assert!(link["title"].is_string());
    for (name, value) in link {
        let right = match name.as_str() {
            "href" | "title" => true,
            "type" => value.as_str().is_some_and(|text| text.contains('/')),
            "context" => value.is_array(),
            "fwqs" | "public" => value.is_boolean(),
            "hreflang" => value.as_array().is_some_and(|list| {
                list.iter().all(|tag| {
                    matches!(
                        tag.as_str().map(|tag| tag.split('-').map(str::len).collect::<Vec<_>>()).as_deref(),
                        Some([2] | [2, 2])
                    )
                })
            }),
            _ => false,
        };
        assert!(right, "{name}: {value}");
    }
}

#[test]
fn the_newer_profile_describes_its_anchors() {
    let resolver = Resolver::start_with(|config| config.gs1.linkset_profile = LinksetProfile::V1_2);
    assert_eq!(resolver.api(Method::POST, "/new", &entries()[0]).status, 201);
    let json = resolver.get(PUMP, &[("accept", "application/linkset+json")]).json();
    assert_eq!(json["linkset"][0]["description"], "泵 Pump");
    let described = resolver.get("/.well-known/gs1resolver", &[]);
    assert_eq!(described.header("content-type"), Some("application/json"));
    assert_eq!(
        (&described.json()["resolverRoot"], &described.json()["supportedPrimaryKeys"]),
        (&json!(ROOT), &json!(["all"]))
    );
}

#[test]
fn entries_come_back_as_they_were_posted() {
    let resolver = Resolver::start();
    let posted = entries();
    let first = resolver.api(Method::POST, "/new", &posted[0]);
    assert_eq!((first.status, &first.json()["entry"]), (201, &json!("01_09521321000018")));
    assert_eq!(first.json()["result"]["response_status"], 201);
    for entry in &posted.as_array().unwrap()[1..3] {
        let answer = resolver.api(Method::POST, "/new", entry);
        assert_eq!((answer.status, &answer.json()["qualifiers"]), (200, &entry["qualifiers"]));
    }
    let read = || resolver.api(Method::GET, PUMP, &Json::Null).json();
    let stored = json!({"response_status": 200, "data": posted.as_array().unwrap()[..3]});
    assert_eq!(read(), stored);
    // The same again changes nothing.
    assert_eq!(resolver.api(Method::POST, "/new", &posted).status, 201);
    assert_eq!(read(), stored);
    let index = resolver.api(Method::GET, "/index", &Json::Null);
    assert_eq!(index.json(), json!({"response_status": 200, "data": ["/01/09521321000018", "/414/9521321000018"]}));
    // Merge: one link replaced, one added, a text changed.
    let patch = json!({"itemDescription": "New", "links": [
        link("gs1:pip", "https://a.example/new", "zh-CN", &[]), link("gs1:support", "https://a.example/help", "en", &[])
    ]});
    assert_eq!(resolver.api(Method::PUT, PUMP, &patch).status, 200);
    let merged = read()["data"][0].clone();
    assert_eq!((&merged["itemDescription"], &merged["links"][1]), (&json!("New"), &patch["links"][0]));
    assert_eq!((merged["links"].as_array().map(Vec::len), &merged["links"][4]), (Some(5), &patch["links"][1]));
    // One link goes, then everything.
    let gone = resolver.api(Method::DELETE, PUMP, &json!({"links": [{"linktype": "gs1:support", "hreflang": ["en"]}]}));
    assert_eq!((gone.status, &gone.json()["removed"]), (200, &json!(1)));
    let gone = resolver.api(Method::DELETE, PUMP, &json!({"links": [{"linktype": "gs1:support", "hreflang": ["en"]}]}));
    assert_eq!(gone.status, 404);
    assert_eq!(resolver.api(Method::DELETE, PUMP, &Json::Null).status, 200);
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(resolver.api(method, PUMP, &Json::Null).status, 404);
    }
    assert_eq!(resolver.api(Method::PUT, PUMP, &patch).status, 404);
    assert_eq!(resolver.get(PUMP, &[]).status, 404);
}

#[test]
fn the_older_form_is_taken_too() {
    let resolver = Resolver::start();
    let response = |kind: &str, href: &str, language: &str, default: bool| {
        json!({"linkType": kind, "targetUrl": href, "linkTitle": "t", "mimeType": "text/html",
            "ianaLanguage": language, "defaultLinkType": default, "active": true})
    };
    let old = json!({
        "identificationKeyType": "01", "identificationKey": "09521321000018", "itemDescription": "old",
        "qualifierPath": "/10/X", "responses": [
            response("gs1:pip", "https://a.example/", "en", false),
            response("gs1:pip", "https://a.example/", "zh", false),
            response("gs1:support", "https://a.example/help", "en", true)
        ]
    });
    assert_eq!(resolver.api(Method::POST, "/new", &old).status, 201);
    let entry = resolver.api(Method::GET, PUMP, &Json::Null).json()["data"][0].clone();
    assert_eq!((&entry["defaultLinktype"], &entry["qualifiers"]), (&json!("gs1:support"), &json!([{"10": "X"}])));
    assert_eq!(
        (&entry["links"][0]["hreflang"], entry["links"].as_array().map(Vec::len)),
        (&json!(["en", "zh"]), Some(2))
    );
    resolver.leads(&format!("{PUMP}/10/X"), &[], "https://a.example/help");
    assert_eq!(resolver.get(PUMP, &[]).status, 404);
}

#[test]
fn who_has_no_token_writes_nothing() {
    let resolver = Resolver::start();
    let send = |web: Web, token: Option<&str>, path: &str, media_type: &str, body: &str| {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", media_type)];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        web.send(Method::POST, path, &headers, body.as_bytes())
    };
    let entry = entries()[0].to_string();
    let json = "application/json";
    let none = send(resolver.web, None, "/api/new", json, &entry);
    assert_eq!((none.status, none.json().is_string()), (401, true));
    assert_eq!(send(resolver.web, Some("wrong-token-of-this-test"), "/api/new", json, &entry).status, 403);
    let plain = Web::plain(resolver.alone.node.http());
    assert_eq!(send(plain, Some(TOKEN), "/api/new", json, &entry).status, 403);
    assert_eq!(send(resolver.web, Some(TOKEN), "/api/new", "text/plain", &entry).status, 415);
    for broken in [
        "{",
        "[1]",
        "{}",
        r#"{"anchor":"/01/09521321000019"}"#,
        &entry.replace("gs1:pip\",\"links", "gs1:none\",\"links"),
        &entry.replace("https://a.example/cert", "javascript:alert(1)"),
        &entry.replace("09521321000018", "09521321000019"),
    ] {
        assert_eq!(send(resolver.web, Some(TOKEN), "/api/new", json, broken).status, 400, "{broken}");
    }
    let beat = resolver.get("/api/heartbeat", &[]);
    assert_eq!(beat.json(), json!({"response_message": "Server is running!"}));
    assert!(!resolver.alone.node.log().contains(TOKEN));
}

/// Sample entries of the neighbouring resolver, if they are at hand.
fn neighbours() -> Option<PathBuf> {
    let shared = std::env::var_os("HUFU_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let folder = shared.join("vectors/gs1/resolver");
    if !folder.is_dir() {
        println!("skipped: shared vectors absent");
        return None;
    }
    Some(folder)
}

#[test]
fn the_neighbours_entries_load_and_resolve() {
    let Some(folder) = neighbours() else { return };
    let resolver = Resolver::start();
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ce_test_")));
    names.sort();
    assert_eq!(names.len(), 4);
    for path in &names {
        let json: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let made = resolver.api(Method::POST, "/new", &json);
        assert!([200, 201].contains(&made.status), "{}: {}", path.display(), made.text());
        let entries = if json.is_array() { json.clone() } else { json!([json]) };
        let anchor = entries[0]["anchor"].as_str().unwrap();
        assert_eq!(resolver.api(Method::GET, anchor, &Json::Null).json()["data"], entries, "{anchor}");
        if let Some((ai, value)) = anchor[1..].split_once('/').filter(|(ai, _)| *ai == "01") {
            let linkset = resolver.get(&format!("/{ai}/{value}"), &[("accept", "application/linkset+json")]);
            check_schema(&linkset.json());
        }
    }
    let start = "https://dalgiardino.com/medicinal-compound/assets";
    resolver.leads("/8004/0950600013430000001", &[], &format!("{start}/8004/0950600013430000001.html"));
    resolver.leads("/8004/095060001343999", &[], &format!("{start}?giai=095060001343999"));
}

#[test]
fn a_prefix_may_be_in_other_hands() {
    let resolver = Resolver::start();
    let client = resolver.alone.node.admin_client();
    let handled = hufu_ident::Value::new(1, "gs1:handledBy", "https://other.example/r/");
    hufu_testkit::block_on(client.create("0.NA/gs1:9521321", vec![handled], false)).unwrap();
    let answer = resolver.get(&format!("{PUMP}/10/A?k=v"), &[]);
    let target = format!("https://other.example/r{PUMP}/10/A?k=v");
    assert_eq!((answer.status, answer.header("location")), (307, Some(target.as_str())), "{}", answer.text());
    let link = format!("<{target}>; rel=\"https://ref.gs1.org/voc/handledBy\"");
    assert_eq!(answer.header("link"), Some(link.as_str()));
}

/// `hufu conformance gs1` at a Digital Link of this resolver.
fn conformance(resolver: &Resolver, path: &str) -> (i32, Vec<Json>) {
    let url = format!("https://localhost:{}{path}", resolver.alone.node.http().port());
    let args = ["conformance", "gs1", &url, "--insecure", "--output", "json"];
    let outcome = hufu_testkit::shell::run(crate::hufu(), &args);
    let report = outcome.json();
    (outcome.code, report["checks"].as_array().cloned().unwrap_or_default())
}

#[test]
fn ours_passes_every_check_of_a_conformant_resolver() {
    let resolver = Resolver::filled();
    let (code, checks) = conformance(&resolver, PUMP);
    let bad: Vec<&Json> = checks.iter().filter(|check| check["verdict"] != "pass").collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!((code, checks.len()), (0, 26));
}

#[test]
fn a_server_that_is_no_resolver_fails_the_checks() {
    let resolver = Resolver::start_with(|config| config.gs1.enabled = false);
    let (code, checks) = conformance(&resolver, PUMP);
    let failed = |id: &str| checks.iter().any(|check| check["check"] == id && check["verdict"] == "fail");
    assert_eq!(code, 1);
    for id in ["rdFile", "validLinkset", "qsPassedOn", "defaultLinkExists", "methodsCheck"] {
        assert!(failed(id), "{id}: {checks:#?}");
    }
}

#[test]
fn a_compressed_uri_leads_where_the_long_one_does() {
    let resolver = Resolver::filled();
    let short = resolver.get(&format!("{PUMP}?compress=true"), &[]).json()["COMPRESSED_LINK"].clone();
    let short = short.as_str().expect("a short form").to_owned();
    let (long, answer) = (resolver.get(PUMP, &[]), resolver.get(&short, &[]));
    assert_eq!((answer.status, answer.header("location")), (long.status, long.header("location")), "{short}");
    let names_the_long_form = |(name, value): &(String, String)| name == "link" && value.contains("owl:sameAs");
    assert!(answer.headers.iter().any(names_the_long_form), "{answer:?}");
    assert_eq!(resolver.get(&format!("{PUMP}?17=269999"), &[]).status, 400);
}
