//! What was understood of a code: whose it is, its parts, what was checked, and how else it can be written.

use crate::identifier::Identifier;
use crate::refusal::Refusal;
use crate::system::Scheme;

/// A code that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Whose it is: the name of a [`Scheme`], or of a wrapping without a system of its own (`iso-15459`, `url`).
    pub system: &'static str,
    /// What a node is asked for; none where nothing can be asked for (attributes alone, an agency without resolver).
    pub name: Option<Identifier>,
    /// What it consists of, in order.
    pub parts: Vec<Part>,
    /// What was checked and held, and what is only advised.
    pub checks: Vec<Check>,
    /// Its other spellings, each under a stable name: `element_string`, `digital_link`, `urn`, `epc_uri`, `epc_hex`,
    /// `der_hex`, `oid_iri`, ….
    pub forms: Vec<(&'static str, String)>,
}

/// One part of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What the standard calls it: `GTIN (01)`, `arc`, `node`.
    pub name: String,
    pub value: String,
}

/// One rule and how the code stands to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Stable, for machines: `check-digit`.
    pub code: &'static str,
    pub clause: &'static str,
    /// False is a finding that does not make the code invalid; what does is a [`Refusal`].
    pub ok: bool,
    pub zh: String,
    pub en: String,
}

impl Reading {
    pub fn new(scheme: Scheme) -> Self {
        Reading::of(scheme.name())
    }

    /// A reading of something that is no system of its own.
    pub fn of(system: &'static str) -> Self {
        Reading { system, name: None, parts: Vec::new(), checks: Vec::new(), forms: Vec::new() }
    }

    pub fn with_name(mut self, name: Identifier) -> Self {
        self.name = Some(name);
        self
    }

    pub fn part(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.parts.push(Part { name: name.into(), value: value.into() });
    }

    pub fn form(&mut self, name: &'static str, text: impl Into<String>) {
        self.forms.push((name, text.into()));
    }

    /// Notes a rule that held.
    pub fn held(&mut self, code: &'static str, clause: &'static str, zh: impl Into<String>, en: impl Into<String>) {
        self.checks.push(Check { code, clause, ok: true, zh: zh.into(), en: en.into() });
    }

    /// Notes a rule that was broken without making the code invalid.
    pub fn advise(&mut self, refusal: Refusal) {
        let Refusal { code, clause, zh, en, .. } = refusal;
        self.checks.push(Check { code, clause, ok: false, zh, en });
    }

    /// The form of that name, if there is one.
    pub fn form_named(&self, name: &str) -> Option<&str> {
        self.forms.iter().find(|(own, _)| *own == name).map(|(_, text)| text.as_str())
    }
}
