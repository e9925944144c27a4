//! Who asks over HTTP: passwords, challenges and sessions over TLS, and nothing of that over plain HTTP.

use crate::{Alone, admin, url};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hufu_ident::Value;
use hufu_ident::systems::handle::kind;
use hufu_ident::systems::handle::proof::{HashName, Legacy, hmac_sha256, public_key_of, sign_rsa, verify_signature};
use hufu_testkit::web::{Answer, basic};
use hufu_testkit::{Web, block_on, keys};
use hyper::Method;

const ADMIN: &str = "301:0.NA/88.118.8";
const PATH: &str = "/api/handles/88.118.8/it";
const BODY: &[u8] = br#"[{"index":1,"type":"URL","data":"https://changed.example/"}]"#;
const JSON: (&str, &str) = ("content-type", "application/json");

/// A node with TLS; its clerk has an RSA key and may change `it`.
fn node() -> Alone {
    let alone = Alone::lay_out(&["88.118.8"]);
    let mut alone = Alone { node: alone.node.with_tls(), ..alone };
    alone.node.start();
    let key = Value::new(300, kind::PUBKEY, public_key_of(keys::server_key()).to_bytes());
    let client = alone.node.admin_client();
    block_on(client.create("88.118.8/clerk", vec![key], false)).unwrap();
    let it = vec![url(1, "x"), admin(100, ADMIN), admin(101, "300:88.118.8/clerk")];
    block_on(client.create("88.118.8/it", it, false)).unwrap();
    alone
}

fn put(web: Web, authorization: &str) -> Answer {
    web.send(Method::PUT, &format!("{PATH}?index=1"), &[JSON, ("authorization", authorization)], BODY)
}

/// A field of a `WWW-Authenticate` header.
fn field(header: &str, name: &str) -> String {
    let start = header.find(&format!("{name}=\"")).unwrap_or_else(|| panic!("no {name} in {header}"));
    header[start + name.len() + 2..].split('"').next().unwrap().to_owned()
}

/// A session and its nonce, from the challenge to a request without proof.
fn challenged(web: Web, authorization: Option<&str>) -> (String, Vec<u8>, String) {
    let headers: Vec<(&str, &str)> =
        authorization.map(|said| ("authorization", said)).into_iter().chain([JSON]).collect();
    let answer = web.send(Method::PUT, &format!("{PATH}?index=1"), &headers, BODY);
    assert_eq!((answer.status, &answer.json()["responseCode"]), (401, &402.into()));
    let header = answer.header("www-authenticate").expect("a challenge").to_owned();
    let nonce = BASE64.decode(field(&header, "nonce")).unwrap();
    (field(&header, "sessionId"), nonce, header)
}

#[test]
fn a_password_counts_over_tls_only() {
    let alone = node();
    let (tls, plain) = (Web::tls(alone.node.http()), Web::plain(alone.node.http()));
    let right = basic(ADMIN, alone.node.secret());
    assert_eq!(put(tls, &right).status, 200);
    let wrong = put(tls, &basic(ADMIN, "wrong"));
    assert_eq!((wrong.status, wrong.body.len()), (401, 0));
    assert!(wrong.header("www-authenticate").unwrap().contains("error=\"Identity not verified\""));
    let refused = put(plain, &right);
    assert_eq!((refused.status, &refused.json()["responseCode"]), (403, &402.into()));
    // A password is right and its owner has no right.
    let secret = Value::new(302, kind::SECKEY, "of-a-guest").with_permissions(0x0C);
    block_on(alone.node.admin_client().create("88.118.8/guest", vec![secret], false)).unwrap();
    let guest = basic("302:88.118.8/guest", "of-a-guest");
    let guest = tls.send(Method::DELETE, PATH, &[("authorization", &guest)], b"");
    assert_eq!((guest.status, &guest.json()["responseCode"]), (403, &400.into()));
}

#[test]
fn a_challenge_is_answered_by_key_or_by_secret() {
    let alone = node();
    let tls = Web::tls(alone.node.http());
    let (session, nonce, header) = challenged(tls, Some("Handle version=\"0\""));
    assert!(!header.contains("Basic"), "{header}");
    let client_nonce = b"sixteen octets!!";
    let signature = BASE64.encode(
        sign_rsa(&mut rand::rngs::OsRng, keys::server_key(), HashName::Sha256, &[&nonce[..], client_nonce]).unwrap(),
    );
    let proof = |session: &str, signature: &str| {
        let cnonce = BASE64.encode(client_nonce);
        format!(
            "Handle sessionId=\"{session}\", id=\"300:88.118.8/clerk\", type=\"HS_PUBKEY\", cnonce=\"{cnonce}\", \
             alg=\"SHA256\", signature=\"{signature}\""
        )
    };
    assert_eq!(put(tls, &proof("no-such-session", &signature)).status, 401);
    assert_eq!(put(tls, &proof(&session, &BASE64.encode([1; 256]))).status, 401);
    assert_eq!(put(tls, &proof(&session, &signature)).status, 200);
    // From then on the session's id is enough.
    let by_id = format!("Handle version=\"0\", sessionId=\"{session}\"");
    assert_eq!(put(tls, &by_id).status, 200);
    let ended = tls.send(Method::DELETE, "/api/sessions/this", &[("authorization", &by_id)], b"");
    assert_eq!(ended.status, 204);
    assert_eq!(put(tls, &by_id).status, 401);

    let (session, nonce, header) = challenged(tls, None);
    assert!(header.starts_with("Basic realm=\"handle\", Handle "), "{header}");
    for (secret, status) in [("wrong", 401), (alone.node.secret(), 200)] {
        let mac = BASE64.encode(hmac_sha256(secret.as_bytes(), &[&nonce, client_nonce]));
        let cnonce = BASE64.encode(client_nonce);
        let authorization = format!(
            "Handle sessionId=\"{session}\", id=\"{ADMIN}\", type=\"HS_SECKEY\", cnonce=\"{cnonce}\", \
             alg=\"HMAC-SHA256\", signature=\"{mac}\""
        );
        assert_eq!(put(tls, &authorization).status, status, "{secret}");
    }
}

#[test]
fn a_session_is_a_resource_and_the_server_proves_itself() {
    let alone = node();
    let tls = Web::tls(alone.node.http());
    let cnonce = BASE64.encode(b"client nonce 123");
    let hello = format!("Handle version=\"0\", cnonce=\"{cnonce}\"");
    let made = tls.send(Method::POST, "/api/sessions", &[("authorization", &hello)], b"");
    assert_eq!((made.status, made.header("location")), (201, Some("/api/sessions/this")));
    let made = made.json();
    let octets = |key: &str| BASE64.decode(made[key].as_str().unwrap()).unwrap();
    let key = public_key_of(keys::server_key());
    let parts: [&[u8]; 2] = [&octets("nonce"), b"client nonce 123"];
    assert_eq!(made["serverAlg"], "SHA-256");
    assert!(verify_signature(&key, HashName::Sha256, &parts, &octets("serverSignature"), Legacy::Refuse));
    let by_id = format!("Handle sessionId=\"{}\"", made["sessionId"].as_str().unwrap());
    let shown = tls.send(Method::GET, "/api/sessions/this", &[("authorization", &by_id)], b"");
    assert_eq!(shown.json()["authenticated"], false);
    assert_eq!(put(tls, &by_id).status, 401, "it has proved nothing yet");
    let plain = Web::plain(alone.node.http()).send(Method::POST, "/api/sessions", &[], b"");
    assert_eq!(plain.status, 403);
}

#[test]
fn browsers_of_other_origins_may_ask() {
    let alone = node();
    let web = Web::plain(alone.node.http());
    let origin = [("origin", "https://shop.example")];
    let answer = web.send(Method::GET, PATH, &origin, b"");
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://shop.example"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    let preflight = web.send(Method::OPTIONS, PATH, &origin, b"");
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-methods"), Some("GET,POST,HEAD,PUT,DELETE"));
    assert_eq!(preflight.header("access-control-max-age"), Some("86400"));
    assert_eq!(web.get(PATH).header("access-control-allow-origin"), None);
}
