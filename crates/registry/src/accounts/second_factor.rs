//! The second factor: one-time passwords of an authenticator, and recovery codes for when it is lost.
//!
//! ```text
//! none ──enrol──► enrolled ──a right code──► confirmed ──remove, with a code, or by an administrator──► none
//! ```

use super::account::{self, Stored, managing};
use super::credential::{own_session, unrepeated};
use super::{Account, guard, policy, role, token};
use crate::Act;
use crate::caller::Caller;
use crate::error::{Error, Kind, Refusal};
use crate::id;
use crate::permission::Permission;
use crate::registry::Registry;
use crate::totp::TotpSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Octets of a secret: RFC 4226 §4.
const SECRET: usize = 20;
/// How many recovery codes there are, and characters of one.
const CODES: usize = 10;
const CODE: usize = 16;
/// How authenticators name the service.
const ISSUER: &str = "Hufu";

/// What the authenticator shall be given. Shown once.
#[derive(Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Enrolment {
    /// To type.
    pub secret: String,
    /// To show as a QR code.
    pub uri: String,
}

/// Codes to write down: each lets in once without the authenticator. Shown once.
#[derive(Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryCodes {
    pub recovery_codes: Vec<String>,
}

/// A code of the authenticator, or a recovery code.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Code {
    #[schema(max_length = 32)]
    pub code: String,
}

/// The six digits of an authenticator, or nothing of the kind.
fn is_digits(code: &str) -> bool {
    code.bytes().all(|octet| octet.is_ascii_digit() || octet == b' ')
}

fn bare(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric()).take(CODE + 1).collect::<String>().to_lowercase()
}

/// Uses up a code; says what is wrong with it.
pub(crate) async fn spend(act: &mut Act, found: &Stored, code: &str) -> Result<Option<Refusal>, Error> {
    let id = &found.account.id;
    if !is_digits(code) {
        let delete = sqlx::query("DELETE FROM recovery_code WHERE account = $1 AND digest = $2");
        let gone = delete.bind(id).bind(token::digest(&bare(code))).execute(act.sql()).await?.rows_affected();
        if gone == 0 {
            let (zh, en) = ("恢复码不正确或已使用", "this recovery code is wrong or was used");
            return Ok(Some(Refusal::new(Kind::Unauthenticated, "totp-wrong", zh, en)));
        }
        let object = format!("account {id}");
        let after = json!({"recoveryCode": "used"});
        act.record("account.totp", &object, Some(&found.account.organisation), json!(null), after);
        return Ok(None);
    }
    let octets = act.registry().sealed()?.open(id, &found.totp_secret);
    let secret = octets.and_then(|octets| TotpSecret::new(&octets).ok());
    let secret = secret.ok_or_else(|| Error::Fault("a sealed secret cannot be read; was the key changed?".into()))?;
    let seconds = u64::try_from(act.now() / 1000).unwrap_or(0);
    let last = u64::try_from(found.totp_step).ok().filter(|step| *step > 0);
    match secret.verify(code, seconds, last) {
        Ok(step) => {
            let step = i64::try_from(step).unwrap_or(i64::MAX);
            let update = sqlx::query("UPDATE account SET totp_step = $1 WHERE id = $2").bind(step).bind(id);
            update.execute(act.sql()).await?;
            Ok(None)
        }
        Err(refusal) => Ok(Some(Refusal::new(Kind::Unauthenticated, refusal.code, refusal.zh, refusal.en))),
    }
}

impl Registry {
    /// Begins to enrol an authenticator of the own account. One that waits to be confirmed is replaced.
    pub async fn enrol_totp(&self, caller: &Caller) -> Result<Enrolment, Error> {
        let (id, _) = own_session(caller)?;
        let mut act = self.begin_open(&unrepeated(caller), Permission::AccountRead).await?;
        let before = act.account(id).await?.account;
        if before.totp {
            let (zh, en) = ("已启用双因素，如需更换请先解除", "there is a second factor; remove it first");
            return Err(Refusal::new(Kind::Conflict, "totp-there", zh, en).into());
        }
        let mut octets = [0; SECRET];
        (self.random)(&mut octets);
        let secret = TotpSecret::new(&octets).map_err(|refusal| Error::Fault(refusal.en.to_string()))?;
        let sealed = self.sealed()?.close(id, &octets, self.random)?;
        let update = sqlx::query("UPDATE account SET totp = $1, totp_step = 0 WHERE id = $2");
        update.bind(sealed).bind(id).execute(act.sql()).await?;
        act.changed_account("account.totp", &before, Some("enrolled")).await?;
        act.commit(()).await?;
        Ok(Enrolment { secret: secret.to_base32(), uri: secret.uri(ISSUER, &before.login) })
    }

    /// Confirms the authenticator by a code of it. Every other session of the account ends.
    pub async fn confirm_totp(&self, caller: &Caller, code: &Code) -> Result<RecoveryCodes, Error> {
        let (id, session) = own_session(caller)?;
        guard::open(self, id, caller).await?;
        let mut act = self.begin_open(&unrepeated(caller), Permission::AccountRead).await?;
        let found = act.account(id).await?;
        if found.account.totp || found.totp_secret.is_empty() {
            let (zh, en) = ("请先开始启用双因素", "begin to enrol a second factor first");
            return Err(Refusal::new(Kind::Conflict, "totp-not-enrolled", zh, en).into());
        }
        if !is_digits(&code.code) || spend(&mut act, &found, &code.code).await?.is_some() {
            return Err(act.wrong_code(&found).await);
        }
        let update = sqlx::query("UPDATE account SET totp_confirmed = 1 WHERE id = $1").bind(id);
        update.execute(act.sql()).await?;
        act.end_sessions(id, session).await?;
        let recovery_codes = act.fresh_codes(id).await?;
        act.changed_account("account.totp", &found.account, Some("confirmed")).await?;
        act.commit(()).await?;
        Ok(RecoveryCodes { recovery_codes })
    }

    /// Replaces the recovery codes of the own account.
    pub async fn renew_recovery_codes(&self, caller: &Caller, code: &Code) -> Result<RecoveryCodes, Error> {
        let (act, found) = self.proven(caller, code).await?;
        let mut act = act;
        let recovery_codes = act.fresh_codes(&found.account.id).await?;
        act.changed_account("account.totp", &found.account, Some("new recovery codes")).await?;
        act.commit(()).await?;
        Ok(RecoveryCodes { recovery_codes })
    }

    /// Removes the second factor of the own account.
    pub async fn remove_totp(&self, caller: &Caller, code: &Code) -> Result<Account, Error> {
        let (mut act, found) = self.proven(caller, code).await?;
        if role::grants(act.sql(), &found.account.id).await?.totp {
            let (zh, en) = ("您的角色要求双因素，不能解除", "one of your roles needs the second factor");
            return Err(Refusal::new(Kind::Conflict, "totp-needed", zh, en).into());
        }
        act.forget_totp(&found.account.id).await?;
        let after = act.changed_account("account.totp", &found.account, Some("removed")).await?;
        act.commit(after).await
    }

    /// Removes the second factor of somebody who has lost it.
    pub async fn reset_totp(&self, caller: &Caller, id: &str) -> Result<Account, Error> {
        let permission = managing(caller, Permission::LockWrite);
        let act = self.begin(caller, permission, &format!("account {id}")).await?;
        let (mut act, found) = act.reached_account(id, None).await?;
        if act.caller.account() == Some(id) {
            return Err(account::own_account().into());
        }
        act.may_hand_over(id).await?;
        act.forget_totp(id).await?;
        act.end_sessions(id, "").await?;
        let after = act.changed_account("account.totp", &found.account, Some("removed by an administrator")).await?;
        act.commit(after).await
    }

    /// An act of somebody who is signed in and has shown a code.
    async fn proven(&self, caller: &Caller, code: &Code) -> Result<(Act, Stored), Error> {
        let (id, _) = own_session(caller)?;
        guard::open(self, id, caller).await?;
        let mut act = self.begin_open(&unrepeated(caller), Permission::AccountRead).await?;
        let found = act.account(id).await?;
        if !found.account.totp {
            let (zh, en) = ("未启用双因素", "there is no second factor");
            return Err(Refusal::new(Kind::Conflict, "totp-not-enrolled", zh, en).into());
        }
        if spend(&mut act, &found, &code.code).await?.is_some() {
            return Err(act.wrong_code(&found).await);
        }
        Ok((act, found))
    }
}

impl Act {
    /// Counts and writes down a wrong code of somebody who is signed in.
    async fn wrong_code(mut self, found: &Stored) -> Error {
        let counted = async {
            let (now, policy) = (self.now(), policy::read(self.sql()).await?);
            guard::fail(self.sql(), &found.account.id, now, policy.failures, &policy).await?;
            let object = format!("account {}", found.account.id);
            let why = json!({"reason": "wrong code"});
            self.record_denied("account.totp", &object, Some(&found.account.organisation), why);
            self.commit(()).await
        };
        match counted.await {
            Ok(()) => {
                let (zh, en) = ("动态口令不正确或已使用", "the code is wrong or was used");
                Refusal::new(Kind::Denied, "totp-wrong", zh, en).into()
            }
            Err(error) => error,
        }
    }

    async fn fresh_codes(&mut self, account: &str) -> Result<Vec<String>, Error> {
        sqlx::query("DELETE FROM recovery_code WHERE account = $1").bind(account).execute(self.sql()).await?;
        let mut shown = Vec::new();
        for _ in 0..CODES {
            let code = id::text(self.registry().random, CODE);
            let insert = sqlx::query("INSERT INTO recovery_code (account, digest) VALUES ($1, $2)");
            insert.bind(account).bind(token::digest(&code)).execute(self.sql()).await?;
            let groups: Vec<&str> = (0..CODE / 4).map(|at| &code[4 * at..4 * at + 4]).collect();
            shown.push(groups.join("-"));
        }
        Ok(shown)
    }

    async fn forget_totp(&mut self, account: &str) -> Result<(), Error> {
        sqlx::query("DELETE FROM recovery_code WHERE account = $1").bind(account).execute(self.sql()).await?;
        let update = "UPDATE account SET totp = '', totp_confirmed = 0, totp_step = 0 WHERE id = $1";
        sqlx::query(update).bind(account).execute(self.sql()).await?;
        Ok(())
    }
}
