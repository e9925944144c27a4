//! Objects: identifiers with typed values, checked against templates, kept as records.
//!
//! An object is a record of the record store (see [`record`]); SQL keeps what governs it: templates, grants, counters
//! and, for a moment, what is decided and not yet written ([`pending`]). So everything written here resolves through
//! every door, and a door needs to know nothing of objects.
//!
//! - [`change`], [`write`]: create, overwrite, patch, suspend, resume, delete; one or up to 2000 in a call.
//! - [`read`]: one object as it is or as it was, its history, lists.
//! - [`grants`], [`disclosure`]: who may see fields that are not public, and who has.
//! - [`mint`]: identifiers by pattern.

pub mod change;
pub mod disclosure;
pub mod grants;
pub mod mint;
mod owner;
mod pending;
pub mod read;
pub mod record;
pub mod relation;
mod write;

pub use write::{Manner, Memory};

use crate::error::Error;
use crate::registry::Registry;
use grants::Book;
use hufu_ident::{CaseRule, RecordKey};
use hufu_store::Store;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use tokio::sync::{Notify, RwLock};

/// Told of every record that has changed.
pub type Changed = Arc<dyn Fn(&RecordKey) + Send + Sync>;

/// Taken for reading by whoever writes records past the registry, for writing by the registry: what an act has found
/// in the store still stands when it writes.
pub type Turn = Arc<RwLock<()>>;

/// The objects of one node. Cheap to clone.
#[derive(Clone)]
pub struct Objects {
    pub(crate) registry: Registry,
    pub(crate) store: Arc<dyn Store>,
    rule: CaseRule,
    changed: Changed,
    turn: Turn,
    /// Number of the newest pending row that was carried out.
    carried: Arc<AtomicI64>,
    book: Arc<Book>,
    /// Where the files of jobs are.
    pub(crate) jobs: Option<Arc<Path>>,
    /// Rings when there may be a job to work on.
    pub(crate) bell: Arc<Notify>,
}

impl Objects {
    /// Over the node's record store. Call [`Objects::settle`] before the first change.
    pub fn new(registry: Registry, store: Arc<dyn Store>, rule: CaseRule, changed: Changed, turn: Turn) -> Self {
        let (carried, book) = (Arc::new(AtomicI64::new(0)), Arc::new(Book::default()));
        Objects { registry, store, rule, changed, turn, carried, book, jobs: None, bell: Arc::default() }
    }

    /// The same, with a folder for the files of jobs, which is made if it is not there. What somebody began to send and
    /// never finished is removed.
    pub fn with_jobs(mut self, folder: &Path) -> Result<Self, Error> {
        let fault = |error: std::io::Error| Error::Fault(format!("{}: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(fault)?;
        for entry in std::fs::read_dir(folder).map_err(fault)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with("new-") {
                std::fs::remove_file(entry.path()).map_err(fault)?;
            }
        }
        self.jobs = Some(folder.into());
        Ok(self)
    }

    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// How names are folded into keys.
    pub fn rule(&self) -> CaseRule {
        self.rule
    }

    /// For whoever writes records past the registry.
    pub fn turn(&self) -> &Turn {
        &self.turn
    }
}
