//! A prefix: as the API shows it, as a row keeps it, and as the data plane shall answer for it.

use super::flag::{Flag, Flags};
use super::rules::{PrefixRules, after};
use super::state::State;
use crate::caller::Time;
use crate::error::{Error, Kind, Refusal};
use crate::outbox::{Server, Wanted};
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

/// How it came to its holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PrefixOrigin {
    /// This node gave it out below its own prefix.
    Allocated,
    /// The holder has it from somebody else, and has proven so.
    Held,
}

/// Where a prefix is served, as its holder wants it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DelegationData {
    /// Servers of the holder's own node; at most 16.
    #[schema(max_items = 16)]
    pub servers: Vec<Server>,
    /// Whether prefixes below it are found there too.
    pub below: bool,
    /// Who administers the prefix beside its own keys, as `index:handle`; at most 16.
    #[schema(max_items = 16)]
    pub administrators: Vec<String>,
}

/// Hosting 委托部署, by the numbers of the national interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosting {
    None = 1,
    Requested = 2,
    Rejected = 3,
    Hosted = 4,
}

impl Hosting {
    fn of(number: i64) -> Self {
        match number {
            2 => Hosting::Requested,
            3 => Hosting::Rejected,
            4 => Hosting::Hosted,
            _ => Hosting::None,
        }
    }
}

/// Which way a prefix moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Moving {
    /// Nothing below it is written here.
    Out,
    /// What is below it is written here, and not answered yet.
    In,
}

impl Moving {
    pub(super) fn text(moving: Option<Moving>) -> &'static str {
        match moving {
            None => "",
            Some(Moving::Out) => "out",
            Some(Moving::In) => "in",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Moving::Out, Moving::In].into_iter().find(|moving| Moving::text(Some(*moving)) == text)
    }
}

/// A prefix as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Prefix {
    /// Canonical, with the tag of its system where it has one.
    pub name: String,
    /// `handle`, `vaa`, `gs1`, `oid`, `ecode` or `did`.
    pub system: String,
    /// The node's own prefix below which it was allocated; empty for a held one.
    pub parent: String,
    pub origin: PrefixOrigin,
    /// Who holds it.
    pub organisation: String,
    /// The organisation that looks after it for the holder; empty for this node.
    pub sponsor: String,
    pub state: State,
    /// The state by the numbers of the national interfaces: 0 停用, 1 启用, 2 待删除, 3 被驳回, 4 待审核, 5 审核中.
    pub status: Option<u8>,
    pub flags: Vec<Flag>,
    /// 1 not hosted, 2 hosting requested, 3 rejected, 4 hosted.
    #[schema(minimum = 1, maximum = 4)]
    pub proxy_state: u8,
    pub delegation: DelegationData,
    /// Whether it is on its way out of this node or into it; absent for neither.
    pub moving: Option<Moving>,
    /// Documents that prove that the holder has it.
    pub proof: Vec<String>,
    /// Why it is in this state, if somebody said.
    pub reason: String,
    pub auto_renew: bool,
    /// Whether identifiers were ever registered below it, as far as the node knows.
    pub had_objects: bool,
    /// Milliseconds since 1970, as all moments.
    pub created: Time,
    pub enabled: Option<Time>,
    pub expires: Option<Time>,
    pub transferred: Option<Time>,
    /// When its deletion was asked for.
    pub ended: Option<Time>,
    pub updated: Time,
    /// Increases with every change; the ETag.
    pub version: i64,
}

/// A prefix as it is kept. Moments that have not come are 0.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub name: String,
    pub system: String,
    pub parent: String,
    pub origin: PrefixOrigin,
    pub organisation: String,
    pub sponsor: String,
    pub state: State,
    /// Those that were set; what follows from the state is not among them.
    pub flags: Flags,
    pub hosting: Hosting,
    pub delegation: DelegationData,
    pub moving: Option<Moving>,
    pub proof: Vec<String>,
    pub reason: String,
    pub auto_renew: bool,
    pub had_objects: bool,
    /// It was suspended when it was deleted.
    pub suspended: bool,
    /// `serverHold` comes from its expiry, and goes with a renewal.
    pub lapsed: bool,
    pub created: Time,
    pub enabled: Time,
    pub expires: Time,
    pub transferred: Time,
    pub ended: Time,
    /// The expiry that the holder was told of.
    pub noticed: Time,
    /// Until then this node goes on answering for it, though it has moved out.
    pub homed_until: Time,
    /// When time changes something; 0 for never.
    pub due: Time,
    pub code_hash: String,
    pub code_expires: Time,
    pub code_by_holder: bool,
    pub updated: Time,
    pub version: i64,
}

pub(crate) const COLUMNS: &str = "name, system, parent, origin, organisation, sponsor, state, flags, hosting, \
    delegation, proof, reason, auto_renew, had_objects, suspended, lapsed, created, enabled, expires, transferred, \
    ended, noticed, homed_until, due, code_hash, code_expires, code_by_holder, updated, version, moving";

pub(crate) fn read(row: &AnyRow) -> Result<Row, Error> {
    let text = |at: usize| row.try_get::<String, _>(at);
    let number = |at: usize| row.try_get::<i64, _>(at);
    let state = text(6)?;
    Ok(Row {
        name: text(0)?,
        system: text(1)?,
        parent: text(2)?,
        origin: if text(3)? == "held" { PrefixOrigin::Held } else { PrefixOrigin::Allocated },
        organisation: text(4)?,
        sponsor: text(5)?,
        state: State::parse(&state).ok_or_else(|| Error::Fault(format!("a prefix has the state {state:?}")))?,
        flags: Flags::parse(&text(7)?),
        hosting: Hosting::of(number(8)?),
        delegation: serde_json::from_str(&text(9)?)?,
        proof: serde_json::from_str(&text(10)?)?,
        reason: text(11)?,
        auto_renew: number(12)? != 0,
        had_objects: number(13)? != 0,
        suspended: number(14)? != 0,
        lapsed: number(15)? != 0,
        created: number(16)?,
        enabled: number(17)?,
        expires: number(18)?,
        transferred: number(19)?,
        ended: number(20)?,
        noticed: number(21)?,
        homed_until: number(22)?,
        due: number(23)?,
        code_hash: text(24)?,
        code_expires: number(25)?,
        code_by_holder: number(26)? != 0,
        updated: number(27)?,
        version: number(28)?,
        moving: Moving::parse(&text(29)?),
    })
}

fn moment(at: Time) -> Option<Time> {
    (at != 0).then_some(at)
}

impl Row {
    /// Those that were set and those that follow from the state.
    pub fn all_flags(&self) -> Flags {
        match self.state {
            State::Pending | State::InReview => self.flags.with(Flag::PendingCreate),
            State::Redemption | State::PendingDelete => self.flags.with(Flag::PendingDelete),
            _ => self.flags,
        }
    }

    pub fn view(&self) -> Prefix {
        Prefix {
            name: self.name.clone(),
            system: self.system.clone(),
            parent: self.parent.clone(),
            origin: self.origin,
            organisation: self.organisation.clone(),
            sponsor: self.sponsor.clone(),
            state: self.state,
            status: self.state.code(),
            flags: self.all_flags().iter().collect(),
            proxy_state: self.hosting as u8,
            delegation: self.delegation.clone(),
            moving: self.moving,
            proof: self.proof.clone(),
            reason: self.reason.clone(),
            auto_renew: self.auto_renew,
            had_objects: self.had_objects,
            created: self.created,
            enabled: moment(self.enabled),
            expires: moment(self.expires),
            transferred: moment(self.transferred),
            ended: moment(self.ended),
            updated: self.updated,
            version: self.version,
        }
    }

    /// What the data plane shall say of it; nothing before it was ever approved.
    pub fn wanted(&self) -> Option<Wanted> {
        let withheld = |reason: &str| Some(Wanted::Withheld { reason: reason.to_owned() });
        match self.state {
            State::Pending | State::InReview => None,
            State::Rejected | State::Deleted => (self.enabled != 0).then_some(Wanted::Unknown),
            State::Retired => Some(Wanted::Retired { reason: "已注销 retired".into() }),
            State::Redemption | State::PendingDelete => withheld("待删除 pending delete"),
            State::Suspended => withheld("停用 suspended"),
            State::Enabled if self.flags.contains(Flag::ServerHold) => withheld("节点暂停解析 on hold by the node"),
            State::Enabled if self.flags.contains(Flag::ClientHold) => withheld("持有方暂停解析 on hold by its holder"),
            State::Enabled if self.hosting == Hosting::Hosted => {
                let administrators = self.delegation.administrators.clone();
                Some(Wanted::Hosted { administrators, frozen: self.moving == Some(Moving::Out) })
            }
            State::Enabled if self.delegation.servers.is_empty() => {
                withheld("尚未配置解析服务器 no server is assigned yet")
            }
            State::Enabled => Some(Wanted::Delegated {
                servers: self.delegation.servers.clone(),
                below: self.delegation.below,
                administrators: self.delegation.administrators.clone(),
                leaving: self.homed_until != 0,
                arriving: self.moving == Some(Moving::In),
            }),
        }
    }

    /// When time changes something next; 0 for never.
    pub fn next_due(&self, rules: &PrefixRules) -> Time {
        let life = match self.state {
            State::Enabled | State::Suspended if self.expires != 0 => {
                if self.noticed != self.expires {
                    after(self.expires, -rules.expiry_notice_days)
                } else if self.auto_renew {
                    self.expires
                } else if self.flags.contains(Flag::ServerHold) {
                    0
                } else {
                    after(self.expires, rules.expiry_grace_days)
                }
            }
            State::Redemption => after(self.ended, rules.redemption_days),
            State::PendingDelete => after(self.ended, rules.redemption_days + rules.pending_delete_days),
            _ => 0,
        };
        [life, self.homed_until].into_iter().filter(|at| *at != 0).min().unwrap_or(0)
    }

    /// Whose accounts may act on it, of the caller's organisation if it is one of them: holder, else sponsor.
    pub fn party(&self, organisation: Option<&str>) -> &str {
        match organisation {
            Some(own) if own == self.sponsor => &self.sponsor,
            _ => &self.organisation,
        }
    }
}

pub(crate) async fn find(connection: &mut AnyConnection, name: &str) -> Result<Option<Row>, Error> {
    const SELECT: &str = "SELECT name, system, parent, origin, organisation, sponsor, state, flags, hosting, \
        delegation, proof, reason, auto_renew, had_objects, suspended, lapsed, created, enabled, expires, transferred, \
        ended, noticed, homed_until, due, code_hash, code_expires, code_by_holder, updated, version, moving \
        FROM prefix WHERE name = $1";
    let row = sqlx::query(SELECT).bind(name).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// Enters a row where nobody has the name, or writes over the row of a free one.
pub(crate) async fn insert(connection: &mut AnyConnection, row: &Row) -> Result<(), Error> {
    const INSERT: &str = "INSERT INTO prefix (name, system, parent, origin, organisation, sponsor, state, flags, \
        hosting, delegation, proof, reason, auto_renew, had_objects, suspended, lapsed, created, enabled, expires, \
        transferred, ended, noticed, homed_until, due, code_hash, code_expires, code_by_holder, updated, version, \
        moving) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
        $23, $24, $25, $26, $27, $28, $29, $30) \
        ON CONFLICT (name) DO UPDATE SET system = excluded.system, parent = excluded.parent, \
        origin = excluded.origin, organisation = excluded.organisation, sponsor = excluded.sponsor, \
        state = excluded.state, flags = excluded.flags, hosting = excluded.hosting, \
        delegation = excluded.delegation, proof = excluded.proof, reason = excluded.reason, \
        auto_renew = excluded.auto_renew, had_objects = excluded.had_objects, suspended = excluded.suspended, \
        lapsed = excluded.lapsed, created = excluded.created, enabled = excluded.enabled, \
        expires = excluded.expires, transferred = excluded.transferred, ended = excluded.ended, \
        noticed = excluded.noticed, homed_until = excluded.homed_until, due = excluded.due, \
        code_hash = excluded.code_hash, code_expires = excluded.code_expires, \
        code_by_holder = excluded.code_by_holder, updated = excluded.updated, version = excluded.version, \
        moving = excluded.moving WHERE prefix.state IN ('rejected', 'deleted')";
    let done = bound(INSERT, row)?.execute(connection).await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(taken().into()) }
}

/// Writes a changed row over the one of `version`.
pub(crate) async fn update(connection: &mut AnyConnection, row: &Row, version: i64) -> Result<(), Error> {
    const UPDATE: &str = "UPDATE prefix SET system = $2, parent = $3, origin = $4, organisation = $5, sponsor = $6, \
        state = $7, flags = $8, hosting = $9, delegation = $10, proof = $11, reason = $12, auto_renew = $13, \
        had_objects = $14, suspended = $15, lapsed = $16, created = $17, enabled = $18, expires = $19, \
        transferred = $20, ended = $21, noticed = $22, homed_until = $23, due = $24, code_hash = $25, \
        code_expires = $26, code_by_holder = $27, updated = $28, version = $29, moving = $30 \
        WHERE name = $1 AND version = $31";
    let done = bound(UPDATE, row)?.bind(version).execute(connection).await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(Refusal::stale(row.version).into()) }
}

type Statement = sqlx::query::Query<'static, sqlx::Any, sqlx::any::AnyArguments>;

/// A statement with the values of a row, in the order of [`COLUMNS`].
fn bound(text: &'static str, row: &Row) -> Result<Statement, Error> {
    let flag = i64::from;
    let origin = if row.origin == PrefixOrigin::Held { "held" } else { "allocated" };
    Ok(sqlx::query(text)
        .bind(row.name.clone())
        .bind(row.system.clone())
        .bind(row.parent.clone())
        .bind(origin)
        .bind(row.organisation.clone())
        .bind(row.sponsor.clone())
        .bind(row.state.name())
        .bind(row.flags.text())
        .bind(row.hosting as i64)
        .bind(serde_json::to_string(&row.delegation)?)
        .bind(serde_json::to_string(&row.proof)?)
        .bind(row.reason.clone())
        .bind(flag(row.auto_renew))
        .bind(flag(row.had_objects))
        .bind(flag(row.suspended))
        .bind(flag(row.lapsed))
        .bind(row.created)
        .bind(row.enabled)
        .bind(row.expires)
        .bind(row.transferred)
        .bind(row.ended)
        .bind(row.noticed)
        .bind(row.homed_until)
        .bind(row.due)
        .bind(row.code_hash.clone())
        .bind(row.code_expires)
        .bind(flag(row.code_by_holder))
        .bind(row.updated)
        .bind(row.version)
        .bind(Moving::text(row.moving)))
}

pub(crate) fn absent(name: &str) -> Refusal {
    Refusal::absent("前缀", "prefix", name)
}

pub(crate) fn taken() -> Refusal {
    Refusal::new(Kind::Conflict, "prefix-taken", "该前缀已被登记，请另选", "this prefix is taken; choose another")
}
