//! The node's own prefixes, below which it gives out others.

use super::name;
use super::plan::NumberPlan;
use crate::act::{Act, difference};
use crate::caller::{Caller, Time};
use crate::error::{Error, Refusal};
use crate::permission::Permission;
use crate::registry::Registry;
use hufu_ident::Prefix as Name;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// Most own prefixes of a node.
const OWN_MOST: i64 = 256;

/// One of the node's own prefixes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnPrefix {
    pub name: String,
    pub plan: NumberPlan,
    /// Where the search for a free number begins.
    pub next_number: i64,
    /// Whether the node still has it; it gives nothing out below one that it no longer has.
    pub active: bool,
    pub updated: Time,
    pub version: i64,
}

fn read(row: &AnyRow) -> Result<OwnPrefix, Error> {
    Ok(OwnPrefix {
        name: row.try_get(0)?,
        plan: serde_json::from_str(&row.try_get::<String, _>(1)?)?,
        next_number: row.try_get(2)?,
        active: row.try_get::<i64, _>(3)? != 0,
        updated: row.try_get(4)?,
        version: row.try_get(5)?,
    })
}

const SELECT: &str = "SELECT name, plan, next_number, active, updated, version FROM own_prefix ORDER BY name LIMIT $1";

const ADD: &str = "INSERT INTO own_prefix (name, plan, next_number, active, updated, version) \
                   VALUES ($1, $2, $3, 1, $4, 1) ON CONFLICT (name) DO UPDATE SET active = 1, \
                   updated = excluded.updated, version = own_prefix.version + 1 WHERE own_prefix.active = 0";

pub(crate) async fn all(connection: &mut AnyConnection) -> Result<Vec<OwnPrefix>, Error> {
    sqlx::query(SELECT).bind(OWN_MOST).fetch_all(connection).await?.iter().map(read).collect()
}

/// The own prefix that gives `name` out.
pub(crate) async fn giver(connection: &mut AnyConnection, name: &Name) -> Result<Option<OwnPrefix>, Error> {
    let own = all(connection).await?;
    Ok(own.into_iter().find(|own| own.active && name::is_given_out_by(&Name::folded(&own.name), name)))
}

fn absent(text: &str) -> Refusal {
    Refusal::absent("本节点前缀", "prefix of this node", text)
}

/// The node has obtained one more prefix.
pub(crate) async fn add_own_prefix(act: &mut Act, text: &str) -> Result<(), Error> {
    let name = Name::folded(text);
    if all(act.sql()).await?.iter().any(|own| own.active && own.name == name.as_str()) {
        return Ok(());
    }
    let (plan, now) = (NumberPlan::of(&name), act.now());
    sqlx::query(ADD)
        .bind(name.as_str())
        .bind(serde_json::to_string(&plan)?)
        .bind(plan.first)
        .bind(now)
        .execute(act.sql())
        .await?;
    act.record("own-prefix.obtain", &format!("own-prefix {}", name.as_str()), None, json!(null), json!(plan));
    Ok(())
}

/// The node has lost a prefix: from now on it gives nothing out below it. Says whether it had it.
pub(crate) async fn remove_own_prefix(act: &mut Act, text: &str) -> Result<bool, Error> {
    let (name, now) = (Name::folded(text), act.now());
    let leave = "UPDATE own_prefix SET active = 0, updated = $1, version = version + 1 WHERE name = $2 AND active = 1";
    let gone = sqlx::query(leave).bind(now).bind(name.as_str()).execute(act.sql()).await?.rows_affected();
    if gone > 0 {
        act.record("own-prefix.lose", &format!("own-prefix {}", name.as_str()), None, json!(null), json!(null));
    }
    Ok(gone > 0)
}

impl Registry {
    /// The node has these prefixes, and no others any more. For the start of the node.
    pub async fn declare_own_prefixes(&self, caller: &Caller, prefixes: &[String]) -> Result<Vec<OwnPrefix>, Error> {
        let mut act = self.begin(caller, Permission::PrefixAllocate, "own-prefix").await?;
        let before = all(act.sql()).await?;
        let now = act.now();
        let wanted: Vec<Name> = prefixes.iter().map(|text| Name::folded(text)).collect();
        let known = |name: &Name| before.iter().any(|own| own.active && own.name == name.as_str());
        let left = before.iter().filter(|own| own.active && !wanted.iter().any(|name| name.as_str() == own.name));
        let left: Vec<&OwnPrefix> = left.collect();
        if wanted.iter().all(known) && left.is_empty() {
            return Ok(before);
        }
        for own in left {
            let leave = "UPDATE own_prefix SET active = 0, updated = $1, version = version + 1 WHERE name = $2";
            sqlx::query(leave).bind(now).bind(&own.name).execute(act.sql()).await?;
        }
        for name in &wanted {
            let plan = NumberPlan::of(name);
            let upsert = sqlx::query(ADD).bind(name.as_str()).bind(serde_json::to_string(&plan)?).bind(plan.first);
            upsert.bind(now).execute(act.sql()).await?;
        }
        let after = all(act.sql()).await?;
        act.record("own-prefix.declare", "own-prefix", None, json!(before), json!(after));
        act.commit(after).await
    }

    pub async fn own_prefixes(&self, caller: &Caller) -> Result<Vec<OwnPrefix>, Error> {
        self.authorise(caller, Permission::PrefixRead, "own-prefix").await?;
        let mut connection = self.database.reader().acquire().await?;
        all(&mut connection).await
    }

    /// Changes how the numbers below an own prefix are given out.
    pub async fn set_number_plan(
        &self,
        caller: &Caller,
        own: &str,
        version: Option<i64>,
        plan: &NumberPlan,
    ) -> Result<OwnPrefix, Error> {
        let object = format!("own-prefix {own}");
        let act = self.begin(caller, Permission::PrefixReserve, &object).await?;
        let mut act = act.reach(None, &object, absent(own)).await?;
        let name = Name::folded(own);
        let found = all(act.sql()).await?.into_iter().find(|own| own.name == name.as_str());
        let before = found.ok_or_else(|| absent(own))?;
        if version.is_some_and(|seen| seen != before.version) {
            return Err(Refusal::stale(before.version).into());
        }
        plan.check()?;
        let after = OwnPrefix {
            plan: plan.clone(),
            next_number: plan.first,
            updated: act.now(),
            version: before.version + 1,
            ..before.clone()
        };
        let update = "UPDATE own_prefix SET plan = $1, next_number = $2, updated = $3, version = $4 WHERE name = $5";
        sqlx::query(update)
            .bind(serde_json::to_string(plan)?)
            .bind(after.next_number)
            .bind(after.updated)
            .bind(after.version)
            .bind(name.as_str())
            .execute(act.sql())
            .await?;
        let (old, new) = difference(&before, &after);
        act.record("own-prefix.plan", &object, None, old, new);
        act.commit(after).await
    }
}
