//! How the node above is found: when it last answered, what is in its queue for this node, and what is wrong.

use super::code::ResultCode;
use crate::caller::{Caller, Time};
use crate::error::{Error, Refusal};
use crate::notices::{Audience, NewNotice, NoticeKind};
use crate::permission::Permission;
use crate::registry::Registry;
use serde::Serialize;
use serde_json::json;
use sqlx::Row as _;

/// Nobody is told of a connection that fails for a shorter time, in milliseconds.
const PATIENCE: Time = 600_000;
/// Characters of what is kept of a failure.
const FAULT_MOST: usize = 500;

/// The registry operator above, as it is configured.
#[derive(Debug, Clone, Default)]
pub struct OperatorAbove {
    pub url: String,
    /// Id that it has given this node.
    pub client: String,
    /// What this node signs with, as it is registered above.
    pub public_key: String,
}

/// What came of an attempt to read its queue.
#[derive(Debug, Clone, Copy)]
pub enum Contact<'a> {
    /// It answered; so many messages are left.
    Answered { queue: i64 },
    /// It did not, or not as it should; 0 where there was no answer at all.
    Failed { code: ResultCode, fault: &'a str },
}

/// The connection as the API shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperatorConnection {
    /// Whether a node above is configured.
    pub configured: bool,
    pub url: String,
    /// Id that the node above has given this one; nothing is sent while it is empty.
    pub client: String,
    /// To be registered above: Ed25519, 32 octets in base64.
    pub public_key: String,
    /// When its queue was last asked for, and when it last answered.
    pub last_poll: Option<Time>,
    pub last_answer: Option<Time>,
    /// Messages that wait there.
    pub queue: i64,
    /// Since when it fails, with what code (0: no answer) and words.
    pub failing_since: Option<Time>,
    pub code: i64,
    pub fault: String,
    /// Requests that wait, are stuck, wait for a decision, or were refused.
    pub waiting: i64,
    pub stuck: i64,
    pub pending: i64,
    pub refused: i64,
}

fn moment(at: Time) -> Option<Time> {
    (at != 0).then_some(at)
}

impl Registry {
    pub async fn operator_connection(&self, caller: &Caller) -> Result<OperatorConnection, Error> {
        self.authorise(caller, Permission::OperatorWrite, "operator-connection").await?;
        let absent = Refusal::absent("上级连接", "connection to a node above", "");
        self.reach(caller, Permission::OperatorWrite, None, "operator-connection", absent).await?;
        let mut connection = self.database.reader().acquire().await?;
        let select = "SELECT polled, answered, queue, failing, code, fault FROM operator_connection WHERE id = 1";
        let row = sqlx::query(select).fetch_one(&mut *connection).await?;
        let above = self.above.as_deref().cloned().unwrap_or_default();
        let mut found = OperatorConnection {
            configured: self.above.is_some(),
            url: above.url,
            client: above.client,
            public_key: above.public_key,
            last_poll: moment(row.try_get(0)?),
            last_answer: moment(row.try_get(1)?),
            queue: row.try_get(2)?,
            failing_since: moment(row.try_get(3)?),
            code: row.try_get(4)?,
            fault: row.try_get(5)?,
            ..OperatorConnection::default()
        };
        let select = "SELECT state, CAST(COUNT(*) AS BIGINT) FROM operator_request GROUP BY state";
        for row in sqlx::query(select).fetch_all(&mut *connection).await? {
            let count: i64 = row.try_get(1)?;
            match row.try_get::<String, _>(0)?.as_str() {
                "waiting" => found.waiting = count,
                "stuck" => found.stuck = count,
                "pending" => found.pending = count,
                "refused" => found.refused = count,
                _ => {}
            }
        }
        Ok(found)
    }

    /// Notes how the node above was found. Whoever manages the interface is told once of every time that it fails: at
    /// once if it does not believe this node, after ten minutes if it is not to be reached.
    pub async fn note_contact(&self, now: Time, contact: Contact<'_>) -> Result<(), Error> {
        let (code, fault) = match contact {
            Contact::Answered { queue } => return self.write_answered(now, queue).await,
            Contact::Failed { code, fault } => (code, fault.chars().take(FAULT_MOST).collect::<String>()),
        };
        let (failing, told) = self.write_failed(now, code, &fault).await?;
        if told != 0 || (code == 0 && now - failing < PATIENCE) {
            return Ok(());
        }
        self.tell_of_failure(now, code, fault, failing).await
    }

    async fn write_answered(&self, now: Time, queue: i64) -> Result<(), Error> {
        let mut write = self.database.begin_write().await?;
        let update = "UPDATE operator_connection SET polled = $1, answered = $2, queue = $3, code = 0, fault = '', \
                      failing = 0, told = 0 WHERE id = 1";
        let update = sqlx::query(update).bind(now).bind(now).bind(queue);
        update.execute(&mut *write.transaction).await?;
        write.transaction.commit().await?;
        Ok(())
    }

    /// Since when it fails, and when somebody was told.
    async fn write_failed(&self, now: Time, code: ResultCode, fault: &str) -> Result<(Time, Time), Error> {
        let mut write = self.database.begin_write().await?;
        let update = "UPDATE operator_connection SET polled = $1, code = $2, fault = $3, \
                      failing = CASE WHEN failing = 0 THEN $4 ELSE failing END WHERE id = 1";
        let update = sqlx::query(update).bind(now).bind(i64::from(code)).bind(fault.to_owned()).bind(now);
        update.execute(&mut *write.transaction).await?;
        let row = sqlx::query("SELECT failing, told FROM operator_connection WHERE id = 1");
        let row = row.fetch_one(&mut *write.transaction).await?;
        let found = (row.try_get(0)?, row.try_get(1)?);
        write.transaction.commit().await?;
        Ok(found)
    }

    async fn tell_of_failure(&self, now: Time, code: ResultCode, fault: String, failing: Time) -> Result<(), Error> {
        let mut act = self.begin(&Caller::node(now), Permission::OperatorWrite, "operator-connection").await?;
        let told = sqlx::query("UPDATE operator_connection SET told = $1 WHERE id = 1 AND told = 0");
        if told.bind(now).execute(act.sql()).await?.rows_affected() == 0 {
            return Ok(());
        }
        let url = self.above.as_deref().map(|above| above.url.clone()).unwrap_or_default();
        let notice = NewNotice {
            kind: NoticeKind::OperatorStuck,
            audience: Audience::Holders(Permission::OperatorWrite),
            object: "operator-connection".into(),
            facts: vec![("name", url), ("reason", fault.clone())],
            mail: None,
        };
        act.notify(&notice).await?;
        let what = json!({"code": code, "fault": fault, "failing": failing});
        act.record("operator-connection.fail", "operator-connection", None, json!(null), what);
        act.commit(()).await
    }
}
