//! Digital Link URIs: from text to a data set (GS1 Digital Link URI Syntax).

use super::ai::{self, Ai, Code};
use super::compress;
use super::data_set::{DataSet, Extra, Options};
use super::draft::{Coding, Draft, escape};
use crate::refusal::Refusal;

const CLAUSE: &str = "GS1 Digital Link URI Syntax";
/// The code of the refusal for a URI that is no Digital Link.
pub const NOT_A_LINK: &str = "gs1-not-a-link";

/// The names that AIs had in paths before release 1.3.
const NAMES: [(&str, &str); 22] = [
    ("cpid", "8010"),
    ("cpsn", "8011"),
    ("cpv", "22"),
    ("gcn", "255"),
    ("gdti", "253"),
    ("giai", "8004"),
    ("ginc", "401"),
    ("gln", "414"),
    ("glnx", "254"),
    ("gmn", "8013"),
    ("grai", "8003"),
    ("gsin", "402"),
    ("gsrn", "8018"),
    ("gsrnp", "8017"),
    ("gtin", "01"),
    ("itip", "8006"),
    ("lot", "10"),
    ("party", "417"),
    ("refno", "8020"),
    ("ser", "21"),
    ("srin", "8019"),
    ("sscc", "00"),
];

/// What follows `https://`, `http://` or the same in capitals.
pub fn after_scheme(text: &str) -> Option<&str> {
    ["https://", "http://", "HTTPS://", "HTTP://"].iter().find_map(|scheme| text.strip_prefix(scheme))
}

/// Parses a Digital Link; one that is none as it stands may be compressed.
pub fn parse(text: &str, options: &Options) -> Result<DataSet, Refusal> {
    let uri = Uri::split(text)?;
    match uri.key(options) {
        Some(path) => uri.read(path, options),
        None => compress::decode(&uri, options).unwrap_or_else(|| {
            let (zh, en) = (
                "此URI不是GS1 Digital Link：路径中没有主键",
                "no GS1 Digital Link: there is no primary key in its path",
            );
            Err(refuse(NOT_A_LINK, zh, en).at(uri.text.chars().count() - uri.path_on().chars().count()))
        }),
    }
}

/// Parses `/01/…/10/…` without scheme and host, as names and stems are written.
pub fn parse_path(text: &str, options: &Options) -> Result<DataSet, Refusal> {
    let query = text.find('?');
    let uri = Uri { text, path: 0, path_end: query.unwrap_or(text.len()), query: query.map(|at| (at + 1, text.len())) };
    match uri.key(options) {
        Some(path) if path.start == 0 => uri.read(path, options),
        _ => {
            Err(refuse(NOT_A_LINK, "须以GS1主键开头，如01/…", "it must begin with a GS1 primary key, such as 01/…")
                .at(0))
        }
    }
}

fn refuse(code: &'static str, zh: &str, en: &str) -> Refusal {
    Refusal::new(code, CLAUSE, zh, en)
}

/// A URI, cut into its parts by octets.
pub struct Uri<'a> {
    pub text: &'a str,
    /// Where the path begins and ends.
    pub path: usize,
    pub path_end: usize,
    query: Option<(usize, usize)>,
}

/// Where the key of a path begins (the slash before it), and the AI and value of each pair from there, as octets.
struct KeyPath {
    start: usize,
    pairs: Vec<((usize, usize), (usize, usize))>,
}

impl<'a> Uri<'a> {
    /// Splits a URI; its characters and its host must be good.
    fn split(text: &'a str) -> Result<Uri<'a>, Refusal> {
        let Some(rest) = after_scheme(text) else {
            return Err(refuse(NOT_A_LINK, "须以https://或http://开头", "it must begin with https:// or http://").at(0));
        };
        if let Some(at) = text.chars().position(|character| !is_uri_character(character)) {
            return Err(refuse(
                "gs1-uri-character",
                "不是URI字符，须写作%hh",
                "no character of a URI; write it as %hh",
            )
            .at(at));
        }
        let start = text.len() - rest.len();
        let Some(slash) = rest.find('/') else {
            return Err(refuse(NOT_A_LINK, "主机名后没有路径", "there is no path behind the host").at(text.len()));
        };
        let host = rest.get(..slash).unwrap_or_default();
        if let Some(bad) = host.find(|character: char| "_~?#@!$&'()*+,;=%".contains(character)) {
            return Err(refuse("gs1-uri-host", "主机名含无效字符", "the host has a character that may not be there")
                .at(start + bad));
        }
        if host.is_empty() {
            return Err(refuse("gs1-uri-host", "主机名为空", "the host is empty").at(start));
        }
        let path = start + slash;
        let end = text.find('#').unwrap_or(text.len());
        let question = text.get(path..end).and_then(|rest| rest.find('?')).map(|at| path + at);
        Ok(Uri { text, path, path_end: question.unwrap_or(end), query: question.map(|at| (at + 1, end)) })
    }

    fn path_on(&self) -> &'a str {
        self.text.get(self.path..).unwrap_or_default()
    }

    pub fn slice(&self, (from, to): (usize, usize)) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// Looks for the key from the right end of the path, pair by pair.
    fn key(&self, options: &Options) -> Option<KeyPath> {
        let mut pairs = Vec::with_capacity(4);
        let mut end = self.path_end;
        loop {
            let value = self.slice((self.path, end)).rfind('/')? + self.path;
            let code = self.slice((self.path, value)).rfind('/').map(|at| at + self.path);
            // A path without its first slash is one as well; only names are written so.
            let first = code.map_or(self.path, |slash| slash + 1);
            if code.is_none() && self.slice((self.path, self.path + 1)) == "/" {
                return None;
            }
            let found = ai_of_path(self.slice((first, value)), options)?;
            pairs.push(((first, value), (value + 1, end)));
            if found.is_key() {
                pairs.reverse();
                return Some(KeyPath { start: code.unwrap_or(self.path), pairs });
            }
            end = code?;
        }
    }

    fn read(&self, path: KeyPath, options: &Options) -> Result<DataSet, Refusal> {
        let mut draft = Draft::new(self.text, Coding::Percent, options)?;
        for &((from, to), value) in &path.pairs {
            let Some(found) = ai_of_path(self.slice((from, to)), options).and_then(|ai| Code::parse(ai.code())) else {
                continue;
            };
            self.add(&mut draft, found, value, false)?;
        }
        draft.set.in_path = path.pairs.len();
        let sequence: Vec<Code> = draft.set.elements().map(|element| element.digits()).collect();
        if let Some(bad) = first_misplaced(&sequence) {
            let at = path.pairs.get(bad).map_or(0, |((from, _), _)| *from);
            let (zh, en) = ("此限定符不能出现在这里", "this qualifier may not stand here");
            return Err(refuse("gs1-uri-sequence", zh, en).at(draft.position(at)));
        }
        self.add_query(&mut draft, &sequence)?;
        draft.set.stem = Some(self.slice((0, path.start)).to_owned());
        draft.finish()
    }

    /// Adds the value at these octets.
    pub fn add(&self, draft: &mut Draft<'_>, code: Code, value: (usize, usize), query: bool) -> Result<(), Refusal> {
        let start = draft.set.values.len();
        let raw = self.slice(value);
        if let Some(at) = raw.find("%00") {
            let (zh, en) = ("值中不得有%00", "a value may not hold %00");
            return Err(refuse("gs1-uri-zero", zh, en).at(draft.position(value.0 + at)));
        }
        unescape_into(raw, query, &mut draft.set.values);
        let zeros = draft.pad_gtin(code, start);
        draft.add((code, ai::of_code(code)), start, value.0)?;
        draft.padded(zeros);
        Ok(())
    }

    /// Adds the pairs of the query; `sequence` is the key with its qualifiers.
    pub fn add_query(&self, draft: &mut Draft<'_>, sequence: &[Code]) -> Result<(), Refusal> {
        let Some((from, to)) = self.query else { return Ok(()) };
        let mut at = from;
        for pair in self.slice((from, to)).split('&') {
            let start = at;
            at += pair.len() + 1;
            let (name, value) = pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value)));
            if pair.is_empty() {
                continue;
            }
            if name.is_empty() || !name.bytes().all(|octet| octet.is_ascii_digit()) {
                draft.set.extras.push(Extra { name: name.to_owned(), value: value.map(str::to_owned) });
                if draft.set.extras.len() > super::data_set::ELEMENTS {
                    return Err(draft.refuse(
                        start,
                        "gs1-too-many-pairs",
                        "查询参数过多",
                        "too many pairs in the query",
                    ));
                }
                continue;
            }
            let code = self.attribute(draft, sequence, name, start)?;
            let begins = start + name.len() + 1;
            self.add(draft, code, (begins.min(start + pair.len()), start + pair.len()), true)?;
        }
        Ok(())
    }

    /// The AI of a pair of the query, if it may stand there.
    fn attribute(&self, draft: &Draft<'_>, sequence: &[Code], name: &str, at: usize) -> Result<Code, Refusal> {
        let (code, known) = draft.ai(name, at)?;
        let in_path = (0..=sequence.len()).skip(1).any(|place| {
            let mut longer = sequence.to_vec();
            longer.insert(place, code);
            first_misplaced(&longer).is_none()
        });
        if in_path {
            let (zh, en) = (format!("（{name}）须写在路径中"), format!("({name}) must stand in the path"));
            return Err(refuse("gs1-uri-qualifier-in-query", &zh, &en).at(draft.position(at)));
        }
        if !known.is_some_and(Ai::is_attribute) {
            let (zh, en) =
                (format!("（{name}）不能作为URI的属性"), format!("({name}) may not be an attribute of a URI"));
            return Err(refuse("gs1-uri-not-an-attribute", &zh, &en).at(draft.position(at)));
        }
        Ok(code)
    }
}

/// RFC 3986: reserved, unreserved and `%`.
fn is_uri_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(character)
}

fn ai_of_path(segment: &str, options: &Options) -> Option<&'static Ai> {
    let named = || NAMES.iter().find(|(name, _)| *name == segment).map(|(_, code)| *code);
    ai::ai(segment).or_else(|| ai::ai(named().filter(|_| options.alpha_keys)?))
}

/// The first of a key and its qualifiers that may not stand where it does; none if the whole may be a path.
pub fn first_misplaced(sequence: &[Code]) -> Option<usize> {
    let (first, rest) = sequence.split_first()?;
    let Some(key) = ai::of_code(*first).filter(|key| key.is_key()) else { return Some(0) };
    let follows = |order: &[Code]| {
        let mut order = order.iter();
        rest.iter().position(|code| !order.any(|own| own == code)).map_or(usize::MAX, |at| at + 1)
    };
    let best = key.qualifiers().iter().map(|order| follows(order)).max();
    match best.unwrap_or(if rest.is_empty() { usize::MAX } else { 1 }) {
        usize::MAX => None,
        at => Some(at),
    }
}

/// Decodes `%hh`, each to one character; in a query `+` is a space. A `%` without two hexadecimal digits stays.
pub fn unescape(text: &str, query: bool) -> String {
    let mut out = String::with_capacity(text.len());
    unescape_into(text, query, &mut out);
    out
}

fn unescape_into(text: &str, query: bool, out: &mut String) {
    let coded = text.contains('%') || query && text.contains('+');
    if !coded {
        out.push_str(text);
        return;
    }
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let taken = match escape(rest) {
            Some(octet) => {
                out.push(char::from(octet));
                3
            }
            None => {
                out.push(if query && character == '+' { ' ' } else { character });
                character.len_utf8()
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
}
