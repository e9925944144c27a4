//! Invitations, resets and passwords: how an account comes to one, and how it changes.
//!
//! An invitation and a reset are tokens of one use, kept as digests; a new one replaces the one before. A changed
//! password ends every session of the account but the one that changed it.

use super::account::{self, AccountKind, AccountState, By, NewAccount, Stored, absent, managing};
use super::policy::{self, HOUR, MINUTE};
use super::token::{Token, TokenKind};
use super::{Account, guard, secret};
use crate::Act;
use crate::caller::{Caller, DAY, Origin, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::notices::settings::NoticeSettings;
use crate::notices::{Audience, NewNotice, NoticeKind, moment};
use crate::organisations;
use crate::password;
use crate::permission::Permission;
use crate::registry::Registry;
use crate::settings;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{AnyConnection, Row};

/// Nobody gets more than one reset by asking within this time.
const RESET_PAUSE: Time = 5 * MINUTE;
/// Resets that one address may ask for within a quarter of an hour.
const RESETS: i64 = 10;
/// Used and expired tokens are forgotten after this.
const TOKENS_KEPT: Time = 30 * DAY;

/// Somebody was invited. The token is here once and kept nowhere.
#[derive(Debug, Clone)]
pub struct Invitation {
    pub account: String,
    pub login: String,
    pub token: Token,
    pub expires: Time,
}

/// An account that was entered, with the token to hand over.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invited {
    pub account: Account,
    /// Sets the first password, once. Absent for machines, and in a repeated answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Time>,
}

/// A reset to hand over.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reset {
    /// Sets a new password, once. Absent in a repeated answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    pub expires: Time,
}

/// A token and the password that it shall set.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPassword {
    #[schema(max_length = 128)]
    pub token: String,
    #[schema(max_length = 512)]
    pub password: String,
}

/// A password and the one that follows it.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasswordChange {
    #[schema(max_length = 512)]
    pub current: String,
    #[schema(max_length = 512)]
    pub new: String,
}

/// A row of a token.
struct Found {
    account: String,
    used: bool,
    expires: Time,
}

fn bad_token() -> Refusal {
    let (zh, en) = ("链接无效或已被使用，请重新申请", "this token is unknown or was used; ask for a new one");
    Refusal::new(Kind::Invalid, "token-unknown", zh, en)
}

fn check_token(found: Option<Found>, now: Time) -> Result<String, Refusal> {
    let found = found.filter(|found| !found.used).ok_or_else(bad_token)?;
    if now >= found.expires {
        let (zh, en) = ("链接已过期，请重新申请", "this token has expired; ask for a new one");
        return Err(Refusal::new(Kind::Gone, "token-expired", zh, en));
    }
    Ok(found.account)
}

async fn find_token(connection: &mut AnyConnection, token: &Token) -> Result<Option<Found>, Error> {
    let select = "SELECT account, secret, used, expires FROM account_token WHERE id = $1";
    let row = sqlx::query(select).bind(&token.id).fetch_optional(connection).await?;
    let Some(row) = row.filter(|row| row.try_get::<String, _>(1).is_ok_and(|kept| token.proves(&kept))) else {
        return Ok(None);
    };
    let used: i64 = row.try_get(2)?;
    Ok(Some(Found { account: row.try_get(0)?, used: used != 0, expires: row.try_get(3)? }))
}

fn purpose(kind: TokenKind) -> &'static str {
    if kind == TokenKind::Invitation { "invitation" } else { "reset" }
}

impl Act {
    /// Enters a person of an organisation and invites it. For whoever has decided that it shall be there.
    pub async fn invite(
        &mut self,
        organisation: &str,
        login: &str,
        name: &str,
        email: &str,
        roles: &[&str],
    ) -> Result<Invitation, Error> {
        let new = NewAccount {
            kind: AccountKind::Person,
            organisation: None,
            login: login.into(),
            name: name.into(),
            email: Some(email.into()),
            mobile: None,
            roles: roles.iter().map(|role| (*role).into()).collect(),
        };
        let account = self.enter_account(&new, organisation).await?;
        self.issue_invitation(&account).await
    }

    pub(crate) async fn issue_invitation(&mut self, account: &Account) -> Result<Invitation, Error> {
        let hours = policy::read(self.sql()).await?.invitation_hours;
        let (token, expires) = self.issue_token(TokenKind::Invitation, &account.id, hours * HOUR).await?;
        let object = format!("account {}", account.id);
        let after = json!({"token": token.id, "expires": expires});
        self.record("account.invite", &object, Some(&account.organisation), json!(null), after);
        self.send_token(NoticeKind::AccountInvited, account, &token, expires).await?;
        Ok(Invitation { account: account.id.clone(), login: account.login.clone(), token, expires })
    }

    /// A letter with the link, to the account's e-mail address; where the node sends none, nothing goes out.
    async fn send_token(
        &mut self,
        kind: NoticeKind,
        account: &Account,
        token: &Token,
        expires: Time,
    ) -> Result<(), Error> {
        let audience = Audience::Account(account.id.clone());
        let facts = vec![("name", account.login.clone()), ("due", moment(expires))];
        let object = format!("account {}", account.id);
        self.write_letter(&NewNotice { kind, audience, object, facts, mail: None }, token).await
    }

    async fn issue_token(&mut self, kind: TokenKind, account: &str, life: Time) -> Result<(Token, Time), Error> {
        let now = self.now();
        let token = Token::fresh(kind, self.registry().random);
        let expires = now.saturating_add(life);
        let delete = sqlx::query("DELETE FROM account_token WHERE account = $1 AND purpose = $2");
        delete.bind(account).bind(purpose(kind)).execute(self.sql()).await?;
        let insert = "INSERT INTO account_token (id, purpose, account, secret, created, expires, used) \
                      VALUES ($1, $2, $3, $4, $5, $6, 0)";
        sqlx::query(insert)
            .bind(&token.id)
            .bind(purpose(kind))
            .bind(account)
            .bind(token.digest())
            .bind(now)
            .bind(expires)
            .execute(self.sql())
            .await?;
        Ok((token, expires))
    }

    /// Sets the password of an account whose hash was computed before the act began.
    pub(crate) async fn set_password(&mut self, account: &str, hash: &str, must_change: bool) -> Result<(), Error> {
        let now = self.now();
        let update = "UPDATE account SET password = $1, password_at = $2, must_change = $3 WHERE id = $4";
        let update = sqlx::query(update).bind(hash).bind(now).bind(i64::from(must_change)).bind(account);
        update.execute(self.sql()).await?;
        let insert = "INSERT INTO account_password (account, at, password) VALUES ($1, $2, $3) \
                      ON CONFLICT (account, at) DO UPDATE SET password = excluded.password";
        sqlx::query(insert).bind(account).bind(now).bind(hash).execute(self.sql()).await?;
        let forget = "DELETE FROM account_password WHERE account = $1 AND at NOT IN \
                      (SELECT at FROM account_password WHERE account = $2 ORDER BY at DESC LIMIT 10)";
        sqlx::query(forget).bind(account).bind(account).execute(self.sql()).await?;
        Ok(())
    }

    /// Ends every session of an account, but for one.
    pub(crate) async fn end_sessions(&mut self, account: &str, but: &str) -> Result<u64, Error> {
        let delete = sqlx::query("DELETE FROM session WHERE account = $1 AND id <> $2").bind(account).bind(but);
        Ok(delete.execute(self.sql()).await?.rows_affected())
    }
}

impl Registry {
    /// Enters an account: a person is invited, a machine gets its keys later.
    pub async fn create_account(&self, caller: &Caller, new: &NewAccount) -> Result<Invited, Error> {
        let act = self.begin(caller, managing(caller, Permission::AccountWrite), "account").await?;
        let home = match new.organisation.as_deref().or(caller.organisation()) {
            Some(home) => home.to_owned(),
            None => self.operator_organisation().await?,
        };
        let mut act = act.reach(Some(&home), "account", Refusal::absent("组织", "organisation", &home)).await?;
        let roles: Vec<&str> = new.roles.iter().map(String::as_str).collect();
        act.may_give(&roles).await?;
        let account = act.enter_account(new, &home).await?;
        if account.kind == AccountKind::Machine {
            return act.commit(Invited { account, invitation: None, expires: None }).await;
        }
        let invitation = act.issue_invitation(&account).await?;
        let answer = Invited { account, invitation: None, expires: Some(invitation.expires) };
        // What is kept to be repeated has no secret in it.
        let answer = act.commit(answer).await?;
        Ok(Invited { invitation: Some(invitation.token.text()), ..answer })
    }

    /// Invites again somebody who has not accepted; the token before is void.
    pub async fn invite_again(&self, caller: &Caller, id: &str) -> Result<Invited, Error> {
        let permission = managing(caller, Permission::AccountWrite);
        let act = self.begin(caller, permission, &format!("account {id}")).await?;
        let (mut act, found) = act.reached_account(id, None).await?;
        if found.account.state != AccountState::Invited {
            let (zh, en) = ("该账号已接受邀请", "this account has accepted its invitation");
            return Err(Refusal::new(Kind::Conflict, "account-state", zh, en).into());
        }
        act.may_hand_over(id).await?;
        let invitation = act.issue_invitation(&found.account).await?;
        let answer = Invited { account: found.account, invitation: None, expires: Some(invitation.expires) };
        let answer = act.commit(answer).await?;
        Ok(Invited { invitation: Some(invitation.token.text()), ..answer })
    }

    /// Sets the first password by an invitation.
    pub async fn accept_invitation(&self, caller: &Caller, new: &NewPassword) -> Result<Account, Error> {
        self.redeem(caller, TokenKind::Invitation, new).await
    }

    /// Sets a new password by a reset.
    pub async fn confirm_reset(&self, caller: &Caller, new: &NewPassword) -> Result<Account, Error> {
        self.redeem(caller, TokenKind::Reset, new).await
    }

    async fn redeem(&self, caller: &Caller, kind: TokenKind, new: &NewPassword) -> Result<Account, Error> {
        let token = Token::parse(&new.token).filter(|token| token.kind == kind).ok_or_else(bad_token)?;
        let mut connection = self.database.reader().acquire().await?;
        let id = check_token(find_token(&mut connection, &token).await?, caller.at)?;
        let found = account::find(&mut connection, By::Id(&id), caller.at).await?.ok_or_else(bad_token)?;
        drop(connection);
        let hash = self.acceptable(&found, &new.password, "password").await?;
        let mut act = self.begin_open(&unrepeated(caller), Permission::AccountRead).await?;
        check_token(find_token(act.sql(), &token).await?, caller.at)?;
        let before = act.account(&id).await?.account;
        match (kind, before.state) {
            (TokenKind::Invitation, AccountState::Invited) | (TokenKind::Reset, AccountState::Active) => {}
            _ => return Err(bad_token().into()),
        }
        let spend = sqlx::query("UPDATE account_token SET used = $1 WHERE id = $2 AND used = 0");
        spend.bind(caller.at).bind(&token.id).execute(act.sql()).await?;
        act.set_password(&id, &hash, false).await?;
        sqlx::query("UPDATE account SET state = 'active' WHERE id = $1").bind(&id).execute(act.sql()).await?;
        guard::clear(act.sql(), &id).await?;
        act.end_sessions(&id, "").await?;
        act.caller.name = before.login.clone();
        let action = if kind == TokenKind::Invitation { "account.accept" } else { "account.reset" };
        let after = act.changed_account(action, &before, None).await?;
        act.commit(after).await
    }

    /// A reset for an account that cannot sign in, to be handed over by an administrator.
    pub async fn issue_reset(&self, caller: &Caller, id: &str) -> Result<Reset, Error> {
        let permission = managing(caller, Permission::LockWrite);
        let act = self.begin(caller, permission, &format!("account {id}")).await?;
        let (mut act, found) = act.reached_account(id, None).await?;
        resettable(&found)?;
        act.may_hand_over(id).await?;
        let hours = policy::read(act.sql()).await?.reset_hours;
        let (token, expires) = act.issue_token(TokenKind::Reset, id, hours * HOUR).await?;
        let (object, after) = (format!("account {id}"), json!({"token": token.id, "expires": expires}));
        act.record("account.reset", &object, Some(&found.account.organisation), json!(null), after);
        let answer = act.commit(Reset { token: None, expires }).await?;
        Ok(Reset { token: Some(token.text()), ..answer })
    }

    /// Somebody has forgotten a password. The answer is the same whether there is such an account; the reset goes by
    /// e-mail to the account's address, and nowhere else. A node that sends no letters says so, to everybody.
    pub async fn request_reset(&self, caller: &Caller, login: &str) -> Result<(), Error> {
        let wanted = account::folded(login);
        let mut act = self.begin_open(&unrepeated(caller), Permission::AccountRead).await?;
        let (settings, _) = settings::read::<NoticeSettings>(act.sql()).await?;
        if !settings.writes_letters() {
            let zh = "本节点尚未配置邮件，请联系管理员重置口令";
            let en = "this node sends no e-mail; ask an administrator to reset the password";
            return Err(Refusal::new(Kind::Conflict, "mail-not-configured", zh, en).into());
        }
        guard::count(act.sql(), &format!("reset {}", guard::network(&caller.address)), caller.at, RESETS).await?;
        let mut found = account::find(act.sql(), By::Login(&wanted), caller.at).await?;
        if found.is_none() && wanted.contains('@') {
            found = account::find(act.sql(), By::Email(&wanted), caller.at).await?;
        }
        let found = found.filter(|found| resettable(found).is_ok() && found.account.email.is_some());
        let Some(found) = found else {
            act.record_denied("account.reset", "account", None, json!({"reason": "no such account"}));
            return act.commit(()).await;
        };
        let id = found.account.id.clone();
        let recent =
            sqlx::query("SELECT COUNT(*) FROM account_token WHERE account = $1 AND purpose = 'reset' AND created > $2");
        let recent = recent.bind(&id).bind(caller.at - RESET_PAUSE).fetch_one(act.sql()).await?;
        if recent.try_get::<i64, _>(0)? > 0 {
            act.record_denied("account.reset", &format!("account {id}"), None, json!({"reason": "asked before"}));
            return act.commit(()).await;
        }
        let hours = policy::read(act.sql()).await?.reset_hours;
        let (token, expires) = act.issue_token(TokenKind::Reset, &id, hours * HOUR).await?;
        let (object, after) = (format!("account {id}"), json!({"token": token.id, "expires": expires}));
        act.record("account.reset", &object, Some(&found.account.organisation), json!(null), after);
        act.send_token(NoticeKind::PasswordReset, &found.account, &token, expires).await?;
        act.commit(()).await
    }

    /// Changes the own password. Every other session of the account ends.
    pub async fn change_password(&self, caller: &Caller, change: &PasswordChange) -> Result<Account, Error> {
        let (id, session) = own_session(caller)?;
        let mut connection = self.database.reader().acquire().await?;
        let found = account::find(&mut connection, By::Id(id), caller.at).await?.ok_or_else(|| absent(id))?;
        drop(connection);
        guard::open(self, &found.account.id, caller).await?;
        let current = password::prepare(&change.current).unwrap_or_default();
        if secret::matching(&current, vec![found.password.clone()]).await?.is_none() {
            return Err(self.wrong_password(caller, &found).await?.into());
        }
        let hash = self.acceptable(&found, &change.new, "new").await?;
        let mut act = self.begin_open(&unrepeated(caller), Permission::AccountRead).await?;
        let before = act.account(id).await?;
        if before.password != found.password {
            return Err(Refusal::stale(before.account.version).into());
        }
        act.set_password(id, &hash, false).await?;
        let ended = act.end_sessions(id, session).await?;
        let tokens = sqlx::query("DELETE FROM account_token WHERE account = $1").bind(id);
        tokens.execute(act.sql()).await?;
        let note = format!("{ended} other sessions ended");
        let after = act.changed_account("account.password", &before.account, Some(&note)).await?;
        act.commit(after).await
    }

    /// Counts a wrong password of somebody who is signed in, as at the door.
    async fn wrong_password(&self, caller: &Caller, found: &Stored) -> Result<Refusal, Error> {
        let mut act = self.begin_open(&unrepeated(caller), Permission::AccountRead).await?;
        let policy = policy::read(act.sql()).await?;
        guard::fail(act.sql(), &found.account.id, caller.at, policy.failures, &policy).await?;
        let (object, why) = (format!("account {}", found.account.id), json!({"reason": "wrong password"}));
        act.record_denied("account.password", &object, Some(&found.account.organisation), why);
        act.commit(()).await?;
        let (zh, en) = ("当前口令不正确", "this is not the current password");
        Ok(Refusal::new(Kind::Denied, "password-wrong", zh, en))
    }

    /// The hash of a password that the policy accepts for this account, and that it did not have lately.
    pub(crate) async fn acceptable(&self, found: &Stored, password: &str, field: &str) -> Result<String, Error> {
        let policy = self.policy().await?;
        let prepared = password::prepare(password).map_err(|refusal| wrong(field, &[refusal]))?;
        let mut connection = self.database.reader().acquire().await?;
        let home = organisations::find(&mut connection, &found.account.organisation).await?;
        let select = "SELECT password FROM account_password WHERE account = $1 ORDER BY at DESC LIMIT 10";
        let rows = sqlx::query(select).bind(&found.account.id).fetch_all(&mut *connection).await?;
        drop(connection);
        let mut names = vec![found.account.login.as_str(), found.account.name.as_str()];
        names.extend(found.account.email.as_deref());
        names.extend(home.as_ref().map(|home| home.name.as_str()));
        let refusals = policy.passwords().examine(&prepared, &names);
        if !refusals.is_empty() {
            return Err(wrong(field, &refusals).into());
        }
        let mut former = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
        former.truncate(usize::try_from(policy.password_history).unwrap_or(0));
        if !former.is_empty() && secret::matching(&prepared, former).await?.is_some() {
            let zh = format!("不能使用最近 {} 次用过的口令", policy.password_history);
            let en = format!("this is one of the last {} passwords", policy.password_history);
            return Err(Refusal::fields(vec![FieldRefusal::new(field, "password-former", zh, en)]).into());
        }
        secret::hash(&prepared, self.random).await
    }

    /// Forgets sessions, tokens and counts of failures that time has ended. Says how many rows.
    pub async fn sweep_accounts(&self, now: Time) -> Result<u64, Error> {
        let mut write = self.database.begin_write().await?;
        let mut gone = 0;
        for (delete, before) in [
            ("DELETE FROM session WHERE expires < $1", now),
            ("DELETE FROM account_token WHERE expires < $1", now - TOKENS_KEPT),
            ("DELETE FROM sign_in_guard WHERE touched < $1", now - 2 * DAY),
        ] {
            gone += sqlx::query(delete).bind(before).execute(&mut *write.transaction).await?.rows_affected();
        }
        write.transaction.commit().await?;
        Ok(gone)
    }

    /// The organisation that runs the node.
    pub(crate) async fn operator_organisation(&self) -> Result<String, Error> {
        let select = "SELECT id FROM organisation WHERE kind = 'operator' ORDER BY created, id LIMIT 1";
        let row = sqlx::query(select).fetch_optional(self.database.reader()).await?;
        match row {
            Some(row) => Ok(row.try_get(0)?),
            None => Err(Refusal::absent("组织", "organisation", "operator").into()),
        }
    }
}

fn wrong(field: &str, refusals: &[hufu_ident::Refusal]) -> Refusal {
    Refusal::fields(refusals.iter().map(|refusal| FieldRefusal::of(field, refusal)).collect())
}

/// Only a person who could sign in but for the password.
fn resettable(found: &Stored) -> Result<(), Refusal> {
    if found.account.state == AccountState::Active && found.account.kind == AccountKind::Person {
        return Ok(());
    }
    let (zh, en) = ("仅可为在用的人员账号重置口令", "only the password of a person's active account can be reset");
    Err(Refusal::new(Kind::Conflict, "account-state", zh, en))
}

/// Account and session of a person who is signed in; what one does to oneself, a key does not.
pub(crate) fn own_session(caller: &Caller) -> Result<(&str, &str), Refusal> {
    match &caller.origin {
        Origin::Session { account, session } => Ok((account, session)),
        Origin::Anonymous => Err(Refusal::new(Kind::Unauthenticated, "not-signed-in", "请先登录", "sign in first")),
        _ => {
            let (zh, en) = ("此操作须由本人登录后进行", "this is done by a person who is signed in");
            Err(Refusal::new(Kind::Denied, "session-needed", zh, en))
        }
    }
}

/// The caller without an `Idempotency-Key`: what has a secret in it is not kept to be repeated.
pub(crate) fn unrepeated(caller: &Caller) -> Caller {
    Caller { idempotency: None, ..caller.clone() }
}
