//! The URI of a request as a GS1 data set: readable or compressed, with a stem or without.

use super::request::is_key;
use crate::clock;
use hufu_ident::Refusal;
use hufu_ident::systems::gs1::{CompressOptions, DataSet, Options};

/// A URI read.
pub struct Read {
    /// Key and qualifiers as a record name without tag.
    pub name: String,
    /// Path and query of the long form, without the first slash, if the URI was compressed.
    pub readable: Option<String>,
    /// The short form, without the first slash, if there is one.
    pub compressed: Option<String>,
}

/// Reads path and query as the rest of a Digital Link URI; `None` if they are none and belong to another door.
pub fn read(path: &str, query: &str) -> Option<Result<Read, Refusal>> {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let first = segments.first()?;
    // A name of the Handle space or with a tag.
    if first.contains([':', '.'])
        || (first.starts_with(|c: char| c.is_ascii_digit()) && !is_key(first) && segments.len() > 1)
    {
        return None;
    }
    let key = segments.iter().position(|segment| is_key(segment)).filter(|at| at + 1 < segments.len());
    match key {
        Some(at) => Some(parse(path, query, (segments.len() - at) % 2 == 1)),
        // Anything else of one segment is a short form only if it reads as one.
        None if segments.len() == 1 => parse(path, query, true).ok().map(Ok),
        None => None,
    }
}

fn parse(path: &str, query: &str, short: bool) -> Result<Read, Refusal> {
    let options = Options::resolver(clock::year());
    let mark = if query.is_empty() { "" } else { "?" };
    let set = DataSet::from_uri(&format!("{STEM}{path}{mark}{query}"), &options)?;
    let name = set.name().ok_or_else(|| Refusal::new("gs1-no-key", CLAUSE, "没有主键", "there is no key"))?;
    let local = |uri: String| uri.strip_prefix(STEM).unwrap_or(&uri).trim_start_matches('/').to_owned();
    let readable = match short {
        true => Some(local(set.to_uri(Some(STEM))?)),
        false => None,
    };
    // The words that steer the answer are no part of the identifier.
    let bare = DataSet::from_uri(&format!("{STEM}/{name}"), &options)?;
    // Without the shorter codes: so the open resolver of GS1 writes it, whose users compare texts.
    let plain = CompressOptions { codes: false, ..CompressOptions::default() };
    let compressed = bare.to_compressed(Some(STEM), plain).ok();
    Ok(Read { name, readable, compressed: compressed.map(local) })
}

/// Stands for whatever host was asked.
const STEM: &str = "https://host.invalid";
const CLAUSE: &str = "GS1 Digital Link URI syntax §4";
