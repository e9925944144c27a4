//! The server's signing key: made once, kept in a PEM file that only its owner can read.

use rsa::RsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Bits of a new RSA key.
const BITS: usize = 2048;

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{0}: no such key file; `hufu init` makes one")]
    Missing(PathBuf),
    #[error("{path}: cannot be used: {error}")]
    Unusable { path: PathBuf, error: String },
}

/// Reads an RSA key (PEM, PKCS#8).
pub fn load(path: &Path) -> Result<RsaPrivateKey, KeyError> {
    let unusable = |error: String| KeyError::Unusable { path: path.into(), error };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(KeyError::Missing(path.into())),
        Err(error) => return Err(unusable(error.to_string())),
    };
    RsaPrivateKey::from_pkcs8_pem(&text).map_err(|error| unusable(format!("not an RSA key in PKCS#8 PEM: {error}")))
}

/// Makes a key and writes it; an existing file is kept and read.
pub fn load_or_make(path: &Path) -> Result<RsaPrivateKey, KeyError> {
    match load(path) {
        Err(KeyError::Missing(_)) => make(path),
        other => other,
    }
}

fn make(path: &Path) -> Result<RsaPrivateKey, KeyError> {
    let unusable = |error: String| KeyError::Unusable { path: path.into(), error };
    let key = RsaPrivateKey::new(&mut rand::rngs::OsRng, BITS).map_err(|error| unusable(error.to_string()))?;
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| unusable(error.to_string()))?;
    write_private(path, pem.as_bytes()).map_err(|error| unusable(error.to_string()))?;
    Ok(key)
}

/// Writes a file that only its owner can read; refuses to follow an existing one.
pub fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// A self-signed certificate with the same key, as Handle clients expect of a server's HTTPS port.
pub fn self_signed(key: &RsaPrivateKey, names: Vec<String>) -> Result<String, String> {
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| error.to_string())?;
    let pair = rcgen::KeyPair::from_pkcs8_pem_and_sign_algo(&pem, &rcgen::PKCS_RSA_SHA256);
    let pair = pair.map_err(|error| error.to_string())?;
    let params = rcgen::CertificateParams::new(names).map_err(|error| error.to_string())?;
    params.self_signed(&pair).map(|certificate| certificate.pem()).map_err(|error| error.to_string())
}
