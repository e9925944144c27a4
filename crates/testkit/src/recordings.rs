//! Exchanges recorded from the reference server, which are not part of this repository.
//!
//! They are looked for in the folder that `HUFU_SHARED` names, else beside the workspace.

use serde_json::Value as Json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The entries of a recorded vector file, or none (and a line that says so) where the recordings are not at hand.
pub fn shared(file: &str) -> Option<Vec<Json>> {
    let folder = std::env::var_os("HUFU_SHARED").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let path = folder.join("vectors").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        let _ = writeln!(std::io::stderr(), "skipped: shared vectors absent ({file})");
        return None;
    };
    let json: Json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let list = json.as_array().expect("a list of entries").clone();
    assert!(!list.is_empty(), "{file} is empty");
    Some(list)
}

/// A text field of an entry.
pub fn text<'a>(entry: &'a Json, field: &str) -> &'a str {
    entry[field].as_str().unwrap_or_else(|| panic!("no text {field:?} in {entry}"))
}

/// The octets of the entry with a name.
pub fn octets(entries: &[Json], name: &str) -> Vec<u8> {
    let found = entries.iter().find(|entry| entry["name"] == name);
    let entry = found.unwrap_or_else(|| panic!("no entry {name:?}"));
    hex::decode(text(entry, "hex")).expect("hexadecimal octets")
}
