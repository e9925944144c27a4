//! A DID document out of a record: as it was stored, or composed of keys, services and other names.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hufu_ident::mapping::{Mapping, SAME_AS};
use hufu_ident::systems::did;
use hufu_ident::systems::handle::keys::unsigned;
use hufu_ident::systems::handle::{Data, KeyParts, PublicKey, kind};
use hufu_ident::{Scheme, ValueRef, ValueSet, recognise};
use serde_json::{Map, Value as Json, json};

/// A value that is the document itself, as JSON.
pub const DID_DOC: &str = "DID_DOC";
/// A value that names a DID of the same thing.
const DID: &str = "DID";
/// A value that says that the DID is no longer in use (our profile).
const DEACTIVATED: &str = "DID_DEACTIVATED";
/// What the type of a service value begins with; the rest is the service's type.
const SERVICE: &str = "SERVICE.";
const CONTEXT: [&str; 2] = ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"];
/// The version of a document in the form of the Xinghuo blockchain.
const BIF_VERSION: &str = "1.0.0";
/// Its type of a holder that none of the others describes.
const BIF_OTHER: u32 = 999;

/// What is wrong with a stored document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unusable;

/// When a document was made and last changed, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dates {
    pub created: u32,
    pub updated: u32,
}

/// The dates of a record; zero where it has no values.
pub fn dates(values: &ValueSet) -> Dates {
    let times = || values.iter().map(|value| value.timestamp);
    Dates { created: times().min().unwrap_or_default(), updated: times().max().unwrap_or_default() }
}

/// Whether the record says that its DID is no longer in use.
pub fn is_deactivated(values: &ValueSet) -> bool {
    values.iter().any(|value| value.is_kind(DEACTIVATED))
}

/// The document of `id` in the form of W3C DID Core.
pub fn w3c(id: &str, values: &ValueSet) -> Result<Json, Unusable> {
    if let Some(stored) = stored(id, values)? {
        return Ok(stored);
    }
    let mut document = Map::new();
    document.insert("@context".into(), json!(CONTEXT));
    document.insert("id".into(), id.into());
    let known: Vec<String> = also_known_as(values).iter().map(|name| uri(name)).collect();
    put_list(&mut document, "alsoKnownAs", known.into_iter().map(Json::from).collect());
    let methods: Vec<Json> = values.iter().filter_map(|value| verification_method(id, &value)).collect();
    let ids: Vec<Json> = methods.iter().map(|method| method["id"].clone()).collect();
    put_list(&mut document, "verificationMethod", methods);
    put_list(&mut document, "authentication", ids.clone());
    put_list(&mut document, "assertionMethod", ids);
    put_list(&mut document, "service", values.iter().filter_map(|value| service(id, &value)).collect());
    Ok(Json::Object(document))
}

/// The document in the form of BIF-RFC-005; `time` writes Unix seconds.
pub fn bif(id: &str, values: &ValueSet, ttl: u32, time: impl Fn(u32) -> String) -> Result<Json, Unusable> {
    if let Some(stored) = stored(id, values)? {
        return Ok(stored);
    }
    let keys: Vec<Json> = values.iter().filter_map(|value| bif_key(id, &value)).collect();
    let known: Vec<Json> = also_known_as(values).iter().filter_map(|name| bif_name(name)).collect();
    let Dates { created, updated } = dates(values);
    Ok(json!({
        "@context": [CONTEXT[0]],
        "version": BIF_VERSION,
        "id": id,
        "authentication": keys.iter().map(|key| key["id"].clone()).collect::<Vec<_>>(),
        "publicKey": keys,
        "alsoKnownAs": known,
        "extension": {
            "ttl": ttl,
            "type": BIF_OTHER,
            "attributes": values.iter().filter_map(|value| attribute(&value)).collect::<Vec<_>>(),
        },
        "service": values.iter().filter_map(|value| service(id, &value)).collect::<Vec<_>>(),
        "created": time(created),
        "updated": time(updated),
    }))
}

/// The document of a `did:key`, which is its own key.
pub fn of_key(id: &str) -> Json {
    let multibase = id.strip_prefix("did:key:").unwrap_or_default();
    let method = format!("{id}#{multibase}");
    json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": id,
        "verificationMethod": [{"id": method, "type": "Multikey", "controller": id, "publicKeyMultibase": multibase}],
        "authentication": [method],
        "assertionMethod": [method],
    })
}

fn stored(id: &str, values: &ValueSet) -> Result<Option<Json>, Unusable> {
    let Some(value) = values.iter().find(|value| value.is_kind(DID_DOC)) else { return Ok(None) };
    let document: Json = serde_json::from_slice(value.data).map_err(|_| Unusable)?;
    // Somebody else's document would speak for this name.
    if document["id"] == id { Ok(Some(document)) } else { Err(Unusable) }
}

fn put_list(document: &mut Map<String, Json>, name: &str, list: Vec<Json>) {
    if !list.is_empty() {
        document.insert(name.into(), Json::Array(list));
    }
}

fn verification_method(id: &str, value: &ValueRef<'_>) -> Option<Json> {
    let jwk = jwk(&public_key(value)?)?;
    let method = format!("{id}#key-{}", value.index);
    Some(json!({"id": method, "type": "JsonWebKey2020", "controller": id, "publicKeyJwk": jwk}))
}

fn public_key(value: &ValueRef<'_>) -> Option<PublicKey> {
    match value.is_kind(kind::PUBKEY).then(|| Data::decode(value.kind, value.data))? {
        Ok(Data::PublicKey(key)) => Some(key),
        _ => None,
    }
}

/// A key as JWK (RFC 7517). SM2 has no registered curve name; `SM2` is our profile.
fn jwk(key: &PublicKey) -> Option<Json> {
    match &key.parts {
        KeyParts::Rsa { e, n, .. } => {
            Some(json!({"kty": "RSA", "n": BASE64.encode(unsigned(n)), "e": BASE64.encode(unsigned(e))}))
        }
        KeyParts::Sm2(octets) => {
            let point = point(octets)?;
            Some(json!({"kty": "EC", "crv": "SM2", "x": BASE64.encode(&point[..32]), "y": BASE64.encode(&point[32..])}))
        }
        KeyParts::Dsa { .. } | KeyParts::Dh { .. } | KeyParts::Other(_) => None,
    }
}

/// The coordinates at the end of a SubjectPublicKeyInfo with an uncompressed point, in DER or PEM.
fn point(octets: &[u8]) -> Option<[u8; 64]> {
    let der = match std::str::from_utf8(octets) {
        Ok(pem) if pem.trim_start().starts_with("-----BEGIN") => {
            let body: String =
                pem.lines().filter(|line| !line.starts_with('-')).flat_map(|line| line.trim().chars()).collect();
            base64::engine::general_purpose::STANDARD.decode(body).ok()?
        }
        _ => octets.to_vec(),
    };
    let (front, point) = der.split_last_chunk::<64>()?;
    (front.last() == Some(&0x04)).then_some(*point)
}

/// A service: a URL, or a JSON object with more.
fn service(id: &str, value: &ValueRef<'_>) -> Option<Json> {
    let text = std::str::from_utf8(value.data).ok()?;
    let own = std::str::from_utf8(value.kind).ok()?;
    let prefixed = own.get(..SERVICE.len()).filter(|start| start.eq_ignore_ascii_case(SERVICE));
    let service = match prefixed {
        Some(_) => own.get(SERVICE.len()..)?,
        None if value.is_kind(kind::URL) => "Page",
        None => return None,
    };
    let mut out = json!({"id": format!("{id}#service-{}", value.index), "type": service, "serviceEndpoint": text});
    if prefixed.is_some()
        && let Ok(Json::Object(more)) = serde_json::from_str(text)
    {
        let own = out.as_object_mut()?;
        own.extend(more.into_iter().filter(|(name, _)| name != "id" && name != "type"));
    }
    Some(out)
}

/// Other names of the same thing, in the order of the record.
fn also_known_as(values: &ValueSet) -> Vec<String> {
    let name = |value: ValueRef<'_>| {
        if value.is_kind(DID) {
            return std::str::from_utf8(value.data).ok().map(|text| text.trim().to_owned());
        }
        (value.is_kind(SAME_AS) || value.is_kind(kind::ALIAS)).then(|| Mapping::of(&value))?.map(|it| it.to.to_string())
    };
    values.iter().filter_map(name).filter(|name| !name.is_empty()).collect()
}

/// A name as a URI, as alsoKnownAs wants it.
fn uri(name: &str) -> String {
    match recognise(name) {
        Scheme::Handle | Scheme::Vaa => {
            format!("hdl:{}", percent_encoding::utf8_percent_encode(name, super::super::locations::PATH))
        }
        _ => name.to_owned(),
    }
}

/// `{type,id}` of BIF-RFC-005: 101 BID, 102 another DID, 105 a handle; other systems have no type there.
fn bif_name(name: &str) -> Option<Json> {
    let kind = match recognise(name) {
        Scheme::Did if name.starts_with("did:bid:") => 101,
        Scheme::Did => 102,
        Scheme::Handle | Scheme::Vaa => 105,
        _ => return None,
    };
    Some(json!({"type": kind, "id": name}))
}

/// `{id,type,controller,publicKeyHex}`: the octets are those of the HS_PUBKEY value (our profile).
fn bif_key(id: &str, value: &ValueRef<'_>) -> Option<Json> {
    let key = public_key(value)?;
    let algorithm = match key.parts {
        KeyParts::Rsa { .. } => "RSA",
        KeyParts::Sm2(_) => "SM2",
        _ => return None,
    };
    Some(json!({
        "id": format!("{id}#key-{}", value.index),
        "type": algorithm,
        "controller": id,
        "publicKeyHex": hex::encode(value.data),
    }))
}

fn attribute(value: &ValueRef<'_>) -> Option<Json> {
    if !kind::is_one_of(value.kind, &[kind::DESC, kind::EMAIL]) {
        return None;
    }
    let (key, text) = (std::str::from_utf8(value.kind).ok()?, std::str::from_utf8(value.data).ok()?);
    Some(json!({"key": key, "desc": key, "encrypt": 0, "format": "text", "value": text}))
}

/// The `did:web` of a path below a host; none where the host is no name.
pub fn web_name(host: &str, path: &[&str]) -> Option<String> {
    let mut text = format!("did:web:{}", host.replace(':', "%3A"));
    for part in path {
        text.push(':');
        text.extend(percent_encoding::utf8_percent_encode(part, super::SEGMENT));
    }
    did::parse(text.strip_prefix("did:")?).ok().filter(|name| !name.is_url())?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_ident::Value;

    const ID: &str = "did:bid:ef18F9AVK4SQLZPRrPkrVWwp9kBpdXHx";

    fn record() -> ValueSet {
        let key = PublicKey::rsa(&[1, 0, 1], &[0xC5; 256]).to_bytes();
        let values = [
            (1, "URL", b"https://works.example/".to_vec()),
            (2, "SERVICE.DIDResolver", br#"{"serviceEndpoint":"https://r.example/","protocol":3}"#.to_vec()),
            (3, "HS_PUBKEY", key),
            (4, "SAME-AS", "88.118.8/型号".as_bytes().to_vec()),
            (5, "DID", b"did:web:works.example".to_vec()),
            (6, "DESC", b"engine".to_vec()),
        ];
        ValueSet::from_values(values.into_iter().map(|(index, kind, data)| Value::new(index, kind, data)).collect())
    }

    #[test]
    fn keys_services_and_names_make_a_document() {
        let document = w3c(ID, &record()).unwrap();
        assert_eq!(document["id"], ID);
        assert_eq!(document["alsoKnownAs"], json!(["hdl:88.118.8/%E5%9E%8B%E5%8F%B7", "did:web:works.example"]));
        assert_eq!(document["verificationMethod"][0]["publicKeyJwk"]["e"], "AQAB");
        assert_eq!(document["authentication"][0], format!("{ID}#key-3"));
        assert_eq!(document["service"][1]["protocol"], 3);
        assert_eq!(document["service"][1]["serviceEndpoint"], "https://r.example/");
    }

    #[test]
    fn the_chain_has_its_own_form() {
        let document = bif(ID, &record(), 60, |time| time.to_string()).unwrap();
        assert_eq!(
            document["alsoKnownAs"],
            json!([
                {"type": 105, "id": "88.118.8/型号"}, {"type": 102, "id": "did:web:works.example"}
            ])
        );
        assert_eq!(document["extension"]["attributes"][0]["value"], "engine");
    }

    #[test]
    fn a_stored_document_speaks_for_its_own_name_only() {
        let stored = |id: &str| {
            let data = json!({"id": id, "x": 1}).to_string();
            ValueSet::from_values(vec![Value::new(1, DID_DOC, data)])
        };
        assert_eq!(w3c(ID, &stored(ID)).unwrap()["x"], 1);
        assert_eq!(w3c(ID, &stored("did:bid:other")), Err(Unusable));
    }

    #[test]
    fn hosts_make_names() {
        assert_eq!(web_name("a.example:8443", &["p", "88.118.8"]).unwrap(), "did:web:a.example%3A8443:p:88.118.8");
        assert_eq!(web_name("127.0.0.1", &[]), None);
    }
}
