//! Names of the Handle space as people and scanners write them: `hdl:`, `doi:`, `urn:hdl:`, resolver URLs, bare.

use crate::identifier::{Identifier, percent_decode};
use crate::reading::Reading;
use crate::refusal::Refusal;
use crate::system::{Scheme, recognise};
use crate::systems::vaa;

const CLAUSE: &str = "RFC 3651 §2";
/// Schemes whose rest is the name itself.
const PLAIN: [&str; 4] = ["hdl:", "doi:", "info:hdl/", "info:doi/"];
/// URNs in which the first colon of the name stands for the slash behind the prefix.
const URNS: [&str; 3] = ["urn:hdl:", "urn:doi:", "urn:eidr:"];
/// Public proxies whose path is a name.
const PROXIES: [&str; 4] = ["hdl.handle.net", "doi.org", "dx.doi.org", "www.doi.org"];
/// First segments of prefixes that are allotted: the ones by which a name without scheme and slash is recognised.
const ALLOTTED: [&str; 4] = ["0", "10", "20", "21"];

/// Reads a text with a scheme of the Handle space; `None` if it has none.
pub fn read_scheme(text: &str) -> Option<Result<Reading, Refusal>> {
    if let Some(rest) = PLAIN.iter().find_map(|start| strip_folded(text, start)) {
        return Some(read_name(rest).map_err(|refusal| shifted(refusal, text, rest)));
    }
    let rest = URNS.iter().find_map(|start| strip_folded(text, start))?;
    let escaped = match rest.find([':', '/']) {
        Some(at) => format!("{}/{}", &rest[..at], &rest[at + 1..]),
        None => rest.to_owned(),
    };
    let name = if escaped.contains('%') { percent_decode(&escaped) } else { Ok(escaped) };
    Some(name.and_then(|name| read_name(&name)).map_err(|refusal| shifted(refusal, text, rest)))
}

/// Reads the name in the path of a public proxy's URL (`host` and `path` without the slash between them).
pub fn read_proxy(host: &str, path: &str) -> Option<Result<Reading, Refusal>> {
    let known = PROXIES.iter().any(|own| own.eq_ignore_ascii_case(host)) && !path.is_empty();
    known.then(|| percent_decode(path).and_then(|name| read_scheme(&name).unwrap_or_else(|| read_name(&name))))
}

/// Reads a name without scheme, if its prefix looks like one: dotted, beginning with a digit; without a slash only
/// where the first segment is allotted.
pub fn read_bare(text: &str) -> Option<Result<Reading, Refusal>> {
    let prefix = text.split('/').next().unwrap_or_default();
    let dotted = is_dotted(prefix) && prefix.contains('.') && text.contains('/');
    if dotted { Some(read_name(text)) } else { read_allotted(text) }
}

/// Reads a name without scheme whose first segment is allotted; a prefix alone needs a second one.
pub fn read_allotted(text: &str) -> Option<Result<Reading, Refusal>> {
    let prefix = text.split('/').next().unwrap_or_default();
    let first = prefix.split('.').next().unwrap_or_default();
    let allotted = ALLOTTED.contains(&first) || vaa::claims(text);
    (allotted && is_dotted(prefix) && (text.contains('/') || prefix.contains('.'))).then(|| read_name(text))
}

fn is_dotted(prefix: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    prefix.starts_with(|c: char| c.is_ascii_digit()) && prefix.chars().all(fits)
}

/// Reads `prefix/suffix`, or a prefix alone.
pub fn read_name(text: &str) -> Result<Reading, Refusal> {
    let identifier = Identifier::parse_new(text)?;
    let scheme = recognise(text);
    let mut reading = Reading::new(scheme);
    match (text.split_once('/'), vaa::claims(text)) {
        (Some((_, suffix)), true) => match vaa::parse(text) {
            Ok(parts) => {
                let own = [("issuer", parts.issuer), ("node", parts.node), ("enterprise", parts.enterprise)];
                own.into_iter().for_each(|(name, value)| reading.part(name, value));
                reading.part("suffix", suffix);
                reading.held("vaa-grammar", vaa::CLAUSE, "符合VAA编码规则", "the VAA coding rule holds");
            }
            Err(refusal) if scheme == Scheme::Vaa => return Err(refusal),
            Err(refusal) => {
                split(text, &mut reading);
                reading.advise(refusal);
            }
        },
        (Some(_), false) => split(text, &mut reading),
        (None, _) => {
            reading.part("prefix", text);
            let (zh, en) = ("只有前缀，没有后缀", "a prefix alone, without a suffix");
            reading.advise(Refusal::new("prefix-alone", CLAUSE, zh, en));
        }
    }
    reading.held("handle-syntax", CLAUSE, "长度和字符符合Handle规则", "lengths and characters of a Handle hold");
    forms(text, &mut reading);
    Ok(reading.with_name(identifier))
}

fn split(text: &str, reading: &mut Reading) {
    let name = crate::Name::new(text);
    reading.part("prefix", name.prefix());
    reading.part("suffix", name.suffix());
}

fn forms(text: &str, reading: &mut Reading) {
    reading.form("handle", text);
    reading.form("percent_encoded", percent_encode(text));
    reading.form("hdl", format!("hdl:{text}"));
    if text.starts_with("10.") && text.contains('/') {
        reading.form("doi", format!("doi:{text}"));
    }
}

/// Percent-escapes everything but RFC 3986's unreserved characters, `/`, `:` and `@`.
fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' | b'@' => {
                out.push(char::from(octet));
            }
            _ => out.push_str(&format!("%{octet:02X}")),
        }
    }
    out
}

fn shifted(refusal: Refusal, text: &str, rest: &str) -> Refusal {
    refusal.shifted(text.chars().count().saturating_sub(rest.chars().count()))
}

/// Strips `start`, compared without regard to case.
fn strip_folded<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let head = text.get(..start.len())?;
    head.eq_ignore_ascii_case(start).then(|| &text[start.len()..])
}
