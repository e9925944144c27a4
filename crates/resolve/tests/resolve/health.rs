//! Which server is asked first: the ones that answer, and those that failed again after a while.

use crate::country::{
    Country, ENTERPRISE, SIBLING, is_unreachable, pass, resolve, seconds, site_value, text, url, value_of,
};
use crate::network::{Mode, address, instead};
use hufu_ident::systems::handle::wire::Body;
use hufu_ident::systems::handle::{Protocol, kind};
use hufu_resolve::Endpoint;
use hufu_resolve::bootstrap::site_at;
use hufu_resolve::health::Health;
use std::net::SocketAddr;
use std::time::Duration;

fn endpoint(host: u8) -> Endpoint {
    Endpoint { address: SocketAddr::from(([203, 0, 113, host], 2641)), protocol: Protocol::Udp }
}

fn order(health: &Health, now: u64) -> Vec<u8> {
    let mut endpoints: Vec<_> = (1..=3).map(endpoint).collect();
    health.order(&mut endpoints, now);
    endpoints.into_iter().map(|endpoint| endpoint.address.to_string().as_bytes()[10] - b'0').collect()
}

/// The country with a second site for 88.118.8, listed after the first.
fn two_sites() -> Country {
    let country = Country::new();
    let sites = vec![site_value(1, kind::SITE, ENTERPRISE), site_value(2, kind::SITE, SIBLING)];
    country.secondary.put("0.NA/88.118.8", sites);
    country.network.add(SIBLING, &country.enterprise);
    country
}

#[test]
fn what_failed_comes_last_and_comes_back() {
    let health = Health::default();
    assert_eq!(order(&health, 0), [1, 2, 3], "nothing is known: as given");
    health.failed(endpoint(1), 1_000);
    assert_eq!(order(&health, 1_000), [2, 3, 1]);
    assert!(health.is_paused(&endpoint(1), 5_999) && !health.is_paused(&endpoint(1), 6_000));
    assert_eq!(order(&health, 6_000), [1, 2, 3], "it gets another chance");
    health.failed(endpoint(1), 6_000);
    assert!(health.is_paused(&endpoint(1), 15_999), "and a longer pause the second time");
    health.answered(endpoint(1), Duration::from_millis(1));
    assert_eq!(order(&health, 6_001), [1, 2, 3]);
}

#[test]
fn pauses_grow_to_a_minute_and_no_further() {
    let health = Health::default();
    let minute = 60_000;
    for round in 0..100 {
        health.failed(endpoint(1), round * minute);
    }
    let last = 99 * minute;
    assert!(health.is_paused(&endpoint(1), last + 59_999) && !health.is_paused(&endpoint(1), last + minute));
}

#[test]
fn one_outage_counts_once_however_many_askers_meet_it() {
    let health = Health::default();
    for _ in 0..100 {
        health.failed(endpoint(1), 0);
    }
    assert!(health.is_paused(&endpoint(1), 4_999) && !health.is_paused(&endpoint(1), 5_000));
}

#[test]
fn faster_servers_come_first_but_small_differences_do_not_count() {
    let health = Health::default();
    health.answered(endpoint(1), Duration::from_millis(320));
    health.answered(endpoint(2), Duration::from_millis(40));
    health.answered(endpoint(3), Duration::from_millis(10));
    assert_eq!(order(&health, 0), [2, 3, 1]);
    for _ in 0..40 {
        health.answered(endpoint(1), Duration::from_millis(5));
    }
    assert_eq!(order(&health, 0), [1, 2, 3], "it has recovered");
}

#[tokio::test(start_paused = true)]
async fn a_dead_server_costs_the_first_asker_only() {
    let country = two_sites();
    country.network.set(ENTERPRISE, Mode::Down);
    let recursor = country.recursor(Default::default());
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
    assert_eq!((country.network.count(ENTERPRISE), country.network.count(SIBLING)), (2, 1));
    country.network.forget();
    assert_eq!(text(&resolve(&recursor, "88.118.8/y").await), "https://example.test/y");
    assert_eq!((country.network.count(ENTERPRISE), country.network.count(SIBLING)), (0, 1));

    country.network.set(ENTERPRISE, Mode::Up);
    pass(seconds(61)).await;
    country.network.forget();
    resolve(&recursor, "88.118.8/z").await;
    assert_eq!((country.network.count(ENTERPRISE), country.network.count(SIBLING)), (1, 0), "it came back");
}

#[tokio::test(start_paused = true)]
async fn paused_servers_are_asked_when_there_is_no_other() {
    let country = two_sites();
    country.network.set(ENTERPRISE, Mode::Refusing);
    country.network.set(SIBLING, Mode::Refusing);
    let recursor = country.recursor(Default::default());
    assert!(is_unreachable(&resolve(&recursor, "88.118.8/x").await));
    country.network.set(SIBLING, Mode::Up);
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
}

#[tokio::test(start_paused = true)]
async fn where_datagrams_are_lost_a_stream_is_tried() {
    let country = Country::new();
    country.network.set_one(ENTERPRISE, Protocol::Udp, Mode::Down);
    let recursor = country.recursor(Default::default());
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
    country.network.forget();
    resolve(&recursor, "88.118.8/y").await;
    let by: Vec<_> = country.network.log().into_iter().map(|asked| asked.protocol).collect();
    assert_eq!(by, [Protocol::Tcp], "and then it is tried first");
}

#[tokio::test(start_paused = true)]
async fn an_alternative_address_is_tried() {
    let country = Country::new();
    let site = site_at(address(ENTERPRISE)).with_attribute("alt_addr", "203.0.113.208");
    country.secondary.put("0.NA/88.118.8", vec![value_of(1, kind::SITE, &site)]);
    country.network.add("203.0.113.208:2641", &country.enterprise);
    country.network.set(ENTERPRISE, Mode::Down);
    let recursor = country.recursor(Default::default());
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
    assert_eq!(country.network.count("203.0.113.208:2641"), 1);
}

#[tokio::test(start_paused = true)]
async fn garbage_counts_as_silence() {
    let country = two_sites();
    let garbage: [&[u8]; 4] = [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", &[0; 20], &[0xFF; 64]];
    for octets in garbage {
        country.network.set(ENTERPRISE, Mode::Noise(octets.to_vec()));
        let recursor = country.recursor(Default::default());
        assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
    }
    country.network.lies(ENTERPRISE, |_, answer| {
        let code = answer.plain().expect("plain").header.response;
        instead(answer, code, Body::Values { handle: b"88.118.8/x".to_vec(), values: url("other") })
    });
    let recursor = country.recursor(Default::default());
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/other", "the lie was read");
}

#[tokio::test(start_paused = true)]
async fn a_record_of_a_hundred_addresses_is_not_a_list_of_targets() {
    let country = Country::new();
    let sites = (1..=100).map(|host| site_value(host, kind::SITE, &format!("203.0.113.{}:2641", host + 130)));
    country.secondary.put("0.NA/88.118.8", sites.collect());
    let recursor = country.recursor(Default::default());
    assert!(is_unreachable(&resolve(&recursor, "88.118.8/x").await));
    assert_eq!(country.network.total(), 3 + 16);
}
