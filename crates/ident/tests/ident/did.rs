//! DIDs, entry by entry (`vectors/did/`).

use crate::corpus::{own, text};
use hufu_ident::systems::did::{self, Did, Encoding, KeyType, Method, PublicKeyText, bid_of};
use hufu_ident::{System, system};

fn octets(digits: &str) -> Vec<u8> {
    hex::decode(digits).expect("hexadecimal octets")
}

#[test]
fn keys_have_their_identifier() {
    let entries = own("did/keys.json");
    assert!(entries.len() >= 90);
    for entry in entries {
        let name = text(&entry, "name");
        let key = octets(text(&entry, "key"));
        let letter = |field: &str| text(&entry, field).chars().next().unwrap();
        let key_type = KeyType::ALL.into_iter().find(|own| own.letter() == letter("type")).unwrap();
        let encoding = Encoding::ALL.into_iter().find(|own| own.letter() == letter("encoding")).unwrap();
        let did = bid_of(&key, key_type, encoding, entry["acsn"].as_str()).unwrap();
        assert_eq!(did, text(&entry, "did"), "{name}");
        let bid = did::bid::parse(did.strip_prefix("did:bid:").unwrap()).unwrap();
        assert_eq!(bid.octets, octets(text(&entry, "digest")), "{name}");
        assert_eq!(bid.checksum, (encoding == Encoding::Bech32).then_some(true), "{name}");
        let public = PublicKeyText::parse(text(&entry, "public_key")).unwrap();
        assert_eq!((public.key_type, public.encoding, &public.key), (key_type, encoding, &key), "{name}");
        assert_eq!(public.to_string(), text(&entry, "public_key"), "{name}");
    }
}

#[test]
fn names_parse_or_name_place_and_rule() {
    let entries = own("did/names.json");
    assert!(entries.len() >= 200);
    for entry in &entries {
        let written = text(entry, "text");
        let checked = system::check_new(written);
        let rest = &written[4..];
        if let Some(code) = entry["code"].as_str() {
            let refusal = match entry["url_of"].is_string() {
                true => Did.canonical(rest).unwrap_err().shifted(4),
                false => Did.read(written).expect("a DID").unwrap_err(),
            };
            assert_eq!((refusal.code, refusal.at.map(|at| at as u64)), (code, entry["at"].as_u64()), "{written}");
            assert!(checked.is_err(), "{written}");
            if entry["url_of"].is_string() {
                let name = did::parse(rest).unwrap();
                assert_eq!(name.path, entry["path"].as_str(), "{written}");
                assert_eq!(name.query, entry["query"].as_str(), "{written}");
                assert_eq!(name.fragment, entry["fragment"].as_str(), "{written}");
            }
            continue;
        }
        assert_eq!(format!("did:{}", Did.canonical(rest).unwrap()), text(entry, "canonical"), "{written}");
        assert_eq!(Did.authority(rest), text(entry, "authority"), "{written}");
        Did.check_path(Did.authority(rest)).unwrap_or_else(|refusal| panic!("{written}: {refusal}"));
        let reading = Did.read(written).unwrap().unwrap();
        assert_eq!(reading.name.map(|name| name.to_string()).as_deref(), Some(text(entry, "canonical")), "{written}");
        match did::parse(rest).unwrap().own {
            Method::Bid(bid) => assert_eq!(hex::encode(bid.octets), text(entry, "digest"), "{written}"),
            Method::Key(key) => assert_eq!(hex::encode(key.key), text(entry, "key"), "{written}"),
            Method::Web(web) if entry["url"].is_string() => assert_eq!(web.document_url(), text(entry, "url")),
            _ => {}
        }
    }
}
