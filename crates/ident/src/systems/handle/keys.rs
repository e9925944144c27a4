//! Public keys as HS_PUBKEY values and HS_SITE servers carry them (RFC 3651 §3.2.6).

use super::wire::{Reader, WireError, put_bytes, put_u16};

pub const RSA: &[u8] = b"RSA_PUB_KEY";
pub const DSA: &[u8] = b"DSA_PUB_KEY";
pub const DH: &[u8] = b"DH_PUB_KEY";
pub const SM2: &[u8] = b"SM2_PUB_KEY";

/// A public key; numbers are big-endian, with a leading zero octet where the top bit would be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    pub key_type: Vec<u8>,
    pub flags: u16,
    pub parts: KeyParts,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyParts {
    /// Four zero octets follow in most records; `tail` remembers whether they did.
    Rsa {
        e: Vec<u8>,
        n: Vec<u8>,
        tail: bool,
    },
    Dsa {
        q: Vec<u8>,
        p: Vec<u8>,
        g: Vec<u8>,
        y: Vec<u8>,
    },
    Dh {
        y: Vec<u8>,
        p: Vec<u8>,
        g: Vec<u8>,
    },
    /// SubjectPublicKeyInfo as PEM text or DER, kept as it is.
    Sm2(Vec<u8>),
    /// A key type we do not know, kept as it is.
    Other(Vec<u8>),
}

impl PublicKey {
    /// An RSA key from unsigned big-endian numbers.
    pub fn rsa(e: &[u8], n: &[u8]) -> Self {
        let parts = KeyParts::Rsa { e: signed(e), n: signed(n), tail: true };
        PublicKey { key_type: RSA.to_vec(), flags: 0, parts }
    }

    /// A Diffie–Hellman key from unsigned big-endian numbers.
    pub fn dh(y: &[u8], p: &[u8], g: &[u8]) -> Self {
        let parts = KeyParts::Dh { y: signed(y), p: signed(p), g: signed(g) };
        PublicKey { key_type: DH.to_vec(), flags: 0, parts }
    }

    /// A DSA key from unsigned big-endian numbers.
    pub fn dsa(q: &[u8], p: &[u8], g: &[u8], y: &[u8]) -> Self {
        let parts = KeyParts::Dsa { q: signed(q), p: signed(p), g: signed(g), y: signed(y) };
        PublicKey { key_type: DSA.to_vec(), flags: 0, parts }
    }

    pub fn decode(data: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(data);
        let key_type = reader.bytes("key type")?.to_vec();
        let flags = reader.u16("key flags")?;
        let mut number = |field| reader.bytes(field).map(<[u8]>::to_vec);
        let parts = match key_type.as_slice() {
            RSA => {
                let (e, n) = (number("rsa e")?, number("rsa n")?);
                let tail = match reader.rest() {
                    [] => false,
                    [0, 0, 0, 0] => true,
                    _ => return Err(reader.error("RSA_PUB_KEY", "octets are left over")),
                };
                return Ok(PublicKey { key_type, flags, parts: KeyParts::Rsa { e, n, tail } });
            }
            DSA => KeyParts::Dsa { q: number("dsa q")?, p: number("dsa p")?, g: number("dsa g")?, y: number("dsa y")? },
            DH => KeyParts::Dh { y: number("dh y")?, p: number("dh p")?, g: number("dh g")? },
            SM2 => KeyParts::Sm2(number("sm2 key")?),
            _ => KeyParts::Other(reader.rest().to_vec()),
        };
        reader.finish("public key")?;
        Ok(PublicKey { key_type, flags, parts })
    }

    pub fn compose(&self, out: &mut Vec<u8>) {
        put_bytes(out, &self.key_type);
        put_u16(out, self.flags);
        match &self.parts {
            KeyParts::Rsa { e, n, tail } => {
                put_bytes(out, e);
                put_bytes(out, n);
                out.extend_from_slice(if *tail { &[0; 4] } else { &[] });
            }
            KeyParts::Dsa { q, p, g, y } => [q, p, g, y].into_iter().for_each(|number| put_bytes(out, number)),
            KeyParts::Dh { y, p, g } => [y, p, g].into_iter().for_each(|number| put_bytes(out, number)),
            KeyParts::Sm2(key) => put_bytes(out, key),
            KeyParts::Other(rest) => out.extend_from_slice(rest),
        }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(320);
        self.compose(&mut out);
        out
    }
}

/// Drops the leading zeros of a big-endian number.
pub fn unsigned(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    &number[zeros..]
}

/// The two's complement form of an unsigned number: a zero octet in front when its top bit is set.
fn signed(number: &[u8]) -> Vec<u8> {
    let bare = unsigned(number);
    let mut out = Vec::with_capacity(bare.len() + 1);
    if bare.first().is_none_or(|top| top & 0x80 != 0) {
        out.push(0);
    }
    out.extend_from_slice(bare);
    out
}
