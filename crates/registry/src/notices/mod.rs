//! Notices: what people are told in the application, by e-mail and by webhook.
//!
//! A notice is written in the act that is its reason, together with its deliveries; the node takes those from the
//! [`queue`] and sends them. So nobody is told of what did not happen, and nothing that happened goes untold.

pub mod queue;
pub mod settings;
mod texts;

use crate::Act;
use crate::caller::{Caller, Time};
use crate::error::Error;
use crate::listing::{Column, Filter, Listing, Page};
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use settings::NoticeSettings;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// Days for which notices are kept.
pub const KEPT_DAYS: i64 = 180;
/// Most notices marked as read at once.
pub const MARKED: usize = 200;

/// Why somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    ApplicationSubmitted,
    /// The first of two reviewers has approved.
    ApplicationEndorsed,
    ApplicationApproved,
    ApplicationReturned,
    ApplicationRejected,
    ApplicationWithdrawn,
    ApplicationDue,
    ApplicationOverdue,
    PrefixState,
    PrefixExpiring,
    PrefixTransfer,
    /// Somebody signed in from an address that was not seen before.
    SignInElsewhere,
    AccountLocked,
    /// A request to the registry operator above gets no decision, or the operator is not to be reached.
    OperatorStuck,
    /// The registry operator above has said something of a prefix of this node.
    OperatorMessage,
}

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    Account(String),
    /// Everybody of an organisation; e-mail goes to its contact.
    Organisation(String),
    /// Everybody at the node who holds the permission.
    Holders(Permission),
}

impl Audience {
    fn text(&self) -> String {
        match self {
            Audience::Account(id) => format!("account:{id}"),
            Audience::Organisation(id) => format!("organisation:{id}"),
            Audience::Holders(permission) => format!("permission:{}", permission.name()),
        }
    }

    /// What the caller is told.
    fn of(caller: &Caller) -> Vec<String> {
        let mut all: Vec<String> = caller.account().map(|id| Audience::Account(id.into()).text()).into_iter().collect();
        match caller.organisation() {
            Some(id) => all.push(Audience::Organisation(id.into()).text()),
            None => all.extend(caller.permissions.iter().map(|permission| Audience::Holders(permission).text())),
        }
        all
    }
}

/// A notice to be.
#[derive(Debug, Clone)]
pub struct NewNotice {
    pub kind: NoticeKind,
    pub audience: Audience,
    /// Kind and id of what it is about: `application app-…`.
    pub object: String,
    /// What the text of the kind has gaps for: `name`, `reason`, `due`, `address`, `state`.
    pub facts: Vec<(&'static str, String)>,
    /// An e-mail address beside those that the audience has.
    pub mail: Option<String>,
}

/// A notice as the API shows it, and as webhooks get it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    pub id: String,
    pub kind: NoticeKind,
    pub object: String,
    pub title_zh: String,
    pub title_en: String,
    pub body_zh: String,
    pub body_en: String,
    /// Milliseconds since 1970.
    pub at: Time,
    /// Whether the caller has marked it.
    pub read: bool,
}

/// Which notices are wanted; empty fields do not restrict.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct NoticeFilter {
    /// Only those that are not marked as read.
    pub unread: Option<bool>,
    /// Such as `application-returned`.
    pub kind: Option<String>,
    /// Exactly this object, such as `application app-…`.
    pub object: Option<String>,
    /// Moment in milliseconds, inclusive.
    pub since: Option<i64>,
}

const COLUMNS: &str = "id, kind, object, title_zh, title_en, body_zh, body_en, at";

pub(crate) fn kind_named(name: &str) -> Result<NoticeKind, Error> {
    Ok(serde_json::from_value(name.into())?)
}

pub(crate) fn kind_name(kind: NoticeKind) -> String {
    serde_json::to_value(kind).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Columns in the order of [`COLUMNS`].
fn read(row: &AnyRow) -> Result<Notice, Error> {
    Ok(Notice {
        id: row.try_get(0)?,
        kind: kind_named(&row.try_get::<String, _>(1)?)?,
        object: row.try_get(2)?,
        title_zh: row.try_get(3)?,
        title_en: row.try_get(4)?,
        body_zh: row.try_get(5)?,
        body_en: row.try_get(6)?,
        at: row.try_get(7)?,
        read: false,
    })
}

/// Whose marks the caller's are.
fn reader(caller: &Caller) -> &str {
    caller.account().unwrap_or(&caller.name)
}

impl Act {
    /// Tells somebody, once this act is committed.
    pub async fn notify(&mut self, new: &NewNotice) -> Result<(), Error> {
        let text = texts::compose(new);
        let (id, now) = (self.fresh_id("ntc"), self.now());
        let insert = "INSERT INTO notice (id, kind, audience, object, title_zh, title_en, body_zh, body_en, at) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        sqlx::query(insert)
            .bind(&id)
            .bind(kind_name(new.kind))
            .bind(new.audience.text())
            .bind(&new.object)
            .bind(text.title_zh)
            .bind(text.title_en)
            .bind(text.body_zh)
            .bind(text.body_en)
            .bind(now)
            .execute(self.sql())
            .await?;
        let (settings, _) = crate::settings::read::<NoticeSettings>(self.sql()).await?;
        for webhook in settings.webhooks.iter().filter(|webhook| webhook.takes(new.kind)) {
            self.deliver(&id, "webhook", &webhook.name).await?;
        }
        if settings.smtp.is_some() {
            let mut addresses = addresses(self.sql(), &new.audience).await?;
            addresses.extend(new.mail.clone());
            addresses.retain(|address| !address.is_empty());
            addresses.sort();
            addresses.dedup();
            for address in addresses {
                self.deliver(&id, "mail", &address).await?;
            }
        }
        Ok(())
    }

    async fn deliver(&mut self, notice: &str, channel: &str, target: &str) -> Result<(), Error> {
        let (id, now) = (self.fresh_id("dlv"), self.now());
        let insert = "INSERT INTO delivery (id, notice, channel, target, state, attempts, next, fault, created, \
                      delivered) VALUES ($1, $2, $3, $4, 'waiting', 0, $5, '', $6, 0)";
        let insert = sqlx::query(insert).bind(id).bind(notice).bind(channel).bind(target).bind(now).bind(now);
        insert.execute(self.sql()).await?;
        Ok(())
    }
}

/// The e-mail addresses that an audience has.
async fn addresses(connection: &mut AnyConnection, audience: &Audience) -> Result<Vec<String>, Error> {
    match audience {
        Audience::Organisation(id) => {
            let found = crate::organisations::find(connection, id).await?;
            Ok(found.map(|organisation| organisation.subject.contact.email).into_iter().collect())
        }
        Audience::Account(id) => {
            let select = sqlx::query("SELECT COALESCE(email, '') FROM account WHERE id = $1").bind(id);
            let row = select.fetch_optional(connection).await?;
            row.map(|row| Ok(row.try_get(0)?)).into_iter().collect()
        }
        // They are many, and they look here anyway.
        Audience::Holders(_) => Ok(Vec::new()),
    }
}

impl Registry {
    /// What the caller is told, newest first unless told otherwise.
    pub async fn notices(
        &self,
        caller: &Caller,
        filter: &NoticeFilter,
        listing: &Listing,
    ) -> Result<Page<Notice>, Error> {
        self.authorise(caller, Permission::NoticeRead, "notice").await?;
        let mut wanted = Filter::new("notice", COLUMNS);
        let audiences = Audience::of(caller);
        wanted.one_of("audience", &audiences.iter().map(String::as_str).collect::<Vec<_>>());
        wanted.equal("kind", filter.kind.as_deref());
        wanted.equal("object", filter.object.as_deref());
        wanted.at_least("at", filter.since);
        if filter.unread == Some(true) {
            let unread = "NOT EXISTS (SELECT 1 FROM notice_read WHERE notice_read.notice = notice.id \
                          AND notice_read.account = $?)";
            wanted.such_that(unread, reader(caller));
        }
        let mut page = wanted.page(self, listing, &[Column::Number("at")], "-at", Column::Text("id"), read).await?;
        for notice in &mut page.items {
            let marked = sqlx::query("SELECT at FROM notice_read WHERE notice = $1 AND account = $2");
            let marked = marked.bind(&notice.id).bind(reader(caller));
            notice.read = marked.fetch_optional(self.database.reader()).await?.is_some();
        }
        Ok(page)
    }

    /// How many notices the caller has not marked.
    pub async fn unread_notices(&self, caller: &Caller) -> Result<i64, Error> {
        let filter = NoticeFilter { unread: Some(true), ..NoticeFilter::default() };
        Ok(self.notices(caller, &filter, &Listing { limit: Some(1), ..Listing::default() }).await?.total)
    }

    /// Marks notices as read by the caller; ids of others are passed over. Says how many there were.
    ///
    /// A mark is the reader's own note, so it is not in the audit.
    pub async fn mark_notices(&self, caller: &Caller, ids: &[String]) -> Result<u64, Error> {
        self.authorise(caller, Permission::NoticeRead, "notice").await?;
        let audiences = Audience::of(caller);
        let mut marked = 0;
        let mut write = self.database.begin_write().await?;
        for id in ids.iter().take(MARKED) {
            let found = sqlx::query("SELECT audience FROM notice WHERE id = $1").bind(id);
            let found = found.fetch_optional(&mut *write.transaction).await?;
            let Some(row) = found else { continue };
            if !audiences.contains(&row.try_get(0)?) {
                continue;
            }
            let insert = "INSERT INTO notice_read (notice, account, at) VALUES ($1, $2, $3) \
                          ON CONFLICT (notice, account) DO NOTHING";
            let insert = sqlx::query(insert).bind(id).bind(reader(caller)).bind(caller.at);
            marked += insert.execute(&mut *write.transaction).await?.rows_affected();
        }
        write.transaction.commit().await?;
        Ok(marked)
    }

    /// Forgets notices older than [`KEPT_DAYS`], with their marks and deliveries.
    pub async fn forget_notices(&self, now: Time) -> Result<u64, Error> {
        let before = now.saturating_sub(KEPT_DAYS * crate::caller::DAY);
        let mut write = self.database.begin_write().await?;
        let mut gone = 0;
        for statement in [
            "DELETE FROM notice_read WHERE notice IN (SELECT id FROM notice WHERE at < $1)",
            "DELETE FROM delivery WHERE notice IN (SELECT id FROM notice WHERE at < $1)",
            "DELETE FROM notice WHERE at < $1",
        ] {
            gone = sqlx::query(statement).bind(before).execute(&mut *write.transaction).await?.rows_affected();
        }
        write.transaction.commit().await?;
        Ok(gone)
    }
}
