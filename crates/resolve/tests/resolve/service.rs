//! HS_SERV and its kin: services named by handles, nested, circular, too deep, or not to be reached.

use crate::country::{
    Country, ENTERPRISE, ROOT, SIBLING, TOP_86, is_unreachable, pass, resolve, seconds, site_value, text, url,
};
use crate::network::{Mode, identifier};
use hufu_ident::Value;
use hufu_ident::systems::handle::kind;
use hufu_resolve::{Ask, CacheState, Resolved, Trace};
use std::time::Duration;
use tokio::time::Instant;

fn serv(index: u32, name: &str) -> Value {
    Value::new(index, kind::SERV, name)
}

#[tokio::test(start_paused = true)]
async fn services_are_followed_through_their_handles() {
    let country = Country::new();
    country.root.home("0.SERV");
    country.secondary.put("0.NA/88.118.8", vec![serv(1, "0.SERV/outer")]);
    country.root.put("0.SERV/outer", vec![serv(1, "0.SERV/inner")]);
    country.root.put("0.SERV/inner", vec![site_value(1, kind::SITE, ENTERPRISE)]);
    let recursor = country.recursor(Default::default());
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
    country.network.forget();
    assert_eq!(text(&resolve(&recursor, "88.118.8/y").await), "https://example.test/y");
    assert_eq!(country.network.total(), 1, "service handles are remembered like any record");
}

#[tokio::test(start_paused = true)]
async fn a_service_handle_may_live_in_another_branch() {
    let country = Country::new();
    country.secondary.put("0.NA/88.118.8", vec![serv(1, "86/service")]);
    let top_86 = country.below(&country.root, "86", TOP_86);
    top_86.put("86/service", vec![site_value(1, kind::SITE, ENTERPRISE)]);
    let recursor = country.recursor(Default::default());
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
}

#[tokio::test(start_paused = true)]
async fn the_roots_own_service_needs_no_question() {
    let country = Country::new();
    country.root.home("77");
    country.root.put("0.NA/77", vec![serv(1, "0.na/0.NA")]);
    country.root.put("77/x", url("at the root"));
    let recursor = country.recursor(Default::default());
    assert_eq!(text(&resolve(&recursor, "77/x").await), "https://example.test/at the root");
    assert_eq!(country.network.count(ROOT), 2);
}

#[tokio::test(start_paused = true)]
async fn prefixes_below_can_be_served_by_a_named_service() {
    let country = Country::new();
    country.root.home("0.SERV");
    country.root.put("0.NA/88", vec![Value::new(1, kind::SERV_PREFIX, "0.SERV/top")]);
    country.root.put("0.SERV/top", vec![site_value(1, kind::SITE, crate::country::TOP_88)]);
    let recursor = country.recursor(Default::default());
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
}

#[tokio::test(start_paused = true)]
async fn services_that_name_each_other_are_cut() {
    for (family, asked) in [("0.SERV", 5), ("77", 6)] {
        let country = Country::new();
        country.root.home(family);
        country.root.put("0.NA/77", vec![serv(1, "0.NA/0.NA")]);
        let (a, b) = (format!("{family}/a"), format!("{family}/b"));
        country.root.put(&a, vec![serv(1, &b)]);
        country.root.put(&b, vec![serv(1, &a)]);
        country.secondary.put("0.NA/88.118.8", vec![serv(1, &a)]);
        let recursor = country.recursor(Default::default());
        let trace = Trace::on();
        let resolution = recursor.resolve(&identifier("88.118.8/x"), Ask::default(), &trace).await;
        assert_eq!(resolution.resolved, Resolved::Loop);
        assert_eq!(country.network.total(), asked);
        assert!(trace.take().len() < 12, "remembered handles do not go round either");
        // With one way out of the circle the name resolves.
        country.root.put(&b, vec![serv(1, &a), site_value(2, kind::SITE, ENTERPRISE)]);
        recursor.cache().clear();
        assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_whose_service_lies_under_its_own_prefix_ends() {
    let country = Country::new();
    country.secondary.put("0.NA/88.118.8", vec![serv(1, "88.118.8/service")]);
    let recursor = country.recursor(Default::default());
    for name in ["88.118.8/x", "88.118.8/service"] {
        let resolved = resolve(&recursor, name).await.resolved;
        assert!(matches!(resolved, Resolved::Loop | Resolved::Unreachable(_)), "{name}: {resolved:?}");
    }
    country.secondary.put("0.NA/88.118.8", vec![serv(1, "0.NA/88.118.8")]);
    recursor.cache().clear();
    assert_eq!(resolve(&recursor, "88.118.8/x").await.resolved, Resolved::Loop);
    assert_eq!(recursor.under_way(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_services_is_followed_twenty_deep() {
    for (links, followed) in [(19, true), (20, false)] {
        let country = Country::new();
        country.root.home("0.SERV");
        for link in 0..links {
            country.root.put(&format!("0.SERV/{link}"), vec![serv(1, &format!("0.SERV/{}", link + 1))]);
        }
        country.root.put(&format!("0.SERV/{links}"), vec![site_value(1, kind::SITE, ENTERPRISE)]);
        country.secondary.put("0.NA/88.118.8", vec![serv(1, "0.SERV/0")]);
        let recursor = country.recursor(Default::default());
        let resolved = resolve(&recursor, "88.118.8/x").await.resolved;
        assert_eq!(matches!(resolved, Resolved::Values(_)), followed, "{links}: {resolved:?}");
        assert_eq!(resolved == Resolved::Loop, !followed);
    }
}

/// Each layer names all of the next: 12^20 ways, none of which may be walked twice for ever.
#[tokio::test]
async fn services_that_fan_out_do_not_make_a_flood() {
    let country = Country::new();
    country.root.home("0.SERV");
    for layer in 0..20 {
        for place in 0..12 {
            let next = (0..12).map(|next| serv(next + 1, &format!("0.SERV/{}.{next}", layer + 1)));
            country.root.put(&format!("0.SERV/{layer}.{place}"), next.collect());
        }
    }
    country.secondary.put("0.NA/88.118.8", vec![serv(1, "0.SERV/0.0")]);
    let recursor = country.recursor(Default::default());
    let started = Instant::now();
    for _ in 0..20 {
        country.network.forget();
        let resolved = resolve(&recursor, "88.118.8/x").await.resolved;
        assert!(matches!(resolved, Resolved::Loop), "{resolved:?}");
        assert!(country.network.total() <= 100, "{} questions", country.network.total());
    }
    assert!(started.elapsed() < seconds(8), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_cannot_be_asked_is_no_proof_that_there_is_none() {
    let country = Country::new();
    let top_86 = country.below(&country.root, "86", TOP_86);
    let short = hufu_ident::Ttl::Relative(60);
    let place = Value { ttl: short, ..site_value(1, kind::SITE, ENTERPRISE) };
    top_86.put("86/service", vec![place]);
    country.secondary.put("0.NA/88.118.8", vec![serv(1, "86/service")]);
    let recursor = country.recursor(Default::default());
    country.network.set(TOP_86, Mode::Refusing);
    let before = resolve(&recursor, "88.118.8/x").await;
    assert!(is_unreachable(&before), "{before:?}");
    country.network.set(TOP_86, Mode::Up);
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x", "at once: it was no absence");

    // What is known stays known when the service handle and its server are gone for a while.
    pass(seconds(90_000)).await;
    country.network.set(TOP_86, Mode::Refusing);
    country.network.set(ENTERPRISE, Mode::Refusing);
    let after = resolve(&recursor, "88.118.8/x").await;
    assert_eq!((text(&after).as_str(), after.cache), ("https://example.test/x", CacheState::Stale));
}

#[tokio::test(start_paused = true)]
async fn two_walks_that_wait_for_each_other_end_in_time() {
    let country = Country::new();
    country.below(&country.root, "71", SIBLING);
    country.root.put("0.NA/71", vec![serv(1, "72/service")]);
    country.root.put("0.NA/72", vec![serv(1, "71/service")]);
    country.network.set(ROOT, Mode::Slow(Duration::from_millis(20)));
    let recursor = country.recursor(Default::default());
    let started = Instant::now();
    let asks: Vec<_> = ["71/x", "72/x", "71/service", "72/service", "0.NA/71", "0.NA/72"]
        .map(|name| {
            let recursor = recursor.clone();
            tokio::spawn(async move { (name, resolve(&recursor, name).await.resolved) })
        })
        .into();
    for ask in asks {
        let (name, resolved) = ask.await.expect("no panic");
        match name.starts_with("0.NA/") {
            true => assert!(matches!(resolved, Resolved::Values(_)), "{name}: {resolved:?}"),
            false => {
                assert!(matches!(resolved, Resolved::Loop | Resolved::Unreachable(_)), "{name}: {resolved:?}")
            }
        }
    }
    assert!(started.elapsed() <= seconds(9), "{:?}", started.elapsed());
    assert_eq!(recursor.under_way(), 0);
}
