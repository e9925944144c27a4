//! A decoded message written down field by field, in the form of `vectors/handle/messages.json`.

use hufu_ident::record::{Reference, Ttl, Value};
use hufu_ident::systems::handle::Site;
use hufu_ident::systems::handle::wire::{
    Body, Content, CredentialField, DigestForm, Envelope, Header, Message, RequestDigest, SessionSetup,
    SessionSetupKey, flag,
};
use serde_json::{Value as Json, json};

/// The fields of a message, without its name, clause and octets.
pub fn message(message: &Message) -> Json {
    let mut out = json!({ "envelope": envelope(&message.envelope) });
    match &message.content {
        Content::Sealed(octets) => out["sealed"] = hex::encode(octets).into(),
        Content::Plain(plain) => {
            out["header"] = header(&plain.header);
            out["digest"] = plain.digest.as_ref().map(digest).into();
            out["body"] = body(&plain.body);
            out["trailing"] = hex::encode(&plain.trailing).into();
            out["credential"] = credential(&plain.credential);
        }
    }
    out
}

fn envelope(envelope: &Envelope) -> Json {
    let names = [(Envelope::ENCRYPTED, "encrypted"), (Envelope::TRUNCATED, "truncated")];
    let flags: Vec<_> = names.iter().filter(|(bit, _)| envelope.is(*bit)).map(|(_, name)| *name).collect();
    json!({
        "version": envelope.version.to_string(), "flags": flags, "suggested": envelope.suggested.to_string(),
        "session_id": envelope.session_id, "request_id": envelope.request_id,
        "sequence": envelope.sequence, "length": envelope.length,
    })
}

fn header(header: &Header) -> Json {
    json!({
        "op": header.op.0, "response": header.response.0,
        "flags": format!("0x{:08x}", header.flags), "flag_names": flag::names(header.flags),
        "site_serial": header.site_serial, "hops": header.hops,
        "reserved": header.reserved, "expiration": header.expiration,
    })
}

fn digest(digest: &RequestDigest) -> Json {
    let form = match digest.form {
        DigestForm::Md5 => "md5",
        DigestForm::Sha1 => "sha-1",
        DigestForm::Sha256 => "sha-256",
        DigestForm::Plain => "bytes",
    };
    json!({ "form": form, "octets": hex::encode(&digest.digest) })
}

fn body(body: &Body) -> Json {
    match body {
        Body::Empty => json!({ "kind": "empty" }),
        Body::Resolve { handle, selection } => json!({
            "kind": "resolve", "handle": text(handle),
            "indexes": selection.indexes, "types": texts(&selection.types),
        }),
        Body::Values { handle, values } => {
            json!({ "kind": "values", "handle": text(handle), "values": list(values) })
        }
        Body::Name(handle) => json!({ "kind": "name", "handle": text(handle) }),
        Body::Indexes { handle, indexes } => {
            json!({ "kind": "indexes", "handle": text(handle), "indexes": indexes })
        }
        Body::Names(names) => json!({ "kind": "names", "names": texts(names) }),
        Body::Site(record) => json!({ "kind": "site", "site": site(record), "sized": false }),
        Body::SizedSite(record) => json!({ "kind": "site", "site": site(record), "sized": true }),
        Body::Error { message, indexes } => {
            json!({ "kind": "error", "message": message.as_deref().map(text), "indexes": indexes })
        }
        Body::Referral { handle, values } => {
            json!({ "kind": "referral", "handle": text(handle), "values": values.as_deref().map(list) })
        }
        other => authentication_body(other),
    }
}

fn authentication_body(body: &Body) -> Json {
    match body {
        Body::Challenge { nonce, digest } => {
            json!({ "kind": "challenge", "nonce": hex::encode(nonce), "digest": digest.as_ref().map(hex::encode) })
        }
        Body::ChallengeAnswer(answer) => json!({
            "kind": "challenge-answer", "auth_type": text(&answer.auth_type), "user": text(&answer.user),
            "index": answer.index, "signed_response": hex::encode(&answer.signed_response),
        }),
        Body::Verify(request) => json!({
            "kind": "verify", "handle": text(&request.handle), "index": request.index,
            "nonce": hex::encode(&request.nonce), "digest": digest(&request.digest),
            "signed_response": hex::encode(&request.signed_response),
        }),
        Body::Verified(verdict) => json!({ "kind": "verdict", "verdict": verdict }),
        Body::SessionSetup(setup) => session_setup(setup),
        Body::SessionAnswer { mode, data } => {
            json!({ "kind": "session-answer", "mode": mode, "data": hex::encode(data) })
        }
        Body::ExchangeKey(key) => json!({ "kind": "exchange-key", "key": hex::encode(key) }),
        Body::Login { user, index } => json!({ "kind": "login", "user": text(user), "index": index }),
        Body::Opaque(octets) => json!({ "kind": "opaque", "octets": hex::encode(octets) }),
        other => panic!("no way to write down {other:?}"),
    }
}

fn session_setup(setup: &SessionSetup) -> Json {
    let key = match &setup.key {
        SessionSetupKey::Public(key) => json!({ "public": hex::encode(key) }),
        SessionSetupKey::Named { handle, index } => json!({ "handle": text(handle), "index": index }),
        SessionSetupKey::Server => Json::Null,
    };
    json!({
        "kind": "session-setup", "mode": setup.mode, "timeout": setup.timeout,
        "identity": text(&setup.identity), "identity_index": setup.identity_index, "key": key,
    })
}

fn credential(credential: &CredentialField) -> Json {
    match credential {
        CredentialField::Missing(octets) if octets.is_empty() => "missing".into(),
        CredentialField::Missing(octets) => json!({ "missing": hex::encode(octets) }),
        CredentialField::Empty => Json::Null,
        CredentialField::Opaque(octets) => json!({ "opaque": hex::encode(octets) }),
        CredentialField::Signed(signed) => json!({
            "version": signed.version, "reserved": signed.reserved, "flags": signed.flags,
            "signer": text(&signed.signer), "session_counter": signed.session_counter, "type": text(&signed.kind),
            "algorithm": text(&signed.algorithm), "signature": hex::encode(&signed.signature),
        }),
    }
}

fn list(values: &[Value]) -> Json {
    values.iter().map(value).collect()
}

fn value(value: &Value) -> Json {
    let ttl = match value.ttl {
        Ttl::Relative(seconds) => json!({ "relative": seconds }),
        Ttl::Absolute(until) => json!({ "absolute": until }),
    };
    let reference = |it: &Reference| json!({ "handle": text(&it.handle), "index": it.index });
    json!({
        "index": value.index, "timestamp": value.timestamp, "ttl": ttl, "permissions": value.permissions.0,
        "type": text(&value.kind), "data": hex::encode(&value.data),
        "references": value.references.iter().map(reference).collect::<Json>(),
    })
}

fn site(site: &Site) -> Json {
    let attributes = site.attributes.iter();
    let attributes = attributes.map(|it| json!({ "name": text(&it.name), "value": text(&it.value) }));
    let servers = site.servers.iter().map(|server| {
        let interfaces = server
            .interfaces
            .iter()
            .map(|it| json!({ "type": it.purpose, "protocol": it.protocol.name(), "port": it.port }));
        json!({
            "id": server.id, "address": hex::encode(server.address), "ip": server.ip().to_string(),
            "public_key": hex::encode(&server.public_key), "interfaces": interfaces.collect::<Json>(),
        })
    });
    json!({
        "format": site.format, "version": site.version.to_string(), "serial": site.serial,
        "primary_mask": site.primary_mask, "hash_option": site.hash_option,
        "hash_filter": hex::encode(&site.hash_filter),
        "attributes": attributes.collect::<Json>(), "servers": servers.collect::<Json>(),
    })
}

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).expect("a vector holds names and types in UTF-8")
}

fn texts(list: &[Vec<u8>]) -> Vec<&str> {
    list.iter().map(|octets| text(octets)).collect()
}
