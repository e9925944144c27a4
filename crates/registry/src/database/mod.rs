//! The two databases behind one driver. Writers take turns; readers see committed states only.
//!
//! Text of SQL is the same for both: `$1` placeholders, types BIGINT, TEXT and nothing else; booleans are 0 and 1,
//! moments are milliseconds, documents are JSON in TEXT, digests are hex. Sums are cast to BIGINT.

mod schema;

use crate::caller::Time;
use crate::error::Error;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyPool, Executor, Row, Transaction};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// Connections for reading.
const READERS: u32 = 8;
/// How long a call waits for a connection or for its turn to write.
const WAIT: Duration = Duration::from_secs(10);

/// A pool of connections. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    pool: AnyPool,
    dialect: Dialect,
    /// One writer of this process at a time, in the order of asking; other processes wait at the head of the audit.
    turn: Arc<Semaphore>,
}

/// A transaction that may write; rolled back when dropped.
pub struct Write {
    pub transaction: Transaction<'static, Any>,
    _turn: OwnedSemaphorePermit,
}

impl Write {
    /// Undoes everything and gives the turn to the next.
    pub async fn give_up(self) -> Result<(), Error> {
        Ok(self.transaction.rollback().await?)
    }
}

impl Database {
    /// An SQLite file, made if it is not there.
    pub async fn sqlite(path: &Path) -> Result<Self, Error> {
        Database::connect(&format!("sqlite://{}?mode=rwc", path.display())).await
    }

    /// `sqlite:…` or `postgres://user@host/database`.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        let dialect = match url.split(':').next() {
            Some("sqlite") => Dialect::Sqlite,
            Some("postgres" | "postgresql") => Dialect::Postgres,
            _ => return Err(Error::Fault("a database is sqlite:… or postgres://…".into())),
        };
        let options = AnyConnectOptions::from_str(url)?;
        let pool =
            AnyPoolOptions::new().max_connections(READERS).acquire_timeout(WAIT).after_connect(move |connection, _| {
                Box::pin(async move {
                    let settings = match dialect {
                        Dialect::Sqlite => {
                            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                             PRAGMA busy_timeout = 10000"
                        }
                        Dialect::Postgres => "SET lock_timeout = '10s'; SET TIME ZONE 'UTC'",
                    };
                    for setting in settings.split(';') {
                        connection.execute(setting).await?;
                    }
                    Ok(())
                })
            });
        let pool = pool.connect_with(options).await?;
        Ok(Database { pool, dialect, turn: Arc::new(Semaphore::new(1)) })
    }

    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// For reading. Every statement sees the newest committed state.
    pub fn reader(&self) -> &AnyPool {
        &self.pool
    }

    /// Waits for its turn and begins to write.
    pub async fn begin_write(&self) -> Result<Write, Error> {
        let busy = || Error::Fault("the database has been busy for too long".into());
        let turn = tokio::time::timeout(WAIT, self.turn.clone().acquire_owned()).await.map_err(|_| busy())?;
        let turn = turn.map_err(|_| busy())?;
        let begin = match self.dialect {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        };
        Ok(Write { transaction: self.pool.begin_with(begin).await?, _turn: turn })
    }

    /// Applies the steps of the schema that are not there yet, each in a transaction of its own.
    pub(crate) async fn migrate(&self, now: Time) -> Result<(), Error> {
        let mut write = self.begin_write().await?;
        if self.dialect == Dialect::Postgres {
            // Several processes may start at once.
            write.transaction.execute("SELECT pg_advisory_xact_lock(7234017283807667300)").await?;
        }
        let made = "CREATE TABLE IF NOT EXISTS schema_step (step BIGINT PRIMARY KEY, name TEXT NOT NULL, \
                    applied BIGINT NOT NULL)";
        write.transaction.execute(made).await?;
        for (position, (name, text)) in schema::STEPS.iter().enumerate() {
            let step = position as i64 + 1;
            let found = sqlx::query("SELECT name FROM schema_step WHERE step = $1").bind(step);
            match found.fetch_optional(&mut *write.transaction).await? {
                Some(row) if row.try_get::<String, _>(0)? == *name => continue,
                Some(_) => return Err(Error::Fault(format!("the database has another schema (step {step})"))),
                None => {}
            }
            for statement in schema::statements(text) {
                write.transaction.execute(statement).await?;
            }
            let done = sqlx::query("INSERT INTO schema_step (step, name, applied) VALUES ($1, $2, $3)");
            done.bind(step).bind(*name).bind(now).execute(&mut *write.transaction).await?;
        }
        write.transaction.commit().await?;
        Ok(())
    }
}
