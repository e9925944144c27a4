//! Transfers between holders and between sponsors: every path, every side, and who comes first.

use crate::prefixes::{chosen, code, member, organisation, prepared, server};
use crate::{Bench, NOW, benches, operator};
use hufu_registry::caller::DAY;
use hufu_registry::outbox::{Server, Wanted};
use hufu_registry::prefixes::{
    DelegationData, Flag, FlagChange, PrefixRules, RejectReason, Transfer, TransferAnswer, TransferKind,
    TransferRequest, TransferState,
};
use hufu_registry::{Caller, Error, Listing, Registry};

const NAME: &str = "88.118.8";

/// A registry with a prefix of the first organisation, and two more.
struct Stage {
    registry: Registry,
    holder: String,
    gaining: String,
    stranger: String,
}

impl Stage {
    async fn set(bench: &Bench) -> Self {
        let (registry, holder) = prepared(bench).await;
        let gaining = organisation(&registry, "乙").await;
        let stranger = organisation(&registry, "丙").await;
        registry.allocate_prefix(&operator(), &chosen(&holder, NAME)).await.expect("allocated");
        Stage { registry, holder, gaining, stranger }
    }

    fn at(&self, organisation: &str, days: i64) -> Caller {
        Caller { at: NOW + days * DAY, ..member(organisation) }
    }

    async fn code(&self, days: i64) -> String {
        self.registry.transfer_code(&self.at(&self.holder, days), NAME).await.expect("a code").code
    }

    fn request(&self, kind: TransferKind, code: &str) -> TransferRequest {
        let servers = vec![Server { address: "9.9.9.9".into(), ..server() }];
        let delegation = Some(DelegationData { servers, ..Default::default() });
        let (prefix, code, gaining) = (NAME.into(), code.into(), self.gaining.clone());
        TransferRequest { prefix, kind, code, gaining, delegation, remark: String::new() }
    }

    async fn open(&self, kind: TransferKind, days: i64) -> Transfer {
        let request = self.request(kind, &self.code(days).await);
        let gaining = self.at(&self.gaining, days);
        self.registry.request_transfer(&gaining, &request).await.expect("requested")
    }

    async fn answer(&self, caller: &Caller, transfer: &Transfer, answer: TransferAnswer) -> Result<Transfer, Error> {
        self.registry.answer_transfer(caller, &transfer.id, answer).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_changes_hands_with_code_and_consent() {
    for bench in benches().await {
        let stage = Stage::set(&bench).await;
        let registry = &stage.registry;
        let lock = FlagChange { add: vec![Flag::ClientDeleteProhibited], ..Default::default() };
        registry.flag_prefix(&stage.at(&stage.holder, 60), NAME, &lock).await.expect("flagged");
        let transfer = stage.open(TransferKind::Holder, 60).await;
        assert_eq!((transfer.state, transfer.due), (TransferState::Pending, NOW + 65 * DAY));
        let pending = registry.prefix(&operator(), NAME).await.expect("there");
        assert!(pending.flags.contains(&Flag::PendingTransfer));
        let delete = registry.delete_prefix(&stage.at(&stage.holder, 60), NAME, None, "").await;
        assert_eq!(code(delete), "prefix-flag", "a pending prefix refuses other changes");

        let own = stage.answer(&stage.at(&stage.gaining, 61), &transfer, TransferAnswer::Approve).await;
        assert_eq!(code(own), "transfer-not-yours", "the gaining side does not consent for the losing one");
        let done =
            stage.answer(&stage.at(&stage.holder, 61), &transfer, TransferAnswer::Approve).await.expect("approved");
        assert_eq!(done.state, TransferState::ClientApproved);
        let moved = registry.prefix(&member(&stage.gaining), NAME).await.expect("reached by the new holder");
        assert_eq!((moved.organisation.as_str(), moved.flags.len()), (stage.gaining.as_str(), 0));
        assert_eq!(moved.transferred, Some(NOW + 61 * DAY));
        assert_eq!(code(registry.prefix(&member(&stage.holder), NAME).await), "not-found");
        let last = registry.waiting().await.expect("the outbox").pop().expect("published").publication;
        assert!(matches!(last.wanted, Wanted::Delegated { servers, .. } if servers[0].address == "9.9.9.9"));
        let again = stage.answer(&stage.at(&stage.holder, 61), &transfer, TransferAnswer::Approve).await;
        assert_eq!(code(again), "transfer-decided");
        assert!(registry.verify_audit(&operator()).await.expect("verified").whole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sponsor_changes_with_the_consent_of_node_and_holder() {
    for bench in benches().await {
        let stage = Stage::set(&bench).await;
        let registry = &stage.registry;
        // The operator made the code: the holder has not said anything yet.
        let made = registry.transfer_code(&Caller { at: NOW + 60 * DAY, ..operator() }, NAME).await.expect("a code");
        let request = stage.request(TransferKind::Sponsor, &made.code);
        let transfer = registry.request_transfer(&stage.at(&stage.gaining, 60), &request).await.expect("requested");
        assert!(!transfer.holder_consent && transfer.losing.is_empty());
        let node = Caller { at: NOW + 60 * DAY, ..operator() };
        let half = stage.answer(&node, &transfer, TransferAnswer::Approve).await.expect("consented");
        assert_eq!((half.state, half.losing_consent, half.holder_consent), (TransferState::Pending, true, false));
        let done =
            stage.answer(&stage.at(&stage.holder, 60), &transfer, TransferAnswer::Approve).await.expect("approved");
        assert_eq!(done.state, TransferState::ClientApproved);
        let prefix = registry.prefix(&member(&stage.gaining), NAME).await.expect("reached by the sponsor");
        assert_eq!(
            (prefix.sponsor.as_str(), prefix.organisation.as_str()),
            (stage.gaining.as_str(), stage.holder.as_str())
        );
        let listed = registry.prefixes(&member(&stage.gaining), &Default::default(), &Listing::default()).await;
        assert_eq!(listed.expect("a page").total, 1, "{}", bench.scratch.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_consent_only_where_the_holder_has_consented() {
    for bench in benches().await {
        let stage = Stage::set(&bench).await;
        let registry = &stage.registry;
        let node = Caller { at: NOW + 60 * DAY, ..operator() };
        let made = registry.transfer_code(&node, NAME).await.expect("a code");
        let request = stage.request(TransferKind::Sponsor, &made.code);
        let unasked = registry.request_transfer(&stage.at(&stage.gaining, 60), &request).await.expect("requested");
        assert_eq!(registry.tick(&Caller::node(NOW + 64 * DAY)).await.expect("a tick").transfers, 0);
        assert_eq!(registry.tick(&Caller::node(NOW + 65 * DAY)).await.expect("a tick").transfers, 1);
        let ended = registry.transfer(&operator(), &unasked.id).await.expect("there");
        assert_eq!(ended.state, TransferState::ServerCancelled);
        assert!(registry.prefix(&operator(), NAME).await.expect("there").flags.is_empty());

        let silent = stage.open(TransferKind::Sponsor, 66).await;
        assert_eq!(registry.tick(&Caller::node(NOW + 71 * DAY)).await.expect("a tick").transfers, 1);
        assert_eq!(registry.tick(&Caller::node(NOW + 71 * DAY)).await.expect("a tick").transfers, 0);
        let ended = registry.transfer(&operator(), &silent.id).await.expect("there");
        assert_eq!((ended.state, ended.reason.as_str()), (TransferState::ServerApproved, "silence"));
        assert_eq!(registry.prefix(&operator(), NAME).await.expect("there").sponsor, stage.gaining);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_secret_short_lived_and_good_for_once() {
    for bench in benches().await {
        let stage = Stage::set(&bench).await;
        let registry = &stage.registry;
        let gaining = stage.at(&stage.gaining, 60);
        let first = stage.code(60).await;
        let second = stage.code(60).await;
        assert_eq!(second.len(), 26);
        let with = |code: &str| stage.request(TransferKind::Holder, code);
        assert_eq!(code(registry.request_transfer(&gaining, &with("")).await), "transfer-code");
        assert_eq!(code(registry.request_transfer(&gaining, &with(&first)).await), "transfer-code", "replaced");
        let late = stage.at(&stage.gaining, 74);
        assert_eq!(code(registry.request_transfer(&late, &with(&second)).await), "transfer-code", "expired");
        let elsewhere = TransferRequest { prefix: "88.118.99".into(), ..with(&second) };
        assert_eq!(code(registry.request_transfer(&gaining, &elsewhere).await), "transfer-code", "no such prefix");
        let for_others = registry.request_transfer(&stage.at(&stage.stranger, 60), &with(&second)).await;
        assert_eq!(code(for_others), "not-found", "nobody asks in the name of another");
        let open = registry.request_transfer(&gaining, &with(&second)).await.expect("requested");
        stage.answer(&gaining, &open, TransferAnswer::Cancel).await.expect("cancelled");
        assert_eq!(code(registry.request_transfer(&gaining, &with(&second)).await), "transfer-code", "used");
        let stranger = registry.transfer_code(&member(&stage.stranger), NAME).await;
        assert_eq!(code(stranger), "not-found");
        let listing = Listing { limit: Some(200), ..Default::default() };
        let audit = registry.audit(&operator(), &Default::default(), &listing).await.expect("the audit");
        let audit = serde_json::to_string(&audit).expect("JSON");
        assert!(!audit.contains(&first) && !audit.contains(&second), "a code in the audit");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_side_says_no_in_its_own_way() {
    for bench in benches().await {
        let stage = Stage::set(&bench).await;
        let registry = &stage.registry;
        let early = stage.request(TransferKind::Holder, &stage.code(59).await);
        assert_eq!(code(registry.request_transfer(&stage.at(&stage.gaining, 59), &early).await), "transfer-locked");

        let open = stage.open(TransferKind::Holder, 60).await;
        let stranger = stage.at(&stage.stranger, 60);
        assert_eq!(code(stage.answer(&stranger, &open, TransferAnswer::Cancel).await), "not-found");
        assert_eq!(code(registry.transfer(&stranger, &open.id).await), "not-found");
        let no = TransferAnswer::Reject { reason: RejectReason::HolderObjects };
        let by_gaining = stage.answer(&stage.at(&stage.gaining, 60), &open, no).await;
        assert_eq!(code(by_gaining), "transfer-not-yours");
        let by_holder = stage.answer(&stage.at(&stage.holder, 60), &open, TransferAnswer::Cancel).await;
        assert_eq!(code(by_holder), "transfer-not-yours");
        let refused = stage.answer(&stage.at(&stage.holder, 60), &open, no).await.expect("rejected");
        assert_eq!((refused.state, refused.reason.as_str()), (TransferState::ClientRejected, "holder-objects"));
        assert!(registry.prefix(&member(&stage.holder), NAME).await.expect("stays").flags.is_empty());

        let open = stage.open(TransferKind::Holder, 60).await;
        let stopped = stage.answer(&operator(), &open, TransferAnswer::Cancel).await.expect("stopped");
        assert_eq!(stopped.state, TransferState::ServerCancelled);
        let open = stage.open(TransferKind::Holder, 60).await;
        let forced = stage.answer(&Caller { at: NOW + 60 * DAY, ..operator() }, &open, TransferAnswer::Approve).await;
        assert_eq!(forced.expect("decided").state, TransferState::ServerApproved);
        let locked = FlagChange { add: vec![Flag::ClientTransferProhibited], ..Default::default() };
        registry.flag_prefix(&member(&stage.gaining), NAME, &locked).await.expect("locked");
        assert_eq!(code(registry.transfer_code(&member(&stage.gaining), NAME).await), "prefix-flag");
        let page = registry.transfers(&member(&stage.stranger), &Default::default(), &Listing::default()).await;
        assert_eq!(page.expect("a page").total, 0, "{}", bench.scratch.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn approval_withdrawal_and_time_race_and_one_of_them_wins() {
    for bench in benches().await {
        let stage = Stage::set(&bench).await;
        let rules = PrefixRules { transfer_lock_days: 0, ..Default::default() };
        stage.registry.set_prefix_rules(&operator(), &rules).await.expect("set");
        for round in 0..6 {
            let days = 70 + round * 10;
            let transfer = stage.open(TransferKind::Sponsor, days).await;
            let (registry, late) = (stage.registry.clone(), NOW + (days + 5) * DAY);
            let node = Caller { at: late, ..operator() };
            let gaining = stage.at(&stage.gaining, days + 5);
            let (approve, cancel, time) = tokio::join!(
                registry.answer_transfer(&node, &transfer.id, TransferAnswer::Approve),
                registry.answer_transfer(&gaining, &transfer.id, TransferAnswer::Cancel),
                registry.tick(&node),
            );
            let time = time.expect("a tick").transfers;
            let wins = usize::from(approve.is_ok()) + usize::from(cancel.is_ok()) + time;
            assert_eq!(wins, 1, "{}: {approve:?} {cancel:?} {time}", bench.scratch.kind);
            let end = registry.transfer(&operator(), &transfer.id).await.expect("there").state;
            let prefix = registry.prefix(&operator(), NAME).await.expect("there");
            let moved = matches!(end, TransferState::ClientApproved | TransferState::ServerApproved);
            assert_eq!(prefix.sponsor == stage.gaining, moved, "{end:?}");
            assert!(prefix.flags.is_empty());
            if moved {
                let request = TransferRequest {
                    gaining: String::new(),
                    ..stage.request(TransferKind::Sponsor, &stage.code(days + 6).await)
                };
                let back = Caller { at: NOW + (days + 6) * DAY, ..operator() };
                let back_again = registry.request_transfer(&back, &request).await.expect("back");
                registry.answer_transfer(&back, &back_again.id, TransferAnswer::Approve).await.expect("back");
            }
        }
        assert!(stage.registry.verify_audit(&operator()).await.expect("verified").whole);
    }
}
