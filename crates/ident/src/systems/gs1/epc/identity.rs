//! A pure identity: its fields, checked, and its URN.

use super::kind::{Field, KINDS, Kind, Row, Set};
use super::refuse::{ESCAPES, PATTERN, URI};
use crate::refusal::Refusal;

/// Digits of a GS1 company prefix.
pub const COMPANY_DIGITS: std::ops::RangeInclusive<usize> = 6..=12;
/// Characters that a URN writes as escapes.
const ESCAPED: &str = "\"#%&/<>?";
const IDENTITY: &str = "urn:epc:id:";
const CLASS: &str = "urn:epc:class:";
const PATTERNS: &str = "urn:epc:idpat:";

/// What a tag identifies, independent of the tag: `urn:epc:id:sgtin:0614141.812345.6789`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    kind: Kind,
    fields: Vec<String>,
}

impl Identity {
    /// An identity of checked fields, without escapes. With the last field left out it is the pattern of the
    /// class. `places` are the characters at which the fields begin, for the refusal.
    pub fn new(kind: Kind, fields: Vec<String>, places: &[usize]) -> Result<Identity, Refusal> {
        Identity::checked(kind, fields).map_err(|(field, refusal)| {
            let start = places.get(field).or(places.last()).copied().unwrap_or_default();
            let within = refusal.at.unwrap_or_default();
            refusal.at(start + within)
        })
    }

    /// The same; a refusal comes with the field that it is about.
    pub fn checked(kind: Kind, fields: Vec<String>) -> Result<Identity, (usize, Refusal)> {
        let row = kind.row();
        let due = row.fields.len();
        let open = row.pattern && fields.len() + 1 == due;
        if fields.len() != due && !open {
            let found = fields.len();
            let zh = format!("{}须有{due}个字段，现为{found}个", row.name);
            let en = format!("{} has {due} fields, not {found}", row.name);
            return Err((found, Refusal::new("epc-fields", URI, zh, en)));
        }
        let company = fields.first().map_or(0, String::len);
        for (index, (field, text)) in row.fields.iter().zip(&fields).enumerate() {
            field.check(text, company).map_err(|refusal| (index, refusal))?;
        }
        Ok(Identity { kind, fields })
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its fields in the order of the URN, without escapes.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// A field, empty where there is none.
    pub fn field(&self, index: usize) -> &str {
        self.fields.get(index).map_or("", String::as_str)
    }

    /// Whether it stands for a class of things: a pattern with an open last field, or a batch.
    pub fn is_class(&self) -> bool {
        self.is_pattern() || self.kind == Kind::Lgtin
    }

    pub fn is_pattern(&self) -> bool {
        self.fields.len() < self.kind.row().fields.len()
    }

    /// Digits of the company prefix, if it has one.
    pub fn company_length(&self) -> Option<usize> {
        matches!(self.kind.row().fields.first(), Some(Field::Company)).then(|| self.field(0).len())
    }

    /// `urn:epc:id:…`, `urn:epc:idpat:….*` or `urn:epc:class:…`.
    pub fn uri(&self) -> String {
        let head = match (self.is_pattern(), self.kind) {
            (true, _) => PATTERNS,
            (false, Kind::Lgtin) => CLASS,
            (false, _) => IDENTITY,
        };
        let end = if self.is_pattern() { ".*" } else { "" };
        format!("{head}{}:{}{end}", self.kind.row().name, self.body())
    }

    /// The fields as a URN writes them, joined by dots.
    pub fn body(&self) -> String {
        self.fields.iter().map(|field| escape(field)).collect::<Vec<_>>().join(".")
    }

    /// Reads `urn:epc:id:`, `urn:epc:idpat:` or `urn:epc:class:`; `None` if it is none of them.
    pub fn read(text: &str) -> Option<Result<Identity, Refusal>> {
        let (head, rest) = [IDENTITY, PATTERNS, CLASS].into_iter().find_map(|head| Some((head, after(text, head)?)))?;
        Some(Identity::read_rest(head, rest))
    }

    fn read_rest(head: &str, rest: &str) -> Result<Identity, Refusal> {
        let name = rest.split(':').next().unwrap_or_default();
        let (row, body) = match (KINDS.iter().find(|row| row.name == name), rest.get(name.len() + 1..)) {
            (Some(row), Some(body)) if (row.kind == Kind::Lgtin) == (head == CLASS) => (row, body),
            _ => return Err(unknown(head.len())),
        };
        let start = head.len() + name.len() + 1;
        if head != PATTERNS {
            return Identity::read_body(row, body, start);
        }
        if !row.pattern {
            let zh = format!("{}没有类级模式", row.name);
            let en = format!("{} has no pattern for a class", row.name);
            return Err(Refusal::new("epc-pattern", PATTERN, zh, en).at(head.len()));
        }
        let Some(body) = body.strip_suffix(".*") else {
            let refusal =
                Refusal::new("epc-pattern", PATTERN, "类级模式须以“.*”结尾", "the pattern of a class ends in “.*”");
            return Err(refusal.at(start + body.chars().count()));
        };
        let (fields, places) = split(body, row.fields.len() - 1, start)?;
        if fields.len() + 1 < row.fields.len() {
            return Err(Identity::few(row, start + body.chars().count()));
        }
        Identity::new(row.kind, fields, &places)
    }

    /// Reads the dotted fields of that kind; `start` is the character where they begin.
    pub fn read_body(row: &Row, body: &str, start: usize) -> Result<Identity, Refusal> {
        let (fields, places) = split(body, row.fields.len(), start)?;
        if fields.len() < row.fields.len() {
            return Err(Identity::few(row, start + body.chars().count()));
        }
        Identity::new(row.kind, fields, &places)
    }

    fn few(row: &Row, at: usize) -> Refusal {
        let due = row.fields.len();
        let (zh, en) = (format!("{}须有{due}个字段", row.name), format!("{} needs {due} fields", row.name));
        Refusal::new("epc-fields", URI, zh, en).at(at)
    }
}

/// What follows `head` (in any case) in `text`.
pub fn after<'a>(text: &'a str, head: &str) -> Option<&'a str> {
    let found = text.get(..head.len())?;
    found.eq_ignore_ascii_case(head).then(|| text.get(head.len()..)).flatten()
}

/// No kind or scheme of that name.
pub fn unknown(at: usize) -> Refusal {
    Refusal::new("epc-scheme", URI, "未知的EPC类型", "no EPC scheme of this name").at(at)
}

/// Splits at dots into at most `most` fields, decodes their escapes, and says where each begins.
pub fn split(body: &str, most: usize, start: usize) -> Result<(Vec<String>, Vec<usize>), Refusal> {
    let (mut fields, mut places, mut at) = (Vec::new(), Vec::new(), start);
    for field in body.splitn(most.max(1), '.') {
        fields.push(unescape(field, at)?);
        places.push(at);
        at += field.chars().count() + 1;
    }
    Ok((fields, places))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match ESCAPED.contains(character) {
            true => out.push_str(&format!("%{:02X}", u32::from(character))),
            false => out.push(character),
        }
    }
    out
}

fn unescape(text: &str, start: usize) -> Result<String, Refusal> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    let mut at = start;
    while let Some(character) = rest.next() {
        match character {
            '%' => {
                let mut digit = || rest.next().and_then(|digit| digit.to_digit(16));
                let code = digit().zip(digit()).map(|(high, low)| high * 16 + low).and_then(char::from_u32);
                let Some(code) = code.filter(char::is_ascii_graphic) else {
                    let (zh, en) =
                        ("“%”后须有两位十六进制数字", "“%” needs two hexadecimal digits of a character behind it");
                    return Err(Refusal::new("epc-escape", ESCAPES, zh, en).at(at));
                };
                out.push(code);
                at += 3;
                continue;
            }
            _ if ESCAPED.contains(character) => {
                let code = u32::from(character);
                let zh = format!("“{character}”在URN中须写成%{code:02X}");
                let en = format!("“{character}” is written %{code:02X} in a URN");
                return Err(Refusal::new("epc-escape", ESCAPES, zh, en).at(at));
            }
            _ => out.push(character),
        }
        at += 1;
    }
    Ok(out)
}

impl Field {
    /// Checks a field without escapes; `company` is the length of the company prefix in front.
    fn check(self, text: &str, company: usize) -> Result<(), Refusal> {
        let digit = |character: char| character.is_ascii_digit();
        match self {
            Field::Company => hold(text, digit, *COMPANY_DIGITS.start(), *COMPANY_DIGITS.end()),
            Field::Reference(total) => {
                let due = total.saturating_sub(company);
                hold(text, digit, due, due)
            }
            Field::Asset(set, total) => hold(text, |one| set.has(one), 1, total.saturating_sub(company)),
            Field::Text(set, most) => hold(text, |one| set.has(one), 1, most),
            Field::Digits(least, most) => hold(text, digit, least, most),
            Field::Number(most) => {
                hold(text, digit, 1, 20)?;
                no_leading_zero(text, true)?;
                match text.parse::<u64>() {
                    Ok(value) if value <= most => Ok(()),
                    _ => {
                        let (zh, en) = (format!("数值不得超过{most}"), format!("the number may not exceed {most}"));
                        Err(Refusal::new("epc-overflow", URI, zh, en))
                    }
                }
            }
            Field::Positive(most) => {
                hold(text, digit, 1, most)?;
                no_leading_zero(text, false)
            }
            Field::Cage => hold(text, |one| digit(one) || one.is_ascii_uppercase() && !"IO".contains(one), 5, 6),
            Field::PartNumber => hold(text, |one| Set::Air.has(one), 0, 32),
            Field::AirSerial => {
                let behind = text.strip_prefix('#').unwrap_or(text);
                let mark = text.len() - behind.len();
                let checked = hold(behind, |one| Set::Air.has(one), 1, 30 - mark);
                checked.map_err(|refusal| {
                    let within = refusal.at.unwrap_or_default();
                    refusal.at(mark + within)
                })
            }
            Field::Container => {
                let (owner, number) = text.split_at_checked(4).unwrap_or((text, ""));
                hold(owner, |one| one.is_ascii_uppercase(), 4, 4)?;
                if !owner.ends_with(['J', 'U', 'Z']) {
                    let (zh, en) = ("第四个字母须为J、U或Z", "the fourth letter must be J, U or Z");
                    return Err(Refusal::new("epc-character", "ISO 6346", zh, en).at(3));
                }
                hold(number, digit, 7, 7).map_err(|refusal| {
                    let within = refusal.at.unwrap_or_default();
                    refusal.at(4 + within)
                })
            }
        }
    }
}

fn hold(text: &str, allowed: impl Fn(char) -> bool, least: usize, most: usize) -> Result<(), Refusal> {
    let mut found = 0;
    for character in text.chars() {
        if !allowed(character) {
            let refusal =
                Refusal::new("epc-character", URI, "该字段不允许此字符", "this field may not hold this character");
            return Err(refusal.at(found));
        }
        found += 1;
    }
    if (least..=most).contains(&found) {
        return Ok(());
    }
    let (zh, en) = match least == most {
        true => (format!("{least}个字符"), format!("{least} characters")),
        false => (format!("{least}至{most}个字符"), format!("{least} to {most} characters")),
    };
    let (zh, en) = (format!("该字段须为{zh}，现为{found}个"), format!("this field needs {en}, not {found}"));
    Err(Refusal::new("epc-length", URI, zh, en).at(0))
}

fn no_leading_zero(text: &str, zero_itself: bool) -> Result<(), Refusal> {
    if text.starts_with('0') && !(zero_itself && text == "0") {
        return Err(Refusal::new("epc-leading-zero", URI, "不得以0开头", "may not begin with 0").at(0));
    }
    Ok(())
}
