//! Hosting 委托部署: this node serves a prefix for a holder who runs no node. In, out, and never a wrong answer between.
//!
//! ```text
//! 1 not hosted ──request──► 2 requested ──accept──► 4 hosted ──move out──► 1 not hosted
//!                                └───────reject──► 3 rejected ──request──► 2
//! ```
//!
//! **Moving out.** 1. `freeze`: the data plane goes on answering, and refuses every write below the prefix
//! (`prefix-moving`), so that what is copied stays whole. 2. The holder exports its identifiers here and imports them at
//! its own node. 3. `move_out` names the new servers: the new delegation is published at once. For as long as somebody
//! may remember the old one (its TTL), this node sends whoever asks or writes on to the new node; who says that it cannot
//! be sent on (`DNRF`) gets what is still here. 4. Then the prefix is no longer homed here.
//!
//! **Moving in.** 1. Hosting is requested; the old node goes on answering. 2. `receive`: this node takes identifiers
//! below the prefix before it answers for them; the delegation still names the old node. 3. The old node freezes, the
//! identifiers are exported there and loaded here. 4. `accept` homes the prefix and changes the delegation in one batch
//! of the store. Who remembers the old delegation still asks the old node, which therefore stays up, frozen, for a TTL:
//! it answers what was there before the move, as a cache does.
//!
//! ```text
//! hosted ──freeze──► hosted, moving out ──move out──► not hosted (sends on, for a TTL)
//!    ▲                      │ cancel
//!    ├──────────────────────┘
//!    └──accept── not hosted, moving in ◄──receive── not hosted ◄──cancel── moving in
//! ```
//! An own prefix of the node is frozen likewise, when its holder gives its node up for hosting elsewhere.

use super::delegation;
use super::flag::Action;
use super::own;
use super::prefix::{DelegationData, Hosting, Moving, Prefix, Row, absent};
use super::reservation::checked_reason;
use super::rules;
use super::state::{Event, State};
use crate::caller::{Caller, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::outbox::{Publication, Wanted};
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How a prefix moves now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Move {
    pub prefix: String,
    /// Absent for neither out nor in.
    pub moving: Option<Moving>,
}

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
            (true, _) => (row.hosting, row.homed_until, row.moving) = (Hosting::Hosted, 0, None),
            (false, Hosting::Requested) => {
                (row.hosting, row.moving) = (Hosting::Rejected, None);
                row.reason = checked_reason(reason)?;
            }
            (false, _) => return Err(wrong("没有待处理的托管申请", "hosting was not requested")),
        }
        let row = act.settle(&before, row, "prefix.host", json!({"reason": reason})).await?;
        act.commit(row.view()).await
    }

    /// Nothing below a hosted prefix, or an own one, is written from now on: it is about to be copied.
    pub async fn freeze_prefix(&self, caller: &Caller, text: &str) -> Result<Move, Error> {
        self.set_moving(caller, text, Some(Moving::Out)).await
    }

    /// Identifiers below a prefix that is served elsewhere are taken from now on: it is about to be hosted.
    pub async fn receive_prefix(&self, caller: &Caller, text: &str) -> Result<Move, Error> {
        self.set_moving(caller, text, Some(Moving::In)).await
    }

    /// It does not move after all.
    pub async fn cancel_move(&self, caller: &Caller, text: &str) -> Result<Move, Error> {
        self.set_moving(caller, text, None).await
    }

    async fn set_moving(&self, caller: &Caller, text: &str, moving: Option<Moving>) -> Result<Move, Error> {
        let mut connection = self.database.reader().acquire().await?;
        let name = hufu_ident::Prefix::folded(text);
        let own = own::all(&mut connection).await?.into_iter().any(|own| own.active && own.name == name.as_str());
        drop(connection);
        if own {
            return self.set_own_moving(caller, name.as_str(), moving).await;
        }
        let permission = match moving {
            Some(Moving::In) => Permission::PrefixAllocate,
            _ => Permission::PrefixWrite,
        };
        let (mut act, before) = self.begin_on(caller, permission, text, None).await?;
        if moving == Some(Moving::In) {
            act = act.reach(None, &format!("prefix {text}"), absent(text)).await?;
        }
        before.state.after(Event::Amend)?;
        before.all_flags().permit(Action::Update)?;
        match (moving, before.hosting) {
            (Some(Moving::Out), Hosting::Hosted) | (None, _) => {}
            (Some(Moving::In), Hosting::None | Hosting::Requested | Hosting::Rejected) if before.homed_until == 0 => {}
            (Some(Moving::In), _) => return Err(wrong("仍由本节点应答", "this node still answers for it")),
            _ => return Err(wrong("前缀未托管在本节点", "the prefix is not hosted here")),
        }
        let row = Row { moving, ..before.clone() };
        let row = act.settle(&before, row, "prefix.moving", json!({})).await?;
        act.commit(Move { prefix: row.name, moving }).await
    }

    async fn set_own_moving(&self, caller: &Caller, name: &str, moving: Option<Moving>) -> Result<Move, Error> {
        let object = format!("own-prefix {name}");
        let act = self.begin(caller, Permission::PrefixAllocate, &object).await?;
        let mut act = act.reach(None, &object, absent(name)).await?;
        if moving == Some(Moving::In) {
            return Err(wrong("本节点自有前缀无需迁入", "this is a prefix of the node's own"));
        }
        let update = "UPDATE own_prefix SET moving = $1, version = version + 1 WHERE name = $2";
        sqlx::query(update).bind(Moving::text(moving)).bind(name).execute(act.sql()).await?;
        let wanted = Wanted::Own { frozen: moving.is_some() };
        act.publish(Publication { prefix: name.to_owned(), wanted });
        act.record("prefix.moving", &object, None, json!(null), json!({"moving": moving}));
        act.commit(Move { prefix: name.to_owned(), moving }).await
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
        (row.hosting, row.moving) = (Hosting::None, None);
        row.homed_until = if seconds == 0 { 0 } else { now.saturating_add(seconds.saturating_mul(SECOND)) };
        // What was registered here was seen; what will be there is not.
        row.had_objects = true;
    }
    row
}
