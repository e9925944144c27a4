//! The first administrators of a node. Nothing has a default secret: passwords are made here, shown once, and must be
//! changed at the first sign-in.

use super::account::{AccountKind, NewAccount};
use super::{role, secret};
use crate::caller::Caller;
use crate::error::{Error, Kind, Refusal};
use crate::id;
use crate::organisations::OrganisationKind;
use crate::permission::{Duty, Permission};
use crate::registry::Registry;
use crate::subject::Subject;
use serde::{Deserialize, Serialize};
use sqlx::Row;

/// Characters of a generated password: 100 random bits in groups of five.
const PASSWORD: usize = 20;
const GROUP: usize = 5;
/// Most accounts of a file.
const ACCOUNTS: usize = 20;

/// Who runs the node, and who administers it at first; from a file, or as [`FirstSetup::of`] has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FirstSetup {
    /// Name of the operator.
    pub organisation: String,
    /// Its unified social credit code.
    #[serde(default)]
    pub credit_code: Option<String>,
    pub accounts: Vec<FirstAccount>,
}

/// One of the first accounts.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FirstAccount {
    pub login: String,
    pub name: String,
    #[serde(default)]
    pub email: Option<String>,
    pub roles: Vec<String>,
    /// Whether the password must be changed at the first sign-in. Where a program hands it over to a person who
    /// trusts that program, it need not be.
    #[serde(default = "yes")]
    pub must_change: bool,
}

fn yes() -> bool {
    true
}

/// A login to hand over. Shown once.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FirstLogin {
    pub login: String,
    pub name: String,
    pub roles: Vec<String>,
    /// To be changed at the first sign-in, unless the setup says otherwise.
    pub password: String,
}

impl FirstSetup {
    /// The three administrators (三员) and an operator of the platform.
    pub fn of(organisation: &str) -> Self {
        let account = |login: &str, name: &str, role: &str| FirstAccount {
            login: login.into(),
            name: name.into(),
            email: None,
            roles: vec![role.into()],
            must_change: true,
        };
        FirstSetup {
            organisation: organisation.into(),
            credit_code: None,
            accounts: vec![
                account("system", "系统管理员", "system-administrator"),
                account("security", "安全管理员", "security-administrator"),
                account("audit", "审计管理员", "audit-administrator"),
                account("operator", "平台运营员", "platform-operator"),
            ],
        }
    }
}

fn there() -> Refusal {
    let (zh, en) = ("本节点已有账号，不能再次初始化", "there are accounts; the first ones are made once only");
    Refusal::new(Kind::Conflict, "already-set-up", zh, en)
}

impl Registry {
    /// Whether anybody can sign in at all.
    pub async fn has_accounts(&self) -> Result<bool, Error> {
        let row = sqlx::query("SELECT COUNT(*) FROM account").fetch_one(self.database.reader()).await?;
        Ok(row.try_get::<i64, _>(0)? > 0)
    }

    /// Enters the operator and the first accounts, all of them or none. Each of the three duties needs somebody.
    pub async fn first_administrators(&self, caller: &Caller, setup: &FirstSetup) -> Result<Vec<FirstLogin>, Error> {
        if setup.accounts.len() > ACCOUNTS {
            let (zh, en) = (format!("初始账号最多 {ACCOUNTS} 个"), format!("at most {ACCOUNTS} first accounts"));
            return Err(Refusal::new(Kind::Limit, "accounts-many", zh, en).into());
        }
        if self.has_accounts().await? {
            return Err(there().into());
        }
        let mut logins = Vec::new();
        let mut hashes = Vec::new();
        for account in &setup.accounts {
            let password = generated(self);
            hashes.push(secret::hash(&password, self.random).await?);
            let (login, name) = (super::account::folded(&account.login), account.name.clone());
            logins.push(FirstLogin { login, name, roles: account.roles.clone(), password });
        }
        let mut act = self.begin(caller, Permission::AccountWrite, "account").await?;
        let count = sqlx::query("SELECT COUNT(*) FROM account").fetch_one(act.sql()).await?;
        if count.try_get::<i64, _>(0)? > 0 {
            return Err(there().into());
        }
        let row = sqlx::query("SELECT id FROM organisation WHERE kind = 'operator' ORDER BY created, id LIMIT 1");
        let home = match row.fetch_optional(act.sql()).await? {
            Some(row) => row.try_get::<String, _>(0)?,
            None => {
                let subject = Subject {
                    org_name: setup.organisation.clone(),
                    org_crt_type: Some(if setup.credit_code.is_some() { 1 } else { 2 }),
                    org_crt_code: setup.credit_code.clone().unwrap_or_else(|| "OPERATOR".into()),
                    ..Subject::default()
                };
                act.enter_organisation(OrganisationKind::Operator, &subject).await?.id
            }
        };
        let mut duties: Vec<Duty> = Vec::new();
        for (account, hash) in setup.accounts.iter().zip(&hashes) {
            let new = NewAccount {
                kind: AccountKind::Person,
                organisation: None,
                login: account.login.clone(),
                name: account.name.clone(),
                email: account.email.clone(),
                mobile: None,
                roles: account.roles.clone(),
            };
            let entered = act.enter_account(&new, &home).await?;
            act.set_password(&entered.id, hash, account.must_change).await?;
            let update = sqlx::query("UPDATE account SET state = 'active' WHERE id = $1").bind(&entered.id);
            update.execute(act.sql()).await?;
            act.changed_account("account.write", &entered, Some("first administrators")).await?;
            duties.extend(role::grants(act.sql(), &entered.id).await?.permissions.duties());
        }
        let missing = [Duty::System, Duty::Security, Duty::Audit].into_iter().find(|duty| !duties.contains(duty));
        if missing.is_some() || act.kept().await? != [true; 3] {
            let zh = "初始账号须包含系统管理员、安全管理员和审计管理员";
            let en = "the first accounts have a system, a security and an audit administrator";
            return Err(Refusal::new(Kind::Invalid, "duty-missing", zh, en).into());
        }
        act.commit(()).await?;
        Ok(logins)
    }
}

fn generated(registry: &Registry) -> String {
    let text = id::text(registry.random, PASSWORD);
    let groups: Vec<&str> = (0..PASSWORD / GROUP).map(|at| &text[GROUP * at..GROUP * (at + 1)]).collect();
    groups.join("-")
}
