//! Notices: what people are told in the application, by e-mail and by webhook.
//!
//! A notice is written in the act that is its reason, together with its deliveries; the node takes those from the
//! [`queue`] and sends them. So nobody is told of what did not happen, and nothing that happened goes untold.
//!
//! | kind | when | who is told |
//! |---|---|---|
//! | `application-submitted` | it waits for a reviewer | reviewers |
//! | `application-endorsed` | the first of two reviewers has approved | reviewers |
//! | `application-approved`, `-returned`, `-rejected` | it was decided | the applicant |
//! | `application-withdrawn` | the applicant took it back | reviewers |
//! | `application-due`, `-overdue` | the deadline is near, or past | reviewers |
//! | `prefix-state` | applied for, enabled, suspended, held, deleted, restored, retired, moving | the holder |
//! | `prefix-expiring` | it expires soon | the holder |
//! | `prefix-transfer` | asked, agreed to, refused, withdrawn, decided by time | every side |
//! | `account-invited` | an account was entered, or invited again | the account, by a letter with the link |
//! | `password-reset` | somebody has asked for a reset | the account, by a letter with the link |
//! | `sign-in-elsewhere` | a sign-in from a network that the account was not seen in | the account |
//! | `account-locked` | by an administrator, or by failures | the account |
//! | `operator-stuck` | a request to the node above gets no decision, or that node is not to be reached | who may `operator.write` |
//! | `operator-message` | the node above has said something of a prefix | who may `operator.write` |
//! | `key-expiring` | [`key::NOTICE_DAYS`](crate::accounts::key) before a key ends | the account |
//! | `quota-near` | nine tenths of a quota are used | the organisation |
//!
//! A *letter* is an e-mail with something that only its receiver may have: a link with a token. It lies sealed in the
//! delivery until it is sent, is in no webhook, and never on a screen.

pub mod queue;
pub mod settings;
mod texts;

use crate::Act;
use crate::accounts::token::Token;
use crate::caller::{Caller, Time};
use crate::error::Error;
use crate::listing::{Column, Filter, Listing, Page};
use crate::permission::Permission;
use crate::registry::Registry;
use jiff::tz::{TimeZone, offset};
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
    /// There is an invitation to accept.
    AccountInvited,
    /// There is a reset to confirm.
    PasswordReset,
    /// An API key ends soon.
    KeyExpiring,
    /// A quota is nearly used up.
    QuotaNear,
}

impl NoticeKind {
    pub const ALL: [NoticeKind; 19] = [
        NoticeKind::ApplicationSubmitted,
        NoticeKind::ApplicationEndorsed,
        NoticeKind::ApplicationApproved,
        NoticeKind::ApplicationReturned,
        NoticeKind::ApplicationRejected,
        NoticeKind::ApplicationWithdrawn,
        NoticeKind::ApplicationDue,
        NoticeKind::ApplicationOverdue,
        NoticeKind::PrefixState,
        NoticeKind::PrefixExpiring,
        NoticeKind::PrefixTransfer,
        NoticeKind::SignInElsewhere,
        NoticeKind::AccountLocked,
        NoticeKind::OperatorStuck,
        NoticeKind::OperatorMessage,
        NoticeKind::AccountInvited,
        NoticeKind::PasswordReset,
        NoticeKind::KeyExpiring,
        NoticeKind::QuotaNear,
    ];
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

/// A moment in China, as texts name it.
pub(crate) fn moment(at: Time) -> String {
    let at = jiff::Timestamp::from_millisecond(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(TimeZone::fixed(offset(8))).strftime("%Y-%m-%d %H:%M (UTC+8)").to_string()
}

/// Whose marks the caller's are.
fn reader(caller: &Caller) -> &str {
    caller.account().unwrap_or(&caller.name)
}

impl Act {
    /// Tells somebody, once this act is committed.
    pub async fn notify(&mut self, new: &NewNotice) -> Result<(), Error> {
        self.tell(new, None).await
    }

    /// Tells somebody, and sends what is enclosed by e-mail to them alone.
    pub(crate) async fn write_letter(&mut self, new: &NewNotice, enclosed: &Token) -> Result<(), Error> {
        self.tell(new, Some(enclosed)).await
    }

    async fn tell(&mut self, new: &NewNotice, enclosed: Option<&Token>) -> Result<(), Error> {
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
            self.deliver(&id, "webhook", &webhook.name, None).await?;
        }
        if settings.smtp.is_some() && (enclosed.is_none() || settings.writes_letters()) {
            let mut addresses = addresses(self.sql(), &new.audience).await?;
            addresses.extend(new.mail.clone());
            addresses.retain(|address| !address.is_empty());
            addresses.sort();
            addresses.dedup();
            for address in addresses {
                self.deliver(&id, "mail", &address, enclosed).await?;
            }
        }
        Ok(())
    }

    async fn deliver(
        &mut self,
        notice: &str,
        channel: &str,
        target: &str,
        enclosed: Option<&Token>,
    ) -> Result<(), Error> {
        let (id, now) = (self.fresh_id("dlv"), self.now());
        let enclosed = match enclosed {
            Some(token) => {
                let random = self.registry().random;
                self.registry().sealed()?.close(&id, token.text().as_bytes(), random)?
            }
            None => String::new(),
        };
        let insert = "INSERT INTO delivery (id, notice, channel, target, state, attempts, next, fault, created, \
                      delivered, enclosed) VALUES ($1, $2, $3, $4, 'waiting', 0, $5, '', $6, 0, $7)";
        let insert = sqlx::query(insert).bind(id).bind(notice).bind(channel).bind(target).bind(now).bind(now);
        let insert = insert.bind(enclosed);
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
