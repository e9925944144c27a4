//! One folder per identifier system: what it is, its grammar and checks, its codec, its map to records.

pub mod handle;
pub mod vaa;
