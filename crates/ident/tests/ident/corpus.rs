//! The vector files: where they are, and how one is read.

use serde_json::Value as Json;
use std::path::{Path, PathBuf};

/// The entries of one of our own vector files, e.g. `handle/messages.json`.
pub fn own(file: &str) -> Vec<Json> {
    entries(&workspace().join("vectors").join(file))
}

/// The entries of a recorded vector file, or none (and a line that says so) where the recordings are not at hand.
///
/// They are looked for in the folder that `HUFU_SHARED` names, else beside the workspace.
pub fn shared(file: &str) -> Option<Vec<Json>> {
    shared_path(file).map(|path| entries(&path))
}

/// The whole text of such a file.
pub fn shared_document(file: &str) -> Option<String> {
    let path = shared_path(file)?;
    Some(std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn shared_path(file: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("HUFU_SHARED").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| workspace().join("../shared"));
    let path = folder.join("vectors").join(file);
    if !path.is_file() {
        println!("skipped: shared vectors absent");
        return None;
    }
    Some(path)
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn entries(path: &Path) -> Vec<Json> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let json: Json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let list = json.as_array().expect("a list of entries").clone();
    assert!(!list.is_empty(), "{} is empty", path.display());
    list
}

/// A text field of an entry.
pub fn text<'a>(entry: &'a Json, field: &str) -> &'a str {
    entry[field].as_str().unwrap_or_else(|| panic!("no text {field:?} in {entry}"))
}

/// A number field of an entry.
pub fn number(entry: &Json, field: &str) -> u64 {
    entry[field].as_u64().unwrap_or_else(|| panic!("no number {field:?} in {entry}"))
}

/// The octets of an entry.
pub fn octets(entry: &Json) -> Vec<u8> {
    hex::decode(text(entry, "hex")).expect("hexadecimal octets")
}

/// The entry of that name.
pub fn named<'a>(entries: &'a [Json], name: &str) -> &'a Json {
    let found = entries.iter().find(|entry| entry["name"] == name);
    found.unwrap_or_else(|| panic!("no entry {name:?}"))
}
