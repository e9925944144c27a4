//! `did:bid`, the DID method of the Xinghuo blockchain 星火·链网: grammar, and the identifier of a public key.

use super::encoding;
use crate::refusal::Refusal;
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest, Sha256};
use sm3::Sm3;

pub const CLAUSE: &str = "BIF-RFC-001 did:bid";
/// Where the published rule is silent.
pub const PROFILE: &str = "our profile, after BIF-RFC-001 did:bid";
/// Octets of the key's digest that the suffix holds: the last ones.
pub const SUFFIX_OCTETS: usize = 22;
/// Characters of a whole `did:bid`, scheme included.
pub const WHOLE_CHARS: std::ops::RangeInclusive<usize> = 32..=57;
/// Characters of the code of a sub-chain (ACSN).
pub const ACSN_CHARS: usize = 4;
/// Characters of `did:bid:`.
const SCHEME_CHARS: usize = 8;
const BASE64_CHARS: usize = 32;
const BECH32_CHARS: usize = 42;
const BASE58_CHARS: std::ops::RangeInclusive<usize> = 22..=31;
/// First octet of a public key in text.
const PUBLIC_KEY: u8 = 0xB0;

/// Base64 with padding; the bits that nothing uses must be zero, so that one value has one text.
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new());

/// The algorithm of the key that a `did:bid` was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    Ed25519,
    Sm2,
    Secp256k1,
}

impl KeyType {
    pub const ALL: [KeyType; 3] = [KeyType::Ed25519, KeyType::Sm2, KeyType::Secp256k1];

    pub fn letter(self) -> char {
        match self {
            KeyType::Ed25519 => 'e',
            KeyType::Sm2 => 'z',
            KeyType::Secp256k1 => 's',
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            KeyType::Ed25519 => "Ed25519",
            KeyType::Sm2 => "SM2",
            KeyType::Secp256k1 => "secp256k1",
        }
    }

    fn of(letter: char) -> Option<Self> {
        KeyType::ALL.into_iter().find(|own| own.letter() == letter)
    }

    fn digest(self, key: &[u8]) -> [u8; 32] {
        match self {
            KeyType::Ed25519 | KeyType::Secp256k1 => Sha256::digest(key).into(),
            KeyType::Sm2 => Sm3::digest(key).into(),
        }
    }

    /// Whether a raw key may have that many octets: compressed, bare or uncompressed points, or 32 for Ed25519.
    fn takes(self, octets: usize) -> bool {
        match self {
            KeyType::Ed25519 => octets == 32,
            KeyType::Sm2 | KeyType::Secp256k1 => matches!(octets, 33 | 64 | 65),
        }
    }
}

/// How the suffix of a `did:bid` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Base58,
    Base64,
    Bech32,
}

impl Encoding {
    pub const ALL: [Encoding; 3] = [Encoding::Base58, Encoding::Base64, Encoding::Bech32];

    pub fn letter(self) -> char {
        match self {
            Encoding::Base58 => 'f',
            Encoding::Base64 => 's',
            Encoding::Bech32 => 't',
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Encoding::Base58 => "base58",
            Encoding::Base64 => "base64",
            Encoding::Bech32 => "bech32",
        }
    }

    fn of(letter: char) -> Option<Self> {
        Encoding::ALL.into_iter().find(|own| own.letter() == letter)
    }

    fn write(self, octets: &[u8]) -> String {
        match self {
            Encoding::Base58 => encoding::base58(octets),
            Encoding::Base64 => BASE64.encode(octets),
            Encoding::Bech32 => encoding::bech32(octets),
        }
    }

    fn chars(self) -> std::ops::RangeInclusive<usize> {
        match self {
            Encoding::Base58 => BASE58_CHARS,
            Encoding::Base64 => BASE64_CHARS..=BASE64_CHARS,
            Encoding::Bech32 => BECH32_CHARS..=BECH32_CHARS,
        }
    }
}

/// A `did:bid` taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bid<'a> {
    /// The code of the sub-chain it lives on; none on the main chain.
    pub acsn: Option<&'a str>,
    pub key_type: KeyType,
    pub encoding: Encoding,
    pub suffix: &'a str,
    /// The last 22 octets of the key's digest.
    pub octets: Vec<u8>,
    /// Whether a bech32 suffix ends with the checksum of an empty human-readable part; `None` for other encodings.
    pub checksum: Option<bool>,
}

/// Octets of `id` (what follows `did:bid:`) that belong to the identifier: a base64 suffix may hold a `/`.
pub(super) fn extent(id: &str) -> usize {
    let start = id.find([':', '/', '?', '#']).filter(|at| id[*at..].starts_with(':')).map_or(0, |colon| colon + 1);
    let body = &id[start..];
    let base64 = body.chars().nth(1) == Some(Encoding::Base64.letter());
    let whole = start + 2 + BASE64_CHARS;
    match base64 && id.get(start..whole).is_some_and(|text| !text.contains(['?', '#'])) {
        true => whole,
        false => id.find(['/', '?', '#']).unwrap_or(id.len()),
    }
}

/// Parses what follows `did:bid:`; positions count from its start.
pub fn parse(id: &str) -> Result<Bid<'_>, Refusal> {
    let (acsn, body) = match id.split_once(':') {
        Some((acsn, body)) => (Some(acsn), body),
        None => (None, id),
    };
    if let Some(acsn) = acsn {
        check_acsn(acsn)?;
    }
    let start = acsn.map_or(0, |acsn| acsn.len() + 1);
    let mut letters = body.chars();
    let key_type = letters.next().and_then(KeyType::of).ok_or_else(|| {
        let (zh, en) = ("密钥类型须为e（Ed25519）、z（SM2）或s（secp256k1）", "the key type must be e, z or s");
        Refusal::new("bid-key-type", CLAUSE, zh, en).at(start)
    })?;
    let encoding = letters.next().and_then(Encoding::of).ok_or_else(|| {
        let (zh, en) = ("编码类型须为f（base58）、s（base64）或t（bech32）", "the encoding must be f, s or t");
        Refusal::new("bid-encoding", CLAUSE, zh, en).at(start + 1)
    })?;
    let suffix = letters.as_str();
    let at = start + 2;
    let (octets, checksum) = decode(encoding, suffix).map_err(|refusal| refusal.shifted(at))?;
    check_whole(id)?;
    if octets.len() != SUFFIX_OCTETS {
        let zh = format!("后缀解码后须为{SUFFIX_OCTETS}字节，现为{}字节", octets.len());
        let en = format!("the suffix must hold {SUFFIX_OCTETS} octets, not {}", octets.len());
        return Err(Refusal::new("bid-suffix-octets", CLAUSE, zh, en).at(at));
    }
    Ok(Bid { acsn, key_type, encoding, suffix, octets, checksum })
}

/// Checks the code of a sub-chain; the position counts from its start.
pub fn check_acsn(acsn: &str) -> Result<(), Refusal> {
    let wrong = |at: usize| {
        let (zh, en) = ("子链码（ACSN）须为4位小写字母或数字", "a sub-chain code (ACSN) is 4 of a–z and 0–9");
        Refusal::new("bid-acsn", CLAUSE, zh, en).at(at)
    };
    if let Some(at) = acsn.chars().position(|c| !c.is_ascii_lowercase() && !c.is_ascii_digit()) {
        return Err(wrong(at));
    }
    if acsn.len() != ACSN_CHARS { Err(wrong(acsn.len().min(ACSN_CHARS))) } else { Ok(()) }
}

fn check_whole(id: &str) -> Result<(), Refusal> {
    let chars = SCHEME_CHARS + id.chars().count();
    if WHOLE_CHARS.contains(&chars) {
        return Ok(());
    }
    let (least, most) = (WHOLE_CHARS.start(), WHOLE_CHARS.end());
    let zh = format!("did:bid全长须为{least}至{most}个字符，现为{chars}个");
    let en = format!("a did:bid has {least} to {most} characters, not {chars}");
    Err(Refusal::new("bid-length", CLAUSE, zh, en).at(0))
}

fn decode(encoding: Encoding, suffix: &str) -> Result<(Vec<u8>, Option<bool>), Refusal> {
    let chars = suffix.chars().count();
    let allowed = encoding.chars();
    if !allowed.contains(&chars) {
        let (name, least, most) = (encoding.name(), allowed.start(), allowed.end());
        let zh = format!("{name}后缀须为{least}至{most}个字符，现为{chars}个");
        let en = format!("a {name} suffix has {least} to {most} characters, not {chars}");
        return Err(Refusal::new("bid-suffix-length", CLAUSE, zh, en).at(chars.min(*most)));
    }
    let wrong = |at: usize| {
        let (zh, en) = (format!("不是{}字符", encoding.name()), format!("not {} text", encoding.name()));
        Refusal::new("bid-suffix-character", CLAUSE, zh, en).at(at)
    };
    match encoding {
        Encoding::Base58 => Ok((encoding::from_base58(suffix).map_err(wrong)?, None)),
        Encoding::Bech32 => encoding::from_bech32(suffix).map(|it| (it.octets, Some(it.checksum))).map_err(wrong),
        Encoding::Base64 => {
            let strange = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/' | '=');
            let at = suffix.chars().position(strange).unwrap_or(chars - 1);
            BASE64.decode(suffix).map(|octets| (octets, None)).map_err(|_| wrong(at))
        }
    }
}

/// The `did:bid` of a raw public key: its digest's last 22 octets (SHA-256, for SM2 keys SM3), encoded.
///
/// Bech32 is written with the checksum of an empty human-readable part (our profile; none is published).
pub fn bid_of(key: &[u8], key_type: KeyType, encoding: Encoding, acsn: Option<&str>) -> Result<String, Refusal> {
    if let Some(acsn) = acsn {
        check_acsn(acsn)?;
    }
    let digest = key_type.digest(key);
    let suffix = encoding.write(&digest[digest.len() - SUFFIX_OCTETS..]);
    let chain = acsn.map(|acsn| format!("{acsn}:")).unwrap_or_default();
    Ok(format!("did:bid:{chain}{}{}{suffix}", key_type.letter(), encoding.letter()))
}

/// A public key as this method writes it: `b0`, key type and encoding letters and the raw key, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKeyText {
    pub key_type: KeyType,
    pub encoding: Encoding,
    pub key: Vec<u8>,
}

impl PublicKeyText {
    /// Reads the text; `None` if it is no such key.
    pub fn parse(text: &str) -> Option<Self> {
        let octets = octets_of(text)?;
        let [PUBLIC_KEY, key_type, encoding, key @ ..] = octets.as_slice() else { return None };
        let key_type = KeyType::of(char::from(*key_type)).filter(|own| own.takes(key.len()))?;
        let encoding = Encoding::of(char::from(*encoding))?;
        Some(PublicKeyText { key_type, encoding, key: key.to_vec() })
    }

    /// The identifier of its holder on the main chain.
    pub fn did(&self) -> Result<String, Refusal> {
        bid_of(&self.key, self.key_type, self.encoding, None)
    }
}

impl std::fmt::Display for PublicKeyText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{PUBLIC_KEY:02x}{:02x}{:02x}", self.key_type.letter() as u32, self.encoding.letter() as u32)?;
        self.key.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// Octets of lower-case hexadecimal digits, at most those of an uncompressed point.
fn octets_of(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.len() > 136 {
        return None;
    }
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    Some(digits.chunks(2).map(|pair| pair.iter().fold(0, |octet, digit| octet << 4 | digit)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Vec<u8> {
        octets_of(text).unwrap()
    }

    #[test]
    fn the_published_key_has_the_published_identifier() {
        let key = key("f76733ae048fda721d47afe8780b572636496c93253db86dc8d5427fc54e9a06");
        let did = bid_of(&key, KeyType::Ed25519, Encoding::Base58, None).unwrap();
        assert_eq!(did, "did:bid:ef18F9AVK4SQLZPRrPkrVWwp9kBpdXHx");
        let text = PublicKeyText { key_type: KeyType::Ed25519, encoding: Encoding::Base58, key };
        assert!(text.to_string().starts_with("b06566f767"));
        assert_eq!(PublicKeyText::parse(&text.to_string()), Some(text));
    }

    #[test]
    fn the_suffix_is_the_end_of_the_digest() {
        let key = key("d308378e6b5ff0c2b4be3da741538004525d6388e5df32deb79e2b0c02f133c7");
        let octets = self::key("c6fd8f46575a3b142f16691b522e07a3cb1d5c1a16da");
        for encoding in Encoding::ALL {
            let did = bid_of(&key, KeyType::Ed25519, encoding, Some("by01")).unwrap();
            let bid = parse(did.strip_prefix("did:bid:").unwrap()).unwrap();
            assert_eq!((bid.octets, bid.encoding, bid.acsn), (octets.clone(), encoding, Some("by01")), "{did}");
            assert_ne!(bid.checksum, Some(false));
        }
    }
}
