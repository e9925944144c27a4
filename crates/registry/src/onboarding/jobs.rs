//! Verifications that need others: the network, a register behind an address. The node makes them; here is the queue.
//!
//! A job that fails is tried again after 1, 2, 4 … minutes; after [`ATTEMPTS`] it becomes evidence that is doubtful,
//! so that nobody waits for a service that is gone.

use super::application::{self, Application};
use super::checkers::{Aspect, Finding, Outcome};
use super::evidence::{NewEvidence, Source};
use crate::Act;
use crate::caller::{Caller, Time};
use crate::error::Error;
use crate::registry::Registry;
use crate::settings::{ExternalChecker, ReviewSettings};
use serde_json::{Value as Json, json};
use sqlx::Row;

/// How often a verification is tried.
pub const ATTEMPTS: i64 = 6;
/// The first pause after a failure.
const PAUSE: Time = 60_000;
/// Jobs taken at once.
const STRIDE: i64 = 16;
/// The verification of declared addresses and domains.
pub const REACHABILITY: &str = "reachability";

/// A verification that the node shall make now.
#[derive(Debug, Clone)]
pub struct Job {
    pub application: Application,
    pub check: Check,
    pub source: Source,
}

/// What kind of verification.
#[derive(Debug, Clone)]
pub enum Check {
    /// Try the declared addresses and domains.
    Reachability,
    /// Ask an external checker.
    External(ExternalChecker),
    /// Its checker is not configured any more.
    Gone,
}

impl Job {
    pub fn aspect(&self) -> Aspect {
        match &self.check {
            Check::External(checker) => checker.aspect,
            _ => Aspect::Resources,
        }
    }

    /// What an external checker gets: what is looked at, and nothing else.
    pub fn question(&self) -> Json {
        json!({
            "application": self.application.id,
            "kind": self.application.kind,
            "contentVersion": self.application.content_version,
            "aspect": self.aspect(),
            "input": self.aspect().input(&self.application.content),
            "inputDigest": self.source.input_digest,
        })
    }
}

impl Act {
    /// Queues the verifications that a submitted application needs.
    pub(crate) async fn plan_checks(
        &mut self,
        application: &Application,
        settings: &ReviewSettings,
    ) -> Result<(), Error> {
        self.drop_checks(&application.id).await?;
        let mut names = Vec::new();
        if settings.reachability {
            names.push(REACHABILITY.to_owned());
        }
        let external = settings.external_checkers.iter().filter(|checker| checker.aspect.applies(application.kind));
        names.extend(external.map(|checker| format!("external-{}", checker.name)));
        let now = self.now();
        for name in names {
            let insert = "INSERT INTO check_job (application, checker, content_version, attempts, next, fault) \
                          VALUES ($1, $2, $3, 0, $4, '')";
            let insert = sqlx::query(insert).bind(&application.id).bind(name);
            insert.bind(application.content_version).bind(now).execute(self.sql()).await?;
        }
        Ok(())
    }

    pub(crate) async fn drop_checks(&mut self, id: &str) -> Result<(), Error> {
        sqlx::query("DELETE FROM check_job WHERE application = $1").bind(id).execute(self.sql()).await?;
        Ok(())
    }
}

impl Registry {
    /// Verifications that are to be made now.
    pub async fn checks_due(&self, now: Time) -> Result<Vec<Job>, Error> {
        let select = "SELECT application, checker FROM check_job WHERE next <= $1 ORDER BY next, application LIMIT $2";
        let rows = sqlx::query(select).bind(now).bind(STRIDE).fetch_all(self.database.reader()).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let settings: ReviewSettings = self.setting().await?;
        let mut connection = self.database.reader().acquire().await?;
        let mut jobs = Vec::new();
        for row in rows {
            let (id, checker): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let Some(application) = application::find(&mut connection, &id).await? else { continue };
            let external = checker.strip_prefix("external-");
            let (check, method) = match external {
                None => (Check::Reachability, "network"),
                Some(name) => {
                    let found = settings.external_checkers.iter().find(|other| other.name == name);
                    (found.cloned().map_or(Check::Gone, Check::External), "external")
                }
            };
            let source = Source { checker, method, input_digest: String::new() };
            let mut job = Job { application, check, source };
            job.source.input_digest = job.aspect().digest(&job.application.content);
            jobs.push(job);
        }
        Ok(jobs)
    }

    /// A verification could not be made: it is tried again later, and in the end becomes doubtful evidence.
    pub async fn check_failed(&self, caller: &Caller, job: &Job, fault: &str) -> Result<(), Error> {
        let id = &job.application.id;
        let mut write = self.database.begin_write().await?;
        let select = sqlx::query("SELECT attempts FROM check_job WHERE application = $1 AND checker = $2");
        let row = select.bind(id).bind(&job.source.checker).fetch_optional(&mut *write.transaction).await?;
        let Some(row) = row else { return Ok(()) };
        let attempts = row.try_get::<i64, _>(0)? + 1;
        if attempts >= ATTEMPTS {
            write.give_up().await?;
            let finding = Finding {
                field: String::new(),
                weight: Outcome::Doubtful,
                code: "checker-unavailable".into(),
                zh: "核验服务多次无法完成，须人工核验".into(),
                en: format!("the verification could not be made: {}", fault.chars().take(500).collect::<String>()),
            };
            let (aspect, document) = (job.aspect(), String::new());
            let new = NewEvidence { aspect, outcome: Outcome::Doubtful, findings: vec![finding], document };
            self.record_check(caller, id, &job.source, &new).await?;
            return Ok(());
        }
        let pause = PAUSE.saturating_mul(1 << (attempts - 1).clamp(0, 10));
        let update = "UPDATE check_job SET attempts = $1, next = $2, fault = $3 \
                      WHERE application = $4 AND checker = $5";
        let fault: String = fault.chars().take(500).collect();
        let update = sqlx::query(update).bind(attempts).bind(caller.at + pause).bind(fault).bind(id);
        update.bind(&job.source.checker).execute(&mut *write.transaction).await?;
        write.transaction.commit().await?;
        Ok(())
    }

    /// Forgets a verification whose checker is not configured any more.
    pub async fn forget_check(&self, job: &Job) -> Result<(), Error> {
        let mut write = self.database.begin_write().await?;
        let gone = sqlx::query("DELETE FROM check_job WHERE application = $1 AND checker = $2");
        gone.bind(&job.application.id).bind(&job.source.checker).execute(&mut *write.transaction).await?;
        write.transaction.commit().await?;
        Ok(())
    }
}
