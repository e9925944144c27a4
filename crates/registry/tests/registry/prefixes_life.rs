//! The life of a prefix: renewal, flags, holds, deletion, and what a moving clock brings.

use crate::prefixes::{chosen, code, member, organisation, prepared, server};
use crate::{NOW, benches, operator};
use hufu_registry::caller::DAY;
use hufu_registry::outbox::Wanted;
use hufu_registry::prefixes::{
    Decision, DelegationData, Flag, FlagChange, Moving, Prefix, PrefixChange, PrefixRules, Renewal, State, Wish,
};
use hufu_registry::{Caller, Registry};

/// The node itself so many days later.
fn day(days: i64) -> Caller {
    Caller::node(NOW + days * DAY)
}

async fn tick(registry: &Registry, days: i64) -> usize {
    let ticked = registry.tick(&day(days)).await.expect("a tick");
    assert_eq!(registry.tick(&day(days)).await.expect("a tick"), Default::default(), "a tick repeated does nothing");
    ticked.prefixes
}

async fn prefix(registry: &Registry, name: &str) -> Prefix {
    registry.prefix(&operator(), name).await.expect("there")
}

async fn last_wanted(registry: &Registry, name: &str) -> Wanted {
    let waiting = registry.waiting().await.expect("the outbox");
    let last = waiting.into_iter().rev().find(|waiting| waiting.publication.prefix == name);
    last.expect("published").publication.wanted
}

fn flags(add: &[Flag], remove: &[Flag]) -> FlagChange {
    FlagChange { add: add.to_vec(), remove: remove.to_vec(), reason: "案号 1".into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_renewed_twice_by_mistake() {
    for bench in benches().await {
        let (registry, org) = prepared(&bench).await;
        let made = registry.allocate_prefix(&operator(), &chosen(&org, "88.118.8")).await.expect("allocated");
        let current = made.expires.expect("an expiry");
        let renewal = Renewal { current_expires: current, days: Some(365) };
        let renewed = registry.renew_prefix(&member(&org), "88.118.8", &renewal).await.expect("renewed");
        assert_eq!(renewed.expires, Some(current + 365 * DAY));
        let again = registry.renew_prefix(&member(&org), "88.118.8", &renewal).await;
        assert_eq!(code(again), "renewal-expiry");
        let far = Renewal { current_expires: current + 365 * DAY, days: Some(10_000) };
        assert_eq!(code(registry.renew_prefix(&member(&org), "88.118.8", &far).await), "out-of-range");
        let none = Renewal { current_expires: current + 365 * DAY, days: Some(0) };
        assert_eq!(code(registry.renew_prefix(&member(&org), "88.118.8", &none).await), "out-of-range");
        registry.flag_prefix(&operator(), "88.118.8", &flags(&[Flag::ServerRenewProhibited], &[])).await.expect("set");
        let good = Renewal { current_expires: current + 365 * DAY, days: None };
        assert_eq!(code(registry.renew_prefix(&member(&org), "88.118.8", &good).await), "prefix-flag");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_hold_lock_and_are_each_sides_own() {
    for bench in benches().await {
        let (registry, org) = prepared(&bench).await;
        let name = "88.118.8";
        registry.allocate_prefix(&operator(), &chosen(&org, name)).await.expect("allocated");
        let holder = member(&org);
        registry.flag_prefix(&holder, name, &flags(&[Flag::ClientHold], &[])).await.expect("held");
        assert!(matches!(last_wanted(&registry, name).await, Wanted::Withheld { .. }));
        registry.flag_prefix(&holder, name, &flags(&[], &[Flag::ClientHold])).await.expect("released");
        assert!(matches!(last_wanted(&registry, name).await, Wanted::Delegated { .. }));

        let refused = registry.flag_prefix(&holder, name, &flags(&[Flag::ServerHold], &[])).await;
        assert_eq!(code(refused), "flag-not-yours");
        let refused = registry.flag_prefix(&operator(), name, &flags(&[Flag::PendingTransfer], &[])).await;
        assert_eq!(code(refused), "flag-not-yours");
        let silent = FlagChange { reason: String::new(), ..flags(&[Flag::ServerHold], &[]) };
        assert_eq!(code(registry.flag_prefix(&operator(), name, &silent).await), "reason");
        registry.flag_prefix(&operator(), name, &flags(&[Flag::ServerHold], &[])).await.expect("held");
        assert_eq!(code(registry.flag_prefix(&holder, name, &flags(&[], &[Flag::ServerHold])).await), "flag-not-yours");
        registry.flag_prefix(&operator(), name, &flags(&[], &[Flag::ServerHold])).await.expect("released");

        registry.flag_prefix(&holder, name, &flags(&[Flag::ClientUpdateProhibited], &[])).await.expect("locked");
        let change = PrefixChange { auto_renew: Some(true), ..Default::default() };
        assert_eq!(code(registry.amend_prefix(&holder, name, None, &change).await), "prefix-flag");
        registry.flag_prefix(&holder, name, &flags(&[], &[Flag::ClientUpdateProhibited])).await.expect("unlocked");
        registry.amend_prefix(&holder, name, None, &change).await.expect("amended");
        assert_eq!(code(registry.amend_prefix(&holder, name, Some(1), &change).await), "stale-version");

        registry.flag_prefix(&operator(), name, &flags(&[Flag::ServerDeleteProhibited], &[])).await.expect("locked");
        assert_eq!(code(registry.delete_prefix(&holder, name, None, "").await), "prefix-flag");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn within_the_first_days_a_deleted_name_is_free_at_once() {
    for bench in benches().await {
        let (registry, org) = prepared(&bench).await;
        let other = organisation(&registry, "乙").await;
        registry.allocate_prefix(&operator(), &chosen(&org, "88.118.8")).await.expect("allocated");
        let gone = registry.delete_prefix(&member(&org), "88.118.8", None, "输错").await.expect("deleted");
        assert_eq!((gone.state, gone.status), (State::Deleted, None));
        assert_eq!(last_wanted(&registry, "88.118.8").await, Wanted::Unknown);
        let again = registry.allocate_prefix(&operator(), &chosen(&other, "88.118.8")).await.expect("free");
        assert_eq!((again.organisation.as_str(), again.version), (other.as_str(), 3), "one row, its versions go on");
        // With objects below it, it goes the long way even now.
        registry.note_objects(&day(1), "88.118.8").await.expect("noted");
        let gone = registry.delete_prefix(&member(&other), "88.118.8", None, "").await.expect("deleted");
        assert_eq!((gone.state, gone.status), (State::Redemption, Some(2)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_can_be_taken_back_for_thirty_days_and_the_name_never_comes_again() {
    for bench in benches().await {
        let (registry, org) = prepared(&bench).await;
        let name = "88.118.8";
        registry.allocate_prefix(&operator(), &chosen(&org, name)).await.expect("allocated");
        let at = |days: i64| Caller { at: NOW + days * DAY, ..member(&org) };
        registry.delete_prefix(&at(10), name, None, "").await.expect("deleted");
        assert!(matches!(last_wanted(&registry, name).await, Wanted::Withheld { .. }));
        assert_eq!(tick(&registry, 39).await, 0);
        assert_eq!(code(registry.restore_prefix(&at(39), name, "").await), "reason");
        let back = registry.restore_prefix(&at(39), name, "误删").await.expect("restored");
        assert_eq!((back.state, back.ended), (State::Enabled, None));
        assert!(matches!(last_wanted(&registry, name).await, Wanted::Delegated { .. }));

        registry.delete_prefix(&at(50), name, None, "").await.expect("deleted");
        assert_eq!(tick(&registry, 80).await, 1);
        assert_eq!(prefix(&registry, name).await.state, State::PendingDelete);
        assert_eq!(code(registry.restore_prefix(&at(81), name, "误删").await), "prefix-status");
        assert_eq!(tick(&registry, 84).await, 0);
        assert_eq!(tick(&registry, 85).await, 1);
        assert_eq!(prefix(&registry, name).await.state, State::Retired);
        assert!(matches!(last_wanted(&registry, name).await, Wanted::Retired { .. }));
        let again = registry.allocate_prefix(&operator(), &chosen(&org, name)).await;
        assert_eq!(code(again), "prefix-retired", "{}", bench.scratch.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hosted_name_without_objects_is_free_in_the_end() {
    for bench in benches().await {
        let (registry, org) = prepared(&bench).await;
        let name = "88.118.8";
        let wish = Wish { hosted: true, delegation: DelegationData::default(), ..chosen(&org, name) };
        registry.allocate_prefix(&operator(), &wish).await.expect("allocated");
        let later = Caller { at: NOW + 10 * DAY, ..member(&org) };
        registry.delete_prefix(&later, name, None, "").await.expect("deleted");
        // A node that was down for long catches up in one tick.
        assert_eq!(tick(&registry, 400).await, 2);
        assert_eq!(prefix(&registry, name).await.state, State::Deleted);
        assert_eq!(last_wanted(&registry, name).await, Wanted::Unknown);
        registry.allocate_prefix(&operator(), &wish).await.expect("free");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_prefix_is_told_of_then_held_and_a_renewal_frees_it() {
    for bench in benches().await {
        let (registry, org) = prepared(&bench).await;
        let name = "88.118.8";
        let made = registry.allocate_prefix(&operator(), &chosen(&org, name)).await.expect("allocated");
        assert_eq!(tick(&registry, 334).await, 0);
        assert_eq!(tick(&registry, 335).await, 1, "told");
        assert_eq!(tick(&registry, 394).await, 0, "in its grace");
        assert_eq!(tick(&registry, 395).await, 1, "held");
        assert_eq!(prefix(&registry, name).await.flags, [Flag::ServerHold]);
        assert!(matches!(last_wanted(&registry, name).await, Wanted::Withheld { .. }));
        let late = Caller { at: NOW + 400 * DAY, ..member(&org) };
        let renewal = Renewal { current_expires: made.expires.expect("an expiry"), days: None };
        let back = registry.renew_prefix(&late, name, &renewal).await.expect("renewed");
        assert_eq!((back.flags.len(), back.expires), (0, Some(NOW + 765 * DAY)), "from now on, not from then");
        assert!(matches!(last_wanted(&registry, name).await, Wanted::Delegated { .. }));

        // A hold of the operator's own is not ended by a renewal.
        registry.flag_prefix(&operator(), name, &flags(&[Flag::ServerHold], &[])).await.expect("held");
        let renewal = Renewal { current_expires: NOW + 765 * DAY, days: Some(1) };
        let still = registry.renew_prefix(&late, name, &renewal).await.expect("renewed");
        assert_eq!(still.flags, [Flag::ServerHold], "{}", bench.scratch.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_renews_itself_if_its_holder_wants_so() {
    for bench in benches().await {
        let (registry, org) = prepared(&bench).await;
        let wish = Wish { auto_renew: Some(true), ..chosen(&org, "88.118.8") };
        registry.allocate_prefix(&operator(), &wish).await.expect("allocated");
        assert_eq!(tick(&registry, 365).await, 2, "told and renewed");
        assert_eq!(prefix(&registry, "88.118.8").await.expires, Some(NOW + 730 * DAY));
        registry.flag_prefix(&operator(), "88.118.8", &flags(&[Flag::ServerRenewProhibited], &[])).await.expect("set");
        assert_eq!(tick(&registry, 730).await, 1, "told only");
        assert_eq!(tick(&registry, 760).await, 1, "held");
        assert_eq!(prefix(&registry, "88.118.8").await.expires, Some(NOW + 730 * DAY));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_prefix_stays_so_through_deletion_and_back() {
    for bench in benches().await {
        let (registry, org) = prepared(&bench).await;
        let name = "88.118.8";
        registry.allocate_prefix(&operator(), &chosen(&org, name)).await.expect("allocated");
        let nobody = registry.decide_prefix(&member(&org), name, Decision::Suspend, "x").await;
        assert_eq!(code(nobody), "not-permitted");
        assert_eq!(code(registry.decide_prefix(&operator(), name, Decision::Suspend, " ").await), "reason");
        registry.decide_prefix(&operator(), name, Decision::Suspend, "欠费").await.expect("suspended");
        registry.delete_prefix(&member(&org), name, None, "").await.expect("deleted");
        let back = registry.restore_prefix(&member(&org), name, "误删").await.expect("restored");
        assert_eq!((back.state, back.status), (State::Suspended, Some(0)));
        assert_eq!(code(registry.decide_prefix(&member(&org), name, Decision::Resume, "").await), "not-permitted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosting_is_requested_refused_accepted() {
    for bench in benches().await {
        let (registry, org) = prepared(&bench).await;
        let name = "88.118.8";
        registry.allocate_prefix(&operator(), &chosen(&org, name)).await.expect("allocated");
        assert_eq!(code(registry.decide_hosting(&operator(), name, false, "x").await), "hosting-state");
        assert_eq!(registry.request_hosting(&member(&org), name).await.expect("requested").proxy_state, 2);
        assert_eq!(code(registry.request_hosting(&member(&org), name).await), "hosting-state");
        assert_eq!(registry.decide_hosting(&operator(), name, false, "容量").await.expect("refused").proxy_state, 3);
        assert!(matches!(last_wanted(&registry, name).await, Wanted::Delegated { .. }), "nothing changed meanwhile");
        registry.request_hosting(&member(&org), name).await.expect("requested");
        // What is copied is awaited, by the node's word only, and no longer once it is here.
        assert_eq!(code(registry.freeze_prefix(&member(&org), name).await), "hosting-state");
        assert_eq!(code(registry.receive_prefix(&member(&org), name).await), "not-permitted");
        registry.receive_prefix(&operator(), name).await.expect("awaited");
        assert!(matches!(last_wanted(&registry, name).await, Wanted::Delegated { arriving: true, .. }));
        registry.cancel_move(&member(&org), name).await.expect("cancelled");
        assert!(matches!(last_wanted(&registry, name).await, Wanted::Delegated { arriving: false, .. }));
        registry.receive_prefix(&operator(), name).await.expect("awaited");
        let hosted = registry.decide_hosting(&operator(), name, true, "").await.expect("accepted");
        assert_eq!((hosted.proxy_state, hosted.moving), (4, None));
        assert!(matches!(last_wanted(&registry, name).await, Wanted::Hosted { frozen: false, .. }));
        assert_eq!(code(registry.receive_prefix(&operator(), name).await), "hosting-state");
        assert_eq!(code(registry.freeze_prefix(&member("org-other"), name).await), "not-found");
        let frozen = registry.freeze_prefix(&member(&org), name).await.expect("frozen");
        assert_eq!(frozen.moving, Some(Moving::Out));
        assert!(matches!(last_wanted(&registry, name).await, Wanted::Hosted { frozen: true, .. }));
        assert_eq!(code(registry.freeze_prefix(&member(&org), "88.118").await), "not-permitted", "the node's own");
        registry.freeze_prefix(&operator(), "88.118").await.expect("frozen");
        assert!(matches!(last_wanted(&registry, "88.118").await, Wanted::Own { frozen: true }));
        let none = registry.move_out(&member(&org), name, &DelegationData::default()).await;
        assert_eq!(code(none), "missing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shorter_terms_take_effect_and_servers_are_checked_by_the_rules() {
    for bench in benches().await {
        let (registry, org) = prepared(&bench).await;
        let name = "88.118.8";
        registry.allocate_prefix(&operator(), &chosen(&org, name)).await.expect("allocated");
        let later = Caller { at: NOW + 10 * DAY, ..member(&org) };
        registry.delete_prefix(&later, name, None, "").await.expect("deleted");
        let wrong = PrefixRules { redemption_days: -1, ..Default::default() };
        assert_eq!(code(registry.set_prefix_rules(&operator(), &wrong).await), "out-of-range");
        let rules = PrefixRules { redemption_days: 2, private_addresses: true, ..Default::default() };
        registry.set_prefix_rules(&operator(), &rules).await.expect("set");
        assert_eq!(tick(&registry, 11).await, 0);
        assert_eq!(tick(&registry, 12).await, 1);
        let mut private = chosen(&org, "88.118.9");
        private.delegation.servers[0].address = "10.0.0.1".into();
        registry.allocate_prefix(&operator(), &private).await.expect("allowed now");
        registry.set_prefix_rules(&operator(), &PrefixRules::default()).await.expect("set");
        private.prefix = Some("88.118.10".into());
        assert_eq!(code(registry.allocate_prefix(&operator(), &private).await), "address-special");
        private.delegation.servers = vec![server(); 17];
        assert_eq!(code(registry.allocate_prefix(&operator(), &private).await), "too-many");
    }
}
