//! The rows of a CSV file, streamed, each with its line and the place where it ends.

use csv::{ByteRecord, Position, Reader, ReaderBuilder};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Longest row in octets. A quote that is never closed would else swallow the rest of the file.
const ROW_OCTETS: u64 = 4 << 20;
/// Octets in which the first line end is looked for.
const HEADER_OCTETS: u64 = 64 << 10;

/// A row and its place.
#[derive(Debug)]
pub struct Row {
    /// Where the row starts, from 1.
    pub line: u64,
    /// Where the next one starts.
    pub end: Place,
    pub record: ByteRecord,
}

/// A place in the file between two rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    pub offset: u64,
    pub line: u64,
}

/// The rows that are left.
pub struct Rows {
    reader: Reader<Bounded<File>>,
    /// Lines end with two octets, of which the reader leaves the second to the next row.
    crlf: bool,
}

impl Rows {
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut start = Vec::new();
        file.by_ref().take(HEADER_OCTETS).read_to_end(&mut start)?;
        file.rewind()?;
        let first = start.split(|octet| *octet == b'\n').next().unwrap_or_default();
        let file = Bounded { inner: file, left: ROW_OCTETS };
        let reader = ReaderBuilder::new().flexible(true).from_reader(file);
        Ok(Rows { reader, crlf: first.ends_with(b"\r") })
    }

    pub fn header(&mut self) -> Result<ByteRecord, String> {
        self.reader.byte_headers().cloned().map_err(|error| explain(&error, 1))
    }

    /// Goes on at a place that an earlier run reached. The header has been read.
    pub fn seek(&mut self, place: Place) -> Result<(), String> {
        let mut position = Position::new();
        position.set_byte(place.offset).set_line(place.line.max(1)).set_record(1);
        self.reader.get_mut().left = ROW_OCTETS;
        self.reader.seek(position).map_err(|error| error.to_string())
    }

    /// The next row; blank lines are skipped.
    pub fn next(&mut self) -> Result<Option<Row>, String> {
        self.reader.get_mut().left = ROW_OCTETS;
        let mut record = ByteRecord::new();
        let start = self.reader.position().line();
        match self.reader.read_byte_record(&mut record) {
            Ok(false) => Ok(None),
            Ok(true) => {
                let end = self.reader.position();
                let end = Place { offset: end.byte(), line: end.line() };
                Ok(Some(Row { line: self.first_line(start, end.line, &record), end, record }))
            }
            Err(error) => Err(explain(&error, start)),
        }
    }
}

impl Rows {
    /// Where a row starts that was read from line `start` to line `end`: blank lines may come before it.
    fn first_line(&self, start: u64, end: u64, record: &ByteRecord) -> u64 {
        let inside = record.as_slice().iter().filter(|octet| **octet == b'\n').count() as u64;
        let own = if self.crlf { inside } else { inside + 1 };
        start + end.saturating_sub(start).saturating_sub(own)
    }
}

fn explain(error: &csv::Error, line: u64) -> String {
    match error.kind() {
        csv::ErrorKind::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<TooLong>()) => {
            format!("the row that starts at line {line} is longer than {ROW_OCTETS} octets: is a quote not closed?")
        }
        _ => format!("line {line}: {error}"),
    }
}

/// Reads at most `left` octets, then fails.
struct Bounded<R> {
    inner: R,
    left: u64,
}

#[derive(Debug)]
struct TooLong;

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the row is too long")
    }
}

impl std::error::Error for TooLong {}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if room == 0 && !buffer.is_empty() {
            return Err(io::Error::other(TooLong));
        }
        let read = self.inner.read(&mut buffer[..room])?;
        self.left -= read as u64;
        Ok(read)
    }
}

impl<R: Seek> Seek for Bounded<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(text: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        file
    }

    /// All rows that are left: first cell and line.
    fn rest(rows: &mut Rows) -> Vec<(String, u64, Place)> {
        let mut all = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            all.push((String::from_utf8_lossy(&row.record[0]).into_owned(), row.line, row.end));
        }
        all
    }

    #[test]
    fn rows_know_their_lines_and_reading_goes_on_anywhere() {
        for (name, text) in [
            ("plain", "suffix,DESC\na,1\n\"b\n2\",\"x\ny\"\n\n\nc,3\nd,4\n".to_owned()),
            ("crlf", "suffix,DESC\r\na,1\r\n\"b\r\n2\",\"x\r\ny\"\r\n\r\n\r\nc,3\r\nd,4\r\n".to_owned()),
            ("mark", "\u{FEFF}suffix,DESC\na,1\n\"b\n2\",\"x\ny\"\n\n\nc,3\nd,4".to_owned()),
        ] {
            let file = file(text.as_bytes());
            let mut rows = Rows::open(file.path()).unwrap();
            assert_eq!(&rows.header().unwrap()[0], b"suffix", "{name}");
            let all = rest(&mut rows);
            let firsts: Vec<_> = all.iter().map(|(cell, ..)| cell.replace('\r', "")).collect();
            assert_eq!(firsts, ["a", "b\n2", "c", "d"], "{name}");
            assert_eq!(all.iter().map(|(_, line, _)| *line).collect::<Vec<_>>(), [2, 3, 8, 9], "{name}");
            for (at, (_, _, place)) in all.iter().enumerate() {
                let mut rows = Rows::open(file.path()).unwrap();
                rows.header().unwrap();
                rows.seek(*place).unwrap();
                assert_eq!(rest(&mut rows), all[at + 1..], "{name}");
            }
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_ends_the_reading() {
        let mut text = b"suffix\n\"".to_vec();
        text.resize(6 << 20, b'x');
        let file = file(&text);
        let mut rows = Rows::open(file.path()).unwrap();
        rows.header().unwrap();
        assert!(rows.next().unwrap_err().contains("is a quote not closed"));
    }
}
