//! Answers outside the hot path: digest, signature, flags and versions as the asker can read them.

use super::service::Identity;
use super::session::Session;
use crate::answering::{PRIVATE_ONLY, referral_handle};
use crate::clock;
use hufu_ident::systems::handle::proof::{self, HashName};
use hufu_ident::systems::handle::wire::{
    Body, Content, Credential, CredentialField, Envelope, Header, Message, OWN_VERSION, OpCode, Plain, ResponseCode,
    Version, answer_version, flag, put_bytes,
};
use hufu_ident::{Delegation, Value};
use hufu_net::Peer;
use hufu_resolve::shown_to;

/// What is said, before it is put into an envelope.
#[derive(Debug, Clone)]
pub struct Said {
    pub code: ResponseCode,
    pub body: Body,
    /// Flags besides those that every answer has: OVRW, CONT, STALE.
    pub flags: u32,
    /// Octets after the body's fields (a trace).
    pub trailing: Vec<u8>,
    /// It holds values that are not for everybody: in a session it is encrypted unasked.
    pub private: bool,
    /// Somebody else's record, from the recursor: no primary has answered.
    pub foreign: bool,
}

impl Said {
    pub fn new(code: ResponseCode, body: Body) -> Self {
        Said { code, body, flags: 0, trailing: Vec::new(), private: false, foreign: false }
    }

    pub fn done(body: Body) -> Self {
        Said::new(ResponseCode::SUCCESS, body)
    }

    pub fn no(code: ResponseCode, text: &str) -> Self {
        Said::new(code, Body::error(text))
    }

    /// A referral as `peer` may see it.
    pub fn referral(delegation: &Delegation, peer: &Peer) -> Self {
        let Some(delegation) = shown_to(delegation, peer.address.ip()) else {
            return Said::no(ResponseCode::SERVER_NOT_RESP, PRIVATE_ONLY);
        };
        let code = match delegation.for_prefixes {
            true => ResponseCode::PREFIX_REFERRAL,
            false => ResponseCode::SERVICE_REFERRAL,
        };
        let values = Some(delegation.values.iter().filter(|value| readable(value)).cloned().collect());
        Said::new(code, Body::Referral { handle: referral_handle(&delegation), values })
    }

    pub fn with_flags(mut self, flags: u32) -> Self {
        self.flags |= flags;
        self
    }
}

fn readable(value: &Value) -> bool {
    value.permissions.public_read()
}

/// How an answer is put into its envelope.
#[derive(Default)]
pub struct Wrap<'a> {
    /// The session's id, or a challenge's; 0 for none.
    pub session_id: u32,
    /// Signs with the session's key instead of the server's.
    pub session: Option<&'a Session>,
    /// Encrypts with the session's key.
    pub seal: bool,
}

/// Composes the answer to `request`.
pub fn compose(identity: &Identity, request: &Message, wrap: &Wrap<'_>, said: Said) -> Vec<u8> {
    let version = answer_version(&request.envelope);
    let asked = request.plain().map(|plain| plain.header);
    let asked_flags = asked.map_or(0, |header| header.flags);
    let challenge = said.code == ResponseCode::AUTHENTICATION_NEEDED;
    // Below 2.1 there is no digest in front of an answer, so nothing may announce one.
    let known = if version.at_least(2, 1) { u32::MAX } else { !flag::RRDG };
    let header = Header {
        op: asked.map_or(OpCode::RESERVED, |header| header.op),
        response: down_level(said.code, version),
        flags: Header::answer_flags(asked_flags & known, identity.primary && !said.foreign)
            | said.flags
            | if challenge { flag::RRDG } else { 0 },
        site_serial: identity.site_serial,
        hops: asked.map_or(0, |header| header.hops),
        reserved: 0,
        expiration: Header::request(OpCode::RESERVED, 0, clock::seconds()).expiration,
    };
    let digest = match (header.has(flag::RRDG), request.plain()) {
        (true, Some(plain)) if version.at_least(2, 1) => {
            let mut octets = Vec::new();
            plain.compose_signed_part(&mut octets);
            Some(proof::request_digest(version, &octets))
        }
        _ => None,
    };
    let envelope = Envelope {
        version,
        flags: 0,
        suggested: OWN_VERSION,
        session_id: wrap.session_id,
        request_id: request.envelope.request_id,
        sequence: 0,
        length: 0,
    };
    let credential = CredentialField::Empty;
    let mut plain = Plain { header, digest, body: said.body, trailing: said.trailing, credential };
    if header.has(flag::CERT)
        && let Some(signed) = sign(identity, wrap.session, &envelope, &plain)
    {
        plain.credential = CredentialField::Signed(signed);
    }
    match wrap.session.filter(|_| wrap.seal) {
        Some(session) => {
            let mut octets = Vec::new();
            plain.compose(&mut octets);
            let envelope = Envelope { flags: Envelope::ENCRYPTED, ..envelope };
            Message { envelope, content: Content::Sealed(session.encrypt(&octets)) }.to_bytes()
        }
        None => Message { envelope, content: Content::Plain(Box::new(plain)) }.to_bytes(),
    }
}

/// Peers below 2.5 know RC 7 as 303 and RC 202 as 201.
fn down_level(code: ResponseCode, version: Version) -> ResponseCode {
    match code {
        ResponseCode::SERVER_BACKUP if !version.at_least(2, 5) => ResponseCode::PREFIX_REFERRAL,
        ResponseCode::INVALID_VALUE if !version.at_least(2, 5) => ResponseCode::VALUE_ALREADY_EXISTS,
        code => code,
    }
}

/// The session's MAC or the server's signature; none for the versions whose layout nobody can verify.
fn sign(identity: &Identity, session: Option<&Session>, envelope: &Envelope, plain: &Plain) -> Option<Credential> {
    let mut octets = Vec::new();
    plain.compose_signed_part(&mut octets);
    if let Some(session) = session {
        return session.seal_mac(envelope, 0, &octets);
    }
    let signed = Credential::signed_octets(envelope, 0, &octets)?;
    let (hash, name) = match envelope.version.at_least(2, 7) {
        true => (HashName::Sha256, "SHA-256"),
        false => (HashName::Sha1, "SHA1"),
    };
    let signature = proof::sign_rsa(&mut rand::rngs::OsRng, &identity.key, hash, &[&signed])?;
    Some(Credential::new("HS_SIGNED", name, 0, signature))
}

/// The smallest answer to octets that are no message: RC 4 with the request id echoed.
pub fn protocol_error(identity: &Identity, envelope: &Envelope, op: OpCode, text: &str) -> Vec<u8> {
    let version = answer_version(envelope);
    let header = Header {
        op,
        response: ResponseCode::PROTOCOL_ERROR,
        flags: Header::answer_flags(0, identity.primary),
        site_serial: identity.site_serial,
        hops: 0,
        reserved: 0,
        expiration: Header::request(op, 0, clock::seconds()).expiration,
    };
    let mut message = Vec::new();
    put_bytes(&mut message, text.as_bytes());
    let answer = Envelope { version, flags: 0, suggested: OWN_VERSION, sequence: 0, length: 0, ..*envelope };
    Message::new(answer, header, Body::Opaque(message)).to_bytes()
}
