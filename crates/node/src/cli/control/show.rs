//! Answers of the API as tables for people and JSON for machines; problem documents as errors.

use super::Operation;
use crate::cli::error::{CliError, Exit};
use crate::cli::screen::{Lang, Screen, number, printable, table};
use comfy_table::Cell;
use hufu_client::WebAnswer;
use serde_json::Value as Json;
use std::io::Write;

/// Most characters of a text in a table.
const SHOWN: usize = 80;
/// Columns of a list whose operation names none.
const COLUMNS: usize = 7;

pub fn answer(operation: &Operation, answer: &WebAnswer, screen: &Screen) -> Result<Exit, CliError> {
    if answer.status >= 400 {
        return Err(refusal(answer, screen));
    }
    // A stream of lines is for other programs.
    if !answer.media_type().contains("json") || answer.media_type().contains("ndjson") {
        let mut out = std::io::stdout().lock();
        crate::cli::screen::written(out.write_all(&answer.body))?;
        return Ok(Exit::Done);
    }
    let body: Json = serde_json::from_slice(&answer.body)
        .map_err(|error| CliError::incident(format!("the answer is no JSON: {error}")))?;
    if screen.is_json() {
        screen.json(&body)?;
    } else if let Some(rows) = body["items"].as_array() {
        list(operation, rows, &body, screen)?;
    } else {
        let mut lines = table(&[screen.pick("字段", "Field"), screen.pick("值", "Value")]);
        fields("", &body, &mut |name, value| {
            lines.add_row([Cell::new(name), Cell::new(value)]);
        });
        screen.table(&lines)?;
    }
    // A check whose answer is “no” is a no to scripts, too.
    let no = ["whole", "available", "complete"].iter().any(|verdict| body[*verdict] == false);
    Ok(if no { Exit::No } else { Exit::Done })
}

fn list(operation: &Operation, rows: &[Json], body: &Json, screen: &Screen) -> Result<(), CliError> {
    let columns = match operation.columns.is_empty() {
        false => operation.columns.clone(),
        true => scalars(rows.first()),
    };
    let headings: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut lines = table(&headings);
    for row in rows {
        let at = |column: &String| column.split('.').fold(row, |value, name| &value[name]);
        lines.add_row(columns.iter().map(|column| cell(column, at(column))));
    }
    screen.table(&lines)?;
    let (shown, total) = (rows.len(), body["total"].as_i64().unwrap_or(rows.len() as i64));
    match body["next"].as_str() {
        Some(next) => screen.note(&match screen.lang {
            Lang::Zh => format!("显示 {shown} 条，共 {total} 条；下一页：--after {next}"),
            Lang::En => format!("{shown} of {total}; next page: --after {next}"),
        }),
        None => screen.note(&match screen.lang {
            Lang::Zh => format!("共 {total} 条"),
            Lang::En => format!("{total} in all"),
        }),
    }
    Ok(())
}

/// The first plain fields of a row.
fn scalars(row: Option<&Json>) -> Vec<String> {
    let fields = row.and_then(Json::as_object).into_iter().flatten();
    fields
        .filter(|(_, value)| !value.is_object() && !value.is_array())
        .map(|(name, _)| name.clone())
        .take(COLUMNS)
        .collect()
}

fn cell(name: &str, value: &Json) -> Cell {
    match value {
        Json::Number(plain) if !is_moment(name, value) => number(plain),
        _ => Cell::new(text(name, value)),
    }
}

fn text(name: &str, value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => cut(printable(text)),
        Json::Number(number) if is_moment(name, value) => moment(number.as_i64().unwrap_or_default()),
        Json::Array(all) if all.iter().all(Json::is_string) => {
            all.iter().filter_map(Json::as_str).map(printable).collect::<Vec<_>>().join(", ")
        }
        other => printable(&other.to_string()),
    }
}

/// Whether a number is a moment in milliseconds: some decades around now.
fn is_moment(name: &str, value: &Json) -> bool {
    name != "version" && value.as_i64().is_some_and(|number| (1_000_000_000_000..4_000_000_000_000).contains(&number))
}

/// With its milliseconds, so that it can be given back as an option.
fn moment(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).map_or_else(|_| millis.to_string(), |at| at.to_string())
}

/// A long text is for machines; people see how it begins.
fn cut(text: String) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// Every plain field with its dotted path; empty ones are left out.
fn fields(path: &str, value: &Json, row: &mut impl FnMut(String, String)) {
    let name = path.rsplit('.').next().unwrap_or_default();
    match value {
        Json::Object(members) => {
            for (key, member) in members {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                fields(&path, member, row);
            }
        }
        Json::Array(all) if all.iter().any(|one| one.is_object()) => {
            for (position, one) in all.iter().enumerate() {
                fields(&format!("{path}.{position}"), one, row);
            }
        }
        Json::Null => {}
        Json::String(text) if text.is_empty() => {}
        Json::Array(all) if all.is_empty() => {}
        plain => row(path.to_owned(), text(name, plain)),
    }
}

/// A problem document as an error of the command line.
fn refusal(answer: &WebAnswer, screen: &Screen) -> CliError {
    let problem: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
    let language = if screen.lang == Lang::Zh { "zh" } else { "en" };
    let what = problem[language].as_str().or(problem["detail"].as_str());
    let what = what.map_or_else(|| format!("HTTP {}", answer.status), str::to_owned);
    let what_is_said = what.clone();
    let error = match answer.status {
        400 | 405 | 413 | 415 | 422 => CliError::usage(what),
        500.. => CliError::incident(what),
        _ => CliError::no(what),
    };
    let error = error.code(problem["code"].as_str().unwrap_or_default());
    let fields = problem["errors"].as_array().into_iter().flatten();
    let lines: Vec<String> = fields
        .map(|field| {
            let (name, text) =
                (field["field"].as_str().unwrap_or_default(), field[language].as_str().unwrap_or_default());
            // One field, and its text is said already.
            if text == what_is_said { name.to_owned() } else { format!("{name}: {text}") }
        })
        .collect();
    if lines.is_empty() { error } else { error.place(lines.join("\n")) }
}
