//! Writing files of rows: CSV with a byte order mark, xlsx, JSON Lines. Each is written beside its name and renamed when
//! it is whole. Nothing that is written is a formula.

use super::faulty;
use crate::error::Error;
use rust_xlsxwriter::{Format, Workbook};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// Rows of one sheet; Excel takes 1,048,576.
const SHEET: u32 = 1_000_000;
/// Longest text of a cell of Excel, in characters.
const CELL: usize = 32_767;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteFormat {
    Csv,
    Xlsx,
    Lines,
}

impl WriteFormat {
    const fn ending(self) -> &'static str {
        match self {
            WriteFormat::Csv => "csv",
            WriteFormat::Xlsx => "xlsx",
            WriteFormat::Lines => "jsonl",
        }
    }
}

enum Out {
    Csv(Box<csv::Writer<BufWriter<File>>>),
    Xlsx { book: Box<Workbook>, sheet: u32, row: u32, headings: Vec<String> },
    Lines(BufWriter<File>),
}

/// A file of rows that is being written.
pub(super) struct TableWriter {
    out: Out,
    partial: PathBuf,
    whole: PathBuf,
}

impl TableWriter {
    pub fn create(folder: &Path, name: &str, format: WriteFormat) -> Result<Self, Error> {
        let whole = folder.join(format!("{name}.{}", format.ending()));
        let partial = folder.join(format!("{name}.{}.partial", format.ending()));
        let file = || Ok::<_, Error>(BufWriter::new(File::create(&partial).map_err(faulty)?));
        let out = match format {
            WriteFormat::Csv => {
                let mut file = file()?;
                file.write_all("\u{feff}".as_bytes()).map_err(faulty)?;
                let mut builder = csv::WriterBuilder::new();
                // RFC 4180 ends lines with CRLF.
                builder.terminator(csv::Terminator::CRLF).flexible(true);
                Out::Csv(Box::new(builder.from_writer(file)))
            }
            WriteFormat::Xlsx => {
                let mut book = Box::new(Workbook::new());
                // Parts in the making lie beside the file, not where the system keeps small things.
                book.set_tempdir(folder).map_err(faulty)?;
                Out::Xlsx { book, sheet: 0, row: SHEET, headings: Vec::new() }
            }
            WriteFormat::Lines => Out::Lines(file()?),
        };
        Ok(TableWriter { out, partial, whole })
    }

    /// One row of texts; the first one is the headings.
    pub fn row(&mut self, cells: &[String]) -> Result<(), Error> {
        match &mut self.out {
            Out::Csv(writer) => {
                let cells = cells.iter().map(|cell| harmless(cell));
                writer.write_record(cells.map(std::borrow::Cow::into_owned)).map_err(faulty)
            }
            Out::Xlsx { book, sheet, row, headings } => {
                if *row == SHEET {
                    let next = book.add_worksheet_with_constant_memory().map_err(faulty)?;
                    next.set_name(format!("{}", *sheet + 1)).map_err(faulty)?;
                    next.set_freeze_panes(1, 0).map_err(faulty)?;
                    (*sheet, *row) = (*sheet + 1, 0);
                    match headings.is_empty() {
                        true => *headings = cells.to_vec(),
                        false => {
                            write_cells(book, *sheet, 0, headings)?;
                            *row = 1;
                        }
                    }
                }
                write_cells(book, *sheet, *row, cells)?;
                *row += 1;
                Ok(())
            }
            Out::Lines(_) => Err(faulty("JSON Lines have no rows")),
        }
    }

    /// One JSON object.
    pub fn line(&mut self, value: &impl serde::Serialize) -> Result<(), Error> {
        let Out::Lines(file) = &mut self.out else { return Err(faulty("only JSON Lines have lines")) };
        serde_json::to_writer(&mut *file, value)?;
        file.write_all(b"\n").map_err(faulty)
    }

    pub fn finish(self) -> Result<(), Error> {
        match self.out {
            Out::Csv(writer) => {
                let mut file = writer.into_inner().map_err(faulty)?;
                file.flush().map_err(faulty)?;
            }
            Out::Xlsx { mut book, .. } => book.save(&self.partial).map_err(faulty)?,
            Out::Lines(mut file) => file.flush().map_err(faulty)?,
        }
        std::fs::rename(&self.partial, &self.whole).map_err(faulty)
    }
}

fn write_cells(book: &mut Workbook, sheet: u32, row: u32, cells: &[String]) -> Result<(), Error> {
    let sheet = book.worksheet_from_index(sheet as usize - 1).map_err(faulty)?;
    let heading = Format::new().set_bold();
    for (column, cell) in (0_u16..).zip(cells).filter(|(_, cell)| !cell.is_empty()) {
        let text: String = cell.chars().take(CELL).collect();
        // A text in a cell of texts: never a formula, a link or a number.
        match row {
            0 => sheet.write_string_with_format(row, column, text, &heading),
            _ => sheet.write_string(row, column, text),
        }
        .map_err(faulty)?;
    }
    Ok(())
}

/// What a spreadsheet would take for a formula has `'` before it.
fn harmless(cell: &str) -> std::borrow::Cow<'_, str> {
    match cell.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') if cell.parse::<f64>().is_err() => format!("'{cell}").into(),
        _ => cell.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_disarmed_and_numbers_are_not() {
        assert_eq!(harmless("=1+1"), "'=1+1");
        assert_eq!(harmless("@x"), "'@x");
        assert_eq!(harmless("-12.5"), "-12.5");
        assert_eq!(harmless("泵"), "泵");
    }

    #[test]
    fn csv_and_excel_come_back_as_they_were_written() {
        let folder = tempfile::tempdir().expect("a folder");
        for format in [WriteFormat::Csv, WriteFormat::Xlsx] {
            let mut out = TableWriter::create(folder.path(), "t", format).expect("a file");
            out.row(&["名称".into(), "值".into()]).expect("written");
            out.row(&["水泵".into(), "=1+1".into()]).expect("written");
            out.finish().expect("finished");
            let path = folder.path().join(format!("t.{}", format.ending()));
            let mut rows = Vec::new();
            super::super::table::read(&path, &mut |row| {
                rows.push(row.cells);
                true
            })
            .expect("read");
            let expected = if format == WriteFormat::Csv { "'=1+1" } else { "=1+1" };
            assert_eq!(rows, [["名称", "值"], ["水泵", expected]]);
        }
        assert!(!folder.path().join("t.csv.partial").exists());
    }
}
