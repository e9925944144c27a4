//! Private key files: PEM, and the format of Handle.Net.
//!
//! The latter is a `u4` encryption and a payload. 1 is the plain key record; 4 is salt, PBKDF2 iterations, key bits,
//! IV and AES-128-CBC ciphertext of it. A key record is a type and big-endian numbers, each with its length.

use aes::Aes128;
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockDecryptMut, KeyIvInit};
use hufu_ident::limits::PBKDF2_ITERATIONS;
use hufu_ident::systems::handle::wire::{Reader, WireError};
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::{BigUint, RsaPrivateKey};
use sha1::Sha1;

use crate::error::Error;

const PLAIN: u32 = 1;
const AES: u32 = 4;
const AES_KEY_BITS: u32 = 128;
/// Public exponent of key records that name none; nearly all keys have this one.
const USUAL_EXPONENT: u32 = 65_537;

/// Reads an RSA private key.
pub(crate) fn read(file: &[u8], passphrase: Option<&[u8]>) -> Result<RsaPrivateKey, Error> {
    match std::str::from_utf8(file) {
        Ok(text) if text.trim_start().starts_with("-----BEGIN") => read_pem(text.trim()),
        _ => read_record(&decrypt(file, passphrase)?),
    }
}

fn read_pem(text: &str) -> Result<RsaPrivateKey, Error> {
    let key = match text.starts_with("-----BEGIN RSA PRIVATE KEY-----") {
        true => RsaPrivateKey::from_pkcs1_pem(text).map_err(|error| error.to_string()),
        false => RsaPrivateKey::from_pkcs8_pem(text).map_err(|error| error.to_string()),
    };
    key.map_err(|why| Error::invalid(format!("not a PEM file with an unencrypted RSA private key: {why}")))
}

/// The key record inside a Handle.Net file.
fn decrypt(file: &[u8], passphrase: Option<&[u8]>) -> Result<Vec<u8>, Error> {
    let mut reader = Reader::new(file);
    match reader.u32("encryption").map_err(no_key_file)? {
        PLAIN => Ok(reader.rest().to_vec()),
        AES => {
            let needed = || Error::invalid("this private key file needs its passphrase");
            decrypt_aes(reader, passphrase.ok_or_else(needed)?)
        }
        0 | 2 | 3 => Err(Error::invalid(
            "this private key file is encrypted with DES, which is not supported; convert it to PEM or to AES",
        )),
        _ => Err(Error::invalid("neither PEM nor a private key file of Handle.Net")),
    }
}

fn decrypt_aes(mut reader: Reader<'_>, passphrase: &[u8]) -> Result<Vec<u8>, Error> {
    let salt = reader.bytes("salt").map_err(no_key_file)?;
    let iterations = reader.u32("iterations").map_err(no_key_file)?;
    let bits = reader.u32("key bits").map_err(no_key_file)?;
    let iv = reader.bytes("iv").map_err(no_key_file)?;
    let sealed = reader.bytes("ciphertext").map_err(no_key_file)?;
    if bits != AES_KEY_BITS || iterations == 0 || iterations > PBKDF2_ITERATIONS {
        return Err(Error::invalid("this private key file asks for key bits or iterations that are not supported"));
    }
    // Handle.Net makes a character of each octet, and Java's PBKDF2 takes characters as UTF-8.
    let password: String = passphrase.iter().map(|octet| char::from(*octet)).collect();
    let mut key = [0; AES_KEY_BITS as usize / 8];
    pbkdf2::pbkdf2_hmac::<Sha1>(password.as_bytes(), salt, iterations, &mut key);
    let cipher = Decryptor::<Aes128>::new_from_slices(&key, iv);
    let cipher = cipher.map_err(|_| Error::invalid("the IV of this private key file is not 16 octets"))?;
    let opened = cipher.decrypt_padded_vec_mut::<Pkcs7>(sealed);
    opened.map_err(|_| Error::invalid("wrong passphrase for this private key file"))
}

fn read_record(record: &[u8]) -> Result<RsaPrivateKey, Error> {
    let mut reader = Reader::new(record);
    let kind = reader.bytes("key type").map_err(no_key_file)?;
    let mut number = |field| reader.bytes(field).map(BigUint::from_bytes_be).map_err(no_key_file);
    match kind {
        b"RSA_PRIVCRT_KEY" => {
            let (n, e, d) = (number("rsa n")?, number("rsa e")?, number("rsa d")?);
            from_numbers(n, e, d, vec![number("rsa p")?, number("rsa q")?])
        }
        b"RSA_PRIV_KEY" => {
            let (n, d) = (number("rsa n")?, number("rsa d")?);
            from_numbers(n, USUAL_EXPONENT.into(), d, Vec::new())
        }
        b"DSA_PRIV_KEY" => Err(Error::invalid("DSA private keys are not supported")),
        _ => Err(Error::invalid("this private key file is not of RSA, or its passphrase is wrong")),
    }
}

/// Without primes they are recovered, for which neither `n` nor `d` may be zero.
fn from_numbers(n: BigUint, e: BigUint, d: BigUint, primes: Vec<BigUint>) -> Result<RsaPrivateKey, Error> {
    let unfit = |why: &str| Error::invalid(format!("the numbers of this RSA private key do not fit: {why}"));
    if [&n, &d].into_iter().any(|number| number.bits() < 2) {
        return Err(unfit("one of them is zero"));
    }
    RsaPrivateKey::from_components(n, e, d, primes).map_err(|error| unfit(&error.to_string()))
}

fn no_key_file(error: WireError) -> Error {
    Error::invalid(format!("not a private key file of Handle.Net: {error}"))
}
