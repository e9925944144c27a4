//! Metadata 元数据: definitions of single fields, made above and taken over below.
//!
//! ```text
//! core ──► industry ──► enterprise ──► item of a template
//! ```
//! Each step may narrow what it takes over, not widen it. A change is a new version; earlier versions stay, and whatever
//! was made from one keeps that one. An entry is disabled, never deleted.

use super::content::{TemplateContent, check_labels, check_name, check_text};
use super::item::{Classification, DEFINITION, DataType, NAME};
use super::rules::Rules;
use crate::act::{Act, difference};
use crate::caller::{Caller, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::industry::Industry;
use crate::listing::{Column, Filter, Listing, Page};
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use std::collections::BTreeMap;

/// Most entries of an organisation, and of the node.
const ENTRIES: i64 = 10_000;

/// Who an entry is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MetadataLevel {
    /// Every industry.
    Core,
    /// One industry.
    Industry,
    /// One enterprise.
    #[default]
    Enterprise,
}

impl MetadataLevel {
    const fn name(self) -> &'static str {
        match self {
            MetadataLevel::Core => "core",
            MetadataLevel::Industry => "industry",
            MetadataLevel::Enterprise => "enterprise",
        }
    }

    fn of(text: &str) -> Self {
        match text {
            "core" => MetadataLevel::Core,
            "industry" => MetadataLevel::Industry,
            _ => MetadataLevel::Enterprise,
        }
    }
}

/// Whether new items and entries may be made from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MetadataState {
    Enabled,
    Disabled,
}

impl MetadataState {
    const fn name(self) -> &'static str {
        match self {
            MetadataState::Enabled => "enabled",
            MetadataState::Disabled => "disabled",
        }
    }

    fn of(text: &str) -> Self {
        if text == "disabled" { MetadataState::Disabled } else { MetadataState::Enabled }
    }
}

/// What an entry says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MetadataContent {
    /// Unique in its level and organisation; it does not change.
    #[schema(max_length = 128)]
    pub code: String,
    /// English name, which items take over.
    #[schema(max_length = 128)]
    pub name: String,
    /// By language (BCP 47).
    pub labels: BTreeMap<String, String>,
    pub data_type: DataType,
    pub rules: Rules,
    pub classification: Classification,
    /// GB/T 4754, as deep as it goes: `C`, `C36`; needed at the level of industries.
    #[schema(max_length = 8)]
    pub industry: String,
    /// The entry above that it is made from; empty for none.
    #[schema(max_length = 128)]
    pub base: String,
    /// Version of that entry; 0 takes the newest.
    pub base_version: i64,
    #[schema(max_length = 1000)]
    pub definition: String,
}

/// An entry as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    pub id: String,
    pub level: MetadataLevel,
    /// Whose it is; empty for the node itself.
    pub organisation: String,
    pub state: MetadataState,
    pub content: MetadataContent,
    /// Milliseconds since 1970.
    pub created: Time,
    pub updated: Time,
    /// Increases with every change; every version stays readable.
    pub version: i64,
}

/// An entry to be.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewMetadata {
    pub level: MetadataLevel,
    pub content: MetadataContent,
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct MetadataFilter {
    /// `core`, `industry` or `enterprise`.
    pub level: Option<String>,
    /// Part of the name.
    pub name: Option<String>,
    pub code: Option<String>,
    /// Begins so: `C`, `C36`.
    pub industry: Option<String>,
    /// `enabled` or `disabled`.
    pub state: Option<String>,
    /// The entry that they are made from.
    pub base: Option<String>,
}

const COLUMNS: &str = "id, level, organisation, state, content, created, updated, version";
const SORTABLE: [Column; 3] = [Column::Text("code"), Column::Number("created"), Column::Number("updated")];

fn read(row: &AnyRow) -> Result<Metadata, Error> {
    Ok(Metadata {
        id: row.try_get(0)?,
        level: MetadataLevel::of(&row.try_get::<String, _>(1)?),
        organisation: row.try_get(2)?,
        state: MetadataState::of(&row.try_get::<String, _>(3)?),
        content: serde_json::from_str(&row.try_get::<String, _>(4)?)?,
        created: row.try_get(5)?,
        updated: row.try_get(6)?,
        version: row.try_get(7)?,
    })
}

async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<Metadata>, Error> {
    let select = "SELECT id, level, organisation, state, content, created, updated, version FROM metadata \
                  WHERE id = $1";
    let row = sqlx::query(select).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// What an entry said in one of its versions; `None` if it has no such version.
async fn at_version(connection: &mut AnyConnection, id: &str, version: i64) -> Result<Option<MetadataContent>, Error> {
    let select = sqlx::query("SELECT content FROM metadata_version WHERE metadata = $1 AND version = $2");
    let row = select.bind(id).bind(version).fetch_optional(connection).await?;
    row.map(|row| Ok(serde_json::from_str(&row.try_get::<String, _>(0)?)?)).transpose()
}

fn absent(id: &str) -> Refusal {
    Refusal::absent("元数据", "metadata", id)
}

fn taken() -> Refusal {
    let zh = "该级已有此编码的元数据";
    Refusal::new(Kind::Conflict, "metadata-exists", zh, "this level has metadata of this code")
}

impl Metadata {
    /// Whose it is; `None` for the node itself.
    pub fn owner(&self) -> Option<&str> {
        (!self.organisation.is_empty()).then_some(self.organisation.as_str())
    }

    /// Everybody takes over what is the node's; an enterprise's is its own.
    fn is_for(&self, organisation: Option<&str>) -> bool {
        self.organisation.is_empty() || organisation == Some(self.organisation.as_str())
    }
}

impl MetadataContent {
    pub(super) fn check(&self, level: MetadataLevel) -> Result<(), Refusal> {
        let mut faults = Vec::new();
        let code = self.code.trim();
        if code.is_empty() {
            faults.push(FieldRefusal::new("content.code", "missing", "请填写编码", "code is missing"));
        }
        check_text(&mut faults, "content.code", code, NAME);
        check_name(&mut faults, "content.name", &self.name);
        check_labels(&mut faults, "content.labels", &self.labels);
        if self.definition.chars().count() > DEFINITION {
            let (zh, en) = (format!("定义不超过 {DEFINITION} 个字符"), format!("at most {DEFINITION} characters"));
            faults.push(FieldRefusal::new("content.definition", "too-long", zh, en));
        }
        if level == MetadataLevel::Industry && self.industry.is_empty() {
            let (zh, en) = ("行业元数据须注明行业", "metadata of an industry says which");
            faults.push(FieldRefusal::new("content.industry", "missing", zh, en));
        }
        if !self.industry.is_empty()
            && let Err(refusal) = Industry::parse(&self.industry)
        {
            faults.push(FieldRefusal::of("content.industry", &refusal));
        }
        faults.extend(self.rules.check(self.data_type).into_iter().map(|fault| fault.below("content")));
        if faults.is_empty() { Ok(()) } else { Err(Refusal::fields(faults)) }
    }
}

impl Act {
    /// Checks an entry against the one that it is made from, and pins that one's version.
    async fn settle_base(
        &mut self,
        level: MetadataLevel,
        owner: Option<&str>,
        content: &mut MetadataContent,
    ) -> Result<(), Error> {
        if content.base.is_empty() {
            content.base_version = 0;
            return Ok(());
        }
        let wrong = |code: &str, zh: String, en: String| -> Error {
            Refusal::fields(vec![FieldRefusal::new("content.base", code, zh, en)]).into()
        };
        let found = find(self.sql(), &content.base).await?.filter(|found| found.is_for(owner));
        let Some(above) = found else {
            let refusal = absent(&content.base);
            return Err(wrong("not-found", refusal.zh, refusal.en));
        };
        if above.level >= level {
            let en = format!("{} metadata is not made from {} metadata", level.name(), above.level.name());
            return Err(wrong("wrong-level", format!("{} 级不能引用 {} 级", level.name(), above.level.name()), en));
        }
        if content.base_version == 0 {
            if above.state == MetadataState::Disabled {
                return Err(wrong("disabled", "所引用的元数据已停用".into(), "that metadata is disabled".into()));
            }
            content.base_version = above.version;
        }
        let (base, version) = (content.base.clone(), content.base_version);
        let Some(said) = at_version(self.sql(), &base, version).await? else {
            let refusal = absent(&format!("{base} ({version})"));
            return Err(wrong("not-found", refusal.zh, refusal.en));
        };
        let faults = deviations(&said, content.data_type, &content.rules, "content");
        if faults.is_empty() { Ok(()) } else { Err(Refusal::fields(faults).into()) }
    }

    /// Enters an entry. For whoever has decided that it shall be there.
    pub(super) async fn enter_metadata(
        &mut self,
        level: MetadataLevel,
        owner: Option<&str>,
        content: &MetadataContent,
    ) -> Result<Metadata, Error> {
        let mut content = content.clone();
        content.code = content.code.trim().to_owned();
        content.check(level)?;
        self.settle_base(level, owner, &mut content).await?;
        let organisation = owner.unwrap_or_default().to_owned();
        let count = sqlx::query("SELECT COUNT(*) FROM metadata WHERE organisation = $1").bind(&organisation);
        if count.fetch_one(self.sql()).await?.try_get::<i64, _>(0)? >= ENTRIES {
            let (zh, en) = (format!("元数据已达上限 {ENTRIES} 条"), format!("there are {ENTRIES} entries, the most"));
            return Err(Refusal::new(Kind::Limit, "metadata-quota", zh, en).into());
        }
        let entry = Metadata {
            id: self.fresh_id("md"),
            level,
            organisation,
            state: MetadataState::Enabled,
            content,
            created: self.now(),
            updated: self.now(),
            version: 1,
        };
        let insert = "INSERT INTO metadata (id, level, organisation, code, name, industry, state, base, content, \
                      created, updated, version) VALUES ($1, $2, $3, $4, $5, $6, 'enabled', $7, $8, $9, $10, 1)";
        let insert = sqlx::query(insert)
            .bind(&entry.id)
            .bind(level.name())
            .bind(&entry.organisation)
            .bind(&entry.content.code)
            .bind(&entry.content.name)
            .bind(&entry.content.industry)
            .bind(&entry.content.base)
            .bind(serde_json::to_string(&entry.content)?)
            .bind(entry.created)
            .bind(entry.updated);
        insert.execute(self.sql()).await.map_err(|error| Error::unique(error, taken))?;
        self.keep_version(&entry).await?;
        let after = serde_json::to_value(&entry)?;
        self.record("metadata.create", &format!("metadata {}", entry.id), entry.owner(), json!(null), after);
        Ok(entry)
    }

    async fn keep_version(&mut self, entry: &Metadata) -> Result<(), Error> {
        let insert = "INSERT INTO metadata_version (metadata, version, state, content, created, created_by) \
                      VALUES ($1, $2, $3, $4, $5, $6)";
        let insert = sqlx::query(insert).bind(&entry.id).bind(entry.version).bind(entry.state.name());
        let insert = insert.bind(serde_json::to_string(&entry.content)?).bind(entry.updated);
        insert.bind(self.caller.name.clone()).execute(self.sql()).await?;
        Ok(())
    }

    async fn change_metadata(&mut self, before: &Metadata, mut after: Metadata) -> Result<Metadata, Error> {
        (after.updated, after.version) = (self.now(), before.version + 1);
        let update = "UPDATE metadata SET name = $1, industry = $2, state = $3, base = $4, content = $5, updated = $6, \
                      version = $7 WHERE id = $8";
        let update = sqlx::query(update)
            .bind(&after.content.name)
            .bind(&after.content.industry)
            .bind(after.state.name())
            .bind(&after.content.base)
            .bind(serde_json::to_string(&after.content)?)
            .bind(after.updated)
            .bind(after.version)
            .bind(&after.id);
        update.execute(self.sql()).await?;
        self.keep_version(&after).await?;
        let (old, new) = difference(before, &after);
        self.record("metadata.write", &format!("metadata {}", after.id), after.owner(), old, new);
        Ok(after)
    }

    /// The items of a template that are made from metadata: fills in what they take over, pins the version, refuses
    /// what is wider.
    pub(super) async fn pin_metadata(
        &mut self,
        content: &mut TemplateContent,
        owner: Option<&str>,
    ) -> Result<(), Error> {
        let mut faults = Vec::new();
        for (at, item) in content.items.iter_mut().enumerate().filter(|(_, item)| !item.metadata.is_empty()) {
            let place = format!("items[{at}]");
            let wrong =
                |code: &str, zh: String, en: String| FieldRefusal::new(format!("{place}.metadata"), code, zh, en);
            let found = find(self.sql(), &item.metadata).await?.filter(|found| found.is_for(owner));
            let Some(entry) = found else {
                let refusal = absent(&item.metadata);
                faults.push(wrong("not-found", refusal.zh, refusal.en));
                continue;
            };
            let fresh = item.metadata_version == 0;
            if fresh {
                if entry.state == MetadataState::Disabled {
                    faults.push(wrong("disabled", "所用元数据已停用".into(), "that metadata is disabled".into()));
                    continue;
                }
                item.metadata_version = entry.version;
            }
            let Some(said) = at_version(self.sql(), &item.metadata, item.metadata_version).await? else {
                let refusal = absent(&format!("{} ({})", item.metadata, item.metadata_version));
                faults.push(wrong("not-found", refusal.zh, refusal.en));
                continue;
            };
            // Named and nothing more: all of it is taken over.
            if fresh && item.labels.is_empty() {
                item.labels = said.labels.clone();
                (item.data_type, item.rules) = (said.data_type, said.rules.clone());
                item.classification = said.classification;
                if item.name.is_empty() {
                    item.name.clone_from(&said.name);
                }
                if item.definition.is_empty() {
                    item.definition.clone_from(&said.definition);
                }
            }
            faults.extend(deviations(&said, item.data_type, &item.rules, &place));
        }
        if faults.is_empty() { Ok(()) } else { Err(Refusal::fields(faults).into()) }
    }
}

/// What is not as the metadata says it, or wider.
fn deviations(said: &MetadataContent, data_type: DataType, rules: &Rules, place: &str) -> Vec<FieldRefusal> {
    if said.data_type != data_type {
        let zh = format!("所用元数据为{}，数据类型须一致", said.data_type.zh());
        let en = format!("the metadata it is made from is of type {}", said.data_type.name());
        return vec![FieldRefusal::new(format!("{place}.dataType"), "other-than-metadata", zh, en)];
    }
    rules.widenings(&said.rules, data_type).into_iter().map(|fault| fault.below(place)).collect()
}

/// What the caller needs to make entries of a level, and whose they are.
fn needed(level: MetadataLevel) -> Permission {
    match level {
        MetadataLevel::Enterprise => Permission::MetadataWrite,
        _ => Permission::MetadataReview,
    }
}

impl Registry {
    /// Makes an entry: core and industry ones are the node's, others the caller's.
    pub async fn create_metadata(&self, caller: &Caller, new: &NewMetadata) -> Result<Metadata, Error> {
        self.authorise(caller, Permission::MetadataWrite, "metadata").await?;
        let act = self.begin(caller, needed(new.level), "metadata").await?;
        let owner = match new.level {
            MetadataLevel::Enterprise => act.caller.organisation().map(str::to_owned),
            _ => None,
        };
        // Held by an organisation, the permission to review does not reach what is the node's.
        let refusal = || Refusal::absent("元数据级别", "metadata level", new.level.name());
        let mut act = act.reach(owner.as_deref(), "metadata", refusal()).await?;
        let entry = act.enter_metadata(new.level, owner.as_deref(), &new.content).await?;
        act.commit(entry).await
    }

    /// An entry as it is, or in one of its versions.
    pub async fn metadata(&self, caller: &Caller, id: &str, version: Option<i64>) -> Result<Metadata, Error> {
        let object = format!("metadata {id}");
        self.authorise(caller, Permission::TemplateRead, &object).await?;
        let mut connection = self.database.reader().acquire().await?;
        let mut entry = find(&mut connection, id).await?.ok_or_else(|| absent(id))?;
        if !entry.organisation.is_empty() && !caller.reaches(entry.owner()) {
            drop(connection);
            self.write_denial(caller, Permission::TemplateRead, &object).await?;
            return Err(absent(id).into());
        }
        if let Some(wanted) = version.filter(|wanted| *wanted != entry.version) {
            let said = at_version(&mut connection, id, wanted).await?;
            entry.content = said.ok_or_else(|| absent(&format!("{id} ({wanted})")))?;
            entry.version = wanted;
        }
        Ok(entry)
    }

    /// The node's, and the caller's own.
    pub async fn metadata_entries(
        &self,
        caller: &Caller,
        filter: &MetadataFilter,
        listing: &Listing,
    ) -> Result<Page<Metadata>, Error> {
        self.authorise(caller, Permission::TemplateRead, "metadata").await?;
        let mut wanted = Filter::new("metadata", COLUMNS);
        if let Some(organisation) = caller.organisation() {
            wanted.such_that("(organisation = '' OR organisation = $?)", organisation);
        }
        wanted.equal("level", filter.level.as_deref());
        wanted.containing("name", filter.name.as_deref());
        wanted.equal("code", filter.code.as_deref());
        wanted.prefixed("industry", filter.industry.as_deref());
        wanted.equal("state", filter.state.as_deref());
        wanted.equal("base", filter.base.as_deref());
        wanted.page(self, listing, &SORTABLE, "code", Column::Text("id"), read).await
    }

    async fn begin_on_metadata(
        &self,
        caller: &Caller,
        id: &str,
        version: Option<i64>,
    ) -> Result<(Act, Metadata), Error> {
        let object = format!("metadata {id}");
        let mut act = self.begin(caller, Permission::MetadataWrite, &object).await?;
        let before = find(act.sql(), id).await?.ok_or_else(|| absent(id))?;
        let act = act.reach(before.owner(), &object, absent(id)).await?;
        if let Some(refusal) = act.caller.lacks(needed(before.level)) {
            return Err(act.deny(&object, refusal).await);
        }
        match version {
            Some(seen) if seen != before.version => Err(Refusal::stale(before.version).into()),
            _ => Ok((act, before)),
        }
    }

    /// Makes a new version of an entry; what was made from earlier ones stays as it is.
    pub async fn amend_metadata(
        &self,
        caller: &Caller,
        id: &str,
        version: Option<i64>,
        content: &MetadataContent,
    ) -> Result<Metadata, Error> {
        let (mut act, before) = self.begin_on_metadata(caller, id, version).await?;
        let mut content = content.clone();
        if content.code.trim() != before.content.code || content.data_type != before.content.data_type {
            let (zh, en) =
                ("编码和数据类型不能更改，请新建元数据", "code and dataType do not change: make another entry");
            return Err(Refusal::new(Kind::Conflict, "metadata-fixed", zh, en).into());
        }
        content.code.clone_from(&before.content.code);
        content.check(before.level)?;
        let owner = before.owner().map(str::to_owned);
        act.settle_base(before.level, owner.as_deref(), &mut content).await?;
        let after = Metadata { content, ..before.clone() };
        let after = act.change_metadata(&before, after).await?;
        act.commit(after).await
    }

    /// Disables an entry, or enables it again.
    pub async fn set_metadata_state(
        &self,
        caller: &Caller,
        id: &str,
        version: Option<i64>,
        state: MetadataState,
    ) -> Result<Metadata, Error> {
        let (mut act, before) = self.begin_on_metadata(caller, id, version).await?;
        let after = Metadata { state, ..before.clone() };
        let after = act.change_metadata(&before, after).await?;
        act.commit(after).await
    }
}
