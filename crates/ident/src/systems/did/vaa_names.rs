//! `did:cn` and `did:vaa`: DIDs of the holders of VAA prefixes.

use super::encoding;
use crate::refusal::Refusal;
use crate::systems::vaa;

pub const CN_CLAUSE: &str = "did:cn method (2025)";
pub const VAA_CLAUSE: &str = "did:vaa method";
/// What a `did:vaa` of a contract begins with.
const CONTRACT: &str = "IDcontract1:";
/// Characters of the digest of a key.
const DIGEST_CHARS: std::ops::RangeInclusive<usize> = 27..=31;

/// What such a DID says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaaName<'a> {
    /// `did:cn:88.118.8`: the holder of a prefix.
    Prefix(vaa::Parts<'a>),
    /// `did:vaa:…`: the digest of a key, in base58.
    Digest(&'a str),
    /// `did:vaa:IDcontract1:86.100.1234/abc`: a contract and its identifier.
    Contract(&'a str),
}

/// Octets of `id` (what follows `did:vaa:`) that belong to the identifier: a contract's has a slash.
pub(super) fn extent(id: &str) -> usize {
    let stops: &[char] = if id.starts_with(CONTRACT) { &['?', '#'] } else { &['/', '?', '#'] };
    id.find(stops).unwrap_or(id.len())
}

/// Parses what follows `did:cn:`.
pub fn cn(id: &str) -> Result<VaaName<'_>, Refusal> {
    vaa::parse_prefix(id).map(VaaName::Prefix).map_err(|refusal| Refusal { clause: CN_CLAUSE, ..refusal })
}

/// Parses what follows `did:vaa:`.
pub fn vaa(id: &str) -> Result<VaaName<'_>, Refusal> {
    if let Some(identifier) = id.strip_prefix(CONTRACT) {
        vaa::parse(identifier).map_err(|refusal| refusal.shifted(CONTRACT.len()))?;
        return Ok(VaaName::Contract(identifier));
    }
    encoding::from_base58(id)
        .map_err(|at| Refusal::new("did-vaa-base58", VAA_CLAUSE, "不是base58字符", "not a base58 character").at(at))?;
    let chars = id.len();
    if !DIGEST_CHARS.contains(&chars) {
        let zh = format!("须为27至31个base58字符，现为{chars}个");
        let en = format!("27 to 31 base58 characters are needed, not {chars}");
        return Err(Refusal::new("did-vaa-length", VAA_CLAUSE, zh, en).at(chars.min(31)));
    }
    Ok(VaaName::Digest(id))
}
