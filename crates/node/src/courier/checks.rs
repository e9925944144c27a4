//! Verifications that need others: the network, and services that the operator has named.

use super::{Courier, DEADLINE, now, reach, signed};
use crate::telemetry;
use hufu_registry::onboarding::checkers::{Finding, Outcome};
use hufu_registry::onboarding::evidence::NewEvidence;
use hufu_registry::onboarding::jobs::{Check, Job};
use hufu_registry::settings::{ExternalChecker, ReviewSettings};
use hufu_registry::{Caller, Error};
use serde::Deserialize;
use tokio::task::JoinSet;

/// Octets of a checker's answer.
const ANSWER: usize = 256 << 10;

/// What an external checker answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    outcome: Outcome,
    #[serde(default)]
    findings: Vec<Finding>,
}

impl Courier {
    /// Makes the verifications that are due, all at the same time.
    pub(super) async fn make_checks(&self) -> Result<(), Error> {
        let jobs = self.registry.checks_due(now()).await?;
        if jobs.is_empty() {
            return Ok(());
        }
        let settings: ReviewSettings = self.registry.setting().await?;
        let mut checking = JoinSet::new();
        for job in jobs {
            let (courier, reach) = (self.clone(), settings.reach());
            checking.spawn(async move {
                let found = match &job.check {
                    Check::Reachability => Ok(Some(reach::check(&job.application.content, reach).await)),
                    Check::External(checker) => courier.ask(checker, &job).await.map(Some),
                    Check::Gone => Ok(None),
                };
                (job, found)
            });
        }
        while let Some(checked) = checking.join_next().await {
            match checked {
                Ok((job, Ok(Some(answer)))) => self.hand_in(&job, answer).await?,
                Ok((job, Ok(None))) => self.registry.forget_check(&job).await?,
                Ok((job, Err(fault))) => self.registry.check_failed(&Caller::node(now()), &job, &fault).await?,
                // It stays in the queue.
                Err(error) => {
                    telemetry::incident("verification", &error);
                }
            }
        }
        Ok(())
    }

    async fn hand_in(&self, job: &Job, answer: (Outcome, Vec<Finding>)) -> Result<(), Error> {
        let (outcome, findings) = answer;
        let new = NewEvidence { aspect: job.aspect(), outcome, findings, document: String::new() };
        let caller = Caller::node(now());
        match self.registry.record_check(&caller, &job.application.id, &job.source, &new).await {
            Ok(Some(_)) => Ok(()),
            // It was decided or withdrawn meanwhile.
            Ok(None) => self.registry.forget_check(job).await,
            Err(Error::Refused(refusal)) => self.registry.check_failed(&caller, job, &refusal.to_string()).await,
            Err(error) => Err(error),
        }
    }

    async fn ask(&self, checker: &ExternalChecker, job: &Job) -> Result<(Outcome, Vec<Finding>), String> {
        let body = serde_json::to_vec(&job.question()).map_err(|error| error.to_string())?;
        let request = signed(&checker.url, &checker.secret, body).map_err(|error| error.to_string())?;
        let answer = self.web.send(request, ANSWER, DEADLINE).await.map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!("the checker answered {}", answer.status));
        }
        let answer: Answer = serde_json::from_slice(&answer.body).map_err(|error| format!("no answer: {error}"))?;
        Ok((answer.outcome, answer.findings))
    }
}
