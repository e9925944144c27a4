//! The binary schemes whose company prefix has a stated length (TDS 2.2 §14.6): one table, one codec.

use super::bits::{Bits, Reader};
use super::coding::read_partition;
use super::identity::Identity;
use super::kind::{Field, Kind};
use super::refuse;
use crate::refusal::Refusal;

/// Bits of a company prefix of 12, 11, … 6 digits, by partition.
pub const COMPANY_BITS: [usize; 7] = [40, 37, 34, 30, 27, 24, 20];

/// How one field of the identity is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// The partition (3 bits) and the company prefix.
    Company,
    /// The reference as a number with the digits that the company prefix leaves, in so many bits by partition.
    Reference([usize; 7]),
    /// A number without leading zeros, in so many bits by partition, of at most this many digits less those of
    /// the company prefix.
    Asset([usize; 7], usize),
    /// 7-bit characters, padded with zeros, by partition.
    AssetText([usize; 7]),
    /// A number without leading zeros: bits, greatest value.
    Integer(usize, u64),
    /// A number of two digits in 7 bits.
    Pair,
    /// Digits behind a 1, as a number of 41 bits: leading zeros stay.
    Marked,
    /// 7-bit characters, padded with zeros: bits.
    Text(usize),
    /// 6-bit characters, ended by six zero bits: most characters.
    Terminated(usize),
    /// Six characters of this many bits, padded with a space on the left.
    Cage(usize),
}

/// A binary scheme.
pub struct Scheme {
    pub name: &'static str,
    pub header: u8,
    pub kind: Kind,
    /// Bits of the filter value.
    pub filter: usize,
    pub codings: &'static [Coding],
    /// Zero bits at the end.
    pub spare: usize,
}

use Coding::*;

const ITEM: Coding = Reference([4, 7, 10, 14, 17, 20, 24]);
const TYPE: Coding = Reference([1, 4, 7, 11, 14, 17, 21]);
const UNIT: Coding = Reference([18, 21, 24, 28, 31, 34, 38]);
const MAX_38: u64 = (1 << 38) - 1;
const MAX_41: u64 = (1 << 41) - 1;
const MAX_36: u64 = (1 << 36) - 1;

const fn scheme(name: &'static str, header: u8, kind: Kind, codings: &'static [Coding]) -> Scheme {
    Scheme { name, header, kind, filter: 3, codings, spare: 0 }
}

/// Every scheme; of one kind the shortest first, the withdrawn last.
pub const SCHEMES: [Scheme; 22] = [
    scheme("sgtin-96", 0x30, Kind::Sgtin, &[Company, ITEM, Integer(38, MAX_38)]),
    scheme("sgtin-198", 0x36, Kind::Sgtin, &[Company, ITEM, Text(140)]),
    Scheme { spare: 24, ..scheme("sscc-96", 0x31, Kind::Sscc, &[Company, UNIT]) },
    scheme("sgln-96", 0x32, Kind::Sgln, &[Company, TYPE, Integer(41, MAX_41)]),
    scheme("sgln-195", 0x39, Kind::Sgln, &[Company, TYPE, Text(140)]),
    scheme("grai-96", 0x33, Kind::Grai, &[Company, Reference([4, 7, 10, 14, 17, 20, 24]), Integer(38, MAX_38)]),
    scheme("grai-170", 0x37, Kind::Grai, &[Company, Reference([4, 7, 10, 14, 17, 20, 24]), Text(112)]),
    scheme("giai-96", 0x34, Kind::Giai, &[Company, Asset([42, 45, 48, 52, 55, 58, 62], 30)]),
    scheme("giai-202", 0x38, Kind::Giai, &[Company, AssetText([148, 151, 154, 158, 161, 164, 168])]),
    Scheme { spare: 24, ..scheme("gsrn-96", 0x2D, Kind::Gsrn, &[Company, UNIT]) },
    Scheme { spare: 24, ..scheme("gsrnp-96", 0x2E, Kind::Gsrnp, &[Company, UNIT]) },
    scheme("gdti-96", 0x2C, Kind::Gdti, &[Company, TYPE, Integer(41, MAX_41)]),
    scheme("gdti-174", 0x3E, Kind::Gdti, &[Company, TYPE, Text(119)]),
    scheme("gdti-113", 0x3A, Kind::Gdti, &[Company, TYPE, Integer(58, 99_999_999_999_999_999)]),
    scheme("sgcn-96", 0x3F, Kind::Sgcn, &[Company, TYPE, Marked]),
    scheme("itip-110", 0x40, Kind::Itip, &[Company, ITEM, Pair, Pair, Integer(38, MAX_38)]),
    scheme("itip-212", 0x41, Kind::Itip, &[Company, ITEM, Pair, Pair, Text(140)]),
    scheme("cpi-96", 0x3C, Kind::Cpi, &[Company, Asset([11, 14, 17, 21, 24, 27, 31], 15), Integer(31, (1 << 31) - 1)]),
    scheme("cpi-var", 0x3D, Kind::Cpi, &[Company, Terminated(24), Integer(40, 999_999_999_999)]),
    Scheme {
        filter: 0,
        ..scheme(
            "gid-96",
            0x35,
            Kind::Gid,
            &[Integer(28, (1 << 28) - 1), Integer(24, (1 << 24) - 1), Integer(36, MAX_36)],
        )
    },
    Scheme { filter: 4, ..scheme("usdod-96", 0x2F, Kind::Usdod, &[Cage(8), Integer(36, MAX_36)]) },
    Scheme { filter: 6, ..scheme("adi-var", 0x3B, Kind::Adi, &[Cage(6), Terminated(32), Terminated(30)]) },
];

/// A tag's scheme and filter value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    pub scheme: &'static str,
    /// What the tagged thing is, for readers in a hurry; not part of the identity.
    pub filter: u8,
}

/// The scheme of that name.
pub fn named(name: &str) -> Option<&'static Scheme> {
    SCHEMES.iter().find(|scheme| scheme.name == name)
}

/// The scheme with that header.
pub fn headed(header: u8) -> Option<&'static Scheme> {
    SCHEMES.iter().find(|scheme| scheme.header == header)
}

/// The shortest scheme that holds `identity`, and its bits.
pub fn shortest(identity: &Identity, filter: u8) -> Option<(&'static Scheme, Bits)> {
    let of_kind = SCHEMES.iter().filter(|scheme| scheme.kind == identity.kind());
    of_kind.into_iter().find_map(|scheme| Some((scheme, scheme.encode(identity, filter).ok()?)))
}

impl Scheme {
    /// Greatest filter value.
    pub fn most_filter(&self) -> u8 {
        (1u8 << self.filter) - 1
    }

    /// The bits of an identity, or why this scheme cannot hold it.
    pub fn encode(&self, identity: &Identity, filter: u8) -> Result<Bits, Refusal> {
        if identity.kind() != self.kind || identity.is_pattern() {
            return Err(refuse::unfit(self.name, "标识类型不同", "an identity of another kind"));
        }
        if filter > self.most_filter() {
            let (most, zh) = (self.most_filter(), "过滤值过大");
            return Err(refuse::unfit(self.name, zh, &format!("the filter value is at most {most}")));
        }
        let mut bits = Bits::default();
        bits.push(u128::from(self.header), 8);
        bits.push(u128::from(filter), self.filter);
        let partition = 12usize.saturating_sub(identity.company_length().unwrap_or(12));
        for (coding, text) in self.codings.iter().zip(identity.fields()) {
            coding.write(text, partition, &mut bits).ok_or_else(|| self.unfit(*coding))?;
        }
        bits.push(0, self.spare);
        Ok(bits)
    }

    fn unfit(&self, coding: Coding) -> Refusal {
        match coding {
            Integer(..) | Asset(..) => refuse::unfit(
                self.name,
                "只能是无前导零且不过大的数字",
                "only a number without leading zeros and not too great fits",
            ),
            _ => {
                refuse::unfit(self.name, "文本过长或含不允许的字符", "a text too long, or a character it does not have")
            }
        }
    }

    /// The filter value and the identity that follow the header.
    pub fn decode(&self, reader: &mut Reader<'_>) -> Result<(u8, Identity), Refusal> {
        let filter = u8::try_from(reader.take(self.filter)?).unwrap_or_default();
        let (mut fields, mut places, mut partition) = (Vec::new(), Vec::new(), 0);
        for (index, coding) in self.codings.iter().enumerate() {
            let at = reader.place();
            places.push(at);
            if *coding == Company {
                partition = read_partition(reader)?;
            }
            let due = match self.kind.row().fields.get(index) {
                Some(Field::Reference(total)) => total.saturating_sub(12 - partition),
                _ => 0,
            };
            fields.push(coding.read(reader, partition, due).map_err(|refusal| match refusal.at {
                Some(_) => refusal,
                None => refusal.at(at),
            })?);
        }
        reader.zeros(self.spare)?;
        // A place inside a field means nothing in bits: the refusal names where the field begins.
        let identity = Identity::checked(self.kind, fields)
            .map_err(|(field, refusal)| refusal.at(places.get(field).copied().unwrap_or_default()))?;
        Ok((filter, identity))
    }
}
