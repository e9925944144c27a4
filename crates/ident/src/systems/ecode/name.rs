//! V, NSI and MD: how an Ecode is written and checked (GB/T 31866).

use super::schemes::{Numbering, Part, Schemes};
use crate::refusal::Refusal;

/// The clause of the structure; lengths are those of the 2015 edition.
pub const CLAUSE: &str = "GB/T 31866 (V, NSI, MD; lengths of the 2015 edition)";
/// What no public text lays down.
pub const PROFILE: &str = "our profile, after GB/T 31866";
/// Characters of an MD in V4 (our profile; the standard says variable).
pub const MD_CHARS: usize = 200;
/// Hexadecimal digits of an MD in V0: 244 bits.
const V0_MD_CHARS: usize = 61;
/// Signs that may stand between V, NSI and MD in a spelling that shows them apart (our profile).
const SEPARATORS: [char; 3] = ['.', '-', ' '];

pub(super) fn clause() -> &'static str {
    CLAUSE
}

/// The version V, which fixes the lengths and characters of NSI and MD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// Binary, for codes compatible with GS1; in text hexadecimal (our profile).
    V0,
    V1,
    V2,
    V3,
    V4,
}

/// What a version lays down: characters of NSI, most characters of MD, and which ones.
struct Shape {
    nsi: usize,
    md: usize,
    zh: &'static str,
    en: &'static str,
    fits: fn(char) -> bool,
}

impl Version {
    pub const ALL: [Version; 5] = [Version::V0, Version::V1, Version::V2, Version::V3, Version::V4];

    pub fn of(digit: char) -> Option<Self> {
        Version::ALL.into_iter().find(|own| own.digit() == digit)
    }

    pub fn digit(self) -> char {
        match self {
            Version::V0 => '0',
            Version::V1 => '1',
            Version::V2 => '2',
            Version::V3 => '3',
            Version::V4 => '4',
        }
    }

    fn shape(self) -> Shape {
        let digits: fn(char) -> bool = |c| c.is_ascii_digit();
        match self {
            Version::V0 => Shape {
                nsi: 2,
                md: V0_MD_CHARS,
                zh: "十六进制数字",
                en: "hexadecimal digits",
                fits: |c| c.is_ascii_hexdigit(),
            },
            Version::V1 => Shape { nsi: 4, md: 20, zh: "数字", en: "digits", fits: digits },
            Version::V2 => Shape { nsi: 4, md: 28, zh: "数字", en: "digits", fits: digits },
            Version::V3 => Shape {
                nsi: 5,
                md: 39,
                zh: "字母和数字",
                en: "letters and digits",
                fits: |c| c.is_ascii_alphanumeric(),
            },
            Version::V4 => Shape {
                nsi: 5,
                md: MD_CHARS,
                zh: "Unicode字符，不含空白和控制字符",
                en: "Unicode characters without white space and controls",
                fits: |c| !c.is_control() && !c.is_whitespace(),
            },
        }
    }

    pub fn nsi_chars(self) -> usize {
        self.shape().nsi
    }

    pub fn md_chars(self) -> usize {
        self.shape().md
    }

    pub(super) fn takes_nsi(self, nsi: &str) -> bool {
        nsi.chars().count() == self.nsi_chars() && nsi.chars().all(|c| self.takes_nsi_character(c))
    }

    /// An NSI is of digits, in V0 hexadecimal, in V3 and V4 letters too.
    fn takes_nsi_character(self, character: char) -> bool {
        match self {
            Version::V0 => character.is_ascii_hexdigit(),
            Version::V1 | Version::V2 => character.is_ascii_digit(),
            Version::V3 | Version::V4 => character.is_ascii_alphanumeric(),
        }
    }
}

/// An Ecode taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ecode<'a> {
    pub version: Version,
    pub nsi: &'a str,
    pub md: &'a str,
}

impl Ecode<'_> {
    /// The printed text: V, NSI and MD without separators; hexadecimal digits of V0 in capitals.
    pub fn canonical(&self) -> String {
        let text = format!("{}{}{}", self.version.digit(), self.nsi, self.md);
        if self.version == Version::V0 { text.to_ascii_uppercase() } else { text }
    }
}

/// A scheme that was found, and the parts into which its rule cuts an MD.
pub type Cut<'s, 'a> = (&'s Numbering, Vec<(&'s Part, &'a str)>);

/// Parses V+NSI+MD, with or without one kind of separator between them; positions count from its start.
pub fn parse(text: &str) -> Result<Ecode<'_>, Refusal> {
    let Some(first) = text.chars().next() else {
        return Err(Refusal::new("ecode-empty", CLAUSE, "Ecode为空", "the Ecode is empty").at(0));
    };
    let Some(version) = Version::of(first) else {
        let (zh, en) = match first {
            '5'..='9' => ("V为5至9的编码保留未用", "V 5 to 9 are reserved"),
            _ => ("V须为0至4的数字", "V must be a digit from 0 to 4"),
        };
        return Err(Refusal::new("ecode-version", CLAUSE, zh, en).at(0));
    };
    let rest = &text[first.len_utf8()..];
    let separator = rest.chars().next().filter(|c| SEPARATORS.contains(c));
    let rest = rest.strip_prefix(SEPARATORS).unwrap_or(rest);
    let mut at = text.chars().count() - rest.chars().count();
    let nsi = nsi_of(version, rest).map_err(|refusal| refusal.shifted(at))?;
    let mut md = &rest[nsi.len()..];
    at += nsi.chars().count();
    if let Some(separator) = separator {
        md = md.strip_prefix(separator).ok_or_else(|| {
            let (zh, en) = ("NSI与MD之间缺少分隔符", "the separator between NSI and MD is missing");
            Refusal::new("ecode-separator", PROFILE, zh, en).at(at)
        })?;
        at += 1;
    }
    check_md(version, md).map_err(|refusal| refusal.shifted(at))?;
    Ok(Ecode { version, nsi, md })
}

fn nsi_of(version: Version, rest: &str) -> Result<&str, Refusal> {
    let chars = version.nsi_chars();
    let mut end = 0;
    for at in 0..chars {
        match rest[end..].chars().next() {
            Some(character) if version.takes_nsi_character(character) => end += character.len_utf8(),
            _ => {
                let (zh, en) = (format!("NSI须为{chars}个字符"), format!("NSI has {chars} characters"));
                let kind = if version.shape().nsi == 5 {
                    ("字母或数字", "letters or digits")
                } else {
                    ("数字", "digits")
                };
                let (zh, en) = (format!("{zh}（{}）", kind.0), format!("{en} ({})", kind.1));
                return Err(Refusal::new("ecode-nsi", CLAUSE, zh, en).at(at));
            }
        }
    }
    Ok(&rest[..end])
}

fn check_md(version: Version, md: &str) -> Result<(), Refusal> {
    let shape = version.shape();
    if md.is_empty() {
        return Err(Refusal::new("ecode-md-empty", CLAUSE, "缺少MD", "MD is missing").at(0));
    }
    if let Some(at) = md.chars().position(|character| !(shape.fits)(character)) {
        let (zh, en) = (format!("MD只能是{}", shape.zh), format!("MD may hold {} only", shape.en));
        return Err(Refusal::new("ecode-md-character", CLAUSE, zh, en).at(at));
    }
    if md.chars().count() > shape.md {
        let (zh, en) = (format!("MD超过{}个字符", shape.md), format!("MD is longer than {} characters", shape.md));
        return Err(Refusal::new("ecode-md-length", CLAUSE, zh, en).at(shape.md));
    }
    Ok(())
}

/// Cuts the MD by the rule of its scheme; `None` if `schemes` does not know the NSI. Positions count from the start
/// of the canonical text.
pub fn cut<'s, 'a>(code: &Ecode<'a>, schemes: &'s Schemes) -> Result<Option<Cut<'s, 'a>>, Refusal> {
    let Some(numbering) = schemes.find(code.version, code.nsi) else { return Ok(None) };
    let parts = numbering.cut(code.md).map_err(|refusal| refusal.shifted(1 + code.version.nsi_chars()))?;
    Ok(Some((numbering, parts)))
}

/// The octets of an Ecode (our profile): V0 packed as 4 + 8 + up to 244 bits, which must be whole octets; V1 to V4
/// as the octets of the text.
pub fn to_octets(code: &Ecode<'_>) -> Result<Vec<u8>, Refusal> {
    let text = code.canonical();
    if code.version != Version::V0 {
        return Ok(text.into_bytes());
    }
    if !text.len().is_multiple_of(2) {
        let (zh, en) = ("V0的位数须为整字节", "the bits of a V0 code must be whole octets");
        return Err(Refusal::new("ecode-bits", PROFILE, zh, en).at(text.len()));
    }
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    Ok(digits.chunks(2).map(|pair| pair.iter().fold(0, |octet, digit| octet << 4 | digit)).collect())
}

/// The text of an Ecode from its octets, as [`to_octets`] writes them.
pub fn from_octets(octets: &[u8]) -> Result<String, Refusal> {
    let text = match octets.first() {
        // The high four bits are V.
        Some(first) if first >> 4 == 0 => octets.iter().map(|octet| format!("{octet:02X}")).collect(),
        _ => String::from_utf8(octets.to_vec()).map_err(|error| {
            let (zh, en) = ("不是V0编码，也不是文本", "neither a V0 code nor text");
            Refusal::new("ecode-octets", PROFILE, zh, en).at(error.utf8_error().valid_up_to())
        })?,
    };
    parse(&text)?;
    Ok(text)
}
