//! Private keys in all the forms that are read.

use aes::Aes128;
use cbc::Encryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockEncryptMut, KeyIvInit};
use hufu_client::{ErrorKind, Identity, Proof};
use hufu_ident::systems::handle::wire::{put_bytes, put_u32};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BigUint, RsaPrivateKey};

const NAME: &str = "300:0.NA/88.118.8";

fn key() -> RsaPrivateKey {
    RsaPrivateKey::new(&mut rand::thread_rng(), 1024).unwrap()
}

/// A key record with numbers as Java writes them, with a zero in front of a set top bit.
fn record(kind: &str, numbers: &[&BigUint]) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes(&mut out, kind.as_bytes());
    for number in numbers {
        put_bytes(&mut out, &[&[0], number.to_bytes_be().as_slice()].concat());
    }
    out
}

fn long_record(key: &RsaPrivateKey) -> Vec<u8> {
    let zero = BigUint::default();
    let [p, q] = key.primes() else { panic!("two primes") };
    record("RSA_PRIVCRT_KEY", &[key.n(), key.e(), key.d(), p, q, &zero, &zero, &zero])
}

fn plain(record: &[u8]) -> Vec<u8> {
    [&1u32.to_be_bytes(), record].concat()
}

fn sealed(record: &[u8], passphrase: &[u8]) -> Vec<u8> {
    let (salt, iv, mut key) = ([1; 16], [2; 16], [0; 16]);
    pbkdf2::pbkdf2_hmac::<sha1::Sha1>(passphrase, &salt, 10_000, &mut key);
    let ciphertext = Encryptor::<Aes128>::new(&key.into(), &iv.into()).encrypt_padded_vec_mut::<Pkcs7>(record);
    let mut out = 4u32.to_be_bytes().to_vec();
    put_bytes(&mut out, &salt);
    put_u32(&mut out, 10_000);
    put_u32(&mut out, 128);
    put_bytes(&mut out, &iv);
    put_bytes(&mut out, &ciphertext);
    out
}

fn assert_reads(file: &[u8], passphrase: Option<&[u8]>, key: &RsaPrivateKey) {
    let identity = Identity::read_key(NAME, file, passphrase).unwrap();
    let Proof::Rsa(found) = &identity.proof else { panic!("no RSA key") };
    assert_eq!((found.n(), found.d()), (key.n(), key.d()));
    assert_eq!(format!("{identity:?}"), "Identity(300:0.NA/88.118.8, Rsa)");
}

#[test]
fn keys_are_read_in_all_forms() {
    let key = key();
    assert_reads(key.to_pkcs8_pem(LineEnding::LF).unwrap().as_bytes(), None, &key);
    assert_reads(key.to_pkcs1_pem(LineEnding::CRLF).unwrap().as_bytes(), None, &key);
    assert_reads(&plain(&long_record(&key)), None, &key);
    assert_reads(&plain(&record("RSA_PRIV_KEY", &[key.n(), key.d()])), None, &key);
    assert_reads(&sealed(&long_record(&key), b"open"), Some(b"open"), &key);
    // Each octet becomes a character, and that UTF-8.
    assert_reads(&sealed(&long_record(&key), "\u{e9}".as_bytes()), Some(&[0xE9]), &key);
}

#[test]
fn what_cannot_be_read_is_said() {
    let key = key();
    let good = sealed(&long_record(&key), b"open");
    let zero = BigUint::default();
    let mut costly = good.clone();
    costly[24..28].copy_from_slice(&u32::MAX.to_be_bytes());
    for (file, passphrase, says) in [
        (&good, None, "passphrase"),
        (&good, Some(&b"close"[..]), "passphrase"),
        (&costly, Some(b"open"), "iterations"),
        (&good[..100].to_vec(), Some(b"open"), "not a private key file"),
        (&vec![0, 0, 0, 2, 1, 2, 3], None, "DES"),
        (&vec![9; 8], None, "neither PEM nor"),
        (&Vec::new(), None, "not a private key file"),
        (&b"-----BEGIN CERTIFICATE-----".to_vec(), None, "PEM"),
        (&plain(&record("DSA_PRIV_KEY", &[])), None, "DSA"),
        (&plain(&record("RSA_PRIV_KEY", &[&zero, &zero])), None, "zero"),
        (&plain(&record("RSA_PRIV_KEY", &[key.n(), key.e()])), None, "do not fit"),
    ] {
        let error = Identity::read_key(NAME, file, passphrase).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn names_are_read() {
    assert_eq!(Identity::read("0.NA/88", b"x").unwrap().name.index, 0);
    for name in ["", ":0.NA/88", "99999999999:0.NA/88"] {
        assert!(Identity::read(name, b"x").is_err(), "{name}");
    }
}
