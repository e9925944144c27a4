//! Tokens of a day: what clients of the SNMS dialect get for an access key and its secret key.
//!
//! The access key is the id of an API key, the secret key its secret. A token is worth what the key is worth at the
//! moment of each request: revoked, expired or from a wrong address, the key takes its tokens with it; rotated, when
//! the former secret ends. What is kept of a secret is its SHA-256, which is just what the dialect's dated form
//! `sha256(sha256hex(secret) + "yyyy-MM-dd")` is made of, so that form needs nothing else.

use super::credential::unrepeated;
use super::identify::{session_expired, unknown};
use super::token::{Token, TokenKind, digest, same};
use crate::caller::{Caller, DAY};
use crate::error::Error;
use crate::permission::Permission;
use crate::registry::Registry;
use serde_json::json;
use sqlx::Row;
use std::net::IpAddr;

/// How a secret key is shown.
#[derive(Clone, Copy)]
pub enum Shown<'a> {
    /// As it is.
    Plain(&'a str),
    /// Digested with one of these dates.
    Dated { digest: &'a str, dates: &'a [String] },
}

impl Shown<'_> {
    /// Whether it is the secret of which this digest is kept.
    fn proves(self, kept: &str) -> bool {
        match self {
            Shown::Plain(text) => {
                let whole = Token::parse(text).filter(|token| token.kind == TokenKind::Key);
                same(&whole.map_or_else(|| digest(text), |token| token.digest()), kept)
            }
            Shown::Dated { digest: shown, dates } => {
                dates.iter().any(|date| same(&digest(&format!("{kept}{date}")), shown))
            }
        }
    }
}

impl Registry {
    /// A token of a day for an API key. `access` is the id of the key.
    pub async fn exchange_key(
        &self,
        caller: &Caller,
        access: &str,
        shown: Shown<'_>,
        address: IpAddr,
    ) -> Result<String, Error> {
        let caller = unrepeated(caller);
        let select = sqlx::query("SELECT secret, former FROM api_key WHERE id = $1").bind(access);
        let row = select.fetch_optional(self.database.reader()).await?.ok_or_else(unknown)?;
        let kept: [String; 2] = [row.try_get(0)?, row.try_get(1)?];
        let basis = kept.into_iter().find(|kept| !kept.is_empty() && shown.proves(kept)).ok_or_else(unknown)?;
        // Whether the key may be used now, and from here.
        let known = self.identify_key(caller, access, &basis, address).await?;
        let mut act = self.begin_open(&known, Permission::KeyRead).await?;
        let (token, now) = (Token::fresh(TokenKind::Day, self.random), act.now());
        sqlx::query("DELETE FROM day_token WHERE expires <= $1").bind(now).execute(act.sql()).await?;
        let insert = "INSERT INTO day_token (id, secret, key, basis, created, expires) VALUES ($1, $2, $3, $4, $5, $6)";
        sqlx::query(insert)
            .bind(&token.id)
            .bind(token.digest())
            .bind(access)
            .bind(&basis)
            .bind(now)
            .bind(now + DAY)
            .execute(act.sql())
            .await?;
        let organisation = known.organisation().map(str::to_owned);
        let after = json!({"key": access, "expires": now + DAY});
        act.record("key.exchange", &format!("key {access}"), organisation.as_deref(), json!(null), after);
        act.commit(()).await?;
        Ok(token.text())
    }

    pub(crate) async fn identify_day(&self, caller: Caller, token: &Token, address: IpAddr) -> Result<Caller, Error> {
        let select = sqlx::query("SELECT secret, key, basis, expires FROM day_token WHERE id = $1").bind(&token.id);
        let row = select.fetch_optional(self.database.reader()).await?.ok_or_else(session_expired)?;
        if !token.proves(&row.try_get::<String, _>(0)?) {
            return Err(unknown().into());
        }
        if caller.at >= row.try_get::<i64, _>(3)? {
            return Err(session_expired().into());
        }
        let (key, basis): (String, String) = (row.try_get(1)?, row.try_get(2)?);
        self.identify_key(caller, &key, &basis, address).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dialect's own example: password `123456` on 2019-08-15.
    #[test]
    fn the_dated_form_is_that_of_the_dialect() {
        let shown = "58e2c92c46485fdbc35fdcd0814d6c0f000cad5aa156848ca5edaf29406b7661";
        let (kept, dates) = (digest("123456"), ["2019-08-14".to_owned(), "2019-08-15".to_owned()]);
        assert!(Shown::Dated { digest: shown, dates: &dates }.proves(&kept));
        assert!(!Shown::Dated { digest: shown, dates: &dates[..1] }.proves(&kept));
        assert!(!Shown::Dated { digest: shown, dates: &dates }.proves(&digest("12345")));
        assert!(Shown::Plain("123456").proves(&kept) && !Shown::Plain("12345").proves(&kept));
    }
}
