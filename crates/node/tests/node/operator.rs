//! The operator interface between two nodes: a top-level and a secondary one, over HTTPS with signed requests, with
//! restarts, lost answers and strangers.

use crate::control::command;
use crate::hufu;
use crate::prefixes::Secondary;
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_node::operator::signature::{Headers, Signed, Signer, SigningKey};
use hufu_node::roles::Role;
use hufu_testkit::{NodeProcess, Web, eventually, ports, talk};
use hyper::Method;
use serde_json::{Value as Json, json};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// For what takes the interface a few rounds.
const PATIENCE: Duration = Duration::from_secs(40);

/// A top-level node of 88, and a secondary node that begins without a prefix.
struct Pair {
    top: NodeProcess,
    secondary: NodeProcess,
    /// The secondary node as the top-level one knows it.
    client: String,
    /// An enterprise at the secondary node.
    company: String,
    home: TempDir,
}

fn run(node: &NodeProcess, args: &[&str], input: Json) -> Json {
    let (args, input) = match input.is_null() {
        true => (args.to_vec(), String::new()),
        false => (args.iter().copied().chain(["--data", "-"]).collect(), input.to_string()),
    };
    command(node, &args, &input).expect(0).json()
}

fn company(node: &NodeProcess, name: &str, code: &str) -> String {
    let subject = json!({"subject": {"orgName": name, "orgCrtType": 2, "orgCrtCode": code}});
    run(node, &["org", "create"], subject)["id"].as_str().expect("an id").to_owned()
}

fn delegation(port: u16) -> Json {
    json!({"servers": [{"address": "127.0.0.1", "udp": port, "tcp": port}], "below": true})
}

impl Pair {
    /// Both run; the top-level node knows the key of the secondary one. `by` stands between them, if anything does.
    fn start(by: impl FnOnce(SocketAddr) -> Option<SocketAddr>) -> Self {
        let home = tempfile::tempdir().expect("a scratch directory");
        let mut top = NodeProcess::lay_out(hufu(), &home.path().join("top"), Role::TopLevel, &["88"]).with_tls();
        top.start();
        let rules = json!({"privateAddresses": true, "transferLockDays": 0});
        run(&top, &["prefix", "set-rules"], rules.clone());
        let mut secondary = NodeProcess::lay_out(hufu(), &home.path().join("secondary"), Role::Secondary, &[]);
        let address = by(top.http()).unwrap_or(top.http());
        secondary.config.operator.url = format!("https://{address}");
        secondary.config.operator.certificates = Some(top.home().join("certificate.pem"));
        secondary.config.operator.poll_interval = hufu_node::config::Span::seconds(1);
        secondary.start();
        // What the one shows is what the other registers; the id goes back.
        let state = run(&secondary, &["operator", "status"], Json::Null);
        assert_eq!((&state["configured"], &state["client"]), (&json!(true), &json!("")));
        let organisation = company(&top, "京硕标识", "T1");
        let client = run(
            &top,
            &["operator", "register"],
            json!({"organisation": organisation, "name": "京硕", "publicKey": state["publicKey"],
                "addresses": ["127.0.0.0/8"]}),
        );
        let client = client["id"].as_str().expect("an id").to_owned();
        secondary.stop();
        secondary.config.operator.client = client.clone();
        secondary.start();
        run(&secondary, &["prefix", "set-rules"], rules);
        let company = company(&secondary, "示例泵业", "P1");
        Pair { top, secondary, client, company, home }
    }

    /// The states of the requests about a prefix, oldest first.
    fn requests(&self, prefix: &str) -> Vec<String> {
        let list = ["operator", "requests", "--prefix", prefix, "--sort", "sequence"];
        let page = run(&self.secondary, &list, Json::Null);
        let word = |request: &Json, name: &str| request[name].as_str().unwrap_or_default().to_owned();
        let items = page["items"].as_array().expect("requests").iter();
        items.map(|request| format!("{} {}", word(request, "kind"), word(request, "state"))).collect()
    }

    fn registration(&self, prefix: &str) -> Json {
        let page = run(&self.top, &["operator", "registrations", "--prefix", prefix], Json::Null);
        assert!(page["total"].as_i64() <= Some(1), "{page}");
        page["items"][0].clone()
    }

    #[track_caller]
    fn registered(&self, prefix: &str, state: &str) {
        let what = format!("{prefix} is {state} above");
        eventually(&what, PATIENCE, || self.registration(prefix)["state"] == state);
    }

    /// The secondary node asks for its prefix, the top-level one approves, and the answer comes back.
    fn obtain(&self) {
        let wish = json!({"prefix": "88.118", "delegation": delegation(self.secondary.config.handle.tcp_port)});
        let asked = run(&self.secondary, &["operator", "request"], wish);
        assert_eq!((&asked["state"], &asked["own"]), (&json!("waiting"), &json!(true)));
        eventually("it is asked for", PATIENCE, || self.requests("88.118") == ["create pending"]);
        assert_eq!(run(&self.top, &["prefix", "show", "88.118"], Json::Null)["state"], "pending");
        run(&self.top, &["prefix", "review", "88.118"], Json::Null);
        run(&self.top, &["prefix", "approve", "88.118"], Json::Null);
        eventually("it is obtained", PATIENCE, || self.requests("88.118") == ["create done"]);
    }

    fn allocate(&self, prefix: &str) {
        let wish = json!({"organisation": self.company, "prefix": prefix, "delegation": delegation(2641)});
        run(&self.secondary, &["prefix", "allocate"], wish);
    }

    /// Reasons for which requests were not believed at the top, newest first.
    fn disbelieved(&self) -> Vec<(String, String)> {
        let list = ["audit", "list", "--action", "operator.request", "--outcome", "denied"];
        let page = run(&self.top, &list, Json::Null);
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let items = page["items"].as_array().expect("entries").iter();
        items.map(|entry| (text(&entry["object"]), text(&entry["after"]["reason"]))).collect()
    }
}

fn ask(node: &NodeProcess, name: &str) -> u32 {
    let answer = talk::ask_udp(node.handle(), &talk::question(name), Duration::from_secs(10)).expect("an answer");
    talk::code(&answer)
}

#[test]
fn a_secondary_node_obtains_its_prefix_and_tells_what_it_gives_out() {
    let mut pair = Pair::start(|_| None);
    pair.obtain();
    // Obtained while it runs, it is answered for, and given out below.
    let found = ResponseCode::SUCCESS.0;
    eventually("it is answered for", PATIENCE, || ask(&pair.secondary, "0.NA/88.118") == found);
    eventually("it is delegated above", PATIENCE, || ask(&pair.top, "0.NA/88.118") == found);
    pair.allocate("88.118.1");
    eventually("it is delegated below", PATIENCE, || ask(&pair.secondary, "0.NA/88.118.1") == found);
    pair.registered("88.118.1", "enabled");
    let above = pair.registration("88.118.1");
    assert_eq!((&above["parent"], &above["client"]), (&json!("88.118"), &json!(pair.client)));
    assert_eq!(above["subject"]["orgName"], "示例泵业");
    assert_eq!(above["delegation"]["servers"][0]["tcp"], 2641);

    // What becomes of it travels.
    run(&pair.secondary, &["prefix", "suspend", "88.118.1"], json!({"reason": "欠费"}));
    pair.registered("88.118.1", "disabled");
    assert_eq!(pair.registration("88.118.1")["reason"], "欠费");
    run(&pair.secondary, &["prefix", "resume", "88.118.1"], Json::Null);
    pair.registered("88.118.1", "enabled");
    let heir = company(&pair.secondary, "后继泵业", "P2");
    let code = run(&pair.secondary, &["transfer", "code", "88.118.1"], Json::Null);
    let wish = json!({"prefix": "88.118.1", "kind": "holder", "code": code["code"], "gaining": heir});
    let transfer = run(&pair.secondary, &["transfer", "request"], wish);
    let id = transfer["id"].as_str().expect("an id");
    let mut state = transfer["state"].clone();
    for _ in 0..2 {
        if state == "pending" {
            state = run(&pair.secondary, &["transfer", "answer", id], json!({"answer": "approve"}))["state"].clone();
        }
    }
    let holder = || pair.registration("88.118.1")["subject"]["orgName"].clone();
    eventually("the heir is known above", PATIENCE, || holder() == "后继泵业");
    run(&pair.secondary, &["prefix", "delete", "88.118.1"], Json::Null);
    pair.registered("88.118.1", "deleted");

    // What the top-level node does to the prefix itself is heard.
    run(&pair.top, &["prefix", "suspend", "88.118"], json!({"reason": "检查"}));
    let messages = || run(&pair.secondary, &["operator", "messages", "--kind", "status-set"], Json::Null);
    eventually("it is heard", PATIENCE, || messages()["items"][0]["data"]["reason"] == "检查");
    run(&pair.top, &["prefix", "resume", "88.118"], Json::Null);
    let state = || run(&pair.secondary, &["operator", "status"], Json::Null);
    eventually("the queue is read", PATIENCE, || messages()["total"] == 2 && state()["queue"] == 0);
    assert!(state()["failingSince"].is_null() && state()["lastAnswer"].is_i64(), "{}", state());
    let clients = run(&pair.top, &["operator", "clients"], Json::Null);
    assert_eq!((&clients["total"], &clients["items"][0]["messages"]), (&json!(1), &json!(0)));

    // Whoever is revoked is heard no more, and sees it.
    run(&pair.top, &["operator", "revoke", &pair.client], Json::Null);
    pair.allocate("88.118.2");
    eventually("it is seen", PATIENCE, || state()["code"] == 2200);
    let notices = run(&pair.secondary, &["notice", "list", "--kind", "operator-stuck"], Json::Null);
    assert_eq!(notices["total"], 1, "{notices}");
    assert_eq!(pair.disbelieved()[0], (format!("operator-client {}", pair.client), "unknown-client".into()));
    for node in [&mut pair.top, &mut pair.secondary] {
        assert_eq!(run(node, &["audit", "verify"], Json::Null)["whole"], true);
    }
}

#[test]
fn a_prefix_changes_nodes_by_its_transfer_code() {
    let pair = Pair::start(|_| None);
    pair.obtain();
    let other = company(&pair.top, "别家标识", "T2");
    let wish = json!({"organisation": other, "prefix": "88.120", "delegation": delegation(2641)});
    run(&pair.top, &["prefix", "allocate"], wish);
    let code = run(&pair.top, &["transfer", "code", "88.120"], Json::Null);
    let wish = json!({"prefix": "88.120", "transferCode": "wrong"});
    run(&pair.secondary, &["operator", "request"], wish);
    eventually("a wrong code is refused", PATIENCE, || pair.requests("88.120") == ["transfer refused"]);
    let wish = json!({"prefix": "88.120", "transferCode": code["code"]});
    run(&pair.secondary, &["operator", "request"], wish);
    eventually("it is asked for", PATIENCE, || pair.requests("88.120")[1..] == ["transfer pending"]);
    let open = run(&pair.top, &["transfer", "list", "--state", "pending"], Json::Null);
    let id = open["items"][0]["id"].as_str().expect("a transfer").to_owned();
    let mut state = json!("pending");
    for _ in 0..2 {
        if state == "pending" {
            state = run(&pair.top, &["transfer", "answer", &id], json!({"answer": "approve"}))["state"].clone();
        }
    }
    eventually("it is gained", PATIENCE, || pair.requests("88.120")[1..] == ["transfer done"]);
    pair.allocate("88.120.1");
    pair.registered("88.120.1", "enabled");
    // Deleted above, it is no longer this node's.
    run(&pair.top, &["prefix", "delete", "88.120"], Json::Null);
    eventually("it is lost", PATIENCE, || pair.requests("88.120")[1..] == ["transfer ended"]);
    let own = run(&pair.secondary, &["prefix", "own"], Json::Null);
    let active = |name: &str| {
        own.as_array().expect("prefixes").iter().find(|own| own["name"] == name).map(|own| own["active"].clone())
    };
    assert_eq!((active("88.118"), active("88.120")), (Some(json!(true)), Some(json!(false))));
}

/// Stands between two nodes; while it is deaf, requests pass and answers do not.
struct Between {
    address: SocketAddr,
    deaf: Arc<AtomicBool>,
    lost: Arc<AtomicU32>,
}

impl Between {
    fn before(node: SocketAddr) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()));
        let listener = TcpListener::bind(address).expect("a port");
        let (deaf, lost) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let between = Between { address, deaf: deaf.clone(), lost: lost.clone() };
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(node) else { continue };
                let (deaf, lost) = (deaf.clone(), lost.clone());
                let up = (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
                std::thread::spawn(move || pass(up.0, up.1, || false));
                std::thread::spawn(move || {
                    pass(server, client, || {
                        let loses = deaf.load(Ordering::SeqCst);
                        lost.fetch_add(u32::from(loses), Ordering::SeqCst);
                        loses
                    });
                });
            }
        });
        between
    }
}

/// Copies until an end; where `loses` says so, what has come is thrown away and the connection cut.
fn pass(mut from: TcpStream, mut to: TcpStream, loses: impl Fn() -> bool) {
    let mut octets = [0; 16 << 10];
    while let Ok(length) = from.read(&mut octets) {
        if length == 0 || loses() || to.write_all(&octets[..length]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn lost_answers_and_restarts_leave_exactly_one_result() {
    let mut between = None;
    let mut pair = Pair::start(|top| {
        // Plain HTTP, so that what is lost is an answer and not a handshake.
        between = Some(Between::before(top));
        None
    });
    let between = between.expect("somebody between");
    pair.top.stop();
    pair.top.config.http.certificate = None;
    pair.top.config.http.key = None;
    pair.top.config.http.plain_credentials_on_loopback = true;
    pair.top.start();
    pair.secondary.stop();
    pair.secondary.config.operator.url = format!("http://{}", between.address);
    pair.secondary.config.operator.certificates = None;
    pair.secondary.start();

    // The top-level node carries it out and its answer is lost, more than once.
    between.deaf.store(true, Ordering::SeqCst);
    let wish = json!({"under": "88", "delegation": delegation(2641)});
    let asked = run(&pair.secondary, &["operator", "request"], wish);
    let applied = |pair: &Pair| run(&pair.top, &["prefix", "list"], Json::Null);
    eventually("it is carried out", PATIENCE, || applied(&pair)["total"] == 1);
    let before = between.lost.load(Ordering::SeqCst);
    eventually("it is repeated", PATIENCE, || between.lost.load(Ordering::SeqCst) > before + 2);
    // Both are killed in the middle of it, and the decision is made before the answer arrives.
    pair.secondary.kill();
    pair.top.kill();
    pair.top.start();
    let name = applied(&pair)["items"][0]["name"].as_str().expect("a name").to_owned();
    run(&pair.top, &["prefix", "approve", &name], Json::Null);
    pair.secondary.start();
    between.deaf.store(false, Ordering::SeqCst);
    eventually("it is obtained", PATIENCE, || pair.requests(&name) == ["create done"]);
    let total = |node: &NodeProcess, list: &[&str]| run(node, list, Json::Null)["total"].as_i64();
    assert_eq!(total(&pair.top, &["prefix", "list"]), Some(1), "the same request, so the same prefix");
    let id = asked["id"].as_str().expect("an id");
    let requests = run(&pair.secondary, &["operator", "requests"], Json::Null);
    assert_eq!((&requests["total"], &requests["items"][0]["id"]), (&json!(1), &json!(id)));

    // A registration likewise.
    between.deaf.store(true, Ordering::SeqCst);
    let below = format!("{name}.7");
    pair.allocate(&below);
    pair.registered(&below, "enabled");
    pair.secondary.kill();
    pair.secondary.start();
    between.deaf.store(false, Ordering::SeqCst);
    eventually("the answer arrives", PATIENCE, || pair.requests(&below) == ["create done"]);
    assert_eq!(pair.registration(&below)["version"], 1);
    // While the node above is away, what is decided waits, in order, and is seen.
    pair.top.kill();
    run(&pair.secondary, &["prefix", "suspend", &below], json!({"reason": "欠费"}));
    run(&pair.secondary, &["prefix", "resume", &below], Json::Null);
    run(&pair.secondary, &["prefix", "delete", &below], Json::Null);
    let state = || run(&pair.secondary, &["operator", "status"], Json::Null);
    eventually("it is seen", PATIENCE, || state()["failingSince"].is_i64() && state()["waiting"] == 3);
    pair.secondary.kill();
    pair.top.start();
    pair.secondary.start();
    pair.registered(&below, "deleted");
    assert_eq!(pair.registration(&below)["version"], 4);
    let done = ["create done", "disable done", "enable done", "delete done"];
    eventually("all are done", PATIENCE, || pair.requests(&below) == done);
    assert_eq!(run(&pair.top, &["audit", "verify"], Json::Null)["whole"], true);
}

#[test]
fn what_was_given_out_before_is_registered_when_the_interface_comes() {
    let mut below = Secondary::start(None);
    let wish = json!({"organisation": below.organisation, "prefix": "88.118.1", "delegation": delegation(2641)});
    run(&below.node, &["prefix", "allocate"], wish);
    let requests = |node: &NodeProcess| run(node, &["operator", "requests"], Json::Null);
    assert_eq!(requests(&below.node)["total"], 0);
    below.node.config.operator.url = format!("http://127.0.0.1:{}", ports::free());
    below.node.config.operator.client = "opc-0000000000000000".into();
    for _ in 0..2 {
        below.node.stop();
        below.node.start();
        let found = requests(&below.node);
        assert_eq!((&found["total"], &found["items"][0]["kind"]), (&json!(1), &json!("create")), "told once");
    }
    let state = || run(&below.node, &["operator", "status"], Json::Null);
    eventually("nobody is there, which is seen", PATIENCE, || state()["failingSince"].is_i64());
    // Given up, it is not taken up again.
    let id = requests(&below.node)["items"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(run(&below.node, &["operator", "drop", &id], Json::Null)["state"], "dropped");
    assert_eq!(state()["waiting"], 0);
}

fn post(pair: &Pair, body: &[u8], transaction: &str, headers: &Headers) -> (u16, String) {
    let headers = [
        ("rpp-cltrid", transaction),
        ("content-digest", &headers.content_digest),
        ("signature-input", &headers.signature_input),
        ("signature", &headers.signature),
        ("content-type", "application/json"),
    ];
    let answer = Web::tls(pair.top.http()).send(Method::POST, "/operator/v1/prefixes", &headers, body);
    (answer.status, answer.header("rpp-code").unwrap_or_default().to_owned())
}

#[test]
fn what_is_not_signed_well_is_refused_and_written_down() {
    let pair = Pair::start(|_| None);
    let key = SigningKey::of_file(&pair.secondary.home().join("operator-key.pem")).expect("the node's key");
    let stranger = SigningKey::of_file(&pair.home.path().join("stranger.pem")).expect("a key");
    let body = json!({"command": "create", "prefix": "88.119", "delegation": delegation(2641)}).to_string();
    let signed = Signed { method: "POST", path: "/operator/v1/prefixes", body: body.as_bytes(), transaction: "test-1" };
    let now = || hufu_node::clock::seconds() as i64;
    let signer = |nonce: &str| Signer { client: pair.client.clone(), created: now(), nonce: nonce.repeat(16) };
    let refused = (401, "02200".to_owned());

    let web = Web::tls(pair.top.http());
    let unsigned = web.send(Method::POST, "/operator/v1/prefixes", &[("rpp-cltrid", "test-1")], body.as_bytes());
    assert_eq!(unsigned.status, 401);
    let plain = Web::plain(pair.secondary.http()).send(Method::POST, "/operator/v1/prefixes", &[], body.as_bytes());
    assert_eq!(plain.status, 401, "over plain HTTP nothing is looked at");
    assert_eq!(post(&pair, body.as_bytes(), "test-1", &stranger.sign(&signed, &signer("a"))), refused);
    let old = Signer { created: now() - 301, ..signer("b") };
    assert_eq!(post(&pair, body.as_bytes(), "test-1", &key.sign(&signed, &old)), refused);
    let changed = body.replace("88.119", "88.666");
    assert_eq!(post(&pair, changed.as_bytes(), "test-1", &key.sign(&signed, &signer("c"))), refused);
    // With a digest of its own it is the signature that does not hold.
    let mut forged = key.sign(&signed, &signer("d"));
    forged.content_digest = hufu_node::operator::signature::content_digest(changed.as_bytes());
    assert_eq!(post(&pair, changed.as_bytes(), "test-1", &forged), refused);
    assert_eq!(post(&pair, body.as_bytes(), "test-2", &key.sign(&signed, &signer("e"))), refused);
    let unknown = Signer { client: "opc-0000000000000000".into(), ..signer("f") };
    assert_eq!(post(&pair, body.as_bytes(), "test-1", &key.sign(&signed, &unknown)), refused);
    assert_eq!(run(&pair.top, &["prefix", "list"], Json::Null)["total"], 0, "nothing was done");

    let good = key.sign(&signed, &signer("g"));
    assert_eq!(post(&pair, body.as_bytes(), "test-1", &good), (202, "01001".to_owned()));
    assert_eq!(post(&pair, body.as_bytes(), "test-1", &good), refused, "a signature is good for one request");
    let again = post(&pair, body.as_bytes(), "test-1", &key.sign(&signed, &signer("h")));
    assert_eq!(again, (202, "01001".to_owned()), "signed anew it is a repetition, and gets the first answer");
    assert_eq!(run(&pair.top, &["prefix", "list"], Json::Null)["total"], 1);

    let client = format!("operator-client {}", pair.client);
    let expected = [
        (client.as_str(), "replayed-signature"),
        ("operator-client opc-0000000000000000", "unknown-client"),
        (&client, "wrong-signature"),
        (&client, "wrong-signature"),
        (&client, "body-changed"),
        (&client, "stale-signature"),
        (&client, "wrong-signature"),
        ("operator-client ", "not-signed"),
    ];
    let expected = expected.map(|(object, reason)| (object.to_owned(), reason.to_owned()));
    assert_eq!(pair.disbelieved(), expected);
}
