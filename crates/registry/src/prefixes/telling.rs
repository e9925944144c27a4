//! Whom the life of a prefix is told to: its holder, and the sides of a transfer.

use super::prefix::{Moving, Row};
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
        if action == "prefix.expiry-near" {
            let facts = vec![("name", after.name.clone()), ("due", day(after.expires))];
            return self.tell_of(after, NoticeKind::PrefixExpiring, facts).await;
        }
        if before.moving != after.moving
            || before.state != after.state
            || before.flags.on_hold() != after.flags.on_hold()
        {
            return self.tell_state(after).await;
        }
        Ok(())
    }

    /// Its holder hears how a prefix stands now.
    pub(super) async fn tell_state(&mut self, row: &Row) -> Result<(), Error> {
        let (zh, en) = match (row.flags.on_hold(), row.moving) {
            (true, _) => ("，暂停解析", ", on hold"),
            (false, Some(Moving::Out)) => ("，正在迁出，暂停写入", ", moving out, not written"),
            (false, Some(Moving::In)) => ("，正在迁入", ", moving in"),
            (false, None) => ("", ""),
        };
        let state = format!("{}{zh} {}{en}", row.state.zh(), row.state.name());
        let facts = vec![("name", row.name.clone()), ("state", state), ("reason", row.reason.clone())];
        self.tell_of(row, NoticeKind::PrefixState, facts).await
    }

    async fn tell_of(&mut self, row: &Row, kind: NoticeKind, facts: Vec<(&'static str, String)>) -> Result<(), Error> {
        let (audience, object) = (Audience::Organisation(row.organisation.clone()), format!("prefix {}", row.name));
        self.notify(&NewNotice { kind, audience, object, facts, mail: None }).await
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
