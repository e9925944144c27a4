//! Unicode labels and the tables that tie them to numbers (ITU-T X.660 §7.5), and their form in DNS.

use crate::refusal::Refusal;

const CLAUSE: &str = "ITU-T X.660 §7.5";
/// Octets of one label in DNS (RFC 1035 §2.3.4).
pub const DNS_LABEL: usize = 63;
/// Characters of a Unicode label (our profile; no standard bounds it).
pub const LABEL: usize = 256;

/// The roots: number, Unicode label, and the identifier in ASN.1 value notation.
pub const ROOTS: [(&str, &str, &str); 3] =
    [("0", "ITU-T", "itu-t"), ("1", "ISO", "iso"), ("2", "Joint-ISO-ITU-T", "joint-iso-itu-t")];

/// Nodes below the roots that every standard names alike: parent, number, identifier.
const KNOWN: [(&str, &str, &str); 14] = [
    ("0", "0", "recommendation"),
    ("0", "2", "administration"),
    ("0", "3", "network-operator"),
    ("0", "4", "identified-organization"),
    ("0", "9", "data"),
    ("1", "0", "standard"),
    ("1", "2", "member-body"),
    ("1", "3", "identified-organization"),
    ("1.2", "156", "cn"),
    ("1.3", "6", "dod"),
    ("1.3.6", "1", "internet"),
    ("2", "16", "country"),
    ("2", "25", "uuid"),
    ("2.16", "156", "cn"),
];

/// Which node a label names; who resolves knows more of them than the standards do.
pub trait Labels {
    /// The dot form of the node that is called `label` below `parent` (dot form; empty above the roots, where a
    /// long arc may name a deeper node: `2.999` for `Example`). `None` if the label is not known here, which does
    /// not make it invalid.
    fn node(&self, parent: &str, label: &str) -> Option<String>;
}

/// The labels that the standards themselves give: the roots, and the nodes just below them.
pub struct StandardLabels;

impl Labels for StandardLabels {
    fn node(&self, parent: &str, label: &str) -> Option<String> {
        if parent.is_empty() {
            let root = ROOTS.iter().find(|(_, name, _)| name.eq_ignore_ascii_case(label));
            return root.map(|(number, ..)| String::from(*number));
        }
        let known = KNOWN.iter().find(|(above, _, name)| *above == parent && name.eq_ignore_ascii_case(label));
        known.map(|(above, number, _)| format!("{above}.{number}"))
    }
}

/// The identifier that ASN.1 value notation gives to the node `number` below `parent`.
pub fn identifier(parent: &str, number: &str) -> Option<&'static str> {
    match parent.is_empty() {
        true => ROOTS.iter().find(|(own, ..)| *own == number).map(|(_, _, name)| *name),
        false => KNOWN.iter().find(|(above, own, _)| (*above, *own) == (parent, number)).map(|(_, _, name)| *name),
    }
}

/// Whether a label consists of digits alone: then it is an integer label.
pub fn is_integer(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|octet| octet.is_ascii_digit())
}

/// Checks a Unicode label that is to be registered: characters of an IRI segment, no `-` at either end, none in both
/// third and fourth place, not of digits alone.
pub fn check(label: &str) -> Result<(), Refusal> {
    if label.is_empty() {
        return Err(refuse("oid-label-empty", "标签为空", "the label is empty").at(0));
    }
    if label.chars().count() > LABEL {
        let (zh, en) = (format!("标签超过{LABEL}个字符"), format!("the label is longer than {LABEL} characters"));
        return Err(refuse("oid-label-too-long", zh, en).at(LABEL));
    }
    if is_integer(label) {
        let (zh, en) =
            ("全为数字的标签是整数标签，不能另行登记", "a label of digits is an integer label: it is its number");
        return Err(refuse("oid-label-integer", zh, en).at(0));
    }
    if let Some(position) = label.chars().position(|character| !is_allowed(character)) {
        return Err(refuse("oid-label-character", "标签含不允许的字符", "a character no label may have").at(position));
    }
    check_hyphens(label)
}

fn check_hyphens(label: &str) -> Result<(), Refusal> {
    let hyphens: Vec<bool> = label.chars().map(|character| character == '-').collect();
    let bad = match &hyphens[..] {
        [true, ..] => Some(0),
        [.., true] => Some(hyphens.len() - 1),
        [_, _, true, true, ..] => Some(2),
        _ => None,
    };
    let Some(position) = bad else { return Ok(()) };
    let zh = "“-”不得在标签首尾，也不得同时在第三、四位";
    let en = "“-” stands neither first nor last nor in both third and fourth place";
    Err(refuse("oid-label-hyphen", zh, en).at(position))
}

/// Unreserved characters of an IRI (RFC 3987 §2.2), private use left out.
fn is_allowed(character: char) -> bool {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' | '~' => true,
        '\u{A0}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFEF}' => true,
        '\u{10000}'..='\u{EFFFD}' => u32::from(character) & 0xFFFE != 0xFFFE,
        _ => false,
    }
}

/// The lower-case A-label of a label (IDNA, UTS #46); `None` if DNS cannot carry it: a dot in it, or too long.
pub fn to_dns(label: &str) -> Option<String> {
    if label.contains('.') || label.len() > 4 * LABEL {
        return None;
    }
    let ascii = idna::domain_to_ascii(label).ok()?;
    let fits = (1..=DNS_LABEL).contains(&ascii.len()) && !ascii.contains('.');
    fits.then_some(ascii)
}

/// Whether two labels name the same node: DNS folds them, so labels that fold to one are one.
pub fn same(a: &str, b: &str) -> bool {
    a == b || to_dns(a).is_some_and(|folded| to_dns(b).is_some_and(|other| other == folded))
}

fn refuse(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Refusal {
    Refusal::new(code, CLAUSE, zh, en)
}
