//! Deliveries: notices on their way out, with retries.
//!
//! ```text
//! waiting ── delivered ─► delivered
//!    │  ▲
//!    │  └─ failed: again after 1, 2, 4 … minutes, at most an hour
//!    └─ failed for 24 hours, or nowhere to go ─► given-up ── retry ─► waiting
//! ```

use super::settings::{NoticeSettings, Smtp, Webhook};
use super::{COLUMNS, Notice};
use crate::caller::{Caller, DAY, Time};
use crate::error::{Error, Kind, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::permission::Permission;
use crate::registry::Registry;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

/// Deliveries taken at once.
pub const STRIDE: i64 = 64;
/// How long a delivery is tried.
const PATIENCE: Time = DAY;
/// The first pause after a failure, and the longest.
const PAUSE: Time = 60_000;
const LONGEST_PAUSE: Time = 3_600_000;
/// Most characters of a fault that are kept.
const FAULT: usize = 500;

/// A delivery as the API shows it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    pub id: String,
    pub notice: String,
    /// `mail` or `webhook`.
    pub channel: String,
    /// The address, or the name of the webhook.
    pub target: String,
    /// `waiting`, `delivered` or `given-up`.
    pub state: String,
    pub attempts: i64,
    /// When it is tried again.
    pub next: Time,
    /// Why the last attempt failed.
    pub fault: String,
    pub created: Time,
    pub delivered: Time,
}

/// Which deliveries are wanted; empty fields do not restrict.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct DeliveryFilter {
    /// `waiting`, `delivered` or `given-up`.
    pub state: Option<String>,
    /// `mail` or `webhook`.
    pub channel: Option<String>,
}

/// A notice that is to be sent now.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub id: String,
    pub notice: Notice,
    pub way: Way,
    /// Where a letter leads: the page, with the token.
    pub link: Option<String>,
}

/// By which way.
#[derive(Debug, Clone)]
pub enum Way {
    Mail {
        server: Smtp,
        to: String,
    },
    Webhook(Webhook),
    /// Its webhook or mail server is not configured any more.
    Nowhere,
}

/// The value of the header `Hufu-Signature`: `t=<milliseconds>,v1=<HMAC-SHA-256 of "<milliseconds>.<body>", hex>`.
pub fn signature(secret: &str, at: Time, body: &[u8]) -> Result<String, Error> {
    let fault = |_| Error::Fault("a secret cannot be used for HMAC".into());
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(secret.as_bytes()).map_err(fault)?;
    mac.update(format!("{at}.").as_bytes());
    mac.update(body);
    Ok(format!("t={at},v1={}", hex::encode(mac.finalize().into_bytes())))
}

fn read(row: &AnyRow) -> Result<Delivery, Error> {
    Ok(Delivery {
        id: row.try_get(0)?,
        notice: row.try_get(1)?,
        channel: row.try_get(2)?,
        target: row.try_get(3)?,
        state: row.try_get(4)?,
        attempts: row.try_get(5)?,
        next: row.try_get(6)?,
        fault: row.try_get(7)?,
        created: row.try_get(8)?,
        delivered: row.try_get(9)?,
    })
}

fn way(settings: &NoticeSettings, channel: &str, target: String) -> Way {
    if channel == "mail" {
        return settings.smtp.clone().map_or(Way::Nowhere, |server| Way::Mail { server, to: target });
    }
    let webhook = settings.webhooks.iter().find(|webhook| webhook.name == target);
    webhook.cloned().map_or(Way::Nowhere, Way::Webhook)
}

impl Registry {
    /// Deliveries that are to be made now, those that wait longest first.
    pub async fn deliveries_due(&self, now: Time) -> Result<Vec<Outgoing>, Error> {
        let select = "SELECT id, notice, channel, target, enclosed FROM delivery WHERE state = 'waiting' AND next <= $1 \
                      ORDER BY next, id LIMIT $2";
        let rows = sqlx::query(select).bind(now).bind(STRIDE).fetch_all(self.database.reader()).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let settings = self.setting::<NoticeSettings>().await?;
        let mut due = Vec::with_capacity(rows.len());
        for row in rows {
            let (id, notice): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let select = AssertSqlSafe(format!("SELECT {COLUMNS} FROM notice WHERE id = $1"));
            let found = sqlx::query(select).bind(&notice).fetch_optional(self.database.reader()).await?;
            let Some(found) = found else { continue };
            let notice = super::read(&found)?;
            let link = self.enclosed(&settings, &id, &notice, &row.try_get::<String, _>(4)?)?;
            let way = way(&settings, &row.try_get::<String, _>(2)?, row.try_get(3)?);
            // A letter without its link is of no use to anybody.
            let way = if link == Some(String::new()) { Way::Nowhere } else { way };
            due.push(Outgoing { id, notice, way, link });
        }
        Ok(due)
    }

    /// The link of a letter; empty if it cannot be made any more: the seal or the console's address is another.
    fn enclosed(
        &self,
        settings: &NoticeSettings,
        id: &str,
        notice: &Notice,
        enclosed: &str,
    ) -> Result<Option<String>, Error> {
        if enclosed.is_empty() {
            return Ok(None);
        }
        let token = self.sealed()?.open(id, enclosed).and_then(|octets| String::from_utf8(octets).ok());
        Ok(Some(token.and_then(|token| settings.link(notice.kind, &token)).unwrap_or_default()))
    }

    /// It was sent.
    pub async fn delivered(&self, id: &str, at: Time) -> Result<(), Error> {
        let mut write = self.database.begin_write().await?;
        let update = "UPDATE delivery SET state = 'delivered', delivered = $1, attempts = attempts + 1, fault = '', \
                      enclosed = '' \
                      WHERE id = $2 AND state = 'waiting'";
        sqlx::query(update).bind(at).bind(id).execute(&mut *write.transaction).await?;
        write.transaction.commit().await?;
        Ok(())
    }

    /// It could not be sent: it is tried again later, or given up where that is of no use or was tried long enough.
    pub async fn not_delivered(&self, id: &str, fault: &str, hopeless: bool, now: Time) -> Result<(), Error> {
        let mut write = self.database.begin_write().await?;
        let select = sqlx::query("SELECT attempts, created FROM delivery WHERE id = $1").bind(id);
        if let Some(row) = select.fetch_optional(&mut *write.transaction).await? {
            let (attempts, created): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            let pause = PAUSE.saturating_mul(1 << attempts.clamp(0, 10)).min(LONGEST_PAUSE);
            let given_up = hopeless || now.saturating_add(pause) > created.saturating_add(PATIENCE);
            let state = if given_up { "given-up" } else { "waiting" };
            let fault: String = fault.chars().take(FAULT).collect();
            let update = "UPDATE delivery SET state = $1, attempts = attempts + 1, next = $2, fault = $3 \
                          WHERE id = $4 AND state = 'waiting'";
            let update = sqlx::query(update).bind(state).bind(now + pause).bind(fault).bind(id);
            update.execute(&mut *write.transaction).await?;
        }
        write.transaction.commit().await?;
        Ok(())
    }

    /// Deliveries of the node, newest first unless told otherwise.
    pub async fn deliveries(
        &self,
        caller: &Caller,
        filter: &DeliveryFilter,
        listing: &Listing,
    ) -> Result<Page<Delivery>, Error> {
        self.authorise(caller, Permission::SettingsRead, "delivery").await?;
        let absent = Refusal::absent("投递", "delivery", "");
        self.reach(caller, Permission::SettingsRead, None, "delivery", absent).await?;
        let columns = "id, notice, channel, target, state, attempts, next, fault, created, delivered";
        let mut wanted = Filter::new("delivery", columns);
        wanted.equal("state", filter.state.as_deref());
        wanted.equal("channel", filter.channel.as_deref());
        wanted.page(self, listing, &[Column::Number("created")], "-created", Column::Text("id"), read).await
    }

    /// Tries a delivery again that was given up.
    pub async fn retry_delivery(&self, caller: &Caller, id: &str) -> Result<Delivery, Error> {
        let object = format!("delivery {id}");
        let act = self.begin(caller, Permission::SettingsWrite, &object).await?;
        let absent = || Refusal::absent("投递", "delivery", id);
        let mut act = act.reach(None, &object, absent()).await?;
        let select = "SELECT id, notice, channel, target, state, attempts, next, fault, created, delivered \
                      FROM delivery WHERE id = $1";
        let row = sqlx::query(select).bind(id).fetch_optional(act.sql()).await?.ok_or_else(absent)?;
        let mut delivery = read(&row)?;
        if delivery.state != "given-up" {
            let (zh, en) = ("只能重试已放弃的投递", "only a delivery that was given up can be retried");
            return Err(Refusal::new(Kind::Conflict, "delivery-state", zh, en).into());
        }
        let now = act.now();
        let update = "UPDATE delivery SET state = 'waiting', attempts = 0, next = $1, created = $2 WHERE id = $3";
        sqlx::query(update).bind(now).bind(now).bind(id).execute(act.sql()).await?;
        let before = serde_json::json!({"state": "given-up", "fault": delivery.fault});
        (delivery.state, delivery.attempts, delivery.next, delivery.created) = ("waiting".into(), 0, now, now);
        act.record("delivery.retry", &object, None, before, serde_json::json!({"state": "waiting"}));
        act.commit(delivery).await
    }
}
