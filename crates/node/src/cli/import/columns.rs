//! How the columns of a CSV file become identifiers and values.
//!
//! The header names one column `identifier` (whole) or `suffix` (below the prefix); every other column is a value:
//! `TYPE`, `INDEX:TYPE`, with `;base64` or `;hex` for octets. Columns without index are numbered from 1 in their
//! order, past the indexes that others name and past that of the administrator. An empty cell is no value.

use crate::cli::slot::{ADMIN_INDEX, Slot, admin_value};
use csv::ByteRecord;
use hufu_ident::{Identifier, Name, Prefix, Reference, Refusal, Value, lens, system};

/// Characters that make a spreadsheet take a cell for a formula.
pub const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// What the header says.
#[derive(Debug, Clone)]
pub struct Columns {
    prefix: Prefix,
    identifier: usize,
    /// The column holds whole identifiers, not suffixes.
    whole: bool,
    values: Vec<Column>,
    width: usize,
    /// Who administers every record.
    admin: Option<Reference>,
    /// Cells that look like formulas carry a `'` in front.
    spreadsheet: bool,
}

#[derive(Debug, Clone)]
struct Column {
    at: usize,
    index: u32,
    slot: Slot,
}

/// A row that is not registered, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    pub identifier: String,
    /// A rule of ours, or the number of a response code.
    pub code: String,
    pub text: String,
}

impl RowError {
    pub fn new(identifier: &str, code: impl Into<String>, text: impl Into<String>) -> Self {
        RowError { identifier: identifier.into(), code: code.into(), text: text.into() }
    }

    fn refused(identifier: &str, column: &str, refusal: &Refusal) -> Self {
        RowError::new(identifier, refusal.code, format!("column {column}: {refusal}"))
    }
}

impl Columns {
    /// Reads the header; the error is for the person who wrote the file.
    pub fn read(header: &ByteRecord, prefix: Prefix, admin: Option<Reference>) -> Result<Self, String> {
        let names: Vec<&str> = header
            .iter()
            .map(|cell| std::str::from_utf8(cell).map(str::trim))
            .collect::<Result<_, _>>()
            .map_err(|_| "the header is not UTF-8; save the file as “CSV UTF-8”")?;
        let is_name = |name: &str| name.eq_ignore_ascii_case("identifier") || name.eq_ignore_ascii_case("suffix");
        let identifier = match names.iter().filter(|name| is_name(name)).count() {
            1 => names.iter().position(|name| is_name(name)).unwrap_or_default(),
            0 => return Err("the header names no column `identifier` or `suffix`".into()),
            _ => return Err("the header names more than one column `identifier` or `suffix`".into()),
        };
        let mut slots = Vec::new();
        for (at, name) in names.iter().enumerate().filter(|(at, _)| *at != identifier) {
            let slot = Slot::parse(name).map_err(|why| format!("column {} `{name}`: {why}", at + 1))?;
            slots.push((at, slot));
        }
        let taken: Vec<u32> = slots.iter().filter_map(|(_, slot)| slot.index).collect();
        let mut free = (1..).filter(|index| *index != ADMIN_INDEX && !taken.contains(index));
        let values = slots
            .into_iter()
            .map(|(at, slot)| Column { at, index: slot.index.or_else(|| free.next()).unwrap_or_default(), slot })
            .collect();
        let whole = names.get(identifier).is_some_and(|name| name.eq_ignore_ascii_case("identifier"));
        Ok(Columns { prefix, identifier, whole, values, width: names.len(), admin, spreadsheet: false })
    }

    /// Takes a leading `'` off cells that would be formulas without it.
    pub fn with_quoted_formulas(self, spreadsheet: bool) -> Self {
        Columns { spreadsheet, ..self }
    }

    /// The identifier and values of a row, checked by every rule that can be checked here.
    pub fn row(&self, record: &ByteRecord) -> Result<(Identifier, Vec<Value>), RowError> {
        let cell = self.text(record, self.identifier, "")?;
        let name = match self.whole {
            true => cell.to_owned(),
            false => format!("{}/{cell}", self.prefix),
        };
        if record.len() != self.width {
            let text = format!("the row has {} columns, the header {}", record.len(), self.width);
            return Err(RowError::new(&name, "columns", text));
        }
        let column = if self.whole { "identifier" } else { "suffix" };
        let checked = system::check_new(&self.spelling(&name));
        let checked = checked.map_err(|refusal| RowError::refused(&name, column, &refusal))?;
        if !self.covers(checked.0.name()) {
            let text = format!("column {column}: not an identifier of {}", self.prefix);
            return Err(RowError::new(&name, "outside-prefix", text));
        }
        Ok((checked.0, self.values(record, &name)?))
    }

    /// The name of a code of another system in any spelling; other names as they are.
    fn spelling(&self, name: &str) -> String {
        let foreign = self.prefix.path().and_then(|_| lens::read(name).ok()?.name);
        foreign.filter(|name| name.name().is_tagged()).map_or_else(|| name.to_owned(), |name| name.to_string())
    }

    fn covers(&self, name: Name<'_>) -> bool {
        match name.is_tagged() {
            true => name.home().lineage().any(|prefix| prefix == self.prefix),
            false => name.home() == self.prefix,
        }
    }

    fn values(&self, record: &ByteRecord, name: &str) -> Result<Vec<Value>, RowError> {
        let mut values = Vec::with_capacity(self.values.len() + 1);
        for column in &self.values {
            let text = self.text(record, column.at, name)?;
            if text.is_empty() {
                continue;
            }
            let wrong = |code, why: String| RowError::new(name, code, format!("column {}: {why}", column.slot));
            let value = column.slot.value(column.index, text).map_err(|why| wrong("data", why))?;
            if values.iter().any(|other: &Value| other.index == value.index) {
                return Err(wrong("duplicate-index", format!("another value has index {}", value.index)));
            }
            values.push(value);
        }
        let own = values.iter().any(|value| value.index == ADMIN_INDEX);
        values.extend(self.admin.iter().filter(|_| !own).map(|admin| admin_value(ADMIN_INDEX, admin)));
        match values.is_empty() {
            true => Err(RowError::new(name, "no-values", "the row has no values")),
            false => Ok(values),
        }
    }

    fn text<'a>(&self, record: &'a ByteRecord, at: usize, name: &str) -> Result<&'a str, RowError> {
        let octets = record.get(at).unwrap_or_default();
        let text = std::str::from_utf8(octets)
            .map_err(|_| RowError::new(name, "not-utf8", format!("column {}: not UTF-8", at + 1)))?;
        Ok(match text.strip_prefix('\'') {
            Some(bare) if self.spreadsheet && bare.starts_with(FORMULA) => bare,
            _ => text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(cells: &[&str]) -> ByteRecord {
        ByteRecord::from(cells.to_vec())
    }

    fn columns(header: &[&str]) -> Columns {
        let admin = Reference::new(301, "0.NA/88.118.8");
        Columns::read(&record(header), Prefix::folded("88.118.8"), Some(admin)).unwrap()
    }

    #[test]
    fn columns_become_values_in_their_order() {
        let columns = columns(&["suffix", "URL", "2:EMAIL", "DESC", "DESC", "10320/loc"]);
        let (identifier, values) = columns.row(&record(&["虎 1", "https://a", "x@y.z", "d1", "", "<l/>"])).unwrap();
        assert_eq!(identifier.as_str(), "88.118.8/虎 1");
        let found: Vec<_> = values.iter().map(|v| (v.index, String::from_utf8_lossy(&v.kind).into_owned())).collect();
        let expected = [(1, "URL"), (2, "EMAIL"), (3, "DESC"), (5, "10320/loc"), (100, "HS_ADMIN")];
        assert_eq!(found, expected.map(|(index, kind)| (index, kind.to_owned())));
    }

    #[test]
    fn one_index_may_have_several_columns_but_one_value() {
        let columns = columns(&["identifier", "1:URL", "1:DESC", "100:HS_ADMIN"]);
        let row = |cells: &[&str]| columns.row(&record(cells));
        assert_eq!(row(&["88.118.8/a", "", "d", ""]).unwrap().1.len(), 2);
        assert_eq!(row(&["88.118.8/a", "u", "", "111111111111@300:0.NA/88.118.8"]).unwrap().1.len(), 2);
        assert_eq!(row(&["88.118.8/a", "u", "d", ""]).unwrap_err().code, "duplicate-index");
    }

    #[test]
    fn bad_rows_say_column_and_rule() {
        let columns = columns(&["identifier", "URL"]);
        for (cells, code) in [
            (&["88.118.9/a", "u"][..], "outside-prefix"),
            (&["88.118.8/", "u"], "empty-suffix"),
            (&["88.118.8", "u"], "outside-prefix"),
            (&["88.118.8/a\u{7}", "u"], "control-character"),
            (&["88.118.8/a"], "columns"),
            (&["88.118.8/a", "u", "more"], "columns"),
            (&["", "u"], "empty-identifier"),
        ] {
            assert_eq!(columns.row(&record(cells)).unwrap_err().code, code, "{cells:?}");
        }
        let long = "x".repeat(300);
        let error = columns.row(&record(&[&format!("88.118.8/{long}"), "u"])).unwrap_err();
        assert!(error.code == "too-long" && error.text.starts_with("column identifier: "), "{error:?}");
        let broken = ByteRecord::from(vec![&b"88.118.8/a"[..], b"\xff"]);
        assert_eq!(columns.row(&broken).unwrap_err().code, "not-utf8");
        let bare = Columns { admin: None, ..columns };
        assert_eq!(bare.row(&record(&["88.118.8/a", ""])).unwrap_err().code, "no-values");
    }

    #[test]
    fn bad_headers_are_refused() {
        let read = |header: &[&str]| Columns::read(&record(header), Prefix::folded("88.118.8"), None);
        assert!(read(&["URL"]).is_err());
        assert!(read(&["suffix", "identifier"]).is_err());
        assert!(read(&["suffix", ""]).unwrap_err().contains("column 2"));
        assert!(read(&["Suffix", " URL "]).is_ok());
    }

    #[test]
    fn spreadsheet_cells_lose_their_quote() {
        let columns = columns(&["suffix", "DESC"]).with_quoted_formulas(true);
        let data = |cell: &str| columns.row(&record(&["a", cell])).unwrap().1[0].data.clone();
        assert_eq!(data("'=1+1"), b"=1+1");
        assert_eq!(data("'tis"), b"'tis");
    }
}
