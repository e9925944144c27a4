//! What happens to templates: made, copied, changed, published, withdrawn, deleted, opened to others.

use super::content::{TemplateContent, check_text, merged};
use super::template::{TemplateScope, TemplateState, TemplateView, absent, find, find_version, handle_key};
use super::workbook;
use crate::act::{Act, difference};
use crate::caller::Caller;
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::permission::Permission;
use crate::prefixes::{own, prefix};
use crate::registry::Registry;
use hufu_ident::{Identifier, Prefix};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use sqlx::{AnyConnection, Row};

/// Most templates of an organisation.
const TEMPLATES: i64 = 2_000;
/// Longest version text and handle.
const VERSION_TEXT: usize = 128;
const HANDLE: usize = 255;
/// Most organisations that a template is opened to by name.
const USERS: usize = 500;
/// Longest reason, in characters.
const REASON: usize = 1000;

/// A template to be.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewTemplate {
    /// Prefix below which it is; the caller's own.
    #[schema(max_length = 255)]
    pub prefix: String,
    /// The maker's version, unique below the prefix: `1.0.1`.
    #[schema(min_length = 1, max_length = 128)]
    pub version_text: String,
    /// Its handle below the prefix; the node makes one unless given.
    #[serde(default)]
    #[schema(max_length = 255)]
    pub handle: Option<String>,
    pub content: TemplateContent,
}

/// A copy to be.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TemplateCopy {
    #[schema(max_length = 255)]
    pub prefix: String,
    #[schema(min_length = 1, max_length = 128)]
    pub version_text: String,
    #[serde(default)]
    #[schema(max_length = 255)]
    pub handle: Option<String>,
    /// The maker's own code; that of the original unless given.
    #[serde(default)]
    #[schema(max_length = 128)]
    pub code: String,
    #[serde(default)]
    #[schema(max_length = 128)]
    pub class: String,
}

/// What a state is changed to, and why.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TemplateStateChange {
    /// `published` or `withdrawn`.
    pub state: TemplateState,
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub reason: String,
}

/// Who may use a template.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TemplateScopeChange {
    pub scope: TemplateScope,
    /// Ids of organisations, where the scope is `named`.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub organisations: Vec<String>,
}

fn refuse(kind: Kind, code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Error {
    Refusal::new(kind, code, zh, en).into()
}

fn taken() -> Refusal {
    let zh = "该前缀下已有此版本或标识的模板";
    Refusal::new(Kind::Conflict, "template-exists", zh, "the prefix has a template of this version or handle")
}

/// Who may make templates below a prefix: its holder, or (inner `None`) the node.
async fn holder(connection: &mut AnyConnection, name: &str) -> Result<Option<Option<String>>, Error> {
    if let Some(row) = prefix::find(connection, name).await?.filter(|row| !row.state.is_free()) {
        return Ok(Some(Some(row.organisation)));
    }
    let own = own::all(connection).await?;
    Ok(own.into_iter().any(|own| own.active && own.name == name).then_some(None))
}

/// What the audit says of a template: everything but its items, and how many they are.
fn told(template: &TemplateView) -> Json {
    let mut shown = serde_json::to_value(template).unwrap_or_default();
    let names: Vec<&str> = template.content.items.iter().map(|item| item.name.as_str()).collect();
    shown["content"]["items"] = json!({"count": names.len(), "names": names});
    shown
}

impl Act {
    /// The template that the caller's organisation owns; a stranger's is absent.
    async fn own_template(self, name: &str) -> Result<(Act, TemplateView), Error> {
        let mut act = self;
        let found = find(act.sql(), name).await?.filter(|found| found.state != TemplateState::Deleted);
        let found = found.ok_or_else(|| absent(name))?;
        let act = act.reach(found.owner(), &format!("template {name}"), absent(name)).await?;
        Ok((act, found))
    }

    /// Enters a template below a prefix of the caller.
    async fn enter_template(
        self,
        new: &NewTemplate,
        mut content: TemplateContent,
        base: &str,
    ) -> Result<(Act, TemplateView), Error> {
        let mut faults = Vec::new();
        check_text(&mut faults, "versionText", &new.version_text, VERSION_TEXT);
        if new.version_text.trim().is_empty() {
            faults.push(FieldRefusal::new("versionText", "missing", "请填写模板版本", "versionText is missing"));
        }
        let name = Prefix::folded(new.prefix.trim()).as_str().to_owned();
        let handle = self.template_handle(&name, new.handle.as_deref(), &mut faults);
        if !faults.is_empty() {
            return Err(Refusal::fields(faults).into());
        }
        let mut act = self;
        let owner = holder(act.sql(), &name).await?;
        let no_prefix = || Refusal::absent("前缀", "prefix", &new.prefix);
        let owner = owner.ok_or_else(no_prefix)?;
        let mut act = act.reach(owner.as_deref(), &format!("prefix {name}"), no_prefix()).await?;
        act.pin_metadata(&mut content, owner.as_deref()).await?;
        content.complete();
        content.number_items(0);
        content.check()?;
        let organisation = owner.unwrap_or_default();
        act.check_template_quota(&organisation).await?;
        let view = TemplateView {
            id: act.fresh_id("tpl"),
            handle,
            prefix: name,
            version_text: new.version_text.trim().to_owned(),
            organisation,
            name: content.name().to_owned(),
            state: TemplateState::Draft,
            scope: TemplateScope::Own,
            base: base.to_owned(),
            content,
            revision: 0,
            created: act.now(),
            created_by: act.caller.name.clone(),
            updated: act.now(),
            published: None,
            version: 1,
        };
        insert(act.sql(), &view).await?;
        act.record("template.create", &format!("template {}", view.id), view.owner(), json!(null), told(&view));
        Ok((act, view))
    }

    /// The handle that is wished for, if it lies below the prefix, or a fresh one.
    fn template_handle(&self, prefix: &str, wish: Option<&str>, faults: &mut Vec<FieldRefusal>) -> String {
        let random = self.registry().random;
        let Some(wish) = wish.filter(|wish| !wish.is_empty()) else {
            let mut octets = [0; 8];
            random(&mut octets);
            let slash = if prefix.contains(':') { "" } else { "/" };
            return format!("{prefix}{slash}META_{}", hex::encode(octets));
        };
        let below = Identifier::parse(wish).ok().filter(|identifier| identifier.name().home().as_str() == prefix);
        if wish.len() > HANDLE || below.is_none_or(|identifier| identifier.name().is_prefix_handle()) {
            let (zh, en) = ("模板标识应在该前缀之下", "the handle has to lie below the prefix");
            faults.push(FieldRefusal::new("handle", "not-below-prefix", zh, en));
        }
        wish.to_owned()
    }

    async fn check_template_quota(&mut self, organisation: &str) -> Result<(), Error> {
        let count = sqlx::query("SELECT COUNT(*) FROM template WHERE organisation = $1").bind(organisation);
        let there: i64 = count.fetch_one(self.sql()).await?.try_get(0)?;
        if there < TEMPLATES {
            return Ok(());
        }
        let (zh, en) =
            (format!("模板已达上限 {TEMPLATES} 个"), format!("there are {TEMPLATES} templates, which is the most"));
        Err(refuse(Kind::Limit, "template-quota", zh, en))
    }

    /// Writes a changed template; with a new revision where one was published.
    async fn change_template(
        &mut self,
        action: &str,
        before: &TemplateView,
        mut after: TemplateView,
        extra: Json,
    ) -> Result<TemplateView, Error> {
        (after.updated, after.version) = (self.now(), before.version + 1);
        after.name = after.content.name().to_owned();
        let revised = after.published.is_some() && (after.content != before.content || before.revision == 0);
        if revised {
            after.revision = before.revision + 1;
            let insert = "INSERT INTO template_revision (template, revision, content, created, created_by) \
                          VALUES ($1, $2, $3, $4, $5)";
            let insert = sqlx::query(insert).bind(&after.id).bind(after.revision);
            let insert = insert.bind(serde_json::to_string(&after.content)?).bind(after.updated);
            insert.bind(self.caller.name.clone()).execute(self.sql()).await?;
        }
        let update = "UPDATE template SET name = $1, class = $2, industry = $3, object_type = $4, state = $5, \
                      scope = $6, content = $7, revision = $8, updated = $9, published = $10, version = $11 \
                      WHERE id = $12 AND version = $13";
        let update = sqlx::query(update)
            .bind(&after.name)
            .bind(&after.content.class)
            .bind(after.content.industry())
            .bind(object_type(&after.content))
            .bind(after.state.name())
            .bind(after.scope.name())
            .bind(serde_json::to_string(&after.content)?)
            .bind(after.revision)
            .bind(after.updated)
            .bind(after.published.unwrap_or(0))
            .bind(after.version)
            .bind(&after.id)
            .bind(before.version);
        update.execute(self.sql()).await?;
        let (old, mut new) = difference(&told(before), &told(&after));
        if let (Some(new), Some(extra)) = (new.as_object_mut(), extra.as_object()) {
            new.extend(extra.clone());
        }
        self.record(action, &format!("template {}", after.id), after.owner(), old, new);
        Ok(after)
    }
}

/// 1 active carrier, 2 other.
fn object_type(content: &TemplateContent) -> i64 {
    if content.active_carrier { 1 } else { 2 }
}

async fn insert(connection: &mut AnyConnection, view: &TemplateView) -> Result<(), Error> {
    let insert = "INSERT INTO template (id, handle, handle_key, prefix, version_text, organisation, name, class, \
                  industry, object_type, state, scope, base, content, revision, created, created_by, updated, \
                  published, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, $15, \
                  $16, $17, 0, 1)";
    let insert = sqlx::query(insert)
        .bind(&view.id)
        .bind(&view.handle)
        .bind(handle_key(&view.handle))
        .bind(&view.prefix)
        .bind(&view.version_text)
        .bind(&view.organisation)
        .bind(&view.name)
        .bind(&view.content.class)
        .bind(view.content.industry())
        .bind(object_type(&view.content))
        .bind(view.state.name())
        .bind(view.scope.name())
        .bind(&view.base)
        .bind(serde_json::to_string(&view.content)?)
        .bind(view.created)
        .bind(&view.created_by)
        .bind(view.updated);
    insert.execute(connection).await.map_err(|error| Error::unique(error, taken))?;
    Ok(())
}

fn check_version(seen: Option<i64>, found: &TemplateView) -> Result<(), Refusal> {
    match seen {
        Some(seen) if seen != found.version => Err(Refusal::stale(found.version)),
        _ => Ok(()),
    }
}

fn frozen() -> Error {
    let zh = "该模板引自其他模板，数据项不可更改";
    refuse(Kind::Conflict, "template-frozen", zh, "this is a copy of another template: its items do not change")
}

impl Registry {
    /// Makes a draft.
    pub async fn create_template(&self, caller: &Caller, new: &NewTemplate) -> Result<TemplateView, Error> {
        let act = self.begin(caller, Permission::TemplateWrite, "template").await?;
        let (act, view) = act.enter_template(new, new.content.clone(), "").await?;
        act.commit(view).await
    }

    /// Makes a draft with the items of a published template that the caller may use; they stay as they are.
    pub async fn copy_template(&self, caller: &Caller, name: &str, copy: &TemplateCopy) -> Result<TemplateView, Error> {
        let original = self.seen_template(caller, name).await?;
        if original.state != TemplateState::Published {
            return Err(super::not_published(&original.handle).into());
        }
        let act = self.begin(caller, Permission::TemplateWrite, &format!("template {name}")).await?;
        let new = NewTemplate {
            prefix: copy.prefix.clone(),
            version_text: copy.version_text.clone(),
            handle: copy.handle.clone(),
            content: TemplateContent::default(),
        };
        let mut content = original.content.clone();
        if !copy.code.is_empty() {
            content.code.clone_from(&copy.code);
        }
        content.class.clone_from(&copy.class);
        let (act, view) = act.enter_template(&new, content, &original.handle).await?;
        act.commit(view).await
    }

    /// Changes what a template says: a draft altogether, a published one as [`merged`] allows.
    pub async fn amend_template(
        &self,
        caller: &Caller,
        name: &str,
        version: Option<i64>,
        content: &TemplateContent,
    ) -> Result<TemplateView, Error> {
        let act = self.begin(caller, Permission::TemplateWrite, &format!("template {name}")).await?;
        let (mut act, before) = act.own_template(name).await?;
        check_version(version, &before)?;
        let mut content = content.clone();
        if before.published.is_some() {
            content.items = merged(&before.content.items, &content.items)?;
        }
        let highest = before.content.items.iter().map(|item| item.index).max().unwrap_or(0);
        act.pin_metadata(&mut content, before.owner()).await?;
        content.complete();
        content.number_items(if before.published.is_some() { highest } else { 0 });
        content.check()?;
        if !before.base.is_empty() && content.items != before.content.items {
            return Err(frozen());
        }
        let after = TemplateView { content, ..before.clone() };
        let after = act.change_template("template.write", &before, after, json!({})).await?;
        act.commit(after).await
    }

    /// Publishes or withdraws it.
    pub async fn set_template_state(
        &self,
        caller: &Caller,
        name: &str,
        version: Option<i64>,
        change: &TemplateStateChange,
    ) -> Result<TemplateView, Error> {
        let act = self.begin(caller, Permission::TemplateWrite, &format!("template {name}")).await?;
        let (mut act, before) = act.own_template(name).await?;
        check_version(version, &before)?;
        if change.reason.chars().count() > REASON {
            let (zh, en) = (format!("原因不超过 {REASON} 字"), format!("a reason has at most {REASON} characters"));
            return Err(Refusal::fields(vec![FieldRefusal::new("reason", "too-long", zh, en)]).into());
        }
        use TemplateState::{Draft, Published, Withdrawn};
        let allowed = matches!((before.state, change.state), (Draft | Withdrawn, Published) | (Published, Withdrawn));
        if !allowed {
            let (from, to) = (before.state.name(), change.state.name());
            let (zh, en) =
                (format!("模板不能由 {from} 变为 {to}"), format!("a template that is {from} cannot be {to}"));
            return Err(refuse(Kind::Conflict, "template-state", zh, en));
        }
        if change.state == Published && !before.content.items.iter().any(super::Item::is_enabled) {
            let (zh, en) = ("模板没有启用的数据项，不能发布", "no item is enabled: there is nothing to publish");
            return Err(refuse(Kind::Conflict, "template-empty", zh, en));
        }
        let published = before.published.or_else(|| (change.state == Published).then_some(act.now()));
        let after = TemplateView { state: change.state, published, ..before.clone() };
        let action = if change.state == Published { "template.publish" } else { "template.withdraw" };
        let after = act.change_template(action, &before, after, json!({"reason": change.reason})).await?;
        act.commit(after).await
    }

    /// Deletes a draft, or a template that was withdrawn; the latter stays for the objects that have it.
    pub async fn delete_template(
        &self,
        caller: &Caller,
        name: &str,
        version: Option<i64>,
    ) -> Result<TemplateView, Error> {
        let act = self.begin(caller, Permission::TemplateWrite, &format!("template {name}")).await?;
        let (mut act, before) = act.own_template(name).await?;
        check_version(version, &before)?;
        let after = TemplateView { state: TemplateState::Deleted, ..before.clone() };
        match before.state {
            TemplateState::Published => {
                let (zh, en) = ("已发布的模板须先撤回再删除", "withdraw the template before you delete it");
                Err(refuse(Kind::Conflict, "template-published", zh, en))
            }
            TemplateState::Draft => {
                for delete in ["DELETE FROM template_user WHERE template = $1", "DELETE FROM template WHERE id = $1"] {
                    sqlx::query(delete).bind(&before.id).execute(act.sql()).await?;
                }
                let object = format!("template {}", before.id);
                act.record("template.delete", &object, before.owner(), told(&before), json!(null));
                act.commit(after).await
            }
            _ => {
                let after = act.change_template("template.delete", &before, after, json!({})).await?;
                act.commit(after).await
            }
        }
    }

    /// Says who may use it.
    pub async fn set_template_scope(
        &self,
        caller: &Caller,
        name: &str,
        version: Option<i64>,
        change: &TemplateScopeChange,
    ) -> Result<TemplateView, Error> {
        let act = self.begin(caller, Permission::TemplateWrite, &format!("template {name}")).await?;
        let (mut act, before) = act.own_template(name).await?;
        check_version(version, &before)?;
        if !before.base.is_empty() && change.scope != TemplateScope::Own {
            let zh = "引自其他模板的模板只能在本企业内使用";
            let en = "a copy of another template is for its own organisation only";
            return Err(refuse(Kind::Conflict, "template-copy-own", zh, en));
        }
        let named = act.check_users(change).await?;
        let delete = sqlx::query("DELETE FROM template_user WHERE template = $1").bind(&before.id);
        delete.execute(act.sql()).await?;
        for organisation in &named {
            let insert = "INSERT INTO template_user (template, organisation) VALUES ($1, $2)";
            sqlx::query(insert).bind(&before.id).bind(*organisation).execute(act.sql()).await?;
        }
        let after = TemplateView { scope: change.scope, ..before.clone() };
        let after = act.change_template("template.scope", &before, after, json!({"organisations": named})).await?;
        act.commit(after).await
    }

    /// Makes a draft of what an Excel file says.
    pub async fn import_template(
        &self,
        caller: &Caller,
        prefix: &str,
        version_text: &str,
        octets: &[u8],
    ) -> Result<TemplateView, Error> {
        self.authorise(caller, Permission::TemplateWrite, "template").await?;
        let content = workbook::read(octets)?;
        let (prefix, version_text) = (prefix.to_owned(), version_text.to_owned());
        self.create_template(caller, &NewTemplate { prefix, version_text, handle: None, content }).await
    }

    /// By prefix and version text, for whoever changes templates in the words of the national interface.
    pub async fn template_id(&self, prefix: &str, version_text: &str) -> Result<Option<String>, Error> {
        let mut connection = self.database.reader().acquire().await?;
        let prefix = Prefix::folded(prefix);
        Ok(find_version(&mut connection, prefix.as_str(), version_text).await?.map(|found| found.id))
    }
}

impl Act {
    async fn check_users<'a>(&mut self, change: &'a TemplateScopeChange) -> Result<Vec<&'a str>, Error> {
        let mut named: Vec<&str> = change.organisations.iter().map(String::as_str).collect();
        named.sort_unstable();
        named.dedup();
        if named.len() > USERS || (change.scope != TemplateScope::Named && !named.is_empty()) {
            let zh = format!("仅 scope 为 named 时可列出组织，最多 {USERS} 个");
            let en = format!("organisations go with scope named only, and are at most {USERS}");
            return Err(Refusal::fields(vec![FieldRefusal::new("organisations", "wrong-count", zh, en)]).into());
        }
        for id in &named {
            if crate::organisations::find(self.sql(), id).await?.is_none() {
                let refusal = Refusal::absent("组织", "organisation", id);
                let field = FieldRefusal::new("organisations", "not-found", refusal.zh, refusal.en);
                return Err(Refusal::fields(vec![field]).into());
            }
        }
        Ok(named)
    }
}
