//! The audit trail: every change and every denied attempt, chained by hashes in the transaction that made it.
//!
//! `hash(n) = H(hash(n-1) ‖ 0x0A ‖ canonical(n))`, where `canonical` is the JSON array of the entry's columns in the
//! order of [`canonical`]. The hash names its algorithm: `sm3:…`, `sha256:…`. Nothing changes or removes an entry but
//! [`Registry::prune_audit`], which moves the start of the chain and keeps the hash that it starts from.

use crate::caller::{Caller, DAY, Origin, Time};
use crate::error::{Error, Kind, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use sm3::Sm3;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

/// Entries are kept at least this long (days): six months, Cybersecurity Law art. 21.
pub const RETENTION_DAYS: i64 = 180;
/// Entries read at once while verifying.
const STRIDE: i64 = 1000;
/// Entries of an export that are read at once: at most 13 MB.
const EXPORTED: i64 = 100;
/// Most characters of a state kept with an entry; a longer one is kept as its digest.
const STATE: usize = 64 << 10;

/// The hash of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChainDigest {
    #[default]
    Sm3,
    Sha256,
}

impl ChainDigest {
    fn of(self, text: &str) -> String {
        match self {
            ChainDigest::Sm3 => format!("sm3:{}", hex::encode(Sm3::digest(text.as_bytes()))),
            ChainDigest::Sha256 => format!("sha256:{}", hex::encode(Sha256::digest(text.as_bytes()))),
        }
    }

    /// The algorithm that a stored hash names.
    fn named(hash: &str) -> Option<Self> {
        match hash.split(':').next() {
            Some("sm3") => Some(ChainDigest::Sm3),
            Some("sha256") => Some(ChainDigest::Sha256),
            _ => None,
        }
    }
}

/// How an attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Done,
    Denied,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Denied => "denied",
        }
    }
}

/// What is to be written down.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// The permission or act, such as `prefix.allocate`.
    pub action: String,
    /// Kind and id, such as `prefix 88.118.8`.
    pub object: String,
    pub outcome: Outcome,
    pub before: Json,
    pub after: Json,
    /// Whose thing it is.
    pub organisation: Option<String>,
}

/// An entry as it is read.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    pub sequence: i64,
    /// Milliseconds since 1970.
    pub at: Time,
    /// Name of whoever asked.
    pub actor: String,
    /// How they had proven themselves: `session …`, `key …`, `local …`, `node`, `anonymous`.
    pub origin: String,
    pub account: String,
    pub address: String,
    pub request: String,
    pub organisation: String,
    pub action: String,
    pub object: String,
    pub outcome: String,
    #[schema(value_type = Option<Object>)]
    pub before: Json,
    #[schema(value_type = Option<Object>)]
    pub after: Json,
    pub hash: String,
}

/// The newest entry, and where the kept part of the chain starts.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub sequence: i64,
    pub hash: String,
}

/// Waits until nobody else writes, in this process or another, and reads where the chain ends.
pub(crate) async fn lock_head(transaction: &mut Transaction<'static, Any>) -> Result<Head, Error> {
    let row = sqlx::query("UPDATE audit_head SET sequence = sequence WHERE id = 1 RETURNING sequence, hash")
        .fetch_one(&mut **transaction)
        .await?;
    Ok(Head { sequence: row.try_get(0)?, hash: row.try_get(1)? })
}

pub(crate) async fn store_head(transaction: &mut Transaction<'static, Any>, head: &Head) -> Result<(), Error> {
    let write = sqlx::query("UPDATE audit_head SET sequence = $1, hash = $2 WHERE id = 1");
    write.bind(head.sequence).bind(&head.hash).execute(&mut **transaction).await?;
    Ok(())
}

/// Adds one entry; the head is stored by whoever commits.
pub(crate) async fn append(
    transaction: &mut Transaction<'static, Any>,
    head: &mut Head,
    caller: &Caller,
    new: &NewEntry,
    digest: ChainDigest,
) -> Result<(), Error> {
    let origin = match &caller.origin {
        Origin::Anonymous => "anonymous".to_owned(),
        Origin::Session { session, .. } => format!("session {session}"),
        Origin::Key { key, .. } => format!("key {key}"),
        Origin::Local { user } => format!("local {user}"),
        Origin::Node => "node".to_owned(),
    };
    let (before, after) = (shortened(&new.before, digest), shortened(&new.after, digest));
    let mut entry = AuditEntry {
        sequence: head.sequence + 1,
        at: caller.at,
        actor: caller.name.clone(),
        origin,
        account: caller.account().unwrap_or_default().to_owned(),
        address: caller.address.clone(),
        request: caller.request.clone(),
        organisation: new.organisation.clone().unwrap_or_default(),
        action: new.action.clone(),
        object: new.object.clone(),
        outcome: new.outcome.name().into(),
        before: Json::Null,
        after: Json::Null,
        hash: String::new(),
    };
    entry.hash = digest.of(&format!("{}\n{}", head.hash, canonical(&entry, &before, &after)));
    let insert = "INSERT INTO audit_entry (sequence, at, actor, origin, account, address, request, organisation, \
                  action, object, outcome, before_state, after_state, hash) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    sqlx::query(insert)
        .bind(entry.sequence)
        .bind(entry.at)
        .bind(&entry.actor)
        .bind(&entry.origin)
        .bind(&entry.account)
        .bind(&entry.address)
        .bind(&entry.request)
        .bind(&entry.organisation)
        .bind(&entry.action)
        .bind(&entry.object)
        .bind(&entry.outcome)
        .bind(&before)
        .bind(&after)
        .bind(&entry.hash)
        .execute(&mut **transaction)
        .await?;
    head.sequence = entry.sequence;
    head.hash = entry.hash;
    Ok(())
}

/// The text of a state, or of its digest where it is very long.
fn shortened(state: &Json, digest: ChainDigest) -> String {
    let text = state.to_string();
    match text.len() > STATE {
        true => json!({"digest": digest.of(&text), "characters": text.len()}).to_string(),
        false => text,
    }
}

const COLUMNS: &str = "sequence, at, actor, origin, account, address, request, organisation, action, object, outcome, \
                       before_state, after_state, hash";

fn read(row: &AnyRow) -> Result<AuditEntry, Error> {
    let state = |at: usize| -> Result<Json, Error> { Ok(serde_json::from_str(&row.try_get::<String, _>(at)?)?) };
    Ok(AuditEntry {
        sequence: row.try_get(0)?,
        at: row.try_get(1)?,
        actor: row.try_get(2)?,
        origin: row.try_get(3)?,
        account: row.try_get(4)?,
        address: row.try_get(5)?,
        request: row.try_get(6)?,
        organisation: row.try_get(7)?,
        action: row.try_get(8)?,
        object: row.try_get(9)?,
        outcome: row.try_get(10)?,
        before: state(11)?,
        after: state(12)?,
        hash: row.try_get(13)?,
    })
}

/// Which entries are wanted; empty fields do not restrict.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct AuditFilter {
    /// Moment in milliseconds, inclusive.
    pub since: Option<i64>,
    /// Moment in milliseconds, exclusive.
    pub until: Option<i64>,
    pub account: Option<String>,
    pub organisation: Option<String>,
    /// Exactly this object, such as `prefix 88.118.8`.
    pub object: Option<String>,
    /// Exactly this action, or all that begin with it where it ends with a dot: `prefix.`.
    pub action: Option<String>,
    /// `done` or `denied`.
    pub outcome: Option<String>,
}

/// What a check of the whole chain found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    pub whole: bool,
    /// Entries read.
    pub entries: i64,
    /// First and last sequence that should be there.
    pub first: i64,
    pub last: i64,
    /// Hash of the last entry: keep it elsewhere, and a later check shows that nothing before it was changed.
    pub head: String,
    /// The first breach.
    pub breach: Option<Breach>,
}

/// What came of a pruning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pruned {
    /// Entries that are gone.
    pub removed: i64,
}

/// Where the chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Breach {
    pub sequence: i64,
    pub zh: String,
    pub en: String,
}

/// Entries that the filter names, as far as the caller reaches them.
fn wanted(caller: &Caller, filter: &AuditFilter) -> Filter {
    let mut wanted = Filter::new("audit_entry", COLUMNS);
    wanted.at_least("at", filter.since);
    wanted.below("at", filter.until);
    wanted.equal("account", filter.account.as_deref());
    wanted.equal("organisation", filter.organisation.as_deref());
    wanted.equal("organisation", caller.organisation());
    wanted.equal("object", filter.object.as_deref());
    match filter.action.as_deref() {
        Some(action) if action.ends_with('.') => wanted.prefixed("action", Some(action)),
        action => wanted.equal("action", action),
    }
    wanted.equal("outcome", filter.outcome.as_deref());
    wanted
}

impl Registry {
    /// A page of the trail, newest first unless told otherwise.
    pub async fn audit(
        &self,
        caller: &Caller,
        filter: &AuditFilter,
        listing: &Listing,
    ) -> Result<Page<AuditEntry>, Error> {
        self.authorise(caller, Permission::AuditRead, "audit").await?;
        let key = Column::Number("sequence");
        wanted(caller, filter).page(self, listing, &[key], "-sequence", key, read).await
    }

    /// Begins an export: writes down that and what is exported, and says up to which entry.
    pub async fn begin_audit_export(&self, caller: &Caller, filter: &AuditFilter, format: &str) -> Result<i64, Error> {
        let mut act = self.begin(caller, Permission::AuditExport, "audit").await?;
        let last = sqlx::query("SELECT sequence FROM audit_head WHERE id = 1").fetch_one(act.sql()).await?;
        let last: i64 = last.try_get(0)?;
        let after = json!({"format": format, "upTo": last, "filter": filter});
        let organisation = caller.organisation().map(str::to_owned);
        act.record("audit.export", "audit", organisation.as_deref(), json!(null), after);
        act.commit(last).await
    }

    /// The next entries of an export that was begun, oldest first, behind `after` and up to `last`; none at the end.
    pub async fn audit_export(
        &self,
        caller: &Caller,
        filter: &AuditFilter,
        after: i64,
        last: i64,
    ) -> Result<Vec<AuditEntry>, Error> {
        self.authorise(caller, Permission::AuditExport, "audit").await?;
        let mut wanted = wanted(caller, filter);
        wanted.at_least("sequence", Some(after.saturating_add(1)));
        wanted.below("sequence", Some(last.saturating_add(1)));
        wanted.first(self, Column::Number("sequence"), EXPORTED, read).await
    }

    /// Reads the whole chain and compares every hash. Takes no lock: entries added meanwhile are not looked at.
    pub async fn verify_audit(&self, caller: &Caller) -> Result<Verification, Error> {
        self.authorise(caller, Permission::AuditRead, "audit").await?;
        let head = sqlx::query("SELECT sequence, hash, pruned_sequence, pruned_hash FROM audit_head WHERE id = 1");
        let row = head.fetch_one(self.database.reader()).await?;
        let (last, head): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        let (pruned, mut hash): (i64, String) = (row.try_get(2)?, row.try_get(3)?);
        let mut found = Verification { whole: true, entries: 0, first: pruned + 1, last, head, breach: None };
        let mut expected = pruned + 1;
        while expected <= last && found.breach.is_none() {
            let select = "SELECT sequence, at, actor, origin, account, address, request, organisation, action, object, \
                          outcome, before_state, after_state, hash FROM audit_entry \
                          WHERE sequence >= $1 AND sequence < $2 ORDER BY sequence";
            let rows = sqlx::query(select).bind(expected).bind((expected + STRIDE).min(last + 1));
            let rows = rows.fetch_all(self.database.reader()).await?;
            let end = (expected + STRIDE).min(last + 1);
            for row in &rows {
                found.breach = link(row, expected, &hash)?;
                if found.breach.is_some() {
                    break;
                }
                hash = row.try_get(13)?;
                expected += 1;
                found.entries += 1;
            }
            if found.breach.is_none() && expected < end {
                found.breach = Some(missing(expected));
            }
        }
        if found.breach.is_none() && hash != found.head {
            let (zh, en) = ("链尾与记录不符".into(), "the chain does not end as the head says".into());
            found.breach = Some(Breach { sequence: last, zh, en });
        }
        found.whole = found.breach.is_none();
        Ok(found)
    }

    /// Removes entries older than `days` (at least [`RETENTION_DAYS`]); the chain starts after them. Says how many.
    pub async fn prune_audit(&self, caller: &Caller, days: i64) -> Result<Pruned, Error> {
        if days < RETENTION_DAYS {
            let zh = format!("审计记录至少保留 {RETENTION_DAYS} 天");
            let en = format!("audit entries are kept for at least {RETENTION_DAYS} days");
            return Err(Refusal::new(Kind::Invalid, "audit-retention", zh, en).into());
        }
        let act = self.begin(caller, Permission::AuditExport, "audit").await?;
        // The chain is one for all: who sees a part of it cannot cut it.
        let mut act = act.reach(None, "audit", Refusal::absent("审计", "audit trail", "")).await?;
        let before = caller.at.saturating_sub(days.saturating_mul(DAY));
        let newest = sqlx::query("SELECT COALESCE(MAX(sequence), 0) FROM audit_entry WHERE at < $1").bind(before);
        let newest: i64 = newest.fetch_one(act.sql()).await?.try_get(0)?;
        if newest == 0 {
            return Ok(Pruned { removed: 0 });
        }
        let row = sqlx::query("SELECT hash FROM audit_entry WHERE sequence = $1").bind(newest);
        let hash: String = row.fetch_one(act.sql()).await?.try_get(0)?;
        let gone = sqlx::query("DELETE FROM audit_entry WHERE sequence <= $1").bind(newest).execute(act.sql()).await?;
        let start = sqlx::query("UPDATE audit_head SET pruned_sequence = $1, pruned_hash = $2 WHERE id = 1");
        start.bind(newest).bind(&hash).execute(act.sql()).await?;
        let removed = i64::try_from(gone.rows_affected()).unwrap_or(i64::MAX);
        act.record(
            "audit.prune",
            "audit",
            None,
            json!(null),
            json!({"upTo": newest, "hash": hash, "removed": removed}),
        );
        act.commit(Pruned { removed }).await
    }
}

/// Whether a row is the next link; the breach if not.
fn link(row: &AnyRow, expected: i64, previous: &str) -> Result<Option<Breach>, Error> {
    let sequence: i64 = row.try_get(0)?;
    if sequence != expected {
        return Ok(Some(missing(expected)));
    }
    let breach = |zh: &str, en: &str| Some(Breach { sequence, zh: zh.into(), en: en.into() });
    let Ok(entry) = read(row) else {
        return Ok(breach("记录已损坏，无法读取", "the entry is damaged and cannot be read"));
    };
    // The stored texts count, not what parsing makes of them.
    let texts: (String, String) = (row.try_get(11)?, row.try_get(12)?);
    let Some(digest) = ChainDigest::named(&entry.hash) else {
        return Ok(breach("散列值无法识别", "the hash names no algorithm"));
    };
    let covered = canonical(&entry, &texts.0, &texts.1);
    match digest.of(&format!("{previous}\n{covered}")) == entry.hash {
        true => Ok(None),
        false => Ok(breach("记录内容与散列值不符", "the entry is not what its hash says")),
    }
}

/// What the hash covers beside the hash before it; the states as they are stored.
fn canonical(entry: &AuditEntry, before: &str, after: &str) -> String {
    json!([
        entry.sequence,
        entry.at,
        entry.actor,
        entry.origin,
        entry.account,
        entry.address,
        entry.request,
        entry.organisation,
        entry.action,
        entry.object,
        entry.outcome,
        before,
        after,
    ])
    .to_string()
}

fn missing(sequence: i64) -> Breach {
    Breach { sequence, zh: "缺少该条记录".into(), en: "this entry is missing".into() }
}
