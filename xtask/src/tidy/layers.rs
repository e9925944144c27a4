//! Who may import whom: the map in ARCHITECTURE.md against the manifests of the crates.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::manifest::{Use, dependencies};
use super::tree::{File, Tree};

const MAP: &str = "ARCHITECTURE.md";
const HEADING: &str = "Who may import whom";
/// The crate that only tests may import, whatever the map says of theirs.
const TEST_CRATE: &str = "testkit";
const OURS: &str = "hufu-";

pub fn check(tree: &Tree) -> Vec<Finding> {
    let Some(file) = tree.get(MAP) else {
        return vec![Finding::new(MAP, 1, "layers", "the file is missing")];
    };
    let (rows, mut found) = read_map(file);
    let crates: Vec<_> = tree.files.iter().filter_map(|file| Some((manifest_of(file)?, file))).collect();
    for row in rows.iter().filter(|row| !crates.iter().any(|(name, _)| *name == row.name)) {
        found.push(Finding::new(MAP, row.line, "layers", format!("there is no crate `{}`", row.name)));
    }
    for (name, manifest) in crates {
        match rows.iter().find(|row| row.name == name) {
            Some(row) => found.extend(overreach(row, manifest)),
            None => {
                found.push(Finding::new(&manifest.path, 1, "layers", format!("`{name}` is not in the map of {MAP}")))
            }
        }
    }
    found
}

/// `crates/net/Cargo.toml` → `net`.
fn manifest_of(file: &File) -> Option<&str> {
    let name = file.crate_name()?;
    (file.path == format!("crates/{name}/Cargo.toml")).then_some(name)
}

/// One line of the map.
#[derive(Debug, PartialEq)]
struct Row<'a> {
    line: usize,
    name: &'a str,
    may_import: BTreeSet<&'a str>,
}

fn overreach<'a>(row: &'a Row<'_>, manifest: &'a File) -> impl Iterator<Item = Finding> + 'a {
    dependencies(&manifest.text).into_iter().filter_map(move |(line, usage, dependency)| {
        let target = dependency.strip_prefix(OURS)?;
        let allowed = row.may_import.contains(target) || (usage == Use::Test && target == TEST_CRATE);
        (!allowed).then(|| {
            let text = format!("`{}` may not import `{target}` (see the map in {MAP})", row.name);
            Finding::new(&manifest.path, line, "layers", text)
        })
    })
}

/// The fenced block after the heading, as rows, and what is wrong with it.
fn read_map(file: &File) -> (Vec<Row<'_>>, Vec<Finding>) {
    let block: Vec<_> = file
        .lines()
        .skip_while(|(_, line)| !(line.starts_with('#') && line.contains(HEADING)))
        .skip_while(|(_, line)| !line.starts_with("```"))
        .skip(1)
        .take_while(|(_, line)| !line.starts_with("```"))
        .filter(|(_, line)| !line.trim().is_empty())
        .collect();
    if block.is_empty() {
        let text = format!("no fenced block after the heading \"{HEADING}\"");
        return (Vec::new(), vec![Finding::new(MAP, 1, "layers", text)]);
    }
    let names: Vec<&str> =
        block.iter().filter_map(|(_, line)| line.split_once('→')).map(|(name, _)| name.trim()).collect();
    let (mut rows, mut found) = (Vec::new(), Vec::new());
    for (line, text) in block {
        match read_row(line, text, &names) {
            Ok(row) => rows.push(row),
            Err(reason) => found.push(Finding::new(MAP, line, "layers", reason)),
        }
    }
    (rows, found)
}

/// `node → all of the above (why)`. What follows `(` or `;` is for people.
fn read_row<'a>(line: usize, text: &'a str, names: &[&'a str]) -> Result<Row<'a>, String> {
    let (name, list) = text.split_once('→').ok_or("a line of the map reads `crate → crates`")?;
    let name = name.trim();
    let above: BTreeSet<_> = names.iter().copied().take_while(|other| *other != name).collect();
    let list = list.split(['(', ';']).next().unwrap_or_default().trim();
    let may_import = match list {
        "all" => names.iter().copied().filter(|other| *other != name).collect(),
        "all of the above" => above,
        _ => {
            let named: BTreeSet<_> = list.split_whitespace().collect();
            if let Some(wrong) = named.difference(&above).next() {
                return Err(format!("`{wrong}` does not stand above `{name}`: dependencies point upward"));
            }
            named
        }
    };
    Ok(Row { line, name, may_import })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A\n\n```text\nnot → this\n```\n## Who may import whom (checked)\n\n```text\n\
                        ident   → (nothing of ours)\nstore   → ident\nnet     → (nothing of ours)   (why)\n\
                        node    → all of the above\ntestkit → all; from integration tests only\n```\n";

    fn texts(manifests: &[(&str, &str)]) -> Vec<String> {
        let mut files = vec![(MAP, TEXT)];
        let all = ["ident", "store", "net", "node", "testkit"];
        let paths = all.map(|name| format!("crates/{name}/Cargo.toml"));
        for (name, path) in all.iter().zip(&paths) {
            let text = manifests.iter().find(|(given, _)| given == name).map_or("", |(_, text)| text);
            files.push((path, text));
        }
        check(&Tree::of(&files)).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn what_the_map_allows() {
        let node = "[dependencies]\nhufu-net.workspace = true\nhufu-store.workspace = true\nserde = \"1\"\n\
                    [dev-dependencies]\nhufu-testkit.workspace = true\n";
        let testkit = "[dependencies]\nhufu-node.workspace = true\n";
        assert_eq!(texts(&[("node", node), ("testkit", testkit)]), [""; 0]);
    }

    #[test]
    fn what_it_does_not() {
        let net = "[dependencies]\nhufu-ident.workspace = true\n";
        let found = texts(&[("net", net)]);
        let expected = "crates/net/Cargo.toml:2: layers: `net` may not import `ident` (see the map in ARCHITECTURE.md)";
        assert_eq!(found, [expected]);
        assert_eq!(texts(&[("ident", "[dev-dependencies]\nhufu-store.workspace = true\n")]).len(), 1);
        assert_eq!(texts(&[("node", "[dependencies]\nhufu-testkit.workspace = true\n")]).len(), 1);
    }

    #[test]
    fn map_and_crates_are_the_same_set() {
        let found = check(&Tree::of(&[(MAP, TEXT), ("crates/trace/Cargo.toml", "")]));
        assert_eq!(found.iter().filter(|f| f.path == MAP).count(), 5);
        assert_eq!(found.iter().filter(|f| f.path == "crates/trace/Cargo.toml").count(), 1);
    }

    #[test]
    fn the_map_points_upward() {
        let text = "# Who may import whom\n```\nident → store\nstore → ident\n```\n";
        let found = check(&Tree::of(&[(MAP, text), ("crates/ident/Cargo.toml", ""), ("crates/store/Cargo.toml", "")]));
        assert!(found.iter().any(|f| f.text.contains("does not stand above")));
        assert_eq!(check(&Tree::of(&[(MAP, "# Nothing\n")])).len(), 1);
    }
}
