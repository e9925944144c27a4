//! Who somebody is: proofs checked against the keys that the claimed identity publishes (distributed authentication).

use super::Refused;
use crate::answering::{Answering, Found};
use hufu_ident::systems::handle::proof::{self, Legacy};
use hufu_ident::systems::handle::wire::{
    Body, DigestForm, Envelope, Header, Message, OpCode, RequestDigest, ResponseCode, VerifyRequest, flag,
};
use hufu_ident::systems::handle::{PublicKey, kind};
use hufu_ident::{Identifier, Reference, ValueSet};
use sha1::{Digest, Sha1};
use std::sync::Arc;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

/// A proof given in answer to a challenge.
#[derive(Debug, Clone)]
pub struct Proof {
    pub identity: Reference,
    /// `HS_SECKEY` or `HS_PUBKEY`.
    pub auth_type: Vec<u8>,
    pub nonce: Vec<u8>,
    pub digest: RequestDigest,
    pub response: Vec<u8>,
}

/// Who asks for an operation.
#[derive(Debug, Clone)]
pub enum Claim {
    /// Nobody has said.
    Nobody,
    /// Checked before: a logged-in connection, a session, a password.
    Proven(Reference),
    /// To be checked when the operation needs it.
    Proof(Box<Proof>),
}

impl Claim {
    pub fn identity(&self) -> Option<&Reference> {
        match self {
            Claim::Nobody => None,
            Claim::Proven(identity) => Some(identity),
            Claim::Proof(proof) => Some(&proof.identity),
        }
    }
}

/// Proofs being checked at once; each may cost milliseconds of CPU or a question to another node.
const CHECKS_AT_ONCE: usize = 64;

/// Checks proofs. Whoever asks need not have shown who they are, so both the checks under way and the arithmetic
/// (a key derivation may cost half a second) are bounded, and the arithmetic stays off the network's threads.
pub struct Identities {
    answering: Answering,
    legacy: Legacy,
    checks: Arc<Semaphore>,
    arithmetic: Arc<Semaphore>,
}

/// A key or secret as found.
enum Keys {
    Secrets(Vec<Vec<u8>>),
    Public(Vec<PublicKey>),
    /// The secrets are elsewhere; the proof must be sent there.
    Elsewhere,
}

impl Identities {
    pub fn new(answering: Answering, legacy: Legacy) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let (checks, arithmetic) = (Semaphore::new(CHECKS_AT_ONCE), Semaphore::new(processors));
        Identities { answering, legacy, checks: Arc::new(checks), arithmetic: Arc::new(arithmetic) }
    }

    /// Runs arithmetic off the network's threads, as much at once as there are processors.
    pub async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let _permit = self.arithmetic.acquire().await.ok()?;
        tokio::task::spawn_blocking(work).await.ok()
    }

    /// Whether the proof is right. A wrong one is RC 403, an unknown kind RC 404.
    pub async fn verify(&self, proof: &Proof) -> Result<(), Refused> {
        let _permit = self.checks.acquire().await.map_err(|_| Refused::code(ResponseCode::SERVER_TOO_BUSY))?;
        let secret = kind::is_one_of(&proof.auth_type, &[kind::SECKEY]);
        if !secret && !kind::is_one_of(&proof.auth_type, &[kind::PUBKEY]) {
            return Err(Refused::no(ResponseCode::INVALID_CREDENTIAL, "Unknown authentication type"));
        }
        let right = match self.keys(&proof.identity, secret).await {
            Keys::Elsewhere => self.verify_elsewhere(proof).await,
            keys => self.check(keys, proof.clone()).await,
        };
        if right { Ok(()) } else { Err(Refused::code(ResponseCode::AUTHENTICATION_FAILED)) }
    }

    /// Whether `password` is a secret of the identity kept here (HTTP Basic).
    pub async fn verify_password(&self, identity: &Reference, password: &[u8]) -> bool {
        let Ok(_permit) = self.checks.acquire().await else { return false };
        let secrets = match self.keys(identity, true).await {
            Keys::Secrets(secrets) => secrets,
            Keys::Elsewhere => return self.verify_password_elsewhere(identity, password).await,
            Keys::Public(_) => return false,
        };
        let hashed = hex::encode(Sha1::digest(password));
        let same = |secret: &Vec<u8>| bool::from(secret.ct_eq(password)) | bool::from(secret.ct_eq(hashed.as_bytes()));
        secrets.iter().fold(false, |found, secret| found | same(secret))
    }

    /// Answers another server's question (op 201): does the response prove a secret kept here?
    pub async fn verify_for_other(&self, request: VerifyRequest) -> bool {
        let identity = Reference { handle: request.handle, index: request.index };
        let Keys::Secrets(secrets) = self.keys(&identity, true).await else { return false };
        let proof = Proof {
            identity,
            auth_type: kind::SECKEY.into(),
            nonce: request.nonce,
            digest: request.digest,
            response: request.signed_response,
        };
        let Ok(_permit) = self.checks.acquire().await else { return false };
        self.check(Keys::Secrets(secrets), proof).await
    }

    /// The public keys of an identity, wherever it lives, in ascending index order.
    pub async fn public_keys(&self, identity: &Reference) -> Vec<PublicKey> {
        match self.keys(identity, false).await {
            Keys::Public(keys) => keys,
            _ => Vec::new(),
        }
    }

    /// The secrets of an identity kept here.
    pub async fn secrets(&self, identity: &Reference) -> Vec<Vec<u8>> {
        match self.keys(identity, true).await {
            Keys::Secrets(secrets) => secrets,
            _ => Vec::new(),
        }
    }

    async fn check(&self, keys: Keys, proof: Proof) -> bool {
        let legacy = self.legacy;
        let work = move || {
            let (nonce, digest) = (&proof.nonce, &proof.digest.digest);
            match keys {
                Keys::Secrets(secrets) => {
                    let right = |secret: &Vec<u8>| proof::verify_secret(secret, nonce, digest, &proof.response, legacy);
                    secrets.iter().any(right)
                }
                Keys::Public(keys) => {
                    keys.iter().any(|key| proof::verify_key(key, nonce, digest, &proof.response, legacy))
                }
                Keys::Elsewhere => false,
            }
        };
        self.compute(work).await.unwrap_or(false)
    }

    async fn keys(&self, identity: &Reference, secret: bool) -> Keys {
        let name = std::str::from_utf8(&identity.handle).ok().and_then(|text| Identifier::parse(text).ok());
        let Some(name) = name else { return Keys::Public(Vec::new()) };
        let found = self.answering.look_up_anywhere(&name).await;
        let Ok(Found::Values { values, own, .. }) = found else { return Keys::Public(Vec::new()) };
        match secret {
            true if own => Keys::Secrets(of_kind(&values, identity.index, kind::SECKEY)),
            true => Keys::Elsewhere,
            false => {
                let keys = of_kind(&values, identity.index, kind::PUBKEY);
                Keys::Public(keys.iter().filter_map(|data| PublicKey::decode(data).ok()).collect())
            }
        }
    }

    /// Sends the proof to the node that keeps the secret (op 201).
    async fn verify_elsewhere(&self, proof: &Proof) -> bool {
        let (Some(recursor), Some(name)) = (&self.answering.recursor, name_of(&proof.identity)) else { return false };
        let digest = RequestDigest { form: DigestForm::Plain, digest: proof.digest.digest.clone() };
        let body = Body::Verify(VerifyRequest {
            handle: proof.identity.handle.clone(),
            index: proof.identity.index,
            nonce: proof.nonce.clone(),
            digest,
            signed_response: proof.response.clone(),
        });
        let now = crate::clock::seconds();
        let message = Message::new(Envelope::new(1), Header::request(OpCode::VERIFY_CHALLENGE, flag::RECU, now), body);
        let answer = recursor.ask_responsible(&name, &message).await;
        answer.is_ok_and(|answer| answer.plain().is_some_and(|plain| plain.body == Body::Verified(1)))
    }

    /// A password for an identity whose secret is kept elsewhere: turned into a proof and sent there.
    async fn verify_password_elsewhere(&self, identity: &Reference, password: &[u8]) -> bool {
        let (nonce, digest, salt) =
            (crate::random::octets::<16>(), crate::random::octets::<32>(), crate::random::octets());
        let version = hufu_ident::systems::handle::wire::OWN_VERSION;
        let password = password.to_vec();
        let proven = self.compute(move || proof::prove_secret(&password, version, &nonce, &digest, salt)).await;
        let Some(response) = proven else { return false };
        let digest = RequestDigest { form: DigestForm::Sha256, digest: digest.to_vec() };
        let auth_type = kind::SECKEY.into();
        let proof = Proof { identity: identity.clone(), auth_type, nonce: nonce.to_vec(), digest, response };
        self.verify_elsewhere(&proof).await
    }
}

fn name_of(identity: &Reference) -> Option<Identifier> {
    Identifier::parse(std::str::from_utf8(&identity.handle).ok()?).ok()
}

/// Data of the values of `kind` with the index (0 = all), ascending.
fn of_kind(values: &ValueSet, index: u32, kind: &str) -> Vec<Vec<u8>> {
    let wanted = |value: &hufu_ident::ValueRef<'_>| value.is_kind(kind) && (index == 0 || value.index == index);
    values.iter().filter(wanted).map(|value| value.data.to_vec()).collect()
}
