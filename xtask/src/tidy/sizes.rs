//! How long files and functions are. Beyond the caps it is a finding; `--report` shows the rest.

use std::fmt::Write;

use super::finding::Finding;
use super::rust::{code_only, functions};
use super::tree::Tree;

/// Lines of a file that are worth a look, and that are too many.
const FILE: Limit = Limit { look: 600, cap: 900 };
/// Lines of a function, likewise.
const FUNCTION: Limit = Limit { look: 70, cap: 120 };

struct Limit {
    look: usize,
    cap: usize,
}

/// A file or a function with its length in lines.
struct Measured {
    path: String,
    line: usize,
    what: String,
    lines: usize,
}

pub fn check(tree: &Tree) -> Vec<Finding> {
    let over = |items: Vec<Measured>, limit: Limit| {
        items.into_iter().filter(move |item| item.lines > limit.cap).map(move |item| {
            let text = format!("{} has {} lines; the cap is {}", item.what, item.lines, limit.cap);
            Finding::new(&item.path, item.line, "size", text)
        })
    };
    over(measure_files(tree), FILE).chain(over(measure_functions(tree), FUNCTION)).collect()
}

/// Medians and what is worth a look, longest first.
pub fn report(tree: &Tree) -> String {
    let (files, functions) = (measure_files(tree), measure_functions(tree));
    let mut out = String::new();
    for (title, items, limit) in [("files", files, FILE), ("functions", functions, FUNCTION)] {
        let mut lengths: Vec<usize> = items.iter().map(|item| item.lines).collect();
        lengths.sort_unstable();
        let (count, sum) = (lengths.len(), lengths.iter().sum::<usize>());
        let (median, p90) = (quantile(&lengths, 50), quantile(&lengths, 90));
        let _ = writeln!(out, "{title}: {count}, {sum} lines; median {median}, p90 {p90}");
        let mut long: Vec<_> = items.into_iter().filter(|item| item.lines > limit.look).collect();
        long.sort_by_key(|item| std::cmp::Reverse(item.lines));
        for Measured { path, line, what, lines } in long {
            let _ = writeln!(out, "  {lines:>5}  {path}:{line}  {what}");
        }
    }
    out
}

fn measure_files(tree: &Tree) -> Vec<Measured> {
    let measure = |file: &super::tree::File| Measured {
        path: file.path.clone(),
        line: 1,
        what: "the file".into(),
        lines: file.text.lines().count(),
    };
    tree.rust().map(measure).collect()
}

fn measure_functions(tree: &Tree) -> Vec<Measured> {
    let mut measured = Vec::new();
    for file in tree.rust() {
        let code = code_only(&file.text);
        measured.extend(functions(&code).into_iter().map(|function| Measured {
            path: file.path.clone(),
            line: function.line,
            what: format!("`{}`", function.name),
            lines: function.lines,
        }));
    }
    measured
}

/// The nearest-rank quantile of sorted numbers; 0 of none.
fn quantile(sorted: &[usize], percent: usize) -> usize {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function_of(lines: usize) -> String {
        format!("fn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
    }

    #[test]
    fn caps_fail() {
        let tree = Tree::of(&[("a.rs", &function_of(120)), ("b.rs", &function_of(121)), ("c.rs", &"\n".repeat(901))]);
        let texts: Vec<_> = check(&tree).into_iter().map(|finding| finding.to_string()).collect();
        assert_eq!(
            texts,
            [
                "c.rs:1: size: the file has 901 lines; the cap is 900",
                "b.rs:1: size: `long` has 121 lines; the cap is 120"
            ]
        );
    }

    #[test]
    fn the_report_shows_what_is_long() {
        let report = report(&Tree::of(&[("a.rs", &function_of(71)), ("b.rs", "fn f() {}\n")]));
        assert!(report.contains("functions: 2, 72 lines; median 1, p90 71"), "{report}");
        assert!(report.contains("71  a.rs:1  `long`"), "{report}");
    }

    #[test]
    fn quantiles() {
        assert_eq!(quantile(&[], 50), 0);
        assert_eq!(quantile(&[1, 2, 3], 50), 2);
        assert_eq!(quantile(&(1..=10).collect::<Vec<_>>(), 90), 9);
    }
}
