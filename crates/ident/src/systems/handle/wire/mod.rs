//! The Handle protocol's octets (RFC 3652, as the installed base speaks it): envelope, header, bodies, credential.
//!
//! Decoding never panics, never allocates by an unchecked count and keeps what it does not understand, so that
//! [`Message::compose`] gives back the octets that were decoded.

mod body;
mod code;
mod credential;
mod envelope;
mod header;
mod message;
mod reader;
mod resolution;

pub use body::{Body, ChallengeAnswer, DigestForm, RequestDigest, SessionSetup, SessionSetupKey, VerifyRequest};
pub use code::{OpCode, ResponseCode, flag};
pub use credential::{Credential, CredentialField};
pub use envelope::{ENVELOPE_OCTETS, Envelope, OWN_VERSION, Version, answer_version};
pub use header::{DEFAULT_LIFE_SECONDS, HEADER_OCTETS, Header, UNKNOWN_SERIAL};
pub use message::{Content, Message, Plain, split_packets};
pub use reader::{Reader, WireError, put_bytes, put_u16, put_u32};
pub use resolution::{AnswerHead, Question};
