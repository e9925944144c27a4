//! The Handle System (RFC 3650–3652, DO-IRP 3.0): the engine that VAA and Handle identifiers share.
//!
//! [`wire`] holds the protocol's octets; the other modules decode the predefined value types.

pub mod admin;
pub mod hash;
pub mod keys;
pub mod kinds;
pub mod proof;
pub mod reading;
pub mod site;
pub mod wire;

pub use admin::{AdminRecord, right};
pub use keys::{KeyParts, PublicKey};
pub use kinds::{Data, kind};
pub use site::{Attribute, Interface, Protocol, Server, Site};
