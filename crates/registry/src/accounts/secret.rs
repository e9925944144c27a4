//! Passwords become hashes here, and only here: Argon2id as PHC strings, computed beside the runtime and by turns.
//!
//! RFC 9106 §4 leaves the parameters to the application; these are the lower of those that OWASP recommends, so that a
//! machine with two cores signs a few dozen people in per second.

use crate::error::{Error, Kind, Refusal};
use crate::registry::Random;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, Salt, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Memory of one computation, KiB.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Octets of a salt.
const SALT: usize = 16;
/// Computations at a time in this process: together 76 MiB.
const AT_ONCE: usize = 4;
/// How long a computation waits for its turn.
const WAIT: Duration = Duration::from_secs(10);

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// A hash with the parameters of today that no password has, for logins that nobody has: the effort is equal.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn busy() -> Refusal {
    let (zh, en) = ("登录请求过多，请稍后再试", "too many sign-ins at once; try again in a moment");
    Refusal::new(Kind::Unavailable, "sign-in-busy", zh, en)
}

fn hasher() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY, PASSES, LANES, None).map_err(|error| Error::Fault(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

async fn by_turns<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let turn = tokio::time::timeout(WAIT, TURNS.acquire()).await.map_err(|_| busy())?;
    let _turn = turn.map_err(|_| busy())?;
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Fault(format!("hashing a password: {error}")))
}

/// The PHC string of a prepared password.
pub(crate) async fn hash(password: &str, random: Random) -> Result<String, Error> {
    let mut salt = [0; SALT];
    random(&mut salt);
    let password = password.to_owned();
    by_turns(move || {
        let fault = |error: argon2::password_hash::Error| Error::Fault(format!("hashing a password: {error}"));
        let salt = SaltString::encode_b64(&salt).map_err(fault)?;
        let salt: Salt<'_> = salt.as_salt();
        Ok(hasher()?.hash_password(password.as_bytes(), salt).map_err(fault)?.to_string())
    })
    .await?
}

/// Which of the hashes the password has, if any. An empty hash stands for none and takes as long.
pub(crate) async fn matching(password: &str, hashes: Vec<String>) -> Result<Option<usize>, Error> {
    let password = password.to_owned();
    by_turns(move || {
        let verifier = hasher()?;
        let mut found = None;
        for (position, stored) in hashes.iter().enumerate() {
            let known = !stored.is_empty();
            let text = if known { stored.as_str() } else { NOBODY };
            let parsed = PasswordHash::new(text).map_err(|error| Error::Fault(format!("a stored hash: {error}")))?;
            if verifier.verify_password(password.as_bytes(), &parsed).is_ok() && known && found.is_none() {
                found = Some(position);
            }
        }
        Ok(found)
    })
    .await?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(octets: &mut [u8]) {
        octets.fill(7);
    }

    #[tokio::test]
    async fn a_hash_is_argon2id_and_known_by_its_password_only() {
        let stored = hash("kV7#mQz2!tRb9w", random).await.expect("a hash");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let hashes = || vec![String::new(), stored.clone()];
        assert_eq!(matching("kV7#mQz2!tRb9w", hashes()).await.expect("compared"), Some(1));
        assert_eq!(matching("kV7#mQz2!tRb9x", hashes()).await.expect("compared"), None);
        assert_eq!(matching("", vec![String::new()]).await.expect("compared"), None);
    }

    #[test]
    fn nobodys_hash_costs_what_a_hash_costs() {
        let parsed = PasswordHash::new(NOBODY).expect("a PHC string");
        let params = Params::try_from(&parsed).expect("parameters");
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (MEMORY, PASSES, LANES));
        assert_eq!(parsed.hash.map(|hash| hash.len()), Some(32));
    }
}
