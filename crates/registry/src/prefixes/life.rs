//! What holders, sponsors and the node's operator do to a prefix in its life.

use super::allocate::checked_expiry;
use super::delegation;
use super::flag::{Action, Flag};
use super::name;
use super::prefix::{self, COLUMNS, DelegationData, Hosting, Prefix, Row, absent};
use super::reservation::checked_reason;
use super::rules::{self, after};
use super::state::{Event, State};
use crate::act::Act;
use crate::caller::{Caller, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Which prefixes are wanted; empty fields do not restrict.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct PrefixFilter {
    /// Begins so: `88.118.`.
    pub name: Option<String>,
    /// `handle`, `vaa`, `gs1`, `oid`, `ecode` or `did`.
    pub system: Option<String>,
    /// `enabled`, `suspended`, ….
    pub state: Option<String>,
    /// Holder.
    pub organisation: Option<String>,
    pub sponsor: Option<String>,
    /// The node's own prefix above.
    pub parent: Option<String>,
    /// `allocated` or `held`.
    pub origin: Option<String>,
    /// Expires before this moment, in milliseconds since 1970.
    pub expires_before: Option<Time>,
}

/// A renewal.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Renewal {
    /// The expiry as the caller knows it: so nothing is renewed twice by mistake.
    pub current_expires: Time,
    /// Days to add; absent for the node's usual span.
    #[serde(default)]
    pub days: Option<i64>,
}

/// Flags to set and to remove.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FlagChange {
    pub add: Vec<Flag>,
    pub remove: Vec<Flag>,
    /// Case number or the like; needed for flags of the node.
    #[schema(max_length = 500)]
    pub reason: String,
}

/// What of a prefix its holder changes; absent fields stay.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PrefixChange {
    pub delegation: Option<DelegationData>,
    pub auto_renew: Option<bool>,
}

/// A step that the node's operator takes, with its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Review,
    Approve,
    Reject,
    Suspend,
    Resume,
}

const SORTABLE: [Column; 4] =
    [Column::Text("name"), Column::Number("created"), Column::Number("updated"), Column::Number("expires")];

impl Registry {
    /// An act on a prefix that exists and that the caller reaches as holder, sponsor or node.
    pub(crate) async fn begin_on(
        &self,
        caller: &Caller,
        permission: Permission,
        text: &str,
        version: Option<i64>,
    ) -> Result<(Act, Row), Error> {
        let object = format!("prefix {text}");
        let mut act = self.begin(caller, permission, &object).await?;
        let name = hufu_ident::Prefix::folded(text);
        let row = prefix::find(act.sql(), name.as_str()).await?;
        let party = row.as_ref().map(|row| row.party(caller.organisation()).to_owned());
        let act = act.reach(party.as_deref(), &object, absent(text)).await?;
        let row = row.ok_or_else(|| absent(text))?;
        if version.is_some_and(|seen| seen != row.version) {
            return Err(Refusal::stale(row.version).into());
        }
        Ok((act, row))
    }

    pub async fn prefix(&self, caller: &Caller, text: &str) -> Result<Prefix, Error> {
        let object = format!("prefix {text}");
        self.authorise(caller, Permission::PrefixRead, &object).await?;
        let mut connection = self.database.reader().acquire().await?;
        let row = prefix::find(&mut connection, hufu_ident::Prefix::folded(text).as_str()).await?;
        drop(connection);
        let party = row.as_ref().map(|row| row.party(caller.organisation()).to_owned());
        self.reach(caller, Permission::PrefixRead, party.as_deref(), &object, absent(text)).await?;
        Ok(row.ok_or_else(|| absent(text))?.view())
    }

    /// Those that the caller holds or looks after; the node's operator sees all.
    pub async fn prefixes(
        &self,
        caller: &Caller,
        filter: &PrefixFilter,
        listing: &Listing,
    ) -> Result<Page<Prefix>, Error> {
        self.authorise(caller, Permission::PrefixRead, "prefix").await?;
        let mut wanted = Filter::new("prefix", COLUMNS);
        wanted.either(&["organisation", "sponsor"], caller.organisation());
        let start = filter.name.as_deref().map(str::to_ascii_uppercase);
        wanted.prefixed("name", start.as_deref());
        wanted.equal("system", filter.system.as_deref());
        wanted.equal("state", filter.state.as_deref());
        wanted.equal("organisation", filter.organisation.as_deref());
        wanted.equal("sponsor", filter.sponsor.as_deref());
        wanted.equal("parent", filter.parent.as_deref().map(str::to_ascii_uppercase).as_deref());
        wanted.equal("origin", filter.origin.as_deref());
        wanted.at_least("expires", filter.expires_before.map(|_| 1));
        wanted.below("expires", filter.expires_before);
        let read = |row: &_| prefix::read(row).map(|row| row.view());
        wanted.page(self, listing, &SORTABLE, "-created", Column::Text("name"), read).await
    }

    /// A numbered page of prefixes, newest first, with their total: holder's name, start, and moments of creation.
    pub async fn prefixes_numbered(
        &self,
        caller: &Caller,
        (holder, start): (Option<&str>, Option<&str>),
        (since, until): (Option<Time>, Option<Time>),
        page: (i64, i64),
    ) -> Result<(Vec<Prefix>, i64), Error> {
        self.authorise(caller, Permission::PrefixRead, "prefix").await?;
        let mut wanted = Filter::new("prefix", COLUMNS);
        wanted.either(&["organisation", "sponsor"], caller.organisation());
        wanted.prefixed("name", start.map(str::to_ascii_uppercase).as_deref());
        if let Some(part) = holder.filter(|part| !part.is_empty()) {
            let part = format!("%{}%", part.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_"));
            let held = "organisation IN (SELECT id FROM organisation WHERE LOWER(name) LIKE $? ESCAPE '!')";
            wanted.such_that(held, &part);
        }
        wanted.at_least("created", since);
        wanted.below("created", until);
        let read = |row: &_| prefix::read(row).map(|row| row.view());
        wanted.numbered(self, page, Column::Number("created"), Column::Text("name"), read).await
    }

    /// Extends the validity. Refused unless the caller names the current expiry.
    pub async fn renew_prefix(&self, caller: &Caller, text: &str, renewal: &Renewal) -> Result<Prefix, Error> {
        let (mut act, before) = self.begin_on(caller, Permission::PrefixWrite, text, None).await?;
        before.state.after(Event::Renew)?;
        before.all_flags().permit(Action::Renew)?;
        if renewal.current_expires != before.expires {
            let zh = format!("当前到期时间是 {}，与所填不符；可能已经续期", before.expires);
            let en = format!("it expires at {}, not when you say; it may have been renewed already", before.expires);
            return Err(Refusal::new(Kind::Conflict, "renewal-expiry", zh, en).into());
        }
        let rules = rules::read(act.sql()).await?;
        let days = renewal.days.unwrap_or(rules.validity_days);
        if days < 1 {
            let refusal = FieldRefusal::new("days", "out-of-range", "天数应为正数", "days is 1 or more");
            return Err(Refusal::fields(vec![refusal]).into());
        }
        let row = renewed(&before, after(before.expires.max(act.now()), days));
        checked_expiry(row.expires, act.now(), &rules)?;
        let row = act.settle(&before, row, "prefix.renew", json!({})).await?;
        act.commit(row.view()).await
    }

    /// Changes where it is served, and whether it renews itself.
    pub async fn amend_prefix(
        &self,
        caller: &Caller,
        text: &str,
        version: Option<i64>,
        change: &PrefixChange,
    ) -> Result<Prefix, Error> {
        let (mut act, before) = self.begin_on(caller, Permission::PrefixWrite, text, version).await?;
        before.state.after(Event::Amend)?;
        if before.state != State::Pending {
            before.all_flags().permit(Action::Update)?;
        }
        let mut row = before.clone();
        if let Some(data) = &change.delegation {
            let rules = rules::read(act.sql()).await?;
            delegation::check(data, &rules)?;
            row.delegation = data.clone();
        }
        row.auto_renew = change.auto_renew.unwrap_or(before.auto_renew);
        let row = act.settle(&before, row, "prefix.amend", json!({})).await?;
        act.commit(row.view()).await
    }

    /// Sets and removes flags. Those of the node need the permission to allocate and a reason.
    pub async fn flag_prefix(&self, caller: &Caller, text: &str, change: &FlagChange) -> Result<Prefix, Error> {
        let server = caller.permissions.contains(Permission::PrefixAllocate) && caller.organisation().is_none();
        let (mut act, before) = self.begin_on(caller, Permission::PrefixWrite, text, None).await?;
        before.state.after(Event::Flag)?;
        let mut row = before.clone();
        row.flags = before.flags.change(&change.add, &change.remove, server)?;
        let touches = |flag: &Flag| flag.name().starts_with("server");
        if change.add.iter().any(touches) {
            row.reason = checked_reason(&change.reason)?;
        }
        if change.add.contains(&Flag::ServerHold) || change.remove.contains(&Flag::ServerHold) {
            // From now on it is the operator's hold, not that of the expiry.
            row.lapsed = false;
        }
        let row = act.settle(&before, row, "prefix.flag", json!({"reason": change.reason})).await?;
        act.commit(row.view()).await
    }

    /// Stops or resumes its resolution: as the node, if the caller is its operator, else as the holder.
    pub async fn hold_prefix(&self, caller: &Caller, text: &str, hold: bool, reason: &str) -> Result<Prefix, Error> {
        let server = caller.permissions.contains(Permission::PrefixAllocate) && caller.organisation().is_none();
        let flags = vec![if server { Flag::ServerHold } else { Flag::ClientHold }];
        let (add, remove) = if hold { (flags, Vec::new()) } else { (Vec::new(), flags) };
        self.flag_prefix(caller, text, &FlagChange { add, remove, reason: reason.to_owned() }).await
    }

    /// A step of the node's operator; rejecting and suspending need a reason.
    pub async fn decide_prefix(
        &self,
        caller: &Caller,
        text: &str,
        decision: Decision,
        reason: &str,
    ) -> Result<Prefix, Error> {
        let (act, before) = self.begin_on(caller, Permission::PrefixAllocate, text, None).await?;
        let mut act = act.reach(None, &format!("prefix {text}"), absent(text)).await?;
        let (event, action) = match decision {
            Decision::Review => (Event::Review, "prefix.review"),
            Decision::Approve => (Event::Approve, "prefix.approve"),
            Decision::Reject => (Event::Reject, "prefix.reject"),
            Decision::Suspend => (Event::Suspend, "prefix.suspend"),
            Decision::Resume => (Event::Resume, "prefix.resume"),
        };
        let mut row = Row { state: before.state.after(event)?, ..before.clone() };
        row.reason = match decision {
            Decision::Reject | Decision::Suspend => checked_reason(reason)?,
            _ => String::new(),
        };
        if decision == Decision::Approve {
            row.enabled = act.now();
            if row.hosting == Hosting::Requested {
                row.hosting = Hosting::Hosted;
            }
        }
        let row = act.settle(&before, row, action, json!({"reason": reason})).await?;
        act.commit(row.view()).await
    }

    /// Withdraws a wish, or ends a prefix: at once within the first days and without objects, else it goes into
    /// redemption.
    pub async fn delete_prefix(
        &self,
        caller: &Caller,
        text: &str,
        version: Option<i64>,
        reason: &str,
    ) -> Result<Prefix, Error> {
        let (mut act, before) = self.begin_on(caller, Permission::PrefixWrite, text, version).await?;
        let rules = rules::read(act.sql()).await?;
        let now = act.now();
        let event = match before.state {
            State::Pending | State::InReview => Event::Withdraw,
            State::Enabled if !before.had_objects && now < after(before.created, rules.add_period_days) => Event::Drop,
            _ => Event::Delete,
        };
        let state = before.state.after(event)?;
        if event != Event::Withdraw {
            before.all_flags().permit(Action::Delete)?;
        }
        let mut row = Row { state, ended: now, suspended: before.state == State::Suspended, ..before.clone() };
        row.reason = reason.trim().chars().take(500).collect();
        (row.homed_until, row.moving) = (0, None);
        if event == Event::Delete && before.hosting != Hosting::Hosted {
            // Its identifiers are on a node of its own; nobody here can say that there were none.
            row.had_objects = true;
        }
        let row = act.settle(&before, row, "prefix.delete", json!({"reason": reason})).await?;
        act.commit(row.view()).await
    }

    /// Takes a prefix back out of redemption.
    pub async fn restore_prefix(&self, caller: &Caller, text: &str, reason: &str) -> Result<Prefix, Error> {
        let (mut act, before) = self.begin_on(caller, Permission::PrefixWrite, text, None).await?;
        let event = if before.suspended { Event::RestoreSuspended } else { Event::Restore };
        let state = before.state.after(event)?;
        let reason = checked_reason(reason)?;
        let row = Row { state, ended: 0, suspended: false, reason: reason.clone(), ..before.clone() };
        let row = act.settle(&before, row, "prefix.restore", json!({"reason": reason})).await?;
        act.commit(row.view()).await
    }

    /// Identifiers were registered below a prefix: its name is never given to anybody else.
    pub async fn note_objects(&self, caller: &Caller, text: &str) -> Result<Prefix, Error> {
        let (mut act, before) = self.begin_on(caller, Permission::PrefixAllocate, text, None).await?;
        if before.had_objects {
            return Ok(before.view());
        }
        let row = Row { had_objects: true, ..before.clone() };
        let row = act.settle(&before, row, "prefix.objects", json!({})).await?;
        act.commit(row.view()).await
    }
}

/// With a later expiry, and without the hold that the former one brought.
pub(crate) fn renewed(before: &Row, expires: Time) -> Row {
    let mut row = Row { expires, ..before.clone() };
    if before.lapsed {
        row.flags = before.flags.without(Flag::ServerHold);
        row.lapsed = false;
    }
    row
}

/// The canonical spelling of a name, for doors.
pub fn canonical(text: &str) -> Result<String, Refusal> {
    Ok(name::check(text)?.name.as_str().to_owned())
}
