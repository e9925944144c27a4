//! The value: a list of arcs of any size, kept as decimal text, and the dot form that writes it.

use crate::refusal::Refusal;
use std::cmp::Ordering;
use std::fmt;

/// Arcs of one identifier (our profile; no standard bounds them).
pub const ARCS: usize = 128;
/// Characters of the dot form (our profile).
pub const CHARACTERS: usize = 4096;

const ARC_CLAUSE: &str = "ITU-T X.660 §7.6";
const DOT_CLAUSE: &str = "RFC 3061 §2";
const ROOT_CLAUSE: &str = "ITU-T X.660 §A.2";
const SECOND_CLAUSE: &str = "ITU-T X.690 §8.19.4";
/// The greatest second arc below the roots 0 and 1, because 40 × first + second is one number on the wire.
const SECOND: u8 = 39;

/// An object identifier: at least two arcs, legal as a node of the tree (ITU-T X.660).
///
/// Equality is that of the arcs; the order is arc by arc, numerically, shorter first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectIdentifier {
    dotted: Box<str>,
}

impl ObjectIdentifier {
    /// Reads the dot form: ASCII digits and dots only, no leading zero, at most [`ARCS`] arcs and [`CHARACTERS`].
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        check_arcs(text)?;
        if !text.contains('.') {
            let (zh, en) = ("对象标识符至少有两个弧", "an object identifier has at least two arcs");
            return Err(Refusal::new("oid-one-arc", DOT_CLAUSE, zh, en).at(text.len()));
        }
        Ok(ObjectIdentifier { dotted: text.into() })
    }

    /// Joins arcs in decimal; refuses as [`ObjectIdentifier::parse`] does, with places in the dot form.
    pub fn from_arcs<'a>(arcs: impl IntoIterator<Item = &'a str>) -> Result<Self, Refusal> {
        let mut dotted = String::new();
        for arc in arcs {
            if !dotted.is_empty() {
                dotted.push('.');
            }
            dotted.push_str(arc);
            if dotted.len() > CHARACTERS {
                break; // what follows would change nothing about the refusal
            }
        }
        ObjectIdentifier::parse(&dotted)
    }

    /// The dot form: `1.2.156.3088`.
    pub fn as_str(&self) -> &str {
        &self.dotted
    }

    /// The arcs in decimal.
    pub fn arcs(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.dotted.split('.')
    }

    /// Whether `self` is `ancestor` or stands below it; `ancestor` is in dot form.
    pub fn is_within(&self, ancestor: &str) -> bool {
        let rest = self.dotted.strip_prefix(ancestor);
        rest.is_some_and(|rest| rest.is_empty() || ancestor.is_empty() || rest.starts_with('.'))
    }
}

impl fmt::Display for ObjectIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.dotted)
    }
}

impl Ord for ObjectIdentifier {
    fn cmp(&self, other: &Self) -> Ordering {
        // Without leading zeros, the longer number is the greater one.
        let weight = |arc: &'_ str| (arc.len(), arc.as_bytes().to_vec());
        self.arcs().map(weight).cmp(other.arcs().map(weight))
    }
}

impl PartialOrd for ObjectIdentifier {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Checks one or more arcs in dot form: what an authority path may be, the bare roots included.
pub fn check_arcs(text: &str) -> Result<(), Refusal> {
    if text.is_empty() {
        return Err(Refusal::new("oid-empty", DOT_CLAUSE, "对象标识符为空", "the object identifier is empty").at(0));
    }
    if text.len() > CHARACTERS {
        let (zh, en) =
            (format!("点分形式超过{CHARACTERS}个字符"), format!("the dot form is longer than {CHARACTERS} characters"));
        return Err(Refusal::new("oid-too-long", "our profile", zh, en).at(within(text)));
    }
    let mut at = 0;
    for (number, arc) in text.split('.').enumerate() {
        if number == ARCS {
            return Err(too_many().at(at));
        }
        check_arc(arc).map_err(|refusal| shift(refusal, at))?;
        at += arc.len() + 1;
    }
    check_top(text)
}

/// Moves the place of a refusal by the characters that stood in front.
pub(super) fn shift(mut refusal: Refusal, by: usize) -> Refusal {
    refusal.at = refusal.at.map(|at| at + by);
    refusal
}

/// Characters in front of the limit.
fn within(text: &str) -> usize {
    text.char_indices().take_while(|(at, character)| at + character.len_utf8() <= CHARACTERS).count()
}

pub(super) fn too_many() -> Refusal {
    let (zh, en) = (format!("超过{ARCS}个弧"), format!("there are more than {ARCS} arcs"));
    Refusal::new("oid-too-many-arcs", "our profile", zh, en)
}

/// Checks one arc: `0`, or a digit from 1 to 9 and further digits.
pub(super) fn check_arc(arc: &str) -> Result<(), Refusal> {
    if arc.is_empty() {
        return Err(Refusal::new("oid-empty-arc", DOT_CLAUSE, "弧为空", "an arc is empty").at(0));
    }
    if let Some(position) = arc.chars().position(|character| !character.is_ascii_digit()) {
        let (zh, en) = ("弧只能由数字0至9组成", "an arc consists of the digits 0 to 9");
        return Err(Refusal::new("oid-digit", ARC_CLAUSE, zh, en).at(position));
    }
    if arc.len() > 1 && arc.starts_with('0') {
        return Err(Refusal::new("oid-leading-zero", ARC_CLAUSE, "弧不得有前导零", "an arc has a leading zero").at(0));
    }
    Ok(())
}

/// Checks the first two of well-formed arcs.
fn check_top(text: &str) -> Result<(), Refusal> {
    let mut arcs = text.split('.');
    let first = arcs.next().unwrap_or_default();
    if !matches!(first, "0" | "1" | "2") {
        let (zh, en) = ("首弧须为0、1或2", "the first arc must be 0, 1 or 2");
        return Err(Refusal::new("oid-root", ROOT_CLAUSE, zh, en).at(0));
    }
    let small = |arc: &str| arc.parse::<u8>().is_ok_and(|number| number <= SECOND);
    match arcs.next() {
        Some(second) if first != "2" && !small(second) => {
            let zh = format!("首弧为0或1时，第二弧不得大于{SECOND}");
            let en = format!("below the roots 0 and 1 the second arc is at most {SECOND}");
            Err(Refusal::new("oid-second-arc", SECOND_CLAUSE, zh, en).at(first.len() + 1))
        }
        _ => Ok(()),
    }
}
