//! No file names a place that exists on one machine only.

use super::finding::Finding;
use super::tree::{File, Tree};

/// Homes and workplaces. Written in two halves, so that this file does not contain what it looks for.
const PLACES: [&str; 4] = [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Use", "rs/")];

pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.files.iter().flat_map(places).collect()
}

fn places(file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, line) in file.lines() {
        let hits = PLACES.iter().filter(|place| line.match_indices(*place).any(|(at, _)| is_absolute(line, at)));
        found.extend(hits.map(|place| {
            Finding::new(&file.path, number, "local path", format!("`{place}…` exists on one machine only"))
        }));
    }
    found
}

/// A path starts here: what stands in front is not the rest of a longer path or of a URL.
fn is_absolute(line: &str, at: usize) -> bool {
    let before = line[..at].chars().next_back();
    !before.is_some_and(|c| c.is_alphanumeric() || "._-~*}>)]".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(line: &str) -> usize {
        check(&Tree::of(&[("a.md", line)])).len()
    }

    #[test]
    fn absolute_paths_are_found() {
        for place in PLACES {
            assert_eq!(count(&format!("see {place}x")), 1);
            assert_eq!(count(&format!("\"{place}x\" and {place}y")), 1);
            assert_eq!(count(&format!("file://{place}x")), 1);
        }
    }

    #[test]
    fn parts_of_longer_paths_are_not() {
        for place in PLACES {
            assert_eq!(count(&format!("https://example.org{place}x")), 0);
            assert_eq!(count(&format!("crates{place}x ~{place}x ${{dir}}{place}x")), 0);
        }
    }
}
