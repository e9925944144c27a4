//! What is counted, compared with what was entered and with a second count by hand.

use crate::organisations::subject;
use crate::{NOW, benches, operator};
use hufu_registry::organisations::NewOrganisation;
use hufu_registry::outbox::Publication;
use hufu_registry::statistics::{CountFilter, Counted};
use hufu_registry::{Permission, Registry, Scope};

/// Enterprises: class, province, city, and days after the start of the test.
const ENTERPRISES: [(&str, &str, &str, &str, i64); 5] = [
    ("C", "34", "440000", "440300", 0),
    ("C", "34", "440000", "440100", 0),
    ("C", "35", "110000", "", 31),
    ("A", "01", "", "", 31),
    ("", "", "", "", 62),
];

async fn enter(registry: &Registry) -> Vec<String> {
    let mut ids = Vec::new();
    for (number, (category, specific, province, city, days)) in ENTERPRISES.into_iter().enumerate() {
        let mut subject = subject(&format!("公司{number}"), &format!("S{number}"));
        (subject.industry_category, subject.industry_specific) = (category.into(), specific.into());
        (subject.org_addr_province, subject.org_addr_city) = (province.into(), city.into());
        let mut caller = operator();
        caller.at += days * 86_400_000;
        ids.push(registry.create_organisation(&caller, &NewOrganisation { subject }).await.expect("entered").id);
    }
    ids
}

fn by(group: &str) -> CountFilter {
    CountFilter { group_by: Some(group.into()), ..CountFilter::default() }
}

fn pairs(counted: &Counted) -> Vec<(&str, i64)> {
    assert_eq!(counted.total, counted.groups.iter().map(|group| group.count).sum::<i64>());
    counted.groups.iter().map(|group| (group.key.as_str(), group.count)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn organisations_are_counted_by_class_region_and_month() {
    for bench in benches().await {
        let registry = &bench.registry;
        let ids = enter(registry).await;
        for (group, expected) in [
            ("industry1", vec![("", 1), ("A", 1), ("C", 3)]),
            ("industry2", vec![("", 1), ("01", 1), ("34", 2), ("35", 1)]),
            ("industry4", vec![("", 1), ("01", 1), ("34", 2), ("35", 1)]),
            ("province", vec![("", 2), ("110000", 1), ("440000", 2)]),
            ("city", vec![("", 2), ("110000", 1), ("440100", 1), ("440300", 1)]),
            ("month", vec![("2026-01", 2), ("2026-02", 2), ("2026-03", 1)]),
            ("kind", vec![("enterprise", 5)]),
        ] {
            let counted = registry.count_organisations(&operator(), &by(group)).await.expect("counted");
            assert_eq!(pairs(&counted), expected, "{group} on {}", bench.scratch.kind);
        }
        let late = CountFilter { since: Some(NOW + 1), until: Some(NOW + 40 * 86_400_000), ..by("state") };
        let counted = registry.count_organisations(&operator(), &late).await.expect("counted");
        assert_eq!(pairs(&counted), [("active", 2)]);
        let error = registry.count_organisations(&operator(), &by("subject")).await.expect_err("refused");
        assert_eq!(error.refusal().expect("a refusal").code, "group-by");

        let mut own = operator();
        own.scope = Scope::Organisation(ids[0].clone());
        let counted = registry.count_organisations(&own, &by("industry1")).await.expect("counted");
        assert_eq!(pairs(&counted), [("C", 1)]);
        let foreign = CountFilter { organisation: Some(ids[1].clone()), ..by("kind") };
        assert_eq!(registry.count_organisations(&own, &foreign).await.expect("counted").total, 0);
        own.permissions = [Permission::PrefixRead].into_iter().collect();
        let error = registry.overview(&own).await.expect_err("refused");
        assert_eq!(error.refusal().expect("a refusal").code, "not-permitted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_to_be_resolvable_is_that_of_the_nearest_rank() {
    for bench in benches().await {
        let registry = &bench.registry;
        let empty = registry.overview(&operator()).await.expect("an overview");
        assert_eq!((empty.activation.count, empty.activation.p50), (0, None));
        for number in 1..=200_i64 {
            let prefix = format!("88.1.{number}");
            let wanted = hufu_registry::outbox::Wanted::Unknown;
            let mut act = registry.begin(&operator(), Permission::PrefixAllocate, "prefix").await.expect("an act");
            act.record("test", "prefix", None, serde_json::json!(null), serde_json::json!(null));
            act.publish(Publication { prefix, wanted });
            act.commit(()).await.expect("committed");
            if number < 200 {
                registry.published(&[number], NOW + number).await.expect("published");
            }
        }
        let found = registry.overview(&operator()).await.expect("an overview");
        let activation = found.activation;
        assert_eq!((activation.count, activation.p50, activation.p99), (199, Some(100), Some(198)));
        assert_eq!((activation.most, found.unpublished), (Some(199), 1));
        let mut own = operator();
        own.scope = Scope::Organisation("org-none".into());
        let found = registry.overview(&own).await.expect("an overview");
        assert_eq!((found.activation.count, found.unpublished, found.organisations.total), (0, 0, 0));
    }
}
