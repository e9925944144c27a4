//! What may come of asking the registry: an answer, a refusal, a fault, or the answer given before.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::fmt;

/// Why there is no new answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The business says no.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// Something is broken; nothing was changed.
    #[error("the registry's database failed: {0}")]
    Fault(String),
    /// The same `Idempotency-Key` was answered before: this is that answer, and nothing was done again.
    #[error("answered before")]
    Repeated(Json),
}

/// Families of refusals; every door maps them to its own status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Something in the request is not acceptable.
    Invalid,
    /// Nobody has proven who asks.
    Unauthenticated,
    /// Whoever asks may not.
    Denied,
    /// There is no such thing, or none that the caller may know of.
    Absent,
    /// It was, and is no more.
    Gone,
    /// It stands against something that is there.
    Conflict,
    /// It is not the version that the caller has seen.
    Stale,
    /// A quota, size or rate is used up.
    Limit,
    /// Not now; later.
    Unavailable,
}

/// A business "no": a stable code, and a text in two languages that says what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub kind: Kind,
    pub code: &'static str,
    pub zh: String,
    pub en: String,
    /// The fields it is about, where it is about fields.
    pub fields: Vec<FieldRefusal>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldRefusal {
    /// Dotted path into the request: `subject.orgCrtCode`.
    pub field: String,
    pub code: String,
    pub zh: String,
    pub en: String,
}

impl Refusal {
    pub fn new(kind: Kind, code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Refusal { kind, code, zh: zh.into(), en: en.into(), fields: Vec::new() }
    }

    /// There is no `what` of that name, or none that the caller may know of.
    pub fn absent(zh: &str, en: &str, name: &str) -> Self {
        Refusal::new(Kind::Absent, "not-found", format!("没有该{zh}：{name}"), format!("there is no {en} {name}"))
    }

    /// The object was changed since the caller read it.
    pub fn stale(found: i64) -> Self {
        let zh = format!("数据已被他人修改（现为第 {found} 版），请重新读取后再提交");
        let en = format!("it was changed meanwhile (now version {found}); read it again and repeat");
        Refusal::new(Kind::Stale, "stale-version", zh, en)
    }

    /// A request with unacceptable fields.
    pub fn fields(fields: Vec<FieldRefusal>) -> Self {
        let first = fields.first().cloned();
        let (zh, en) = first.map_or_else(Default::default, |f| (f.zh, f.en));
        let more = fields.len().saturating_sub(1);
        let (zh, en) = match more {
            0 => (zh, en),
            _ => (format!("{zh}（另有 {more} 处）"), format!("{en} (and {more} more)")),
        };
        Refusal { fields, ..Refusal::new(Kind::Invalid, "invalid-fields", zh, en) }
    }
}

impl FieldRefusal {
    pub fn new(field: impl Into<String>, code: &str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        FieldRefusal { field: field.into(), code: code.into(), zh: zh.into(), en: en.into() }
    }

    /// A fact of the identifier language or of the pure checks, as it stands in a field.
    pub fn of(field: impl Into<String>, refusal: &hufu_ident::Refusal) -> Self {
        FieldRefusal::new(field, refusal.code, refusal.zh.clone(), refusal.en.clone())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.en, self.code)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Error::Refused(Box::new(refusal))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Error::Fault(error.to_string())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::Fault(format!("a stored document cannot be read: {error}"))
    }
}

impl Error {
    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Error::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// A breach of a UNIQUE constraint becomes this refusal; anything else stays a fault.
    pub fn unique(error: sqlx::Error, refusal: impl FnOnce() -> Refusal) -> Error {
        match error.as_database_error().is_some_and(|database| database.is_unique_violation()) {
            true => refusal().into(),
            false => error.into(),
        }
    }
}
