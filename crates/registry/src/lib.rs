//! The control plane: who may have which prefix, and who decided so.
//!
//! Start with [`Registry`]: it keeps everything in SQL (SQLite or PostgreSQL, one text for both), and every method
//! takes the [`Caller`] who asks. A method that changes something is an [`Act`]: one transaction that holds the
//! change, its audit entries, what it publishes to the data plane and the answer to repeat for the same
//! `Idempotency-Key`. So none of these can be there without the others.
//!
//! Nothing here opens a connection to another node, knows HTTP, or takes the time: the time comes with the caller,
//! randomness with [`Registry::open`]. Words of the API are the words here: views are described by `utoipa` where they
//! stand, and served as they are.

#![forbid(unsafe_code)]

pub mod accounts;
pub mod act;
pub mod audit;
pub mod calendar;
pub mod caller;
pub mod checks;
pub mod database;
pub mod error;
pub mod id;
pub mod industry;
pub mod jobs;
pub mod listing;
pub mod names;
pub mod notices;
pub mod objects;
pub mod onboarding;
pub mod operator;
pub mod organisations;
pub mod outbox;
pub mod password;
pub mod permission;
pub mod prefixes;
mod registry;
pub mod seal;
pub mod settings;
pub mod statistics;
pub mod subject;
pub mod templates;
pub mod totp;

pub use act::Act;
pub use caller::{Caller, Origin, Pending, Scope, Time};
pub use database::{Database, Dialect};
pub use error::{Error, FieldRefusal, Kind, Refusal};
pub use listing::{Listing, Page};
pub use permission::{Permission, PermissionSet};
pub use registry::{Random, Registry};
