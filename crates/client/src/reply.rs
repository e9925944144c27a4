//! A decoded answer, and the proof that a challenge among them asks for.

use std::sync::Arc;

use hufu_ident::systems::handle::proof;
use hufu_ident::systems::handle::wire::{Body, Content, Envelope, Header, Message, OpCode, Plain, ResponseCode};

use crate::error::{Error, ErrorKind};
use crate::identity::Identity;
use crate::operation::{signed_part, unix_seconds};

/// Octets of nonce that are signed: enough for 16 random ones, too few for a document.
const NONCE: std::ops::RangeInclusive<usize> = 8..=64;

/// An answer.
pub(crate) struct Reply {
    pub(crate) envelope: Envelope,
    pub(crate) plain: Plain,
}

impl Reply {
    pub(crate) fn decode(frame: &[u8]) -> Result<Self, Error> {
        let Message { envelope, content } = Message::decode(frame)?;
        match content {
            Content::Plain(plain) => Ok(Reply { envelope, plain: *plain }),
            Content::Sealed(_) => Err(Error::malformed("the answer is encrypted, and no session was set up")),
        }
    }

    pub(crate) fn code(&self) -> ResponseCode {
        self.plain.header.response
    }

    pub(crate) fn is_challenge(&self) -> bool {
        self.code() == ResponseCode::AUTHENTICATION_NEEDED
    }

    /// The answer if it is a success, else its code and words as an error.
    pub(crate) fn accepted(self) -> Result<Plain, Error> {
        if self.code() == ResponseCode::SUCCESS {
            return Ok(self.plain);
        }
        let message = match &self.plain.body {
            Body::Error { message: Some(message), .. } => String::from_utf8_lossy(message).into_owned(),
            Body::Challenge { .. } => "this needs an identity".into(),
            Body::Referral { .. } => "another server is responsible".into(),
            _ => String::new(),
        };
        Err(Error::refused(self.code(), &message))
    }

    /// The message that answers this challenge to one of the frames `sent`, with the flags of `request`.
    ///
    /// Errors: [`ErrorKind::Untrusted`] unless the challenge holds the digest of what was sent: otherwise the server,
    /// or somebody between, could have another request approved.
    pub(crate) async fn prove(&self, identity: &Arc<Identity>, flags: u32, sent: [&[u8]; 2]) -> Result<Message, Error> {
        let Body::Challenge { nonce, digest } = &self.plain.body else {
            return Err(Error::malformed("the challenge holds no nonce"));
        };
        let version = self.envelope.version;
        if !version.at_least(2, 1) {
            let text = format!("the server asks for a proof of version {version}, by MD5, which is not given");
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let given = self.plain.digest.as_ref().map(|digest| &digest.digest).or(digest.as_ref());
        let expected = sent.map(|frame| proof::request_digest(version, signed_part(frame)).digest);
        let digest = expected.into_iter().find(|expected| given == Some(expected)).ok_or_else(|| {
            Error::new(
                ErrorKind::Untrusted,
                "the server challenges something else than what was sent; nothing was proved",
            )
        })?;
        if !NONCE.contains(&nonce.len()) {
            return Err(Error::new(ErrorKind::Untrusted, "the nonce of the challenge is not of 8 to 64 octets"));
        }
        let version = proof::lower(version, self.envelope.suggested_version());
        let (identity, nonce) = (Arc::clone(identity), nonce.clone());
        // Milliseconds of computation have no place among the tasks that move frames.
        let proving = tokio::task::spawn_blocking(move || identity.prove(version, &nonce, &digest));
        let answer = proving.await.map_err(|_| Error::invalid("the key of this identity is unusable"))??;
        let header = Header::request(OpCode::RESPONSE_TO_CHALLENGE, flags, unix_seconds());
        let envelope = Envelope { session_id: self.envelope.session_id, ..Envelope::new(1) };
        Ok(Message::new(envelope, header, Body::ChallengeAnswer(answer)))
    }
}
