//! How far an import came, kept beside its file, so that it can go on after an interruption.
//!
//! Everything before [`Journal::place`] is answered for: registered, found the same, or written to the error file.

use super::rows::Place;
use super::tally::Tally;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Octets at the start of the file that tell it from others.
const HEAD_OCTETS: u64 = 64 << 10;

/// What tells a file from others, and from what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    pub size: u64,
    /// Unix nanoseconds.
    modified: u64,
    /// SHA-256 of the first 64 KiB.
    head: String,
}

impl Fingerprint {
    pub fn of(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let about = file.metadata()?;
        let modified = about.modified()?.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
        let mut head = Vec::new();
        file.take(HEAD_OCTETS).read_to_end(&mut head)?;
        Ok(Fingerprint { size: about.len(), modified, head: hex::encode(Sha256::digest(&head)) })
    }
}

/// The state of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    pub file: Fingerprint,
    pub prefix: String,
    pub place: Place,
    pub tally: Tally,
    /// Octets of the error file that belong to rows before the place.
    pub errors_length: u64,
}

impl Journal {
    /// Where the journal of a file stands.
    pub fn path_of(file: &Path) -> PathBuf {
        with_suffix(file, ".progress")
    }

    /// A journal that an earlier run left; none if there is none or it cannot be read.
    pub fn load(path: &Path) -> Option<Self> {
        let json: Json = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        let number = |key: &str| json.get(key).and_then(Json::as_u64);
        let text = |key: &str| json.get(key).and_then(Json::as_str).map(str::to_owned);
        Some(Journal {
            file: Fingerprint { size: number("size")?, modified: number("modified")?, head: text("head")? },
            prefix: text("prefix")?,
            place: Place { offset: number("offset")?, line: number("line")? },
            tally: Tally::from_json(json.get("rows")?)?,
            errors_length: number("errorsLength")?,
        })
    }

    /// Writes the journal; a reader sees the old one or the new one, never half of it.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let json = json!({
            "version": 1,
            "size": self.file.size,
            "modified": self.file.modified,
            "head": self.file.head,
            "prefix": self.prefix,
            "offset": self.place.offset,
            "line": self.place.line,
            "rows": self.tally.to_json(),
            "errorsLength": self.errors_length,
        });
        let fresh = with_suffix(path, ".new");
        std::fs::write(&fresh, json.to_string())?;
        std::fs::rename(&fresh, path)
    }
}

/// The path with something behind its name.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_comes_back_and_knows_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.csv");
        std::fs::write(&file, "suffix\na\n").unwrap();
        let fingerprint = Fingerprint::of(&file).unwrap();
        let journal = Journal {
            file: fingerprint.clone(),
            prefix: "88.118.8".into(),
            place: Place { offset: 7, line: 2 },
            tally: Tally { created: 1, unchanged: 2, overwritten: 3, skipped: 4, failed: 5 },
            errors_length: 9,
        };
        let path = Journal::path_of(&file);
        assert!(path.ends_with("a.csv.progress"));
        journal.save(&path).unwrap();
        assert_eq!(Journal::load(&path), Some(journal));
        std::fs::write(&file, "suffix\nb\n").unwrap();
        assert_ne!(Fingerprint::of(&file).unwrap(), fingerprint);
        std::fs::write(&path, "{\"size\":1").unwrap();
        assert_eq!(Journal::load(&path), None);
    }
}
