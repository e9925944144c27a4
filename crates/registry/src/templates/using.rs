//! Templates for objects: the one that a new object is made by, and the one that an object has.

use super::item::Template;
use super::template::{TemplateState, TemplateView, absent, find, find_version, handle_key, is_open_to};
use crate::error::{Error, Kind, Refusal};
use crate::registry::Registry;
use hufu_ident::Prefix;
use sqlx::{AnyConnection, Row};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Templates kept in memory.
const KEPT: usize = 1_000;

/// Templates as they were last read, with the version of each.
#[derive(Default)]
pub(crate) struct TemplateShelf(Mutex<HashMap<String, (i64, Arc<Template>)>>);

fn plain(view: TemplateView) -> Template {
    Template { handle: view.handle, version: view.version_text, items: view.content.items }
}

pub(super) fn not_published(name: &str) -> Refusal {
    let (zh, en) = (format!("模板 {name} 未发布或已撤回"), format!("the template {name} is not published"));
    Refusal::new(Kind::Conflict, "template-not-published", zh, en)
}

async fn named(connection: &mut AnyConnection, name: &str) -> Result<Option<TemplateView>, Error> {
    if let Some(found) = find(connection, name).await? {
        return Ok(Some(found));
    }
    let Some((prefix, version_text)) = name.split_once('@') else { return Ok(None) };
    find_version(connection, Prefix::folded(prefix).as_str(), version_text).await
}

/// The published template of an id, a handle or `<prefix>@<version text>` that an organisation (`None`: the node) may
/// make objects by.
pub async fn usable(connection: &mut AnyConnection, name: &str, organisation: Option<&str>) -> Result<Template, Error> {
    let found = named(connection, name).await?.ok_or_else(|| absent(name))?;
    let own = found.owner() == organisation;
    if found.state == TemplateState::Deleted || !is_open_to(connection, &found, organisation).await? {
        return Err(absent(name).into());
    }
    match found.state {
        TemplateState::Published => Ok(plain(found)),
        TemplateState::Draft if !own => Err(absent(name).into()),
        _ => Err(not_published(name).into()),
    }
}

/// The template that an object has, whatever became of it.
pub async fn as_used(connection: &mut AnyConnection, handle: &str) -> Result<Template, Error> {
    find(connection, handle).await?.map(plain).ok_or_else(|| absent(handle).into())
}

/// Indexes of the unique items of the template that an object has.
pub async fn unique_indexes(connection: &mut AnyConnection, handle: &str) -> Result<Vec<u32>, Error> {
    Ok(as_used(connection, handle).await?.unique_indexes())
}

impl Registry {
    /// As [`as_used`], from memory where it has not changed since.
    pub async fn template_as_used(&self, handle: &str) -> Result<Arc<Template>, Error> {
        let key = handle_key(handle);
        let select = sqlx::query("SELECT version FROM template WHERE handle_key = $1").bind(&key);
        let row = select.fetch_optional(self.database.reader()).await?;
        let version: i64 = row.ok_or_else(|| absent(handle))?.try_get(0)?;
        let shelf = |found: &HashMap<String, (i64, Arc<Template>)>| found.get(&key).cloned();
        let known = shelf(&self.shelf.0.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some((_, template)) = known.filter(|(known, _)| *known == version) {
            return Ok(template);
        }
        let mut connection = self.database.reader().acquire().await?;
        let found = find(&mut connection, handle).await?.ok_or_else(|| absent(handle))?;
        let (version, template) = (found.version, Arc::new(plain(found)));
        let mut kept = self.shelf.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, (version, template.clone()));
        Ok(template)
    }
}
