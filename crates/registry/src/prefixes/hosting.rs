//! Hosting 委托部署: this node serves a prefix for a holder who runs no node. In, out, and never a wrong answer between.
//!
//! ```text
//! 1 not hosted ──request──► 2 requested ──accept──► 4 hosted ──move out──► 1 not hosted
//!                                └───────reject──► 3 rejected ──request──► 2
//! ```
//!
//! **Moving out.** 1. The holder starts its own node, exports its identifiers here and imports them there; this node
//! goes on answering. 2. `move_out` names the new servers: the data plane publishes the new delegation at once, and
//! goes on answering for the prefix for as long as somebody may remember the old delegation (its TTL). Until then both
//! nodes give the same answers; changes are made at the new one. 3. Then the prefix is no longer homed here.
//!
//! **Moving in.** 1. Hosting is requested; the old node goes on answering. 2. The identifiers are exported there and
//! loaded here, while the delegation still names the old node. 3. `accept` homes the prefix and changes the delegation
//! in one batch of the store. Who remembers the old delegation still asks the old node, which therefore stays up for
//! a TTL.

use super::delegation;
use super::flag::Action;
use super::prefix::{DelegationData, Hosting, Prefix, Row, absent};
use super::reservation::checked_reason;
use super::rules;
use super::state::{Event, State};
use crate::caller::{Caller, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::permission::Permission;
use crate::registry::Registry;
use serde_json::json;

/// Milliseconds of a second.
const SECOND: Time = 1000;

fn wrong(zh: &str, en: &str) -> Error {
    Refusal::new(Kind::Conflict, "hosting-state", zh, en).into()
}

impl Registry {
    /// The holder asks this node to serve its prefix.
    pub async fn request_hosting(&self, caller: &Caller, text: &str) -> Result<Prefix, Error> {
        let (mut act, before) = self.begin_on(caller, Permission::PrefixWrite, text, None).await?;
        before.state.after(Event::Amend)?;
        before.flags.permit(Action::Update)?;
        if !matches!(before.hosting, Hosting::None | Hosting::Rejected) {
            return Err(wrong("已托管或已申请托管", "it is hosted, or hosting is requested already"));
        }
        let row = Row { hosting: Hosting::Requested, ..before.clone() };
        let row = act.settle(&before, row, "prefix.host-request", json!({})).await?;
        act.commit(row.view()).await
    }

    /// The node's operator takes a prefix in, or refuses a request with a reason.
    pub async fn decide_hosting(
        &self,
        caller: &Caller,
        text: &str,
        accept: bool,
        reason: &str,
    ) -> Result<Prefix, Error> {
        let (act, before) = self.begin_on(caller, Permission::PrefixAllocate, text, None).await?;
        let mut act = act.reach(None, &format!("prefix {text}"), absent(text)).await?;
        before.state.after(Event::Amend)?;
        let mut row = before.clone();
        match (accept, before.hosting) {
            (_, Hosting::Hosted) => return Err(wrong("已经托管", "it is hosted already")),
            (true, _) => (row.hosting, row.homed_until) = (Hosting::Hosted, 0),
            (false, Hosting::Requested) => {
                row.hosting = Hosting::Rejected;
                row.reason = checked_reason(reason)?;
            }
            (false, _) => return Err(wrong("没有待处理的托管申请", "hosting was not requested")),
        }
        let row = act.settle(&before, row, "prefix.host", json!({"reason": reason})).await?;
        act.commit(row.view()).await
    }

    /// The holder's own node serves it from now on. Its identifiers are there already.
    pub async fn move_out(&self, caller: &Caller, text: &str, data: &DelegationData) -> Result<Prefix, Error> {
        let (mut act, before) = self.begin_on(caller, Permission::PrefixWrite, text, None).await?;
        if before.state != State::Enabled {
            before.state.after(Event::Transfer)?;
        }
        before.all_flags().permit(Action::Update)?;
        if before.hosting != Hosting::Hosted {
            return Err(wrong("前缀未托管在本节点", "the prefix is not hosted here"));
        }
        let rules = rules::read(act.sql()).await?;
        delegation::check(data, &rules)?;
        if data.servers.is_empty() {
            let (zh, en) = ("请填写新节点的服务器", "name the servers of the new node");
            return Err(Refusal::fields(vec![FieldRefusal::new("servers", "missing", zh, en)]).into());
        }
        let row = moved_out(&before, data, act.now(), rules.move_out_seconds);
        let row = act.settle(&before, row, "prefix.move-out", json!({})).await?;
        act.commit(row.view()).await
    }
}

/// Served by other servers; if this node served it, it goes on for a while.
pub(crate) fn moved_out(before: &Row, data: &DelegationData, now: Time, seconds: i64) -> Row {
    let mut row = Row { delegation: data.clone(), ..before.clone() };
    if before.hosting == Hosting::Hosted && !data.servers.is_empty() {
        row.hosting = Hosting::None;
        row.homed_until = if seconds == 0 { 0 } else { now.saturating_add(seconds.saturating_mul(SECOND)) };
        // What was registered here was seen; what will be there is not.
        row.had_objects = true;
    }
    row
}
