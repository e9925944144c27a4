//! Imports: a file of rows becomes objects.
//!
//! The file is looked at when it arrives: its format, headings and number of rows. A check goes through every row and
//! changes nothing; applying with `all-or-nothing` checks first and stops at the first sight of an error, with `skip`
//! it leaves the wrong rows out. Either writes each error with sheet, row and column, and gives the wrong rows back in
//! a file. Applied a second time, a `put` finds everything as it should be.

use super::columns::{ColumnUse, ImportSettings, RowError, propose};
use super::job::{self, BadRows, Job, JobKind, JobState, Kept, Tally};
use super::table::{self, TableFault, TableFormat, TableRow};
use super::write_table::{TableWriter, WriteFormat};
use super::{CHUNK, Clock, Progress, faulty};
use crate::act::Act;
use crate::caller::Caller;
use crate::error::{Error, Kind, Refusal};
use crate::objects::change::{ObjectBatchOutcome, ObjectChange, ObjectOperation, OutcomeKind};
use crate::objects::{Manner, Memory, Objects};
use crate::permission::Permission;
use crate::templates;
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tokio::sync::mpsc;

/// Name of the file that was sent.
const SOURCE: &str = "source";
/// Errors, one JSON object a line.
pub(super) const ERRORS: &str = "errors.jsonl";
/// The wrong rows with what is wrong with them.
pub(super) const ERROR_FILE: &str = "errors";
/// Errors that are written down; more are only counted no further: the job stops.
const ERRORS_MOST: i64 = 1_000_000;
/// Chunks that wait between the reader and the registry.
const AHEAD: usize = 2;

fn refused(fault: TableFault) -> Error {
    Refusal::new(Kind::Invalid, fault.code, fault.zh, fault.en).into()
}

/// What a file says of itself.
struct Looked {
    headings: Vec<String>,
    rows: i64,
    digest: String,
}

fn look(path: &Path) -> Result<Looked, Error> {
    let (mut headings, mut rows) = (Vec::new(), 0_i64);
    table::read(path, &mut |row| {
        match headings.is_empty() {
            true => headings = row.cells,
            // Every further sheet has headings of its own, as the first.
            false if row.cells == headings => {}
            false => rows += 1,
        }
        true
    })
    .map_err(refused)?;
    if headings.is_empty() {
        return Err(Refusal::new(Kind::Invalid, "file-empty", "文件没有数据", "the file has no rows").into());
    }
    let (mut digest, mut piece) = (Sha256::new(), vec![0; 64 << 10]);
    let mut file = File::open(path).map_err(faulty)?;
    loop {
        let read = file.read(&mut piece).map_err(faulty)?;
        if read == 0 {
            break;
        }
        digest.update(&piece[..read]);
    }
    Ok(Looked { headings, rows, digest: hex::encode(digest.finalize()) })
}

/// What recognises a form: its headings.
fn form_of(headings: &[String]) -> String {
    hex::encode(Sha256::digest(headings.join("\u{1f}").as_bytes()))
}

/// Remembers what the columns of such a form are, for the next file like it.
pub(super) async fn remember(act: &mut Act, organisation: &str, settings: &ImportSettings) -> Result<(), Error> {
    let upsert = "INSERT INTO import_form (organisation, form, settings, updated) VALUES ($1, $2, $3, $4) \
                  ON CONFLICT (organisation, form) DO UPDATE SET settings = excluded.settings, \
                  updated = excluded.updated";
    let now = act.now();
    let upsert = sqlx::query(upsert).bind(organisation).bind(form_of(&settings.headings));
    upsert.bind(serde_json::to_string(settings)?).bind(now).execute(act.sql()).await?;
    Ok(())
}

impl Objects {
    /// A new file for somebody who sends one: nobody else's until [`Objects::create_import`] takes it.
    pub fn upload_path(&self) -> Result<PathBuf, Error> {
        let folder = self.jobs.as_ref().ok_or_else(|| faulty("this node has no folder for jobs"))?;
        Ok(folder.join(format!("new-{}", crate::id::fresh("upl", self.registry.random))))
    }

    /// A file has arrived: makes a job of it. Columns are those that the caller used for such a form before, else what
    /// the headings say.
    pub async fn create_import(
        &self,
        caller: &Caller,
        name: &str,
        upload: &Path,
        template: Option<&str>,
        prefix: Option<&str>,
    ) -> Result<Job, Error> {
        self.registry.authorise(caller, Permission::ObjectWrite, "job").await?;
        let path = upload.to_owned();
        let looked = tokio::task::spawn_blocking(move || look(&path)).await.map_err(faulty)??;
        let mut act = self.registry.begin(caller, Permission::ObjectWrite, "job").await?;
        let mut kept = Objects::new_job(&act, JobKind::Import, JobState::Uploaded, name);
        let owner = caller.organisation().unwrap_or_default().to_owned();
        let select = "SELECT settings FROM import_form WHERE organisation = $1 AND form = $2";
        let select = sqlx::query(select).bind(&owner).bind(form_of(&looked.headings));
        let remembered = select.fetch_optional(act.sql()).await?;
        let remembered: Option<ImportSettings> =
            remembered.map(|row| Ok::<_, Error>(serde_json::from_str(&row.try_get::<String, _>(0)?)?)).transpose()?;
        let named = template.or(remembered.as_ref().map(|known| known.template.as_str()));
        let found = match named {
            Some(named) => Some(templates::usable(act.sql(), named, caller.organisation()).await?),
            None => None,
        };
        let same = |known: &&ImportSettings| found.as_ref().is_some_and(|found| found.handle == known.template);
        let columns = match (&found, remembered.as_ref().filter(same)) {
            (_, Some(known)) => known.columns.clone(),
            (Some(template), None) => propose(&looked.headings, template),
            (None, None) => vec![ColumnUse::Ignored; looked.headings.len()],
        };
        let settings = ImportSettings {
            template: found.map(|template| template.handle).unwrap_or_default(),
            prefix: prefix
                .map(str::to_owned)
                .or(remembered.as_ref().map(|known| known.prefix.clone()))
                .unwrap_or_default(),
            operation: remembered.as_ref().map_or(ObjectOperation::Put, |known| known.operation),
            columns,
            headings: looked.headings,
        };
        kept.job.settings = serde_json::to_value(&settings)?;
        (kept.job.digest, kept.job.total) = (looked.digest, looked.rows);
        let folder = self.job_folder(&kept.job.id)?;
        std::fs::create_dir_all(&folder).map_err(faulty)?;
        std::fs::rename(upload, folder.join(SOURCE)).map_err(faulty)?;
        self.enter_job(act, kept).await
    }

    pub(super) async fn work_import(&self, kept: Kept, clock: Clock) -> Result<(), Error> {
        let folder = self.job_folder(&kept.job.id)?;
        let settings: ImportSettings = serde_json::from_value(kept.job.settings.clone())?;
        match kept.job.state {
            JobState::Checking => {
                if let Some(end) = self.go_through(&kept, &settings, &folder, true, clock).await? {
                    self.finish_import(&end, &settings, &folder, JobState::Checked, clock).await?;
                }
                Ok(())
            }
            // A job that goes on where it was killed has been checked.
            _ if kept.job.bad_rows == BadRows::AllOrNothing && kept.job.tally.rows == 0 => {
                let Some(end) = self.go_through(&kept, &settings, &folder, true, clock).await? else { return Ok(()) };
                if end.job.errors > 0 {
                    return self.finish_import(&end, &settings, &folder, JobState::Checked, clock).await;
                }
                let fresh = self.alter_job(&kept.job.id, clock(), |job| job.tally = Tally::default()).await?;
                let Some(fresh) = fresh else { return Ok(()) };
                self.apply(&fresh, &settings, &folder, clock).await
            }
            _ => self.apply(&kept, &settings, &folder, clock).await,
        }
    }

    async fn apply(&self, kept: &Kept, settings: &ImportSettings, folder: &Path, clock: Clock) -> Result<(), Error> {
        match self.go_through(kept, settings, folder, false, clock).await? {
            Some(end) => self.finish_import(&end, settings, folder, JobState::Done, clock).await,
            None => Ok(()),
        }
    }

    /// All rows from where the job is. `None` if it was told to rest or end meanwhile.
    async fn go_through(
        &self,
        kept: &Kept,
        settings: &ImportSettings,
        folder: &Path,
        dry: bool,
        clock: Clock,
    ) -> Result<Option<Kept>, Error> {
        let errors = ErrorLog::open(&folder.join(ERRORS), kept.job.errors)?;
        let errors = Mutex::new(errors);
        let (sender, mut chunks) = mpsc::channel::<Vec<TableRow>>(AHEAD);
        let (path, headings) = (folder.join(SOURCE), settings.headings.clone());
        let reader = tokio::task::spawn_blocking(move || read_chunks(&path, &headings, &sender));
        let mut memory = Memory::default();
        let mut tally = kept.job.tally;
        let mut passed = 0_i64;
        let mut current = kept.clone();
        while let Some(rows) = chunks.recv().await {
            let until = passed + i64::try_from(rows.len()).unwrap_or(0);
            let skip = usize::try_from((tally.rows - passed).clamp(0, until - passed)).unwrap_or(0);
            passed = until;
            // Rows that were done before: only their names are remembered, so that a later one is found to repeat them.
            rows[..skip].iter().for_each(|row| memory.see(&settings.change(&row.cells), self.rule()));
            let rows = &rows[skip..];
            if rows.is_empty() {
                continue;
            }
            let changes: Vec<ObjectChange> = rows.iter().map(|row| settings.change(&row.cells)).collect();
            let before = tally;
            let note = |done: &ObjectBatchOutcome| {
                let mut log = errors.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                log.add(settings, rows, done)?;
                Ok((before.with(rows.len(), 0, done), log.count))
            };
            let manner = Manner {
                atomic: false,
                dry,
                mark: &kept.job.id,
                progress: Some(Progress { job: &kept.job.id, note: &note }),
            };
            let caller = current.caller(clock());
            let done = self.change_remembering(&caller, &changes, manner, &mut memory).await?;
            tally = before.with(rows.len(), 0, &done);
            if errors.lock().unwrap_or_else(std::sync::PoisonError::into_inner).count > ERRORS_MOST {
                let (zh, en) = ("错误过多，请检查列的对应关系", "too many errors; check what the columns are");
                return Err(Refusal::new(Kind::Invalid, "too-many-errors", zh, en).into());
            }
            let mut connection = self.registry.database().reader().acquire().await?;
            match job::find(&mut connection, &kept.job.id).await? {
                Some(now) if now.job.state == kept.job.state => current = now,
                _ => return Ok(None),
            }
        }
        reader.await.map_err(faulty)?.map_err(refused)?;
        Ok(Some(current))
    }

    async fn finish_import(
        &self,
        kept: &Kept,
        settings: &ImportSettings,
        folder: &Path,
        state: JobState,
        clock: Clock,
    ) -> Result<(), Error> {
        let (folder, settings, name) = (folder.to_owned(), settings.clone(), kept.job.name.clone());
        let wrong = kept.job.errors > 0;
        let write = move || if wrong { give_back(&folder, &settings, &name) } else { forget_given_back(&folder) };
        tokio::task::spawn_blocking(write).await.map_err(faulty)??;
        let at = clock();
        self.alter_job(&kept.job.id, at, |job| {
            job.state = state;
            job.finished = (state == JobState::Done).then_some(at);
        })
        .await
        .map(|_| ())
    }
}

fn read_chunks(path: &Path, headings: &[String], sender: &mpsc::Sender<Vec<TableRow>>) -> Result<(), TableFault> {
    let mut chunk = Vec::with_capacity(CHUNK);
    let mut first = true;
    let mut open = true;
    table::read(path, &mut |row| {
        if std::mem::take(&mut first) || row.cells == headings {
            return true;
        }
        chunk.push(row);
        if chunk.len() == CHUNK {
            open = sender.blocking_send(std::mem::take(&mut chunk)).is_ok();
        }
        open
    })?;
    if open && !chunk.is_empty() {
        let _ = sender.blocking_send(chunk);
    }
    Ok(())
}

/// The errors of a job, one a line.
struct ErrorLog {
    file: BufWriter<File>,
    count: i64,
}

impl ErrorLog {
    /// Keeps the first `count` lines: what comes after them is from a chunk that was not finished.
    fn open(path: &Path, count: i64) -> Result<Self, Error> {
        let mut kept = 0_u64;
        if let Ok(file) = File::open(path) {
            let mut reader = BufReader::new(file);
            let mut line = Vec::new();
            for _ in 0..count {
                line.clear();
                kept += reader.read_until(b'\n', &mut line).map_err(faulty)? as u64;
            }
        }
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(faulty)?;
        file.set_len(kept).map_err(faulty)?;
        Ok(ErrorLog { file: BufWriter::new(file), count })
    }

    /// Writes down what is wrong with the rows of a chunk.
    fn add(&mut self, settings: &ImportSettings, rows: &[TableRow], done: &ObjectBatchOutcome) -> Result<(), Error> {
        for (row, outcome) in rows.iter().zip(&done.outcomes).filter(|(_, it)| it.outcome == OutcomeKind::Refused) {
            let error = |column: u32, heading: String, code: &str, zh: &str, en: &str| RowError {
                sheet: row.sheet.clone(),
                row: row.number,
                column,
                heading,
                code: code.to_owned(),
                zh: zh.to_owned(),
                en: en.to_owned(),
            };
            let mut errors: Vec<RowError> = Vec::new();
            for field in &outcome.fields {
                let (column, heading) = settings.column_of(&field.field);
                errors.push(error(column, heading, &field.code, &field.zh, &field.en));
            }
            if errors.is_empty() {
                let (column, heading) = settings.column_of("identifier");
                errors.push(error(column, heading, &outcome.code, &outcome.zh, &outcome.en));
            }
            for one in errors {
                serde_json::to_writer(&mut self.file, &one)?;
                self.file.write_all(b"\n").map_err(faulty)?;
                self.count += 1;
            }
        }
        self.file.flush().map_err(faulty)
    }
}

fn forget_given_back(folder: &Path) -> Result<(), Error> {
    for ending in ["xlsx", "csv"] {
        let path = folder.join(format!("{ERROR_FILE}.{ending}"));
        if path.exists() {
            std::fs::remove_file(path).map_err(faulty)?;
        }
    }
    Ok(())
}

/// The wrong rows as they came, each with what is wrong with it, in the format in which they came.
fn give_back(folder: &Path, settings: &ImportSettings, _name: &str) -> Result<(), Error> {
    forget_given_back(folder)?;
    let mut wrong: HashMap<(String, u32), String> = HashMap::new();
    let file = BufReader::new(File::open(folder.join(ERRORS)).map_err(faulty)?);
    for line in file.lines() {
        let error: RowError = serde_json::from_str(&line.map_err(faulty)?)?;
        let place = if error.heading.is_empty() { String::new() } else { format!("[{}] ", error.heading) };
        let text = wrong.entry((error.sheet, error.row)).or_default();
        if !text.is_empty() {
            text.push('；');
        }
        text.push_str(&format!("{place}{} / {}", error.zh, error.en));
    }
    let source = folder.join(SOURCE);
    let format = match table::format_of(&source).map_err(refused)? {
        TableFormat::Csv => WriteFormat::Csv,
        TableFormat::Xlsx => WriteFormat::Xlsx,
    };
    let mut out = TableWriter::create(folder, ERROR_FILE, format)?;
    let width = settings.headings.len();
    let mut headings = settings.headings.clone();
    headings.push("错误 Errors".into());
    out.row(&headings)?;
    let mut failed = None;
    table::read(&source, &mut |row| {
        let Some(text) = wrong.get(&(row.sheet.clone(), row.number)) else { return true };
        let mut cells = row.cells;
        cells.resize(width.max(cells.len()), String::new());
        cells.push(text.clone());
        failed = out.row(&cells).err();
        failed.is_none()
    })
    .map_err(refused)?;
    match failed {
        Some(error) => Err(error),
        None => out.finish(),
    }
}
