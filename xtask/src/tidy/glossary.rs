//! GLOSSARY.md: every row has its four columns filled, and no noun has two rows.

use std::collections::HashMap;

use super::finding::Finding;
use super::tree::{File, Tree};

const PATH: &str = "GLOSSARY.md";
const HEADER: [&str; 4] = ["中文", "English", "code noun", "meaning"];
/// In the column of code nouns: this word needs none.
const NO_NOUN: &str = "—";

pub fn check(tree: &Tree) -> Vec<Finding> {
    match tree.get(PATH) {
        Some(file) => rows(file),
        None => vec![Finding::new(PATH, 1, "glossary", "the file is missing")],
    }
}

fn rows(file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut seen = HashMap::new();
    for (number, line) in file.lines().filter(|(_, line)| line.starts_with('|')) {
        let cells = cells(line);
        if cells == HEADER || cells.iter().all(|cell| cell.chars().all(|c| "-:".contains(c)) && !cell.is_empty()) {
            continue;
        }
        let mut say = |text: String| found.push(Finding::new(PATH, number, "glossary", text));
        if cells.len() != HEADER.len() {
            say(format!("{} columns; a row has {}: {}", cells.len(), HEADER.len(), HEADER.join(" · ")));
            continue;
        }
        for (cell, name) in cells.iter().zip(HEADER) {
            if cell.is_empty() {
                say(format!("the column {name:?} is empty"));
            }
        }
        for word in [&cells[0], &cells[1], &cells[2]].into_iter().filter(|word| *word != NO_NOUN) {
            match seen.insert(word.to_lowercase(), number) {
                Some(first) if first != number => say(format!("{word} stands in line {first} already")),
                _ => {}
            }
        }
    }
    if seen.is_empty() {
        found.push(Finding::new(PATH, 1, "glossary", "there is no entry"));
    }
    found
}

/// The cells of a row; `\|` does not separate.
fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|');
    let inner = inner.strip_suffix('|').unwrap_or(inner).replace("\\|", "\u{0}");
    inner.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(rows: &str) -> Vec<String> {
        let text = format!("| 中文 | English | code noun | meaning |\n|---|:--|---|---|\n{rows}");
        check(&Tree::of(&[(PATH, &text)])).into_iter().map(|finding| finding.text).collect()
    }

    #[test]
    fn rows_are_whole() {
        assert_eq!(texts("| 前缀 | prefix | `Prefix` | the part before `/` |\n"), [""; 0]);
        assert_eq!(texts("| 或 | or | — | a \\| b |\n| 且 | and | — | both |\n"), [""; 0]);
        assert_eq!(texts("| 前缀 | prefix | `Prefix` |\n| 甲 | a | `A` | a |\n").len(), 1);
        assert_eq!(texts("| 前缀 | | `Prefix` | the part |\n"), ["the column \"English\" is empty"]);
        assert_eq!(texts(""), ["there is no entry"]);
    }

    #[test]
    fn a_noun_has_one_row() {
        let twice = "| 前缀 | prefix | `Prefix` | a |\n| 字首 | initial | `Prefix` | b |\n";
        assert_eq!(texts(twice), ["`Prefix` stands in line 3 already"]);
    }
}
