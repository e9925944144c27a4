//! Operations of a client: challenges, refusals, listings, referrals.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hufu_client::{ErrorKind, Identity, ResolveOptions};
use hufu_ident::systems::handle::proof::{self, Legacy, request_digest};
use hufu_ident::systems::handle::wire::{
    Body, ChallengeAnswer, Content, Message, OWN_VERSION, OpCode, ResponseCode, flag,
};
use hufu_ident::{SelectionBuf, Value};
use rsa::RsaPrivateKey;

use crate::fake::{Fake, Request};

const NAME: &str = "301:0.NA/88.118.8";
const SECRET: &[u8] = b"a secret";
const NONCE: [u8; 16] = [7; 16];

fn identity() -> Identity {
    Identity::read(NAME, SECRET).unwrap()
}

/// The op 200 that a request is.
fn proof_of(request: &Request) -> &ChallengeAnswer {
    match &request.plain.body {
        Body::ChallengeAnswer(answer) => answer,
        other => panic!("no challenge answer: {other:?}"),
    }
}

/// Challenges the first request of each pair and lets `judge` answer the proof that follows, told the digest of the
/// first. Each message comes on whatever connection the client likes.
async fn challenging(judge: impl Fn(&Request, OpCode, &[u8]) -> Vec<Message> + Send + Sync + 'static) -> Fake {
    let pending = Mutex::new(None::<(OpCode, Vec<u8>)>);
    Fake::answering(move |request| {
        let mut pending = pending.lock().unwrap();
        if request.op() != OpCode::RESPONSE_TO_CHALLENGE {
            let part = request.signed_part();
            *pending = Some((request.op(), request_digest(OWN_VERSION, &part).digest));
            return vec![request.challenge(3, &NONCE, &part)];
        }
        assert_eq!(request.envelope.session_id, 3);
        let (op, digest) = pending.take().unwrap();
        judge(request, op, &digest)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_proves_an_identity() {
    let server = challenging(|request, op, digest| {
        let answer = proof_of(request);
        assert_eq!((answer.auth_type.as_slice(), answer.index), (&b"HS_SECKEY"[..], 301));
        assert_eq!(answer.user, b"0.NA/88.118.8");
        let right = proof::verify_secret(SECRET, &NONCE, digest, &answer.signed_response, Legacy::Refuse);
        assert!(right);
        assert!(request.plain.header.has(flag::OVRW), "flags of the request are repeated");
        let mut done = request.answer_as(op, ResponseCode::SUCCESS, Body::Name(b"88.118.8/x".to_vec()));
        if let Content::Plain(plain) = &mut done.content {
            plain.header.flags |= flag::OVRW;
        }
        vec![done]
    })
    .await;
    let client = server.client().with_identity(identity());
    let values = vec![Value::new(1, "URL", "https://example.org/")];
    assert!(client.create("88.118.8/x", values, true).await.unwrap().overwritten);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_proves_an_identity() {
    let key = RsaPrivateKey::new(&mut rand::thread_rng(), 1024).unwrap();
    let public = proof::public_key_of(&key);
    let server = challenging(move |request, op, digest| {
        let answer = proof_of(request);
        assert_eq!(answer.auth_type, b"HS_PUBKEY");
        let right = proof::verify_key(&public, &NONCE, digest, &answer.signed_response, Legacy::Refuse);
        let code = if right { ResponseCode::SUCCESS } else { ResponseCode::AUTHENTICATION_FAILED };
        vec![request.answer_as(op, code, Body::Empty)]
    })
    .await;
    let proof = hufu_client::Proof::Rsa(Box::new(key));
    let identity = Identity { name: identity().name, proof };
    let client = server.client().with_identity(identity);
    client.remove("88.118.8/x", &[1, 2]).await.unwrap();
    client.modify("88.118.8/x", vec![Value::new(1, "URL", "x")]).await.unwrap();
    client.add("88.118.8/x", vec![Value::new(2, "URL", "x")], false).await.unwrap();
    client.delete("88.118.8/x").await.unwrap();
    client.home("88.118.8").await.unwrap();
    client.unhome("0.NA/88.118.8").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_proved_about_what_was_not_sent() {
    let seen = Arc::new(AtomicUsize::new(0));
    for (nonce, digested) in [(&NONCE[..], &b"another request"[..]), (&[7; 3], b""), (&[7; 500], b"")] {
        let counted = Arc::clone(&seen);
        let server = Fake::answering(move |request| {
            counted.fetch_add(1, Ordering::SeqCst);
            let digested = if digested.is_empty() { request.signed_part() } else { digested.to_vec() };
            vec![request.challenge(1, nonce, &digested)]
        })
        .await;
        let error = server.client().with_identity(identity()).delete("88.118.8/x").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Untrusted, "{error}");
    }
    assert_eq!(seen.load(Ordering::SeqCst), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_challenges_are_answered_and_no_third() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    let server = Fake::answering(move |request| {
        counted.fetch_add(1, Ordering::SeqCst);
        vec![request.challenge(1, &NONCE, &request.signed_part())]
    })
    .await;
    let error = server.client().with_identity(identity()).delete("88.118.8/x").await.unwrap_err();
    assert_eq!(error.code(), Some(ResponseCode::AUTHENTICATION_NEEDED));
    assert_eq!(seen.load(Ordering::SeqCst), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_carry_code_and_words() {
    let server = Fake::answering(|request| match request.op() {
        OpCode::RESOLUTION => {
            vec![request.answer(ResponseCode::HANDLE_NOT_FOUND, Body::error("no such thing"))]
        }
        _ => vec![request.challenge(1, &NONCE, &request.signed_part())],
    })
    .await;
    let client = server.client();
    let error = client.resolve("88.1/x", &SelectionBuf::default(), ResolveOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused(ResponseCode::HANDLE_NOT_FOUND));
    assert_eq!(error.to_string(), "refused: 100 HANDLE_NOT_FOUND: no such thing");
    let error = client.delete("88.1/x").await.unwrap_err();
    assert_eq!(error.to_string(), "refused: 402 AUTHENTICATION_NEEDED: this needs an identity");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_become_flags_and_marks_come_back() {
    let server = Fake::answering(|request| {
        assert_eq!(request.plain.header.flags, flag::AUTH | flag::CACR | flag::DNRF | flag::TRACE);
        let mut answer = request.echo();
        if let Content::Plain(plain) = &mut answer.content {
            plain.header.flags |= flag::STALE;
            plain.trailing = b"[]".to_vec();
        }
        vec![answer]
    })
    .await;
    let options =
        ResolveOptions { authoritative: true, public_only: false, do_not_refer: true, recursion: false, trace: true };
    let found = server.client().resolve("88.1/x", &SelectionBuf::default(), options).await.unwrap();
    assert!(found.stale && found.authoritative);
    assert_eq!(found.trailing, b"[]");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_is_returned() {
    let server = Fake::answering(|request| {
        let values = Some(vec![Value::new(3, "HS_SERV", "0.SERV/88")]);
        vec![request.answer(ResponseCode::PREFIX_REFERRAL, Body::Referral { handle: Vec::new(), values })]
    })
    .await;
    let client = server.client();
    let found = client.resolve("0.NA/88.1", &SelectionBuf::default(), ResolveOptions::default()).await.unwrap();
    assert_eq!((found.code, found.referred_to), (ResponseCode::PREFIX_REFERRAL, None));
    assert!(found.values[0].is_kind("HS_SERV"));
    let error = client.delete("0.NA/88.1").await.unwrap_err();
    assert_eq!(error.code(), Some(ResponseCode::PREFIX_REFERRAL));
}

fn names(request: &Request, names: Vec<String>, more: bool) -> Message {
    let names = names.into_iter().map(String::into_bytes).collect();
    let mut message = request.answer_as(OpCode::LIST_HANDLES, ResponseCode::SUCCESS, Body::Names(names));
    if let Content::Plain(plain) = &mut message.content {
        plain.header.flags |= if more { flag::CONT } else { 0 };
    }
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_comes_in_batches() {
    let server = challenging(|request, _, _| {
        let batch = |number| (0..50).map(|name| format!("88.118.8/{}", number * 50 + name)).collect();
        (0..100).map(|number| names(request, batch(number), number < 99)).collect()
    })
    .await;
    let client = server.client().with_identity(identity());
    let mut listing = client.list("88.118.8").await.unwrap();
    assert_eq!(listing.next().await.unwrap().unwrap().len(), 50);
    let rest = listing.collect().await.unwrap();
    assert_eq!((rest.len(), rest[4949].as_str()), (4950, "88.118.8/4999"));
    // A listing that nobody goes on with stands in nobody's way.
    let _listing = client.list("88.118.8").await.unwrap();
    assert_eq!(client.list_homed().await.unwrap().collect().await.unwrap().len(), 5000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_stops_is_an_error() {
    let server = Fake::answering(|request| vec![names(request, vec!["A".into()], true)]).await;
    let client = server.client().with_deadline(Duration::from_millis(200));
    let mut listing = client.list("88.118.8").await.unwrap();
    assert_eq!(listing.next().await.unwrap().unwrap(), ["A"]);
    assert_eq!(listing.next().await.unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(listing.next().await.unwrap(), None);
}
