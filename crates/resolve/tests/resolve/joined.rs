//! Many askers at once: one walk for all, nobody left hanging, and a bound on what is under way.

use crate::country::{Country, ENTERPRISE, SECONDARY, is_unreachable, resolve, resolve_anew, seconds, text};
use crate::network::{Mode, Network};
use hufu_ident::systems::handle::wire::flag;
use hufu_resolve::{Recursor, RecursorLimits, Resolution, Resolved};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

const PAUSE: Duration = Duration::from_millis(50);

fn spawn(recursor: &Arc<Recursor<Network>>, name: &str) -> JoinHandle<Resolution> {
    let (recursor, name) = (recursor.clone(), name.to_owned());
    tokio::spawn(async move { resolve(&recursor, &name).await })
}

#[tokio::test(start_paused = true)]
async fn a_hundred_identical_questions_are_one_walk() {
    let country = Country::new();
    let recursor = country.recursor(Default::default());
    country.network.set(ENTERPRISE, Mode::Slow(PAUSE));
    let asks: Vec<_> = ["88.118.8/x", "88.118.8/X"].iter().cycle().take(100).map(|n| spawn(&recursor, n)).collect();
    for ask in asks {
        assert_eq!(text(&ask.await.expect("no panic")), "https://example.test/x");
    }
    assert_eq!(country.network.total(), 4);
    assert_eq!(recursor.under_way(), 0);
}

#[tokio::test(start_paused = true)]
async fn different_names_share_the_way_to_them() {
    let country = Country::new();
    let recursor = country.recursor(Default::default());
    country.network.set(SECONDARY, Mode::Slow(PAUSE));
    let asks: Vec<_> = (0..100).map(|number| spawn(&recursor, &format!("88.118.8/{number}"))).collect();
    for ask in asks {
        assert_eq!(ask.await.expect("no panic").resolved, Resolved::NotFound);
    }
    assert_eq!(country.network.total(), 3 + 100);
}

#[tokio::test(start_paused = true)]
async fn an_asker_who_leaves_takes_nobody_along() {
    let country = Country::new();
    let recursor = country.recursor(Default::default());
    country.network.set(ENTERPRISE, Mode::Slow(PAUSE));
    let asks: Vec<_> = (0..10).map(|_| spawn(&recursor, "88.118.8/x")).collect();
    tokio::time::sleep(PAUSE / 2).await;
    for ask in &asks[..4] {
        ask.abort();
    }
    for (position, ask) in asks.into_iter().enumerate() {
        match ask.await {
            Ok(resolution) => assert_eq!(text(&resolution), "https://example.test/x"),
            Err(gone) => assert!(gone.is_cancelled() && position < 4),
        }
    }
    assert_eq!(country.network.count(ENTERPRISE), 2, "one of those who stayed asked once more");
    assert_eq!(recursor.under_way(), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_questions_that_all_have_given_up() {
    let country = Country::new();
    let recursor = country.recursor(RecursorLimits { in_flight: 8, ..RecursorLimits::default() });
    country.network.set(ENTERPRISE, Mode::Down);
    let asks: Vec<_> = (0..40).map(|number| spawn(&recursor, &format!("88.118.8/{}", number % 8))).collect();
    tokio::time::sleep(PAUSE).await;
    assert_eq!(recursor.under_way(), 8);
    for ask in &asks {
        ask.abort();
    }
    for ask in asks {
        assert!(ask.await.is_err());
    }
    assert_eq!(recursor.under_way(), 0);
    country.network.set(ENTERPRISE, Mode::Up);
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
}

#[tokio::test(start_paused = true)]
async fn more_than_the_bound_is_refused_and_later_served() {
    let country = Country::new();
    let recursor = country.recursor(RecursorLimits { in_flight: 2, ..RecursorLimits::default() });
    resolve(&recursor, "88.118.8/z").await;
    country.network.set(ENTERPRISE, Mode::Slow(PAUSE));
    let under_way = [spawn(&recursor, "88.118.8/1"), spawn(&recursor, "88.118.8/2")];
    tokio::time::sleep(PAUSE / 2).await;
    assert_eq!(resolve(&recursor, "88.118.8/3").await.resolved, Resolved::Busy);
    assert_eq!(resolve_anew(&recursor, "88.118.8/3").await.resolved, Resolved::Busy, "authoritative ones count too");
    let sites = recursor.sites_for(&crate::network::identifier("88.118.9/x"), &hufu_resolve::Trace::off()).await;
    assert_eq!(sites, Err(Resolved::Busy));
    assert_eq!(text(&resolve(&recursor, "88.118.8/z").await), "https://example.test/z", "the cache is never busy");
    let joined = spawn(&recursor, "88.118.8/1");
    for ask in under_way.into_iter().chain([joined]) {
        assert_eq!(ask.await.expect("no panic").resolved, Resolved::NotFound, "joining takes no room");
    }
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
}

#[tokio::test(start_paused = true)]
async fn one_place_is_enough_for_a_whole_walk() {
    let country = Country::new();
    let recursor = country.recursor(RecursorLimits { in_flight: 1, ..RecursorLimits::default() });
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
    let closed = country.recursor(RecursorLimits { in_flight: 0, ..RecursorLimits::default() });
    assert_eq!(resolve(&closed, "88.118.8/x").await.resolved, Resolved::Busy);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_shared_but_not_kept() {
    let country = Country::new();
    let recursor = country.recursor(Default::default());
    country.network.set(ENTERPRISE, Mode::Down);
    let asks: Vec<_> = (0..20).map(|_| spawn(&recursor, "88.118.8/x")).collect();
    for ask in asks {
        assert!(is_unreachable(&ask.await.expect("no panic")));
    }
    assert_eq!(country.network.count(ENTERPRISE), 2, "UDP and TCP, once for all");
    country.network.set(ENTERPRISE, Mode::Up);
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
}

#[tokio::test(start_paused = true)]
async fn whoever_wants_an_authority_joins_nobody() {
    let country = Country::new();
    let recursor = country.recursor(Default::default());
    country.network.set(ENTERPRISE, Mode::Slow(PAUSE));
    let ordinary = spawn(&recursor, "88.118.8/x");
    tokio::time::sleep(PAUSE / 2).await;
    assert_eq!(text(&resolve_anew(&recursor, "88.118.8/x").await), "https://example.test/x");
    ordinary.await.expect("no panic");
    let flags: Vec<_> = country.network.log().iter().map(|asked| asked.flags & flag::AUTH).collect();
    assert_eq!(flags, [0, 0, 0, 0, flag::AUTH]);
}

#[tokio::test(start_paused = true)]
async fn everybody_keeps_their_own_deadline() {
    let country = Country::new();
    let limits = RecursorLimits { deadline: seconds(3), attempt: seconds(10), ..RecursorLimits::default() };
    let recursor = country.recursor(limits);
    resolve(&recursor, "88.118.8/z").await;
    country.network.set(ENTERPRISE, Mode::Down);
    let first = spawn(&recursor, "88.118.8/x");
    tokio::time::sleep(seconds(2)).await;
    let second = spawn(&recursor, "88.118.8/x");
    assert!(is_unreachable(&first.await.expect("no panic")));
    country.network.set(ENTERPRISE, Mode::Up);
    let started = tokio::time::Instant::now();
    let second = second.await.expect("no panic");
    assert!(started.elapsed() <= seconds(2));
    assert!(is_unreachable(&second), "it took over and asked while the server was still down: {second:?}");
    assert_eq!(recursor.under_way(), 0);
}

/// Askers that come and go on several threads: whoever stays is served, and nothing is left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_that_comes_and_goes_leaves_nothing_behind() {
    let country = Country::new();
    let limits = RecursorLimits { negative_ttl: Duration::ZERO, ..RecursorLimits::default() };
    let recursor = country.recursor(limits);
    country.network.set(ENTERPRISE, Mode::Slow(Duration::from_millis(2)));
    for round in 0..40 {
        let asks: Vec<_> = (0..60).map(|asker| spawn(&recursor, &format!("88.118.8/{}", asker % 5))).collect();
        tokio::time::sleep(Duration::from_micros(round * 100)).await;
        for ask in asks.iter().step_by(3) {
            ask.abort();
        }
        for (position, ask) in asks.into_iter().enumerate() {
            match ask.await {
                Ok(resolution) => assert_eq!(resolution.resolved, Resolved::NotFound),
                Err(gone) => assert!(gone.is_cancelled() && position % 3 == 0),
            }
        }
        assert_eq!(recursor.under_way(), 0);
    }
}
