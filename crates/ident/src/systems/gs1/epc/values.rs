//! Element values in bits as the “+” schemes write them (TDS 2.2 §14.5): no company prefix length needed.

use super::bits::{Bits, Reader};
use super::coding::{padded, write_number};
use super::kind::Set;
use super::refuse::{self, DATE, PLUS};
use crate::refusal::Refusal;

/// How a component of an element's value is coded (TDT table F).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// So many digits, four bits each (§14.5.4).
    Digits(usize),
    /// Leading digits of four bits each, ended; then what is left as text (§14.5.5). Most characters.
    Delimited(usize),
    /// Encoding indicator, length, characters (§14.5.6). Most characters.
    Text(usize),
    /// Year, month and day in 16 bits (§14.5.8).
    Date,
    /// Length of four bits, digits as a number (§14.5.13). Most digits.
    Number(usize),
}

/// How text is coded (TDT table E); the discriminant is the encoding indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Integer = 0,
    UpperHex = 1,
    LowerHex = 2,
    Base64 = 3,
    Ascii = 4,
    Code40 = 5,
}

/// In the order of preference where two need as many bits (the columns of TDT table B).
const ENCODINGS: [Encoding; 6] =
    [Encoding::Integer, Encoding::UpperHex, Encoding::LowerHex, Encoding::Code40, Encoding::Base64, Encoding::Ascii];
const INDICATOR_BITS: usize = 3;
const TEXT_LENGTH_BITS: usize = 5;
const NUMBER_LENGTH_BITS: usize = 4;
/// Behind the leading digits: text follows, or nothing.
const DELIMITER: u128 = 0b1110;
const TERMINATOR: u128 = 0b1111;
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// The pad has the value 0, so the first of these has 1.
const CODE40: &[u8; 39] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789";

/// Bits of a number of so many digits (TDT table B, column b): the bits of 10ⁿ − 1.
pub fn integer_bits(digits: usize) -> usize {
    let digits = u32::try_from(digits).unwrap_or(u32::MAX);
    10u128.checked_pow(digits).map_or(128, |power| 128 - (power - 1).leading_zeros() as usize)
}

impl Encoding {
    /// Bits of so many characters (TDT table B).
    pub fn bits(self, characters: usize) -> usize {
        match self {
            Encoding::Integer => integer_bits(characters),
            Encoding::UpperHex | Encoding::LowerHex => 4 * characters,
            Encoding::Base64 => 6 * characters,
            Encoding::Ascii => 7 * characters,
            Encoding::Code40 => characters.div_ceil(3) * 16,
        }
    }

    pub fn has(self, character: char) -> bool {
        match self {
            Encoding::Integer => character.is_ascii_digit(),
            Encoding::UpperHex => matches!(character, '0'..='9' | 'A'..='F'),
            Encoding::LowerHex => matches!(character, '0'..='9' | 'a'..='f'),
            Encoding::Base64 => index_in(BASE64, character).is_some(),
            Encoding::Code40 => index_in(CODE40, character).is_some(),
            Encoding::Ascii => Set::X.has(character) || Set::Y.has(character),
        }
    }

    /// The encoding that needs the fewest bits.
    pub fn shortest(text: &str) -> Option<Encoding> {
        let fits = |encoding: &Encoding| text.chars().all(|character| encoding.has(character));
        ENCODINGS.into_iter().filter(fits).min_by_key(|encoding| encoding.bits(text.len()))
    }

    fn of_indicator(indicator: u128) -> Option<Encoding> {
        ENCODINGS.into_iter().find(|encoding| *encoding as u128 == indicator)
    }

    fn write(self, text: &str, bits: &mut Bits) -> Option<()> {
        match self {
            Encoding::Integer => write_number(text, integer_bits(text.len()), bits)?,
            Encoding::Code40 => {
                for group in text.as_bytes().chunks(3) {
                    let value = |place: usize| match group.get(place) {
                        Some(octet) => index_in(CODE40, char::from(*octet)).map(|index| index + 1),
                        None => Some(0),
                    };
                    bits.push(1600 * value(0)? + 40 * value(1)? + value(2)? + 1, 16);
                }
            }
            _ => {
                for character in text.chars() {
                    bits.push(self.value(character)?, self.bits(1));
                }
            }
        }
        Some(())
    }

    fn value(self, character: char) -> Option<u128> {
        match self {
            Encoding::Base64 => index_in(BASE64, character),
            Encoding::Ascii => Some(u128::from(u32::from(character))),
            _ => character.to_digit(16).map(u128::from),
        }
    }

    fn read(self, reader: &mut Reader<'_>, length: usize) -> Result<String, Refusal> {
        match self {
            Encoding::Integer => {
                let at = reader.place();
                padded(reader.take(integer_bits(length))?, length).map_err(|refusal| refusal.at(at))
            }
            Encoding::Code40 => read_code40(reader, length),
            _ => {
                let each = self.bits(1);
                (0..length).map(|_| Ok(self.character(reader.take(each)?))).collect()
            }
        }
    }

    fn character(self, value: u128) -> char {
        let digit = u32::try_from(value).ok().and_then(|value| char::from_digit(value, 16)).unwrap_or('\0');
        match self {
            Encoding::UpperHex => digit.to_ascii_uppercase(),
            Encoding::Base64 => {
                usize::try_from(value).ok().and_then(|index| BASE64.get(index)).map_or('\0', |c| char::from(*c))
            }
            Encoding::Ascii => u8::try_from(value).map_or('\0', char::from),
            _ => digit,
        }
    }
}

fn index_in(alphabet: &[u8], character: char) -> Option<u128> {
    let found = alphabet.iter().position(|octet| char::from(*octet) == character)?;
    u128::try_from(found).ok()
}

fn read_code40(reader: &mut Reader<'_>, length: usize) -> Result<String, Refusal> {
    let mut text = String::new();
    while text.len() < length {
        let at = reader.place();
        let broken = || {
            let (zh, en) = ("不是URN Code 40的有效组", "not a valid group of URN Code 40");
            Refusal::new("epc-code-40", "TDS 2.2 §14.5.6.5", zh, en).at(at)
        };
        let group = reader.take(16)?.checked_sub(1).filter(|group| *group < 64_000).ok_or_else(broken)?;
        for value in [group / 1600, group / 40 % 40, group % 40] {
            match (value, text.len() < length) {
                (0, false) => {}
                (1.., true) => {
                    let octet = usize::try_from(value - 1).ok().and_then(|index| CODE40.get(index));
                    text.push(char::from(*octet.ok_or_else(broken)?));
                }
                _ => return Err(broken()),
            }
        }
    }
    Ok(text)
}

impl Component {
    /// The most characters it takes of a value; the last component takes the rest.
    pub fn most(self) -> usize {
        match self {
            Component::Digits(most) | Component::Delimited(most) | Component::Text(most) | Component::Number(most) => {
                most
            }
            Component::Date => 6,
        }
    }

    /// Appends a component; `None` if it does not fit.
    pub fn write(self, text: &str, bits: &mut Bits) -> Option<()> {
        if text.is_empty() || text.len() > self.most() {
            return None;
        }
        match self {
            Component::Digits(most) if text.len() == most => write_digits(text, bits),
            Component::Digits(_) => None,
            Component::Text(_) => write_text(text, bits),
            Component::Number(_) => {
                bits.push(text.len() as u128, NUMBER_LENGTH_BITS);
                Encoding::Integer.write(text, bits)
            }
            Component::Delimited(_) => {
                let lead = text.bytes().take_while(u8::is_ascii_digit).count();
                let (digits, rest) = text.split_at_checked(lead)?;
                write_digits(digits, bits)?;
                bits.push(if rest.is_empty() { TERMINATOR } else { DELIMITER }, 4);
                if rest.is_empty() { Some(()) } else { write_text(rest, bits) }
            }
            Component::Date => {
                let part = |from: usize| text.get(from..from + 2)?.parse::<u8>().ok();
                let (year, month, day) = (part(0)?, part(2)?, part(4)?);
                if !is_date(year.into(), month.into(), day.into()) {
                    return None;
                }
                bits.push(u128::from(year), 7);
                bits.push(u128::from(month), 4);
                bits.push(u128::from(day), 5);
                Some(())
            }
        }
    }

    pub fn read(self, reader: &mut Reader<'_>) -> Result<String, Refusal> {
        match self {
            Component::Digits(count) => {
                let mut text = String::new();
                while text.len() < count {
                    let at = reader.place();
                    text.push(digit(reader.take(4)?, at)?);
                }
                Ok(text)
            }
            Component::Text(most) => read_text(reader, most),
            Component::Number(most) => {
                let length = read_length(reader, NUMBER_LENGTH_BITS, most)?;
                Encoding::Integer.read(reader, length)
            }
            Component::Delimited(most) => read_delimited(reader, most),
            Component::Date => {
                let at = reader.place();
                let (year, month, day) = (reader.take(7)?, reader.take(4)?, reader.take(5)?);
                if is_date(year, month, day) {
                    return Ok(format!("{year:02}{month:02}{day:02}"));
                }
                Err(Refusal::new("epc-date", DATE, "不是有效日期", "not a date").at(at))
            }
        }
    }
}

/// Day 0 is a day of the month that is not named; how long a month is depends on a century that is not here.
fn is_date(year: u128, month: u128, day: u128) -> bool {
    let days = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    year <= 99 && (1..=12).contains(&month) && day <= days
}

fn write_digits(text: &str, bits: &mut Bits) -> Option<()> {
    for character in text.chars() {
        bits.push(u128::from(character.to_digit(10)?), 4);
    }
    Some(())
}

fn digit(value: u128, at: usize) -> Result<char, Refusal> {
    let digit = u32::try_from(value).ok().and_then(|value| char::from_digit(value, 10));
    digit.ok_or_else(|| Refusal::new("epc-digit", PLUS, "四位编码须为0至9", "four bits must be a digit 0 to 9").at(at))
}

fn write_text(text: &str, bits: &mut Bits) -> Option<()> {
    let encoding = Encoding::shortest(text)?;
    bits.push(encoding as u128, INDICATOR_BITS);
    bits.push(text.len() as u128, TEXT_LENGTH_BITS);
    encoding.write(text, bits)
}

fn read_text(reader: &mut Reader<'_>, most: usize) -> Result<String, Refusal> {
    let at = reader.place();
    let Some(encoding) = Encoding::of_indicator(reader.take(INDICATOR_BITS)?) else {
        return Err(Refusal::new(
            "epc-encoding",
            PLUS,
            "编码指示符6和7无定义",
            "encoding indicators 6 and 7 are not defined",
        )
        .at(at));
    };
    let length = read_length(reader, TEXT_LENGTH_BITS, most)?;
    encoding.read(reader, length)
}

fn read_length(reader: &mut Reader<'_>, width: usize, most: usize) -> Result<usize, Refusal> {
    let at = reader.place();
    let length = usize::try_from(reader.take(width)?).unwrap_or(usize::MAX);
    if (1..=most).contains(&length) {
        return Ok(length);
    }
    let zh = format!("长度须为1至{most}，现为{length}");
    let en = format!("the length must be 1 to {most}, not {length}");
    Err(Refusal::new("epc-length", PLUS, zh, en).at(at))
}

fn read_delimited(reader: &mut Reader<'_>, most: usize) -> Result<String, Refusal> {
    let mut text = String::new();
    loop {
        let at = reader.place();
        match reader.take(4)? {
            TERMINATOR => return Ok(text),
            DELIMITER => {
                text.push_str(&read_text(reader, most.saturating_sub(text.len()))?);
                return Ok(text);
            }
            value if text.len() < most => text.push(digit(value, at)?),
            _ => return Err(refuse::overflow(most).at(at)),
        }
    }
}
