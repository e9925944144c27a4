//! Names of other systems: delegated by the longest path, found by referral, remembered, and handed to gateways.

use crate::country::{Country, ROOT, SECONDARY, TOP_88, pass, resolve, seconds, site_value, text, url};
use crate::network::{Network, identifier, instead};
use hufu_ident::systems::handle::kind;
use hufu_ident::systems::handle::wire::{Body, ResponseCode};
use hufu_ident::{Absence, Answer, Identifier, Prefix, ValueSet};
use hufu_resolve::bootstrap::site_at;
use hufu_resolve::{Ask, Bootstrap, Foreign, Recursor, Resolved, Told, Trace};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const OWNER: &str = "203.0.113.20:2641";
const NEW_OWNER: &str = "203.0.113.21:2641";

/// 1.2.156 at the top-level node, 1.2.156.20009 at a secondary, 1.2.156.20009.7.1 at its owner; nothing between.
struct Oids {
    country: Country,
}

impl Oids {
    fn new() -> Self {
        let country = Country::new();
        country.top.home("oid:1.2.156");
        country.root.put("0.NA/oid:1.2.156", vec![site_value(1, kind::SITE, TOP_88)]);
        country.secondary.home("oid:1.2.156.20009");
        country.top.put("0.NA/oid:1.2.156.20009", vec![site_value(1, kind::SITE, SECONDARY)]);
        let owner = country.below(&country.secondary, "oid:1.2.156.20009.7.1", OWNER);
        country.top.put("oid:1.2.156.3", url("three"));
        country.secondary.put("oid:1.2.156.20009.7", url("seven"));
        for last in ["4", "5"] {
            owner.put(&format!("oid:1.2.156.20009.7.1.{last}"), url(last));
        }
        Oids { country }
    }

    fn way(&self) -> Vec<String> {
        let way = self.country.network.log().into_iter().map(|asked| asked.to.to_string()).collect();
        self.country.network.forget();
        way
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_delegated_path_answers() {
    let oids = Oids::new();
    let recursor = oids.country.recursor(Default::default());
    assert_eq!(text(&resolve(&recursor, "oid:1.2.156.20009.7.1.4").await), "https://example.test/4");
    assert_eq!(oids.way(), [ROOT, TOP_88, SECONDARY, OWNER]);
    // What was learned is the next start, as near as can be.
    assert_eq!(text(&resolve(&recursor, "oid:1.2.156.20009.7.1.5").await), "https://example.test/5");
    assert_eq!(oids.way(), [OWNER]);
    assert_eq!(text(&resolve(&recursor, "oid:1.2.156.20009.7").await), "https://example.test/seven");
    assert_eq!(oids.way(), [SECONDARY]);
    assert_eq!(text(&resolve(&recursor, "oid:1.2.156.3").await), "https://example.test/three");
    assert_eq!(oids.way(), [TOP_88]);
    assert_eq!(resolve(&recursor, "oid:1.2.156.20009.7.1.6").await.resolved, Resolved::NotFound);
    assert_eq!(resolve(&recursor, "oid:1.2.840.1").await.resolved, Resolved::NotResponsible);
}

#[test]
fn what_is_delegated_below_a_homed_path_is_no_longer_answered_above() {
    let oids = Oids::new();
    let secondary = &oids.country.secondary;
    assert!(matches!(secondary.answer("oid:1.2.156.20009.7", false), Answer::Found(_)));
    let Answer::Referral(delegation) = secondary.answer("oid:1.2.156.20009.7.1.4", false) else { panic!("a referral") };
    assert_eq!(delegation.prefix, Prefix::folded("oid:1.2.156.20009.7.1"));
    assert_eq!(secondary.answer("oid:1.2.156.20009.7.1.4", true), Answer::Absent(Absence::NotResponsible));
    assert_eq!(secondary.answer("oid:1.2.156.20009.8", false), Answer::Absent(Absence::NotFound));
    assert_eq!(secondary.answer("oid:1.2.156.2000", false), Answer::Absent(Absence::NotResponsible));
}

#[tokio::test(start_paused = true)]
async fn a_path_delegated_anew_is_found_again() {
    let oids = Oids::new();
    let recursor = oids.country.recursor(Default::default());
    resolve(&recursor, "oid:1.2.156.20009.7.1.4").await;
    let new = oids.country.below(&oids.country.secondary, "oid:1.2.156.20009.7.1", NEW_OWNER);
    new.put("oid:1.2.156.20009.7.1.9", url("nine"));
    oids.country
        .network
        .lies(OWNER, |_, answer| instead(answer, ResponseCode::SERVER_NOT_RESP, Body::error("it is no longer here")));
    oids.way();
    assert_eq!(text(&resolve(&recursor, "oid:1.2.156.20009.7.1.9").await), "https://example.test/nine");
    assert_eq!(oids.way(), [OWNER, ROOT, TOP_88, SECONDARY, NEW_OWNER]);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_believed_about_what_is_not_below_him() {
    let oids = Oids::new();
    let recursor = oids.country.recursor(Default::default());
    // The owner of a small part refers to itself for everything.
    oids.country.network.lies(OWNER, |name, answer| match name.ends_with(".4") {
        true => instead(answer, ResponseCode::SERVICE_REFERRAL, referral("0.NA/oid:1.2.156", OWNER)),
        false => answer,
    });
    resolve(&recursor, "oid:1.2.156.20009.7.1.4").await;
    oids.way();
    assert_eq!(text(&resolve(&recursor, "oid:1.2.156.3").await), "https://example.test/three");
    assert_eq!(oids.way(), [TOP_88], "what the top-level node answers for was not overwritten");
}

fn referral(handle: &str, at: &str) -> Body {
    Body::Referral { handle: handle.into(), values: Some(vec![site_value(1, kind::SITE, at)]) }
}

/// A gateway that knows every name below its prefixes.
struct Gateway {
    prefixes: Vec<Prefix>,
    asked: Mutex<Vec<String>>,
}

impl Gateway {
    fn new(prefixes: &[&str]) -> Arc<Self> {
        let prefixes = prefixes.iter().map(|prefix| Prefix::folded(prefix)).collect();
        Arc::new(Gateway { prefixes, asked: Mutex::default() })
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Foreign for Gateway {
    fn covering(&self, home: &Prefix) -> Option<Prefix> {
        home.lineage().find(|prefix| self.prefixes.contains(prefix))
    }

    fn ask<'a>(&'a self, name: &'a Identifier, _: Duration) -> Pin<Box<dyn Future<Output = Told> + Send + 'a>> {
        self.asked.lock().unwrap().push(name.to_string());
        let resolved = Resolved::Values(ValueSet::from_values(url("abroad")));
        Box::pin(async move { Told { resolved, by: "https://abroad.example".into() } })
    }
}

fn with(country: &Country, bootstrap: Bootstrap, gateway: &Arc<Gateway>) -> Recursor<Network> {
    let recursor = Arc::into_inner(country.recursor_from(bootstrap, Default::default())).expect("nobody else has it");
    recursor.with_foreign(gateway.clone())
}

#[tokio::test(start_paused = true)]
async fn a_gateway_for_a_whole_system_is_the_last_resort() {
    let oids = Oids::new();
    let gateway = Gateway::new(&["oid:"]);
    let mut bootstrap = Bootstrap::default();
    bootstrap.add_root(site_at(ROOT.parse().unwrap()));
    let recursor = with(&oids.country, bootstrap, &gateway);
    assert_eq!(text(&resolve(&recursor, "oid:1.2.156.3").await), "https://example.test/three");
    assert!(gateway.asked().is_empty());
    oids.way();
    let trace = Trace::on();
    let abroad = recursor.resolve(&identifier("oid:1.3.6.1"), Ask::default(), &trace).await;
    assert_eq!(text(&abroad), "https://example.test/abroad");
    assert_eq!((oids.way(), gateway.asked()), (vec![ROOT.to_owned()], vec!["oid:1.3.6.1".to_owned()]));
    assert!(trace.take().iter().any(|hop| hop.outcome.starts_with("https://abroad.example: ")));
    // The answer is remembered as any other.
    resolve(&recursor, "oid:1.3.6.1").await;
    assert!(gateway.asked().is_empty());
    assert_eq!(resolve(&recursor, "88.118.8/none").await.resolved, Resolved::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_for_a_path_is_a_delegation() {
    let oids = Oids::new();
    let gateway = Gateway::new(&["oid:1.3", "oid:1.2.156.20009.7.2"]);
    let mut bootstrap = Bootstrap::default();
    bootstrap.add_root(site_at(ROOT.parse().unwrap()));
    let recursor = with(&oids.country, bootstrap, &gateway);
    assert_eq!(text(&resolve(&recursor, "oid:1.3.6").await), "https://example.test/abroad");
    assert_eq!(text(&resolve(&recursor, "oid:1.2.156.20009.7.2.1").await), "https://example.test/abroad");
    assert!(oids.way().is_empty(), "nobody at home was asked");
    assert_eq!(text(&resolve(&recursor, "oid:1.2.156.20009.7").await), "https://example.test/seven");
    pass(seconds(1)).await;
}
