//! Signing in: lock-out, equal effort, one-time passwords, the ends of a session, many at once, and no secret anywhere.

use crate::accounts::{
    DAY, HERE, HOUR, MINUTE, OTHER, PASSWORD, caller, code, enterprise, first, person, sign_in, stranger,
};
use crate::{NOW, benches, operator};
use hufu_registry::accounts::AccountPolicy;
use hufu_registry::accounts::account::AccountAct;
use hufu_registry::accounts::credential::PasswordChange;
use hufu_registry::accounts::key::NewKey;
use hufu_registry::accounts::role::RoleContent;
use hufu_registry::accounts::second_factor::Code;
use hufu_registry::accounts::session::SessionFilter;
use hufu_registry::accounts::sign_in::SignIn;
use hufu_registry::audit::AuditFilter;
use hufu_registry::totp::TotpSecret;
use hufu_registry::{Caller, Listing, Pending, Permission, Registry};
use sqlx::Row;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn five_failures_lock_a_login_longer_each_time_whether_or_not_it_exists() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "A1").await;
        let id = person(registry, &home, "zhao", &["enterprise-staff"]).await;
        for login in ["zhao", "nobody"] {
            let from = |now: i64, password: &str| {
                // Each from elsewhere, so that it is the login that is locked.
                let caller = Caller::anonymous(format!("198.51.100.{}", now / MINUTE % 250), "r", now);
                let request = SignIn { login: login.into(), password: password.into(), code: None };
                let registry = registry.clone();
                async move { code(registry.sign_in(&caller, &request, "").await) }
            };
            for attempt in 0..5 {
                assert_eq!(from(NOW + attempt, OTHER).await, "sign-in-failed", "{login} {attempt}");
            }
            assert_eq!(from(NOW + 5, PASSWORD).await, "sign-in-locked", "{login}");
            assert_eq!(from(NOW + 14 * MINUTE, PASSWORD).await, "sign-in-locked", "{login}");
            let mut now = NOW + 16 * MINUTE;
            for attempt in 0..5 {
                assert_eq!(from(now + attempt, OTHER).await, "sign-in-failed", "{login} {attempt}");
            }
            now += 29 * MINUTE;
            assert_eq!(from(now, PASSWORD).await, "sign-in-locked", "{login}: the second lock is twice as long");
        }
        let shown = Registry::account(registry, &operator(), &id).await.expect("there");
        assert!(shown.locked_until.is_some());
        registry.set_account_state(&operator(), &id, AccountAct::Unlock, "").await.expect("unlocked");
        sign_in(registry, "zhao", PASSWORD, NOW + 46 * MINUTE).await.expect("signed in");
        let filter = AuditFilter { action: Some("account.lock".into()), ..Default::default() };
        let locks = registry.audit(&operator(), &filter, &Listing::default()).await.expect("the audit");
        assert_eq!(locks.total, 5, "two for each login, and the end of one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_tries_many_logins_is_locked() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "B1").await;
        person(registry, &home, "zhao", &["enterprise-staff"]).await;
        let mut locked_at = None;
        for number in 0..25 {
            if code(sign_in(registry, &format!("guess{number}"), OTHER, NOW).await) == "sign-in-locked" {
                locked_at = Some(number);
                break;
            }
        }
        assert_eq!(locked_at, Some(20), "{}", bench.scratch.kind);
        assert_eq!(code(sign_in(registry, "zhao", PASSWORD, NOW).await), "sign-in-locked");
        sign_in(registry, "zhao", PASSWORD, NOW + 16 * MINUTE).await.expect("the lock is over");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_once_count_as_guesses_one_after_the_other() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "C1").await;
        person(registry, &home, "zhao", &["enterprise-staff"]).await;
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..32 {
            let registry = registry.clone();
            tasks.spawn(async move { code(sign_in(&registry, "zhao", &format!("{OTHER}{number}"), NOW).await) });
        }
        let answers = tasks.join_all().await;
        let told = answers.iter().filter(|answer| *answer == "sign-in-failed").count();
        assert_eq!(told, 5, "{}: {answers:?}", bench.scratch.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_sign_in_at_once() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "D1").await;
        person(registry, &home, "zhao", &["enterprise-staff"]).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..32 {
            let registry = registry.clone();
            tasks.spawn(async move { caller(&registry, "zhao", PASSWORD, NOW).await });
        }
        let callers = tasks.join_all().await;
        assert_eq!(callers.len(), 32);
        let page =
            registry.sessions(&callers[0], &SessionFilter::default(), &Listing::default()).await.expect("a page");
        assert_eq!(page.total, 32);
        caller(registry, "zhao", PASSWORD, NOW + 1).await;
        let page =
            registry.sessions(&callers[0], &SessionFilter::default(), &Listing::default()).await.expect("a page");
        assert_eq!(page.total, 32, "the oldest gave way");
        assert!(registry.verify_audit(&operator()).await.expect("verified").whole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_nobody_has_costs_as_much_time() {
    let bench = benches().await.remove(0);
    let registry = &bench.registry;
    let home = enterprise(registry, "甲", "E1").await;
    person(registry, &home, "zhao", &["enterprise-staff"]).await;
    let mut fastest = [Duration::MAX; 2];
    for round in 0..4 {
        for (position, login) in ["zhao", "nobody"].into_iter().enumerate() {
            let began = Instant::now();
            assert_eq!(code(sign_in(registry, login, OTHER, NOW + round).await), "sign-in-failed");
            fastest[position] = fastest[position].min(began.elapsed());
        }
    }
    let ratio = fastest[1].as_secs_f64() / fastest[0].as_secs_f64();
    // A password that is not hashed answers forty times as fast; a busy machine makes a factor of three.
    assert!((0.1..10.0).contains(&ratio), "{fastest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_idle_when_old_and_when_told() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "F1").await;
        person(registry, &home, "zhao", &["enterprise-staff"]).await;
        let known = |token: &str, now: i64| {
            let (registry, token) = (registry.clone(), token.to_owned());
            async move { code(registry.identify(&token, HERE, "r", now).await) }
        };
        let idle = sign_in(registry, "zhao", PASSWORD, NOW).await.expect("signed in");
        assert_eq!(known(&idle.token, NOW + 30 * MINUTE).await, "accepted");
        assert_eq!(known(&idle.token, NOW + 60 * MINUTE).await, "accepted", "used meanwhile");
        assert_eq!(known(&idle.token, NOW + 92 * MINUTE).await, "session-expired");

        let busy = sign_in(registry, "zhao", PASSWORD, NOW).await.expect("signed in");
        for step in 1..36 {
            assert_eq!(known(&busy.token, NOW + step * 20 * MINUTE).await, "accepted", "{step}");
        }
        assert_eq!(known(&busy.token, NOW + 12 * HOUR).await, "session-expired");

        let one = sign_in(registry, "zhao", PASSWORD, NOW).await.expect("signed in");
        let two = sign_in(registry, "zhao", PASSWORD, NOW).await.expect("signed in");
        let bearer = registry.identify(&one.token, HERE, "r", NOW).await.expect("known");
        registry.end_session(&bearer, &two.session.id).await.expect("another of the own");
        assert_eq!(known(&two.token, NOW).await, "session-expired");
        registry.sign_out(&bearer).await.expect("signed out");
        assert_eq!(known(&one.token, NOW).await, "session-expired");
        for wrong in ["", "x", "hufus_x_y", &one.token.replace("hufus", "hufu"), &one.token.to_uppercase()] {
            assert_eq!(known(wrong, NOW).await, "credentials-unknown", "{wrong}");
        }
        assert!(registry.sweep_accounts(NOW + 13 * HOUR).await.expect("swept") >= 2);

        let foreign = enterprise(registry, "乙", "F2").await;
        person(registry, &foreign, "qian", &["enterprise-administrator"]).await;
        let stranger = caller(registry, "qian", PASSWORD, NOW).await;
        let own = sign_in(registry, "zhao", PASSWORD, NOW).await.expect("signed in");
        assert_eq!(code(registry.end_session(&stranger, &own.session.id).await), "not-found");
        let filter = SessionFilter { account: Some(own.session.account.clone()) };
        assert_eq!(code(registry.sessions(&stranger, &filter, &Listing::default()).await), "not-found");
        assert_eq!(known(&own.token, NOW).await, "accepted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_ends_every_other_session() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "G1").await;
        person(registry, &home, "zhao", &["enterprise-staff"]).await;
        let other = sign_in(registry, "zhao", PASSWORD, NOW).await.expect("signed in");
        let bearer = caller(registry, "zhao", PASSWORD, NOW).await;
        let change = PasswordChange { current: PASSWORD.into(), new: OTHER.into() };
        registry.change_password(&bearer, &change).await.expect("changed");
        assert_eq!(code(registry.identify(&other.token, HERE, "r", NOW).await), "session-expired");
        assert_eq!(registry.current(&bearer).await.expect("known").session.map(|session| session.current), Some(true));
    }
}

async fn with_code(registry: &Registry, code: &str, now: i64) -> Result<String, hufu_registry::Error> {
    let request = SignIn { login: "zhao".into(), password: PASSWORD.into(), code: Some(code.into()) };
    registry.sign_in(&stranger(now), &request, "").await.map(|signed| signed.token)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_asked_for_and_no_code_is_good_twice() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "H1").await;
        let id = person(registry, &home, "zhao", &["enterprise-staff"]).await;
        let bearer = caller(registry, "zhao", PASSWORD, NOW).await;
        let enrolment = registry.enrol_totp(&bearer).await.expect("enrolled");
        assert!(enrolment.uri.contains(&enrolment.secret));
        sign_in(registry, "zhao", PASSWORD, NOW).await.expect("not asked before it is confirmed");
        let secret = TotpSecret::from_base32(&enrolment.secret).expect("a secret");
        let now_code = |now: i64| secret.code_at(u64::try_from(now / 1000).expect("after 1970"));
        let wrong = if now_code(NOW) == "000000" { "000001" } else { "000000" };
        assert_eq!(code(registry.confirm_totp(&bearer, &Code { code: wrong.into() }).await), "totp-wrong");
        let codes = registry.confirm_totp(&bearer, &Code { code: now_code(NOW) }).await.expect("confirmed");
        assert_eq!(codes.recovery_codes.len(), 10);
        assert_eq!(code(registry.enrol_totp(&bearer).await), "totp-there");

        assert_eq!(code(sign_in(registry, "zhao", PASSWORD, NOW).await), "totp-required");
        assert_eq!(code(with_code(registry, &now_code(NOW), NOW).await), "totp-used", "spent when it was confirmed");
        let later = NOW + MINUTE;
        with_code(registry, &now_code(later), later).await.expect("signed in");
        assert_eq!(code(with_code(registry, &now_code(later), later + 1000).await), "totp-used");
        let recovery = &codes.recovery_codes[3];
        with_code(registry, &recovery.to_uppercase().replace('-', " "), later).await.expect("a recovery code");
        assert_eq!(code(with_code(registry, recovery, later).await), "totp-wrong");

        // Of many who show the same code at once, one comes in.
        let moment = NOW + HOUR;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (registry, shown) = (registry.clone(), now_code(moment));
            tasks.spawn(async move { with_code(&registry, &shown, moment).await.is_ok() });
        }
        assert_eq!(tasks.join_all().await.into_iter().filter(|ok| *ok).count(), 1, "{}", bench.scratch.kind);

        registry.reset_totp(&operator(), &id).await.expect("removed");
        sign_in(registry, "zhao", PASSWORD, moment + DAY).await.expect("not asked any more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_may_ask_for_a_second_factor() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "I1").await;
        person(registry, &home, "zhao", &["enterprise-staff"]).await;
        let role = registry.role(&operator(), "enterprise-staff").await.expect("there");
        let content = RoleContent { zh: role.zh, en: role.en, permissions: role.permissions, totp: true };
        registry.amend_role(&operator(), "enterprise-staff", None, &content).await.expect("changed");
        let signed = sign_in(registry, "zhao", PASSWORD, NOW).await.expect("signed in");
        assert_eq!(signed.pending, Some(Pending::Totp));
        let bearer = registry.identify(&signed.token, HERE, "r", NOW).await.expect("known");
        assert_eq!(code(registry.organisation(&bearer, &home).await), "totp-enrolment-needed");
        let enrolment = registry.enrol_totp(&bearer).await.expect("enrolled");
        let secret = TotpSecret::from_base32(&enrolment.secret).expect("a secret");
        let shown = |now: i64| Code { code: secret.code_at(u64::try_from(now / 1000).expect("after 1970")) };
        registry.confirm_totp(&bearer, &shown(NOW)).await.expect("confirmed");
        let bearer = registry.identify(&signed.token, HERE, "r", NOW).await.expect("known");
        registry.organisation(&bearer, &home).await.expect("allowed");
        let mut later = bearer.clone();
        later.at = NOW + MINUTE;
        assert_eq!(code(registry.remove_totp(&later, &shown(later.at)).await), "totp-needed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_database_or_the_audit() {
    for bench in benches().await {
        let registry = &bench.registry;
        first(&bench).await;
        let home = enterprise(registry, "甲", "J1").await;
        let id = person(registry, &home, "zhao", &["enterprise-administrator"]).await;
        let signed = sign_in(registry, "zhao", PASSWORD, NOW).await.expect("signed in");
        let mut bearer = registry.identify(&signed.token, HERE, "r", NOW).await.expect("known");
        // A password typed where the login belongs.
        assert_eq!(code(sign_in(registry, OTHER, "x", NOW).await), "sign-in-failed");
        let new = NewKey {
            account: None,
            note: "测试".into(),
            permissions: vec![Permission::PrefixRead],
            addresses: Vec::new(),
            expires: NOW + DAY,
        };
        bearer.idempotency = Some(hufu_registry::caller::Idempotency { key: "k".into(), digest: "d".into() });
        let key = registry.create_key(&bearer, &new).await.expect("issued").secret.expect("a secret");
        bearer.idempotency = None;
        let reset = registry.issue_reset(&operator(), &id).await.expect("issued").token.expect("a token");
        let enrolment = registry.enrol_totp(&bearer).await.expect("enrolled");
        let secret = TotpSecret::from_base32(&enrolment.secret).expect("a secret");
        let shown = Code { code: secret.code_at(u64::try_from(NOW / 1000).expect("after 1970")) };
        let codes = registry.confirm_totp(&bearer, &shown).await.expect("confirmed").recovery_codes;

        let mut secrets = vec![PASSWORD.to_lowercase(), OTHER.to_lowercase(), enrolment.secret.to_lowercase()];
        secrets.push(hex_of(secret.octets()));
        for token in [&key, &reset, &signed.token] {
            secrets.push(token.rsplit('_').next().expect("a secret").to_owned());
        }
        secrets.extend(codes.iter().flat_map(|code| [code.clone(), code.replace('-', "")]));
        let tables = "audit_entry answered account_token api_key session sign_in_guard recovery_code account_password \
                      account setting";
        for table in tables.split_whitespace() {
            let text = dump(registry, table).await.to_lowercase();
            for secret in &secrets {
                assert!(!text.contains(secret.as_str()), "{table} has {secret}");
            }
        }
        assert!(dump(registry, "audit_entry").await.contains("session.create"));
    }
}

fn hex_of(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Every text of a table.
async fn dump(registry: &Registry, table: &str) -> String {
    let select = sqlx::AssertSqlSafe(format!("SELECT * FROM {table}"));
    let rows = sqlx::query(select).fetch_all(registry.database().reader()).await.expect("rows");
    let mut text = String::new();
    for row in rows {
        for position in 0..row.len() {
            if let Ok(value) = row.try_get::<String, _>(position) {
                text.push_str(&value);
                text.push('\n');
            }
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_is_a_setting_of_the_security_administrator() {
    for bench in benches().await {
        let registry = &bench.registry;
        first(&bench).await;
        let security = caller(registry, "security", PASSWORD, NOW).await;
        let system = caller(registry, "system", PASSWORD, NOW).await;
        let strict = AccountPolicy { failures: 3, password_length: 20, ..AccountPolicy::default() };
        assert_eq!(code(registry.set_account_policy(&system, &strict).await), "not-permitted");
        registry.set_account_policy(&security, &strict).await.expect("set");
        let open = AccountPolicy { failures: 1000, ..AccountPolicy::default() };
        assert_eq!(code(registry.set_account_policy(&security, &open).await), "invalid-fields");
        assert_eq!(registry.account_policy(&system).await.expect("read"), strict);
        for _ in 0..3 {
            assert_eq!(code(sign_in(registry, "operator", OTHER, NOW).await), "sign-in-failed");
        }
        assert_eq!(code(sign_in(registry, "operator", PASSWORD, NOW).await), "sign-in-locked");
        let change = PasswordChange { current: PASSWORD.into(), new: OTHER.into() };
        assert_eq!(code(registry.change_password(&system, &change).await), "invalid-fields");
    }
}
