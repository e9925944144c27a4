//! Grants 权限授予: who may see fields that are not public, for what, until when.
//!
//! ```text
//!            ┌──refuse──► refused
//! requested ─┤
//!            └──approve─► granted ──revoke──► revoked
//! (an owner who grants by himself begins at granted)
//! ```
//! A grant opens fields of visibility `granted`; a `private` one is opened by nobody. It names a grantee, and narrows by
//! prefix, template, one identifier, fields, purpose and time; what it leaves empty does not restrict.
//!
//! | grantee | whoever |
//! |---|---|
//! | `organisation:org_…` | acts for that organisation of this node |
//! | `account:acc_…` | is that account |
//! | `role:reviewer` | holds that role at this node |
//! | `identity:301:88.118.9/App_x` | has proven to be that identity, anywhere (`identity:88.118.9/App_x` for any key) |
//! | `prefix:88.118.9` | has proven an identity below that prefix: an enterprise elsewhere |
//! | `group:grp_…` | is in that group of the owner |

use super::Objects;
use super::record::{Held, Kept};
use crate::caller::{Caller, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::permission::Permission;
use crate::templates::Visibility;
use arc_swap::ArcSwapOption;
use hufu_ident::{CaseRule, Identifier, Prefix, Reference};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Most fields named by one grant.
const FIELDS: usize = 500;
/// Longest purpose, in characters.
const PURPOSE: usize = 100;
/// Longest grantee, in octets.
const GRANTEE: usize = 512;
/// Most members of a group.
const MEMBERS: usize = 1_000;
/// Most grants in force that a node keeps in memory.
const IN_FORCE: i64 = 500_000;
/// How old the grants in memory may be, in milliseconds: prefixes may have changed hands.
const FRESH: Time = 5_000;

/// Where a grant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GrantState {
    Requested,
    Granted,
    Refused,
    Revoked,
}

impl GrantState {
    const ALL: [GrantState; 4] = [GrantState::Requested, GrantState::Granted, GrantState::Refused, GrantState::Revoked];

    pub const fn name(self) -> &'static str {
        match self {
            GrantState::Requested => "requested",
            GrantState::Granted => "granted",
            GrantState::Refused => "refused",
            GrantState::Revoked => "revoked",
        }
    }
}

/// What a grant opens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GrantScope {
    /// One prefix of the owner.
    #[schema(max_length = 255)]
    pub prefix: Option<String>,
    /// Handle of one template.
    #[schema(max_length = 255)]
    pub template: Option<String>,
    /// One object.
    #[schema(max_length = 1024)]
    pub identifier: Option<String>,
    /// Names of fields; empty for all that can be granted.
    #[schema(max_items = 500)]
    pub fields: Vec<String>,
    /// What it may be read for; the reader must name just this.
    #[schema(max_length = 100)]
    pub purpose: Option<String>,
    /// In force from then on; milliseconds since 1970.
    pub starts: Option<Time>,
    /// In force until then.
    pub ends: Option<Time>,
    /// Whether the reader's node may keep what it read.
    pub copies: bool,
}

/// A grant as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    pub id: String,
    /// The organisation whose objects it opens; empty for the node's own.
    pub owner: String,
    pub grantee: String,
    pub scope: GrantScope,
    pub state: GrantState,
    /// Who asked for it; empty where the owner granted by himself.
    pub asked_by: String,
    /// Why it was asked for.
    pub reason: String,
    /// Why it was decided so.
    pub decision: String,
    pub decided_by: String,
    pub created: Time,
    pub updated: Time,
    pub version: i64,
}

/// A grant to be, by the owner.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewGrant {
    /// Whose objects; the caller's own organisation unless named.
    #[serde(default)]
    pub owner: Option<String>,
    #[schema(max_length = 512)]
    pub grantee: String,
    #[serde(default)]
    pub scope: GrantScope,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub reason: String,
}

/// A wish to see fields of somebody else's objects.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantRequest {
    /// Whose objects: an object of theirs. The request may cover more of them by its scope.
    #[schema(max_length = 1024)]
    pub about: String,
    #[serde(default)]
    pub scope: GrantScope,
    #[schema(max_length = 500, min_length = 1)]
    pub reason: String,
}

/// Which grants are wanted.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct GrantFilter {
    /// `requested`, `granted`, `refused` or `revoked`.
    pub state: Option<String>,
    pub grantee: Option<String>,
    pub identifier: Option<String>,
    pub template: Option<String>,
}

/// A named set of grantees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrantGroup {
    pub id: String,
    pub owner: String,
    pub name: String,
    /// Grantees, but no groups.
    pub members: Vec<String>,
    pub created: Time,
    pub updated: Time,
    pub version: i64,
}

/// A group to be, or what it shall be.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewGrantGroup {
    #[schema(max_length = 128, min_length = 1)]
    pub name: String,
    #[schema(max_items = 1000)]
    pub members: Vec<String>,
}

const COLUMNS: &str = "id, owner, grantee, prefix, template, identifier, fields, purpose, starts, ends, copies, state, \
    asked_by, reason, decision, decided_by, created, updated, version";

fn read(row: &AnyRow) -> Result<Grant, Error> {
    let text = |at: usize| row.try_get::<String, _>(at);
    let some = |at: usize| Ok::<_, Error>(Some(text(at)?).filter(|text| !text.is_empty()));
    let moment = |at: usize| Ok::<_, Error>(Some(row.try_get::<Time, _>(at)?).filter(|at| *at != 0));
    let state = text(11)?;
    let state = GrantState::ALL.into_iter().find(|known| known.name() == state);
    Ok(Grant {
        id: text(0)?,
        owner: text(1)?,
        grantee: text(2)?,
        scope: GrantScope {
            prefix: some(3)?,
            template: some(4)?,
            identifier: some(5)?,
            fields: serde_json::from_str(&text(6)?)?,
            purpose: some(7)?,
            starts: moment(8)?,
            ends: moment(9)?,
            copies: row.try_get::<i64, _>(10)? != 0,
        },
        state: state.ok_or_else(|| Error::Fault("a grant has an unknown state".into()))?,
        asked_by: text(12)?,
        reason: text(13)?,
        decision: text(14)?,
        decided_by: text(15)?,
        created: row.try_get(16)?,
        updated: row.try_get(17)?,
        version: row.try_get(18)?,
    })
}

async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<Grant>, Error> {
    const SELECT: &str = "SELECT id, owner, grantee, prefix, template, identifier, fields, purpose, starts, ends, \
        copies, state, asked_by, reason, decision, decided_by, created, updated, version FROM object_grant WHERE id = $1";
    let row = sqlx::query(SELECT).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

async fn insert(connection: &mut AnyConnection, grant: &Grant, asker: &str) -> Result<(), Error> {
    const INSERT: &str = "INSERT INTO object_grant (id, owner, grantee, prefix, template, identifier, fields, purpose, \
        starts, ends, copies, state, asked_by, asker, reason, decision, decided_by, created, updated, version) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)";
    let scope = &grant.scope;
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    sqlx::query(INSERT)
        .bind(&grant.id)
        .bind(&grant.owner)
        .bind(&grant.grantee)
        .bind(or_empty(&scope.prefix))
        .bind(or_empty(&scope.template))
        .bind(or_empty(&scope.identifier))
        .bind(serde_json::to_string(&scope.fields)?)
        .bind(or_empty(&scope.purpose))
        .bind(scope.starts.unwrap_or(0))
        .bind(scope.ends.unwrap_or(0))
        .bind(i64::from(scope.copies))
        .bind(grant.state.name())
        .bind(&grant.asked_by)
        .bind(asker)
        .bind(&grant.reason)
        .bind(&grant.decision)
        .bind(&grant.decided_by)
        .bind(grant.created)
        .bind(grant.updated)
        .bind(grant.version)
        .execute(connection)
        .await?;
    Ok(())
}

fn absent(id: &str) -> Refusal {
    Refusal::absent("授权", "grant", id)
}

fn absent_group(id: &str) -> Refusal {
    Refusal::absent("授权组", "group of grantees", id)
}

/// `kind:name` with a kind that is known and a name that could be one.
fn check_grantee(grantee: &str, groups: bool) -> Result<(), FieldRefusal> {
    let right = match grantee.split_once(':') {
        Some(("organisation" | "account" | "role", name)) => !name.is_empty() && !name.contains(':'),
        Some(("group", name)) => groups && !name.is_empty(),
        Some(("identity", name)) => Reference::parse(name).is_some_and(|it| it.handle.contains(&b'/')),
        Some(("prefix", name)) => Prefix::parse(name).is_ok(),
        _ => false,
    };
    if right && grantee.len() <= GRANTEE {
        return Ok(());
    }
    let zh = "被授权方应为 organisation:…、account:…、role:…、identity:序号:标识、prefix:前缀 或 group:…";
    let en = "a grantee is organisation:…, account:…, role:…, identity:index:handle, prefix:… or group:…";
    Err(FieldRefusal::new("grantee", "bad-grantee", zh, en))
}

fn check_scope(scope: &GrantScope) -> Vec<FieldRefusal> {
    let mut wrong = Vec::new();
    let mut refuse = |field: &str, code: &str, zh: &str, en: &str| {
        wrong.push(FieldRefusal::new(format!("scope.{field}"), code, zh, en));
    };
    if scope.fields.len() > FIELDS {
        refuse("fields", "too-many", "字段不超过 500 个", "at most 500 fields");
    }
    if scope.purpose.as_ref().is_some_and(|purpose| purpose.chars().count() > PURPOSE) {
        refuse("purpose", "too-long", "用途不超过 100 字", "a purpose has at most 100 characters");
    }
    if scope.starts.zip(scope.ends).is_some_and(|(starts, ends)| starts >= ends) {
        refuse("ends", "out-of-range", "截止时间应晚于起始时间", "it ends before it starts");
    }
    if scope.identifier.as_ref().is_some_and(|text| Identifier::parse(text).is_err()) {
        refuse("identifier", "bad-identifier", "标识格式有误", "this is no identifier");
    }
    wrong
}

impl Objects {
    fn owner_named(caller: &Caller, owner: Option<&str>) -> String {
        owner.or(caller.organisation()).unwrap_or_default().to_owned()
    }

    /// The owner opens fields to somebody.
    pub async fn grant(&self, caller: &Caller, new: &NewGrant) -> Result<Grant, Error> {
        let owner = Objects::owner_named(caller, new.owner.as_deref());
        let object = format!("grant of {owner}");
        let act = self.registry.begin(caller, Permission::GrantWrite, &object).await?;
        let known = Some(owner.as_str()).filter(|owner| !owner.is_empty());
        let mut act = act.reach(known, &object, Refusal::absent("组织", "organisation", &owner)).await?;
        let mut wrong = check_scope(&new.scope);
        wrong.extend(check_grantee(&new.grantee, true).err());
        if !wrong.is_empty() {
            return Err(Refusal::fields(wrong).into());
        }
        if let Some(group) = new.grantee.strip_prefix("group:") {
            let found = find_group(act.sql(), group).await?.filter(|found| found.owner == owner);
            found.ok_or_else(|| absent_group(group))?;
        }
        let grant = Grant {
            id: act.fresh_id("grt"),
            owner: owner.clone(),
            grantee: new.grantee.clone(),
            scope: new.scope.clone(),
            state: GrantState::Granted,
            asked_by: String::new(),
            reason: new.reason.clone(),
            decision: String::new(),
            decided_by: caller.name.clone(),
            created: act.now(),
            updated: act.now(),
            version: 1,
        };
        insert(act.sql(), &grant, "").await?;
        act.record("grant.write", &format!("grant {}", grant.id), known, json!(null), json!(grant));
        let grant = act.commit(grant).await?;
        self.book.forget();
        Ok(grant)
    }

    /// Somebody asks to see fields of another's objects; the owner is told.
    pub async fn request_grant(&self, caller: &Caller, request: &GrantRequest) -> Result<Grant, Error> {
        let object = format!("grant about {}", request.about);
        let mut act = self.registry.begin(caller, Permission::GrantRequest, &object).await?;
        let identifier = Identifier::parse(&request.about)
            .map_err(|refusal| Refusal::fields(vec![FieldRefusal::of("about", &refusal)]))?;
        let owner = self.owner_of(act.sql(), &identifier).await?;
        let owner = owner.ok_or_else(|| super::owner::not_here(identifier.as_str()))?;
        let mut wrong = check_scope(&request.scope);
        if request.reason.trim().is_empty() {
            wrong.push(FieldRefusal::new("reason", "missing", "请说明用途和理由", "say what it is for"));
        }
        if !wrong.is_empty() {
            return Err(Refusal::fields(wrong).into());
        }
        let grantee = match (caller.organisation(), caller.account()) {
            (Some(organisation), _) => format!("organisation:{organisation}"),
            (None, Some(account)) => format!("account:{account}"),
            (None, None) => {
                let (zh, en) = ("请以账号身份提出申请", "ask as an account");
                return Err(Refusal::new(Kind::Conflict, "no-account", zh, en).into());
            }
        };
        let grant = Grant {
            id: act.fresh_id("grt"),
            owner: owner.organisation.clone().unwrap_or_default(),
            grantee,
            scope: request.scope.clone(),
            state: GrantState::Requested,
            asked_by: caller.name.clone(),
            reason: request.reason.trim().to_owned(),
            decision: String::new(),
            decided_by: String::new(),
            created: act.now(),
            updated: act.now(),
            version: 1,
        };
        insert(act.sql(), &grant, caller.organisation().unwrap_or_default()).await?;
        let target = format!("grant {}", grant.id);
        act.record("grant.request", &target, owner.organisation.as_deref(), json!(null), json!(grant));
        act.commit(grant).await
    }

    /// The owner decides on a request.
    pub async fn decide_grant(&self, caller: &Caller, id: &str, approve: bool, decision: &str) -> Result<Grant, Error> {
        let state = if approve { GrantState::Granted } else { GrantState::Refused };
        self.restate(caller, id, GrantState::Requested, state, decision).await
    }

    /// The owner takes a grant back; from the next reading on.
    pub async fn revoke_grant(&self, caller: &Caller, id: &str, reason: &str) -> Result<Grant, Error> {
        self.restate(caller, id, GrantState::Granted, GrantState::Revoked, reason).await
    }

    async fn restate(
        &self,
        caller: &Caller,
        id: &str,
        from: GrantState,
        to: GrantState,
        why: &str,
    ) -> Result<Grant, Error> {
        let object = format!("grant {id}");
        let mut act = self.registry.begin(caller, Permission::GrantWrite, &object).await?;
        let before = find(act.sql(), id).await?.ok_or_else(|| absent(id))?;
        let owner = Some(before.owner.as_str()).filter(|owner| !owner.is_empty());
        let mut act = act.reach(owner, &object, absent(id)).await?;
        if before.state != from {
            let zh = format!("该授权现为 {}，不能执行此操作", before.state.name());
            let en = format!("this grant is {}", before.state.name());
            return Err(Refusal::new(Kind::Conflict, "grant-state", zh, en).into());
        }
        let after = Grant {
            state: to,
            decision: why.chars().take(500).collect(),
            decided_by: caller.name.clone(),
            updated: act.now(),
            version: before.version + 1,
            ..before.clone()
        };
        let update = "UPDATE object_grant SET state = $1, decision = $2, decided_by = $3, updated = $4, version = $5 \
                      WHERE id = $6 AND version = $7";
        sqlx::query(update)
            .bind(to.name())
            .bind(&after.decision)
            .bind(&after.decided_by)
            .bind(after.updated)
            .bind(after.version)
            .bind(id)
            .bind(before.version)
            .execute(act.sql())
            .await?;
        let (old, new) = crate::act::difference(&before, &after);
        act.record("grant.write", &object, owner, old, new);
        let after = act.commit(after).await?;
        self.book.forget();
        Ok(after)
    }

    /// A grant, for its owner and for who has it or asked for it.
    pub async fn grant_by_id(&self, caller: &Caller, id: &str) -> Result<Grant, Error> {
        let object = format!("grant {id}");
        self.registry.authorise(caller, Permission::GrantRead, &object).await?;
        let mut connection = self.registry.database().reader().acquire().await?;
        let grant = find(&mut connection, id).await?.ok_or_else(|| absent(id))?;
        let owner = Some(grant.owner.as_str()).filter(|owner| !owner.is_empty());
        let grantee = caller.organisation().map(|own| format!("organisation:{own}"));
        if grantee.is_some_and(|own| own == grant.grantee) {
            return Ok(grant);
        }
        self.registry.reach(caller, Permission::GrantRead, owner, &object, absent(id)).await?;
        Ok(grant)
    }

    /// Grants on the caller's objects, or, `held`, those that it has or asked for.
    pub async fn grants(
        &self,
        caller: &Caller,
        held: bool,
        filter: &GrantFilter,
        listing: &Listing,
    ) -> Result<Page<Grant>, Error> {
        self.registry.authorise(caller, Permission::GrantRead, "grant").await?;
        let mut wanted = Filter::new("object_grant", COLUMNS);
        match (caller.organisation(), held) {
            (Some(own), true) => wanted.equal("grantee", Some(&format!("organisation:{own}"))),
            (Some(own), false) => wanted.equal("owner", Some(own)),
            (None, _) => {}
        }
        wanted.equal("state", filter.state.as_deref());
        wanted.equal("grantee", filter.grantee.as_deref());
        wanted.equal("identifier", filter.identifier.as_deref());
        wanted.equal("template", filter.template.as_deref());
        let sortable = [Column::Number("created"), Column::Number("updated"), Column::Text("grantee")];
        wanted.page(&self.registry, listing, &sortable, "-created", Column::Text("id"), read).await
    }
}

const GROUP_COLUMNS: &str = "id, owner, name, members, created, updated, version";

fn read_group(row: &AnyRow) -> Result<GrantGroup, Error> {
    Ok(GrantGroup {
        id: row.try_get(0)?,
        owner: row.try_get(1)?,
        name: row.try_get(2)?,
        members: serde_json::from_str(&row.try_get::<String, _>(3)?)?,
        created: row.try_get(4)?,
        updated: row.try_get(5)?,
        version: row.try_get(6)?,
    })
}

async fn find_group(connection: &mut AnyConnection, id: &str) -> Result<Option<GrantGroup>, Error> {
    const SELECT: &str = "SELECT id, owner, name, members, created, updated, version FROM grant_group WHERE id = $1";
    let row = sqlx::query(SELECT).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read_group).transpose()
}

fn check_group(new: &NewGrantGroup) -> Result<(), Error> {
    let mut wrong = Vec::new();
    if new.name.trim().is_empty() || new.name.chars().count() > 128 {
        wrong.push(FieldRefusal::new("name", "bad-length", "名称应为 1–128 字", "a name has 1 to 128 characters"));
    }
    if new.members.len() > MEMBERS {
        wrong.push(FieldRefusal::new("members", "too-many", "成员不超过 1000", "at most 1000 members"));
    }
    for (at, member) in new.members.iter().enumerate() {
        if let Err(mut refusal) = check_grantee(member, false) {
            refusal.field = format!("members[{at}]");
            wrong.push(refusal);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Refusal::fields(wrong).into()) }
}

fn group_taken() -> Refusal {
    let (zh, en) = ("同名的组已存在", "there is a group of that name");
    Refusal::new(Kind::Conflict, "group-exists", zh, en)
}

impl Objects {
    pub async fn create_group(&self, caller: &Caller, new: &NewGrantGroup) -> Result<GrantGroup, Error> {
        let mut act = self.registry.begin(caller, Permission::GrantWrite, "grant-group").await?;
        check_group(new)?;
        let owner = Objects::owner_named(caller, None);
        let group = GrantGroup {
            id: act.fresh_id("grp"),
            owner: owner.clone(),
            name: new.name.trim().to_owned(),
            members: new.members.clone(),
            created: act.now(),
            updated: act.now(),
            version: 1,
        };
        let insert = "INSERT INTO grant_group (id, owner, name, members, created, updated, version) \
                      VALUES ($1, $2, $3, $4, $5, $6, 1)";
        sqlx::query(insert)
            .bind(&group.id)
            .bind(&group.owner)
            .bind(&group.name)
            .bind(serde_json::to_string(&group.members)?)
            .bind(group.created)
            .bind(group.updated)
            .execute(act.sql())
            .await
            .map_err(|error| Error::unique(error, group_taken))?;
        let known = Some(owner.as_str()).filter(|owner| !owner.is_empty());
        act.record("grant-group.write", &format!("grant-group {}", group.id), known, json!(null), json!(group));
        act.commit(group).await
    }

    /// Replaces name and members; in force from the next reading on.
    pub async fn change_group(
        &self,
        caller: &Caller,
        id: &str,
        version: Option<i64>,
        new: &NewGrantGroup,
    ) -> Result<GrantGroup, Error> {
        let object = format!("grant-group {id}");
        let mut act = self.registry.begin(caller, Permission::GrantWrite, &object).await?;
        let before = find_group(act.sql(), id).await?.ok_or_else(|| absent_group(id))?;
        let owner = Some(before.owner.as_str()).filter(|owner| !owner.is_empty());
        let mut act = act.reach(owner, &object, absent_group(id)).await?;
        check_group(new)?;
        if version.is_some_and(|seen| seen != before.version) {
            return Err(Refusal::stale(before.version).into());
        }
        let after = GrantGroup {
            name: new.name.trim().to_owned(),
            members: new.members.clone(),
            updated: act.now(),
            version: before.version + 1,
            ..before.clone()
        };
        let update = "UPDATE grant_group SET name = $1, members = $2, updated = $3, version = $4 WHERE id = $5";
        sqlx::query(update)
            .bind(&after.name)
            .bind(serde_json::to_string(&after.members)?)
            .bind(after.updated)
            .bind(after.version)
            .bind(id)
            .execute(act.sql())
            .await
            .map_err(|error| Error::unique(error, group_taken))?;
        let (old, new) = crate::act::difference(&before, &after);
        act.record("grant-group.write", &object, owner, old, new);
        let after = act.commit(after).await?;
        self.book.forget();
        Ok(after)
    }

    pub async fn groups(&self, caller: &Caller, listing: &Listing) -> Result<Page<GrantGroup>, Error> {
        self.registry.authorise(caller, Permission::GrantRead, "grant-group").await?;
        let mut wanted = Filter::new("grant_group", GROUP_COLUMNS);
        wanted.equal("owner", caller.organisation());
        let sortable = [Column::Text("name"), Column::Number("created")];
        wanted.page(&self.registry, listing, &sortable, "name", Column::Text("id"), read_group).await
    }
}

/// Who wants to read: every name by which a grant may mean them, and what for.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    /// `organisation:…`, `account:…`, `role:…`, `identity:…`, `prefix:…`.
    pub names: Vec<String>,
    pub purpose: String,
    pub at: Time,
}

impl Reader {
    /// Somebody who has proven an identity at a protocol's door.
    pub fn of_identity(identity: &Reference, at: Time) -> Self {
        let handle = String::from_utf8_lossy(&identity.handle).into_owned();
        let mut names = Vec::new();
        if let Ok(name) = Identifier::parse(&handle) {
            let folded = fold(&handle);
            names.push(format!("identity:{}:{folded}", identity.index));
            names.push(format!("identity:{folded}"));
            names.extend(name.name().home().lineage().take(8).map(|prefix| format!("prefix:{prefix}")));
        }
        Reader { names, purpose: String::new(), at }
    }
}

/// One spelling for identities: the key folds, so do we.
fn fold(handle: &str) -> String {
    handle.to_ascii_uppercase()
}

fn folded_grantee(grantee: &str) -> String {
    match grantee.strip_prefix("identity:") {
        Some(name) => format!("identity:{}", fold(name)),
        None => match grantee.strip_prefix("prefix:") {
            Some(name) => format!("prefix:{}", Prefix::folded(name)),
            None => grantee.to_owned(),
        },
    }
}

/// The grants in force, by grantee. Doors ask it; SQL is asked at most every few seconds.
#[derive(Default)]
pub(super) struct Book {
    page: ArcSwapOption<BookPage>,
}

struct BookPage {
    at: Time,
    by_grantee: HashMap<String, Vec<Arc<Grant>>>,
}

impl Book {
    /// The next question reads the grants anew.
    pub fn forget(&self) {
        self.page.store(None);
    }
}

impl Objects {
    async fn book_page(&self, at: Time) -> Result<Arc<BookPage>, Error> {
        if let Some(page) = self.book.page.load_full()
            && (page.at..page.at + FRESH).contains(&at)
        {
            return Ok(page);
        }
        let mut connection = self.registry.database().reader().acquire().await?;
        const SELECT: &str = "SELECT id, owner, grantee, prefix, template, identifier, fields, purpose, starts, ends, \
            copies, state, asked_by, reason, decision, decided_by, created, updated, version FROM object_grant \
            WHERE state = 'granted' AND (ends = 0 OR ends > $1) ORDER BY id LIMIT $2";
        let rows = sqlx::query(SELECT).bind(at).bind(IN_FORCE).fetch_all(&mut *connection).await?;
        let groups = "SELECT id, owner, name, members, created, updated, version FROM grant_group";
        let groups = sqlx::query(groups).fetch_all(&mut *connection).await?;
        let groups = groups.iter().map(read_group).collect::<Result<Vec<_>, _>>()?;
        let groups: HashMap<String, Vec<String>> =
            groups.into_iter().map(|group| (format!("group:{}", group.id), group.members)).collect();
        let mut by_grantee: HashMap<String, Vec<Arc<Grant>>> = HashMap::new();
        for row in &rows {
            let grant = Arc::new(read(row)?);
            let one = [grant.grantee.clone()];
            for grantee in groups.get(&grant.grantee).map_or(&one[..], |members| &members[..]) {
                by_grantee.entry(folded_grantee(grantee)).or_default().push(grant.clone());
            }
        }
        let page = Arc::new(BookPage { at, by_grantee });
        self.book.page.store(Some(page.clone()));
        Ok(page)
    }

    /// Which fields of an object that are not public the reader may see, each with the grant that opens it.
    pub async fn opened(
        &self,
        reader: &Reader,
        owner: &str,
        prefix: &str,
        kept: &Kept,
    ) -> Result<BTreeMap<u32, Arc<Grant>>, Error> {
        let mut opened = BTreeMap::new();
        if !kept.fields.iter().any(|field| field.visibility == Visibility::Granted) {
            return Ok(opened);
        }
        let page = self.book_page(reader.at).await?;
        let grants = reader.names.iter().filter_map(|name| page.by_grantee.get(&folded_grantee(name))).flatten();
        for grant in grants.filter(|grant| grant.owner == owner && grant.covers(reader, prefix, kept, self.rule)) {
            for field in kept.fields.iter().filter(|field| grant.opens(field)) {
                opened.entry(field.index).or_insert_with(|| grant.clone());
            }
        }
        Ok(opened)
    }
}

impl Grant {
    fn covers(&self, reader: &Reader, prefix: &str, kept: &Kept, rule: CaseRule) -> bool {
        let scope = &self.scope;
        let key = |text: &str| Identifier::parse(text).map(|identifier| identifier.key(rule)).ok();
        scope.starts.is_none_or(|starts| starts <= reader.at)
            && scope.ends.is_none_or(|ends| reader.at < ends)
            && scope.purpose.as_ref().is_none_or(|purpose| *purpose == reader.purpose)
            && scope.prefix.as_ref().is_none_or(|wanted| Prefix::folded(wanted).as_str() == prefix)
            && scope.template.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(&kept.template))
            && scope.identifier.as_ref().is_none_or(|wanted| key(wanted) == key(&kept.sheet.identifier))
    }

    fn opens(&self, field: &Held) -> bool {
        field.visibility == Visibility::Granted
            && (self.scope.fields.is_empty() || self.scope.fields.contains(&field.name))
    }
}
