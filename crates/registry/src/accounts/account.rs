//! Accounts: entered, read, changed, locked, disabled.

use super::role;
use crate::Act;
use crate::act::difference;
use crate::caller::{Caller, Origin, Time};
use crate::checks::Reach;
use crate::checks::contact::{MailAddress, Phone};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::notices::NoticeKind;
use crate::organisations::{self, OrganisationKind};
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// Characters of a login and of a name.
const LOGIN: std::ops::RangeInclusive<usize> = 2..=64;
const NAME: usize = 64;
/// Most characters of a reason.
const REASON: usize = 500;
/// Most accounts of an enterprise.
const ACCOUNTS: i64 = 1000;

/// Who is behind an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccountKind {
    Person,
    Machine,
}

/// Whether an account can act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccountState {
    /// No password was set yet.
    Invited,
    Active,
    /// By an administrator, until one unlocks it.
    Locked,
    Disabled,
}

impl AccountState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            AccountState::Invited => "invited",
            AccountState::Active => "active",
            AccountState::Locked => "locked",
            AccountState::Disabled => "disabled",
        }
    }

    pub(crate) fn of(name: &str) -> Self {
        let all = [AccountState::Invited, AccountState::Active, AccountState::Locked];
        all.into_iter().find(|state| state.name() == name).unwrap_or(AccountState::Disabled)
    }
}

/// An account as the API shows it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    pub id: String,
    pub kind: AccountKind,
    pub organisation: String,
    pub login: String,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    pub state: AccountState,
    /// Until when failures have locked it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Time>,
    /// Ids of roles.
    pub roles: Vec<String>,
    /// Whether it has a second factor.
    pub totp: bool,
    /// Whether the password must be changed at the next sign-in.
    pub must_change: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sign_in: Option<Time>,
    pub created: Time,
    pub updated: Time,
    pub version: i64,
}

/// An account to be. A person gets an invitation, a machine gets keys.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAccount {
    pub kind: AccountKind,
    /// The caller's own if it is left out.
    #[serde(default)]
    pub organisation: Option<String>,
    /// Small letters, digits, `.`, `_`, `@`, `-`; capitals are folded.
    #[schema(min_length = 2, max_length = 64)]
    pub login: String,
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub mobile: Option<String>,
    #[serde(default)]
    #[schema(max_items = 8)]
    pub roles: Vec<String>,
}

/// What can be changed of an account.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountContent {
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub mobile: Option<String>,
}

/// What is done to the state of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccountAct {
    Lock,
    /// Ends an administrator's lock, and one by failures.
    Unlock,
    Disable,
    Enable,
}

/// Which accounts are wanted; empty fields do not restrict.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct AccountFilter {
    pub organisation: Option<String>,
    /// Part of the login.
    pub login: Option<String>,
    /// Part of the name.
    pub name: Option<String>,
    /// `invited`, `active`, `locked`, `disabled`.
    pub state: Option<String>,
    /// `person` or `machine`.
    pub kind: Option<String>,
}

/// An account with what nobody sees.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub account: Account,
    pub password: String,
    pub password_at: Time,
    pub totp_secret: String,
    pub totp_step: i64,
}

const TABLE: &str = "account LEFT JOIN sign_in_guard ON sign_in_guard.subject = account.id";
macro_rules! columns {
    () => {
        "id, kind, organisation, login, name, email, mobile, state, COALESCE(locked_until, 0), must_change, \
         totp_confirmed, last_sign_in, created, updated, version, \
         COALESCE((SELECT string_agg(role, ' ') FROM account_role WHERE account_role.account = account.id), '')"
    };
}
const COLUMNS: &str = columns!();
const SORTABLE: [Column; 4] =
    [Column::Text("login"), Column::Text("name"), Column::Number("created"), Column::Number("updated")];

fn read(row: &AnyRow, now: Time) -> Result<Account, Error> {
    let moment = |at: i64| Some(at).filter(|at| *at > 0);
    let mut roles: Vec<String> = row.try_get::<String, _>(15)?.split_whitespace().map(str::to_owned).collect();
    roles.sort();
    Ok(Account {
        id: row.try_get(0)?,
        kind: if row.try_get::<String, _>(1)? == "machine" { AccountKind::Machine } else { AccountKind::Person },
        organisation: row.try_get(2)?,
        login: row.try_get(3)?,
        name: row.try_get(4)?,
        email: row.try_get(5)?,
        mobile: row.try_get(6)?,
        state: AccountState::of(&row.try_get::<String, _>(7)?),
        locked_until: moment(row.try_get(8)?).filter(|until| *until > now),
        roles,
        must_change: row.try_get::<i64, _>(9)? != 0,
        totp: row.try_get::<i64, _>(10)? != 0,
        last_sign_in: moment(row.try_get(11)?),
        created: row.try_get(12)?,
        updated: row.try_get(13)?,
        version: row.try_get(14)?,
    })
}

/// By what an account is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By<'a> {
    Id(&'a str),
    Login(&'a str),
    Email(&'a str),
}

pub(crate) async fn find(connection: &mut AnyConnection, by: By<'_>, now: Time) -> Result<Option<Stored>, Error> {
    const SELECT: &str = concat!(
        "SELECT ",
        columns!(),
        ", password, password_at, totp, totp_step FROM account \
         LEFT JOIN sign_in_guard ON sign_in_guard.subject = account.id WHERE "
    );
    let (condition, value) = match by {
        By::Id(id) => ("id = $1", id),
        By::Login(login) => ("login = $1", login),
        By::Email(email) => ("email = $1", email),
    };
    // Both parts are in the code.
    let select = sqlx::AssertSqlSafe(format!("{SELECT}{condition}"));
    let row = sqlx::query(select).bind(value).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Stored {
        account: read(&row, now)?,
        password: row.try_get(16)?,
        password_at: row.try_get(17)?,
        totp_secret: row.try_get(18)?,
        totp_step: row.try_get(19)?,
    }))
}

pub(crate) fn absent(id: &str) -> Refusal {
    Refusal::absent("账号", "account", id)
}

/// A login as it is stored and compared.
pub(crate) fn folded(login: &str) -> String {
    login.trim().chars().take(*LOGIN.end() + 1).collect::<String>().to_lowercase()
}

fn check_login(login: &str) -> Result<(), FieldRefusal> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._@-".contains(c);
    let begins = login.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if begins && LOGIN.contains(&login.len()) && login.chars().all(plain) {
        return Ok(());
    }
    let zh = "登录名为 2–64 个字母、数字或“._@-”，以字母或数字开头";
    let en = "a login has 2 to 64 letters, digits or ._@-, beginning with a letter or digit";
    Err(FieldRefusal::new("login", "form", zh, en))
}

/// Name, e-mail and mobile as they are stored.
struct Contact {
    name: String,
    email: Option<String>,
    mobile: Option<String>,
}

fn contact(name: &str, email: Option<&str>, mobile: Option<&str>, wrong: &mut Vec<FieldRefusal>) -> Contact {
    let name = name.trim().to_owned();
    if name.is_empty() || name.chars().count() > NAME || name.chars().any(char::is_control) {
        let (zh, en) = (format!("姓名为 1–{NAME} 个字符"), format!("a name has 1 to {NAME} characters"));
        wrong.push(FieldRefusal::new("name", "length", zh, en));
    }
    let filled = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let email = filled(email).and_then(|text| match MailAddress::parse(&text, Reach::Anywhere) {
        Ok(address) => Some(address.to_string().to_lowercase()),
        Err(refusal) => {
            wrong.push(FieldRefusal::of("email", &refusal));
            None
        }
    });
    let mobile = filled(mobile).and_then(|text| match Phone::parse(&text) {
        Ok(phone) if phone.is_mobile() => Some(phone.to_string()),
        Ok(_) => {
            wrong.push(FieldRefusal::new("mobile", "phone-form", "请填写手机号", "this is no mobile number"));
            None
        }
        Err(refusal) => {
            wrong.push(FieldRefusal::of("mobile", &refusal));
            None
        }
    });
    Contact { name, email, mobile }
}

/// A breach of one of the three unique columns, by the name that both databases give it.
fn taken(error: sqlx::Error) -> Error {
    let text = error.to_string();
    let (code, zh, en) = match text {
        text if text.contains("email") => ("email-taken", "该邮箱已被使用", "this e-mail address is taken"),
        text if text.contains("mobile") => ("mobile-taken", "该手机号已被使用", "this mobile number is taken"),
        _ => ("login-taken", "该登录名已被使用", "this login is taken"),
    };
    Error::unique(error, || Refusal::new(Kind::Conflict, code, zh, en))
}

pub(crate) fn own_account() -> Refusal {
    let (zh, en) = ("不能对自己的账号执行此操作", "nobody does this to their own account; ask somebody else");
    Refusal::new(Kind::Denied, "own-account", zh, en)
}

/// The permission by which the caller manages accounts: `node` for those of all, else that for members of the own
/// organisation.
pub(crate) fn managing(caller: &Caller, node: Permission) -> Permission {
    if caller.permissions.contains(node) { node } else { Permission::MemberWrite }
}

impl Act {
    /// Enters an account and gives it its roles. Persons begin invited, machines active.
    pub(crate) async fn enter_account(&mut self, new: &NewAccount, organisation: &str) -> Result<Account, Error> {
        let login = folded(&new.login);
        let mut wrong = Vec::new();
        wrong.extend(check_login(&login).err());
        let contact = contact(&new.name, new.email.as_deref(), new.mobile.as_deref(), &mut wrong);
        if !wrong.is_empty() {
            return Err(Refusal::fields(wrong).into());
        }
        let home = organisations::find(self.sql(), organisation).await?;
        let home = home.ok_or_else(|| Refusal::absent("组织", "organisation", organisation))?;
        if home.kind == OrganisationKind::Enterprise {
            let count = sqlx::query("SELECT COUNT(*) FROM account WHERE organisation = $1").bind(organisation);
            if count.fetch_one(self.sql()).await?.try_get::<i64, _>(0)? >= ACCOUNTS {
                let (zh, en) = (format!("一个企业最多 {ACCOUNTS} 个账号"), format!("at most {ACCOUNTS} accounts"));
                return Err(Refusal::new(Kind::Limit, "accounts-many", zh, en).into());
            }
        }
        let machine = new.kind == AccountKind::Machine;
        let (id, now) = (self.fresh_id("acc"), self.now());
        let state = if machine { AccountState::Active } else { AccountState::Invited };
        let insert = "INSERT INTO account (id, kind, organisation, login, name, email, mobile, state, password, \
                      password_at, must_change, totp, totp_confirmed, totp_step, last_sign_in, created, updated, \
                      version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', 0, 0, '', 0, 0, 0, $9, $10, 1)";
        sqlx::query(insert)
            .bind(&id)
            .bind(if machine { "machine" } else { "person" })
            .bind(organisation)
            .bind(&login)
            .bind(&contact.name)
            .bind(contact.email)
            .bind(contact.mobile)
            .bind(state.name())
            .bind(now)
            .bind(now)
            .execute(self.sql())
            .await
            .map_err(taken)?;
        let roles: Vec<&str> = new.roles.iter().map(String::as_str).collect();
        self.give_roles(&id, machine, (organisation, home.kind), &roles).await?;
        let account = self.account(&id).await?.account;
        let after = serde_json::to_value(&account)?;
        self.record("account.write", &format!("account {id}"), Some(organisation), json!(null), after);
        Ok(account)
    }

    pub(crate) async fn account(&mut self, id: &str) -> Result<Stored, Error> {
        let now = self.now();
        Ok(find(self.sql(), By::Id(id), now).await?.ok_or_else(|| absent(id))?)
    }

    /// The account, if the caller reaches it and has seen this version of it.
    pub(crate) async fn reached_account(mut self, id: &str, version: Option<i64>) -> Result<(Act, Stored), Error> {
        let now = self.now();
        let found = find(self.sql(), By::Id(id), now).await?;
        let organisation = found.as_ref().map(|found| found.account.organisation.clone());
        let mut act = self.reach(organisation.as_deref(), &format!("account {id}"), absent(id)).await?;
        let found = found.ok_or_else(|| absent(id))?;
        if version.is_some_and(|seen| seen != found.account.version) {
            return Err(Refusal::stale(found.account.version).into());
        }
        act.caller.at = now;
        Ok((act, found))
    }

    /// Refuses what would hand the account over to somebody who could not hold its rights: a reset, other contacts, a
    /// second factor taken away, a key. The operator on the node's own machine may.
    pub(crate) async fn may_hand_over(&mut self, account: &str) -> Result<(), Error> {
        if matches!(self.caller.origin, Origin::Local { .. } | Origin::Node) || self.caller.account() == Some(account) {
            return Ok(());
        }
        let held = role::grants(self.sql(), account).await?.permissions;
        let own = self.caller.permissions;
        let beyond = match self.caller.organisation() {
            Some(_) => held.iter().any(|one| !own.contains(one)),
            None => held.duties().iter().any(|duty| !own.duties().contains(duty)),
        };
        if beyond {
            let zh = "该账号持有您不能持有的权限，请由其本人办理，或在节点本机办理";
            let en = "this account holds rights that you could not; its holder does this, or the operator on the \
                      node's own machine";
            return Err(Refusal::new(Kind::Denied, "duties-apart", zh, en).into());
        }
        Ok(())
    }

    /// Marks the account as changed, writes down what changed, and shows it.
    pub(crate) async fn changed_account(
        &mut self,
        action: &str,
        before: &Account,
        reason: Option<&str>,
    ) -> Result<Account, Error> {
        let now = self.now();
        let update = sqlx::query("UPDATE account SET updated = $1, version = version + 1 WHERE id = $2");
        update.bind(now).bind(&before.id).execute(self.sql()).await?;
        let after = self.account(&before.id).await?.account;
        let (old, mut new) = difference(before, &after);
        if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
            new["reason"] = reason.into();
        }
        self.record(action, &format!("account {}", before.id), Some(&before.organisation), old, new);
        Ok(after)
    }
}

impl Registry {
    /// Those that the caller reaches.
    pub async fn accounts(
        &self,
        caller: &Caller,
        filter: &AccountFilter,
        listing: &Listing,
    ) -> Result<Page<Account>, Error> {
        self.authorise(caller, Permission::AccountRead, "account").await?;
        let mut wanted = Filter::new(TABLE, COLUMNS);
        wanted.equal("organisation", caller.organisation());
        wanted.equal("organisation", filter.organisation.as_deref());
        wanted.containing("login", filter.login.as_deref());
        wanted.containing("name", filter.name.as_deref());
        wanted.equal("state", filter.state.as_deref());
        wanted.equal("kind", filter.kind.as_deref());
        let read = |row: &AnyRow| read(row, caller.at);
        wanted.page(self, listing, &SORTABLE, "-created", Column::Text("id"), read).await
    }

    pub async fn account(&self, caller: &Caller, id: &str) -> Result<Account, Error> {
        let object = format!("account {id}");
        self.authorise(caller, Permission::AccountRead, &object).await?;
        let mut connection = self.database.reader().acquire().await?;
        let found = find(&mut connection, By::Id(id), caller.at).await?;
        drop(connection);
        let organisation = found.as_ref().map(|found| found.account.organisation.as_str());
        self.reach(caller, Permission::AccountRead, organisation, &object, absent(id)).await?;
        Ok(found.ok_or_else(|| absent(id))?.account)
    }

    /// Changes name and contacts.
    pub async fn amend_account(
        &self,
        caller: &Caller,
        id: &str,
        version: Option<i64>,
        content: &AccountContent,
    ) -> Result<Account, Error> {
        let permission = managing(caller, Permission::AccountWrite);
        let act = self.begin(caller, permission, &format!("account {id}")).await?;
        let (mut act, found) = act.reached_account(id, version).await?;
        let before = found.account;
        let mut wrong = Vec::new();
        let contact = contact(&content.name, content.email.as_deref(), content.mobile.as_deref(), &mut wrong);
        if !wrong.is_empty() {
            return Err(Refusal::fields(wrong).into());
        }
        if contact.email != before.email || contact.mobile != before.mobile {
            act.may_hand_over(id).await?;
        }
        let update = "UPDATE account SET name = $1, email = $2, mobile = $3 WHERE id = $4";
        let update = sqlx::query(update).bind(contact.name).bind(contact.email).bind(contact.mobile).bind(id);
        update.execute(act.sql()).await.map_err(taken)?;
        let after = act.changed_account("account.write", &before, None).await?;
        act.commit(after).await
    }

    /// Locks, unlocks, disables or enables an account. Locked and disabled, its sessions end and its keys fail.
    pub async fn set_account_state(
        &self,
        caller: &Caller,
        id: &str,
        what: AccountAct,
        reason: &str,
    ) -> Result<Account, Error> {
        let (node, action) = match what {
            AccountAct::Lock | AccountAct::Unlock => (Permission::LockWrite, "account.lock"),
            AccountAct::Disable | AccountAct::Enable => (Permission::AccountWrite, "account.write"),
        };
        let act = self.begin(caller, managing(caller, node), &format!("account {id}")).await?;
        let (mut act, found) = act.reached_account(id, None).await?;
        if reason.chars().count() > REASON {
            let (zh, en) = (format!("原因最多 {REASON} 个字符"), format!("a reason has at most {REASON} characters"));
            return Err(Refusal::fields(vec![FieldRefusal::new("reason", "length", zh, en)]).into());
        }
        if act.caller.account() == Some(id) {
            return Err(own_account().into());
        }
        if act.caller.organisation().is_some() {
            act.may_hand_over(id).await?;
        }
        let before = found.account;
        let set = found.password.is_empty() && before.kind == AccountKind::Person;
        let after = match (what, before.state) {
            (AccountAct::Lock, AccountState::Active) => AccountState::Locked,
            (AccountAct::Unlock, AccountState::Locked) => AccountState::Active,
            (AccountAct::Unlock, state) if before.locked_until.is_some() => state,
            (AccountAct::Disable, AccountState::Invited | AccountState::Active | AccountState::Locked) => {
                AccountState::Disabled
            }
            (AccountAct::Enable, AccountState::Disabled) if set => AccountState::Invited,
            (AccountAct::Enable, AccountState::Disabled) => AccountState::Active,
            (_, state) => {
                let zh = "账号当前状态不支持此操作";
                let en = format!("this cannot be done to an account that is {}", state.name());
                return Err(Refusal::new(Kind::Conflict, "account-state", zh, en).into());
            }
        };
        let kept = act.kept().await?;
        let update = sqlx::query("UPDATE account SET state = $1 WHERE id = $2").bind(after.name()).bind(id);
        update.execute(act.sql()).await?;
        match what {
            AccountAct::Lock | AccountAct::Disable => {
                sqlx::query("DELETE FROM session WHERE account = $1").bind(id).execute(act.sql()).await?;
                sqlx::query("DELETE FROM account_token WHERE account = $1").bind(id).execute(act.sql()).await?;
                if what == AccountAct::Lock {
                    let facts = vec![("name", before.login.clone()), ("reason", reason.to_owned())];
                    act.tell_account(NoticeKind::AccountLocked, id, facts).await?;
                }
            }
            AccountAct::Unlock => {
                sqlx::query("DELETE FROM sign_in_guard WHERE subject = $1").bind(id).execute(act.sql()).await?;
            }
            AccountAct::Enable => {}
        }
        act.still_kept(kept).await?;
        let after = act.changed_account(action, &before, Some(reason)).await?;
        act.commit(after).await
    }

    /// Gives an account exactly these roles.
    pub async fn set_account_roles(
        &self,
        caller: &Caller,
        id: &str,
        version: Option<i64>,
        roles: &[String],
    ) -> Result<Account, Error> {
        let permission = managing(caller, Permission::RoleWrite);
        let act = self.begin(caller, permission, &format!("account {id}")).await?;
        let (mut act, found) = act.reached_account(id, version).await?;
        if act.caller.account() == Some(id) {
            return Err(role::own_roles().into());
        }
        let before = found.account;
        let given = roles.iter().filter(|role| !before.roles.contains(role));
        let taken = before.roles.iter().filter(|role| !roles.contains(role));
        let moved: Vec<&str> = given.chain(taken).map(String::as_str).collect();
        act.may_give(&moved).await?;
        let home = organisations::find(act.sql(), &before.organisation).await?;
        let home = home.ok_or_else(|| absent(id))?;
        let kept = act.kept().await?;
        let wanted: Vec<&str> = roles.iter().map(String::as_str).collect();
        let machine = before.kind == AccountKind::Machine;
        act.give_roles(id, machine, (&before.organisation, home.kind), &wanted).await?;
        act.still_kept(kept).await?;
        let after = act.changed_account("account.roles", &before, None).await?;
        act.commit(after).await
    }

    /// Removes an account that was never used; any other is disabled and stays, for the audit.
    pub async fn delete_account(&self, caller: &Caller, id: &str) -> Result<(), Error> {
        let permission = managing(caller, Permission::AccountWrite);
        let act = self.begin(caller, permission, &format!("account {id}")).await?;
        let (mut act, found) = act.reached_account(id, None).await?;
        if found.account.state != AccountState::Invited || !found.password.is_empty() {
            let (zh, en) = ("账号已使用过，不能删除，请停用", "the account was in use; disable it instead");
            return Err(Refusal::new(Kind::Conflict, "account-used", zh, en).into());
        }
        if act.caller.organisation().is_some() {
            act.may_hand_over(id).await?;
        }
        for delete in [
            "DELETE FROM account_token WHERE account = $1",
            "DELETE FROM account_role WHERE account = $1",
            "DELETE FROM account WHERE id = $1",
        ] {
            sqlx::query(delete).bind(id).execute(act.sql()).await?;
        }
        let (object, former) = (format!("account {id}"), serde_json::to_value(&found.account)?);
        act.record("account.write", &object, Some(&found.account.organisation), former, json!(null));
        act.commit(()).await
    }
}
