//! Referrals by servers: followed, empty, circular; and what else a server may say instead of an answer.

use crate::country::{
    Country, ENTERPRISE, ROOT, SECONDARY, SIBLING, TOP_86, TOP_88, is_unreachable, resolve, site_value, text, url,
};
use crate::network::{Mode, address, instead};
use hufu_ident::systems::handle::kind;
use hufu_ident::systems::handle::wire::{Body, ResponseCode};
use hufu_ident::{Value, limits};
use hufu_resolve::Resolved;
use hufu_resolve::bootstrap::site_at;
use tokio::time::Instant;

fn refer(code: ResponseCode, handle: &str, values: Option<Vec<Value>>) -> (ResponseCode, Body) {
    (code, Body::Referral { handle: handle.as_bytes().to_vec(), values })
}

/// Makes the server at `at` answer every question with one referral.
fn refers(country: &Country, at: &str, (code, body): (ResponseCode, Body)) {
    country.network.lies(at, move |_, answer| instead(answer, code, body.clone()));
}

#[tokio::test(start_paused = true)]
async fn a_service_referral_is_followed_by_its_values() {
    let country = Country::new();
    // The enterprise moved; its old server knows where.
    let there = vec![site_value(1, kind::SITE, SIBLING)];
    refers(&country, ENTERPRISE, refer(ResponseCode::SERVICE_REFERRAL, "", Some(there)));
    let moved = country.below(&country.secondary, "88.118.9", SIBLING);
    moved.home("88.118.8");
    moved.put("88.118.8/x", url("moved"));
    let recursor = country.recursor(Default::default());
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/moved");
    assert_eq!(country.network.log().last().map(|asked| asked.to), Some(address(SIBLING)));
}

#[tokio::test(start_paused = true)]
async fn a_referral_may_name_a_handle_only() {
    let country = Country::new();
    country.root.home("0.SERV");
    country.root.put("0.SERV/e", vec![site_value(1, kind::SITE, SIBLING)]);
    refers(&country, ENTERPRISE, refer(ResponseCode::SERVICE_REFERRAL, "0.SERV/e", None));
    let moved = country.below(&country.secondary, "88.118.9", SIBLING);
    moved.home("88.118.8");
    moved.put("88.118.8/x", url("moved"));
    let recursor = country.recursor(Default::default());
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/moved");
}

#[tokio::test(start_paused = true)]
async fn a_prefix_referral_is_followed_by_the_prefix_service_of_its_handle() {
    let country = Country::new();
    // The top-level node says of 0.NA/88.118 just who knows about it.
    let elsewhere = site_value(2, kind::SITE_PREFIX, TOP_86);
    country.root.home("0.SERV");
    country.root.put("0.SERV/88", vec![site_value(1, kind::SITE, SIBLING), elsewhere]);
    refers(&country, TOP_88, refer(ResponseCode::PREFIX_REFERRAL, "0.SERV/88", None));
    let other = country.below(&country.root, "86", TOP_86);
    other.home("88");
    other.put("0.NA/88.118", vec![site_value(1, kind::SITE_PREFIX, SECONDARY)]);
    let recursor = country.recursor(Default::default());
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
    assert_eq!(country.network.count(SIBLING), 0);
}

#[tokio::test(start_paused = true)]
async fn names_are_found_through_a_parent_that_serves_them_by_referral() {
    let country = Country::new();
    // A recursor that is told of no prefix handle: the enterprise's is asked at the top and referred on by 303.
    country.root.put("0.NA/88.118", vec![site_value(1, kind::SITE, TOP_88)]);
    let recursor = country.recursor(Default::default());
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
}

#[tokio::test(start_paused = true)]
async fn an_empty_referral_leads_nowhere() {
    for code in [ResponseCode::SERVICE_REFERRAL, ResponseCode::PREFIX_REFERRAL] {
        for values in [None, Some(Vec::new()), Some(vec![Value::new(1, kind::SITE, "not a site")])] {
            let country = Country::new();
            refers(&country, ENTERPRISE, refer(code, "", values));
            let recursor = country.recursor(Default::default());
            let resolution = resolve(&recursor, "88.118.8/x").await;
            assert!(is_unreachable(&resolution), "{code}: {resolution:?}");
            assert_eq!(country.network.total(), 4);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn servers_that_refer_to_each_other_are_left() {
    let country = Country::new();
    let to = |at| refer(ResponseCode::SERVICE_REFERRAL, "", Some(vec![site_value(1, kind::SITE, at)]));
    refers(&country, ENTERPRISE, to(SIBLING));
    refers(&country, SIBLING, to(ENTERPRISE));
    let recursor = country.recursor(Default::default());
    assert_eq!(resolve(&recursor, "88.118.8/x").await.resolved, Resolved::Loop);
    assert_eq!(country.network.count(ENTERPRISE) + country.network.count(SIBLING), 2);

    refers(&country, ENTERPRISE, to(ENTERPRISE));
    assert_eq!(resolve(&recursor, "88.118.8/y").await.resolved, Resolved::Loop, "referred to itself");
}

#[tokio::test(start_paused = true)]
async fn referrals_without_end_are_given_up() {
    let country = Country::new();
    let next = std::sync::atomic::AtomicU16::new(3000);
    let at = |port: u16| format!("203.0.113.8:{port}");
    for port in 3000..3100 {
        country.network.add(&at(port), &country.enterprise);
    }
    let lie = std::sync::Arc::new(move |_: &str, answer| {
        let port = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let there = Some(vec![site_value(1, kind::SITE, &at(port))]);
        let (code, body) = refer(ResponseCode::SERVICE_REFERRAL, "", there);
        instead(answer, code, body)
    });
    country.network.set(ENTERPRISE, Mode::Lying(lie.clone()));
    for port in 3000..3100 {
        country.network.set(&format!("203.0.113.8:{port}"), Mode::Lying(lie.clone()));
    }
    let recursor = country.recursor(Default::default());
    let started = Instant::now();
    assert_eq!(resolve(&recursor, "88.118.8/x").await.resolved, Resolved::Loop);
    assert_eq!(country.network.total(), 3 + usize::from(limits::CLIENT_HOPS));
    assert!(started.elapsed() < crate::country::seconds(8));
}

#[tokio::test(start_paused = true)]
async fn a_prefix_server_that_refers_to_itself_has_not_got_it() {
    let country = Country::new();
    let own = refer(ResponseCode::PREFIX_REFERRAL, "", Some(vec![site_value(1, kind::SITE_PREFIX, SECONDARY)]));
    refers(&country, SECONDARY, own);
    let recursor = country.recursor(Default::default());
    assert_eq!(resolve(&recursor, "0.NA/88.118.8").await.resolved, Resolved::NotFound);
    assert_eq!(resolve(&recursor, "88.118.8/x").await.resolved, Resolved::NotResponsible);
}

#[tokio::test(start_paused = true)]
async fn a_site_that_is_not_responsible_gives_way_to_the_next() {
    let country = Country::new();
    let sites = vec![site_value(1, kind::SITE, SIBLING), site_value(2, kind::SITE, ENTERPRISE)];
    country.secondary.put("0.NA/88.118.8", sites);
    let recursor = country.recursor(Default::default());
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x");
    assert_eq!(country.network.count(SIBLING), 1, "it says the same by TCP: it is not asked twice");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_responsible_only_if_all_say_so() {
    let country = Country::new();
    let sites = vec![site_value(1, kind::SITE, SIBLING), site_value(2, kind::SITE, ENTERPRISE)];
    country.secondary.put("0.NA/88.118.8", sites);
    country.network.set(ENTERPRISE, Mode::Refusing);
    let recursor = country.recursor(Default::default());
    assert!(is_unreachable(&resolve(&recursor, "88.118.8/x").await), "one was not heard");
    country.network.set(ENTERPRISE, Mode::Up);
    assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x", "and nothing was remembered");

    country.secondary.put("0.NA/88.118.8", vec![site_value(1, kind::SITE, SIBLING)]);
    recursor.cache().clear();
    assert_eq!(resolve(&recursor, "88.118.8/x").await.resolved, Resolved::NotResponsible);
}

#[tokio::test(start_paused = true)]
async fn trouble_at_a_server_is_not_an_answer_about_the_name() {
    let codes = [2, 3, 4, 5, 7, 102, 202, 300, 400, 401, 402, 404, 500, 603, 9999].map(ResponseCode);
    for code in codes {
        let country = Country::new();
        let body = match code {
            ResponseCode::AUTHENTICATION_NEEDED => Body::Challenge { nonce: vec![1; 16], digest: None },
            _ => Body::error("trouble"),
        };
        country.network.lies(ENTERPRISE, move |_, answer| instead(answer, code, body.clone()));
        let recursor = country.recursor(Default::default());
        assert!(is_unreachable(&resolve(&recursor, "88.118.8/x").await), "{code}");
        country.network.set(ENTERPRISE, Mode::Up);
        assert_eq!(text(&resolve(&recursor, "88.118.8/x").await), "https://example.test/x", "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_was_passed_on_too_often_goes_no_further() {
    let country = Country::new();
    let high = ResponseCode::RECURSION_COUNT_TOO_HIGH;
    country.network.lies(ROOT, move |_, answer| instead(answer, high, Body::error("")));
    let recursor = country.recursor(Default::default());
    assert_eq!(resolve(&recursor, "88.118.8/x").await.resolved, Resolved::Loop);
    assert_eq!(country.network.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_site_of_several_servers_is_asked_by_hash() {
    let country = Country::new();
    let mut site = site_at(address(ENTERPRISE));
    let mut second = site_at(address(SIBLING)).servers.remove(0);
    second.id = 2;
    site.servers.push(second);
    country.secondary.put("0.NA/88.118.8", vec![crate::country::value_of(1, kind::SITE, &site)]);
    let recursor = country.recursor(Default::default());
    for number in 0..20 {
        let name = format!("88.118.8/{number}");
        let at = site.server_position(crate::network::identifier(&name).name());
        let expected = [ENTERPRISE, SIBLING][at.expect("a server")];
        country.network.forget();
        resolve(&recursor, &name).await;
        assert_eq!(country.network.log().last().map(|asked| asked.to), Some(address(expected)), "{name}");
    }
}
