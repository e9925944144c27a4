//! Templates and metadata: what the fields of objects mean and what they may hold.
//!
//! - [`item`], [`rules`]: the fields of a template, their data types and what restricts them.
//! - [`check`]: values against a template; pure, as are [`number`] and [`date`].
//! - [`template`], [`life`]: templates with their states and revisions; [`content`] is what they say.
//! - [`using`]: the template that a new object is made by, and the one that an object has.
//! - [`starter`]: templates to begin with.
//! - [`workbook`]: templates as Excel files.
//! - [`metadata`], [`proposal`]: definitions of single fields that templates take over.

pub mod check;
#[cfg(test)]
mod check_tests;
pub mod content;
pub mod date;
mod fault;
pub mod item;
pub mod life;
pub mod metadata;
pub mod number;
pub mod proposal;
pub mod rules;
pub mod starter;
pub mod template;
mod using;
pub mod workbook;

pub use check::{Mode, check_values};
pub use fault::FieldFault;
pub use item::{Classification, DataType, Item, ItemState, Template, Visibility};
pub use rules::{Pattern, Rules};
pub(crate) use using::TemplateShelf;
use using::not_published;
pub use using::{as_used, unique_indexes, usable};
