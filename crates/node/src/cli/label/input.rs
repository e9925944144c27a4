//! Where identifiers to print come from: arguments, lines, or a column of a CSV file; one at a time.

use super::super::error::CliError;
use super::LabelArgs;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Octets of a line; what is longer is an error of that line.
const LINE_OCTETS: usize = 16 * 1024;
const COLUMNS: [&str; 3] = ["identifier", "handle", "标识"];

/// A line number, and the text or why there is none.
pub type Item = (u64, Result<String, String>);

/// The identifiers of a job.
pub fn items(args: &LabelArgs) -> Result<Box<dyn Iterator<Item = Item>>, CliError> {
    let Some(path) = &args.from else {
        let given = args.identifiers.clone();
        return Ok(Box::new((1..).zip(given.into_iter().map(Ok))));
    };
    if path.as_os_str() == "-" {
        return Ok(Box::new(Lines { reader: Box::new(BufReader::new(std::io::stdin())), line: 0, broken: false }));
    }
    let file = File::open(path).map_err(|error| CliError::file(path, &error))?;
    match path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
        true => rows(path, file),
        false => Ok(Box::new(Lines { reader: Box::new(BufReader::new(file)), line: 0, broken: false })),
    }
}

fn rows(path: &Path, file: File) -> Result<Box<dyn Iterator<Item = Item>>, CliError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let bad = |error: csv::Error| CliError::usage(error.to_string()).place(path.display().to_string());
    let header = reader.headers().map_err(bad)?.clone();
    let bare = |name: &str| name.trim_start_matches('\u{feff}').trim().to_ascii_lowercase();
    let column = header.iter().position(|name| COLUMNS.contains(&bare(name).as_str())).unwrap_or(0);
    Ok(Box::new(reader.into_records().map(move |record| match record {
        Ok(record) => {
            let line = record.position().map_or(0, csv::Position::line);
            (line, record.get(column).map(str::to_owned).ok_or_else(|| "no such column in this row".to_owned()))
        }
        Err(error) => (error.position().map_or(0, csv::Position::line), Err(error.to_string())),
    })))
}

/// Lines that are not empty; the reader is bounded, so that no line fills the memory.
struct Lines {
    reader: Box<dyn BufRead>,
    line: u64,
    broken: bool,
}

impl Iterator for Lines {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        while !self.broken {
            self.line += 1;
            let mut octets = Vec::new();
            let read = (&mut self.reader).take(LINE_OCTETS as u64 + 1).read_until(b'\n', &mut octets);
            match read {
                Ok(0) => return None,
                Ok(_) if octets.len() > LINE_OCTETS => {
                    self.broken = self.reader.skip_until(b'\n').is_err();
                    return Some((self.line, Err(format!("longer than {LINE_OCTETS} octets"))));
                }
                Ok(_) => {}
                Err(error) => {
                    self.broken = true;
                    return Some((self.line, Err(error.to_string())));
                }
            }
            match String::from_utf8(octets) {
                Ok(text) => {
                    let text = text.trim_start_matches('\u{feff}').trim_end_matches(['\n', '\r']);
                    if !text.is_empty() {
                        return Some((self.line, Ok(text.to_owned())));
                    }
                }
                Err(_) => return Some((self.line, Err("not UTF-8".to_owned()))),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_lines_do_not_end_the_rest() {
        let text = [b"\xEF\xBB\xBF88.1/a\r\n\n\xFF\n".to_vec(), vec![b'x'; LINE_OCTETS + 9], b"\n88.1/b".to_vec()];
        let reader = Box::new(std::io::Cursor::new(text.concat()));
        let found: Vec<Item> = Lines { reader, line: 0, broken: false }.collect();
        assert_eq!(found[0], (1, Ok("88.1/a".into())));
        assert_eq!((found[1].0, found[1].1.is_err()), (3, true));
        assert_eq!((found[2].0, found[2].1.is_err()), (4, true));
        assert_eq!(found[3], (5, Ok("88.1/b".into())));
    }
}
