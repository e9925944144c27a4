//! What became of the rows: counted, and written down where it is an error.

use super::columns::RowError;
use crate::cli::screen::Screen;
use csv::Writer;
use serde_json::{Value as Json, json};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Created,
    /// It is there with the same values.
    Unchanged,
    /// It was there with other values.
    Overwritten,
    /// It is there with other values, and stays so.
    Skipped,
    Failed(RowError),
}

/// How many rows came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub created: u64,
    pub unchanged: u64,
    pub overwritten: u64,
    pub skipped: u64,
    pub failed: u64,
}

impl Tally {
    pub fn count(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Overwritten => &mut self.overwritten,
            Outcome::Skipped => &mut self.skipped,
            Outcome::Failed(_) => &mut self.failed,
        } += 1;
    }

    pub fn rows(&self) -> u64 {
        self.created + self.unchanged + self.overwritten + self.skipped + self.failed
    }

    pub fn to_json(self) -> Json {
        json!({
            "created": self.created,
            "unchanged": self.unchanged,
            "overwritten": self.overwritten,
            "skipped": self.skipped,
            "failed": self.failed,
        })
    }

    pub fn from_json(json: &Json) -> Option<Self> {
        let number = |key: &str| json.get(key).and_then(Json::as_u64);
        Some(Tally {
            created: number("created")?,
            unchanged: number("unchanged")?,
            overwritten: number("overwritten")?,
            skipped: number("skipped")?,
            failed: number("failed")?,
        })
    }

    /// The summary in one line.
    pub fn line(&self, this_run: u64, took: Duration, screen: &Screen) -> String {
        let words = [
            (self.created, screen.pick("新注册", "created")),
            (self.unchanged, screen.pick("未变", "unchanged")),
            (self.overwritten, screen.pick("已覆盖", "overwritten")),
            (self.skipped, screen.pick("已跳过", "skipped")),
            (self.failed, screen.pick("失败", "failed")),
        ];
        let always = [0, 1, 4];
        let shown = words.iter().enumerate().filter(|(at, (count, _))| *count > 0 || always.contains(at));
        let counts: Vec<String> = shown.map(|(_, (count, word))| format!("{count} {word}")).collect();
        let rate = rows_per_second(this_run, took);
        let rows = screen.pick("行/秒", "rows/s");
        format!("{} · {:.1} s · {rate:.0} {rows}", counts.join(" · "), took.as_secs_f64())
    }
}

pub fn rows_per_second(rows: u64, took: Duration) -> f64 {
    rows as f64 / took.as_secs_f64().max(1e-6)
}

/// The file of rows that failed; it comes into being with the first of them.
pub struct ErrorFile {
    path: PathBuf,
    writer: Option<Writer<File>>,
    length: u64,
}

impl ErrorFile {
    /// Goes on behind what an earlier run wrote for the rows that are done; 0 starts anew.
    pub fn open(path: &Path, length: u64) -> io::Result<Self> {
        let path = path.to_owned();
        if length > 0
            && let Ok(mut file) = OpenOptions::new().write(true).open(&path)
            && file.metadata()?.len() >= length
        {
            file.set_len(length)?;
            file.seek(SeekFrom::End(0))?;
            return Ok(ErrorFile { path, writer: Some(Writer::from_writer(file)), length });
        }
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(ErrorFile { path, writer: None, length: 0 }),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn add(&mut self, line: u64, error: &RowError) -> io::Result<()> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                let mut writer = Writer::from_writer(File::create(&self.path)?);
                writer.write_record(["line", "identifier", "code", "error"])?;
                none.insert(writer)
            }
        };
        writer.write_record([&line.to_string(), &error.identifier, &error.code, &error.text])?;
        Ok(())
    }

    /// Brings everything to the file; its length is what a journal remembers.
    pub fn flush(&mut self) -> io::Result<u64> {
        if let Some(writer) = &mut self.writer {
            writer.flush()?;
            self.length = writer.get_ref().metadata()?.len();
        }
        Ok(self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_file_goes_on_where_the_journal_says() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("e.csv");
        let error = RowError::new("88.118.8/a,b", "101", "exists");
        let mut file = ErrorFile::open(&path, 0).unwrap();
        assert!(!path.exists());
        file.add(2, &error).unwrap();
        let kept = file.flush().unwrap();
        file.add(3, &error).unwrap();
        drop(file);
        let mut file = ErrorFile::open(&path, kept).unwrap();
        file.add(4, &error).unwrap();
        file.flush().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "line,identifier,code,error\n2,\"88.118.8/a,b\",101,exists\n4,\"88.118.8/a,b\",101,exists\n");
        ErrorFile::open(&path, 0).unwrap();
        assert!(!path.exists());
    }
}
