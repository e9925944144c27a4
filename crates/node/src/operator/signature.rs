//! Signed requests of the operator interface: HTTP Message Signatures (RFC 9421) with Ed25519, in one fixed form.
//!
//! Covered are method, path, digest of the body (RFC 9530) and client transaction id; the parameters name the client
//! and the second. Another form is not accepted, so there is nothing to negotiate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use std::path::Path;

/// How far the clocks of both sides may be apart, in seconds.
pub const SKEW: i64 = 300;
/// What is signed, in this order.
const COVERED: &str = "(\"@method\" \"@path\" \"content-digest\" \"rpp-cltrid\")";
/// Begins and ends a PEM.
const PEM: (&str, &str) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");

/// What of a request is signed.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub body: &'a [u8],
    pub transaction: &'a str,
}

/// The three headers of a signed request.
pub struct Headers {
    pub content_digest: String,
    pub signature_input: String,
    pub signature: String,
}

/// `sha-256=:…:`.
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body)))
}

fn parameters(client: &str, created: i64) -> String {
    format!("{COVERED};created={created};keyid=\"{client}\";alg=\"ed25519\"")
}

/// The signature base of RFC 9421 §2.5.
fn base(signed: &Signed<'_>, parameters: &str) -> String {
    format!(
        "\"@method\": {}\n\"@path\": {}\n\"content-digest\": {}\n\"rpp-cltrid\": {}\n\"@signature-params\": {parameters}",
        signed.method,
        signed.path,
        content_digest(signed.body),
        signed.transaction,
    )
}

/// Client and second of a `Signature-Input` of our form; nothing else passes.
pub fn read_input(input: &str) -> Option<(String, i64)> {
    let rest = input.strip_prefix("op=")?.strip_prefix(COVERED)?.strip_prefix(";created=")?;
    let (created, rest) = rest.split_once(";keyid=\"")?;
    let client = rest.strip_suffix("\";alg=\"ed25519\"")?;
    let plain = !client.is_empty() && client.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
    Some((client.to_owned(), created.parse().ok()?)).filter(|_| plain)
}

/// Whether the holder of the key has signed this request, as `client`, at `created`.
pub fn is_signed(key: &str, signed: &Signed<'_>, client: &str, created: i64, signature: &str) -> bool {
    let octets = signature.strip_prefix("op=:").and_then(|rest| rest.strip_suffix(':'));
    let octets = octets.and_then(|text| STANDARD.decode(text).ok());
    let (Some(octets), Ok(key)) = (octets, STANDARD.decode(key)) else { return false };
    let base = base(signed, &parameters(client, created));
    UnparsedPublicKey::new(&ED25519, key).verify(base.as_bytes(), &octets).is_ok()
}

/// The key that this node signs with.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Reads the key of a file, or makes one and writes it there, readable by nobody else.
    pub fn of_file(path: &Path) -> std::io::Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::of_pem(&text).ok_or_else(|| {
                let rule = format!("{} is no PKCS#8 PEM of an Ed25519 key", path.display());
                std::io::Error::new(std::io::ErrorKind::InvalidData, rule)
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::make(path),
            Err(error) => Err(error),
        }
    }

    fn of_pem(text: &str) -> Option<Self> {
        let inner = text.trim().strip_prefix(PEM.0)?.strip_suffix(PEM.1)?;
        let inner: String = inner.split_whitespace().collect();
        let octets = STANDARD.decode(inner).ok()?;
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&octets).ok().map(SigningKey)
    }

    fn make(path: &Path) -> std::io::Result<Self> {
        let broken = |_| std::io::Error::other("no key could be made");
        let octets = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(broken)?;
        let pair = Ed25519KeyPair::from_pkcs8(octets.as_ref()).map_err(|_| std::io::Error::other("no key"))?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        writeln!(file, "{}\n{}\n{}", PEM.0, STANDARD.encode(octets.as_ref()), PEM.1)?;
        file.sync_all()?;
        Ok(SigningKey(pair))
    }

    /// As the node above registers it: 32 octets in base64.
    pub fn public(&self) -> String {
        STANDARD.encode(self.0.public_key().as_ref())
    }

    pub fn sign(&self, signed: &Signed<'_>, client: &str, created: i64) -> Headers {
        let parameters = parameters(client, created);
        let signature = self.0.sign(base(signed, &parameters).as_bytes());
        Headers {
            content_digest: content_digest(signed.body),
            signature_input: format!("op={parameters}"),
            signature: format!("op=:{}:", STANDARD.encode(signature.as_ref())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_covers_everything_that_matters() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key.pem");
        let key = SigningKey::of_file(&path).expect("made");
        let again = SigningKey::of_file(&path).expect("read");
        assert_eq!(key.public(), again.public());
        let signed = Signed { method: "POST", path: "/operator/v1/prefixes", body: b"{}", transaction: "tx-1" };
        let headers = again.sign(&signed, "opc-1", 1000);
        assert_eq!(read_input(&headers.signature_input), Some(("opc-1".to_owned(), 1000)));
        let good = |signed: &Signed<'_>, client: &str, created| {
            is_signed(&key.public(), signed, client, created, &headers.signature)
        };
        assert!(good(&signed, "opc-1", 1000));
        assert!(!good(&Signed { method: "PUT", ..signed }, "opc-1", 1000));
        assert!(!good(&Signed { path: "/operator/v1/prefixes/1", ..signed }, "opc-1", 1000));
        assert!(!good(&Signed { body: b"{ }", ..signed }, "opc-1", 1000));
        assert!(!good(&Signed { transaction: "tx-2", ..signed }, "opc-1", 1000));
        assert!(!good(&signed, "opc-2", 1000));
        assert!(!good(&signed, "opc-1", 1001));
        let other = SigningKey::of_file(&folder.path().join("other.pem")).expect("made");
        assert!(!is_signed(&other.public(), &signed, "opc-1", 1000, &headers.signature));
        for wrong in ["", "op=:!:", "sig=:AAAA:", "op=:AAAA:"] {
            assert!(!is_signed(&key.public(), &signed, "opc-1", 1000, wrong), "{wrong}");
        }
    }

    #[test]
    fn only_one_form_of_input_is_accepted() {
        for wrong in [
            "",
            "op=(\"@method\");created=1;keyid=\"a\";alg=\"ed25519\"",
            "op=(\"@method\" \"@path\" \"content-digest\" \"rpp-cltrid\");created=x;keyid=\"a\";alg=\"ed25519\"",
            "op=(\"@method\" \"@path\" \"content-digest\" \"rpp-cltrid\");created=1;keyid=\"a\nb\";alg=\"ed25519\"",
            "op=(\"@method\" \"@path\" \"content-digest\" \"rpp-cltrid\");created=1;keyid=\"a\";alg=\"rsa\"",
        ] {
            assert_eq!(read_input(wrong), None, "{wrong}");
        }
    }
}
