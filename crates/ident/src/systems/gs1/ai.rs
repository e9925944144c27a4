//! Application Identifiers 应用标识符: the table of what each may hold and how it goes with others.
//!
//! The facts stand in `ai.tsv`, one row for an AI or a range; they are parsed once, at first use.

use super::check::Check;
use std::sync::LazyLock;

/// One Application Identifier (GS1 General Specifications §3.2).
#[derive(Debug)]
pub struct Ai {
    code: Code,
    row: &'static Row,
}

impl Ai {
    /// Its two to four digits.
    pub fn code(&self) -> &str {
        self.code.as_str()
    }

    /// Its data title, `BATCH/LOT`; empty where the standard gives none.
    pub fn title(&self) -> &'static str {
        self.row.title
    }

    /// Its name in English.
    pub fn en(&self) -> &'static str {
        self.row.en
    }

    /// Its name in Chinese.
    pub fn zh(&self) -> &'static str {
        self.row.zh
    }

    /// The parts of its value, in order.
    pub fn parts(&self) -> &'static [Part] {
        &self.row.parts
    }

    /// Least and most characters of its value.
    pub fn lengths(&self) -> (usize, usize) {
        self.row.lengths
    }

    /// Whether a separator must follow its value unless it is the last.
    pub fn separated(&self) -> bool {
        self.row.separated
    }

    /// Whether it is a primary key.
    pub fn is_key(&self) -> bool {
        self.row.key.is_some()
    }

    /// For a key, the qualifiers its path may have, as alternative sequences in order.
    pub fn qualifiers(&self) -> &'static [Vec<Code>] {
        self.row.key.as_deref().unwrap_or_default()
    }

    /// Whether it may stand in the query of a Digital Link.
    pub fn is_attribute(&self) -> bool {
        self.row.attribute
    }

    /// What must be in the same data set: any of these groups, all of a group (§4.13).
    pub fn needs(&self) -> &'static [Vec<Pattern>] {
        &self.row.needs
    }

    /// What must not be in the same data set (§4.13).
    pub fn never_with(&self) -> &'static [Pattern] {
        &self.row.never
    }

    /// The position of the first digit of the company prefix in its value; none if it holds none.
    pub fn company_prefix_at(&self) -> Option<usize> {
        let mut at = 0;
        for part in self.parts() {
            let check = part.checks.iter().find_map(|check| match check {
                Check::CompanyPrefix { skip } => Some(at + skip),
                _ => None,
            });
            if check.is_some() {
                return check;
            }
            at += part.most;
        }
        None
    }
}

/// A part of a value.
#[derive(Debug)]
pub struct Part {
    pub charset: Charset,
    /// Characters: `least` and `most` differ at most in the last part that is present.
    pub least: usize,
    pub most: usize,
    pub optional: bool,
    pub checks: Vec<Check>,
}

/// The characters of a part (GS1 General Specifications §7.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    Digits,
    /// Character set 82.
    Set82,
    /// Character set 39.
    Set39,
    /// Character set 64: the alphabet of URI-safe base64, with padding.
    Set64,
}

/// The digits of an AI, known or not: two to four.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    digits: [u8; 4],
    length: u8,
}

impl Code {
    /// Takes two to four digits.
    pub fn parse(text: &str) -> Option<Code> {
        let octets = text.as_bytes();
        if !(2..=4).contains(&octets.len()) || !octets.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let mut digits = [0; 4];
        digits[..octets.len()].copy_from_slice(octets);
        Some(Code { digits, length: octets.len() as u8 })
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.digits[..usize::from(self.length)]).unwrap_or_default()
    }

    /// Its place among all numbers of two, three and four digits.
    fn place(self) -> usize {
        let octets = &self.digits[..usize::from(self.length)];
        let number = octets.iter().fold(0, |number, digit| number * 10 + usize::from(digit - b'0'));
        number
            + match self.length {
                2 => 0,
                3 => 100,
                _ => 1100,
            }
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Numbers of two, three and four digits.
const PLACES: usize = 100 + 1000 + 10_000;

/// AIs of one look: digits, and `n` for any digit.
#[derive(Debug, PartialEq, Eq)]
pub struct Pattern(&'static str);

impl Pattern {
    pub fn matches(&self, code: Code) -> bool {
        let (pattern, code) = (self.0.as_bytes(), code.as_str().as_bytes());
        pattern.len() == code.len() && pattern.iter().zip(code).all(|(own, digit)| *own == b'n' || own == digit)
    }

    pub fn as_str(&self) -> &'static str {
        self.0
    }
}

#[derive(Debug)]
struct Row {
    title: &'static str,
    parts: Vec<Part>,
    lengths: (usize, usize),
    separated: bool,
    key: Option<Vec<Vec<Code>>>,
    attribute: bool,
    needs: Vec<Vec<Pattern>>,
    never: Vec<Pattern>,
    en: &'static str,
    zh: &'static str,
}

struct Table {
    rows: usize,
    ais: Vec<Ai>,
    /// By place of its code: one more than the index of an AI, or 0.
    index: Vec<u16>,
    /// By first two digits: length of the AIs that begin so, or 0.
    code_lengths: [u8; 100],
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("ai.tsv")));

/// The AI of that code, if the standard knows it.
pub fn ai(code: &str) -> Option<&'static Ai> {
    of_code(Code::parse(code)?)
}

/// The AI of that code, if the standard knows it.
pub fn of_code(code: Code) -> Option<&'static Ai> {
    let table = &*TABLE;
    let place = usize::from(*table.index.get(code.place())?);
    table.ais.get(place.checked_sub(1)?)
}

/// All AIs, in order of their digits.
pub fn all() -> &'static [Ai] {
    &TABLE.ais
}

/// Rows of the table; an AI or a range has one.
pub fn rows() -> usize {
    TABLE.rows
}

/// How many digits the AI has with which `text` begins; none where no AI begins with these two digits.
pub fn code_length(text: &[u8]) -> Option<usize> {
    let [tens @ b'0'..=b'9', units @ b'0'..=b'9', ..] = text else { return None };
    let length = TABLE.code_lengths[usize::from(tens - b'0') * 10 + usize::from(units - b'0')];
    (length > 0).then_some(usize::from(length))
}

/// Length of the value of an AI that needs no separator, by the first two digits, also for AIs that are not assigned
/// (GS1 General Specifications §7.8, element strings with predefined length).
pub fn preset_length(code: Code) -> Option<usize> {
    match &code.digits[..2] {
        b"00" => Some(18),
        b"01" | b"02" | b"03" => Some(14),
        b"04" => Some(16),
        [b'1', b'1'..=b'9'] => Some(6),
        b"20" => Some(2),
        [b'3', b'1'..=b'6'] => Some(6),
        b"41" => Some(13),
        _ => None,
    }
}

impl Table {
    fn parse(text: &'static str) -> Table {
        let mut table = Table { rows: 0, ais: Vec::new(), index: vec![0; PLACES], code_lengths: [0; 100] };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((codes, row)) = Row::parse(line) else {
                debug_assert!(false, "a bad line: {line}");
                continue;
            };
            table.rows += 1;
            // As long-lived as the table itself, which is never dropped.
            let row: &'static Row = Box::leak(Box::new(row));
            for code in codes {
                table.ais.push(Ai { code, row });
                table.index[code.place()] = table.ais.len() as u16;
                let prefix = usize::from(code.digits[0] - b'0') * 10 + usize::from(code.digits[1] - b'0');
                table.code_lengths[prefix] = code.length;
            }
        }
        table
    }
}

impl Row {
    fn parse(line: &'static str) -> Option<(Vec<Code>, Row)> {
        let columns: Vec<&'static str> = line.split('\t').collect();
        let [codes, title, value, separator, key, attribute, needs, never, en, zh] = columns[..] else { return None };
        let parts: Vec<Part> = value.split(" + ").map(Part::parse).collect::<Option<_>>()?;
        let least = parts.iter().filter(|part| !part.optional).map(|part| part.least).sum();
        let most = parts.iter().map(|part| part.most).sum();
        let row = Row {
            title: given(title).unwrap_or_default(),
            parts,
            lengths: (least, most),
            separated: separator == "S",
            key: match given(key) {
                None => None,
                Some(".") => Some(Vec::new()),
                Some(sequences) => Some(sequences.split('|').map(code_list).collect::<Option<_>>()?),
            },
            attribute: attribute == "A",
            needs: given(needs)
                .map(|groups| groups.split('/').map(|group| group.split('+').map(Pattern).collect()).collect())
                .unwrap_or_default(),
            never: given(never).map(|list| list.split(' ').map(Pattern).collect()).unwrap_or_default(),
            en,
            zh,
        };
        Some((codes_of(codes)?, row))
    }
}

fn given(column: &'static str) -> Option<&'static str> {
    (column != "-").then_some(column)
}

fn code_list(text: &str) -> Option<Vec<Code>> {
    text.split(' ').map(Code::parse).collect()
}

/// `01`, or `3100-3105`.
pub(super) fn codes_of(text: &str) -> Option<Vec<Code>> {
    let Some((first, last)) = text.split_once('-') else { return Some(vec![Code::parse(text)?]) };
    let (from, to): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
    (from..=to).map(|number| Code::parse(&format!("{number:0width$}", width = first.len()))).collect()
}

impl Part {
    /// `n13{mod10 gcp@1}`, `(x1-17)?`.
    fn parse(text: &str) -> Option<Part> {
        let bare = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(")?"));
        let (optional, text) = (bare.is_some(), bare.unwrap_or(text));
        let (shape, checks) = text.split_once('{').unwrap_or((text, ""));
        let charset = match shape.as_bytes().first()? {
            b'n' => Charset::Digits,
            b'x' => Charset::Set82,
            b'y' => Charset::Set39,
            b'z' => Charset::Set64,
            _ => return None,
        };
        let length = &shape[1..];
        let (least, most) = length.split_once('-').unwrap_or((length, length));
        let checks = checks.trim_end_matches('}').split_whitespace().map(Check::named).collect::<Option<_>>()?;
        Some(Part { charset, least: least.parse().ok()?, most: most.parse().ok()?, optional, checks })
    }
}

impl Charset {
    /// Whether it holds that character; padding of [`Charset::Set64`] is judged where the whole is seen.
    pub fn has(self, octet: u8) -> bool {
        match self {
            Charset::Digits => octet.is_ascii_digit(),
            Charset::Set82 => matches!(octet, b'!'..=b'"' | b'%'..=b'?' | b'A'..=b'Z' | b'_' | b'a'..=b'z'),
            Charset::Set39 => matches!(octet, b'#' | b'-' | b'/' | b'0'..=b'9' | b'A'..=b'Z'),
            Charset::Set64 => octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!((rows(), all().len()), (224, 541));
        assert!(all().is_sorted_by(|left, right| left.code() < right.code()));
        for entry in all() {
            assert_eq!(entry.separated(), preset_length(entry.code).is_none(), "{}", entry.code());
            assert!(preset_length(entry.code).is_none_or(|length| entry.lengths() == (length, length)));
            assert_eq!(code_length(entry.code().as_bytes()), Some(entry.code().len()));
            assert!(!entry.en().is_empty() && !entry.zh().is_empty());
        }
        assert_eq!(all().iter().filter(|entry| entry.is_key()).count(), 16);
    }
}
