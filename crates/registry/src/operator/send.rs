//! What of the requests is to be sent next, and what came of it.
//!
//! Order matters between requests about one prefix, or about one below the other; others go past one that is stuck. A
//! request that is not decided goes out again under the same transaction id, twice as late each time.

use super::code::{CODE_PENDING, ResultCode};
use super::command::{Command, CommandAnswer};
use super::request::{OperatorRequest, RequestState, absent, find, short};
use crate::Act;
use crate::caller::{Caller, Time};
use crate::error::Error;
use crate::notices::{Audience, NewNotice, NoticeKind};
use crate::permission::Permission;
use crate::registry::Registry;
use hufu_ident::Prefix as Name;
use sqlx::Row as _;
use std::collections::HashSet;

/// First wait after a failure, and the longest, in milliseconds; doubled each time.
const WAIT_FIRST: Time = 1000;
const WAIT_MOST: Time = 300_000;
/// Answers without a decision after which a request is stuck.
const STUCK_AFTER: i64 = 5;
/// Open requests that are looked at; more of them wait until there are fewer.
const OPEN_MOST: i64 = 2000;

/// A request as it goes out.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    pub id: String,
    /// The client transaction id.
    pub transaction: String,
    pub command: Command,
}

/// Names about which something earlier is open.
#[derive(Default)]
struct Held {
    names: HashSet<String>,
    /// Those names and all above them.
    lineages: HashSet<String>,
}

impl Held {
    fn add(&mut self, name: &str) {
        // The next free name is nobody's yet: nothing is above or below it.
        if !name.is_empty() {
            self.names.insert(name.to_owned());
            self.lineages.extend(Name::folded(name).lineage().map(|above| above.as_str().to_owned()));
        }
    }

    fn bars(&self, name: &str) -> bool {
        let above = || Name::folded(name).lineage().any(|above| self.names.contains(above.as_str()));
        !name.is_empty() && (self.lineages.contains(name) || above())
    }
}

impl Registry {
    /// The request to send next, if the time of one has come.
    pub async fn next_operator_request(&self, now: Time) -> Result<Option<Outgoing>, Error> {
        let select = "SELECT id, prefix, state, next_try FROM operator_request \
                      WHERE state IN ('waiting', 'stuck', 'pending') ORDER BY sequence LIMIT $1";
        let mut connection = self.database.reader().acquire().await?;
        let rows = sqlx::query(select).bind(OPEN_MOST).fetch_all(&mut *connection).await?;
        let mut held = Held::default();
        for row in rows {
            let prefix: String = row.try_get(1)?;
            let pending = row.try_get::<String, _>(2)? == "pending";
            if !pending && row.try_get::<Time, _>(3)? <= now && !held.bars(&prefix) {
                let id: String = row.try_get(0)?;
                let select = "SELECT command, transaction_id FROM operator_request WHERE id = $1";
                let row = sqlx::query(select).bind(id.clone()).fetch_one(&mut *connection).await?;
                let command = serde_json::from_str(&row.try_get::<String, _>(0)?)?;
                return Ok(Some(Outgoing { id, transaction: row.try_get(1)?, command }));
            }
            held.add(&prefix);
        }
        Ok(None)
    }

    /// The node above has carried a request out, or will decide on it. Said again, it changes nothing.
    pub async fn operator_accepted(&self, caller: &Caller, id: &str, answer: &CommandAnswer) -> Result<(), Error> {
        let name = answer.data.get("name").and_then(|name| name.as_str()).unwrap_or_default();
        let state = if answer.code == CODE_PENDING { RequestState::Pending } else { RequestState::Done };
        let server = answer.server_transaction.as_str();
        self.end_request(caller, id, (state, answer.code.into(), ""), name, server).await
    }

    /// The node above refuses.
    pub async fn operator_refused(
        &self,
        caller: &Caller,
        id: &str,
        code: ResultCode,
        remark: &str,
    ) -> Result<(), Error> {
        self.end_request(caller, id, (RequestState::Refused, code.into(), remark), "", "").await
    }

    async fn end_request(
        &self,
        caller: &Caller,
        id: &str,
        (state, code, remark): (RequestState, i64, &str),
        name: &str,
        server: &str,
    ) -> Result<(), Error> {
        let mut act = self.begin(caller, Permission::OperatorWrite, &format!("operator-request {id}")).await?;
        let before = find(act.sql(), id).await?.ok_or_else(|| absent(id))?;
        if !before.state.is_open() {
            return Ok(());
        }
        let tries = before.tries + 1;
        let mut after = OperatorRequest { state, code, remark: short(remark), tries, ..before.clone() };
        after.server_transaction = server.to_owned();
        if after.prefix.is_empty() {
            after.prefix = name.to_owned();
        }
        act.write_request(&before, after).await?;
        act.commit(()).await
    }

    /// There was no decision: the request waits, twice as long as the time before. With a code there was an answer at
    /// least, so after some of them the request is stuck, and whoever manages the interface is told.
    pub async fn operator_undecided(
        &self,
        id: &str,
        now: Time,
        code: ResultCode,
        remark: &str,
    ) -> Result<RequestState, Error> {
        let Some(before) = self.put_off(id, now, code, remark).await? else { return Ok(RequestState::Dropped) };
        let fails = before.state == RequestState::Waiting && code != 0 && before.tries + 1 >= STUCK_AFTER;
        if !fails {
            return Ok(before.state);
        }
        let mut act = self.begin(&Caller::node(now), Permission::OperatorWrite, "operator-request").await?;
        let before = find(act.sql(), id).await?.ok_or_else(|| absent(id))?;
        if before.state != RequestState::Waiting {
            return Ok(before.state);
        }
        act.write_stuck(&before).await?;
        act.commit(RequestState::Stuck).await
    }

    /// Gives back the request as it was.
    async fn put_off(
        &self,
        id: &str,
        now: Time,
        code: ResultCode,
        remark: &str,
    ) -> Result<Option<OperatorRequest>, Error> {
        let mut write = self.database.begin_write().await?;
        let Some(before) = find(&mut write.transaction, id).await? else { return Ok(None) };
        if !matches!(before.state, RequestState::Waiting | RequestState::Stuck) {
            return Ok(Some(before));
        }
        let doubled = WAIT_FIRST.saturating_mul(1 << before.tries.clamp(0, 20));
        let update = "UPDATE operator_request SET tries = tries + 1, next_try = $1, code = $2, remark = $3, \
                      updated = $4, version = version + 1 WHERE id = $5";
        sqlx::query(update)
            .bind(now + doubled.min(WAIT_MOST))
            .bind(i64::from(code))
            .bind(short(remark))
            .bind(now)
            .bind(id)
            .execute(&mut *write.transaction)
            .await?;
        write.transaction.commit().await?;
        Ok(Some(before))
    }
}

impl Act {
    async fn write_stuck(&mut self, before: &OperatorRequest) -> Result<(), Error> {
        let others = "SELECT CAST(COUNT(*) AS BIGINT) FROM operator_request WHERE state = 'stuck'";
        let others: i64 = sqlx::query(others).fetch_one(self.sql()).await?.try_get(0)?;
        let next_try = self.now() + WAIT_MOST;
        let after = OperatorRequest { state: RequestState::Stuck, next_try, ..before.clone() };
        self.write_request(before, after).await?;
        // One notice says that somebody must look; the list says at what.
        if others > 0 {
            return Ok(());
        }
        let name = format!("{} {}", before.kind, before.prefix);
        let notice = NewNotice {
            kind: NoticeKind::OperatorStuck,
            audience: Audience::Holders(Permission::OperatorWrite),
            object: format!("operator-request {}", before.id),
            facts: vec![("name", name), ("reason", before.remark.clone())],
            mail: None,
        };
        self.notify(&notice).await
    }
}
