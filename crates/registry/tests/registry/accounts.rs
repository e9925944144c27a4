//! Accounts: the first ones, invitations, resets, states, and whom a stranger sees. Helpers for the other parts.

use crate::letters::{letters, mail};
use crate::organisations::subject;
use crate::{Bench, NOW, benches, operator};
use hufu_registry::accounts::account::{AccountAct, AccountContent, AccountFilter, AccountKind, NewAccount};
use hufu_registry::accounts::credential::{NewPassword, PasswordChange};
use hufu_registry::accounts::first::{FirstAccount, FirstSetup};
use hufu_registry::accounts::sign_in::{SignIn, SignedIn};
use hufu_registry::notices::NoticeKind;
use hufu_registry::organisations::NewOrganisation;
use hufu_registry::{Caller, Error, Listing, Registry};
use std::net::{IpAddr, Ipv4Addr};

pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;
pub const PASSWORD: &str = "kV7#mQz2!tRb9w";
pub const OTHER: &str = "Xq9-Lm3-Tz6-Rw8";
/// From where everybody comes.
pub const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// Code of a refusal; of anything else, what it was.
pub fn code<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => "accepted".into(),
        Err(error) => error.refusal().map_or_else(|| error.to_string(), |refusal| refusal.code.to_owned()),
    }
}

pub fn stranger(now: i64) -> Caller {
    Caller::anonymous(HERE.to_string(), "request", now)
}

pub fn new_account(kind: AccountKind, organisation: &str, login: &str, roles: &[&str]) -> NewAccount {
    NewAccount {
        kind,
        organisation: Some(organisation.into()),
        login: login.into(),
        name: format!("{login} 某"),
        email: Some(format!("{login}@mail.example")),
        mobile: None,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
    }
}

pub async fn sign_in(registry: &Registry, login: &str, password: &str, now: i64) -> Result<SignedIn, Error> {
    let request = SignIn { login: login.into(), password: password.into(), code: None };
    registry.sign_in(&stranger(now), &request, "test").await
}

/// Signs in, and who that is.
pub async fn caller(registry: &Registry, login: &str, password: &str, now: i64) -> Caller {
    let signed = sign_in(registry, login, password, now).await.expect("signed in");
    registry.identify(&signed.token, HERE, "request", now).await.expect("known")
}

/// Enters a person who has accepted; its id.
pub async fn person(registry: &Registry, organisation: &str, login: &str, roles: &[&str]) -> String {
    let new = new_account(AccountKind::Person, organisation, login, roles);
    let invited = registry.create_account(&operator(), &new).await.expect("invited");
    let token = invited.invitation.expect("a token");
    let new = NewPassword { token, password: PASSWORD.into() };
    registry.accept_invitation(&stranger(NOW), &new).await.expect("accepted").id
}

pub async fn enterprise(registry: &Registry, name: &str, code: &str) -> String {
    let new = NewOrganisation { subject: subject(name, code) };
    registry.create_organisation(&operator(), &new).await.expect("entered").id
}

/// The operator organisation with its first accounts; its id.
pub async fn first(bench: &Bench) -> String {
    let logins = bench.registry.first_administrators(&operator(), &FirstSetup::of("示例运营")).await.expect("set up");
    assert_eq!(logins.len(), 4);
    for login in logins {
        let signed = sign_in(&bench.registry, &login.login, &login.password, NOW).await.expect("signed in");
        let bearer = bench.registry.identify(&signed.token, HERE, "request", NOW).await.expect("known");
        let change = PasswordChange { current: login.password, new: PASSWORD.into() };
        bench.registry.change_password(&bearer, &change).await.expect("changed");
    }
    let page = bench.registry.accounts(&operator(), &Default::default(), &Default::default()).await.expect("a page");
    page.items[0].organisation.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_administrators_have_generated_passwords_that_must_be_changed() {
    for bench in benches().await {
        let registry = &bench.registry;
        assert!(!registry.has_accounts().await.expect("counted"));
        for left_out in 0..3 {
            let mut setup = FirstSetup::of("示例运营");
            setup.accounts.remove(left_out);
            assert_eq!(code(registry.first_administrators(&operator(), &setup).await), "duty-missing");
        }
        let mut setup = FirstSetup::of("示例运营");
        setup.accounts[0].roles.push("audit-administrator".into());
        assert_eq!(code(registry.first_administrators(&operator(), &setup).await), "duties-apart");
        assert_eq!(code(registry.first_administrators(&stranger(NOW), &setup).await), "not-signed-in");
        assert!(!registry.has_accounts().await.expect("counted"), "{}", bench.scratch.kind);

        let logins = registry.first_administrators(&operator(), &FirstSetup::of("示例运营")).await.expect("set up");
        let mut passwords: Vec<_> = logins.iter().map(|login| login.password.clone()).collect();
        passwords.sort();
        passwords.dedup();
        assert_eq!(passwords.len(), 4);
        assert_eq!(code(registry.first_administrators(&operator(), &setup).await), "already-set-up");

        let signed = sign_in(registry, "system", &logins[0].password, NOW).await.expect("signed in");
        let bearer = registry.identify(&signed.token, HERE, "r", NOW).await.expect("known");
        assert_eq!(
            code(registry.accounts(&bearer, &Default::default(), &Default::default()).await),
            "password-change-needed"
        );
        let change = PasswordChange { current: logins[0].password.clone(), new: PASSWORD.into() };
        registry.change_password(&bearer, &change).await.expect("changed");
        let bearer = registry.identify(&signed.token, HERE, "r", NOW).await.expect("the session goes on");
        let page = registry.accounts(&bearer, &Default::default(), &Default::default()).await.expect("a page");
        assert_eq!(page.total, 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_start_at_once_make_the_first_accounts_once() {
    for bench in benches().await {
        let (one, two) = (bench.registry.clone(), bench.registry.clone());
        let setup = FirstSetup::of("示例运营");
        let (caller, other) = (operator(), operator());
        let (a, b) = tokio::join!(one.first_administrators(&caller, &setup), two.first_administrators(&other, &setup));
        assert_eq!([a.is_ok(), b.is_ok()].iter().filter(|ok| **ok).count(), 1, "{}", bench.scratch.kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_may_name_the_first_accounts() {
    for bench in benches().await {
        let mut setup = FirstSetup::of("示例运营");
        setup.accounts.push(FirstAccount {
            login: "Li.Wei".into(),
            name: "李卫".into(),
            email: Some("Li.Wei@Mail.Example".into()),
            roles: vec!["reviewer".into()],
            must_change: true,
        });
        let logins = bench.registry.first_administrators(&operator(), &setup).await.expect("set up");
        assert_eq!(logins[4].login, "li.wei");
        let filter = AccountFilter { login: Some("li.wei".into()), ..Default::default() };
        let page = bench.registry.accounts(&operator(), &filter, &Listing::default()).await.expect("a page");
        assert_eq!(page.items[0].email.as_deref(), Some("li.wei@mail.example"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_good_once_and_for_three_days() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "示例泵业", "A1").await;
        let new = new_account(AccountKind::Person, &home, "Zhang", &["enterprise-administrator"]);
        let invited = registry.create_account(&operator(), &new).await.expect("invited");
        let token = invited.invitation.expect("a token");
        assert_eq!(code(sign_in(registry, "zhang", "", NOW).await), "sign-in-failed");

        let accept = |token: &str, password: &str, now: i64| {
            let new = NewPassword { token: token.into(), password: password.into() };
            let (registry, caller) = (registry.clone(), stranger(now));
            async move { registry.accept_invitation(&caller, &new).await }
        };
        assert_eq!(code(accept(&token, PASSWORD, NOW + 72 * HOUR).await), "token-expired");
        assert_eq!(code(accept(&token, "示例泵业2026", NOW).await), "invalid-fields");
        assert_eq!(code(accept(&token.replace("hufui", "hufur"), PASSWORD, NOW).await), "token-unknown");
        let again = registry.invite_again(&operator(), &invited.account.id).await.expect("invited again");
        assert_eq!(code(accept(&token, PASSWORD, NOW).await), "token-unknown");
        let token = again.invitation.expect("a token");
        let last = token.pop_last();
        assert_eq!(code(accept(&last, PASSWORD, NOW).await), "token-unknown");
        accept(&token, PASSWORD, NOW).await.expect("accepted");
        assert_eq!(code(accept(&token, OTHER, NOW).await), "token-unknown");
        assert_eq!(code(registry.invite_again(&operator(), &invited.account.id).await), "account-state");
        caller(registry, "ZHANG ", PASSWORD, NOW).await;
    }
}

/// The same token with another last character.
trait PopLast {
    fn pop_last(&self) -> String;
}

impl PopLast for String {
    fn pop_last(&self) -> String {
        let (start, end) = self.split_at(self.len() - 1);
        format!("{start}{}", if end == "0" { "1" } else { "0" })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_and_contacts_are_unique_and_have_a_form() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "B1").await;
        let enter = |change: fn(&mut NewAccount)| {
            let mut new = new_account(AccountKind::Person, &home, "wang", &["enterprise-staff"]);
            change(&mut new);
            let registry = registry.clone();
            async move { code(registry.create_account(&operator(), &new).await) }
        };
        assert_eq!(enter(|new| new.mobile = Some("138 0013 8000".into())).await, "accepted");
        assert_eq!(enter(|new| (new.login, new.email) = ("WANG".into(), None)).await, "login-taken");
        assert_eq!(enter(|new| new.login = "wang2".into()).await, "email-taken");
        let other = |new: &mut NewAccount| {
            (new.login, new.email) = ("wang3".into(), None);
            new.mobile = Some("+86 13800138000".into());
        };
        assert_eq!(enter(other).await, "mobile-taken");
        for login in ["", "x", "-ab", "a b", "王五", &"a".repeat(65)] {
            let mut new = new_account(AccountKind::Person, &home, login, &[]);
            new.email = None;
            let error = registry.create_account(&operator(), &new).await.expect_err("refused");
            assert_eq!(error.refusal().expect("a refusal").fields[0].field, "login", "{login}");
        }
        let mut new = new_account(AccountKind::Person, "org-none", "zhao", &[]);
        assert_eq!(code(registry.create_account(&operator(), &new).await), "not-found");
        (new.organisation, new.roles) = (Some(home.clone()), vec!["no-such-role".into()]);
        assert_eq!(code(registry.create_account(&operator(), &new).await), "not-found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_goes_to_the_holder_and_ends_every_session() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "C1").await;
        person(registry, &home, "zhao", &["enterprise-staff"]).await;
        let session = sign_in(registry, "zhao", PASSWORD, NOW).await.expect("signed in");
        mail(registry).await;
        // The answer is the same for everybody: nobody has the first login, and the last one asks twice.
        let later = NOW + HOUR;
        for login in ["nobody", "zhao@mail.example", "zhao"] {
            registry.request_reset(&stranger(later), login).await.expect("an answer");
        }
        let sent = letters(registry, NoticeKind::PasswordReset).await;
        assert_eq!(sent.len(), 1, "asked too often, or by nobody");
        assert_eq!(sent[0].0, "zhao@mail.example");

        let confirm = |password: &str, now: i64| {
            let new = NewPassword { token: sent[0].1.clone(), password: password.into() };
            let (registry, caller) = (registry.clone(), stranger(now));
            async move { code(registry.confirm_reset(&caller, &new).await) }
        };
        assert_eq!(confirm(OTHER, later + 24 * HOUR).await, "token-expired");
        assert_eq!(confirm(PASSWORD, later).await, "invalid-fields", "it was the last one");
        assert_eq!(confirm(OTHER, later).await, "accepted");
        assert_eq!(confirm("aXq9-Lm3-Tz6-Rw8", later).await, "token-unknown");
        assert_eq!(code(registry.identify(&session.token, HERE, "r", later).await), "session-expired");
        assert_eq!(code(sign_in(registry, "zhao", PASSWORD, later).await), "sign-in-failed");
        sign_in(registry, "zhao", OTHER, later).await.expect("signed in");

        let mut limited = "accepted".to_owned();
        for _ in 0..12 {
            limited = code(registry.request_reset(&stranger(later), "nobody").await);
        }
        assert_eq!(limited, "sign-in-locked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_five_passwords_do_not_come_back() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "D1").await;
        person(registry, &home, "qian", &["enterprise-staff"]).await;
        let bearer = caller(registry, "qian", PASSWORD, NOW).await;
        let mut current = PASSWORD.to_owned();
        for number in 1..=5 {
            let new = format!("{PASSWORD}-{number}x");
            let mut bearer = bearer.clone();
            bearer.at = NOW + number * MINUTE;
            let back = PasswordChange { current: current.clone(), new: PASSWORD.into() };
            assert_eq!(code(registry.change_password(&bearer, &back).await), "invalid-fields", "{number}");
            let change = PasswordChange { current, new: new.clone() };
            registry.change_password(&bearer, &change).await.expect("changed");
            current = new;
        }
        let mut bearer = bearer.clone();
        bearer.at = NOW + HOUR;
        let back = PasswordChange { current, new: PASSWORD.into() };
        registry.change_password(&bearer, &back).await.expect("long enough ago");
        let wrong = PasswordChange { current: OTHER.into(), new: OTHER.into() };
        for _ in 0..5 {
            assert_eq!(code(registry.change_password(&bearer, &wrong).await), "password-wrong");
        }
        assert_eq!(code(registry.change_password(&bearer, &wrong).await), "sign-in-locked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_password_must_be_changed() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "E1").await;
        person(registry, &home, "sun", &["enterprise-staff"]).await;
        let late = NOW + 91 * DAY;
        let bearer = caller(registry, "sun", PASSWORD, late).await;
        let refused = registry.organisation(&bearer, &home).await;
        assert_eq!(code(refused), "password-change-needed");
        let change = PasswordChange { current: PASSWORD.into(), new: OTHER.into() };
        registry.change_password(&bearer, &change).await.expect("changed");
        let bearer = caller(registry, "sun", OTHER, late).await;
        registry.organisation(&bearer, &home).await.expect("allowed again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn locked_and_disabled_accounts_are_turned_away_at_once() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "F1").await;
        let id = person(registry, &home, "wu", &["enterprise-staff"]).await;
        let set = |what: AccountAct| {
            let (registry, id) = (registry.clone(), id.clone());
            async move { code(registry.set_account_state(&operator(), &id, what, "测试").await) }
        };
        let session = sign_in(registry, "wu", PASSWORD, NOW).await.expect("signed in");
        assert_eq!(set(AccountAct::Unlock).await, "account-state");
        assert_eq!(set(AccountAct::Lock).await, "accepted");
        assert_eq!(code(registry.identify(&session.token, HERE, "r", NOW).await), "session-expired");
        assert_eq!(code(sign_in(registry, "wu", PASSWORD, NOW).await), "account-locked");
        assert_eq!(code(sign_in(registry, "wu", OTHER, NOW).await), "sign-in-failed");
        assert_eq!(set(AccountAct::Unlock).await, "accepted");
        assert_eq!(set(AccountAct::Disable).await, "accepted");
        assert_eq!(code(sign_in(registry, "wu", PASSWORD, NOW).await), "account-disabled");
        assert_eq!(set(AccountAct::Enable).await, "accepted");
        let session = sign_in(registry, "wu", PASSWORD, NOW).await.expect("signed in");

        let state = hufu_registry::organisations::OrganisationState::Suspended;
        registry.set_organisation_state(&operator(), &home, state, "欠费").await.expect("suspended");
        assert_eq!(code(registry.identify(&session.token, HERE, "r", NOW).await), "organisation-suspended");
        assert_eq!(code(sign_in(registry, "wu", PASSWORD, NOW).await), "organisation-suspended");
        assert_eq!(code(registry.delete_account(&operator(), &id).await), "account-used");
        let new = new_account(AccountKind::Person, &home, "zheng", &["enterprise-staff"]);
        let invited = registry.create_account(&operator(), &new).await.expect("invited");
        registry.delete_account(&operator(), &invited.account.id).await.expect("never used");
        assert_eq!(code(registry.account(&operator(), &invited.account.id).await), "not-found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enterprise_manages_its_members_and_sees_no_others() {
    for bench in benches().await {
        let registry = &bench.registry;
        first(&bench).await;
        let (home, foreign) = (enterprise(registry, "甲", "G1").await, enterprise(registry, "乙", "G2").await);
        person(registry, &home, "boss", &["enterprise-administrator"]).await;
        let other = person(registry, &foreign, "other", &["enterprise-staff"]).await;
        let boss = caller(registry, "boss", PASSWORD, NOW).await;

        let mut new = new_account(AccountKind::Person, &home, "staff", &["enterprise-staff"]);
        new.organisation = None;
        let staff = registry.create_account(&boss, &new).await.expect("invited").account;
        assert_eq!(staff.organisation, home);
        let page = registry.accounts(&boss, &Default::default(), &Default::default()).await.expect("a page");
        assert_eq!(page.total, 2, "{}", bench.scratch.kind);
        let filter = AccountFilter { organisation: Some(foreign.clone()), ..Default::default() };
        assert_eq!(registry.accounts(&boss, &filter, &Default::default()).await.expect("a page").total, 0);

        let content = AccountContent { name: "x".into(), email: None, mobile: None };
        let new = new_account(AccountKind::Person, &foreign, "spy", &["enterprise-staff"]);
        for refused in [
            code(registry.account(&boss, &other).await),
            code(registry.amend_account(&boss, &other, None, &content).await),
            code(registry.set_account_state(&boss, &other, AccountAct::Disable, "").await),
            code(registry.set_account_roles(&boss, &other, None, &[]).await),
            code(registry.issue_reset(&boss, &other).await),
            code(registry.reset_totp(&boss, &other).await),
            code(registry.invite_again(&boss, &other).await),
            code(registry.delete_account(&boss, &other).await),
            code(registry.create_account(&boss, &new).await),
        ] {
            assert_eq!(refused, "not-found");
        }
        for (given, refusal) in [
            ("read-only", "role-beyond-giver"),
            ("system-administrator", "role-beyond-giver"),
            ("enterprise-read-only", "accepted"),
        ] {
            let found = registry.set_account_roles(&boss, &staff.id, None, &[given.to_owned()]).await;
            assert_eq!(code(found), refusal, "{given}");
        }
        let stale = registry.set_account_roles(&boss, &staff.id, Some(1), &[]).await;
        assert_eq!(code(stale), "stale-version");
        assert_eq!(
            code(registry.set_account_roles(&boss, boss.account().expect("an account"), None, &[]).await),
            "own-rights"
        );
    }
}
