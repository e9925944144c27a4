//! The octets: BER and DER of absolute (tag 6) and relative (tag 13) object identifiers (ITU-T X.690 §8.19, §8.20).

use super::value::{ARCS, CHARACTERS, ObjectIdentifier, check_arc, too_many};
use crate::refusal::Refusal;
use num_bigint_dig::BigUint;

/// The tag of an object identifier.
pub const TAG: u8 = 0x06;
/// The tag of a relative object identifier.
pub const RELATIVE_TAG: u8 = 0x0D;
/// Octets of the content: what [`CHARACTERS`] digits need in base 128.
pub const CONTENT: usize = 2048;

const ABSOLUTE: &str = "ITU-T X.690 §8.19";
const RELATIVE: &str = "ITU-T X.690 §8.20";
const LENGTH: &str = "ITU-T X.690 §8.1.3, §10.1";

/// The content octets.
pub fn content(oid: &ObjectIdentifier) -> Vec<u8> {
    let mut arcs = oid.arcs();
    let first: u64 = arcs.next().and_then(|arc| arc.parse().ok()).unwrap_or_default();
    let mut out = Vec::new();
    if let Some(second) = arcs.next() {
        write_sum(40 * first, second, &mut out);
    }
    arcs.for_each(|arc| write_sum(0, arc, &mut out));
    out
}

/// Tag, length and content in DER.
pub fn encode(oid: &ObjectIdentifier) -> Vec<u8> {
    tagged(TAG, &content(oid))
}

/// Arcs in decimal as a relative object identifier in DER.
pub fn encode_relative<'a>(arcs: impl IntoIterator<Item = &'a str>) -> Result<Vec<u8>, Refusal> {
    let mut content = Vec::new();
    for arc in arcs {
        check_arc(arc)?;
        write_sum(0, arc, &mut content);
        if content.len() > CONTENT {
            return Err(too_long(RELATIVE));
        }
    }
    if content.is_empty() {
        return Err(empty(RELATIVE, 0));
    }
    Ok(tagged(RELATIVE_TAG, &content))
}

/// Decodes tag, length and content, and nothing behind them. The place of a refusal counts octets.
pub fn decode(octets: &[u8]) -> Result<ObjectIdentifier, Refusal> {
    let start = header(octets, TAG, ABSOLUTE)?;
    decode_content(octets.get(start..).unwrap_or_default(), start)
}

/// Decodes content octets without tag and length.
pub fn from_content(content: &[u8]) -> Result<ObjectIdentifier, Refusal> {
    decode_content(content, 0)
}

/// Decodes a relative object identifier, tag 13: its arcs in decimal.
pub fn decode_relative(octets: &[u8]) -> Result<Vec<String>, Refusal> {
    let start = header(octets, RELATIVE_TAG, RELATIVE)?;
    let numbers = numbers(octets.get(start..).unwrap_or_default(), start, RELATIVE, ARCS)?;
    Ok(numbers.iter().map(Number::to_decimal).collect())
}

fn decode_content(content: &[u8], start: usize) -> Result<ObjectIdentifier, Refusal> {
    // The first number stands for two arcs.
    let numbers = numbers(content, start, ABSOLUTE, ARCS - 1)?;
    let (first, rest) = numbers.split_first().ok_or_else(|| empty(ABSOLUTE, start))?;
    let (root, second) = first.split();
    let rest: Vec<String> = rest.iter().map(Number::to_decimal).collect();
    let arcs = [root, &second].into_iter().chain(rest.iter().map(String::as_str));
    ObjectIdentifier::from_arcs(arcs).map_err(|refusal| Refusal { at: Some(start), ..refusal })
}

/// Appends `base` + `arc` in base 128; the arc is in decimal and checked.
fn write_sum(base: u64, arc: &str, out: &mut Vec<u8>) {
    if let Some(number) = arc.parse::<u64>().ok().and_then(|arc| arc.checked_add(base)) {
        return write_number(number, out);
    }
    let number = BigUint::parse_bytes(arc.as_bytes(), 10).unwrap_or_default() + BigUint::from(base);
    let mut groups = number.to_radix_be(128);
    let last = groups.len().saturating_sub(1);
    groups.iter_mut().take(last).for_each(|group| *group |= 0x80);
    out.extend_from_slice(&groups);
}

fn write_number(number: u64, out: &mut Vec<u8>) {
    let groups = (64 - number.leading_zeros()).div_ceil(7).max(1);
    for group in (0..groups).rev() {
        let octet = (number >> (7 * group)) as u8 & 0x7F;
        out.push(if group == 0 { octet } else { octet | 0x80 });
    }
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..0x80 => out.push(length as u8),
        0x80..0x100 => out.extend([0x81, length as u8]),
        // Longer ones do not exist: the limits keep a content below 2^16 octets.
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(content);
    out
}

/// Checks tag and length against the octets that are there; says where the content begins.
fn header(octets: &[u8], tag: u8, clause: &'static str) -> Result<usize, Refusal> {
    if octets.first() != Some(&tag) {
        let (zh, en) = (format!("标签须为{tag:02X}"), format!("the tag must be {tag:02X}"));
        return Err(Refusal::new("oid-tag", clause, zh, en).at(0));
    }
    let bad = |zh: &str, en: &str| Refusal::new("oid-length", LENGTH, zh, en).at(1);
    let (length, start) = match octets.get(1..).unwrap_or_default() {
        [short @ 0..=0x7F, ..] => (usize::from(*short), 2),
        [0x81, length @ 0x80..=0xFF, ..] => (usize::from(*length), 3),
        [0x82, high @ 1..=0xFF, low, ..] => (usize::from(*high) << 8 | usize::from(*low), 4),
        [] => return Err(bad("缺少长度", "the length is missing")),
        _ => return Err(bad("长度须为最短的定长形式", "the length must be definite and in its shortest form")),
    };
    if octets.len() - start != length {
        let zh = format!("长度为{length}，实有{}字节", octets.len() - start);
        let en = format!("the length says {length}, there are {} octets", octets.len() - start);
        return Err(bad(&zh, &en));
    }
    Ok(start)
}

/// One number of the content: the fast form where it fits.
enum Number {
    Small(u64),
    Big(BigUint),
}

impl Number {
    /// From groups of seven bits, most significant first, high bits and all.
    fn from_groups(groups: &[u8]) -> Number {
        let bits = groups.iter().map(|group| group & 0x7F);
        if groups.len() <= 9 {
            return Number::Small(bits.fold(0, |number, group| number << 7 | u64::from(group)));
        }
        let groups: Vec<u8> = bits.collect();
        Number::Big(BigUint::from_radix_be(&groups, 128).unwrap_or_default())
    }

    fn to_decimal(&self) -> String {
        match self {
            Number::Small(number) => number.to_string(),
            Number::Big(number) => number.to_str_radix(10),
        }
    }

    /// The first two arcs that one number stands for.
    fn split(&self) -> (&'static str, String) {
        match self {
            Number::Small(number @ 0..40) => ("0", number.to_string()),
            Number::Small(number @ 40..80) => ("1", (number - 40).to_string()),
            Number::Small(number) => ("2", (number - 80).to_string()),
            Number::Big(number) => ("2", (number - BigUint::from(80u8)).to_str_radix(10)),
        }
    }
}

fn numbers(content: &[u8], start: usize, clause: &'static str, most: usize) -> Result<Vec<Number>, Refusal> {
    if content.is_empty() {
        return Err(empty(clause, start));
    }
    if content.len() > CONTENT {
        return Err(too_long(clause).at(start));
    }
    let mut numbers = Vec::new();
    let mut at = start;
    for groups in content.split_inclusive(|octet| octet & 0x80 == 0) {
        if groups.first() == Some(&0x80) {
            let (zh, en) = ("子标识符以80开头，不是最短形式", "a subidentifier begins with 80: not its shortest form");
            return Err(Refusal::new("oid-padded", clause, zh, en).at(at));
        }
        at += groups.len();
        if groups.last().is_some_and(|octet| octet & 0x80 != 0) {
            let (zh, en) = ("最后一个子标识符不完整", "the last subidentifier is unfinished");
            return Err(Refusal::new("oid-unfinished", clause, zh, en).at(at - 1));
        }
        if numbers.len() == most {
            return Err(too_many().at(at - groups.len()));
        }
        numbers.push(Number::from_groups(groups));
    }
    Ok(numbers)
}

fn empty(clause: &'static str, at: usize) -> Refusal {
    Refusal::new("oid-empty-content", clause, "内容为空", "the content is empty").at(at)
}

fn too_long(clause: &'static str) -> Refusal {
    let zh = format!("内容超过{CONTENT}字节（点分形式至多{CHARACTERS}个字符）");
    let en = format!("the content is longer than {CONTENT} octets (a dot form has at most {CHARACTERS} characters)");
    Refusal::new("oid-too-long", clause, zh, en)
}
