//! How long answers live: by their TTL, by configuration, and past their time while nobody answers.

use crate::country::{
    Country, ENTERPRISE, EPOCH, ROOT, SECONDARY, TOP_88, is_unreachable, pass, resolve, resolve_anew, seconds, text,
    url, url_for,
};
use crate::network::{Mode, Network, identifier};
use hufu_ident::{CaseRule, Ttl, Value};
use hufu_resolve::{Ask, CacheState, Freshness, Recursor, RecursorLimits, Resolved, Trace};
use tokio::time::Instant;

const DAY: u64 = 86_400;

async fn state(recursor: &Recursor<Network>, name: &str) -> (CacheState, bool) {
    let resolution = resolve(recursor, name).await;
    (resolution.cache, resolution.stale)
}

const ASKED: (CacheState, bool) = (CacheState::Miss, false);
const KEPT: (CacheState, bool) = (CacheState::Hit, false);
const STALE: (CacheState, bool) = (CacheState::Stale, true);

#[tokio::test(start_paused = true)]
async fn a_value_lives_as_long_as_its_ttl() {
    let country = Country::new();
    country.enterprise.put("88.118.8/x", url_for("x", Ttl::Relative(60)));
    let until = (EPOCH / 1000) as u32 + 90;
    country.enterprise.put("88.118.8/y", url_for("y", Ttl::Absolute(until)));
    country.enterprise.put("88.118.8/z", url_for("z", Ttl::Absolute(until - 1000)));
    let recursor = country.recursor(Default::default());
    for name in ["88.118.8/x", "88.118.8/y", "88.118.8/z"] {
        assert_eq!(state(&recursor, name).await, ASKED);
    }
    assert_eq!(state(&recursor, "88.118.8/z").await, ASKED, "its time was over before it came");
    pass(seconds(59)).await;
    assert_eq!(state(&recursor, "88.118.8/x").await, KEPT);
    pass(seconds(1)).await;
    assert_eq!(state(&recursor, "88.118.8/x").await, ASKED);
    pass(seconds(29)).await;
    assert_eq!(state(&recursor, "88.118.8/y").await, KEPT);
    pass(seconds(1)).await;
    assert_eq!(state(&recursor, "88.118.8/y").await, ASKED);
}

#[tokio::test(start_paused = true)]
async fn a_record_lives_as_long_as_its_shortest_public_value() {
    let country = Country::new();
    let mut values = url_for("x", Ttl::Relative(300));
    values.push(Value { ttl: Ttl::Relative(60), ..Value::new(2, "DESC", "short") });
    values.push(Value { ttl: Ttl::Relative(1), ..Value::new(3, "HS_SECKEY", "s") }.with_permissions(0x0C));
    country.enterprise.put("88.118.8/x", values);
    let recursor = country.recursor(Default::default());
    resolve(&recursor, "88.118.8/x").await;
    pass(seconds(59)).await;
    assert_eq!(state(&recursor, "88.118.8/x").await, KEPT);
    pass(seconds(2)).await;
    assert_eq!(state(&recursor, "88.118.8/x").await, ASKED);
}

#[tokio::test(start_paused = true)]
async fn no_ttl_is_longer_than_is_configured_or_than_two_days() {
    let country = Country::new();
    country.enterprise.put("88.118.8/x", url_for("x", Ttl::Relative(u32::MAX)));
    country.enterprise.put("88.118.8/y", url_for("y", Ttl::Absolute(u32::MAX)));
    let bounded = RecursorLimits { max_ttl: seconds(600), ..RecursorLimits::default() };
    for (limits, most) in [(bounded, 600), (RecursorLimits::default(), 2 * DAY)] {
        let recursor = country.recursor(limits);
        for name in ["88.118.8/x", "88.118.8/y"] {
            resolve(&recursor, name).await;
            pass(seconds(most - 1)).await;
            assert_eq!(state(&recursor, name).await, KEPT, "{name}");
            pass(seconds(2)).await;
            assert_eq!(state(&recursor, name).await, ASKED, "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn absences_live_as_long_as_is_configured() {
    let country = Country::new();
    let recursor = country.recursor(RecursorLimits { negative_ttl: seconds(30), ..RecursorLimits::default() });
    let cases = [("88.118.8/new", Resolved::NotFound), ("88.777/new", Resolved::NotResponsible)];
    for (name, absent) in cases {
        assert_eq!(resolve(&recursor, name).await.resolved, absent, "{name}");
        pass(seconds(29)).await;
        country.network.forget();
        let again = resolve(&recursor, name).await;
        assert_eq!((again.resolved, again.cache), (absent, CacheState::Negative), "{name}");
        assert_eq!(country.network.total(), 0);
    }
    // Both come to be; both are found once the absence is forgotten.
    country.enterprise.put("88.118.8/new", url("new"));
    let sibling = country.below(&country.top, "88.777", crate::country::SIBLING);
    sibling.put("88.777/new", url("new"));
    pass(seconds(30)).await;
    for (name, _) in [("88.118.8/new", ()), ("88.777/new", ())] {
        assert_eq!(text(&resolve(&recursor, name).await), "https://example.test/new", "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_public_is_remembered_like_an_absence() {
    let country = Country::new();
    country.enterprise.put("88.118.8/x", vec![Value::new(1, "URL", "u").with_permissions(0x0C)]);
    let recursor = country.recursor(Default::default());
    for expected in [CacheState::Miss, CacheState::Hit] {
        let resolution = resolve(&recursor, "88.118.8/x").await;
        assert!(matches!(&resolution.resolved, Resolved::Values(values) if values.is_empty()), "{resolution:?}");
        assert_eq!(resolution.cache, expected);
    }
    country.enterprise.put("88.118.8/x", url("published"));
    pass(seconds(31)).await;
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/published");
}

#[tokio::test(start_paused = true)]
async fn a_live_absence_replaces_what_was_known() {
    let country = Country::new();
    country.enterprise.put("88.118.8/x", url_for("x", Ttl::Relative(60)));
    let recursor = country.recursor(Default::default());
    resolve(&recursor, "88.118.8/x").await;
    country.enterprise.delete("88.118.8/x");
    pass(seconds(61)).await;
    assert_eq!(resolve(&recursor, "88.118.8/x").await.resolved, Resolved::NotFound);
    country.network.set(ENTERPRISE, Mode::Refusing);
    pass(seconds(31)).await;
    assert!(is_unreachable(&resolve(&recursor, "88.118.8/x").await), "a deleted record does not rise again");
}

#[tokio::test(start_paused = true)]
async fn when_the_top_is_down_what_is_known_is_served_and_marked() {
    let country = Country::new();
    let recursor = country.recursor(Default::default());
    resolve(&recursor, "88.118.8/x").await;
    for at in [ROOT, TOP_88, SECONDARY, ENTERPRISE] {
        country.network.set(at, Mode::Down);
    }
    assert_eq!(state(&recursor, "88.118.8/x").await, KEPT, "within its time nobody is asked");
    let unknown = resolve(&recursor, "88.118.8/y").await;
    assert!(is_unreachable(&unknown) && unknown.cache == CacheState::Miss);
    pass(seconds(DAY + 1)).await;
    let late = resolve(&recursor, "88.118.8/x").await;
    assert_eq!((late.cache, late.stale, text(&late).as_str()), (CacheState::Stale, true, "https://example.test/x"));
    assert!(is_unreachable(&resolve(&recursor, "88.118.8/y").await));
    let anew = resolve_anew(&recursor, "88.118.8/x").await;
    assert!(is_unreachable(&anew), "whoever wants an authority does not get a memory: {anew:?}");

    for at in [ROOT, TOP_88, SECONDARY, ENTERPRISE] {
        country.network.set(at, Mode::Up);
    }
    pass(seconds(61)).await;
    assert_eq!(state(&recursor, "88.118.8/x").await, ASKED, "recovered");
    assert_eq!(state(&recursor, "88.118.8/x").await, KEPT);
}

#[tokio::test(start_paused = true)]
async fn a_living_enterprise_is_found_past_dead_ancestors() {
    let country = Country::new();
    let recursor = country.recursor(Default::default());
    resolve(&recursor, "88.118.8/x").await;
    pass(seconds(DAY + 1)).await;
    country.enterprise.put("88.118.8/x", url("new"));
    for at in [ROOT, TOP_88, SECONDARY] {
        country.network.set(at, Mode::Down);
    }
    let mut asked = 0;
    let last = loop {
        let resolution = resolve(&recursor, "88.118.8/x").await;
        asked += 1;
        if !resolution.stale || asked == 5 {
            break resolution;
        }
    };
    assert_eq!(text(&last), "https://example.test/new", "after {asked} questions");
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_not_paid_for_again_and_again() {
    let country = Country::new();
    for suffix in ["x", "y", "z"] {
        country.enterprise.put(&format!("88.118.8/{suffix}"), url_for(suffix, Ttl::Relative(60)));
    }
    let recursor = country.recursor(Default::default());
    for name in ["88.118.8/x", "88.118.8/y", "88.118.8/z"] {
        resolve(&recursor, name).await;
    }
    pass(seconds(61)).await;
    country.network.set(ENTERPRISE, Mode::Down);
    assert_eq!(state(&recursor, "88.118.8/x").await, STALE);
    let started = Instant::now();
    for name in ["88.118.8/x", "88.118.8/y", "88.118.8/z", "88.118.8/y"] {
        assert_eq!(state(&recursor, name).await, STALE);
    }
    assert_eq!(started.elapsed(), seconds(0), "the dead server is left alone for a while");
    country.network.set(ENTERPRISE, Mode::Up);
    pass(seconds(61)).await;
    assert_eq!(state(&recursor, "88.118.8/y").await, ASKED);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_served_longer_past_its_time_than_is_configured() {
    let country = Country::new();
    country.enterprise.put("88.118.8/x", url_for("x", Ttl::Relative(60)));
    let limits = RecursorLimits { max_stale: seconds(600), ..RecursorLimits::default() };
    let recursor = country.recursor(limits);
    resolve(&recursor, "88.118.8/x").await;
    country.network.set(ENTERPRISE, Mode::Refusing);
    pass(seconds(659)).await;
    assert_eq!(state(&recursor, "88.118.8/x").await, STALE);
    pass(seconds(2)).await;
    assert!(is_unreachable(&resolve(&recursor, "88.118.8/x").await));
    let key = identifier("88.118.8/x").key(CaseRule::Insensitive);
    assert!(recursor.cache().usable(key.as_bytes(), EPOCH + 659_000).is_some_and(|(_, f)| f == Freshness::Stale));
    assert!(recursor.cache().usable(key.as_bytes(), EPOCH + 661_000).is_none());
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_slow_walk() {
    let country = Country::new();
    country.enterprise.put("88.118.8/x", url_for("x", Ttl::Relative(1)));
    let limits = RecursorLimits { deadline: seconds(3), ..RecursorLimits::default() };
    let recursor = country.recursor(limits);
    resolve(&recursor, "88.118.8/x").await;
    pass(seconds(2)).await;
    country.network.set(ENTERPRISE, Mode::Down);
    let started = Instant::now();
    let trace = Trace::on();
    let late = recursor.resolve(&identifier("88.118.8/x"), Ask::default(), &trace).await;
    assert_eq!((late.cache, late.stale, started.elapsed()), (CacheState::Stale, true, seconds(3)));
    assert_eq!(trace.take().last().map(|hop| hop.cache), Some(CacheState::Stale));
    let unknown = resolve(&recursor, "88.118.8/y").await;
    assert!(is_unreachable(&unknown));
    assert!(is_unreachable(&resolve_anew(&recursor, "88.118.8/x").await), "not from memory");
    assert_eq!(recursor.under_way(), 0);
}

#[tokio::test(start_paused = true)]
async fn boundless_times_do_no_harm() {
    let country = Country::new();
    let for_ever = std::time::Duration::MAX;
    let limits = RecursorLimits { negative_ttl: for_ever, max_stale: for_ever, ..RecursorLimits::default() };
    let recursor = country.recursor(limits);
    resolve(&recursor, "88.118.8/x").await;
    assert_eq!(resolve(&recursor, "88.118.8/none").await.resolved, Resolved::NotFound);
    pass(seconds(1000 * DAY)).await;
    let again = resolve(&recursor, "88.118.8/none").await;
    assert_eq!((again.resolved, again.cache), (Resolved::NotFound, CacheState::Negative));
}

#[tokio::test(start_paused = true)]
async fn the_cache_keeps_within_its_octets() {
    let country = Country::new();
    let recursor = country.recursor(Default::default());
    for number in 0..12_000 {
        resolve(&recursor, &format!("88.118.8/absent-{number}")).await;
    }
    let (entries, octets) = recursor.cache().size();
    assert!(octets <= 1 << 20 && entries > 1_000, "{octets} octets in {entries} entries");
}
