//! The control plane by its doors: HTTP, the Unix socket, and the command line that is made of its description.

use crate::{Alone, hufu};
use hufu_testkit::shell::{self, Outcome};
use hufu_testkit::{NodeProcess, Web};
use serde_json::{Value as Json, json};

/// `hufu … --output json` through the node's Unix socket.
pub fn command(node: &NodeProcess, args: &[&str], input: &str) -> Outcome {
    let config = node.path();
    let config = config.to_string_lossy();
    let all: Vec<&str> = args.iter().copied().chain(["--output", "json", "--config", &config]).collect();
    shell::run_with(hufu(), &all, &[], input)
}

fn company(name: &str, code: &str) -> String {
    json!({"subject": {"orgName": name, "orgCrtType": 1, "orgCrtCode": code}}).to_string()
}

#[test]
fn an_organisation_is_entered_from_the_command_line_and_audited() {
    let alone = Alone::start();
    let node = &alone.node;
    let made = command(node, &["org", "create", "--data", "-"], &company("示例泵业", "X1")).expect(0).json();
    let id = made["id"].as_str().expect("an id");
    let listed = command(node, &["org", "list", "--name", "泵业"], "").expect(0).json();
    assert_eq!(listed["items"][0]["id"], id);

    let refused = command(node, &["org", "create", "--data", "-"], &company("另一家", "X1")).expect(1);
    assert!(refused.err.contains("organisation-exists"), "{}", refused.err);
    let refused = command(node, &["org", "create", "--data", "-"], "{\"subject\":{}}").expect(2);
    assert!(refused.err.contains("subject.orgName"), "{}", refused.err);

    let refused = command(node, &["org", "state", id, "--state", "active"], "").expect(2);
    assert!(refused.err.contains("--reason is missing"), "{}", refused.err);
    // A moment may be given as it is shown.
    let since = ["audit", "list", "--since", "2999-01-01T00:00:00Z"];
    assert_eq!(command(node, &since, "").expect(0).json()["total"], 0);

    let state = ["org", "state", id, "--state", "suspended", "--reason", "test"];
    assert_eq!(command(node, &state, "").expect(0).json()["state"], "suspended");
    let stale = ["org", "amend", id, "--if-version", "1", "--data", "-"];
    command(node, &stale, &json!({"orgName": "新名", "orgCrtType": 1, "orgCrtCode": "X1"}).to_string()).expect(1);

    let object = format!("organisation {id}");
    let audit = command(node, &["audit", "list", "--sort", "sequence", "--object", &object], "").expect(0).json();
    let actions: Vec<&str> =
        audit["items"].as_array().expect("entries").iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert_eq!(actions, ["organisation.create", "organisation.suspend"]);
    assert_eq!(command(node, &["audit", "verify"], "").expect(0).json()["whole"], true);
}

#[test]
fn nobody_gets_in_without_proof_and_every_refusal_is_a_problem_document() {
    let alone = Alone::start();
    let web = Web::plain(alone.node.http());
    let problem = |answer: &hufu_testkit::web::Answer| -> Json {
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.text());
        answer.json()
    };
    let answer = web.get("/api/v1/organisations");
    assert_eq!(answer.status, 401);
    assert_eq!(problem(&answer)["code"], "not-signed-in");
    assert!(answer.header("x-request-id").is_some());

    // A credential over plain HTTP is not even looked at.
    let bearer = [("authorization", "Bearer whatever"), ("accept-language", "en")];
    let answer = web.send(method("GET"), "/api/v1/organisations", &bearer, b"");
    assert_eq!((answer.status, problem(&answer)["code"].as_str()), (403, Some("not-secure")));

    let answer = web.send(method("PATCH"), "/api/v1/organisations", &[], b"");
    assert_eq!((answer.status, problem(&answer)["code"].as_str()), (405, Some("method-not-allowed")));

    // The attempt is in the trail, from where it came.
    let audit = command(&alone.node, &["audit", "list", "--outcome", "denied"], "").expect(0).json();
    assert_eq!(audit["items"][0]["actor"], "anonymous");
}

#[test]
fn the_description_and_its_page_are_served() {
    let alone = Alone::start();
    let web = Web::plain(alone.node.http());
    let description = web.get("/api/v1/openapi.json").json();
    assert!(description["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    assert!(description["paths"]["/api/v1/organisations"]["post"]["responses"]["default"].is_object());
    let page = web.get("/api/docs");
    assert!(page.text().contains("openapi.json") && !page.text().contains("http://"));
}

fn method(name: &str) -> hyper::Method {
    name.parse().expect("a method")
}

#[test]
fn the_trail_is_exported_as_lines_and_as_a_table_and_what_is_young_stays() {
    let alone = Alone::start();
    let node = &alone.node;
    let made = json!({"subject": {"orgName": "=公司,\"甲\"", "orgCrtType": 1, "orgCrtCode": "E1"}}).to_string();
    command(node, &["org", "create", "--data", "-"], &made).expect(0);
    let lines = command(node, &["audit", "export", "--format", "jsonl"], "").expect(0).out;
    let entries: Vec<Json> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let actions: Vec<&str> = entries.iter().filter_map(|entry| entry["action"].as_str()).collect();
    // The node's own first start stands before.
    assert_eq!(actions[actions.len() - 2..], ["own-prefix.declare", "organisation.create"]);
    let sequences: Vec<i64> = entries.iter().filter_map(|entry| entry["sequence"].as_i64()).collect();
    assert_eq!(sequences, (1..=sequences.len() as i64).collect::<Vec<_>>());
    assert_eq!(entries[entries.len() - 1]["after"]["name"], "=公司,\"甲\"");

    let table = command(node, &["audit", "export", "--format", "csv"], "").expect(0).out;
    assert!(table.starts_with("\u{feff}sequence,at,actor,"), "{table}");
    // The head, and one entry more: the first export.
    assert_eq!(table.matches("\r\n").count(), entries.len() + 2, "{table}");

    let refused = command(node, &["audit", "prune", "--days", "30"], "");
    assert!(refused.code != 0 && refused.err.contains("audit-retention"), "{}", refused.err);
    assert_eq!(command(node, &["audit", "prune", "--days", "180"], "").expect(0).json()["removed"], 0);

    let overview = command(node, &["statistics", "overview"], "").expect(0).json();
    let kinds = &overview["organisations"]["groups"];
    assert_eq!((kinds[0]["key"].as_str(), kinds[0]["count"].as_i64()), (Some("enterprise"), Some(1)));
    let web = Web::plain(node.http());
    assert_eq!(web.get("/api/v1/industries?parent=A").json().as_array().map(Vec::len), Some(5));
    assert_eq!(web.get("/api/v1/statistics/overview").status, 401);
}
