//! Cargo manifests, read line by line, and the rule that every shared dependency says why it is there.

use super::finding::Finding;
use super::tree::Tree;

const ROOT: &str = "Cargo.toml";

pub fn check(tree: &Tree) -> Vec<Finding> {
    let Some(root) = tree.get(ROOT) else {
        return vec![Finding::new(ROOT, 1, "dependency", "the file is missing")];
    };
    uncommented(&root.text)
        .map(|entry| {
            let text = format!("`{}` has no comment above it that says what for", entry.key);
            Finding::new(ROOT, entry.line, "dependency", text)
        })
        .collect()
}

/// Entries of `[workspace.dependencies]` that are neither below a comment nor in a run of entries below one.
fn uncommented(manifest: &str) -> impl Iterator<Item = Entry<'_>> {
    entries(manifest).filter(|entry| entry.section == "workspace.dependencies" && !entry.commented)
}

/// One `key = value`, wherever it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'a> {
    pub line: usize,
    /// The table without its brackets.
    pub section: &'a str,
    pub key: &'a str,
    /// A comment stands above, with nothing but entries between.
    pub commented: bool,
}

/// The entries of a manifest in order. Knows as much of TOML as manifests use.
pub fn entries(manifest: &str) -> impl Iterator<Item = Entry<'_>> {
    let (mut section, mut commented, mut open) = ("", false, 0);
    (1..).zip(manifest.lines()).filter_map(move |(line, text)| {
        let text = text.trim();
        if open > 0 {
            open += brackets(text); // a value that goes on over several lines
            return None;
        }
        if text.starts_with('#') {
            commented = true;
        } else if text.is_empty() {
            commented = false;
        } else if let Some(header) = text.strip_prefix('[') {
            section = header.split(']').next().unwrap_or_default().trim();
            commented = false;
        } else if let Some((key, value)) = text.split_once('=') {
            open = brackets(value);
            return Some(Entry { line, section, key: key.trim().trim_matches('"'), commented });
        }
        None
    })
}

fn brackets(text: &str) -> i32 {
    let count = |set: [char; 2]| text.matches(set).count() as i32;
    count(['[', '{']) - count([']', '}'])
}

/// What a dependency is for, as far as the map of crates cares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Use {
    Product,
    Test,
}

/// The crates that a manifest names, with the line: `x = …`, `x.workspace = true` and `[dependencies.x]`, also
/// under `[target.….]`.
pub fn dependencies(manifest: &str) -> Vec<(usize, Use, &str)> {
    let mut found: Vec<(usize, Use, &str)> = Vec::new();
    for entry in entries(manifest) {
        let Some((usage, inline)) = dependency_section(entry.section) else {
            continue;
        };
        let name = inline.unwrap_or_else(|| entry.key.split('.').next().unwrap_or_default());
        if !found.iter().any(|(_, other, known)| (*other, *known) == (usage, name)) {
            found.push((entry.line, usage, name));
        }
    }
    found
}

/// `dependencies` → a product use; `dev-dependencies.x` → a test use of x.
fn dependency_section(section: &str) -> Option<(Use, Option<&str>)> {
    if section.starts_with("workspace.") {
        return None;
    }
    let (kind, name) = match section.rsplit_once("dependencies.") {
        Some((kind, name)) => (kind, Some(name.trim_matches('"'))),
        None => (section.strip_suffix("dependencies")?, None),
    };
    let usage = if kind.ends_with("dev-") { Use::Test } else { Use::Product };
    Some((usage, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_says_what_for() {
        let manifest = "[workspace.dependencies]\n# Hashes.\nsha1 = \"1\"\nsha2 = { version = \"1\", features = [\n  \
                        \"std\",\n] }\n\nlost = \"1\"\n\n[dependencies]\nelsewhere = \"1\"\n";
        let names: Vec<_> = uncommented(manifest).map(|entry| (entry.line, entry.key)).collect();
        assert_eq!(names, [(8, "lost")]);
    }

    #[test]
    fn a_table_ends_the_reach_of_a_comment() {
        let manifest = "# Every dependency says what for.\n[workspace.dependencies]\nlost = \"1\"\n";
        assert_eq!(uncommented(manifest).count(), 1);
    }

    #[test]
    fn dependencies_in_every_spelling() {
        let manifest = "[package]\nname = \"p\"\n[dependencies]\na.workspace = true\nb = { path = \"b\" }\n\
                        [target.'cfg(unix)'.dependencies]\nc = \"1\"\n[dev-dependencies]\nd = \"1\"\n\
                        [dependencies.e]\nversion = \"1\"\nfeatures = []\n[build-dependencies]\nf = \"1\"\n\
                        [workspace.dependencies]\ng = \"1\"\n";
        let found: Vec<_> = dependencies(manifest).into_iter().map(|(_, usage, name)| (usage, name)).collect();
        use Use::*;
        let expected = [(Product, "a"), (Product, "b"), (Product, "c"), (Test, "d"), (Product, "e"), (Product, "f")];
        assert_eq!(found, expected);
    }
}
