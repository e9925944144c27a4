//! EPC: GS1 keys on RFID tags and in events (GS1 Tag Data Standard 2.2).
//!
//! Four spellings of one thing, each into the other: bits of a tag (`3074257BF7194E4000001A85`), tag URI
//! (`urn:epc:tag:sgtin-96:3.0614141.812345.6789`), pure identity (`urn:epc:id:sgtin:0614141.812345.6789`), GS1
//! elements ((01) 80614141123458 (21) 6789). The older schemes cut a key behind its company prefix, so from elements
//! they need its length; the “+” schemes do not.
//!
//! Sections of the standard are named as far as its structure is public: §6.3 pure identities, §8 patterns, §12 tag
//! URIs, §14.2 headers, §14.3 partitions, §14.5 values of the “+” schemes, §14.6 the schemes.
//!
//! Not here: additional AIDC data behind a “+” EPC (refused as such), the “++” schemes of TDS 2.3.

mod bits;
mod coding;
pub mod elements;
pub mod identity;
pub mod kind;
pub mod plus;
mod refuse;
pub mod scheme;
pub mod values;

use crate::refusal::Refusal;
use bits::{BITS, Bits, Reader};
use elements::Element;
use identity::{Identity, after, unknown};
use scheme::{Scheme, Tag};

const TAG: &str = "urn:epc:tag:";
const URN: &str = "urn:epc:";
/// Characters of the longest text read: every bit of a tag as a character, or a URN with every character escaped.
const TEXT_CHARS: usize = BITS;
/// Characters of a tag in hexadecimal or binary; the shortest is a “+” tag of an asset of a few digits.
const LENGTHS: std::ops::RangeInclusive<usize> = 8..=BITS;
/// Hexadecimal digits of the shortest tag with a company prefix: what is shorter is an EPC only if it decodes.
const CERTAIN_DIGITS: usize = 24;
/// Zeros and ones of the same.
const CERTAIN_BITS: usize = 96;

/// An EPC that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epc {
    /// What is identified; none behind a “+” scheme, where nobody says how long the company prefix is.
    pub identity: Option<Identity>,
    /// The same as GS1 elements in the order of a Digital Link, without escapes; empty where GS1 has no key for it.
    pub elements: Vec<Element>,
    /// Scheme and filter value, if a tag (or its URI) was read.
    pub tag: Option<Tag>,
}

impl Epc {
    /// An EPC of an identity.
    pub fn of(identity: Identity, tag: Option<Tag>) -> Epc {
        Epc { elements: elements::of(&identity), identity: Some(identity), tag }
    }

    /// The same with its company prefix of `digits` cut off, where that was not known.
    pub fn with_company(mut self, digits: usize) -> Epc {
        if self.identity.is_none() {
            self.identity = elements::identity(&borrowed(&self.elements), digits);
        }
        self
    }

    /// `urn:epc:id:…`, or `urn:epc:idpat:…` and `urn:epc:class:…` for classes.
    pub fn identity_uri(&self) -> Option<String> {
        self.identity.as_ref().map(Identity::uri)
    }

    /// `urn:epc:tag:…`: of the tag that was read, else of the shortest scheme with filter value 0.
    pub fn tag_uri(&self) -> Option<String> {
        let identity = self.identity.as_ref()?;
        let (scheme, filter) = match self.tag {
            Some(tag) => (scheme::named(tag.scheme)?, tag.filter),
            None => (scheme::shortest(identity, 0)?.0, 0),
        };
        Some(tag_uri(scheme, filter, identity))
    }

    /// The bits in hexadecimal, padded to words of 16 bits: of the tag that was read, else of the shortest scheme
    /// with filter value 0. A class has none.
    pub fn hex(&self) -> Option<String> {
        self.bits().map(|bits| bits.hex())
    }

    /// The bits as zeros and ones, without padding.
    pub fn zeros_and_ones(&self) -> Option<String> {
        self.bits().map(|bits| bits.zeros_and_ones())
    }

    fn bits(&self) -> Option<Bits> {
        let Some(tag) = self.tag else {
            return scheme::shortest(self.identity.as_ref()?, 0).map(|(_, bits)| bits);
        };
        match scheme::named(tag.scheme) {
            Some(scheme) => scheme.encode(self.identity.as_ref()?, tag.filter).ok(),
            None => self.plus_bits(tag.filter, tag.scheme == plus::DATED),
        }
    }

    fn plus_bits(&self, filter: u8, dated: bool) -> Option<Bits> {
        plus::encode(&borrowed(&self.elements), filter, dated).map(|(_, bits)| bits)
    }

    /// Its spellings, each under a stable name: `epc_uri`, `epc_tag_uri`, `epc_hex`, `epc_plus_hex`.
    pub fn forms(&self) -> Vec<(&'static str, String)> {
        let plus = || self.plus_bits(self.tag.map_or(0, |tag| tag.filter % 8), false).map(|bits| bits.hex());
        let all = [
            ("epc_uri", self.identity_uri()),
            ("epc_tag_uri", self.tag_uri()),
            ("epc_hex", self.hex()),
            ("epc_plus_hex", plus()),
        ];
        all.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
    }
}

fn borrowed(elements: &[Element]) -> Vec<(&str, &str)> {
    elements.iter().map(|(ai, value)| (*ai, value.as_str())).collect()
}

fn tag_uri(scheme: &Scheme, filter: u8, identity: &Identity) -> String {
    let filter = if scheme.filter == 0 { String::new() } else { format!("{filter}.") };
    format!("{TAG}{}:{filter}{}", scheme.name, identity.body())
}

/// The EPC spellings of a set of GS1 elements, each under a stable name: `epc_uri` (`urn:epc:id:`, or `urn:epc:idpat:`
/// and `urn:epc:class:` where no instance is named), `epc_tag_uri` and `epc_hex` need `gcp_length`, the digits of
/// the company prefix; `epc_plus_hex` (filter value 0) does not. Empty if no element is a key with an EPC.
pub fn forms(elements: &[(&str, &str)], gcp_length: Option<usize>) -> Vec<(&'static str, String)> {
    let identity = gcp_length.and_then(|digits| elements::identity(elements, digits));
    let mut forms = Vec::new();
    if let Some(identity) = identity {
        forms.push(("epc_uri", identity.uri()));
        if let Some((scheme, bits)) = scheme::shortest(&identity, 0) {
            forms.push(("epc_tag_uri", tag_uri(scheme, 0, &identity)));
            forms.push(("epc_hex", bits.hex()));
        }
    }
    if let Some((_, bits)) = plus::encode(elements, 0, false) {
        forms.push(("epc_plus_hex", bits.hex()));
    }
    forms
}

/// Reads an EPC in any spelling: a URN (`urn:epc:id:`, `idpat:`, `class:`, `tag:`), hexadecimal digits or zeros and
/// ones of a tag; `None` if the text is none of them.
///
/// Digits alone may as well be an element string, and what is short may be anything: these are an EPC only if they
/// decode as one.
pub fn read(text: &str) -> Option<Result<Epc, Refusal>> {
    if after(text, URN).is_some() {
        return Some(read_urn(text));
    }
    if !LENGTHS.contains(&text.len()) || !text.bytes().all(|octet| octet.is_ascii_hexdigit()) {
        return None;
    }
    if text.len() >= CERTAIN_BITS && text.bytes().all(|octet| matches!(octet, b'0' | b'1')) {
        return decode_zeros_and_ones(text).ok().map(Ok);
    }
    let header = text.get(..2).and_then(|octet| u8::from_str_radix(octet, 16).ok())?;
    if !text.len().is_multiple_of(2) || scheme::headed(header).is_none() && plus::headed(header).is_none() {
        return None;
    }
    let certain = text.len() >= CERTAIN_DIGITS && !text.bytes().all(|octet| octet.is_ascii_digit());
    match decode_hex(text) {
        Err(_) if !certain => None,
        other => Some(other),
    }
}

/// Decodes hexadecimal digits of a tag (either case; padding of the last word may be left out).
pub fn decode_hex(text: &str) -> Result<Epc, Refusal> {
    decode(&Bits::from_hex(text)?, 4)
}

/// Decodes zeros and ones of a tag.
pub fn decode_zeros_and_ones(text: &str) -> Result<Epc, Refusal> {
    decode(&Bits::from_zeros_and_ones(text)?, 1)
}

fn decode(bits: &Bits, per_character: usize) -> Result<Epc, Refusal> {
    let mut reader = Reader::new(bits, per_character);
    let header = u8::try_from(reader.take(8)?).unwrap_or_default();
    let epc = if let Some(scheme) = scheme::headed(header) {
        let (filter, identity) = scheme.decode(&mut reader)?;
        Epc::of(identity, Some(Tag { scheme: scheme.name, filter }))
    } else if let Some(scheme) = plus::headed(header) {
        let (filter, elements) = scheme.decode(&mut reader)?;
        Epc { identity: None, elements, tag: Some(Tag { scheme: scheme.name, filter }) }
    } else {
        let zh = format!("未知的EPC头字段{header:02X}");
        let en = format!("no EPC scheme has the header {header:02X}");
        return Err(Refusal::new("epc-header", refuse::HEADER, zh, en).at(0));
    };
    reader.end()?;
    Ok(epc)
}

fn read_urn(text: &str) -> Result<Epc, Refusal> {
    if text.chars().count() > TEXT_CHARS {
        let (zh, en) = (format!("EPC超过{TEXT_CHARS}个字符"), format!("an EPC of more than {TEXT_CHARS} characters"));
        return Err(Refusal::new("epc-long", refuse::URI, zh, en).at(TEXT_CHARS));
    }
    match (Identity::read(text), after(text, TAG)) {
        (Some(identity), _) => Ok(Epc::of(identity?, None)),
        (None, Some(rest)) => read_tag_uri(rest),
        (None, None) => Err(unknown(URN.len())),
    }
}

fn read_tag_uri(rest: &str) -> Result<Epc, Refusal> {
    let name = rest.split(':').next().unwrap_or_default();
    let (Some(scheme), Some(body)) = (scheme::named(name), rest.get(name.len() + 1..)) else {
        return Err(unknown(TAG.len()));
    };
    let start = TAG.len() + name.len() + 1;
    let (filter, body, body_start) = match scheme.filter {
        0 => (0, body, start),
        _ => {
            let (digits, rest) = body.split_once('.').unwrap_or((body, ""));
            let before = body.strip_suffix(rest).unwrap_or(body);
            (read_filter(scheme, digits, start)?, rest, start + before.chars().count())
        }
    };
    let identity = Identity::read_body(scheme.kind.row(), body, body_start)?;
    scheme.encode(&identity, filter).map_err(|refusal| refusal.at(body_start))?;
    Ok(Epc::of(identity, Some(Tag { scheme: scheme.name, filter })))
}

fn read_filter(scheme: &Scheme, digits: &str, at: usize) -> Result<u8, Refusal> {
    let plain = !digits.is_empty() && digits.len() <= 2 && digits.bytes().all(|octet| octet.is_ascii_digit());
    let filter = digits.parse::<u8>().ok().filter(|_| plain && (digits == "0" || !digits.starts_with('0')));
    let most = scheme.most_filter();
    filter.filter(|filter| *filter <= most).ok_or_else(|| {
        let (zh, en) = (format!("过滤值须为0至{most}"), format!("the filter value must be 0 to {most}"));
        Refusal::new("epc-filter", refuse::TAG_URI, zh, en).at(at)
    })
}
