//! The pure language of identifiers: nouns, every system's grammar, and codecs.
//!
//! No sockets, files, clock, randomness or async live here: bytes, time and randomness are arguments.
//! Start with [`Identifier`] and [`Record`], then [`systems`], one folder per identifier system.

#![forbid(unsafe_code)]

pub mod answer;
pub mod identifier;
pub mod lens;
pub mod limits;
pub mod mapping;
pub mod reading;
pub mod record;
pub mod refusal;
pub mod system;
pub mod systems;

pub use answer::{Absence, Answer, Delegation, Query};
pub use identifier::{CaseRule, Identifier, Name, Prefix, RecordKey};
pub use reading::Reading;
pub use record::{Permissions, Record, Reference, Selection, SelectionBuf, Ttl, Value, ValueRef, ValueSet};
pub use refusal::Refusal;
pub use system::{Scheme, System, recognise};
