//! The states of an application, and what leads from one to the other.

use crate::error::{Kind, Refusal};
use serde::{Deserialize, Serialize};

/// Where an application stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ApplicationState)]
pub enum State {
    /// The applicant writes.
    Draft,
    /// It is verified, and waits for a reviewer.
    Submitted,
    /// A reviewer has it.
    InReview,
    /// The applicant has to correct it.
    Returned,
    Approved,
    Rejected,
    Withdrawn,
}

/// What can happen to an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ApplicationEvent)]
pub enum Event {
    Save,
    Submit,
    Claim,
    Release,
    /// The first of two approvals.
    Endorse,
    Approve,
    Reject,
    Return,
    Withdraw,
}

impl State {
    pub const ALL: [State; 7] = [
        State::Draft,
        State::Submitted,
        State::InReview,
        State::Returned,
        State::Approved,
        State::Rejected,
        State::Withdrawn,
    ];

    pub fn name(self) -> &'static str {
        match self {
            State::Draft => "draft",
            State::Submitted => "submitted",
            State::InReview => "in-review",
            State::Returned => "returned",
            State::Approved => "approved",
            State::Rejected => "rejected",
            State::Withdrawn => "withdrawn",
        }
    }

    pub fn zh(self) -> &'static str {
        match self {
            State::Draft => "草稿",
            State::Submitted => "已提交，待审核",
            State::InReview => "审核中",
            State::Returned => "已退回，待修改",
            State::Approved => "已通过",
            State::Rejected => "已拒绝",
            State::Withdrawn => "已撤回",
        }
    }

    pub fn parse(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether somebody at the node has to do something.
    pub fn waits(self) -> bool {
        matches!(self, State::Submitted | State::InReview)
    }

    /// Where `event` leads; a refusal where it cannot happen.
    pub fn after(self, event: Event) -> Result<State, Refusal> {
        let next = match (self, event) {
            (State::Draft | State::Returned, Event::Save) => self,
            (State::Draft | State::Returned, Event::Submit) => State::Submitted,
            (State::Submitted | State::InReview, Event::Claim) => State::InReview,
            (State::InReview, Event::Release | Event::Endorse) => State::Submitted,
            (State::InReview, Event::Approve) => State::Approved,
            (State::InReview, Event::Reject) => State::Rejected,
            (State::InReview, Event::Return) => State::Returned,
            (State::Draft | State::Submitted | State::InReview | State::Returned, Event::Withdraw) => State::Withdrawn,
            _ => return Err(self.refuses(event)),
        };
        Ok(next)
    }

    fn refuses(self, event: Event) -> Refusal {
        let zh = format!("申请现为“{}”，不能{}", self.zh(), event.zh());
        let en = format!("the application is {}: it cannot be {}", self.name(), event.en());
        Refusal::new(Kind::Conflict, "application-state", zh, en)
    }
}

impl Event {
    pub const ALL: [Event; 9] = [
        Event::Save,
        Event::Submit,
        Event::Claim,
        Event::Release,
        Event::Endorse,
        Event::Approve,
        Event::Reject,
        Event::Return,
        Event::Withdraw,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Event::Save => "save",
            Event::Submit => "submit",
            Event::Claim => "claim",
            Event::Release => "release",
            Event::Endorse => "endorse",
            Event::Approve => "approve",
            Event::Reject => "reject",
            Event::Return => "return",
            Event::Withdraw => "withdraw",
        }
    }

    fn zh(self) -> &'static str {
        match self {
            Event::Save => "修改",
            Event::Submit => "提交",
            Event::Claim => "领取",
            Event::Release => "放回",
            Event::Endorse | Event::Approve => "通过",
            Event::Reject => "拒绝",
            Event::Return => "退回",
            Event::Withdraw => "撤回",
        }
    }

    fn en(self) -> &'static str {
        match self {
            Event::Save => "changed",
            Event::Submit => "submitted",
            Event::Claim => "claimed",
            Event::Release => "released",
            Event::Endorse | Event::Approve => "approved (claim it first)",
            Event::Reject => "rejected (claim it first)",
            Event::Return => "returned (claim it first)",
            Event::Withdraw => "withdrawn",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_of_the_table() {
        use State::*;
        // One row per state, one column per event in the order of `Event::ALL`.
        let table: [[Option<State>; 9]; 7] = [
            [Some(Draft), Some(Submitted), None, None, None, None, None, None, Some(Withdrawn)],
            [None, None, Some(InReview), None, None, None, None, None, Some(Withdrawn)],
            [
                None,
                None,
                Some(InReview),
                Some(Submitted),
                Some(Submitted),
                Some(Approved),
                Some(Rejected),
                Some(Returned),
                Some(Withdrawn),
            ],
            [Some(Returned), Some(Submitted), None, None, None, None, None, None, Some(Withdrawn)],
            [None; 9],
            [None; 9],
            [None; 9],
        ];
        for (state, row) in State::ALL.into_iter().zip(table) {
            assert_eq!(State::parse(state.name()), Some(state));
            for (event, expected) in Event::ALL.into_iter().zip(row) {
                match (state.after(event), expected) {
                    (Ok(next), Some(wanted)) => assert_eq!(next, wanted, "{state:?} {event:?}"),
                    (Err(refusal), None) => assert_eq!(refusal.code, "application-state"),
                    (found, wanted) => panic!("{state:?} {event:?}: {found:?}, expected {wanted:?}"),
                }
            }
        }
    }
}
