//! Applications as rows: filed, saved, read, listed, withdrawn; their versions and their history.

use super::content::Content;
use super::form;
use super::state::{Event, State};
use crate::Act;
use crate::caller::{Caller, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::notices::{Audience, NewNotice, NoticeKind};
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// Most applications of one organisation (or of the operator) that are not decided.
pub const OPEN: i64 = 200;
/// Most saved contents of one application.
pub const VERSIONS: i64 = 500;
/// Characters of a reason.
pub const REASON: usize = 2000;

/// What is applied for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApplicationKind {
    /// 企业接入: an enterprise wants in.
    Onboarding,
    /// 前缀申请: an organisation wants a prefix.
    Prefix,
    /// 信息变更: an organisation wants to change what was reviewed.
    Amendment,
}

impl ApplicationKind {
    pub fn name(self) -> &'static str {
        match self {
            ApplicationKind::Onboarding => "onboarding",
            ApplicationKind::Prefix => "prefix",
            ApplicationKind::Amendment => "amendment",
        }
    }

    pub fn zh(self) -> &'static str {
        match self {
            ApplicationKind::Onboarding => "企业接入",
            ApplicationKind::Prefix => "前缀申请",
            ApplicationKind::Amendment => "信息变更",
        }
    }
}

/// An application as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationSummary {
    pub id: String,
    pub kind: ApplicationKind,
    pub state: State,
    /// Whose it is; empty while the enterprise is not there yet.
    pub organisation: String,
    /// The enterprise's name, or the prefixes.
    pub title: String,
    /// Account and name of whoever filed it.
    pub applicant: String,
    pub applicant_name: String,
    pub content_version: i64,
    /// Account and name of the reviewer who has it; empty if none has.
    pub claimed_by: String,
    pub claimed_name: String,
    /// Moments in milliseconds since 1970; 0 where it did not happen.
    pub submitted: Time,
    /// When it has to be decided.
    pub due: Time,
    pub decided: Time,
    pub created: Time,
    pub updated: Time,
    /// Increases with every change; the ETag.
    pub version: i64,
}

/// An application with what it says.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    #[serde(flatten)]
    pub summary: ApplicationSummary,
    pub content: Content,
    /// What came of its approval: `organisation`, `account`, `prefixes`; null before.
    #[schema(value_type = Option<Object>)]
    pub result: Json,
    /// The subject of the organisation when an amendment was filed.
    #[serde(skip)]
    pub(crate) base: Json,
}

impl std::ops::Deref for Application {
    type Target = ApplicationSummary;

    fn deref(&self) -> &ApplicationSummary {
        &self.summary
    }
}

impl std::ops::DerefMut for Application {
    fn deref_mut(&mut self) -> &mut ApplicationSummary {
        &mut self.summary
    }
}

/// An application to be.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewApplication {
    pub kind: ApplicationKind,
    /// Whose it is; the caller's own if absent.
    #[serde(default)]
    pub organisation: Option<String>,
    #[serde(default)]
    pub content: Content,
}

/// Which applications are wanted; empty fields do not restrict.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct ApplicationFilter {
    /// `onboarding`, `prefix` or `amendment`.
    pub kind: Option<String>,
    /// `draft`, `submitted`, `in-review`, `returned`, `approved`, `rejected` or `withdrawn`.
    pub state: Option<String>,
    pub organisation: Option<String>,
    /// Part of the title.
    pub title: Option<String>,
    /// The account of the reviewer who has it.
    pub claimed_by: Option<String>,
    /// Only those whose deadline has passed and that are not decided.
    pub overdue: Option<bool>,
    /// Moments of creation in milliseconds, inclusive and exclusive.
    pub since: Option<i64>,
    pub until: Option<i64>,
}

/// One thing that happened to an application.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApplicationStep)]
pub struct Step {
    pub number: i64,
    pub event: String,
    pub from: String,
    pub to: String,
    pub content_version: i64,
    /// Account and name of whoever did it.
    pub actor: String,
    pub actor_name: String,
    pub reason: String,
    pub at: Time,
}

/// One saved content.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApplicationVersion)]
pub struct Version {
    pub number: i64,
    pub content: Content,
    pub author: String,
    pub author_name: String,
    pub at: Time,
}

const SUMMARY: &str = "id, kind, state, organisation, title, applicant, applicant_name, content_version, claimed_by, \
                       claimed_name, submitted, due, decided, created, updated, version";
const SORTABLE: [Column; 4] =
    [Column::Number("created"), Column::Number("updated"), Column::Number("submitted"), Column::Number("due")];

fn read_summary(row: &AnyRow) -> Result<ApplicationSummary, Error> {
    let kind = match row.try_get::<String, _>(1)?.as_str() {
        "onboarding" => ApplicationKind::Onboarding,
        "prefix" => ApplicationKind::Prefix,
        _ => ApplicationKind::Amendment,
    };
    let state: String = row.try_get(2)?;
    let state = State::parse(&state).ok_or_else(|| Error::Fault(format!("no state of applications: {state}")))?;
    Ok(ApplicationSummary {
        id: row.try_get(0)?,
        kind,
        state,
        organisation: row.try_get(3)?,
        title: row.try_get(4)?,
        applicant: row.try_get(5)?,
        applicant_name: row.try_get(6)?,
        content_version: row.try_get(7)?,
        claimed_by: row.try_get(8)?,
        claimed_name: row.try_get(9)?,
        submitted: row.try_get(10)?,
        due: row.try_get(11)?,
        decided: row.try_get(12)?,
        created: row.try_get(13)?,
        updated: row.try_get(14)?,
        version: row.try_get(15)?,
    })
}

pub(crate) async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<Application>, Error> {
    let select = "SELECT id, kind, state, organisation, title, applicant, applicant_name, content_version, claimed_by, \
                  claimed_name, submitted, due, decided, created, updated, version, content, result, base \
                  FROM application WHERE id = $1";
    let Some(row) = sqlx::query(select).bind(id).fetch_optional(connection).await? else { return Ok(None) };
    Ok(Some(Application {
        summary: read_summary(&row)?,
        content: serde_json::from_str(&row.try_get::<String, _>(16)?)?,
        result: serde_json::from_str(&row.try_get::<String, _>(17)?)?,
        base: serde_json::from_str(&row.try_get::<String, _>(18)?)?,
    }))
}

pub(crate) fn absent(id: &str) -> Refusal {
    Refusal::absent("申请", "application", id)
}

/// How the audit names an application.
pub(crate) fn object(id: &str) -> String {
    format!("application {id}")
}

/// An organisation's id, or none where it is not there yet: such a thing is the node's.
pub(crate) fn owner(organisation: &str) -> Option<&str> {
    Some(organisation).filter(|id| !id.is_empty())
}

/// Who somebody is when it matters that two are not the same.
pub(crate) fn identity(caller: &Caller) -> String {
    caller.account().unwrap_or(&caller.name).to_owned()
}

/// Refuses a reason that is too long, and none where one is needed.
pub(crate) fn check_reason(reason: &str, needed: bool) -> Result<(), Refusal> {
    if needed && reason.trim().is_empty() {
        return Err(Refusal::fields(vec![FieldRefusal::new("reason", "missing", "请填写原因", "say why")]));
    }
    if reason.chars().count() > REASON {
        let (zh, en) = (format!("原因不能超过 {REASON} 字"), format!("a reason has at most {REASON} characters"));
        return Err(Refusal::fields(vec![FieldRefusal::new("reason", "too-long", zh, en)]));
    }
    Ok(())
}

/// What lists call it.
fn title(kind: ApplicationKind, content: &Content) -> String {
    let names = || content.prefixes.iter().map(|wish| wish.name.trim()).filter(|name| !name.is_empty());
    let title = match (&content.subject, kind) {
        (Some(subject), ApplicationKind::Onboarding | ApplicationKind::Amendment) => subject.org_name.trim().to_owned(),
        _ => names().collect::<Vec<_>>().join(", "),
    };
    let title = if title.is_empty() { kind.zh().to_owned() } else { title };
    title.chars().take(200).collect()
}

/// Says which content it was without saying what is in it: contents have personal data, the audit is read by others.
fn fingerprint(application: &Application) -> Result<Json, Error> {
    let digest = Sha256::digest(serde_json::to_string(&application.content)?.as_bytes());
    Ok(json!({
        "kind": application.kind.name(), "state": application.state.name(), "title": application.title,
        "contentVersion": application.content_version, "content": format!("sha256:{}", hex::encode(digest)),
    }))
}

impl Act {
    /// The application, if the caller reaches it.
    pub(crate) async fn application(mut self, id: &str) -> Result<(Act, Application), Error> {
        let found = find(self.sql(), id).await?.ok_or_else(|| absent(id))?;
        let act = self.reach(owner(&found.organisation), &object(id), absent(id)).await?;
        Ok((act, found))
    }

    /// Writes the row of an application whose members were changed, except its content.
    pub(crate) async fn store_application(&mut self, application: &mut Application) -> Result<(), Error> {
        (application.updated, application.version) = (self.now(), application.version + 1);
        let update = "UPDATE application SET state = $1, organisation = $2, claimed_by = $3, claimed_name = $4, \
                      waiting = $5, submitted = $6, due = $7, decided = $8, result = $9, updated = $10, version = $11 \
                      WHERE id = $12";
        sqlx::query(update)
            .bind(application.state.name())
            .bind(&application.organisation)
            .bind(&application.claimed_by)
            .bind(&application.claimed_name)
            .bind(i64::from(application.state.waits()))
            .bind(application.submitted)
            .bind(application.due)
            .bind(application.decided)
            .bind(application.result.to_string())
            .bind(application.updated)
            .bind(application.version)
            .bind(&application.id)
            .execute(self.sql())
            .await?;
        Ok(())
    }

    /// Writes down what happened, in the application's history and in the audit.
    pub(crate) async fn step(
        &mut self,
        application: &Application,
        event: Event,
        from: State,
        reason: &str,
    ) -> Result<(), Error> {
        let (actor, name, now) = (identity(&self.caller), self.caller.name.clone(), self.now());
        let insert = "INSERT INTO application_step (application, number, event, from_state, to_state, \
                      content_version, actor, actor_name, reason, at) \
                      SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9 FROM application_step \
                      WHERE application = $10";
        sqlx::query(insert)
            .bind(&application.id)
            .bind(event.name())
            .bind(from.name())
            .bind(application.state.name())
            .bind(application.content_version)
            .bind(actor)
            .bind(name)
            .bind(reason)
            .bind(now)
            .bind(&application.id)
            .execute(self.sql())
            .await?;
        let after = json!({
            "state": application.state.name(), "contentVersion": application.content_version, "reason": reason,
        });
        let organisation = owner(&application.organisation).map(str::to_owned);
        let action = format!("application.{}", event.name());
        self.record(&action, &object(&application.id), organisation.as_deref(), json!({"state": from.name()}), after);
        Ok(())
    }

    async fn store_content(&mut self, application: &Application) -> Result<(), Error> {
        let text = serde_json::to_string(&application.content)?;
        let (author, name, now) = (identity(&self.caller), self.caller.name.clone(), self.now());
        let update = "UPDATE application SET content = $1, content_version = $2, title = $3 WHERE id = $4";
        let update = sqlx::query(update).bind(&text).bind(application.content_version).bind(&application.title);
        update.bind(&application.id).execute(self.sql()).await?;
        let insert = "INSERT INTO application_version (application, number, content, author, author_name, at) \
                      VALUES ($1, $2, $3, $4, $5, $6)";
        let insert = sqlx::query(insert).bind(&application.id).bind(application.content_version).bind(text);
        insert.bind(author).bind(name).bind(now).execute(self.sql()).await?;
        Ok(())
    }

    /// Tells the applicant, in the application and by e-mail to its contact.
    pub(crate) async fn tell_applicant(
        &mut self,
        application: &Application,
        kind: NoticeKind,
        reason: &str,
    ) -> Result<(), Error> {
        let audience = match (owner(&application.organisation), application.applicant.starts_with("acc-")) {
            (Some(organisation), _) => Audience::Organisation(organisation.into()),
            (None, true) => Audience::Account(application.applicant.clone()),
            (None, false) => Audience::Holders(Permission::ApplicationWrite),
        };
        let subject = application.content.subject.as_ref();
        let mail = subject.map(|subject| subject.contact.email.trim().to_owned());
        let facts = vec![("name", application.title.clone()), ("reason", reason.to_owned())];
        self.notify(&NewNotice { kind, audience, object: object(&application.id), facts, mail }).await
    }

    /// Tells everybody who reviews.
    pub(crate) async fn tell_reviewers(&mut self, application: &Application, kind: NoticeKind) -> Result<(), Error> {
        let facts = vec![
            ("name", format!("{} {}", application.kind.zh(), application.title)),
            ("due", super::deadlines::day_in_china(application.due)),
        ];
        let audience = Audience::Holders(Permission::ApplicationReview);
        self.notify(&NewNotice { kind, audience, object: object(&application.id), facts, mail: None }).await
    }
}

/// What a content may be at all.
fn check_saved(content: &Content) -> Result<(), Error> {
    let wrong = form::check_draft(content);
    if !wrong.is_empty() {
        return Err(Refusal::fields(wrong).into());
    }
    if serde_json::to_string(content)?.len() > form::CONTENT {
        let (zh, en) = ("申请内容过大（最多 64 KB）", "an application has at most 64 KB");
        return Err(Refusal::new(Kind::Limit, "application-size", zh, en).into());
    }
    Ok(())
}

impl Registry {
    /// Files a draft. An application for a prefix or an amendment is of an organisation that is there.
    pub async fn create_application(&self, caller: &Caller, new: &NewApplication) -> Result<Application, Error> {
        check_saved(&new.content)?;
        let act = self.begin(caller, Permission::ApplicationWrite, "application").await?;
        let organisation = new.organisation.clone().or_else(|| caller.organisation().map(str::to_owned));
        let organisation = organisation.unwrap_or_default();
        let no_organisation = || Refusal::absent("组织", "organisation", &organisation);
        let mut act = act.reach(owner(&organisation), "application", no_organisation()).await?;
        let found = match owner(&organisation) {
            Some(id) => Some(crate::organisations::find(act.sql(), id).await?.ok_or_else(no_organisation)?),
            None if new.kind == ApplicationKind::Onboarding => None,
            None => {
                let (zh, en) = ("请指明申请属于哪个组织", "say whose application it is");
                return Err(Refusal::fields(vec![FieldRefusal::new("organisation", "missing", zh, en)]).into());
            }
        };
        let open = "SELECT COUNT(*) FROM application WHERE organisation = $1 AND decided = 0";
        let open: i64 = sqlx::query(open).bind(&organisation).fetch_one(act.sql()).await?.try_get(0)?;
        if !organisation.is_empty() && open >= OPEN {
            let (zh, en) = (format!("未办结的申请已达 {OPEN} 件"), format!("{OPEN} applications are not decided yet"));
            return Err(Refusal::new(Kind::Limit, "applications-open", zh, en).into());
        }
        let base = match (new.kind, &found) {
            (ApplicationKind::Amendment, Some(organisation)) => serde_json::to_value(&organisation.subject)?,
            _ => Json::Null,
        };
        let now = act.now();
        let summary = ApplicationSummary {
            id: act.fresh_id("app"),
            kind: new.kind,
            state: State::Draft,
            organisation,
            title: title(new.kind, &new.content),
            applicant: identity(caller),
            applicant_name: caller.name.clone(),
            content_version: 1,
            claimed_by: String::new(),
            claimed_name: String::new(),
            submitted: 0,
            due: 0,
            decided: 0,
            created: now,
            updated: now,
            version: 1,
        };
        let application = Application { summary, content: new.content.clone(), result: Json::Null, base };
        let insert = "INSERT INTO application (id, kind, state, organisation, title, applicant, applicant_name, \
                      content, content_version, base, claimed_by, claimed_name, waiting, submitted, due, reminded, \
                      decided, result, created, updated, version) \
                      VALUES ($1, $2, 'draft', $3, $4, $5, $6, '{}', 1, $7, '', '', 0, 0, 0, 0, 0, 'null', $8, $9, 1)";
        sqlx::query(insert)
            .bind(&application.id)
            .bind(application.kind.name())
            .bind(&application.organisation)
            .bind(&application.title)
            .bind(&application.applicant)
            .bind(&application.applicant_name)
            .bind(application.base.to_string())
            .bind(now)
            .bind(now)
            .execute(act.sql())
            .await?;
        act.store_content(&application).await?;
        let (name, after) = (object(&application.id), fingerprint(&application)?);
        let organisation = owner(&application.organisation).map(str::to_owned);
        act.record("application.create", &name, organisation.as_deref(), Json::Null, after);
        act.commit(application).await
    }

    pub async fn application(&self, caller: &Caller, id: &str) -> Result<Application, Error> {
        self.authorise(caller, Permission::ApplicationRead, &object(id)).await?;
        let mut connection = self.database.reader().acquire().await?;
        let found = find(&mut connection, id).await?.ok_or_else(|| absent(id))?;
        drop(connection);
        let organisation = owner(&found.organisation);
        self.reach(caller, Permission::ApplicationRead, organisation, &object(id), absent(id)).await?;
        Ok(found)
    }

    /// Those that the caller reaches.
    pub async fn applications(
        &self,
        caller: &Caller,
        filter: &ApplicationFilter,
        listing: &Listing,
    ) -> Result<Page<ApplicationSummary>, Error> {
        self.authorise(caller, Permission::ApplicationRead, "application").await?;
        let mut wanted = Filter::new("application", SUMMARY);
        wanted.equal("organisation", caller.organisation());
        wanted.equal("organisation", filter.organisation.as_deref());
        wanted.equal("kind", filter.kind.as_deref());
        wanted.equal("state", filter.state.as_deref());
        wanted.containing("title", filter.title.as_deref());
        wanted.equal("claimed_by", filter.claimed_by.as_deref());
        wanted.at_least("created", filter.since);
        wanted.below("created", filter.until);
        if filter.overdue == Some(true) {
            wanted.is("waiting", Some(1));
            wanted.below("due", Some(caller.at));
        }
        wanted.page(self, listing, &SORTABLE, "-created", Column::Text("id"), read_summary).await
    }

    /// Saves another content. `version` is the one that the caller has seen, if it minds.
    pub async fn save_application(
        &self,
        caller: &Caller,
        id: &str,
        version: Option<i64>,
        content: &Content,
    ) -> Result<Application, Error> {
        check_saved(content)?;
        let act = self.begin(caller, Permission::ApplicationWrite, &object(id)).await?;
        let (mut act, mut application) = act.application(id).await?;
        application.state.after(Event::Save)?;
        if version.is_some_and(|seen| seen != application.version) {
            return Err(Refusal::stale(application.version).into());
        }
        if application.content_version >= VERSIONS {
            let (zh, en) = ("保存次数过多，请提交或另建申请", "it was saved too often; submit it or file another");
            return Err(Refusal::new(Kind::Limit, "application-versions", zh, en).into());
        }
        let before = fingerprint(&application)?;
        application.content = content.clone();
        application.content_version += 1;
        application.title = title(application.kind, content);
        act.store_application(&mut application).await?;
        act.store_content(&application).await?;
        let organisation = owner(&application.organisation).map(str::to_owned);
        act.record("application.save", &object(id), organisation.as_deref(), before, fingerprint(&application)?);
        act.commit(application).await
    }

    /// The applicant does not want it any more.
    pub async fn withdraw_application(&self, caller: &Caller, id: &str, reason: &str) -> Result<Application, Error> {
        check_reason(reason, false)?;
        let act = self.begin(caller, Permission::ApplicationWrite, &object(id)).await?;
        let (mut act, mut application) = act.application(id).await?;
        let from = application.state;
        application.state = from.after(Event::Withdraw)?;
        application.decided = act.now();
        (application.claimed_by, application.claimed_name) = (String::new(), String::new());
        act.store_application(&mut application).await?;
        act.drop_checks(id).await?;
        act.step(&application, Event::Withdraw, from, reason).await?;
        if from.waits() {
            act.tell_reviewers(&application, NoticeKind::ApplicationWithdrawn).await?;
        }
        act.commit(application).await
    }

    /// What happened to an application, in order.
    pub async fn application_steps(&self, caller: &Caller, id: &str) -> Result<Vec<Step>, Error> {
        self.application(caller, id).await?;
        let select = "SELECT number, event, from_state, to_state, content_version, actor, actor_name, reason, at \
                      FROM application_step WHERE application = $1 ORDER BY number";
        let rows = sqlx::query(select).bind(id).fetch_all(self.database.reader()).await?;
        let read = |row: &AnyRow| -> Result<Step, Error> {
            Ok(Step {
                number: row.try_get(0)?,
                event: row.try_get(1)?,
                from: row.try_get(2)?,
                to: row.try_get(3)?,
                content_version: row.try_get(4)?,
                actor: row.try_get(5)?,
                actor_name: row.try_get(6)?,
                reason: row.try_get(7)?,
                at: row.try_get(8)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// One saved content.
    pub async fn application_version(&self, caller: &Caller, id: &str, number: i64) -> Result<Version, Error> {
        self.application(caller, id).await?;
        let select = "SELECT number, content, author, author_name, at FROM application_version \
                      WHERE application = $1 AND number = $2";
        let row = sqlx::query(select).bind(id).bind(number).fetch_optional(self.database.reader()).await?;
        let row = row.ok_or_else(|| Refusal::absent("版本", "version", &number.to_string()))?;
        Ok(Version {
            number: row.try_get(0)?,
            content: serde_json::from_str(&row.try_get::<String, _>(1)?)?,
            author: row.try_get(2)?,
            author_name: row.try_get(3)?,
            at: row.try_get(4)?,
        })
    }
}
