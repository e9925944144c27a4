//! Proofs of identity and signatures of the Handle protocol (RFC 3652 §3.5): what a client computes and a server
//! checks. Pure: keys, nonces and salts are arguments.

use super::keys::{KeyParts, PublicKey, unsigned};
use super::wire::{DigestForm, Reader, RequestDigest, Version, put_bytes, put_u32};
use crate::limits::PBKDF2_ITERATIONS;
use hmac::{Hmac, Mac};
use md5::Md5;
use rsa::rand_core::CryptoRngCore;
use rsa::{BigUint, Pkcs1v15Sign, RsaPrivateKey, RsaPublicKey};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Iterations and key bits of the reference client.
const ITERATIONS: u32 = 10_000;
const KEY_BITS: u32 = 160;
/// Largest PBKDF2 output accepted, in bits.
const MAX_KEY_BITS: u32 = 4096;

/// Whether proofs by MD5 and SHA-1 alone are accepted (an operator's choice; off by default).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Legacy {
    #[default]
    Refuse,
    Accept,
}

/// A hash that signatures name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashName {
    Md5,
    Sha1,
    Sha256,
}

impl HashName {
    /// Reads the names and one-octet numbers in use; letters' case and punctuation do not matter.
    pub fn parse(name: &[u8]) -> Option<Self> {
        match name {
            [1] => return Some(HashName::Md5),
            [2] => return Some(HashName::Sha1),
            [3] => return Some(HashName::Sha256),
            _ => {}
        }
        let bare: Vec<u8> = name.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
        match bare.as_slice() {
            b"MD5" => Some(HashName::Md5),
            b"SHA1" => Some(HashName::Sha1),
            b"SHA256" => Some(HashName::Sha256),
            _ => None,
        }
    }

    fn of(self, parts: &[&[u8]]) -> Vec<u8> {
        fn run<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
            let mut hash = D::new();
            parts.iter().for_each(|part| hash.update(part));
            hash.finalize().to_vec()
        }
        match self {
            HashName::Md5 => run::<Md5>(parts),
            HashName::Sha1 => run::<Sha1>(parts),
            HashName::Sha256 => run::<Sha256>(parts),
        }
    }

    fn allowed(self, legacy: Legacy) -> bool {
        self == HashName::Sha256 || legacy == Legacy::Accept
    }
}

/// The digest of a request's header and body, in the form its version uses.
pub fn request_digest(version: Version, signed_part: &[u8]) -> RequestDigest {
    let (form, hash) = match version {
        v if v.at_least(2, 7) => (DigestForm::Sha256, HashName::Sha256),
        v if v.at_least(2, 1) => (DigestForm::Sha1, HashName::Sha1),
        _ => (DigestForm::Md5, HashName::Md5),
    };
    RequestDigest { form, digest: hash.of(&[signed_part]) }
}

/// The answer of whoever knows `secret`. `version` is the lower of the challenge's version and the one it suggests.
pub fn prove_secret(secret: &[u8], version: Version, nonce: &[u8], digest: &[u8], salt: [u8; 16]) -> Vec<u8> {
    if !version.at_least(2, 1) {
        return HashName::Md5.of(&[secret, nonce, digest, secret]);
    }
    if !version.at_least(2, 7) {
        let mut out = vec![0x02];
        out.extend(HashName::Sha1.of(&[secret, nonce, digest, secret]));
        return out;
    }
    let key = derive(secret, &salt, ITERATIONS, KEY_BITS);
    let mut out = vec![0x22];
    put_bytes(&mut out, &salt);
    put_u32(&mut out, ITERATIONS);
    put_u32(&mut out, KEY_BITS);
    put_bytes(&mut out, &hmac_sha1(&key, &[nonce, digest]));
    out
}

/// Whether `response` proves knowledge of `secret`. Malformed or over-costly responses are just wrong.
pub fn verify_secret(secret: &[u8], nonce: &[u8], digest: &[u8], response: &[u8], legacy: Legacy) -> bool {
    let Some((algorithm, rest)) = response.split_first() else { return false };
    let expected = match (algorithm, response.len()) {
        (_, 16) => legacy_hash(HashName::Md5, secret, nonce, digest, legacy),
        (0x01, _) => legacy_hash(HashName::Md5, secret, nonce, digest, legacy),
        (0x02, _) => legacy_hash(HashName::Sha1, secret, nonce, digest, legacy),
        (0x03, _) => Some(HashName::Sha256.of(&[secret, nonce, digest, secret])),
        (0x12, _) => (legacy == Legacy::Accept).then(|| hmac_sha1(secret, &[nonce, digest])),
        (0x13, _) => Some(hmac_sha256(secret, &[nonce, digest])),
        (0x22, _) => return verify_derived(secret, nonce, digest, rest),
        _ => None,
    };
    let given = if response.len() == 16 { response } else { rest };
    expected.is_some_and(|expected| bool::from(expected.ct_eq(given)))
}

fn legacy_hash(hash: HashName, secret: &[u8], nonce: &[u8], digest: &[u8], legacy: Legacy) -> Option<Vec<u8>> {
    hash.allowed(legacy).then(|| hash.of(&[secret, nonce, digest, secret]))
}

fn verify_derived(secret: &[u8], nonce: &[u8], digest: &[u8], rest: &[u8]) -> bool {
    let mut reader = Reader::new(rest);
    let read = |reader: &mut Reader<'_>| {
        let salt = reader.bytes("salt").ok()?.to_vec();
        let (iterations, bits) = (reader.u32("iterations").ok()?, reader.u32("key bits").ok()?);
        Some((salt, iterations, bits, reader.bytes("mac").ok()?.to_vec()))
    };
    let Some((salt, iterations, bits, mac)) = read(&mut reader) else { return false };
    verify_pbkdf2(secret, &salt, iterations, bits, &[nonce, digest], &mac)
}

/// Whether `mac` is HMAC-SHA1 over `parts` under the PBKDF2-HMAC-SHA1 key of `secret`; costs are bounded.
pub fn verify_pbkdf2(secret: &[u8], salt: &[u8], iterations: u32, bits: u32, parts: &[&[u8]], mac: &[u8]) -> bool {
    if !(1..=PBKDF2_ITERATIONS).contains(&iterations) || !(64..=MAX_KEY_BITS).contains(&bits) {
        return false;
    }
    let key = derive(secret, salt, iterations, bits);
    bool::from(hmac_sha1(&key, parts).ct_eq(mac))
}

/// Checks a proof by secret of the HTTP challenge (named algorithm, message = nonce ‖ client nonce).
pub fn verify_secret_named(secret: &[u8], parts: &[&[u8]], algorithm: &str, proof: &[u8], legacy: Legacy) -> bool {
    let bare: String = algorithm.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    let mut sandwich = vec![secret];
    sandwich.extend_from_slice(parts);
    sandwich.push(secret);
    let expected = match bare.as_str() {
        "HMACSHA256" => Some(hmac_sha256(secret, parts)),
        "HMACSHA1" if legacy == Legacy::Accept => Some(hmac_sha1(secret, parts)),
        _ => HashName::parse(algorithm.as_bytes()).filter(|hash| hash.allowed(legacy)).map(|hash| hash.of(&sandwich)),
    };
    expected.is_some_and(|expected| bool::from(expected.ct_eq(proof)))
}

fn derive(secret: &[u8], salt: &[u8], iterations: u32, bits: u32) -> Vec<u8> {
    // The reference maps each octet of the secret to one character;
    // its PBKDF2 then takes the characters as UTF-8. ASCII secrets are unchanged.
    let password: String = secret.iter().map(|octet| char::from(*octet)).collect();
    let mut key = vec![0; (bits / 8) as usize];
    pbkdf2::pbkdf2_hmac::<Sha1>(password.as_bytes(), salt, iterations, &mut key);
    key
}

fn hmac_sha1(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let Ok(mut mac) = <Hmac<Sha1> as Mac>::new_from_slice(key) else { return Vec::new() };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// HMAC-SHA256, the MAC of sessions.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(key) else { return Vec::new() };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// `bytes` hash name · `bytes` signature over `message` with an RSA key, by version. None if the key cannot sign.
pub fn prove_rsa<R: CryptoRngCore>(
    rng: &mut R,
    key: &RsaPrivateKey,
    version: Version,
    nonce: &[u8],
    digest: &[u8],
) -> Option<Vec<u8>> {
    let (hash, name) = match version.at_least(2, 7) {
        true => (HashName::Sha256, "SHA-256"),
        false => (HashName::Sha1, "SHA1"),
    };
    let mut out = Vec::with_capacity(300);
    put_bytes(&mut out, name.as_bytes());
    put_bytes(&mut out, &sign_rsa(rng, key, hash, &[nonce, digest])?);
    Some(out)
}

/// A PKCS#1 v1.5 signature over the concatenation of `parts`. The randomness only blinds the arithmetic.
pub fn sign_rsa<R: CryptoRngCore>(
    rng: &mut R,
    key: &RsaPrivateKey,
    hash: HashName,
    parts: &[&[u8]],
) -> Option<Vec<u8>> {
    key.sign_with_rng(rng, padding(hash)?, &hash.of(parts)).ok()
}

/// Checks `bytes` hash name · `bytes` signature.
pub fn verify_key(key: &PublicKey, nonce: &[u8], digest: &[u8], response: &[u8], legacy: Legacy) -> bool {
    let mut reader = Reader::new(response);
    let (Ok(name), Ok(signature)) = (reader.bytes("hash name"), reader.bytes("signature")) else { return false };
    HashName::parse(name).is_some_and(|hash| verify_signature(key, hash, &[nonce, digest], signature, legacy))
}

/// Checks a signature over the concatenation of `parts`. DSA with SHA-1 is what peers below 2.11 make, so it counts
/// as legacy like every use of SHA-1 and MD5.
pub fn verify_signature(key: &PublicKey, hash: HashName, parts: &[&[u8]], signature: &[u8], legacy: Legacy) -> bool {
    if !hash.allowed(legacy) {
        return false;
    }
    match &key.parts {
        KeyParts::Rsa { e, n, .. } => verify_rsa(e, n, hash, &hash.of(parts), signature),
        KeyParts::Dsa { q, p, g, y } => verify_dsa([q, p, g, y], &hash.of(parts), signature),
        _ => false,
    }
}

fn verify_rsa(e: &[u8], n: &[u8], hash: HashName, digest: &[u8], signature: &[u8]) -> bool {
    let key = RsaPublicKey::new(BigUint::from_bytes_be(n), BigUint::from_bytes_be(e));
    let (Ok(key), Some(padding)) = (key, padding(hash)) else { return false };
    key.verify(padding, digest, signature).is_ok()
}

fn verify_dsa([q, p, g, y]: [&Vec<u8>; 4], digest: &[u8], signature: &[u8]) -> bool {
    use dsa::signature::hazmat::PrehashVerifier;
    let number = |octets: &[u8]| dsa::BigUint::from_bytes_be(unsigned(octets));
    let Ok(components) = dsa::Components::from_components(number(p), number(q), number(g)) else { return false };
    let Ok(key) = dsa::VerifyingKey::from_components(components, number(y)) else { return false };
    dsa::Signature::try_from(signature).is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok())
}

fn padding(hash: HashName) -> Option<Pkcs1v15Sign> {
    match hash {
        HashName::Md5 => None,
        HashName::Sha1 => Some(Pkcs1v15Sign::new::<Sha1>()),
        HashName::Sha256 => Some(Pkcs1v15Sign::new::<Sha256>()),
    }
}

/// The lower of two versions: what a proof must suit.
pub fn lower(a: Version, b: Version) -> Version {
    if a.at_least(b.major, b.minor) { b } else { a }
}

/// Octets of a public key of a server or administrator, for an RSA private key.
pub fn public_key_of(key: &RsaPrivateKey) -> PublicKey {
    use rsa::traits::PublicKeyParts;
    PublicKey::rsa(&key.e().to_bytes_be(), &key.n().to_bytes_be())
}
