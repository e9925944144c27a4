//! `did:key`: the identifier is the key itself, in multibase and multicodec.

use super::encoding;
use crate::refusal::Refusal;

pub const CLAUSE: &str = "did:key method specification §3";

/// The key that a `did:key` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName {
    /// Its multicodec number, and the name of it where it is known here.
    pub codec: u64,
    pub algorithm: Option<&'static str>,
    pub key: Vec<u8>,
}

/// Multicodec numbers of public keys, with the octets a key has (0: any).
const CODECS: [(u64, &str, usize); 8] = [
    (0xE7, "secp256k1", 33),
    (0xEB, "BLS12-381 G2", 96),
    (0xEC, "X25519", 32),
    (0xED, "Ed25519", 32),
    (0x1200, "P-256", 33),
    (0x1201, "P-384", 49),
    (0x1202, "P-521", 67),
    (0x1205, "RSA", 0),
];

/// Parses what follows `did:key:`; positions count from its start.
pub fn parse(id: &str) -> Result<KeyName, Refusal> {
    let Some(text) = id.strip_prefix('z') else {
        let (zh, en) = ("须以z开头（multibase的base58btc）", "it must begin with z (multibase base58btc)");
        return Err(Refusal::new("did-key-multibase", CLAUSE, zh, en).at(0));
    };
    let octets = encoding::from_base58(text).map_err(|at| {
        let (zh, en) = ("不是base58字符，或过长", "not a base58 character, or too long");
        Refusal::new("did-key-base58", CLAUSE, zh, en).at(at + 1)
    })?;
    let Some((codec, key)) = varint(&octets) else {
        let (zh, en) = ("缺少multicodec编号", "the multicodec number is missing or not in its shortest form");
        return Err(Refusal::new("did-key-codec", CLAUSE, zh, en).at(1));
    };
    let known = CODECS.iter().find(|(own, _, _)| *own == codec);
    let wanted = known.map_or(0, |(_, _, octets)| *octets);
    if key.is_empty() || (wanted != 0 && key.len() != wanted) {
        let name = known.map_or("?", |(_, name, _)| *name);
        let zh = format!("{name}公钥须为{wanted}字节，现为{}字节", key.len());
        let en = format!("a public key of {name} has {wanted} octets, not {}", key.len());
        return Err(Refusal::new("did-key-length", CLAUSE, zh, en).at(1));
    }
    Ok(KeyName { codec, algorithm: known.map(|(_, name, _)| *name), key: key.to_vec() })
}

/// An unsigned varint of at most nine octets, in its shortest form, and what follows it.
fn varint(octets: &[u8]) -> Option<(u64, &[u8])> {
    let end = octets.iter().take(9).position(|octet| octet & 0x80 == 0)?;
    let number = octets[..=end].iter().rev().fold(0u64, |number, octet| number << 7 | u64::from(octet & 0x7F));
    let shortest = end == 0 || octets[end] != 0;
    shortest.then_some((number, &octets[end + 1..]))
}
