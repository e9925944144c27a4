//! API keys: address, scope, expiry, rotation, revocation, and that nobody gets more by one than they had.

use crate::accounts::{DAY, HERE, HOUR, MINUTE, PASSWORD, caller, code, enterprise, first, new_account, person};
use crate::{NOW, benches, operator};
use hufu_registry::accounts::account::{AccountAct, AccountKind};
use hufu_registry::accounts::key::{KeyContent, KeyFilter, NewKey, Rotation};
use hufu_registry::{Caller, Listing, Permission, Registry, Scope};

fn new_key(account: Option<&str>, permissions: &[Permission], addresses: &[&str]) -> NewKey {
    NewKey {
        account: account.map(str::to_owned),
        note: "对接 ERP".into(),
        permissions: permissions.to_vec(),
        addresses: addresses.iter().map(|network| (*network).to_owned()).collect(),
        expires: NOW + 30 * DAY,
    }
}

async fn issue(registry: &Registry, by: &Caller, new: &NewKey) -> (String, String) {
    let issued = registry.create_key(by, new).await.expect("issued");
    (issued.key.id, issued.secret.expect("a secret"))
}

async fn known(registry: &Registry, secret: &str, address: &str, now: i64) -> String {
    let address = address.parse().expect("an address");
    code(registry.identify(secret, address, "r", now).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_taken_where_and_while_it_may_be() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "A1").await;
        let id = person(registry, &home, "boss", &["enterprise-administrator"]).await;
        let boss = caller(registry, "boss", PASSWORD, NOW).await;
        let new = new_key(None, &[Permission::PrefixRead, Permission::KeyRead], &["192.0.2.0/28", "2001:db8::/32"]);
        let (key, secret) = issue(registry, &boss, &new).await;
        assert!(secret.starts_with("hufu_"));
        for (address, expected) in [
            ("192.0.2.7", "accepted"),
            ("::ffff:192.0.2.7", "accepted"),
            ("2001:db8::9", "accepted"),
            ("192.0.2.16", "key-address"),
            ("127.0.0.1", "key-address"),
        ] {
            assert_eq!(known(registry, &secret, address, NOW).await, expected, "{address}");
        }
        let bearer = registry.identify(&secret, HERE, "r", NOW).await.expect("known");
        assert_eq!(bearer.scope, Scope::Organisation(home.clone()));
        let held: Vec<_> = bearer.permissions.iter().collect();
        assert_eq!(held, [Permission::KeyRead, Permission::PrefixRead]);
        assert_eq!(code(registry.organisation(&bearer, &home).await), "not-permitted");

        assert_eq!(known(registry, &secret, "192.0.2.7", NOW + 30 * DAY).await, "key-expired");
        let other = if secret.ends_with('0') { "1" } else { "0" };
        let wrong = format!("{}{other}", &secret[..secret.len() - 1]);
        assert_eq!(known(registry, &wrong, "192.0.2.7", NOW).await, "credentials-unknown");

        registry.set_account_state(&operator(), &id, AccountAct::Lock, "").await.expect("locked");
        assert_eq!(known(registry, &secret, "192.0.2.7", NOW).await, "account-locked");
        registry.set_account_state(&operator(), &id, AccountAct::Unlock, "").await.expect("unlocked");
        // A key is never more than its account is now.
        registry.set_account_roles(&operator(), &id, None, &["enterprise-read-only".into()]).await.expect("given");
        let bearer = registry.identify(&secret, HERE, "r", NOW).await.expect("known");
        assert_eq!(bearer.permissions.iter().collect::<Vec<_>>(), [Permission::PrefixRead]);
        registry.revoke_key(&operator(), &key).await.expect("revoked");
        assert_eq!(known(registry, &secret, "192.0.2.7", NOW).await, "key-revoked");
        assert_eq!(code(registry.revoke_key(&operator(), &key).await), "key-revoked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_has_two_secrets_for_a_while() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "B1").await;
        person(registry, &home, "boss", &["enterprise-administrator"]).await;
        let boss = caller(registry, "boss", PASSWORD, NOW).await;
        let (key, old) = issue(registry, &boss, &new_key(None, &[Permission::PrefixRead], &[])).await;
        let bearer = registry.identify(&old, HERE, "r", NOW).await.expect("known");
        let rotated = registry.rotate_key(&bearer, &key, &Rotation { grace_hours: Some(2) }).await.expect("by itself");
        let new = rotated.secret.expect("a secret");
        assert_ne!(new, old);
        for (secret, now, expected) in [
            (&old, NOW + HOUR, "accepted"),
            (&old, NOW + 2 * HOUR, "credentials-unknown"),
            (&new, NOW + HOUR, "accepted"),
            (&new, NOW + 3 * HOUR, "accepted"),
        ] {
            assert_eq!(known(registry, secret, "192.0.2.7", now).await, expected);
        }
        let wrong = registry.rotate_key(&boss, &key, &Rotation { grace_hours: Some(721) }).await;
        assert_eq!(code(wrong), "invalid-fields");
        let at_once = registry.rotate_key(&boss, &key, &Rotation { grace_hours: Some(0) }).await.expect("rotated");
        assert_eq!(known(registry, &new, "192.0.2.7", NOW).await, "credentials-unknown");
        registry.revoke_key(&boss, &key).await.expect("revoked");
        assert_eq!(known(registry, &at_once.secret.expect("a secret"), "192.0.2.7", NOW).await, "key-revoked");
        assert_eq!(code(registry.rotate_key(&boss, &key, &Rotation::default()).await), "key-revoked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_more_by_a_key_than_they_had() {
    for bench in benches().await {
        let registry = &bench.registry;
        let operators = first(&bench).await;
        let (home, foreign) = (enterprise(registry, "甲", "C1").await, enterprise(registry, "乙", "C2").await);
        person(registry, &home, "boss", &["enterprise-administrator"]).await;
        let staff = person(registry, &home, "staff", &["enterprise-staff"]).await;
        let other = person(registry, &foreign, "other", &["enterprise-administrator"]).await;
        let boss = caller(registry, "boss", PASSWORD, NOW).await;
        let read = &[Permission::PrefixRead][..];
        for (account, permissions, expected) in [
            (None, &[Permission::PrefixAllocate][..], "key-beyond-account"),
            (None, &[], "invalid-fields"),
            (Some(staff.as_str()), read, "key-of-person"),
            (Some(other.as_str()), read, "not-found"),
            (Some("acc-none"), read, "not-found"),
        ] {
            let found = registry.create_key(&boss, &new_key(account, permissions, &[])).await;
            assert_eq!(code(found), expected, "{account:?}");
        }
        for expires in [NOW, NOW - DAY, NOW + 732 * DAY] {
            let new = NewKey { expires, ..new_key(None, read, &[]) };
            assert_eq!(code(registry.create_key(&boss, &new).await), "invalid-fields");
        }
        assert_eq!(code(registry.create_key(&boss, &new_key(None, read, &["10.0.0.0/40"])).await), "invalid-fields");

        let new = new_account(AccountKind::Machine, &home, "erp", &["enterprise-staff"]);
        let machine = registry.create_account(&boss, &new).await.expect("entered").account.id;
        let new = new_key(Some(&machine), &[Permission::KeyWrite], &[]);
        assert_eq!(code(registry.create_key(&boss, &new).await), "key-beyond-account", "more than the machine may");
        let (key, secret) = issue(registry, &boss, &new_key(Some(&machine), read, &[])).await;
        assert_eq!(known(registry, &secret, "192.0.2.7", NOW).await, "accepted");

        // A machine of the operator that may do more than the operator's own staff.
        let new = new_account(AccountKind::Machine, &operators, "robot", &["reviewer"]);
        let robot = registry.create_account(&operator(), &new).await.expect("entered").account.id;
        let staff = caller(registry, "operator", PASSWORD, NOW).await;
        let new = new_key(Some(&robot), &[Permission::ApplicationReview], &[]);
        assert_eq!(code(registry.create_key(&staff, &new).await), "key-beyond-account", "more than the issuer may");

        // A key makes no key, changes none, and rotates none but itself.
        let all = [Permission::KeyRead, Permission::KeyWrite, Permission::PrefixRead];
        let (own, secret) = issue(registry, &boss, &new_key(None, &all, &[])).await;
        let bearer = registry.identify(&secret, HERE, "r", NOW).await.expect("known");
        assert_eq!(code(registry.create_key(&bearer, &new_key(None, read, &[])).await), "session-needed");
        let wider = KeyContent { note: "x".into(), permissions: all.to_vec(), addresses: Vec::new() };
        assert_eq!(code(registry.amend_key(&bearer, &own, None, &wider).await), "session-needed");
        assert_eq!(code(registry.rotate_key(&bearer, &key, &Rotation::default()).await), "session-needed");
        let beyond = KeyContent { permissions: vec![Permission::RoleWrite], ..wider };
        assert_eq!(code(registry.amend_key(&boss, &own, None, &beyond).await), "key-beyond-account");

        let stranger = caller(registry, "other", PASSWORD, NOW).await;
        for refused in [
            code(registry.key(&stranger, &key).await),
            code(registry.revoke_key(&stranger, &key).await),
            code(registry.rotate_key(&stranger, &key, &Rotation::default()).await),
        ] {
            assert_eq!(refused, "not-found");
        }
        let page = registry.keys(&stranger, &KeyFilter::default(), &Listing::default()).await.expect("a page");
        assert_eq!(page.total, 0);
        let security = caller(registry, "security", PASSWORD, NOW).await;
        registry.revoke_key(&security, &key).await.expect("the security administrator ends any key");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_is_written_once_a_minute() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "D1").await;
        person(registry, &home, "boss", &["enterprise-administrator"]).await;
        let boss = caller(registry, "boss", PASSWORD, NOW).await;
        let (key, secret) = issue(registry, &boss, &new_key(None, &[Permission::PrefixRead], &[])).await;
        for (now, used) in [(NOW + 1, NOW + 1), (NOW + MINUTE, NOW + 1), (NOW + 1 + MINUTE, NOW + 1 + MINUTE)] {
            assert_eq!(known(registry, &secret, "192.0.2.7", now).await, "accepted");
            let shown = registry.key(&boss, &key).await.expect("there");
            assert_eq!(shown.used, Some(used), "{}", bench.scratch.kind);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_twenty_keys_at_most() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = enterprise(registry, "甲", "E1").await;
        person(registry, &home, "boss", &["enterprise-administrator"]).await;
        let boss = caller(registry, "boss", PASSWORD, NOW).await;
        let new = new_key(None, &[Permission::PrefixRead], &[]);
        let mut last = String::new();
        for _ in 0..20 {
            last = issue(registry, &boss, &new).await.0;
        }
        assert_eq!(code(registry.create_key(&boss, &new).await), "keys-many");
        registry.revoke_key(&boss, &last).await.expect("revoked");
        issue(registry, &boss, &new).await;
    }
}
