//! The bit stream of compressed links, most significant bit first, six bits a character.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Position of a character in the alphabet.
pub fn sextet(octet: u8) -> Option<u8> {
    ALPHABET.iter().position(|own| *own == octet).map(|at| at as u8)
}

/// The character at a position of the alphabet.
pub fn symbol(sextet: u8) -> char {
    char::from(ALPHABET[usize::from(sextet & 63)])
}

/// Bits of an integer of so many decimal digits: ⌈d·log₂10 + 0.01⌉, 0 for none.
pub fn digit_bits(digits: usize) -> usize {
    if digits == 0 { 0 } else { (digits as f64 * std::f64::consts::LOG2_10 + 0.01).ceil() as usize }
}

/// Bits of a length up to `most`: ⌈log₂ m + 0.01⌉.
pub fn length_bits(most: usize) -> usize {
    ((most as f64).log2() + 0.01).ceil() as usize
}

/// Bits that are being written.
#[derive(Default)]
pub struct Writer(Vec<bool>);

impl Writer {
    /// Appends the `width` lowest bits of a number.
    pub fn put(&mut self, number: u32, width: usize) {
        self.0.extend((0..width).rev().map(|bit| number.checked_shr(bit as u32).unwrap_or_default() & 1 == 1));
    }

    /// Appends decimal digits as one integer.
    pub fn put_digits(&mut self, digits: &str) {
        let mut number: Vec<u8> = digits.bytes().map(|octet| octet.wrapping_sub(b'0')).collect();
        let start = self.0.len();
        // Halved once for every bit, so that any length of digits is exact.
        for _ in 0..digit_bits(digits.len()) {
            let mut remainder = 0;
            for digit in &mut number {
                let dividend = remainder * 10 + *digit;
                (*digit, remainder) = (dividend / 2, dividend % 2);
            }
            self.0.push(remainder == 1);
        }
        if let Some(own) = self.0.get_mut(start..) {
            own.reverse();
        }
    }

    /// The bits as characters, padded with zeros.
    pub fn text(self) -> String {
        let group = |bits: &[bool]| bits.iter().enumerate().fold(0, |sum, (at, bit)| sum | u8::from(*bit) << (5 - at));
        self.0.chunks(6).map(|bits| symbol(group(bits))).collect()
    }
}

/// Bits that are being read.
#[derive(Clone)]
pub struct Reader {
    bits: Vec<bool>,
    at: usize,
}

impl Reader {
    /// The bits of a segment; none if a character is not of the alphabet.
    pub fn new(text: &str) -> Option<Reader> {
        let mut bits = Vec::with_capacity(text.len() * 6);
        for octet in text.bytes() {
            let six = sextet(octet)?;
            bits.extend((0..6).rev().map(|bit| six >> bit & 1 == 1));
        }
        Some(Reader { bits, at: 0 })
    }

    pub fn left(&self) -> usize {
        self.bits.len() - self.at
    }

    fn slice(&mut self, width: usize) -> Option<&[bool]> {
        let taken = self.bits.get(self.at..self.at + width)?;
        self.at += width;
        Some(taken)
    }

    /// A number of `width` bits, at most 32.
    pub fn take(&mut self, width: usize) -> Option<u32> {
        Some(self.slice(width)?.iter().fold(0, |sum, bit| sum << 1 | u32::from(*bit)))
    }

    /// An integer as decimal digits, with zeros on the left up to `count`; none if it has more digits.
    pub fn take_digits(&mut self, count: usize) -> Option<String> {
        let mut digits = vec![0u8; count];
        for bit in self.slice(digit_bits(count))? {
            let mut carry = u8::from(*bit);
            for digit in digits.iter_mut().rev() {
                let doubled = *digit * 2 + carry;
                (*digit, carry) = (doubled % 10, doubled / 10);
            }
            if carry > 0 {
                return None;
            }
        }
        Some(digits.into_iter().map(|digit| char::from(b'0' + digit)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_standard() {
        let lengths = [2, 3, 4, 6, 8, 9, 10, 12, 13, 15, 16, 17, 18, 20, 25, 27, 28, 30, 35, 50, 70, 90];
        let widths = [2, 2, 3, 3, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 6, 6, 7, 7];
        assert_eq!(lengths.map(length_bits), widths);
        let digits = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 17, 18, 20];
        let widths = [4, 7, 10, 14, 17, 20, 24, 27, 30, 34, 40, 44, 47, 57, 60, 67];
        assert_eq!(digits.map(digit_bits), widths);
    }
}
