//! The outbox: what the data plane shall know, written with the act that decided it, applied in order, once or more.
//!
//! A publication is the whole wanted state of one prefix, never a difference, so applying it again changes nothing,
//! and of several for one prefix only the last matters. The time between the act and the moment at which the data
//! plane answers accordingly is the activation latency 标识注册生效时间.

use crate::caller::Time;
use crate::error::Error;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use sqlx::{Any, Row, Transaction};

/// What the data plane shall say of one prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Publication {
    /// Canonical, with the tag of its system where it has one: `88.118.8`, `GS1:6901234`, `OID:1.2.156.3`.
    pub prefix: String,
    pub wanted: Wanted,
}

/// Where a prefix is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Wanted {
    /// By a node of its own.
    Delegated {
        servers: Vec<Server>,
        /// Prefixes below it are found there too.
        below: bool,
        /// Who administers it beside its own keys, as `index:handle`.
        administrators: Vec<String>,
        /// It has moved out of this node, which sends people on until nobody remembers the old delegation.
        #[serde(default)]
        leaving: bool,
        /// It is on its way into this node, which takes its identifiers before it answers for them.
        #[serde(default)]
        arriving: bool,
    },
    /// By this node.
    Hosted {
        administrators: Vec<String>,
        /// It is on its way out: nothing below it is written, so that what is copied stays whole.
        #[serde(default)]
        frozen: bool,
    },
    /// A prefix of the node's own, served here as ever; only whether what is below it is written is said.
    Own { frozen: bool },
    /// By nobody for now: suspended or on hold.
    Withheld { reason: String },
    /// By nobody any more; the name is not given out again.
    Retired { reason: String },
    /// As if it had never been.
    Unknown,
}

/// One server of a prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Server {
    /// IPv4 or IPv6 address.
    pub address: String,
    /// Ports by protocol; at least one is there.
    #[serde(default)]
    pub udp: Option<u16>,
    #[serde(default)]
    pub tcp: Option<u16>,
    #[serde(default)]
    pub http: Option<u16>,
    /// The server's public key as Handle wire octets in base64, if known.
    #[serde(default)]
    pub public_key: Option<String>,
}

/// A publication that waits.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub sequence: i64,
    pub publication: Publication,
    pub created: Time,
    pub attempts: i64,
}

/// Most publications read at once.
pub const STRIDE: i64 = 256;

pub(crate) async fn append(
    transaction: &mut Transaction<'static, Any>,
    publications: &[Publication],
    now: Time,
) -> Result<(), Error> {
    for publication in publications {
        let insert = "INSERT INTO outbox (sequence, prefix, wanted, created, published, attempts, fault) \
                      SELECT COALESCE(MAX(sequence), 0) + 1, $1, $2, $3, NULL, 0, '' FROM outbox";
        sqlx::query(insert)
            .bind(&publication.prefix)
            .bind(serde_json::to_string(&publication.wanted)?)
            .bind(now)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

impl Registry {
    /// What waits, in order; at most [`STRIDE`].
    pub async fn waiting(&self) -> Result<Vec<Waiting>, Error> {
        self.waiting_after(0).await
    }

    /// What waits behind `sequence`, in order; at most [`STRIDE`].
    pub async fn waiting_after(&self, sequence: i64) -> Result<Vec<Waiting>, Error> {
        let select = "SELECT sequence, prefix, wanted, created, attempts FROM outbox WHERE published IS NULL \
                      AND sequence > $1 ORDER BY sequence LIMIT $2";
        let rows = sqlx::query(select).bind(sequence).bind(STRIDE).fetch_all(self.database.reader()).await?;
        let mut waiting = Vec::with_capacity(rows.len());
        for row in rows {
            let wanted = serde_json::from_str(&row.try_get::<String, _>(2)?)?;
            let publication = Publication { prefix: row.try_get(1)?, wanted };
            let (sequence, created, attempts) = (row.try_get(0)?, row.try_get(3)?, row.try_get(4)?);
            waiting.push(Waiting { sequence, publication, created, attempts });
        }
        Ok(waiting)
    }

    /// Returns when an act of this process has put something into the outbox since the last call.
    pub async fn something_waits(&self) {
        self.bell.notified().await;
    }

    /// The data plane answers accordingly since `at`.
    pub async fn published(&self, sequences: &[i64], at: Time) -> Result<(), Error> {
        let mut write = self.database.begin_write().await?;
        for sequence in sequences {
            let done = sqlx::query("UPDATE outbox SET published = $1, fault = '' WHERE sequence = $2");
            done.bind(at).bind(sequence).execute(&mut *write.transaction).await?;
        }
        write.transaction.commit().await?;
        Ok(())
    }

    /// How many wait.
    pub async fn waiting_count(&self) -> Result<i64, Error> {
        let count = sqlx::query("SELECT COUNT(*) FROM outbox WHERE published IS NULL");
        Ok(count.fetch_one(self.database.reader()).await?.try_get(0)?)
    }

    /// It could not be applied; it stays first in the queue.
    pub async fn not_published(&self, sequence: i64, fault: &str) -> Result<(), Error> {
        let mut write = self.database.begin_write().await?;
        let failed = sqlx::query("UPDATE outbox SET attempts = attempts + 1, fault = $1 WHERE sequence = $2");
        failed.bind(fault).bind(sequence).execute(&mut *write.transaction).await?;
        write.transaction.commit().await?;
        Ok(())
    }

    /// Activation latencies in milliseconds of what was published since `since`, newest first, at most `limit`.
    pub async fn activation_latencies(&self, since: Time, limit: i64) -> Result<Vec<i64>, Error> {
        let select = "SELECT published - created FROM outbox WHERE published >= $1 ORDER BY published DESC LIMIT $2";
        let rows = sqlx::query(select).bind(since).bind(limit).fetch_all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}
