//! Who a client is, and how it proves that (RFC 3652 §3.5).

use std::fmt;
use std::path::Path;

use hufu_ident::Reference;
use hufu_ident::systems::handle::proof;
use hufu_ident::systems::handle::wire::{ChallengeAnswer, Version};
use rsa::RsaPrivateKey;

use crate::error::{Error, ErrorKind};
use crate::keyfile;

/// Octets of a private key file; an RSA key of 16384 bits takes about 13 KB as PEM.
const KEY_FILE_OCTETS: u64 = 65_536;

/// A name, and what proves that one is it.
#[derive(Clone)]
pub struct Identity {
    /// The value that holds the key, e.g. `300:0.NA/88.118.8`.
    pub name: Reference,
    pub proof: Proof,
}

/// What only the holder of an identity knows.
#[derive(Clone)]
pub enum Proof {
    /// A secret shared with the server (HS_SECKEY).
    Secret(Vec<u8>),
    /// The private half of an HS_PUBKEY.
    Rsa(Box<RsaPrivateKey>),
}

impl Identity {
    /// An identity with a secret; `name` is `index:handle`, or a handle alone for index 0.
    pub fn read(name: &str, secret: &[u8]) -> Result<Self, Error> {
        Ok(Identity { name: reference(name)?, proof: Proof::Secret(secret.to_vec()) })
    }

    /// An identity with an RSA key: PEM (PKCS#8 or PKCS#1), or a private key file of Handle.Net, plain or with AES.
    /// `passphrase` is needed for the latter.
    pub fn read_key(name: &str, key: &[u8], passphrase: Option<&[u8]>) -> Result<Self, Error> {
        Ok(Identity { name: reference(name)?, proof: Proof::Rsa(Box::new(keyfile::read(key, passphrase)?)) })
    }

    /// [`Identity::read_key`] of a file of at most 64 KiB. Reads at once, without the runtime.
    pub fn read_key_file(name: &str, path: &Path, passphrase: Option<&[u8]>) -> Result<Self, Error> {
        let failed = |why: &dyn fmt::Display| Error::invalid(format!("key file {}: {why}", path.display()));
        let length = std::fs::metadata(path).map_err(|error| failed(&error))?.len();
        if length > KEY_FILE_OCTETS {
            return Err(failed(&"too long for a private key"));
        }
        Identity::read_key(name, &std::fs::read(path).map_err(|error| failed(&error))?, passphrase)
    }

    /// The answer to a challenge. `version` is the lower of the challenge's own and the one it suggests. Costs
    /// some milliseconds of computation: PBKDF2 or a signature.
    pub(crate) fn prove(&self, version: Version, nonce: &[u8], digest: &[u8]) -> Result<ChallengeAnswer, Error> {
        let (auth_type, signed_response) = match &self.proof {
            Proof::Secret(secret) => ("HS_SECKEY", proof::prove_secret(secret, version, nonce, digest, rand::random())),
            Proof::Rsa(key) => {
                let signed = proof::prove_rsa(&mut rand::rngs::OsRng, key, version, nonce, digest);
                let unusable = || Error::invalid(format!("the key of {} cannot sign", self.name));
                ("HS_PUBKEY", signed.ok_or_else(unusable)?)
            }
        };
        let user = self.name.handle.clone();
        Ok(ChallengeAnswer { auth_type: auth_type.into(), user, index: self.name.index, signed_response })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({}, {:?})", self.name, self.proof)
    }
}

impl fmt::Debug for Proof {
    /// Only which kind: secrets do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Proof::Secret(_) => "Secret",
            Proof::Rsa(_) => "Rsa",
        })
    }
}

fn reference(name: &str) -> Result<Reference, Error> {
    Reference::parse(name).ok_or_else(|| Error::new(ErrorKind::Invalid, format!("`{name}` is not `index:handle`")))
}
