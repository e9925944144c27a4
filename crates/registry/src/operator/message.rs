//! The poll queue: what a client shall learn, first in, first out. Reading removes nothing; an acknowledgement removes
//! the one that it names.

use super::client::OperatorClient;
use crate::Act;
use crate::caller::{Caller, Time};
use crate::error::Error;
use crate::permission::Permission;
use crate::prefixes::Prefix;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sqlx::{AnyConnection, Row as _};
use std::collections::BTreeSet;

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MessageKind {
    /// A request that was answered with 1001 is decided.
    PendingActionDecided,
    /// A transfer was asked for or decided.
    Transfer,
    ExpiryNear,
    /// The node above has changed the state of a prefix.
    StatusSet,
}

impl MessageKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            MessageKind::PendingActionDecided => "pending-action-decided",
            MessageKind::Transfer => "transfer",
            MessageKind::ExpiryNear => "expiry-near",
            MessageKind::StatusSet => "status-set",
        }
    }

    pub(super) fn parse(name: &str) -> Self {
        let all = [MessageKind::PendingActionDecided, MessageKind::Transfer, MessageKind::ExpiryNear];
        all.into_iter().find(|kind| kind.name() == name).unwrap_or(MessageKind::StatusSet)
    }

    /// What an act on a prefix is to its client; none where it need not know.
    fn of(action: &str) -> Option<(MessageKind, &'static str, &'static str)> {
        use MessageKind::{ExpiryNear, PendingActionDecided, StatusSet, Transfer};
        Some(match action {
            "prefix.approve" | "prefix.allocate" => (PendingActionDecided, "申请已通过", "the application is approved"),
            "prefix.reject" => (PendingActionDecided, "申请被驳回", "the application is rejected"),
            "prefix.expiry-near" => (ExpiryNear, "前缀即将到期", "the prefix expires soon"),
            "prefix.review" | "prefix.objects" | "prefix.transfer-code" => return None,
            action if action.starts_with("prefix.transfer") => (Transfer, "前缀转移有进展", "a transfer moved on"),
            _ => (StatusSet, "上级变更了前缀的状态", "the node above has changed the prefix"),
        })
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Unique for the client; names it in the acknowledgement.
    pub id: String,
    pub kind: MessageKind,
    /// The prefix that it is about.
    pub object: String,
    pub zh: String,
    pub en: String,
    /// The prefix as it now is, for the most part.
    pub data: Json,
    pub queued: Time,
}

/// The head of a queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// Messages that wait, this one among them.
    pub count: i64,
    pub message: Option<Message>,
}

/// Ids of clients begin so.
const CLIENT: &str = "opc-";

/// How many wait, and since when.
pub(super) async fn extent(connection: &mut AnyConnection, client: &str) -> Result<(i64, Option<Time>), Error> {
    let select = "SELECT CAST(COUNT(*) AS BIGINT), CAST(COALESCE(MIN(queued), 0) AS BIGINT) \
                  FROM operator_message WHERE client = $1";
    let row = sqlx::query(select).bind(client).fetch_one(connection).await?;
    let oldest: i64 = row.try_get(1)?;
    Ok((row.try_get(0)?, (oldest != 0).then_some(oldest)))
}

/// What an act decides for whoever has asked for it; none where it decides nothing.
fn decision(action: &str) -> Option<&'static str> {
    match action {
        "prefix.approve" | "prefix.allocate" | "prefix.transfer" => Some("approved"),
        "prefix.reject" | "prefix.delete" | "prefix.transfer-end" => Some("rejected"),
        _ => None,
    }
}

impl Act {
    /// Remembers that the client whose command this is waits for a decision on a prefix, and under which id.
    pub(crate) async fn note_pending(&mut self, prefix: &str) -> Result<(), Error> {
        let client = self.caller.account().filter(|account| account.starts_with(CLIENT)).map(str::to_owned);
        let Some((client, idempotency)) = client.zip(self.caller.idempotency.clone()) else { return Ok(()) };
        let upsert = "INSERT INTO operator_pending (prefix, client, transaction_id) VALUES ($1, $2, $3) \
                      ON CONFLICT (prefix, client) DO UPDATE SET transaction_id = excluded.transaction_id";
        let upsert = sqlx::query(upsert).bind(prefix.to_owned()).bind(client).bind(idempotency.key);
        upsert.execute(self.sql()).await?;
        Ok(())
    }

    /// Tells the clients of a prefix what was done to it, unless they did it themselves.
    pub(crate) async fn tell_operator_clients(
        &mut self,
        before: &str,
        prefix: &Prefix,
        action: &str,
    ) -> Result<(), Error> {
        let Some((kind, zh, en)) = MessageKind::of(action) else { return Ok(()) };
        let select = "SELECT id FROM operator_client WHERE organisation IN ($1, $2, $3) AND state = 'active' \
                      ORDER BY id";
        let rows = sqlx::query(select).bind(&prefix.organisation).bind(&prefix.sponsor).bind(before);
        let rows = rows.fetch_all(self.sql()).await?;
        let mut clients = BTreeSet::new();
        for row in rows {
            clients.insert(row.try_get::<String, _>(0)?);
        }
        let mut waits = Vec::new();
        let select = "SELECT client, transaction_id FROM operator_pending WHERE prefix = $1";
        for row in sqlx::query(select).bind(&prefix.name).fetch_all(self.sql()).await? {
            waits.push((row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?));
        }
        clients.extend(waits.iter().map(|(client, _)| client.clone()));
        let decision = decision(action);
        for client in clients {
            if self.caller.account() == Some(&client) {
                continue;
            }
            let organisation = super::client::find(self.sql(), &client).await?.map(|found| found.organisation);
            let transaction = waits.iter().find(|(waiting, _)| *waiting == client).map(|(_, transaction)| transaction);
            let data = json!({
                "prefix": prefix.name, "state": prefix.state, "status": prefix.status, "flags": prefix.flags,
                "reason": prefix.reason, "expires": prefix.expires, "action": action, "decision": decision,
                "clientTransaction": transaction.filter(|_| decision.is_some()),
                "yours": organisation.is_some_and(|own| own == prefix.organisation),
            });
            self.queue_message(&client, kind, &prefix.name, (zh, en), &data).await?;
        }
        if decision.is_some() {
            let decided = sqlx::query("DELETE FROM operator_pending WHERE prefix = $1").bind(&prefix.name);
            decided.execute(self.sql()).await?;
        }
        Ok(())
    }

    async fn queue_message(
        &mut self,
        client: &str,
        kind: MessageKind,
        object: &str,
        (zh, en): (&str, &str),
        data: &Json,
    ) -> Result<(), Error> {
        let now = self.now();
        // The number is the client's own, and is never used again.
        let next = "UPDATE operator_client SET next_message = next_message + 1 WHERE id = $1";
        sqlx::query(next).bind(client).execute(self.sql()).await?;
        let insert = "INSERT INTO operator_message (client, sequence, kind, object, zh, en, data, queued) \
                      SELECT id, next_message - 1, $1, $2, $3, $4, $5, $6 FROM operator_client WHERE id = $7";
        sqlx::query(insert)
            .bind(kind.name())
            .bind(object)
            .bind(zh)
            .bind(en)
            .bind(serde_json::to_string(data)?)
            .bind(now)
            .bind(client)
            .execute(self.sql())
            .await?;
        Ok(())
    }
}

impl Registry {
    /// The oldest message of a client, and how many there are.
    pub async fn operator_queue(&self, client: &OperatorClient) -> Result<Queue, Error> {
        let mut connection = self.database.reader().acquire().await?;
        let (count, _) = extent(&mut connection, &client.id).await?;
        let select = "SELECT sequence, kind, object, zh, en, data, queued FROM operator_message WHERE client = $1 \
                      ORDER BY sequence LIMIT 1";
        let row = sqlx::query(select).bind(&client.id).fetch_optional(&mut *connection).await?;
        let Some(row) = row else { return Ok(Queue { count: 0, message: None }) };
        let message = Message {
            id: format!("{}-{}", client.id, row.try_get::<i64, _>(0)?),
            kind: MessageKind::parse(&row.try_get::<String, _>(1)?),
            object: row.try_get(2)?,
            zh: row.try_get(3)?,
            en: row.try_get(4)?,
            data: serde_json::from_str(&row.try_get::<String, _>(5)?)?,
            queued: row.try_get(6)?,
        };
        Ok(Queue { count, message: Some(message) })
    }

    /// The client has taken note of a message. One that is not there, or is another's, was acknowledged before.
    /// Says how many are left.
    pub async fn acknowledge_message(&self, client: &OperatorClient, caller: &Caller, id: &str) -> Result<i64, Error> {
        let sequence = id.strip_prefix(&client.id).and_then(|rest| rest.strip_prefix('-')).map(str::parse::<i64>);
        let mut act = self.begin(caller, Permission::PrefixWrite, "operator-message").await?;
        let delete = "DELETE FROM operator_message WHERE client = $1 AND sequence = $2";
        let gone = match sequence {
            Some(Ok(sequence)) => {
                sqlx::query(delete).bind(&client.id).bind(sequence).execute(act.sql()).await?.rows_affected()
            }
            _ => 0,
        };
        let (left, _) = extent(act.sql(), &client.id).await?;
        if gone == 0 {
            return Ok(left);
        }
        let object = format!("operator-message {id}");
        act.record("operator-message.acknowledge", &object, Some(&client.organisation), json!(null), json!(null));
        act.commit(left).await
    }
}
