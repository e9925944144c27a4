//! What upstream is not believed: answers to other questions, private values, addresses inside our own network.

use crate::country::{
    Country, ENTERPRISE, ROOT, SECONDARY, SIBLING, is_unreachable, resolve, site_value, text, url, value_of,
};
use crate::network::{Lie, Mode, Network, address, identifier, instead};
use hufu_ident::systems::handle::kind;
use hufu_ident::systems::handle::wire::{Body, Content, Message, OpCode, ResponseCode};
use hufu_ident::{CaseRule, Value};
use hufu_resolve::bootstrap::site_at;
use hufu_resolve::cache::Remembered;
use hufu_resolve::{Bootstrap, Recursor, RecursorLimits, Resolved, Trace};
use std::sync::Arc;

fn answers_as(handle: &'static str) -> Lie {
    Arc::new(move |_, answer| {
        let values = url("forged");
        instead(answer, ResponseCode::SUCCESS, Body::Values { handle: handle.into(), values })
    })
}

fn kept(recursor: &Recursor<Network>, name: &str) -> Option<Remembered> {
    let key = identifier(name).key(CaseRule::Insensitive);
    recursor.cache().usable(key.as_bytes(), 0).map(|(entry, _)| entry.what.clone())
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_another_name_is_none() {
    for handle in ["88.118.9/x", "88.118.8/y", "88.118.8/xx", "88.118.8", "", "88.118.8/x\0"] {
        let country = Country::new();
        country.network.set(ENTERPRISE, Mode::Lying(answers_as(handle)));
        let recursor = country.recursor(Default::default());
        let resolution = resolve(&recursor, "88.118.8/x").await;
        assert!(is_unreachable(&resolution), "{handle:?}: {resolution:?}");
        for name in ["88.118.8/x", "88.118.9/x", "88.118.8/y"] {
            assert_eq!(kept(&recursor, name), None, "{handle:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn another_spelling_of_the_name_is_the_name() {
    let country = Country::new();
    country.network.set(ENTERPRISE, Mode::Lying(answers_as("88.118.8/X")));
    let recursor = country.recursor(Default::default());
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/forged");
}

#[tokio::test(start_paused = true)]
async fn an_honest_server_is_heard_after_a_lying_one() {
    let country = Country::new();
    let sites = vec![site_value(1, kind::SITE, SIBLING), site_value(2, kind::SITE, ENTERPRISE)];
    country.secondary.put("0.NA/88.118.8", sites);
    country.network.set(SIBLING, Mode::Lying(answers_as("88.118.9/x")));
    let recursor = country.recursor(Default::default());
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_another_question_is_none() {
    let bends: [fn(&mut Message); 4] = [
        |message| message.envelope.request_id += 1,
        |message| header(message, |header| header.op = OpCode::GET_SITE_INFO),
        |message| header(message, |header| header.response = ResponseCode::REQUEST),
        |message| message.content = Content::Sealed(vec![0; 32]),
    ];
    for (number, bend) in bends.into_iter().enumerate() {
        let country = Country::new();
        country.network.lies(ENTERPRISE, move |name, answer| {
            let body = match number {
                1 => Body::Empty,
                2 => Body::Resolve { handle: name.into(), selection: Default::default() },
                _ => Body::Values { handle: name.into(), values: url("x") },
            };
            let mut answer = instead(answer, ResponseCode::SUCCESS, body);
            if number == 3 {
                answer.envelope.flags |= hufu_ident::systems::handle::wire::Envelope::ENCRYPTED;
            }
            bend(&mut answer);
            answer
        });
        let recursor = country.recursor(Default::default());
        let resolution = resolve(&recursor, "88.118.8/x").await;
        assert!(is_unreachable(&resolution), "{number}: {resolution:?}");
        assert_eq!(kept(&recursor, "88.118.8/x"), None);
    }
}

fn header(message: &mut Message, change: impl FnOnce(&mut hufu_ident::systems::handle::wire::Header)) {
    if let Content::Plain(plain) = &mut message.content {
        change(&mut plain.header);
    }
}

#[tokio::test(start_paused = true)]
async fn a_private_value_that_upstream_leaks_is_not_kept() {
    let country = Country::new();
    country.network.lies(ENTERPRISE, |name, answer| {
        let secret = Value::new(300, "HS_SECKEY", "open sesame").with_permissions(0x0C);
        let values = url("x").into_iter().chain([secret]).collect();
        instead(answer, ResponseCode::SUCCESS, Body::Values { handle: name.into(), values })
    });
    let recursor = country.recursor(Default::default());
    let resolution = resolve(&recursor, "88.118.8/x").await;
    let Resolved::Values(values) = &resolution.resolved else { panic!("{resolution:?}") };
    assert_eq!(values.iter().map(|value| value.index).collect::<Vec<_>>(), [1]);
    assert_eq!(kept(&recursor, "88.118.8/x"), Some(Remembered::Values(values.clone())));
}

#[tokio::test(start_paused = true)]
async fn an_index_is_kept_once() {
    let country = Country::new();
    country.network.lies(ENTERPRISE, |name, answer| {
        let values = [url("one"), url("two")].concat();
        instead(answer, ResponseCode::SUCCESS, Body::Values { handle: name.into(), values })
    });
    let recursor = country.recursor(Default::default());
    let resolution = resolve(&recursor, "88.118.8/x").await;
    assert!(matches!(&resolution.resolved, Resolved::Values(values) if values.len() == 1), "{resolution:?}");
}

const WARY: RecursorLimits = RecursorLimits {
    deadline: std::time::Duration::from_secs(8),
    attempt: std::time::Duration::from_secs(2),
    max_ttl: std::time::Duration::from_secs(3600),
    negative_ttl: std::time::Duration::from_secs(30),
    max_stale: std::time::Duration::from_secs(3600),
    in_flight: 100,
    private_addresses: false,
};

#[tokio::test(start_paused = true)]
async fn records_do_not_send_us_into_our_own_network() {
    let inside = [
        "127.0.0.1",
        "127.8.8.8",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fc00::1",
        "fe80::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
    ];
    for host in inside {
        let at = match host.contains(':') {
            true => format!("[{host}]:2641"),
            false => format!("{host}:2641"),
        };
        let country = Country::new();
        country.network.add(&at, &country.enterprise);
        let direct = site_value(1, kind::SITE, &at);
        let aside = site_at(address("203.0.113.250:2641")).with_attribute("alt_addr", host);
        for place in [direct, value_of(1, kind::SITE, &aside)] {
            country.secondary.put("0.NA/88.118.8", vec![place]);
            let recursor = country.recursor(WARY);
            assert!(is_unreachable(&resolve(&recursor, "88.118.8/x").await), "{host}");
        }
        let inside = |asked: &crate::network::Asked| asked.to.ip().to_canonical() == address(&at).ip().to_canonical();
        assert!(!country.network.log().iter().any(inside), "{host}");
    }
}

#[tokio::test(start_paused = true)]
async fn referrals_do_not_either() {
    let country = Country::new();
    country.network.add("10.0.0.8:2641", &country.enterprise);
    let there = vec![site_value(1, kind::SITE, "10.0.0.8:2641")];
    let body = Body::Referral { handle: Vec::new(), values: Some(there) };
    country.network.lies(ENTERPRISE, move |_, answer| instead(answer, ResponseCode::SERVICE_REFERRAL, body.clone()));
    let recursor = country.recursor(WARY);
    assert!(is_unreachable(&resolve(&recursor, "88.118.8/x").await));
    assert_eq!(country.network.count("10.0.0.8:2641"), 0);
    let open = country.recursor(Default::default());
    assert_eq!(text(&resolve(&open, "88.118.8/x").await), "https://example.test/x", "unless it is allowed");
}

#[tokio::test(start_paused = true)]
async fn configured_addresses_may_be_private() {
    let country = Country::new();
    let private = "10.0.0.1:2641";
    country.network.add(private, &country.root);
    let site = site_at(address("203.0.113.251:2641")).with_attribute("alt_addr", "10.0.0.1");
    for site in [site_at(address(private)), site] {
        let mut bootstrap = Bootstrap::default();
        bootstrap.add_root(site);
        let recursor = country.recursor_from(bootstrap, WARY);
        assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
    }
    // A record that names the configured address is followed too.
    country.root.home("77");
    country.root.put("0.NA/77", vec![site_value(1, kind::SITE, private)]);
    country.root.put("77/x", url("77"));
    let mut bootstrap = Bootstrap::default();
    bootstrap.add_root(site_at(address(private)));
    let recursor = country.recursor_from(bootstrap, WARY);
    assert_eq!(text(&resolve(&recursor, "77/x").await), "https://example.test/77");
}

#[tokio::test(start_paused = true)]
async fn a_message_for_the_responsible_servers_reaches_one_that_is() {
    use hufu_ident::systems::handle::wire::{Envelope, Header, flag};
    let country = Country::new();
    let sites = vec![site_value(1, kind::SITE, SIBLING), site_value(2, kind::SITE, ENTERPRISE)];
    country.secondary.put("0.NA/88.118.8", sites);
    let recursor = country.recursor(Default::default());
    let name = identifier("88.118.8/x");
    let question = |id| {
        let header = Header::request(OpCode::RESOLUTION, flag::PUBL, 0);
        let body = Body::Resolve { handle: name.as_str().into(), selection: Default::default() };
        Message::new(Envelope::new(id), header, body)
    };
    let answer = recursor.ask_responsible(&name, &question(7)).await.expect("an answer");
    assert_eq!((answer.envelope.request_id, answer.plain().unwrap().header.response), (7, ResponseCode::SUCCESS));

    country.network.lies(ENTERPRISE, |_, mut answer| {
        answer.envelope.request_id = 99;
        answer
    });
    let bent = recursor.ask_responsible(&name, &question(7)).await;
    assert!(matches!(bent, Err(Resolved::Unreachable(_))), "{bent:?}");

    for at in [ENTERPRISE, SIBLING] {
        country.network.set(at, Mode::Down);
    }
    let started = tokio::time::Instant::now();
    let late = recursor.ask_responsible(&name, &question(7)).await;
    assert!(matches!(late, Err(Resolved::Unreachable(_))));
    assert!(started.elapsed() <= crate::country::seconds(8));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_without_a_beginning() {
    let country = Country::new();
    let recursor = country.recursor_from(Bootstrap::default(), Default::default());
    for name in ["88.118.8/x", "0.NA/88", "88", "0.SERV/1", "x", "/", "a/", "0.NA/", "....../x"] {
        assert_eq!(resolve(&recursor, name).await.resolved, Resolved::NotResponsible, "{name}");
    }
    assert_eq!(country.network.total(), 0);
    // One that is found out later counts.
    let mut bootstrap = Bootstrap::default();
    bootstrap.add_root(site_at(address(ROOT)));
    recursor.set_bootstrap(bootstrap);
    recursor.cache().clear();
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
    assert!(!recursor.bootstrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn names_of_many_segments_cost_little() {
    let country = Country::new();
    let recursor = country.recursor(Default::default());
    let deep = format!("88.118.8{}/x", ".1".repeat(900));
    assert_eq!(resolve(&recursor, &deep).await.resolved, Resolved::NotResponsible);
    assert!(country.network.total() < 10, "{}", country.network.total());

    // A server that says yes to everything is bounded as well.
    let yes = |name: &str, answer| {
        let values = vec![site_value(1, kind::SITE, SECONDARY), site_value(2, kind::SITE_PREFIX, SECONDARY)];
        instead(answer, ResponseCode::SUCCESS, Body::Values { handle: name.into(), values })
    };
    country.network.lies(SECONDARY, yes);
    recursor.cache().clear();
    country.network.forget();
    let resolved = recursor.resolve(&identifier(&deep), Default::default(), &Trace::off()).await.resolved;
    assert_eq!(resolved, Resolved::Loop);
    assert!(country.network.total() <= 100, "{}", country.network.total());
}
