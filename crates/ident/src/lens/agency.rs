//! ISO/IEC 15459 identifiers: issuing agency code, company number and the rest.

use crate::refusal::Refusal;

pub const CLAUSE: &str = "ISO/IEC 15459";
/// Characters of an identifier, and of one of a transport unit.
pub const CHARS: usize = 50;
pub const TRANSPORT_CHARS: usize = 35;

/// How what follows the agency code is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// As a name of the record space.
    Name,
    /// With the code, as a key of the agency.
    Key,
    /// Not at all.
    Nothing,
}

/// An issuing agency, from `iac.tsv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agency {
    pub code: &'static str,
    pub reads: Reads,
    pub name: &'static str,
    /// Where the row comes from; `unverified` is shown to users.
    pub origin: &'static str,
}

/// An identifier taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unique<'a> {
    pub agency: Agency,
    /// What follows the code.
    pub rest: &'a str,
}

fn agencies() -> impl Iterator<Item = Agency> {
    let lines = include_str!("iac.tsv").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let mut fields = line.split('\t');
        let code = fields.next()?;
        let reads = match fields.next()? {
            "name" => Reads::Name,
            "key" => Reads::Key,
            _ => Reads::Nothing,
        };
        Some(Agency { code, reads, name: fields.next()?, origin: fields.next()? })
    })
}

/// Parses an identifier of at most `most` characters; positions count from its start.
pub fn parse(text: &str, most: usize) -> Result<Unique<'_>, Refusal> {
    let found = agencies().filter(|agency| text.starts_with(agency.code)).max_by_key(|agency| agency.code.len());
    let Some(agency) = found else {
        let (zh, en) = ("发行机构代码（IAC）未收录", "the issuing agency code (IAC) is not known");
        return Err(Refusal::new("iac-unknown", "ISO/IEC 15459-2", zh, en).at(0));
    };
    let rest = &text[agency.code.len()..];
    if rest.is_empty() {
        let (zh, en) = ("发行机构代码后没有内容", "nothing follows the issuing agency code");
        return Err(Refusal::new("iac-rest-empty", CLAUSE, zh, en).at(agency.code.len()));
    }
    let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '-' | '/' | '.');
    if let Some(at) = text.chars().position(|c| !allowed(c)) {
        let (zh, en) = ("只能含大写字母、数字和“-”“/”“.”", "only capitals, digits, “-”, “/” and “.” may stand here");
        return Err(Refusal::new("iso-15459-character", CLAUSE, zh, en).at(at));
    }
    if text.len() > most {
        let (zh, en) = (format!("超过{most}个字符"), format!("longer than {most} characters"));
        return Err(Refusal::new("iso-15459-length", CLAUSE, zh, en).at(most));
    }
    Ok(Unique { agency, rest })
}
