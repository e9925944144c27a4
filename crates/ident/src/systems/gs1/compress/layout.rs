//! The tables of compression: layouts of values, and codes for AIs that go together.

use crate::systems::gs1::ai::{self, Code};
use std::collections::HashMap;
use std::sync::LazyLock;

/// One part of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Digits; else characters.
    pub digits: bool,
    pub most: usize,
    /// Of any length up to `most`.
    pub variable: bool,
}

/// How the value of an AI is laid out.
#[derive(Debug, Clone)]
pub struct Layout {
    pub pieces: Vec<Piece>,
    /// Whether it still fits the AI, so that it may be written.
    pub written: bool,
}

/// AIs that one octet stands for.
pub struct Group {
    pub octet: u8,
    pub codes: Vec<Code>,
    /// Whether all readers agree on its order, so that it may be written.
    pub written: bool,
}

/// Codes whose order some readers take for sorted.
const DISPUTED: [u8; 2] = [0x1A, 0x9D];

static LAYOUTS: LazyLock<HashMap<Code, Layout>> = LazyLock::new(|| {
    let rows = include_str!("layout.tsv").lines().filter(|line| !line.starts_with('#'));
    rows.flat_map(|line| row(line).unwrap_or_default()).collect()
});

static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| {
    let rows = include_str!("codes.tsv").lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| {
        let (octet, codes) = line.split_once('\t')?;
        let octet = u8::from_str_radix(octet, 16).ok()?;
        let codes = codes.split(' ').map(Code::parse).collect::<Option<_>>()?;
        Some(Group { octet, codes, written: !DISPUTED.contains(&octet) })
    })
    .collect()
});

/// The layout of an AI's value; none if it cannot be compressed.
pub fn of(code: Code) -> Option<&'static Layout> {
    LAYOUTS.get(&code)
}

/// All codes, in order of the table.
pub fn groups() -> &'static [Group] {
    &GROUPS
}

fn row(line: &str) -> Option<Vec<(Code, Layout)>> {
    let mut columns = line.split('\t');
    let (codes, pieces) = (columns.next()?, columns.next()?);
    let written = columns.next() != Some("read");
    let pieces: Vec<Piece> = pieces.split(' ').map(piece).collect::<Option<_>>()?;
    let codes: Vec<Vec<Code>> = codes.split(' ').map(ai::codes_of).collect::<Option<_>>()?;
    Some(codes.into_iter().flatten().map(|code| (code, Layout { pieces: pieces.clone(), written })).collect())
}

/// `n13`, `x-20`.
fn piece(text: &str) -> Option<Piece> {
    let digits = text.starts_with('n');
    let length = text.get(1..)?;
    let bound = length.strip_prefix('-');
    Some(Piece { digits, most: bound.unwrap_or(length).parse().ok()?, variable: bound.is_some() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_whole() {
        let rows = include_str!("layout.tsv").lines().filter(|line| !line.starts_with('#'));
        rows.for_each(|line| assert!(row(line).is_some(), "{line}"));
        assert_eq!(GROUPS.len(), 12 + 12 + 4 + 10 + 10 + 4);
        for code in ["03", "4330", "7011", "7040", "7041", "715", "7241", "7250", "8014", "8030", "8040"] {
            assert!(of(Code::parse(code).unwrap()).is_none(), "{code}");
        }
        for group in groups() {
            assert!(group.octet & 0xF0 > 0x90 || group.octet & 0x0F > 9, "two decimal digits: {:X}", group.octet);
            assert!(group.codes.iter().all(|code| of(*code).is_some()));
        }
    }
}
