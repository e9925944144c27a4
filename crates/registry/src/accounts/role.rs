//! Roles: named sets of permissions, those of the program and those that the security administrator makes.
//!
//! A role reaches the whole node or one organisation; an account holds roles of one reach only, so that what it may do
//! and where never mix. The three duties (三员分立) are kept apart here: [`fit`] is asked wherever a set of permissions
//! comes together, be it a role, an account's roles, or a role that accounts already hold.

use crate::Act;
use crate::act::difference;
use crate::caller::{Caller, Scope, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::organisations::OrganisationKind;
use crate::permission::{Duty, Permission, PermissionSet};
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// Most custom roles of a node.
const ROLES: i64 = 200;
/// Most roles of an account.
pub const ROLES_HELD: usize = 8;
/// Most characters of a role's id and names.
const ID: usize = 40;
const NAME: usize = 60;

/// How far a role goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RoleReach {
    /// Everything of the node; for accounts of its operator.
    Node,
    /// What belongs to the account's own organisation.
    Organisation,
}

impl RoleReach {
    fn name(self) -> &'static str {
        match self {
            RoleReach::Node => "node",
            RoleReach::Organisation => "organisation",
        }
    }
}

/// A role as the API shows it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// Its name in requests: `reviewer`.
    pub id: String,
    pub reach: RoleReach,
    /// Only accounts of this organisation may hold it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    pub zh: String,
    pub en: String,
    pub permissions: Vec<Permission>,
    /// Whether accounts that hold it need a second factor.
    pub totp: bool,
    pub built_in: bool,
    pub created: Time,
    pub updated: Time,
    pub version: i64,
}

/// A role to be.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRole {
    /// Small letters, digits and `-`, beginning with a letter.
    #[schema(pattern = "^[a-z][a-z0-9-]{1,39}$")]
    pub id: String,
    pub reach: RoleReach,
    #[serde(default)]
    pub organisation: Option<String>,
    #[schema(min_length = 1, max_length = 60)]
    pub zh: String,
    #[schema(min_length = 1, max_length = 60)]
    pub en: String,
    #[schema(min_items = 1)]
    pub permissions: Vec<Permission>,
    #[serde(default)]
    pub totp: bool,
}

/// What can be changed of a role.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleContent {
    #[schema(min_length = 1, max_length = 60)]
    pub zh: String,
    #[schema(min_length = 1, max_length = 60)]
    pub en: String,
    #[schema(min_items = 1)]
    pub permissions: Vec<Permission>,
    #[serde(default)]
    pub totp: bool,
}

/// Which roles are wanted.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct RoleFilter {
    /// `node` or `organisation`.
    pub reach: Option<String>,
    /// Part of the id.
    pub id: Option<String>,
}

use Permission as P;

/// What an account of an enterprise can hold at all.
const OF_ORGANISATIONS: &[Permission] = &[
    P::OrganisationRead,
    P::OrganisationWrite,
    P::AccountRead,
    P::MemberWrite,
    P::RoleRead,
    P::KeyRead,
    P::KeyWrite,
    P::ApplicationRead,
    P::ApplicationWrite,
    P::PrefixRead,
    P::PrefixWrite,
    P::TransferWrite,
    P::ObjectRead,
    P::ObjectWrite,
    P::GrantRead,
    P::GrantWrite,
    P::GrantRequest,
    P::TemplateRead,
    P::TemplateWrite,
    P::MetadataWrite,
    P::NoticeRead,
    P::StatisticsRead,
    P::AuditRead,
];

struct BuiltIn {
    id: &'static str,
    reach: RoleReach,
    zh: &'static str,
    en: &'static str,
    permissions: &'static [Permission],
}

/// The roles of the program.
const BUILT_IN: &[BuiltIn] = &[
    BuiltIn {
        id: "system-administrator",
        reach: RoleReach::Node,
        zh: "系统管理员",
        en: "system administrator",
        permissions: &[
            P::OrganisationRead,
            P::AccountRead,
            P::AccountWrite,
            P::RoleRead,
            P::KeyRead,
            P::NoticeRead,
            P::StatisticsRead,
            P::SettingsRead,
            P::SettingsWrite,
        ],
    },
    BuiltIn {
        id: "security-administrator",
        reach: RoleReach::Node,
        zh: "安全管理员",
        en: "security administrator",
        permissions: &[
            P::OrganisationRead,
            P::AccountRead,
            P::RoleRead,
            P::RoleWrite,
            P::LockWrite,
            P::PolicyWrite,
            P::KeyRead,
            P::NoticeRead,
            P::SettingsRead,
        ],
    },
    BuiltIn {
        id: "audit-administrator",
        reach: RoleReach::Node,
        zh: "审计管理员",
        en: "audit administrator",
        permissions: &[
            P::OrganisationRead,
            P::AccountRead,
            P::RoleRead,
            P::NoticeRead,
            P::SettingsRead,
            P::AuditRead,
            P::AuditExport,
        ],
    },
    BuiltIn {
        id: "platform-operator",
        reach: RoleReach::Node,
        zh: "平台运营员",
        en: "platform operator",
        permissions: &[
            P::OrganisationRead,
            P::OrganisationWrite,
            P::OrganisationCreate,
            P::OrganisationSuspend,
            P::AccountRead,
            P::RoleRead,
            P::KeyRead,
            P::KeyWrite,
            P::ApplicationRead,
            P::ApplicationWrite,
            P::ApplicationVerify,
            P::PrefixRead,
            P::PrefixWrite,
            P::PrefixAllocate,
            P::PrefixReserve,
            P::TransferWrite,
            P::QuotaWrite,
            P::ObjectRead,
            P::ObjectWrite,
            P::GrantRead,
            P::GrantWrite,
            P::GrantRequest,
            P::TemplateRead,
            P::TemplateWrite,
            P::MetadataWrite,
            P::MetadataReview,
            P::NoticeRead,
            P::StatisticsRead,
            P::SettingsRead,
            P::OperatorWrite,
        ],
    },
    BuiltIn {
        id: "reviewer",
        reach: RoleReach::Node,
        zh: "审核员",
        en: "reviewer",
        permissions: &[
            P::OrganisationRead,
            P::ApplicationRead,
            P::ApplicationVerify,
            P::ApplicationReview,
            P::PrefixRead,
            P::TemplateRead,
            P::MetadataWrite,
            P::MetadataReview,
            P::NoticeRead,
            P::StatisticsRead,
        ],
    },
    BuiltIn {
        id: "read-only",
        reach: RoleReach::Node,
        zh: "只读用户",
        en: "read-only user",
        permissions: &[
            P::OrganisationRead,
            P::AccountRead,
            P::RoleRead,
            P::ApplicationRead,
            P::PrefixRead,
            P::ObjectRead,
            P::GrantRead,
            P::TemplateRead,
            P::NoticeRead,
            P::StatisticsRead,
            P::SettingsRead,
        ],
    },
    BuiltIn {
        id: "enterprise-administrator",
        reach: RoleReach::Organisation,
        zh: "企业管理员",
        en: "enterprise administrator",
        permissions: &[
            P::OrganisationRead,
            P::OrganisationWrite,
            P::AccountRead,
            P::MemberWrite,
            P::RoleRead,
            P::KeyRead,
            P::KeyWrite,
            P::ApplicationRead,
            P::ApplicationWrite,
            P::PrefixRead,
            P::PrefixWrite,
            P::TransferWrite,
            P::ObjectRead,
            P::ObjectWrite,
            P::GrantRead,
            P::GrantWrite,
            P::GrantRequest,
            P::TemplateRead,
            P::TemplateWrite,
            P::MetadataWrite,
            P::NoticeRead,
            P::StatisticsRead,
        ],
    },
    BuiltIn {
        id: "enterprise-staff",
        reach: RoleReach::Organisation,
        zh: "企业业务员",
        en: "enterprise staff",
        permissions: &[
            P::OrganisationRead,
            P::ApplicationRead,
            P::ApplicationWrite,
            P::PrefixRead,
            P::PrefixWrite,
            P::ObjectRead,
            P::ObjectWrite,
            P::GrantRead,
            P::GrantRequest,
            P::TemplateRead,
            P::TemplateWrite,
            P::MetadataWrite,
            P::NoticeRead,
            P::StatisticsRead,
        ],
    },
    BuiltIn {
        id: "enterprise-read-only",
        reach: RoleReach::Organisation,
        zh: "企业只读用户",
        en: "read-only user of an enterprise",
        permissions: &[
            P::OrganisationRead,
            P::ApplicationRead,
            P::PrefixRead,
            P::ObjectRead,
            P::GrantRead,
            P::TemplateRead,
            P::NoticeRead,
            P::StatisticsRead,
        ],
    },
];

/// The permission without which a duty is nobody's.
const KEEPERS: [(Duty, Permission); 3] =
    [(Duty::System, P::AccountWrite), (Duty::Security, P::RoleWrite), (Duty::Audit, P::AuditRead)];

/// Which duties somebody keeps.
pub(crate) type Kept = [bool; 3];

/// What an account holds by its roles.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grants {
    pub permissions: PermissionSet,
    pub everywhere: bool,
    pub totp: bool,
}

/// Whether these permissions may come together in one hand.
pub(crate) fn fit(permissions: PermissionSet) -> Result<(), Refusal> {
    let duties = permissions.duties();
    if duties.len() > 1 {
        let zh = "违反三员分立：系统管理、安全管理、审计管理的权限不能由同一角色或账号同时持有";
        let en = "the duties of system, security and audit are kept apart; one role or account holds one at most";
        return Err(Refusal::new(Kind::Conflict, "duties-apart", zh, en));
    }
    let acts = permissions.iter().any(|one| one.duty() == Duty::Business && !one.name().ends_with(".read"));
    if duties.contains(&Duty::Audit) && acts {
        let zh = "违反三员分立：审计权限不能与业务操作权限由同一角色或账号同时持有";
        let en = "who audits does no business: audit permissions go with permissions to read only";
        return Err(Refusal::new(Kind::Conflict, "duties-apart", zh, en));
    }
    Ok(())
}

fn absent(id: &str) -> Refusal {
    Refusal::absent("角色", "role", id)
}

const COLUMNS: &str = "id, reach, organisation, zh, en, permissions, totp, built_in, created, updated, version";
const SORTABLE: [Column; 3] = [Column::Text("id"), Column::Number("created"), Column::Number("updated")];

fn read(row: &AnyRow) -> Result<Role, Error> {
    let organisation: String = row.try_get(2)?;
    Ok(Role {
        id: row.try_get(0)?,
        reach: if row.try_get::<String, _>(1)? == "node" { RoleReach::Node } else { RoleReach::Organisation },
        organisation: Some(organisation).filter(|id| !id.is_empty()),
        zh: row.try_get(3)?,
        en: row.try_get(4)?,
        permissions: permissions(&row.try_get::<String, _>(5)?)?.iter().collect(),
        totp: row.try_get::<i64, _>(6)? != 0,
        built_in: row.try_get::<i64, _>(7)? != 0,
        created: row.try_get(8)?,
        updated: row.try_get(9)?,
        version: row.try_get(10)?,
    })
}

/// A stored list of permissions. Names that this version does not know grant nothing.
pub(crate) fn permissions(stored: &str) -> Result<PermissionSet, Error> {
    let names: Vec<String> = serde_json::from_str(stored)?;
    Ok(names.iter().filter_map(|name| Permission::parse(name)).collect())
}

fn stored(permissions: PermissionSet) -> String {
    let names: Vec<&str> = permissions.iter().map(Permission::name).collect();
    json!(names).to_string()
}

pub(crate) async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<Role>, Error> {
    let select = "SELECT id, reach, organisation, zh, en, permissions, totp, built_in, created, updated, version \
                  FROM role WHERE id = $1";
    let row = sqlx::query(select).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// What an account may do by its roles.
pub(crate) async fn grants(connection: &mut AnyConnection, account: &str) -> Result<Grants, Error> {
    let select = "SELECT role.reach, role.permissions, role.totp FROM account_role \
                  JOIN role ON role.id = account_role.role WHERE account_role.account = $1";
    let mut grants = Grants::default();
    for row in sqlx::query(select).bind(account).fetch_all(connection).await? {
        grants.everywhere |= row.try_get::<String, _>(0)? == "node";
        grants.permissions = grants.permissions.union(permissions(&row.try_get::<String, _>(1)?)?);
        grants.totp |= row.try_get::<i64, _>(2)? != 0;
    }
    Ok(grants)
}

/// Writes the roles of the program as this version has them; what the operator set of them stays.
pub(crate) async fn settle(connection: &mut AnyConnection, now: Time) -> Result<(), Error> {
    let upsert = "INSERT INTO role (id, reach, organisation, zh, en, permissions, totp, built_in, created, updated, \
                  version) VALUES ($1, $2, '', $3, $4, $5, 0, 1, $6, $7, 1) ON CONFLICT (id) DO UPDATE SET \
                  reach = excluded.reach, zh = excluded.zh, en = excluded.en, permissions = excluded.permissions \
                  WHERE role.permissions <> excluded.permissions OR role.zh <> excluded.zh OR role.en <> excluded.en";
    for role in BUILT_IN {
        sqlx::query(upsert)
            .bind(role.id)
            .bind(role.reach.name())
            .bind(role.zh)
            .bind(role.en)
            .bind(stored(role.permissions.iter().copied().collect()))
            .bind(now)
            .bind(now)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// What is wrong with names and permissions of a custom role.
fn check(reach: RoleReach, zh: &str, en: &str, permissions: &[Permission]) -> Result<PermissionSet, Refusal> {
    let mut wrong = Vec::new();
    for (field, text) in [("zh", zh), ("en", en)] {
        if text.trim().is_empty() || text.chars().count() > NAME || text.chars().any(char::is_control) {
            let (zh, en) = (format!("名称应为 1–{NAME} 个字符"), format!("{field} has 1 to {NAME} characters"));
            wrong.push(FieldRefusal::new(field, "length", zh, en));
        }
    }
    if permissions.is_empty() {
        let (zh, en) = ("请至少选择一项权限", "a role has at least one permission");
        wrong.push(FieldRefusal::new("permissions", "missing", zh, en));
    }
    let beyond = |one: &&Permission| match reach {
        RoleReach::Organisation => !OF_ORGANISATIONS.contains(one),
        RoleReach::Node => **one == P::MemberWrite,
    };
    for permission in permissions.iter().filter(beyond) {
        let zh = format!("该范围的角色不能包含“{}”权限", permission.zh());
        let en = format!("a role of this reach cannot have {}", permission.name());
        wrong.push(FieldRefusal::new("permissions", "beyond-reach", zh, en));
    }
    if !wrong.is_empty() {
        return Err(Refusal::fields(wrong));
    }
    let set: PermissionSet = permissions.iter().copied().collect();
    fit(set)?;
    Ok(set)
}

impl Act {
    /// Which duties have somebody who can act, before and after a change.
    pub(crate) async fn kept(&mut self) -> Result<Kept, Error> {
        let count = "SELECT COUNT(*) FROM account JOIN account_role ON account_role.account = account.id \
                     JOIN role ON role.id = account_role.role \
                     WHERE account.state = 'active' AND role.reach = 'node' AND role.permissions LIKE $1";
        let mut kept = [false; 3];
        for (position, (_, permission)) in KEEPERS.iter().enumerate() {
            let pattern = format!("%\"{}\"%", permission.name());
            let row = sqlx::query(count).bind(pattern).fetch_one(self.sql()).await?;
            kept[position] = row.try_get::<i64, _>(0)? > 0;
        }
        Ok(kept)
    }

    /// Refuses if a duty that somebody kept before is nobody's now.
    pub(crate) async fn still_kept(&mut self, before: Kept) -> Result<(), Error> {
        let after = self.kept().await?;
        let lost = KEEPERS.iter().zip(before.iter().zip(after)).find(|(_, (before, after))| **before && !after);
        let Some(((_, permission), _)) = lost else { return Ok(()) };
        let zh = format!("这是最后一个持有“{}”权限的可用账号，请先指定他人", permission.zh());
        let en = format!("this is the last account that can {}; appoint another one first", permission.en());
        Err(Refusal::new(Kind::Conflict, "last-duty-holder", zh, en).into())
    }

    /// Gives an account exactly these roles, if it can hold them together. Whether the caller may is asked elsewhere.
    pub(crate) async fn give_roles(
        &mut self,
        account: &str,
        machine: bool,
        organisation: (&str, OrganisationKind),
        roles: &[&str],
    ) -> Result<(), Error> {
        let mut wanted: Vec<&str> = roles.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        if wanted.len() > ROLES_HELD {
            let (zh, en) = (format!("一个账号最多 {ROLES_HELD} 个角色"), format!("at most {ROLES_HELD} roles"));
            return Err(Refusal::new(Kind::Limit, "roles-many", zh, en).into());
        }
        let mut held = PermissionSet::NONE;
        let mut reaches = Vec::new();
        for id in &wanted {
            let role = find(self.sql(), id).await?;
            let role = role.filter(|role| role.organisation.as_deref().is_none_or(|only| only == organisation.0));
            let role = role.ok_or_else(|| absent(id))?;
            if role.reach == RoleReach::Node && organisation.1 != OrganisationKind::Operator {
                let zh = format!("角色 {id} 仅限运营机构的账号");
                let en = format!("the role {id} is for accounts of the node's operator");
                return Err(Refusal::new(Kind::Conflict, "role-beyond-organisation", zh, en).into());
            }
            held = held.union(role.permissions.iter().copied().collect());
            reaches.push(role.reach);
        }
        if reaches.windows(2).any(|pair| pair[0] != pair[1]) {
            let (zh, en) = (
                "全节点角色与组织角色不能由同一账号同时持有",
                "an account holds roles of the node or of its organisation, not both",
            );
            return Err(Refusal::new(Kind::Conflict, "roles-mixed", zh, en).into());
        }
        fit(held)?;
        if machine && !held.duties().is_empty() {
            let (zh, en) = ("三员的角色只能由人员账号持有", "a separated duty is a person's, not a machine's");
            return Err(Refusal::new(Kind::Conflict, "duty-of-person", zh, en).into());
        }
        sqlx::query("DELETE FROM account_role WHERE account = $1").bind(account).execute(self.sql()).await?;
        for id in wanted {
            let insert = sqlx::query("INSERT INTO account_role (account, role) VALUES ($1, $2)");
            insert.bind(account).bind(id).execute(self.sql()).await?;
        }
        Ok(())
    }

    /// Refuses if the caller gives away more than it could hold: members' administrators give what they have.
    pub(crate) async fn may_give(&mut self, roles: &[&str]) -> Result<(), Error> {
        if self.caller.permissions.contains(P::RoleWrite) && self.caller.scope == Scope::Everywhere {
            return Ok(());
        }
        for id in roles {
            let role = find(self.sql(), id).await?.ok_or_else(|| absent(id))?;
            let beyond = role.permissions.iter().any(|one| !self.caller.permissions.contains(*one));
            if role.reach == RoleReach::Node || beyond {
                let zh = format!("不能授予自己没有的权限（角色 {id}）");
                let en = format!("nobody gives what they could not hold (role {id})");
                return Err(Refusal::new(Kind::Denied, "role-beyond-giver", zh, en).into());
            }
        }
        Ok(())
    }
}

impl Registry {
    /// Roles that the caller's accounts could hold.
    pub async fn roles(&self, caller: &Caller, filter: &RoleFilter, listing: &Listing) -> Result<Page<Role>, Error> {
        self.authorise(caller, P::RoleRead, "role").await?;
        let mut wanted = Filter::new("role", COLUMNS);
        if let Some(own) = caller.organisation() {
            wanted.equal("reach", Some("organisation"));
            wanted.one_of("organisation", &["", own]);
        }
        wanted.equal("reach", filter.reach.as_deref());
        wanted.containing("id", filter.id.as_deref());
        wanted.page(self, listing, &SORTABLE, "id", Column::Text("id"), read).await
    }

    pub async fn role(&self, caller: &Caller, id: &str) -> Result<Role, Error> {
        let object = format!("role {id}");
        self.authorise(caller, P::RoleRead, &object).await?;
        let mut connection = self.database.reader().acquire().await?;
        let role = find(&mut connection, id).await?.ok_or_else(|| absent(id))?;
        drop(connection);
        let visible = match caller.organisation() {
            None => true,
            Some(own) => {
                role.reach == RoleReach::Organisation && role.organisation.as_deref().is_none_or(|only| only == own)
            }
        };
        if !visible {
            self.write_denial(caller, P::RoleRead, &object).await?;
            return Err(absent(id).into());
        }
        Ok(role)
    }

    /// Makes a role. Refused: an id that is taken, permissions that do not go together or beyond the reach.
    pub async fn create_role(&self, caller: &Caller, new: &NewRole) -> Result<Role, Error> {
        let act = self.begin(caller, P::RoleWrite, "role").await?;
        let mut act = act.reach(None, "role", absent(&new.id)).await?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let begins = new.id.starts_with(|c: char| c.is_ascii_lowercase());
        if !begins || new.id.len() < 2 || new.id.len() > ID || !new.id.chars().all(plain) {
            let zh = format!("角色标识为 2–{ID} 个小写字母、数字或“-”，以字母开头");
            let en = format!("a role's id has 2 to {ID} small letters, digits or -, beginning with a letter");
            return Err(Refusal::fields(vec![FieldRefusal::new("id", "form", zh, en)]).into());
        }
        let set = check(new.reach, &new.zh, &new.en, &new.permissions)?;
        if let Some(organisation) = &new.organisation {
            if new.reach == RoleReach::Node {
                let (zh, en) = ("全节点角色不能限定组织", "a role of the whole node has no organisation");
                return Err(Refusal::fields(vec![FieldRefusal::new("organisation", "beyond-reach", zh, en)]).into());
            }
            let found = crate::organisations::find(act.sql(), organisation).await?;
            found.ok_or_else(|| Refusal::absent("组织", "organisation", organisation))?;
        }
        let count = sqlx::query("SELECT COUNT(*) FROM role").fetch_one(act.sql()).await?;
        if count.try_get::<i64, _>(0)? >= ROLES {
            let (zh, en) = (format!("一个节点最多 {ROLES} 个角色"), format!("a node has at most {ROLES} roles"));
            return Err(Refusal::new(Kind::Limit, "roles-many", zh, en).into());
        }
        let role = Role {
            id: new.id.clone(),
            reach: new.reach,
            organisation: new.organisation.clone(),
            zh: new.zh.trim().to_owned(),
            en: new.en.trim().to_owned(),
            permissions: set.iter().collect(),
            totp: new.totp,
            built_in: false,
            created: act.now(),
            updated: act.now(),
            version: 1,
        };
        let insert = "INSERT INTO role (id, reach, organisation, zh, en, permissions, totp, built_in, created, \
                      updated, version) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, 1)";
        sqlx::query(insert)
            .bind(&role.id)
            .bind(role.reach.name())
            .bind(role.organisation.as_deref().unwrap_or_default())
            .bind(&role.zh)
            .bind(&role.en)
            .bind(stored(set))
            .bind(i64::from(role.totp))
            .bind(role.created)
            .bind(role.updated)
            .execute(act.sql())
            .await
            .map_err(|error| {
                let (zh, en) = (format!("角色 {} 已存在", new.id), format!("there is a role {}", new.id));
                Error::unique(error, || Refusal::new(Kind::Conflict, "role-exists", zh, en))
            })?;
        let after = serde_json::to_value(&role)?;
        act.record("role.write", &format!("role {}", role.id), role.organisation.as_deref(), json!(null), after);
        act.commit(role).await
    }

    /// Changes a role and so what every account that holds it may do. Of a role of the program only `totp` changes.
    pub async fn amend_role(
        &self,
        caller: &Caller,
        id: &str,
        version: Option<i64>,
        content: &RoleContent,
    ) -> Result<Role, Error> {
        let object = format!("role {id}");
        let act = self.begin(caller, P::RoleWrite, &object).await?;
        let mut act = act.reach(None, &object, absent(id)).await?;
        let before = find(act.sql(), id).await?.ok_or_else(|| absent(id))?;
        if version.is_some_and(|seen| seen != before.version) {
            return Err(Refusal::stale(before.version).into());
        }
        let set: PermissionSet = content.permissions.iter().copied().collect();
        let former: PermissionSet = before.permissions.iter().copied().collect();
        if before.built_in && (set != former || content.zh != before.zh || content.en != before.en) {
            let (zh, en) = ("内置角色只能修改双因素要求", "of a built-in role only totp can be changed");
            return Err(Refusal::new(Kind::Conflict, "role-built-in", zh, en).into());
        }
        if !before.built_in {
            check(before.reach, &content.zh, &content.en, &content.permissions)?;
        }
        act.not_own_role(id).await?;
        let kept = act.kept().await?;
        let mut after = Role {
            zh: content.zh.trim().to_owned(),
            en: content.en.trim().to_owned(),
            permissions: set.iter().collect(),
            totp: content.totp,
            ..before.clone()
        };
        (after.updated, after.version) = (act.now(), before.version + 1);
        let update = "UPDATE role SET zh = $1, en = $2, permissions = $3, totp = $4, updated = $5, version = $6 \
                      WHERE id = $7";
        sqlx::query(update)
            .bind(&after.zh)
            .bind(&after.en)
            .bind(stored(set))
            .bind(i64::from(after.totp))
            .bind(after.updated)
            .bind(after.version)
            .bind(id)
            .execute(act.sql())
            .await?;
        act.holders_fit(id).await?;
        act.still_kept(kept).await?;
        let (old, new) = difference(&before, &after);
        act.record("role.write", &object, after.organisation.as_deref(), old, new);
        act.commit(after).await
    }

    /// Removes a role that nobody holds.
    pub async fn delete_role(&self, caller: &Caller, id: &str) -> Result<(), Error> {
        let object = format!("role {id}");
        let act = self.begin(caller, P::RoleWrite, &object).await?;
        let mut act = act.reach(None, &object, absent(id)).await?;
        let before = find(act.sql(), id).await?.ok_or_else(|| absent(id))?;
        if before.built_in {
            let (zh, en) = ("内置角色不能删除", "a built-in role stays");
            return Err(Refusal::new(Kind::Conflict, "role-built-in", zh, en).into());
        }
        let count = sqlx::query("SELECT COUNT(*) FROM account_role WHERE role = $1").bind(id);
        let holders: i64 = count.fetch_one(act.sql()).await?.try_get(0)?;
        if holders > 0 {
            let zh = format!("仍有 {holders} 个账号持有该角色，请先收回");
            let en = format!("{holders} accounts hold this role; take it from them first");
            return Err(Refusal::new(Kind::Conflict, "role-held", zh, en).into());
        }
        sqlx::query("DELETE FROM role WHERE id = $1").bind(id).execute(act.sql()).await?;
        let former = serde_json::to_value(&before)?;
        act.record("role.write", &object, before.organisation.as_deref(), former, json!(null));
        act.commit(()).await
    }
}

impl Act {
    /// Refuses if the caller holds the role: nobody widens their own rights.
    async fn not_own_role(&mut self, id: &str) -> Result<(), Error> {
        let Some(account) = self.caller.account().map(str::to_owned) else { return Ok(()) };
        let count = sqlx::query("SELECT COUNT(*) FROM account_role WHERE role = $1 AND account = $2");
        let count: i64 = count.bind(id).bind(account).fetch_one(self.sql()).await?.try_get(0)?;
        if count == 0 { Ok(()) } else { Err(own_roles().into()) }
    }

    /// Asks for every holder of a changed role whether its permissions still go together.
    async fn holders_fit(&mut self, id: &str) -> Result<(), Error> {
        let select = "SELECT account.id, account.kind FROM account_role \
                      JOIN account ON account.id = account_role.account WHERE account_role.role = $1";
        for row in sqlx::query(select).bind(id).fetch_all(self.sql()).await? {
            let (account, kind): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let held = grants(self.sql(), &account).await?.permissions;
            fit(held)?;
            if kind == "machine" && !held.duties().is_empty() {
                let (zh, en) =
                    ("有机器账号持有该角色", "a machine holds this role, and a separated duty is a person's");
                return Err(Refusal::new(Kind::Conflict, "duty-of-person", zh, en).into());
            }
        }
        Ok(())
    }
}

pub(crate) fn own_roles() -> Refusal {
    let (zh, en) = ("不能变更自己的权限，请由他人操作", "nobody changes their own rights; ask somebody else");
    Refusal::new(Kind::Denied, "own-rights", zh, en)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_roles_keep_the_duties_apart_and_stay_within_their_reach() {
        for role in BUILT_IN {
            let set: PermissionSet = role.permissions.iter().copied().collect();
            assert!(fit(set).is_ok(), "{}", role.id);
            let within = role.permissions.iter().all(|one| OF_ORGANISATIONS.contains(one));
            assert!(role.reach == RoleReach::Node || within, "{}", role.id);
        }
        for (duty, permission) in KEEPERS {
            assert_eq!(permission.duty(), duty);
        }
    }

    #[test]
    fn no_two_duties_go_together_and_no_business_with_audit() {
        let set = |all: &[Permission]| fit(all.iter().copied().collect());
        for first in Permission::ALL {
            for second in Permission::ALL {
                let (a, b) = (first.duty(), second.duty());
                let apart = a != b && a != Duty::Business && b != Duty::Business;
                let acts = |one: &Permission| one.duty() == Duty::Business && !one.name().ends_with(".read");
                let audits = (a == Duty::Audit && acts(second)) || (b == Duty::Audit && acts(first));
                assert_eq!(set(&[*first, *second]).is_err(), apart || audits, "{} {}", first.name(), second.name());
            }
        }
    }
}
