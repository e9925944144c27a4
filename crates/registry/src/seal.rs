//! What must be kept and read again, such as the secret of an authenticator, lies sealed in the database: a copy of the
//! database alone gives nothing away. The key is the node's, kept elsewhere.

use crate::error::{Error, Kind, Refusal};
use crate::registry::{Random, Registry};
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use std::fmt;

/// Octets of a nonce: NIST SP 800-38D §8.2.2, random.
const NONCE: usize = 12;

/// Seals and opens, AES-256-GCM.
pub struct Seal(Aes256Gcm);

impl Seal {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Seal(Aes256Gcm::new(&key.into()))
    }

    /// Sealed octets as hex. They open only for what they are `about`, such as the id of an account.
    pub fn close(&self, about: &str, octets: &[u8], random: Random) -> Result<String, Error> {
        let mut nonce = [0; NONCE];
        random(&mut nonce);
        let payload = Payload { msg: octets, aad: about.as_bytes() };
        let sealed = self.0.encrypt(Nonce::from_slice(&nonce), payload);
        let sealed = sealed.map_err(|_| Error::Fault("a secret could not be sealed".into()))?;
        Ok(hex::encode([&nonce[..], &sealed].concat()))
    }

    /// What was sealed; `None` if the key, the text or what it is about is another.
    pub fn open(&self, about: &str, text: &str) -> Option<Vec<u8>> {
        let octets = hex::decode(text).ok()?;
        let (nonce, sealed) = octets.split_at_checked(NONCE)?;
        self.0.decrypt(Nonce::from_slice(nonce), Payload { msg: sealed, aad: about.as_bytes() }).ok()
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(…)")
    }
}

impl Registry {
    /// The seal; a node without a key keeps no such secrets.
    pub fn sealed(&self) -> Result<&Seal, Error> {
        let (zh, en) = ("本节点没有封存密钥，不能保存此类秘密", "this node has no key to seal secrets with");
        self.seal.as_deref().ok_or_else(|| Refusal::new(Kind::Unavailable, "no-seal", zh, en).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(octets: &mut [u8]) {
        octets.fill(9);
    }

    #[test]
    fn what_is_sealed_opens_for_the_same_key_and_thing_only() {
        let seal = Seal::new([1; 32]);
        let text = seal.close("acc-1", b"secret", random).expect("sealed");
        assert_eq!(seal.open("acc-1", &text).as_deref(), Some(&b"secret"[..]));
        assert_eq!(seal.open("acc-2", &text), None);
        assert_eq!(Seal::new([2; 32]).open("acc-1", &text), None);
        assert_eq!(seal.open("acc-1", &text[2..]), None);
        assert_eq!(seal.open("acc-1", ""), None);
    }
}
