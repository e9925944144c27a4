//! The three duties (三员分立): every way around their separation that we could think of is closed.

use crate::accounts::{PASSWORD, caller, code, enterprise, first, new_account, person};
use crate::{NOW, benches, operator};
use hufu_registry::accounts::account::{AccountAct, AccountContent, AccountKind};
use hufu_registry::accounts::role::{NewRole, RoleContent, RoleFilter, RoleReach};
use hufu_registry::{Listing, Permission, Registry};

const DUTIES: [&str; 3] = ["system-administrator", "security-administrator", "audit-administrator"];

fn role(id: &str, reach: RoleReach, permissions: &[Permission]) -> NewRole {
    NewRole {
        id: id.into(),
        reach,
        organisation: None,
        zh: id.into(),
        en: id.into(),
        permissions: permissions.to_vec(),
        totp: false,
    }
}

fn content(permissions: &[Permission]) -> RoleContent {
    RoleContent { zh: "角色".into(), en: "role".into(), permissions: permissions.to_vec(), totp: false }
}

async fn give(registry: &Registry, by: &hufu_registry::Caller, account: &str, roles: &[&str]) -> String {
    let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
    code(registry.set_account_roles(by, account, None, &roles).await)
}

async fn id_of(registry: &Registry, login: &str) -> String {
    let page = registry.accounts(&operator(), &Default::default(), &Default::default()).await.expect("a page");
    page.items.into_iter().find(|account| account.login == login).expect("there").id
}

#[tokio::test(flavor = "multi_thread")]
async fn no_account_comes_to_two_duties_by_its_roles() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = first(&bench).await;
        let id = person(registry, &home, "zhao", &[]).await;
        for first in DUTIES {
            for second in DUTIES {
                let expected = if first == second { "accepted" } else { "duties-apart" };
                assert_eq!(give(registry, &operator(), &id, &[first, second]).await, expected, "{first} {second}");
            }
        }
        assert_eq!(
            give(registry, &operator(), &id, &["audit-administrator", "platform-operator"]).await,
            "duties-apart"
        );
        assert_eq!(give(registry, &operator(), &id, &["audit-administrator", "read-only"]).await, "accepted");
        assert_eq!(
            give(registry, &operator(), &id, &["system-administrator", "enterprise-staff"]).await,
            "roles-mixed"
        );

        for roles in
            [&["system-administrator", "audit-administrator"][..], &["security-administrator", "audit-administrator"]]
        {
            let new = new_account(AccountKind::Person, &home, "qian", roles);
            assert_eq!(code(registry.create_account(&operator(), &new).await), "duties-apart");
        }
        let new = new_account(AccountKind::Machine, &home, "robot", &["system-administrator"]);
        assert_eq!(code(registry.create_account(&operator(), &new).await), "duty-of-person");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_custom_role_joins_two_duties_now_or_later() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = first(&bench).await;
        let security = caller(registry, "security", PASSWORD, NOW).await;
        for mixed in [
            &[Permission::AccountWrite, Permission::RoleWrite][..],
            &[Permission::SettingsWrite, Permission::AuditRead],
            &[Permission::LockWrite, Permission::AuditExport],
            &[Permission::AuditRead, Permission::PrefixAllocate],
        ] {
            let new = role("mixed", RoleReach::Node, mixed);
            assert_eq!(code(registry.create_role(&security, &new).await), "duties-apart");
        }
        let plain = role("helper", RoleReach::Node, &[Permission::PrefixRead]);
        registry.create_role(&security, &plain).await.expect("made");
        assert_eq!(code(registry.create_role(&security, &plain).await), "role-exists");
        let mixed = content(&[Permission::AccountWrite, Permission::AuditRead]);
        assert_eq!(code(registry.amend_role(&security, "helper", None, &mixed).await), "duties-apart");

        // A holder of another duty: the role itself would be well, together they are not.
        let id = person(registry, &home, "zhao", &["audit-administrator", "helper"]).await;
        let system = content(&[Permission::AccountWrite]);
        assert_eq!(code(registry.amend_role(&security, "helper", None, &system).await), "duties-apart");
        let business = content(&[Permission::PrefixWrite]);
        assert_eq!(code(registry.amend_role(&security, "helper", None, &business).await), "duties-apart");
        assert_eq!(code(registry.delete_role(&security, "helper").await), "role-held");
        assert_eq!(give(registry, &security, &id, &["audit-administrator"]).await, "accepted");

        let new = new_account(AccountKind::Machine, &home, "robot", &["helper"]);
        registry.create_account(&operator(), &new).await.expect("entered");
        assert_eq!(code(registry.amend_role(&security, "helper", None, &system).await), "duty-of-person");
        let built_in = content(&[Permission::RoleWrite, Permission::AuditRead]);
        assert_eq!(code(registry.amend_role(&security, "reviewer", None, &built_in).await), "role-built-in");
        assert_eq!(code(registry.delete_role(&security, "reviewer").await), "role-built-in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_widens_their_own_rights() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = first(&bench).await;
        let (system, security) =
            (caller(registry, "system", PASSWORD, NOW).await, caller(registry, "security", PASSWORD, NOW).await);
        let own = security.account().expect("an account").to_owned();
        assert_eq!(
            give(registry, &security, &own, &["security-administrator", "platform-operator"]).await,
            "own-rights"
        );
        let new = role("deputy", RoleReach::Node, &[Permission::RoleRead]);
        registry.create_role(&security, &new).await.expect("made");
        assert_eq!(give(registry, &operator(), &own, &["security-administrator", "deputy"]).await, "accepted");
        let wider = content(&[Permission::LockWrite]);
        assert_eq!(code(registry.amend_role(&security, "deputy", None, &wider).await), "own-rights");

        // Who enters accounts gives no roles, and who gives roles enters no accounts.
        let new = new_account(AccountKind::Person, &home, "zhao", &["reviewer"]);
        assert_eq!(code(registry.create_account(&system, &new).await), "role-beyond-giver");
        assert_eq!(code(registry.create_account(&security, &new).await), "not-permitted");
        let new = new_account(AccountKind::Person, &home, "zhao", &[]);
        let invited = registry.create_account(&system, &new).await.expect("invited").account;
        assert_eq!(give(registry, &system, &invited.id, &["reviewer"]).await, "not-permitted");
        assert_eq!(give(registry, &security, &invited.id, &["reviewer"]).await, "accepted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_over_the_account_of_another_duty() {
    for bench in benches().await {
        let registry = &bench.registry;
        first(&bench).await;
        let (system, security) =
            (caller(registry, "system", PASSWORD, NOW).await, caller(registry, "security", PASSWORD, NOW).await);
        for login in ["system", "audit"] {
            let id = id_of(registry, login).await;
            assert_eq!(code(registry.issue_reset(&security, &id).await), "duties-apart", "{login}");
            assert_eq!(code(registry.reset_totp(&security, &id).await), "duties-apart", "{login}");
        }
        for login in ["security", "audit"] {
            let id = id_of(registry, login).await;
            let mail = AccountContent { name: "x".into(), email: Some("mine@mail.example".into()), mobile: None };
            assert_eq!(code(registry.amend_account(&system, &id, None, &mail).await), "duties-apart", "{login}");
        }
        let id = id_of(registry, "operator").await;
        registry.issue_reset(&security, &id).await.expect("holds no duty");
        let id = id_of(registry, "audit").await;
        registry.issue_reset(&operator(), &id).await.expect("on the node's own machine");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duty_is_never_nobodys() {
    for bench in benches().await {
        let registry = &bench.registry;
        let home = first(&bench).await;
        let security = caller(registry, "security", PASSWORD, NOW).await;
        for login in ["system", "security", "audit"] {
            let id = id_of(registry, login).await;
            assert_eq!(give(registry, &operator(), &id, &["read-only"]).await, "last-duty-holder", "{login}");
            for what in [AccountAct::Lock, AccountAct::Disable] {
                let refused = registry.set_account_state(&operator(), &id, what, "").await;
                assert_eq!(code(refused), "last-duty-holder", "{login} {what:?}");
            }
        }
        // A role that has a bit of the duty does not keep it.
        let new = role("half", RoleReach::Node, &[Permission::LockWrite]);
        registry.create_role(&security, &new).await.expect("made");
        person(registry, &home, "zhao", &["half"]).await;
        let id = id_of(registry, "security").await;
        assert_eq!(
            code(registry.set_account_state(&operator(), &id, AccountAct::Disable, "").await),
            "last-duty-holder"
        );
        // Nor does one who was invited only.
        let new = new_account(AccountKind::Person, &home, "qian", &["security-administrator"]);
        registry.create_account(&operator(), &new).await.expect("invited");
        assert_eq!(
            code(registry.set_account_state(&operator(), &id, AccountAct::Disable, "").await),
            "last-duty-holder"
        );
        person(registry, &home, "sun", &["security-administrator"]).await;
        registry.set_account_state(&operator(), &id, AccountAct::Disable, "").await.expect("there is another");

        // By a custom role that loses the permission.
        let audits = role("audits", RoleReach::Node, &[Permission::AuditRead]);
        registry.create_role(&operator(), &audits).await.expect("made");
        person(registry, &home, "li", &["audits"]).await;
        let id = id_of(registry, "audit").await;
        registry.set_account_state(&operator(), &id, AccountAct::Disable, "").await.expect("there is another");
        let less = content(&[Permission::AuditExport]);
        assert_eq!(code(registry.amend_role(&operator(), "audits", None, &less).await), "last-duty-holder");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn enterprises_hold_only_what_belongs_to_them() {
    for bench in benches().await {
        let registry = &bench.registry;
        first(&bench).await;
        let (home, foreign) = (enterprise(registry, "甲", "A1").await, enterprise(registry, "乙", "A2").await);
        let id = person(registry, &home, "boss", &["enterprise-administrator"]).await;
        for given in ["platform-operator", "reviewer", "read-only", "audit-administrator"] {
            assert_eq!(give(registry, &operator(), &id, &[given]).await, "role-beyond-organisation", "{given}");
        }
        for permission in [Permission::PrefixAllocate, Permission::RoleWrite, Permission::SettingsWrite] {
            let new = role("wide", RoleReach::Organisation, &[permission]);
            assert_eq!(code(registry.create_role(&operator(), &new).await), "invalid-fields");
        }
        let mut only = role("only-second", RoleReach::Organisation, &[Permission::PrefixRead]);
        only.organisation = Some(foreign);
        registry.create_role(&operator(), &only).await.expect("made");
        assert_eq!(give(registry, &operator(), &id, &["only-second"]).await, "not-found");
        let boss = caller(registry, "boss", PASSWORD, NOW).await;
        assert_eq!(code(registry.role(&boss, "only-second").await), "not-found");
        assert_eq!(code(registry.role(&boss, "reviewer").await), "not-found");
        let page = registry.roles(&boss, &RoleFilter::default(), &Listing::default()).await.expect("a page");
        let seen: Vec<_> = page.items.iter().map(|role| role.id.as_str()).collect();
        assert_eq!(seen, ["enterprise-administrator", "enterprise-read-only", "enterprise-staff"]);

        // An auditor within the enterprise is the security administrator's to appoint; the boss cannot undo it.
        let auditor = role("auditor", RoleReach::Organisation, &[Permission::AuditRead]);
        registry.create_role(&operator(), &auditor).await.expect("made");
        let id = person(registry, &home, "zhao", &["auditor"]).await;
        assert_eq!(give(registry, &boss, &id, &["enterprise-staff"]).await, "role-beyond-giver");
        assert_eq!(code(registry.issue_reset(&boss, &id).await), "duties-apart");
        let zhao = caller(registry, "zhao", PASSWORD, NOW).await;
        let page = registry.audit(&zhao, &Default::default(), &Default::default()).await.expect("the own audit");
        assert!(page.total > 0 && page.items.iter().all(|entry| entry.organisation == home));
    }
}
