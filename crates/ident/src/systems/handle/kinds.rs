//! The predefined value types and their data, decoded (RFC 3651 §3.2).

use super::admin::AdminRecord;
use super::keys::PublicKey;
use super::site::Site;
use super::wire::{Reader, WireError, put_bytes, put_u32};
use crate::record::Reference;

/// Names of the predefined types.
pub mod kind {
    pub const ADMIN: &str = "HS_ADMIN";
    pub const SITE: &str = "HS_SITE";
    pub const SITE_6: &str = "HS_SITE.6";
    pub const SITE_PREFIX: &str = "HS_SITE.PREFIX";
    pub const NA_DELEGATE: &str = "HS_NA_DELEGATE";
    pub const SERV: &str = "HS_SERV";
    pub const SERV_PREFIX: &str = "HS_SERV.PREFIX";
    pub const ALIAS: &str = "HS_ALIAS";
    pub const VLIST: &str = "HS_VLIST";
    pub const PUBKEY: &str = "HS_PUBKEY";
    pub const SECKEY: &str = "HS_SECKEY";
    pub const NAMESPACE: &str = "HS_NAMESPACE";
    pub const CERT: &str = "HS_CERT";
    pub const SIGNATURE: &str = "HS_SIGNATURE";
    pub const URL: &str = "URL";
    pub const EMAIL: &str = "EMAIL";
    pub const DESC: &str = "DESC";
    pub const LOC: &str = "10320/loc";

    /// Types that say where the identifiers of a prefix are served.
    pub const SERVICE: [&str; 3] = [SITE, SITE_6, SERV];
    /// Types that say where the prefixes derived from a prefix are served.
    pub const PREFIX_SERVICE: [&str; 3] = [SITE_PREFIX, SERV_PREFIX, NA_DELEGATE];

    /// Whether `kind` is one of `names`, ignoring case.
    pub fn is_one_of(kind: &[u8], names: &[&str]) -> bool {
        names.iter().any(|name| kind.eq_ignore_ascii_case(name.as_bytes()))
    }
}

/// A value's data as its type says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    Admin(AdminRecord),
    Site(Box<Site>),
    PublicKey(PublicKey),
    ValueList(Vec<Reference>),
    /// HS_ALIAS, HS_SERV, HS_SERV.PREFIX: a name.
    Name(String),
    /// Text types and everything that is text.
    Text(String),
    /// Anything else.
    Octets(Vec<u8>),
}

impl Data {
    /// Decodes `data` as its `kind` says. A predefined type whose data breaks its layout is an error;
    /// an unknown type is text or octets.
    pub fn decode(kind: &[u8], data: &[u8]) -> Result<Self, WireError> {
        let is = |names: &[&str]| kind::is_one_of(kind, names);
        if is(&[kind::ADMIN]) {
            return AdminRecord::decode(data).map(Data::Admin);
        }
        if is(&[kind::SITE, kind::SITE_6, kind::SITE_PREFIX, kind::NA_DELEGATE]) {
            return Site::decode(data).map(|site| Data::Site(Box::new(site)));
        }
        if is(&[kind::PUBKEY]) {
            return PublicKey::decode(data).map(Data::PublicKey);
        }
        if is(&[kind::VLIST]) {
            return decode_value_list(data).map(Data::ValueList);
        }
        if is(&[kind::SECKEY]) {
            return Ok(Data::Octets(data.to_vec()));
        }
        match String::from_utf8(data.to_vec()) {
            Ok(text) if is(&[kind::ALIAS, kind::SERV, kind::SERV_PREFIX]) => Ok(Data::Name(text)),
            Ok(text) if is_text(&text) => Ok(Data::Text(text)),
            Ok(text) => Ok(Data::Octets(text.into_bytes())),
            Err(not_text) => Ok(Data::Octets(not_text.into_bytes())),
        }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Data::Admin(admin) => admin.to_bytes(),
            Data::Site(site) => site.to_bytes(),
            Data::PublicKey(key) => key.to_bytes(),
            Data::ValueList(list) => encode_value_list(list),
            Data::Name(text) | Data::Text(text) => text.clone().into_bytes(),
            Data::Octets(octets) => octets.clone(),
        }
    }
}

/// Whether a text may be shown as such: no control octet but 0x09–0x13, which count as white space.
pub fn is_text(text: &str) -> bool {
    !text.bytes().any(|octet| matches!(octet, 0x00..=0x08 | 0x14..=0x1F | 0x7F))
}

fn decode_value_list(data: &[u8]) -> Result<Vec<Reference>, WireError> {
    let mut reader = Reader::new(data);
    let count = reader.count("HS_VLIST", 8)?;
    let one = |reader: &mut Reader<'_>| -> Result<Reference, WireError> {
        let handle = reader.bytes("list handle")?.to_vec();
        Ok(Reference { handle, index: reader.u32("list index")? })
    };
    let list = (0..count).map(|_| one(&mut reader)).collect::<Result<_, _>>()?;
    reader.finish("HS_VLIST")?;
    Ok(list)
}

fn encode_value_list(list: &[Reference]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 + 32 * list.len());
    put_u32(&mut out, list.len() as u32);
    for reference in list {
        put_bytes(&mut out, &reference.handle);
        put_u32(&mut out, reference.index);
    }
    out
}
