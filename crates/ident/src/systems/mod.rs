//! One folder per identifier system: what it is, its grammar and checks, its codec, its map to records.

pub mod did;
pub mod ecode;
pub mod gs1;
pub mod handle;
pub mod oid;
pub mod vaa;
