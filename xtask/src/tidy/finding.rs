//! What a check has to say about one line.

use std::fmt;

/// One broken rule at one place. Ordered by place, so that a report reads like the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub path: String,
    pub line: usize,
    pub rule: &'static str,
    pub text: String,
}

impl Finding {
    pub fn new(path: &str, line: usize, rule: &'static str, text: impl Into<String>) -> Self {
        Finding { path: path.to_string(), line, rule, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.text)
    }
}
