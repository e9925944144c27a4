//! Runs of serials: one call registers every number from one to another, with values made of a pattern too.
//!
//! Each of them is an object like any other afterwards: it can be changed, suspended and deleted by itself. Registering
//! a run again changes nothing of what is there.

use super::job::{Job, JobKind, JobState, Kept};
use super::{CHUNK, Clock, Progress};
use crate::caller::Caller;
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::objects::change::{ObjectBatchOutcome, ObjectChange, ObjectOperation};
use crate::objects::mint::Pattern;
use crate::objects::{Manner, Memory, Objects};
use crate::onboarding::deadlines::date_in_china;
use crate::permission::Permission;
use crate::templates;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// Most serials of one run.
const SERIALS: i64 = 10_000_000;

/// A run of serials.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRun {
    #[schema(max_length = 255)]
    pub prefix: String,
    /// Pattern of the suffix, with `{n}` and without chance: `SN{n:6}{check}`.
    #[schema(max_length = 200)]
    pub pattern: String,
    #[schema(minimum = 0)]
    pub from: i64,
    /// The last one; at most 10,000,000 in a run.
    #[schema(minimum = 0)]
    pub to: i64,
    /// Handle or id of the template.
    #[schema(max_length = 255)]
    pub template: String,
    /// By name of the item; a text may hold the same parts as a pattern.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub values: Map<String, Json>,
}

/// What a run job is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunSettings {
    #[serde(flatten)]
    pub run: NewRun,
    /// Day of the run, for `{date}`.
    pub date: String,
}

fn wrong(field: &str, code: &str, zh: String, en: String) -> Error {
    Refusal::fields(vec![FieldRefusal::new(field, code, zh, en)]).into()
}

impl RunSettings {
    fn change(&self, pattern: &Pattern, number: i64) -> Result<ObjectChange, Error> {
        let none: fn(&mut [u8]) = |_| {};
        let suffix = pattern.fill(number, &self.date, none)?;
        let run = &self.run;
        let identifier = match run.prefix.contains(':') {
            true => format!("{}{suffix}", run.prefix),
            false => format!("{}/{suffix}", run.prefix),
        };
        let mut change = ObjectChange::of(ObjectOperation::Create, identifier);
        change.template = Some(run.template.clone());
        for (name, value) in &run.values {
            let value = match value {
                Json::String(text) if text.contains('{') => {
                    Json::String(Pattern::parse(text)?.fill(number, &self.date, none)?)
                }
                other => other.clone(),
            };
            change.values.insert(name.clone(), value);
        }
        Ok(change)
    }

    fn check(&self) -> Result<Pattern, Error> {
        let run = &self.run;
        let pattern = Pattern::parse(&run.pattern)?;
        if !pattern.counts() || pattern.is_random() {
            let zh = "批次样式须含 {n}，且不能含随机部分".to_owned();
            return Err(wrong("pattern", "bad-pattern", zh, "the pattern of a run holds {n} and no chance".into()));
        }
        if run.from < 0 || run.to < run.from || run.to - run.from >= SERIALS {
            let (zh, en) = (format!("序号范围应为 1–{SERIALS} 个"), format!("a run has 1 to {SERIALS} serials"));
            return Err(wrong("to", "out-of-range", zh, en));
        }
        for (name, value) in &run.values {
            let Json::String(text) = value else { continue };
            if text.contains('{') && Pattern::parse(text)?.is_random() {
                let (zh, en) = ("批次取值不能含随机部分", "values of a run hold no chance");
                return Err(wrong(&format!("values.{name}"), "bad-pattern", zh.into(), en.into()));
            }
        }
        Ok(pattern)
    }
}

impl Objects {
    /// Makes a job that registers a run. Its first and last serial are tried at once, so that a wrong value is refused
    /// here and not in the middle.
    pub async fn create_run(&self, caller: &Caller, new: &NewRun) -> Result<Job, Error> {
        self.registry.authorise(caller, Permission::ObjectWrite, "job").await?;
        let date = date_in_china(caller.at).strftime("%Y%m%d").to_string();
        let mut settings = RunSettings { run: new.clone(), date };
        let pattern = settings.check()?;
        let tries = [settings.change(&pattern, new.from)?, settings.change(&pattern, new.to)?];
        let tries = if new.from == new.to { &tries[..1] } else { &tries[..] };
        let manner = Manner { atomic: false, dry: true, mark: "", progress: None };
        let tried = self.change(caller, tries, manner).await?;
        if let Some(outcome) = tried.outcomes.iter().find(|it| !it.code.is_empty() && it.code != "object-exists") {
            let fields = outcome.fields.clone();
            let refusal = Refusal::new(Kind::Invalid, "run-refused", outcome.zh.clone(), outcome.en.clone());
            return Err(Refusal { fields, ..refusal }.into());
        }
        let mut act = self.registry.begin(caller, Permission::ObjectWrite, "job").await?;
        settings.run.template = templates::usable(act.sql(), &new.template, caller.organisation()).await?.handle;
        let name = format!("{} {} {}–{}", new.prefix, new.pattern, new.from, new.to);
        let mut kept = Objects::new_job(&act, JobKind::Run, JobState::Applying, &name);
        (kept.job.settings, kept.job.total) = (serde_json::to_value(&settings)?, new.to - new.from + 1);
        self.enter_job(act, kept).await
    }

    pub(super) async fn work_run(&self, kept: Kept, clock: Clock) -> Result<(), Error> {
        let settings: RunSettings = serde_json::from_value(kept.job.settings.clone())?;
        let pattern = settings.check()?;
        let mut tally = kept.job.tally;
        let mut next = settings.run.from + tally.rows;
        let stride = i64::try_from(CHUNK).unwrap_or(1);
        while next <= settings.run.to {
            let last = (next + stride - 1).min(settings.run.to);
            let changes = (next..=last).map(|number| settings.change(&pattern, number));
            let changes = changes.collect::<Result<Vec<_>, _>>()?;
            let before = tally;
            let note = |done: &ObjectBatchOutcome| {
                let tally = before.with(changes.len(), 0, done);
                Ok((tally, tally.refused))
            };
            let progress = Some(Progress { job: &kept.job.id, note: &note });
            let manner = Manner { atomic: false, dry: false, mark: &kept.job.id, progress };
            let caller = kept.caller(clock());
            let done = self.change_remembering(&caller, &changes, manner, &mut Memory::default()).await?;
            tally = before.with(changes.len(), 0, &done);
            next = last + 1;
            let mut connection = self.registry.database().reader().acquire().await?;
            let now = super::job::find(&mut connection, &kept.job.id).await?;
            if now.is_none_or(|now| now.job.state != JobState::Applying) {
                return Ok(());
            }
        }
        let at = clock();
        let done = |job: &mut Job| (job.state, job.finished) = (JobState::Done, Some(at));
        self.alter_job(&kept.job.id, at, done).await.map(|_| ())
    }
}
