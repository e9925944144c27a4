//! The hot path: a resolution request read without allocation, and its answer composed in one pass.

use super::code::{OpCode, ResponseCode, flag};
use super::envelope::{ENVELOPE_OCTETS, Envelope, OWN_VERSION, answer_version};
use super::header::{DEFAULT_LIFE_SECONDS, HEADER_OCTETS, Header};
use super::reader::{Reader, put_bytes, put_u32};
use crate::identifier::Name;
use crate::limits;
use crate::record::Selection;

/// A resolution request, borrowed from its frame.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub envelope: Envelope,
    pub header: Header,
    pub name: Name<'a>,
    pub selection: Selection<'a>,
    /// What follows the type list: the identity of the Chinese client, or nothing.
    pub trailing: &'a [u8],
    /// Header and body, which a digest covers.
    pub signed_part: &'a [u8],
    /// A credential stands behind the body.
    pub signed: bool,
}

impl<'a> Question<'a> {
    /// Reads a plain, well-formed resolution request; anything else is left to the full decoder (`None`).
    pub fn decode(frame: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(frame);
        let envelope = Envelope::decode(&mut reader).ok()?;
        let length = envelope.length as usize;
        if length != reader.remaining() || length > limits::MESSAGE_OCTETS {
            return None;
        }
        if envelope.is(Envelope::ENCRYPTED | Envelope::COMPRESSED) {
            return None;
        }
        let start = reader.position();
        let (header, body_length) = Header::decode(&mut reader).ok()?;
        if header.op != OpCode::RESOLUTION || !header.is_request() {
            return None;
        }
        let body = reader.take(body_length as usize, "body").ok()?;
        let signed_part = reader.since(start);
        let signed = match reader.remaining() {
            0..4 => false,
            _ => {
                let credential = reader.bytes("credential").ok()?;
                reader.finish("credential").ok()?;
                !credential.is_empty()
            }
        };
        let mut body = Reader::new(body);
        let name = Name::new(std::str::from_utf8(body.bytes("handle").ok()?).ok()?);
        let selection = Selection::decode(&mut body).ok()?;
        Some(Question { envelope, header, name, selection, trailing: body.rest(), signed_part, signed })
    }

    /// Whether the simple answer is enough: no digest, signature, encryption or session asked for.
    pub fn is_simple(&self) -> bool {
        self.envelope.session_id == 0
            && !self.signed
            && !self.header.has(flag::CERT | flag::RRDG | flag::ENCR)
            && self.envelope.version.at_least(2, 1)
    }
}

/// The fields of an answer that do not come from the record.
#[derive(Debug, Clone, Copy)]
pub struct AnswerHead {
    pub site_serial: u16,
    /// A primary answers.
    pub primary: bool,
    /// The answer is past its time.
    pub stale: bool,
    /// Unix seconds.
    pub now: u64,
}

impl AnswerHead {
    /// Appends the whole frame of an answer to `question`: `body` writes what follows the header.
    pub fn compose(
        &self,
        question: &Question<'_>,
        code: ResponseCode,
        out: &mut Vec<u8>,
        body: impl FnOnce(&mut Vec<u8>),
    ) {
        let start = out.len();
        let version = answer_version(&question.envelope);
        let suggested = OWN_VERSION;
        Envelope { version, flags: 0, suggested, sequence: 0, length: 0, ..question.envelope }.compose(out);
        let stale = if self.stale { flag::STALE } else { 0 };
        let header = Header {
            op: OpCode::RESOLUTION,
            response: code,
            flags: Header::answer_flags(question.header.flags, self.primary) | stale,
            site_serial: self.site_serial,
            hops: question.header.hops,
            reserved: 0,
            expiration: (self.now as u32).wrapping_add(DEFAULT_LIFE_SECONDS),
        };
        header.compose(0, out);
        let body_start = out.len();
        body(out);
        let body_length = (out.len() - body_start) as u32;
        put_u32(out, 0);
        let length = (out.len() - start - ENVELOPE_OCTETS) as u32;
        out[start + 16..start + 20].copy_from_slice(&length.to_be_bytes());
        let at = start + ENVELOPE_OCTETS + HEADER_OCTETS - 4;
        out[at..at + 4].copy_from_slice(&body_length.to_be_bytes());
    }

    /// A successful answer: the name as asked, then the value set as stored.
    pub fn found(&self, question: &Question<'_>, values: &[u8], out: &mut Vec<u8>) {
        self.compose(question, ResponseCode::SUCCESS, out, |out| {
            put_bytes(out, question.name.text().as_bytes());
            out.extend_from_slice(values);
        });
    }

    /// An error answer with a text, which may be empty.
    pub fn error(&self, question: &Question<'_>, code: ResponseCode, text: &str, out: &mut Vec<u8>) {
        self.compose(question, code, out, |out| put_bytes(out, text.as_bytes()));
    }
}
