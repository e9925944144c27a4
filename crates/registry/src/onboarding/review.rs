//! Review: a reviewer claims an application and approves, rejects or returns it, alone or as one of two.
//!
//! Whoever decides belongs to the node, has written nothing of the application, and has claimed it. Where two
//! reviewers are wanted, they are two accounts, and both approve the same content.

use super::application::{Application, check_reason, identity, object};
use super::evidence;
use super::state::{Event, State};
use crate::Act;
use crate::caller::Caller;
use crate::error::{Error, Kind, Refusal};
use crate::notices::NoticeKind;
use crate::permission::Permission;
use crate::registry::Registry;
use crate::settings::{self, ReviewSettings};
use serde::{Deserialize, Serialize};
use sqlx::Row;

/// What a reviewer decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ApplicationVerdict)]
pub enum Verdict {
    Approve,
    Reject,
    Return,
}

/// A decision with its reason.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ApplicationDecision)]
pub struct Decision {
    pub verdict: Verdict,
    /// Needed unless it is approved; `reasons` of the settings are a list to pick from.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub reason: String,
}

/// What came of a decision.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DecidedApplication)]
pub struct Decided {
    #[serde(flatten)]
    pub application: Application,
    /// The token with which the enterprise's first administrator sets a password: shown once, to be handed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation: Option<String>,
}

impl std::ops::Deref for Decided {
    type Target = Application;

    fn deref(&self) -> &Application {
        &self.application
    }
}

/// Passes if the caller is the reviewer who has it.
pub(crate) fn holds(caller: &Caller, application: &Application) -> Result<(), Refusal> {
    if application.state == State::InReview && application.claimed_by == identity(caller) {
        return Ok(());
    }
    let (zh, en) = match application.claimed_by.is_empty() {
        true => ("请先领取该申请".to_owned(), "claim the application first".to_owned()),
        false => {
            let name = &application.claimed_name;
            (format!("该申请由 {name} 审核中"), format!("{name} is reviewing the application"))
        }
    };
    Err(Refusal::new(Kind::Conflict, "not-claimed", zh, en))
}

impl Act {
    /// Whoever has approved the application since it was last submitted.
    async fn endorsers(&mut self, id: &str) -> Result<Vec<String>, Error> {
        let select = "SELECT actor FROM application_step WHERE application = $1 AND event = 'endorse' AND number > \
                      (SELECT COALESCE(MAX(number), 0) FROM application_step \
                       WHERE application = $2 AND event = 'submit')";
        let rows = sqlx::query(select).bind(id).bind(id).fetch_all(self.sql()).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}

impl Registry {
    /// Takes an application to review it. One that somebody else has is taken over only if said so.
    pub async fn claim_application(&self, caller: &Caller, id: &str, take_over: bool) -> Result<Application, Error> {
        let act = self.begin(caller, Permission::ApplicationReview, &object(id)).await?;
        let (act, mut application) = act.application(id).await?;
        let mut act = act.impartial(&application).await?;
        let from = application.state;
        let next = from.after(Event::Claim)?;
        let own = application.claimed_by == identity(caller);
        if own || (from == State::InReview && !take_over) {
            let name = application.claimed_name.clone();
            let zh = format!("该申请已由 {name} 领取");
            return Err(Refusal::new(Kind::Conflict, "claimed", zh, format!("{name} has claimed it")).into());
        }
        if act.endorsers(id).await?.contains(&identity(caller)) {
            return Err(approved_already().into());
        }
        let reason = match from {
            State::InReview => format!("took over from {}", application.claimed_name),
            _ => String::new(),
        };
        application.state = next;
        (application.claimed_by, application.claimed_name) = (identity(caller), caller.name.clone());
        act.store_application(&mut application).await?;
        act.step(&application, Event::Claim, from, &reason).await?;
        act.commit(application).await
    }

    /// Puts an application back for another reviewer.
    pub async fn release_application(&self, caller: &Caller, id: &str) -> Result<Application, Error> {
        let act = self.begin(caller, Permission::ApplicationReview, &object(id)).await?;
        let (act, mut application) = act.application(id).await?;
        let mut act = act.impartial(&application).await?;
        let from = application.state;
        let next = from.after(Event::Release)?;
        holds(caller, &application)?;
        application.state = next;
        (application.claimed_by, application.claimed_name) = (String::new(), String::new());
        act.store_application(&mut application).await?;
        act.step(&application, Event::Release, from, "").await?;
        act.commit(application).await
    }

    /// Decides. The last approval that is needed is carried out in the same act.
    pub async fn decide_application(
        &self,
        caller: &Caller,
        id: &str,
        version: Option<i64>,
        decision: &Decision,
    ) -> Result<Decided, Error> {
        check_reason(&decision.reason, decision.verdict != Verdict::Approve)?;
        let act = self.begin(caller, Permission::ApplicationReview, &object(id)).await?;
        let (act, mut application) = act.application(id).await?;
        let mut act = act.impartial(&application).await?;
        if version.is_some_and(|seen| seen != application.version) {
            return Err(Refusal::stale(application.version).into());
        }
        let from = application.state;
        let wanted = match decision.verdict {
            Verdict::Approve => Event::Approve,
            Verdict::Reject => Event::Reject,
            Verdict::Return => Event::Return,
        };
        // Whether it can be decided at all comes first, then by whom, then whether anything stands against it.
        from.after(wanted)?;
        holds(caller, &application)?;
        let event = match wanted {
            Event::Approve => act.approval(&application).await?,
            other => other,
        };
        application.state = from.after(event)?;
        (application.claimed_by, application.claimed_name) = (String::new(), String::new());
        let mut invitation = None;
        match event {
            Event::Approve => {
                application.decided = act.now();
                let carried = act.carry_out(&mut application).await?;
                (application.result, invitation) = (carried.result, carried.invitation);
            }
            Event::Reject => application.decided = act.now(),
            _ => {}
        }
        if event != Event::Endorse {
            act.drop_checks(id).await?;
        }
        act.store_application(&mut application).await?;
        act.step(&application, event, from, &decision.reason).await?;
        match event {
            Event::Endorse => act.tell_reviewers(&application, NoticeKind::ApplicationEndorsed).await?,
            Event::Approve => {
                act.tell_applicant(&application, NoticeKind::ApplicationApproved, &decision.reason).await?;
            }
            Event::Reject => {
                act.tell_applicant(&application, NoticeKind::ApplicationRejected, &decision.reason).await?
            }
            _ => act.tell_applicant(&application, NoticeKind::ApplicationReturned, &decision.reason).await?,
        }
        // The token is in no answer that is kept.
        let decided = act.commit(Decided { application, invitation: None }).await?;
        Ok(Decided { invitation, ..decided })
    }
}

impl Act {
    /// Whether this approval is the last one that is needed. Refused: evidence stands against it.
    async fn approval(&mut self, application: &Application) -> Result<Event, Error> {
        let (settings, _) = settings::read::<ReviewSettings>(self.sql()).await?;
        let endorsers = self.endorsers(&application.id).await?;
        if endorsers.contains(&identity(&self.caller)) {
            return Err(approved_already().into());
        }
        let all = evidence::of(self.sql(), application).await?;
        if let Some(refusal) = evidence::obstacles(application, &all, &settings.required) {
            return Err(refusal.into());
        }
        Ok(match endorsers.len() + 1 < usize::from(settings.reviewers) {
            true => Event::Endorse,
            false => Event::Approve,
        })
    }
}

fn approved_already() -> Refusal {
    let (zh, en) =
        ("您已通过该申请，须由另一位审核员复审", "you have approved it; the second reviewer is somebody else");
    Refusal::new(Kind::Conflict, "second-reviewer", zh, en)
}
