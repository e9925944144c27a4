//! Numbering schemes (NSI 编码方案标识) and the rule by which each cuts its MD.
//!
//! The official registry is not public, so the table is data: `nsi.tsv` holds demo rows, configuration holds others.

use super::name::{Version, clause};
use crate::refusal::Refusal;
use std::sync::{LazyLock, OnceLock};

/// Schemes in one table, parts of one rule, characters of one line.
const MOST_SCHEMES: usize = 10_000;
const MOST_PARTS: usize = 16;
const LINE_OCTETS: usize = 1024;

static BUILT_IN: LazyLock<Schemes> = LazyLock::new(|| Schemes::parse(include_str!("nsi.tsv")).unwrap_or_default());

/// The table of the process, once somebody has named one.
static KNOWN: OnceLock<Schemes> = OnceLock::new();

/// A table of numbering schemes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schemes(Vec<Numbering>);

/// One numbering scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbering {
    pub version: Version,
    pub nsi: String,
    pub parts: Vec<Part>,
    pub zh: String,
    pub en: String,
    /// Where the row comes from, as shown to users.
    pub origin: String,
}

/// One part of an MD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    pub least: usize,
    pub most: usize,
    pub charset: Charset,
    /// Whether MD is delegated by it.
    pub delegates: bool,
    /// Whether it is the check digit (mod 10, weights 3 and 1 from the right) of what stands before it.
    pub check: bool,
}

/// Which characters a part may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    Digits,
    Alphanumeric,
    Any,
}

impl Charset {
    pub fn has(self, character: char) -> bool {
        match self {
            Charset::Digits => character.is_ascii_digit(),
            Charset::Alphanumeric => character.is_ascii_alphanumeric(),
            Charset::Any => true,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "n" => Some(Charset::Digits),
            "an" => Some(Charset::Alphanumeric),
            "x" => Some(Charset::Any),
            _ => None,
        }
    }
}

impl Schemes {
    /// The rows of `nsi.tsv`.
    pub fn built_in() -> &'static Schemes {
        &BUILT_IN
    }

    /// The table by which names are judged: the one made known, else the built-in rows.
    pub fn known() -> &'static Schemes {
        KNOWN.get().unwrap_or(&BUILT_IN)
    }

    /// Makes this the table by which names are judged, for as long as the process runs; false if it is another one
    /// already. Names must not change their meaning under a running node, so there is no second time.
    pub fn make_known(self) -> bool {
        let table = KNOWN.get_or_init(|| self.clone());
        *table == self
    }

    /// Reads a table: a line has V, NSI, rule, names in Chinese and English, and origin, between tabs; `#` begins a
    /// comment line. The refusal's position is the line, from 0.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let mut rows: Vec<Numbering> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let row = Numbering::parse(line).ok_or_else(|| {
                let zh = format!("第{}行不是编码方案：应为V、NSI、规则、中文名、英文名、来源", number + 1);
                let en = format!("line {} is no scheme: V, NSI, rule, zh, en, origin are needed", number + 1);
                Refusal::new("ecode-table", "our profile", zh, en).at(number)
            })?;
            let twice = rows.iter().any(|own| own.is(row.version, &row.nsi));
            if twice || rows.len() == MOST_SCHEMES {
                let zh = format!("第{}行重复，或方案超过{MOST_SCHEMES}个", number + 1);
                let en = format!("line {} repeats a scheme, or there are more than {MOST_SCHEMES}", number + 1);
                return Err(Refusal::new("ecode-table", "our profile", zh, en).at(number));
            }
            rows.push(row);
        }
        Ok(Schemes(rows))
    }

    /// These schemes, and those of `other` that are not among them.
    pub fn extended(mut self, other: &Schemes) -> Self {
        let more = other.0.iter().filter(|row| self.find(row.version, &row.nsi).is_none());
        let more: Vec<Numbering> = more.cloned().collect();
        self.0.extend(more);
        self
    }

    pub fn find(&self, version: Version, nsi: &str) -> Option<&Numbering> {
        self.0.iter().find(|row| row.is(version, nsi))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Numbering> {
        self.0.iter()
    }
}

impl Numbering {
    fn is(&self, version: Version, nsi: &str) -> bool {
        self.version == version && self.nsi.eq_ignore_ascii_case(nsi)
    }

    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [version, nsi, rule, zh, en, origin] = fields[..] else { return None };
        let version = Version::of(version.chars().next().filter(|_| version.len() == 1)?)?;
        let parts: Vec<Part> = rule.split('+').map(Part::parse).collect::<Option<_>>()?;
        let (_, fixed) = parts.split_last()?;
        let fits = parts.len() <= MOST_PARTS && line.len() <= LINE_OCTETS && version.takes_nsi(nsi);
        // Only the last part may vary, or a code could be cut in two ways.
        let cut = fixed.iter().all(|part| part.least == part.most);
        let (zh, en, origin) = (zh.to_owned(), en.to_owned(), origin.to_owned());
        (fits && cut).then(|| Numbering { version, nsi: nsi.to_owned(), parts, zh, en, origin })
    }

    /// Cuts an MD into its parts; positions count from its start.
    pub fn cut<'a>(&self, md: &'a str) -> Result<Vec<(&Part, &'a str)>, Refusal> {
        let mut left = md;
        let mut at = 0;
        let mut out = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let chars = left.chars().count();
            let octets = left.char_indices().nth(part.most).map_or(left.len(), |(octet, _)| octet);
            let (own, rest) = left.split_at(octets);
            if chars < part.least {
                let (name, least) = (&part.name, part.least);
                let zh = format!("{name}须为{least}个字符，现为{chars}个");
                let en = format!("{name} needs {least} characters, not {chars}");
                return Err(Refusal::new("ecode-part-length", clause(), zh, en).at(at + chars));
            }
            part.check_characters(own).map_err(|refusal| refusal.shifted(at))?;
            if part.check {
                part.check_digit(&md[..md.len() - left.len()], own).map_err(|refusal| refusal.at(at))?;
            }
            at += own.chars().count();
            out.push((part, own));
            left = rest;
        }
        if !left.is_empty() {
            let (zh, en) = (format!("MD超过{at}个字符"), format!("MD is longer than {at} characters"));
            return Err(Refusal::new("ecode-md-rule", clause(), zh, en).at(at));
        }
        Ok(out)
    }

    /// Characters of an MD by which it is delegated.
    pub fn delegating_chars(&self) -> usize {
        let last = self.parts.iter().rposition(|part| part.delegates).map_or(0, |at| at + 1);
        self.parts.iter().take(last).map(|part| part.most).sum()
    }
}

impl Part {
    fn parse(text: &str) -> Option<Self> {
        let (text, delegates) = match text.strip_suffix('!') {
            Some(text) => (text, true),
            None => (text, false),
        };
        let mut fields = text.split(':');
        let (name, chars, charset) = (fields.next()?, fields.next()?, fields.next());
        let (least, most) = match chars.split_once('-') {
            Some((least, most)) => (least.parse().ok()?, most.parse().ok()?),
            None => (chars.parse().ok()?, chars.parse().ok()?),
        };
        let check = charset == Some("mod10");
        let charset = if check { Charset::Digits } else { Charset::parse(charset.unwrap_or("n"))? };
        let fits = !name.is_empty() && 1 <= least && least <= most && most <= super::name::MD_CHARS;
        let fits = fits && fields.next().is_none() && (!check || most == 1);
        fits.then(|| Part { name: name.to_owned(), least, most, charset, delegates, check })
    }

    fn check_characters(&self, own: &str) -> Result<(), Refusal> {
        let Some(at) = own.chars().position(|character| !self.charset.has(character)) else { return Ok(()) };
        let name = &self.name;
        let (zh, en) = (format!("{name}不得含此字符"), format!("{name} may not hold this character"));
        Err(Refusal::new("ecode-part-character", clause(), zh, en).at(at))
    }

    fn check_digit(&self, before: &str, own: &str) -> Result<(), Refusal> {
        let weighted = before.bytes().rev().zip([3, 1].into_iter().cycle());
        let sum: u32 = weighted.map(|(octet, weight)| u32::from(octet.saturating_sub(b'0')) * weight).sum();
        let expected = (10 - sum % 10) % 10;
        if own == expected.to_string() {
            return Ok(());
        }
        let (zh, en) = (format!("校验码应为{expected}"), format!("the check digit should be {expected}"));
        Err(Refusal::new("ecode-check-digit", clause(), zh, en))
    }
}
