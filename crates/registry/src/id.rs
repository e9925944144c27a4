//! Ids of things: a short kind, a dash, and 16 characters that nobody can guess.

use crate::registry::Random;

/// Crockford's alphabet: no letter that is taken for a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A new id such as `org-3k7…`: 80 random bits.
pub fn fresh(kind: &str, random: Random) -> String {
    format!("{kind}-{}", text(random, 16))
}

/// `length` random characters of 5 bits each.
pub fn text(random: Random, length: usize) -> String {
    let mut octets = vec![0; length];
    random(&mut octets);
    octets.into_iter().map(|octet| char::from(ALPHABET[usize::from(octet & 31)])).collect()
}
