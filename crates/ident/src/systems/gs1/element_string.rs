//! Element strings: AIs in brackets for people, separators for machines.

use super::ai;
use super::data_set::{DataSet, Options};
use super::draft::{Coding, Draft};
use crate::refusal::Refusal;

/// The separator as people type it, and as scanners send it (FNC1).
pub const CARET: u8 = b'^';
pub const GS: u8 = 0x1D;

pub fn from_bracketed(text: &str, options: &Options) -> Result<DataSet, Refusal> {
    let mut draft = Draft::new(text, Coding::Bracketed, options)?;
    let mut at = 0;
    while at < text.len() || at == 0 {
        let rest = text.get(at..).unwrap_or_default();
        let Some(inside) = rest.strip_prefix('(') else {
            return Err(draft.refuse(at, "gs1-bracket", "此处应为“(”", "“(” should stand here"));
        };
        let Some(close) = inside.find(')') else {
            return Err(draft.refuse(text.len(), "gs1-bracket", "缺少“)”", "“)” is missing"));
        };
        let ai = draft.ai(inside.get(..close).unwrap_or_default(), at + 1)?;
        let source = at + close + 2;
        let start = draft.set.values.len();
        at = source + unescape(text.get(source..).unwrap_or_default(), &mut draft.set.values);
        draft.add(ai, start, source)?;
    }
    draft.finish()
}

/// Appends the value at the beginning of `text`, up to the next bracket, and returns how many octets it takes.
fn unescape(text: &str, out: &mut String) -> usize {
    let mut from = 0;
    for (at, _) in text.match_indices('(') {
        if !text[..at].ends_with('\\') {
            out.push_str(&text[from..at]);
            return at;
        }
        out.push_str(&text[from..at - 1]);
        from = at;
    }
    out.push_str(&text[from..]);
    text.len()
}

pub fn from_separated(text: &str, options: &Options) -> Result<DataSet, Refusal> {
    match text.as_bytes().first() {
        Some(first @ (&CARET | &GS)) => read_separated(text, 1, *first, options),
        _ => {
            let draft = Draft::new(text, Coding::Plain, options)?;
            Err(draft.refuse(0, "gs1-separator", "应以“^”开头", "“^” should stand at the beginning"))
        }
    }
}

/// Reads element strings that begin at octet `from` of `text`.
pub fn read_separated(text: &str, from: usize, separator: u8, options: &Options) -> Result<DataSet, Refusal> {
    let mut draft = Draft::new(text, Coding::Plain, options)?;
    add_separated(&mut draft, text, from, separator)?;
    draft.finish()
}

/// Adds the element strings from octet `from` of `text` on.
pub fn add_separated(draft: &mut Draft<'_>, text: &str, from: usize, separator: u8) -> Result<(), Refusal> {
    let octets = text.as_bytes();
    let mut at = from;
    loop {
        let rest = octets.get(at..).unwrap_or_default();
        let length = ai::code_length(rest);
        let Some(code) = length.and_then(|length| text.get(at..at + length)) else {
            return Err(no_ai(draft, at));
        };
        let ai = draft.ai(code, at)?;
        let source = at + code.len();
        let next = octets[source..].iter().position(|octet| *octet == separator).map_or(text.len(), |to| source + to);
        let end = match ai::preset_length(ai.0) {
            Some(preset) => next.min(source + preset),
            None => next,
        };
        let start = draft.set.values.len();
        let Some(value) = text.get(source..end) else {
            return Err(draft.refuse(source, "non-digit-character", "只能是数字", "only digits may stand here"));
        };
        draft.set.values.push_str(value);
        draft.add(ai, start, source)?;
        at = end + usize::from(octets.get(end) == Some(&separator));
        if at >= text.len() {
            return Ok(());
        }
    }
}

fn no_ai(draft: &Draft<'_>, at: usize) -> Refusal {
    draft.refuse(at, "gs1-ai-unknown", "此处没有应用标识符", "no Application Identifier stands here")
}

impl DataSet {
    /// `(01)09521321000018(10)ABC`; a `(` in a value becomes `\(`.
    pub fn to_bracketed(&self) -> String {
        let mut out = String::with_capacity(self.values.len() + 8 * self.slots.len());
        for element in self.elements() {
            out.push('(');
            out.push_str(element.code());
            out.push(')');
            for character in element.value.chars() {
                if character == '(' {
                    out.push('\\');
                }
                out.push(character);
            }
        }
        out
    }

    /// `^010952132100001810ABC`, with `^` behind every value that needs a separator, except the last.
    pub fn to_separated(&self) -> String {
        let mut out = String::from("^");
        self.write_separated('^', &mut out);
        out
    }

    /// Appends the element strings, without a separator before the first.
    pub(super) fn write_separated(&self, separator: char, out: &mut String) {
        let mut due = false;
        for element in self.elements() {
            if due {
                out.push(separator);
            }
            out.push_str(element.code());
            out.push_str(element.value);
            due = element.separated();
        }
    }
}
