//! A refusal: the business "no", with a stable code, the place, the rule and a text in two languages.

use std::fmt;

/// Why an identifier, prefix or value is not acceptable.
///
/// `code` is stable and meant for machines; `at` counts characters from 0 in the text that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: &'static str,
    pub at: Option<usize>,
    pub clause: &'static str,
    pub zh: String,
    pub en: String,
}

impl Refusal {
    /// A refusal without a place; see [`Refusal::at`].
    pub fn new(code: &'static str, clause: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Refusal { code, at: None, clause, zh: zh.into(), en: en.into() }
    }

    /// The same refusal, naming the character position it is about.
    pub fn at(mut self, position: usize) -> Self {
        self.at = Some(position);
        self
    }

    /// The same refusal about a text that begins `by` characters earlier.
    pub fn shifted(mut self, by: usize) -> Self {
        self.at = self.at.map(|at| at + by);
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.en)?;
        if let Some(at) = self.at {
            write!(f, " (character {})", at + 1)?;
        }
        write!(f, " [{}; {}]", self.code, self.clause)
    }
}

impl std::error::Error for Refusal {}
