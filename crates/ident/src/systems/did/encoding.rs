//! The text encodings that DIDs use for octets: base58 (Bitcoin alphabet) and bech32 (BIP 173).

/// Characters of the longest base58 text that is decoded: an RSA key of 8192 bits in `did:key`.
pub const BASE58_CHARS: usize = 1536;
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// Characters of a bech32 checksum.
pub const CHECKSUM_CHARS: usize = 6;

/// Writes octets in base58: leading zero octets become `1`.
pub fn base58(octets: &[u8]) -> String {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    let mut digits: Vec<u8> = Vec::with_capacity(octets.len() * 138 / 100 + 1);
    for octet in octets {
        let mut carry = u32::from(*octet);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = (carry % 58) as u8;
            carry /= 58;
        }
        while carry > 0 {
            digits.push((carry % 58) as u8);
            carry /= 58;
        }
    }
    // A zero has no digits of its own; the leading zeros stand for themselves.
    let ones = std::iter::repeat_n('1', zeros);
    ones.chain(digits.iter().rev().map(|digit| char::from(BASE58[usize::from(*digit)]))).collect()
}

/// Reads base58; the error is the position of the first character outside the alphabet, or the text's length if it
/// is longer than [`BASE58_CHARS`].
pub fn from_base58(text: &str) -> Result<Vec<u8>, usize> {
    let values = values(text, BASE58)?;
    if values.len() > BASE58_CHARS {
        return Err(BASE58_CHARS);
    }
    let zeros = values.iter().take_while(|value| **value == 0).count();
    let mut octets: Vec<u8> = Vec::with_capacity(values.len());
    for value in &values {
        let mut carry = u32::from(*value);
        for octet in &mut octets {
            carry += u32::from(*octet) * 58;
            *octet = carry as u8;
            carry >>= 8;
        }
        while carry > 0 {
            octets.push(carry as u8);
            carry >>= 8;
        }
    }
    octets.extend(std::iter::repeat_n(0, zeros));
    octets.reverse();
    Ok(octets)
}

/// Writes octets as the data part of bech32 with the checksum of an empty human-readable part.
pub fn bech32(octets: &[u8]) -> String {
    let mut values = regroup(octets);
    let mut covered = vec![0];
    covered.extend_from_slice(&values);
    covered.extend_from_slice(&[0; CHECKSUM_CHARS]);
    let sum = polymod(&covered) ^ 1;
    values.extend((0..CHECKSUM_CHARS).map(|at| (sum >> (5 * (CHECKSUM_CHARS - 1 - at)) & 31) as u8));
    values.iter().map(|value| char::from(BECH32[usize::from(*value)])).collect()
}

/// What a bech32 data part holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bech32 {
    pub octets: Vec<u8>,
    /// Whether the last six characters are the checksum for an empty human-readable part.
    pub checksum: bool,
}

/// Reads a bech32 data part with checksum; the error is the position of the first character that cannot stand there.
pub fn from_bech32(text: &str) -> Result<Bech32, usize> {
    let values = values(text, BECH32)?;
    let data = values.len().checked_sub(CHECKSUM_CHARS).ok_or(values.len())?;
    let mut octets = Vec::with_capacity(data * 5 / 8);
    let (mut buffer, mut bits) = (0u32, 0);
    for value in &values[..data] {
        buffer = buffer << 5 | u32::from(*value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            octets.push((buffer >> bits) as u8);
        }
    }
    let padding = buffer & ((1 << bits) - 1);
    if bits >= 5 || padding != 0 {
        return Err(data.saturating_sub(1));
    }
    let covered: Vec<u8> = std::iter::once(0).chain(values).collect();
    Ok(Bech32 { octets, checksum: polymod(&covered) == 1 })
}

/// Eight bits to five, the last group filled with zeros.
fn regroup(octets: &[u8]) -> Vec<u8> {
    let mut values = Vec::with_capacity(octets.len() * 8 / 5 + 1);
    let (mut buffer, mut bits) = (0u32, 0);
    for octet in octets {
        buffer = buffer << 8 | u32::from(*octet);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            values.push((buffer >> bits & 31) as u8);
        }
    }
    if bits > 0 {
        values.push((buffer << (5 - bits) & 31) as u8);
    }
    values
}

/// The checksum polynomial of BIP 173.
fn polymod(values: &[u8]) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    values.iter().fold(1u32, |sum, value| {
        let top = sum >> 25;
        let shifted = (sum & 0x01ff_ffff) << 5 ^ u32::from(*value);
        GENERATOR.iter().enumerate().filter(|(bit, _)| top >> bit & 1 == 1).fold(shifted, |sum, (_, term)| sum ^ term)
    })
}

fn values(text: &str, alphabet: &[u8]) -> Result<Vec<u8>, usize> {
    let value = |(at, character): (usize, char)| {
        let found = alphabet.iter().position(|own| char::from(*own) == character);
        found.map(|value| value as u8).ok_or(at)
    };
    text.chars().enumerate().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base58_keeps_leading_zeros() {
        assert_eq!(base58(b"Hello World!"), "2NEpo7TZRRrLZSi2U");
        assert_eq!(base58(&[0, 0, 0x28, 0x7f, 0xb4, 0xcd]), "11233QC4");
        assert_eq!(from_base58("11233QC4"), Ok(vec![0, 0, 0x28, 0x7f, 0xb4, 0xcd]));
        assert_eq!((base58(&[0]), from_base58("1"), from_base58("")), ("1".into(), Ok(vec![0]), Ok(vec![])));
        assert_eq!(from_base58("ab0"), Err(2));
    }

    #[test]
    fn bech32_checks_what_it_wrote() {
        let text = bech32(&[0x5A; 22]);
        assert_eq!(text.len(), 42);
        assert_eq!(from_bech32(&text), Ok(Bech32 { octets: vec![0x5A; 22], checksum: true }));
        let other = if text.starts_with('q') { "p" } else { "q" };
        assert!(!from_bech32(&format!("{other}{}", &text[1..])).unwrap().checksum);
        assert_eq!(from_bech32("qqq"), Err(3));
    }
}
