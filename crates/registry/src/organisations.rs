//! Organisations: the node's operator and the enterprises below it.
//!
//! ```text
//! active ──suspend──► suspended ──resume──► active
//! ```
//! (certificate type, certificate number) is unique. An enterprise comes here through an application that was
//! approved, or is entered by the operator.

use crate::Act;
use crate::act::difference;
use crate::caller::{Caller, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::permission::Permission;
use crate::registry::Registry;
use crate::settings::{self, ReviewSettings};
use crate::subject::Subject;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// What an organisation is to the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OrganisationKind {
    /// Runs the node.
    Operator,
    /// Has prefixes of it.
    Enterprise,
}

/// Whether it may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OrganisationState {
    Active,
    Suspended,
}

/// An organisation as the API shows it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Organisation {
    pub id: String,
    pub kind: OrganisationKind,
    pub name: String,
    pub state: OrganisationState,
    pub subject: Subject,
    /// Milliseconds since 1970.
    pub created: Time,
    pub updated: Time,
    /// Increases with every change; the ETag.
    pub version: i64,
}

/// An organisation to be.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewOrganisation {
    pub subject: Subject,
}

/// Which organisations are wanted; empty fields do not restrict.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct OrganisationFilter {
    /// Part of the name.
    pub name: Option<String>,
    /// `active` or `suspended`.
    pub state: Option<String>,
    /// Begins so: `C`, `C34`.
    pub industry: Option<String>,
    /// Begins so: `44`, `4403`.
    pub region: Option<String>,
}

const COLUMNS: &str = "id, kind, name, state, subject, created, updated, version";
const SORTABLE: [Column; 3] = [Column::Text("name"), Column::Number("created"), Column::Number("updated")];

fn read(row: &AnyRow) -> Result<Organisation, Error> {
    let kind = match row.try_get::<String, _>(1)?.as_str() {
        "operator" => OrganisationKind::Operator,
        _ => OrganisationKind::Enterprise,
    };
    let state = match row.try_get::<String, _>(3)?.as_str() {
        "active" => OrganisationState::Active,
        _ => OrganisationState::Suspended,
    };
    Ok(Organisation {
        id: row.try_get(0)?,
        kind,
        name: row.try_get(2)?,
        state,
        subject: serde_json::from_str(&row.try_get::<String, _>(4)?)?,
        created: row.try_get(5)?,
        updated: row.try_get(6)?,
        version: row.try_get(7)?,
    })
}

pub(crate) async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<Organisation>, Error> {
    let select = "SELECT id, kind, name, state, subject, created, updated, version FROM organisation WHERE id = $1";
    let row = sqlx::query(select).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

fn absent(id: &str) -> Refusal {
    Refusal::absent("组织", "organisation", id)
}

fn taken() -> Refusal {
    let zh = "该证件号已登记，不能重复登记；如需变更请修改原组织";
    let en = "an organisation with this certificate is registered; change that one instead";
    Refusal::new(Kind::Conflict, "organisation-exists", zh, en)
}

/// What an organisation cannot do without.
fn check(subject: &Subject) -> Result<(), Refusal> {
    let mut missing = Vec::new();
    let mut need = |field: &str, zh: &str, present: bool| {
        if !present {
            let (zh, en) = (format!("请填写{zh}"), format!("{field} is missing"));
            missing.push(FieldRefusal::new(format!("subject.{field}"), "missing", zh, en));
        }
    };
    need("orgName", "单位名称", !subject.org_name.trim().is_empty());
    need("orgCrtType", "单位证件类型", subject.org_crt_type.is_some());
    need("orgCrtCode", "单位证件号", !subject.org_crt_code.trim().is_empty());
    if missing.is_empty() { Ok(()) } else { Err(Refusal::fields(missing)) }
}

/// Refuses what an enterprise changes by an application only.
fn check_reviewed(reviewed: &[String], before: &Subject, after: &Subject) -> Result<(), Error> {
    let (before, after) = (serde_json::to_value(before)?, serde_json::to_value(after)?);
    let changed = reviewed.iter().filter(|field| before.get(field) != after.get(field));
    let fields: Vec<FieldRefusal> = changed
        .map(|field| {
            let (zh, en) = ("该项变更须审核，请提交变更申请", "a change of this needs a review: file an amendment");
            FieldRefusal::new(format!("subject.{field}"), "needs-review", zh, en)
        })
        .collect();
    if fields.is_empty() { Ok(()) } else { Err(Refusal::fields(fields).into()) }
}

/// The finest class and region that are filled in.
fn place(subject: &Subject) -> (String, String) {
    let industry = match subject.industry_specific.is_empty() {
        true => subject.industry_category.clone(),
        false => format!("{}{}", subject.industry_category, subject.industry_specific),
    };
    let finest = [&subject.org_addr_county, &subject.org_addr_city, &subject.org_addr_province];
    let region = finest.into_iter().find(|code| !code.is_empty()).cloned().unwrap_or_default();
    (industry, region)
}

impl Act {
    /// Enters an organisation. For whoever has decided that it shall be there.
    pub async fn enter_organisation(
        &mut self,
        kind: OrganisationKind,
        subject: &Subject,
    ) -> Result<Organisation, Error> {
        check(subject)?;
        let organisation = Organisation {
            id: self.fresh_id("org"),
            kind,
            name: subject.org_name.trim().to_owned(),
            state: OrganisationState::Active,
            subject: subject.clone(),
            created: self.now(),
            updated: self.now(),
            version: 1,
        };
        let (industry, region) = place(subject);
        let insert = "INSERT INTO organisation (id, kind, name, certificate_type, certificate_code, state, industry, \
                      region, subject, created, updated, version) \
                      VALUES ($1, $2, $3, $4, $5, 'active', $6, $7, $8, $9, $10, 1)";
        let now = self.now();
        sqlx::query(insert)
            .bind(&organisation.id)
            .bind(if kind == OrganisationKind::Operator { "operator" } else { "enterprise" })
            .bind(&organisation.name)
            .bind(subject.org_crt_type.unwrap_or_default().to_string())
            .bind(subject.org_crt_code.trim())
            .bind(industry)
            .bind(region)
            .bind(serde_json::to_string(subject)?)
            .bind(now)
            .bind(now)
            .execute(self.sql())
            .await
            .map_err(|error| Error::unique(error, taken))?;
        let object = format!("organisation {}", organisation.id);
        let after = serde_json::to_value(&organisation)?;
        self.record("organisation.create", &object, Some(&organisation.id), json!(null), after);
        Ok(organisation)
    }

    /// Replaces the subject data. For whoever has decided so.
    pub(crate) async fn change_subject(
        &mut self,
        before: &Organisation,
        subject: &Subject,
    ) -> Result<Organisation, Error> {
        check(subject)?;
        let mut after = Organisation { subject: subject.clone(), ..before.clone() };
        after.name = subject.org_name.trim().to_owned();
        (after.updated, after.version) = (self.now(), before.version + 1);
        let (industry, region) = place(subject);
        let update = "UPDATE organisation SET name = $1, certificate_type = $2, certificate_code = $3, industry = $4, \
                      region = $5, subject = $6, updated = $7, version = $8 WHERE id = $9";
        sqlx::query(update)
            .bind(&after.name)
            .bind(subject.org_crt_type.unwrap_or_default().to_string())
            .bind(subject.org_crt_code.trim())
            .bind(industry)
            .bind(region)
            .bind(serde_json::to_string(subject)?)
            .bind(after.updated)
            .bind(after.version)
            .bind(&before.id)
            .execute(self.sql())
            .await
            .map_err(|error| Error::unique(error, taken))?;
        self.tell_subject_above(&before.id, subject).await?;
        let (old, new) = difference(before, &after);
        self.record("organisation.write", &format!("organisation {}", before.id), Some(&before.id), old, new);
        Ok(after)
    }
}

impl Registry {
    /// Enters an enterprise. Refused: fields missing, certificate taken.
    pub async fn create_organisation(&self, caller: &Caller, new: &NewOrganisation) -> Result<Organisation, Error> {
        let mut act = self.begin(caller, Permission::OrganisationCreate, "organisation").await?;
        let organisation = act.enter_organisation(OrganisationKind::Enterprise, &new.subject).await?;
        act.commit(organisation).await
    }

    pub async fn organisation(&self, caller: &Caller, id: &str) -> Result<Organisation, Error> {
        let object = format!("organisation {id}");
        self.authorise(caller, Permission::OrganisationRead, &object).await?;
        self.reach(caller, Permission::OrganisationRead, Some(id), &object, absent(id)).await?;
        let mut connection = self.database.reader().acquire().await?;
        Ok(find(&mut connection, id).await?.ok_or_else(|| absent(id))?)
    }

    /// Those that the caller reaches.
    pub async fn organisations(
        &self,
        caller: &Caller,
        filter: &OrganisationFilter,
        listing: &Listing,
    ) -> Result<Page<Organisation>, Error> {
        self.authorise(caller, Permission::OrganisationRead, "organisation").await?;
        let mut wanted = Filter::new("organisation", COLUMNS);
        wanted.equal("id", caller.organisation());
        wanted.containing("name", filter.name.as_deref());
        wanted.equal("state", filter.state.as_deref());
        wanted.prefixed("industry", filter.industry.as_deref());
        wanted.prefixed("region", filter.region.as_deref());
        wanted.page(self, listing, &SORTABLE, "-created", Column::Text("id"), read).await
    }

    /// A numbered page of enterprises, newest first, with their total: name, and moments of creation.
    pub async fn enterprises_numbered(
        &self,
        caller: &Caller,
        name: Option<&str>,
        (since, until): (Option<Time>, Option<Time>),
        page: (i64, i64),
    ) -> Result<(Vec<Organisation>, i64), Error> {
        self.authorise(caller, Permission::OrganisationRead, "organisation").await?;
        let mut wanted = Filter::new("organisation", COLUMNS);
        wanted.equal("id", caller.organisation());
        wanted.equal("kind", Some("enterprise"));
        wanted.containing("name", name);
        wanted.at_least("created", since);
        wanted.below("created", until);
        wanted.numbered(self, page, Column::Number("created"), Column::Text("id"), read).await
    }

    /// Replaces the subject data. `version` is the one that the caller has seen, if it minds.
    pub async fn amend_organisation(
        &self,
        caller: &Caller,
        id: &str,
        version: Option<i64>,
        subject: &Subject,
    ) -> Result<Organisation, Error> {
        let object = format!("organisation {id}");
        let act = self.begin(caller, Permission::OrganisationWrite, &object).await?;
        let mut act = act.reach(Some(id), &object, absent(id)).await?;
        let before = find(act.sql(), id).await?.ok_or_else(|| absent(id))?;
        if version.is_some_and(|seen| seen != before.version) {
            return Err(Refusal::stale(before.version).into());
        }
        if caller.organisation().is_some() {
            let (review, _) = settings::read::<ReviewSettings>(act.sql()).await?;
            check_reviewed(&review.reviewed_fields, &before.subject, subject)?;
        }
        let after = act.change_subject(&before, subject).await?;
        act.commit(after).await
    }

    /// Suspends or resumes it. Suspended, its accounts cannot act; its prefixes go on.
    pub async fn set_organisation_state(
        &self,
        caller: &Caller,
        id: &str,
        state: OrganisationState,
        reason: &str,
    ) -> Result<Organisation, Error> {
        let object = format!("organisation {id}");
        let act = self.begin(caller, Permission::OrganisationSuspend, &object).await?;
        let mut act = act.reach(Some(id), &object, absent(id)).await?;
        let before = find(act.sql(), id).await?.ok_or_else(|| absent(id))?;
        if before.kind == OrganisationKind::Operator {
            let (zh, en) = ("不能停用运营机构自身", "the node's operator cannot be suspended");
            return Err(Refusal::new(Kind::Conflict, "operator-stays", zh, en).into());
        }
        let mut after = Organisation { state, ..before.clone() };
        (after.updated, after.version) = (act.now(), before.version + 1);
        let name = if state == OrganisationState::Active { "active" } else { "suspended" };
        let update = "UPDATE organisation SET state = $1, updated = $2, version = $3 WHERE id = $4";
        let update = sqlx::query(update).bind(name).bind(after.updated).bind(after.version).bind(id);
        update.execute(act.sql()).await?;
        let (old, mut new) = difference(&before, &after);
        new["reason"] = reason.into();
        act.record("organisation.suspend", &object, Some(id), old, new);
        act.commit(after).await
    }
}
