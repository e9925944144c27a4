//! Requests to the node above: written with the act that brings them about; what people do with them.

use super::command::Command;
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

/// Characters of what is kept of an answer or a failure.
const REMARK_MOST: usize = 500;
/// Characters of a prefix below which the next free one is wanted.
const UNDER_MOST: usize = 255;
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
    /// The node above fails on it again and again; it is tried rarely, and others go on.
    Stuck,
    /// Given up here; an answer that comes nevertheless counts.
    Dropped,
    /// It was done, and what came of it is gone: the node above has deleted the prefix or given it to another.
    Ended,
}

impl RequestState {
    pub(super) fn name(self) -> &'static str {
        match self {
            RequestState::Waiting => "waiting",
            RequestState::Pending => "pending",
            RequestState::Done => "done",
            RequestState::Refused => "refused",
            RequestState::Stuck => "stuck",
            RequestState::Dropped => "dropped",
            RequestState::Ended => "ended",
        }
    }

    /// An unknown word is a refusal: nothing is sent then.
    fn parse(name: &str) -> Self {
        use RequestState::{Done, Dropped, Ended, Pending, Refused, Stuck, Waiting};
        [Waiting, Pending, Done, Stuck, Dropped, Ended].into_iter().find(|one| one.name() == name).unwrap_or(Refused)
    }

    /// Whether an answer still decides it.
    pub(super) fn is_open(self) -> bool {
        matches!(self, RequestState::Waiting | RequestState::Stuck | RequestState::Dropped)
    }
}

/// A request as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperatorRequest {
    pub id: String,
    /// The client transaction id under which it goes out: its own, until it was refused and is sent anew.
    pub transaction: String,
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
    /// `waiting`, `pending`, `done`, `refused`, `stuck`, `dropped` or `ended`.
    pub state: Option<String>,
}

/// A prefix that this node would like to have of the node above. One of `prefix` and `under` is there.
///
/// With `transferCode` it is one that another node has: its operator has handed the code over.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OwnPrefixRequest {
    #[schema(max_length = 255)]
    pub prefix: String,
    /// The next free one below this prefix of the node above.
    #[schema(max_length = 255)]
    pub under: String,
    #[schema(max_length = 64)]
    pub transfer_code: String,
    /// Where this node is to be found.
    pub delegation: DelegationData,
}

const COLUMNS: &str = "id, prefix, kind, own, state, tries, next_try, code, remark, server_transaction, created, \
                       updated, version, transaction_id";

fn read(row: &AnyRow) -> Result<OperatorRequest, Error> {
    let state = RequestState::parse(&row.try_get::<String, _>(4)?);
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
        transaction: row.try_get(13)?,
    })
}

pub(super) async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<OperatorRequest>, Error> {
    const SELECT: &str = "SELECT id, prefix, kind, own, state, tries, next_try, code, remark, server_transaction, \
                          created, updated, version, transaction_id FROM operator_request WHERE id = $1";
    let row = sqlx::query(SELECT).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

pub(super) fn absent(id: &str) -> Refusal {
    Refusal::absent("上级请求", "request to the node above", id)
}

pub(super) fn short(text: &str) -> String {
    text.chars().take(REMARK_MOST).collect()
}

/// Whether identifiers below it are answered for.
fn is_served(prefix: &Prefix) -> bool {
    let held = prefix.flags.iter().any(|flag| flag.name().ends_with("Hold"));
    prefix.state == State::Enabled && !held
}

/// The registration of a prefix that this node has given out.
pub(super) fn register(prefix: &Prefix, holder: &Subject) -> Command {
    Command::Create {
        prefix: prefix.name.clone(),
        under: String::new(),
        delegation: prefix.delegation.clone(),
        subject: Some(Box::new(holder.clone())),
        expires: prefix.expires,
    }
}

/// What is told after a registration of a prefix that is not served.
pub(super) fn disable_if_held(prefix: &Prefix) -> Option<Command> {
    let disable = || Command::Disable { prefix: prefix.name.clone(), reason: prefix.reason.clone() };
    (!is_served(prefix)).then(disable)
}

/// What the node above must learn of a change of a prefix.
fn commands(before: Option<&Prefix>, after: &Prefix, subject: &Subject) -> Vec<Command> {
    let name = || after.name.clone();
    let gone = |prefix: &Prefix| matches!(prefix.state, State::Deleted | State::Retired | State::Rejected);
    if after.enabled.is_none() {
        return Vec::new();
    }
    let Some(before) = before.filter(|before| before.enabled.is_some() && !gone(before)) else {
        return vec![register(after, subject)];
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
    match (is_served(before), is_served(after)) {
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

    pub(super) async fn queue_request(&mut self, command: &Command, own: bool) -> Result<String, Error> {
        let (id, now) = (self.fresh_id("opr"), self.now());
        let insert = "INSERT INTO operator_request (id, sequence, prefix, kind, command, own, state, tries, next_try, \
                      code, remark, server_transaction, created, updated, version, transaction_id) \
                      SELECT $1, COALESCE(MAX(sequence), 0) + 1, $2, $3, $4, $5, 'waiting', 0, $6, 0, '', '', $7, $8, 1, \
                      $9 FROM operator_request";
        sqlx::query(insert)
            .bind(&id)
            .bind(command.prefix())
            .bind(command.name())
            .bind(serde_json::to_string(command)?)
            .bind(i64::from(own))
            .bind(now)
            .bind(now)
            .bind(now)
            .bind(&id)
            .execute(self.sql())
            .await?;
        Ok(id)
    }

    pub(super) async fn write_request(
        &mut self,
        before: &OperatorRequest,
        mut after: OperatorRequest,
    ) -> Result<(), Error> {
        (after.updated, after.version) = (self.now(), before.version + 1);
        let update = "UPDATE operator_request SET prefix = $1, state = $2, tries = $3, next_try = $4, code = $5, \
                      remark = $6, server_transaction = $7, updated = $8, version = $9, transaction_id = $10 WHERE id = $11";
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
            .bind(&after.transaction)
            .bind(&after.id)
            .execute(self.sql())
            .await?;
        if before.own && after.state == RequestState::Done && matches!(after.kind.as_str(), "create" | "transfer") {
            add_own_prefix(self, &after.prefix).await?;
        }
        let (old, new) = crate::act::difference(before, &after);
        self.record("operator-request.answer", &format!("operator-request {}", before.id), None, old, new);
        Ok(())
    }
}

impl Act {
    async fn end_on_request(
        mut self,
        before: &OperatorRequest,
        after: OperatorRequest,
    ) -> Result<OperatorRequest, Error> {
        self.write_request(before, after).await?;
        let after = find(self.sql(), &before.id).await?.ok_or_else(|| absent(&before.id))?;
        self.commit(after).await
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
        if wish.under.len() > UNDER_MOST {
            let (zh, en) = ("上级前缀过长", "such a long prefix is nobody's");
            return Err(Refusal::fields(vec![FieldRefusal::new("under", "out-of-range", zh, en)]).into());
        }
        let prefix = if wish.prefix.is_empty() { String::new() } else { canonical(&wish.prefix)? };
        let (under, delegation, code) = (wish.under.clone(), wish.delegation.clone(), wish.transfer_code.trim());
        if !code.is_empty() && prefix.is_empty() {
            let (zh, en) = ("转移须写明前缀", "a transfer names the prefix");
            return Err(Refusal::fields(vec![FieldRefusal::new("prefix", "missing", zh, en)]).into());
        }
        let elsewhere = Some(delegation.clone()).filter(|delegation| *delegation != DelegationData::default());
        let command = match code.is_empty() {
            true => Command::Create { prefix, under, delegation, subject: None, expires: None },
            false => Command::Transfer { prefix, code: code.to_owned(), delegation: elsewhere },
        };
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

    /// Sends a waiting or stuck request at once, under its id; a refused one anew, under another: the node above would
    /// only repeat what it said.
    pub async fn retry_operator_request(&self, caller: &Caller, id: &str) -> Result<OperatorRequest, Error> {
        let (act, before) = self.begin_on_request(caller, id).await?;
        let transaction = match before.state {
            RequestState::Waiting | RequestState::Stuck => before.transaction.clone(),
            RequestState::Refused => act.fresh_id("opr"),
            _ => {
                let (zh, en) =
                    ("该请求已受理或已放弃，不能重发", "the request is accepted or dropped: it is not sent anew");
                return Err(Refusal::new(Kind::Conflict, "request-accepted", zh, en).into());
            }
        };
        let (state, next_try) = (RequestState::Waiting, act.now());
        let after = OperatorRequest { state, transaction, next_try, tries: 0, ..before.clone() };
        act.end_on_request(&before, after).await
    }

    /// Gives a request up that has no answer or a refusal. Whether it has arrived above nobody knows then.
    pub async fn drop_operator_request(&self, caller: &Caller, id: &str) -> Result<OperatorRequest, Error> {
        let (act, before) = self.begin_on_request(caller, id).await?;
        if !matches!(before.state, RequestState::Waiting | RequestState::Stuck | RequestState::Refused) {
            let (zh, en) =
                ("该请求已受理或已放弃，不能放弃", "the request is accepted or dropped: it cannot be dropped");
            return Err(Refusal::new(Kind::Conflict, "request-accepted", zh, en).into());
        }
        let after = OperatorRequest { state: RequestState::Dropped, ..before.clone() };
        act.end_on_request(&before, after).await
    }

    async fn begin_on_request(&self, caller: &Caller, id: &str) -> Result<(Act, OperatorRequest), Error> {
        let object = format!("operator-request {id}");
        let act = self.begin(caller, Permission::OperatorWrite, &object).await?;
        let mut act = act.reach(None, &object, absent(id)).await?;
        let before = find(act.sql(), id).await?.ok_or_else(|| absent(id))?;
        Ok((act, before))
    }

    /// Prefixes of this node that it has obtained from the node above.
    pub async fn obtained_prefixes(&self) -> Result<Vec<String>, Error> {
        let select = "SELECT DISTINCT prefix FROM operator_request WHERE own = 1 AND kind IN ('create', 'transfer') \
                      AND state = 'done' ORDER BY prefix";
        let rows = sqlx::query(select).fetch_all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}
