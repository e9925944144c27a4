//! What operators rely on: health, metrics, logs, signals.

use crate::{Alone, admin, hufu, url};
use hufu_ident::{SelectionBuf, Value};
use hufu_node::config::Span;
use hufu_node::roles::Role;
use hufu_testkit::talk::{self, Talk, code, question};
use hufu_testkit::{Country, FaultProxy, NodeProcess, Web, block_on, eventually, keys};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A recursive node with these root servers.
fn recursive(home: &std::path::Path, root: std::net::SocketAddr) -> NodeProcess {
    let mut node = NodeProcess::lay_out(hufu(), &home.join("recursive"), Role::Recursive, &[]);
    node.config.resolution.root = vec![root];
    node.config.resolution.attempt = Span::seconds(1);
    node.config.resolution.deadline = Span::seconds(2);
    node.config.resolution.negative_ttl = Span::millis(100);
    node
}

#[test]
fn health_and_metrics_have_the_promised_names() {
    let alone = Alone::start();
    block_on(alone.node.admin_client().create("88.118.8/x", vec![url(1, "x")], false)).unwrap();
    let mut talk = Talk::connect(alone.node.handle());
    for name in ["88.118.8/x", "88.118.8/none", "77.1/x"] {
        talk.ask(&question(name));
    }
    let web = Web::plain(alone.node.admin());
    assert_eq!((web.get("/livez").status, web.get("/livez").text().as_str()), (200, "ok\n"));
    assert_eq!((web.get("/readyz").status, web.get("/readyz").text().as_str()), (200, "ready\n"));
    let metrics = web.get("/metrics");
    assert!(metrics.header("content-type").is_some_and(|kind| kind.starts_with("application/openmetrics-text")));
    let text = metrics.text();
    for line in [
        "hufu_resolutions_total{system=\"vaa\",outcome=\"found\"} 1",
        "hufu_resolutions_total{system=\"vaa\",outcome=\"absent\"} 1",
        "hufu_resolutions_total{system=\"handle\",outcome=\"not-responsible\"} 1",
        "hufu_malformed_total 0",
        "hufu_udp_packets_in_total 0",
        "hufu_records 2",
        "hufu_store_refusing_writes 0",
        "hufu_panics_total 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    for name in [
        "changes_total",
        "connections_open",
        "connections_total",
        "connections_refused_total",
        "requests_over_rate_total",
        "answers_over_rate_total",
        "overload_drops_total",
        "store_octets",
        "changes_sequence",
    ] {
        assert!(text.lines().any(|line| line.starts_with(&format!("hufu_{name}"))), "{name} is not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    // Each name is declared once, before its figures.
    let declared: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let mut unique = declared.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), declared.len(), "{declared:?}");
    // The operator's pages are not on the public port.
    assert_eq!(Web::plain(alone.node.http()).get("/metrics").status, 400);
}

#[test]
fn a_recursive_node_shows_its_cache() {
    let country = Country::plan(hufu()).start();
    block_on(country.enterprise().admin_client().create("88.118.8/x", vec![url(1, "x")], false)).unwrap();
    let mut talk = Talk::connect(country.recursive().handle());
    for _ in 0..3 {
        assert_eq!(code(&talk.ask(&question("88.118.8/x"))), 1);
    }
    let text = Web::plain(country.recursive().admin()).get("/metrics").text();
    let figure = |name: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("hufu_{name} ")))
            .unwrap_or_else(|| panic!("{name}: {text}"));
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    assert!(figure("cache_entries") >= 1);
    assert!(figure("cache_octets") > 0);
    assert!(figure("cache_hits_total") >= 2);
    assert!(figure("cache_misses_total") >= 1);
    assert!(text.contains("hufu_resolutions_total{system=\"vaa\",outcome=\"found\"} 3"), "{text}");
}

#[test]
fn the_query_log_is_written_when_it_is_wanted() {
    let mut alone = Alone::lay_out(&["88.118.8"]);
    alone.node.config.log.queries = Some("queries.log".into());
    alone.node.start();
    Talk::connect(alone.node.handle()).ask(&question("88.118.8/none"));
    talk::ask_udp(alone.node.handle(), &question("88.118.8/nobody"), Duration::from_secs(5)).unwrap();
    let path = alone.node.home().join("queries.log");
    let mut text = String::new();
    eventually("both questions are logged", Duration::from_secs(10), || {
        text = std::fs::read_to_string(&path).unwrap_or_default();
        text.lines().count() == 2
    });
    let columns: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(columns[0][1..], ["127.0.0.1", "Tcp", "88.118.8/none", "100"]);
    assert_eq!(columns[1][1..], ["127.0.0.1", "Udp", "88.118.8/nobody", "100"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o077, 0, "readable by its owner only");
}

#[test]
fn logs_tell_no_secrets() {
    let mut alone = Alone::lay_out(&["88.118.8"]);
    alone.node.config.log.level = "trace".into();
    alone.node.config.log.format = hufu_node::config::LogFormat::Json;
    alone.node.config.http.plain_credentials_on_loopback = true;
    alone.node.start();
    let values = vec![
        Value::new(302, "HS_SECKEY", "the-secret-of-a-clerk").with_permissions(0x0C),
        admin(100, "301:0.NA/88.118.8"),
    ];
    block_on(alone.node.admin_client().create("88.118.8/clerk", values, false)).unwrap();
    let basic = hufu_testkit::web::basic("301:0.NA/88.118.8", alone.node.secret());
    let answer = Web::plain(alone.node.http()).send(
        hyper::Method::DELETE,
        "/api/handles/88.118.8/clerk",
        &[("authorization", &basic)],
        b"",
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    let log = alone.node.log();
    let (_, encoded) = basic.split_once(' ').unwrap();
    for secret in [alone.node.secret(), "the-secret-of-a-clerk", encoded] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    for line in log.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "no JSON: {line}");
    }
}

#[test]
fn a_hangup_reads_starting_points_anew() {
    let country = Country::plan(hufu()).start();
    let mut node = recursive(country.home(), "127.0.0.1:1".parse().unwrap());
    node.start();
    let asked = || block_on(node.client().resolve("0.NA/88", &SelectionBuf::default(), Default::default()));
    assert_eq!(asked().unwrap_err().code().map(|code| code.0), Some(2));
    let mut config = node.config.clone();
    config.resolution.root = vec![country.root().handle()];
    std::fs::write(node.path(), toml::to_string(&config).unwrap()).unwrap();
    node.signal("HUP");
    eventually("the new root is asked", Duration::from_secs(10), || asked().is_ok());
    // A broken file changes nothing.
    std::fs::write(node.path(), "version = \"v1\"\nnonsense = 1\n").unwrap();
    node.signal("HUP");
    eventually("the fault is logged", Duration::from_secs(10), || node.log().contains("reload failed"));
    assert!(asked().is_ok());
}

#[test]
fn a_hangup_reads_the_certificate_anew() {
    let home = tempfile::tempdir().unwrap();
    let node = NodeProcess::lay_out(hufu(), &home.path().join("enterprise"), Role::Enterprise, &["88.118.8"]);
    let mut node = node.with_tls();
    // At first a certificate that nobody here trusts.
    let other = home.path().join("other-key.pem");
    let key = hufu_node::keys::load_or_make(&other).unwrap();
    let names = vec!["127.0.0.1".to_owned()];
    std::fs::write(node.home().join("certificate.pem"), hufu_node::keys::self_signed(&key, names).unwrap()).unwrap();
    std::fs::copy(&other, node.home().join("tls-key.pem")).unwrap();
    node.config.http.key = Some("tls-key.pem".into());
    node.start();
    let web = Web::tls(node.http());
    assert!(web.try_get("/api/site").is_err(), "a strange certificate is trusted");
    std::fs::write(node.home().join("certificate.pem"), keys::certificate()).unwrap();
    keys::put_server_key(&node.home().join("tls-key.pem"));
    node.signal("HUP");
    eventually("the new certificate is shown", Duration::from_secs(10), || {
        web.try_get("/api/site").is_ok_and(|answer| answer.status == 200)
    });
}

#[test]
fn a_term_lets_requests_in_flight_end() {
    let country = Country::plan(hufu()).start();
    let proxy = FaultProxy::before(country.root().handle());
    proxy.delay(Duration::from_millis(300));
    let mut node = recursive(country.home(), proxy.address);
    node.start();
    let mut talk = Talk::connect(node.handle());
    let question = question("0.NA/88");
    talk.send(&question.to_bytes());
    std::thread::sleep(Duration::from_millis(100));
    let started = Instant::now();
    node.signal("TERM");
    let answer = talk.message();
    assert_eq!((code(&answer), answer.envelope.request_id), (1, question.envelope.request_id));
    assert!(talk.receive().is_none(), "then the connection ends");
    let status = node.wait_end();
    assert!(status.success(), "{status}");
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    assert!(TcpStream::connect(node.handle()).is_err());
}

#[test]
fn a_node_stops_quickly_with_idle_connections_and_keeps_everything() {
    let mut alone = Alone::start();
    let client = alone.node.admin_client();
    block_on(client.create("88.118.8/x", vec![url(1, "x")], false)).unwrap();
    let _idle: Vec<Talk> = (0..10).map(|_| Talk::connect(alone.node.handle())).collect();
    let started = Instant::now();
    assert!(alone.node.stop().success());
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    alone.node.start();
    assert_eq!(code(&Talk::connect(alone.node.handle()).ask(&question("88.118.8/x"))), 1);
}

#[test]
fn two_nodes_do_not_share_a_port_or_a_store() {
    let alone = Alone::start();
    let home = tempfile::tempdir().unwrap();
    let mut second = NodeProcess::lay_out(hufu(), &home.path().join("second"), Role::Enterprise, &["88.118.8"]);
    second.config.data_directory = alone.node.home().join("data");
    second.launch();
    assert!(!second.wait_end().success(), "a second node opened the store");
    second.config.data_directory = "data".into();
    second.config.http.port = alone.node.config.http.port;
    second.launch();
    assert!(!second.wait_end().success(), "a second node took the port");
    assert!(second.log().contains(&alone.node.config.http.port.to_string()), "{}", second.log());
}
