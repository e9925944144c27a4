//! Peers of other versions of the protocol are answered in theirs.

use crate::{Alone, url};
use hufu_ident::systems::handle::wire::{Body, DigestForm, Message, OWN_VERSION, OpCode, Version, flag};
use hufu_ident::{SelectionBuf, Value};
use hufu_testkit::block_on;
use hufu_testkit::talk::{self, Talk, Who, code, is_challenge, question};

const NAME: &str = "88.118.8/engine";

fn node() -> Alone {
    let alone = Alone::start();
    let hidden = Value::new(7, "TORQUE", "42").with_permissions(0x0C);
    block_on(alone.node.admin_client().create(NAME, vec![url(1, "https://works.example/"), hidden], false)).unwrap();
    alone
}

fn spoken(mut message: Message, version: Version, suggested: Version) -> Message {
    message.envelope.version = version;
    message.envelope.suggested = suggested;
    message
}

#[test]
fn an_answer_is_of_the_lower_of_both_versions() {
    let alone = node();
    let v = Version::new;
    let cases = [
        (v(2, 1), v(2, 1), v(2, 1)),
        (v(2, 3), v(2, 3), v(2, 3)),
        (v(2, 5), v(2, 5), v(2, 5)),
        (v(2, 10), v(2, 10), v(2, 10)),
        (v(2, 10), v(2, 11), v(2, 11)),
        (v(2, 11), v(2, 11), v(2, 11)),
        (v(2, 11), v(2, 12), v(2, 11)),
        (v(3, 0), v(3, 0), v(2, 11)),
        // Nothing suggested: the message's own version.
        (v(2, 4), v(0, 0), v(2, 4)),
        (v(2, 11), v(0, 0), v(2, 11)),
        // Reserved bits of the suggestion, as DO-IRP reads them.
        (v(2, 11), v(31, 7), v(2, 11)),
        (v(2, 0), v(2, 0), v(2, 0)),
        (v(5, 0), v(1, 0), v(5, 0)),
    ];
    let mut talk = Talk::connect(alone.node.handle());
    for (version, suggested, expected) in cases {
        // Simple questions take the short way, those with a digest the long one.
        for flags in [flag::DEFAULT_QUERY, flag::DEFAULT_QUERY | flag::RRDG] {
            let asked = spoken(talk::resolution(NAME, flags, SelectionBuf::default()), version, suggested);
            let answer = talk.ask(&asked);
            assert_eq!(code(&answer), 1, "{version} suggesting {suggested}");
            assert_eq!(answer.envelope.version, expected, "{version} suggesting {suggested}");
            assert_eq!(answer.envelope.suggested, OWN_VERSION, "{version} suggesting {suggested}");
            assert_eq!(talk::values(&answer).len(), 1, "{version} suggesting {suggested}");
        }
    }
}

#[test]
fn digests_are_of_the_version() {
    let alone = node();
    let mut talk = Talk::connect(alone.node.handle());
    let forms = [
        ((2, 1), DigestForm::Sha1),
        ((2, 6), DigestForm::Sha1),
        ((2, 7), DigestForm::Sha256),
        ((2, 11), DigestForm::Sha256),
    ];
    for ((major, minor), form) in forms {
        let version = Version::new(major, minor);
        let flags = flag::DEFAULT_QUERY | flag::RRDG;
        let answer = talk.ask(&spoken(talk::resolution(NAME, flags, SelectionBuf::default()), version, version));
        let digest = answer.plain().unwrap().digest.clone().expect("a digest");
        assert_eq!(digest.form, form, "{version}");
        let asked = spoken(talk::with_name(OpCode::DELETE_HANDLE, NAME), version, version);
        let challenge = talk.ask(&asked);
        assert!(is_challenge(&challenge), "{version}");
        assert_eq!(challenge.plain().unwrap().digest.clone().expect("a digest").form, form, "{version}");
    }
    let oldest = spoken(talk::with_name(OpCode::DELETE_HANDLE, NAME), Version::new(2, 0), Version::new(2, 0));
    let challenge = talk.ask(&oldest);
    let Body::Challenge { nonce, digest: Some(digest) } = &challenge.plain().unwrap().body else {
        panic!("{challenge:?}")
    };
    assert_eq!((nonce.len(), digest.len()), (16, 16));
}

#[test]
fn proofs_by_old_hashes_are_accepted_only_if_the_operator_says_so() {
    for legacy in [false, true] {
        let mut alone = Alone::lay_out(&["88.118.8"]);
        alone.node.config.administration.legacy_clients = legacy;
        alone.node.start();
        let who = Who::secret("301:0.NA/88.118.8", alone.node.secret());
        for (major, minor, modern) in [(2, 0, false), (2, 3, false), (2, 7, true), (2, 10, true), (2, 11, true)] {
            let version = Version::new(major, minor);
            let name = format!("88.118.8/v{major}-{minor}");
            let create = talk::with_values(OpCode::CREATE_HANDLE, flag::DEFAULT_QUERY, &name, vec![url(1, "x")]);
            let answer = Talk::connect(alone.node.handle()).ask_as(&spoken(create, version, version), &who);
            let expected = if modern || legacy { 1 } else { 403 };
            assert_eq!(code(&answer), expected, "{version}, legacy clients {legacy}");
            assert_eq!(answer.envelope.version, version);
        }
    }
}

#[test]
fn codes_are_those_that_an_old_peer_knows() {
    let alone = node();
    let who = Who::secret("301:0.NA/88.118.8", alone.node.secret());
    let add =
        |version| spoken(talk::with_values(OpCode::ADD_VALUE, flag::DEFAULT_QUERY, NAME, vec![]), version, version);
    let mut talk = Talk::connect(alone.node.handle());
    assert_eq!(code(&talk.ask_as(&add(Version::new(2, 11)), &who)), 202);
    assert_eq!(code(&talk.ask_as(&add(Version::new(2, 5)), &who)), 202);
    assert_eq!(code(&talk.ask_as(&add(Version::new(2, 4)), &who)), 201);
}

#[test]
fn answers_are_signed_on_request_except_where_nobody_could_check() {
    use hufu_ident::systems::handle::wire::CredentialField;
    let alone = node();
    let mut talk = Talk::connect(alone.node.handle());
    for (minor, signed) in [(1, true), (4, true), (5, false), (6, false), (7, true), (10, true), (11, true)] {
        let version = Version::new(2, minor);
        let flags = flag::DEFAULT_QUERY | flag::CERT;
        let answer = talk.ask(&spoken(talk::resolution(NAME, flags, SelectionBuf::default()), version, version));
        let found = matches!(answer.plain().unwrap().credential, CredentialField::Signed(_));
        assert_eq!(found, signed, "{version}");
    }
    let answer = talk.ask(&question(NAME));
    assert_eq!(answer.plain().unwrap().credential, CredentialField::Empty);
}

#[test]
fn octets_behind_the_fields_of_a_question_are_ignored() {
    let alone = node();
    let mut talk = Talk::connect(alone.node.handle());
    for trailing in [&[0, 0, 0, 0][..], b"\0\0\0\x05token", b"?"] {
        let mut asked = question(NAME);
        talk::plain_mut(&mut asked).trailing = trailing.to_vec();
        talk::plain_mut(&mut asked).header.flags |= flag::RECU_AUTH;
        let answer = talk.ask(&asked);
        assert_eq!((code(&answer), talk::values(&answer).len()), (1, 1), "{trailing:?}");
    }
    // A message that ends after its body, without the length of a credential.
    let mut bare = question(NAME).to_bytes();
    bare.truncate(bare.len() - 4);
    let length = (bare.len() - 20) as u32;
    bare[16..20].copy_from_slice(&length.to_be_bytes());
    assert_eq!(code(&talk.send(&bare).message()), 1);
    // Its time has passed: served all the same.
    let mut late = question(NAME);
    talk::plain_mut(&mut late).header.expiration = 1;
    assert_eq!(code(&talk.ask(&late)), 1);
}
