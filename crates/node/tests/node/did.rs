//! DIDs and Ecodes over HTTP: universal resolver, chain, `did:web` documents, `/ecode/`.

use crate::{Alone, url};
use hufu_ident::Value;
use hufu_ident::systems::handle::kind;
use hufu_ident::systems::handle::proof::public_key_of;
use hufu_testkit::{Web, block_on, keys};
use hyper::Method;

const BID: &str = "did:bid:ef18F9AVK4SQLZPRrPkrVWwp9kBpdXHx";
const ABSENT: &str = "did:bid:by01:ef18F9AVK4SQLZPRrPkrVWwp9kBpdXHx";

/// A node that is home to a VAA prefix, did:bid, did:web and a numbering scheme of Ecode.
fn node() -> Alone {
    let mut alone = Alone::lay_out(&["88.118.8", "did:bid", "did:web:works.example", "ecode:19001"]);
    alone.node.start();
    let key = Value::new(300, kind::PUBKEY, public_key_of(keys::server_key()).to_bytes());
    let values = vec![url(1, "https://works.example/"), Value::new(2, "SAME-AS", "88.118.8/A1"), key];
    let client = alone.node.admin_client();
    block_on(client.create(BID, values, false)).unwrap();
    let gone = vec![Value::new(1, "DID_DEACTIVATED", "2026")];
    block_on(client.create("did:web:works.example:gone", gone, false)).unwrap();
    let stored = r#"{"id":"did:web:works.example:p","x":1}"#;
    block_on(client.create("did:web:works.example:p", vec![Value::new(1, "DID_DOC", stored)], false)).unwrap();
    block_on(client.create("ecode:1.9001.123456000018", vec![url(1, "https://item.example/")], false)).unwrap();
    alone
}

#[test]
fn dids_resolve_in_every_shape() {
    let alone = node();
    let web = Web::plain(alone.node.http());
    // The universal resolver.
    let answer = web.get(&format!("/1.0/identifiers/{BID}"));
    let json = answer.json();
    assert_eq!((answer.status, &json["didDocument"]["id"]), (200, &BID.into()));
    assert_eq!(json["didDocument"]["alsoKnownAs"][0], "hdl:88.118.8/A1");
    assert_eq!(json["didDocument"]["verificationMethod"][0]["publicKeyJwk"]["kty"], "RSA");
    let accept = |kind| [("accept", kind)];
    let bare = web.send(Method::GET, &format!("/1.0/identifiers/{BID}"), &accept("application/did+json"), b"");
    assert_eq!((bare.header("content-type"), &bare.json()["id"]), (Some("application/did+json"), &BID.into()));
    for (did, status, error) in [
        (ABSENT, 404, "notFound"),
        ("did:bid:xx", 400, "invalidDid"),
        ("88.118.8", 400, "invalidDid"),
        ("did:web:works.example:gone", 410, "deactivated"),
    ] {
        let answer = web.get(&format!("/1.0/identifiers/{did}"));
        assert_eq!((answer.status, &answer.json()["didResolutionMetadata"]["error"]), (status, &error.into()), "{did}");
    }
    assert_eq!(web.get("/1.0/identifiers/did:web:works.example:p").json()["didDocument"]["x"], 1);
    let key = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
    let own = web.get(&format!("/1.0/identifiers/{key}")).json();
    assert_eq!(own["didDocument"]["verificationMethod"][0]["publicKeyMultibase"], &key[8..]);
    // The chain.
    let json = web.get(&format!("/{BID}")).json();
    assert_eq!((&json["errorCode"], &json["message"]), (&0.into(), &"success".into()));
    assert_eq!(json["data"]["didDocument"]["alsoKnownAs"][0]["type"], 105);
    assert_eq!(web.get(&format!("/{ABSENT}")).json()["errorCode"], 6);
    assert_eq!(web.get(&format!("/{BID}/public-keys")).json()["data"]["publicKey"][0]["type"], "RSA");
    assert_eq!(web.get(&format!("/{BID}/services?id=service-1")).json()["data"]["service"]["type"], "Page");
    assert_eq!(web.get(&format!("/{BID}/acsns")).json()["errorCode"], 8);
    let browser = web.send(Method::GET, &format!("/{BID}"), &accept("text/html"), b"");
    assert_eq!((browser.status, browser.header("location")), (302, Some("https://works.example/")));
}

#[test]
fn this_host_has_documents_and_ecodes_have_a_door() {
    let alone = node();
    let web = Web::plain(alone.node.http());
    // The tests ask an address, which is no host name.
    assert_eq!(web.get("/.well-known/did.json").status, 404);
    assert_eq!(web.get("/p/88.118.8/did.json").json()["code"], "did-web-host");
    let ecode = web.get("/ecode/19001123456000018?format=handle");
    assert_eq!((ecode.status, &ecode.json()["handle"]), (200, &"ecode:19001123456000018".into()));
    let separated = web.send(Method::GET, "/ecode/1.9001.123456000018", &[("accept", "text/html")], b"");
    assert_eq!((separated.status, separated.header("location")), (302, Some("https://item.example/")));
}
