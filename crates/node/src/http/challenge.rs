//! The `Authorization: Handle …` scheme: fields, and proofs over nonce ‖ client nonce.

use super::Web;
use crate::administration::Identities;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hufu_ident::Reference;
use hufu_ident::systems::handle::proof::{self, HashName, Legacy};
use hufu_ident::systems::handle::{PublicKey, kind};

/// The fields of a proof, from the header or a JSON body.
#[derive(Debug, Clone, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `a="b", c=d`.
    pub fn parse(text: &str) -> Self {
        let mut fields = Vec::new();
        let mut rest = text;
        while let Some((name, after)) = rest.split_once('=') {
            let name = name.trim().trim_start_matches(',').trim();
            let after = after.trim_start();
            let (value, next) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => after.split_once(',').unwrap_or((after, "")),
            };
            fields.push((name.to_owned(), value.trim().to_owned()));
            rest = next;
        }
        Fields(fields)
    }

    pub fn from_json(body: &serde_json::Value) -> Self {
        let text = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let object = body.as_object().into_iter().flatten();
        Fields(object.map(|(name, value)| (name.clone(), text(value))).collect())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn octets(&self, name: &str) -> Option<Vec<u8>> {
        BASE64.decode(self.get(name)?).ok()
    }

    fn number(&self, name: &str) -> Option<u32> {
        self.get(name)?.parse().ok()
    }

    pub fn push(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }
}

/// What a set of fields shows.
pub enum Verdict {
    /// No session named: the client wants a challenge.
    Nothing,
    Proven(Reference),
    Wrong,
}

/// The client nonce in an Authorization header, if there is one.
pub fn client_nonce(authorization: &str) -> Option<Vec<u8>> {
    Fields::parse(authorization.get(7..)?).octets("cnonce")
}

/// Judges a session id alone, or a proof for a session.
pub async fn identify(web: &Web, fields: &Fields) -> Verdict {
    let Some(id) = fields.get("sessionId") else { return Verdict::Nothing };
    let Some(session) = web.sessions.get(id) else { return Verdict::Wrong };
    let Some(signature) = fields.octets("signature") else {
        return session.identity.map_or(Verdict::Wrong, Verdict::Proven);
    };
    let identity = fields.get("id").and_then(|id| {
        let decoded = hufu_ident::identifier::percent_decode(id).unwrap_or_else(|_| id.to_owned());
        Reference::parse(&decoded)
    });
    let (Some(identity), Some(administration)) = (identity, &web.parts.administration) else { return Verdict::Wrong };
    let client_nonce = fields.octets("cnonce").unwrap_or_default();
    let parts: [&[u8]; 2] = [&session.nonce, &client_nonce];
    let legacy = administration.rules().legacy;
    match verify(administration.identities(), &identity, fields, parts, &signature, legacy).await {
        true => {
            web.sessions.prove(id, identity.clone());
            Verdict::Proven(identity)
        }
        false => Verdict::Wrong,
    }
}

/// Checks a signature or MAC over `parts` with the keys of `identity`.
pub async fn verify(
    identities: &Identities,
    identity: &Reference,
    fields: &Fields,
    parts: [&[u8]; 2],
    signature: &[u8],
    legacy: Legacy,
) -> bool {
    let (parts, signature) = (parts.map(<[u8]>::to_vec), signature.to_vec());
    let algorithm = fields.get("alg").unwrap_or_default();
    if fields.get("type").is_some_and(|kind| kind.eq_ignore_ascii_case(kind::PUBKEY)) {
        let Some(hash) = HashName::parse(algorithm.as_bytes()) else { return false };
        let keys = identities.public_keys(identity).await;
        let right =
            move |key: &PublicKey| proof::verify_signature(key, hash, &[&parts[0], &parts[1]], &signature, legacy);
        return identities.compute(move || keys.iter().any(right)).await.unwrap_or(false);
    }
    let secrets = identities.secrets(identity).await;
    let fields = fields.clone();
    identities.compute(move || secrets.iter().any(|secret| fields.prove(secret, &parts, &signature, legacy))).await
        == Some(true)
}

impl Fields {
    /// Whether `signature` is what a holder of `secret` makes of `parts` by the algorithm named here.
    fn prove(&self, secret: &[u8], parts: &[Vec<u8>; 2], signature: &[u8], legacy: Legacy) -> bool {
        let algorithm = self.get("alg").unwrap_or_default();
        let parts: [&[u8]; 2] = [&parts[0], &parts[1]];
        let pbkdf2 = algorithm.to_ascii_uppercase().starts_with("PBKDF2");
        match (pbkdf2, self.octets("salt")) {
            (true, Some(salt)) => {
                let iterations = self.number("iterations").unwrap_or(0);
                let bits = self.number("length").unwrap_or(160);
                proof::verify_pbkdf2(secret, &salt, iterations, bits, &parts, signature)
            }
            (true, None) => false,
            (false, _) => proof::verify_secret_named(secret, &parts, algorithm, signature, legacy),
        }
    }
}
