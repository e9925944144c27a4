//! Transfers: a prefix goes to another holder, or its holder goes to another sponsor (secondary node).
//!
//! ```text
//!                      ┌─ both have consented ───────────► client-approved
//!                      ├─ losing side or holder refuses ─► client-rejected
//! code ─► request ─► pending ─ gaining side withdraws ───► client-cancelled
//!                      ├─ silence, the holder consented,
//!                      │  or the node's operator decides ► server-approved
//!                      └─ silence without the holder,
//!                         or the operator stops it ──────► server-cancelled
//! ```
//! The code comes from the losing side and is shown once. Made by the holder, it is the holder's consent. Approval
//! changes sponsor or holder, servers, flags and what is published in one act.

use super::delegation;
use super::flag::{Action, Flag};
use super::hosting::moved_out;
use super::prefix::{self, DelegationData, Row};
use super::quota::{self, QuotaKind};
use super::rules::{self, PrefixRules, after};
use super::state::Event;
use crate::act::{Act, difference};
use crate::caller::{Caller, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::organisations::{self, OrganisationState};
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use subtle::ConstantTimeEq;

/// Characters of a code, 5 bits each: 130 bits.
const CODE_CHARACTERS: usize = 26;
/// Characters of a remark.
const REMARK_MOST: usize = 500;

/// What changes hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TransferKind {
    /// The prefix goes to another organisation.
    Holder,
    /// Another organisation looks after it.
    Sponsor,
}

/// Where a transfer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TransferState {
    Pending,
    ClientApproved,
    ClientRejected,
    ClientCancelled,
    ServerApproved,
    ServerCancelled,
}

/// Why a transfer is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RejectReason {
    /// 有争议.
    Dispute,
    /// 涉嫌欺诈.
    Fraud,
    /// 欠费.
    Unpaid,
    /// 持有方不同意.
    HolderObjects,
    /// 锁定期内.
    Locked,
}

/// A transfer as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Transfer {
    pub id: String,
    pub prefix: String,
    pub kind: TransferKind,
    /// Organisations; empty for the node itself.
    pub gaining: String,
    pub losing: String,
    pub holder: String,
    pub state: TransferState,
    /// Where it is served afterwards, if that changes.
    pub delegation: Option<DelegationData>,
    pub losing_consent: bool,
    pub holder_consent: bool,
    pub requested_by: String,
    pub requested: Time,
    /// Until then the losing side can answer.
    pub due: Time,
    pub decided_by: String,
    pub decided: Option<Time>,
    pub reason: String,
    pub remark: String,
    pub version: i64,
}

/// A code that lets somebody ask for a transfer. Shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransferCode {
    pub prefix: String,
    pub code: String,
    pub expires: Time,
}

/// A transfer that the gaining side asks for.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TransferRequest {
    pub prefix: String,
    pub kind: TransferKind,
    /// What the losing side has handed over.
    #[schema(max_length = 64)]
    pub code: String,
    /// The organisation that gains it; empty for this node as sponsor.
    #[serde(default)]
    pub gaining: String,
    /// Where it is served afterwards; absent to leave it where it is.
    #[serde(default)]
    pub delegation: Option<DelegationData>,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub remark: String,
}

/// What somebody says to a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case", tag = "answer")]
pub enum TransferAnswer {
    Approve,
    Reject { reason: RejectReason },
    Cancel,
}

/// Which transfers are wanted.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct TransferFilter {
    pub prefix: Option<String>,
    /// `pending`, `client-approved`, ….
    pub state: Option<String>,
}

const COLUMNS: &str = "id, prefix, kind, gaining, losing, holder, state, delegation, losing_consent, holder_consent, \
    requested_by, requested, due, decided_by, decided, reason, remark, version";
const SORTABLE: [Column; 2] = [Column::Number("requested"), Column::Text("prefix")];

/// A unit variant by its name in the API.
fn word<T: serde::de::DeserializeOwned>(text: String) -> Result<T, Error> {
    Ok(serde_json::from_value(text.into())?)
}

fn name_of(word: &impl Serialize) -> Result<String, Error> {
    Ok(serde_json::to_value(word)?.as_str().unwrap_or_default().to_owned())
}

fn read(row: &AnyRow) -> Result<Transfer, Error> {
    let decided: Time = row.try_get(14)?;
    Ok(Transfer {
        id: row.try_get(0)?,
        prefix: row.try_get(1)?,
        kind: word(row.try_get(2)?)?,
        gaining: row.try_get(3)?,
        losing: row.try_get(4)?,
        holder: row.try_get(5)?,
        state: word(row.try_get(6)?)?,
        delegation: serde_json::from_str(&row.try_get::<String, _>(7)?)?,
        losing_consent: row.try_get::<i64, _>(8)? != 0,
        holder_consent: row.try_get::<i64, _>(9)? != 0,
        requested_by: row.try_get(10)?,
        requested: row.try_get(11)?,
        due: row.try_get(12)?,
        decided_by: row.try_get(13)?,
        decided: (decided != 0).then_some(decided),
        reason: row.try_get(15)?,
        remark: row.try_get(16)?,
        version: row.try_get(17)?,
    })
}

async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<Transfer>, Error> {
    const SELECT: &str = "SELECT id, prefix, kind, gaining, losing, holder, state, delegation, losing_consent, \
        holder_consent, requested_by, requested, due, decided_by, decided, reason, remark, version \
        FROM transfer WHERE id = $1";
    sqlx::query(SELECT).bind(id).fetch_optional(connection).await?.as_ref().map(read).transpose()
}

fn absent(id: &str) -> Refusal {
    Refusal::absent("转移", "transfer", id)
}

fn hash(code: &str) -> String {
    hex::encode(Sha256::digest(code.trim().to_ascii_lowercase()))
}

fn wrong_code() -> Refusal {
    let (zh, en) = ("转移授权码不正确或已过期", "the transfer code is wrong or has expired");
    Refusal::new(Kind::Denied, "transfer-code", zh, en)
}

impl Transfer {
    /// The party of the caller's organisation: through it the caller reaches the transfer.
    fn party(&self, organisation: Option<&str>) -> &str {
        match organisation {
            Some(own) if own == self.gaining => &self.gaining,
            Some(own) if own == self.losing => &self.losing,
            _ => &self.holder,
        }
    }
}

impl Row {
    fn locked_until(&self, rules: &PrefixRules) -> Time {
        after(self.created.max(self.transferred), rules.transfer_lock_days)
    }
}

impl Registry {
    /// Makes a code with which somebody else can ask for the prefix; a former one ends.
    pub async fn transfer_code(&self, caller: &Caller, text: &str) -> Result<TransferCode, Error> {
        let code = crate::id::text(self.random, CODE_CHARACTERS);
        let (mut act, before) = self.begin_on(caller, Permission::PrefixWrite, text, None).await?;
        before.state.after(Event::Transfer)?;
        before.all_flags().permit(Action::Transfer)?;
        let rules = rules::read(act.sql()).await?;
        let expires = after(act.now(), rules.transfer_code_days);
        let code_by_holder = caller.organisation() == Some(before.organisation.as_str());
        let row = Row { code_hash: hash(&code), code_expires: expires, code_by_holder, ..before.clone() };
        let row = act.settle(&before, row, "prefix.transfer-code", json!({"expires": expires})).await?;
        // The answer is kept for repetition; the code is not: whoever repeats the request gets none.
        act.caller.idempotency = None;
        act.commit(TransferCode { prefix: row.name, code, expires }).await
    }

    /// Asks for a prefix with its code.
    pub async fn request_transfer(&self, caller: &Caller, request: &TransferRequest) -> Result<Transfer, Error> {
        let name = hufu_ident::Prefix::folded(&request.prefix);
        let object = format!("prefix {}", name.as_str());
        let act = self.begin(caller, Permission::TransferWrite, &object).await?;
        let gaining = request.gaining.as_str();
        let side = (!gaining.is_empty()).then_some(gaining);
        let mut act = act.reach(side, &object, absent("")).await?;
        let found = prefix::find(act.sql(), name.as_str()).await?;
        let offered = hash(&request.code);
        let good =
            |row: &Row| row.code_hash.as_bytes().ct_eq(offered.as_bytes()).into() && act.caller.at < row.code_expires;
        let Some(before) = found.filter(good) else {
            drop(act);
            self.write_denial(caller, Permission::TransferWrite, &object).await?;
            return Err(wrong_code().into());
        };
        let transfer = act.open_transfer(&before, request).await?;
        act.commit(transfer).await
    }

    pub async fn transfer(&self, caller: &Caller, id: &str) -> Result<Transfer, Error> {
        let object = format!("transfer {id}");
        self.authorise(caller, Permission::PrefixRead, &object).await?;
        let mut connection = self.database.reader().acquire().await?;
        let found = find(&mut connection, id).await?;
        drop(connection);
        let party = found.as_ref().map(|found| found.party(caller.organisation()).to_owned());
        self.reach(caller, Permission::PrefixRead, party.as_deref(), &object, absent(id)).await?;
        Ok(found.ok_or_else(|| absent(id))?)
    }

    /// Those in which the caller is a party; the node's operator sees all.
    pub async fn transfers(
        &self,
        caller: &Caller,
        filter: &TransferFilter,
        listing: &Listing,
    ) -> Result<Page<Transfer>, Error> {
        self.authorise(caller, Permission::PrefixRead, "transfer").await?;
        let mut wanted = Filter::new("transfer", COLUMNS);
        wanted.either(&["gaining", "losing", "holder"], caller.organisation());
        wanted.equal("prefix", filter.prefix.as_deref().map(str::to_ascii_uppercase).as_deref());
        wanted.equal("state", filter.state.as_deref());
        wanted.page(self, listing, &SORTABLE, "-requested", Column::Text("id"), read).await
    }

    /// What a side says to it. The node's operator may decide in everybody's place.
    pub async fn answer_transfer(&self, caller: &Caller, id: &str, answer: TransferAnswer) -> Result<Transfer, Error> {
        let object = format!("transfer {id}");
        let mut act = self.begin(caller, Permission::TransferWrite, &object).await?;
        let found = find(act.sql(), id).await?;
        let party = found.as_ref().map(|found| found.party(caller.organisation()).to_owned());
        let mut act = act.reach(party.as_deref(), &object, absent(id)).await?;
        let before = found.ok_or_else(|| absent(id))?;
        if before.state != TransferState::Pending {
            let (zh, en) = ("该转移已有结果", "this transfer is decided already");
            return Err(Refusal::new(Kind::Conflict, "transfer-decided", zh, en).into());
        }
        let transfer = act.answer(before, caller.organisation(), answer).await?;
        act.commit(transfer).await
    }

    /// Time is over for the losing side; says whether the transfer was still open.
    pub(super) async fn end_transfer(&self, caller: &Caller, id: &str) -> Result<bool, Error> {
        let mut act = self.begin(caller, Permission::TransferWrite, &format!("transfer {id}")).await?;
        let Some(before) = find(act.sql(), id).await? else { return Ok(false) };
        if before.state != TransferState::Pending || before.due > act.now() {
            return Ok(false);
        }
        let rules = rules::read(act.sql()).await?;
        let consent = before.holder_consent && rules.transfer_silence_approves;
        let row = prefix::find(act.sql(), &before.prefix).await?;
        let movable = row.is_some_and(|row| row.state.after(Event::Transfer).is_ok());
        let after = Transfer { reason: "silence".into(), ..before.clone() };
        let state = if consent && movable { TransferState::ServerApproved } else { TransferState::ServerCancelled };
        act.close_transfer(&before, after, state).await?;
        act.commit(()).await?;
        Ok(true)
    }
}

impl Act {
    /// The checks of a request whose code is right, and the pending transfer.
    async fn open_transfer(&mut self, before: &Row, request: &TransferRequest) -> Result<Transfer, Error> {
        let rules = rules::read(self.sql()).await?;
        before.state.after(Event::Transfer)?;
        before.all_flags().permit(Action::Transfer)?;
        let now = self.now();
        if now < before.locked_until(&rules) {
            let days = rules.transfer_lock_days;
            let zh = format!("注册或上次转移后 {days} 天内不能转移");
            let en = format!("it cannot be transferred within {days} days after registration or the last transfer");
            return Err(Refusal::new(Kind::Conflict, "transfer-locked", zh, en).into());
        }
        let losing = match request.kind {
            TransferKind::Holder => &before.organisation,
            TransferKind::Sponsor => &before.sponsor,
        };
        if *losing == request.gaining {
            let (zh, en) = ("已经属于该方", "it belongs to that side already");
            return Err(Refusal::new(Kind::Conflict, "transfer-same", zh, en).into());
        }
        self.check_gaining(request, &rules).await?;
        let remark = request.remark.trim();
        if remark.chars().count() > REMARK_MOST {
            let (zh, en) = ("备注不超过 500 个字符", "a remark has 500 characters at most");
            return Err(Refusal::fields(vec![FieldRefusal::new("remark", "too-long", zh, en)]).into());
        }
        let transfer = Transfer {
            id: self.fresh_id("trf"),
            prefix: before.name.clone(),
            kind: request.kind,
            gaining: request.gaining.clone(),
            losing: losing.clone(),
            holder: before.organisation.clone(),
            state: TransferState::Pending,
            delegation: request.delegation.clone(),
            losing_consent: false,
            holder_consent: before.code_by_holder,
            requested_by: self.caller.name.clone(),
            requested: now,
            due: after(now, rules.transfer_answer_days),
            decided_by: String::new(),
            decided: None,
            reason: String::new(),
            remark: remark.to_owned(),
            version: 1,
        };
        insert(self.sql(), &transfer).await?;
        self.note_pending(&transfer.prefix).await?;
        self.tell_sides(&transfer, &name_of(&transfer.state)?).await?;
        let flags = before.flags.with(Flag::PendingTransfer);
        let row = Row { flags, code_hash: String::new(), code_expires: 0, ..before.clone() };
        self.settle(before, row, "prefix.transfer-request", json!({"transfer": transfer.id})).await?;
        let object = format!("transfer {}", transfer.id);
        self.record("transfer.create", &object, Some(&transfer.holder), json!(null), serde_json::to_value(&transfer)?);
        Ok(transfer)
    }

    async fn check_gaining(&mut self, request: &TransferRequest, rules: &PrefixRules) -> Result<(), Error> {
        if let Some(data) = &request.delegation {
            delegation::check(data, rules)?;
        }
        if request.gaining.is_empty() && request.kind == TransferKind::Sponsor {
            return Ok(());
        }
        let found = organisations::find(self.sql(), &request.gaining).await?;
        if found.is_none_or(|found| found.state != OrganisationState::Active) {
            let (zh, en) = ("没有该组织，或已停用", "there is no such organisation, or it is suspended");
            return Err(Refusal::fields(vec![FieldRefusal::new("gaining", "not-found", zh, en)]).into());
        }
        match request.kind {
            TransferKind::Holder => quota::charge(self, &request.gaining, QuotaKind::Prefixes, 1).await,
            TransferKind::Sponsor => Ok(()),
        }
    }

    async fn answer(
        &mut self,
        before: Transfer,
        organisation: Option<&str>,
        answer: TransferAnswer,
    ) -> Result<Transfer, Error> {
        let mut after = before.clone();
        let is = |party: &str| organisation == Some(party);
        let operator = organisation.is_none();
        match answer {
            TransferAnswer::Cancel if is(&before.gaining) || (operator && before.gaining.is_empty()) => {
                self.close_transfer(&before, after, TransferState::ClientCancelled).await
            }
            TransferAnswer::Cancel if operator => {
                self.close_transfer(&before, after, TransferState::ServerCancelled).await
            }
            TransferAnswer::Reject { reason } if operator || is(&before.losing) || is(&before.holder) => {
                after.reason = name_of(&reason)?;
                self.close_transfer(&before, after, TransferState::ClientRejected).await
            }
            TransferAnswer::Approve if operator || is(&before.losing) || is(&before.holder) => {
                let own_side = is(&before.losing) || (operator && before.losing.is_empty());
                after.losing_consent |= own_side || operator;
                after.holder_consent |= is(&before.holder) || (operator && !own_side);
                if after.losing_consent && after.holder_consent {
                    let by_node = operator && !before.losing.is_empty();
                    let state = if by_node { TransferState::ServerApproved } else { TransferState::ClientApproved };
                    return self.close_transfer(&before, after, state).await;
                }
                self.store_transfer(&before, after).await
            }
            _ => {
                let (zh, en) = ("这一决定应由另一方作出", "that is for the other side to decide");
                Err(Refusal::new(Kind::Denied, "transfer-not-yours", zh, en).into())
            }
        }
    }

    /// The transfer ends in `state`; approved, the prefix changes hands with it.
    async fn close_transfer(
        &mut self,
        before: &Transfer,
        mut after: Transfer,
        state: TransferState,
    ) -> Result<Transfer, Error> {
        (after.state, after.decided, after.decided_by) = (state, Some(self.now()), self.caller.name.clone());
        let approved = matches!(state, TransferState::ClientApproved | TransferState::ServerApproved);
        let Some(prefix) = prefix::find(self.sql(), &before.prefix).await? else {
            return Err(Error::Fault(format!("the transfer {} is of no prefix", before.id)));
        };
        let mut row = Row { flags: prefix.flags.without(Flag::PendingTransfer), ..prefix.clone() };
        if approved {
            prefix.state.after(Event::Transfer)?;
            let rules = rules::read(self.sql()).await?;
            row.flags = row.flags.without_client();
            if let Some(data) = &before.delegation {
                row = moved_out(&row, data, self.now(), rules.move_out_seconds);
            }
            match before.kind {
                TransferKind::Holder => row.organisation = before.gaining.clone(),
                TransferKind::Sponsor => row.sponsor = before.gaining.clone(),
            }
            row.transferred = self.now();
        }
        let action = if approved { "prefix.transfer" } else { "prefix.transfer-end" };
        self.settle(&prefix, row, action, json!({"transfer": before.id})).await?;
        self.store_transfer(before, after).await
    }

    async fn store_transfer(&mut self, before: &Transfer, mut after: Transfer) -> Result<Transfer, Error> {
        after.version = before.version + 1;
        let update = "UPDATE transfer SET state = $1, losing_consent = $2, holder_consent = $3, decided_by = $4, \
                      decided = $5, reason = $6, version = $7 WHERE id = $8 AND version = $9 AND state = 'pending'";
        let done = sqlx::query(update)
            .bind(name_of(&after.state)?)
            .bind(i64::from(after.losing_consent))
            .bind(i64::from(after.holder_consent))
            .bind(after.decided_by.clone())
            .bind(after.decided.unwrap_or_default())
            .bind(after.reason.clone())
            .bind(after.version)
            .bind(after.id.clone())
            .bind(before.version)
            .execute(self.sql())
            .await?;
        if done.rows_affected() != 1 {
            return Err(Refusal::stale(before.version).into());
        }
        if after.state != before.state {
            self.tell_sides(&after, &name_of(&after.state)?).await?;
        }
        let (old, new) = difference(before, &after);
        self.record("transfer.decide", &format!("transfer {}", after.id), Some(&after.holder), old, new);
        Ok(after)
    }
}

async fn insert(connection: &mut AnyConnection, new: &Transfer) -> Result<(), Error> {
    let insert = "INSERT INTO transfer (id, prefix, kind, gaining, losing, holder, state, delegation, \
                  losing_consent, holder_consent, requested_by, requested, due, decided_by, decided, reason, remark, \
                  version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11, $12, '', 0, '', $13, 1)";
    sqlx::query(insert)
        .bind(new.id.clone())
        .bind(new.prefix.clone())
        .bind(name_of(&new.kind)?)
        .bind(new.gaining.clone())
        .bind(new.losing.clone())
        .bind(new.holder.clone())
        .bind(name_of(&new.state)?)
        .bind(serde_json::to_string(&new.delegation)?)
        .bind(i64::from(new.holder_consent))
        .bind(new.requested_by.clone())
        .bind(new.requested)
        .bind(new.due)
        .bind(new.remark.clone())
        .execute(connection)
        .await?;
    Ok(())
}
