//! The states of a prefix, and what leads from one to the next.

use crate::error::{Kind, Refusal};
use serde::{Deserialize, Serialize};

/// Where a prefix stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// 待审核: wished for, nobody has looked at it.
    Pending,
    /// 审核中.
    InReview,
    /// 启用.
    Enabled,
    /// 停用, by the node.
    Suspended,
    /// 待删除: can still be restored.
    Redemption,
    /// 待删除: cannot be restored any more.
    PendingDelete,
    /// 被驳回.
    Rejected,
    /// Gone without ever having had objects; the name may be given out again.
    Deleted,
    /// Gone; the name is never given out again.
    Retired,
}

/// What happens to a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// Somebody wishes for a name that nobody has.
    Apply,
    Review,
    Approve,
    Reject,
    /// Whoever wished for it no longer does.
    Withdraw,
    Suspend,
    Resume,
    Delete,
    /// Deleted within the first days, without objects: no trace is kept.
    Drop,
    Restore,
    /// Restored after it was deleted while suspended.
    RestoreSuspended,
    /// The time in which it could be restored is over.
    RedemptionOver,
    /// The last wait is over, and there never were objects below it.
    Free,
    /// The last wait is over.
    Retire,
    Amend,
    Renew,
    /// A flag is set or removed.
    Flag,
    /// It changes hands.
    Transfer,
}

impl State {
    pub const ALL: [State; 9] = [
        State::Pending,
        State::InReview,
        State::Enabled,
        State::Suspended,
        State::Redemption,
        State::PendingDelete,
        State::Rejected,
        State::Deleted,
        State::Retired,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::InReview => "in-review",
            State::Enabled => "enabled",
            State::Suspended => "suspended",
            State::Redemption => "redemption",
            State::PendingDelete => "pending-delete",
            State::Rejected => "rejected",
            State::Deleted => "deleted",
            State::Retired => "retired",
        }
    }

    pub const fn zh(self) -> &'static str {
        match self {
            State::Pending => "待审核",
            State::InReview => "审核中",
            State::Enabled => "启用",
            State::Suspended => "停用",
            State::Redemption => "待删除（可恢复）",
            State::PendingDelete => "待删除",
            State::Rejected => "被驳回",
            State::Deleted => "已删除",
            State::Retired => "已注销",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The number by which the national interfaces name it; none for what is gone.
    pub const fn code(self) -> Option<u8> {
        match self {
            State::Suspended => Some(0),
            State::Enabled => Some(1),
            State::Redemption | State::PendingDelete => Some(2),
            State::Rejected => Some(3),
            State::Pending => Some(4),
            State::InReview => Some(5),
            State::Deleted | State::Retired => None,
        }
    }

    /// Whether somebody has it, so that it counts against a quota.
    pub const fn is_held(self) -> bool {
        !self.is_free() && !matches!(self, State::Retired)
    }

    /// Whether the name may be given out.
    pub const fn is_free(self) -> bool {
        matches!(self, State::Rejected | State::Deleted)
    }

    /// The state after `event`, or why it cannot happen.
    pub fn after(self, event: Event) -> Result<State, Refusal> {
        use Event as E;
        use State as S;
        Ok(match (self, event) {
            (S::Rejected | S::Deleted, E::Apply) => S::Pending,
            (S::Pending, E::Review) => S::InReview,
            (S::Pending | S::InReview, E::Approve) => S::Enabled,
            (S::Pending | S::InReview, E::Reject) => S::Rejected,
            (S::Pending | S::InReview, E::Withdraw) => S::Deleted,
            (S::Pending, E::Amend) => S::Pending,
            (S::Enabled, E::Suspend) => S::Suspended,
            (S::Suspended, E::Resume) => S::Enabled,
            (S::Enabled | S::Suspended, E::Delete) => S::Redemption,
            (S::Enabled, E::Drop) => S::Deleted,
            (S::Redemption, E::Restore) => S::Enabled,
            (S::Redemption, E::RestoreSuspended) => S::Suspended,
            (S::Redemption, E::RedemptionOver) => S::PendingDelete,
            (S::PendingDelete, E::Free) => S::Deleted,
            (S::PendingDelete, E::Retire) => S::Retired,
            (S::Enabled | S::Suspended, E::Amend | E::Renew | E::Flag) => self,
            (S::Enabled, E::Transfer) => self,
            (S::Redemption | S::PendingDelete, E::Flag) => self,
            _ => return Err(self.refuse(event)),
        })
    }

    fn refuse(self, event: Event) -> Refusal {
        let (zh, en) = event.words();
        let (kind, code) = match self {
            State::Retired => (Kind::Gone, "prefix-retired"),
            _ => (Kind::Conflict, "prefix-status"),
        };
        let zh = format!("前缀处于“{}”状态，不能{zh}", self.zh());
        let en = format!("the prefix is {}; it cannot be {en}", self.name());
        Refusal::new(kind, code, zh, en)
    }
}

impl Event {
    pub const ALL: [Event; 18] = [
        Event::Apply,
        Event::Review,
        Event::Approve,
        Event::Reject,
        Event::Withdraw,
        Event::Suspend,
        Event::Resume,
        Event::Delete,
        Event::Drop,
        Event::Restore,
        Event::RestoreSuspended,
        Event::RedemptionOver,
        Event::Free,
        Event::Retire,
        Event::Amend,
        Event::Renew,
        Event::Flag,
        Event::Transfer,
    ];

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Event::Apply => ("申请", "applied for"),
            Event::Review => ("开始审核", "taken into review"),
            Event::Approve => ("批准", "approved"),
            Event::Reject => ("驳回", "rejected"),
            Event::Withdraw => ("撤回", "withdrawn"),
            Event::Suspend => ("停用", "suspended"),
            Event::Resume => ("恢复启用", "resumed"),
            Event::Delete | Event::Drop => ("删除", "deleted"),
            Event::Restore | Event::RestoreSuspended => ("恢复", "restored"),
            Event::RedemptionOver => ("结束赎回期", "taken out of redemption"),
            Event::Free => ("释放", "freed"),
            Event::Retire => ("注销", "retired"),
            Event::Amend => ("变更", "changed"),
            Event::Renew => ("续期", "renewed"),
            Event::Flag => ("设置标志", "flagged"),
            Event::Transfer => ("转移", "transferred"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every cell of states × events: the letter of the next state, `-` where it is refused.
    ///
    /// p pending, i in-review, e enabled, s suspended, r redemption, d pending-delete, j rejected, x deleted.
    const TABLE: [(State, &str); 9] = [
        //                   Ap Re Ap Rj Wi Su Re De Dr Rs RS RO Fr Rt Am Rn Fl Tr
        (State::Pending, "   -  i  e  j  x  -  -  -  -  -  -  -  -  -  p  -  -  -"),
        (State::InReview, "  -  -  e  j  x  -  -  -  -  -  -  -  -  -  -  -  -  -"),
        (State::Enabled, "   -  -  -  -  -  s  -  r  x  -  -  -  -  -  e  e  e  e"),
        (State::Suspended, " -  -  -  -  -  -  e  r  -  -  -  -  -  -  s  s  s  -"),
        (State::Redemption, "-  -  -  -  -  -  -  -  -  e  s  d  -  -  -  -  r  -"),
        (State::PendingDelete, "- - - -  -  -  -  -  -  -  -  -  x  t  -  -  d  -"),
        (State::Rejected, "  p  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -"),
        (State::Deleted, "   p  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -"),
        (State::Retired, "   -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -"),
    ];

    fn letter(state: State) -> &'static str {
        match state {
            State::Pending => "p",
            State::InReview => "i",
            State::Enabled => "e",
            State::Suspended => "s",
            State::Redemption => "r",
            State::PendingDelete => "d",
            State::Rejected => "j",
            State::Deleted => "x",
            State::Retired => "t",
        }
    }

    #[test]
    fn every_cell_of_the_table_is_as_drawn() {
        assert_eq!(TABLE.map(|(state, _)| state), State::ALL);
        for (state, row) in TABLE {
            let cells: Vec<&str> = row.split_whitespace().collect();
            assert_eq!(cells.len(), Event::ALL.len(), "{state:?}");
            for (event, cell) in Event::ALL.into_iter().zip(cells) {
                let next = state.after(event);
                assert_eq!(next.as_ref().map_or("-", |next| letter(*next)), cell, "{state:?} × {event:?}");
                let code = if state == State::Retired { "prefix-retired" } else { "prefix-status" };
                assert!(next.is_ok_and(|_| true) || state.after(event).is_err_and(|refusal| refusal.code == code));
            }
        }
    }

    #[test]
    fn names_and_codes_are_those_of_the_interfaces() {
        for state in State::ALL {
            assert_eq!(State::parse(state.name()), Some(state));
            assert_eq!(serde_json::to_value(state).ok(), Some(state.name().into()));
        }
        let codes: Vec<_> = State::ALL.iter().map(|state| state.code()).collect();
        assert_eq!(codes, [Some(4), Some(5), Some(1), Some(0), Some(2), Some(2), Some(3), None, None]);
    }
}
