//! Signed requests of the operator interface: HTTP Message Signatures (RFC 9421) with Ed25519, in one fixed form.
//!
//! Covered are method, path, digest of the body (RFC 9530) and client transaction id; the parameters name the client,
//! the second, and a nonce that makes every signature good for one request. Another form is not accepted, so there is
//! nothing to negotiate.

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
/// Characters of a nonce.
const NONCE: std::ops::RangeInclusive<usize> = 16..=64;
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

/// Who signs, when, and for which request: the parameters of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    pub client: String,
    /// Seconds since 1970.
    pub created: i64,
    pub nonce: String,
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

fn parameters(signer: &Signer) -> String {
    let Signer { client, created, nonce } = signer;
    format!("{COVERED};created={created};nonce=\"{nonce}\";keyid=\"{client}\";alg=\"ed25519\"")
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

/// The parameters of a `Signature-Input` of our form; nothing else passes.
pub fn read_input(input: &str) -> Option<Signer> {
    let rest = input.strip_prefix("op=")?.strip_prefix(COVERED)?.strip_prefix(";created=")?;
    let (created, rest) = rest.split_once(";nonce=\"")?;
    let (nonce, rest) = rest.split_once("\";keyid=\"")?;
    let client = rest.strip_suffix("\";alg=\"ed25519\"")?;
    let plain = |text: &str| text.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
    let good = !client.is_empty() && plain(client) && plain(nonce) && NONCE.contains(&nonce.len());
    let created = created.parse().ok()?;
    Some(Signer { client: client.to_owned(), created, nonce: nonce.to_owned() }).filter(|_| good)
}

/// Whether the holder of the key has signed this request as `signer`.
pub fn is_signed(key: &str, signed: &Signed<'_>, signer: &Signer, signature: &str) -> bool {
    let octets = signature.strip_prefix("op=:").and_then(|rest| rest.strip_suffix(':'));
    let octets = octets.and_then(|text| STANDARD.decode(text).ok());
    let (Some(octets), Ok(key)) = (octets, STANDARD.decode(key)) else { return false };
    let base = base(signed, &parameters(signer));
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

    pub fn sign(&self, signed: &Signed<'_>, signer: &Signer) -> Headers {
        let parameters = parameters(signer);
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
        let signer = Signer { client: "opc-1".into(), created: 1000, nonce: "0123456789abcdef".into() };
        let headers = again.sign(&signed, &signer);
        assert_eq!(read_input(&headers.signature_input).as_ref(), Some(&signer));
        let good = |signed: &Signed<'_>, signer: &Signer| is_signed(&key.public(), signed, signer, &headers.signature);
        assert!(good(&signed, &signer));
        assert!(!good(&Signed { method: "PUT", ..signed }, &signer));
        assert!(!good(&Signed { path: "/operator/v1/prefixes/1", ..signed }, &signer));
        assert!(!good(&Signed { body: b"{ }", ..signed }, &signer));
        assert!(!good(&Signed { transaction: "tx-2", ..signed }, &signer));
        assert!(!good(&signed, &Signer { client: "opc-2".into(), ..signer.clone() }));
        assert!(!good(&signed, &Signer { created: 1001, ..signer.clone() }));
        assert!(!good(&signed, &Signer { nonce: "0123456789abcdeF".into(), ..signer.clone() }));
        let other = SigningKey::of_file(&folder.path().join("other.pem")).expect("made");
        assert!(!is_signed(&other.public(), &signed, &signer, &headers.signature));
        for wrong in ["", "op=::", "op=:AAAA:", "sig=:AAAA:", "op=:&:"] {
            assert!(!is_signed(&key.public(), &signed, &signer, wrong), "{wrong}");
        }
    }

    /// The worked example of the profile's description is what this code makes.
    #[test]
    fn the_example_of_the_description_is_true() {
        let text = include_str!("../../../../docs/operator-profile.md");
        let block = |name: &str| {
            let start = format!("```text {name}\n");
            let rest = text.split_once(&start).unwrap_or_else(|| panic!("no block {name}")).1;
            rest.split_once("\n```").expect("an end").0.to_owned()
        };
        let key = SigningKey::of_pem(&block("key")).expect("the example's key");
        let body = block("body");
        let signed = Signed {
            method: "POST",
            path: "/operator/v1/prefixes",
            body: body.as_bytes(),
            transaction: "opr-example-1",
        };
        let created = 1_795_651_200;
        let signer = Signer { client: "opc-0123456789abcdef".into(), created, nonce: "5f0c8d1e2b3a49576860".into() };
        assert_eq!(block("base"), base(&signed, &parameters(&signer)));
        assert_eq!(block("public-key"), key.public());
        let headers = key.sign(&signed, &signer);
        let written = format!(
            "Content-Digest: {}\nSignature-Input: {}\nSignature: {}",
            headers.content_digest, headers.signature_input, headers.signature
        );
        assert_eq!(block("headers"), written);
        assert!(is_signed(&key.public(), &signed, &signer, &headers.signature));
    }

    #[test]
    fn only_one_form_of_input_is_accepted() {
        let covered = "op=(\"@method\" \"@path\" \"content-digest\" \"rpp-cltrid\")";
        let good = "created=1;nonce=\"0123456789abcdef\";keyid=\"a\";alg=\"ed25519\"";
        assert!(read_input(&format!("{covered};{good}")).is_some());
        for (what, with) in [
            ("created=1", "created=x"),
            ("keyid=\"a\"", "keyid=\"\""),
            ("keyid=\"a\"", "keyid=\"a\nb\""),
            ("ed25519", "rsa"),
            ("0123456789abcdef", "0123"),
            ("0123456789abcdef", "0123456789abcde\""),
            ("nonce=\"0123456789abcdef\";", ""),
        ] {
            assert_eq!(read_input(&format!("{covered};{}", good.replace(what, with))), None, "{with}");
        }
        assert_eq!(read_input(&format!("op=(\"@method\");{good}")), None);
        assert_eq!(read_input(""), None);
    }
}
