//! Hex lines: an optional `name:`, hex digits with or without blanks, and `#` comments.
//!
//! A line that is a JSON object is read by its members `hex` and `name`, so that our own output and vector files
//! (one object to a line) can be read back.

use super::recognise::Unreadable;
use serde_json::Value as Json;
use std::io::{self, BufRead, Read};

/// Longest line, in octets: the largest message in hex, many times over.
const LINE_OCTETS: u64 = 16 << 20;

/// One line with something on it.
#[derive(Debug)]
pub struct Line {
    /// From 1.
    pub number: usize,
    pub name: Option<String>,
    /// What was decoded from the hex digits.
    pub octets: Result<Vec<u8>, Unreadable>,
    /// The line without comment, shortened.
    pub text: String,
}

impl Line {
    /// A value type that the name starts with, e.g. `HS_ADMIN` of `HS_ADMIN.all`.
    pub fn hint(&self) -> Option<&str> {
        let first = self.name.as_deref()?.split(['.', ' ', '/', '#']).next()?;
        (first.len() > 3 && first[..3].eq_ignore_ascii_case("HS_") || first == "privkey").then_some(first)
    }
}

pub struct Lines<R> {
    input: R,
    number: usize,
}

impl<R: BufRead> Lines<R> {
    pub fn new(input: R) -> Self {
        Lines { input, number: 0 }
    }

    /// The next line that is not blank and not a comment.
    pub fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let mut octets = Vec::new();
            let read = self.input.by_ref().take(LINE_OCTETS).read_until(b'\n', &mut octets)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            let text = String::from_utf8_lossy(&octets);
            let text = text.trim_start_matches('\u{FEFF}').trim();
            if let Some(line) = read_line(self.number, text) {
                return Ok(Some(line));
            }
        }
    }
}

/// Characters of an unreadable line that are shown again.
const SHOWN: usize = 400;

fn read_line(number: usize, text: &str) -> Option<Line> {
    let text = text.trim_end_matches(',');
    if let Some((name, digits)) = read_object(text) {
        let octets = digits_to_octets(&digits);
        return Some(Line { number, name, octets, text: shortened(&digits) });
    }
    let text = text.split('#').next().unwrap_or_default().trim();
    if matches!(text, "" | "[" | "]") {
        return None;
    }
    let (name, digits) = match text.rsplit_once(':') {
        Some((name, digits)) => (Some(name.trim().to_owned()), digits),
        None => (None, text),
    };
    Some(Line { number, name, octets: digits_to_octets(digits), text: shortened(text) })
}

fn shortened(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

fn read_object(text: &str) -> Option<(Option<String>, String)> {
    let json: Json = text.starts_with('{').then(|| serde_json::from_str(text).ok())??;
    let digits = json.get("hex").or_else(|| json.get("input"))?.as_str()?.to_owned();
    Some((json.get("name").and_then(Json::as_str).map(str::to_owned), digits))
}

/// Hex digits to octets, blanks left out. The place of an error counts characters of the digits.
fn digits_to_octets(text: &str) -> Result<Vec<u8>, Unreadable> {
    let mut octets = Vec::with_capacity(text.len() / 2);
    let mut high = None;
    for (at, character) in text.chars().enumerate().filter(|(_, c)| !c.is_whitespace()) {
        let wrong = || Unreadable::new(None, at, "hex", "not a hexadecimal digit");
        let digit = character.to_digit(16).ok_or_else(wrong)? as u8;
        match high.take() {
            None => high = Some(digit),
            Some(high) => octets.push(high << 4 | digit),
        }
    }
    match high {
        Some(_) => Err(Unreadable::new(None, text.chars().count(), "hex", "an odd number of digits")),
        None if octets.is_empty() => Err(Unreadable::new(None, 0, "hex", "no digits")),
        None => Ok(octets),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<Line> {
        let mut lines = Lines::new(text.as_bytes());
        std::iter::from_fn(|| lines.next().unwrap()).collect()
    }

    #[test]
    fn every_spelling_of_a_line() {
        let text = "\u{FEFF}# head\n\n00 01 # tail\nHS_ADMIN.all: 0fFF\r\n[\n {\"name\": \"n\", \"hex\": \"0a\"},\n]\nzz\n012\nx:\n";
        let lines = all(text);
        let octets: Vec<_> = lines.iter().map(|line| line.octets.clone().ok()).collect();
        assert_eq!(octets, [Some(vec![0, 1]), Some(vec![15, 255]), Some(vec![10]), None, None, None]);
        assert_eq!(lines[1].hint(), Some("HS_ADMIN"));
        assert_eq!((lines[2].name.as_deref(), lines[2].number), (Some("n"), 6));
        assert_eq!(lines[3].octets.as_ref().unwrap_err().at, 0);
        assert_eq!(lines[4].octets.as_ref().unwrap_err().rule, "an odd number of digits");
    }
}
