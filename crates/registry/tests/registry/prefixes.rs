//! Allocation: chosen, next free, by pattern, held; what stands against it; and no name twice, whoever hurries.

use crate::organisations::subject;
use crate::{Bench, NOW, benches, operator};
use hufu_registry::organisations::NewOrganisation;
use hufu_registry::outbox::{Server, Wanted};
use hufu_registry::prefixes::{
    DelegationData, NewReservation, NumberPlan, Prefix, PrefixFilter, PrefixRules, QuotaChange, ReservationKind, State,
    Wish,
};
use hufu_registry::{Caller, Error, Listing, Permission, Registry, Scope};

pub fn server() -> Server {
    Server { address: "8.8.8.8".into(), udp: Some(2641), tcp: Some(2641), http: None, public_key: None }
}

pub fn chosen(organisation: &str, prefix: &str) -> Wish {
    Wish {
        organisation: organisation.into(),
        prefix: Some(prefix.into()),
        delegation: DelegationData { servers: vec![server()], ..DelegationData::default() },
        ..Wish::default()
    }
}

fn next(organisation: &str) -> Wish {
    Wish { organisation: organisation.into(), under: Some("88.118".into()), ..Wish::default() }
}

pub async fn organisation(registry: &Registry, code: &str) -> String {
    let new = NewOrganisation { subject: subject(code, code) };
    registry.create_organisation(&operator(), &new).await.expect("entered").id
}

/// An account of an enterprise.
pub fn member(organisation: &str) -> Caller {
    let permissions = [Permission::PrefixRead, Permission::PrefixWrite, Permission::TransferWrite];
    Caller {
        scope: Scope::Organisation(organisation.into()),
        permissions: permissions.into_iter().collect(),
        name: format!("member of {organisation}"),
        ..operator()
    }
}

pub fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.expect_err("refused");
    let refusal = error.refusal().unwrap_or_else(|| panic!("no refusal: {error:?}"));
    refusal.fields.first().map_or_else(|| refusal.code.to_owned(), |field| field.code.clone())
}

/// The node of the tests: 88.118.
pub async fn prepared(bench: &Bench) -> (Registry, String) {
    let registry = bench.registry.clone();
    registry.declare_own_prefixes(&operator(), &["88.118".into(), "GS1:690".into()]).await.expect("declared");
    let organisation = organisation(&registry, "甲").await;
    let quota = QuotaChange { prefixes: Some(1000), identifiers: None };
    registry.set_quotas(&operator(), &organisation, &quota).await.expect("a quota");
    (registry, organisation)
}

async fn allocate(registry: &Registry, wish: &Wish) -> Result<Prefix, Error> {
    registry.allocate_prefix(&operator(), wish).await
}

#[tokio::test(flavor = "multi_thread")]
async fn chosen_next_free_and_by_pattern() {
    for bench in benches().await {
        let (registry, org) = prepared(&bench).await;
        let prefix = allocate(&registry, &chosen(&org, "88.118.1")).await.expect("allocated");
        assert_eq!((prefix.state, prefix.status, prefix.parent.as_str()), (State::Enabled, Some(1), "88.118"));
        assert_eq!(prefix.expires, Some(NOW + 365 * 86_400_000));
        assert_eq!(code(allocate(&registry, &chosen(&org, "88.118.1")).await), "prefix-taken");

        assert_eq!(allocate(&registry, &next(&org)).await.expect("allocated").name, "88.118.2");
        assert_eq!(allocate(&registry, &next(&org)).await.expect("allocated").name, "88.118.3");
        let plan = NumberPlan { first: 2, last: 4, width: 5 };
        registry.set_number_plan(&operator(), "88.118", None, &plan).await.expect("a plan");
        assert_eq!(allocate(&registry, &next(&org)).await.expect("allocated").name, "88.118.00002");
        for _ in 0..2 {
            allocate(&registry, &next(&org)).await.expect("allocated");
        }
        assert_eq!(code(allocate(&registry, &next(&org)).await), "numbers-exhausted");

        let pattern = Wish { pattern: Some("88.118.6#".into()), ..Wish { under: None, ..next(&org) } };
        assert_eq!(allocate(&registry, &pattern).await.expect("allocated").name, "88.118.60");
        assert_eq!(allocate(&registry, &pattern).await.expect("allocated").name, "88.118.61");

        for (name, expected) in [
            ("88.118", "prefix-own"),
            ("88.119.1", "prefix-not-below-own"),
            ("88.118.x", "vaa-digit"),
            ("88.118.1.1", "vaa-digit"),
            ("gs1:69a", "gs1-path"),
        ] {
            let found = code(allocate(&registry, &chosen(&org, name)).await);
            assert!(found == expected || name == "gs1:69a", "{name}: {found}");
        }
        let twice = Wish { under: Some("88.118".into()), ..chosen(&org, "88.118.9") };
        assert_eq!(code(allocate(&registry, &twice).await), "prefix-choice");
        assert_eq!(code(allocate(&registry, &chosen("org-none", "88.118.9")).await), "not-found");
        assert_eq!(code(allocate(&registry, &chosen(&org, "gs1:690")).await), "prefix-own");
        assert_eq!(allocate(&registry, &chosen(&org, "gs1:6901234")).await.expect("allocated").name, "GS1:6901234");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_writers_never_get_one_name_twice() {
    for bench in benches().await {
        let (registry, org) = prepared(&bench).await;
        let other = organisation(&registry, "乙").await;
        let quota = QuotaChange { prefixes: Some(1000), identifiers: None };
        registry.set_quotas(&operator(), &other, &quota).await.expect("a quota");
        let mut work = tokio::task::JoinSet::new();
        for number in 0..64_usize {
            let registry = registry.clone();
            let org = if number % 2 == 0 { org.clone() } else { other.clone() };
            work.spawn(async move {
                // Every name is wanted by four, and every second writer takes what comes.
                let wish =
                    if number % 4 < 2 { next(&org) } else { chosen(&org, &format!("88.118.{}", 1000 + number / 8)) };
                (number % 4 < 2, allocate(&registry, &wish).await)
            });
        }
        let (mut names, mut refused) = (Vec::new(), 0);
        for (next_free, result) in work.join_all().await {
            match result {
                Ok(prefix) => names.push(prefix.name),
                Err(error) => {
                    assert!(!next_free, "{error}");
                    assert_eq!(error.refusal().expect("a refusal").code, "prefix-taken");
                    refused += 1;
                }
            }
        }
        assert_eq!((names.len(), refused), (32 + 8, 24), "{}", bench.scratch.kind);
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 40, "{}", bench.scratch.kind);
        // Each allocated one is published once, in the order of the acts.
        let waiting = registry.waiting().await.expect("the outbox");
        let mut published: Vec<_> = waiting.iter().map(|waiting| waiting.publication.prefix.clone()).collect();
        assert!(waiting.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
        published.sort();
        assert_eq!(published, names);
        assert!(registry.verify_audit(&operator()).await.expect("verified").whole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_never_get_one_name_twice() {
    for bench in benches().await {
        let (first, org) = prepared(&bench).await;
        let database = hufu_registry::Database::connect(&bench.scratch.url).await.expect("a database");
        let digest = hufu_registry::audit::ChainDigest::Sm3;
        let second = Registry::open(database, crate::random, digest, NOW).await.expect("a registry");
        let mut work = tokio::task::JoinSet::new();
        for number in 0..32 {
            let registry = if number % 2 == 0 { first.clone() } else { second.clone() };
            let org = org.clone();
            work.spawn(async move { allocate(&registry, &next(&org)).await.map(|prefix| prefix.name) });
        }
        let mut names: Vec<String> = work.join_all().await.into_iter().map(|name| name.expect("allocated")).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 32, "{}", bench.scratch.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reserved_and_blocked_names_are_kept() {
    for bench in benches().await {
        let (registry, org) = prepared(&bench).await;
        let reserve = async |kind, pattern: &str, organisation: &str| {
            let (pattern, organisation) = (pattern.into(), organisation.into());
            let new = NewReservation { kind, pattern, organisation, reason: "规划".into() };
            registry.reserve(&operator(), &new).await.expect("reserved")
        };
        reserve(ReservationKind::Blocked, "88.118.4", "").await;
        reserve(ReservationKind::Reserved, "88.118.1-3", "").await;
        reserve(ReservationKind::Reserved, "88.118.77*", "org-other").await;
        let mine = reserve(ReservationKind::Reserved, "88.118.88", &org).await;

        assert_eq!(allocate(&registry, &next(&org)).await.expect("allocated").name, "88.118.5");
        assert_eq!(code(allocate(&registry, &chosen(&org, "88.118.4")).await), "prefix-blocked");
        assert_eq!(code(allocate(&registry, &chosen(&org, "88.118.2")).await), "prefix-reserved");
        assert_eq!(code(allocate(&registry, &chosen(&org, "88.118.7701")).await), "prefix-reserved");
        allocate(&registry, &chosen(&org, "88.118.88")).await.expect("reserved for them");
        let overriding = Wish { override_reason: Some("会议决定".into()), ..chosen(&org, "88.118.2") };
        allocate(&registry, &overriding).await.expect("overridden");
        let blocked = Wish { override_reason: Some("会议决定".into()), ..chosen(&org, "88.118.4") };
        assert_eq!(code(allocate(&registry, &blocked).await), "prefix-blocked");
        let mut weak = operator();
        weak.permissions = [Permission::PrefixAllocate].into_iter().collect();
        let overriding = Wish { override_reason: Some("我要".into()), ..chosen(&org, "88.118.3") };
        assert_eq!(code(registry.allocate_prefix(&weak, &overriding).await), "not-permitted");

        let found = registry.availability(&operator(), "88.118.4", false).await.expect("an answer");
        assert_eq!((found.available, found.code.as_deref()), (false, Some("prefix-blocked")));
        assert!(registry.availability(&operator(), "88.118.1234", false).await.expect("an answer").available);
        let found = registry.availability(&operator(), "88.118.z", false).await.expect("an answer");
        assert_eq!(found.code.as_deref(), Some("vaa-digit"));

        registry.release_reservation(&operator(), &mine.id).await.expect("released");
        assert_eq!(code(registry.reservation(&operator(), &mine.id).await), "not-found");
        let all = registry.reservations(&operator(), &Default::default(), &Listing::default()).await.expect("a page");
        assert_eq!(all.total, 3, "{}", bench.scratch.kind);
        let none = registry.reservations(&member(&org), &Default::default(), &Listing::default()).await;
        assert_eq!(code(none), "not-permitted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quotas_bound_what_is_pending_or_held() {
    for bench in benches().await {
        let (registry, org) = prepared(&bench).await;
        let quota = QuotaChange { prefixes: Some(2), identifiers: Some(100) };
        registry.set_quotas(&operator(), &org, &quota).await.expect("a quota");
        registry.request_prefix(&member(&org), &chosen(&org, "88.118.1")).await.expect("applied for");
        allocate(&registry, &next(&org)).await.expect("allocated");
        assert_eq!(code(allocate(&registry, &next(&org)).await), "quota-exceeded");
        // The pending one is approved all the same.
        let approved = allocate(&registry, &chosen(&org, "88.118.1")).await.expect("approved");
        assert_eq!((approved.state, approved.version), (State::Enabled, 2));
        registry.delete_prefix(&member(&org), "88.118.2", None, "").await.expect("deleted");
        assert_eq!(allocate(&registry, &next(&org)).await.expect("allocated").name, "88.118.3");
        let quotas = registry.quotas(&operator(), &org).await.expect("quotas");
        assert_eq!((quotas[0].used, quotas[0].most, quotas[0].default), (Some(2), Some(2), false));
        assert_eq!(registry.identifier_quota("88.118.3").await.expect("a quota"), Some(100));
        let back = registry.set_quotas(&operator(), &org, &QuotaChange::default()).await.expect("quotas");
        assert!(back[0].default && back[0].most == Some(PrefixRules::default().quota_prefixes));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prefixes_of_every_system_that_an_enterprise_holds_are_recorded() {
    for bench in benches().await {
        let (registry, org) = prepared(&bench).await;
        let other = organisation(&registry, "丙").await;
        let held = |org: &str, name: &str| Wish { held: true, proof: vec!["doc-1".into()], ..chosen(org, name) };
        for (name, system, canonical) in [
            ("10.1234", "handle", "10.1234"),
            ("86.122.2", "handle", "86.122.2"),
            ("88.300.7", "vaa", "88.300.7"),
            ("gs1:9521321", "gs1", "GS1:9521321"),
            ("oid:1.2.156.3", "oid", "OID:1.2.156.3"),
            ("did:bid:by01", "did", "DID:BID:BY01"),
            ("ecode:10001", "ecode", "ECODE:10001"),
        ] {
            let prefix = allocate(&registry, &held(&org, name)).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!((prefix.name.as_str(), prefix.system.as_str()), (canonical, system));
            assert_eq!((prefix.parent.as_str(), prefix.proof.len()), ("", 1));
        }
        let unproven = Wish { proof: Vec::new(), ..held(&org, "20.500.1") };
        assert_eq!(code(allocate(&registry, &unproven).await), "proof-missing");
        assert_eq!(code(allocate(&registry, &held(&org, "88.118.5")).await), "prefix-below-own");
        assert_eq!(code(allocate(&registry, &held(&org, "gs1:")).await), "whole-system");
        // One above or below somebody else's is that one's.
        assert_eq!(code(allocate(&registry, &held(&other, "gs1:95213")).await), "prefix-overlaps");
        assert_eq!(code(allocate(&registry, &held(&other, "gs1:95213219")).await), "prefix-overlaps");
        assert_eq!(code(allocate(&registry, &held(&other, "oid:1.2.156.3.1")).await), "prefix-overlaps");
        allocate(&registry, &held(&other, "oid:1.2.156.31")).await.expect("beside it");
        allocate(&registry, &held(&org, "oid:1.2.156.3.1")).await.expect("below the own");
        let filter = PrefixFilter { origin: Some("held".into()), system: Some("oid".into()), ..Default::default() };
        let page = registry.prefixes(&operator(), &filter, &Listing::default()).await.expect("a page");
        assert_eq!(page.total, 3, "{}", bench.scratch.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_sees_nothing_and_an_enterprise_allocates_nothing() {
    for bench in benches().await {
        let (registry, org) = prepared(&bench).await;
        let other = organisation(&registry, "丁").await;
        allocate(&registry, &chosen(&org, "88.118.8")).await.expect("allocated");
        let stranger = member(&other);
        assert_eq!(code(registry.prefix(&stranger, "88.118.8").await), "not-found");
        assert_eq!(code(registry.prefix(&stranger, "88.118.9999").await), "not-found");
        assert_eq!(code(registry.delete_prefix(&stranger, "88.118.8", None, "").await), "not-found");
        assert_eq!(code(registry.amend_prefix(&stranger, "88.118.8", None, &Default::default()).await), "not-found");
        assert_eq!(code(registry.request_prefix(&stranger, &chosen(&org, "88.118.9")).await), "not-found");
        assert_eq!(code(registry.allocate_prefix(&stranger, &chosen(&other, "88.118.9")).await), "not-permitted");
        let page = registry.prefixes(&stranger, &Default::default(), &Listing::default()).await.expect("a page");
        assert_eq!(page.total, 0);
        let page = registry.prefixes(&member(&org), &Default::default(), &Listing::default()).await.expect("a page");
        assert_eq!((page.total, page.items[0].name.as_str()), (1, "88.118.8"), "{}", bench.scratch.kind);
        // A pending wish keeps the name, and tells nobody.
        registry.request_prefix(&stranger, &chosen(&other, "88.118.9")).await.expect("applied for");
        assert_eq!(code(allocate(&registry, &chosen(&org, "88.118.9")).await), "prefix-taken");
        assert!(registry.public_prefix("88.118.9").await.expect("a look").is_none());
        let found = registry.public_prefix("88.118.8").await.expect("a look").expect("registered");
        assert_eq!((found.prefix.name.as_str(), found.holder.expect("a holder").name.as_str()), ("88.118.8", "甲"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_the_whole_state_in_order() {
    for bench in benches().await {
        let (registry, org) = prepared(&bench).await;
        let member = member(&org);
        registry.request_prefix(&member, &Wish { hosted: true, ..next(&org) }).await.expect("applied for");
        assert!(registry.waiting().await.expect("the outbox").is_empty(), "a wish is not published");
        use hufu_registry::prefixes::Decision;
        registry.decide_prefix(&operator(), "88.118.1", Decision::Review, "").await.expect("in review");
        registry.decide_prefix(&operator(), "88.118.1", Decision::Approve, "").await.expect("approved");
        registry.decide_prefix(&operator(), "88.118.1", Decision::Suspend, "欠费").await.expect("suspended");
        registry.decide_prefix(&operator(), "88.118.1", Decision::Resume, "").await.expect("resumed");
        let data = DelegationData { servers: vec![server()], below: true, ..Default::default() };
        let out = registry.move_out(&member, "88.118.1", &data).await.expect("moved out");
        assert_eq!(out.proxy_state, 1);
        let mut later = operator();
        later.at += 86_400_000;
        registry.tick(&later).await.expect("a tick");
        let states: Vec<_> =
            registry.waiting().await.expect("the outbox").into_iter().map(|w| w.publication.wanted).collect();
        assert!(matches!(states[0], Wanted::Hosted { .. }));
        assert!(matches!(states[1], Wanted::Withheld { .. }));
        assert!(matches!(states[2], Wanted::Hosted { .. }));
        assert!(matches!(states[3], Wanted::Delegated { leaving: true, below: true, .. }));
        assert!(matches!(states[4], Wanted::Delegated { leaving: false, below: true, .. }));
        assert_eq!(states.len(), 5, "{}", bench.scratch.kind);
    }
}
