//! Quotas: how much an organisation may have.
//!
//! Prefixes are rows and are counted where they stand. Identifiers are not: whoever makes them charges them here
//! ([`charge`]), in the act that makes them, and gives them back ([`refund`]) in the act that takes them away.

use super::prefix;
use super::rules;
use crate::act::Act;
use crate::caller::Caller;
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::notices::{Audience, NewNotice, NoticeKind};
use crate::organisations;
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{AnyConnection, Row};

/// Largest quota that can be set.
const MOST: i64 = 1_000_000_000_000;

/// A quota is near when less than one part of this many is left.
const NEAR: i64 = 10;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QuotaKind {
    /// Prefixes that are pending or held.
    Prefixes,
    /// Identifiers below all of them.
    Identifiers,
}

/// A quota and what is used of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quota {
    pub organisation: String,
    pub kind: QuotaKind,
    /// Absent for no bound.
    pub most: Option<i64>,
    /// Absent where nothing was charged yet.
    pub used: Option<i64>,
    /// Whether it is the default of the node.
    pub default: bool,
}

/// New bounds of one organisation; absent ones go back to the default.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct QuotaChange {
    #[schema(minimum = 0)]
    pub prefixes: Option<i64>,
    #[schema(minimum = 0)]
    pub identifiers: Option<i64>,
}

impl QuotaKind {
    const ALL: [QuotaKind; 2] = [QuotaKind::Prefixes, QuotaKind::Identifiers];

    const fn name(self) -> &'static str {
        match self {
            QuotaKind::Prefixes => "prefixes",
            QuotaKind::Identifiers => "identifiers",
        }
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            QuotaKind::Prefixes => ("前缀", "prefixes"),
            QuotaKind::Identifiers => ("标识", "identifiers"),
        }
    }
}

async fn bound(connection: &mut AnyConnection, organisation: &str, kind: QuotaKind) -> Result<Option<i64>, Error> {
    let select = "SELECT most FROM quota WHERE organisation = $1 AND kind = $2";
    let row = sqlx::query(select).bind(organisation).bind(kind.name()).fetch_optional(connection).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

async fn prefixes_of(connection: &mut AnyConnection, organisation: &str) -> Result<i64, Error> {
    let count = "SELECT COUNT(*) FROM prefix WHERE organisation = $1 \
                 AND state NOT IN ('rejected', 'deleted', 'retired')";
    Ok(sqlx::query(count).bind(organisation).fetch_one(connection).await?.try_get(0)?)
}

async fn quotas_of(connection: &mut AnyConnection, organisation: &str) -> Result<Vec<Quota>, Error> {
    let default = rules::read(connection).await?.quota_prefixes;
    let mut quotas = Vec::with_capacity(QuotaKind::ALL.len());
    for kind in QuotaKind::ALL {
        let set = bound(connection, organisation, kind).await?;
        let (most, used) = match kind {
            QuotaKind::Prefixes => (set.or(Some(default)), Some(prefixes_of(connection, organisation).await?)),
            QuotaKind::Identifiers => (set, charged(connection, organisation, kind).await?),
        };
        quotas.push(Quota { organisation: organisation.to_owned(), kind, most, used, default: set.is_none() });
    }
    Ok(quotas)
}

/// What was charged; none where nothing ever was.
async fn charged(connection: &mut AnyConnection, organisation: &str, kind: QuotaKind) -> Result<Option<i64>, Error> {
    let select = "SELECT used FROM quota_used WHERE organisation = $1 AND kind = $2";
    let row = sqlx::query(select).bind(organisation).bind(kind.name()).fetch_optional(connection).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Passes if `organisation` may have `more` of a kind, and counts them. Told once when nine tenths are passed.
///
/// Prefixes are counted by their rows, which the caller writes; identifiers here.
pub async fn charge(act: &mut Act, organisation: &str, kind: QuotaKind, more: i64) -> Result<(), Error> {
    if more < 0 {
        return Err(Error::Fault(format!("{more} are not charged but refunded")));
    }
    let (most, used) = match kind {
        QuotaKind::Prefixes => {
            let most = bound(act.sql(), organisation, kind).await?;
            let default = rules::read(act.sql()).await?.quota_prefixes;
            (Some(most.unwrap_or(default)), prefixes_of(act.sql(), organisation).await?)
        }
        QuotaKind::Identifiers => {
            let most = bound(act.sql(), organisation, kind).await?;
            (most, charged(act.sql(), organisation, kind).await?.unwrap_or(0))
        }
    };
    let after = used.saturating_add(more);
    if let Some(most) = most.filter(|most| after > *most && more > 0) {
        return Err(exceeded(kind, used, most, more).into());
    }
    if kind == QuotaKind::Identifiers {
        count(act, organisation, kind, after).await?;
    }
    let near = |number: i64| most.is_some_and(|most| number >= most - most / NEAR);
    if near(after) && !near(used) {
        act.tell_quota(organisation, kind, after, most.unwrap_or_default()).await?;
    }
    Ok(())
}

/// Gives back what was charged.
pub async fn refund(act: &mut Act, organisation: &str, kind: QuotaKind, fewer: i64) -> Result<(), Error> {
    let used = charged(act.sql(), organisation, kind).await?.unwrap_or(0);
    match kind {
        QuotaKind::Prefixes => Ok(()),
        QuotaKind::Identifiers => count(act, organisation, kind, used.saturating_sub(fewer.max(0)).max(0)).await,
    }
}

async fn count(act: &mut Act, organisation: &str, kind: QuotaKind, used: i64) -> Result<(), Error> {
    let upsert = "INSERT INTO quota_used (organisation, kind, used) VALUES ($1, $2, $3) \
                  ON CONFLICT (organisation, kind) DO UPDATE SET used = excluded.used";
    sqlx::query(upsert).bind(organisation).bind(kind.name()).bind(used).execute(act.sql()).await?;
    Ok(())
}

fn exceeded(kind: QuotaKind, used: i64, most: i64, more: i64) -> Refusal {
    let (zh, en) = kind.words();
    let zh = format!("{zh}数量超出配额（已用 {used}/{most}，本次 {more}），请先申请提高配额");
    let en = format!("the quota of {en} does not allow {more} more ({used} of {most} used); ask for a larger one");
    Refusal::new(Kind::Limit, "quota-exceeded", zh, en)
}

impl Act {
    async fn tell_quota(&mut self, organisation: &str, kind: QuotaKind, used: i64, most: i64) -> Result<(), Error> {
        let (zh, en) = kind.words();
        let facts = vec![("name", format!("{zh} {en}")), ("state", format!("{used}/{most}"))];
        let (audience, object) = (Audience::Organisation(organisation.into()), format!("quota {organisation}"));
        self.notify(&NewNotice { kind: NoticeKind::QuotaNear, audience, object, facts, mail: None }).await
    }
}

fn absent(id: &str) -> Refusal {
    Refusal::absent("组织", "organisation", id)
}

impl Registry {
    pub async fn quotas(&self, caller: &Caller, organisation: &str) -> Result<Vec<Quota>, Error> {
        let object = format!("quota {organisation}");
        self.authorise(caller, Permission::OrganisationRead, &object).await?;
        let refusal = absent(organisation);
        self.reach(caller, Permission::OrganisationRead, Some(organisation), &object, refusal).await?;
        let mut connection = self.database.reader().acquire().await?;
        organisations::find(&mut connection, organisation).await?.ok_or_else(|| absent(organisation))?;
        quotas_of(&mut connection, organisation).await
    }

    /// What is there already stays, even above the bound.
    pub async fn set_quotas(
        &self,
        caller: &Caller,
        organisation: &str,
        change: &QuotaChange,
    ) -> Result<Vec<Quota>, Error> {
        let object = format!("quota {organisation}");
        let act = self.begin(caller, Permission::QuotaWrite, &object).await?;
        let mut act = act.reach(None, &object, absent(organisation)).await?;
        organisations::find(act.sql(), organisation).await?.ok_or_else(|| absent(organisation))?;
        let before = quotas_of(act.sql(), organisation).await?;
        for (kind, most) in [(QuotaKind::Prefixes, change.prefixes), (QuotaKind::Identifiers, change.identifiers)] {
            let now = act.now();
            if most.is_some_and(|most| !(0..=MOST).contains(&most)) {
                let (zh, en) = (format!("配额应为 0–{MOST}"), format!("a quota is 0 to {MOST}"));
                return Err(Refusal::fields(vec![FieldRefusal::new(kind.name(), "out-of-range", zh, en)]).into());
            }
            match most {
                Some(most) => {
                    let upsert = "INSERT INTO quota (organisation, kind, most, updated) VALUES ($1, $2, $3, $4) \
                                  ON CONFLICT (organisation, kind) DO UPDATE SET most = excluded.most, \
                                  updated = excluded.updated";
                    let upsert = sqlx::query(upsert).bind(organisation).bind(kind.name()).bind(most).bind(now);
                    upsert.execute(act.sql()).await?;
                }
                None => {
                    let delete = "DELETE FROM quota WHERE organisation = $1 AND kind = $2";
                    sqlx::query(delete).bind(organisation).bind(kind.name()).execute(act.sql()).await?;
                }
            }
        }
        let after = quotas_of(act.sql(), organisation).await?;
        act.record("quota.write", &object, Some(organisation), json!(before), json!(after));
        act.commit(after).await
    }

    /// Identifiers that the organisation of a prefix may have; none for no bound.
    pub async fn identifier_quota(&self, prefix: &str) -> Result<Option<i64>, Error> {
        let mut connection = self.database.reader().acquire().await?;
        match prefix::find(&mut connection, prefix).await? {
            Some(row) => bound(&mut connection, &row.organisation, QuotaKind::Identifiers).await,
            None => Ok(None),
        }
    }
}
