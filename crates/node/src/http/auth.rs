//! Who asks over HTTP: Basic with an HS_SECKEY, the Handle challenge, or a session that has proved itself.

use super::{Asked, Web, challenge};
use crate::administration::Claim;
use crate::random;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hufu_ident::Reference;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Sessions at once; the longest idle give way.
const SESSIONS: usize = 10_000;
/// A session ends after so long without use.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// One session: its nonce, and who it has proved to be.
#[derive(Debug, Clone)]
pub struct HttpSession {
    pub nonce: [u8; 16],
    pub identity: Option<Reference>,
    /// Nonce of the client, which the server signs to prove itself.
    pub client_nonce: Option<Vec<u8>>,
    used: Instant,
}

/// The sessions of one node.
#[derive(Default)]
pub struct HttpSessions(Mutex<HashMap<String, HttpSession>>);

impl HttpSessions {
    /// Opens a session and gives its id.
    pub fn open(&self, client_nonce: Option<Vec<u8>>) -> (String, HttpSession) {
        let id = hex::encode(random::octets::<16>());
        let session = HttpSession { nonce: random::octets(), identity: None, client_nonce, used: Instant::now() };
        if let Ok(mut sessions) = self.0.lock() {
            if sessions.len() >= SESSIONS {
                let now = Instant::now();
                sessions.retain(|_, other| now.duration_since(other.used) < IDLE);
            }
            if sessions.len() >= SESSIONS
                && let Some(oldest) = sessions.iter().min_by_key(|(_, s)| s.used).map(|(id, _)| id.clone())
            {
                sessions.remove(&oldest);
            }
            sessions.insert(id.clone(), session.clone());
        }
        (id, session)
    }

    pub fn get(&self, id: &str) -> Option<HttpSession> {
        let mut sessions = self.0.lock().ok()?;
        let session = sessions.get_mut(id)?;
        if session.used.elapsed() >= IDLE {
            sessions.remove(id);
            return None;
        }
        session.used = Instant::now();
        Some(session.clone())
    }

    pub fn prove(&self, id: &str, identity: Reference) {
        if let Ok(mut sessions) = self.0.lock()
            && let Some(session) = sessions.get_mut(id)
        {
            session.identity = Some(identity);
        }
    }

    pub fn close(&self, id: &str) -> bool {
        self.0.lock().is_ok_and(|mut sessions| sessions.remove(id).is_some())
    }

    /// The WWW-Authenticate header of a new session; the Basic part is left out for clients that speak `Handle`.
    pub fn challenge(&self, asked: &Asked, error: Option<&str>) -> String {
        let authorization = asked.header(header::AUTHORIZATION).unwrap_or_default();
        let basic = if starts_with_scheme(authorization, "Handle") { "" } else { "Basic realm=\"handle\", " };
        let (id, session) = self.open(challenge::client_nonce(authorization));
        let nonce = BASE64.encode(session.nonce);
        let error = error.map(|error| format!(", error=\"{error}\"")).unwrap_or_default();
        format!("{basic}Handle sessionId=\"{id}\", nonce=\"{nonce}\"{error}")
    }
}

pub fn starts_with_scheme(authorization: &str, scheme: &str) -> bool {
    authorization.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// The claim of a request, or the answer to a wrong one. Over plain HTTP nothing is looked at.
pub async fn claim(web: &Web, asked: &Asked) -> Result<Claim, Box<Response>> {
    let Some(authorization) = asked.header(header::AUTHORIZATION).filter(|_| asked.secure) else {
        return Ok(Claim::Nobody);
    };
    let identity = if starts_with_scheme(authorization, "Basic ") {
        basic(web, &authorization[6..]).await
    } else if starts_with_scheme(authorization, "Handle ") {
        let fields = challenge::Fields::parse(&authorization[7..]);
        match challenge::identify(web, &fields).await {
            // A client that only says it wants the Handle scheme gets its challenge.
            challenge::Verdict::Nothing => return Ok(Claim::Nobody),
            challenge::Verdict::Proven(identity) => Some(identity),
            challenge::Verdict::Wrong => None,
        }
    } else {
        None
    };
    identity.map(Claim::Proven).ok_or_else(|| Box::new(not_verified(web, asked)))
}

/// 401 with an empty body, as the reference answers a wrong proof.
pub fn not_verified(web: &Web, asked: &Asked) -> Response {
    let mut response = StatusCode::UNAUTHORIZED.into_response();
    let value = web.sessions.challenge(asked, Some("Identity not verified"));
    super::reply::insert(&mut response, header::WWW_AUTHENTICATE, &value);
    response
}

async fn basic(web: &Web, encoded: &str) -> Option<Reference> {
    let decoded = BASE64.decode(encoded.trim()).ok()?;
    let at = decoded.iter().position(|octet| *octet == b':')?;
    let user = std::str::from_utf8(&decoded[..at]).ok()?;
    let user = hufu_ident::identifier::percent_decode(user).ok()?;
    let identity = Reference::parse(&user)?;
    let administration = web.parts.administration.as_ref()?;
    let right = administration.identities().verify_password(&identity, &decoded[at + 1..]).await;
    right.then_some(identity)
}
