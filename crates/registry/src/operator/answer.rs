//! First answers: what a command was told the first time it is told every time, a refusal too.

use super::code::{ResultCode, code_of_refusal};
use crate::audit::{self, NewEntry, Outcome};
use crate::caller::{Caller, Idempotency};
use crate::error::{Error, Kind, Refusal};
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sqlx::Row as _;

/// The member by which a kept refusal is known among kept answers.
const MARK: &str = "operatorRefusal";

/// A command that was refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandRefusal {
    /// 2xxx.
    pub code: ResultCode,
    /// Stable, for machines: `prefix-taken`.
    pub refusal: String,
    pub zh: String,
    pub en: String,
    #[serde(default)]
    pub server_transaction: String,
}

impl CommandRefusal {
    pub fn of(refusal: &Refusal, server_transaction: &str) -> Self {
        CommandRefusal {
            code: code_of_refusal(refusal),
            refusal: refusal.code.to_owned(),
            zh: refusal.zh.clone(),
            en: refusal.en.clone(),
            server_transaction: server_transaction.to_owned(),
        }
    }
}

/// A kept answer: the state of the thing, or the refusal.
pub(super) fn read_kept(kept: Json) -> Result<Result<Json, CommandRefusal>, Error> {
    match kept.get(MARK) {
        Some(refusal) => Ok(Err(serde_json::from_value(refusal.clone())?)),
        None => Ok(Ok(kept)),
    }
}

/// Whether a refusal is an answer. One that says "not now" is not, nor that the id was used for something else.
pub(super) fn is_answer(refusal: &Refusal) -> bool {
    refusal.kind != Kind::Unavailable && refusal.code != "idempotency-key-reused"
}

impl Registry {
    /// The answer that is kept for a transaction, if there is one.
    pub(super) async fn kept_answer(&self, client: &str, idempotency: &Idempotency) -> Result<Option<Json>, Error> {
        let select = "SELECT digest, answer FROM answered WHERE account = $1 AND idempotency_key = $2";
        let row = sqlx::query(select).bind(client.to_owned()).bind(idempotency.key.clone());
        let Some(row) = row.fetch_optional(self.database.reader()).await? else { return Ok(None) };
        if row.try_get::<String, _>(0)? != idempotency.digest {
            // Whoever begins an act with it is refused; that is where the refusal is written.
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&row.try_get::<String, _>(1)?)?))
    }

    /// Keeps a refusal as the answer to a transaction and writes it down. Where an answer came first, that one holds.
    pub(super) async fn keep_refusal(
        &self,
        caller: &Caller,
        object: &str,
        command: &str,
        refusal: CommandRefusal,
    ) -> Result<Result<Json, CommandRefusal>, Error> {
        let (Some(client), Some(idempotency)) = (caller.account(), &caller.idempotency) else {
            return Ok(Err(refusal));
        };
        let mut write = self.database.begin_write().await?;
        // Acts hold the same lock, so either the act finds the refusal, or this finds the act's answer.
        let mut head = audit::lock_head(&mut write.transaction).await?;
        let insert = "INSERT INTO answered (account, idempotency_key, digest, answer, at) \
                      VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account, idempotency_key) DO NOTHING";
        let kept = sqlx::query(insert)
            .bind(client.to_owned())
            .bind(&idempotency.key)
            .bind(&idempotency.digest)
            .bind(json!({MARK: refusal}).to_string())
            .bind(caller.at)
            .execute(&mut *write.transaction)
            .await?
            .rows_affected();
        if kept == 0 {
            write.give_up().await?;
            let first = self.kept_answer(client, idempotency).await?;
            return first.map_or(Ok(Err(refusal)), read_kept);
        }
        let entry = NewEntry {
            action: format!("operator.{command}"),
            object: object.to_owned(),
            outcome: Outcome::Denied,
            before: json!(null),
            after: json!({"code": refusal.code, "refusal": refusal.refusal}),
            organisation: caller.organisation().map(str::to_owned),
        };
        audit::append(&mut write.transaction, &mut head, caller, &entry, self.digest).await?;
        audit::store_head(&mut write.transaction, &head).await?;
        write.transaction.commit().await?;
        Ok(Err(refusal))
    }
}
