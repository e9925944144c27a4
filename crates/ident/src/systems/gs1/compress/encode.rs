//! Writing compressed links.

use super::bits::{self, Writer, length_bits};
use super::layout::{self, Layout};
use super::{Encoding, FOREIGN, FOREIGN_LENGTH};
use crate::refusal::Refusal;
use crate::systems::gs1::ai::{Ai, Code};
use crate::systems::gs1::data_set::{DataSet, Element, Extra};
use crate::systems::gs1::uri_write::{CANONICAL_STEM, no_key, write_query};

const CLAUSE: &str = "GS1 Digital Link URI Syntax: Compression";

/// How a link is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompressOptions {
    /// AIs that often go together share one octet.
    pub codes: bool,
    /// The key stays readable: `/01/09521321000018/EEOrwhY12GQ`.
    pub partial: bool,
    /// Pairs that are not GS1's are compressed as well; else they follow as a query.
    pub pairs: bool,
}

impl Default for CompressOptions {
    fn default() -> Self {
        CompressOptions { codes: true, partial: false, pairs: false }
    }
}

impl DataSet {
    /// The compressed URI below `stem`, or below `https://id.gs1.org`. Attributes that cannot be compressed follow as a
    /// query.
    ///
    /// # Errors
    /// `gs1-no-key`; `gs1-not-compressible` if key or a qualifier cannot be compressed.
    pub fn to_compressed(&self, stem: Option<&str>, options: CompressOptions) -> Result<String, Refusal> {
        let key = self.key().ok_or_else(no_key)?;
        let mut out = stem.map_or(CANONICAL_STEM, |stem| stem.trim_end_matches('/')).to_owned();
        let mut inside = self.qualifiers();
        if options.partial {
            let alone = self.uri_of_key(key);
            out.push_str(&alone);
        } else {
            inside.insert(0, key);
        }
        if let Some(element) = inside.iter().find(|element| values(element).is_none()) {
            let code = element.code();
            let (zh, en) = (format!("（{code}）的值无法压缩"), format!("the value of ({code}) cannot be compressed"));
            return Err(Refusal::new("gs1-not-compressible", CLAUSE, zh, en));
        }
        // A second key would be taken for the first where it stands before it, so it stays readable.
        let packs = |own: &Element<'_>| !own.ai.is_some_and(Ai::is_key) && values(own).is_some();
        let (packed, left): (Vec<_>, Vec<_>) = self.attributes().into_iter().partition(packs);
        inside.extend(packed);
        let mut writer = Writer::default();
        let mut written = write_elements(&mut writer, inside, options.codes);
        let mut query = String::new();
        write_query(&mut query, &left)?;
        for extra in self.extras() {
            if options.pairs && write_foreign(&mut writer, extra).is_some() {
                written = true;
                continue;
            }
            query.push(if query.is_empty() { '?' } else { '&' });
            query.push_str(&extra.name);
            extra.value.iter().for_each(|value| query.extend(["=", value]));
        }
        if written {
            out.push('/');
            out.push_str(&writer.text());
        }
        out.push_str(&query);
        Ok(out)
    }

    fn uri_of_key(&self, key: Element<'_>) -> String {
        let alone = DataSet { in_path: 1, ..self.clone() };
        let mut out = String::new();
        alone.write_path(&mut out, key);
        out
    }
}

/// Writes groups that share an octet, then the rest in order of their AIs; false if there was nothing to write.
fn write_elements(writer: &mut Writer, mut rest: Vec<Element<'_>>, codes: bool) -> bool {
    let any = !rest.is_empty();
    while let Some(group) = best_group(&rest).filter(|_| codes) {
        writer.put(u32::from(group.octet), 8);
        for code in &group.codes {
            if let Some(at) = rest.iter().position(|element| element.digits() == *code) {
                write_value(writer, &rest.remove(at));
            }
        }
    }
    rest.sort_by_key(Element::digits);
    for element in rest {
        element.code().bytes().for_each(|octet| writer.put(u32::from(octet.wrapping_sub(b'0')), 4));
        write_value(writer, &element);
    }
    any
}

/// Of the groups that are wholly there, the one with the most digits in its AIs.
fn best_group(rest: &[Element<'_>]) -> Option<&'static layout::Group> {
    let present = |code: &Code| rest.iter().any(|element| element.digits() == *code);
    let within = layout::groups().iter().filter(|group| group.written && group.codes.iter().all(present));
    let digits = |group: &layout::Group| group.codes.iter().map(|code| code.as_str().len()).sum::<usize>();
    // Of equally good ones the first, where `max_by_key` by itself would give the last.
    within.rev().max_by_key(|group| digits(group))
}

/// The value of an element, cut as its layout says; none if it does not fit.
fn values<'a>(element: &Element<'a>) -> Option<Vec<(layout::Piece, &'a str)>> {
    let Layout { pieces, written } = layout::of(element.digits())?;
    let mut rest = element.value;
    let mut cut = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let (here, behind) = rest.split_at_checked(piece.most.min(rest.len()))?;
        // An absent part would have to be written as length 0, which readers disagree about.
        let whole = piece.variable || here.len() == piece.most;
        if here.is_empty() || !whole || piece.digits && !here.bytes().all(|octet| octet.is_ascii_digit()) {
            return None;
        }
        cut.push((*piece, here));
        rest = behind;
    }
    (*written && rest.is_empty() && element.value.is_ascii()).then_some(cut)
}

fn write_value(writer: &mut Writer, element: &Element<'_>) {
    for (piece, text) in values(element).unwrap_or_default() {
        let encoding = Encoding::of(text).unwrap_or(Encoding::Ascii);
        if !piece.digits {
            writer.put(encoding as u32, 3);
        }
        if piece.variable {
            writer.put(text.len() as u32, length_bits(piece.most));
        }
        write_text(writer, text, if piece.digits { Encoding::Digits } else { encoding });
    }
}

fn write_text(writer: &mut Writer, text: &str, encoding: Encoding) {
    match encoding {
        Encoding::Digits => writer.put_digits(text),
        Encoding::LowerHex | Encoding::UpperHex => {
            text.chars().for_each(|character| writer.put(character.to_digit(16).unwrap_or_default(), 4));
        }
        Encoding::Base64 => {
            text.bytes().for_each(|octet| writer.put(bits::sextet(octet).unwrap_or_default().into(), 6))
        }
        Encoding::Ascii => text.bytes().for_each(|octet| writer.put(octet.into(), 7)),
    }
}

/// Writes a foreign pair; none if it does not fit: a name outside of the alphabet, a name or value that is too long.
fn write_foreign(writer: &mut Writer, extra: &Extra) -> Option<()> {
    let longest = (1 << FOREIGN_LENGTH) - 1;
    let value = extra.value.as_deref().filter(|value| (1..=longest).contains(&value.len()))?;
    let named = (1..=longest).contains(&extra.name.len()) && extra.name.bytes().all(|own| Encoding::Base64.has(own));
    let encoding = Encoding::of(value).filter(|_| named)?;
    writer.put(FOREIGN, 4);
    writer.put(extra.name.len() as u32, FOREIGN_LENGTH);
    write_text(writer, &extra.name, Encoding::Base64);
    writer.put(encoding as u32, 3);
    writer.put(value.len() as u32, FOREIGN_LENGTH);
    write_text(writer, value, encoding);
    Some(())
}
