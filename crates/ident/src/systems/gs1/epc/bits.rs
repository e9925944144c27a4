//! A tag's bits: written from the left, read with the place in the text that they came from.

use super::refuse::{self, HEADER};
use crate::refusal::Refusal;

/// Bits of the longest EPC read (ADI-var needs 434).
pub const BITS: usize = 512;
/// Bits of a memory word: the hexadecimal text is padded with zeros to a multiple of it.
const WORD: usize = 16;

/// A bit string, most significant bit first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bits(Vec<bool>);

impl Bits {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Appends the low `width` bits of `value`.
    pub fn push(&mut self, value: u128, width: usize) {
        self.0.extend((0..width).rev().map(|bit| bit < 128 && value >> bit & 1 == 1));
    }

    /// The bits of hexadecimal digits (either case).
    pub fn from_hex(text: &str) -> Result<Bits, Refusal> {
        let mut bits = Bits::default();
        for (at, character) in text.chars().enumerate() {
            let Some(digit) = character.to_digit(16) else {
                let refusal = Refusal::new("epc-hex", HEADER, "不是十六进制数字", "not a hexadecimal digit");
                return Err(refusal.at(at));
            };
            bits.room(at)?;
            bits.push(u128::from(digit), 4);
        }
        Ok(bits)
    }

    /// The bits of zeros and ones.
    pub fn from_zeros_and_ones(text: &str) -> Result<Bits, Refusal> {
        let mut bits = Bits::default();
        for (at, character) in text.chars().enumerate() {
            let Some(bit) = character.to_digit(2) else {
                return Err(Refusal::new("epc-bit", HEADER, "只能是0或1", "only 0 and 1 may stand here").at(at));
            };
            bits.room(at)?;
            bits.push(u128::from(bit), 1);
        }
        Ok(bits)
    }

    fn room(&self, at: usize) -> Result<(), Refusal> {
        if self.len() < BITS {
            return Ok(());
        }
        let (zh, en) = (format!("EPC编码超过{BITS}位"), format!("an EPC of more than {BITS} bits"));
        Err(Refusal::new("epc-long", HEADER, zh, en).at(at))
    }

    /// Upper-case hexadecimal digits, padded to whole memory words.
    pub fn hex(&self) -> String {
        let digits = self.len().div_ceil(WORD) * WORD / 4;
        let digit = |place: usize| {
            let nibble = (place * 4..place * 4 + 4).fold(0, |sum, bit| sum << 1 | u32::from(self.bit(bit)));
            char::from_digit(nibble, 16).unwrap_or('0').to_ascii_uppercase()
        };
        (0..digits).map(digit).collect()
    }

    fn bit(&self, place: usize) -> bool {
        self.0.get(place).copied().unwrap_or(false)
    }

    /// Zeros and ones, not padded.
    pub fn zeros_and_ones(&self) -> String {
        self.0.iter().map(|bit| if *bit { '1' } else { '0' }).collect()
    }
}

/// Reads bits from the left.
pub struct Reader<'a> {
    bits: &'a Bits,
    at: usize,
    /// Bits that one character of the text stands for: 4 or 1.
    per_character: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bits: &'a Bits, per_character: usize) -> Self {
        Reader { bits, at: 0, per_character: per_character.max(1) }
    }

    /// The character of the text in which the next bit stands.
    pub fn place(&self) -> usize {
        self.at / self.per_character
    }

    /// The next `width` bits (at most 128) as a number.
    pub fn take(&mut self, width: usize) -> Result<u128, Refusal> {
        if self.at + width > self.bits.len() {
            return Err(refuse::short(self.place()));
        }
        let value = (self.at..self.at + width).fold(0, |sum: u128, bit| sum << 1 | u128::from(self.bits.bit(bit)));
        self.at += width;
        Ok(value)
    }

    /// The next `width` bits must be zero.
    pub fn zeros(&mut self, width: usize) -> Result<(), Refusal> {
        for _ in 0..width {
            let at = self.place();
            if self.take(1)? != 0 {
                let refusal = Refusal::new("epc-padding", refuse::CODING, "填充位必须为0", "padding bits must be zero");
                return Err(refusal.at(at));
            }
        }
        Ok(())
    }

    /// Nothing but the padding of the last memory word may be left.
    pub fn end(mut self) -> Result<(), Refusal> {
        let left = self.bits.len() - self.at;
        if left >= WORD {
            let refusal =
                Refusal::new("epc-trailing", refuse::CODING, "EPC之后还有多余数据", "there are data behind the EPC");
            return Err(refusal.at(self.place()));
        }
        self.zeros(left)
    }
}
