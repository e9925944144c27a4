//! Writes a copy of a store, and looks after its folder.

use super::StoreOptions;
use super::layout::{Engine, Row};
use super::upgrade::SCHEMA;
use crate::store::{BackupReport, HomedPrefixes, MovingPrefixes, StoreError};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};

/// Octets of a whole version marker: fjall writes three letters, then the number.
const MARKER_OCTETS: u64 = 4;
/// Cache of the store that is being written; it is hardly read.
const COPY_CACHE_OCTETS: u64 = 1 << 20;

/// Writes rows, given in key order, as a store at `to`: first beside it, then renamed, so that `to` is
/// either absent or whole.
pub(crate) fn copy_to(
    to: &Path,
    sequence: u64,
    records: impl Iterator<Item = Result<Row, StoreError>>,
    history: impl Iterator<Item = Result<Row, StoreError>>,
    log: impl Iterator<Item = Result<Row, StoreError>>,
    (homed, moving): (&HomedPrefixes, &MovingPrefixes),
) -> Result<BackupReport, StoreError> {
    if to.exists() {
        return Err(StoreError::Exists(to.to_owned()));
    }
    let partial = partial_name(to);
    remove_folder(&partial).map_err(StoreError::io(&partial))?;
    create_folder(&partial)?;
    let options = StoreOptions { cache_octets: COPY_CACHE_OCTETS, ..StoreOptions::default() };
    let engine = Engine::open(&partial, &options)?;
    engine.set_schema(SCHEMA)?;
    let (records, changes) = engine.ingest(records, history, log, homed, moving)?;
    drop(engine);
    let octets = octets_on_disk(&partial);
    fs::rename(&partial, to).map_err(StoreError::io(to))?;
    sync_parent(to).map_err(StoreError::io(to))?;
    Ok(BackupReport { sequence, records, changes, octets })
}

fn partial_name(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// Creates `path` and its parents, for this user only; an existing folder is left as it is.
pub(super) fn create_folder(path: &Path) -> Result<(), StoreError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(StoreError::io(path))
}

/// A process killed while it created a store leaves a journal without a version marker, or with half of one, over which fjall
/// stumbles for ever. Nothing was acknowledged yet, so it is removed; a folder with tables is left alone.
pub(super) fn clear_unfinished(path: &Path) -> Result<(), StoreError> {
    let empty = |folder: PathBuf| fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    let marker = path.join("version");
    let marked = fs::metadata(&marker).is_ok_and(|file| file.len() >= MARKER_OCTETS);
    if marked || !empty(path.join("keyspaces")) {
        return Ok(());
    }
    // Somebody else may be creating it this very moment; whoever does holds the lock.
    let Ok(lock) = File::open(path.join("lock")) else {
        return Ok(());
    };
    if lock.try_lock().is_err() {
        return Ok(());
    }
    for file in [path.join("0.jnl"), marker] {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::io(&file)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Octets that the files below `path` occupy; files that vanish meanwhile do not count.
pub(super) fn octets_on_disk(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => octets_on_disk(&entry.path()),
        Ok(data) => occupied(&data),
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}

#[cfg(unix)]
fn occupied(data: &fs::Metadata) -> u64 {
    // Journals are allocated sparsely: their length says nothing.
    std::os::unix::fs::MetadataExt::blocks(data) * 512
}

#[cfg(not(unix))]
fn occupied(data: &fs::Metadata) -> u64 {
    data.len()
}
