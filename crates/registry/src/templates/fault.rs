//! What is wrong with a field, in two languages.

use crate::error::FieldRefusal;

/// One rule that one field breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// Name of the item, or the place in a definition: `rules.range`.
    pub field: String,
    /// Stable code of the rule.
    pub rule: &'static str,
    pub zh: String,
    pub en: String,
}

impl FieldFault {
    pub fn new(field: &str, rule: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        FieldFault { field: field.to_owned(), rule, zh: zh.into(), en: en.into() }
    }

    /// As it stands in a request, below `place`.
    pub fn below(self, place: &str) -> FieldRefusal {
        FieldRefusal::new(format!("{place}.{}", self.field), self.rule, self.zh, self.en)
    }
}
