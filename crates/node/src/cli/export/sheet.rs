//! A CSV file of records: the columns are known only at the end, so the rows wait in a file until then.

use super::Entry;
use crate::cli::error::CliError;
use crate::cli::import::{FORMULA, with_suffix};
use crate::cli::screen::written;
use crate::cli::slot::{Form, Slot, written as data_text};
use csv::{ReaderBuilder, StringRecord, Writer, WriterBuilder};
use hufu_ident::{Permissions, Ttl, Value};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Columns of a sheet; more is no table any more.
const COLUMNS: usize = 2048;

/// Rows under way: each as its identifier, then pairs of column number and text.
pub struct Sheet {
    waiting: Option<Writer<File>>,
    path: PathBuf,
    /// Columns with the number under which waiting rows name them.
    columns: BTreeMap<(u32, String, Form), usize>,
    spreadsheet: bool,
    left_out: u64,
}

impl Sheet {
    /// A sheet whose rows wait beside `out`, or in the directory for temporary files.
    pub fn open(out: Option<&Path>, spreadsheet: bool) -> Result<Self, CliError> {
        let beside = out.map(|out| with_suffix(out, ".rows"));
        let path =
            beside.unwrap_or_else(|| std::env::temp_dir().join(format!("hufu-export-{}.rows", std::process::id())));
        // A name in a directory that others write to must be new.
        let _ = std::fs::remove_file(&path);
        let file = File::options().read(true).write(true).create_new(true).open(&path);
        let file = file.map_err(|error| CliError::file(&path, &error))?;
        let waiting = WriterBuilder::new().flexible(true).from_writer(file);
        Ok(Sheet { waiting: Some(waiting), path, columns: BTreeMap::new(), spreadsheet, left_out: 0 })
    }

    pub fn add(&mut self, entry: &Entry) -> Result<(), CliError> {
        let mut row = vec![entry.identifier.clone()];
        for value in &entry.values {
            let (form, text) = data_text(&value.kind, &value.data);
            row.push(self.column(value, form)?.to_string());
            row.push(text);
            if value.ttl != Ttl::default() || value.permissions != Permissions::default() {
                self.left_out += 1;
            }
        }
        let path = &self.path;
        let written = self.waiting.as_mut().map_or(Ok(()), |waiting| waiting.write_record(&row));
        written.map_err(|error| CliError::incident(error.to_string()).place(path.display().to_string()))
    }

    /// The number of a value's column, which may be new.
    fn column(&mut self, value: &Value, form: Form) -> Result<usize, CliError> {
        let kind = String::from_utf8_lossy(&value.kind).into_owned();
        let next = self.columns.len();
        let number = *self.columns.entry((value.index, kind, form)).or_insert(next);
        match number < COLUMNS {
            true => Ok(number),
            false => {
                Err(CliError::no(format!("the values need more than {COLUMNS} columns")).next("use --format jsonl"))
            }
        }
    }

    /// Writes everything; the number of values whose TTL or permissions are left out.
    pub fn write(mut self, out: impl Write) -> Result<u64, CliError> {
        let broken = |error: &dyn std::fmt::Display, path: &Path| {
            CliError::incident(error.to_string()).place(path.display().to_string())
        };
        if let Some(mut waiting) = self.waiting.take() {
            waiting.flush().map_err(|error| broken(&error, &self.path))?;
        }
        let mut out = Writer::from_writer(out);
        let mut place = vec![0; self.columns.len()];
        let mut header = vec!["identifier".to_owned()];
        for (at, ((index, kind, form), number)) in self.columns.iter().enumerate() {
            place[*number] = at + 1;
            header.push(Slot { index: Some(*index), kind: kind.clone(), form: *form }.to_string());
        }
        let put = |result: csv::Result<()>| written(result.map_err(csv_io));
        put(out.write_record(&header))?;
        let rows = ReaderBuilder::new().has_headers(false).flexible(true).from_path(&self.path);
        for row in rows.map_err(|error| broken(&error, &self.path))?.into_records() {
            let row = row.map_err(|error| broken(&error, &self.path))?;
            put(out.write_record(self.spread(&row, &place)))?;
        }
        written(out.flush())?;
        Ok(self.left_out)
    }

    /// The cells of a waiting row, each in its column.
    fn spread(&self, row: &StringRecord, place: &[usize]) -> Vec<String> {
        let mut cells = vec![String::new(); place.len() + 1];
        cells[0] = self.escaped(row.get(0).unwrap_or_default());
        let mut rest = row.iter().skip(1);
        while let (Some(number), Some(text)) = (rest.next(), rest.next()) {
            let at = number.parse::<usize>().ok().and_then(|number| place.get(number));
            if let Some(cell) = at.and_then(|at| cells.get_mut(*at)) {
                *cell = self.escaped(text);
            }
        }
        cells
    }

    fn escaped(&self, text: &str) -> String {
        match self.spreadsheet && text.starts_with(FORMULA) {
            true => format!("'{text}"),
            false => text.to_owned(),
        }
    }
}

impl Drop for Sheet {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn csv_io(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(entries: &[Entry], spreadsheet: bool) -> String {
        let dir = tempfile::tempdir().unwrap();
        let mut sheet = Sheet::open(Some(&dir.path().join("x.csv")), spreadsheet).unwrap();
        entries.iter().for_each(|entry| sheet.add(entry).unwrap());
        let mut out = Vec::new();
        sheet.write(&mut out).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_those_that_occur() {
        let entry = |name: &str, values| Entry { identifier: format!("88.118.8/{name}"), values };
        let entries = [
            entry("A", vec![Value::new(2, "DESC", "=1+1"), Value::new(9, "BIN", [0, 1])]),
            entry("B", vec![Value::new(1, "URL", "https://b/?a,b"), Value::new(2, "DESC", "\"q\"")]),
            entry("C", vec![]),
        ];
        let text = sheet(&entries, false);
        assert_eq!(
            text,
            "identifier,1:URL,2:DESC,9:BIN;base64\n88.118.8/A,,=1+1,AAE=\n\
             88.118.8/B,\"https://b/?a,b\",\"\"\"q\"\"\",\n88.118.8/C,,,\n"
        );
        assert!(sheet(&entries, true).contains(",'=1+1,"));
    }
}
