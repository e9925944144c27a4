//! Recognising an identifier in any of its spellings.

use super::label::StandardLabels;
use super::text::{self, behind};
use super::value::{ObjectIdentifier, shift};
use super::{china, der, ors};
use crate::identifier::Identifier;
use crate::reading::Reading;
use crate::refusal::Refusal;
use crate::system::Scheme;

/// The start of octets in hexadecimal.
const DER: &str = "der:";
const TAG: &str = "oid:";

/// Reads a text, if it is one of this system's. Whole spellings say so themselves and are refused where they are
/// wrong; bare dots, slashes and hexadecimal are ours only if nothing is wrong with them.
pub(super) fn read(text: &str) -> Option<Result<Reading, Refusal>> {
    if behind(text, text::URN).is_some() {
        return Some(text::from_urn(text).map(|oid| reading(&oid)));
    }
    if let Some(dotted) = behind(text, TAG) {
        let parsed = ObjectIdentifier::parse(dotted).map_err(|refusal| shift(refusal, TAG.len()));
        return Some(parsed.map(|oid| reading(&oid)));
    }
    if let Some(hexadecimal) = behind(text, DER) {
        return Some(from_hexadecimal(hexadecimal).map_err(|refusal| shift(refusal, DER.len())));
    }
    if text.starts_with('{') && text.ends_with('}') && !text.contains('"') {
        return Some(text::from_asn1(text).map(|oid| reading(&oid)));
    }
    bare(text).map(Ok)
}

fn bare(text: &str) -> Option<Reading> {
    if text.starts_with('/') {
        let node = text::from_iri(text, &StandardLabels).ok()?;
        return ObjectIdentifier::parse(&node).ok().map(|oid| reading(&oid));
    }
    if let Ok(oid) = ObjectIdentifier::parse(text) {
        return Some(reading(&oid));
    }
    // Digits alone could be a trade item number as well.
    let lettered = text.starts_with("06") && text.bytes().any(|octet| octet.is_ascii_alphabetic());
    octets(text).ok().filter(|_| lettered).and_then(|octets| der::decode(&octets).ok()).map(|oid| reading(&oid))
}

fn from_hexadecimal(text: &str) -> Result<Reading, Refusal> {
    let octets = octets(text)?;
    // Octets are counted where the text has two digits each.
    let place = |refusal: Refusal| Refusal { at: refusal.at.map(|at| 2 * at), ..refusal };
    if octets.first() == Some(&der::RELATIVE_TAG) {
        return der::decode_relative(&octets).map(|arcs| relative(&arcs)).map_err(place);
    }
    der::decode(&octets).map(|oid| reading(&oid)).map_err(place)
}

/// Two digits an octet, nothing between them.
fn octets(text: &str) -> Result<Vec<u8>, Refusal> {
    let bad = |at: usize| {
        let (zh, en) = ("须为成对的十六进制数字", "must be hexadecimal digits in pairs");
        Refusal::new("oid-hexadecimal", "ITU-T X.690 §8.19", zh, en).at(at)
    };
    let mut digits = Vec::with_capacity(text.len().min(2 * der::CONTENT));
    for (position, character) in text.chars().enumerate().take(2 * der::CONTENT + 16) {
        digits.push(character.to_digit(16).ok_or_else(|| bad(position))? as u8);
    }
    if digits.len() % 2 == 1 {
        return Err(bad(digits.len()));
    }
    Ok(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |octet, digit| octet << 4 | digit)).collect())
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Everything about an identifier.
fn reading(oid: &ObjectIdentifier) -> Reading {
    let mut reading = Reading::new(Scheme::Oid);
    // Longer than a name may be: then nothing can be asked for it.
    reading.name = Identifier::parse(&format!("{TAG}{oid}")).ok();
    oid.arcs().for_each(|arc| reading.part("arc", arc));
    reading.held(
        "oid-arcs",
        "ITU-T X.660 §7.6",
        "弧的写法和前两弧的取值合法",
        "the arcs and the values of the first two are legal",
    );
    china::note(oid, &mut reading);
    reading.form("oid", oid.as_str());
    reading.form("urn", text::to_urn(oid));
    reading.form("oid_iri", text::to_iri(oid));
    reading.form("asn1", text::to_asn1(oid));
    reading.form("der_hex", hexadecimal(&der::encode(oid)));
    if let Some(owner) = ors::owner(oid.as_str(), ors::ZONE) {
        reading.form("ors_name", owner);
    }
    reading
}

/// A relative identifier names nothing without its base.
fn relative(arcs: &[String]) -> Reading {
    let mut reading = Reading::new(Scheme::Oid);
    arcs.iter().for_each(|arc| reading.part("relative arc", arc));
    reading.form("relative_oid", arcs.join("."));
    reading
}
