//! Facts of an application that can be checked without asking anybody: form, check digits, contents of a file.
//!
//! Every check is a pure function from what was typed to a value or to a [`Refusal`](hufu_ident::Refusal) that names
//! the character and the rule. Whether the organisation, person or server exists is a question for others.

pub mod address;
pub mod citizen;
pub mod contact;
pub mod credit_code;
pub mod division;
pub mod document;
pub mod domain;
pub mod passport;

/// From where a registered address must be reachable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// From the whole internet: private and reserved addresses and names are refused.
    Public,
    /// From where the operator says: an isolated network may use private ones.
    Anywhere,
}

/// How many characters a text has, where more than `most` are not counted.
fn length(text: &str, most: usize) -> usize {
    text.chars().take(most + 1).count()
}

#[cfg(test)]
mod vectors {
    //! Reads the entries of a vector file of the registry.

    use serde_json::Value as Json;

    pub fn entries(file: &str) -> Vec<Json> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/registry").join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let entries: Vec<Json> = serde_json::from_str(&text).unwrap();
        assert!(entries.len() >= 80, "{file} is too short");
        entries
    }

    /// The code and the place that an entry expects, where it expects a refusal.
    pub fn refusal(entry: &Json) -> Option<(&str, Option<usize>)> {
        let code = entry["code"].as_str()?;
        Some((code, entry["at"].as_u64().map(|at| at as usize)))
    }
}
