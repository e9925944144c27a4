//! A connection that is proved once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hufu_client::{Endpoint, ErrorKind, Identity, LoggedIn, Operation};
use hufu_ident::Value;
use hufu_ident::systems::handle::Site;
use hufu_ident::systems::handle::proof::{Legacy, request_digest, verify_secret};
use hufu_ident::systems::handle::wire::{Body, CredentialField, OWN_VERSION, OpCode, ResponseCode};

use crate::fake::{Connection, Fake, Request};

const SECRET: &[u8] = b"a secret";
const NONCE: [u8; 16] = [9; 16];

fn identity() -> Identity {
    Identity::read("301:0.NA/88.118.8", SECRET).unwrap()
}

fn success(request: &Request) -> hufu_ident::systems::handle::wire::Message {
    request.answer(ResponseCode::SUCCESS, Body::Empty)
}

/// Plays the server's side of the login; the session id.
async fn log_in(connection: &mut Connection) -> u32 {
    let question = connection.receive().await.unwrap();
    let session = question.envelope.session_id;
    assert_eq!((question.op(), question.name().as_str()), (OpCode::GET_SITE_INFO, "/"));
    assert!(session > 10_000);
    let site = Body::Site(Box::new(Site::new(1, Vec::new())));
    connection.send(&question.answer(ResponseCode::SUCCESS, site)).await;

    let login = connection.receive().await.unwrap();
    assert_eq!((login.op(), login.envelope.session_id), (OpCode::LOGIN_ID_SYSTEM, session));
    assert_eq!(login.plain.header.flags, 0x1080_0000);
    assert_eq!(login.plain.credential, CredentialField::Missing(Vec::new()));
    assert_eq!(login.plain.body, Body::Login { user: b"0.NA/88.118.8".to_vec(), index: 301 });
    assert_eq!(login.frame.len(), 20 + 24 + 4 + 13 + 4);
    connection.send(&login.challenge(77, &NONCE, &login.signed_part())).await;

    let answer = connection.receive().await.unwrap();
    assert_eq!((answer.op(), answer.envelope.session_id), (OpCode::RESPONSE_TO_CHALLENGE, 77));
    let Body::ChallengeAnswer(proof) = &answer.plain.body else { panic!("no proof") };
    let digest = request_digest(OWN_VERSION, &login.signed_part()).digest;
    assert!(verify_secret(SECRET, &NONCE, &digest, &proof.signed_response, Legacy::Refuse));
    connection.send(&answer.answer_as(OpCode::LOGIN_ID_SYSTEM, ResponseCode::SUCCESS, Body::Empty)).await;
    session
}

async fn create_many(connection: &LoggedIn, count: usize) {
    let one = |number| {
        let connection = connection.clone();
        tokio::spawn(async move {
            let values = vec![Value::new(1, "URL", "https://example.org/")];
            connection.create(&format!("88.118.8/{number}"), values, false).await
        })
    };
    for task in (0..count).map(one).collect::<Vec<_>>() {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_changes_follow_one_proof() {
    let most = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&most);
    let server = Fake::start(move |mut connection| {
        let seen = Arc::clone(&seen);
        async move {
            let session = log_in(&mut connection).await;
            let mut waiting = Vec::new();
            // Holds back as much as the client sends, then answers backwards.
            loop {
                let next = connection.receive();
                match tokio::time::timeout(std::time::Duration::from_millis(100), next).await {
                    Ok(Some(request)) => {
                        assert_eq!(request.envelope.session_id, session);
                        assert_eq!(request.plain.credential, CredentialField::Empty);
                        waiting.push(request);
                    }
                    Ok(None) => return,
                    Err(_) => {
                        seen.fetch_max(waiting.len(), Ordering::SeqCst);
                        while let Some(request) = waiting.pop() {
                            connection.send(&success(&request)).await;
                        }
                    }
                }
            }
        }
    })
    .await;
    let client = server.client().with_identity(identity());
    let connection = client.login().await.unwrap();
    create_many(&connection, 2000).await;
    assert_eq!(most.load(Ordering::SeqCst), 512);
    connection.send(Operation::delete("88.118.8/1")).await.unwrap();
    assert_eq!(server.connections(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_concerns_its_own_request() {
    let server = Fake::start(|mut connection| async move {
        log_in(&mut connection).await;
        while let Some(request) = connection.receive().await {
            let exists = request.answer(ResponseCode::HANDLE_ALREADY_EXISTS, Body::error(""));
            let answer = if request.name().ends_with("/1") { exists } else { success(&request) };
            connection.send(&answer).await;
            if request.name().ends_with("/2") {
                return;
            }
        }
    })
    .await;
    let connection = server.client().with_identity(identity()).login().await.unwrap();
    let refused = connection.create("88.118.8/1", Vec::new(), false).await.unwrap_err();
    assert_eq!(refused.code(), Some(ResponseCode::HANDLE_ALREADY_EXISTS));
    connection.create("88.118.8/2", Vec::new(), false).await.unwrap();
    let ended = connection.create("88.118.8/3", Vec::new(), false).await.unwrap_err();
    assert_eq!(ended.kind(), ErrorKind::Closed);
    while !connection.is_closed() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_login_is_recognised() {
    for code in [ResponseCode::SESSION_TIMEOUT, ResponseCode::OPERATION_NOT_SUPPORTED] {
        let server = Fake::answering(move |request| vec![request.answer(code, Body::error("what?"))]).await;
        let error = server.client().with_identity(identity()).login().await.err().unwrap();
        assert_eq!(error.code(), Some(code));
        assert!(error.to_string().contains("no login (op 2001)"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_by_challenge_tcp_and_identity() {
    let server = Fake::answering(|request| {
        let site = Body::Site(Box::new(Site::new(1, Vec::new())));
        let body = if request.op() == OpCode::GET_SITE_INFO { site } else { Body::Empty };
        vec![request.answer(ResponseCode::SUCCESS, body)]
    })
    .await;
    let error = server.client().with_identity(identity()).login().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Untrusted, "{error}");
    assert_eq!(server.client().login().await.err().unwrap().kind(), ErrorKind::Invalid);
    let by_udp = hufu_client::Client::new(Endpoint::udp(server.address)).with_identity(identity());
    assert_eq!(by_udp.login().await.err().unwrap().kind(), ErrorKind::Unsupported);
}
