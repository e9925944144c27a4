//! Whom the life of a prefix is told to: its holder, and the sides of a transfer.

use super::prefix::Row;
use super::transfer::Transfer;
use crate::act::Act;
use crate::error::Error;
use crate::notices::{Audience, NewNotice, NoticeKind};
use crate::permission::Permission;

/// The day of a moment.
fn day(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |time| time.strftime("%Y-%m-%d").to_string())
}

impl Act {
    /// What of a change its holder must know.
    pub(super) async fn tell_holder(&mut self, before: &Row, after: &Row, action: &str) -> Result<(), Error> {
        let held = before.flags.on_hold() != after.flags.on_hold();
        let state = match after.flags.on_hold() {
            true => format!("{}，暂停解析 {}, on hold", after.state.zh(), after.state.name()),
            false => format!("{} {}", after.state.zh(), after.state.name()),
        };
        let name = ("name", after.name.clone());
        let (kind, facts) = if action == "prefix.expiry-near" {
            (NoticeKind::PrefixExpiring, vec![name, ("due", day(after.expires))])
        } else if before.state != after.state || held {
            (NoticeKind::PrefixState, vec![name, ("state", state), ("reason", after.reason.clone())])
        } else {
            return Ok(());
        };
        let audience = Audience::Organisation(after.organisation.clone());
        self.notify(&NewNotice { kind, audience, object: format!("prefix {}", after.name), facts, mail: None }).await
    }

    /// Every side of a transfer hears of it; this node where it is a side itself.
    pub(super) async fn tell_sides(&mut self, transfer: &Transfer, state: &str) -> Result<(), Error> {
        let mut sides = vec![&transfer.gaining, &transfer.losing, &transfer.holder];
        sides.sort();
        sides.dedup();
        for side in sides {
            let audience = match side.is_empty() {
                true => Audience::Holders(Permission::PrefixAllocate),
                false => Audience::Organisation(side.clone()),
            };
            let facts = vec![
                ("name", transfer.prefix.clone()),
                ("state", state.to_owned()),
                ("reason", transfer.reason.clone()),
            ];
            let object = format!("transfer {}", transfer.id);
            self.notify(&NewNotice { kind: NoticeKind::PrefixTransfer, audience, object, facts, mail: None }).await?;
        }
        Ok(())
    }
}
