//! Keys and secrets of test nodes. One RSA key serves all nodes of a test process, because making one takes long.

use rsa::RsaPrivateKey;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

struct Made {
    _home: TempDir,
    path: PathBuf,
    key: RsaPrivateKey,
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let home = tempfile::tempdir().expect("a scratch directory");
        let path = home.path().join("server-key.pem");
        let key = hufu_node::keys::load_or_make(&path).expect("an RSA key");
        Made { _home: home, path, key }
    })
}

/// The servers' key.
pub fn server_key() -> &'static RsaPrivateKey {
    &made().key
}

/// Puts the servers' key where a node expects it.
pub fn put_server_key(path: &Path) {
    std::fs::copy(&made().path, path).expect("the key is copied");
}

/// A certificate of the servers' key for loopback, in PEM.
pub fn certificate() -> &'static str {
    static CERTIFICATE: OnceLock<String> = OnceLock::new();
    CERTIFICATE.get_or_init(|| {
        let names = ["127.0.0.1", "::1", "localhost"].map(String::from).to_vec();
        hufu_node::keys::self_signed(server_key(), names).expect("a certificate")
    })
}
