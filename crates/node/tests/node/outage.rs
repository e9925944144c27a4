//! Nodes die and come back: what was known is still answered, marked, and what was acknowledged is still there.

use crate::{Alone, admin, hufu, url};
use hufu_client::{Client, Endpoint, ErrorKind, ResolveOptions, Resolved};
use hufu_ident::SelectionBuf;
use hufu_ident::systems::handle::wire::{ResponseCode, flag};
use hufu_node::config::Span;
use hufu_node::roles::Role;
use hufu_testkit::country::{ENTERPRISE, SECONDARY, TOP};
use hufu_testkit::talk::{self, Talk};
use hufu_testkit::{Country, FaultProxy, NodeProcess, Web, block_on, eventually};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long the recursive node of these tests takes an answer for fresh.
const FRESH: Duration = Duration::from_millis(800);
const ENGINE: &str = "88.118.8/engine";

fn country() -> Country {
    let plan = Country::plan(hufu()).adjust(|_, config| {
        config.resolution.max_ttl = Span(FRESH);
        config.resolution.negative_ttl = Span::millis(200);
        config.resolution.attempt = Span::millis(500);
        config.resolution.deadline = Span::seconds(4);
    });
    let country = plan.start();
    let client = country.enterprise().admin_client();
    for name in [ENGINE, "88.118.8/never-asked"] {
        block_on(client.create(name, vec![url(1, "https://works.example/"), admin(100, "301:0.NA/88.118.8")], false))
            .unwrap();
    }
    country
}

fn ask(country: &Country, name: &str) -> Result<Resolved, hufu_client::Error> {
    let client = country.recursive().client();
    block_on(client.resolve(name, &SelectionBuf::default(), ResolveOptions::default()))
}

/// The name resolves by every way in, stale or not.
#[track_caller]
fn resolves(country: &Country, name: &str, stale: bool) {
    for (way, endpoint) in country.recursive().ways() {
        let client = Client::new(endpoint);
        let found = block_on(client.resolve(name, &SelectionBuf::default(), ResolveOptions::default()));
        let found = found.unwrap_or_else(|error| panic!("{name} by {way}: {error}"));
        assert_eq!((found.code, found.stale), (ResponseCode::SUCCESS, stale), "{name} by {way}");
        if stale {
            let longest = found.values.iter().map(|value| value.ttl.seconds_left(0)).max();
            assert!(longest <= Some(30), "{name} by {way}: a stale answer is kept for a short while only");
        }
    }
    let mut talk = Talk::connect(country.recursive().handle());
    let answer = talk.ask(&talk::question(name));
    assert_eq!(answer.plain().unwrap().header.has(flag::STALE), stale, "the flag on the wire of {name}");
    for path in [format!("/api/handles/{name}"), format!("/{name}?format=gateway"), format!("/{name}?noredirect")] {
        let answer = Web::plain(country.recursive().http()).get(&path);
        assert_eq!(answer.status, 200, "{path}");
        let warning = stale.then_some("110 - \"Response is Stale\"");
        assert_eq!(answer.header("warning"), warning, "{path}");
    }
}

/// Nobody can say anything about the name: an error, not a wrong answer.
#[track_caller]
fn is_refused(country: &Country, name: &str) {
    for (way, endpoint) in country.recursive().ways() {
        let client = Client::new(endpoint);
        let asked = block_on(client.resolve(name, &SelectionBuf::default(), ResolveOptions::default()));
        assert_eq!(asked.unwrap_err().kind(), ErrorKind::Refused(ResponseCode::ERROR), "{name} by {way}");
    }
    let answer = Web::plain(country.recursive().http()).get(&format!("/api/handles/{name}"));
    assert_eq!((answer.status, &answer.json()["responseCode"]), (500, &2.into()), "{name}");
}

#[test]
fn a_country_lives_on_without_its_upper_nodes_and_recovers() {
    let mut country = country();
    for name in [ENGINE, "0.NA/88.118", "0.NA/88.118.8"] {
        resolves(&country, name, false);
    }

    country.node_mut(TOP).kill();
    resolves(&country, ENGINE, false);
    sleep(FRESH + Duration::from_millis(100));
    resolves(&country, "0.NA/88.118", true);
    // The way to the enterprise is remembered, and the enterprise itself answers.
    resolves(&country, ENGINE, false);
    is_refused(&country, "86.200.1/never-asked");
    is_refused(&country, "0.NA/88.200");

    country.node_mut(SECONDARY).kill();
    sleep(FRESH + Duration::from_millis(100));
    resolves(&country, "0.NA/88.118.8", true);
    resolves(&country, ENGINE, false);
    is_refused(&country, "88.118.9/never-asked");

    country.node_mut(ENTERPRISE).kill();
    sleep(FRESH + Duration::from_millis(100));
    resolves(&country, ENGINE, true);
    is_refused(&country, "88.118.8/never-asked");

    for name in [TOP, SECONDARY, ENTERPRISE] {
        country.node_mut(name).start();
    }
    let recovered = |name: &str| ask(&country, name).is_ok_and(|found| !found.stale);
    for name in [ENGINE, "88.118.8/never-asked", "0.NA/88.118", "0.NA/88.118.8", "0.NA/86", "0.NA/88"] {
        eventually(name, Duration::from_secs(20), || recovered(name));
    }
    let lost = ask(&country, "88.118.8/never-registered").unwrap_err();
    assert_eq!(lost.code(), Some(ResponseCode::HANDLE_NOT_FOUND));
}

#[test]
fn a_name_known_to_be_absent_is_not_served_past_its_time() {
    let mut country = country();
    assert_eq!(ask(&country, "88.118.8/late").unwrap_err().code(), Some(ResponseCode::HANDLE_NOT_FOUND));
    let client = country.enterprise().admin_client();
    block_on(client.create("88.118.8/late", vec![url(1, "https://late.example/")], false)).unwrap();
    eventually("the new name is seen", Duration::from_secs(5), || ask(&country, "88.118.8/late").is_ok());
    assert_eq!(ask(&country, "88.118.8/absent").unwrap_err().code(), Some(ResponseCode::HANDLE_NOT_FOUND));
    country.node_mut(ENTERPRISE).kill();
    sleep(Duration::from_millis(400));
    is_refused(&country, "88.118.8/absent");
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let mut alone = Alone::start();
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    for round in 0..3 {
        let connection = block_on(alone.node.admin_client().login()).unwrap();
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (connection, acknowledged) = (connection.clone(), acknowledged.clone());
                hufu_testkit::runtime().spawn(async move {
                    for number in 0.. {
                        let name = format!("88.118.8/r{round}-w{writer}-{number}");
                        let values = vec![url(1, &name), admin(100, "301:0.NA/88.118.8")];
                        match connection.create(&name, values, false).await {
                            Ok(_) => acknowledged.lock().unwrap().push(name),
                            Err(_) => return,
                        }
                    }
                })
            })
            .collect();
        let before = acknowledged.lock().unwrap().len();
        eventually("writes are under way", Duration::from_secs(20), || {
            acknowledged.lock().unwrap().len() > before + 100
        });
        alone.node.kill();
        writers.into_iter().for_each(|writer| block_on(writer).unwrap());
        alone.node.start();
    }
    let acknowledged = acknowledged.lock().unwrap();
    let mut talk = Talk::connect(alone.node.handle());
    for name in acknowledged.iter() {
        let values = talk::values(&talk.ask(&talk::question(name)));
        assert_eq!(values.first().map(|value| value.data.as_slice()), Some(name.as_bytes()), "{name} is lost");
    }
    let listed = block_on(async { alone.node.admin_client().list("88.118.8").await.unwrap().collect().await.unwrap() });
    assert!(listed.len() >= acknowledged.len(), "{} of {}", listed.len(), acknowledged.len());
}

/// A recursive node of its own, whose root is what the proxy lets through.
fn behind(proxy: &FaultProxy, home: &std::path::Path) -> NodeProcess {
    let mut node = NodeProcess::lay_out(hufu(), &home.join("behind"), Role::Recursive, &[]);
    node.config.resolution.root = vec![proxy.address];
    node.config.resolution.attempt = Span::seconds(2);
    node.config.resolution.deadline = Span::seconds(3);
    node.config.resolution.negative_ttl = Span::millis(200);
    node.start();
    node
}

#[test]
fn lost_packets_and_a_slow_root_are_survived() {
    let country = country();
    let proxy = FaultProxy::before(country.root().handle());
    proxy.lose_every(2);
    proxy.delay(Duration::from_millis(100));
    let node = behind(&proxy, country.home());
    let options = ResolveOptions::default();
    let found = block_on(node.client().resolve(ENGINE, &SelectionBuf::default(), options)).unwrap();
    assert!(!found.stale);
}

#[test]
fn a_silent_root_holds_up_nobody_else() {
    let country = country();
    let proxy = FaultProxy::before(country.root().handle());
    let node = behind(&proxy, country.home());
    let options = ResolveOptions::default();
    block_on(node.client().resolve(ENGINE, &SelectionBuf::default(), options)).unwrap();
    proxy.cut(true);

    // On one connection: a question that must wait for the root, then one that the cache answers.
    let mut talk = Talk::connect(node.handle());
    let (slow, quick) = (talk::question("77.1.1/x"), talk::question(ENGINE));
    let started = Instant::now();
    talk.send(&[slow.to_bytes(), quick.to_bytes()].concat());
    let first = talk.message();
    assert_eq!(first.envelope.request_id, quick.envelope.request_id);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    let second = talk.message();
    assert_eq!((second.envelope.request_id, talk::code(&second)), (slow.envelope.request_id, 2));
    assert!(started.elapsed() < Duration::from_secs(8), "the deadline is 3 s: {:?}", started.elapsed());

    // By UDP too, with many of the slow ones under way.
    let waiting: Vec<_> = (0..50)
        .map(|number| {
            let client = Client::new(Endpoint::udp(node.handle()));
            hufu_testkit::runtime().spawn(async move {
                client.resolve(&format!("77.{number}.1/x"), &SelectionBuf::default(), options).await.is_err()
            })
        })
        .collect();
    let started = Instant::now();
    talk::ask_udp(node.handle(), &talk::question(ENGINE), Duration::from_secs(2)).expect("an answer from the cache");
    assert!(started.elapsed() < Duration::from_secs(2));
    waiting.into_iter().for_each(|asked| assert!(block_on(asked).unwrap()));

    proxy.cut(false);
    eventually("the root is heard again", Duration::from_secs(20), || {
        let asked = block_on(node.client().resolve("0.NA/86", &SelectionBuf::default(), options));
        asked.is_ok()
    });
}
