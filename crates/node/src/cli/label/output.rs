//! Where labels go: a file, a directory of pictures with safe names, or standard output. Nothing is written over unasked.

use super::super::error::CliError;
use super::super::screen::written;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Octets of the part of a file name that comes from the identifier.
const NAME_OCTETS: usize = 100;

/// Opens a file to write; one that is there is kept unless `force`.
pub fn create(path: &Path, force: bool) -> Result<BufWriter<File>, CliError> {
    let mut options = OpenOptions::new();
    options.write(true);
    match force {
        true => options.create(true).truncate(true),
        false => options.create_new(true),
    };
    options.open(path).map(BufWriter::new).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => CliError::usage("the file is there already")
            .place(path.display().to_string())
            .next("--force writes over it"),
        _ => CliError::file(path, &error),
    })
}

/// `00001-88.118.8%2FX.png`: the number makes it unique and keeps the order, everything unusual is percent-encoded.
pub fn file_name(number: u64, text: &str, extension: &str) -> String {
    let mut name = String::new();
    for octet in text.bytes() {
        let part = match octet {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' => char::from(octet).to_string(),
            _ => format!("%{octet:02X}"),
        };
        if name.len() + part.len() > NAME_OCTETS {
            break;
        }
        name.push_str(&part);
    }
    format!("{number:05}-{name}.{extension}")
}

/// One stream for all labels.
pub enum Stream {
    File(PathBuf, BufWriter<File>),
    Screen,
}

impl Stream {
    pub fn write(&mut self, octets: &[u8]) -> Result<(), CliError> {
        match self {
            Stream::File(path, file) => file.write_all(octets).map_err(|error| CliError::file(path, &error)),
            Stream::Screen => written(std::io::stdout().write_all(octets)),
        }
    }

    pub fn finish(self) -> Result<(), CliError> {
        match self {
            Stream::File(path, mut file) => file.flush().map_err(|error| CliError::file(&path, &error)),
            Stream::Screen => written(std::io::stdout().flush()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_directory() {
        assert_eq!(file_name(1, "88.118.8/X", "png"), "00001-88.118.8%2FX.png");
        assert_eq!(file_name(2, "../../etc/passwd", "svg"), "00002-..%2F..%2Fetc%2Fpasswd.svg");
        assert!(file_name(123_456, &"虎".repeat(500), "png").len() < 120);
    }
}
