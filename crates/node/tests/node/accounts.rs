//! Accounts by the doors of a node: the first logins, sessions with cookies, keys, and the command line.

use crate::Alone;
use crate::control::command;
use axum::http::Method;
use hufu_testkit::Web;
use hufu_testkit::web::Answer;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;

const PASSWORD: &str = "kV7#mQz2!tRb9w";
const JSON: (&str, &str) = ("content-type", "application/json");

/// A node with HTTPS, and the passwords of its first logins.
fn start() -> (Alone, HashMap<String, String>) {
    let alone = Alone::lay_out(&["88.118.8"]);
    let mut alone = Alone { node: alone.node.with_tls(), ..alone };
    alone.node.start();
    let path = alone.node.home().join("data/first-logins");
    let mode = std::fs::metadata(&path).expect("first logins").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).expect("first logins");
    let logins = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut columns = line.split('\t').map(str::to_owned);
        (columns.next().expect("a login"), columns.next().expect("a password"))
    });
    let logins: HashMap<String, String> = logins.collect();
    assert_eq!(logins.len(), 4);
    (alone, logins)
}

fn post(web: &Web, path: &str, headers: &[(&str, &str)], body: &Json) -> Answer {
    let all: Vec<_> = headers.iter().copied().chain([JSON]).collect();
    web.send(Method::POST, path, &all, body.to_string().as_bytes())
}

fn sign_in(web: &Web, login: &str, password: &str) -> Answer {
    post(web, "/api/v1/sessions", &[], &json!({"login": login, "password": password}))
}

/// Signs in for the first time and changes the password; the `Authorization` header.
fn settled(web: &Web, login: &str, password: &str) -> String {
    let signed = sign_in(web, login, password);
    assert_eq!(signed.status, 201, "{}", signed.text());
    let signed = signed.json();
    assert_eq!(signed["pending"], "password");
    let bearer = format!("Bearer {}", signed["token"].as_str().expect("a token"));
    let change = json!({"current": password, "new": PASSWORD}).to_string();
    let headers = [("authorization", bearer.as_str()), JSON];
    let changed = web.send(Method::PUT, "/api/v1/sessions/current/password", &headers, change.as_bytes());
    assert_eq!(changed.status, 200, "{}", changed.text());
    bearer
}

#[test]
fn the_first_logins_sign_in_and_nothing_else_is_allowed_before_a_new_password() {
    let (alone, logins) = start();
    let web = Web::tls(alone.node.http());
    let signed = sign_in(&web, "security", &logins["security"]).json();
    let bearer = format!("Bearer {}", signed["token"].as_str().expect("a token"));
    let roles = |bearer: &str| web.send(Method::GET, "/api/v1/roles", &[("authorization", bearer)], b"");
    let refused = roles(&bearer);
    assert_eq!((refused.status, refused.json()["code"].as_str()), (403, Some("password-change-needed")));
    let bearer = settled(&web, "security", &logins["security"]);
    assert_eq!(roles(&bearer).json()["total"], 9);
    let current = web.send(Method::GET, "/api/v1/sessions/current", &[("authorization", &bearer)], b"").json();
    assert_eq!(current["account"]["login"], "security");
    assert!(current["permissions"].as_array().expect("permissions").contains(&json!("role.write")));

    let wrong = sign_in(&web, "security", &logins["security"]);
    assert_eq!((wrong.status, wrong.json()["code"].as_str()), (401, Some("sign-in-failed")));
    let log = alone.node.log();
    for secret in logins.values().map(String::as_str).chain([PASSWORD, &bearer["Bearer ".len()..]]) {
        assert!(!log.contains(secret), "a secret is in the log");
    }
}

#[test]
fn a_cookie_counts_only_for_pages_of_this_site() {
    let (alone, logins) = start();
    let web = Web::tls(alone.node.http());
    settled(&web, "system", &logins["system"]);
    let signed = sign_in(&web, "system", PASSWORD);
    let cookie = signed.header("set-cookie").expect("a cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let cookie = cookie.split(';').next().expect("the pair").to_owned();
    let list = web.send(Method::GET, "/api/v1/accounts", &[("cookie", &cookie)], b"");
    assert_eq!((list.status, list.json()["total"].as_i64()), (200, Some(4)));

    let new = |login: &str| json!({"kind": "person", "login": login, "name": "新人"});
    let host = alone.node.http().to_string();
    let own = format!("https://{host}");
    for (header, value, status) in [
        ("x-nothing", "", 403),
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("origin", own.as_str(), 201),
    ] {
        let answer = post(&web, "/api/v1/accounts", &[("cookie", &cookie), (header, value)], &new("zhao"));
        assert_eq!(answer.status, status, "{header}: {value}: {}", answer.text());
    }
    let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(post(&web, "/api/v1/accounts", &headers, &new("qian")).status, 201);

    // Another site cannot sign its visitor in, and no password goes over plain HTTP.
    let request = json!({"login": "system", "password": PASSWORD});
    let answer = post(&web, "/api/v1/sessions", &[("sec-fetch-site", "cross-site")], &request);
    assert_eq!((answer.status, answer.json()["code"].as_str()), (403, Some("other-origin")));
    let answer = post(&Web::plain(alone.node.http()), "/api/v1/sessions", &[], &request);
    assert_eq!((answer.status, answer.json()["code"].as_str()), (403, Some("not-secure")));

    let out = web.send(Method::DELETE, "/api/v1/sessions/current", &headers, b"");
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").expect("a cookie").contains("Max-Age=0"));
    let ended = web.send(Method::GET, "/api/v1/accounts", &[("cookie", &cookie)], b"");
    assert_eq!((ended.status, ended.json()["code"].as_str()), (401, Some("session-expired")));
    // The cookie of a session that has ended keeps nobody from signing in.
    assert_eq!(post(&web, "/api/v1/sessions", &[("cookie", &cookie)], &request).status, 201);
}

#[test]
fn accounts_and_keys_are_made_from_the_command_line_and_used_over_https() {
    let (alone, _) = start();
    let (node, web) = (&alone.node, Web::tls(alone.node.http()));
    let invited = ["user", "create", "--kind", "person", "--login", "Li.Wei", "--name", "李卫", "--roles", "reviewer"];
    let invited = command(node, &invited, "").expect(0).json();
    assert_eq!(
        (invited["account"]["login"].as_str(), invited["account"]["state"].as_str()),
        (Some("li.wei"), Some("invited"))
    );
    let accept = json!({"token": invited["invitation"], "password": PASSWORD});
    assert_eq!(post(&web, "/api/v1/invitations/accept", &[], &accept).status, 200);
    assert_eq!(post(&web, "/api/v1/invitations/accept", &[], &accept).json()["code"], "token-unknown");
    assert_eq!(sign_in(&web, "li.wei", PASSWORD).status, 201);

    let machine = ["user", "create", "--kind", "machine", "--login", "erp", "--name", "ERP", "--roles", "read-only"];
    let machine = command(node, &machine, "").expect(0).json();
    let id = machine["account"]["id"].as_str().expect("an id");
    let expires = (jiff::Timestamp::now().as_millisecond() + 86_400_000).to_string();
    let issue = [
        "key",
        "create",
        "--account",
        id,
        "--note",
        "test",
        "--permissions",
        "organisation.read",
        "--expires",
        &expires,
    ];
    let issued = command(node, &issue, "").expect(0).json();
    let bearer = format!("Bearer {}", issued["secret"].as_str().expect("a secret"));
    let organisations = || web.send(Method::GET, "/api/v1/organisations", &[("authorization", &bearer)], b"");
    assert_eq!(organisations().json()["total"], 1);
    let accounts = web.send(Method::GET, "/api/v1/accounts", &[("authorization", &bearer)], b"");
    assert_eq!((accounts.status, accounts.json()["code"].as_str()), (403, Some("not-permitted")));
    let key = issued["key"]["id"].as_str().expect("an id");
    command(node, &["key", "revoke", key], "").expect(0);
    assert_eq!((organisations().status, organisations().json()["code"].as_str()), (401, Some("key-revoked")));

    let refused = command(node, &["user", "roles", id, "--roles", "audit-administrator"], "").expect(1);
    assert!(refused.err.contains("duty-of-person"), "{}", refused.err);
    let listed = command(node, &["role", "list", "--reach", "organisation"], "").expect(0).json();
    assert_eq!(listed["total"], 3);
    assert_eq!(command(node, &["audit", "verify"], "").expect(0).json()["whole"], true);
}

#[test]
fn a_repeated_request_for_a_secret_gets_everything_but_the_secret() {
    let (alone, logins) = start();
    let web = Web::tls(alone.node.http());
    let bearer = settled(&web, "system", &logins["system"]);
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "k1")];
    let new = json!({"kind": "person", "login": "zhao", "name": "赵"});
    let first = post(&web, "/api/v1/accounts", &headers, &new);
    assert!(first.json()["invitation"].is_string());
    let again = post(&web, "/api/v1/accounts", &headers, &new);
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")));
    assert_eq!(again.json()["account"], first.json()["account"]);
    assert!(again.json().get("invitation").is_none());
}

#[test]
fn a_file_names_the_first_accounts() {
    let mut alone = Alone::lay_out(&["88.118.8"]);
    let file = r#"
        organisation = "示例泵业"
        [[accounts]]
        login = "xt"
        name = "系统"
        email = "xt@mail.example"
        roles = ["system-administrator"]
        [[accounts]]
        login = "aq"
        name = "安全"
        roles = ["security-administrator"]
        [[accounts]]
        login = "sj"
        name = "审计"
        roles = ["audit-administrator", "read-only"]
    "#;
    std::fs::write(alone.node.home().join("first.toml"), file).expect("written");
    alone.node.config.registry.first_accounts = Some("first.toml".into());
    alone.node.start();
    let listed = command(&alone.node, &["user", "list", "--sort", "login"], "").expect(0).json();
    let logins: Vec<_> = listed["items"].as_array().expect("items").iter().map(|one| one["login"].clone()).collect();
    assert_eq!(logins, ["aq", "sj", "xt"]);
    let organisations = command(&alone.node, &["org", "list"], "").expect(0).json();
    assert_eq!(organisations["items"][0]["name"], "示例泵业");
}
