//! Digital Link URIs: from a data set to text, also in canonical and constrained form.

use super::ai::Ai;
use super::data_set::{DataSet, Element};
use crate::refusal::Refusal;

const CLAUSE: &str = "GS1 Digital Link URI Syntax";
/// The stem of canonical URIs.
pub const CANONICAL_STEM: &str = "https://id.gs1.org";

/// Key and qualifier (in order of preference) of the constrained form; other keys have none.
const CONSTRAINED: [(&str, &[&str]); 14] = [
    ("00", &[]),
    ("01", &["21", "10", "235"]),
    ("253", &[]),
    ("255", &[]),
    ("401", &[]),
    ("402", &[]),
    ("414", &["254"]),
    ("417", &[]),
    ("8003", &[]),
    ("8004", &[]),
    ("8006", &["21", "10"]),
    ("8010", &["8011"]),
    ("8017", &[]),
    ("8018", &[]),
];

impl DataSet {
    /// The URI of this data set below `stem`, or below `https://id.gs1.org`: key and qualifiers in the path, the rest in
    /// the query, first what needs no separator; then the pairs that are not GS1's.
    ///
    /// # Errors
    /// `gs1-no-key` without a primary key, `gs1-uri-not-an-attribute` if something may not stand in a query.
    pub fn to_uri(&self, stem: Option<&str>) -> Result<String, Refusal> {
        let mut out = self.uri_of_elements(stem.map_or(CANONICAL_STEM, |stem| stem.trim_end_matches('/')))?;
        for extra in self.extras() {
            out.push(if out.contains('?') { '&' } else { '?' });
            out.push_str(&extra.name);
            if let Some(value) = &extra.value {
                out.push('=');
                out.push_str(value);
            }
        }
        Ok(out)
    }

    /// The canonical URI: at `https://id.gs1.org`, without the pairs that are not GS1's.
    ///
    /// # Errors
    /// As [`DataSet::to_uri`].
    pub fn to_canonical_uri(&self) -> Result<String, Refusal> {
        self.uri_of_elements(CANONICAL_STEM)
    }

    /// The form under which EPCIS events are hashed: canonical, without query, with at most one qualifier.
    ///
    /// # Errors
    /// `gs1-no-key`, or `gs1-not-constrained` for a key that has no such form.
    pub fn to_constrained_uri(&self) -> Result<String, Refusal> {
        let key = self.key().ok_or_else(no_key)?;
        let Some((_, order)) = CONSTRAINED.iter().find(|(code, _)| *code == key.code()) else {
            let (zh, en) =
                (format!("（{}）没有约束规范形式", key.code()), format!("({}) has no constrained form", key.code()));
            return Err(Refusal::new("gs1-not-constrained", "CBV 2.0 §8.2", zh, en));
        };
        let qualifiers = self.qualifiers();
        let mut out = String::from(CANONICAL_STEM);
        write_pair(&mut out, key);
        if let Some(kept) = order.iter().find_map(|code| qualifiers.iter().find(|own| own.code() == *code)) {
            write_pair(&mut out, *kept);
        }
        Ok(out)
    }

    /// The name of its record without tag: `01/09521321000018/10/ABC`; none without a primary key.
    pub fn name(&self) -> Option<String> {
        let mut out = String::new();
        self.write_path(&mut out, self.key()?);
        Some(out.split_off(1))
    }

    pub(super) fn write_path(&self, out: &mut String, key: Element<'_>) {
        write_pair(out, key);
        self.qualifiers().into_iter().for_each(|qualifier| write_pair(out, qualifier));
    }

    fn uri_of_elements(&self, stem: &str) -> Result<String, Refusal> {
        let mut out = String::with_capacity(stem.len() + self.values.len() + 8 * self.slots.len());
        out.push_str(stem);
        self.write_path(&mut out, self.key().ok_or_else(no_key)?);
        write_query(&mut out, &self.attributes())?;
        Ok(out)
    }
}

/// Appends attributes as a query: first those that need no separator.
pub fn write_query(out: &mut String, attributes: &[Element<'_>]) -> Result<(), Refusal> {
    let mut mark = '?';
    for separated in [false, true] {
        for element in attributes.iter().filter(|element| element.separated() == separated) {
            if !element.ai.is_some_and(Ai::is_attribute) {
                let code = element.code();
                let (zh, en) =
                    (format!("（{code}）不能作为URI的属性"), format!("({code}) may not be an attribute of a URI"));
                return Err(Refusal::new("gs1-uri-not-an-attribute", CLAUSE, zh, en));
            }
            out.push(mark);
            out.push_str(element.code());
            out.push('=');
            escape_into(element.value, true, out);
            mark = '&';
        }
    }
    Ok(())
}

pub fn no_key() -> Refusal {
    Refusal::new("gs1-no-key", CLAUSE, "没有主键，不能写成URI", "there is no primary key, so there is no URI")
}

fn write_pair(out: &mut String, element: Element<'_>) {
    out.push('/');
    out.push_str(element.code());
    out.push('/');
    escape_into(element.value, false, out);
}

/// Percent-encodes everything but letters, digits, `-`, `.`, `_` and `~`; in a query a space is written `+`.
pub fn escape(text: &str, query: bool) -> String {
    let mut out = String::with_capacity(text.len());
    escape_into(text, query, &mut out);
    out
}

fn escape_into(text: &str, query: bool, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for octet in text.bytes() {
        match octet {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(octet)),
            b' ' if query => out.push('+'),
            _ => {
                let digit = |nibble: u8| char::from(HEX[usize::from(nibble & 15)]);
                out.extend(['%', digit(octet >> 4), digit(octet)]);
            }
        }
    }
}
