//! From a decision in the registry to the answer on the wire: allocated, hosted, held, ended, looked up.

use crate::control::command;
use crate::hufu;
use hufu_ident::SelectionBuf;
use hufu_ident::Value;
use hufu_ident::systems::handle::Site;
use hufu_ident::systems::handle::wire::{ResponseCode, flag};
use hufu_node::roles::Role;
use hufu_testkit::{NodeProcess, Web, eventually, talk};
use serde_json::{Value as Json, json};
use std::time::Duration;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(10);

/// A secondary node of 88.118 with an enterprise.
pub struct Secondary {
    pub node: NodeProcess,
    pub organisation: String,
    _home: TempDir,
}

impl Secondary {
    pub fn start(database: Option<&str>) -> Self {
        let home = tempfile::tempdir().expect("a scratch directory");
        let mut node = NodeProcess::lay_out(hufu(), &home.path().join("secondary"), Role::Secondary, &["88.118"]);
        if let Some(url) = database {
            node.config.registry.database = url.to_owned();
        }
        node.start();
        let company = json!({"subject": {"orgName": "示例泵业", "orgCrtType": 1, "orgCrtCode": "P1"}}).to_string();
        let made = command(&node, &["org", "create", "--data", "-"], &company).expect(0).json();
        let organisation = made["id"].as_str().expect("an id").to_owned();
        let rules = json!({"privateAddresses": true, "transferLockDays": 0, "quotaPrefixes": 100_000}).to_string();
        command(&node, &["prefix", "set-rules", "--data", "-"], &rules).expect(0);
        Secondary { node, organisation, _home: home }
    }

    fn run(&self, args: &[&str], input: &Json) -> Json {
        command(&self.node, args, &input.to_string()).expect(0).json()
    }

    /// What the node answers by UDP.
    pub fn ask(&self, name: &str) -> (u32, Vec<Value>, String) {
        let answer = talk::ask_udp(self.node.handle(), &talk::question(name), PATIENCE).expect("an answer");
        let code = talk::code(&answer);
        match code == ResponseCode::SUCCESS.0 {
            true => (code, talk::values(&answer), String::new()),
            false => (code, Vec::new(), talk::text(&answer)),
        }
    }

    fn sites(&self, name: &str) -> Vec<Site> {
        let (_, values, _) = self.ask(name);
        values.iter().filter(|value| value.is_kind("HS_SITE")).filter_map(|v| Site::decode(&v.data).ok()).collect()
    }
}

fn servers(port: u16) -> Json {
    json!([{"address": "127.0.0.1", "udp": port, "tcp": port, "http": 8123}])
}

#[test]
fn a_prefix_is_resolvable_soon_after_the_decision_and_no_longer_after_the_next() {
    let secondary = Secondary::start(None);
    let handle = "0.NA/88.118.8";
    assert_eq!(secondary.ask(handle).0, ResponseCode::HANDLE_NOT_FOUND.0);
    let wish = json!({"organisation": secondary.organisation, "prefix": "88.118.8",
        "delegation": {"servers": servers(2641), "below": true}});
    let made = secondary.run(&["prefix", "allocate", "--data", "-"], &wish);
    assert_eq!((&made["state"], &made["status"]), (&json!("enabled"), &json!(1)));
    eventually("it is delegated", PATIENCE, || !secondary.sites(handle).is_empty());
    let site = secondary.sites(handle).remove(0);
    assert_eq!(site.servers[0].ip().to_string(), "127.0.0.1");
    let (code, _, _) = secondary.ask("88.118.8/part");
    assert_eq!(code, ResponseCode::SERVICE_REFERRAL.0, "whoever asks for its identifiers is sent there");

    secondary.run(&["prefix", "hold", "88.118.8", "--data", "-"], &json!({"reason": "案号 7"}));
    eventually("it is on hold", PATIENCE, || secondary.sites(handle).is_empty());
    let (code, _, text) = secondary.ask("88.118.8/part");
    assert_eq!(code, ResponseCode::SERVER_NOT_RESP.0);
    assert!(text.contains("on hold"), "{text}");
    secondary.run(&["prefix", "release", "88.118.8", "--data", "-"], &json!({}));
    eventually("it is back", PATIENCE, || !secondary.sites(handle).is_empty());

    secondary.run(&["prefix", "endpoints", "88.118.8", "--data", "-"], &json!({"servers": servers(2650)}));
    let port = || secondary.sites(handle)[0].servers[0].interfaces[0].port;
    eventually("it is served elsewhere", PATIENCE, || port() == 2650);
    command(&secondary.node, &["prefix", "delete", "88.118.8"], "").expect(0);
    eventually("it is gone", PATIENCE, || secondary.ask(handle).0 == ResponseCode::HANDLE_NOT_FOUND.0);

    let figures = command(&secondary.node, &["prefix", "activation"], "").expect(0).json();
    assert_eq!(figures["waiting"], 0);
    assert!(figures["count"].as_i64() >= Some(5) && figures["p99"].as_i64() < Some(10_000), "{figures}");
    let metrics = Web::plain(secondary.node.admin()).get("/metrics").text();
    assert!(metrics.contains("hufu_activation_latency_seconds_count 5"), "{metrics}");
    assert!(metrics.contains("hufu_outbox_waiting 0"), "{metrics}");
}

#[test]
fn a_hosted_prefix_is_served_here_and_moves_out_without_a_gap() {
    let secondary = Secondary::start(None);
    let wish = json!({"organisation": secondary.organisation, "under": "88.118", "hosted": true,
        "delegation": {"administrators": ["301:0.NA/88.118"]}});
    let made = secondary.run(&["prefix", "allocate", "--data", "-"], &wish);
    let name = made["name"].as_str().expect("a name").to_owned();
    assert_eq!((name.as_str(), &made["proxyState"]), ("88.118.1", &json!(4)));
    let identifier = format!("{name}/part");
    eventually("it is homed", PATIENCE, || secondary.ask(&identifier).0 == ResponseCode::HANDLE_NOT_FOUND.0);
    let value = [Value::new(1, "URL", "https://works.example/p")];
    let client = secondary.node.admin_client();
    hufu_testkit::block_on(client.create(&identifier, value.to_vec(), false)).expect("registered");
    assert_eq!(secondary.ask(&identifier).0, ResponseCode::SUCCESS.0);

    let moved = secondary.run(&["prefix", "move-out", &name, "--data", "-"], &json!({"servers": servers(2651)}));
    assert_eq!(moved["proxyState"], 1);
    let handle = format!("0.NA/{name}");
    let elsewhere = || secondary.sites(&handle).first().is_some_and(|site| site.servers[0].interfaces[0].port == 2651);
    eventually("the new delegation is out", PATIENCE, elsewhere);
    let sent_on = secondary.ask(&identifier).0;
    assert_eq!(sent_on, ResponseCode::SERVICE_REFERRAL.0, "whoever remembers the old one is sent on");
    let stays = talk::resolution(&identifier, flag::DEFAULT_QUERY | flag::DNRF, SelectionBuf::default());
    let answer = talk::ask_udp(secondary.node.handle(), &stays, PATIENCE).expect("an answer");
    assert_eq!(talk::code(&answer), ResponseCode::SUCCESS.0, "or answered, if it cannot be");
    // Identifiers were kept here: the name never comes again, even within its first days.
    command(&secondary.node, &["prefix", "delete", &name], "").expect(0);
    let ended = command(&secondary.node, &["prefix", "show", &name], "").expect(0).json();
    assert_eq!((&ended["state"], &ended["hadObjects"]), (&json!("redemption"), &json!(true)));
}

#[test]
fn anybody_may_look_up_who_holds_a_prefix_and_no_person_is_named() {
    let secondary = Secondary::start(None);
    let wish = json!({"organisation": secondary.organisation, "prefix": "88.118.8",
        "delegation": {"servers": servers(2641), "below": true}});
    secondary.run(&["prefix", "allocate", "--data", "-"], &wish);
    let web = Web::plain(secondary.node.http());
    let answer = web.get("/rdap/prefix/88.118.8");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/rdap+json")));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let found = answer.json();
    assert_eq!((&found["objectClassName"], &found["system"]), (&json!("prefix"), &json!("vaa")));
    assert_eq!(found["status"], json!(["active"]));
    let card = &found["entities"][0]["vcardArray"][1];
    assert_eq!(card, &json!([["version", {}, "text", "4.0"], ["fn", {}, "text", "示例泵业"]]));
    assert!(found["redacted"].as_array().is_some_and(|all| !all.is_empty()));
    let entity = web.get(&format!("/rdap/entity/{}", secondary.organisation)).json();
    assert_eq!(entity["prefixes"][0]["handle"], "88.118.8");
    assert_eq!(web.get("/rdap/prefixes?name=88.118.*").json()["prefixSearchResults"][0]["handle"], "88.118.8");
    let found = web.get("/rdap/entities?fn=%E6%B3%B5%E4%B8%9A").json();
    assert_eq!(found["entitySearchResults"][0]["handle"], secondary.organisation.as_str());
    assert_eq!(web.get("/rdap/prefix/88.118.9").status, 404);
    assert_eq!(web.get("/rdap/prefix/88.118.x").status, 400);
    assert_eq!(web.get("/rdap/prefixes?name=*").status, 400);
    assert_eq!(web.get("/rdap/help").status, 200);

    let services = web.get("/.well-known/hufu/prefixes.json").json()["services"].clone();
    assert_eq!((&services[0][0], &services[1][0]), (&json!(["88.118"]), &json!(["88.118.8"])));
    assert_eq!(services[1][1], json!(["http://127.0.0.1:8123/rdap/"]));
    let page = web.get("/whois/88.118.8").text();
    assert!(page.contains("持有单位") && page.contains("示例泵业") && page.len() < 30_000, "{page}");
    assert!(web.get("/whois/88.118.8/part?lang=en").text().contains("Holder"));
    assert_eq!(web.get("/whois/%3Cscript%3E").status, 404);
    assert!(!web.get("/whois/%3Cscript%3E").text().contains("<script>"));
}
