//! What a command writes: tables for people, JSON for machines, in Chinese or English.

use super::error::CliError;
use clap::ValueEnum;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use serde_json::Value as Json;
use std::io::{ErrorKind, IsTerminal, Write};

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// For machines: one object, or one to a line.
    Json,
}

/// The language of tables and messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    Zh,
    En,
}

impl Lang {
    /// The language of the environment: Chinese if `LC_ALL`, `LC_MESSAGES` or `LANG` (the first one set) says so.
    pub fn of_environment() -> Self {
        let set = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        let found = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set);
        if found.is_some_and(|text| text.to_ascii_lowercase().starts_with("zh")) { Lang::Zh } else { Lang::En }
    }
}

/// Where a command writes, in which form and language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    pub output: Output,
    pub lang: Lang,
}

impl Screen {
    pub fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    /// The text in the chosen language.
    pub fn pick<'a>(&self, zh: &'a str, en: &'a str) -> &'a str {
        if self.lang == Lang::Zh { zh } else { en }
    }

    /// Writes a line to standard output. A reader that went away ends the command without a word.
    pub fn line(&self, text: &str) -> Result<(), CliError> {
        let mut out = std::io::stdout().lock();
        written(out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()))
    }

    pub fn json(&self, json: &Json) -> Result<(), CliError> {
        self.line(&json.to_string())
    }

    pub fn table(&self, table: &Table) -> Result<(), CliError> {
        table.lines().try_for_each(|line| self.line(line.trim_end()))
    }

    /// Tells the person something beside the result, on standard error; scripts are spared.
    pub fn note(&self, text: &str) {
        if !self.is_json() {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// Says why the command failed, on standard error.
    pub fn error(&self, error: &CliError) {
        let word = self.pick("错误", "error");
        let _ = match self.is_json() {
            _ if error.is_unheard() => Ok(()),
            true => writeln!(std::io::stderr(), "{}", error.to_json()),
            false => writeln!(
                std::io::stderr(),
                "{word}: {}",
                error.text(self.pick("位置", "where"), self.pick("建议", "try"))
            ),
        };
    }

    /// Whether a person watches standard error, so that a progress bar makes sense.
    pub fn is_watched(&self) -> bool {
        !self.is_json() && std::io::stderr().is_terminal()
    }
}

/// Turns what writing to standard output gave into our error.
pub fn written(result: std::io::Result<()>) -> Result<(), CliError> {
    result.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => CliError::unheard(),
        _ => CliError::incident(format!("cannot write to standard output: {error}")),
    })
}

/// An empty table with these headings; it fits itself to a terminal, and is as wide as it needs elsewhere.
pub fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    let watched = std::io::stdout().is_terminal();
    let arrangement = if watched { ContentArrangement::Dynamic } else { ContentArrangement::Disabled };
    table.load_preset(presets::NOTHING).set_content_arrangement(arrangement);
    table.set_header(headings.iter().map(Cell::new));
    table
}

/// A cell for a number: to the right.
pub fn number(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// Text from elsewhere with nothing in it that could steer a terminal.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\r' => {}
            '\n' => out.push('⏎'),
            '\t' => out.push(' '),
            _ if character.is_control() || is_steering(character) => {
                out.extend(character.escape_unicode());
            }
            _ => out.push(character),
        }
    }
    out
}

/// Invisible characters that change the direction or place of others.
fn is_steering(character: char) -> bool {
    matches!(character, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// Columns that a text takes on a terminal: two for the wide characters of East Asia.
pub fn columns(text: &str) -> usize {
    let wide = |c: char| {
        matches!(c as u32, 0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF
            | 0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFD)
    };
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

/// Microseconds as a person reads them.
pub fn duration(microseconds: u64) -> String {
    match microseconds {
        0..1_000 => format!("{microseconds} µs"),
        1_000..1_000_000 => format!("{:.1} ms", microseconds as f64 / 1e3),
        _ => format!("{:.2} s", microseconds as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\n\tc"), "a\\u{1b}[2Jb⏎ c");
        assert_eq!(printable("虎\u{202e}符"), "虎\\u{202e}符");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(columns("88.1/虎符A"), 10);
        assert_eq!((duration(7), duration(1_250), duration(2_500_000)).1, "1.2 ms");
    }
}
