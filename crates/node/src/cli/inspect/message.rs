//! A message, field by field: envelope, header, digest, body, credential.

use super::data::{data, reencoded, site};
use super::tree::{Cursor, Node};
use hufu_ident::systems::handle::wire::{
    Body, ChallengeAnswer, Content, CredentialField, DigestForm, Envelope, Header, Message, Plain, Reader,
    RequestDigest, SessionSetup, SessionSetupKey, VerifyRequest, flag,
};
use hufu_ident::{Ttl, Value};
use jiff::Timestamp;
use serde_json::Value as Json;

/// The fields of a message, in the order of the wire.
pub fn nodes(message: &Message) -> Vec<Node> {
    let mut cursor = Cursor(0);
    let mut nodes = vec![envelope(&mut cursor, &message.envelope)];
    match &message.content {
        Content::Sealed(octets) => nodes.push(cursor.raw_hex("sealed", octets)),
        Content::Plain(plain) => nodes.extend(plain_nodes(&mut cursor, plain)),
    }
    nodes
}

fn plain_nodes(cursor: &mut Cursor, plain: &Plain) -> Vec<Node> {
    let body_octets = {
        let mut octets = Vec::new();
        plain.compose_signed_part(&mut octets);
        octets.len() - hufu_ident::systems::handle::wire::HEADER_OCTETS
    };
    vec![
        header(cursor, &plain.header, body_octets),
        match &plain.digest {
            Some(decoded) => digest(cursor, "digest", decoded),
            None => cursor.said("digest", Json::Null),
        },
        body(cursor, &plain.body),
        cursor.raw_hex("trailing", &plain.trailing),
        credential(cursor, &plain.credential),
    ]
}

pub fn envelope(cursor: &mut Cursor, envelope: &Envelope) -> Node {
    let names =
        [(Envelope::COMPRESSED, "COMPRESSED"), (Envelope::ENCRYPTED, "ENCRYPTED"), (Envelope::TRUNCATED, "TRUNCATED")];
    let names: Vec<&str> = names.iter().filter(|(bit, _)| envelope.is(*bit)).map(|(_, name)| *name).collect();
    cursor.fields("envelope", |cursor| {
        let version = cursor.fixed("version", 2, envelope.version.to_string());
        // The three flags share an octet with the suggested major version.
        let flags = cursor.said("flags", envelope.flags).note("flagNames", names);
        vec![
            version,
            flags,
            cursor.fixed("suggested", 2, envelope.suggested.to_string()),
            cursor.u32("sessionId", envelope.session_id),
            cursor.u32("requestId", envelope.request_id),
            cursor.u32("sequence", envelope.sequence),
            cursor.u32("length", envelope.length),
        ]
    })
}

fn header(cursor: &mut Cursor, header: &Header, body_octets: usize) -> Node {
    cursor.fields("header", |cursor| {
        vec![
            cursor.u32("op", header.op.0).note("opName", header.op.name()),
            cursor.u32("responseCode", header.response.0).note("responseName", header.response.name()),
            cursor
                .u32("flags", header.flags)
                .note("flagsHex", format!("0x{:08x}", header.flags))
                .note("flagNames", flag::names(header.flags)),
            cursor.fixed("siteSerial", 2, header.site_serial),
            cursor.fixed("recursionCount", 1, header.hops),
            cursor.fixed("reserved", 1, header.reserved),
            cursor.u32("expiration", header.expiration).note("expires", time(header.expiration)),
            cursor.fixed("bodyLength", 4, body_octets),
        ]
    })
}

fn digest(cursor: &mut Cursor, key: &'static str, digest: &RequestDigest) -> Node {
    let (octets, name) = match digest.form {
        DigestForm::Md5 => (Some(1), "MD5"),
        DigestForm::Sha1 => (Some(2), "SHA-1"),
        DigestForm::Sha256 => (Some(3), "SHA-256"),
        DigestForm::Plain => (None, "plain"),
    };
    cursor.fields(key, |cursor| match octets {
        Some(_) => vec![cursor.fixed("algorithm", 1, name), cursor.raw_hex("digest", &digest.digest)],
        None => vec![cursor.said("algorithm", name), cursor.sized_hex("digest", &digest.digest)],
    })
}

fn body(cursor: &mut Cursor, body: &Body) -> Node {
    cursor.fields("body", |cursor| {
        let mut fields = vec![cursor.said("kind", body_kind(body))];
        match body {
            Body::Empty => {}
            Body::Resolve { handle, selection } => fields.extend([
                cursor.bytes("handle", handle),
                cursor.items("indexes", &selection.indexes, |cursor, index| cursor.u32("index", *index)),
                cursor.items("types", &selection.types, |cursor, kind| cursor.bytes("type", kind)),
            ]),
            Body::Values { handle, values: list } => {
                fields.extend([cursor.bytes("handle", handle), values(cursor, list)]);
            }
            Body::Name(handle) => fields.push(cursor.bytes("handle", handle)),
            Body::Indexes { handle, indexes } => fields.extend([
                cursor.bytes("handle", handle),
                cursor.items("indexes", indexes, |cursor, index| cursor.u32("index", *index)),
            ]),
            Body::Names(names) => {
                fields.push(cursor.items("handles", names, |cursor, name| cursor.bytes("handle", name)));
            }
            Body::Site(decoded) => fields.push(site(cursor, "site", decoded)),
            Body::SizedSite(decoded) => {
                fields.push(cursor.u32("siteLength", decoded.to_bytes().len() as u32));
                fields.push(site(cursor, "site", decoded));
            }
            Body::Error { message, indexes } => {
                fields.extend(message.as_ref().map(|message| cursor.bytes("message", message)));
                let index = |cursor: &mut Cursor, index: &u32| cursor.u32("index", *index);
                fields.extend(indexes.as_ref().map(|indexes| cursor.items("indexes", indexes, index)));
            }
            Body::Referral { handle, values: list } => {
                fields.push(cursor.bytes("handle", handle));
                fields.extend(list.as_ref().map(|list| values(cursor, list)));
            }
            Body::Challenge { nonce, digest } => {
                fields.push(cursor.sized_hex("nonce", nonce));
                fields.extend(digest.as_ref().map(|digest| cursor.sized_hex("digest", digest)));
            }
            Body::ChallengeAnswer(answer) => fields.extend(challenge_answer(cursor, answer)),
            Body::Verify(request) => fields.extend(verify(cursor, request)),
            Body::Verified(verdict) => fields.push(cursor.fixed("verdict", 1, *verdict)),
            Body::SessionSetup(setup) => fields.extend(session_setup(cursor, setup)),
            Body::SessionAnswer { mode, data } => {
                fields.extend([cursor.fixed("mode", 2, *mode), cursor.sized_hex("data", data)]);
            }
            Body::ExchangeKey(key) => fields.push(cursor.sized_hex("sessionKey", key)),
            Body::Login { user, index } => {
                fields.extend([cursor.bytes("userHandle", user), cursor.u32("userIndex", *index)]);
            }
            Body::Opaque(octets) => fields.push(cursor.raw_hex("octets", octets)),
        }
        fields
    })
}

fn body_kind(body: &Body) -> &'static str {
    match body {
        Body::Empty => "empty",
        Body::Resolve { .. } => "resolve",
        Body::Values { .. } => "values",
        Body::Name(_) => "name",
        Body::Indexes { .. } => "indexes",
        Body::Names(_) => "names",
        Body::Site(_) | Body::SizedSite(_) => "site",
        Body::Error { .. } => "error",
        Body::Referral { .. } => "referral",
        Body::Challenge { .. } => "challenge",
        Body::ChallengeAnswer(_) => "challengeAnswer",
        Body::Verify(_) => "verify",
        Body::Verified(_) => "verified",
        Body::SessionSetup(_) => "sessionSetup",
        Body::SessionAnswer { .. } => "sessionAnswer",
        Body::ExchangeKey(_) => "exchangeKey",
        Body::Login { .. } => "login",
        Body::Opaque(_) => "opaque",
    }
}

fn challenge_answer(cursor: &mut Cursor, answer: &ChallengeAnswer) -> Vec<Node> {
    vec![
        cursor.bytes("authType", &answer.auth_type),
        cursor.bytes("userHandle", &answer.user),
        cursor.u32("userIndex", answer.index),
        cursor.sized_hex("signedResponse", &answer.signed_response),
    ]
}

fn verify(cursor: &mut Cursor, request: &VerifyRequest) -> Vec<Node> {
    vec![
        cursor.bytes("handle", &request.handle),
        cursor.u32("index", request.index),
        cursor.sized_hex("nonce", &request.nonce),
        digest(cursor, "requestDigest", &request.digest),
        cursor.sized_hex("signedResponse", &request.signed_response),
    ]
}

fn session_setup(cursor: &mut Cursor, setup: &SessionSetup) -> Vec<Node> {
    let mode = match setup.mode {
        1 => "client cipher",
        2 => "server cipher",
        3 => "key named by handle",
        _ => "Diffie–Hellman",
    };
    let mut fields = vec![
        cursor.fixed("mode", 2, setup.mode).note("modeName", mode),
        cursor.u32("timeout", setup.timeout),
        cursor.bytes("identity", &setup.identity),
        cursor.u32("identityIndex", setup.identity_index),
    ];
    match &setup.key {
        SessionSetupKey::Public(octets) => fields.push(match setup.public_key() {
            Some(key) => {
                cursor.0 += 4;
                super::data::public_key(cursor, "publicKey", &key)
            }
            None => cursor.sized_hex("publicKey", octets),
        }),
        SessionSetupKey::Named { handle, index } => {
            fields.extend([cursor.bytes("keyHandle", handle), cursor.u32("keyIndex", *index)]);
        }
        SessionSetupKey::Server => {}
    }
    fields
}

fn credential(cursor: &mut Cursor, field: &CredentialField) -> Node {
    cursor.fields("credential", |cursor| match field {
        CredentialField::Missing(octets) => {
            vec![cursor.said("state", "missing"), cursor.raw_hex("octets", octets)]
        }
        CredentialField::Empty => vec![cursor.fixed("state", 4, "empty")],
        CredentialField::Opaque(octets) => {
            vec![cursor.said("state", "opaque"), cursor.sized_hex("octets", octets)]
        }
        CredentialField::Signed(credential) => {
            let state = cursor.said("state", "signed");
            cursor.0 += 4;
            let mut fields = vec![
                state,
                cursor.fixed("version", 1, credential.version),
                cursor.fixed("reserved", 1, credential.reserved),
                cursor.fixed("flags", 2, credential.flags),
                cursor.bytes("signer", &credential.signer),
                cursor.u32("sessionCounter", credential.session_counter),
                cursor.bytes("type", &credential.kind),
            ];
            cursor.0 += 4;
            fields.push(cursor.bytes("algorithm", &credential.algorithm));
            fields.push(cursor.sized_hex("signature", &credential.signature));
            fields
        }
    })
}

/// A count and the values.
pub fn values(cursor: &mut Cursor, values: &[Value]) -> Node {
    cursor.items("values", values, value)
}

/// One value record.
pub fn value(cursor: &mut Cursor, value: &Value) -> Node {
    cursor.fields("value", |cursor| value_fields(cursor, value))
}

pub fn value_fields(cursor: &mut Cursor, value: &Value) -> Vec<Node> {
    let (ttl_type, ttl) = match value.ttl {
        Ttl::Relative(seconds) => ("relative", seconds),
        Ttl::Absolute(until) => ("absolute", until),
    };
    let head = vec![
        cursor.u32("index", value.index),
        cursor.u32("timestamp", value.timestamp).note("time", time(value.timestamp)),
        cursor.fixed("ttlType", 1, ttl_type),
        cursor.u32("ttl", ttl),
        cursor.fixed("permissions", 1, format!("{:04b}", value.permissions.0)),
        cursor.bytes("type", &value.kind),
    ];
    cursor.0 += 4;
    let tail = [
        data(cursor, "data", &value.kind, &value.data),
        cursor.items("references", &value.references, |cursor, one| cursor.reference("reference", one)),
    ];
    head.into_iter().chain(tail).collect()
}

/// Unix seconds as a date; nothing for 0.
fn time(seconds: u32) -> Json {
    match Timestamp::from_second(seconds.into()) {
        Ok(time) if seconds != 0 => time.to_string().into(),
        _ => Json::Null,
    }
}

/// The message with the data of every value decoded and encoded again, so that a flaw of either shows.
pub fn recomposed(message: &Message) -> Vec<u8> {
    let mut message = message.clone();
    if let Content::Plain(plain) = &mut message.content {
        match &mut plain.body {
            Body::Values { values, .. } | Body::Referral { values: Some(values), .. } => {
                values.iter_mut().for_each(reencode);
            }
            _ => {}
        }
    }
    message.to_bytes()
}

/// Decodes and encodes the data of a value.
pub fn reencode(value: &mut Value) {
    value.data = reencoded(&value.kind, &value.data);
}

/// Where the octets start that an error of decoding counts from: envelope, message or body.
pub fn error_base(frame: &[u8]) -> usize {
    use hufu_ident::systems::handle::wire::{ENVELOPE_OCTETS, HEADER_OCTETS};
    let mut reader = Reader::new(frame);
    match Envelope::decode(&mut reader) {
        Ok(envelope) if envelope.length as usize == reader.remaining() && !envelope.is(Envelope::COMPRESSED) => {}
        _ => return 0,
    }
    let mut reader = Reader::new(reader.rest());
    let rest = Header::decode(&mut reader)
        .and_then(|(_, length)| reader.take(length as usize, "body").map(|_| ()))
        .and_then(|()| CredentialField::decode(&mut reader));
    match rest.is_ok() && reader.remaining() == 0 {
        true => ENVELOPE_OCTETS + HEADER_OCTETS,
        false => ENVELOPE_OCTETS,
    }
}
