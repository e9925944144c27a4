//! Objects as callers see them: now, as of a moment, through their history, and in lists.

use super::Objects;
use super::disclosure::Visit;
use super::grants::Reader;
use super::owner::{Owner, not_here};
use super::record::{Held, Kept, ObjectState, STATUS};
use super::relation::Relation;
use super::write::absent;
use crate::caller::{Caller, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::permission::Permission;
use crate::templates::{Classification, DataType, Template, Visibility};
use hufu_ident::{Identifier, Prefix, RecordKey, ValueSet};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sqlx::Row;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Versions of a page of history.
const VERSIONS: usize = 50;
/// Records looked at for one page of a list.
const SCANNED: usize = 5_000;
/// Most objects of a page.
const PAGE_MOST: usize = 200;

/// One field, as far as the reader may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectField {
    pub index: u32,
    pub name: String,
    /// By language: `zh`, `en`.
    pub labels: BTreeMap<String, String>,
    pub data_type: DataType,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub unit: String,
    #[schema(value_type = Object)]
    pub value: Json,
    pub visibility: Visibility,
    pub classification: Classification,
}

/// An object as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    pub identifier: String,
    /// `vaa`, `handle`, `gs1`, `oid`, `ecode` or `did`.
    pub system: String,
    pub prefix: String,
    /// Who holds its prefix; empty for the node itself.
    pub organisation: String,
    /// Handle and version of its template.
    pub template: String,
    pub template_version: String,
    pub state: ObjectState,
    /// Why it is suspended or deleted.
    pub reason: String,
    pub fields: Vec<ObjectField>,
    pub relations: Vec<Relation>,
    /// Milliseconds since 1970, as all moments.
    pub created: Time,
    pub updated: Time,
    /// Who made and who last changed it; empty to others than its owner.
    pub created_by: String,
    pub updated_by: String,
    /// Increases with every change; the ETag.
    pub version: i64,
}

/// One version of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectVersion {
    pub version: i64,
    pub state: ObjectState,
    pub reason: String,
    /// In force from then on.
    pub since: Time,
    /// Until then; absent for the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    pub updated_by: String,
    /// Names of fields that differ from the version before.
    pub changed: Vec<String>,
}

/// A page of the history, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectHistory {
    pub items: Vec<ObjectVersion>,
    /// What to send as `below` for older ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// Which objects are wanted.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct ObjectFilter {
    /// Below one prefix; all of the caller's unless given.
    pub prefix: Option<String>,
    /// The identifier begins so.
    pub begins: Option<String>,
    /// Handle of the template.
    pub template: Option<String>,
    /// `active`, `suspended` or `deleted`; the first two unless given.
    pub state: Option<String>,
    /// Rows of the page, 1–200.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<usize>,
    /// `next` of the page before.
    pub after: Option<String>,
}

/// A page of objects in the order of their keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectPage {
    pub items: Vec<Object>,
    /// Identifiers below the prefixes that were looked through, whatever the other conditions.
    pub total: i64,
    /// What to send as `after`; a page may have few items and yet be followed by others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How a text becomes a value of the API again.
pub(super) fn value_of(data_type: DataType, text: &str) -> Json {
    let parsed = || serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.to_owned()));
    match data_type {
        DataType::String | DataType::Date => Json::String(text.to_owned()),
        DataType::Number => match serde_json::from_str::<serde_json::Number>(text) {
            // A number that JSON readers would round stays a text.
            Ok(number) if number.to_string() == text => Json::Number(number),
            _ => Json::String(text.to_owned()),
        },
        _ => parsed(),
    }
}

fn field_of(template: &Template, held: &Held) -> ObjectField {
    let item = template.items.iter().find(|item| item.index == held.index);
    let data_type = item.map_or(DataType::String, |item| item.data_type);
    ObjectField {
        index: held.index,
        name: held.name.clone(),
        labels: item.map(|item| item.labels.clone()).unwrap_or_default(),
        data_type,
        unit: item.and_then(|item| item.rules.unit.clone()).unwrap_or_default(),
        value: value_of(data_type, &held.text),
        visibility: held.visibility,
        classification: item.map_or(Classification::Internal, |item| item.classification),
    }
}

impl Objects {
    fn stored(&self, key: &RecordKey) -> Result<Option<(u64, ValueSet)>, Error> {
        let found = self.store.get(key.as_bytes()).map_err(|error| Error::Fault(error.to_string()))?;
        Ok(found.map(|stored| (stored.version, stored.values)))
    }

    pub(crate) fn parse(text: &str) -> Result<Identifier, Error> {
        let wrong = |refusal| Refusal::fields(vec![FieldRefusal::of("identifier", &refusal)]);
        Ok(Identifier::parse(text).map_err(wrong)?)
    }

    /// Every name by which a grant may mean the caller.
    pub(super) async fn reader_of(&self, caller: &Caller, purpose: Option<&str>) -> Result<Reader, Error> {
        let mut names = Vec::new();
        names.extend(caller.organisation().map(|own| format!("organisation:{own}")));
        if let Some(account) = caller.account() {
            names.push(format!("account:{account}"));
            let roles = sqlx::query("SELECT role FROM account_role WHERE account = $1").bind(account);
            for row in roles.fetch_all(self.registry.database().reader()).await? {
                names.push(format!("role:{}", row.try_get::<String, _>(0)?));
            }
        }
        Ok(Reader { names, purpose: purpose.unwrap_or_default().to_owned(), at: caller.at })
    }

    /// An object as the caller may see it, now or as it was at a moment.
    pub async fn object(
        &self,
        caller: &Caller,
        text: &str,
        at: Option<Time>,
        purpose: Option<&str>,
    ) -> Result<Object, Error> {
        self.registry.authorise(caller, Permission::ObjectRead, &format!("object {text}")).await?;
        let identifier = Objects::parse(text)?;
        let mut connection = self.registry.database().reader().acquire().await?;
        let owner = self.owner_of(&mut connection, &identifier).await?.ok_or_else(|| not_here(text))?;
        drop(connection);
        let key = identifier.key(self.rule);
        let kept = match at {
            None => self.stored(&key)?.map(|(_, values)| Kept::read(&values)).transpose()?.flatten(),
            Some(at) => self.as_of(&key, at)?,
        };
        let kept = kept.ok_or_else(|| absent(text))?;
        let reader = self.reader_of(caller, purpose).await?;
        self.view(caller, &reader, &owner, &kept).await
    }

    /// The version in force at a moment; `None` before there was any.
    fn as_of(&self, key: &RecordKey, at: Time) -> Result<Option<Kept>, Error> {
        let Some((mut below, values)) = self.stored(key)? else { return Ok(None) };
        let mut candidate = Kept::read(&values)?;
        while candidate.as_ref().is_some_and(|kept| kept.sheet.updated > at) {
            let page = self.store.earlier(key.as_bytes(), below, 1).map_err(|error| Error::Fault(error.to_string()))?;
            let Some(earlier) = page.into_iter().next() else { return Ok(None) };
            below = earlier.version;
            candidate = Kept::read(&earlier.values)?;
        }
        Ok(candidate)
    }

    async fn template_of(&self, kept: &Kept) -> Result<Arc<Template>, Error> {
        self.registry.template_as_used(&kept.template).await
    }

    /// What the caller may see of an object; a disclosure of granted fields is written down first.
    pub(super) async fn view(
        &self,
        caller: &Caller,
        reader: &Reader,
        owner: &Owner,
        kept: &Kept,
    ) -> Result<Object, Error> {
        let own = caller.reaches(owner.organisation.as_deref());
        let template = self.template_of(kept).await?;
        let organisation = owner.organisation.clone().unwrap_or_default();
        let opened = match own {
            true => BTreeMap::new(),
            false => self.opened(reader, &organisation, &owner.prefix, kept).await?,
        };
        if !opened.is_empty() {
            let visit = Visit {
                door: "api",
                reader: &caller.name,
                organisation: caller.organisation().unwrap_or_default(),
                address: &caller.address,
                request: &caller.request,
            };
            self.write_disclosure(reader, &visit, owner, kept, &opened).await?;
        }
        let active = kept.sheet.state == ObjectState::Active;
        let shows = |visibility: Visibility, index: u32| {
            own || (active && visibility == Visibility::Public) || opened.contains_key(&index)
        };
        let fields = kept.fields.iter().filter(|held| shows(held.visibility, held.index));
        let relations = kept.relations.iter().filter(|relation| shows(relation.visibility, STATUS));
        let for_owner = |text: &String| if own { text.clone() } else { String::new() };
        let identifier = Objects::parse(&kept.sheet.identifier)?;
        Ok(Object {
            identifier: kept.sheet.identifier.clone(),
            system: hufu_ident::recognise(identifier.as_str()).name().to_owned(),
            prefix: owner.prefix.clone(),
            organisation,
            template: kept.template.clone(),
            template_version: kept.template_version.clone(),
            state: kept.sheet.state,
            reason: kept.sheet.reason.clone(),
            fields: fields.map(|held| field_of(&template, held)).collect(),
            relations: relations.cloned().collect(),
            created: kept.sheet.created,
            updated: kept.sheet.updated,
            created_by: for_owner(&kept.sheet.created_by),
            updated_by: for_owner(&kept.sheet.updated_by),
            version: kept.sheet.version,
        })
    }

    /// The versions of an object, newest first; for its owner.
    pub async fn object_history(
        &self,
        caller: &Caller,
        text: &str,
        below: Option<i64>,
    ) -> Result<ObjectHistory, Error> {
        let object = format!("object {text}");
        self.registry.authorise(caller, Permission::ObjectRead, &object).await?;
        let identifier = Objects::parse(text)?;
        let mut connection = self.registry.database().reader().acquire().await?;
        let owner = self.owner_of(&mut connection, &identifier).await?.ok_or_else(|| not_here(text))?;
        drop(connection);
        let organisation = owner.organisation.as_deref();
        self.registry.reach(caller, Permission::ObjectRead, organisation, &object, absent(text)).await?;
        let key = identifier.key(self.rule);
        let (newest, values) = self.stored(&key)?.ok_or_else(|| absent(text))?;
        let mut versions = vec![(Kept::read(&values)?.ok_or_else(|| absent(text))?, None)];
        let wanted = |kept: &Kept| below.is_none_or(|below| kept.sheet.version < below);
        let mut under = newest;
        // One more than a page, to compare its last with.
        while versions.iter().filter(|(kept, _)| wanted(kept)).count() <= VERSIONS {
            let page = self.store.earlier(key.as_bytes(), under, VERSIONS);
            let page = page.map_err(|error| Error::Fault(error.to_string()))?;
            let Some(last) = page.last() else { break };
            under = last.version;
            for earlier in page {
                if let Some(kept) = Kept::read(&earlier.values)? {
                    versions.push((kept, Some(Time::try_from(earlier.until).unwrap_or(Time::MAX))));
                }
            }
        }
        let shown: Vec<usize> = (0..versions.len()).filter(|at| wanted(&versions[*at].0)).take(VERSIONS).collect();
        let items: Vec<ObjectVersion> = shown
            .iter()
            .map(|at| {
                let (kept, until) = &versions[*at];
                let before = versions.get(at + 1).map(|(kept, _)| kept);
                ObjectVersion {
                    version: kept.sheet.version,
                    state: kept.sheet.state,
                    reason: kept.sheet.reason.clone(),
                    since: kept.sheet.updated,
                    until: *until,
                    updated_by: kept.sheet.updated_by.clone(),
                    changed: differing(before, kept),
                }
            })
            .collect();
        let next = items.last().map(|last| last.version).filter(|last| *last > 1);
        Ok(ObjectHistory { items, next })
    }

    /// The caller's objects in the order of their keys.
    pub async fn objects(&self, caller: &Caller, filter: &ObjectFilter) -> Result<ObjectPage, Error> {
        self.registry.authorise(caller, Permission::ObjectRead, "object").await?;
        let limit = filter.limit.unwrap_or(50);
        if !(1..=PAGE_MOST).contains(&limit) {
            let (zh, en) = (format!("limit 应为 1–{PAGE_MOST}"), format!("limit is 1 to {PAGE_MOST}"));
            return Err(Refusal::new(Kind::Invalid, "page-limit", zh, en).into());
        }
        let bad_cursor = || Refusal::new(Kind::Invalid, "page-cursor", "after 参数无效", "after is no cursor");
        let after = filter.after.as_deref().map(|text| hex::decode(text).map_err(|_| bad_cursor())).transpose()?;
        let owners = self.owners_in_reach(caller, filter.prefix.as_deref()).await?;
        let reader = self.reader_of(caller, None).await?;
        let mut page = ObjectPage { items: Vec::new(), total: 0, next: None };
        for owner in &owners {
            let select = sqlx::query("SELECT objects FROM object_count WHERE prefix = $1").bind(&owner.prefix);
            let row = select.fetch_optional(self.registry.database().reader()).await?;
            page.total += row.map_or(Ok(0), |row| row.try_get::<i64, _>(0))?;
        }
        let (mut scanned, mut last) = (0, None::<Vec<u8>>);
        'prefixes: for owner in &owners {
            let start = RecordKey::range_of(&Prefix::folded(&owner.prefix));
            if after.as_ref().is_some_and(|after| *after > start && !after.starts_with(&start)) {
                continue;
            }
            let mut from = after.clone().filter(|after| after.starts_with(&start));
            loop {
                let rows = self.store.scan(&start, from.as_deref(), 256);
                let rows = rows.map_err(|error| Error::Fault(error.to_string()))?;
                let Some((key, _)) = rows.last() else { break };
                from = Some(key.as_bytes().to_vec());
                for (key, stored) in rows {
                    if page.items.len() == limit || scanned == SCANNED {
                        page.next = last.map(hex::encode);
                        break 'prefixes;
                    }
                    scanned += 1;
                    last = Some(key.as_bytes().to_vec());
                    let Some(kept) = Kept::read(&stored.values)?.filter(|kept| filter.wants(kept)) else { continue };
                    page.items.push(self.view(caller, &reader, owner, &kept).await?);
                }
            }
        }
        Ok(page)
    }

    /// The prefixes served here that the caller reaches, in the order of their keys.
    pub(crate) async fn owners_in_reach(&self, caller: &Caller, only: Option<&str>) -> Result<Vec<Owner>, Error> {
        let mut connection = self.registry.database().reader().acquire().await?;
        let only = only.map(Prefix::folded);
        let mut owners = BTreeMap::new();
        for prefix in self.store.homed().iter().filter(|prefix| only.as_ref().is_none_or(|only| only == *prefix)) {
            if prefix.as_str() == hufu_ident::identifier::NA {
                continue;
            }
            let owner = self.owner_of_prefix(&mut connection, prefix).await?;
            if caller.reaches(owner.organisation.as_deref()) {
                owners.insert(RecordKey::range_of(prefix), owner);
            }
        }
        match (only, owners.is_empty()) {
            (Some(prefix), true) => Err(Refusal::absent("前缀", "prefix", prefix.as_str()).into()),
            _ => Ok(owners.into_values().collect()),
        }
    }
}

/// Names of fields that two versions do not share.
fn differing(before: Option<&Kept>, after: &Kept) -> Vec<String> {
    let empty = Vec::new();
    let old = before.map_or(&empty, |kept| &kept.fields);
    let mut names = BTreeSet::new();
    names.extend(after.fields.iter().filter(|held| !old.contains(held)).map(|held| held.name.clone()));
    names.extend(old.iter().filter(|held| !after.fields.contains(held)).map(|held| held.name.clone()));
    names.into_iter().collect()
}

impl ObjectFilter {
    fn wants(&self, kept: &Kept) -> bool {
        let state = match self.state.as_deref() {
            Some(state) => kept.sheet.state.name() == state,
            None => kept.sheet.state != ObjectState::Deleted,
        };
        let begins = |start: &String| {
            kept.sheet.identifier.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
        };
        state
            && self.template.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(&kept.template))
            && self.begins.as_ref().is_none_or(begins)
    }
}
