//! HS_ADMIN: who administers a record, and with which rights (RFC 3651 §3.2.1).

use super::wire::{Reader, WireError, put_bytes, put_u16, put_u32};
use crate::record::Reference;

/// The twelve rights, as wire bits.
pub mod right {
    pub const ADD_HANDLE: u16 = 0x0001;
    pub const DELETE_HANDLE: u16 = 0x0002;
    pub const ADD_DERIVED_PREFIX: u16 = 0x0004;
    pub const DELETE_DERIVED_PREFIX: u16 = 0x0008;
    pub const MODIFY_VALUE: u16 = 0x0010;
    pub const REMOVE_VALUE: u16 = 0x0020;
    pub const ADD_VALUE: u16 = 0x0040;
    pub const MODIFY_ADMIN: u16 = 0x0080;
    pub const REMOVE_ADMIN: u16 = 0x0100;
    pub const ADD_ADMIN: u16 = 0x0200;
    pub const READ_VALUE: u16 = 0x0400;
    pub const LIST_HANDLES: u16 = 0x0800;
    /// All twelve.
    pub const ALL: u16 = 0x0FFF;
    /// What an owner of one record needs; nothing about prefixes.
    pub const RECORD: u16 = ALL & !(ADD_HANDLE | ADD_DERIVED_PREFIX | DELETE_DERIVED_PREFIX | LIST_HANDLES);
}

/// An administrator of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminRecord {
    pub permissions: u16,
    pub admin: Reference,
    /// An old form with two zero octets at its end, kept so that re-encoding gives back the same octets.
    pub legacy_tail: bool,
}

impl AdminRecord {
    pub fn new(permissions: u16, admin: Reference) -> Self {
        AdminRecord { permissions, admin, legacy_tail: false }
    }

    pub fn decode(data: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(data);
        let permissions = reader.u16("admin permissions")?;
        let handle = reader.bytes("admin handle")?.to_vec();
        let index = reader.u32("admin index")?;
        let legacy_tail = match reader.rest() {
            [] => false,
            [0, 0] => true,
            _ => return Err(reader.error("HS_ADMIN", "octets are left over")),
        };
        Ok(AdminRecord { permissions, admin: Reference { handle, index }, legacy_tail })
    }

    pub fn compose(&self, out: &mut Vec<u8>) {
        put_u16(out, self.permissions);
        put_bytes(out, &self.admin.handle);
        put_u32(out, self.admin.index);
        if self.legacy_tail {
            out.extend_from_slice(&[0, 0]);
        }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        self.compose(&mut out);
        out
    }

    /// Whether all of `rights` are granted.
    pub fn grants(&self, rights: u16) -> bool {
        self.permissions & rights == rights
    }

    /// Whether `identity` is named: handles compared with the prefix folded, index 0 here matching any index.
    pub fn names(&self, identity: &Reference) -> bool {
        (self.admin.index == 0 || self.admin.index == identity.index) && self.admin.same_handle(identity)
    }

    /// Twelve characters, most significant (LIST_HANDLES) first.
    pub fn permission_string(&self) -> String {
        format!("{:012b}", self.permissions & right::ALL)
    }

    /// Reads the twelve characters (fewer mean leading zeros), or `*` for all.
    pub fn parse_permissions(text: &str) -> Option<u16> {
        match text {
            "*" => Some(right::ALL),
            _ if text.len() > 12 || !text.bytes().all(|digit| matches!(digit, b'0' | b'1')) => None,
            _ => u16::from_str_radix(text, 2).ok(),
        }
    }
}
