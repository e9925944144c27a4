//! The key of the zones that a node signs (DNSSEC): ECDSA P-256 with SHA-256 (RFC 6605), one for all zones of the node,
//! kept beside its other keys. It signs the zone and itself; the parent zone vouches for it with a DS record.

use crate::keys::{KeyError, write_private};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hickory_proto::ProtoError;
use hickory_proto::dnssec::crypto::EcdsaSigningKey;
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS, RRSIG, sig::SigInput};
use hickory_proto::dnssec::{Algorithm, DigestType, PublicKey, PublicKeyBuf, SigningKey, TBS};
use hickory_proto::rr::{DNSClass, Name, RData, Record, SerialNumber};
use rsa::pkcs8::{LineEnding, SecretDocument};
use std::path::Path;

const ALGORITHM: Algorithm = Algorithm::ECDSAP256SHA256;
/// Octets of a public key of this algorithm (RFC 6605 §4).
const PUBLIC_OCTETS: usize = 64;
/// What the PEM file's first line names.
const LABEL: &str = "PRIVATE KEY";
/// Seconds before now from which a signature is good, for clocks that are behind, and after now until which it is.
const BEFORE: u64 = 3_600;
const AFTER: u64 = 86_400;

pub struct ZoneKey {
    key: EcdsaSigningKey,
    public: PublicKeyBuf,
    tag: u16,
}

impl ZoneKey {
    /// Reads a key (PEM, PKCS#8).
    pub fn load(path: &Path) -> Result<ZoneKey, KeyError> {
        let unusable = |error: String| KeyError::Unusable { path: path.into(), error };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(KeyError::Missing(path.into())),
            Err(error) => return Err(unusable(error.to_string())),
        };
        let (label, der) = SecretDocument::from_pem(&text).map_err(|error| unusable(error.to_string()))?;
        if label != LABEL {
            return Err(unusable(format!("not {LABEL:?} but {label:?}")));
        }
        ZoneKey::from_der(der.as_bytes()).map_err(|error| unusable(format!("not a P-256 key in PKCS#8 PEM: {error}")))
    }

    /// Makes a key and writes it; an existing file is kept and read.
    pub fn load_or_make(path: &Path) -> Result<ZoneKey, KeyError> {
        match ZoneKey::load(path) {
            Err(KeyError::Missing(_)) => ZoneKey::make(path),
            other => other,
        }
    }

    fn make(path: &Path) -> Result<ZoneKey, KeyError> {
        let unusable = |error: String| KeyError::Unusable { path: path.into(), error };
        let der = EcdsaSigningKey::generate_pkcs8(ALGORITHM).map_err(|error| unusable(error.to_string()))?;
        let document = SecretDocument::try_from(der.secret_pkcs8_der()).map_err(|error| unusable(error.to_string()))?;
        let pem = document.to_pem(LABEL, LineEnding::LF).map_err(|error| unusable(error.to_string()))?;
        write_private(path, pem.as_bytes()).map_err(|error| unusable(error.to_string()))?;
        ZoneKey::load(path)
    }

    fn from_der(der: &[u8]) -> Result<ZoneKey, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let key = EcdsaSigningKey::from_pkcs8(&der.into(), ALGORITHM).map_err(|error| text(&error))?;
        let public = key.to_public_key().map_err(|error| text(&error))?;
        let tag = DNSKEY::from_key(&public).calculate_key_tag().map_err(|error| text(&error))?;
        Ok(ZoneKey { key, public, tag })
    }

    /// The public key as a site says it.
    pub fn published(&self) -> String {
        STANDARD.encode(self.public.public_bytes())
    }

    /// The DNSKEY record of a zone.
    pub fn dnskey(&self, apex: &Name, ttl: u32) -> Record {
        let data = RData::DNSSEC(DNSSECRData::DNSKEY(DNSKEY::from_key(&self.public)));
        Record::from_rdata(apex.clone(), ttl, data)
    }

    /// The DS record that stands for it in the zone above; `None` for a name that has no digest.
    pub fn ds(&self, apex: &Name, ttl: u32) -> Option<Record> {
        ds(&self.public, apex, ttl)
    }

    /// The signature of an RRset (RFC 4034 §3.1.8.1) at `now`, Unix seconds.
    pub fn sign(&self, set: &[Record], zone: &Name, now: u64) -> Result<Record, ProtoError> {
        let Some(first) = set.first() else { return Err(ProtoError::from("an empty set has no signature")) };
        let input = SigInput {
            type_covered: first.record_type(),
            algorithm: ALGORITHM,
            num_labels: first.name.num_labels(),
            original_ttl: first.ttl,
            // Modulo 2^32, as serial arithmetic wants (RFC 4034 §3.1.5).
            sig_expiration: SerialNumber::new((now + AFTER) as u32),
            sig_inception: SerialNumber::new(now.saturating_sub(BEFORE) as u32),
            key_tag: self.tag,
            signer_name: zone.clone(),
        };
        let octets = TBS::from_input(&first.name, DNSClass::IN, &input, set.iter())?;
        let signature = self.key.sign(&octets).map_err(|error| ProtoError::from(error.to_string()))?;
        let data = RData::DNSSEC(DNSSECRData::RRSIG(RRSIG::from_sig(input, signature)));
        Ok(Record::from_rdata(first.name.clone(), first.ttl, data))
    }
}

/// The DS record of a child zone whose site publishes a key; `None` if that is no key.
pub(super) fn ds_of(published: &[u8], apex: &Name, ttl: u32) -> Option<Record> {
    let octets = STANDARD.decode(published).ok().filter(|octets| octets.len() == PUBLIC_OCTETS)?;
    ds(&PublicKeyBuf::new(octets, ALGORITHM), apex, ttl)
}

fn ds(public: &PublicKeyBuf, apex: &Name, ttl: u32) -> Option<Record> {
    let ds = DS::from_key(public, apex, DigestType::SHA256).ok()?;
    Some(Record::from_rdata(apex.clone(), ttl, RData::DNSSEC(DNSSECRData::DS(ds))))
}
