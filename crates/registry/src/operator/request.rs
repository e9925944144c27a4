//! Requests to the node above: written with the act that brings them about, sent in that order, repeated under the same
//! transaction id until there is an answer.

use super::code::{CODE_DONE, CODE_FAILED, CODE_PENDING, ResultCode};
use super::command::{Command, CommandAnswer};
use super::message::{Message, MessageKind};
use crate::Act;
use crate::caller::{Caller, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::organisations;
use crate::permission::Permission;
use crate::prefixes::{DelegationData, Prefix, PrefixOrigin, State, add_own_prefix, canonical};
use crate::registry::Registry;
use crate::subject::Subject;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

/// First wait after a failure, and the longest, in milliseconds; doubled each time.
const WAIT_FIRST: Time = 1000;
const WAIT_MOST: Time = 300_000;
/// Characters of what is kept of an answer or a failure.
const REMARK_MOST: usize = 500;
/// Prefixes of one holder whose subject data are told anew in one act.
const HOLDINGS_MOST: i64 = 10_000;

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RequestState {
    /// Not answered yet.
    Waiting,
    /// Accepted; the node above will decide.
    Pending,
    Done,
    Refused,
}

impl RequestState {
    fn name(self) -> &'static str {
        match self {
            RequestState::Waiting => "waiting",
            RequestState::Pending => "pending",
            RequestState::Done => "done",
            RequestState::Refused => "refused",
        }
    }
}

/// A request as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperatorRequest {
    /// The client transaction id, too.
    pub id: String,
    /// Empty while the next free name is wanted.
    pub prefix: String,
    /// `create`, `update-routes`, ….
    pub kind: String,
    /// It is about a prefix of this node itself.
    pub own: bool,
    pub state: RequestState,
    pub tries: i64,
    pub next_try: Time,
    /// The last result code; 0 before there is one.
    pub code: i64,
    /// What the node above, or the failure, said last.
    pub remark: String,
    pub server_transaction: String,
    pub created: Time,
    pub updated: Time,
    pub version: i64,
}

/// Which requests are wanted; empty fields do not restrict.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct OperatorRequestFilter {
    pub prefix: Option<String>,
    /// `waiting`, `pending`, `done` or `refused`.
    pub state: Option<String>,
}

/// A prefix that this node would like to have of the node above. One of `prefix` and `under` is there.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OwnPrefixRequest {
    pub prefix: String,
    /// The next free one below this prefix of the node above.
    pub under: String,
    /// Where this node is to be found.
    pub delegation: DelegationData,
}

const COLUMNS: &str = "id, prefix, kind, own, state, tries, next_try, code, remark, server_transaction, created, \
                       updated, version";

fn read(row: &AnyRow) -> Result<OperatorRequest, Error> {
    let state = match row.try_get::<String, _>(4)?.as_str() {
        "waiting" => RequestState::Waiting,
        "pending" => RequestState::Pending,
        "done" => RequestState::Done,
        _ => RequestState::Refused,
    };
    Ok(OperatorRequest {
        id: row.try_get(0)?,
        prefix: row.try_get(1)?,
        kind: row.try_get(2)?,
        own: row.try_get::<i64, _>(3)? != 0,
        state,
        tries: row.try_get(5)?,
        next_try: row.try_get(6)?,
        code: row.try_get(7)?,
        remark: row.try_get(8)?,
        server_transaction: row.try_get(9)?,
        created: row.try_get(10)?,
        updated: row.try_get(11)?,
        version: row.try_get(12)?,
    })
}

async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<OperatorRequest>, Error> {
    const SELECT: &str = "SELECT id, prefix, kind, own, state, tries, next_try, code, remark, server_transaction, \
                          created, updated, version FROM operator_request WHERE id = $1";
    let row = sqlx::query(SELECT).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

fn absent(id: &str) -> Refusal {
    Refusal::absent("上级请求", "request to the node above", id)
}

fn short(text: &str) -> String {
    text.chars().take(REMARK_MOST).collect()
}

/// What the node above must learn of a change of a prefix.
fn commands(before: Option<&Prefix>, after: &Prefix, subject: &Subject) -> Vec<Command> {
    let name = || after.name.clone();
    let gone = |prefix: &Prefix| matches!(prefix.state, State::Deleted | State::Retired | State::Rejected);
    let served = |prefix: &Prefix| {
        let held = prefix.flags.iter().any(|flag| flag.name().ends_with("Hold"));
        prefix.state == State::Enabled && !held
    };
    if after.enabled.is_none() {
        return Vec::new();
    }
    let Some(before) = before.filter(|before| before.enabled.is_some() && !gone(before)) else {
        let (delegation, subject) = (after.delegation.clone(), Some(Box::new(subject.clone())));
        let expires = after.expires;
        return vec![Command::Create { prefix: name(), under: String::new(), delegation, subject, expires }];
    };
    if gone(after) {
        return vec![Command::Delete { prefix: name(), reason: after.reason.clone() }];
    }
    let mut commands = Vec::new();
    if before.organisation != after.organisation {
        commands.push(Command::UpdateSubject { prefix: name(), subject: Box::new(subject.clone()) });
    }
    if before.delegation != after.delegation {
        commands.push(Command::UpdateRoutes { prefix: name(), delegation: after.delegation.clone() });
    }
    if let (Some(current_expires), Some(end)) = (before.expires, after.expires)
        && end > current_expires
    {
        commands.push(Command::Renew { prefix: name(), current_expires, expires: Some(end) });
    }
    match (served(before), served(after)) {
        (true, false) => commands.push(Command::Disable { prefix: name(), reason: after.reason.clone() }),
        (false, true) => commands.push(Command::Enable { prefix: name() }),
        _ => {}
    }
    commands
}

impl Act {
    /// Notes what the node above must learn of a change of a prefix that this node has given out.
    pub(crate) async fn tell_above(&mut self, before: Option<&Prefix>, after: &Prefix) -> Result<(), Error> {
        if !self.registry().has_operator_above() || after.origin != PrefixOrigin::Allocated {
            return Ok(());
        }
        let holder = organisations::find(self.sql(), &after.organisation).await?;
        let subject = holder.map(|holder| holder.subject).unwrap_or_default();
        for command in commands(before, after, &subject) {
            self.queue_request(&command, false).await?;
        }
        Ok(())
    }

    /// Notes that the subject data of a holder have changed.
    pub(crate) async fn tell_subject_above(&mut self, organisation: &str, subject: &Subject) -> Result<(), Error> {
        if !self.registry().has_operator_above() {
            return Ok(());
        }
        let select = "SELECT name FROM prefix WHERE organisation = $1 AND origin = 'allocated' AND enabled > 0 \
                      AND state NOT IN ('rejected', 'deleted', 'retired') ORDER BY name LIMIT $2";
        let rows = sqlx::query(select).bind(organisation).bind(HOLDINGS_MOST).fetch_all(self.sql()).await?;
        for row in rows {
            let command = Command::UpdateSubject { prefix: row.try_get(0)?, subject: Box::new(subject.clone()) };
            self.queue_request(&command, false).await?;
        }
        Ok(())
    }

    async fn queue_request(&mut self, command: &Command, own: bool) -> Result<String, Error> {
        let (id, now) = (self.fresh_id("opr"), self.now());
        let insert = "INSERT INTO operator_request (id, sequence, prefix, kind, command, own, state, tries, next_try, \
                      code, remark, server_transaction, created, updated, version) \
                      SELECT $1, COALESCE(MAX(sequence), 0) + 1, $2, $3, $4, $5, 'waiting', 0, $6, 0, '', '', $7, $8, 1 \
                      FROM operator_request";
        sqlx::query(insert)
            .bind(&id)
            .bind(command.prefix())
            .bind(command.name())
            .bind(serde_json::to_string(command)?)
            .bind(i64::from(own))
            .bind(now)
            .bind(now)
            .bind(now)
            .execute(self.sql())
            .await?;
        Ok(id)
    }

    async fn write_request(&mut self, before: &OperatorRequest, mut after: OperatorRequest) -> Result<(), Error> {
        (after.updated, after.version) = (self.now(), before.version + 1);
        let update = "UPDATE operator_request SET prefix = $1, state = $2, tries = $3, next_try = $4, code = $5, \
                      remark = $6, server_transaction = $7, updated = $8, version = $9 WHERE id = $10";
        sqlx::query(update)
            .bind(&after.prefix)
            .bind(after.state.name())
            .bind(after.tries)
            .bind(after.next_try)
            .bind(after.code)
            .bind(&after.remark)
            .bind(&after.server_transaction)
            .bind(after.updated)
            .bind(after.version)
            .bind(&after.id)
            .execute(self.sql())
            .await?;
        if before.own && after.state == RequestState::Done && after.kind == "create" {
            add_own_prefix(self, &after.prefix).await?;
        }
        let (old, new) = crate::act::difference(before, &after);
        self.record("operator-request.answer", &format!("operator-request {}", before.id), None, old, new);
        Ok(())
    }
}

impl Registry {
    /// Asks the node above for a prefix of this node itself.
    pub async fn request_own_prefix(&self, caller: &Caller, wish: &OwnPrefixRequest) -> Result<OperatorRequest, Error> {
        let act = self.begin(caller, Permission::OperatorWrite, "operator-request").await?;
        let mut act = act.reach(None, "operator-request", absent("")).await?;
        if !self.has_operator_above() {
            let (zh, en) = ("未配置上级注册管理机构（[operator]）", "no operator above is configured ([operator])");
            return Err(Refusal::new(Kind::Conflict, "no-operator-above", zh, en).into());
        }
        if wish.prefix.is_empty() == wish.under.is_empty() {
            let (zh, en) = ("请在 prefix、under 中恰好填写一项", "give exactly one of prefix and under");
            return Err(Refusal::fields(vec![FieldRefusal::new("prefix", "prefix-choice", zh, en)]).into());
        }
        let prefix = if wish.prefix.is_empty() { String::new() } else { canonical(&wish.prefix)? };
        let (under, delegation) = (wish.under.clone(), wish.delegation.clone());
        let command = Command::Create { prefix, under, delegation, subject: None, expires: None };
        let id = act.queue_request(&command, true).await?;
        let request = find(act.sql(), &id).await?.ok_or_else(|| absent(&id))?;
        act.record("operator-request.create", &format!("operator-request {id}"), None, json!(null), json!(request));
        act.commit(request).await
    }

    pub async fn operator_requests(
        &self,
        caller: &Caller,
        filter: &OperatorRequestFilter,
        listing: &Listing,
    ) -> Result<Page<OperatorRequest>, Error> {
        self.authorise(caller, Permission::OperatorWrite, "operator-request").await?;
        self.reach(caller, Permission::OperatorWrite, None, "operator-request", absent("")).await?;
        let mut wanted = Filter::new("operator_request", COLUMNS);
        wanted.equal("prefix", filter.prefix.as_deref());
        wanted.equal("state", filter.state.as_deref());
        let sortable = [Column::Number("created"), Column::Number("sequence")];
        wanted.page(self, listing, &sortable, "-sequence", Column::Text("id"), read).await
    }

    /// Sends a refused request once more, or a waiting one at once.
    pub async fn retry_operator_request(&self, caller: &Caller, id: &str) -> Result<OperatorRequest, Error> {
        let object = format!("operator-request {id}");
        let act = self.begin(caller, Permission::OperatorWrite, &object).await?;
        let mut act = act.reach(None, &object, absent(id)).await?;
        let before = find(act.sql(), id).await?.ok_or_else(|| absent(id))?;
        if !matches!(before.state, RequestState::Refused | RequestState::Waiting) {
            let (zh, en) = ("该请求已受理，无须重发", "the request is accepted; there is nothing to repeat");
            return Err(Refusal::new(Kind::Conflict, "request-accepted", zh, en).into());
        }
        let next_try = act.now();
        let after = OperatorRequest { state: RequestState::Waiting, next_try, ..before.clone() };
        act.write_request(&before, after).await?;
        let after = find(act.sql(), id).await?.ok_or_else(|| absent(id))?;
        act.commit(after).await
    }

    /// The request to send next, if its time has come: the oldest that has no answer.
    pub async fn next_operator_request(&self, now: Time) -> Result<Option<(String, Command)>, Error> {
        let select = "SELECT id, command, next_try FROM operator_request WHERE state = 'waiting' \
                      ORDER BY sequence LIMIT 1";
        let row = sqlx::query(select).fetch_optional(self.database.reader()).await?;
        let Some(row) = row.filter(|row| row.try_get::<i64, _>(2).is_ok_and(|at| at <= now)) else { return Ok(None) };
        Ok(Some((row.try_get(0)?, serde_json::from_str(&row.try_get::<String, _>(1)?)?)))
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
        if before.state != RequestState::Waiting {
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

    /// There was no answer: the request waits, twice as long as the time before.
    pub async fn operator_unreachable(&self, id: &str, now: Time, remark: &str) -> Result<(), Error> {
        let mut write = self.database.begin_write().await?;
        let Some(before) = find(&mut write.transaction, id).await? else { return Ok(()) };
        let doubled = WAIT_FIRST.saturating_mul(1 << before.tries.clamp(0, 20));
        let update = "UPDATE operator_request SET tries = tries + 1, next_try = $1, code = $2, remark = $3, \
                      updated = $4, version = version + 1 WHERE id = $5 AND state = 'waiting'";
        sqlx::query(update)
            .bind(now + doubled.min(WAIT_MOST))
            .bind(i64::from(CODE_FAILED))
            .bind(short(remark))
            .bind(now)
            .bind(id)
            .execute(&mut *write.transaction)
            .await?;
        write.transaction.commit().await?;
        Ok(())
    }

    /// Applies a message of the node above; says whether it was new.
    pub async fn receive_operator_message(&self, caller: &Caller, message: &Message) -> Result<bool, Error> {
        let object = format!("operator-message {}", message.id);
        let mut act = self.begin(caller, Permission::OperatorWrite, &object).await?;
        let insert = "INSERT INTO operator_received (id, received) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
        let now = act.now();
        let done = sqlx::query(insert).bind(&message.id).bind(now).execute(act.sql()).await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        if message.kind == MessageKind::PendingActionDecided {
            let select = "SELECT id FROM operator_request WHERE prefix = $1 AND state = 'pending' ORDER BY sequence";
            let rows = sqlx::query(select).bind(&message.object).fetch_all(act.sql()).await?;
            let text = |name: &str| message.data.get(name).and_then(|value| value.as_str()).unwrap_or_default();
            let (state, code) = match text("state") {
                "enabled" => (RequestState::Done, i64::from(CODE_DONE)),
                _ => (RequestState::Refused, 2304),
            };
            for row in rows {
                let id: String = row.try_get(0)?;
                let before = find(act.sql(), &id).await?.ok_or_else(|| absent(&id))?;
                let after = OperatorRequest { state, code, remark: short(text("reason")), ..before.clone() };
                act.write_request(&before, after).await?;
            }
        }
        act.record("operator-message.receive", &object, None, json!(null), json!(message));
        act.commit(true).await
    }

    /// Prefixes of this node that it has obtained from the node above.
    pub async fn obtained_prefixes(&self) -> Result<Vec<String>, Error> {
        let select = "SELECT DISTINCT prefix FROM operator_request WHERE own = 1 AND kind = 'create' \
                      AND state = 'done' ORDER BY prefix";
        let rows = sqlx::query(select).fetch_all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}
