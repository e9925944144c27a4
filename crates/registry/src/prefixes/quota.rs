//! Quotas: how much an organisation may have.

use super::prefix;
use super::rules;
use crate::act::Act;
use crate::caller::Caller;
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::organisations;
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{AnyConnection, Row};

/// Largest quota that can be set.
const MOST: i64 = 1_000_000_000_000;

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
    /// Absent where the registry does not count.
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
            QuotaKind::Identifiers => (set, Some(identifiers_of(connection, organisation).await?)),
        };
        quotas.push(Quota { organisation: organisation.to_owned(), kind, most, used, default: set.is_none() });
    }
    Ok(quotas)
}

impl Act {
    /// Passes if `organisation` may have one prefix more.
    pub(crate) async fn within_quota(&mut self, organisation: &str, default: i64) -> Result<(), Error> {
        let most = bound(self.sql(), organisation, QuotaKind::Prefixes).await?.unwrap_or(default);
        let used = prefixes_of(self.sql(), organisation).await?;
        if used < most {
            return Ok(());
        }
        let zh = format!("前缀数量已达配额（{used}/{most}），请先申请提高配额");
        let en = format!("the quota of prefixes is used up ({used} of {most}); ask for a larger one");
        Err(Refusal::new(Kind::Limit, "quota-exceeded", zh, en).into())
    }
}

impl Act {
    /// Refuses where the organisation has more identifiers than its quota; called after they were counted.
    pub(crate) async fn check_identifier_quota(&mut self, organisation: &str) -> Result<(), Error> {
        let Some(most) = bound(self.sql(), organisation, QuotaKind::Identifiers).await? else { return Ok(()) };
        let used = identifiers_of(self.sql(), organisation).await?;
        if used <= most {
            return Ok(());
        }
        let zh = format!("标识数量超出配额（{used}/{most}），请先申请提高配额");
        let en = format!("the quota of identifiers is used up ({used} of {most}); ask for a larger one");
        Err(Refusal::new(Kind::Limit, "quota-exceeded", zh, en).into())
    }
}

/// Identifiers of an organisation that are not deleted.
pub(crate) async fn identifiers_of(connection: &mut AnyConnection, organisation: &str) -> Result<i64, Error> {
    let sum = "SELECT CAST(COALESCE(SUM(objects), 0) AS BIGINT) FROM object_count WHERE organisation = $1";
    Ok(sqlx::query(sum).bind(organisation).fetch_one(connection).await?.try_get(0)?)
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
