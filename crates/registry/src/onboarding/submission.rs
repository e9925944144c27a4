//! Submitting: everything that is missing is named at once; the built-in verifications are made; reviewers are told.

use super::application::{Application, ApplicationKind, object};
use super::checkers::{BUILT_IN, Finding, Input};
use super::evidence::{NewEvidence, Source};
use super::state::Event;
use super::{deadlines, form};
use crate::Act;
use crate::caller::Caller;
use crate::checks::Reach;
use crate::error::{Error, FieldRefusal, Refusal};
use crate::names::WordList;
use crate::notices::NoticeKind;
use crate::permission::Permission;
use crate::registry::Registry;
use crate::settings::ReviewSettings;
use serde::Serialize;
use sqlx::{AnyConnection, Row};
use std::collections::HashSet;

/// What would become of an application if it were submitted now.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsal {
    /// Whether it can be submitted.
    pub complete: bool,
    /// What is missing or malformed.
    pub fields: Vec<FieldRefusal>,
    /// What the built-in verifications find.
    pub findings: Vec<Finding>,
}

/// The ids of the documents of an application and of its organisation.
async fn documents(connection: &mut AnyConnection, application: &Application) -> Result<HashSet<String>, Error> {
    let select = "SELECT id FROM document WHERE application = $1 OR (organisation <> '' AND organisation = $2)";
    let rows = sqlx::query(select).bind(&application.id).bind(&application.organisation).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The words in force, and whether private addresses are fine.
struct Rules {
    settings: ReviewSettings,
    words: WordList,
    reach: Reach,
}

async fn rules(registry: &Registry) -> Result<Rules, Error> {
    let settings: ReviewSettings = registry.setting().await?;
    let words = settings.word_list().map_err(|refusal| Error::Fault(format!("the list of words: {}", refusal.en)))?;
    let reach = settings.reach();
    Ok(Rules { settings, words, reach })
}

impl Rules {
    fn fields(&self, application: &Application, documents: &HashSet<String>) -> Vec<FieldRefusal> {
        let photographs = self.settings.photographs && application.kind == ApplicationKind::Onboarding;
        form::check(application.kind, &application.content, documents, photographs, self.reach)
    }

    fn findings(&self, application: &Application, now: i64) -> Vec<(Source, NewEvidence)> {
        let input = Input {
            kind: application.kind,
            content: &application.content,
            today: deadlines::date_in_china(now),
            reach: self.reach,
            words: &self.words,
        };
        let applying = BUILT_IN.iter().filter(|checker| checker.applies(application.kind));
        let found = applying.map(|checker| {
            let (aspect, findings) = (checker.aspect(), checker.check(&input));
            let input_digest = aspect.digest(&application.content);
            let source = Source { checker: checker.name().into(), method: "built-in", input_digest };
            let outcome = findings.outcome();
            (source, NewEvidence { aspect, outcome, findings: findings.0, document: String::new() })
        });
        found.collect()
    }
}

impl Registry {
    /// Says what submitting would find, and changes nothing.
    pub async fn rehearse_application(&self, caller: &Caller, id: &str) -> Result<Rehearsal, Error> {
        let application = self.application(caller, id).await?;
        let rules = rules(self).await?;
        let mut connection = self.database.reader().acquire().await?;
        let documents = documents(&mut connection, &application).await?;
        let fields = rules.fields(&application, &documents);
        let found = rules.findings(&application, caller.at);
        let findings = found.into_iter().flat_map(|(_, evidence)| evidence.findings).collect();
        Ok(Rehearsal { complete: fields.is_empty(), fields, findings })
    }

    /// Submits a draft, or an application that was returned. Refused: every field that is missing or malformed.
    pub async fn submit_application(
        &self,
        caller: &Caller,
        id: &str,
        version: Option<i64>,
    ) -> Result<Application, Error> {
        // Reading words and days takes a while: nobody waits for it.
        let rules = rules(self).await?;
        let act = self.begin(caller, Permission::ApplicationWrite, &object(id)).await?;
        let (mut act, mut application) = act.application(id).await?;
        let from = application.state;
        let next = from.after(Event::Submit)?;
        if version.is_some_and(|seen| seen != application.version) {
            return Err(Refusal::stale(application.version).into());
        }
        let documents = documents(act.sql(), &application).await?;
        let wrong = rules.fields(&application, &documents);
        if !wrong.is_empty() {
            return Err(Refusal::fields(wrong).into());
        }
        application.state = next;
        application.submitted = act.now();
        application.due = deadlines::due(&rules.settings, application.kind, act.now())?;
        act.store_application(&mut application).await?;
        let update = sqlx::query("UPDATE application SET reminded = 0 WHERE id = $1").bind(id);
        update.execute(act.sql()).await?;
        act.step(&application, Event::Submit, from, "").await?;
        act.verify(&application, &rules).await?;
        act.plan_checks(&application, &rules.settings).await?;
        act.tell_reviewers(&application, NoticeKind::ApplicationSubmitted).await?;
        act.commit(application).await
    }

    /// Makes the built-in verifications again, say after the words were changed.
    pub async fn verify_application(&self, caller: &Caller, id: &str) -> Result<Application, Error> {
        let rules = rules(self).await?;
        let act = self.begin(caller, Permission::ApplicationVerify, &object(id)).await?;
        let (act, application) = act.application(id).await?;
        let mut act = act.impartial(&application).await?;
        if !application.state.waits() {
            let zh = format!("申请现为“{}”，不能核验", application.state.zh());
            let en = format!("the application is {}: it cannot be verified", application.state.name());
            return Err(Refusal::new(crate::Kind::Conflict, "application-state", zh, en).into());
        }
        act.verify(&application, &rules).await?;
        act.plan_checks(&application, &rules.settings).await?;
        act.commit(application).await
    }
}

impl Act {
    async fn verify(&mut self, application: &Application, rules: &Rules) -> Result<(), Error> {
        for (source, evidence) in rules.findings(application, self.now()) {
            self.insert_evidence(application, &source, &evidence).await?;
        }
        Ok(())
    }
}
