//! The credential at the end of a message: a signature or a MAC over it (RFC 3652 §2.2.4).

use super::envelope::{Envelope, Version};
use super::reader::{Reader, WireError, put_bytes, put_u16, put_u32};

/// What stands behind the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialField {
    /// Not even a length: fewer than four octets follow the body (op 2001 of the Chinese client).
    Missing(Vec<u8>),
    /// Length 0: unsigned.
    Empty,
    Signed(Credential),
    /// A content we do not understand, kept.
    Opaque(Vec<u8>),
}

/// A signature (`HS_SIGNED`) or session MAC (`HS_MAC`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    pub version: u8,
    pub reserved: u8,
    pub flags: u16,
    pub signer: Vec<u8>,
    /// Counter of the message in its session.
    pub session_counter: u32,
    pub kind: Vec<u8>,
    pub algorithm: Vec<u8>,
    pub signature: Vec<u8>,
}

impl Credential {
    pub fn new(kind: &str, algorithm: &str, session_counter: u32, signature: Vec<u8>) -> Self {
        Credential {
            version: 0,
            reserved: 0,
            flags: 0,
            signer: Vec::new(),
            session_counter,
            kind: kind.into(),
            algorithm: algorithm.into(),
            signature,
        }
    }

    fn decode(content: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(content);
        let version = reader.u8("credential version")?;
        let reserved = reader.u8("credential reserved")?;
        let flags = reader.u16("credential flags")?;
        let signer = reader.bytes("signer")?.to_vec();
        let session_counter = reader.u32("session counter")?;
        let kind = reader.bytes("credential type")?.to_vec();
        let inside = reader.bytes("credential content")?;
        reader.finish("credential")?;
        let mut reader = Reader::new(inside);
        let algorithm = reader.bytes("algorithm")?.to_vec();
        let signature = reader.bytes("signature")?.to_vec();
        reader.finish("credential content")?;
        Ok(Credential { version, reserved, flags, signer, session_counter, kind, algorithm, signature })
    }

    fn compose(&self) -> Vec<u8> {
        let mut out = vec![self.version, self.reserved];
        put_u16(&mut out, self.flags);
        put_bytes(&mut out, &self.signer);
        put_u32(&mut out, self.session_counter);
        put_bytes(&mut out, &self.kind);
        put_u32(&mut out, (8 + self.algorithm.len() + self.signature.len()) as u32);
        put_bytes(&mut out, &self.algorithm);
        put_bytes(&mut out, &self.signature);
        out
    }

    /// The octets that are signed, by version of the message; none for 2.5 and 2.6, whose layout nobody can verify.
    pub fn signed_octets(envelope: &Envelope, session_counter: u32, header_and_body: &[u8]) -> Option<Vec<u8>> {
        let version = envelope.version;
        let mut out = Vec::with_capacity(header_and_body.len() + 16);
        if version.at_least(2, 7) {
            let (suggested_major, suggested_minor) = (envelope.suggested.major, envelope.suggested.minor);
            out.extend_from_slice(&[version.major, version.minor]);
            if version.at_least(2, 8) {
                out.extend_from_slice(&[suggested_major, suggested_minor]);
            }
            for field in [envelope.session_id, envelope.request_id, session_counter] {
                put_u32(&mut out, field);
            }
        } else if version == Version::new(2, 5) || version == Version::new(2, 6) {
            return None;
        }
        out.extend_from_slice(header_and_body);
        Some(out)
    }
}

impl CredentialField {
    /// Reads what follows the body, to the end.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        if reader.remaining() < 4 {
            return Ok(CredentialField::Missing(reader.rest().to_vec()));
        }
        let content = reader.bytes("credential")?;
        if content.is_empty() {
            return Ok(CredentialField::Empty);
        }
        let decoded = Credential::decode(content).ok();
        Ok(decoded.map_or_else(|| CredentialField::Opaque(content.to_vec()), CredentialField::Signed))
    }

    pub fn compose(&self, out: &mut Vec<u8>) {
        match self {
            CredentialField::Missing(octets) => out.extend_from_slice(octets),
            CredentialField::Empty => put_u32(out, 0),
            CredentialField::Signed(credential) => put_bytes(out, &credential.compose()),
            CredentialField::Opaque(content) => put_bytes(out, content),
        }
    }
}
