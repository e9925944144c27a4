//! Who a bearer is: a session or an API key becomes a caller, on every request and so at the cost of two reads.

use super::account::AccountState;
use super::key;
use super::policy::{AccountPolicy, MINUTE};
use super::session::USED;
use super::sign_in::{state_refusal, suspended};
use super::token::{Token, TokenKind, same};
use super::{policy, role};
use crate::caller::{Caller, DAY, Origin, Pending, Scope, Time};
use crate::error::{Error, Kind, Refusal};
use crate::permission::{Permission, PermissionSet};
use crate::registry::Registry;
use sqlx::Row;
use sqlx::any::AnyRow;
use std::net::IpAddr;

/// Who is behind a bearer, before it is asked whether they may act.
struct Bearer {
    account: String,
    login: String,
    state: AccountState,
    organisation: String,
    suspended: bool,
}

impl Bearer {
    /// From five columns that begin at `at`.
    fn read(row: &AnyRow, at: usize) -> Result<Self, Error> {
        let state: String = row.try_get(at + 2)?;
        Ok(Bearer {
            account: row.try_get(at)?,
            login: row.try_get(at + 1)?,
            state: AccountState::of(&state),
            organisation: row.try_get(at + 3)?,
            suspended: row.try_get::<String, _>(at + 4)? != "active",
        })
    }
}

pub(crate) fn unknown() -> Refusal {
    let (zh, en) = ("凭据无效，请重新登录", "these credentials are unknown; sign in again");
    Refusal::new(Kind::Unauthenticated, "credentials-unknown", zh, en)
}

pub(crate) fn session_expired() -> Refusal {
    let (zh, en) = ("会话已结束，请重新登录", "the session has ended; sign in again");
    Refusal::new(Kind::Unauthenticated, "session-expired", zh, en)
}

/// What must be done first by somebody who signs in.
pub(crate) fn pending(
    must_change: bool,
    password_at: Time,
    totp_needed: bool,
    totp: bool,
    policy: &AccountPolicy,
    now: Time,
) -> Option<Pending> {
    let old = policy.password_days > 0 && now - password_at > policy.password_days * DAY;
    if must_change || old {
        return Some(Pending::Password);
    }
    (totp_needed && !totp).then_some(Pending::Totp)
}

impl Registry {
    /// Who shows this token of a session or this API key. `request` is the id of the request, for the audit.
    pub async fn identify(&self, bearer: &str, address: IpAddr, request: &str, now: Time) -> Result<Caller, Error> {
        let caller = Caller::anonymous(address.to_canonical().to_string(), request, now);
        match Token::parse(bearer) {
            Some(token) if token.kind == TokenKind::Session => self.identify_session(caller, &token).await,
            Some(token) if token.kind == TokenKind::Key => {
                self.identify_key(caller, &token.id, &token.digest(), address).await
            }
            Some(token) if token.kind == TokenKind::Day => self.identify_day(caller, &token, address).await,
            _ => Err(unknown().into()),
        }
    }

    async fn identify_session(&self, mut caller: Caller, token: &Token) -> Result<Caller, Error> {
        let select = "SELECT session.secret, session.used, session.idle, session.expires, account.must_change, \
                      account.password_at, account.totp_confirmed, account.id, account.login, account.state, \
                      account.organisation, organisation.state, \
                      COALESCE((SELECT document FROM setting WHERE name = 'accounts'), '') \
                      FROM session JOIN account ON account.id = session.account \
                      JOIN organisation ON organisation.id = account.organisation WHERE session.id = $1";
        let mut connection = self.database.reader().acquire().await?;
        let row = sqlx::query(select).bind(&token.id).fetch_optional(&mut *connection).await?;
        let row = row.ok_or_else(session_expired)?;
        if !token.proves(&row.try_get::<String, _>(0)?) {
            return Err(unknown().into());
        }
        let (used, idle, expires): (i64, i64, i64) = (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        let bearer = Bearer::read(&row, 7)?;
        caller.name = bearer.login.clone();
        caller.origin = Origin::Session { account: bearer.account.clone(), session: token.id.clone() };
        // A use is up to a minute older than it is written.
        if caller.at >= expires || caller.at - used > idle + MINUTE {
            return Err(session_expired().into());
        }
        let grants = role::grants(&mut connection, &bearer.account).await?;
        let policy = policy::parse(&row.try_get::<String, _>(12)?)?;
        drop(connection);
        self.standing(&caller, &bearer, "session").await?;
        let (must_change, totp): (i64, i64) = (row.try_get(4)?, row.try_get(6)?);
        caller.pending = pending(must_change != 0, row.try_get(5)?, grants.totp, totp != 0, &policy, caller.at);
        caller.permissions = if caller.pending.is_some() { PermissionSet::NONE } else { grants.permissions };
        caller.scope = scope(&grants, bearer);
        if caller.at - used >= USED {
            self.touch("UPDATE session SET used = $1 WHERE id = $2 AND used < $3", &token.id, caller.at).await;
        }
        Ok(caller)
    }

    /// Who has the key whose secret has this digest.
    pub(crate) async fn identify_key(
        &self,
        mut caller: Caller,
        id: &str,
        digest: &str,
        address: IpAddr,
    ) -> Result<Caller, Error> {
        let select = "SELECT api_key.secret, api_key.former, api_key.former_until, api_key.permissions, \
                      api_key.addresses, api_key.expires, api_key.revoked, api_key.used, account.id, account.login, \
                      account.state, account.organisation, organisation.state \
                      FROM api_key JOIN account ON account.id = api_key.account \
                      JOIN organisation ON organisation.id = account.organisation WHERE api_key.id = $1";
        let mut connection = self.database.reader().acquire().await?;
        let row = sqlx::query(select).bind(id).fetch_optional(&mut *connection).await?;
        let row = row.ok_or_else(unknown)?;
        let former = same(digest, &row.try_get::<String, _>(1)?) && caller.at < row.try_get::<i64, _>(2)?;
        if !same(digest, &row.try_get::<String, _>(0)?) && !former {
            return Err(unknown().into());
        }
        let bearer = Bearer::read(&row, 8)?;
        caller.name = bearer.login.clone();
        caller.origin = Origin::Key { account: bearer.account.clone(), key: id.to_owned() };
        let grants = role::grants(&mut connection, &bearer.account).await?;
        drop(connection);
        let (expires, revoked): (i64, i64) = (row.try_get(5)?, row.try_get(6)?);
        let addresses: Vec<String> = serde_json::from_str(&row.try_get::<String, _>(4)?)?;
        if let Some(refusal) = key::refusal(revoked, expires, &addresses, address, caller.at) {
            return Err(self.turn_away(&caller, &bearer, "key", refusal).await);
        }
        self.standing(&caller, &bearer, "key").await?;
        let scoped = role::permissions(&row.try_get::<String, _>(3)?)?;
        caller.permissions = grants.permissions.intersection(scoped);
        caller.scope = scope(&grants, bearer);
        if caller.at - row.try_get::<i64, _>(7)? >= USED {
            self.touch("UPDATE api_key SET used = $1 WHERE id = $2 AND used < $3", id, caller.at).await;
        }
        Ok(caller)
    }

    /// Refuses, and writes down, if the account or its organisation cannot act.
    async fn standing(&self, caller: &Caller, bearer: &Bearer, what: &str) -> Result<(), Error> {
        let refusal = state_refusal(bearer.state).or_else(|| bearer.suspended.then(suspended));
        match refusal {
            Some(refusal) => Err(self.turn_away(caller, bearer, what, refusal).await),
            None => Ok(()),
        }
    }

    /// Only who holds the right secret comes so far: a stranger cannot fill the audit.
    async fn turn_away(&self, caller: &Caller, bearer: &Bearer, what: &str, refusal: Refusal) -> Error {
        let id = match &caller.origin {
            Origin::Session { session, .. } => session,
            Origin::Key { key, .. } => key,
            _ => return refusal.into(),
        };
        let written = async {
            let mut act = self.begin_open(caller, Permission::AccountRead).await?;
            let why = serde_json::json!({"reason": refusal.code});
            act.record_denied("bearer.identify", &format!("{what} {id}"), Some(&bearer.organisation), why);
            act.commit(()).await
        };
        match written.await {
            Ok(()) => refusal.into(),
            Err(error) => error,
        }
    }

    /// Writes down that something was used. A request does not fail because this could not be written.
    async fn touch(&self, update: &'static str, id: &str, now: Time) {
        let written = async {
            let mut write = self.database.begin_write().await?;
            let update = sqlx::query(update).bind(now).bind(id).bind(now);
            update.execute(&mut *write.transaction).await?;
            write.transaction.commit().await?;
            Ok::<(), Error>(())
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, "the last use could not be written");
        }
    }
}

fn scope(grants: &role::Grants, bearer: Bearer) -> Scope {
    if grants.everywhere { Scope::Everywhere } else { Scope::Organisation(bearer.organisation) }
}
