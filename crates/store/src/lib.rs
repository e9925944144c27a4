//! The only crate that keeps identifier data: records, delegations and the feed of their changes.
//!
//! Start with [`Records`] and [`Delegations`]; [`DiskStore`] keeps them on disk, [`MemoryStore`] in memory
//! with the same meaning. Value sets are kept in Handle wire form, so that an answer is a copy.
//!
//! Writes come as a [`Batch`], all or nothing. One thread writes: it takes whatever batches wait, checks
//! their conditions against the store and against each other, and commits them with one `fsync`. Readers
//! never wait for it. Every write is one [`Change`] with its own sequence number, written in the same
//! commit; that number is the version of the record it left behind.

#![forbid(unsafe_code)]

mod batch;
mod change;
mod engine;
mod memory;
mod plan;
mod receipt;
mod store;

pub use batch::{
    BATCH_OCTETS, BATCH_WRITES, Batch, CommitError, Committed, Condition, Earlier, KEY_OCTETS, Moving, Write,
};
pub use change::{Change, Digest, Operation};
pub use engine::{DiskStore, StoreOptions};
pub use memory::MemoryStore;
pub use receipt::Receipt;
pub use store::{
    BackupReport, Delegations, HomedPrefixes, MovingPrefixes, Records, Store, StoreError, StoreSize, Stored,
    delegation_in,
};
