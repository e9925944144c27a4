//! `hufu import`: the rows of a CSV file become registered identifiers.
//!
//! The file is streamed, a window of rows is under way at once, and a journal beside the file tells how far
//! everything is answered for. A second run finds what is there, so nothing is registered twice.

mod columns;
mod journal;
mod rows;
mod tally;
mod upload;

pub use columns::FORMULA;
pub use journal::with_suffix;

use self::columns::Columns;
use self::journal::{Fingerprint, Journal};
use self::rows::{Place, Row, Rows};
use self::tally::{ErrorFile, Outcome, Tally, rows_per_second};
use self::upload::{OnConflict, Uploader};
use super::connection::AdminArgs;
use super::error::{CliError, Exit};
use super::identifiers;
use super::screen::Screen;
use clap::Args;
use hufu_client::Client;
use hufu_ident::{Prefix, Reference};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value as Json, json};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How often the journal is brought up to date.
const JOURNAL_EVERY: Duration = Duration::from_millis(500);
/// Rows kept behind one that takes long, as multiples of the window.
const PATIENCE: usize = 4;

/// Arguments of `hufu import`.
#[derive(Debug, Args)]
#[command(after_help = "The header names a column `identifier` (whole) or `suffix` (below the prefix). Every other \
column is a value: TYPE or INDEX:TYPE, with ;base64 or ;hex for octets; HS_ADMIN is written [RIGHTS@]INDEX:HANDLE. \
Columns without index are numbered from 1. An empty cell is no value.\n\nFILE.progress beside the file remembers how \
far the import came; it is removed at the end.")]
pub struct ImportArgs {
    /// The CSV file: UTF-8, with a header line
    pub file: PathBuf,
    /// The prefix of all its identifiers
    #[arg(long)]
    pub prefix: String,
    #[command(flatten)]
    pub connection: AdminArgs,
    /// What to do with an identifier that exists with other values
    #[arg(long, value_enum, default_value_t = OnConflict::Fail)]
    pub on_conflict: OnConflict,
    /// Where rows that failed are written [default: FILE.errors.csv]
    #[arg(long, value_name = "FILE")]
    pub errors: Option<PathBuf>,
    /// Rows under way at once
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub window: u16,
    /// Go on where an earlier run stopped, and fail if that is not possible (without this, go on if possible)
    #[arg(long, conflicts_with = "restart")]
    pub resume: bool,
    /// Start at the first row, whatever an earlier run did
    #[arg(long)]
    pub restart: bool,
    /// Check every row, register none
    #[arg(long)]
    pub dry_run: bool,
    /// Do not add an HS_ADMIN value for the identity at index 100
    #[arg(long)]
    pub no_admin: bool,
    /// Cells that look like formulas have a `'` in front, as `hufu export --spreadsheet` writes them
    #[arg(long)]
    pub spreadsheet: bool,
}

pub async fn run(args: &ImportArgs, screen: &Screen) -> Result<Exit, CliError> {
    let prefix = identifiers::prefix(&args.prefix, screen)?;
    let mut rows = Rows::open(&args.file).map_err(|error| CliError::file(&args.file, &error))?;
    let header = rows.header().map_err(|why| in_file(args, why))?;
    let admin = administrator(args)?;
    let columns = Columns::read(&header, prefix.clone(), admin).map_err(|why| in_file(args, why))?;
    let columns = columns.with_quoted_formulas(args.spreadsheet);
    let errors = args.errors.clone().unwrap_or_else(|| with_suffix(&args.file, ".errors.csv"));
    let file = Fingerprint::of(&args.file).map_err(|error| CliError::file(&args.file, &error))?;
    let fresh = Journal {
        file,
        prefix: prefix.as_str().into(),
        place: Place::default(),
        tally: Tally::default(),
        errors_length: 0,
    };
    if args.dry_run {
        let errors = ErrorFile::open(&errors, 0).map_err(|error| CliError::file(&errors, &error))?;
        return Import::new(fresh, None, errors, columns, args, screen).run(&mut rows, None).await;
    }
    let path = Journal::path_of(&args.file);
    let journal = earlier(args, &path, &fresh, screen)?.unwrap_or(fresh);
    if journal.place.offset > 0 {
        rows.seek(journal.place).map_err(|why| in_file(args, why))?;
    }
    let uploader = uploader(args, &prefix, screen).await?;
    let errors = ErrorFile::open(&errors, journal.errors_length).map_err(|error| CliError::file(&errors, &error))?;
    Import::new(journal, Some(path), errors, columns, args, screen).run(&mut rows, Some(Arc::new(uploader))).await
}

fn in_file(args: &ImportArgs, why: String) -> CliError {
    CliError::usage(why).place(args.file.display().to_string())
}

/// Who administers the new records.
fn administrator(args: &ImportArgs) -> Result<Option<Reference>, CliError> {
    match &args.connection.identity.identity {
        Some(name) if !args.no_admin => {
            let wrong = || CliError::usage(format!("`{name}` is not INDEX:HANDLE")).place("--identity");
            Reference::parse(name).map(Some).ok_or_else(wrong)
        }
        None if !args.dry_run => {
            let next = "give --identity INDEX:HANDLE, such as 301:0.NA/PREFIX";
            Err(CliError::usage("an import needs an identity that may create").next(next))
        }
        _ => Ok(None),
    }
}

/// The state that an earlier run of the same file left, if this run shall go on from there.
fn earlier(args: &ImportArgs, path: &Path, fresh: &Journal, screen: &Screen) -> Result<Option<Journal>, CliError> {
    let found = Journal::load(path).filter(|_| !args.restart);
    let fits = |journal: &Journal| journal.file == fresh.file && journal.prefix == fresh.prefix;
    match found {
        Some(journal) if fits(&journal) => {
            let text = screen.pick("从上次中断处继续，行", "going on where the last run stopped, at line");
            screen.note(&format!("{text} {}", journal.place.line));
            Ok(Some(journal))
        }
        Some(_) if args.resume => {
            let error = CliError::usage("the file or the prefix is not that of the last run");
            Err(error.place(path.display().to_string()).next("start anew with --restart"))
        }
        None if args.resume => {
            let error = CliError::usage("there is nothing to go on with: no run was interrupted");
            Err(error.place(path.display().to_string()).next("leave --resume out"))
        }
        _ => Ok(None),
    }
}

async fn uploader(args: &ImportArgs, prefix: &Prefix, screen: &Screen) -> Result<Uploader, CliError> {
    let client = args.connection.client(Some(prefix.as_str()), screen).await?;
    let asker = Client::new(client.server().clone()).with_deadline(args.connection.via.timeout);
    let uploader = Uploader::start(client, asker, args.on_conflict).await?;
    if !uploader.is_logged_in().await {
        let zh = "该服务器不支持登录，每次变更单独证明，速度较慢";
        screen.note(screen.pick(zh, "the server knows no login: every change is proved by itself, which is slower"));
    }
    Ok(uploader)
}

/// A row that was read, and what became of it once that is known.
struct Pending {
    line: u64,
    end: Place,
    outcome: Option<Outcome>,
}

/// An import under way.
struct Import<'a> {
    args: &'a ImportArgs,
    screen: &'a Screen,
    columns: Columns,
    journal: Journal,
    /// Where the journal is kept; nowhere in a dry run.
    path: Option<PathBuf>,
    errors: ErrorFile,
    /// Rows in the order of the file; the first is not yet answered for.
    pending: VecDeque<Pending>,
    /// Rows that left `pending`.
    retired: u64,
    tasks: JoinSet<(u64, Result<Outcome, CliError>)>,
    bar: ProgressBar,
    start: Instant,
    saved: Instant,
}

impl<'a> Import<'a> {
    fn new(
        journal: Journal,
        path: Option<PathBuf>,
        errors: ErrorFile,
        columns: Columns,
        args: &'a ImportArgs,
        screen: &'a Screen,
    ) -> Self {
        let bar = progress_bar(&journal, screen);
        let (start, pending) = (Instant::now(), VecDeque::new());
        let (retired, tasks) = (0, JoinSet::new());
        Import { args, screen, columns, journal, path, errors, pending, retired, tasks, bar, start, saved: start }
    }

    async fn run(mut self, rows: &mut Rows, uploader: Option<Arc<Uploader>>) -> Result<Exit, CliError> {
        let finished = self.work(rows, uploader.as_ref()).await;
        self.bar.finish_and_clear();
        self.save()?;
        if let Err(error) = finished {
            let text = self.journal.tally.line(self.retired, self.start.elapsed(), self.screen);
            self.screen.note(&text);
            return Err(error);
        }
        if let Some(path) = &self.path {
            std::fs::remove_file(path).map_err(|error| CliError::file(path, &error))?;
        }
        self.report()
    }

    /// Reads, sends and settles until the file is done.
    async fn work(&mut self, rows: &mut Rows, uploader: Option<&Arc<Uploader>>) -> Result<(), CliError> {
        let window = usize::from(self.args.window);
        let mut ended = false;
        loop {
            while !ended && self.tasks.len() < window && self.pending.len() < window * PATIENCE {
                match rows.next().map_err(|why| in_file(self.args, why))? {
                    Some(row) => self.send(row, uploader),
                    None => ended = true,
                }
            }
            if let Some(done) = self.tasks.join_next().await {
                self.settle(done)?;
                while let Some(done) = self.tasks.try_join_next() {
                    self.settle(done)?;
                }
            }
            self.retire()?;
            if ended && self.pending.is_empty() {
                return Ok(());
            }
        }
    }

    fn send(&mut self, row: Row, uploader: Option<&Arc<Uploader>>) {
        let number = self.retired + self.pending.len() as u64;
        let outcome = match (self.columns.row(&row.record), uploader) {
            (Err(error), _) => Some(Outcome::Failed(error)),
            // A dry run: the row is good, and that is all.
            (Ok(_), None) => Some(Outcome::Skipped),
            (Ok((identifier, values)), Some(uploader)) => {
                let uploader = Arc::clone(uploader);
                self.tasks.spawn(async move { (number, uploader.register(&identifier, values).await) });
                None
            }
        };
        self.pending.push_back(Pending { line: row.line, end: row.end, outcome });
    }

    fn settle(
        &mut self,
        done: Result<(u64, Result<Outcome, CliError>), tokio::task::JoinError>,
    ) -> Result<(), CliError> {
        let (number, outcome) = done.map_err(|error| CliError::incident(format!("a task broke: {error}")))?;
        let place = number.checked_sub(self.retired).and_then(|at| self.pending.get_mut(usize::try_from(at).ok()?));
        if let Some(pending) = place {
            pending.outcome = Some(outcome?);
        }
        Ok(())
    }

    /// Takes the rows off the front that are answered for, and moves the journal on.
    fn retire(&mut self) -> Result<(), CliError> {
        while let Some(Pending { line, end, outcome: Some(_) }) = self.pending.front() {
            let (line, end) = (*line, *end);
            let Some(Pending { outcome: Some(outcome), .. }) = self.pending.pop_front() else { break };
            self.journal.tally.count(&outcome);
            if let Outcome::Failed(error) = &outcome {
                self.errors.add(line, error).map_err(|error| CliError::file(self.errors.path(), &error))?;
            }
            self.journal.place = end;
            self.retired += 1;
        }
        if self.saved.elapsed() >= JOURNAL_EVERY {
            self.save()?;
            self.saved = Instant::now();
            self.show();
        }
        Ok(())
    }

    /// Errors first, then the journal that counts on them.
    fn save(&mut self) -> Result<(), CliError> {
        let length = self.errors.flush().map_err(|error| CliError::file(self.errors.path(), &error))?;
        self.journal.errors_length = length;
        match &self.path {
            Some(path) => self.journal.save(path).map_err(|error| CliError::file(path, &error)),
            None => Ok(()),
        }
    }

    fn show(&self) {
        self.bar.set_position(self.journal.place.offset);
        let rate = rows_per_second(self.retired, self.start.elapsed());
        let rows = self.screen.pick("行", "rows");
        self.bar.set_message(format!("{} {rows} · {rate:.0}/s", self.journal.tally.rows()));
    }

    fn report(&self) -> Result<Exit, CliError> {
        let (tally, took) = (self.journal.tally, self.start.elapsed());
        let failed = tally.failed > 0;
        if self.screen.is_json() {
            let mut out = tally.to_json();
            if self.args.dry_run {
                out = json!({"good": tally.skipped, "failed": tally.failed});
            }
            out["rows"] = tally.rows().into();
            out["seconds"] = round(took.as_secs_f64());
            out["rowsPerSecond"] = round(rows_per_second(self.retired, took));
            out["errorsFile"] = failed.then(|| self.errors.path().display().to_string()).into();
            self.screen.json(&out)?;
        } else {
            let line = match self.args.dry_run {
                true => format!(
                    "{} {} · {} {}",
                    tally.skipped,
                    self.screen.pick("行合格", "rows are good"),
                    tally.failed,
                    self.screen.pick("行有误", "are not")
                ),
                false => tally.line(self.retired, took, self.screen),
            };
            self.screen.line(&line)?;
            if failed {
                let text = self.screen.pick("失败的行见", "the rows that failed are in");
                self.screen.line(&format!("{text} {}", self.errors.path().display()))?;
            }
        }
        Ok(if failed { Exit::No } else { Exit::Done })
    }
}

/// A number with three places, for people who read JSON.
fn round(number: f64) -> Json {
    ((number * 1000.0).round() / 1000.0).into()
}

/// Octets done of all, rows and their rate, time left; hidden unless a person watches.
fn progress_bar(journal: &Journal, screen: &Screen) -> ProgressBar {
    if !screen.is_watched() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(journal.file.size);
    let style = ProgressStyle::with_template("{bar:32} {bytes}/{total_bytes} · {msg} · ETA {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_position(journal.place.offset);
    bar.reset_eta();
    bar
}
