//! Letters, sealed secrets, and that everything of which somebody must be told is told.

use crate::accounts::{DAY, HOUR, PASSWORD, caller, code, enterprise, person, sign_in, stranger};
use crate::onboarding::{content, member, person as reviewer, simple};
use crate::prefixes::{chosen, prepared};
use crate::{Bench, NOW, benches, operator};
use hufu_registry::accounts::account::{AccountAct, AccountKind};
use hufu_registry::accounts::credential::NewPassword;
use hufu_registry::accounts::key::NewKey;
use hufu_registry::accounts::sign_in::SignIn;
use hufu_registry::notices::queue::Way;
use hufu_registry::notices::settings::NoticeSettings;
use hufu_registry::notices::{NoticeFilter, NoticeKind};
use hufu_registry::onboarding::review::{Decision, Verdict};
use hufu_registry::onboarding::{ApplicationKind, NewApplication};
use hufu_registry::prefixes::quota::{self, QuotaKind};
use hufu_registry::prefixes::{QuotaChange, TransferAnswer, TransferKind, TransferRequest};
use hufu_registry::{Caller, Listing, Permission, Registry};
use serde_json::json;
use sqlx::Row;
use std::collections::BTreeSet;

const CONSOLE: &str = "https://console.hufu-demo.cn/";

/// Mail goes out, and letters lead to a console.
pub async fn mail(registry: &Registry) {
    let document = json!({
        "smtp": {"host": "mail.hufu-demo.cn", "port": 465, "security": "tls", "user": "u", "password": "pass word",
                 "from": "hufu@hufu-demo.cn"},
        "console": CONSOLE,
    });
    registry.write_setting(&operator(), "notices", None, document).await.expect("settings");
}

/// The letters of a kind that wait: receiver and token.
pub async fn letters(registry: &Registry, kind: NoticeKind) -> Vec<(String, String)> {
    let page = if kind == NoticeKind::PasswordReset { "reset" } else { "invitation" };
    let due = registry.deliveries_due(NOW + 400 * DAY).await.expect("due");
    let letters = due.into_iter().filter(|outgoing| outgoing.notice.kind == kind).filter_map(|outgoing| {
        let Way::Mail { to, .. } = outgoing.way else { return None };
        let link = outgoing.link.expect("a link");
        let token = link.strip_prefix(&format!("{CONSOLE}{page}#")).expect("the page of the console").to_owned();
        Some((to, token))
    });
    letters.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_a_letter_that_works_once_and_is_forgotten_when_it_is_sent() {
    for bench in benches().await {
        let registry = &bench.registry;
        mail(registry).await;
        let home = enterprise(registry, "甲", "A1").await;
        let new = crate::accounts::new_account(AccountKind::Person, &home, "zhao", &["enterprise-staff"]);
        let invited = registry.create_account(&operator(), &new).await.expect("invited");
        let sent = letters(registry, NoticeKind::AccountInvited).await;
        assert_eq!(sent, [("zhao@mail.example".to_owned(), invited.invitation.expect("a token"))]);
        let rows = sqlx::query("SELECT id, enclosed FROM delivery").fetch_all(registry.database().reader());
        let rows = rows.await.expect("rows");
        let (id, enclosed): (String, String) = (rows[0].get(0), rows[0].get(1));
        assert!(!enclosed.is_empty() && !enclosed.contains("hufui"), "it lies sealed: {enclosed}");
        let notices = registry.notices(&operator(), &NoticeFilter::default(), &Listing::default()).await;
        assert!(!serde_json::to_string(&notices.expect("a page")).expect("JSON").contains("hufui_"));

        registry.delivered(&id, NOW).await.expect("noted");
        let left = sqlx::query("SELECT COUNT(*) FROM delivery WHERE enclosed <> ''");
        let left: i64 = left.fetch_one(registry.database().reader()).await.expect("a count").get(0);
        assert_eq!(left, 0, "{}", bench.scratch.kind);
        let accept = NewPassword { token: sent[0].1.clone(), password: PASSWORD.into() };
        registry.accept_invitation(&stranger(NOW), &accept).await.expect("accepted");
        assert_eq!(code(registry.accept_invitation(&stranger(NOW), &accept).await), "token-unknown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_sends_no_mail_says_so_to_everybody() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "A1").await;
        person(registry, &home, "zhao", &["enterprise-staff"]).await;
        for login in ["zhao", "nobody"] {
            assert_eq!(code(registry.request_reset(&stranger(NOW + HOUR), login).await), "mail-not-configured");
        }
        // No letter goes out whose link would lead nowhere.
        mail(registry).await;
        let mut document = registry.read_setting(&operator(), "notices").await.expect("read").document;
        document["console"] = json!("");
        registry.write_setting(&operator(), "notices", None, document.clone()).await.expect("written");
        assert_eq!(code(registry.request_reset(&stranger(NOW + HOUR), "zhao").await), "mail-not-configured");
        person(registry, &home, "qian", &["enterprise-staff"]).await;
        assert_eq!(registry.deliveries_due(NOW).await.expect("due").len(), 0);
        for wrong in ["console.hufu-demo.cn", "https://console.hufu-demo.cn/#/", "https://a b"] {
            document["console"] = json!(wrong);
            let refused = registry.write_setting(&operator(), "notices", None, document.clone()).await;
            assert_eq!(code(refused), "invalid-fields", "{wrong}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_settings_lie_sealed_and_old_ones_are_sealed_at_the_start() {
    for bench in benches().await {
        let registry = &bench.registry;
        let plain = json!({
            "smtp": {"host": "mail.hufu-demo.cn", "port": 465, "security": "tls", "user": "u",
                     "password": "pass word", "from": "hufu@hufu-demo.cn"},
            "webhooks": [{"name": "erp", "url": "https://erp.hufu-demo.cn/in", "secret": "0123456789abcdef"}],
        });
        // As an older node wrote it.
        let insert = sqlx::query("INSERT INTO setting (name, document, updated) VALUES ('notices', $1, 5)");
        insert.bind(plain.to_string()).execute(registry.database().reader()).await.expect("written");
        let stored = async || {
            let row = sqlx::query("SELECT document, updated FROM setting WHERE name = 'notices'");
            let row = row.fetch_one(registry.database().reader()).await.expect("there");
            (row.get::<String, _>(0), row.get::<i64, _>(1))
        };
        assert_eq!(registry.seal_settings(&Caller::node(NOW)).await.expect("sealed"), 1);
        assert_eq!(registry.seal_settings(&Caller::node(NOW)).await.expect("sealed"), 0, "once");
        let (text, updated) = stored().await;
        assert!(!text.contains("pass word") && !text.contains("0123456789abcdef") && text.contains("sealed:"));
        assert_eq!(updated, 5);
        let read: NoticeSettings = registry.setting().await.expect("opened");
        assert_eq!(
            (read.smtp.expect("there").password, read.webhooks[0].secret.as_str()),
            ("pass word".to_owned(), "0123456789abcdef")
        );
        // Sent back hidden it stays; given anew it is sealed anew; a sealed text is no secret.
        let mut seen = registry.read_setting(&operator(), "notices").await.expect("read").document;
        registry.write_setting(&operator(), "notices", None, seen.clone()).await.expect("written");
        let read: NoticeSettings = registry.setting().await.expect("opened");
        assert_eq!(read.webhooks[0].secret, "0123456789abcdef");
        seen["webhooks"][0]["secret"] = json!("another secret of mine");
        registry.write_setting(&operator(), "notices", None, seen.clone()).await.expect("written");
        assert!(!stored().await.0.contains("another secret"), "{}", bench.scratch.kind);
        seen["webhooks"][0]["secret"] = json!("sealed:0123456789abcdef0123456789abcdef");
        assert_eq!(code(registry.write_setting(&operator(), "notices", None, seen.clone()).await), "invalid-fields");
        // Another key: nothing is guessed, the node says so, and the secret can be given anew.
        let other = registry.clone().sealing([8; 32]);
        let fault = other.setting::<NoticeSettings>().await.expect_err("sealed with another key");
        assert!(fault.to_string().contains("seal"), "{fault}");
        seen["webhooks"][0]["secret"] = json!("a third secret of mine");
        seen["smtp"]["password"] = json!("word pass");
        other.write_setting(&operator(), "notices", None, seen).await.expect("written");
        let read: NoticeSettings = other.setting().await.expect("opened");
        assert_eq!(read.smtp.expect("there").password, "word pass");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn identifiers_are_charged_up_to_the_quota_and_given_back() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "A1").await;
        let charge = async |more: i64| {
            let mut act = registry.begin(&operator(), Permission::PrefixWrite, "identifier").await?;
            quota::charge(&mut act, &home, QuotaKind::Identifiers, more).await?;
            act.record("test.charge", "identifier", Some(&home), json!(null), json!(more));
            act.commit(()).await
        };
        let used = async || registry.quotas(&operator(), &home).await.expect("quotas")[1].used;
        assert_eq!(used().await, None);
        charge(1_000_000).await.expect("no bound");
        let bound = QuotaChange { prefixes: None, identifiers: Some(1_000_100) };
        registry.set_quotas(&operator(), &home, &bound).await.expect("set");
        assert_eq!(code(charge(101).await), "quota-exceeded");
        assert_eq!(used().await, Some(1_000_000), "what was refused is not counted");
        charge(100).await.expect("just so many");
        assert_eq!(code(charge(1).await), "quota-exceeded");
        charge(0).await.expect("nothing more");
        let mut act = registry.begin(&operator(), Permission::PrefixWrite, "identifier").await.expect("begun");
        quota::refund(&mut act, &home, QuotaKind::Identifiers, 50).await.expect("given back");
        act.record("test.refund", "identifier", Some(&home), json!(null), json!(50));
        act.commit(()).await.expect("committed");
        charge(50).await.expect("there is room again");
        assert_eq!(used().await, Some(1_000_100), "{}", bench.scratch.kind);
        let fewer = charge(-5).await.expect_err("a fault");
        assert!(fewer.refusal().is_none());
    }
}

async fn filed(registry: &Registry, by: &Caller) -> String {
    let new = NewApplication { kind: ApplicationKind::Onboarding, organisation: None, content: content("示例") };
    let id = registry.create_application(by, &new).await.expect("filed").id.clone();
    registry.submit_application(by, &id, None).await.expect("submitted");
    id
}

async fn decided(registry: &Registry, id: &str, by: &str, verdict: Verdict) {
    registry.claim_application(&reviewer(by), id, false).await.expect("claimed");
    let decision = Decision { verdict, reason: "见附件".into() };
    registry.decide_application(&reviewer(by), id, None, &decision).await.expect("decided");
}

/// Everything that can happen to applications.
async fn applications(registry: &Registry, organisation: &str) {
    simple(registry, |settings| settings.reviewers = 2).await;
    let own = member("acc-own", organisation);
    let returned = filed(registry, &own).await;
    decided(registry, &returned, "acc-r", Verdict::Return).await;
    registry.withdraw_application(&own, &returned, "").await.expect("withdrawn");
    let rejected = filed(registry, &own).await;
    decided(registry, &rejected, "acc-r", Verdict::Reject).await;
    let withdrawn = filed(registry, &own).await;
    registry.withdraw_application(&own, &withdrawn, "").await.expect("withdrawn");
    let late = filed(registry, &own).await;
    for days in [7, 30] {
        registry.remind_reviewers(&Caller::node(NOW + days * DAY)).await.expect("reminded");
    }
    registry.withdraw_application(&own, &late, "").await.expect("withdrawn");
    let approved = filed(registry, &reviewer("acc-clerk")).await;
    decided(registry, &approved, "acc-r", Verdict::Approve).await;
    decided(registry, &approved, "acc-s", Verdict::Approve).await;
}

/// Everything that can happen to a prefix.
async fn prefixes(registry: &Registry, holder: &str, gaining: &str) {
    let bound = QuotaChange { prefixes: Some(10), identifiers: None };
    registry.set_quotas(&operator(), holder, &bound).await.expect("set");
    for number in 1..=9 {
        registry.allocate_prefix(&operator(), &chosen(holder, &format!("88.118.{number}"))).await.expect("allocated");
    }
    let expiry = registry.prefix(&operator(), "88.118.1").await.expect("there").expires.expect("an expiry");
    registry.tick(&Caller::node(expiry - DAY)).await.expect("a tick");
    let asking = Caller { at: NOW + 61 * DAY, ..crate::prefixes::member(gaining) };
    let holding = Caller { at: asking.at, ..crate::prefixes::member(holder) };
    let secret = registry.transfer_code(&holding, "88.118.2").await.expect("a code").code;
    let request = TransferRequest {
        prefix: "88.118.2".into(),
        kind: TransferKind::Holder,
        code: secret,
        gaining: gaining.into(),
        delegation: None,
        remark: String::new(),
    };
    let transfer = registry.request_transfer(&asking, &request).await.expect("requested");
    registry.answer_transfer(&holding, &transfer.id, TransferAnswer::Approve).await.expect("approved");
}

/// Everything that can happen to an account.
async fn accounts(registry: &Registry, home: &str) {
    let id = person(registry, home, "boss", &["enterprise-administrator"]).await;
    let boss = caller(registry, "boss", PASSWORD, NOW).await;
    let elsewhere = Caller::anonymous("198.51.100.9", "request", NOW);
    let request = SignIn { login: "boss".into(), password: PASSWORD.into(), code: None };
    for _ in 0..2 {
        registry.sign_in(&elsewhere, &request, "test").await.expect("signed in");
    }
    let new = NewKey {
        account: None,
        note: "对接 ERP".into(),
        permissions: vec![Permission::PrefixRead],
        addresses: Vec::new(),
        expires: NOW + 30 * DAY,
    };
    registry.create_key(&boss, &new).await.expect("issued");
    assert_eq!(registry.remind_of_keys(&Caller::node(NOW + 15 * DAY)).await.expect("looked"), 0);
    assert_eq!(registry.remind_of_keys(&Caller::node(NOW + 16 * DAY)).await.expect("looked"), 1);
    assert_eq!(registry.remind_of_keys(&Caller::node(NOW + 17 * DAY)).await.expect("looked"), 0, "once");
    registry.request_reset(&stranger(NOW + HOUR), "boss").await.expect("asked");
    registry.set_account_state(&operator(), &id, AccountAct::Lock, "离职").await.expect("locked");
}

async fn told(bench: &Bench) -> Vec<(String, String)> {
    let rows = sqlx::query("SELECT kind, audience FROM notice").fetch_all(bench.registry.database().reader());
    rows.await.expect("rows").iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_notice_is_told_by_what_it_is_about() {
    for bench in benches().await {
        let (registry, home) = prepared(&bench).await;
        mail(&registry).await;
        let other = enterprise(&registry, "乙", "B1").await;
        applications(&registry, &home).await;
        prefixes(&registry, &home, &other).await;
        accounts(&registry, &home).await;
        let told = told(&bench).await;
        let kinds: BTreeSet<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
        // Those need a node above; the tests of the operator interface hear them.
        let from_above = [NoticeKind::OperatorStuck, NoticeKind::OperatorMessage];
        for kind in NoticeKind::ALL.into_iter().filter(|kind| !from_above.contains(kind)) {
            let name = serde_json::to_value(kind).expect("a name");
            assert!(kinds.contains(name.as_str().expect("text")), "{kind:?} was never told: {kinds:?}");
        }
        assert_eq!(kinds.len() + from_above.len(), NoticeKind::ALL.len());
        let count = |kind: &str| told.iter().filter(|(other, _)| other == kind).count();
        assert_eq!(count("sign-in-elsewhere"), 1, "a network is news once");
        assert_eq!(count("quota-near"), 1, "told when nine tenths are passed: {}", bench.scratch.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_that_lock_are_told_to_the_account_and_a_login_that_nobody_has_is_not() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "A1").await;
        let id = person(registry, &home, "zhao", &["enterprise-staff"]).await;
        for login in ["zhao", "nobody"] {
            for _ in 0..5 {
                assert_eq!(code(sign_in(registry, login, "wrong", NOW).await), "sign-in-failed");
            }
        }
        let locked: Vec<_> = told(&bench).await.into_iter().filter(|(kind, _)| kind == "account-locked").collect();
        assert_eq!(locked, [("account-locked".to_owned(), format!("account:{id}"))], "{}", bench.scratch.kind);
    }
}
