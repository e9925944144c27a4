//! A template: as the API shows it, as a row keeps it, and its revisions.
//!
//! ```text
//! draft ──publish──► published ──withdraw──► withdrawn ──delete──► deleted
//!   └──delete──► (gone)      ▲                   │        (kept for the objects that have it)
//!                            └─────publish───────┘
//! ```
//! Only a published template makes objects; objects that have one keep it whatever becomes of it. A draft is changed
//! freely; from the first publication on every change is a new revision, and earlier ones stay readable.

use super::content::TemplateContent;
use crate::caller::{Caller, Time};
use crate::error::{Error, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// Where a template stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TemplateState {
    Draft,
    Published,
    Withdrawn,
    Deleted,
}

impl TemplateState {
    pub const fn name(self) -> &'static str {
        match self {
            TemplateState::Draft => "draft",
            TemplateState::Published => "published",
            TemplateState::Withdrawn => "withdrawn",
            TemplateState::Deleted => "deleted",
        }
    }

    fn of(text: &str) -> Self {
        match text {
            "published" => TemplateState::Published,
            "withdrawn" => TemplateState::Withdrawn,
            "deleted" => TemplateState::Deleted,
            _ => TemplateState::Draft,
        }
    }
}

/// Who may use it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TemplateScope {
    /// Its own organisation.
    #[default]
    Own,
    /// Its own and those named.
    Named,
    /// Every organisation of the node.
    All,
}

impl TemplateScope {
    pub(super) const fn name(self) -> &'static str {
        match self {
            TemplateScope::Own => "own",
            TemplateScope::Named => "named",
            TemplateScope::All => "all",
        }
    }

    fn of(text: &str) -> Self {
        match text {
            "named" => TemplateScope::Named,
            "all" => TemplateScope::All,
            _ => TemplateScope::Own,
        }
    }
}

/// A template as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Template)]
pub struct TemplateView {
    pub id: String,
    pub handle: String,
    pub prefix: String,
    /// The maker's version, which never changes: unique below the prefix.
    pub version_text: String,
    /// Who made it; empty for the node itself.
    pub organisation: String,
    /// Its name in Chinese, or in another language.
    pub name: String,
    pub state: TemplateState,
    pub scope: TemplateScope,
    /// Handle of the template that it is a copy of; its items do not change.
    pub base: String,
    pub content: TemplateContent,
    /// 0 for a draft; from 1, one more with every change after the first publication.
    pub revision: i64,
    /// Milliseconds since 1970, as all moments.
    pub created: Time,
    pub created_by: String,
    pub updated: Time,
    /// First published then; absent for a draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Time>,
    /// Increases with every change; the ETag.
    pub version: i64,
}

/// A template in lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateLine {
    pub id: String,
    pub handle: String,
    pub prefix: String,
    pub version_text: String,
    pub organisation: String,
    pub name: String,
    pub class: String,
    pub industry: String,
    pub state: TemplateState,
    pub scope: TemplateScope,
    pub revision: i64,
    pub items: usize,
    pub created: Time,
    pub updated: Time,
    pub version: i64,
}

/// One revision of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateRevision {
    pub revision: i64,
    pub content: TemplateContent,
    pub created: Time,
    pub created_by: String,
}

/// Which templates are wanted; empty fields do not restrict.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct TemplateFilter {
    /// Part of the name.
    pub name: Option<String>,
    pub prefix: Option<String>,
    pub version_text: Option<String>,
    /// `draft`, `published`, `withdrawn` or `deleted`; all but the last unless given.
    pub state: Option<String>,
    /// Begins so: `C`, `C36`.
    pub industry: Option<String>,
    pub class: Option<String>,
    /// Who made it.
    pub organisation: Option<String>,
}

const COLUMNS: &str = "id, handle, prefix, version_text, organisation, name, state, scope, base, content, revision, \
                       created, created_by, updated, published, version";
const SORTABLE: [Column; 3] = [Column::Text("name"), Column::Number("created"), Column::Number("updated")];

pub(super) fn read(row: &AnyRow) -> Result<TemplateView, Error> {
    let published: Time = row.try_get(14)?;
    Ok(TemplateView {
        id: row.try_get(0)?,
        handle: row.try_get(1)?,
        prefix: row.try_get(2)?,
        version_text: row.try_get(3)?,
        organisation: row.try_get(4)?,
        name: row.try_get(5)?,
        state: TemplateState::of(&row.try_get::<String, _>(6)?),
        scope: TemplateScope::of(&row.try_get::<String, _>(7)?),
        base: row.try_get(8)?,
        content: serde_json::from_str(&row.try_get::<String, _>(9)?)?,
        revision: row.try_get(10)?,
        created: row.try_get(11)?,
        created_by: row.try_get(12)?,
        updated: row.try_get(13)?,
        published: (published > 0).then_some(published),
        version: row.try_get(15)?,
    })
}

fn line(row: &AnyRow) -> Result<TemplateLine, Error> {
    let view = read(row)?;
    Ok(TemplateLine {
        class: view.content.class.clone(),
        industry: view.content.industry(),
        items: view.content.items.len(),
        id: view.id,
        handle: view.handle,
        prefix: view.prefix,
        version_text: view.version_text,
        organisation: view.organisation,
        name: view.name,
        state: view.state,
        scope: view.scope,
        revision: view.revision,
        created: view.created,
        updated: view.updated,
        version: view.version,
    })
}

/// How handles are compared.
pub(super) fn handle_key(handle: &str) -> String {
    handle.to_ascii_uppercase()
}

/// By id or handle.
pub(super) async fn find(connection: &mut AnyConnection, name: &str) -> Result<Option<TemplateView>, Error> {
    let select = "SELECT id, handle, prefix, version_text, organisation, name, state, scope, base, content, revision, \
                  created, created_by, updated, published, version FROM template WHERE id = $1 OR handle_key = $2";
    let row = sqlx::query(select).bind(name).bind(handle_key(name)).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// By prefix and version text.
pub(super) async fn find_version(
    connection: &mut AnyConnection,
    prefix: &str,
    version_text: &str,
) -> Result<Option<TemplateView>, Error> {
    let select = "SELECT id, handle, prefix, version_text, organisation, name, state, scope, base, content, revision, \
                  created, created_by, updated, published, version FROM template \
                  WHERE prefix = $1 AND version_text = $2";
    let row = sqlx::query(select).bind(prefix).bind(version_text).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

pub(super) fn absent(name: &str) -> Refusal {
    Refusal { code: "template-not-found", ..Refusal::absent("模板", "template", name) }
}

impl TemplateView {
    /// The organisation that made it; `None` for the node itself.
    pub fn owner(&self) -> Option<&str> {
        (!self.organisation.is_empty()).then_some(self.organisation.as_str())
    }
}

/// Whether an organisation (`None`: the node) may use the template, or see it while it is published.
pub(super) async fn is_open_to(
    connection: &mut AnyConnection,
    template: &TemplateView,
    organisation: Option<&str>,
) -> Result<bool, Error> {
    if template.owner() == organisation || template.scope == TemplateScope::All {
        return Ok(true);
    }
    let Some(organisation) = organisation.filter(|_| template.scope == TemplateScope::Named) else { return Ok(false) };
    let select = sqlx::query("SELECT template FROM template_user WHERE template = $1 AND organisation = $2");
    Ok(select.bind(&template.id).bind(organisation).fetch_optional(connection).await?.is_some())
}

/// Whether the caller may know of it: its own in every state, those of others from their publication on.
async fn is_seen_by(connection: &mut AnyConnection, template: &TemplateView, caller: &Caller) -> Result<bool, Error> {
    if caller.reaches(template.owner()) {
        return Ok(true);
    }
    match template.state {
        TemplateState::Published | TemplateState::Withdrawn => {
            is_open_to(connection, template, caller.organisation()).await
        }
        _ => Ok(false),
    }
}

const SEEN: &str = "(organisation = $? OR (state IN ('published', 'withdrawn') AND (scope = 'all' OR \
                    (scope = 'named' AND id IN (SELECT template FROM template_user WHERE organisation = $?)))))";

impl Registry {
    /// The template of an id or handle, if the caller may know of it.
    pub(super) async fn seen_template(&self, caller: &Caller, name: &str) -> Result<TemplateView, Error> {
        let object = format!("template {name}");
        self.authorise(caller, Permission::TemplateRead, &object).await?;
        let mut connection = self.database.reader().acquire().await?;
        let found = match find(&mut connection, name).await? {
            Some(found) if is_seen_by(&mut connection, &found, caller).await? => Some(found),
            Some(_) => {
                drop(connection);
                self.write_denial(caller, Permission::TemplateRead, &object).await?;
                None
            }
            None => None,
        };
        Ok(found.ok_or_else(|| absent(name))?)
    }

    /// A template as it is, or one of its revisions.
    pub async fn template(&self, caller: &Caller, name: &str, revision: Option<i64>) -> Result<TemplateView, Error> {
        let mut template = self.seen_template(caller, name).await?;
        if let Some(wanted) = revision.filter(|wanted| *wanted != template.revision) {
            let select = "SELECT content, created FROM template_revision WHERE template = $1 AND revision = $2";
            let select = sqlx::query(select).bind(&template.id).bind(wanted);
            let row = select.fetch_optional(self.database.reader()).await?;
            let row = row.ok_or_else(|| absent(&format!("{name} ({wanted})")))?;
            template.content = serde_json::from_str(&row.try_get::<String, _>(0)?)?;
            template.updated = row.try_get(1)?;
            template.name = template.content.name().to_owned();
            template.revision = wanted;
        }
        Ok(template)
    }

    /// By prefix and version text, as the national interface names templates.
    pub async fn template_of_version(
        &self,
        caller: &Caller,
        prefix: &str,
        version_text: &str,
    ) -> Result<TemplateView, Error> {
        let object = format!("template {prefix} {version_text}");
        self.authorise(caller, Permission::TemplateRead, &object).await?;
        let mut connection = self.database.reader().acquire().await?;
        let folded = hufu_ident::Prefix::folded(prefix);
        let found = find_version(&mut connection, folded.as_str(), version_text).await?;
        match found {
            Some(found) if is_seen_by(&mut connection, &found, caller).await? => Ok(found),
            _ => Err(absent(&format!("{prefix} {version_text}")).into()),
        }
    }

    /// Those that the caller may know of.
    pub async fn templates(
        &self,
        caller: &Caller,
        filter: &TemplateFilter,
        listing: &Listing,
    ) -> Result<Page<TemplateLine>, Error> {
        self.authorise(caller, Permission::TemplateRead, "template").await?;
        let mut wanted = Filter::new("template", COLUMNS);
        if let Some(organisation) = caller.organisation() {
            wanted.such_that(SEEN, organisation);
        }
        match filter.state.as_deref() {
            None => wanted.such_that("state <> $?", TemplateState::Deleted.name()),
            state => wanted.equal("state", state),
        }
        wanted.containing("name", filter.name.as_deref());
        wanted.equal("prefix", filter.prefix.as_deref());
        wanted.equal("version_text", filter.version_text.as_deref());
        wanted.prefixed("industry", filter.industry.as_deref());
        wanted.equal("class", filter.class.as_deref());
        wanted.equal("organisation", filter.organisation.as_deref());
        wanted.page(self, listing, &SORTABLE, "-created", Column::Text("id"), line).await
    }

    /// Every revision of a template, newest first.
    pub async fn template_revisions(
        &self,
        caller: &Caller,
        name: &str,
        listing: &Listing,
    ) -> Result<Page<TemplateRevision>, Error> {
        let template = self.seen_template(caller, name).await?;
        let mut wanted = Filter::new("template_revision", "revision, content, created, created_by");
        wanted.equal("template", Some(&template.id));
        let order = [Column::Number("revision")];
        wanted.page(self, listing, &order, "-revision", Column::Number("revision"), read_revision).await
    }

    /// The organisations that may use it beside its own, where its scope is `named`; for its owner.
    pub async fn template_users(&self, caller: &Caller, name: &str) -> Result<Vec<String>, Error> {
        let template = self.seen_template(caller, name).await?;
        let object = format!("template {name}");
        self.reach(caller, Permission::TemplateRead, template.owner(), &object, absent(name)).await?;
        let select = "SELECT organisation FROM template_user WHERE template = $1 ORDER BY organisation";
        let rows = sqlx::query(select).bind(&template.id).fetch_all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}

fn read_revision(row: &AnyRow) -> Result<TemplateRevision, Error> {
    Ok(TemplateRevision {
        revision: row.try_get(0)?,
        content: serde_json::from_str(&row.try_get::<String, _>(1)?)?,
        created: row.try_get(2)?,
        created_by: row.try_get(3)?,
    })
}
