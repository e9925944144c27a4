//! Answers of the reference implementation, recorded, played to the client.
//!
//! The recording lies outside this repository; `HUFU_SHARED` says where, else a folder next to it is looked at.

use std::path::PathBuf;

use hufu_client::{Identity, ResolveOptions};
use hufu_ident::SelectionBuf;
use hufu_ident::systems::handle::wire::{Content, Message, OpCode, ResponseCode};
use serde_json::Value as Json;

use crate::fake::Fake;

/// Name, request and response.
type Pair = (String, Vec<u8>, Vec<u8>);

fn pairs() -> Option<Vec<Pair>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let folder = std::env::var("HUFU_SHARED").unwrap_or_else(|_| beside.into());
    let text = std::fs::read_to_string(PathBuf::from(folder).join("vectors/handle/live-tcp.json")).ok()?;
    let all: Vec<Json> = serde_json::from_str(&text).unwrap();
    let octets = |name: &str| {
        let found = all.iter().find(|vector| vector["name"] == name)?;
        hex::decode(found["hex"].as_str()?).ok()
    };
    let names = all.iter().filter_map(|vector| vector["name"].as_str()?.strip_suffix(".request"));
    let pair =
        |name: &str| Some((name.to_owned(), octets(&format!("{name}.request"))?, octets(&format!("{name}.response"))?));
    Some(names.filter_map(pair).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_answers_are_understood() {
    let Some(pairs) = pairs() else {
        println!("skipped: no recording found");
        return;
    };
    for (name, request, response) in pairs {
        let request = Message::decode(&request).unwrap();
        let op = request.plain().unwrap().header.op;
        let answer = Message::decode(&response).unwrap();
        let code = answer.plain().unwrap().header.response;
        let server = Fake::answering(move |request| {
            let mut answer = answer.clone();
            answer.envelope.request_id = request.envelope.request_id;
            vec![answer]
        })
        .await;
        let client = server.client().with_identity(Identity::read("301:0.NA/20.500.TEST", b"x").unwrap());
        let outcome = match (op, code) {
            // The digest is not that of what we sent.
            (_, ResponseCode::AUTHENTICATION_NEEDED) => {
                let error = client.delete("20.500.TEST/abc").await.unwrap_err();
                assert_eq!(error.kind(), hufu_client::ErrorKind::Untrusted, "{name}: {error}");
                continue;
            }
            (OpCode::RESOLUTION, _) => {
                let options = ResolveOptions::default();
                client.resolve("20.500.TEST/abc", &SelectionBuf::default(), options).await.map(drop)
            }
            (OpCode::GET_SITE_INFO, _) => client.site_info().await.map(drop),
            _ => client.delete("20.500.TEST/abc").await.map(drop),
        };
        match outcome {
            Ok(()) => assert_eq!(code, ResponseCode::SUCCESS, "{name}"),
            Err(error) => assert_eq!(error.code(), Some(code), "{name}: {error}"),
        }
    }
}

/// What the digest of a challenge covers, by the reference's own word.
#[test]
fn recorded_challenges_hold_the_digest_of_their_request() {
    let challenges = pairs().unwrap_or_default();
    for (name, request, response) in challenges {
        let Message { envelope, content: Content::Plain(challenge) } = Message::decode(&response).unwrap() else {
            continue;
        };
        if challenge.header.response != ResponseCode::AUTHENTICATION_NEEDED {
            continue;
        }
        let mut signed_part = Vec::new();
        Message::decode(&request).unwrap().plain().unwrap().compose_signed_part(&mut signed_part);
        let expected = hufu_ident::systems::handle::proof::request_digest(envelope.version, &signed_part);
        assert_eq!(challenge.digest, Some(expected), "{name}");
    }
}
