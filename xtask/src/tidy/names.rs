//! A module is named after what it is about; drawers for everything are not allowed.

use super::finding::Finding;
use super::rust::{code_only, is_word, line_of, word_positions};
use super::tree::{File, Tree};

/// Not as a name, and not as the last word of one (`session_manager`).
const DRAWERS: [&str; 7] = ["utils", "util", "common", "misc", "manager", "helper", "helpers"];

pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().flat_map(|file| in_path(file).chain(inline_modules(file))).collect()
}

fn in_path(file: &File) -> impl Iterator<Item = Finding> {
    let names = file.path.split('/').map(|part| part.strip_suffix(".rs").unwrap_or(part));
    names.filter(|name| is_drawer(name)).map(|name| finding(file, 1, name))
}

/// `mod helpers { … }`; a module with a file of its own is found by its path.
fn inline_modules(file: &File) -> impl Iterator<Item = Finding> {
    let code = code_only(&file.text);
    let found: Vec<_> = word_positions(&code, "mod")
        .filter_map(|at| {
            let after = code[at + 3..].trim_start();
            let (name, rest) = after.split_at(after.find(|c| !is_word(c))?);
            let bad = is_drawer(name) && rest.trim_start().starts_with('{');
            bad.then(|| finding(file, line_of(&code, at), name))
        })
        .collect();
    found.into_iter()
}

fn is_drawer(name: &str) -> bool {
    name.rsplit(['_', '-']).next().is_some_and(|last| DRAWERS.contains(&last))
}

fn finding(file: &File, line: usize, name: &str) -> Finding {
    Finding::new(&file.path, line, "name", format!("`{name}` says nothing about what is inside"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawers_are_refused() {
        let tree = Tree::of(&[
            ("crates/a/src/utils.rs", ""),
            ("crates/a/src/misc/site.rs", ""),
            ("crates/a/src/session_manager.rs", ""),
            ("crates/a/tests/common/mod.rs", ""),
            ("crates/a/src/commonwealth.rs", "// mod helpers {}\nmod helper_free {}\n"),
            ("crates/a/src/lib.rs", "mod utils;\n\nmod helpers { }\n"),
        ]);
        let places: Vec<_> = check(&tree).into_iter().map(|f| (f.path, f.line)).collect();
        let expected = [
            ("crates/a/src/utils.rs", 1),
            ("crates/a/src/misc/site.rs", 1),
            ("crates/a/src/session_manager.rs", 1),
            ("crates/a/tests/common/mod.rs", 1),
            ("crates/a/src/lib.rs", 3),
        ];
        assert_eq!(places, expected.map(|(path, line)| (path.to_string(), line)));
    }
}
