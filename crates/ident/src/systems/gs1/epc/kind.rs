//! The kinds of EPC and what each consists of (TDS 2.2 §6.3), as one table.

/// A kind of EPC: what stands behind `urn:epc:id:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Sgtin,
    Sscc,
    Sgln,
    Pgln,
    Grai,
    Giai,
    Gsrn,
    Gsrnp,
    Gdti,
    Sgcn,
    Cpi,
    Ginc,
    Gsin,
    Itip,
    Upui,
    Gid,
    Usdod,
    Adi,
    Bic,
    Imovn,
    /// `urn:epc:class:lgtin`: a batch of a trade item.
    Lgtin,
}

/// One field of an identity, without escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// GS1 company prefix: 6 to 12 digits.
    Company,
    /// Exactly this many digits less those of the company prefix.
    Reference(usize),
    /// 1 to this many characters less those of the company prefix.
    Asset(Set, usize),
    /// 1 to this many characters.
    Text(Set, usize),
    /// Digits, from least to most.
    Digits(usize, usize),
    /// A number without leading zeros up to this value.
    Number(u64),
    /// A number of at most this many digits that does not begin with 0.
    Positive(usize),
    /// CAGE code (5) or DoDAAC (6): digits and capitals without I and O.
    Cage,
    /// Original part number, 0 to 32 characters.
    PartNumber,
    /// 1 to 30 characters, the first may be `#`.
    AirSerial,
    /// Container code: four letters, the last J, U or Z, and seven digits.
    Container,
}

/// A character set of the GS1 General Specifications §7.11.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// Character set 82.
    X,
    /// Character set 39.
    Y,
    /// What an aviation part number may hold.
    Air,
}

impl Set {
    pub fn has(self, character: char) -> bool {
        match self {
            Set::X => matches!(character, '!'..='"' | '%'..='?' | 'A'..='Z' | '_' | 'a'..='z'),
            Set::Y => matches!(character, '#' | '-' | '/' | '0'..='9' | 'A'..='Z'),
            Set::Air => matches!(character, '-' | '/' | '0'..='9' | 'A'..='Z'),
        }
    }
}

/// A row of the table.
pub struct Row {
    pub kind: Kind,
    pub name: &'static str,
    pub fields: &'static [Field],
    /// Whether `urn:epc:idpat:` with `*` for the last field stands for the class.
    pub pattern: bool,
}

use Field::*;
use Set::{X, Y};

const fn row(kind: Kind, name: &'static str, fields: &'static [Field]) -> Row {
    Row { kind, name, fields, pattern: false }
}

const fn open(kind: Kind, name: &'static str, fields: &'static [Field]) -> Row {
    Row { kind, name, fields, pattern: true }
}

/// Every kind.
pub const KINDS: [Row; 21] = [
    open(Kind::Sgtin, "sgtin", &[Company, Reference(13), Text(X, 20)]),
    row(Kind::Sscc, "sscc", &[Company, Reference(17)]),
    row(Kind::Sgln, "sgln", &[Company, Reference(12), Text(X, 20)]),
    row(Kind::Pgln, "pgln", &[Company, Reference(12)]),
    open(Kind::Grai, "grai", &[Company, Reference(12), Text(X, 16)]),
    row(Kind::Giai, "giai", &[Company, Asset(X, 30)]),
    row(Kind::Gsrn, "gsrn", &[Company, Reference(17)]),
    row(Kind::Gsrnp, "gsrnp", &[Company, Reference(17)]),
    open(Kind::Gdti, "gdti", &[Company, Reference(12), Text(X, 17)]),
    open(Kind::Sgcn, "sgcn", &[Company, Reference(12), Digits(1, 12)]),
    open(Kind::Cpi, "cpi", &[Company, Asset(Y, 30), Positive(12)]),
    row(Kind::Ginc, "ginc", &[Company, Asset(X, 30)]),
    row(Kind::Gsin, "gsin", &[Company, Reference(16)]),
    open(Kind::Itip, "itip", &[Company, Reference(13), Digits(2, 2), Digits(2, 2), Text(X, 20)]),
    open(Kind::Upui, "upui", &[Company, Reference(13), Text(X, 28)]),
    row(Kind::Gid, "gid", &[Number((1 << 28) - 1), Number((1 << 24) - 1), Number((1 << 36) - 1)]),
    row(Kind::Usdod, "usdod", &[Cage, Number((1 << 36) - 1)]),
    row(Kind::Adi, "adi", &[Cage, PartNumber, AirSerial]),
    row(Kind::Bic, "bic", &[Container]),
    row(Kind::Imovn, "imovn", &[Digits(7, 7)]),
    row(Kind::Lgtin, "lgtin", &[Company, Reference(13), Text(X, 20)]),
];

impl Kind {
    /// Its row. The table has one per kind (checked by a test); should one be missing, the kind has no fields.
    pub fn row(self) -> &'static Row {
        const NONE: Row = row(Kind::Bic, "", &[]);
        KINDS.iter().find(|row| row.kind == self).unwrap_or(&NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_row() {
        for kind in KINDS.iter().map(|row| row.kind) {
            assert_eq!(kind.row().kind, kind);
            assert!(!kind.row().fields.is_empty());
        }
    }
}
