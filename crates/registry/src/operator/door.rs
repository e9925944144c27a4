//! What the door of the interface needs of the registry before it believes a request: that a signature comes once, and
//! that an attempt which is not believed is written down.

use crate::audit::{self, NewEntry, Outcome};
use crate::caller::{Caller, Time};
use crate::error::Error;
use crate::registry::Registry;
use serde_json::json;

/// Characters of what strangers call themselves that are kept.
const NAME_MOST: usize = 64;

/// A request that is not believed.
#[derive(Debug, Clone, Copy)]
pub struct Disbelieved<'a> {
    /// The client that it says it comes from; empty if it says nothing.
    pub client: &'a str,
    /// The client transaction id that it gives.
    pub transaction: &'a str,
    pub method: &'a str,
    pub path: &'a str,
    /// Stable: `not-signed`, `stale-signature`, `replayed-signature`, ….
    pub reason: &'a str,
}

fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(NAME_MOST).collect()
}

impl Registry {
    /// Whether a signature of the client is taken for the first time. For one that holds only: others cost nothing.
    pub async fn take_nonce(&self, client: &str, nonce: &str, forget: Time, now: Time) -> Result<bool, Error> {
        let mut write = self.database.begin_write().await?;
        let old = sqlx::query("DELETE FROM operator_nonce WHERE forget < $1").bind(now);
        old.execute(&mut *write.transaction).await?;
        let insert = "INSERT INTO operator_nonce (client, nonce, forget) VALUES ($1, $2, $3) \
                      ON CONFLICT (client, nonce) DO NOTHING";
        let taken = sqlx::query(insert).bind(client).bind(nonce).bind(forget);
        let taken = taken.execute(&mut *write.transaction).await?.rows_affected();
        write.transaction.commit().await?;
        Ok(taken == 1)
    }

    /// Writes down a request that is not believed.
    pub async fn note_disbelieved(&self, address: &str, at: Time, attempt: &Disbelieved<'_>) -> Result<(), Error> {
        let caller = Caller::anonymous(address, plain(attempt.transaction), at);
        let path: String = attempt.path.chars().take(4 * NAME_MOST).collect();
        let entry = NewEntry {
            action: "operator.request".into(),
            object: format!("operator-client {}", plain(attempt.client)),
            outcome: Outcome::Denied,
            before: json!(null),
            after: json!({"reason": attempt.reason, "method": attempt.method, "path": path}),
            organisation: None,
        };
        let mut write = self.database.begin_write().await?;
        let mut head = audit::lock_head(&mut write.transaction).await?;
        audit::append(&mut write.transaction, &mut head, &caller, &entry, self.digest).await?;
        audit::store_head(&mut write.transaction, &head).await?;
        write.transaction.commit().await?;
        Ok(())
    }
}
