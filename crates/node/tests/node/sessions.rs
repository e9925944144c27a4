//! Whoever proved who they are once need not do it again: logins bound to a connection (op 2001) and sessions with a
//! shared key (mode 4).

use crate::{Alone, admin, url};
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use hufu_ident::systems::handle::proof::hmac_sha256;
use hufu_ident::systems::handle::wire::{
    Body, Content, Credential, CredentialField, Envelope, Message, OpCode, Plain, Reader, SessionSetup,
    SessionSetupKey, flag,
};
use hufu_ident::systems::handle::{KeyParts, PublicKey};
use hufu_ident::{Reference, SelectionBuf, Value};
use hufu_testkit::block_on;
use hufu_testkit::talk::{self, Talk, Who, code, is_challenge, plain_mut, question, request, text, with_values};
use rsa::BigUint;

const ADMIN: &str = "301:0.NA/88.118.8";
/// RFC 3526 §3, 2048 bits.
const GROUP_14: &str = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A0879\
8E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A89\
9FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB\
9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2B\
CBF6955817183995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF";

fn create(name: &str) -> Message {
    with_values(OpCode::CREATE_HANDLE, flag::DEFAULT_QUERY, name, vec![url(1, "https://a.example"), admin(100, ADMIN)])
}

// Logins.

/// Op 2001 as the clients of the Chinese system send it: no credential, not even its length.
fn login_request(who: &str, session: u32) -> Message {
    let who = Reference::parse(who).unwrap();
    let body = Body::Login { user: who.handle, index: who.index };
    let mut login = request(OpCode::LOGIN_ID_SYSTEM, flag::RECU | flag::RRDG, body);
    plain_mut(&mut login).credential = CredentialField::Missing(Vec::new());
    in_session(login, session)
}

fn in_session(mut message: Message, session: u32) -> Message {
    message.envelope.session_id = session;
    message
}

/// The whole dance; the last answer.
fn log_in(talk: &mut Talk, who: &Who, session: u32) -> Message {
    let site = talk.ask(&in_session(talk::with_name(OpCode::GET_SITE_INFO, "/"), session));
    assert_eq!((code(&site), site.envelope.session_id), (1, session));
    let challenge = talk.ask(&login_request(&who.name.to_string(), session));
    assert!(is_challenge(&challenge), "a login is always challenged");
    let plain = challenge.plain().unwrap();
    assert_eq!(plain.header.op, OpCode::LOGIN_ID_SYSTEM);
    assert!(plain.header.has(flag::RRDG) && plain.digest.as_ref().is_some_and(|digest| digest.digest.len() == 32));
    talk.ask(&who.prove(&challenge))
}

#[test]
fn a_login_lasts_as_long_as_its_connection_and_no_further() {
    let alone = Alone::start();
    let who = Who::secret(ADMIN, alone.node.secret());
    let mut talk = Talk::connect(alone.node.handle());
    let done = log_in(&mut talk, &who, 10_001);
    assert_eq!((code(&done), done.plain().unwrap().header.op), (1, OpCode::LOGIN_ID_SYSTEM));
    for number in 0..3 {
        let answer = talk.ask(&in_session(create(&format!("88.118.8/{number}")), 10_001));
        assert_eq!((code(&answer), answer.envelope.session_id), (1, 10_001), "{}", text(&answer));
    }
    // The number means nothing on another connection, nor does another number on this one.
    let mut stranger = Talk::connect(alone.node.handle());
    assert_eq!(code(&stranger.ask(&in_session(create("88.118.8/x"), 10_001))), 500);
    assert_eq!(code(&talk.ask(&in_session(create("88.118.8/x"), 10_002))), 500);
    // Without the number it is an ordinary request.
    assert!(is_challenge(&talk.ask(&create("88.118.8/x"))));
    drop(talk);
    let mut again = Talk::connect(alone.node.handle());
    assert_eq!(code(&again.ask(&in_session(create("88.118.8/x"), 10_001))), 500);
    assert_eq!(code(&again.ask(&question("88.118.8/x"))), 100, "nothing of that was done");
}

#[test]
fn a_login_needs_the_right_secret() {
    let alone = Alone::start();
    let mut talk = Talk::connect(alone.node.handle());
    for (who, secret) in [(ADMIN, "wrong"), ("302:0.NA/88.118.8", alone.node.secret()), ("301:0.NA/77", "x")] {
        let done = log_in(&mut talk, &Who::secret(who, secret), 10_001);
        assert_eq!(code(&done), 403, "{who}");
        assert_eq!(code(&talk.ask(&in_session(create("88.118.8/x"), 10_001))), 500, "{who}");
    }
    // A challenge is used once only.
    let who = Who::secret(ADMIN, alone.node.secret());
    let challenge = talk.ask(&login_request(ADMIN, 10_001));
    let proof = who.prove(&challenge);
    assert_eq!(code(&talk.ask(&proof)), 1);
    assert_eq!(code(&talk.ask(&proof)), 405);
}

#[test]
fn a_login_gives_no_more_rights_than_its_identity_has() {
    let alone = Alone::start();
    let secret = Value::new(302, "HS_SECKEY", "of-a-clerk").with_permissions(0x0C);
    block_on(alone.node.admin_client().create("88.118.8/clerk", vec![secret], false)).unwrap();
    let mut talk = Talk::connect(alone.node.handle());
    assert_eq!(code(&log_in(&mut talk, &Who::secret("302:88.118.8/clerk", "of-a-clerk"), 10_001)), 1);
    assert_eq!(code(&talk.ask(&in_session(create("88.118.8/x"), 10_001))), 400);
    let private = talk::resolution("88.118.8/clerk", flag::RECU, SelectionBuf::default());
    assert_eq!(code(&talk.ask(&in_session(private, 10_001))), 400);
    assert_eq!(code(&talk.ask(&in_session(question("88.118.8/clerk"), 10_001))), 200, "a secret is not public");
}

#[test]
fn the_sdk_logs_in() {
    let alone = Alone::start();
    let connection = block_on(alone.node.admin_client().login()).unwrap();
    block_on(connection.create("88.118.8/by-login", vec![url(1, "x")], false)).unwrap();
    let impostor = alone.node.client().with_identity(hufu_client::Identity::read(ADMIN, b"wrong").unwrap());
    assert!(block_on(impostor.login()).is_err());
}

// Sessions.

/// The client's side of a session.
struct Session {
    id: u32,
    key: Vec<u8>,
    counter: u32,
}

/// The client's secret number; any will do.
fn secret() -> BigUint {
    BigUint::from_bytes_be(&[0xA5; 40])
}

fn modulus() -> BigUint {
    BigUint::from_bytes_be(&hex::decode(GROUP_14).unwrap())
}

/// A set-up of mode 4 for an identity, or for nobody.
pub fn set_up_request(identity: Option<&str>) -> Message {
    let y = BigUint::from(2u8).modpow(&secret(), &modulus());
    set_up_with(identity, PublicKey::dh(&y.to_bytes_be(), &modulus().to_bytes_be(), &[2]))
}

fn set_up_with(identity: Option<&str>, key: PublicKey) -> Message {
    let named = identity.map(|name| Reference::parse(name).unwrap());
    let setup = SessionSetup {
        mode: 4,
        timeout: 60,
        identity: named.as_ref().map(|named| named.handle.clone()).unwrap_or_default(),
        identity_index: named.map_or(u32::MAX, |named| named.index),
        key: SessionSetupKey::Public(key.to_bytes()),
    };
    let mut message = request(OpCode::SESSION_SETUP, flag::DEFAULT_QUERY | flag::CERT, Body::SessionSetup(setup));
    plain_mut(&mut message).trailing = vec![0, 0];
    message
}

impl Session {
    fn set_up(talk: &mut Talk, identity: Option<&str>) -> Self {
        let answer = talk.ask(&set_up_request(identity));
        let plain = answer.plain().unwrap();
        assert_eq!(code(&answer), 1, "{}", text(&answer));
        assert!(matches!(&plain.credential, CredentialField::Signed(signed) if signed.kind == b"HS_SIGNED"));
        let Body::SessionAnswer { mode: 4, data } = &plain.body else { panic!("{plain:?}") };
        assert_eq!(plain.trailing, [0, 0]);
        let mut reader = Reader::new(data);
        assert_eq!(reader.u32("algorithm").unwrap(), 3, "AES");
        let KeyParts::Dh { y, .. } = PublicKey::decode(reader.rest()).unwrap().parts else { panic!("no DH key") };
        let shared = BigUint::from_bytes_be(&y).modpow(&secret(), &modulus()).to_bytes_be();
        Session { id: answer.envelope.session_id, key: shared[..32].to_vec(), counter: 0 }
    }

    /// A request in the session, with its MAC and the next counter.
    fn sign(&mut self, message: Message) -> Message {
        self.counter += 1;
        self.sign_as(message, self.counter)
    }

    fn sign_as(&self, message: Message, counter: u32) -> Message {
        let mut message = in_session(message, self.id);
        let mut octets = Vec::new();
        message.plain().unwrap().compose_signed_part(&mut octets);
        let signed = Credential::signed_octets(&message.envelope, counter, &octets).unwrap();
        let mac = hmac_sha256(&self.key, &[&signed]);
        plain_mut(&mut message).credential =
            CredentialField::Signed(Credential::new("HS_MAC", "HMAC-SHA256", counter, mac));
        message
    }

    fn seal(&self, message: &Message) -> Message {
        let mut octets = Vec::new();
        message.plain().unwrap().compose(&mut octets);
        let (key, iv) = (<[u8; 16]>::try_from(&self.key[..16]).unwrap(), [7; 16]);
        let mut sealed = iv.to_vec();
        sealed.extend(
            cbc::Encryptor::<aes::Aes128>::new(&key.into(), &iv.into()).encrypt_padded_vec_mut::<Pkcs7>(&octets),
        );
        let envelope = Envelope { flags: Envelope::ENCRYPTED, ..message.envelope };
        Message { envelope, content: Content::Sealed(sealed) }
    }

    /// What a sealed answer says.
    fn open(&self, message: &Message) -> Message {
        let Content::Sealed(sealed) = &message.content else { panic!("not sealed: {message:?}") };
        let (iv, ciphertext) = sealed.split_at(16);
        let (key, iv) = (<[u8; 16]>::try_from(&self.key[..16]).unwrap(), <[u8; 16]>::try_from(iv).unwrap());
        let opened =
            cbc::Decryptor::<aes::Aes128>::new(&key.into(), &iv.into()).decrypt_padded_vec_mut::<Pkcs7>(ciphertext);
        let plain = Plain::decode(&message.envelope, &opened.expect("the session's key")).unwrap();
        Message { content: Content::Plain(Box::new(plain)), ..message.clone() }
    }

    /// The first change, with the challenge that it draws.
    fn authenticate(&mut self, talk: &mut Talk, who: &Who) -> Message {
        let challenge = talk.ask(&self.sign(create("88.118.8/first")));
        assert!(is_challenge(&challenge), "the first change is challenged: {}", code(&challenge));
        assert_eq!(challenge.envelope.session_id, self.id, "the challenge is the session's");
        talk.ask(&who.prove(&challenge))
    }
}

#[test]
fn a_session_is_challenged_once_and_then_trusted_by_its_mac() {
    let alone = Alone::start();
    let who = Who::secret(ADMIN, alone.node.secret());
    let mut talk = Talk::connect(alone.node.handle());
    let mut session = Session::set_up(&mut talk, Some(ADMIN));
    assert_eq!(code(&session.authenticate(&mut talk, &who)), 1);
    let second = session.sign(create("88.118.8/second"));
    assert_eq!(code(&talk.ask(&second)), 1);
    // The same counter again, whatever it says.
    assert_eq!(code(&talk.ask(&second)), 505);
    assert_eq!(code(&talk.ask(&session.sign_as(create("88.118.8/third"), session.counter))), 505);
    // No MAC, a wrong MAC.
    let bare = talk.ask(&in_session(create("88.118.8/third"), session.id));
    assert_eq!((code(&bare), text(&bare).as_str()), (404, "Session request missing MAC code."));
    let mut forged = session.sign(create("88.118.8/third"));
    let Body::Values { handle, .. } = &mut plain_mut(&mut forged).body else { panic!("no values") };
    handle[9] = b'T';
    let answer = talk.ask(&forged);
    assert_eq!((code(&answer), text(&answer).as_str()), (502, "Session authentication failed."));
    // A session is not bound to its connection.
    let mut other = Talk::connect(alone.node.handle());
    assert_eq!(code(&other.ask(&session.sign(create("88.118.8/third")))), 1);
    // Answers are MACed on request.
    let flags = flag::DEFAULT_QUERY | flag::CERT;
    let answer = talk.ask(&session.sign(talk::resolution("88.118.8/third", flags, SelectionBuf::default())));
    let CredentialField::Signed(credential) = &answer.plain().unwrap().credential else { panic!("{answer:?}") };
    assert_eq!(credential.kind, b"HS_MAC");
    // The end.
    let mut end = talk::with_name(OpCode::SESSION_TERMINATE, "/");
    end.envelope.session_id = session.id;
    assert_ne!(code(&talk.ask(&end)), 1, "an end without a MAC");
    assert_eq!(code(&talk.ask(&session.sign(talk::with_name(OpCode::SESSION_TERMINATE, "/")))), 1);
    assert_eq!(code(&talk.ask(&session.sign(create("88.118.8/fourth")))), 500);
    assert_eq!(code(&talk.ask(&question("88.118.8/fourth"))), 100);
}

#[test]
fn requests_challenged_at_once_in_a_session_are_each_answered() {
    let alone = Alone::start();
    let who = Who::secret(ADMIN, alone.node.secret());
    let mut talk = Talk::connect(alone.node.handle());
    let mut session = Session::set_up(&mut talk, Some(ADMIN));
    let challenges = ["88.118.8/one", "88.118.8/two"].map(|name| talk.ask(&session.sign(create(name))));
    for challenge in &challenges {
        assert!(is_challenge(challenge), "{}", code(challenge));
        assert_eq!(code(&talk.ask(&who.prove(challenge))), 1);
        assert_eq!(code(&talk.ask(&question("88.118.8/one"))), 1);
    }
    assert_eq!(code(&talk.ask(&question("88.118.8/two"))), 1);
    assert_eq!(code(&talk.ask(&who.prove(&challenges[0]))), 405, "each proof counts once");
}

#[test]
fn a_session_is_authenticated_only_as_whom_it_names() {
    let alone = Alone::start();
    let admin = Who::secret(ADMIN, alone.node.secret());
    let mut talk = Talk::connect(alone.node.handle());
    // Set up for somebody else, and for nobody: each change is challenged.
    for named in [Some("300:0.NA/88.118.8"), None] {
        let mut session = Session::set_up(&mut talk, named);
        let done = session.authenticate(&mut talk, &admin);
        assert!([1, 101].contains(&code(&done)), "{named:?}: {}", code(&done));
        let next = talk.ask(&session.sign(talk::with_name(OpCode::DELETE_HANDLE, "88.118.8/first")));
        assert!(is_challenge(&next), "{named:?}: RC {}", code(&next));
        assert_eq!(code(&talk.ask(&admin.prove(&next))), 1, "{named:?}");
    }
    let mut session = Session::set_up(&mut talk, Some(ADMIN));
    assert_eq!(code(&session.authenticate(&mut talk, &Who::secret(ADMIN, "wrong"))), 403);
    assert!(is_challenge(&talk.ask(&session.sign(create("88.118.8/x")))), "a wrong proof authenticates nobody");
}

#[test]
fn sessions_encrypt_what_they_are_asked_to() {
    let alone = Alone::start();
    let who = Who::secret(ADMIN, alone.node.secret());
    let hidden = Value::new(7, "TORQUE", "forty-two").with_permissions(0x0C);
    block_on(alone.node.admin_client().create("88.118.8/engine", vec![hidden, url(1, "x")], false)).unwrap();
    let mut talk = Talk::connect(alone.node.handle());
    let mut session = Session::set_up(&mut talk, Some(ADMIN));
    assert_eq!(code(&session.authenticate(&mut talk, &who)), 1);
    let private = || talk::resolution("88.118.8/engine", flag::RECU, SelectionBuf::default());

    // A sealed request has a sealed answer.
    let sealed = session.sign(private());
    let sealed = session.seal(&sealed);
    let answer = talk.ask(&sealed);
    assert_eq!(answer.envelope.request_id, sealed.envelope.request_id);
    assert!(!answer.to_bytes().windows(9).any(|octets| octets == b"forty-two"));
    assert_eq!(talk::values(&session.open(&answer)).len(), 2);
    // So has one with the flag.
    let flagged = talk::resolution("88.118.8/engine", flag::RECU | flag::ENCR, SelectionBuf::default());
    let answer = talk.ask(&session.sign(flagged));
    assert_eq!(talk::values(&session.open(&answer)).len(), 2);

    // Ciphertext without a session, of an unknown one, and broken.
    let no_session = Message { envelope: Envelope { session_id: 0, ..sealed.envelope }, ..sealed.clone() };
    assert_eq!(code(&talk.ask(&no_session)), 501);
    let unknown = Message { envelope: Envelope { session_id: 987_654, ..sealed.envelope }, ..sealed.clone() };
    assert_eq!(code(&talk.ask(&unknown)), 500);
    let broken = Message { content: Content::Sealed(vec![1; 48]), ..sealed };
    let answer = talk.ask(&broken);
    assert_eq!(code(&answer), 501);
}

#[test]
fn values_that_are_not_public_are_sealed_in_a_session_without_being_asked() {
    let alone = Alone::start();
    let who = Who::secret(ADMIN, alone.node.secret());
    let hidden = Value::new(7, "TORQUE", "forty-two").with_permissions(0x0C);
    block_on(alone.node.admin_client().create("88.118.8/engine", vec![hidden], false)).unwrap();
    let mut talk = Talk::connect(alone.node.handle());
    let mut session = Session::set_up(&mut talk, Some(ADMIN));
    assert_eq!(code(&session.authenticate(&mut talk, &who)), 1);
    let private = session.sign(talk::resolution("88.118.8/engine", flag::RECU, SelectionBuf::default()));
    let answer = talk.ask(&private);
    assert!(matches!(answer.content, Content::Sealed(_)), "handle.md 12.3: encrypted automatically");
}

#[test]
fn in_a_session_whoever_asks_for_all_values_is_asked_who_they_are() {
    let alone = Alone::start();
    let who = Who::secret(ADMIN, alone.node.secret());
    block_on(alone.node.admin_client().create("88.118.8/open", vec![url(1, "x"), admin(100, ADMIN)], false)).unwrap();
    let all = || talk::resolution("88.118.8/open", flag::RECU, SelectionBuf::default());
    let mut talk = Talk::connect(alone.node.handle());
    assert_eq!(code(&talk.ask(&all())), 1, "all values are public, and there is no session");
    let mut session = Session::set_up(&mut talk, Some(ADMIN));
    let challenge = talk.ask(&session.sign(all()));
    assert!(is_challenge(&challenge), "RC {}", code(&challenge));
    assert_eq!(code(&talk.ask(&who.prove(&challenge))), 1);
    assert_eq!(code(&talk.ask(&session.sign(question("88.118.8/open")))), 1, "public values need nobody");
}

#[test]
fn weak_and_unknown_set_ups_are_refused() {
    let alone = Alone::start();
    let mut talk = Talk::connect(alone.node.handle());
    let small = PublicKey::dh(&[8], &[23], &[5]);
    assert_eq!(code(&talk.ask(&set_up_with(None, small))), 501);
    let degenerate = PublicKey::dh(&[1], &modulus().to_bytes_be(), &[2]);
    assert_eq!(code(&talk.ask(&set_up_with(None, degenerate))), 501);
    let exchange = request(OpCode::SESSION_EXCHANGEKEY, flag::DEFAULT_QUERY, Body::ExchangeKey(vec![1; 16]));
    assert_eq!(code(&talk.ask(&exchange)), 501);
    assert_eq!(code(&talk.ask(&in_session(create("88.118.8/x"), 4242))), 500);
}
