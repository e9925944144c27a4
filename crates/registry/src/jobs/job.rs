//! A job: long work on objects, with its file, its progress and its end.
//!
//! ```text
//! import:  uploaded ──check──► checking ──► checked ──apply──► applying ──► done
//!             ▲                    │            │                  │
//!             └──── new mapping ───┴────────────┘                  ├─pause─► paused ─resume─► applying
//! export:  waiting ──► running ──► done                            │
//!                                              any that runs ──────┴─cancel─► cancelled;  a broken file ─► failed
//! ```

use crate::caller::{Caller, Origin, Scope, Time};
use crate::error::{Error, Kind, Refusal};
use crate::permission::{Permission, PermissionSet};
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JobKind {
    /// Objects from a file of rows.
    Import,
    /// A file of rows from objects.
    Export,
    /// Objects by a pattern, from a number to another.
    Run,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// The file is there; columns can be assigned.
    Uploaded,
    Checking,
    /// Every row was looked at, nothing was changed.
    Checked,
    Applying,
    Paused,
    Done,
    Cancelled,
    /// It cannot go on; `message` says why.
    Failed,
}

impl JobKind {
    const ALL: [JobKind; 3] = [JobKind::Import, JobKind::Export, JobKind::Run];

    pub const fn name(self) -> &'static str {
        match self {
            JobKind::Import => "import",
            JobKind::Export => "export",
            JobKind::Run => "run",
        }
    }
}

impl JobState {
    const ALL: [JobState; 8] = [
        JobState::Uploaded,
        JobState::Checking,
        JobState::Checked,
        JobState::Applying,
        JobState::Paused,
        JobState::Done,
        JobState::Cancelled,
        JobState::Failed,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            JobState::Uploaded => "uploaded",
            JobState::Checking => "checking",
            JobState::Checked => "checked",
            JobState::Applying => "applying",
            JobState::Paused => "paused",
            JobState::Done => "done",
            JobState::Cancelled => "cancelled",
            JobState::Failed => "failed",
        }
    }

    /// Whether somebody works on it, or shall.
    pub const fn runs(self) -> bool {
        matches!(self, JobState::Checking | JobState::Applying)
    }
}

/// What is to be done with rows that are wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BadRows {
    /// Nothing is applied if any row is wrong.
    #[default]
    AllOrNothing,
    /// They are left out, and given back in a file.
    Skip,
}

/// How many rows came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    pub rows: i64,
    pub created: i64,
    pub changed: i64,
    pub unchanged: i64,
    pub refused: i64,
}

/// A job as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    pub id: String,
    pub kind: JobKind,
    pub state: JobState,
    /// Whose; empty for the node itself.
    pub organisation: String,
    /// Name of the file.
    pub name: String,
    /// SHA-256 of the file, in hexadecimal.
    pub digest: String,
    /// Rows in all, without headings.
    pub total: i64,
    /// What has come of them so far.
    pub tally: Tally,
    /// Rows found wrong; listed by `errors`.
    pub errors: i64,
    /// What it is told to do: columns, template, filter.
    #[schema(value_type = Object)]
    pub settings: serde_json::Value,
    pub bad_rows: BadRows,
    /// Why it failed, in Chinese and English.
    pub message: String,
    pub author: String,
    pub created: Time,
    pub updated: Time,
    pub finished: Option<Time>,
    pub version: i64,
}

pub(super) const COLUMNS: &str = "id, kind, state, organisation, name, digest, total, tally, errors, settings, \
    bad_rows, message, author, created, updated, finished, version, everywhere";

/// A job and what runs it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kept {
    pub job: Job,
    /// Whether its author reached every organisation.
    pub everywhere: bool,
}

pub(super) fn read(row: &AnyRow) -> Result<Kept, Error> {
    let text = |at: usize| row.try_get::<String, _>(at);
    let number = |at: usize| row.try_get::<i64, _>(at);
    let (kind, state) = (text(1)?, text(2)?);
    let unknown = || Error::Fault(format!("a job of kind {kind:?} in state {state:?}"));
    let job = Job {
        id: text(0)?,
        kind: JobKind::ALL.into_iter().find(|known| known.name() == kind).ok_or_else(unknown)?,
        state: JobState::ALL.into_iter().find(|known| known.name() == state).ok_or_else(unknown)?,
        organisation: text(3)?,
        name: text(4)?,
        digest: text(5)?,
        total: number(6)?,
        tally: serde_json::from_str(&text(7)?)?,
        errors: number(8)?,
        settings: serde_json::from_str(&text(9)?)?,
        bad_rows: if text(10)? == "skip" { BadRows::Skip } else { BadRows::AllOrNothing },
        message: text(11)?,
        author: text(12)?,
        created: number(13)?,
        updated: number(14)?,
        finished: Some(number(15)?).filter(|at| *at != 0),
        version: number(16)?,
    };
    Ok(Kept { job, everywhere: number(17)? != 0 })
}

pub(super) async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<Kept>, Error> {
    const SELECT: &str = "SELECT id, kind, state, organisation, name, digest, total, tally, errors, settings, \
        bad_rows, message, author, created, updated, finished, version, everywhere FROM job WHERE id = $1";
    let row = sqlx::query(SELECT).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn insert(connection: &mut AnyConnection, kept: &Kept) -> Result<(), Error> {
    const INSERT: &str = "INSERT INTO job (id, kind, state, organisation, name, digest, total, tally, errors, settings, \
        bad_rows, message, author, created, updated, finished, version, everywhere) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    bind(sqlx::query(INSERT).bind(kept.job.id.clone()), kept)?
        .bind(i64::from(kept.everywhere))
        .execute(connection)
        .await?;
    Ok(())
}

type Statement = sqlx::query::Query<'static, sqlx::Any, sqlx::any::AnyArguments>;

/// Everything between the id and `everywhere`, in the order of [`COLUMNS`].
fn bind(statement: Statement, kept: &Kept) -> Result<Statement, Error> {
    let job = &kept.job;
    Ok(statement
        .bind(job.kind.name())
        .bind(job.state.name())
        .bind(job.organisation.clone())
        .bind(job.name.clone())
        .bind(job.digest.clone())
        .bind(job.total)
        .bind(serde_json::to_string(&job.tally)?)
        .bind(job.errors)
        .bind(serde_json::to_string(&job.settings)?)
        .bind(if job.bad_rows == BadRows::Skip { "skip" } else { "all-or-nothing" })
        .bind(job.message.clone())
        .bind(job.author.clone())
        .bind(job.created)
        .bind(job.updated)
        .bind(job.finished.unwrap_or(0))
        .bind(job.version))
}

/// Writes a job over the one of `version`; says whether it was still that.
pub(super) async fn update(connection: &mut AnyConnection, kept: &Kept, version: i64) -> Result<bool, Error> {
    const UPDATE: &str = "UPDATE job SET kind = $2, state = $3, organisation = $4, name = $5, digest = $6, total = $7, \
        tally = $8, errors = $9, settings = $10, bad_rows = $11, message = $12, author = $13, created = $14, \
        updated = $15, finished = $16, version = $17 WHERE id = $1 AND version = $18";
    let statement = bind(sqlx::query(UPDATE).bind(kept.job.id.clone()), kept)?.bind(version);
    Ok(statement.execute(connection).await?.rows_affected() == 1)
}

pub(super) fn absent(id: &str) -> Refusal {
    Refusal::absent("任务", "job", id)
}

pub(super) fn wrong_state(state: JobState) -> Error {
    let zh = format!("任务现为 {}，不能执行此操作", state.name());
    Refusal::new(Kind::Conflict, "job-state", zh, format!("this job is {}", state.name())).into()
}

impl Kept {
    /// Whoever the job acts for: its author, as far as the job goes.
    pub fn caller(&self, at: Time) -> Caller {
        let permissions: PermissionSet = [Permission::ObjectWrite, Permission::ObjectRead].into_iter().collect();
        let scope = match self.everywhere {
            true => Scope::Everywhere,
            false => Scope::Organisation(self.job.organisation.clone()),
        };
        Caller {
            origin: Origin::Node,
            name: format!("{} ({})", self.job.author, self.job.id),
            permissions,
            scope,
            request: self.job.id.clone(),
            ..Caller::node(at)
        }
    }
}
