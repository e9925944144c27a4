//! Every Rust file opens by saying what it is: a `//!` line comes first.

use super::finding::Finding;
use super::tree::{File, Tree};

pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().filter_map(opening).collect()
}

fn opening(file: &File) -> Option<Finding> {
    let first = file.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let says = first.strip_prefix("//!").is_some_and(|text| !text.trim().is_empty());
    (!says).then(|| Finding::new(&file.path, 1, "opening", "the file does not open with `//!` and a sentence"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_it_is() {
        let tree = Tree::of(&[
            ("a.rs", "//! A sentence.\nuse b;\n"),
            ("b.rs", "\n//! After an empty line.\n"),
            ("c.rs", "use b;\n//! Too late.\n"),
            ("d.rs", "//!\n//! Nothing on the first line.\n"),
            ("e.rs", ""),
            ("f.md", "not Rust"),
        ]);
        let paths: Vec<_> = check(&tree).into_iter().map(|finding| finding.path).collect();
        assert_eq!(paths, ["c.rs", "d.rs", "e.rs"]);
    }
}
