//! The syntax that all DIDs share (W3C DID Core §3.1, §3.2), and which method's own rule comes on top.

use super::bid::{self, Bid};
use super::key::{self, KeyName};
use super::vaa_names::{self, VaaName};
use super::web::{self, WebName};
use crate::refusal::Refusal;

pub const CLAUSE: &str = "W3C DID Core §3.1";
const URL_CLAUSE: &str = "W3C DID Core §3.2";
/// Characters of a DID URL (our profile; the standard sets no bound).
pub const DID_URL_CHARS: usize = 2048;
/// Characters of a method name (our profile).
pub const METHOD_CHARS: usize = 32;

/// A DID or DID URL taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DidName<'a> {
    pub method: &'a str,
    /// The method-specific identifier.
    pub id: &'a str,
    pub own: Method<'a>,
    /// What follows the DID: path with its slash, query and fragment without their signs; all absent in a bare DID.
    pub path: Option<&'a str>,
    pub query: Option<&'a str>,
    pub fragment: Option<&'a str>,
}

/// What the method's own rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method<'a> {
    Bid(Bid<'a>),
    Web(WebName),
    Key(KeyName),
    /// `did:cn` and `did:vaa`: the parts by name.
    Vaa(VaaName<'a>),
    /// A method whose rule is not known here.
    Opaque,
}

impl DidName<'_> {
    /// Whether path, query or fragment follow the DID.
    pub fn is_url(&self) -> bool {
        self.path.is_some() || self.query.is_some() || self.fragment.is_some()
    }
}

/// Octets of the method and the method-specific identifier in `rest`; what follows is path, query and fragment.
pub fn extent(rest: &str) -> usize {
    let own = |prefix: &str, of: fn(&str) -> usize| rest.strip_prefix(prefix).map(|id| prefix.len() + of(id));
    own("bid:", bid::extent)
        .or_else(|| own("vaa:", vaa_names::extent))
        .unwrap_or_else(|| rest.find(['/', '?', '#']).unwrap_or(rest.len()))
}

/// Parses what follows `did:`; positions count from its start.
pub fn parse(rest: &str) -> Result<DidName<'_>, Refusal> {
    if rest.chars().count() > DID_URL_CHARS {
        let (zh, en) = (format!("DID超过{DID_URL_CHARS}个字符"), format!("longer than {DID_URL_CHARS} characters"));
        return Err(Refusal::new("did-length", "our profile", zh, en).at(DID_URL_CHARS));
    }
    let Some((method, _)) = rest.split_once(':') else {
        let (zh, en) = ("缺少DID方法名或其后的“:”", "a method name and “:” must follow “did:”");
        return Err(Refusal::new("did-method", CLAUSE, zh, en).at(rest.chars().count()));
    };
    check_method(method)?;
    let end = extent(rest);
    let start = method.len() + 1;
    let id = rest.get(start..end).unwrap_or_default();
    let own = method_of(method, id).map_err(|refusal| refusal.shifted(start))?;
    let mut name = DidName { method, id, own, path: None, query: None, fragment: None };
    split_url(rest, end, &mut name)?;
    Ok(name)
}

fn check_method(method: &str) -> Result<(), Refusal> {
    let strange = method.chars().position(|c| !c.is_ascii_lowercase() && !c.is_ascii_digit());
    if method.is_empty() || method.len() > METHOD_CHARS || strange.is_some() {
        let zh = format!("DID方法名须为1至{METHOD_CHARS}个小写字母或数字");
        let en = format!("a method name is 1 to {METHOD_CHARS} of a–z and 0–9");
        return Err(Refusal::new("did-method", CLAUSE, zh, en).at(strange.unwrap_or(method.len().min(METHOD_CHARS))));
    }
    Ok(())
}

fn method_of<'a>(method: &str, id: &'a str) -> Result<Method<'a>, Refusal> {
    if id.is_empty() {
        let (zh, en) = ("方法名后没有标识部分", "nothing follows the method name");
        return Err(Refusal::new("did-id-empty", CLAUSE, zh, en).at(0));
    }
    match method {
        // These two have characters in their own rule that the general one does not know.
        "bid" => return bid::parse(id).map(Method::Bid),
        "vaa" => return vaa_names::vaa(id).map(Method::Vaa),
        _ => check_id(id)?,
    }
    match method {
        "cn" => vaa_names::cn(id).map(Method::Vaa),
        "web" => web::parse(id).map(Method::Web),
        "key" => key::parse(id).map(Method::Key),
        _ => Ok(Method::Opaque),
    }
}

/// `*( *idchar ":" ) 1*idchar`: letters, digits, `.`, `-`, `_`, percent-escapes; the last segment is not empty.
fn check_id(id: &str) -> Result<(), Refusal> {
    if id.ends_with(':') {
        let (zh, en) = ("标识部分的末段为空", "the last segment is empty");
        return Err(Refusal::new("did-id-empty", CLAUSE, zh, en).at(id.chars().count()));
    }
    check_characters(id, ":.-_", "did-character", CLAUSE)
}

/// Letters, digits, percent-escapes and `more`.
fn check_characters(text: &str, more: &str, code: &'static str, clause: &'static str) -> Result<(), Refusal> {
    let mut escape = 0;
    for (at, character) in text.chars().enumerate() {
        let fits = match escape {
            0 if character == '%' => {
                escape = 3;
                true
            }
            0 => character.is_ascii_alphanumeric() || more.contains(character),
            _ => character.is_ascii_hexdigit(),
        };
        if !fits && escape > 0 {
            return Err(bad_escape(at + escape - 3, clause));
        }
        if !fits {
            let (zh, en) = (format!("此处不得有{character:?}"), format!("{character:?} may not stand here"));
            return Err(Refusal::new(code, clause, zh, en).at(at));
        }
        escape = escape.saturating_sub(1);
    }
    if escape > 0 { Err(bad_escape(text.chars().count() + escape - 3, clause)) } else { Ok(()) }
}

fn bad_escape(at: usize, clause: &'static str) -> Refusal {
    let (zh, en) = ("“%”后须跟两位十六进制数字", "“%” must be followed by two hexadecimal digits");
    Refusal::new("did-percent", clause, zh, en).at(at)
}

/// Takes path, query and fragment behind the DID, which ends at octet `end`.
fn split_url<'a>(rest: &'a str, end: usize, name: &mut DidName<'a>) -> Result<(), Refusal> {
    let (before, fragment) = cut(rest, end, '#');
    let (before, query) = cut(before, end, '?');
    let path = before.get(end..).filter(|path| !path.is_empty());
    if path.is_some_and(|path| !path.starts_with('/')) {
        let (zh, en) = ("DID之后须是“/”“?”或“#”", "only “/”, “?” or “#” may follow the DID");
        let at = rest.get(..end).unwrap_or_default().chars().count();
        return Err(Refusal::new("did-url-character", URL_CLAUSE, zh, en).at(at));
    }
    let positions = [(path, end), (query, before.len() + 1), (fragment, rest.len() - fragment.map_or(0, str::len))];
    for (part, start) in positions {
        let front = rest.get(..start).unwrap_or_default().chars().count();
        let checked =
            check_characters(part.unwrap_or_default(), "-._~!$&'()*+,;=:@/?", "did-url-character", URL_CLAUSE);
        checked.map_err(|refusal| refusal.shifted(front))?;
    }
    (name.path, name.query, name.fragment) = (path, query, fragment);
    Ok(())
}

/// `text` before and after the first `sign` at or behind octet `from`.
fn cut(text: &str, from: usize, sign: char) -> (&str, Option<&str>) {
    match text.get(from..).and_then(|tail| tail.find(sign)) {
        Some(at) => (&text[..from + at], Some(&text[from + at + 1..])),
        None => (text, None),
    }
}
