//! Random octets from the operating system: nonces, salts, secrets.

use rand::RngCore;
use rand::rngs::OsRng;

pub fn octets<const N: usize>() -> [u8; N] {
    let mut octets = [0; N];
    OsRng.fill_bytes(&mut octets);
    octets
}

/// Fills octets that somebody else has room for.
pub fn fill(octets: &mut [u8]) {
    OsRng.fill_bytes(octets);
}

/// Any number of 16 bits.
pub fn number() -> u16 {
    u16::from_be_bytes(octets())
}

/// A number in [0, 1).
pub fn fraction() -> f64 {
    f64::from(u32::from_be_bytes(octets())) / (f64::from(u32::MAX) + 1.0)
}

/// A secret of 24 characters that people can read aloud (no 0, O, 1, l).
pub fn secret() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    octets::<24>().iter().map(|octet| char::from(ALPHABET[usize::from(octet & 31)])).collect()
}
