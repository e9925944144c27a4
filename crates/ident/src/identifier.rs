//! Identifiers, prefixes and the keys that records are stored under.
//!
//! A name keeps the spelling of its asker (the echo rule); equality and storage go through [`RecordKey`],
//! which is folded. Only the octets `a`–`z` ever fold; `é`, `Ä` and `中` are compared octet by octet.

use crate::limits;
use crate::refusal::Refusal;
use crate::system::{Scheme, System};
use std::fmt;

/// First octet of every record key: the name space shared by Handle and VAA.
const HANDLE_SPACE: u8 = b'h';
/// The prefix of all prefix handles.
pub const NA: &str = "0.NA";

/// Whether suffixes are compared without regard to ASCII case.
///
/// The prefix part always folds, and so does every name that starts with `0.`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CaseRule {
    /// `abc` and `ABC` are one identifier (the default of the installed base).
    #[default]
    Insensitive,
    /// Suffixes are compared octet by octet.
    Sensitive,
}

/// A borrowed name. Cheap to copy; nothing is checked but UTF-8.
///
/// A Handle or VAA name is split at its first `/`; a name with a system's tag (`oid:1.2.156`) by its system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'a> {
    text: &'a str,
    slash: Option<usize>,
    /// The system whose tag it carries.
    tagged: Option<Scheme>,
}

impl<'a> Name<'a> {
    /// Splits `text` at the first slash; a name without one stands for the prefix handle `0.NA/text`.
    pub fn new(text: &'a str) -> Self {
        let tagged = Scheme::of_tagged(text).map(|(scheme, _)| scheme);
        let slash = if tagged.is_some() { None } else { memchr_slash(text) };
        Name { text, slash, tagged }
    }

    /// The system whose tag the name carries, and the name without it.
    pub fn tagged(self) -> Option<(&'static dyn System, &'a str)> {
        let system = self.tagged?.system()?;
        Some((system, self.text.split_once(':')?.1))
    }

    /// Whether the name carries the tag of a system outside the Handle space.
    pub fn is_tagged(self) -> bool {
        self.tagged.is_some()
    }

    /// The name as its asker spelt it.
    pub fn text(self) -> &'a str {
        self.text
    }

    /// The part before the first slash; `0.NA` for a name without slash, the whole name if it carries a tag.
    pub fn prefix(self) -> &'a str {
        match self.slash {
            Some(at) => &self.text[..at],
            None if self.is_tagged() => self.text,
            None => NA,
        }
    }

    /// The part after the first slash; the whole name when there is none.
    pub fn suffix(self) -> &'a str {
        match self.slash {
            Some(at) => &self.text[at + 1..],
            None => self.text,
        }
    }

    /// Whether this names a prefix handle `0.NA/…` (or stands for one).
    pub fn is_prefix_handle(self) -> bool {
        self.prefix().eq_ignore_ascii_case(NA)
    }

    /// The prefix that a prefix handle describes: `88.118` for `0.NA/88.118`.
    pub fn described_prefix(self) -> Option<Prefix> {
        self.is_prefix_handle().then(|| Prefix::folded(self.suffix()))
    }

    /// The prefix that answers for this name, folded: `88.118.8` for `88.118.8/x`, `0.NA` for prefix handles.
    ///
    /// For a tagged name it is the longest prefix by which the name could have been delegated; which of its
    /// [`Prefix::lineage`] was, only those who delegate know.
    pub fn home(self) -> Prefix {
        match self.tagged() {
            Some((system, rest)) => Prefix::tagged(system.scheme(), system.authority(rest)),
            None => Prefix::folded(self.prefix()),
        }
    }

    /// Whether the name belongs to the global prefix family (`0.…`), which is folded whole.
    pub fn is_global(self) -> bool {
        (self.slash.is_none() && self.tagged.is_none()) || self.text.starts_with("0.") || self.text.starts_with("0/")
    }

    /// Appends the record key: space octet, folded prefix, a zero octet, suffix folded as `rule` says; for a tagged
    /// name the space octet and the key of its system, which has its own rule.
    pub fn write_key(self, rule: CaseRule, out: &mut Vec<u8>) {
        if let Some((system, rest)) = self.tagged() {
            out.push(system.space());
            return system.write_key(rest, out);
        }
        out.push(HANDLE_SPACE);
        extend_folded(out, self.prefix().as_bytes());
        out.push(0);
        if rule == CaseRule::Insensitive || self.is_global() {
            extend_folded(out, self.suffix().as_bytes());
        } else {
            out.extend_from_slice(self.suffix().as_bytes());
        }
    }

    /// An owned copy.
    pub fn to_identifier(self) -> Identifier {
        Identifier { text: self.text.into() }
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

fn memchr_slash(text: &str) -> Option<usize> {
    text.as_bytes().iter().position(|octet| *octet == b'/')
}

fn extend_folded(out: &mut Vec<u8>, text: &[u8]) {
    out.extend(text.iter().map(u8::to_ascii_uppercase));
}

/// An identifier in the spelling of whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identifier {
    text: Box<str>,
}

impl Identifier {
    /// Takes a name for a question: any non-empty text up to 2048 octets, because a node answers what is stored.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.is_empty() {
            return Err(refuse("empty-identifier", "标识为空", "the identifier is empty").at(0));
        }
        if text.len() > limits::NAME_OCTETS {
            let within = text.char_indices().filter(|(at, c)| at + c.len_utf8() <= limits::NAME_OCTETS).count();
            return Err(too_long(limits::NAME_OCTETS, "octets", "字节").at(within));
        }
        Ok(Identifier { text: text.into() })
    }

    /// Takes a name for a registration: lengths, characters and a non-empty suffix are checked here;
    /// the system's own grammar is checked by [`crate::system::check_new`].
    pub fn parse_new(text: &str) -> Result<Self, Refusal> {
        let identifier = Identifier::parse(text)?;
        check_characters(text)?;
        if let Some((system, rest)) = identifier.name().tagged() {
            // A system counts behind its tag, which is ASCII.
            let tag = text.len() - rest.len();
            let canonical = system.canonical(rest).map_err(|refusal| refusal.shifted(tag))?;
            let canonical = format!("{}:{canonical}", system.scheme());
            check_octets(&canonical)?;
            return Ok(Identifier { text: canonical.into() });
        }
        check_lengths(text)?;
        let name = identifier.name();
        match name.slash {
            None => Prefix::parse(text).map(|_| ())?,
            Some(0) => return Err(refuse("empty-prefix", "前缀为空", "the prefix before “/” is empty").at(0)),
            Some(at) if at + 1 == text.len() => {
                let position = text.chars().count() - 1;
                return Err(refuse("empty-suffix", "“/”后没有后缀", "nothing follows the “/”").at(position));
            }
            Some(_) => Prefix::parse(name.prefix()).map(|_| ())?,
        }
        Ok(identifier)
    }

    /// Decodes percent-escapes once, then parses as [`Identifier::parse`]. A `%` not followed by two
    /// hexadecimal digits is refused with its position.
    pub fn parse_percent(text: &str) -> Result<Self, Refusal> {
        Identifier::parse(&percent_decode(text)?)
    }

    pub fn name(&self) -> Name<'_> {
        Name::new(&self.text)
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The key its record is stored under.
    pub fn key(&self, rule: CaseRule) -> RecordKey {
        RecordKey::of(self.name(), rule)
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Percent-decoding with the position of a bad escape (RFC 3986 §2.1).
pub fn percent_decode(text: &str) -> Result<String, Refusal> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'%' {
            out.push(bytes[at]);
            at += 1;
            continue;
        }
        let Some(octet) = bytes.get(at + 1..at + 3).and_then(hexadecimal) else {
            let position = text[..at].chars().count();
            return Err(Refusal::new(
                "bad-escape",
                "RFC 3986 §2.1",
                "“%”后须跟两位十六进制数字",
                "“%” must be followed by two hexadecimal digits",
            )
            .at(position));
        };
        out.push(octet);
        at += 3;
    }
    String::from_utf8(out).map_err(|_| refuse("not-utf8", "解码后不是UTF-8", "not UTF-8 after percent-decoding"))
}

/// The octet that two hexadecimal digits stand for; no sign, no space.
fn hexadecimal(pair: &[u8]) -> Option<u8> {
    let digit = |octet: u8| char::from(octet).to_digit(16);
    Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8)
}

fn check_characters(text: &str) -> Result<(), Refusal> {
    let last = text.chars().count() - 1;
    // Neither the identifier nor its suffix begins with white space.
    let suffix = text.chars().position(|character| character == '/').map_or(0, |slash| slash + 1);
    for (position, character) in text.chars().enumerate() {
        if character.is_control() {
            let number = character as u32;
            let (zh, en) = (format!("含控制字符 U+{number:04X}"), format!("control character U+{number:04X}"));
            return Err(refuse("control-character", zh, en).at(position));
        }
        if character.is_whitespace() && [0, suffix, last].contains(&position) {
            let (zh, en) = ("标识和后缀首尾不得有空白字符", "leading or trailing white space");
            return Err(refuse("outer-space", zh, en).at(position));
        }
    }
    Ok(())
}

fn check_lengths(text: &str) -> Result<(), Refusal> {
    if text.chars().count() > limits::IDENTIFIER_CHARS {
        return Err(too_long(limits::IDENTIFIER_CHARS, "characters", "个字符").at(limits::IDENTIFIER_CHARS));
    }
    check_octets(text)
}

fn check_octets(text: &str) -> Result<(), Refusal> {
    if text.len() > limits::IDENTIFIER_OCTETS {
        return Err(too_long(limits::IDENTIFIER_OCTETS, "octets", "字节"));
    }
    Ok(())
}

fn too_long(limit: usize, en: &str, zh: &str) -> Refusal {
    refuse("too-long", format!("标识超过{limit}{zh}"), format!("the identifier is longer than {limit} {en}"))
}

fn refuse(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Refusal {
    Refusal::new(code, "RFC 3651 §2; VAA coding rule", zh, en)
}

/// What can be delegated, in folded spelling: a dotted prefix, kept as text because leading zeros matter
/// (`88.389.00054`), or an authority path of another system with its tag (`GS1:6901234`, `OID:1.2.156`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix(Box<str>);

impl Prefix {
    /// Parses a prefix: 1 to 64 characters, dotted non-empty segments, no white space, control character or slash.
    ///
    /// A text with a system's tag is checked by its system; the tag alone stands for the whole system.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if let Some((scheme, path)) = Scheme::of_tagged(text) {
            check_octets(text)?;
            let Some(system) = scheme.system() else { return Ok(Prefix::folded(text)) };
            let tag = text.len() - path.len();
            return match system.check_path(path) {
                Ok(()) => Ok(Prefix::folded(text)),
                Err(refusal) => Err(refusal.shifted(tag)),
            };
        }
        let clause = "RFC 3651 §2";
        if text.chars().count() > limits::PREFIX_CHARS {
            let limit = limits::PREFIX_CHARS;
            let (zh, en) = (format!("前缀超过{limit}个字符"), format!("the prefix is longer than {limit} characters"));
            return Err(Refusal::new("prefix-too-long", clause, zh, en).at(limit));
        }
        let mut previous = '.';
        for (position, character) in text.chars().enumerate() {
            if character.is_control() || character.is_whitespace() || character == '/' {
                let en = format!("a prefix may not contain {character:?}");
                return Err(
                    Refusal::new("prefix-character", clause, format!("前缀不得含{character:?}"), en).at(position)
                );
            }
            if character == '.' && previous == '.' {
                return Err(empty_segment().at(position));
            }
            previous = character;
        }
        if previous == '.' {
            return Err(empty_segment().at(text.chars().count().saturating_sub(1)));
        }
        Ok(Prefix::folded(text))
    }

    /// Folds without checking; for names that come off the wire and are only looked up.
    pub fn folded(text: &str) -> Self {
        Prefix(text.to_ascii_uppercase().into())
    }

    /// The authority path of a system, behind its tag.
    fn tagged(scheme: Scheme, path: &str) -> Self {
        Prefix(format!("{scheme}:{path}").to_ascii_uppercase().into())
    }

    /// The system whose tag it carries, and the path behind the tag.
    pub fn path(&self) -> Option<(&'static dyn System, &str)> {
        let (scheme, path) = Scheme::of_tagged(&self.0)?;
        Some((scheme.system()?, path))
    }

    /// The prefix it is derived from: `88.118` for `88.118.8`, `GS1:69` for `GS1:690`; none without a dot, and none
    /// for the whole of a system.
    pub fn parent(&self) -> Option<Prefix> {
        if let Some((system, path)) = self.path() {
            let left = system.parent(path)?;
            return Some(Prefix(self.0[..self.0.len() - path.len() + left].into()));
        }
        self.0.rfind('.').map(|dot| Prefix(self.0[..dot].into()))
    }

    /// What the text of every prefix derived from this one begins with: `88.118.` for `88.118`, `GS1:690` for itself.
    pub fn derived_start(&self) -> String {
        match self.path() {
            Some((_, "")) => self.0.to_string(),
            Some((system, _)) => format!("{}{}", self.0, system.separator()),
            None => format!("{}.", self.0),
        }
    }

    /// The prefix itself, then its parent, and so on up.
    pub fn lineage(&self) -> impl Iterator<Item = Prefix> {
        std::iter::successors(Some(self.clone()), Prefix::parent)
    }

    /// Whether `self` is derived from `ancestor` (strictly).
    pub fn is_derived_from(&self, ancestor: &Prefix) -> bool {
        if self.path().is_some() {
            return self.lineage().skip(1).any(|above| above == *ancestor);
        }
        self.0.strip_prefix(&*ancestor.0).is_some_and(|rest| rest.starts_with('.'))
    }

    /// The prefix handle that describes it: `0.NA/88.118`.
    pub fn handle(&self) -> Identifier {
        Identifier { text: format!("{NA}/{}", self.0).into() }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn empty_segment() -> Refusal {
    Refusal::new("empty-segment", "RFC 3651 §2", "前缀含空段", "a segment of the prefix is empty")
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a record is stored under: space octet, folded prefix, zero octet, suffix.
///
/// Keys sort by prefix, then suffix, so all identifiers of a prefix stand together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKey(Vec<u8>);

impl RecordKey {
    pub fn of(name: Name<'_>, rule: CaseRule) -> Self {
        let mut key = Vec::with_capacity(name.text().len() + 8);
        name.write_key(rule, &mut key);
        RecordKey(key)
    }

    /// Takes octets that a store kept; they are trusted to be a key.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        RecordKey(bytes)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The octets that all keys under `prefix` start with.
    pub fn range_of(prefix: &Prefix) -> Vec<u8> {
        if let Some((system, path)) = prefix.path() {
            let mut start = vec![system.space()];
            system.write_range(path, &mut start);
            return start;
        }
        let mut start = vec![HANDLE_SPACE];
        start.extend_from_slice(prefix.0.as_bytes());
        start.push(0);
        start
    }

    /// The stored (folded) spelling: `prefix/suffix`.
    pub fn to_identifier(&self) -> Identifier {
        if let Some((space, key)) = self.0.split_first()
            && let Some(system) = Scheme::of_space(*space)
        {
            return Identifier { text: format!("{}:{}", system.scheme(), system.name_of_key(key)).into() };
        }
        let body = self.0.get(1..).unwrap_or_default();
        let mut text = String::from_utf8_lossy(body).into_owned();
        if let Some(at) = text.find('\0') {
            text.replace_range(at..=at, "/");
        }
        Identifier { text: text.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_splits_at_its_first_slash() {
        let name = Name::new("88.101.5/型号:A 1/2");
        assert_eq!((name.prefix(), name.suffix()), ("88.101.5", "型号:A 1/2"));
        assert_eq!(Name::new("88.118").described_prefix().unwrap().as_str(), "88.118");
    }

    #[test]
    fn keys_fold_ascii_only_and_prefixes_always() {
        let key = |text, rule| Identifier::parse(text).unwrap().key(rule);
        assert_eq!(key("20.test/aé", CaseRule::Insensitive), key("20.TEST/Aé", CaseRule::Insensitive));
        assert_ne!(key("20.test/aé", CaseRule::Insensitive), key("20.TEST/aÉ", CaseRule::Insensitive));
        assert_ne!(key("20.test/a", CaseRule::Sensitive), key("20.TEST/A", CaseRule::Sensitive));
        assert_eq!(key("0.na/a", CaseRule::Sensitive), key("0.NA/A", CaseRule::Sensitive));
        assert_eq!(key("20.test/a", CaseRule::Insensitive).to_identifier().as_str(), "20.TEST/A");
    }

    #[test]
    fn new_identifiers_name_the_place_and_the_rule() {
        let cases = [
            ("", "empty-identifier", Some(0)),
            (" 88.111.1/a", "outer-space", Some(0)),
            ("88.111.1/ a", "outer-space", Some(9)),
            ("88.111.1/a ", "outer-space", Some(10)),
            ("88.111.1/", "empty-suffix", Some(8)),
            ("/x", "empty-prefix", Some(0)),
            ("88..1/x", "empty-segment", Some(3)),
            ("88.1./x", "empty-segment", Some(4)),
            ("88.1/a\tb", "control-character", Some(6)),
            ("8 8/a", "prefix-character", Some(1)),
        ];
        for (text, code, at) in cases {
            let refusal = Identifier::parse_new(text).unwrap_err();
            assert_eq!((refusal.code, refusal.at), (code, at), "{text:?}");
        }
        assert!(Identifier::parse_new(&format!("88.118.8/{}", "中".repeat(246))).is_ok());
        assert_eq!(Identifier::parse_new(&format!("88.118.8/{}", "中".repeat(247))).unwrap_err().code, "too-long");
    }

    #[test]
    fn places_in_tagged_names_count_from_the_start_of_the_tag() {
        let place = |text: &str, wrong: char| (text.to_owned(), text.chars().position(|c| c == wrong));
        let name = |text| (text, Identifier::parse_new(text).unwrap_err().at);
        let prefix = |text| (text, Prefix::parse(text).unwrap_err().at);
        let found = [
            name("oid:1.2.x3"),
            name("OID:/1/2/+"),
            name("gs1:01/09521321x00018"),
            name("ecode:190x1123456000017"),
            name("ecode:1.9001.12345!000017"),
            name("did:example:a b"),
            name("did:bid:!f18F9AVK4SQLZPRrPkrVWwp9kBpdXHx"),
            prefix("oid:1.2.x3"),
            prefix("gs1:95x"),
            prefix("ecode:19x01"),
            prefix("did:bid!by01"),
        ];
        for ((text, at), wrong) in found.into_iter().zip("x+xx! !xxx!".chars()) {
            assert_eq!((text.to_owned(), at), place(text, wrong));
        }
        let tested = found.map(|(text, _)| Scheme::of_tagged(text).map(|(scheme, _)| scheme));
        let tagged = Scheme::ALL.into_iter().filter(|scheme| scheme.system().is_some());
        tagged.for_each(|scheme| assert!(tested.contains(&Some(scheme)), "{scheme} is not tested"));
    }

    #[test]
    fn percent_escapes_decode_once() {
        assert_eq!(Identifier::parse_percent("88.101.5/%E5%9E%8B%20a%252F").unwrap().as_str(), "88.101.5/型 a%2F");
        assert_eq!(Identifier::parse_percent("88.101.5/a%2").unwrap_err().at, Some(10));
    }

    #[test]
    fn lineage_walks_up() {
        let prefix = Prefix::parse("88.118.8").unwrap();
        let line: Vec<_> = prefix.lineage().map(|p| p.to_string()).collect();
        assert_eq!(line, ["88.118.8", "88.118", "88"]);
        assert!(prefix.is_derived_from(&Prefix::folded("88")));
        assert!(!Prefix::folded("881.1").is_derived_from(&Prefix::folded("88")));
    }
}
