//! What a caller asks to be done with objects, and what came of each.

use super::record::ObjectState;
use super::relation::Relation;
use crate::error::FieldRefusal;
use crate::templates::Visibility;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// Most changes in one call (national interface: batches of 2000).
pub const CHANGES: usize = 2_000;
/// Longest identifier, in octets (national interface: 255 characters; GS1 and OID names are shorter).
pub const IDENTIFIER: usize = 1_024;
/// Most relations of one object: the indexes 1100–1999.
pub const RELATIONS: usize = 900;
/// Longest reason, in characters.
pub const REASON: usize = 500;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectOperation {
    /// Registers an identifier that nobody has.
    Create,
    /// Replaces all values of one that is there.
    Overwrite,
    /// Creates it, or overwrites it where it is there.
    Put,
    /// Changes the named values; `null` removes one.
    Patch,
    /// It resolves to its status only.
    Suspend,
    Resume,
    /// For good: a tombstone says why.
    Delete,
}

impl ObjectOperation {
    pub const fn name(self) -> &'static str {
        match self {
            ObjectOperation::Create => "create",
            ObjectOperation::Overwrite => "overwrite",
            ObjectOperation::Put => "put",
            ObjectOperation::Patch => "patch",
            ObjectOperation::Suspend => "suspend",
            ObjectOperation::Resume => "resume",
            ObjectOperation::Delete => "delete",
        }
    }
}

/// One change of one object.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectChange {
    pub operation: ObjectOperation,
    /// Absent only where `mint` makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024)]
    pub identifier: Option<String>,
    /// For `create`: the node makes the identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mint: Option<Mint>,
    /// For `create`, `put` and `overwrite`: id or handle of a template. `overwrite` keeps the one it has unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 255)]
    pub template: Option<String>,
    /// By name of the item.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub values: Map<String, Json>,
    /// Where a field shall be open otherwise than the template says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub visibility: BTreeMap<String, Visibility>,
    /// All relations; absent leaves them as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 900)]
    pub relations: Option<Vec<Relation>>,
    /// The version that the caller has seen, if it minds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// For `suspend` and `delete`; everybody reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

impl ObjectChange {
    /// A change that names nothing but its object.
    pub fn of(operation: ObjectOperation, identifier: impl Into<String>) -> Self {
        ObjectChange {
            operation,
            identifier: Some(identifier.into()),
            mint: None,
            template: None,
            values: Map::new(),
            visibility: BTreeMap::new(),
            relations: None,
            version: None,
            reason: None,
        }
    }
}

/// How the node makes an identifier.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mint {
    /// Below which prefix: `88.118.8`.
    #[schema(max_length = 255)]
    pub prefix: String,
    /// Pattern of the suffix, e.g. `{date}{n:6}{check}`; see docs/objects.md.
    #[schema(max_length = 200)]
    pub pattern: String,
}

/// What came of one change, in the order of the changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectOutcome {
    /// As registered; empty where none was made.
    pub identifier: String,
    pub outcome: OutcomeKind,
    /// Version of the object after it; 0 where there is none.
    pub version: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ObjectState>,
    /// Stable code of a refusal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub code: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub zh: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub en: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub fields: Vec<FieldRefusal>,
}

/// Whether a change was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeKind {
    Created,
    Changed,
    /// It says already what it should.
    Unchanged,
    Refused,
}

/// Several changes.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectBatch {
    /// All or nothing; otherwise what can be done is done.
    #[serde(default)]
    pub atomic: bool,
    #[schema(max_items = 2000, min_items = 1)]
    pub changes: Vec<ObjectChange>,
}

/// What came of several changes.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectBatchOutcome {
    pub created: usize,
    pub changed: usize,
    pub unchanged: usize,
    pub refused: usize,
    pub outcomes: Vec<ObjectOutcome>,
}

impl ObjectBatchOutcome {
    pub fn of(outcomes: Vec<ObjectOutcome>) -> Self {
        let count = |kind| outcomes.iter().filter(|one| one.outcome == kind).count();
        ObjectBatchOutcome {
            created: count(OutcomeKind::Created),
            changed: count(OutcomeKind::Changed),
            unchanged: count(OutcomeKind::Unchanged),
            refused: count(OutcomeKind::Refused),
            outcomes,
        }
    }
}
