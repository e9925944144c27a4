//! The server's certificate and key, which can be replaced while connections are open.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// A certificate chain and its private key, read from two PEM files.
#[derive(Debug)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: ArcSwap<ServerConfig>,
}

/// The certificate or the key cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is not in PEM form: {source}", path.display())]
    Pem { path: PathBuf, source: pem::Error },
    #[error("{} holds no CERTIFICATE section", path.display())]
    NoCertificate { path: PathBuf },
    #[error("{} holds no PRIVATE KEY section without a password", path.display())]
    NoKey { path: PathBuf },
    #[error("certificate {} and key {} cannot be used together: {source}", certificate.display(), key.display())]
    Unusable { certificate: PathBuf, key: PathBuf, source: rustls::Error },
}

impl Tls {
    /// Reads the chain (server's certificate first) and the key (PKCS#8, PKCS#1 or SEC1, not encrypted).
    pub fn load(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Tls, TlsError> {
        let (certificate, key) = (certificate.into(), key.into());
        let current = ArcSwap::from_pointee(read(&certificate, &key)?);
        Ok(Tls { certificate, key, current })
    }

    /// Reads the files again, for new connections; open ones keep what they have. After an error the old
    /// certificate stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.store(Arc::new(read(&self.certificate, &self.key)?));
        Ok(())
    }

    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }
}

fn read(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let chain = CertificateDer::pem_slice_iter(&octets(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| TlsError::Pem { path: certificate.into(), source })?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { path: certificate.into() });
    }
    let private = PrivateKeyDer::from_pem_slice(&octets(key)?).map_err(|source| match source {
        pem::Error::NoItemsFound => TlsError::NoKey { path: key.into() },
        source => TlsError::Pem { path: key.into(), source },
    })?;
    // The provider is named, as another crate of the process may have another default.
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|source| TlsError::Unusable { certificate: certificate.into(), key: key.into(), source })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn octets(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_file_that_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let one = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(at("chain.pem"), one.cert.pem()).unwrap();
        fs::write(at("key.pem"), one.signing_key.serialize_pem()).unwrap();
        fs::write(at("other.pem"), other.signing_key.serialize_pem()).unwrap();
        fs::write(at("empty.pem"), "").unwrap();

        let error = |chain: &str, key: &str| Tls::load(at(chain), at(key)).unwrap_err().to_string();
        assert!(error("none.pem", "key.pem").contains("none.pem"));
        assert!(error("empty.pem", "key.pem").contains("empty.pem holds no CERTIFICATE"));
        assert!(error("chain.pem", "chain.pem").contains("chain.pem holds no PRIVATE KEY"));
        assert!(error("chain.pem", "other.pem").contains("cannot be used together"));

        let tls = Tls::load(at("chain.pem"), at("key.pem")).unwrap();
        let before = tls.current();
        fs::write(at("key.pem"), "broken").unwrap();
        assert!(tls.reload().is_err());
        assert!(Arc::ptr_eq(&before, &tls.current()));
        fs::write(at("chain.pem"), other.cert.pem()).unwrap();
        fs::write(at("key.pem"), other.signing_key.serialize_pem()).unwrap();
        tls.reload().unwrap();
        assert!(!Arc::ptr_eq(&before, &tls.current()));
    }
}
