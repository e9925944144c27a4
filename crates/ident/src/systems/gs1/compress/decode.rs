//! Reading compressed links.

use super::bits::{self, Reader, length_bits};
use super::layout::{self, Piece};
use super::{Encoding, FOREIGN, FOREIGN_LENGTH};
use crate::refusal::Refusal;
use crate::systems::gs1::ai::{self, Code};
use crate::systems::gs1::data_set::{DataSet, ELEMENTS, Extra, Options};
use crate::systems::gs1::draft::{Coding, Draft};
use crate::systems::gs1::uri::Uri;

/// Where public writers differ, so that one reading after the other is tried.
#[derive(Debug, Clone, Copy)]
struct Habit {
    /// The AIs of a code follow in order of their digits instead of that of the table.
    sorted: bool,
    /// A part of no digits takes one bit all the same.
    spare_bit: bool,
}

const HABITS: [Habit; 4] = [
    Habit { sorted: false, spare_bit: false },
    Habit { sorted: true, spare_bit: false },
    Habit { sorted: false, spare_bit: true },
    Habit { sorted: true, spare_bit: true },
];

/// What the bits say.
#[derive(Default)]
struct Said {
    elements: Vec<(Code, String)>,
    extras: Vec<Extra>,
}

/// Reads a link without readable key; none if its last segment is no stream of groups.
///
/// Readable in front of it may be one key (`/01/09521321000018/EEOrwhY12GQ`), behind it a query.
pub fn decode(uri: &Uri<'_>, options: &Options) -> Option<Result<DataSet, Refusal>> {
    let slash = uri.path + uri.slice((uri.path, uri.path_end)).rfind('/')?;
    let reader = Reader::new(uri.slice((slash + 1, uri.path_end))).filter(|reader| reader.left() > 8)?;
    let key = readable_key(uri, slash);
    let stem = key.as_ref().map_or(slash, |key| key.start);
    let mut first = None;
    for habit in HABITS {
        let Some(said) = groups(reader.clone(), habit) else { continue };
        // A stream of nothing but foreign pairs says nothing of GS1: it is a path that happens to decode.
        if said.elements.is_empty() && key.is_none() {
            continue;
        }
        match assemble(uri, key.as_ref(), &said, slash + 1, options) {
            Ok(mut set) => {
                set.stem = Some(uri.slice((0, stem)).to_owned());
                return Some(Ok(set));
            }
            Err(refusal) => first = first.or(Some(refusal)),
        }
    }
    first.map(Err)
}

/// A readable key: the octet of the slash before it, and where its value stands.
struct ReadableKey {
    start: usize,
    code: Code,
    value: (usize, usize),
}

/// The key in front of the slash at `end`: `/stem/01/09521321000018`.
fn readable_key(uri: &Uri<'_>, end: usize) -> Option<ReadableKey> {
    let value = uri.path + uri.slice((uri.path, end)).rfind('/')?;
    let start = uri.path + uri.slice((uri.path, value)).rfind('/')?;
    let code = uri.slice((start + 1, value));
    ai::ai(code).filter(|found| found.is_key())?;
    Some(ReadableKey { start, code: Code::parse(code)?, value: (value + 1, end) })
}

/// Puts elements together as a readable link would have them and checks the whole; `stream` is the octet where the
/// stream begins, the place of all that is wrong within it.
fn assemble(
    uri: &Uri<'_>,
    key: Option<&ReadableKey>,
    said: &Said,
    stream: usize,
    options: &Options,
) -> Result<DataSet, Refusal> {
    let mut draft = Draft::new(uri.text, Coding::Percent, options)?;
    if let Some(key) = key {
        uri.add(&mut draft, key.code, key.value, false)?;
    }
    for (code, value) in &said.elements {
        let start = draft.set.values.len();
        draft.set.values.push_str(value);
        let added = draft.add((*code, ai::of_code(*code)), start, stream);
        added.map_err(|refusal| refusal.at(draft.position(stream)))?;
        draft.unplaced();
    }
    let path: Vec<Code> = draft.set.key().into_iter().chain(draft.set.qualifiers()).map(|own| own.digits()).collect();
    draft.set.extras.extend(said.extras.iter().cloned());
    uri.add_query(&mut draft, &path)?;
    draft.finish()
}

/// Reads all groups; none if one has no meaning or the bits end within it.
fn groups(mut reader: Reader, habit: Habit) -> Option<Said> {
    let mut said = Said::default();
    while reader.left() > 8 {
        if said.elements.len() + said.extras.len() >= ELEMENTS {
            return None;
        }
        let first = reader.take(4)?;
        if first == FOREIGN {
            said.extras.push(foreign(&mut reader)?);
            continue;
        }
        let second = reader.take(4)?;
        if first > 9 || second > 9 {
            let octet = u8::try_from(first << 4 | second).ok()?;
            let group = layout::groups().iter().find(|group| group.octet == octet)?;
            let mut codes = group.codes.clone();
            if habit.sorted {
                codes.sort();
            }
            for code in codes {
                said.elements.push((code, value(&mut reader, code, habit)?));
            }
            continue;
        }
        let code = plain_code(&mut reader, first, second)?;
        said.elements.push((code, value(&mut reader, code, habit)?));
    }
    Some(said)
}

fn plain_code(reader: &mut Reader, first: u32, second: u32) -> Option<Code> {
    let mut digits: String = [first, second].into_iter().filter_map(|digit| char::from_digit(digit, 10)).collect();
    for _ in 2..ai::code_length(digits.as_bytes())? {
        digits.push(char::from_digit(reader.take(4)?, 10)?);
    }
    Code::parse(&digits)
}

fn value(reader: &mut Reader, code: Code, habit: Habit) -> Option<String> {
    let mut out = String::new();
    for piece in &layout::of(code)?.pieces {
        read_piece(reader, *piece, habit, &mut out)?;
    }
    Some(out)
}

fn read_piece(reader: &mut Reader, piece: Piece, habit: Habit, out: &mut String) -> Option<()> {
    let encoding = if piece.digits { Encoding::Digits } else { encoding(reader.take(3)?)? };
    let length = if piece.variable { reader.take(length_bits(piece.most))? as usize } else { piece.most };
    if length > piece.most {
        return None;
    }
    if length == 0 && encoding == Encoding::Digits && habit.spare_bit {
        reader.take(1)?;
    }
    out.push_str(&text(reader, encoding, length)?);
    Some(())
}

fn encoding(number: u32) -> Option<Encoding> {
    Encoding::ALL.into_iter().find(|encoding| *encoding as u32 == number)
}

fn text(reader: &mut Reader, encoding: Encoding, length: usize) -> Option<String> {
    if encoding == Encoding::Digits {
        return reader.take_digits(length);
    }
    let character = |number: u32| match encoding {
        Encoding::LowerHex => char::from_digit(number, 16),
        Encoding::UpperHex => char::from_digit(number, 16).map(|digit| digit.to_ascii_uppercase()),
        Encoding::Base64 => Some(bits::symbol(number as u8)),
        _ => char::from_u32(number),
    };
    (0..length).map(|_| character(reader.take(encoding.width())?)).collect()
}

fn foreign(reader: &mut Reader) -> Option<Extra> {
    let length = reader.take(FOREIGN_LENGTH)? as usize;
    // A name of digits would be an application identifier, and those are not written so.
    let name =
        text(reader, Encoding::Base64, length).filter(|name| name.bytes().any(|octet| !octet.is_ascii_digit()))?;
    let encoding = encoding(reader.take(3)?)?;
    let length = reader.take(FOREIGN_LENGTH)? as usize;
    let value = text(reader, encoding, length)?;
    Some(Extra { name, value: Some(value) })
}
