//! What was given out before there was a node above: it is told once the interface is configured, and told once.

use super::request::{disable_if_held, register};
use crate::caller::Caller;
use crate::error::Error;
use crate::organisations;
use crate::permission::Permission;
use crate::prefixes::find_row;
use crate::registry::Registry;
use serde_json::json;
use sqlx::Row as _;

/// Prefixes of one act.
const STRIDE: i64 = 500;

impl Registry {
    /// Notes a registration for every prefix that this node has given out and never told of. Says how many.
    pub async fn catch_up_above(&self, caller: &Caller) -> Result<usize, Error> {
        let mut told = 0;
        if !self.has_operator_above() {
            return Ok(told);
        }
        loop {
            let mut act = self.begin(caller, Permission::OperatorWrite, "operator-request").await?;
            let select = "SELECT name FROM prefix WHERE origin = 'allocated' AND enabled > 0 \
                          AND state NOT IN ('rejected', 'deleted', 'retired') \
                          AND NOT EXISTS (SELECT 1 FROM operator_request made WHERE made.prefix = prefix.name \
                          AND made.kind = 'create' AND made.own = 0 AND NOT EXISTS (SELECT 1 FROM operator_request gone \
                          WHERE gone.prefix = prefix.name AND gone.kind = 'delete' AND gone.sequence > made.sequence)) \
                          ORDER BY name LIMIT $1";
            let rows = sqlx::query(select).bind(STRIDE).fetch_all(act.sql()).await?;
            if rows.is_empty() {
                return Ok(told);
            }
            told += rows.len();
            let mut names = Vec::with_capacity(rows.len());
            for row in &rows {
                let name: String = row.try_get(0)?;
                let Some(prefix) = find_row(act.sql(), &name).await?.map(|row| row.view()) else { continue };
                let holder = organisations::find(act.sql(), &prefix.organisation).await?;
                let subject = holder.map(|holder| holder.subject).unwrap_or_default();
                act.queue_request(&register(&prefix, &subject), false).await?;
                if let Some(command) = disable_if_held(&prefix) {
                    act.queue_request(&command, false).await?;
                }
                names.push(name);
            }
            act.record("operator-request.catch-up", "operator-request", None, json!(null), json!({"prefixes": names}));
            act.commit(()).await?;
        }
    }
}
