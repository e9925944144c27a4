//! One lens for any code: reads whatever a scanner meets or a person pastes.
//!
//! What is tried, in this order; the first that knows the text decides:
//!
//! 1. a system's tag (`oid:1.2.156`, `did:…`);
//! 2. schemes of the Handle space (`hdl:`, `doi:`, `info:hdl/`, `urn:hdl:`, …), and `urn:` before a tag;
//! 3. a message envelope of ISO/IEC 15434 (`[)>`);
//! 4. the systems' own spellings, in the order of [`Scheme::ALL`]: a second system that also reads the text is
//!    noted as a finding (`ambiguous`); a refusal of one waits for the steps below;
//! 5. a symbology identifier (`]Q1`), which is taken off;
//! 6. URLs: public Handle proxies, an identifier in the query (`?identity=`), a name or tag in the path; any other
//!    URL is read as an identification link of IEC 61406;
//! 7. an ISO/IEC 15459 identifier behind its data identifier (`25S`);
//! 8. names of the Handle space without scheme (`88.118.8/x`);
//! 9. text with exactly one identifier in it.
//!
//! Where nothing knows the text, the refusal is that of the system that came nearest.

pub mod agency;
pub mod envelope;
mod free_text;
pub mod link;

use crate::identifier::{Identifier, percent_decode};
use crate::reading::Reading;
use crate::refusal::Refusal;
use crate::system::{Scheme, check_new};
use crate::systems::handle::reading as handle;

/// Octets of a text that is read.
pub const TEXT_OCTETS: usize = 8192;
/// Code of the refusal of a text in which nothing was recognised.
pub const UNRECOGNISED: &str = "unrecognised";
/// Code of the check of an identifier that stood in other text.
pub const FOUND_IN_TEXT: &str = "found-in-text";
/// Wrappings inside wrappings: a symbology identifier around a URL around an identifier.
const DEPTH: usize = 3;
const CLAUSE: &str = "our profile";
/// Segments of a URL's path behind which a name may begin.
const PATH_SEGMENTS: usize = 8;
/// Query parameters of public pages that hold an identifier.
const IDENTITY_PARAMETERS: [&str; 4] = ["identity", "id", "identifier", "hdl"];

/// What a recogniser says: nothing, if the text is none of its own.
pub(crate) type Verdict = Option<Result<Reading, Refusal>>;

/// Reads a code in any spelling. Positions in a refusal count characters of `text`, where that can be said.
pub fn read(text: &str) -> Result<Reading, Refusal> {
    let (own, lead) = trimmed(text)?;
    match recognised(own, DEPTH) {
        Ok(Some(reading)) => Ok(reading),
        Err(refusal) => Err(refusal.shifted(lead)),
        Ok(None) => {
            free_text::read(own, |word| recognised(word, DEPTH).ok().flatten()).map_err(|refusal| refusal.shifted(lead))
        }
    }
}

/// The name that a text stands for when somebody asks for it: what [`read`] finds, else the text as it is, because
/// a node answers what is stored.
pub fn name(text: &str) -> Result<Identifier, Refusal> {
    let (own, lead) = trimmed(text)?;
    match recognised(own, DEPTH) {
        Ok(Some(Reading { name: Some(name), .. })) => Ok(name),
        Err(refusal) if is_explicit(own) => Err(refusal.shifted(lead)),
        _ => Identifier::parse(own).map_err(|refusal| refusal.shifted(lead)),
    }
}

/// Whether a text says itself whose it is, by a tag or a scheme.
fn is_explicit(text: &str) -> bool {
    Scheme::of_tagged(text).is_some() || handle::read_scheme(text).is_some()
}

/// The text without outer white space and byte order mark, and the characters that stood before it.
fn trimmed(text: &str) -> Result<(&str, usize), Refusal> {
    if text.len() > TEXT_OCTETS {
        let zh = format!("文本超过{TEXT_OCTETS}字节");
        return Err(Refusal::new("text-too-long", CLAUSE, zh, format!("longer than {TEXT_OCTETS} octets")));
    }
    let outer = |c: char| c.is_whitespace() || c == '\u{FEFF}';
    let own = text.trim_matches(outer);
    if own.is_empty() {
        return Err(Refusal::new("empty-text", CLAUSE, "没有可识别的内容", "there is nothing to read").at(0));
    }
    Ok((own, text.chars().take_while(|c| outer(*c)).count()))
}

/// Reads a text that is a code as a whole; `None` if it may be text with a code in it.
fn recognised(text: &str, depth: usize) -> Result<Option<Reading>, Refusal> {
    let Some(depth) = depth.checked_sub(1) else { return Ok(None) };
    let explicit: [fn(&str, usize) -> Verdict; 3] = [tagged, schemes, enveloped];
    if let Some(verdict) = explicit.into_iter().find_map(|recogniser| recogniser(text, depth)) {
        return verdict.map(Some);
    }
    let nearest = match systems(text) {
        Some(Ok(reading)) => return Ok(Some(reading)),
        Some(Err(refusal)) => Some(refusal),
        None => None,
    };
    let wrapped: [fn(&str, usize) -> Verdict; 4] = [symbology, pointing, unique, bare];
    if let Some(verdict) = wrapped.into_iter().find_map(|recogniser| recogniser(text, depth)) {
        return verdict.map(Some);
    }
    match nearest {
        Some(refusal) => Err(refusal),
        None => Ok(address(text)),
    }
}

fn tagged(text: &str, _: usize) -> Verdict {
    let (scheme, _) = Scheme::of_tagged(text)?;
    let system = scheme.system()?;
    let verdict = system.read(text).unwrap_or_else(|| {
        let (identifier, scheme) = check_new(text)?;
        Ok(Reading::new(scheme).with_name(identifier))
    });
    Some(verdict)
}

fn schemes(text: &str, depth: usize) -> Verdict {
    let urn = text.get(..4).filter(|urn| urn.eq_ignore_ascii_case("urn:")).map(|_| &text[4..]);
    handle::read_scheme(text).or_else(|| match urn {
        // `urn:oid:` and the like are spellings of their systems; what they do not know may be a tag behind `urn:`.
        Some(rest) => systems(text).or_else(|| tagged(rest, depth)),
        None => None,
    })
}

/// The systems' own spellings: the first that reads the text, or the refusal that came furthest.
fn systems(text: &str) -> Verdict {
    let mut found: Option<Reading> = None;
    let mut nearest: Option<Refusal> = None;
    for system in Scheme::ALL.into_iter().filter_map(Scheme::system) {
        match (system.read(text), &mut found) {
            (Some(Ok(reading)), None) => found = Some(reading),
            (Some(Ok(other)), Some(first)) if other.name != first.name => first.advise(ambiguous(&other)),
            (Some(Err(refusal)), None) if nearest.as_ref().is_none_or(|own| own.at < refusal.at) => {
                nearest = Some(refusal);
            }
            _ => {}
        }
    }
    found.map(Ok).or_else(|| nearest.map(Err))
}

fn ambiguous(other: &Reading) -> Refusal {
    let name = other.name.as_ref().map(Identifier::as_str).unwrap_or(other.system);
    let (zh, en) = (format!("也可读作{name}"), format!("it can also be read as {name}"));
    Refusal::new("ambiguous", CLAUSE, zh, en)
}

fn enveloped(text: &str, depth: usize) -> Verdict {
    envelope::claims(text).then(|| read_envelope(text, depth))
}

/// A message: its fields, and the first identifier among them.
fn read_envelope(text: &str, depth: usize) -> Result<Reading, Refusal> {
    let fields = envelope::parse(text)?;
    let mut reading = Reading::of("iso-15434");
    for field in &fields {
        let meaning = envelope::meaning(&field.di);
        let name = match meaning {
            Some(meaning) => format!("{} {} ({})", field.format, field.di, meaning.en),
            None => format!("{} {}", field.format, field.di).trim_end().to_owned(),
        };
        reading.part(name, field.data.as_str());
    }
    reading.held("envelope", envelope::CLAUSE, "报文结构相符", "the message is well-formed");
    reading.form("message", envelope::compose(&fields));
    let elements = [envelope::element_string(&fields), envelope::as_elements(&fields)];
    let unique = fields.iter().filter(|field| envelope::meaning(&field.di).is_some_and(|own| own.licence));
    let unique = unique.map(|field| format!("{}{}", field.di, field.data));
    // The most specific first: an identifier with its agency, then what element strings say.
    let candidates = unique.chain(elements.into_iter().flatten());
    let mut why = None;
    for candidate in candidates {
        let verdict = self::unique(&candidate, depth).or_else(|| systems(&candidate));
        match verdict {
            Some(Ok(inner)) if inner.name.is_some() => return Ok(inside(inner, reading)),
            Some(Err(refusal)) => why = why.or(Some(refusal)),
            _ => {}
        }
    }
    let (zh, en) = ("报文中没有可解析的标识", "no field of the message is a resolvable identifier");
    reading.advise(why.unwrap_or_else(|| Refusal::new("envelope-no-identifier", envelope::CLAUSE, zh, en)));
    Ok(reading)
}

/// The reading of what stood in a wrapping, with the wrapping's own parts, checks and forms behind.
fn inside(mut inner: Reading, wrapping: Reading) -> Reading {
    inner.parts.extend(wrapping.parts);
    inner.checks.extend(wrapping.checks);
    inner.forms.extend(wrapping.forms.into_iter().filter(|(name, _)| *name == "message"));
    inner
}

/// A symbology identifier (ISO/IEC 15424) that no system took together with its data.
fn symbology(text: &str, depth: usize) -> Verdict {
    let rest = text.strip_prefix(']')?;
    let mut characters = rest.chars();
    let (letter, modifier) = (characters.next()?, characters.next()?);
    if !letter.is_ascii_alphabetic() || !modifier.is_ascii_alphanumeric() {
        return None;
    }
    let data = characters.as_str();
    let mut reading = match recognised(data, depth) {
        Ok(reading) => reading?,
        Err(refusal) => return Some(Err(refusal.shifted(3))),
    };
    let (zh, en) =
        (format!("码制标识符]{letter}{modifier}已略去"), format!("symbology ]{letter}{modifier} was taken off"));
    reading.held("symbology", "ISO/IEC 15424", zh, en);
    Some(Ok(reading))
}

/// A URL that leads to an identifier.
fn pointing(text: &str, depth: usize) -> Verdict {
    let rest = link::address(text)?;
    let rest = rest.split('#').next().unwrap_or_default();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if let Some(verdict) = handle::read_proxy(host, path) {
        return Some(verdict);
    }
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let identity = pairs.filter(|(name, _)| IDENTITY_PARAMETERS.contains(name)).map(|(_, value)| value);
    for escaped in identity.filter(|escaped| !escaped.is_empty()) {
        let Ok(inner) = percent_decode(escaped) else { continue };
        if let Ok(Some(reading)) = recognised(&inner, depth)
            && reading.name.is_some()
        {
            return Some(Ok(from_url(reading, "identifier-in-query", text)));
        }
    }
    let path = percent_decode(path).ok()?;
    let verdict = tails(&path).find_map(|tail| in_path(tail, depth))?;
    Some(verdict.map(|reading| from_url(reading, "identifier-in-path", text)))
}

/// The path, and what is left of it behind each of its first slashes.
fn tails(path: &str) -> impl Iterator<Item = &str> {
    let behind = path.match_indices('/').map(|(slash, _)| &path[slash + 1..]);
    std::iter::once(path).chain(behind).take(PATH_SEGMENTS)
}

/// Only what cannot be anything else is taken from a path: a tag, a scheme, an allotted prefix.
fn in_path(text: &str, depth: usize) -> Verdict {
    tagged(text, depth).or_else(|| schemes(text, depth)).or_else(|| handle::read_allotted(text))
}

fn from_url(mut reading: Reading, code: &'static str, url: &str) -> Reading {
    let (zh, en) = ("标识取自网址", "the identifier was found in a URL");
    reading.held(code, CLAUSE, zh, en);
    reading.form("url", url);
    reading
}

fn bare(text: &str, _: usize) -> Verdict {
    handle::read_bare(text)
}

/// An ISO/IEC 15459 identifier behind the data identifier that says so; a single digit-less letter (`J`) counts only
/// before an agency that is known.
fn unique(text: &str, _: usize) -> Verdict {
    let (di, data) = envelope::split_di(text).ok()?;
    let meaning = envelope::meaning(di).filter(|meaning| meaning.licence)?;
    let most = if di.ends_with('J') { agency::TRANSPORT_CHARS } else { agency::CHARS };
    let unique = match agency::parse(data, most) {
        Err(_) if di.len() == 1 => return None,
        unique => unique.and_then(|unique| read_unique(&unique, &meaning, data)),
    };
    Some(unique.map_err(|refusal| refusal.shifted(di.len())))
}

/// Reads an identifier behind its data identifier; positions count from the start of `data`.
fn read_unique(unique: &agency::Unique<'_>, meaning: &envelope::Meaning, data: &str) -> Result<Reading, Refusal> {
    let agency = unique.agency;
    let mut reading = Reading::of("iso-15459");
    reading.part("DI", format!("{} ({})", meaning.di, meaning.en));
    reading.part("IAC", format!("{} ({})", agency.code, agency.name));
    reading.part("identifier", unique.rest);
    let zh = format!("发行机构：{}（来源：{}）", agency.name, agency.origin);
    let en = format!("issuing agency: {} (origin: {})", agency.name, agency.origin);
    match agency.origin {
        "unverified" => reading.advise(Refusal::new("iac-unverified", "ISO/IEC 15459-2", zh, en)),
        _ => reading.held("iac", "ISO/IEC 15459-2", zh, en),
    }
    reading.form("iso_15459", format!("{}{data}", meaning.di));
    let inner = match (agency.reads, meaning.element) {
        (agency::Reads::Name, _) => {
            let code = data.len() - unique.rest.len();
            handle::read_bare(unique.rest).map(|read| read.map_err(|refusal| refusal.shifted(code)))
        }
        (agency::Reads::Key, Some(element)) => {
            let front = format!("({element})");
            let back =
                |refusal: Refusal| Refusal { at: refusal.at.map(|at| at.saturating_sub(front.len())), ..refusal };
            systems(&format!("{front}{data}")).map(|read| read.map_err(back))
        }
        (agency::Reads::Key, None) => systems(data),
        (agency::Reads::Nothing, _) => None,
    };
    match inner {
        Some(Ok(inner)) => Ok(inside(inner, reading)),
        Some(Err(refusal)) => Err(refusal),
        None => {
            let (zh, en) = ("该发行机构的标识在此无处可解析", "identifiers of this agency cannot be resolved here");
            reading.advise(Refusal::new("iac-no-resolver", agency::CLAUSE, zh, en));
            Ok(reading)
        }
    }
}

/// A URL that is nobody's: read as an identification link.
fn address(text: &str) -> Option<Reading> {
    let rest = link::address(text)?;
    if text.contains(char::is_whitespace) {
        return None;
    }
    let mut reading = Reading::of("url");
    reading.part("host", rest.split(['/', '?', '#']).next().unwrap_or_default());
    reading.part("path", rest.find('/').map_or("", |slash| rest[slash..].split(['?', '#']).next().unwrap_or_default()));
    reading.form("url", text);
    let findings = link::check_il(text);
    if findings.is_empty() {
        let (zh, en) = ("可作为标识链接", "it can serve as an identification link");
        reading.held("il", "IEC 61406-1 (limits unverified)", zh, en);
    }
    findings.into_iter().for_each(|finding| reading.advise(finding));
    Some(reading)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrapping_leads_to_the_name() {
        for (text, name) in [
            (" 88.118.8/A1\n", "88.118.8/A1"),
            ("hdl:20.500/型号", "20.500/型号"),
            ("https://doi.org/10.1000/a%2Fb?locatt=id:1#top", "10.1000/a/b"),
            ("http://localhost:8080/urn:hdl:20.500:x", "20.500/x"),
            ("https://portal.example/whois/ui/searchResult?identity=88.389.00054/0001", "88.389.00054/0001"),
            ("https://r.example/1.0/identifiers/did:cn:88.118.8", "did:cn:88.118.8"),
            ("]Q1https://hdl.handle.net/20.500/a%3Fb", "20.500/a?b"),
            ("25SVAA88.118.8/A1", "88.118.8/A1"),
            ("[)>\u{1e}06\u{1d}25SVAA88.118.8/A1\u{1d}1PX\u{1e}\u{4}", "88.118.8/A1"),
            ("标识：88.118.8/A1，请扫码", "88.118.8/A1"),
            ("Serial ID:did:cn:88.118.8.", "did:cn:88.118.8"),
            ("86.122", "86.122"),
        ] {
            let reading = read(text).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
            assert_eq!(reading.name.map(|name| name.to_string()).as_deref(), Some(name), "{text}");
        }
        assert_eq!(name("中文").unwrap().as_str(), "中文");
        assert_eq!(read("a 88.1/x 88.118.8/a 88.118.8/b").unwrap_err().code, "several-identifiers");
        assert_eq!(read("https://example.com/2.0/docs").unwrap().system, "url");
    }
}
