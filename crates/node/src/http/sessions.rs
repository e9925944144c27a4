//! `/api/sessions` and `/api/verifications`: sessions as resources, and proofs checked for other servers.

use super::challenge::{self, Fields, Verdict};
use super::{Asked, Web, auth, reply};
use crate::administration::Claim;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hufu_ident::systems::handle::proof::{self, HashName};
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_ident::{Reference, identifier::percent_decode};
use serde_json::{Map, Value as Json, json};

/// `POST /api/sessions`; `GET`, `PUT`, `DELETE /api/sessions/this`.
pub async fn answer(web: &Web, asked: &Asked) -> Response {
    if !asked.secure {
        let body = json!({"responseCode": ResponseCode::AUTHENTICATION_NEEDED.0});
        return reply::json(asked, StatusCode::FORBIDDEN, body);
    }
    let fields = fields_of(asked);
    match asked.method {
        Method::POST => open(web, asked, &fields).await,
        Method::GET | Method::HEAD => match fields.get("sessionId").and_then(|id| Some((id, web.sessions.get(id)?))) {
            Some((id, session)) => reply::json(asked, StatusCode::OK, describe(id, session.identity.as_ref())),
            None => auth::not_verified(web, asked),
        },
        Method::PUT => authenticate(web, asked, &fields).await,
        Method::DELETE => {
            fields.get("sessionId").map(|id| web.sessions.close(id));
            StatusCode::NO_CONTENT.into_response()
        }
        _ => reply::unknown_method(asked),
    }
}

/// Fields of the Authorization header, then of a JSON body.
fn fields_of(asked: &Asked) -> Fields {
    let authorization = asked.header(header::AUTHORIZATION).unwrap_or_default();
    let mut fields = match auth::starts_with_scheme(authorization, "Handle ") {
        true => Fields::parse(&authorization[7..]),
        false => Fields::default(),
    };
    if let Ok(body) = serde_json::from_slice::<Json>(&asked.body) {
        let inner = Fields::from_json(&body);
        for name in ["sessionId", "id", "type", "cnonce", "alg", "signature", "salt", "iterations", "length"] {
            if let (None, Some(value)) = (fields.get(name), inner.get(name)) {
                fields.push(name, value);
            }
        }
    }
    fields
}

async fn open(web: &Web, asked: &Asked, fields: &Fields) -> Response {
    let client_nonce = fields.octets("cnonce");
    let (id, session) = web.sessions.open(client_nonce.clone());
    let mut body = Map::new();
    body.insert("sessionId".into(), json!(id));
    body.insert("nonce".into(), json!(BASE64.encode(session.nonce)));
    if let Some(client_nonce) = client_nonce
        && let Some(signature) = proof::sign_rsa(
            &mut rand::rngs::OsRng,
            &web.parts.identity.key,
            HashName::Sha256,
            &[&session.nonce, &client_nonce],
        )
    {
        body.insert("serverAlg".into(), json!("SHA-256"));
        body.insert("serverSignature".into(), json!(BASE64.encode(signature)));
    }
    let basic = asked.header(header::AUTHORIZATION).is_some_and(|value| auth::starts_with_scheme(value, "Basic "));
    if basic {
        match auth::claim(web, asked).await {
            Ok(Claim::Proven(identity)) => {
                body.insert("authenticated".into(), json!(true));
                body.insert("id".into(), json!(identity.to_string()));
                web.sessions.prove(&id, identity);
            }
            Ok(_) => {}
            Err(wrong) => return *wrong,
        }
    }
    let mut response = reply::json(asked, StatusCode::CREATED, Json::Object(body));
    reply::insert(&mut response, header::LOCATION, "/api/sessions/this");
    response
}

async fn authenticate(web: &Web, asked: &Asked, fields: &Fields) -> Response {
    let basic = asked.header(header::AUTHORIZATION).is_some_and(|value| auth::starts_with_scheme(value, "Basic "));
    if basic {
        return match auth::claim(web, asked).await {
            Ok(Claim::Proven(identity)) => {
                let body = json!({"authenticated": true, "id": identity.to_string()});
                reply::json(asked, StatusCode::OK, body)
            }
            Ok(_) => auth::not_verified(web, asked),
            Err(wrong) => *wrong,
        };
    }
    match challenge::identify(web, fields).await {
        Verdict::Proven(identity) => {
            let id = fields.get("sessionId").unwrap_or_default();
            reply::json(asked, StatusCode::OK, describe(id, Some(&identity)))
        }
        _ => auth::not_verified(web, asked),
    }
}

fn describe(id: &str, identity: Option<&Reference>) -> Json {
    match identity {
        Some(identity) => json!({"sessionId": id, "authenticated": true, "id": identity.to_string()}),
        None => json!({"sessionId": id, "authenticated": false}),
    }
}

/// `GET /api/verifications/{index:handle}`: is the signature over nonce ‖ cnonce right?
pub async fn verification(web: &Web, asked: &Asked, identity: &str) -> Response {
    let identity = percent_decode(identity).unwrap_or_default();
    let named = match asked.params.get("index") {
        Some(index) => Reference::parse(&format!("{index}:{identity}")),
        None => Reference::parse(&identity),
    };
    let mut fields = Fields::default();
    for name in ["nonce", "cnonce", "alg", "signature", "salt", "iterations", "length"] {
        if let Some(value) = asked.params.get(name) {
            // In a query a `+` of base64 arrives as a space.
            fields.push(name, &value.replace(' ', "+"));
        }
    }
    let (Some(named), Some(administration)) = (named, &web.parts.administration) else {
        return reply::bad_request(asked, "the identity must read index:handle", None);
    };
    let (Some(nonce), Some(signature)) = (fields.octets("nonce"), fields.octets("signature")) else {
        return reply::bad_request(asked, "nonce and signature must be given in base64", None);
    };
    let client_nonce = fields.octets("cnonce").unwrap_or_default();
    let parts: [&[u8]; 2] = [&nonce, &client_nonce];
    let legacy = administration.rules().legacy;
    let identities = administration.identities();
    let mut valid = challenge::verify(identities, &named, &fields, parts, &signature, legacy).await;
    if !valid {
        fields.push("type", "HS_PUBKEY");
        valid = challenge::verify(identities, &named, &fields, parts, &signature, legacy).await;
    }
    let handle = String::from_utf8_lossy(&named.handle).into_owned();
    reply::json(asked, StatusCode::OK, json!({"responseCode": 1, "isValid": valid, "handle": handle}))
}
