//! Relations between objects: what contains what, what was made from what.

use crate::error::FieldRefusal;
use crate::templates::Visibility;
use hufu_ident::{Identifier, ValueRef};
use serde::{Deserialize, Serialize};

/// What one object is to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RelationKind {
    /// The other is a part of this one, or is packed in it.
    Contains,
    /// The other went into the making of this one.
    MadeFrom,
    /// The other has taken the place of this one.
    ReplacedBy,
    /// The other names the same thing.
    SameAs,
}

impl RelationKind {
    pub const ALL: [RelationKind; 4] =
        [RelationKind::Contains, RelationKind::MadeFrom, RelationKind::ReplacedBy, RelationKind::SameAs];

    pub const fn name(self) -> &'static str {
        match self {
            RelationKind::Contains => "contains",
            RelationKind::MadeFrom => "made-from",
            RelationKind::ReplacedBy => "replaced-by",
            RelationKind::SameAs => "same-as",
        }
    }

    /// Type of the value that holds it.
    pub const fn value_type(self) -> &'static str {
        match self {
            RelationKind::Contains => "REL.contains",
            RelationKind::MadeFrom => "REL.made-from",
            RelationKind::ReplacedBy => "REL.replaced-by",
            RelationKind::SameAs => "REL.same-as",
        }
    }
}

/// One relation of an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Relation {
    pub kind: RelationKind,
    /// Identifier of the other object, which may live anywhere.
    #[schema(max_length = 1024)]
    pub to: String,
    /// Who may see it; everybody unless said otherwise.
    #[serde(default)]
    pub visibility: Visibility,
}

impl Relation {
    pub(super) fn read(value: &ValueRef<'_>, visibility: Visibility) -> Option<Relation> {
        let kind = RelationKind::ALL.into_iter().find(|kind| value.is_kind(kind.value_type()))?;
        Some(Relation { kind, to: String::from_utf8_lossy(value.data).into_owned(), visibility })
    }

    /// Refuses an end that is no identifier.
    pub(super) fn check(&self, field: &str) -> Option<FieldRefusal> {
        Identifier::parse(&self.to).err().map(|refusal| FieldRefusal::of(field, &refusal))
    }
}
