//! Signing in: a password, and a second factor where there is one, become a session.
//!
//! The password is compared before the act begins, whether or not there is such a login; inside the act everything is
//! asked again, so that of many attempts at once no more count than would one after the other.

use super::account::{self, AccountState, By, Stored};
use super::credential::unrepeated;
use super::identify::pending;
use super::policy::{self, AccountPolicy, HOUR, MINUTE};
use super::session::Session;
use super::token::{Token, TokenKind};
use super::{guard, role, second_factor, secret};
use crate::Act;
use crate::caller::{Caller, Origin, Pending, Time};
use crate::error::{Error, Kind, Refusal};
use crate::notices::{Audience, NewNotice, NoticeKind, moment};
use crate::organisations::{self, OrganisationState};
use crate::password;
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Row;

/// Most sessions of an account; the oldest gives way.
pub const SESSIONS: i64 = 32;
/// Most characters of the program that asks, as it names itself.
const AGENT: usize = 200;
/// Networks remembered of an account; the one used longest ago gives way.
const ADDRESSES: i64 = 64;
/// Most octets of a password that are looked at.
const PASSWORD: usize = 1024;

/// What somebody shows to sign in.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignIn {
    #[schema(max_length = 64)]
    pub login: String,
    #[schema(max_length = 512)]
    pub password: String,
    /// Six digits of the authenticator, or a recovery code.
    #[serde(default)]
    #[schema(max_length = 32)]
    pub code: Option<String>,
}

/// A session has begun.
#[derive(Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// To send as `Authorization: Bearer …`. Shown once.
    pub token: String,
    pub session: Session,
    /// What must be done before anything else is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
}

fn failed() -> Refusal {
    let (zh, en) = ("登录名或口令不正确", "login or password is wrong");
    Refusal::new(Kind::Unauthenticated, "sign-in-failed", zh, en)
}

/// Whose failures are counted.
struct Counted {
    subject: String,
    /// Empty for the node's own machine, whose address is everybody's.
    address: String,
}

impl Counted {
    fn new(found: Option<&Stored>, login: &str, caller: &Caller) -> Self {
        let subject = found.map_or_else(|| guard::nobody(login), |found| found.account.id.clone());
        let address = match caller.address.as_str() {
            "" | "unix" => String::new(),
            address => format!("address {}", guard::network(address)),
        };
        Counted { subject, address }
    }

    fn subjects(&self) -> Vec<&str> {
        [self.subject.as_str(), self.address.as_str()].into_iter().filter(|subject| !subject.is_empty()).collect()
    }
}

impl Registry {
    /// Begins a session. `agent` is what the asking program calls itself.
    pub async fn sign_in(&self, caller: &Caller, request: &SignIn, agent: &str) -> Result<SignedIn, Error> {
        self.sign_in_for(caller, request, agent, None).await
    }

    /// The same; with `life`, the session lasts so long whether it is used or not.
    pub async fn sign_in_for(
        &self,
        caller: &Caller,
        request: &SignIn,
        agent: &str,
        life: Option<Time>,
    ) -> Result<SignedIn, Error> {
        let caller = unrepeated(caller);
        let login = account::folded(&request.login);
        let mut connection = self.database.reader().acquire().await?;
        let seen = account::find(&mut connection, By::Login(&login), caller.at).await?;
        let counted = Counted::new(seen.as_ref(), &login, &caller);
        guard::pass(&mut connection, &counted.subjects(), caller.at).await?;
        drop(connection);
        let password = match request.password.len() <= PASSWORD {
            true => password::prepare(&request.password).unwrap_or_default(),
            false => String::new(),
        };
        let kept = seen.as_ref().map(|seen| seen.password.clone()).unwrap_or_default();
        let right = secret::matching(&password, vec![kept]).await?.is_some();

        let mut act = self.begin_open(&caller, Permission::AccountRead).await?;
        let policy = policy::read(act.sql()).await?;
        guard::pass(act.sql(), &counted.subjects(), caller.at).await?;
        let found = account::find(act.sql(), By::Login(&login), caller.at).await?;
        let same = |found: &Stored| seen.as_ref().is_some_and(|seen| seen.password == found.password);
        let Some(found) = found.filter(|found| right && same(found)) else {
            return Err(act.fail_sign_in(&counted, seen.as_ref(), "wrong password", &policy, failed()).await);
        };
        if let Some(refusal) = act.second_factor(&found, request.code.as_deref()).await? {
            if refusal.code == "totp-required" {
                return Err(refusal.into());
            }
            return Err(act.fail_sign_in(&counted, Some(&found), "wrong code", &policy, refusal).await);
        }
        if let Some(refusal) = act.barred(&found).await? {
            let why = json!({"reason": refusal.code});
            let object = format!("account {}", found.account.id);
            act.record_denied("session.create", &object, Some(&found.account.organisation), why);
            act.commit(()).await?;
            return Err(refusal.into());
        }
        act.begin_session(&found, &policy, agent, life).await
    }
}

impl Act {
    /// Remembers from which network the account signs in, and tells it of one that is new. The first is not news, and
    /// the node's own machine is none.
    async fn note_address(&mut self, found: &Stored) -> Result<(), Error> {
        let network = guard::network(&self.caller.address);
        if network.is_empty() || network == "unix" {
            return Ok(());
        }
        let (id, now) = (found.account.id.clone(), self.now());
        let select = "SELECT COUNT(*), COALESCE(SUM(CASE WHEN network = $1 THEN 1 ELSE 0 END), 0) \
                      FROM account_address WHERE account = $2";
        let row = sqlx::query(select).bind(&network).bind(&id).fetch_one(self.sql()).await?;
        let (all, same): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let upsert = "INSERT INTO account_address (account, network, used) VALUES ($1, $2, $3) \
                      ON CONFLICT (account, network) DO UPDATE SET used = excluded.used";
        sqlx::query(upsert).bind(&id).bind(&network).bind(now).execute(self.sql()).await?;
        let crowd = "DELETE FROM account_address WHERE account = $1 AND network NOT IN \
                     (SELECT network FROM account_address WHERE account = $2 ORDER BY used DESC, network LIMIT $3)";
        sqlx::query(crowd).bind(&id).bind(&id).bind(ADDRESSES).execute(self.sql()).await?;
        if all == 0 || same > 0 {
            return Ok(());
        }
        let facts =
            vec![("name", found.account.login.clone()), ("due", moment(now)), ("address", self.caller.address.clone())];
        self.tell_account(NoticeKind::SignInElsewhere, &id, facts).await
    }

    /// Tells an account something about itself.
    pub(crate) async fn tell_account(
        &mut self,
        kind: NoticeKind,
        id: &str,
        facts: Vec<(&'static str, String)>,
    ) -> Result<(), Error> {
        let (audience, object) = (Audience::Account(id.to_owned()), format!("account {id}"));
        self.notify(&NewNotice { kind, audience, object, facts, mail: None }).await
    }

    /// Counts and writes down a failure; the error is what to answer.
    async fn fail_sign_in(
        mut self,
        counted: &Counted,
        found: Option<&Stored>,
        reason: &str,
        policy: &AccountPolicy,
        refusal: Refusal,
    ) -> Error {
        match self.count_failure(counted, found, reason, policy).await {
            Ok(()) => match self.commit(()).await {
                Ok(()) => refusal.into(),
                Err(error) => error,
            },
            Err(error) => error,
        }
    }

    async fn count_failure(
        &mut self,
        counted: &Counted,
        found: Option<&Stored>,
        reason: &str,
        policy: &AccountPolicy,
    ) -> Result<(), Error> {
        let object = found.map_or_else(|| "account".to_owned(), |found| format!("account {}", found.account.id));
        let organisation = found.map(|found| found.account.organisation.clone());
        self.record_denied("session.create", &object, organisation.as_deref(), json!({"reason": reason}));
        let now = self.now();
        for (subject, most) in [(&counted.subject, policy.failures), (&counted.address, policy.address_failures)] {
            if subject.is_empty() {
                continue;
            }
            if let Some(until) = guard::fail(self.sql(), subject, now, most, policy).await? {
                let locked = if *subject == counted.address { subject.clone() } else { object.clone() };
                let after = json!({"reason": "failures", "until": until});
                self.record("account.lock", &locked, organisation.as_deref(), json!(null), after);
                if let Some(found) = found.filter(|_| *subject == counted.subject) {
                    let until = moment(until);
                    let reason =
                        format!("登录失败次数过多，锁定至 {until}。Too many failures to sign in, until {until}.");
                    let facts = vec![("name", found.account.login.clone()), ("reason", reason)];
                    self.tell_account(NoticeKind::AccountLocked, &found.account.id, facts).await?;
                }
            }
        }
        Ok(())
    }

    /// The refusal of an account that may not sign in though it has proven itself.
    async fn barred(&mut self, found: &Stored) -> Result<Option<Refusal>, Error> {
        if let Some(refusal) = state_refusal(found.account.state) {
            return Ok(Some(refusal));
        }
        let home = organisations::find(self.sql(), &found.account.organisation).await?;
        Ok(home.is_none_or(|home| home.state == OrganisationState::Suspended).then(suspended))
    }

    /// What is wrong with the code, for an account that needs one.
    async fn second_factor(&mut self, found: &Stored, code: Option<&str>) -> Result<Option<Refusal>, Error> {
        if !found.account.totp {
            return Ok(None);
        }
        let Some(code) = code.map(str::trim).filter(|code| !code.is_empty()) else {
            let (zh, en) = ("请输入动态口令", "a code of the authenticator is needed");
            return Ok(Some(Refusal::new(Kind::Unauthenticated, "totp-required", zh, en)));
        };
        second_factor::spend(self, found, code).await
    }

    async fn begin_session(
        mut self,
        found: &Stored,
        policy: &AccountPolicy,
        agent: &str,
        life: Option<Time>,
    ) -> Result<SignedIn, Error> {
        let (id, now) = (found.account.id.clone(), self.now());
        let token = Token::fresh(TokenKind::Session, self.registry().random);
        let agent: String = agent.chars().filter(|c| !c.is_control()).take(AGENT).collect();
        let session = Session {
            id: token.id.clone(),
            account: id.clone(),
            address: self.caller.address.clone(),
            agent,
            created: now,
            used: now,
            expires: now + life.unwrap_or(policy.session_hours * HOUR),
            current: true,
        };
        let crowd = "DELETE FROM session WHERE account = $1 AND id NOT IN \
                     (SELECT id FROM session WHERE account = $2 ORDER BY created DESC, id LIMIT $3)";
        sqlx::query(crowd).bind(&id).bind(&id).bind(SESSIONS - 1).execute(self.sql()).await?;
        let insert = "INSERT INTO session (id, account, secret, address, agent, created, used, idle, expires) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        sqlx::query(insert)
            .bind(&session.id)
            .bind(&session.account)
            .bind(token.digest())
            .bind(&session.address)
            .bind(&session.agent)
            .bind(session.created)
            .bind(session.used)
            .bind(life.unwrap_or(policy.idle_minutes * MINUTE))
            .bind(session.expires)
            .execute(self.sql())
            .await?;
        let update = sqlx::query("UPDATE account SET last_sign_in = $1 WHERE id = $2").bind(now).bind(&id);
        update.execute(self.sql()).await?;
        guard::clear(self.sql(), &id).await?;
        let grants = role::grants(self.sql(), &id).await?;
        let pending =
            pending(found.account.must_change, found.password_at, grants.totp, found.account.totp, policy, now);
        self.caller.name = found.account.login.clone();
        self.caller.origin = Origin::Session { account: id.clone(), session: session.id.clone() };
        let (object, after) = (format!("session {}", session.id), json!({"account": id, "address": session.address}));
        self.record("session.create", &object, Some(&found.account.organisation), json!(null), after);
        self.note_address(found).await?;
        self.commit(()).await?;
        Ok(SignedIn { token: token.text(), session, pending })
    }
}

/// Why an account in this state cannot act.
pub(crate) fn state_refusal(state: AccountState) -> Option<Refusal> {
    match state {
        AccountState::Active => None,
        AccountState::Locked => {
            let (zh, en) = ("账号已锁定，请联系管理员", "this account is locked; ask its administrator");
            Some(Refusal::new(Kind::Denied, "account-locked", zh, en))
        }
        AccountState::Disabled | AccountState::Invited => {
            let (zh, en) = ("账号已停用，请联系管理员", "this account is not in use; ask its administrator");
            Some(Refusal::new(Kind::Denied, "account-disabled", zh, en))
        }
    }
}

pub(crate) fn suspended() -> Refusal {
    let (zh, en) = ("所属组织已停用，请联系运营机构", "the organisation is suspended; ask the node's operator");
    Refusal::new(Kind::Denied, "organisation-suspended", zh, en)
}
