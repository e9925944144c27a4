//! How the command line says "no": what happened, where, what to do next, and the exit code.

use serde_json::{Value as Json, json};
use std::fmt;
use std::process::ExitCode;

/// The four ways a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done.
    Done,
    /// The answer is a business "no": not found, refused, some rows failed.
    No,
    /// The command, a file or an identifier is not usable as given.
    Usage,
    /// A node could not be reached, or something broke.
    Incident,
}

impl Exit {
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// Why a command did not do what was asked, for people and for scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliError {
    pub exit: Exit,
    /// Stable and for machines; empty when there is nothing finer than the exit code.
    pub code: String,
    pub what: String,
    /// File, line, address, or a text with a mark under the place.
    pub place: Option<String>,
    /// What to do next.
    pub next: Option<String>,
}

impl CliError {
    fn new(exit: Exit, what: impl Into<String>) -> Self {
        CliError { exit, code: String::new(), what: what.into(), place: None, next: None }
    }

    /// A business "no".
    pub fn no(what: impl Into<String>) -> Self {
        CliError::new(Exit::No, what)
    }

    /// Input that cannot be used.
    pub fn usage(what: impl Into<String>) -> Self {
        CliError::new(Exit::Usage, what)
    }

    /// Something broke or cannot be reached.
    pub fn incident(what: impl Into<String>) -> Self {
        CliError::new(Exit::Incident, what)
    }

    /// Nobody reads the output any more (a closed pipe): the command ends without a word.
    pub fn unheard() -> Self {
        CliError::new(Exit::Done, "")
    }

    pub fn is_unheard(&self) -> bool {
        self.exit == Exit::Done
    }

    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = code.into();
        self
    }

    pub fn place(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// A file that cannot be read or written.
    pub fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        CliError::usage(error.to_string()).place(path.display().to_string())
    }

    pub fn to_json(&self) -> Json {
        json!({"error": {
            "exit": self.exit.code(),
            "code": self.code,
            "what": self.what,
            "where": self.place,
            "next": self.next,
        }})
    }
}

impl CliError {
    /// What happened, then the place and the advice under these words.
    pub fn text(&self, place: &str, next: &str) -> String {
        let mut out = self.what.clone();
        for (word, text) in [(place, &self.place), (next, &self.next)] {
            if let Some(text) = text {
                out.push_str(&format!("\n  {word}: {}", text.replace('\n', "\n    ")));
            }
        }
        out
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text("where", "try"))
    }
}

impl std::error::Error for CliError {}
