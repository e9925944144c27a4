//! The whole way from the root to an identifier, and how little of it is walked again.

use crate::country::{
    Country, ENTERPRISE, ENTERPRISE_86, ROOT, SECONDARY, SECONDARY_86, SIBLING, TOP_86, TOP_88, resolve, resolve_anew,
    site_value, text, url,
};
use crate::network::{Network, address, identifier};
use hufu_ident::systems::handle::kind;
use hufu_ident::systems::handle::wire::flag;
use hufu_resolve::bootstrap::site_at;
use hufu_resolve::{Ask, Bootstrap, CacheState, Resolved, Trace};

fn way(network: &Network) -> Vec<(String, String)> {
    network.log().into_iter().map(|asked| (asked.name, asked.to.to_string())).collect()
}

fn steps(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, at)| (name.to_string(), at.to_string())).collect()
}

#[tokio::test(start_paused = true)]
async fn the_walk_goes_from_the_root_down_and_no_further_than_it_must() {
    let country = Country::new();
    let recursor = country.recursor(Default::default());
    let first = resolve(&recursor, "88.118.8/x").await;
    assert_eq!(text(&first), "https://example.test/x");
    assert_eq!((first.cache, first.stale), (CacheState::Miss, false));
    let expected =
        steps(&[("0.NA/88", ROOT), ("0.NA/88.118", TOP_88), ("0.NA/88.118.8", SECONDARY), ("88.118.8/x", ENTERPRISE)]);
    assert_eq!(way(&country.network), expected);

    country.network.forget();
    let second = resolve(&recursor, "88.118.8/x").await;
    assert_eq!((text(&second), second.cache), (text(&first), CacheState::Hit));
    assert_eq!(text(&resolve(&recursor, "88.118.8/X").await), text(&first), "suffixes fold");
    assert_eq!(country.network.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn neighbours_share_what_is_known_of_their_ancestors() {
    let country = Country::new();
    let recursor = country.recursor(Default::default());
    resolve(&recursor, "88.118.8/x").await;
    country.network.forget();
    resolve(&recursor, "88.118.8/y").await;
    assert_eq!(way(&country.network), steps(&[("88.118.8/y", ENTERPRISE)]));
    country.network.forget();
    resolve(&recursor, "88.118.9/x").await;
    assert_eq!(way(&country.network), steps(&[("0.NA/88.118.9", SECONDARY), ("88.118.9/x", SIBLING)]));
    country.network.forget();
    assert_eq!(text(&resolve(&recursor, "86.122.2/z").await), "https://example.test/z");
    let expected = steps(&[
        ("0.NA/86", ROOT),
        ("0.NA/86.122", TOP_86),
        ("0.NA/86.122.2", SECONDARY_86),
        ("86.122.2/z", ENTERPRISE_86),
    ]);
    assert_eq!(way(&country.network), expected);
}

#[tokio::test(start_paused = true)]
async fn prefix_handles_resolve_like_any_name() {
    let country = Country::new();
    let recursor = country.recursor(Default::default());
    let found = resolve(&recursor, "0.na/88.118").await;
    assert!(matches!(found.resolved, Resolved::Values(values) if values.len() == 2));
    assert!(matches!(resolve(&recursor, "88.118.9").await.resolved, Resolved::Values(_)), "without 0.NA/");
    assert_eq!(way(&country.network).last(), steps(&[("88.118.9", SECONDARY)]).first());
}

#[tokio::test(start_paused = true)]
async fn a_configured_prefix_is_where_the_walk_begins() {
    let country = Country::new();
    let mut bootstrap = Bootstrap::default();
    bootstrap.add("88".parse_prefix(), site_at(address(TOP_88)));
    let recursor = country.recursor_from(bootstrap, Default::default());
    resolve(&recursor, "88.118.8/x").await;
    assert_eq!(country.network.count(ROOT), 0);
    assert_eq!(country.network.total(), 3);
    // There is no root: what is not below 88 has no beginning.
    assert_eq!(resolve(&recursor, "86.122.2/x").await.resolved, Resolved::NotResponsible);
    assert_eq!(country.network.total(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_configured_prefix_without_a_handle_of_its_own_is_asked_itself() {
    let country = Country::new();
    country.enterprise.delete("0.NA/88.118.8");
    let mut bootstrap = Bootstrap::default();
    bootstrap.add("88.118.8".parse_prefix(), site_at(address(ENTERPRISE)));
    let recursor = country.recursor_from(bootstrap, Default::default());
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
}

#[tokio::test(start_paused = true)]
async fn names_of_the_global_family_are_asked_of_the_root() {
    let country = Country::new();
    country.root.home("0.SERV");
    country.root.put("0.SERV/88", url("service"));
    let recursor = country.recursor(Default::default());
    assert_eq!(text(&resolve(&recursor, "0.SERV/88").await), "https://example.test/service");
    assert_eq!(way(&country.network), steps(&[("0.SERV/88", ROOT)]));
    country.network.forget();
    resolve(&recursor, "0.NA/0.SERV").await;
    assert_eq!(way(&country.network), steps(&[("0.NA/0.SERV", ROOT)]));
}

#[tokio::test(start_paused = true)]
async fn unknown_prefixes_and_unknown_names_are_told_apart() {
    let country = Country::new();
    let recursor = country.recursor(Default::default());
    for unknown in ["77/x", "88.999/x", "88.118.77/x", "88.118.8.1/x", "88.999.1.2.3.4/x"] {
        assert_eq!(resolve(&recursor, unknown).await.resolved, Resolved::NotResponsible, "{unknown}");
    }
    for absent in ["88.118.8/absent", "0.NA/77", "0.NA/88.999", "0.NA/88.118.77"] {
        assert_eq!(resolve(&recursor, absent).await.resolved, Resolved::NotFound, "{absent}");
    }
}

#[tokio::test(start_paused = true)]
async fn hops_are_counted_and_nobody_is_asked_to_recurse() {
    let country = Country::new();
    let recursor = country.recursor(Default::default());
    let ask = Ask { authoritative: false, hops: 3 };
    recursor.resolve(&identifier("88.118.8/x"), ask, &Trace::off()).await;
    let log = country.network.log();
    assert_eq!(log.last().map(|asked| asked.hops), Some(4));
    let flags = |asked: &crate::network::Asked| asked.flags & (flag::PUBL | flag::RECU | flag::AUTH);
    assert!(log.iter().all(|asked| flags(asked) == flag::PUBL));
}

#[tokio::test(start_paused = true)]
async fn an_authoritative_question_passes_the_cache_by_and_refreshes_it() {
    let country = Country::new();
    let recursor = country.recursor(Default::default());
    resolve(&recursor, "88.118.8/x").await;
    country.enterprise.put("88.118.8/x", url("new"));
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
    country.network.forget();
    assert_eq!(text(&resolve_anew(&recursor, "88.118.8/x").await), "https://example.test/new");
    assert_eq!(country.network.log()[0].flags & flag::AUTH, flag::AUTH);
    assert_eq!(country.network.total(), 1, "the way there may come from the cache");
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/new");
}

#[tokio::test(start_paused = true)]
async fn an_authoritative_question_goes_to_primaries_only() {
    let country = Country::new();
    let mut mirror = site_at(address(SIBLING));
    mirror.primary_mask = 0;
    let mirror = crate::country::value_of(3, kind::SITE, &mirror);
    country.secondary.put("0.NA/88.118.8", vec![mirror, site_value(4, kind::SITE, ENTERPRISE)]);
    let recursor = country.recursor(Default::default());
    assert_eq!(text(&resolve_anew(&recursor, "88.118.8/x").await), "https://example.test/x");
    assert_eq!(country.network.count(SIBLING), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_to_be_referred_learns_the_sites() {
    let country = Country::new();
    let recursor = country.recursor(Default::default());
    let sites = recursor.sites_for(&identifier("88.118.8/x"), &Trace::off()).await.expect("sites");
    let at: Vec<_> = sites.iter().map(|site| site.servers[0].ip()).collect();
    assert_eq!(at, [address(ENTERPRISE).ip()]);
    let nowhere = recursor.sites_for(&identifier("77/x"), &Trace::off()).await;
    assert_eq!(nowhere, Err(Resolved::NotResponsible));
    assert_eq!(recursor.under_way(), 0);
}

/// Reads a prefix that is known to be one.
trait ParsePrefix {
    fn parse_prefix(&self) -> hufu_ident::Prefix;
}

impl ParsePrefix for str {
    fn parse_prefix(&self) -> hufu_ident::Prefix {
        hufu_ident::Prefix::parse(self).expect("a prefix")
    }
}
