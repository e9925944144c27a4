//! `hufu export`: the identifiers of a prefix, with their values, to a file.
//!
//! JSON lines hold everything: one object `{"identifier","values":[…]}` to a line, values as `hufu resolve` writes
//! them, data that have no exact text in base64. CSV holds index, type and data, one column `INDEX:TYPE` (or
//! `INDEX:TYPE;base64`) for each that occurs, as `hufu import` reads it; TTLs and permissions are left out.

mod sheet;

use self::sheet::Sheet;
use super::connection::AdminArgs;
use super::error::{CliError, Exit};
use super::identifiers;
use super::import::with_suffix;
use super::remote::explain;
use super::screen::{Screen, written};
use super::values::value_json;
use crate::http::value_json::{data_from_json, data_to_json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, ValueEnum};
use hufu_client::{Client, ResolveOptions};
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_ident::{SelectionBuf, Value};
use indicatif::ProgressBar;
use serde_json::{Value as Json, json};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::task::JoinSet;

/// Identifiers resolved at once; a message of a listing holds 50 names.
const WINDOW: usize = 64;

/// Arguments of `hufu export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The prefix whose identifiers are written
    #[arg(long)]
    pub prefix: String,
    /// The form of the file [default: by the name of --out, else jsonl]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// The file [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Values without public read too
    #[arg(long)]
    pub all: bool,
    /// CSV: put a `'` before cells that a spreadsheet would take for a formula
    #[arg(long)]
    pub spreadsheet: bool,
    #[command(flatten)]
    pub connection: AdminArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table that `hufu import` reads back
    Csv,
    /// One JSON object to a line, exact
    Jsonl,
}

impl ExportArgs {
    fn format(&self) -> Format {
        let is_csv = |path: &PathBuf| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"));
        let by_name = || if self.out.as_ref().is_some_and(is_csv) { Format::Csv } else { Format::Jsonl };
        self.format.unwrap_or_else(by_name)
    }
}

/// One identifier and its values.
pub(super) struct Entry {
    pub identifier: String,
    pub values: Vec<Value>,
}

pub async fn run(args: &ExportArgs, screen: &Screen) -> Result<Exit, CliError> {
    let prefix = identifiers::prefix(&args.prefix, screen)?;
    let lister = args.connection.client(Some(prefix.as_str()), screen).await?;
    // Public values need no identity, and so no proof for each question.
    let public = Client::new(lister.server().clone()).with_deadline(args.connection.via.timeout);
    let asker = if args.all { lister.clone() } else { public };
    let mut target = Target::open(args)?;
    let bar = progress(screen);
    let place = lister.server().to_string();
    let mut listing = lister.list(prefix.as_str()).await.map_err(|error| explain(&error, &place))?;
    let mut count = 0u64;
    while let Some(names) = listing.next().await.map_err(|error| explain(&error, &place))? {
        for names in names.chunks(WINDOW) {
            for entry in resolve_all(&asker, names, args.all).await? {
                target.add(&entry)?;
                count += 1;
            }
            bar.set_message(format!("{count} {}", screen.pick("个标识", "identifiers")));
            bar.tick();
        }
    }
    bar.finish_and_clear();
    let left_out = target.finish()?;
    report(args, count, left_out, screen)
}

/// Resolves names at the same time; the result is in their order. A name that is gone meanwhile is left out.
async fn resolve_all(client: &Client, names: &[String], all: bool) -> Result<Vec<Entry>, CliError> {
    let mut tasks = JoinSet::new();
    for (at, name) in names.iter().enumerate() {
        let (client, name) = (client.clone(), name.clone());
        tasks.spawn(async move { (at, resolve(&client, name, all).await) });
    }
    let mut entries: Vec<(usize, Entry)> = Vec::with_capacity(names.len());
    while let Some(done) = tasks.join_next().await {
        let (at, entry) = done.map_err(|error| CliError::incident(format!("a task broke: {error}")))?;
        entries.extend(entry?.map(|entry| (at, entry)));
    }
    entries.sort_by_key(|(at, _)| *at);
    Ok(entries.into_iter().map(|(_, entry)| entry).collect())
}

async fn resolve(client: &Client, identifier: String, all: bool) -> Result<Option<Entry>, CliError> {
    let options =
        ResolveOptions { authoritative: true, public_only: !all, recursion: false, ..ResolveOptions::default() };
    match client.resolve(&identifier, &SelectionBuf::default(), options).await {
        Ok(mut found) => {
            found.values.sort_by_key(|value| value.index);
            Ok(Some(Entry { identifier, values: found.values }))
        }
        Err(error) => match error.code() {
            Some(ResponseCode::HANDLE_NOT_FOUND) => Ok(None),
            // Nothing of it is public.
            Some(ResponseCode::VALUES_NOT_FOUND) => Ok(Some(Entry { identifier, values: Vec::new() })),
            _ => Err(explain(&error, &format!("{identifier} at {}", client.server()))),
        },
    }
}

/// The object of an entry in JSON lines; data whose JSON does not give the same octets stand in base64.
fn entry_json(entry: &Entry) -> Json {
    let exact = |value: &Value| {
        let mut out = value_json(value);
        let same = data_from_json(&data_to_json(&value.kind, &value.data)).is_ok_and(|data| data == value.data);
        if !same {
            out["data"] = json!({"format": "base64", "value": STANDARD.encode(&value.data)});
        }
        out
    };
    json!({"identifier": entry.identifier, "values": entry.values.iter().map(exact).collect::<Json>()})
}

/// Where the export goes. A file comes into being under its name only when it is complete.
enum Target {
    Lines(Box<dyn Write + Send>, Option<Unfinished>),
    Sheet(Box<Sheet>, Option<PathBuf>),
}

/// A file that is not complete yet: removed unless it is [kept](Unfinished::keep).
pub(super) struct Unfinished {
    path: PathBuf,
    wanted: PathBuf,
}

impl Unfinished {
    pub fn create(wanted: &Path) -> Result<(Self, File), CliError> {
        let path = with_suffix(wanted, ".part");
        let file = File::create(&path).map_err(|error| CliError::file(&path, &error))?;
        Ok((Unfinished { path, wanted: wanted.to_owned() }, file))
    }

    pub fn keep(self) -> Result<(), CliError> {
        std::fs::rename(&self.path, &self.wanted).map_err(|error| CliError::file(&self.wanted, &error))
    }
}

impl Drop for Unfinished {
    /// After [`Unfinished::keep`] there is nothing left under this name.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Target {
    fn open(args: &ExportArgs) -> Result<Self, CliError> {
        if args.format() == Format::Csv {
            return Ok(Target::Sheet(Box::new(Sheet::open(args.out.as_deref(), args.spreadsheet)?), args.out.clone()));
        }
        match &args.out {
            None => Ok(Target::Lines(Box::new(BufWriter::new(io::stdout())), None)),
            Some(path) => {
                let (unfinished, file) = Unfinished::create(path)?;
                Ok(Target::Lines(Box::new(BufWriter::new(file)), Some(unfinished)))
            }
        }
    }

    fn add(&mut self, entry: &Entry) -> Result<(), CliError> {
        match self {
            Target::Lines(out, _) => written(writeln!(out, "{}", entry_json(entry))),
            Target::Sheet(sheet, _) => sheet.add(entry),
        }
    }

    /// Completes the file; the number of values whose TTL or permissions it does not hold.
    fn finish(self) -> Result<u64, CliError> {
        match self {
            Target::Lines(mut out, unfinished) => {
                written(out.flush())?;
                drop(out);
                unfinished.map_or(Ok(()), Unfinished::keep)?;
                Ok(0)
            }
            Target::Sheet(sheet, None) => sheet.write(BufWriter::new(io::stdout())),
            Target::Sheet(sheet, Some(path)) => {
                let (unfinished, file) = Unfinished::create(&path)?;
                let left_out = sheet.write(BufWriter::new(file))?;
                unfinished.keep()?;
                Ok(left_out)
            }
        }
    }
}

fn progress(screen: &Screen) -> ProgressBar {
    if !screen.is_watched() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn report(args: &ExportArgs, count: u64, left_out: u64, screen: &Screen) -> Result<Exit, CliError> {
    if screen.is_json() {
        if let Some(out) = &args.out {
            let out = out.display().to_string();
            screen.json(&json!({"identifiers": count, "file": out, "valuesWithoutTtlOrPermissions": left_out}))?;
        }
        return Ok(Exit::Done);
    }
    screen.note(&format!("{count} {}", screen.pick("个标识已导出", "identifiers exported")));
    if left_out > 0 {
        let zh = "个值有自己的TTL或权限，CSV不保存；需要时用 --format jsonl";
        let en = "values have a TTL or permissions of their own, which CSV does not hold; --format jsonl does";
        screen.note(&format!("{left_out} {}", screen.pick(zh, en)));
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_lines_are_exact() {
        // An RSA key without the usual tail has no exact form as JWK.
        let mut key = hufu_ident::systems::handle::PublicKey::rsa(&[1, 0, 1], &[0x80, 1]).to_bytes();
        let whole = key.clone();
        key.truncate(key.len() - 4);
        let values = vec![
            Value::new(1, "URL", "https://a"),
            Value::new(2, "HS_PUBKEY", whole),
            Value::new(3, "HS_PUBKEY", key.clone()),
        ];
        let json = entry_json(&Entry { identifier: "88.118.8/a".into(), values: values.clone() });
        let formats: Vec<_> = (0..3).map(|at| json["values"][at]["data"]["format"].as_str().unwrap()).collect();
        assert_eq!(formats, ["string", "key", "base64"]);
        for (at, value) in values.iter().enumerate() {
            assert_eq!(data_from_json(&json["values"][at]["data"]).unwrap(), value.data);
        }
    }
}
