//! Compressed Digital Links: elements as a stream of bits in the last segment of the path
//! (GS1 Digital Link URI Syntax: Compression).
//!
//! The EPC codecs of RFID tags share the idea and number the encodings of characters otherwise, so they share no table.

mod bits;
mod decode;
mod encode;
mod layout;

pub use decode::decode;
pub use encode::CompressOptions;

/// How characters are written; the number is that of the bit stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// One integer.
    Digits = 0,
    LowerHex = 1,
    UpperHex = 2,
    /// The alphabet of URI-safe base64.
    Base64 = 3,
    Ascii = 4,
}

impl Encoding {
    /// In order of preference.
    const ALL: [Encoding; 5] =
        [Encoding::Digits, Encoding::UpperHex, Encoding::LowerHex, Encoding::Base64, Encoding::Ascii];

    fn has(self, octet: u8) -> bool {
        match self {
            Encoding::Digits => octet.is_ascii_digit(),
            Encoding::LowerHex => matches!(octet, b'0'..=b'9' | b'a'..=b'f'),
            Encoding::UpperHex => matches!(octet, b'0'..=b'9' | b'A'..=b'F'),
            Encoding::Base64 => bits::sextet(octet).is_some(),
            Encoding::Ascii => octet.is_ascii(),
        }
    }

    /// Bits of one character; digits have no width of their own.
    fn width(self) -> usize {
        match self {
            Encoding::Digits => 0,
            Encoding::LowerHex | Encoding::UpperHex => 4,
            Encoding::Base64 => 6,
            Encoding::Ascii => 7,
        }
    }

    /// The first that holds all characters of a text.
    fn of(text: &str) -> Option<Encoding> {
        Encoding::ALL.into_iter().find(|encoding| text.bytes().all(|octet| encoding.has(octet)))
    }
}

/// What begins a pair that is not GS1's, in its first four bits.
const FOREIGN: u32 = 15;
/// Bits of the length of a foreign key or value.
const FOREIGN_LENGTH: usize = 7;
