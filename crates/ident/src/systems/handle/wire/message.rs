//! A whole message, decoded and composed, and its cut into UDP packets.

use super::body::{Body, RequestDigest};
use super::credential::CredentialField;
use super::envelope::{ENVELOPE_OCTETS, Envelope};
use super::header::{HEADER_OCTETS, Header};
use super::reader::{Reader, WireError};
use crate::limits;

/// A message with its envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub envelope: Envelope,
    pub content: Content,
}

/// What an envelope holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Plain(Box<Plain>),
    /// Ciphertext of a session; only its holders can read it.
    Sealed(Vec<u8>),
}

/// Header, body and credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    pub header: Header,
    pub digest: Option<RequestDigest>,
    pub body: Body,
    /// Octets of the body after its known fields: the stray octets of a session set-up, the identity that the
    /// Chinese client appends to a resolution. Never an error.
    pub trailing: Vec<u8>,
    pub credential: CredentialField,
}

impl Message {
    /// An unsigned message.
    pub fn new(envelope: Envelope, header: Header, body: Body) -> Self {
        let plain = Plain { header, digest: None, body, trailing: Vec::new(), credential: CredentialField::Empty };
        Message { envelope, content: Content::Plain(Box::new(plain)) }
    }

    /// Decodes one frame: envelope and `length` octets, no more and no less.
    pub fn decode(frame: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(frame);
        let envelope = Envelope::decode(&mut reader)?;
        if envelope.is(Envelope::COMPRESSED) {
            return Err(reader.error("envelope flags", "compressed messages are not understood"));
        }
        let length = envelope.length as usize;
        if length > limits::MESSAGE_OCTETS {
            return Err(reader.error("message length", "above 262144 octets"));
        }
        let message = reader.take(length, "message")?;
        reader.finish("message")?;
        let content = match envelope.is(Envelope::ENCRYPTED) {
            true => Content::Sealed(message.to_vec()),
            false => Content::Plain(Box::new(Plain::decode(&envelope, message)?)),
        };
        Ok(Message { envelope, content })
    }

    /// Appends the frame; the envelope's length is computed.
    pub fn compose(&self, out: &mut Vec<u8>) {
        let start = out.len();
        self.envelope.compose(out);
        match &self.content {
            Content::Plain(plain) => plain.compose(out),
            Content::Sealed(octets) => out.extend_from_slice(octets),
        }
        let length = (out.len() - start - ENVELOPE_OCTETS) as u32;
        out[start + 16..start + 20].copy_from_slice(&length.to_be_bytes());
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        self.compose(&mut out);
        out
    }

    pub fn plain(&self) -> Option<&Plain> {
        match &self.content {
            Content::Plain(plain) => Some(plain),
            Content::Sealed(_) => None,
        }
    }
}

impl Plain {
    /// Decodes `header · body · credential`.
    pub fn decode(envelope: &Envelope, message: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(message);
        let (header, body_length) = Header::decode(&mut reader)?;
        let body = reader.take(body_length as usize, "body")?;
        let credential = CredentialField::decode(&mut reader)?;
        if reader.remaining() > 0 {
            return Err(reader.error("credential", "octets follow the credential"));
        }
        let mut body_reader = Reader::new(body);
        let (digest, body) = Body::decode(envelope.version, &header, &mut body_reader)?;
        Ok(Plain { header, digest, body, trailing: body_reader.rest().to_vec(), credential })
    }

    /// Appends `header · body · credential`.
    pub fn compose(&self, out: &mut Vec<u8>) {
        self.compose_signed_part(out);
        self.credential.compose(out);
    }

    /// Appends `header · body`: what digests and signatures cover.
    pub fn compose_signed_part(&self, out: &mut Vec<u8>) {
        let start = out.len();
        self.header.compose(0, out);
        self.digest.iter().for_each(|digest| digest.compose(out));
        self.body.compose(out);
        out.extend_from_slice(&self.trailing);
        let length = (out.len() - start - HEADER_OCTETS) as u32;
        out[start + 20..start + 24].copy_from_slice(&length.to_be_bytes());
    }
}

/// Cuts a frame into UDP packets of at most `packet` octets, each with the envelope, its number and, when there is
/// more than one, the truncated flag. Calls `each` with every packet.
pub fn split_packets(frame: &[u8], packet: usize, mut each: impl FnMut(&[u8])) {
    if frame.len() <= packet || frame.len() <= ENVELOPE_OCTETS || packet <= ENVELOPE_OCTETS {
        return each(frame);
    }
    let (envelope, message) = frame.split_at(ENVELOPE_OCTETS);
    let mut buffer = Vec::with_capacity(packet);
    for (number, part) in message.chunks(packet - ENVELOPE_OCTETS).enumerate() {
        buffer.clear();
        buffer.extend_from_slice(envelope);
        buffer[2] |= Envelope::TRUNCATED;
        buffer[12..16].copy_from_slice(&(number as u32).to_be_bytes());
        buffer.extend_from_slice(part);
        each(&buffer);
    }
}
