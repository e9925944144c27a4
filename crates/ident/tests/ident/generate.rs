//! Arbitrary values, keys, sites and messages of every operation, for the properties.

use hufu_ident::record::{Permissions, Reference, SelectionBuf, Ttl, Value};
use hufu_ident::systems::handle::wire::{
    Body, ChallengeAnswer, Content, Credential, CredentialField, DigestForm, Envelope, Header, Message, OpCode, Plain,
    RequestDigest, ResponseCode, SessionSetup, SessionSetupKey, VerifyRequest, Version, flag,
};
use hufu_ident::systems::handle::{
    AdminRecord, Attribute, Interface, KeyParts, Protocol, PublicKey, Server, Site, keys,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

pub fn octets() -> impl Strategy<Value = Vec<u8>> + Clone {
    vec(any::<u8>(), 0..20)
}

/// A name as an asker may spell it: any text.
pub fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,30}",
        "(0\\.NA|0\\.na|88\\.[0-9]{3}\\.[0-9]{1,5}|20\\.Test)/[a-zA-Z中é/:. ]{0,12}",
        "[a-zA-Z0-9.]{1,12}",
    ]
}

pub fn reference() -> impl Strategy<Value = Reference> {
    (octets(), any::<u32>()).prop_map(|(handle, index)| Reference { handle, index })
}

pub fn value() -> impl Strategy<Value = Value> {
    let ttl = prop_oneof![any::<u32>().prop_map(Ttl::Relative), any::<u32>().prop_map(Ttl::Absolute)];
    let kind = prop_oneof![octets(), Just(b"URL".to_vec()), Just(b"HS_SITE".to_vec())];
    (any::<u32>(), any::<u32>(), ttl, any::<u8>(), kind, octets(), vec(reference(), 0..3)).prop_map(
        |(index, timestamp, ttl, bits, kind, data, references)| Value {
            index,
            timestamp,
            ttl,
            permissions: Permissions(bits),
            kind,
            data,
            references,
        },
    )
}

/// Values with indexes of their own, in any order.
pub fn record() -> impl Strategy<Value = Vec<Value>> {
    let indexed = btree_map(any::<u32>(), value(), 0..8);
    let values =
        indexed.prop_map(|map| map.into_iter().map(|(index, value)| Value { index, ..value }).collect::<Vec<_>>());
    values.prop_shuffle()
}

pub fn selection() -> impl Strategy<Value = SelectionBuf> {
    let kind = prop_oneof![octets(), Just(b"url".to_vec()), Just(b"URL.".to_vec())];
    (vec(any::<u32>(), 0..5), vec(kind, 0..4)).prop_map(|(indexes, types)| SelectionBuf { indexes, types })
}

pub fn admin() -> impl Strategy<Value = AdminRecord> {
    (any::<u16>(), reference(), any::<bool>()).prop_map(|(permissions, admin, legacy_tail)| AdminRecord {
        permissions,
        admin,
        legacy_tail,
    })
}

pub fn public_key() -> impl Strategy<Value = PublicKey> {
    let four = || (octets(), octets(), octets(), octets());
    let parts = prop_oneof![
        (octets(), octets(), any::<bool>()).prop_map(|(e, n, tail)| (keys::RSA.to_vec(), KeyParts::Rsa { e, n, tail })),
        four().prop_map(|(q, p, g, y)| (keys::DSA.to_vec(), KeyParts::Dsa { q, p, g, y })),
        four().prop_map(|(y, p, g, _)| (keys::DH.to_vec(), KeyParts::Dh { y, p, g })),
        octets().prop_map(|key| (keys::SM2.to_vec(), KeyParts::Sm2(key))),
        (octets(), octets()).prop_map(|(kind, rest)| (kind, KeyParts::Other(rest))),
    ];
    (parts, any::<u16>()).prop_map(|((key_type, parts), flags)| PublicKey { key_type, flags, parts })
}

pub fn site() -> impl Strategy<Value = Site> {
    let attribute = (octets(), octets()).prop_map(|(name, value)| Attribute { name, value });
    // The format version is not 0, so that a bare record is never taken for one with its length in front.
    let head = (1..=u16::MAX, version(), any::<u16>(), any::<u8>(), any::<u8>(), octets());
    (head, vec(attribute, 0..3), vec(server(), 0..3)).prop_map(|(head, attributes, servers)| {
        let (format, version, serial, primary_mask, hash_option, hash_filter) = head;
        Site { format, version, serial, primary_mask, hash_option, hash_filter, attributes, servers }
    })
}

fn server() -> impl Strategy<Value = Server> {
    let protocol = prop_oneof![
        Just(Protocol::Udp),
        Just(Protocol::Tcp),
        Just(Protocol::Http),
        Just(Protocol::Https),
        (4u8..).prop_map(Protocol::Other),
    ];
    let interface = (any::<u8>(), protocol, any::<u32>()).prop_map(|(purpose, protocol, port)| Interface {
        purpose,
        protocol,
        port,
    });
    (any::<u32>(), any::<[u8; 16]>(), octets(), vec(interface, 0..4))
        .prop_map(|(id, address, public_key, interfaces)| Server { id, address, public_key, interfaces })
}

pub fn version() -> impl Strategy<Value = Version> {
    prop_oneof![
        6 => (0u8..=12).prop_map(|minor| Version::new(2, minor)),
        1 => Just(Version::new(5, 0)),
        1 => Just(Version::new(3, 0)),
        1 => any::<(u8, u8)>().prop_map(|(major, minor)| Version::new(major, minor)),
    ]
}

pub fn envelope() -> impl Strategy<Value = Envelope> {
    let suggested = (0u8..32, any::<u8>()).prop_map(|(major, minor)| Version::new(major, minor));
    (version(), any::<bool>(), suggested, any::<[u32; 3]>()).prop_map(|(version, truncated, suggested, ids)| {
        let flags = if truncated { Envelope::TRUNCATED } else { 0 };
        let [session_id, request_id, sequence] = ids;
        Envelope { version, flags, suggested, session_id, request_id, sequence, length: 0 }
    })
}

fn header(op: OpCode, response: ResponseCode) -> impl Strategy<Value = Header> {
    (any::<u32>(), any::<u16>(), any::<u8>(), any::<u8>(), any::<u32>()).prop_map(
        move |(flags, site_serial, hops, reserved, expiration)| Header {
            op,
            response,
            flags,
            site_serial,
            hops,
            reserved,
            expiration,
        },
    )
}

pub fn credential() -> impl Strategy<Value = CredentialField> {
    let signed = (any::<(u8, u8, u16, u32)>(), octets(), octets(), octets(), octets()).prop_map(
        |((version, reserved, flags, session_counter), signer, kind, algorithm, signature)| Credential {
            version,
            reserved,
            flags,
            signer,
            session_counter,
            kind,
            algorithm,
            signature,
        },
    );
    prop_oneof![
        Just(CredentialField::Empty),
        vec(any::<u8>(), 0..4).prop_map(CredentialField::Missing),
        // Shorter than the shortest credential, so that it cannot be one.
        vec(any::<u8>(), 1..20).prop_map(CredentialField::Opaque),
        signed.prop_map(CredentialField::Signed),
    ]
}

/// Requests of every operation with a body of its kind.
fn request() -> impl Strategy<Value = (OpCode, ResponseCode, Body)> {
    prop_oneof![
        3 => resolution_body(name().prop_map(String::into_bytes).boxed()).prop_map(|b| (OpCode::RESOLUTION, b)),
        1 => resolution_body(octets().boxed()).prop_map(|b| (OpCode::RESOLUTION, b)),
        3 => (one_of(&[100, 102, 104]), octets(), vec(value(), 0..4))
            .prop_map(|(op, handle, values)| (op, Body::Values { handle, values })),
        1 => (octets(), vec(any::<u32>(), 0..5))
            .prop_map(|(handle, indexes)| (OpCode::REMOVE_VALUE, Body::Indexes { handle, indexes })),
        3 => (one_of(&[2, 101, 105, 106, 300, 301, 302, 401]), octets()).prop_map(|(op, n)| (op, Body::Name(n))),
        1 => (octets(), octets(), any::<u32>(), octets()).prop_map(|(auth_type, user, index, signed_response)| {
            let answer = ChallengeAnswer { auth_type, user, index, signed_response };
            (OpCode::RESPONSE_TO_CHALLENGE, Body::ChallengeAnswer(answer))
        }),
        1 => (octets(), any::<u32>(), octets(), digest(), octets()).prop_map(
            |(handle, index, nonce, digest, signed_response)| {
                let request = VerifyRequest { handle, index, nonce, digest, signed_response };
                (OpCode::VERIFY_CHALLENGE, Body::Verify(request))
            }
        ),
        2 => session_setup().prop_map(|setup| (OpCode::SESSION_SETUP, Body::SessionSetup(setup))),
        1 => octets().prop_map(|key| (OpCode::SESSION_EXCHANGEKEY, Body::ExchangeKey(key))),
        1 => (octets(), any::<u32>())
            .prop_map(|(user, index)| (OpCode::LOGIN_ID_SYSTEM, Body::Login { user, index })),
        1 => (one_of(&[0, 3, 1000, 1001, 1002, 1003, 2000, u32::MAX]), octets())
            .prop_map(|(op, octets)| (op, Body::Opaque(octets))),
    ]
    .prop_map(|(op, body)| (op, ResponseCode::REQUEST, body))
}

fn resolution_body(handle: BoxedStrategy<Vec<u8>>) -> impl Strategy<Value = Body> {
    (handle, selection()).prop_map(|(handle, selection)| Body::Resolve { handle, selection })
}

fn session_setup() -> impl Strategy<Value = SessionSetup> {
    let key = prop_oneof![
        (one_of(&[1, 4]), octets()).prop_map(|(mode, key)| (mode.0 as u16, SessionSetupKey::Public(key))),
        (octets(), any::<u32>()).prop_map(|(handle, index)| (3, SessionSetupKey::Named { handle, index })),
        Just((2, SessionSetupKey::Server)),
    ];
    (key, any::<u32>(), octets(), any::<u32>()).prop_map(|((mode, key), timeout, identity, identity_index)| {
        SessionSetup { mode, timeout, identity, identity_index, key }
    })
}

/// Answers: successes of every operation, referrals, challenges and errors of every other code.
fn answer() -> impl Strategy<Value = (OpCode, ResponseCode, Body)> {
    let any_op = || prop_oneof![one_of(&[1, 2, 100, 105, 201, 400, 401, 2001]), any::<u32>().prop_map(OpCode)];
    let referral = (any_op(), one_of(&[302, 303]), octets(), option::of(vec(value(), 0..3)))
        .prop_map(|(op, code, handle, values)| (op, ResponseCode(code.0), Body::Referral { handle, values }));
    let challenge = (any_op(), octets(), option::of(octets()))
        .prop_map(|(op, nonce, digest)| (op, ResponseCode::AUTHENTICATION_NEEDED, Body::Challenge { nonce, digest }));
    let error = prop_oneof![
        Just((None, None)),
        octets().prop_map(|message| (Some(message), None)),
        (octets(), vec(any::<u32>(), 0..4)).prop_map(|(message, indexes)| (Some(message), Some(indexes))),
    ];
    let code = (2..700u32).prop_filter("not an error", |code| !matches!(code, 302 | 303 | 402));
    let error = (any_op(), code, error)
        .prop_map(|(op, code, (message, indexes))| (op, ResponseCode(code), Body::Error { message, indexes }));
    let success = success().prop_map(|(op, body)| (op, ResponseCode::SUCCESS, body));
    prop_oneof![4 => success, 1 => referral, 1 => challenge, 2 => error]
}

fn success() -> impl Strategy<Value = (OpCode, Body)> {
    prop_oneof![
        3 => (octets(), vec(value(), 0..4))
            .prop_map(|(handle, values)| (OpCode::RESOLUTION, Body::Values { handle, values })),
        1 => site().prop_map(|site| (OpCode::GET_SITE_INFO, Body::Site(Box::new(site)))),
        1 => site().prop_map(|site| (OpCode::GET_SITE_INFO, Body::SizedSite(Box::new(site)))),
        1 => octets().prop_map(|name| (OpCode::CREATE_HANDLE, Body::Name(name))),
        2 => (one_of(&[105, 106, 302]), vec(octets(), 0..5)).prop_map(|(op, names)| (op, Body::Names(names))),
        1 => any::<u8>().prop_map(|verdict| (OpCode::VERIFY_CHALLENGE, Body::Verified(verdict))),
        1 => (any::<u16>(), octets())
            .prop_map(|(mode, data)| (OpCode::SESSION_SETUP, Body::SessionAnswer { mode, data })),
        2 => one_of(&[100, 101, 102, 103, 104, 200, 300, 301, 401, 402, 2001, 9]).prop_map(|op| (op, Body::Empty)),
        1 => (one_of(&[101, 200, 1000, 2001, 77]), vec(any::<u8>(), 1..20))
            .prop_map(|(op, octets)| (op, Body::Opaque(octets))),
    ]
}

fn one_of(ops: &'static [u32]) -> impl Strategy<Value = OpCode> + Clone {
    proptest::sample::select(ops).prop_map(OpCode)
}

fn digest() -> impl Strategy<Value = RequestDigest> {
    let raw = |form, length: usize| vec(any::<u8>(), length).prop_map(move |digest| RequestDigest { form, digest });
    prop_oneof![
        raw(DigestForm::Md5, 16),
        raw(DigestForm::Sha1, 20),
        raw(DigestForm::Sha256, 32),
        octets().prop_map(|digest| RequestDigest { form: DigestForm::Plain, digest }),
    ]
}

/// Any message that the layout can express, requests and answers of every operation, code and version.
pub fn message() -> impl Strategy<Value = Message> {
    let sealed = (envelope(), octets()).prop_map(|(envelope, octets)| {
        let flags = envelope.flags | Envelope::ENCRYPTED;
        measured(Message { envelope: Envelope { flags, ..envelope }, content: Content::Sealed(octets) })
    });
    prop_oneof![9 => plain_message(prop_oneof![request(), answer()].boxed()), 1 => sealed]
}

/// Any resolution request, its name in UTF-8 or not.
pub fn resolution_request() -> impl Strategy<Value = Message> {
    let body = prop_oneof![
        4 => resolution_body(name().prop_map(String::into_bytes).boxed()),
        1 => resolution_body(octets().boxed()),
    ];
    plain_message(body.prop_map(|body| (OpCode::RESOLUTION, ResponseCode::REQUEST, body)).boxed())
}

fn plain_message(kind: BoxedStrategy<(OpCode, ResponseCode, Body)>) -> impl Strategy<Value = Message> {
    let with_header = kind.prop_flat_map(|(op, response, body)| (header(op, response), Just(body)));
    (envelope(), with_header, option::of(digest()), octets(), credential()).prop_map(
        |(envelope, (header, body), digest, trailing, credential)| {
            let plain = Plain { header, digest, body, trailing, credential };
            let content = Content::Plain(Box::new(expressible(&envelope, plain)));
            measured(Message { envelope, content })
        },
    )
}

/// Takes away what the layout has no room for in this combination of version, flags and code.
fn expressible(envelope: &Envelope, mut plain: Plain) -> Plain {
    let oldest = !envelope.version.at_least(2, 1);
    if plain.header.response == ResponseCode::PREFIX_REFERRAL && !envelope.version.at_least(2, 5) {
        plain.body = Body::error("an old peer knows no prefix referral");
    }
    if let Body::Challenge { digest, .. } = &mut plain.body {
        *digest = oldest.then(|| digest.take().unwrap_or_default());
    }
    let open_end = match &plain.body {
        Body::Empty | Body::Opaque(_) | Body::SizedSite(_) => true,
        Body::Error { indexes, .. } => indexes.is_none(),
        Body::Referral { values, .. } => values.is_none(),
        _ => false,
    };
    if open_end {
        plain.trailing.clear();
    }
    let separate = matches!(plain.body, Body::Challenge { .. }) && oldest;
    if plain.header.is_request() || separate {
        plain.digest = None;
    } else {
        plain.header.flags &= !flag::RRDG;
        plain.header.flags |= plain.digest.as_ref().map_or(0, |_| flag::RRDG);
    }
    plain
}

/// The message with its envelope's length as it will be composed.
fn measured(mut message: Message) -> Message {
    message.envelope.length = (message.to_bytes().len() - 20) as u32;
    message
}
