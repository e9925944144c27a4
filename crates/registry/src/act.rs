//! An act: one transaction with its change, its audit entries, what it publishes, and its answer.
//!
//! `begin` checks the permission (a denial is written down), waits for its turn and finds out whether the same
//! `Idempotency-Key` was answered before. `commit` writes the audit entries, the publications and the answer. An act
//! that records nothing cannot commit: no change goes unaudited. Dropped, it leaves no trace.

use crate::audit::{self, Head, NewEntry, Outcome};
use crate::caller::Caller;
use crate::database::Write;
use crate::error::{Error, Kind, Refusal};
use crate::outbox::{self, Publication};
use crate::permission::Permission;
use crate::registry::Registry;
use serde::Serialize;
use serde_json::{Value as Json, json};
use sqlx::{AnyConnection, Row};

/// Days for which an answer can be asked for again.
const ANSWER_DAYS: i64 = 30;

/// One act of one caller.
pub struct Act {
    write: Write,
    head: Head,
    registry: Registry,
    pub caller: Caller,
    permission: Permission,
    entries: Vec<NewEntry>,
    publications: Vec<Publication>,
}

impl Registry {
    /// Begins an act that needs `permission`; `object` is what the audit names if it is denied.
    pub async fn begin(&self, caller: &Caller, permission: Permission, object: &str) -> Result<Act, Error> {
        self.authorise(caller, permission, object).await?;
        self.begin_open(caller, permission).await
    }

    /// Begins an act that needs no permission of the caller, such as signing in.
    pub(crate) async fn begin_open(&self, caller: &Caller, permission: Permission) -> Result<Act, Error> {
        let mut write = self.database.begin_write().await?;
        let head = audit::lock_head(&mut write.transaction).await?;
        let mut act = Act {
            write,
            head,
            registry: self.clone(),
            caller: caller.clone(),
            permission,
            entries: Vec::new(),
            publications: Vec::new(),
        };
        act.find_answer().await?;
        Ok(act)
    }
}

impl Act {
    /// For statements of the act.
    pub fn sql(&mut self) -> &mut AnyConnection {
        &mut self.write.transaction
    }

    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    pub fn now(&self) -> i64 {
        self.caller.at
    }

    /// A new id of a kind: `org`, `acc`, ….
    pub fn fresh_id(&self, kind: &str) -> String {
        crate::id::fresh(kind, self.registry.random)
    }

    /// Writes down that something was done to `object` of `organisation`.
    pub fn record(&mut self, action: &str, object: &str, organisation: Option<&str>, before: Json, after: Json) {
        let (action, object) = (action.to_owned(), object.to_owned());
        let organisation = organisation.map(str::to_owned);
        self.entries.push(NewEntry { action, object, outcome: Outcome::Done, before, after, organisation });
    }

    /// Writes down an attempt that came to nothing: a wrong password, a lock.
    pub(crate) fn record_denied(&mut self, action: &str, object: &str, organisation: Option<&str>, why: Json) {
        let (action, object) = (action.to_owned(), object.to_owned());
        let organisation = organisation.map(str::to_owned);
        let entry = NewEntry { action, object, outcome: Outcome::Denied, before: Json::Null, after: why, organisation };
        self.entries.push(entry);
    }

    /// The data plane shall know this once the act is committed.
    pub fn publish(&mut self, publication: Publication) {
        self.publications.push(publication);
    }

    /// Passes if things of `organisation` are within the caller's scope. If not, everything done so far is undone,
    /// the denial is written down, and `absent` is the answer.
    pub async fn reach(self, organisation: Option<&str>, object: &str, absent: Refusal) -> Result<Act, Error> {
        if self.caller.reaches(organisation) {
            return Ok(self);
        }
        Err(self.deny(object, absent).await)
    }

    /// Undoes everything done so far and writes the denial down; gives back what to answer.
    pub(crate) async fn deny(self, object: &str, refusal: Refusal) -> Error {
        let Act { write, registry, caller, permission, .. } = self;
        let written = async {
            write.give_up().await?;
            registry.write_denial(&caller, permission, object).await
        };
        written.await.err().unwrap_or_else(|| refusal.into())
    }

    /// Makes everything durable, the answer too.
    pub async fn commit<T: Serialize>(mut self, answer: T) -> Result<T, Error> {
        if self.entries.is_empty() {
            return Err(Error::Fault("an act wanted to change something without writing it down".into()));
        }
        let transaction = &mut self.write.transaction;
        for entry in &self.entries {
            audit::append(transaction, &mut self.head, &self.caller, entry, self.registry.digest).await?;
        }
        audit::store_head(transaction, &self.head).await?;
        outbox::append(transaction, &self.publications, self.caller.at).await?;
        if let Some((repeater, idempotency)) = self.caller.repeater().zip(self.caller.idempotency.as_ref()) {
            let insert =
                "INSERT INTO answered (account, idempotency_key, digest, answer, at) VALUES ($1, $2, $3, $4, $5)";
            sqlx::query(insert)
                .bind(repeater)
                .bind(&idempotency.key)
                .bind(&idempotency.digest)
                .bind(serde_json::to_string(&answer)?)
                .bind(self.caller.at)
                .execute(&mut **transaction)
                .await?;
        }
        self.write.transaction.commit().await?;
        if !self.publications.is_empty() {
            self.registry.bell.notify_one();
        }
        Ok(answer)
    }

    async fn find_answer(&mut self) -> Result<(), Error> {
        let Some((repeater, idempotency)) = self.caller.repeater().zip(self.caller.idempotency.as_ref()) else {
            return Ok(());
        };
        let select = "SELECT digest, answer FROM answered WHERE account = $1 AND idempotency_key = $2";
        let row = sqlx::query(select).bind(repeater).bind(&idempotency.key);
        let row = row.fetch_optional(&mut *self.write.transaction).await?;
        let Some(row) = row else { return Ok(()) };
        if row.try_get::<String, _>(0)? != idempotency.digest {
            let zh = "该 Idempotency-Key 已用于另一请求，请换一个";
            let en = "this Idempotency-Key was used for another request; take a new one";
            return Err(Refusal::new(Kind::Conflict, "idempotency-key-reused", zh, en).into());
        }
        Err(Error::Repeated(serde_json::from_str(&row.try_get::<String, _>(1)?)?))
    }
}

impl Registry {
    /// Forgets the answers that nobody repeats any more. Says how many.
    pub async fn forget_answers(&self, now: i64) -> Result<u64, Error> {
        let before = now.saturating_sub(ANSWER_DAYS * crate::caller::DAY);
        let mut write = self.database.begin_write().await?;
        let gone = sqlx::query("DELETE FROM answered WHERE at < $1").bind(before);
        let gone = gone.execute(&mut *write.transaction).await?.rows_affected();
        write.transaction.commit().await?;
        Ok(gone)
    }
}

/// The states before and after, for the audit: only members that differ.
pub fn difference(before: &impl Serialize, after: &impl Serialize) -> (Json, Json) {
    let read = |error: serde_json::Error| json!({"unreadable": error.to_string()});
    let before = serde_json::to_value(before).unwrap_or_else(read);
    let after = serde_json::to_value(after).unwrap_or_else(read);
    match (before, after) {
        (Json::Object(mut old), Json::Object(mut new)) => {
            let same: Vec<String> =
                old.iter().filter(|(k, v)| new.get(*k) == Some(v)).map(|(k, _)| k.clone()).collect();
            for key in same {
                old.remove(&key);
                new.remove(&key);
            }
            (Json::Object(old), Json::Object(new))
        }
        other => other,
    }
}
