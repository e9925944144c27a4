//! The rules of the house that no compiler knows, one module each.
//!
//! A check is a pure function from texts to findings; only [`tree`] touches the disk.

mod finding;
mod glossary;
mod layers;
mod local_paths;
mod manifest;
mod names;
mod openings;
mod printing;
mod readmes;
mod rust;
mod sizes;
mod tree;
mod unsafety;

use std::path::Path;
use std::process::ExitCode;

use finding::Finding;
use tree::Tree;

/// Checks the tree under `root`, prints what it finds, and fails if there is anything.
pub fn run(root: &Path, report: bool) -> ExitCode {
    let tree = match Tree::read(root) {
        Ok(tree) => tree,
        Err(error) => {
            eprintln!("error: cannot read {}: {error}", root.display());
            return ExitCode::from(2);
        }
    };
    let mut findings = check(&tree);
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    if report {
        print!("{}", sizes::report(&tree));
    }
    if findings.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("tidy: {} finding(s) in {} files", findings.len(), tree.files.len());
    ExitCode::FAILURE
}

/// A rule: every place in the tree where it is broken.
type Check = fn(&Tree) -> Vec<Finding>;

fn check(tree: &Tree) -> Vec<Finding> {
    let checks: &[Check] = &[
        layers::check,
        openings::check,
        names::check,
        printing::check,
        unsafety::check,
        local_paths::check,
        manifest::check,
        readmes::check,
        glossary::check,
        sizes::check,
    ];
    checks.iter().flat_map(|check| check(tree)).collect()
}
