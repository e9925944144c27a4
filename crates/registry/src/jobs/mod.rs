//! Long work on objects: files of any length in and out, and runs of serial numbers, as jobs.
//!
//! A job is a row of SQL and a folder of files. [`Objects::work`] takes the next one and works it off in chunks of
//! [`CHUNK`] rows; each chunk is one act, which also says how far the job is, so a job that is killed goes on where it
//! was and does nothing twice. Between two chunks it looks whether somebody wants it to pause or to end. Memory does
//! not grow with the file but for eight octets a row, by which a name that comes twice is found.

pub mod columns;
mod export;
mod import;
pub mod job;
mod run;
pub mod table;
mod write_table;

pub use export::{ExportFormat, ExportSettings, NewExport};
pub use run::{NewRun, RunSettings};

use crate::act::Act;
use crate::caller::{Caller, Time};
use crate::error::{Error, FieldRefusal, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::objects::Objects;
use crate::objects::change::ObjectBatchOutcome;
use crate::permission::Permission;
use columns::{ImportSettings, RowError};
use job::{BadRows, Job, JobKind, JobState, Kept, Tally, absent, wrong_state};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Row as _;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;

/// Rows of one act.
pub const CHUNK: usize = 1_000;
/// Errors of one page.
const ERRORS_PAGE: usize = 200;
/// Jobs of one organisation that are not ended.
const UNENDED: i64 = 100;

/// The time, asked for whenever a job has gone on.
pub type Clock = fn() -> Time;

/// Which jobs are wanted.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct JobFilter {
    /// `import`, `export` or `run`.
    pub kind: Option<String>,
    pub state: Option<String>,
    /// Part of the file's name.
    pub name: Option<String>,
}

/// What was found wrong.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowErrors {
    pub items: Vec<RowError>,
    pub total: i64,
    /// What to send as `after` for more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// What somebody wants of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JobWish {
    Check,
    Apply,
    Pause,
    Resume,
    Cancel,
}

fn faulty(error: impl std::fmt::Display) -> Error {
    Error::Fault(error.to_string())
}

impl Objects {
    /// Where the files of a job are.
    pub(super) fn job_folder(&self, id: &str) -> Result<PathBuf, Error> {
        let folder = self.jobs.as_ref().ok_or_else(|| faulty("this node has no folder for jobs"))?;
        Ok(folder.join(id))
    }

    /// A job that the caller reaches.
    async fn reached_job(&self, caller: &Caller, permission: Permission, id: &str) -> Result<Kept, Error> {
        let object = format!("job {id}");
        self.registry.authorise(caller, permission, &object).await?;
        let mut connection = self.registry.database().reader().acquire().await?;
        let kept = job::find(&mut connection, id).await?.ok_or_else(|| absent(id))?;
        drop(connection);
        let owner = Some(kept.job.organisation.as_str()).filter(|owner| !owner.is_empty());
        self.registry.reach(caller, permission, owner, &object, absent(id)).await?;
        Ok(kept)
    }

    pub async fn job(&self, caller: &Caller, id: &str) -> Result<Job, Error> {
        Ok(self.reached_job(caller, Permission::ObjectRead, id).await?.job)
    }

    pub async fn jobs(&self, caller: &Caller, filter: &JobFilter, listing: &Listing) -> Result<Page<Job>, Error> {
        self.registry.authorise(caller, Permission::ObjectRead, "job").await?;
        let mut wanted = Filter::new("job", job::COLUMNS);
        wanted.equal("organisation", caller.organisation());
        wanted.equal("kind", filter.kind.as_deref());
        wanted.equal("state", filter.state.as_deref());
        wanted.containing("name", filter.name.as_deref());
        let sortable = [Column::Number("created"), Column::Number("updated"), Column::Text("name")];
        let read = |row: &_| job::read(row).map(|kept| kept.job);
        wanted.page(&self.registry, listing, &sortable, "-created", Column::Text("id"), read).await
    }

    /// Enters a job.
    async fn enter_job(&self, mut act: Act, kept: Kept) -> Result<Job, Error> {
        let owner = Some(kept.job.organisation.clone()).filter(|owner| !owner.is_empty());
        let count = "SELECT COUNT(*) FROM job WHERE organisation = $1 AND state NOT IN ('done', 'cancelled', 'failed')";
        let row = sqlx::query(count).bind(&kept.job.organisation).fetch_one(act.sql()).await?;
        if row.try_get::<i64, _>(0)? >= UNENDED {
            let (zh, en) = ("未结束的任务过多，请先处理或取消", "too many jobs are not ended; finish or cancel some");
            return Err(Refusal::new(crate::error::Kind::Limit, "too-many-jobs", zh, en).into());
        }
        job::insert(act.sql(), &kept).await?;
        act.record("job.create", &format!("job {}", kept.job.id), owner.as_deref(), json!(null), json!(kept.job));
        let answer = act.commit(kept.job).await?;
        self.bell.notify_one();
        Ok(answer)
    }

    fn new_job(act: &Act, kind: JobKind, state: JobState, name: &str) -> Kept {
        let caller = &act.caller;
        let job = Job {
            id: act.fresh_id("job"),
            kind,
            state,
            organisation: caller.organisation().unwrap_or_default().to_owned(),
            name: name.chars().take(255).collect(),
            digest: String::new(),
            total: 0,
            tally: Tally::default(),
            errors: 0,
            settings: json!({}),
            bad_rows: BadRows::default(),
            message: String::new(),
            author: caller.name.clone(),
            created: act.now(),
            updated: act.now(),
            finished: None,
            version: 1,
        };
        Kept { job, everywhere: caller.organisation().is_none() }
    }

    /// Changes columns, prefix, operation or template of an import that does not run.
    pub async fn set_import(
        &self,
        caller: &Caller,
        id: &str,
        version: Option<i64>,
        settings: &ImportSettings,
    ) -> Result<Job, Error> {
        let object = format!("job {id}");
        let (act, before) = self.begin_on_job(caller, id).await?;
        if before.job.kind != JobKind::Import || !matches!(before.job.state, JobState::Uploaded | JobState::Checked) {
            return Err(wrong_state(before.job.state));
        }
        if version.is_some_and(|seen| seen != before.job.version) {
            return Err(Refusal::stale(before.job.version).into());
        }
        let known: ImportSettings = serde_json::from_value(before.job.settings.clone())?;
        let settings = ImportSettings { headings: known.headings, ..settings.clone() };
        let mut act = act;
        let owner = Some(before.job.organisation.as_str()).filter(|owner| !owner.is_empty());
        let template = crate::templates::usable(act.sql(), &settings.template, owner).await?;
        let settings = ImportSettings { template: template.handle.clone(), ..settings };
        settings.check(&template).map_err(|(field, zh, en)| {
            Error::from(Refusal::fields(vec![FieldRefusal::new(field, "bad-settings", zh, en)]))
        })?;
        import::remember(&mut act, &before.job.organisation, &settings).await?;
        let mut after = before.clone();
        after.job.settings = serde_json::to_value(&settings)?;
        (after.job.state, after.job.tally, after.job.errors) = (JobState::Uploaded, Tally::default(), 0);
        self.restate_job(act, &before, after, "job.write", &object).await
    }

    async fn begin_on_job(&self, caller: &Caller, id: &str) -> Result<(Act, Kept), Error> {
        let object = format!("job {id}");
        let mut act = self.registry.begin(caller, Permission::ObjectWrite, &object).await?;
        let before = job::find(act.sql(), id).await?.ok_or_else(|| absent(id))?;
        let owner = Some(before.job.organisation.clone()).filter(|owner| !owner.is_empty());
        let act = act.reach(owner.as_deref(), &object, absent(id)).await?;
        Ok((act, before))
    }

    async fn restate_job(
        &self,
        mut act: Act,
        before: &Kept,
        mut after: Kept,
        what: &str,
        object: &str,
    ) -> Result<Job, Error> {
        (after.job.updated, after.job.version) = (act.now(), before.job.version + 1);
        if !job::update(act.sql(), &after, before.job.version).await? {
            return Err(Refusal::stale(before.job.version + 1).into());
        }
        let owner = Some(before.job.organisation.as_str()).filter(|owner| !owner.is_empty());
        let (old, new) = crate::act::difference(&before.job, &after.job);
        act.record(what, object, owner, old, new);
        let answer = act.commit(after.job).await?;
        self.bell.notify_one();
        Ok(answer)
    }

    /// Checks, applies, pauses, resumes or cancels a job.
    pub async fn wish_job(&self, caller: &Caller, id: &str, wish: JobWish, bad_rows: BadRows) -> Result<Job, Error> {
        use JobState::{Applying, Cancelled, Checked, Checking, Paused, Uploaded};
        let (act, before) = self.begin_on_job(caller, id).await?;
        let mut after = before.clone();
        let (state, import) = (before.job.state, before.job.kind == JobKind::Import);
        after.job.state = match (wish, state) {
            (JobWish::Check, Uploaded | Checked) if import => Checking,
            (JobWish::Apply, Uploaded | Checked) if import => Applying,
            (JobWish::Pause, Applying) => Paused,
            (JobWish::Resume, Paused) => Applying,
            (JobWish::Cancel, state) if !matches!(state, JobState::Done | Cancelled | JobState::Failed) => Cancelled,
            _ => return Err(wrong_state(state)),
        };
        if matches!(wish, JobWish::Check | JobWish::Apply) {
            let settings: ImportSettings = serde_json::from_value(before.job.settings.clone())?;
            if settings.template.is_empty() {
                let (zh, en) = ("请先指定模板和列的含义", "say first which template it is and what the columns are");
                return Err(Refusal::fields(vec![FieldRefusal::new("template", "missing", zh, en)]).into());
            }
            (after.job.tally, after.job.errors, after.job.bad_rows) = (Tally::default(), 0, bad_rows);
        }
        if after.job.state == Cancelled {
            after.job.finished = Some(act.now());
        }
        self.restate_job(act, &before, after, "job.write", &format!("job {id}")).await
    }

    /// What was found wrong, from the entry `after` on.
    pub async fn job_errors(&self, caller: &Caller, id: &str, after: i64) -> Result<RowErrors, Error> {
        let kept = self.reached_job(caller, Permission::ObjectRead, id).await?;
        let path = self.job_folder(id)?.join(import::ERRORS);
        let skip = usize::try_from(after.max(0)).unwrap_or(usize::MAX);
        let total = kept.job.errors;
        let read = move || -> Result<Vec<RowError>, Error> {
            let Ok(file) = std::fs::File::open(&path) else { return Ok(Vec::new()) };
            let most = usize::try_from(total).unwrap_or(0).saturating_sub(skip).min(ERRORS_PAGE);
            let lines = BufReader::new(file).lines().skip(skip).take(most);
            lines.map(|line| Ok(serde_json::from_str(&line.map_err(faulty)?)?)).collect()
        };
        let items = tokio::task::spawn_blocking(read).await.map_err(faulty)??;
        let reached = after.max(0) + i64::try_from(items.len()).unwrap_or(0);
        let next = (reached < total && !items.is_empty()).then_some(reached);
        Ok(RowErrors { items, total, next })
    }

    /// A file that a job has made: its path, and the name that it is saved under.
    pub async fn job_file(&self, caller: &Caller, id: &str, errors: bool) -> Result<(PathBuf, String), Error> {
        let kept = self.reached_job(caller, Permission::ObjectRead, id).await?;
        let folder = self.job_folder(id)?;
        let stem = kept.job.name.rsplit_once('.').map_or(kept.job.name.as_str(), |(stem, _)| stem).to_owned();
        let start = if errors { import::ERROR_FILE } else { export::RESULT };
        for ending in ["xlsx", "csv", "jsonl"] {
            let path = folder.join(format!("{start}.{ending}"));
            if path.is_file() {
                let mark = if errors { "-errors" } else { "" };
                return Ok((path, format!("{stem}{mark}.{ending}")));
            }
        }
        let (zh, en) = ("任务没有可下载的文件，或尚未完成", "the job has no such file, or is not finished");
        Err(Refusal::new(crate::error::Kind::Absent, "no-file", zh, en).into())
    }

    /// Rings when there may be a job to work on.
    pub async fn job_rung(&self) {
        self.bell.notified().await;
    }

    /// Works on the next job until it ends or rests; says whether there was one.
    pub async fn work(&self, clock: Clock) -> Result<bool, Error> {
        let select = "SELECT id FROM job WHERE state IN ('checking', 'applying') ORDER BY updated, id LIMIT 1";
        let row = sqlx::query(select).fetch_optional(self.registry.database().reader()).await?;
        let Some(row) = row else { return Ok(false) };
        let id: String = row.try_get(0)?;
        let mut connection = self.registry.database().reader().acquire().await?;
        let Some(kept) = job::find(&mut connection, &id).await? else { return Ok(true) };
        drop(connection);
        let outcome = match kept.job.kind {
            JobKind::Import => self.work_import(kept, clock).await,
            JobKind::Export => self.work_export(kept, clock).await,
            JobKind::Run => self.work_run(kept, clock).await,
        };
        match outcome {
            Ok(()) => Ok(true),
            Err(Error::Refused(refusal)) if refusal.kind != crate::error::Kind::Unavailable => {
                self.fail_job(&id, &format!("{} {}", refusal.zh, refusal.en), clock()).await?;
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    async fn fail_job(&self, id: &str, message: &str, at: Time) -> Result<(), Error> {
        let message: String = message.chars().take(1_000).collect();
        self.alter_job(id, at, |job| {
            (job.state, job.message, job.finished) = (JobState::Failed, message.clone(), Some(at));
        })
        .await
        .map(|_| ())
    }

    /// Changes the row of a job that runs; `None` if it was told to rest or end meanwhile.
    async fn alter_job(&self, id: &str, at: Time, alter: impl Fn(&mut Job)) -> Result<Option<Kept>, Error> {
        let mut write = self.registry.database().begin_write().await?;
        let Some(before) = job::find(&mut write.transaction, id).await? else { return Ok(None) };
        if !before.job.state.runs() {
            return Ok(None);
        }
        let mut after = before.clone();
        alter(&mut after.job);
        (after.job.updated, after.job.version) = (at, before.job.version + 1);
        job::update(&mut write.transaction, &after, before.job.version).await?;
        write.transaction.commit().await?;
        Ok(Some(after))
    }
}

/// How far a job is, written in the very act that brings it there.
#[derive(Clone, Copy)]
pub struct Progress<'a> {
    pub job: &'a str,
    /// Takes what came of a chunk, and says how far the job is with it: rows and errors. It has written the errors down.
    pub note: &'a Note<'a>,
}

/// See [`Progress::note`].
pub type Note<'a> = dyn Fn(&ObjectBatchOutcome) -> Result<(Tally, i64), Error> + Send + Sync + 'a;

impl Progress<'_> {
    pub(crate) async fn write(
        &self,
        connection: &mut sqlx::AnyConnection,
        done: &ObjectBatchOutcome,
        at: Time,
    ) -> Result<(), Error> {
        let (tally, errors) = (self.note)(done)?;
        let update = "UPDATE job SET tally = $1, errors = $2, updated = $3, version = version + 1 WHERE id = $4";
        let update = sqlx::query(update).bind(serde_json::to_string(&tally)?).bind(errors).bind(at).bind(self.job);
        update.execute(connection).await?;
        Ok(())
    }
}

impl Tally {
    /// With what came of a chunk of so many rows, `refused` of which did not become changes.
    pub fn with(self, rows: usize, refused: usize, done: &ObjectBatchOutcome) -> Tally {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        Tally {
            rows: self.rows + count(rows),
            created: self.created + count(done.created),
            changed: self.changed + count(done.changed),
            unchanged: self.unchanged + count(done.unchanged),
            refused: self.refused + count(refused + done.refused),
        }
    }
}
