//! Value data, field by field: the predefined types, public keys, and private key files.

use super::tree::{Cursor, Node};
use hufu_ident::systems::handle::wire::{Reader, WireError, put_bytes, put_u32};
use hufu_ident::systems::handle::{
    AdminRecord, Data, Interface, KeyParts, Protocol, PublicKey, Server, Site, keys, right,
};
use serde_json::{Value as Json, json};

/// Names of the rights, by bit.
const RIGHTS: [(u16, &str); 12] = [
    (right::ADD_HANDLE, "ADD_HANDLE"),
    (right::DELETE_HANDLE, "DELETE_HANDLE"),
    (right::ADD_DERIVED_PREFIX, "ADD_DERIVED_PREFIX"),
    (right::DELETE_DERIVED_PREFIX, "DELETE_DERIVED_PREFIX"),
    (right::MODIFY_VALUE, "MODIFY_VALUE"),
    (right::REMOVE_VALUE, "REMOVE_VALUE"),
    (right::ADD_VALUE, "ADD_VALUE"),
    (right::MODIFY_ADMIN, "MODIFY_ADMIN"),
    (right::REMOVE_ADMIN, "REMOVE_ADMIN"),
    (right::ADD_ADMIN, "ADD_ADMIN"),
    (right::READ_VALUE, "READ_VALUE"),
    (right::LIST_HANDLES, "LIST_HANDLES"),
];

/// The data of a value as its type says, `format` and `value`; data that break their type are shown as hex with
/// the rule that they break.
pub fn data(cursor: &mut Cursor, key: &'static str, kind: &[u8], octets: &[u8]) -> Node {
    cursor.fields(key, |cursor| match Data::decode(kind, octets) {
        Ok(Data::Text(text)) => named("string", cursor.fixed("value", octets.len(), text)),
        Ok(Data::Name(text)) => named("name", cursor.fixed("value", octets.len(), text)),
        Ok(Data::Octets(_)) => named("hex", cursor.raw_hex("value", octets)),
        Ok(Data::Admin(decoded)) => named("admin", admin(cursor, &decoded)),
        Ok(Data::Site(decoded)) => named("site", site(cursor, "value", &decoded)),
        Ok(Data::PublicKey(decoded)) => named("key", public_key(cursor, "value", &decoded)),
        Ok(Data::ValueList(list)) => {
            named("vlist", cursor.items("value", &list, |cursor, one| cursor.reference("item", one)))
        }
        Err(error) => named("hex", cursor.raw_hex("value", octets).note("broken", broken(&error))),
    })
}

fn named(format: &'static str, value: Node) -> Vec<Node> {
    vec![Cursor(value.at()).said("format", format), value]
}

fn broken(error: &WireError) -> Json {
    json!({"at": error.at, "field": error.field, "rule": error.rule})
}

fn admin(cursor: &mut Cursor, admin: &AdminRecord) -> Node {
    let names: Vec<&str> = RIGHTS.iter().filter(|(bit, _)| admin.grants(*bit)).map(|(_, name)| *name).collect();
    cursor.fields("value", |cursor| {
        let permissions = format!("{:012b}", admin.permissions);
        let mut fields = vec![
            cursor.fixed("permissions", 2, permissions).note("permissionNames", names),
            cursor.bytes("handle", &admin.admin.handle),
            cursor.u32("index", admin.admin.index),
        ];
        if admin.legacy_tail {
            fields.push(cursor.raw_hex("legacyTail", &[0, 0]));
        }
        fields
    })
}

/// A site record with all its servers.
pub fn site(cursor: &mut Cursor, key: &'static str, site: &Site) -> Node {
    cursor.fields(key, |cursor| {
        let hash = match site.hash_option {
            0 => "by prefix",
            1 => "by suffix",
            2 => "by whole handle",
            _ => "unknown",
        };
        vec![
            cursor.fixed("version", 2, site.format),
            cursor.fixed("protocolVersion", 2, site.version.to_string()),
            cursor.fixed("serialNumber", 2, site.serial),
            cursor
                .fixed("primaryMask", 1, site.primary_mask)
                .note("primarySite", site.is_primary())
                .note("multiPrimary", site.primary_mask & Site::MULTI_PRIMARY != 0),
            cursor.fixed("hashOption", 1, site.hash_option).note("hashOptionName", hash),
            cursor.sized_hex("hashFilter", &site.hash_filter),
            cursor.items("attributes", &site.attributes, |cursor, attribute| {
                cursor.fields("attribute", |cursor| {
                    vec![cursor.bytes("name", &attribute.name), cursor.bytes("value", &attribute.value)]
                })
            }),
            cursor.items("servers", &site.servers, server),
        ]
    })
}

fn server(cursor: &mut Cursor, server: &Server) -> Node {
    cursor.fields("server", |cursor| {
        vec![
            cursor.u32("serverId", server.id),
            cursor.fixed("address", 16, server.ip().to_string()).note("addressOctets", hex::encode(server.address)),
            server_key(cursor, &server.public_key),
            cursor.items("interfaces", &server.interfaces, interface),
        ]
    })
}

/// The key of a server stands behind its length; it may be empty or of a kind we do not know.
fn server_key(cursor: &mut Cursor, octets: &[u8]) -> Node {
    match PublicKey::decode(octets) {
        Ok(key) if !octets.is_empty() => {
            cursor.0 += 4;
            public_key(cursor, "publicKey", &key)
        }
        _ => cursor.sized_hex("publicKey", octets),
    }
}

fn interface(cursor: &mut Cursor, interface: &Interface) -> Node {
    let purpose = match interface.purpose {
        0 => "out of service",
        1 => "admin",
        2 => "query",
        3 => "query and admin",
        _ => "unknown",
    };
    let protocol = match interface.protocol {
        Protocol::Other(number) => number.into(),
        known => Json::from(known.name()),
    };
    cursor.fields("interface", |cursor| {
        vec![
            cursor.fixed("type", 1, interface.purpose).note("typeName", purpose),
            cursor.fixed("protocol", 1, protocol),
            cursor.u32("port", interface.port),
        ]
    })
}

/// A public key, part by part.
pub fn public_key(cursor: &mut Cursor, key: &'static str, decoded: &PublicKey) -> Node {
    cursor.fields(key, |cursor| {
        let mut fields = vec![cursor.bytes("keyType", &decoded.key_type), cursor.fixed("flags", 2, decoded.flags)];
        match &decoded.parts {
            KeyParts::Rsa { e, n, tail } => {
                fields.push(cursor.sized_hex("e", e));
                fields.push(cursor.sized_hex("n", n).note("bits", bits(n)));
                fields.extend(tail.then(|| cursor.raw_hex("tail", &[0; 4])));
            }
            KeyParts::Dsa { q, p, g, y } => {
                let numbers = [("q", q), ("p", p), ("g", g), ("y", y)];
                fields.extend(numbers.map(|(name, number)| cursor.sized_hex(name, number)));
            }
            KeyParts::Dh { y, p, g } => {
                fields.extend([("y", y), ("p", p), ("g", g)].map(|(name, number)| cursor.sized_hex(name, number)));
            }
            KeyParts::Sm2(octets) => fields.push(cursor.bytes("key", octets)),
            KeyParts::Other(octets) => fields.push(cursor.raw_hex("rest", octets)),
        }
        fields
    })
}

fn bits(number: &[u8]) -> usize {
    let bare = keys::unsigned(number);
    bare.first().map_or(0, |top| bare.len() * 8 - top.leading_zeros() as usize)
}

/// A private key file of Handle.Net (its payload is readable when it is not encrypted).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateKeyFile {
    encryption: u32,
    payload: KeyPayload,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum KeyPayload {
    /// Encryption 1: type, then the numbers that belong to it.
    Plain { key_type: Vec<u8>, numbers: Vec<Vec<u8>> },
    /// Encryptions 3 and 4.
    Derived { salt: Vec<u8>, iterations: u32, bits: u32, iv: Vec<u8>, ciphertext: Vec<u8> },
    /// Encryptions 0 and 2.
    Sealed(Vec<u8>),
}

/// Key types of private key records and the names of their numbers.
const PRIVATE_KEYS: [(&str, &[&str]); 3] = [
    ("DSA_PRIV_KEY", &["x", "p", "q", "g"]),
    ("RSA_PRIV_KEY", &["n", "d"]),
    ("RSA_PRIVCRT_KEY", &["n", "e", "d", "p", "q", "dP", "dQ", "qInv"]),
];

impl PrivateKeyFile {
    pub fn decode(octets: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(octets);
        let encryption = reader.u32("encryption")?;
        let payload = match encryption {
            1 => KeyPayload::decode_plain(&mut reader)?,
            3 | 4 => KeyPayload::Derived {
                salt: reader.bytes("salt")?.to_vec(),
                iterations: reader.u32("iterations")?,
                bits: reader.u32("key bits")?,
                iv: reader.bytes("iv")?.to_vec(),
                ciphertext: reader.bytes("ciphertext")?.to_vec(),
            },
            0 | 2 => KeyPayload::Sealed(reader.rest().to_vec()),
            _ => return Err(WireError { at: 0, field: "encryption", rule: "must be 0 to 4" }),
        };
        reader.finish("private key file")?;
        Ok(PrivateKeyFile { encryption, payload })
    }

    /// Whether the file is certainly one: its key type is known.
    pub fn is_plain(&self) -> bool {
        matches!(self.payload, KeyPayload::Plain { .. })
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_u32(&mut out, self.encryption);
        match &self.payload {
            KeyPayload::Plain { key_type, numbers } => {
                put_bytes(&mut out, key_type);
                numbers.iter().for_each(|number| put_bytes(&mut out, number));
            }
            KeyPayload::Derived { salt, iterations, bits, iv, ciphertext } => {
                put_bytes(&mut out, salt);
                put_u32(&mut out, *iterations);
                put_u32(&mut out, *bits);
                put_bytes(&mut out, iv);
                put_bytes(&mut out, ciphertext);
            }
            KeyPayload::Sealed(octets) => out.extend_from_slice(octets),
        }
        out
    }

    pub fn node(&self, cursor: &mut Cursor) -> Node {
        let name = match self.encryption {
            0 => "DES-ECB",
            1 => "none",
            2 => "DES-CBC",
            3 => "PBKDF2-HMAC-SHA1, DESede-CBC",
            _ => "PBKDF2-HMAC-SHA1, AES-CBC",
        };
        cursor.fields("data", |cursor| {
            let mut fields = vec![cursor.said("format", "privkey")];
            fields.push(cursor.u32("encryption", self.encryption).note("encryptionName", name));
            match &self.payload {
                KeyPayload::Plain { key_type, numbers } => {
                    fields.push(cursor.bytes("keyType", key_type));
                    let names = number_names(key_type).unwrap_or_default();
                    fields.extend(names.iter().zip(numbers).map(|(name, number)| cursor.sized_hex(name, number)));
                }
                KeyPayload::Derived { salt, iterations, bits, iv, ciphertext } => fields.extend([
                    cursor.sized_hex("salt", salt),
                    cursor.u32("iterations", *iterations),
                    cursor.u32("keyBits", *bits),
                    cursor.sized_hex("iv", iv),
                    cursor.sized_hex("ciphertext", ciphertext),
                ]),
                KeyPayload::Sealed(octets) => fields.push(cursor.raw_hex("ciphertext", octets)),
            }
            fields
        })
    }
}

impl KeyPayload {
    fn decode_plain(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let start = reader.position();
        let key_type = reader.bytes("key type")?.to_vec();
        let unknown = WireError { at: start, field: "key type", rule: "not a known private key type" };
        let names = number_names(&key_type).ok_or(unknown)?;
        let number = |name: &&'static str| reader.bytes(name).map(<[u8]>::to_vec);
        let numbers = names.iter().map(number).collect::<Result<_, _>>()?;
        Ok(KeyPayload::Plain { key_type, numbers })
    }
}

fn number_names(key_type: &[u8]) -> Option<&'static [&'static str]> {
    PRIVATE_KEYS.iter().find(|(name, _)| name.as_bytes() == key_type).map(|(_, names)| *names)
}

/// The data as decoded and encoded again; data that break their type stay as they are.
pub fn reencoded(kind: &[u8], octets: &[u8]) -> Vec<u8> {
    Data::decode(kind, octets).map_or_else(|_| octets.to_vec(), |data| data.to_bytes())
}
