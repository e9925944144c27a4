//! Sessions by Diffie–Hellman (mode 4): a shared key authenticates and, on request, encrypts what follows.
//!
//! Only known safe groups are accepted: Oakley group 2, which deployed clients use, and RFC 3526 group 14. The key
//! is the first 32 octets of the shared secret; all of it keys HMAC-SHA256, its first half AES-128-CBC.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use hufu_ident::Reference;
use hufu_ident::systems::handle::keys::unsigned;
use hufu_ident::systems::handle::proof::hmac_sha256;
use hufu_ident::systems::handle::wire::{Credential, CredentialField, Envelope, Plain, ResponseCode};
use hufu_ident::systems::handle::{KeyParts, PublicKey};
use rsa::BigUint;
use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;

type Encryptor = cbc::Encryptor<aes::Aes128>;
type Decryptor = cbc::Decryptor<aes::Aes128>;

/// Number of AES in a session answer.
pub const ALGORITHM_AES: u32 = 3;
/// Sessions at once; the longest idle give way.
const SESSIONS: usize = 10_000;
/// Longest life of an idle session.
const LONGEST: Duration = Duration::from_secs(86_400);
/// Counters remembered against replay.
const WINDOW: usize = 200;
const IV: usize = 16;

/// Oakley group 2 (RFC 2409 §6.2), 1024 bits.
const GROUP_2: &str = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A0879\
8E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A89\
9FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF";
/// Group 14 (RFC 3526 §3), 2048 bits.
const GROUP_14: &str = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A0879\
8E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A89\
9FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB\
9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2B\
CBF6955817183995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF";

/// What a session shares and knows.
#[derive(Clone)]
pub struct Session {
    pub id: u32,
    key: [u8; 32],
    /// Named at set-up; none for an anonymous session.
    pub identity: Option<Reference>,
    /// Whether that identity has answered a challenge in this session.
    pub authenticated: bool,
}

struct Kept {
    session: Session,
    life: Duration,
    used: Instant,
    counters: VecDeque<u32>,
}

/// The sessions of one node, whatever transport their messages come by.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<u32, Kept>>);

impl Sessions {
    pub fn open(&self, session: Session, life: Duration, now: Instant) {
        let Ok(mut sessions) = self.0.lock() else { return };
        if sessions.len() >= SESSIONS {
            sessions.retain(|_, kept| now.duration_since(kept.used) < kept.life);
        }
        if sessions.len() >= SESSIONS
            && let Some(oldest) = sessions.iter().min_by_key(|(_, kept)| kept.used).map(|(id, _)| *id)
        {
            sessions.remove(&oldest);
        }
        let life = if life.is_zero() { LONGEST } else { life.min(LONGEST) };
        sessions.insert(session.id, Kept { session, life, used: now, counters: VecDeque::new() });
    }

    pub fn get(&self, id: u32, now: Instant) -> Option<Session> {
        let mut sessions = self.0.lock().ok()?;
        let kept = sessions.get_mut(&id)?;
        if now.duration_since(kept.used) >= kept.life {
            sessions.remove(&id);
            return None;
        }
        kept.used = now;
        Some(kept.session.clone())
    }

    pub fn authenticate(&self, id: u32) {
        if let Ok(mut sessions) = self.0.lock()
            && let Some(kept) = sessions.get_mut(&id)
        {
            kept.session.authenticated = true;
        }
    }

    pub fn close(&self, id: u32) {
        if let Ok(mut sessions) = self.0.lock() {
            sessions.remove(&id);
        }
    }

    /// Whether a counter was not seen before; 0 is not checked.
    pub fn is_new(&self, id: u32, counter: u32) -> bool {
        let Ok(mut sessions) = self.0.lock() else { return false };
        let Some(kept) = sessions.get_mut(&id) else { return false };
        if counter == 0 {
            return true;
        }
        let full = kept.counters.len() >= WINDOW;
        let oldest = kept.counters.iter().min().copied().unwrap_or(0);
        if kept.counters.contains(&counter) || (full && counter <= oldest) {
            return false;
        }
        if full && let Some(at) = kept.counters.iter().position(|seen| *seen == oldest) {
            kept.counters.remove(at);
        }
        kept.counters.push_back(counter);
        true
    }
}

impl Session {
    /// Agrees on a key with the client's Diffie–Hellman key. Gives the session and the server's public key.
    pub fn agree(id: u32, theirs: &PublicKey, identity: Option<Reference>) -> Option<(Self, PublicKey)> {
        let KeyParts::Dh { y, p, g } = &theirs.parts else { return None };
        let modulus = known_group(p, g)?;
        let generator = BigUint::from(2u8);
        let their_y = BigUint::from_bytes_be(y);
        let one = BigUint::from(1u8);
        if their_y <= one || their_y >= &modulus - &one {
            return None;
        }
        let secret = BigUint::from_bytes_be(&crate::random::octets::<48>());
        let ours = generator.modpow(&secret, &modulus);
        let shared = their_y.modpow(&secret, &modulus);
        let size = unsigned(p).len();
        let key = key_of(&shared.to_bytes_be(), size);
        let public = PublicKey::dh(&ours.to_bytes_be(), unsigned(p), unsigned(g));
        Some((Session { id, key, identity, authenticated: false }, public))
    }

    /// The MAC over a message that this session sends.
    pub fn seal_mac(&self, envelope: &Envelope, counter: u32, header_and_body: &[u8]) -> Option<Credential> {
        let octets = Credential::signed_octets(envelope, counter, header_and_body)?;
        Some(Credential::new("HS_MAC", "HMAC-SHA256", counter, hmac_sha256(&self.key, &[&octets])))
    }

    /// Checks the MAC of a request; gives its counter, or the code that refuses it.
    pub fn check_mac(&self, envelope: &Envelope, plain: &Plain) -> Result<u32, ResponseCode> {
        let CredentialField::Signed(credential) = &plain.credential else {
            return Err(ResponseCode::INVALID_CREDENTIAL);
        };
        let mut octets = Vec::new();
        plain.compose_signed_part(&mut octets);
        let signed = Credential::signed_octets(envelope, credential.session_counter, &octets);
        let expected = signed.map(|signed| hmac_sha256(&self.key, &[&signed]));
        let right = credential.kind.eq_ignore_ascii_case(b"HS_MAC")
            && expected.is_some_and(|expected| bool::from(expected.ct_eq(&credential.signature)));
        if right { Ok(credential.session_counter) } else { Err(ResponseCode::INVALID_SESSION_KEY) }
    }

    /// IV and ciphertext of `message`.
    pub fn encrypt(&self, message: &[u8]) -> Vec<u8> {
        let iv = crate::random::octets::<IV>();
        let mut key = [0; 16];
        key.copy_from_slice(&self.key[..16]);
        let mut out = iv.to_vec();
        out.extend(Encryptor::new(&key.into(), &iv.into()).encrypt_padded_vec_mut::<Pkcs7>(message));
        out
    }

    pub fn decrypt(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (iv, ciphertext) = sealed.split_at_checked(IV)?;
        let iv: [u8; IV] = iv.try_into().ok()?;
        let mut key = [0; 16];
        key.copy_from_slice(&self.key[..16]);
        Decryptor::new(&key.into(), &iv.into()).decrypt_padded_vec_mut::<Pkcs7>(ciphertext).ok()
    }
}

/// The modulus, if it and the generator are of a known safe group.
fn known_group(p: &[u8], g: &[u8]) -> Option<BigUint> {
    if unsigned(g) != [2] {
        return None;
    }
    let given = BigUint::from_bytes_be(p);
    let groups = [GROUP_2, GROUP_14].into_iter().filter_map(|text| hex::decode(text).ok());
    groups.map(|octets| BigUint::from_bytes_be(&octets)).find(|group| *group == given)
}

/// The shared secret in `size` octets, leading zeros dropped while more than 32 remain, then the first 32.
fn key_of(shared: &[u8], size: usize) -> [u8; 32] {
    let mut padded = vec![0; size.saturating_sub(shared.len())];
    padded.extend_from_slice(shared);
    let zeros = padded.iter().take_while(|octet| **octet == 0).count().min(padded.len().saturating_sub(32));
    let mut key = [0; 32];
    let from = &padded[zeros..];
    let length = from.len().min(32);
    key[..length].copy_from_slice(&from[..length]);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_key(group: &str, secret: u32) -> (PublicKey, BigUint, BigUint) {
        let p = hex::decode(group).unwrap();
        let modulus = BigUint::from_bytes_be(&p);
        let secret = BigUint::from(secret);
        let y = BigUint::from(2u8).modpow(&secret, &modulus);
        (PublicKey::dh(&y.to_bytes_be(), &p, &[2]), secret, modulus)
    }

    #[test]
    fn both_sides_get_the_same_key_and_read_each_other() {
        for group in [GROUP_2, GROUP_14] {
            let (theirs, secret, modulus) = client_key(group, 0xDEAD_BEEF);
            let (session, ours) = Session::agree(7, &theirs, None).unwrap();
            let KeyParts::Dh { y, .. } = &ours.parts else { panic!("not a DH key") };
            let shared = BigUint::from_bytes_be(y).modpow(&secret, &modulus);
            assert_eq!(key_of(&shared.to_bytes_be(), group.len() / 2), session.key);
            assert_eq!(session.decrypt(&session.encrypt(b"secret")).unwrap(), b"secret");
        }
    }

    #[test]
    fn weak_groups_and_keys_are_refused() {
        assert!(Session::agree(1, &PublicKey::dh(&[3], &[23], &[2]), None).is_none());
        let p = hex::decode(GROUP_14).unwrap();
        assert!(Session::agree(1, &PublicKey::dh(&[1], &p, &[2]), None).is_none());
        assert!(Session::agree(1, &PublicKey::dh(&p, &p, &[2]), None).is_none());
    }

    #[test]
    fn a_counter_counts_once() {
        let sessions = Sessions::default();
        let (theirs, _, _) = client_key(GROUP_2, 5);
        let (session, _) = Session::agree(9, &theirs, None).unwrap();
        sessions.open(session, Duration::from_secs(60), Instant::now());
        assert!(sessions.is_new(9, 1));
        assert!(!sessions.is_new(9, 1));
        assert!((2..=300).all(|counter| sessions.is_new(9, counter)));
        assert!(!sessions.is_new(9, 5));
    }
}
