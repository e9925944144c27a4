//! Files of rows: CSV in UTF-8 or GBK, and xlsx, read row by row. Blocking; called from a thread of its own.
//!
//! A cell becomes text: a number as a person would write it, a date as ISO 8601. What Excel shows as an error stays
//! one, so that it is refused where it stands.

use calamine::{DataRef, Reader as _, Xlsx};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Most columns; more is a broken file.
pub const COLUMNS: usize = 1_000;
/// Longest cell, in characters (Excel's own limit).
pub const CELL: usize = 32_767;
/// Octets of a file.
pub const OCTETS: u64 = 512 << 20;
/// Octets that an xlsx may have unpacked: a small file may hide a large one.
const UNPACKED: u64 = 4 << 30;
/// Octets of the texts that an xlsx shares, which are held in memory.
const SHARED: u64 = 256 << 20;
/// Octets looked at to tell an encoding.
const LOOK: usize = 1 << 20;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TableFormat {
    Csv,
    Xlsx,
}

/// A row with cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    /// Name of the sheet; empty in CSV.
    pub sheet: String,
    /// From 1, as a person counts; in CSV, after empty lines, that of the first of them.
    pub number: u32,
    pub cells: Vec<String>,
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{en}")]
pub struct TableFault {
    pub code: &'static str,
    pub zh: String,
    pub en: String,
}

fn fault(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> TableFault {
    TableFault { code, zh: zh.into(), en: en.into() }
}

fn io(error: &std::io::Error) -> TableFault {
    fault("file-unreadable", format!("文件无法读取：{error}"), format!("the file cannot be read: {error}"))
}

/// Tells the format by the content.
pub fn format_of(path: &Path) -> Result<TableFormat, TableFault> {
    let mut start = [0; 4];
    let mut file = File::open(path).map_err(|error| io(&error))?;
    let read = file.read(&mut start).map_err(|error| io(&error))?;
    match &start[..read] {
        [0xD0, 0xCF, 0x11, 0xE0] => Err(fault(
            "old-excel",
            "这是旧版 Excel（.xls）文件，请另存为 .xlsx 或 CSV 后再上传",
            "this is an old Excel file (.xls); save it as .xlsx or CSV",
        )),
        [b'P', b'K', ..] => Ok(TableFormat::Xlsx),
        [] => Err(fault("file-empty", "文件是空的", "the file is empty")),
        _ => Ok(TableFormat::Csv),
    }
}

/// Reads rows and gives each to `take` until it says no. Empty rows are left out.
pub fn read(path: &Path, take: &mut dyn FnMut(TableRow) -> bool) -> Result<(), TableFault> {
    match format_of(path)? {
        TableFormat::Csv => read_csv(path, take),
        TableFormat::Xlsx => read_xlsx(path, take),
    }
}

/// The encoding of a text: UTF-8 if its beginning is that, else GBK and its extension GB 18030.
fn encoding_of(start: &[u8], whole: bool) -> &'static encoding_rs::Encoding {
    match std::str::from_utf8(start) {
        Ok(_) => encoding_rs::UTF_8,
        // Cut in the middle of a character.
        Err(error) if !whole && error.error_len().is_none() => encoding_rs::UTF_8,
        Err(_) => encoding_rs::GB18030,
    }
}

/// Decodes a file while it is read.
struct Decoding<R> {
    inner: R,
    decoder: encoding_rs::Decoder,
    raw: Vec<u8>,
    text: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<R: Read> Read for Decoding<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        while self.at == self.text.len() {
            if self.ended {
                return Ok(0);
            }
            let read = self.inner.read(&mut self.raw)?;
            self.ended = read == 0;
            self.text.resize(self.raw.len() * 3 + 16, 0);
            let (_, _, written, wrong) = self.decoder.decode_to_utf8(&self.raw[..read], &mut self.text, self.ended);
            if wrong {
                return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "neither UTF-8 nor GBK"));
            }
            self.text.truncate(written);
            // Lines end with LF from here on, or the reader would count those that end with CR LF one too few.
            self.text.retain(|octet| *octet != b'\r');
            self.at = 0;
        }
        let take = out.len().min(self.text.len() - self.at);
        out[..take].copy_from_slice(&self.text[self.at..self.at + take]);
        self.at += take;
        Ok(take)
    }
}

/// The separator that the first line has most of.
fn separator_of(start: &[u8]) -> u8 {
    let line = start.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let count = |separator: u8| line.iter().filter(|octet| **octet == separator).count();
    [b',', b'\t', b';'].into_iter().max_by_key(|separator| (count(*separator), *separator == b'\t')).unwrap_or(b',')
}

fn read_csv(path: &Path, take: &mut dyn FnMut(TableRow) -> bool) -> Result<(), TableFault> {
    let mut file = File::open(path).map_err(|error| io(&error))?;
    let mut start = Vec::new();
    file.by_ref().take(LOOK as u64).read_to_end(&mut start).map_err(|error| io(&error))?;
    file.seek(SeekFrom::Start(0)).map_err(|error| io(&error))?;
    let decoder = encoding_of(&start, start.len() < LOOK).new_decoder_with_bom_removal();
    let (raw, text) = (vec![0; 64 << 10], Vec::new());
    let decoding = Decoding { inner: file, decoder, raw, text, at: 0, ended: false };
    let mut builder = csv::ReaderBuilder::new();
    let builder = builder.has_headers(false).flexible(true).delimiter(separator_of(&start));
    let mut reader = builder.from_reader(decoding);
    let mut record = csv::StringRecord::new();
    loop {
        let more = reader.read_record(&mut record).map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            fault("csv-unreadable", format!("CSV 第 {line} 行无法读取：{error}"), format!("line {line}: {error}"))
        })?;
        if !more {
            return Ok(());
        }
        let number = record.position().map_or(0, |position| u32::try_from(position.line()).unwrap_or(u32::MAX));
        let cells: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
        if !give(TableRow { sheet: String::new(), number, cells }, take)? {
            return Ok(());
        }
    }
}

/// Checks a row and gives it; an empty one is passed over.
fn give(mut row: TableRow, take: &mut dyn FnMut(TableRow) -> bool) -> Result<bool, TableFault> {
    while row.cells.last().is_some_and(String::is_empty) {
        row.cells.pop();
    }
    if row.cells.is_empty() {
        return Ok(true);
    }
    if row.cells.len() > COLUMNS {
        let (zh, en) = (
            format!("第 {} 行超过 {COLUMNS} 列", row.number),
            format!("row {} has over {COLUMNS} columns", row.number),
        );
        return Err(fault("too-many-columns", zh, en));
    }
    if let Some(at) = row.cells.iter().position(|cell| cell.chars().count() > CELL) {
        let (zh, en) = (
            format!("第 {} 行第 {} 列超过 {CELL} 个字符", row.number, at + 1),
            format!("row {}, column {} has over {CELL} characters", row.number, at + 1),
        );
        return Err(fault("cell-too-long", zh, en));
    }
    // No database takes it, and no text means it.
    if let Some(at) = row.cells.iter().position(|cell| cell.contains('\0')) {
        let (zh, en) = (
            format!("第 {} 行第 {} 列含有空字符（U+0000）", row.number, at + 1),
            format!("row {}, column {} holds U+0000", row.number, at + 1),
        );
        return Err(fault("zero-character", zh, en));
    }
    Ok(take(row))
}

fn xlsx(error: impl std::fmt::Display) -> TableFault {
    fault("xlsx-unreadable", format!("Excel 文件无法读取：{error}"), format!("the Excel file cannot be read: {error}"))
}

/// Refuses what would not fit when unpacked, by the list of its parts at the end of the file.
fn check_unpacked(path: &Path) -> Result<(), TableFault> {
    let archive = zip::ZipArchive::new(BufReader::new(File::open(path).map_err(|error| io(&error))?));
    let mut archive = archive.map_err(xlsx)?;
    let (mut whole, mut shared) = (0_u64, 0_u64);
    for at in 0..archive.len() {
        let part = archive.by_index_raw(at).map_err(xlsx)?;
        whole = whole.saturating_add(part.size());
        if part.name().is_ok_and(|name| name.ends_with("sharedStrings.xml")) {
            shared = part.size();
        }
    }
    if whole > UNPACKED || shared > SHARED {
        let (zh, en) =
            ("Excel 文件展开后过大，请拆分或改用 CSV", "the Excel file is too large unpacked; split it, or use CSV");
        return Err(fault("xlsx-too-large", zh, en));
    }
    Ok(())
}

fn read_xlsx(path: &Path, take: &mut dyn FnMut(TableRow) -> bool) -> Result<(), TableFault> {
    check_unpacked(path)?;
    let file = BufReader::new(File::open(path).map_err(|error| io(&error))?);
    let mut book: Xlsx<_> = Xlsx::new(file).map_err(xlsx)?;
    for sheet in book.sheet_names() {
        let mut cells = book.worksheet_cells_reader(&sheet).map_err(xlsx)?;
        let mut row: Option<TableRow> = None;
        while let Some(cell) = cells.next_cell().map_err(xlsx)? {
            let (line, column) = cell.get_position();
            let number = line.saturating_add(1);
            if row.as_ref().is_none_or(|row| row.number != number) {
                let next = TableRow { sheet: sheet.clone(), number, cells: Vec::new() };
                if let Some(done) = row.replace(next)
                    && !give(done, take)?
                {
                    return Ok(());
                }
            }
            let column = column as usize;
            if column >= COLUMNS {
                let (zh, en) =
                    (format!("第 {number} 行超过 {COLUMNS} 列"), format!("row {number} has over {COLUMNS} columns"));
                return Err(fault("too-many-columns", zh, en));
            }
            if let Some(row) = &mut row {
                row.cells.resize(row.cells.len().max(column + 1), String::new());
                row.cells[column] = text_of(cell.get_value());
            }
        }
        if let Some(done) = row
            && !give(done, take)?
        {
            return Ok(());
        }
    }
    Ok(())
}

/// A cell as text.
fn text_of(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) => text.trim().to_owned(),
        DataRef::SharedString(text) => text.trim().to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number_text(*number),
        DataRef::Bool(yes) => if *yes { "true" } else { "false" }.to_owned(),
        DataRef::DateTime(moment) => date_text(moment),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => error.to_string(),
    }
}

/// The shortest decimal text that is this number, never with an exponent.
fn number_text(number: f64) -> String {
    format!("{number}")
}

fn date_text(moment: &calamine::ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    match (hour, minute, second) {
        (0, 0, 0) => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(octets: &[u8]) -> Result<Vec<TableRow>, TableFault> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), octets).expect("written");
        let mut rows = Vec::new();
        read(file.path(), &mut |row| {
            rows.push(row);
            true
        })?;
        Ok(rows)
    }

    #[test]
    fn csv_in_the_encodings_that_excel_writes() {
        let gbk: Vec<u8> = encoding_rs::GBK.encode("名称,批次\n水泵,\"B,7\"\n阀门,B8\n").0.into_owned();
        for octets in [gbk, "\u{feff}名称,批次\r\n水泵,\"B,7\"\r\n阀门,B8".as_bytes().to_vec()] {
            let rows = rows(&octets).expect("rows");
            assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 2, 3]);
            assert_eq!(rows[1].cells, ["水泵", "B,7"]);
        }
        assert_eq!(rows(b"a\tb,c\n1\t2\n").expect("rows")[0].cells, ["a", "b,c"]);
        assert_eq!(rows(b"").expect_err("refused").code, "file-empty");
        assert_eq!(rows(&[0xFF, 0xFE, 0xFF, 0xFF, 0x80]).expect_err("refused").code, "csv-unreadable");
    }

    #[test]
    fn excel_with_numbers_dates_and_several_sheets() {
        let mut book = rust_xlsxwriter::Workbook::new();
        let date = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd");
        let sheet = book.add_worksheet().set_name("一").expect("a sheet");
        sheet.write(0, 0, "名称").expect("written");
        sheet.write(2, 0, "泵").expect("written");
        sheet.write(2, 1, 12.5).expect("written");
        sheet.write(2, 3, 1_000_000_000_000_f64).expect("written");
        let day = rust_xlsxwriter::ExcelDateTime::from_ymd(2026, 2, 28).expect("a day");
        sheet.write_with_format(2, 4, &day, &date).expect("written");
        book.add_worksheet().set_name("二").expect("a sheet").write(0, 0, "x").expect("written");
        let rows = rows(&book.save_to_buffer().expect("saved")).expect("rows");
        assert_eq!(rows.len(), 3);
        assert_eq!((rows[1].sheet.as_str(), rows[1].number), ("一", 3));
        assert_eq!(rows[1].cells, ["泵", "12.5", "", "1000000000000", "2026-02-28"]);
        assert_eq!(rows[2].sheet, "二");
    }

    #[test]
    fn what_is_no_table_is_refused() {
        assert_eq!(rows(b"\xD0\xCF\x11\xE0rest").expect_err("refused").code, "old-excel");
        assert_eq!(rows(b"PK\x03\x04nonsense").expect_err("refused").code, "xlsx-unreadable");
        assert_eq!(rows(b"a,b\nc,\0\n").expect_err("refused").code, "zero-character");
        let wide = vec!["x"; COLUMNS + 1].join(",");
        assert_eq!(rows(wide.as_bytes()).expect_err("refused").code, "too-many-columns");
    }
}
