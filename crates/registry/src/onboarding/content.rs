//! What an application says. Everything may be absent in a draft; [`super::form`] knows what must be there.

use crate::outbox::Server;
use crate::subject::Subject;
use serde::{Deserialize, Serialize};

/// The form of every kind of application; each kind uses a part.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = ApplicationContent)]
pub struct Content {
    /// Onboarding and amendment: who the enterprise is, or shall be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// Onboarding and prefix: the prefixes that are wanted.
    #[schema(max_items = 20)]
    pub prefixes: Vec<PrefixWish>,
    /// Onboarding: who gets the first account of the enterprise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub administrator: Option<Administrator>,
    /// Anything the reviewer should know; of an amendment, why.
    #[schema(max_length = 2000)]
    pub remarks: String,
}

/// The enterprise's first administrator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Administrator {
    #[schema(max_length = 64)]
    pub login: String,
    #[schema(max_length = 128)]
    pub name: String,
    #[schema(max_length = 128)]
    pub email: String,
}

/// Whether a prefix is given by this node, or is the enterprise's already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = WishedOrigin)]
pub enum Origin {
    /// Below a prefix of this node.
    #[default]
    Allocated,
    /// Given by somebody else; the proof is a document.
    Held,
}

/// A prefix, company prefix, arc, range or method that is wanted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PrefixWish {
    pub origin: Origin,
    /// With the tag of its system where it has one: `88.118.8`, `GS1:6901234`. Empty: the next free one under `parent`.
    #[schema(max_length = 255)]
    pub name: String,
    /// The node's prefix below which it shall be, if `name` is empty.
    #[schema(max_length = 255)]
    pub parent: String,
    /// The lowest free name of this form, if `name` is empty; `#` is any digit: `88.118.66##`.
    #[schema(max_length = 64)]
    pub pattern: String,
    /// The node answers for it (委托部署).
    pub hosted: bool,
    /// The enterprise's own servers, if it is not hosted; they may follow later.
    #[schema(max_items = 8)]
    pub servers: Vec<Server>,
    /// Prefixes below it are found at these servers too.
    pub below: bool,
    /// What it shall be used for.
    #[schema(max_length = 500)]
    pub purpose: String,
    /// Proof that it is held: the id of a document.
    pub proof: String,
}
