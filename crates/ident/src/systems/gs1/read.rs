//! Reading any GS1 spelling: whose it is, its parts, what was checked, and its other spellings.

use super::ai::Ai;
use super::check::{Check, check_digit_of};
use super::compress::CompressOptions;
use super::data_set::{DataSet, Options};
use super::epc::{self, Epc};
use super::scan::{Content, Scan};
use super::uri::{NOT_A_LINK, after_scheme};
use crate::identifier::Identifier;
use crate::reading::Reading;
use crate::refusal::Refusal;
use crate::system::Scheme;

/// Reads a text; none if it is no GS1 spelling.
pub fn read(text: &str, options: &Options) -> Option<Result<Reading, Refusal>> {
    let first = text.bytes().next()?;
    if !text.bytes().all(|octet| octet.is_ascii_digit())
        && let Some(verdict) = of_epc(text, options)
    {
        return Some(verdict);
    }
    let read = match first {
        // A bracket alone is anybody's; one with digits in it is an AI.
        b'(' if text.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => DataSet::from_bracketed(text, options),
        b'^' | 0x1D => DataSet::from_separated(text, options),
        b']' => match Scan::parse(text, options) {
            // A symbol that carries no element string: what stands in it is anybody's.
            Ok(scan) if matches!(scan.content, Content::Text(_)) => return None,
            read => return Some(read.and_then(of_scan)),
        },
        b'0'..=b'9' => return plain(text, options).or_else(|| of_epc(text, options)),
        _ if after_scheme(text).is_some() => match DataSet::from_uri(text, options) {
            // Some other URI, or one whose host is strange before it is known to be a link.
            Err(refusal) if matches!(refusal.code, NOT_A_LINK | "gs1-uri-host" | "gs1-uri-character") => return None,
            other => other,
        },
        _ => return None,
    };
    Some(read.map(|set| of_set(&set)))
}

/// A GTIN without AI, or a name without tag.
fn plain(text: &str, options: &Options) -> Option<Result<Reading, Refusal>> {
    if !text.bytes().all(|octet| octet.is_ascii_digit()) {
        let key = text.split_once('/').and_then(|(code, _)| super::ai::ai(code)).is_some_and(Ai::is_key);
        return key.then(|| super::uri::parse_path(text, options).map(|set| of_set(&set)));
    }
    if !matches!(text.len(), 8 | 12 | 13 | 14) {
        return None;
    }
    let (front, last) = text.split_at_checked(text.len() - 1)?;
    if !last.starts_with(check_digit_of(front)) {
        return None;
    }
    let set = DataSet::from_bracketed(&format!("(01){text:0>14}"), options).ok()?;
    let mut reading = of_set(&set);
    let zh = format!("{}位数字且校验位正确，按GTIN-{}理解；没有应用标识符，也可能是别的编码", text.len(), text.len());
    let en = format!(
        "{} digits with a good check digit, taken for a GTIN-{}; without an Application Identifier it could be another code",
        text.len(),
        text.len()
    );
    reading.advise(Refusal::new("gs1-without-ai", "GS1 General Specifications §3.3.2", zh, en));
    Some(Ok(reading))
}

fn of_scan(scan: Scan) -> Result<Reading, Refusal> {
    let identifier = scan.symbology.identifier();
    let mut reading = of_set(&scan.into_data_set()?);
    let (zh, en) = (format!("码制标识符{identifier}"), format!("symbology identifier {identifier}"));
    reading.held("symbology", "ISO/IEC 15424", zh, en);
    Ok(reading)
}

/// What there is to say of a data set.
pub fn of_set(set: &DataSet) -> Reading {
    let mut reading = Reading::new(Scheme::Gs1);
    if let Some(name) = set.name().and_then(|name| Identifier::parse(&format!("gs1:{name}")).ok()) {
        reading = reading.with_name(name);
    }
    for element in set.elements() {
        let title = element.ai.map(Ai::title).unwrap_or_default();
        let code = element.code();
        reading.part(if title.is_empty() { format!("({code})") } else { format!("{title} ({code})") }, element.value);
    }
    for extra in set.extras() {
        reading.part(extra.name.as_str(), extra.value.as_deref().unwrap_or_default());
    }
    note_checks(set, &mut reading);
    reading.form("element_string", set.to_bracketed());
    reading.form("element_string_fnc1", set.to_separated());
    let compressed = |set: &DataSet| set.to_compressed(None, CompressOptions::default());
    let links = [("digital_link", set.to_canonical_uri()), ("digital_link_compressed", compressed(set))];
    for (name, link) in links {
        // Some data have no link, or none that is compressed.
        if let Ok(link) = link {
            reading.form(name, link);
        }
    }
    epc_forms(set, &mut reading);
    reading
}

/// The EPC spellings of key and qualifiers. Nobody says here how long the company prefix is, so they are those of the
/// `+` schemes; [`super::Companies::complete`] adds the others.
fn epc_forms(set: &DataSet, reading: &mut Reading) {
    let identifying = set.key().into_iter().chain(set.qualifiers());
    let elements = identifying.filter_map(|own| Some((own.ai?.code(), own.value.to_owned()))).collect();
    for (name, text) in (Epc { identity: None, elements, tag: None }).forms() {
        reading.form(name, text);
    }
}

/// An EPC as a URN or as the octets of a tag.
fn of_epc(text: &str, options: &Options) -> Option<Result<Reading, Refusal>> {
    let epc = match epc::read(text)? {
        Ok(epc) => epc,
        Err(refusal) => return Some(Err(refusal)),
    };
    let bracketed: String =
        epc.elements.iter().map(|(ai, value)| format!("({ai}){}", value.replace('(', "\\("))).collect();
    // A class or a pattern has no serial, and some schemes are none of GS1's: those have no elements.
    let mut reading = match DataSet::from_bracketed(&bracketed, options) {
        Ok(set) => of_set(&set),
        Err(_) => Reading::new(Scheme::Gs1),
    };
    for (name, form) in epc.forms() {
        if reading.form_named(name).is_none() {
            reading.form(name, form);
        }
    }
    if let Some(uri) = epc.identity_uri() {
        reading.form("urn", uri.clone());
        reading.part("EPC", uri);
    }
    let (zh, en) = ("符合EPC标签数据标准的编码方案", "follows a scheme of the tag data standard");
    reading.held("epc-scheme", "GS1 Tag Data Standard 2.2", zh, en);
    Some(Ok(reading))
}

fn note_checks(set: &DataSet, reading: &mut Reading) {
    let has = |wanted: Check| {
        let parts = set.elements().filter_map(|element| element.ai).flat_map(Ai::parts);
        parts.flat_map(|part| &part.checks).any(|check| *check == wanted)
    };
    let values = "每个值的字符、长度和内容都符合其应用标识符";
    reading.held(
        "values",
        "GS1 General Specifications §3.2",
        values,
        "every value has the characters, length and content of its Application Identifier",
    );
    if has(Check::Mod10) {
        reading.held("check-digit", "GS1 General Specifications §7.9", "校验位正确", "the check digit is right");
    }
    if has(Check::Mod1021) {
        reading.held(
            "check-pair",
            "GS1 General Specifications §7.9",
            "校验字符对正确",
            "the check character pair is right",
        );
    }
    reading.held(
        "relations",
        "GS1 General Specifications §4.13",
        "应用标识符之间的搭配正确",
        "the Application Identifiers go together",
    );
}
