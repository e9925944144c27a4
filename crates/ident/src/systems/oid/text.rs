//! The written forms beside the dot form: URN (RFC 3061), OID-IRI (ITU-T X.660 §7.5), ASN.1 value (ITU-T X.680 §32).

use super::label::{self, Labels};
use super::value::{ARCS, CHARACTERS, ObjectIdentifier, check_arc, check_arcs, shift, too_many};
use crate::refusal::Refusal;
use std::fmt::Write;

const IRI_CLAUSE: &str = "ITU-T X.680 §34";
const ASN1_CLAUSE: &str = "ITU-T X.680 §32";
/// The start of a URN; `urn` and `oid` compare without case, what we write is lower case.
pub const URN: &str = "urn:oid:";

/// What follows `start`, which is compared without case.
pub(super) fn behind<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let head = text.get(..start.len())?;
    head.eq_ignore_ascii_case(start).then(|| text.get(start.len()..)).flatten()
}

/// `urn:oid:1.2.156`.
pub fn from_urn(text: &str) -> Result<ObjectIdentifier, Refusal> {
    let Some(dotted) = behind(text, URN) else {
        return Err(Refusal::new("oid-urn", "RFC 3061 §2", "须以urn:oid:开头", "must begin with urn:oid:").at(0));
    };
    ObjectIdentifier::parse(dotted).map_err(|refusal| shift(refusal, URN.len()))
}

pub fn to_urn(oid: &ObjectIdentifier) -> String {
    format!("{URN}{oid}")
}

/// `/1/2/156`: the OID-IRI in integer labels.
pub fn to_iri(oid: &ObjectIdentifier) -> String {
    format!("/{}", oid.as_str().replace('.', "/"))
}

/// Reads an OID-IRI down to the dot form of its node, which is a bare root for `/2`.
///
/// Integer labels stand for themselves, Unicode labels are looked up in `labels`; one that is not known there is
/// refused with the code `oid-label-unknown`: not resolvable here, but not invalid.
pub fn from_iri(text: &str, labels: &dyn Labels) -> Result<String, Refusal> {
    let refuse = |zh: &str, en: &str| Refusal::new("oid-iri", IRI_CLAUSE, zh, en).at(0);
    let Some(rest) = text.strip_prefix('/') else {
        return Err(refuse("OID-IRI须以“/”开头", "an OID-IRI begins with “/”"));
    };
    if rest.len() > CHARACTERS {
        return Err(
            Refusal::new("oid-too-long", "our profile", "OID-IRI过长", "the OID-IRI is too long").at(CHARACTERS)
        );
    }
    let (mut node, mut at) = (String::new(), 1);
    for (number, text) in rest.split('/').enumerate() {
        if number == ARCS {
            return Err(too_many().at(at));
        }
        node = step(&node, text, labels).map_err(|refusal| shift(refusal, at))?;
        at += text.chars().count() + 1;
    }
    // A second arc above 39 is the one thing that single labels do not show.
    let second = rest.split('/').next().map_or(0, |first| first.chars().count() + 2);
    check_arcs(&node).map_err(|refusal| Refusal { at: Some(second), ..refusal })?;
    Ok(node)
}

/// The node that `label` names below `node`.
fn step(node: &str, label: &str, labels: &dyn Labels) -> Result<String, Refusal> {
    if label.is_empty() || label::is_integer(label) {
        check_arc(label)?;
        let root = node.is_empty();
        if root && !matches!(label, "0" | "1" | "2") {
            return check_arcs(label).map(|()| String::new());
        }
        return Ok(if root { label.to_owned() } else { format!("{node}.{label}") });
    }
    label::check(label)?;
    labels.node(node, label).ok_or_else(|| {
        let (zh, en) = (format!("本处不认识标签“{label}”"), format!("the label “{label}” is not known here"));
        Refusal::new("oid-label-unknown", "ITU-T X.660 §7.5", zh, en).at(0)
    })
}

/// `{iso(1) member-body(2) 156}`: the ASN.1 value notation with the names that the standards give.
pub fn to_asn1(oid: &ObjectIdentifier) -> String {
    let (mut out, mut parent) = (String::from("{"), String::new());
    for arc in oid.arcs() {
        if !parent.is_empty() {
            out.push(' ');
        }
        // Writing to a string cannot fail.
        let _ = match label::identifier(&parent, arc) {
            Some(name) => write!(out, "{name}({arc})"),
            None => write!(out, "{arc}"),
        };
        if !parent.is_empty() {
            parent.push('.');
        }
        parent.push_str(arc);
    }
    out.push('}');
    out
}

/// Reads ASN.1 value notation: numbers, `name(number)`, and names alone where the standards give the number.
pub fn from_asn1(text: &str) -> Result<ObjectIdentifier, Refusal> {
    let characters = text.chars().count();
    let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let Some(inner) = inner.filter(|_| characters <= 2 * CHARACTERS) else {
        let (zh, en) = ("ASN.1值须写在花括号内", "an ASN.1 value stands in braces");
        return Err(Refusal::new("oid-asn1", ASN1_CLAUSE, zh, en).at(characters.saturating_sub(1)));
    };
    let mut node = String::new();
    let mut at = 1;
    let mut count = 0;
    for word in inner.split(|character: char| character.is_ascii_whitespace()) {
        if !word.is_empty() {
            if count == ARCS {
                return Err(too_many().at(at));
            }
            let arc = component(&node, word).map_err(|refusal| shift(refusal, at))?;
            node = if node.is_empty() { arc } else { format!("{node}.{arc}") };
            count += 1;
        }
        at += word.chars().count() + 1;
    }
    ObjectIdentifier::parse(&node).map_err(|refusal| Refusal { at: Some(1), ..refusal })
}

/// The number of one component below `node`.
fn component(node: &str, word: &str) -> Result<String, Refusal> {
    if word.starts_with(|first: char| first.is_ascii_digit()) {
        return check_arc(word).map(|()| word.to_owned());
    }
    let (name, number) = match word.split_once('(') {
        Some((name, rest)) => (name, Some(rest)),
        None => (word, None),
    };
    check_name(name)?;
    let Some(number) = number else { return named(node, name) };
    let start = name.len() + 1;
    let Some(number) = number.strip_suffix(')') else {
        let (zh, en) = ("缺少“)”", "“)” is missing");
        return Err(Refusal::new("oid-asn1", ASN1_CLAUSE, zh, en).at(start + number.chars().count()));
    };
    check_arc(number).map(|()| number.to_owned()).map_err(|refusal| shift(refusal, start))
}

/// The number of a name that stands alone.
fn named(node: &str, name: &str) -> Result<String, Refusal> {
    // `ccitt` and `joint-iso-ccitt` are the former names of the roots 0 and 2; both stay valid.
    let name = match (node.is_empty(), name) {
        (true, "ccitt" | "itu-r") => "itu-t",
        (true, "joint-iso-ccitt") => "joint-iso-itu-t",
        (_, name) => name,
    };
    let found = label::StandardLabels.node(node, name);
    let number = found.as_deref().and_then(|found| found.rsplit('.').next()).map(str::to_owned);
    number.ok_or_else(|| {
        let (zh, en) = (format!("名字“{name}”没有给出编号"), format!("the name “{name}” comes without its number"));
        Refusal::new("oid-name-unknown", ASN1_CLAUSE, zh, en).at(0)
    })
}

/// An identifier of ASN.1: a lower-case letter, then letters, digits and single hyphens, none at the end.
fn check_name(name: &str) -> Result<(), Refusal> {
    let bad = |position: usize| {
        let (zh, en) = (
            "名字须以小写字母开头，只含字母、数字和单个“-”",
            "a name is a lower-case letter, then letters, digits and single hyphens",
        );
        Err(Refusal::new("oid-name", ASN1_CLAUSE, zh, en).at(position))
    };
    let mut previous = '-';
    for (position, character) in name.chars().enumerate() {
        let fits = match character {
            'a'..='z' => true,
            'A'..='Z' | '0'..='9' => position > 0,
            '-' => previous != '-',
            _ => false,
        };
        if !fits {
            return bad(position);
        }
        previous = character;
    }
    if previous == '-' { bad(name.chars().count().saturating_sub(1)) } else { Ok(()) }
}
