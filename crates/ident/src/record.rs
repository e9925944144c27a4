//! Records and values: the Handle value model, which every identifier system here shares.
//!
//! A [`ValueSet`] keeps the values in Handle wire form, so that storing, caching and answering copy octets
//! instead of building trees. [`Value`] is the owned form for whoever makes or changes values.

use crate::identifier::Identifier;
use crate::limits;
use crate::systems::handle::wire::{Reader, WireError, put_bytes, put_u32};
use bytes::Bytes;

/// Who may do what with one value (RFC 3651 §3.1): four bits; the rest is kept as received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permissions(pub u8);

impl Permissions {
    pub const ADMIN_READ: u8 = 0x8;
    pub const ADMIN_WRITE: u8 = 0x4;
    pub const PUBLIC_READ: u8 = 0x2;
    pub const PUBLIC_WRITE: u8 = 0x1;

    pub fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    pub fn public_read(self) -> bool {
        self.has(Self::PUBLIC_READ)
    }
}

impl Default for Permissions {
    /// Administrators read and write, everybody reads (`1110`).
    fn default() -> Self {
        Permissions(0x0E)
    }
}

/// How long a value may be kept by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ttl {
    /// Seconds from the moment of the answer.
    Relative(u32),
    /// Unix seconds.
    Absolute(u32),
}

impl Default for Ttl {
    fn default() -> Self {
        Ttl::Relative(limits::DEFAULT_TTL_SECONDS)
    }
}

impl Ttl {
    /// Seconds left at `now` (Unix seconds), at most two days.
    pub fn seconds_left(self, now: u64) -> u32 {
        match self {
            Ttl::Relative(seconds) => seconds.min(limits::TTL_SECONDS),
            Ttl::Absolute(until) => u64::from(until).saturating_sub(now).min(u64::from(limits::TTL_SECONDS)) as u32,
        }
    }
}

/// Names one value: `index:handle`, e.g. `300:0.NA/20.500.TEST`. Index 0 means any key of the handle.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    pub handle: Vec<u8>,
    pub index: u32,
}

impl Reference {
    pub fn new(index: u32, handle: impl Into<Vec<u8>>) -> Self {
        Reference { handle: handle.into(), index }
    }

    /// Reads `index:handle`; a text without an index means index 0.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some((index, handle)) if !handle.is_empty() && index.bytes().all(|b| b.is_ascii_digit()) => {
                Some(Reference::new(index.parse().ok()?, handle))
            }
            _ if text.is_empty() || text.starts_with(':') => None,
            _ => Some(Reference::new(0, text)),
        }
    }

    /// Same value name: prefix folded, suffix exact, index equal.
    pub fn same(&self, other: &Reference) -> bool {
        self.index == other.index && self.same_handle(other)
    }

    pub fn same_handle(&self, other: &Reference) -> bool {
        let cut = |bytes: &[u8]| bytes.iter().position(|b| *b == b'/').unwrap_or(bytes.len());
        let (a, b) = (cut(&self.handle), cut(&other.handle));
        self.handle[..a].eq_ignore_ascii_case(&other.handle[..b]) && self.handle[a..] == other.handle[b..]
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.index, String::from_utf8_lossy(&self.handle))
    }
}

/// One value of a record (RFC 3651 §3.1), owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Positive and unique in the record.
    pub index: u32,
    /// Unix seconds of the last change; the server sets it.
    pub timestamp: u32,
    pub ttl: Ttl,
    pub permissions: Permissions,
    /// The type: UTF-8, compared without case (`URL`, `HS_ADMIN`, …).
    pub kind: Vec<u8>,
    pub data: Vec<u8>,
    pub references: Vec<Reference>,
}

impl Value {
    /// A value with the usual TTL and permissions.
    pub fn new(index: u32, kind: &str, data: impl Into<Vec<u8>>) -> Self {
        Value {
            index,
            timestamp: 0,
            ttl: Ttl::default(),
            permissions: Permissions::default(),
            kind: kind.as_bytes().to_vec(),
            data: data.into(),
            references: Vec::new(),
        }
    }

    pub fn with_permissions(mut self, bits: u8) -> Self {
        self.permissions = Permissions(bits);
        self
    }

    pub fn is_kind(&self, kind: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind.as_bytes())
    }

    /// Equal but for the timestamp: such a rewrite needs no right and changes nothing.
    pub fn same_but_time(&self, other: &Value) -> bool {
        Value { timestamp: 0, ..self.clone() } == Value { timestamp: 0, ..other.clone() }
    }

    /// Appends the record in wire form.
    pub fn compose(&self, out: &mut Vec<u8>) {
        put_u32(out, self.index);
        put_u32(out, self.timestamp);
        let (ttl_type, ttl) = match self.ttl {
            Ttl::Relative(seconds) => (0, seconds),
            Ttl::Absolute(until) => (1, until),
        };
        out.push(ttl_type);
        put_u32(out, ttl);
        out.push(self.permissions.0);
        put_bytes(out, &self.kind);
        put_bytes(out, &self.data);
        put_u32(out, self.references.len() as u32);
        for reference in &self.references {
            put_bytes(out, &reference.handle);
            put_u32(out, reference.index);
        }
    }

    /// Decodes one record.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        ValueRef::decode(reader).map(|value| value.to_value())
    }
}

/// One value, borrowed from its wire form.
#[derive(Debug, Clone, Copy)]
pub struct ValueRef<'a> {
    /// The whole encoded record.
    pub raw: &'a [u8],
    pub index: u32,
    pub timestamp: u32,
    pub ttl: Ttl,
    pub permissions: Permissions,
    pub kind: &'a [u8],
    pub data: &'a [u8],
    references: &'a [u8],
    reference_count: u32,
}

/// Octets of a record with empty type, data and references.
const MIN_VALUE: usize = 26;
/// Where the TTL type octet stands in an encoded record.
pub(crate) const TTL_OFFSET: usize = 8;

impl<'a> ValueRef<'a> {
    /// Reads one record without copying.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let start = reader.position();
        let index = reader.u32("value index")?;
        let timestamp = reader.u32("value timestamp")?;
        let ttl_type = reader.u8("value ttl type")?;
        let ttl = reader.u32("value ttl")?;
        let ttl = match ttl_type {
            0 => Ttl::Relative(ttl),
            1 => Ttl::Absolute(ttl),
            _ => return Err(reader.error("value ttl type", "must be 0 (relative) or 1 (absolute)")),
        };
        let permissions = Permissions(reader.u8("value permissions")?);
        let kind = reader.bytes("value type")?;
        let data = reader.bytes("value data")?;
        let reference_count = reader.count("value references", 8)?;
        let references_start = reader.position();
        for _ in 0..reference_count {
            reader.bytes("reference handle")?;
            reader.u32("reference index")?;
        }
        let references = reader.since(references_start);
        let raw = reader.since(start);
        Ok(ValueRef { raw, index, timestamp, ttl, permissions, kind, data, references, reference_count })
    }

    pub fn is_kind(&self, kind: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind.as_bytes())
    }

    pub fn references(&self) -> Vec<Reference> {
        let mut reader = Reader::new(self.references);
        let one = |reader: &mut Reader<'_>| -> Result<Reference, WireError> {
            let handle = reader.bytes("reference handle")?.to_vec();
            Ok(Reference { handle, index: reader.u32("reference index")? })
        };
        (0..self.reference_count).map_while(|_| one(&mut reader).ok()).collect()
    }

    pub fn to_value(&self) -> Value {
        Value {
            index: self.index,
            timestamp: self.timestamp,
            ttl: self.ttl,
            permissions: self.permissions,
            kind: self.kind.to_vec(),
            data: self.data.to_vec(),
            references: self.references(),
        }
    }
}

/// All values of a record in wire form (`u4 n · n × record`), ascending by index, indexes unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueSet(Bytes);

impl ValueSet {
    /// Sorts by index and encodes. The caller has refused duplicate indexes.
    pub fn from_values(mut values: Vec<Value>) -> Self {
        values.sort_by_key(|value| value.index);
        let mut out = Vec::with_capacity(64 * values.len() + 4);
        put_u32(&mut out, values.len() as u32);
        values.iter().for_each(|value| value.compose(&mut out));
        ValueSet(out.into())
    }

    /// Checks that `bytes` hold exactly one well-formed set.
    pub fn decode(bytes: Bytes) -> Result<Self, WireError> {
        let mut reader = Reader::new(&bytes);
        let count = reader.count("values", MIN_VALUE)?;
        for _ in 0..count {
            ValueRef::decode(&mut reader)?;
        }
        reader.finish("values")?;
        Ok(ValueSet(bytes))
    }

    /// Takes octets that this type produced before, unchecked; iteration stops at the first flaw.
    pub fn trusted(bytes: Bytes) -> Self {
        ValueSet(bytes)
    }

    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    pub fn len(&self) -> usize {
        self.0.get(..4).map_or(0, |four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]) as usize)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = ValueRef<'_>> {
        let mut reader = Reader::new(self.0.get(4..).unwrap_or_default());
        (0..self.len()).map_while(move |_| ValueRef::decode(&mut reader).ok())
    }

    pub fn to_values(&self) -> Vec<Value> {
        self.iter().map(|value| value.to_value()).collect()
    }

    /// Only the publicly readable values.
    pub fn public(&self) -> ValueSet {
        if self.iter().all(|value| value.permissions.public_read()) {
            return self.clone();
        }
        self.filtered(|value| value.permissions.public_read())
    }

    /// The values that `keep` accepts.
    pub fn filtered(&self, keep: impl Fn(&ValueRef<'_>) -> bool) -> ValueSet {
        let mut out = vec![0; 4];
        let mut count = 0u32;
        for value in self.iter().filter(|value| keep(value)) {
            out.extend_from_slice(value.raw);
            count += 1;
        }
        out[..4].copy_from_slice(&count.to_be_bytes());
        ValueSet(out.into())
    }

    /// The same values with every relative TTL at most `seconds`, for answers past their time.
    pub fn with_ttl_at_most(&self, seconds: u32) -> ValueSet {
        let mut out = self.0.to_vec();
        let base = self.0.as_ptr() as usize;
        for value in self.iter() {
            let at = value.raw.as_ptr() as usize - base + TTL_OFFSET;
            out[at] = 0;
            let left = match value.ttl {
                Ttl::Relative(ttl) => ttl.min(seconds),
                Ttl::Absolute(_) => seconds,
            };
            out[at + 1..at + 5].copy_from_slice(&left.to_be_bytes());
        }
        ValueSet(out.into())
    }

    /// Shortest life of any value at `now`, in seconds; the default TTL for an empty set.
    pub fn shortest_ttl(&self, now: u64) -> u32 {
        self.iter().map(|value| value.ttl.seconds_left(now)).min().unwrap_or(limits::DEFAULT_TTL_SECONDS)
    }
}

/// A record: an identifier and its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub identifier: Identifier,
    pub values: ValueSet,
}

/// Which values a question asks for, in wire form (`u4[]` indexes, `bytes[]` types), borrowed.
///
/// Empty lists mean every value; otherwise a value is wanted if its index *or* its type is listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection<'a> {
    indexes: &'a [u8],
    types: &'a [u8],
    type_count: u32,
}

impl<'a> Selection<'a> {
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let count = reader.count("index list", 4)?;
        let indexes = reader.take(count as usize * 4, "index list")?;
        let type_count = reader.count("type list", 4)?;
        let start = reader.position();
        for _ in 0..type_count {
            reader.bytes("type")?;
        }
        Ok(Selection { indexes, types: reader.since(start), type_count })
    }

    pub fn is_all(&self) -> bool {
        self.indexes.is_empty() && self.type_count == 0
    }

    pub fn wants(&self, value: &ValueRef<'_>) -> bool {
        self.is_all() || self.wants_index(value.index) || self.wants_kind(value.kind)
    }

    fn wants_index(&self, index: u32) -> bool {
        self.indexes.as_chunks::<4>().0.contains(&index.to_be_bytes())
    }

    fn wants_kind(&self, kind: &[u8]) -> bool {
        let mut reader = Reader::new(self.types);
        (0..self.type_count).any(|_| reader.bytes("type").is_ok_and(|wanted| kind_matches(wanted, kind)))
    }

    pub fn indexes(&self) -> Vec<u32> {
        self.indexes.as_chunks::<4>().0.iter().map(|four| u32::from_be_bytes(*four)).collect()
    }

    pub fn types(&self) -> Vec<Vec<u8>> {
        let mut reader = Reader::new(self.types);
        (0..self.type_count).map_while(|_| reader.bytes("type").ok()).map(<[u8]>::to_vec).collect()
    }
}

/// `URL.` asks for `URL` and every sub-type of it; without the dot only the very type matches.
fn kind_matches(wanted: &[u8], kind: &[u8]) -> bool {
    match wanted.split_last() {
        Some((b'.', bare)) => {
            kind.len() >= bare.len()
                && kind[..bare.len()].eq_ignore_ascii_case(bare)
                && matches!(kind.get(bare.len()), None | Some(b'.'))
        }
        _ => wanted.eq_ignore_ascii_case(kind),
    }
}

/// An owned [`Selection`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SelectionBuf {
    pub indexes: Vec<u32>,
    pub types: Vec<Vec<u8>>,
}

impl SelectionBuf {
    pub fn of_types(types: &[&str]) -> Self {
        SelectionBuf { indexes: Vec::new(), types: types.iter().map(|t| t.as_bytes().to_vec()).collect() }
    }

    pub fn compose(&self, out: &mut Vec<u8>) {
        put_u32(out, self.indexes.len() as u32);
        self.indexes.iter().for_each(|index| put_u32(out, *index));
        put_u32(out, self.types.len() as u32);
        self.types.iter().for_each(|kind| put_bytes(out, kind));
    }

    pub fn is_all(&self) -> bool {
        self.indexes.is_empty() && self.types.is_empty()
    }

    pub fn wants(&self, value: &ValueRef<'_>) -> bool {
        self.is_all()
            || self.indexes.contains(&value.index)
            || self.types.iter().any(|wanted| kind_matches(wanted, value.kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_dot_asks_for_sub_types() {
        assert!(kind_matches(b"url.", b"URL"));
        assert!(kind_matches(b"URL.", b"url.us"));
        assert!(!kind_matches(b"URL.", b"URLX"));
        assert!(!kind_matches(b"URL", b"URL.us"));
    }

    #[test]
    fn value_sets_sort_filter_and_round_trip() {
        let secret = Value::new(301, "HS_SECKEY", "s").with_permissions(0x0C);
        let set = ValueSet::from_values(vec![secret, Value::new(1, "URL", "https://a.example/")]);
        assert_eq!(set.iter().map(|v| v.index).collect::<Vec<_>>(), [1, 301]);
        assert_eq!(set.public().len(), 1);
        assert_eq!(ValueSet::decode(set.as_bytes().clone()).unwrap(), set);
        assert_eq!(set.with_ttl_at_most(30).shortest_ttl(0), 30);
    }

    #[test]
    fn value_names_fold_their_prefix_only() {
        let a = Reference::parse("300:0.na/20").unwrap();
        assert!(a.same(&Reference::new(300, "0.NA/20")));
        assert!(!a.same(&Reference::new(300, "0.NA/21")));
        assert_eq!(Reference::parse("0.NA/20").unwrap().index, 0);
        assert!(Reference::parse("").is_none());
    }
}
