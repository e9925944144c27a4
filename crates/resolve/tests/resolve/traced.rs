//! The trace tells the whole way, hop by hop.

use crate::country::{Country, ENTERPRISE, ROOT, SECONDARY, SIBLING, TOP_88, pass, seconds, site_value, url_for};
use crate::network::{Mode, Network, address, identifier};
use hufu_ident::Ttl;
use hufu_ident::systems::handle::{Protocol, kind};
use hufu_resolve::{Ask, CacheState, Endpoint, Hop, Recursor, Trace};
use std::time::Duration;

async fn traced(recursor: &Recursor<Network>, name: &str) -> Vec<Hop> {
    let trace = Trace::on();
    recursor.resolve(&identifier(name), Ask::default(), &trace).await;
    trace.take()
}

fn lines(hops: &[Hop]) -> Vec<String> {
    let line = |hop: &Hop| {
        let server = hop.server.map_or_else(|| "cache".into(), |server| server.to_string());
        format!("{} {} {} {} ({})", hop.question, server, hop.cache.name(), hop.outcome, hop.values)
    };
    hops.iter().map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn every_question_and_every_memory_is_a_hop_in_order() {
    let country = Country::new();
    country.network.set(SECONDARY, Mode::Slow(Duration::from_millis(70)));
    let recursor = country.recursor(Default::default());
    let hops = traced(&recursor, "88.118.8/x").await;
    let expected = [
        format!("0.NA/88 {ROOT}/udp miss 1 SUCCESS (2)"),
        "0.NA/88 cache hit 1 SUCCESS (2)".into(),
        format!("0.NA/88.118 {TOP_88}/udp miss 1 SUCCESS (2)"),
        format!("0.NA/88.118.8 {SECONDARY}/udp miss 1 SUCCESS (1)"),
        format!("88.118.8/x {ENTERPRISE}/udp miss 1 SUCCESS (1)"),
    ];
    assert_eq!(lines(&hops), expected);
    assert_eq!(hops[3].took, Duration::from_millis(70));

    assert_eq!(lines(&traced(&recursor, "88.118.8/x").await), ["88.118.8/x cache hit 1 SUCCESS (1)"]);
    let expected = [
        "0.NA/88.118.8 cache hit 1 SUCCESS (1)".into(),
        format!("88.118.8/none {ENTERPRISE}/udp miss 100 HANDLE_NOT_FOUND (0)"),
    ];
    assert_eq!(lines(&traced(&recursor, "88.118.8/none").await), expected);
    let again = traced(&recursor, "88.118.8/none").await;
    assert_eq!(lines(&again), ["88.118.8/none cache negative 100 HANDLE_NOT_FOUND (0)"]);
}

#[tokio::test(start_paused = true)]
async fn failures_and_what_is_past_its_time_are_told() {
    let country = Country::new();
    country.enterprise.put("88.118.8/x", url_for("x", Ttl::Relative(60)));
    let recursor = country.recursor(Default::default());
    traced(&recursor, "88.118.8/x").await;
    pass(seconds(61)).await;
    country.network.set(ENTERPRISE, Mode::Refusing);
    let hops = traced(&recursor, "88.118.8/x").await;
    let outcome = |protocol| {
        let server = Endpoint { address: address(ENTERPRISE), protocol };
        format!("88.118.8/x {server} miss {server} cannot be reached: refused (0)")
    };
    let expected = [
        "0.NA/88.118.8 cache hit 1 SUCCESS (1)".into(),
        outcome(Protocol::Udp),
        outcome(Protocol::Tcp),
        "88.118.8/x cache stale 1 SUCCESS (1)".into(),
    ];
    assert_eq!(lines(&hops), expected);
}

#[tokio::test(start_paused = true)]
async fn referrals_are_hops() {
    let country = Country::new();
    country.root.put("0.NA/88.118", vec![site_value(1, kind::SITE, TOP_88)]);
    country.secondary.put("0.NA/88.118.8", vec![site_value(1, kind::SITE, SIBLING)]);
    country.top.put("0.NA/88.118", vec![site_value(2, kind::SITE_PREFIX, SECONDARY)]);
    let recursor = country.recursor(Default::default());
    let mut bootstrap = hufu_resolve::Bootstrap::default();
    bootstrap.add(hufu_ident::Prefix::folded("88.118"), hufu_resolve::bootstrap::site_at(address(TOP_88)));
    recursor.set_bootstrap(bootstrap);
    let hops = traced(&recursor, "0.NA/88.118.8").await;
    let outcomes: Vec<_> = hops.iter().map(|hop| hop.outcome.as_str()).collect();
    assert_eq!(outcomes, ["303 PREFIX_REFERRAL", "1 SUCCESS"]);
    assert_eq!(hops[0].values, 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_joins_a_question_is_told_so() {
    let country = Country::new();
    let recursor = country.recursor(Default::default());
    country.network.set(ENTERPRISE, Mode::Slow(Duration::from_millis(50)));
    let (first, second) = tokio::join!(traced(&recursor, "88.118.8/x"), traced(&recursor, "88.118.8/x"));
    assert!(first.len() > 3);
    assert_eq!(lines(&second), ["88.118.8/x cache miss 1 SUCCESS (1)"]);
    assert!(second.iter().all(|hop| hop.cache == CacheState::Miss && hop.server.is_none()));
}
