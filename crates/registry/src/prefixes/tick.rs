//! What time brings about: notices, renewals, holds after expiry, the end of redemption, the answer that never came.
//!
//! Each step is an act of its own that looks again before it does anything, so a tick may be repeated, and be cut off
//! anywhere.

use super::flag::{Action, Flag};
use super::life::renewed;
use super::prefix::{self, Row};
use super::rules::{self, PrefixRules, SETTING, after};
use super::state::{Event, State};
use crate::act::difference;
use crate::caller::{Caller, Time};
use crate::error::{Error, Refusal};
use crate::permission::Permission;
use crate::registry::Registry;
use serde::Serialize;
use serde_json::json;
use sqlx::Row as _;

/// Prefixes and transfers looked at in one tick.
const STRIDE: i64 = 256;
/// Steps of one prefix in one tick: a node that was down for years catches up.
const STEPS_MOST: usize = 64;

/// What a tick has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Ticked {
    /// Steps of prefixes.
    pub prefixes: usize,
    /// Transfers decided.
    pub transfers: usize,
}

/// The next step that time brings at `now`: the prefix after it, and what the audit calls it.
fn step(row: &Row, rules: &PrefixRules, now: Time) -> Result<Option<(Row, &'static str)>, Refusal> {
    let changed = |row: Row, action| Ok(Some((row, action)));
    if row.homed_until != 0 && now >= row.homed_until {
        return changed(Row { homed_until: 0, ..row.clone() }, "prefix.left");
    }
    match row.state {
        State::Enabled | State::Suspended if row.expires != 0 => {
            let renews = row.auto_renew && row.all_flags().permit(Action::Renew).is_ok();
            if row.noticed != row.expires && now >= after(row.expires, -rules.expiry_notice_days) {
                return changed(Row { noticed: row.expires, ..row.clone() }, "prefix.expiry-near");
            }
            if renews && now >= row.expires {
                return changed(renewed(row, after(row.expires, rules.validity_days)), "prefix.auto-renew");
            }
            let lapses = now >= after(row.expires, rules.expiry_grace_days) && !row.flags.contains(Flag::ServerHold);
            if !renews && lapses {
                let flags = row.flags.with(Flag::ServerHold);
                return changed(Row { flags, lapsed: true, ..row.clone() }, "prefix.lapse");
            }
            Ok(None)
        }
        State::Redemption if now >= after(row.ended, rules.redemption_days) => {
            let state = row.state.after(Event::RedemptionOver)?;
            changed(Row { state, ..row.clone() }, "prefix.pending-delete")
        }
        State::PendingDelete if now >= after(row.ended, rules.redemption_days + rules.pending_delete_days) => {
            let event = if row.had_objects { Event::Retire } else { Event::Free };
            let state = row.state.after(event)?;
            changed(Row { state, ..row.clone() }, if row.had_objects { "prefix.retire" } else { "prefix.free" })
        }
        _ => Ok(None),
    }
}

impl Registry {
    /// Does what is due. For the node, once a minute.
    pub async fn tick(&self, caller: &Caller) -> Result<Ticked, Error> {
        let mut ticked = Ticked::default();
        let select = "SELECT name FROM prefix WHERE due > 0 AND due <= $1 ORDER BY due, name LIMIT $2";
        let rows = sqlx::query(select).bind(caller.at).bind(STRIDE).fetch_all(self.database.reader()).await?;
        for row in rows {
            let name: String = row.try_get(0)?;
            for _ in 0..STEPS_MOST {
                if !self.step_prefix(caller, &name).await? {
                    break;
                }
                ticked.prefixes += 1;
            }
        }
        let select = "SELECT id FROM transfer WHERE state = 'pending' AND due <= $1 ORDER BY due, id LIMIT $2";
        let rows = sqlx::query(select).bind(caller.at).bind(STRIDE).fetch_all(self.database.reader()).await?;
        for row in rows {
            ticked.transfers += usize::from(self.end_transfer(caller, &row.try_get::<String, _>(0)?).await?);
        }
        Ok(ticked)
    }

    /// One step of one prefix; says whether there was one.
    async fn step_prefix(&self, caller: &Caller, name: &str) -> Result<bool, Error> {
        let mut act = self.begin(caller, Permission::PrefixAllocate, &format!("prefix {name}")).await?;
        let Some(before) = prefix::find(act.sql(), name).await? else { return Ok(false) };
        let rules = rules::read(act.sql()).await?;
        match step(&before, &rules, act.now())? {
            Some((row, action)) => {
                act.settle(&before, row, action, json!({})).await?;
                act.commit(()).await?;
                Ok(true)
            }
            None => {
                drop(act);
                // Nothing is due: the rules have changed since the moment was written down.
                self.reschedule(&before, &rules).await?;
                Ok(false)
            }
        }
    }

    async fn reschedule(&self, row: &Row, rules: &PrefixRules) -> Result<(), Error> {
        let due = row.next_due(rules);
        if due == row.due {
            return Ok(());
        }
        let mut write = self.database.begin_write().await?;
        let update = "UPDATE prefix SET due = $1 WHERE name = $2 AND version = $3";
        let update = sqlx::query(update).bind(due).bind(row.name.clone()).bind(row.version);
        update.execute(&mut *write.transaction).await?;
        write.transaction.commit().await?;
        Ok(())
    }

    /// The rules in force.
    pub async fn prefix_rules(&self, caller: &Caller) -> Result<PrefixRules, Error> {
        self.authorise(caller, Permission::PrefixRead, "setting prefixes").await?;
        let mut connection = self.database.reader().acquire().await?;
        rules::read(&mut connection).await
    }

    /// Changes the rules, and with them when something is due.
    pub async fn set_prefix_rules(&self, caller: &Caller, rules: &PrefixRules) -> Result<PrefixRules, Error> {
        let mut act = self.begin(caller, Permission::SettingsWrite, "setting prefixes").await?;
        rules.check()?;
        let before = rules::read(act.sql()).await?;
        let now = act.now();
        let upsert = "INSERT INTO setting (name, document, updated) VALUES ($1, $2, $3) ON CONFLICT (name) \
                      DO UPDATE SET document = excluded.document, updated = excluded.updated";
        let upsert = sqlx::query(upsert).bind(SETTING).bind(serde_json::to_string(rules)?).bind(now);
        upsert.execute(act.sql()).await?;
        // Whatever could be due sooner is looked at in the next ticks.
        let sooner = "UPDATE prefix SET due = 1 WHERE due > 0";
        sqlx::query(sooner).execute(act.sql()).await?;
        let (old, new) = difference(&before, rules);
        act.record("settings.write", "setting prefixes", None, old, new);
        act.commit(rules.clone()).await
    }
}
