//! Allocation: a wish becomes a prefix. Chosen, next free, by pattern, or held already.
//!
//! No name is given out twice: it is the key of its row, the row of a free name is written over only while it is
//! free, and whoever writes holds the head of the audit chain.

use super::delegation;
use super::flag::Flags;
use super::name::{self, Checked};
use super::own;
use super::plan::{self, TRIES_MOST, names_of_pattern};
use super::prefix::{self, DelegationData, Hosting, Prefix, PrefixOrigin, Row};
use super::quota::{self, QuotaKind};
use super::reservation::{ReservationKind, Reservations, checked_reason};
use super::rules::{self, PrefixRules, after};
use super::state::{Event, State};
use crate::act::{Act, difference};
use crate::caller::{Caller, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::organisations::{self, OrganisationState};
use crate::outbox::Publication;
use crate::permission::Permission;
use crate::registry::Registry;
use hufu_ident::Prefix as Name;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sqlx::{AnyConnection, Row as _};

/// Documents of proof of one held prefix.
const PROOF_MOST: usize = 20;

/// A prefix that somebody would like to have. One of `prefix`, `under` and `pattern` is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Wish {
    /// Who is to hold it.
    pub organisation: String,
    /// This very name.
    pub prefix: Option<String>,
    /// The next free number below this prefix of the node.
    pub under: Option<String>,
    /// The lowest free name of this form; `#` is any digit: `88.118.66##`.
    pub pattern: Option<String>,
    /// The organisation has it from somebody else already: `prefix` is recorded with its proof.
    pub held: bool,
    /// Ids of the documents that prove so.
    #[schema(max_items = 20)]
    pub proof: Vec<String>,
    /// Where it is served; empty where it is hosted or that is not known yet.
    pub delegation: DelegationData,
    /// This node shall serve it.
    pub hosted: bool,
    /// The organisation that looks after it; empty for this node.
    pub sponsor: String,
    /// End of validity; absent for the node's usual span.
    pub expires: Option<Time>,
    pub auto_renew: Option<bool>,
    /// Why a reserved name may be given out; by whoever may reserve.
    pub override_reason: Option<String>,
}

/// Whether a name could be given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Availability {
    /// In canonical spelling.
    pub prefix: String,
    pub available: bool,
    /// Stable code of the reason why not.
    pub code: Option<String>,
    pub zh: Option<String>,
    pub en: Option<String>,
}

fn refuse(kind: Kind, code: &'static str, zh: &str, en: &str) -> Error {
    Refusal::new(kind, code, zh, en).into()
}

fn field(field: &str, code: &str, zh: &str, en: &str) -> Error {
    Refusal::fields(vec![FieldRefusal::new(field, code, zh, en)]).into()
}

/// Why `checked` cannot be given to `organisation` (empty: to anybody); `Ok` names the node's prefix above it.
async fn obstacle(
    connection: &mut AnyConnection,
    checked: &Checked,
    organisation: &str,
    held: bool,
    reservations: &Reservations,
    overridden: bool,
) -> Result<String, Error> {
    let name = checked.name.as_str();
    let giver = own::giver(connection, &checked.name).await?;
    let own = own::all(connection).await?;
    if own.iter().any(|own| own.name == name) {
        return Err(refuse(Kind::Conflict, "prefix-own", "这是本节点自己的前缀", "this is the node's own prefix"));
    }
    let below = own.iter().any(|own| own.active && checked.name.is_derived_from(&Name::folded(&own.name)));
    let parent = match (giver, held) {
        (Some(_), true) => {
            let (zh, en) = (
                "该前缀由本节点分配，不能按已持有登记",
                "this node gives that prefix out; it is not held from elsewhere",
            );
            return Err(refuse(Kind::Conflict, "prefix-below-own", zh, en));
        }
        (Some(own), false) => own.name,
        (None, true) if !below => String::new(),
        (None, _) => {
            let (zh, en) = ("不在本节点可直接分配的范围内", "it is not directly below a prefix of this node");
            return Err(refuse(Kind::Conflict, "prefix-not-below-own", zh, en));
        }
    };
    if let Some(rule) = reservations.against(name, organisation) {
        let (code, zh, en) = match rule.kind {
            ReservationKind::Blocked => ("prefix-blocked", "已禁用", "blocked"),
            ReservationKind::Reserved => ("prefix-reserved", "已保留", "reserved"),
        };
        if rule.kind == ReservationKind::Blocked || !overridden {
            let (zh, en) = (format!("该前缀{zh}：{}", rule.reason), format!("the prefix is {en}: {}", rule.reason));
            return Err(Refusal::new(Kind::Conflict, code, zh, en).into());
        }
    }
    if let Some(row) = prefix::find(connection, name).await? {
        match row.state {
            State::Retired => row.state.after(Event::Apply).map(|_| ())?,
            state if state.is_free() => {}
            State::Pending | State::InReview if row.organisation == organisation => {}
            _ => return Err(prefix::taken().into()),
        }
    }
    overlap(connection, checked, organisation).await?;
    Ok(parent)
}

/// Refused where a longer or shorter prefix belongs to somebody else.
async fn overlap(connection: &mut AnyConnection, checked: &Checked, organisation: &str) -> Result<(), Error> {
    let strange = |row: &Row| row.organisation != organisation && row.state.is_held();
    let mut clash = None;
    for above in checked.name.lineage().skip(1) {
        if let Some(row) = prefix::find(connection, above.as_str()).await?.filter(strange) {
            clash = Some(row.name);
        }
    }
    if clash.is_none() && checked.name.path().is_some() {
        let start = checked.name.derived_start().replace('!', "!!").replace('%', "!%").replace('_', "!_");
        let select = "SELECT name FROM prefix WHERE system = $1 AND name LIKE $2 ESCAPE '!' AND name <> $3 \
                      AND organisation <> $4 AND state NOT IN ('rejected', 'deleted', 'retired') LIMIT 1";
        let row = sqlx::query(select)
            .bind(checked.system.name())
            .bind(format!("{start}%"))
            .bind(checked.name.as_str())
            .bind(organisation.to_owned())
            .fetch_optional(connection)
            .await?;
        clash = row.map(|row| row.try_get(0)).transpose()?;
    }
    match clash {
        None => Ok(()),
        Some(_) => {
            let zh = "与他人登记的前缀重叠（一个是另一个的上级）";
            let en = "it overlaps with a prefix of somebody else: one is above the other";
            Err(refuse(Kind::Conflict, "prefix-overlaps", zh, en))
        }
    }
}

impl Act {
    /// Gives out what is wished for: enabled, counted, published. For whoever has decided so.
    ///
    /// A pending wish of the same organisation for the same name is approved by it.
    pub async fn allocate(&mut self, wish: &Wish) -> Result<Prefix, Error> {
        let row = self.enter_wish(wish, State::Enabled).await?;
        Ok(row.view())
    }

    /// Records the wish; the name is kept for the organisation until it is decided on.
    pub async fn apply_for_prefix(&mut self, wish: &Wish) -> Result<Prefix, Error> {
        let row = self.enter_wish(wish, State::Pending).await?;
        Ok(row.view())
    }

    async fn enter_wish(&mut self, wish: &Wish, state: State) -> Result<Row, Error> {
        let rules = rules::read(self.sql()).await?;
        let expires = self.check_wish(wish, &rules).await?;
        let reservations = Reservations::read(self.sql()).await?;
        let (checked, parent) = self.choose(wish, &reservations).await?;
        let former = prefix::find(self.sql(), checked.name.as_str()).await?;
        let pending = former.as_ref().filter(|row| matches!(row.state, State::Pending | State::InReview));
        if pending.is_some() && state == State::Pending {
            return Err(prefix::taken().into());
        }
        if pending.is_none() {
            quota::charge(self, &wish.organisation, QuotaKind::Prefixes, 1).await?;
        }
        let now = self.now();
        let hosting = match (wish.hosted, state) {
            (true, State::Pending) => Hosting::Requested,
            (true, _) => Hosting::Hosted,
            (false, _) => Hosting::None,
        };
        let mut row = Row {
            name: checked.name.as_str().to_owned(),
            system: checked.system.name().to_owned(),
            parent,
            origin: if wish.held { PrefixOrigin::Held } else { PrefixOrigin::Allocated },
            organisation: wish.organisation.clone(),
            sponsor: wish.sponsor.clone(),
            state,
            flags: Flags::NONE,
            hosting,
            delegation: wish.delegation.clone(),
            moving: None,
            proof: wish.proof.clone(),
            reason: String::new(),
            auto_renew: wish.auto_renew.unwrap_or(rules.auto_renew),
            had_objects: false,
            suspended: false,
            lapsed: false,
            created: pending.map_or(now, |row| row.created),
            enabled: if state == State::Enabled { now } else { 0 },
            expires,
            transferred: 0,
            ended: 0,
            noticed: 0,
            homed_until: 0,
            due: 0,
            code_hash: String::new(),
            code_expires: 0,
            code_by_holder: false,
            updated: now,
            version: former.as_ref().map_or(0, |row| row.version) + 1,
        };
        row.due = row.next_due(&rules);
        match pending {
            Some(before) => prefix::update(self.sql(), &row, before.version).await?,
            None => prefix::insert(self.sql(), &row).await?,
        }
        let action = if state == State::Enabled { "prefix.allocate" } else { "prefix.apply" };
        if state == State::Enabled {
            let holder = pending.map_or("", |row| row.organisation.as_str()).to_owned();
            self.tell_operator_clients(&holder, &row.view(), action).await?;
            self.tell_above(None, &row.view()).await?;
        }
        if state == State::Pending {
            self.note_pending(&row.name).await?;
        }
        let before = pending.map_or(json!(null), |row| json!(row.view()));
        let mut after = serde_json::to_value(row.view())?;
        if let Some(reason) = &wish.override_reason {
            after["overrideReason"] = reason.as_str().into();
        }
        self.record(action, &format!("prefix {}", row.name), Some(&row.organisation), before, after);
        self.tell_state(&row).await?;
        if let Some(wanted) = row.wanted().filter(|_| state == State::Enabled) {
            self.publish(Publication { prefix: row.name.clone(), wanted });
        }
        Ok(row)
    }

    /// Everything about a wish but its name; the end of validity.
    async fn check_wish(&mut self, wish: &Wish, rules: &PrefixRules) -> Result<Time, Error> {
        let ways = [&wish.prefix, &wish.under, &wish.pattern];
        if ways.into_iter().flatten().count() != 1 {
            let (zh, en) =
                ("请在 prefix、under、pattern 中恰好填写一项", "give exactly one of prefix, under and pattern");
            return Err(field("prefix", "prefix-choice", zh, en));
        }
        if wish.held && (wish.prefix.is_none() || wish.proof.is_empty()) {
            let (zh, en) = ("已持有的前缀须写明前缀并附证明材料", "a held prefix is named, and has documents of proof");
            return Err(field("proof", "proof-missing", zh, en));
        }
        let long = |id: &String| id.is_empty() || id.len() > 64;
        if wish.proof.len() > PROOF_MOST || wish.proof.iter().any(long) {
            let (zh, en) = ("证明材料最多 20 份", "there are 20 documents of proof at most");
            return Err(field("proof", "too-many", zh, en));
        }
        if let Some(reason) = &wish.override_reason {
            checked_reason(reason)?;
            if let Some(refusal) = self.caller.lacks(Permission::PrefixReserve) {
                return Err(refusal.into());
            }
        }
        delegation::check(&wish.delegation, rules)?;
        for (name, id) in [("organisation", &wish.organisation), ("sponsor", &wish.sponsor)] {
            if name == "sponsor" && id.is_empty() {
                continue;
            }
            match organisations::find(self.sql(), id).await? {
                Some(found) if found.state == OrganisationState::Active => {}
                Some(_) => {
                    let (zh, en) = ("该组织已停用", "that organisation is suspended");
                    return Err(refuse(Kind::Conflict, "organisation-suspended", zh, en));
                }
                None => return Err(field(name, "not-found", "没有该组织", "there is no such organisation")),
            }
        }
        let now = self.now();
        let expires = wish.expires.unwrap_or_else(|| after(now, rules.validity_days));
        checked_expiry(expires, now, rules)?;
        Ok(expires)
    }

    /// The name that the wish comes to, and the own prefix above it.
    async fn choose(&mut self, wish: &Wish, reservations: &Reservations) -> Result<(Checked, String), Error> {
        let overridden = wish.override_reason.is_some();
        let (who, held) = (wish.organisation.as_str(), wish.held);
        if let Some(text) = &wish.prefix {
            let checked = name::check(text)?;
            let parent = obstacle(self.sql(), &checked, who, held, reservations, overridden).await?;
            return Ok((checked, parent));
        }
        if let Some(pattern) = &wish.pattern {
            for text in names_of_pattern(pattern)?.take(TRIES_MOST) {
                let checked = name::check(&text)?;
                match obstacle(self.sql(), &checked, who, held, reservations, overridden).await {
                    Ok(parent) => return Ok((checked, parent)),
                    Err(error) if is_taken(&error) => {}
                    Err(error) => return Err(error),
                }
            }
            return Err(plan::exhausted().into());
        }
        self.next_free(wish, reservations).await
    }

    async fn next_free(&mut self, wish: &Wish, reservations: &Reservations) -> Result<(Checked, String), Error> {
        let under = Name::folded(wish.under.as_deref().unwrap_or_default());
        let own = own::all(self.sql()).await?.into_iter().find(|own| own.active && own.name == under.as_str());
        let Some(own) = own else {
            return Err(field("under", "not-found", "这不是本节点的前缀", "this is no prefix of the node"));
        };
        for number in own.plan.from(own.next_number).take(TRIES_MOST) {
            let text = own.plan.name(&under, number);
            // Where nothing but the row can stand against it, one look is enough.
            let found = sqlx::query("SELECT state FROM prefix WHERE name = $1").bind(text.clone());
            let state = found.fetch_optional(self.sql()).await?.map(|row| row.try_get::<String, _>(0)).transpose()?;
            if state.and_then(|name| State::parse(&name)).is_some_and(|state| !state.is_free())
                || reservations.against(&text, &wish.organisation).is_some()
            {
                continue;
            }
            let checked = name::check(&text)?;
            match obstacle(self.sql(), &checked, &wish.organisation, false, reservations, false).await {
                Ok(parent) => {
                    let update = "UPDATE own_prefix SET next_number = $1 WHERE name = $2";
                    sqlx::query(update).bind(number + 1).bind(own.name).execute(self.sql()).await?;
                    return Ok((checked, parent));
                }
                Err(error) if is_taken(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(plan::exhausted().into())
    }

    /// Writes a changed prefix, its audit entry, and what the data plane shall know of the change.
    pub(crate) async fn settle(&mut self, before: &Row, mut row: Row, action: &str, extra: Json) -> Result<Row, Error> {
        let rules = rules::read(self.sql()).await?;
        (row.updated, row.version) = (self.now(), before.version + 1);
        row.due = row.next_due(&rules);
        prefix::update(self.sql(), &row, before.version).await?;
        let (old, mut new) = difference(&before.view(), &row.view());
        if let (Json::Object(extra), Json::Object(new)) = (extra, &mut new) {
            new.extend(extra);
        }
        self.record(action, &format!("prefix {}", row.name), Some(&row.organisation), old, new);
        self.tell_holder(before, &row, action).await?;
        self.tell_operator_clients(&before.organisation, &row.view(), action).await?;
        self.tell_above(Some(&before.view()), &row.view()).await?;
        let wanted = row.wanted();
        if wanted != before.wanted()
            && let Some(wanted) = wanted
        {
            self.publish(Publication { prefix: row.name.clone(), wanted });
        }
        Ok(row)
    }
}

/// Refusals that mean: try the next name.
fn is_taken(error: &Error) -> bool {
    const CODES: [&str; 6] =
        ["prefix-taken", "prefix-retired", "prefix-reserved", "prefix-blocked", "prefix-overlaps", "prefix-own"];
    error.refusal().is_some_and(|refusal| CODES.contains(&refusal.code))
}

/// An expiry that is neither past nor too far away.
pub(crate) fn checked_expiry(expires: Time, now: Time, rules: &PrefixRules) -> Result<(), Refusal> {
    if expires > now && expires <= after(now, rules.validity_most_days) {
        return Ok(());
    }
    let most = rules.validity_most_days;
    let (zh, en) =
        (format!("有效期应在现在之后，且不超过 {most} 天"), format!("it expires after now and within {most} days"));
    Err(Refusal::fields(vec![FieldRefusal::new("expires", "out-of-range", zh, en)]))
}

impl Registry {
    /// Allocates at once; needs the permission to allocate.
    pub async fn allocate_prefix(&self, caller: &Caller, wish: &Wish) -> Result<Prefix, Error> {
        let act = self.begin(caller, Permission::PrefixAllocate, "prefix").await?;
        let mut act = act.reach(Some(&wish.organisation), "prefix", prefix::absent("")).await?;
        let prefix = act.allocate(wish).await?;
        act.commit(prefix).await
    }

    /// Wishes for a prefix for the own organisation; the node's operator decides.
    pub async fn request_prefix(&self, caller: &Caller, wish: &Wish) -> Result<Prefix, Error> {
        let act = self.begin(caller, Permission::PrefixWrite, "prefix").await?;
        let absent = Refusal::absent("组织", "organisation", &wish.organisation);
        let mut act = act.reach(Some(&wish.organisation), "prefix", absent).await?;
        let prefix = act.apply_for_prefix(wish).await?;
        act.commit(prefix).await
    }

    /// Whether a name could be given out, and why not. `organisation` sees what is reserved for it.
    pub async fn availability(&self, caller: &Caller, text: &str, held: bool) -> Result<Availability, Error> {
        self.authorise(caller, Permission::PrefixRead, "prefix").await?;
        let mut connection = self.database.reader().acquire().await?;
        let found = match name::check(text) {
            Ok(checked) => {
                let reservations = Reservations::read(&mut connection).await?;
                let who = caller.organisation().unwrap_or_default();
                obstacle(&mut connection, &checked, who, held, &reservations, false).await.map(|_| ())
            }
            Err(refusal) => Err(refusal.into()),
        };
        let prefix = Name::folded(text.trim()).as_str().to_owned();
        match found {
            Ok(()) => Ok(Availability { prefix, available: true, code: None, zh: None, en: None }),
            Err(Error::Refused(refusal)) => {
                let code = refusal.fields.first().map_or_else(|| refusal.code.to_owned(), |field| field.code.clone());
                let (zh, en) = (Some(refusal.zh), Some(refusal.en));
                Ok(Availability { prefix, available: false, code: Some(code), zh, en })
            }
            Err(other) => Err(other),
        }
    }
}
