//! Single fields in bits: numbers, and characters of six, seven and eight bits (TDS 2.2 §14.4).

use super::bits::{Bits, Reader};
use super::refuse::{self, INTEGER, PARTITION, STRING};
use super::scheme::{COMPANY_BITS, Coding};
use crate::refusal::Refusal;

impl Coding {
    /// Appends a field; `None` if it does not fit.
    pub(super) fn write(self, text: &str, partition: usize, bits: &mut Bits) -> Option<()> {
        match self {
            Coding::Company => {
                bits.push(u128::try_from(partition).ok()?, 3);
                write_number(text, *COMPANY_BITS.get(partition)?, bits)
            }
            Coding::Reference(widths) => write_number(text, *widths.get(partition)?, bits),
            Coding::Asset(widths, digits) => {
                plain(text, digits.checked_sub(12 - partition)?)?;
                write_number(text, *widths.get(partition)?, bits)
            }
            Coding::Integer(width, most) => {
                plain(text, 20)?;
                text.parse::<u64>().ok().filter(|value| *value <= most)?;
                write_number(text, width, bits)
            }
            Coding::Pair => write_number(text, 7, bits),
            Coding::Marked => write_number(&format!("1{text}"), 41, bits),
            Coding::Text(width) => write_characters(text, 7, width, bits),
            Coding::AssetText(widths) => write_characters(text, 7, *widths.get(partition)?, bits),
            Coding::Terminated(most) => {
                write_characters(text, 6, text.len().min(most) * 6, bits)?;
                bits.push(0, 6);
                Some(())
            }
            Coding::Cage(width) => write_characters(&format!("{text:>6}"), width, 6 * width, bits),
        }
    }

    /// Reads a field; `digits` is how many a reference has. A refusal without a place is about the whole field.
    pub(super) fn read(self, reader: &mut Reader<'_>, partition: usize, digits: usize) -> Result<String, Refusal> {
        let width_of = |widths: [usize; 7]| widths.get(partition).copied().unwrap_or_default();
        match self {
            Coding::Company => padded(reader.take(width_of(COMPANY_BITS))?, 12 - partition),
            Coding::Reference(widths) => padded(reader.take(width_of(widths))?, digits),
            Coding::Asset(widths, most) => {
                let number = reader.take(width_of(widths))?.to_string();
                let most = most.saturating_sub(12 - partition);
                if number.len() > most { Err(refuse::overflow(most)) } else { Ok(number) }
            }
            Coding::Integer(width, most) => {
                let value = reader.take(width)?;
                if value > u128::from(most) {
                    Err(refuse::overflow(most.to_string().len()))
                } else {
                    Ok(value.to_string())
                }
            }
            Coding::Pair => padded(reader.take(7)?, 2),
            Coding::Marked => {
                let number = reader.take(41)?.to_string();
                let digits = number.strip_prefix('1').filter(|digits| !digits.is_empty());
                digits.map(str::to_owned).ok_or_else(|| {
                    let (zh, en) = ("序列号前须有数字1", "the serial must stand behind a digit 1");
                    Refusal::new("epc-coupon-serial", INTEGER, zh, en)
                })
            }
            Coding::Text(width) => read_padded(reader, width),
            Coding::AssetText(widths) => read_padded(reader, width_of(widths)),
            Coding::Terminated(most) => read_terminated(reader, most),
            Coding::Cage(width) => read_cage(reader, width),
        }
    }
}

/// The partition, left in place: what follows is [`Coding::Company`].
pub(super) fn read_partition(reader: &mut Reader<'_>) -> Result<usize, Refusal> {
    let at = reader.place();
    let value = usize::try_from(reader.take(3)?).unwrap_or(usize::MAX);
    if value < COMPANY_BITS.len() {
        return Ok(value);
    }
    Err(Refusal::new("epc-partition", PARTITION, "分区值7无定义", "partition value 7 is not defined").at(at))
}

/// Digits without a leading zero, at most `most`.
fn plain(text: &str, most: usize) -> Option<()> {
    let digits = !text.is_empty() && text.len() <= most && text.bytes().all(|octet| octet.is_ascii_digit());
    (digits && (text == "0" || !text.starts_with('0'))).then_some(())
}

/// A number in `width` bits; no digits at all are zero.
pub(super) fn write_number(text: &str, width: usize, bits: &mut Bits) -> Option<()> {
    let value: u128 = if text.is_empty() { 0 } else { text.parse().ok()? };
    if width < 128 && value >> width != 0 {
        return None;
    }
    bits.push(value, width);
    Some(())
}

/// The number with all its digits.
pub(super) fn padded(value: u128, digits: usize) -> Result<String, Refusal> {
    let text = if value == 0 { String::new() } else { value.to_string() };
    if text.len() > digits {
        return Err(refuse::overflow(digits));
    }
    Ok(format!("{text:0>digits$}"))
}

/// Characters by their low `each` bits, padded with zeros to `width`.
fn write_characters(text: &str, each: usize, width: usize, bits: &mut Bits) -> Option<()> {
    let mut left = width;
    for character in text.chars() {
        left = left.checked_sub(each)?;
        bits.push(u128::from(u32::from(character)) & ((1 << each) - 1), each);
    }
    bits.push(0, left);
    Some(())
}

fn character(value: u128) -> char {
    u8::try_from(value).map_or('\0', char::from)
}

/// 7-bit characters up to the first zero; only zeros may follow.
fn read_padded(reader: &mut Reader<'_>, width: usize) -> Result<String, Refusal> {
    let mut text = String::new();
    for read in 1..=width / 7 {
        let value = reader.take(7)?;
        if value == 0 {
            reader.zeros(width - read * 7)?;
            return Ok(text);
        }
        text.push(character(value));
    }
    reader.zeros(width % 7)?;
    Ok(text)
}

/// The character of six bits: a letter or a space below 33, else a digit or mark.
fn six(value: u128) -> char {
    character(if value < 32 { value + 64 } else { value })
}

/// 6-bit characters up to six zero bits.
fn read_terminated(reader: &mut Reader<'_>, most: usize) -> Result<String, Refusal> {
    let mut text = String::new();
    loop {
        let at = reader.place();
        match reader.take(6)? {
            0 => return Ok(text),
            value if text.len() < most => text.push(six(value)),
            _ => {
                let (zh, en) = (format!("最多{most}个字符"), format!("at most {most} characters"));
                return Err(Refusal::new("epc-length", STRING, zh, en).at(at));
            }
        }
    }
}

/// Six characters, the first a space where the code has five.
fn read_cage(reader: &mut Reader<'_>, width: usize) -> Result<String, Refusal> {
    let mut text = String::new();
    for place in 0..6 {
        let value = reader.take(width)?;
        let one = if width == 6 { six(value) } else { character(value) };
        if place != 0 || one != ' ' {
            text.push(one);
        }
    }
    Ok(text)
}
