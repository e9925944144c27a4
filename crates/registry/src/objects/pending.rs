//! The way of a change from SQL into the record store, without a moment in which it is half done.
//!
//! An act on objects writes, in its one transaction, the audit entry, the answer, and what is to be written into the
//! store (`object_write`). Once that is committed the change is decided, and the store follows before the caller is
//! answered. Killed in between, the node finds the rows at its next start, or at the next change, and carries them out.
//! A row is carried out once: it names the version that it replaces, and a record that has moved on has had it.

use super::Objects;
use crate::act::Act;
use crate::caller::Time;
use crate::error::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hufu_ident::{RecordKey, ValueSet};
use hufu_store::{Batch, CommitError, Condition, Earlier, Stored, Write};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use std::sync::atomic::Ordering;

/// Rows carried out at once.
const STRIDE: i64 = 64;

/// One write into the store that was decided.
#[derive(Debug, Clone)]
pub(super) struct Decided {
    pub key: RecordKey,
    /// What it replaces.
    pub before: Option<Stored>,
    /// `None` removes the row, which is a row of an index then: objects leave tombstones.
    pub after: Option<ValueSet>,
    /// Whether what it replaces is kept among the earlier versions.
    pub keep: bool,
}

/// A write as a row keeps it.
#[derive(Serialize, Deserialize)]
struct Noted {
    k: String,
    /// Version before; absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    v: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    a: Option<String>,
    /// Values before, where they are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    b: Option<String>,
}

fn octets(text: &str) -> Result<Vec<u8>, Error> {
    BASE64.decode(text).map_err(|error| Error::Fault(format!("a pending write cannot be read: {error}")))
}

impl Decided {
    fn note(&self) -> Noted {
        let before = self.before.as_ref();
        Noted {
            k: BASE64.encode(self.key.as_bytes()),
            v: before.map(|stored| stored.version),
            a: self.after.as_ref().map(|values| BASE64.encode(values.as_bytes())),
            b: before.filter(|_| self.keep).map(|stored| BASE64.encode(stored.values.as_bytes())),
        }
    }

    fn of(noted: &Noted) -> Result<Self, Error> {
        let values = |text: &String| Ok::<_, Error>(ValueSet::trusted(octets(text)?.into()));
        let kept = noted.b.as_ref().map(values).transpose()?;
        let none = || ValueSet::from_values(Vec::new());
        Ok(Decided {
            key: RecordKey::from_bytes(octets(&noted.k)?),
            before: noted.v.map(|version| Stored { version, values: kept.clone().unwrap_or_else(none) }),
            after: noted.a.as_ref().map(values).transpose()?,
            keep: kept.is_some(),
        })
    }

    fn write(&self) -> Write {
        let condition = match &self.before {
            Some(stored) => Condition::Version(stored.version),
            None => Condition::Absent,
        };
        match &self.after {
            Some(values) => Write::Put { key: self.key.clone(), values: values.clone(), condition },
            None => Write::Delete { key: self.key.clone(), condition },
        }
    }

    fn earlier(&self, until: Time) -> Option<(RecordKey, Earlier)> {
        let stored = self.before.as_ref().filter(|_| self.keep)?;
        let until = u64::try_from(until).unwrap_or(0);
        Some((self.key.clone(), Earlier { version: stored.version, until, values: stored.values.clone() }))
    }
}

/// Notes decided writes down in the act that decided them. Gives back the number of the row.
pub(super) async fn note(objects: &Objects, act: &mut Act, writes: &[Decided]) -> Result<i64, Error> {
    let noted: Vec<Noted> = writes.iter().map(Decided::note).collect();
    // What was carried out since goes with this commit: no commit of its own.
    let carried = objects.carried.load(Ordering::Acquire);
    sqlx::query("DELETE FROM object_write WHERE sequence <= $1").bind(carried).execute(act.sql()).await?;
    let insert = "INSERT INTO object_write (sequence, payload, created) \
                  SELECT COALESCE(MAX(sequence), 0) + 1, $1, $2 FROM object_write RETURNING sequence";
    let now = act.now();
    let row = sqlx::query(insert).bind(serde_json::to_string(&noted)?).bind(now).fetch_one(act.sql()).await?;
    Ok(row.try_get(0)?)
}

impl Objects {
    /// Writes into the store what was decided at `at`.
    pub(super) async fn carry_out(&self, writes: &[Decided], at: Time) -> Result<(), Error> {
        let seconds = u64::try_from(at / 1000).unwrap_or(0);
        let mut batch = Batch::new(writes.iter().map(Decided::write).collect(), seconds);
        batch.earlier = writes.iter().filter_map(|write| write.earlier(at)).collect();
        match self.store.commit(batch).await {
            Ok(_) => {}
            Err(CommitError::Conflict { .. }) => self.carry_out_singly(writes, at).await?,
            Err(error) => return Err(Error::Fault(format!("the record store: {error}"))),
        }
        writes.iter().for_each(|write| (self.changed)(&write.key));
        Ok(())
    }

    /// Some of them are in the store already: the others follow.
    async fn carry_out_singly(&self, writes: &[Decided], at: Time) -> Result<(), Error> {
        for write in writes {
            let mut batch = Batch::new(vec![write.write()], u64::try_from(at / 1000).unwrap_or(0));
            batch.earlier.extend(write.earlier(at));
            match self.store.commit(batch).await {
                Ok(_) | Err(CommitError::Conflict { .. }) => {}
                Err(error) => return Err(Error::Fault(format!("the record store: {error}"))),
            }
        }
        Ok(())
    }

    async fn settled(&self, sequence: i64) -> Result<(), Error> {
        let mut write = self.registry.database().begin_write().await?;
        let delete = sqlx::query("DELETE FROM object_write WHERE sequence = $1").bind(sequence);
        delete.execute(&mut *write.transaction).await?;
        Ok(write.transaction.commit().await?)
    }

    /// Carries out what an earlier process, or a store that refused writes, has left behind. Says how many rows.
    pub async fn settle(&self) -> Result<usize, Error> {
        let _turn = self.turn.write().await;
        self.settle_in_turn().await
    }

    pub(super) async fn settle_in_turn(&self) -> Result<usize, Error> {
        let mut done = 0;
        loop {
            let select = "SELECT sequence, payload, created FROM object_write ORDER BY sequence LIMIT $1";
            let rows = sqlx::query(select).bind(STRIDE).fetch_all(self.registry.database().reader()).await?;
            if rows.is_empty() {
                self.carried.store(0, Ordering::Release);
                return Ok(done);
            }
            for row in rows {
                let noted: Vec<Noted> = serde_json::from_str(&row.try_get::<String, _>(1)?)?;
                let writes = noted.iter().map(Decided::of).collect::<Result<Vec<_>, _>>()?;
                self.carry_out(&writes, row.try_get(2)?).await?;
                self.settled(row.try_get(0)?).await?;
                done += 1;
            }
        }
    }
}
