//! Organisations: entered, read, changed, listed; the one that serves as the pattern of all others.

use crate::{benches, operator};
use hufu_registry::caller::Idempotency;
use hufu_registry::organisations::{NewOrganisation, OrganisationFilter, OrganisationState};
use hufu_registry::subject::Subject;
use hufu_registry::{Error, Listing, Scope};

pub fn subject(name: &str, code: &str) -> Subject {
    Subject {
        org_name: name.into(),
        org_crt_type: Some(1),
        org_crt_code: code.into(),
        industry_category: "C".into(),
        industry_specific: "34".into(),
        org_addr_province: "440000".into(),
        org_addr_city: "440300".into(),
        ..Subject::default()
    }
}

fn new(name: &str, code: &str) -> NewOrganisation {
    NewOrganisation { subject: subject(name, code) }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_is_entered_read_changed_and_suspended() {
    for bench in benches().await {
        let registry = &bench.registry;
        let made = registry.create_organisation(&operator(), &new("示例泵业", "A1")).await.expect("entered");
        assert_eq!(registry.organisation(&operator(), &made.id).await.expect("there").name, "示例泵业");

        let taken = registry.create_organisation(&operator(), &new("另一家", "A1")).await;
        assert_eq!(taken.expect_err("taken").refusal().expect("a refusal").code, "organisation-exists");

        let again = subject("示例泵业集团", "A1");
        let changed = registry.amend_organisation(&operator(), &made.id, Some(1), &again).await.expect("changed");
        assert_eq!((changed.name.as_str(), changed.version), ("示例泵业集团", 2));
        let stale = registry.amend_organisation(&operator(), &made.id, Some(1), &again).await;
        assert_eq!(stale.expect_err("stale").refusal().expect("a refusal").code, "stale-version");

        let state = OrganisationState::Suspended;
        let suspended = registry.set_organisation_state(&operator(), &made.id, state, "欠费").await.expect("suspended");
        assert_eq!(suspended.state, OrganisationState::Suspended, "{}", bench.scratch.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_fields_are_named_all_at_once() {
    for bench in benches().await {
        let empty = NewOrganisation { subject: Subject::default() };
        let error = bench.registry.create_organisation(&operator(), &empty).await.expect_err("refused");
        let fields: Vec<_> = error.refusal().expect("a refusal").fields.iter().map(|f| f.field.as_str()).collect();
        assert_eq!(fields, ["subject.orgName", "subject.orgCrtType", "subject.orgCrtCode"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_neither_skip_nor_repeat() {
    for bench in benches().await {
        let registry = &bench.registry;
        for number in 0..25 {
            let company = new(&format!("公司{:02}", number % 5), &format!("B{number}"));
            registry.create_organisation(&operator(), &company).await.expect("entered");
        }
        let mut seen = Vec::new();
        let mut listing = Listing { limit: Some(4), after: None, sort: Some("name".into()) };
        loop {
            let filter = OrganisationFilter { name: Some("公司".into()), ..Default::default() };
            let page = registry.organisations(&operator(), &filter, &listing).await.expect("a page");
            assert_eq!(page.total, 25);
            seen.extend(page.items.iter().map(|item| (item.name.clone(), item.id.clone())));
            listing.after = page.next;
            if listing.after.is_none() {
                break;
            }
        }
        let mut sorted = seen.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(seen, sorted, "{}", bench.scratch.kind);
        assert_eq!(seen.len(), 25);

        for wrong in ["n1.n1", "x", "t00ff.t61"] {
            let listing = Listing { after: Some(wrong.into()), sort: Some("name".into()), ..Default::default() };
            let error = registry.organisations(&operator(), &Default::default(), &listing).await.expect_err("refused");
            assert_eq!(error.refusal().expect("a refusal").code, "page-cursor", "{wrong}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_finds_nothing_and_the_attempt_is_written_down() {
    for bench in benches().await {
        let registry = &bench.registry;
        let made = registry.create_organisation(&operator(), &new("甲", "C1")).await.expect("entered");
        let mut stranger = operator();
        stranger.scope = Scope::Organisation("org-other".into());
        let error = registry.organisation(&stranger, &made.id).await.expect_err("refused");
        assert_eq!(error.refusal().expect("a refusal").code, "not-found");
        let error = registry.amend_organisation(&stranger, &made.id, None, &subject("乙", "C1")).await;
        assert_eq!(error.expect_err("refused").refusal().expect("a refusal").code, "not-found");
        let page = registry.organisations(&stranger, &Default::default(), &Default::default()).await.expect("a page");
        assert_eq!((page.total, page.items.len()), (0, 0));

        let filter = hufu_registry::audit::AuditFilter { outcome: Some("denied".into()), ..Default::default() };
        let denied = registry.audit(&operator(), &filter, &Listing::default()).await.expect("the audit");
        assert_eq!(denied.total, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_gets_the_first_answer() {
    for bench in benches().await {
        let registry = &bench.registry;
        let mut caller = operator();
        caller.idempotency = Some(Idempotency { key: "k1".into(), digest: "d1".into() });
        let made = registry.create_organisation(&caller, &new("甲", "D1")).await.expect("entered");
        match registry.create_organisation(&caller, &new("甲", "D1")).await {
            Err(Error::Repeated(answer)) => assert_eq!(answer["id"], made.id.as_str()),
            other => panic!("not repeated: {other:?}"),
        }
        caller.idempotency = Some(Idempotency { key: "k1".into(), digest: "d2".into() });
        // Another account's key of the same name is another key; a stranger has none at all.
        let other = hufu_registry::Origin::Session { account: "acc-other".into(), session: "ses-1".into() };
        let other = hufu_registry::Caller { origin: other, ..caller.clone() };
        let taken = registry.create_organisation(&other, &new("甲", "D1")).await.expect_err("refused");
        assert_eq!(taken.refusal().expect("a refusal").code, "organisation-exists");
        let stranger = hufu_registry::Caller { origin: hufu_registry::Origin::Anonymous, ..caller.clone() };
        let taken = registry.create_organisation(&stranger, &new("甲", "D1")).await.expect_err("refused");
        assert_eq!(taken.refusal().expect("a refusal").code, "organisation-exists");
        let reused = registry.create_organisation(&caller, &new("乙", "D2")).await.expect_err("refused");
        assert_eq!(reused.refusal().expect("a refusal").code, "idempotency-key-reused");
    }
}
