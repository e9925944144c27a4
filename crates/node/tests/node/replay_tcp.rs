//! The exchanges recorded from the reference server, said again to a node that is set up like it, field by field.
//!
//! Left out of the comparison: nonces, expirations, timestamps, and signatures, which are checked instead. Where the
//! node differs on purpose, [`DIFFERENCES`] says in what and why.

use crate::{Alone, admin, url};
use hufu_ident::systems::handle::PublicKey;
use hufu_ident::systems::handle::proof::{HashName, Legacy, verify_signature};
use hufu_ident::systems::handle::wire::{Body, Content, Credential, CredentialField, Message, flag};
use hufu_ident::{Value, systems::handle::Site};
use hufu_testkit::talk::{Proof, Talk, Who, code, is_challenge, plain_mut};
use hufu_testkit::{NodeProcess, block_on, recordings};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Scenario, the fields that differ, and why.
const DIFFERENCES: [(&str, &[&str], &str); 4] = [
    ("resolve_version_5.0", &["version"], "an answer is labelled as the request; the reference says 1.0"),
    (
        "unknown_opcode",
        &["version", "request id", "op", "response", "flags", "serial", "body"],
        "RC 5 with the request's id",
    ),
    ("session_setup", &["body"], "another text; client ciphers fail with RC 501 in the reference as well"),
    ("site_info", &["body"], "the key and the ports are the node's own"),
];

/// Every scenario of the recordings; a new one must be looked at before it is added here.
const SCENARIOS: [&str; 19] = [
    "add_dup",
    "create_again",
    "create_bad_seckey",
    "delete",
    "list_nas",
    "modify_missing",
    "remove_missing",
    "resolve_certified",
    "resolve_index7_publiconly",
    "resolve_index_or_type",
    "resolve_upper",
    "resolve_version_2.1",
    "resolve_version_2.10",
    "resolve_version_2.5",
    "resolve_version_5.0",
    "resolve_wrong_prefix",
    "session_setup",
    "site_info",
    "unknown_opcode",
];

const PREFIXES: [&str; 4] = ["0.NA", "20", "20.500", "20.500.TEST"];
const USER: &str = "0.NA/20.500.TEST";
const SECRET: &str = "secret123";

/// A node like the recorded server, with user 300's public key and user 301's secret.
pub fn recorded_server() -> Option<(Alone, Who)> {
    let values = recordings::shared("handle/values.json")?;
    let key = recordings::octets(&values, "privkey.rsa.unencrypted_file");
    let identity = hufu_client::Identity::read_key(&format!("300:{USER}"), &key, None).expect("a private key");
    let hufu_client::Proof::Rsa(key) = identity.proof else { panic!("no RSA key") };
    let mut alone = Alone::lay_out(&PREFIXES);
    let node = &mut alone.node;
    node.config.name = "Test site".into();
    node.config.handle.listen.truncate(1);
    node.config.http.listen.truncate(1);
    let pem = rsa::pkcs8::EncodePublicKey::to_public_key_pem(&key.to_public_key(), Default::default());
    std::fs::write(node.home().join("user.pem"), pem.expect("PEM")).expect("a key file");
    node.config.administration.public_key_file = Some("user.pem".into());
    Some((alone, Who { name: identity.name, proof: Proof::Key(key) }))
}

/// What the recordings imply: `abc` with two values that the public cannot read, and `sk`.
fn fill(node: &NodeProcess) {
    let user = hufu_client::Identity::read(&format!("301:{USER}"), SECRET.as_bytes()).unwrap();
    let client = node.client().with_identity(user);
    let hidden = |index| url(index, "https://example.com/hidden").with_permissions(0x0C);
    let owner = || admin(100, &format!("300:{USER}"));
    let abc =
        vec![url(1, "https://example.com/a"), Value::new(2, "EMAIL", "a@example.com"), hidden(7), hidden(8), owner()];
    block_on(client.create("20.500.TEST/abc", abc, false)).unwrap();
    block_on(client.create("20.500.TEST/sk", vec![owner()], false)).unwrap();
}

/// `x.request` and `x.response` and so on, by scenario.
fn by_scenario(entries: &[Json]) -> BTreeMap<String, BTreeMap<String, Vec<u8>>> {
    let mut all: BTreeMap<String, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    for entry in entries {
        let name = recordings::text(entry, "name");
        let end = [".answer.request", ".answer.response", ".request", ".response"]
            .into_iter()
            .find(|end| name.ends_with(end));
        let end = end.unwrap_or_else(|| panic!("{name} has no known end"));
        let scenario = name.trim_end_matches(end).to_owned();
        let octets = hex::decode(recordings::text(entry, "hex")).unwrap();
        all.entry(scenario).or_default().insert(end.trim_start_matches('.').to_owned(), octets);
    }
    all
}

#[test]
fn the_node_answers_as_the_recorded_server() {
    let Some(entries) = recordings::shared("handle/live-tcp.json") else { return };
    let Some((alone, user)) = recorded_server() else { return };
    let mut alone = Alone { node: alone.node.with_secret(SECRET), ..alone };
    fill(alone.node.start());
    let scenarios = by_scenario(&entries);
    let names: Vec<&str> = scenarios.keys().map(String::as_str).collect();
    assert_eq!(names, SCENARIOS);
    let mut wrong = Vec::new();
    for (name, parts) in &scenarios {
        let found = replay(&alone.node, name, parts, &user);
        let expected =
            DIFFERENCES.iter().find(|(scenario, ..)| scenario == name).map_or(&[][..], |(_, fields, _)| fields);
        let fields: Vec<&str> = found.iter().map(|(field, _)| *field).collect();
        if fields != expected {
            wrong.push(format!("{name}: {found:#?}, expected to differ in {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

type Difference = (&'static str, String);

/// Says a recorded request, answers the challenge where the recording does, and compares both answers.
fn replay(node: &NodeProcess, name: &str, parts: &BTreeMap<String, Vec<u8>>, user: &Who) -> Vec<Difference> {
    let recorded = |part: &str| Message::decode(&parts[part]).unwrap_or_else(|error| panic!("{name}.{part}: {error}"));
    let mut talk = Talk::connect(node.handle());
    let answer = talk.send(&parts["request"]).message();
    let mut found = differences(&recorded("response"), &answer);
    check_signature(node, &answer, name);
    if parts.contains_key("answer.request") {
        assert!(is_challenge(&answer), "{name}: RC {}", code(&answer));
        let proof = prove(&answer, recorded("answer.request"), user, name == "create_bad_seckey");
        let last = talk.ask(&proof);
        found.extend(differences(&recorded("answer.response"), &last));
    }
    found
}

/// The recorded answer to a challenge, with the proof computed anew for ours.
fn prove(challenge: &Message, mut recorded: Message, user: &Who, wrong: bool) -> Message {
    let stranger = Who::secret(&format!("301:{USER}"), "not the secret");
    let mut fresh = if wrong { stranger.prove(challenge) } else { user.prove(challenge) };
    let Body::ChallengeAnswer(proof) = plain_mut(&mut fresh).body.clone() else { panic!("no answer to a challenge") };
    recorded.envelope.session_id = challenge.envelope.session_id;
    let Body::ChallengeAnswer(old) = &mut plain_mut(&mut recorded).body else { panic!("no answer to a challenge") };
    assert_eq!((&old.auth_type, &old.user, old.index), (&proof.auth_type, &proof.user, proof.index));
    old.signed_response = proof.signed_response;
    recorded
}

/// The fields in which `ours` is not `theirs`.
fn differences(theirs: &Message, ours: &Message) -> Vec<Difference> {
    let (old, new) = (theirs.envelope, ours.envelope);
    let (Content::Plain(before), Content::Plain(after)) = (&theirs.content, &ours.content) else { panic!("sealed") };
    let mut found = Vec::new();
    let mut compare = |field, old: String, new: String| {
        if old != new {
            found.push((field, format!("{old} became {new}")));
        }
    };
    compare("version", old.version.to_string(), new.version.to_string());
    compare("suggested", old.suggested.to_string(), new.suggested.to_string());
    compare("envelope flags", old.flags.to_string(), new.flags.to_string());
    // A challenge and a session have an id; which one is the server's choice.
    compare("session", (old.session_id > 0).to_string(), (new.session_id > 0).to_string());
    compare("request id", old.request_id.to_string(), new.request_id.to_string());
    compare("sequence", old.sequence.to_string(), new.sequence.to_string());
    let same_length = matches!(before.body, Body::Error { .. }) || old.length == new.length;
    compare("length", "as recorded".into(), if same_length { "as recorded".into() } else { new.length.to_string() });
    compare("op", format!("{:?}", before.header.op), format!("{:?}", after.header.op));
    compare("response", before.header.response.to_string(), after.header.response.to_string());
    compare("flags", format!("{:08x}", before.header.flags), format!("{:08x}", after.header.flags));
    compare("serial", before.header.site_serial.to_string(), after.header.site_serial.to_string());
    compare("hops", before.header.hops.to_string(), after.header.hops.to_string());
    // The request is the same, so is its digest.
    compare("digest", format!("{:?}", before.digest), format!("{:?}", after.digest));
    compare("body", comparable(&before.body), comparable(&after.body));
    compare("trailing", hex::encode(&before.trailing), hex::encode(&after.trailing));
    compare("credential", signature_kind(&before.credential), signature_kind(&after.credential));
    found
}

/// A body as text, without what is new each time.
fn comparable(body: &Body) -> String {
    match body.clone() {
        Body::Challenge { nonce, digest } => format!("a nonce of {} octets and {digest:?}", nonce.len()),
        Body::Values { handle, mut values } => {
            values.iter_mut().for_each(|value| value.timestamp = 0);
            format!("{} {values:?}", String::from_utf8_lossy(&handle))
        }
        Body::Error { message: Some(message), .. } => String::from_utf8_lossy(&message).into_owned(),
        other => format!("{other:?}"),
    }
}

fn signature_kind(field: &CredentialField) -> String {
    match field {
        CredentialField::Signed(credential) => {
            let Credential { kind, algorithm, session_counter, .. } = credential;
            format!("{} {} {session_counter}", String::from_utf8_lossy(kind), String::from_utf8_lossy(algorithm))
        }
        other => format!("{other:?}"),
    }
}

/// A signed answer verifies with the key in the server's site record.
fn check_signature(node: &NodeProcess, answer: &Message, name: &str) {
    let plain = answer.plain().unwrap();
    let CredentialField::Signed(credential) = &plain.credential else {
        assert!(!plain.header.has(flag::CERT), "{name}: a signature was asked for");
        return;
    };
    let mut octets = Vec::new();
    plain.compose_signed_part(&mut octets);
    let signed = Credential::signed_octets(&answer.envelope, credential.session_counter, &octets).unwrap();
    let site = block_on(node.client().site_info()).unwrap();
    let key = PublicKey::decode(&site.servers[0].public_key).unwrap();
    assert!(verify_signature(&key, HashName::Sha256, &[&signed], &credential.signature, Legacy::Refuse), "{name}");
}

#[test]
fn the_site_record_is_built_as_the_recorded_one() {
    let Some(entries) = recordings::shared("handle/live-tcp.json") else { return };
    let Some((mut alone, _)) = recorded_server() else { return };
    let recorded = Message::decode(&recordings::octets(&entries, "site_info.response")).unwrap();
    let Body::Site(theirs) = &recorded.plain().unwrap().body else { panic!("no site") };
    let ours = block_on(alone.node.start().client().site_info()).unwrap();
    let shape = |site: &Site| {
        let server = &site.servers[0];
        let purposes: BTreeMap<_, _> =
            server.interfaces.iter().map(|interface| (interface.protocol.name(), interface.purpose)).collect();
        let key = PublicKey::decode(&server.public_key).unwrap();
        let head = (site.format, site.version, site.serial, site.primary_mask, site.hash_option);
        let rest = (site.attributes.clone(), site.servers.len(), server.id, server.address);
        format!("{head:?} {rest:?} {:?} {} {purposes:?}", key.key_type, server.public_key.len())
    };
    assert_eq!(shape(&ours), shape(theirs));
    assert_eq!(u32::from(alone.node.handle().port()), ours.servers[0].interfaces[0].port);
}
