//! Messages of the node above, as they arrive here: each is applied once, kept, and told to whoever manages the
//! interface.

use super::code::CODE_DONE;
use super::message::{Message, MessageKind};
use super::request::{OperatorRequest, RequestState, absent, find, short};
use crate::Act;
use crate::caller::{Caller, Time};
use crate::error::{Error, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::notices::{Audience, NewNotice, NoticeKind};
use crate::permission::Permission;
use crate::prefixes::remove_own_prefix;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// A request that the node above has decided against after all.
const DECIDED_AGAINST: i64 = 2304;

/// A message as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceivedMessage {
    pub id: String,
    pub kind: MessageKind,
    /// The prefix that it is about.
    pub object: String,
    pub zh: String,
    pub en: String,
    /// The prefix as it then was.
    pub data: Json,
    /// When it was written above, and when it came.
    pub queued: Time,
    pub received: Time,
}

/// Which messages are wanted; empty fields do not restrict.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct ReceivedMessageFilter {
    /// The prefix that it is about.
    pub object: Option<String>,
    /// `pending-action-decided`, `transfer`, `expiry-near` or `status-set`.
    pub kind: Option<String>,
}

const COLUMNS: &str = "id, kind, object, zh, en, data, queued, received";

fn read(row: &AnyRow) -> Result<ReceivedMessage, Error> {
    Ok(ReceivedMessage {
        id: row.try_get(0)?,
        kind: MessageKind::parse(&row.try_get::<String, _>(1)?),
        object: row.try_get(2)?,
        zh: row.try_get(3)?,
        en: row.try_get(4)?,
        data: serde_json::from_str(&row.try_get::<String, _>(5)?)?,
        queued: row.try_get(6)?,
        received: row.try_get(7)?,
    })
}

impl Message {
    fn text(&self, name: &str) -> &str {
        self.data.get(name).and_then(Json::as_str).unwrap_or_default()
    }

    /// Whether the prefix is this node's no longer.
    fn is_loss(&self) -> bool {
        let others = self.data.get("yours") == Some(&json!(false)) && self.text("decision") != "rejected";
        others || matches!(self.text("state"), "deleted" | "retired" | "redemption" | "pending-delete")
    }
}

impl Registry {
    /// Applies a message of the node above; says whether it was new.
    pub async fn receive_operator_message(&self, caller: &Caller, message: &Message) -> Result<bool, Error> {
        let object = format!("operator-message {}", message.id);
        let mut act = self.begin(caller, Permission::OperatorWrite, &object).await?;
        let insert = "INSERT INTO operator_received (id, received, kind, object, zh, en, data, queued) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING";
        let now = act.now();
        let done = sqlx::query(insert)
            .bind(&message.id)
            .bind(now)
            .bind(message.kind.name())
            .bind(&message.object)
            .bind(&message.zh)
            .bind(&message.en)
            .bind(message.data.to_string())
            .bind(message.queued)
            .execute(act.sql())
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        act.settle_request(message).await?;
        if message.is_loss() {
            act.lose_prefix(message).await?;
        } else if message.text("state") == "enabled" {
            act.regain_prefix(message).await?;
        }
        act.tell_of_message(message).await?;
        act.record("operator-message.receive", &object, None, json!(null), json!(message));
        act.commit(true).await
    }

    /// What the node above has said, newest first.
    pub async fn operator_messages(
        &self,
        caller: &Caller,
        filter: &ReceivedMessageFilter,
        listing: &Listing,
    ) -> Result<Page<ReceivedMessage>, Error> {
        self.authorise(caller, Permission::OperatorWrite, "operator-message").await?;
        let absent = Refusal::absent("上级消息", "message of the node above", "");
        self.reach(caller, Permission::OperatorWrite, None, "operator-message", absent).await?;
        let mut wanted = Filter::new("operator_received", COLUMNS);
        wanted.equal("object", filter.object.as_deref());
        wanted.equal("kind", filter.kind.as_deref());
        let sortable = [Column::Number("received"), Column::Number("queued")];
        wanted.page(self, listing, &sortable, "-received", Column::Text("id"), read).await
    }
}

impl Act {
    /// A decision ends the request that it is about, also one whose answer was lost.
    async fn settle_request(&mut self, message: &Message) -> Result<(), Error> {
        let (state, code) = match message.text("decision") {
            "approved" => (RequestState::Done, i64::from(CODE_DONE)),
            "rejected" => (RequestState::Refused, DECIDED_AGAINST),
            _ => return Ok(()),
        };
        let transaction = message.text("clientTransaction").to_owned();
        let select = "SELECT id FROM operator_request WHERE transaction_id = $1 \
                      AND state IN ('waiting', 'stuck', 'dropped', 'pending')";
        for row in sqlx::query(select).bind(transaction).fetch_all(self.sql()).await? {
            let id: String = row.try_get(0)?;
            let before = find(self.sql(), &id).await?.ok_or_else(|| absent(&id))?;
            let remark = short(message.text("reason"));
            let mut after = OperatorRequest { state, code, remark, ..before.clone() };
            after.prefix.clone_from(&message.object);
            self.write_request(&before, after).await?;
        }
        Ok(())
    }

    /// The node gives nothing out below a prefix that is no longer its own.
    async fn lose_prefix(&mut self, message: &Message) -> Result<(), Error> {
        self.turn_own(&message.object, RequestState::Done, RequestState::Ended).await?;
        remove_own_prefix(self, &message.object).await.map(|_| ())
    }

    /// What was lost by deletion may be restored above.
    async fn regain_prefix(&mut self, message: &Message) -> Result<(), Error> {
        self.turn_own(&message.object, RequestState::Ended, RequestState::Done).await
    }

    /// The requests by which this node has a prefix itself go from one state to another.
    async fn turn_own(&mut self, prefix: &str, from: RequestState, to: RequestState) -> Result<(), Error> {
        let select = "SELECT id FROM operator_request WHERE prefix = $1 AND own = 1 AND state = $2 \
                      AND kind IN ('create', 'transfer') ORDER BY sequence DESC LIMIT 1";
        let row = sqlx::query(select).bind(prefix.to_owned()).bind(from.name());
        let Some(row) = row.fetch_optional(self.sql()).await? else { return Ok(()) };
        let id: String = row.try_get(0)?;
        let before = find(self.sql(), &id).await?.ok_or_else(|| absent(&id))?;
        let after = OperatorRequest { state: to, ..before.clone() };
        self.write_request(&before, after).await
    }

    async fn tell_of_message(&mut self, message: &Message) -> Result<(), Error> {
        let state = format!("{} {} ({})", message.zh, message.en, message.text("state"));
        let notice = NewNotice {
            kind: NoticeKind::OperatorMessage,
            audience: Audience::Holders(Permission::OperatorWrite),
            object: format!("operator-message {}", message.id),
            facts: vec![
                ("name", message.object.clone()),
                ("state", state),
                ("reason", message.text("reason").to_owned()),
            ],
            mail: None,
        };
        self.notify(&notice).await
    }
}
