//! Notices: who is told what, marks, deliveries with retries; and settings with their secrets.

use crate::onboarding::{code, content, member, person, simple};
use crate::{NOW, benches, operator};
use hufu_registry::caller::DAY;
use hufu_registry::notices::queue::{DeliveryFilter, Way, signature};
use hufu_registry::notices::{NoticeFilter, NoticeKind};
use hufu_registry::onboarding::jobs::{ATTEMPTS, Check};
use hufu_registry::onboarding::review::{Decision, Verdict};
use hufu_registry::onboarding::{ApplicationKind, NewApplication};
use hufu_registry::settings::HIDDEN;
use hufu_registry::{Caller, Listing, Permission, Registry};
use serde_json::json;

const SECRET: &str = "0123456789abcdef";

async fn hook(registry: &Registry) {
    let document = json!({
        "smtp": {"host": "mail.hufu-demo.cn", "port": 465, "security": "tls", "user": "u", "password": "pass word",
                 "from": "hufu@hufu-demo.cn"},
        "webhooks": [{"name": "erp", "url": "https://erp.hufu-demo.cn/in", "secret": SECRET,
                      "kinds": ["application-returned"]}],
    });
    registry.write_setting(&operator(), "notices", None, document).await.expect("settings");
}

/// An application of `organisation` that was returned.
async fn returned(registry: &Registry, organisation: &str) -> String {
    let own = member("acc-own", organisation);
    let new = NewApplication { kind: ApplicationKind::Onboarding, organisation: None, content: content("示例") };
    let id = registry.create_application(&own, &new).await.expect("filed").id.clone();
    registry.submit_application(&own, &id, None).await.expect("submitted");
    registry.claim_application(&person("acc-r"), &id, false).await.expect("claimed");
    let back = Decision { verdict: Verdict::Return, reason: "地址不详".into() };
    registry.decide_application(&person("acc-r"), &id, None, &back).await.expect("returned");
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn each_side_is_told_its_own() {
    for bench in benches().await {
        let registry = &bench.registry;
        simple(registry, |_| {}).await;
        let (one, two) = (bench.organisation("甲").await, bench.organisation("乙").await);
        returned(registry, &one).await;
        let all = NoticeFilter::default();
        let kinds = async |caller: &Caller, filter: &NoticeFilter| {
            let page = registry.notices(caller, filter, &Listing::default()).await.expect("a page");
            page.items.into_iter().map(|notice| notice.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&person("acc-r"), &all).await, [NoticeKind::ApplicationSubmitted]);
        let own = member("acc-own", &one);
        assert_eq!(kinds(&own, &all).await, [NoticeKind::ApplicationReturned]);
        assert_eq!(kinds(&member("acc-two", &two), &all).await, []);
        let mut clerk = person("acc-c");
        clerk.permissions = [Permission::NoticeRead].into_iter().collect();
        assert_eq!(kinds(&clerk, &all).await, [], "who does not review is not told of reviews");

        let page = registry.notices(&own, &all, &Listing::default()).await.expect("a page");
        let notice = &page.items[0];
        assert!(notice.body_zh.contains("地址不详") && notice.body_en.contains("地址不详"), "{notice:?}");
        assert!(!notice.read && registry.unread_notices(&own).await.expect("a count") == 1);
        let ids = vec![notice.id.clone(), "ntc-none".into()];
        assert_eq!(registry.mark_notices(&member("acc-two", &two), &ids).await.expect("marked"), 0);
        assert_eq!(registry.mark_notices(&own, &ids).await.expect("marked"), 1);
        assert_eq!(registry.mark_notices(&own, &ids).await.expect("marked"), 0);
        assert_eq!(registry.unread_notices(&own).await.expect("a count"), 0);
        let colleague = member("acc-colleague", &one);
        assert_eq!(registry.unread_notices(&colleague).await.expect("a count"), 1, "{}", bench.scratch.kind);
        let unread = NoticeFilter { unread: Some(true), ..Default::default() };
        assert_eq!(kinds(&own, &unread).await, []);
        assert_eq!(registry.forget_notices(NOW + 181 * DAY).await.expect("forgotten"), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_retried_for_a_day_and_then_given_up_and_shown() {
    for bench in benches().await {
        let registry = &bench.registry;
        simple(registry, |_| {}).await;
        hook(registry).await;
        let one = bench.organisation("甲").await;
        returned(registry, &one).await;
        let due = registry.deliveries_due(NOW).await.expect("due");
        let mut ways: Vec<_> = due
            .iter()
            .map(|outgoing| match &outgoing.way {
                Way::Mail { server, to } => format!("{} {to} {}", server.password, outgoing.notice.title_en),
                Way::Webhook(webhook) => format!("{} {}", webhook.secret, outgoing.notice.title_en),
                Way::Nowhere => "nowhere".into(),
            })
            .collect();
        ways.sort();
        assert_eq!(
            ways,
            [
                "0123456789abcdef Application returned for correction: 示例",
                "pass word someone@hufu-demo.cn Application returned for correction: 示例",
            ]
        );
        let (mail, web) = match &due[0].way {
            Way::Mail { .. } => (&due[0].id, &due[1].id),
            _ => (&due[1].id, &due[0].id),
        };
        registry.delivered(mail, NOW + 5).await.expect("noted");
        let (mut now, mut tries) = (NOW, 0);
        while now <= NOW + 2 * DAY {
            if registry.deliveries_due(now).await.expect("due").iter().any(|outgoing| &outgoing.id == web) {
                registry.not_delivered(web, "no answer", false, now).await.expect("noted");
                tries += 1;
            }
            now += 60_000;
        }
        // 1 + 2 + 4 + 8 + 16 + 32 minutes, then hourly.
        assert!((20..=30).contains(&tries), "{tries}");
        let filter = DeliveryFilter { state: Some("given-up".into()), ..Default::default() };
        let page = registry.deliveries(&operator(), &filter, &Listing::default()).await.expect("a page");
        assert_eq!((page.items.len(), page.items[0].fault.as_str()), (1, "no answer"));
        assert_eq!(code(registry.deliveries(&member("a", &one), &filter, &Listing::default()).await), "not-found");
        let again = registry.retry_delivery(&operator(), web).await.expect("again");
        assert_eq!((again.state.as_str(), again.attempts), ("waiting", 0));
        assert_eq!(code(registry.retry_delivery(&operator(), web).await), "delivery-state");
        // Its webhook is gone: nowhere to go.
        registry.write_setting(&operator(), "notices", None, json!({})).await.expect("settings");
        let due = registry.deliveries_due(NOW).await.expect("due");
        assert!(matches!(due[0].way, Way::Nowhere), "{}", bench.scratch.kind);
        registry.not_delivered(web, "no such webhook", true, NOW).await.expect("noted");
        assert_eq!(registry.deliveries_due(NOW + DAY).await.expect("due").len(), 0);
    }
}

#[test]
fn a_signature_is_the_hmac_that_anybody_can_compute() {
    // printf '1.{}' | openssl dgst -sha256 -hmac 0123456789abcdef
    let expected = "t=1,v1=2af693cb56b22c16912222aeefdc75a01de562bf70ee2015f41ecea48382997f";
    assert_eq!(signature(SECRET, 1, b"{}").expect("signed"), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_written_kept_and_never_read() {
    for bench in benches().await {
        let registry = &bench.registry;
        hook(registry).await;
        let seen = registry.read_setting(&operator(), "notices").await.expect("read");
        assert_eq!(seen.document["smtp"]["password"], HIDDEN);
        assert_eq!(seen.document["webhooks"][0]["secret"], HIDDEN);
        let stored: hufu_registry::notices::settings::NoticeSettings = registry.setting().await.expect("read");
        assert_eq!(stored.smtp.expect("there").password, "pass word");

        // Sent back as it was read, with another address: the secrets stay.
        let mut document = seen.document.clone();
        document["webhooks"][0]["url"] = json!("https://erp.hufu-demo.cn/other");
        let stale = registry.write_setting(&operator(), "notices", Some(seen.version - 1), document.clone()).await;
        assert_eq!(code(stale), "stale-version");
        let again = registry.write_setting(&operator(), "notices", Some(seen.version), document.clone()).await;
        assert!(again.expect("written").version > seen.version);
        let stored: hufu_registry::notices::settings::NoticeSettings = registry.setting().await.expect("read");
        assert_eq!(stored.webhooks[0].secret, SECRET);
        // Another mail server does not get the password of this one.
        document["smtp"]["host"] = json!("mail.elsewhere.cn");
        registry.write_setting(&operator(), "notices", None, document.clone()).await.expect("written");
        let stored: hufu_registry::notices::settings::NoticeSettings = registry.setting().await.expect("read");
        assert_eq!(stored.smtp.expect("there").password, "");
        // A new webhook has no secret to keep.
        document["webhooks"][0]["name"] = json!("another");
        assert_eq!(code(registry.write_setting(&operator(), "notices", None, document).await), "invalid-fields");

        let audit = registry.audit(&operator(), &Default::default(), &Listing::default()).await.expect("the audit");
        let text = serde_json::to_string(&audit).expect("JSON");
        assert!(!text.contains(SECRET) && !text.contains("pass word"), "{text}");
        assert!(text.contains("settings.write"));

        assert_eq!(code(registry.read_setting(&operator(), "nothing").await), "not-found");
        assert_eq!(code(registry.write_setting(&operator(), "review", None, json!({"x": 1})).await), "setting-format");
        let three = json!({"reviewers": 3, "reviewedFields": ["nothing"]});
        assert_eq!(code(registry.write_setting(&operator(), "review", None, three).await), "invalid-fields");
        assert_eq!(code(registry.read_setting(&member("acc-x", "org-x"), "review").await), "not-found");
        let mut nobody = person("acc-n");
        nobody.permissions = [Permission::SettingsRead].into_iter().collect();
        assert_eq!(code(registry.write_setting(&nobody, "review", None, json!({})).await), "not-permitted");
        assert_eq!(registry.settings(&nobody).await.expect("all").len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn verifications_by_others_are_queued_retried_and_become_doubtful_in_the_end() {
    for bench in benches().await {
        let registry = &bench.registry;
        simple(registry, |settings| {
            settings.reachability = true;
            settings.external_checkers = vec![hufu_registry::settings::ExternalChecker {
                name: "register".into(),
                url: "https://check.hufu-demo.cn".into(),
                secret: "s".into(),
                aspect: hufu_registry::onboarding::checkers::Aspect::Organisation,
            }];
        })
        .await;
        let clerk = person("acc-clerk");
        let new = NewApplication { kind: ApplicationKind::Onboarding, organisation: None, content: content("示例") };
        let id = registry.create_application(&clerk, &new).await.expect("filed").id.clone();
        assert_eq!(registry.checks_due(NOW).await.expect("due").len(), 0);
        registry.submit_application(&clerk, &id, None).await.expect("submitted");
        let jobs = registry.checks_due(NOW).await.expect("due");
        assert_eq!(jobs.len(), 2);
        let external = jobs.iter().find(|job| matches!(job.check, Check::External(_))).expect("there");
        let question = external.question();
        assert_eq!(question["input"]["orgName"], "示例");
        assert!(question["input"].get("contact").is_none(), "what is not looked at is not sent");

        let pass = hufu_registry::onboarding::evidence::NewEvidence {
            aspect: external.aspect(),
            outcome: hufu_registry::onboarding::checkers::Outcome::Pass,
            findings: Vec::new(),
            document: String::new(),
        };
        let forged = registry.record_check(&person("acc-r"), &id, &external.source, &pass).await;
        assert_eq!(code(forged), "not-permitted");
        let node = Caller::node(NOW);
        let made = registry.record_check(&node, &id, &external.source, &pass).await.expect("recorded");
        assert_eq!(made.expect("evidence").checker, "external-register");
        assert!(registry.record_check(&node, &id, &external.source, &pass).await.expect("nothing").is_none());

        let mut now = NOW;
        for attempt in 1..=ATTEMPTS {
            let job = loop {
                match registry.checks_due(now).await.expect("due").pop() {
                    Some(job) => break job,
                    None => now += 60_000,
                }
            };
            registry.check_failed(&Caller::node(now), &job, "no answer").await.expect("noted");
            let left = registry.checks_due(now + DAY).await.expect("due").len();
            assert_eq!(left, usize::from(attempt < ATTEMPTS), "{}", bench.scratch.kind);
        }
        let seen = registry.evidence(&clerk, &id).await.expect("evidence");
        let last = seen.last().expect("there");
        assert_eq!((last.checker.as_str(), last.method.as_str()), ("reachability", "network"));
        assert_eq!(last.outcome, hufu_registry::onboarding::checkers::Outcome::Doubtful);
    }
}
