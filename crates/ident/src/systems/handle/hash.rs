//! Which server of a site holds a name (RFC 3652 §3.1.2): MD5 of the folded part, last four octets, absolute value.

use crate::identifier::Name;
use md5::{Digest, Md5};

/// The hash of `name` by `option`: 0 prefix, 1 suffix, anything else the whole name.
///
/// A name without slash hashes with prefix `0.NA` and itself as suffix and whole.
pub fn hash(name: Name<'_>, option: u8) -> u64 {
    let part = match option {
        0 => name.prefix(),
        1 => name.suffix(),
        _ => name.text(),
    };
    let digest = Md5::digest(part.to_ascii_uppercase().as_bytes());
    let last = i32::from_be_bytes([digest[12], digest[13], digest[14], digest[15]]);
    u64::from(last.unsigned_abs())
}
