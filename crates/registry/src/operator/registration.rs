//! Registrations: what a secondary node has given out below its own prefix, as it tells the node above. The node
//! below decides; here it is recorded, for look-up and statistics.

use super::client::OperatorClient;
use super::command::Command;
use crate::Act;
use crate::act::difference;
use crate::caller::{Caller, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::permission::Permission;
use crate::prefixes::{DelegationData, check_delegation, giver, read_rules};
use crate::registry::Registry;
use crate::subject::Subject;
use hufu_ident::Prefix as Name;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

/// Registrations of one client.
const REGISTRATIONS_MOST: i64 = 1_000_000;
/// Characters of a reason.
const REASON_MOST: usize = 500;

/// Whether it is in use, as the node below says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RegistrationState {
    Enabled,
    Disabled,
    Deleted,
}

impl RegistrationState {
    fn name(self) -> &'static str {
        match self {
            RegistrationState::Enabled => "enabled",
            RegistrationState::Disabled => "disabled",
            RegistrationState::Deleted => "deleted",
        }
    }
}

/// One registration.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    pub name: String,
    /// The client's prefix above.
    pub parent: String,
    pub client: String,
    pub organisation: String,
    /// Who holds it.
    pub subject: Subject,
    pub delegation: DelegationData,
    pub state: RegistrationState,
    pub reason: String,
    pub expires: Option<Time>,
    pub created: Time,
    pub updated: Time,
    pub version: i64,
}

const COLUMNS: &str =
    "name, parent, client, organisation, subject, delegation, state, reason, expires, created, updated, version";

fn read(row: &AnyRow) -> Result<Registration, Error> {
    let state = match row.try_get::<String, _>(6)?.as_str() {
        "enabled" => RegistrationState::Enabled,
        "disabled" => RegistrationState::Disabled,
        _ => RegistrationState::Deleted,
    };
    let expires: i64 = row.try_get(8)?;
    Ok(Registration {
        name: row.try_get(0)?,
        parent: row.try_get(1)?,
        client: row.try_get(2)?,
        organisation: row.try_get(3)?,
        subject: serde_json::from_str(&row.try_get::<String, _>(4)?)?,
        delegation: serde_json::from_str(&row.try_get::<String, _>(5)?)?,
        state,
        reason: row.try_get(7)?,
        expires: (expires != 0).then_some(expires),
        created: row.try_get(9)?,
        updated: row.try_get(10)?,
        version: row.try_get(11)?,
    })
}

pub(super) async fn find(connection: &mut AnyConnection, name: &str) -> Result<Option<Registration>, Error> {
    const SELECT: &str = "SELECT name, parent, client, organisation, subject, delegation, state, reason, expires, \
                          created, updated, version FROM operator_registration WHERE name = $1";
    let row = sqlx::query(SELECT).bind(name).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// Which registrations are wanted; empty fields do not restrict.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct RegistrationFilter {
    /// Begins so: `88.118.`.
    pub prefix: Option<String>,
    pub client: Option<String>,
    /// `enabled`, `disabled` or `deleted`.
    pub state: Option<String>,
}

/// A prefix that somebody has here.
struct Given {
    name: String,
    organisation: String,
    enabled: bool,
}

/// The prefix of that name, if somebody has it, has asked for it, or had it for ever.
async fn given(connection: &mut AnyConnection, name: &str) -> Result<Option<Given>, Error> {
    let select =
        "SELECT name, organisation, state FROM prefix WHERE name = $1 AND state NOT IN ('rejected', 'deleted')";
    let row = sqlx::query(select).bind(name.to_owned()).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let enabled = row.try_get::<String, _>(2)? == "enabled";
    Ok(Some(Given { name: row.try_get(0)?, organisation: row.try_get(1)?, enabled }))
}

/// The nearest prefix above `name` that was given out here. Where every character is a step, a longer one that is
/// another's stands between a name and a shorter one.
async fn above(connection: &mut AnyConnection, name: &str) -> Result<Option<Given>, Error> {
    for parent in Name::folded(name).lineage().skip(1) {
        if let Some(found) = given(connection, parent.as_str()).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn exists() -> Refusal {
    let (zh, en) = ("该前缀已登记", "the prefix is registered");
    Refusal::new(Kind::Conflict, "registration-exists", zh, en)
}

fn absent(name: &str) -> Refusal {
    Refusal::absent("登记", "registration", name)
}

impl Registry {
    /// Whether a command is about the registrations of the client: names below a prefix of its organisation that are not
    /// prefixes of it themselves. Where this node could give the name out too, a wish without a holder is a wish for a
    /// prefix.
    pub(super) async fn is_registration(
        &self,
        client: &OperatorClient,
        name: &str,
        command: &Command,
    ) -> Result<bool, Error> {
        let mut connection = self.database.reader().acquire().await?;
        let is_own = |found: Option<Given>| found.is_some_and(|found| found.organisation == client.organisation);
        if is_own(given(&mut connection, name).await?) {
            return Ok(false);
        }
        if find(&mut connection, name).await?.is_some_and(|found| found.client == client.id) {
            return Ok(true);
        }
        if !is_own(above(&mut connection, name).await?) {
            return Ok(false);
        }
        let wish = matches!(command, Command::Create { subject: None, .. } | Command::Transfer { .. });
        Ok(!wish || giver(&mut connection, &Name::folded(name)).await?.is_none())
    }

    /// What is registered below a prefix of somebody is not given out besides.
    pub(super) async fn check_unregistered(&self, name: &str) -> Result<(), Error> {
        let mut connection = self.database.reader().acquire().await?;
        match find(&mut connection, name).await?.filter(|found| found.state != RegistrationState::Deleted) {
            Some(_) => Err(exists().into()),
            None => Ok(()),
        }
    }

    pub(super) async fn change_registration(
        &self,
        client: &OperatorClient,
        caller: &Caller,
        name: &str,
        command: &Command,
    ) -> Result<Registration, Error> {
        let mut act = self.begin(caller, Permission::PrefixWrite, &format!("registration {name}")).await?;
        let before = find(act.sql(), name).await?;
        if let Command::Create { .. } = command {
            let after = act.create_registration(client, name, command, before).await?;
            return act.commit(after).await;
        }
        let before = before.filter(|found| found.client == client.id).ok_or_else(|| absent(name))?;
        if before.state == RegistrationState::Deleted {
            return Err(absent(name).into());
        }
        let rules = read_rules(act.sql()).await?;
        let mut after = before.clone();
        match command {
            Command::UpdateSubject { subject, .. } => after.subject = subject.as_ref().clone(),
            Command::UpdateRoutes { delegation, .. } => {
                check_delegation(delegation, &rules)?;
                after.delegation = delegation.clone();
            }
            Command::Disable { reason, .. } => {
                after.state = RegistrationState::Disabled;
                after.reason = reason.chars().take(REASON_MOST).collect();
            }
            Command::Enable { .. } => (after.state, after.reason) = (RegistrationState::Enabled, String::new()),
            Command::Delete { reason, .. } => {
                after.state = RegistrationState::Deleted;
                after.reason = reason.chars().take(REASON_MOST).collect();
            }
            Command::Renew { current_expires, expires, .. } => {
                if before.expires != Some(*current_expires) {
                    let (zh, en) = ("当前到期时间与所填不符", "it does not expire when you say");
                    return Err(Refusal::new(Kind::Conflict, "renewal-expiry", zh, en).into());
                }
                let later = expires.filter(|at| at > current_expires);
                let (zh, en) = ("新的到期时间应晚于当前", "the new expiry is later than the current one");
                let refusal = FieldRefusal::new("expires", "out-of-range", zh, en);
                after.expires = Some(later.ok_or_else(|| Refusal::fields(vec![refusal]))?);
            }
            Command::Create { .. } | Command::Transfer { .. } => {
                let (zh, en) = ("下级前缀的转移由其上级节点办理", "the node that gave it out transfers it");
                return Err(Refusal::new(Kind::Conflict, "command-not-here", zh, en).into());
            }
        }
        (after.updated, after.version) = (act.now(), before.version + 1);
        act.write_registration(&after).await?;
        let (old, new) = difference(&before, &after);
        let action = format!("registration.{}", command.name());
        act.record(&action, &format!("registration {name}"), Some(&client.organisation), old, new);
        act.commit(after).await
    }

    /// What the nodes below have given out. For whoever sees everything here.
    pub async fn registrations(
        &self,
        caller: &Caller,
        filter: &RegistrationFilter,
        listing: &Listing,
    ) -> Result<Page<Registration>, Error> {
        self.authorise(caller, Permission::OperatorWrite, "registration").await?;
        let mut wanted = Filter::new("operator_registration", COLUMNS);
        wanted.equal("organisation", caller.organisation());
        wanted.prefixed("name", filter.prefix.as_deref());
        wanted.equal("client", filter.client.as_deref());
        wanted.equal("state", filter.state.as_deref());
        let sortable = [Column::Text("name"), Column::Number("created")];
        wanted.page(self, listing, &sortable, "name", Column::Text("name"), read).await
    }
}

impl Act {
    async fn create_registration(
        &mut self,
        client: &OperatorClient,
        name: &str,
        command: &Command,
        before: Option<Registration>,
    ) -> Result<Registration, Error> {
        let Command::Create { delegation, subject, expires, .. } = command else { return Err(absent(name).into()) };
        if before.as_ref().is_some_and(|found| found.state != RegistrationState::Deleted) {
            return Err(exists().into());
        }
        if given(self.sql(), name).await?.is_some() {
            let (zh, en) = ("该前缀已由本节点分配", "this node has given that prefix out");
            return Err(Refusal::new(Kind::Conflict, "prefix-taken", zh, en).into());
        }
        let above = above(self.sql(), name).await?.filter(|found| found.organisation == client.organisation);
        let above = above.ok_or_else(|| absent(name))?;
        if !above.enabled {
            let (zh, en) = ("上级前缀未启用", "the prefix above it is not enabled");
            return Err(Refusal::new(Kind::Conflict, "prefix-not-enabled", zh, en).into());
        }
        let parent = above.name;
        let missing = || {
            let (zh, en) = ("请填写持有单位", "the holder is missing");
            Refusal::fields(vec![FieldRefusal::new("subject", "missing", zh, en)])
        };
        let subject = subject.as_deref().filter(|subject| !subject.org_name.trim().is_empty()).ok_or_else(missing)?;
        let rules = read_rules(self.sql()).await?;
        check_delegation(delegation, &rules)?;
        let count = "SELECT CAST(COUNT(*) AS BIGINT) FROM operator_registration WHERE client = $1";
        let count: i64 = sqlx::query(count).bind(&client.id).fetch_one(self.sql()).await?.try_get(0)?;
        if count >= REGISTRATIONS_MOST {
            let (zh, en) = ("登记数量已达上限", "there are too many registrations");
            return Err(Refusal::new(Kind::Limit, "registrations-most", zh, en).into());
        }
        let after = Registration {
            name: name.to_owned(),
            parent,
            client: client.id.clone(),
            organisation: client.organisation.clone(),
            subject: subject.clone(),
            delegation: delegation.clone(),
            state: RegistrationState::Enabled,
            reason: String::new(),
            expires: *expires,
            created: before.as_ref().map_or(self.now(), |found| found.created),
            updated: self.now(),
            version: before.as_ref().map_or(0, |found| found.version) + 1,
        };
        self.write_registration(&after).await?;
        let object = format!("registration {name}");
        self.record("registration.create", &object, Some(&client.organisation), json!(before), json!(after));
        Ok(after)
    }

    async fn write_registration(&mut self, registration: &Registration) -> Result<(), Error> {
        let upsert = "INSERT INTO operator_registration (name, parent, client, organisation, subject, delegation, \
                      state, reason, expires, created, updated, version) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
                      ON CONFLICT (name) DO UPDATE SET parent = excluded.parent, client = excluded.client, \
                      organisation = excluded.organisation, subject = excluded.subject, \
                      delegation = excluded.delegation, state = excluded.state, reason = excluded.reason, \
                      expires = excluded.expires, updated = excluded.updated, version = excluded.version";
        sqlx::query(upsert)
            .bind(&registration.name)
            .bind(&registration.parent)
            .bind(&registration.client)
            .bind(&registration.organisation)
            .bind(serde_json::to_string(&registration.subject)?)
            .bind(serde_json::to_string(&registration.delegation)?)
            .bind(registration.state.name())
            .bind(&registration.reason)
            .bind(registration.expires.unwrap_or(0))
            .bind(registration.created)
            .bind(registration.updated)
            .bind(registration.version)
            .execute(self.sql())
            .await?;
        Ok(())
    }
}
