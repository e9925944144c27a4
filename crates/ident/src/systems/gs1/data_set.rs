//! The GS1 data set: what a label, a scan or a link says, as ordered pairs of AI and value.

use super::ai::{self, Ai, Code};
use super::check::Century;
use super::{element_string, scan, uri};
use crate::refusal::Refusal;

/// Elements of one data set (the open reference's bound).
pub const ELEMENTS: usize = 64;
/// Characters of one input (the open reference's bound).
pub const INPUT_CHARS: usize = 8191;

/// How strictly an input is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// In a URI, AI 01 may have 8, 12 or 13 digits and is padded to 14 (allowed up to URI Syntax 1.3).
    pub short_gtin: bool,
    /// In the path of a URI, AIs may have the names that URI Syntax 1.3 removed: `gtin`, `lot`, `ser`.
    pub alpha_keys: bool,
    /// AIs that the standard does not know are taken, except in a URI.
    pub allow_unknown_ai: bool,
    /// What an AI needs must be in the same data set; off where a label is split over several carriers.
    pub check_needs: bool,
    /// The year from which the century of two-digit years is told.
    pub century: Century,
}

impl Options {
    /// As the standards say; `year` is the current one.
    pub fn strict(year: u16) -> Self {
        let century = Century { year };
        Options { short_gtin: false, alpha_keys: false, allow_unknown_ai: false, check_needs: true, century }
    }

    /// As a resolver reads: short GTINs too.
    pub fn resolver(year: u16) -> Self {
        Options { short_gtin: true, ..Options::strict(year) }
    }
}

/// One element: an AI and its value.
#[derive(Debug, Clone, Copy)]
pub struct Element<'a> {
    code: Code,
    /// What the standard says of the AI; none for an AI that it does not know.
    pub ai: Option<&'static Ai>,
    /// Decoded, as the AI has it.
    pub value: &'a str,
}

impl Element<'_> {
    /// The two to four digits of the AI.
    pub fn code(&self) -> &str {
        self.code.as_str()
    }

    pub(super) fn digits(&self) -> Code {
        self.code
    }

    /// Whether a separator must follow unless it is the last.
    pub fn separated(&self) -> bool {
        self.ai.map_or(ai::preset_length(self.code).is_none(), Ai::separated)
    }
}

/// A pair of a URI's query that is none of GS1's, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    pub name: String,
    /// None where the name stood without `=`.
    pub value: Option<String>,
}

/// Where an element stands in the input and in `values`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub code: Code,
    pub ai: Option<&'static Ai>,
    /// Octets of `values`.
    pub start: usize,
    pub end: usize,
    /// First octet of the value in the input.
    pub source: usize,
    /// Zeros that were put before it; so many characters of it have no place in the input.
    pub padding: usize,
}

/// Ordered elements, and the pairs of a URI that are not GS1's.
///
/// One that was parsed holds to every rule of its AIs; an AI occurs once.
#[derive(Debug, Clone, Default)]
pub struct DataSet {
    /// All values, one behind the other.
    pub(super) values: String,
    pub(super) slots: Vec<Slot>,
    /// How many of the first elements stood in the path of a URI; 0 for other inputs.
    pub(super) in_path: usize,
    pub(super) stem: Option<String>,
    pub(super) extras: Vec<Extra>,
}

impl PartialEq for DataSet {
    /// The same elements and extra pairs, in the same order.
    fn eq(&self, other: &Self) -> bool {
        let pair = |element: Element<'_>| (element.code, element.value.to_owned());
        self.elements().map(pair).eq(other.elements().map(pair)) && self.extras == other.extras
    }
}

impl DataSet {
    /// Parses any of the five shapes and tells them apart by their beginning: `(`, `^` or 0x1D, `]`, `http`.
    ///
    /// # Errors
    /// `gs1-shape` if it has none of them, else what its shape refuses.
    pub fn parse(text: &str, options: &Options) -> Result<DataSet, Refusal> {
        match text.bytes().next() {
            Some(b'(') => DataSet::from_bracketed(text, options),
            Some(b'^' | 0x1D) => DataSet::from_separated(text, options),
            Some(b']') => DataSet::from_scan_data(text, options),
            _ if uri::after_scheme(text).is_some() => DataSet::from_uri(text, options),
            _ => Err(Refusal::new(
                "gs1-shape",
                "GS1 General Specifications §7.8",
                "不是GS1数据：应以“(”“^”“]”或“https://”开头",
                "no GS1 data: it should begin with “(”, “^”, “]” or “https://”",
            )
            .at(0)),
        }
    }

    /// Parses `(01)09521321000018(10)ABC`; a `(` in a value is written `\(`.
    pub fn from_bracketed(text: &str, options: &Options) -> Result<DataSet, Refusal> {
        element_string::from_bracketed(text, options)
    }

    /// Parses `^010952132100001810ABC`, or the same with 0x1D for `^`.
    pub fn from_separated(text: &str, options: &Options) -> Result<DataSet, Refusal> {
        element_string::from_separated(text, options)
    }

    /// Parses what a scanner sends: a symbology identifier, then its data.
    ///
    /// # Errors
    /// `gs1-scan-text` if the symbol holds text that is no GS1 data; see [`super::Scan`] for those.
    pub fn from_scan_data(text: &str, options: &Options) -> Result<DataSet, Refusal> {
        scan::Scan::parse(text, options)?.into_data_set()
    }

    /// Parses a Digital Link URI, compressed or not.
    ///
    /// # Errors
    /// [`super::NOT_A_LINK`] if it is some other URI.
    pub fn from_uri(text: &str, options: &Options) -> Result<DataSet, Refusal> {
        uri::parse(text, options)
    }

    /// The elements, in order of the input; of a URI, the path first.
    pub fn elements(&self) -> impl ExactSizeIterator<Item = Element<'_>> + Clone {
        self.slots.iter().map(|slot| Element {
            code: slot.code,
            ai: slot.ai,
            value: self.values.get(slot.start..slot.end).unwrap_or_default(),
        })
    }

    /// The element of that AI.
    pub fn element(&self, code: &str) -> Option<Element<'_>> {
        self.elements().find(|element| element.code() == code)
    }

    /// The value of that AI.
    pub fn value(&self, code: &str) -> Option<&str> {
        self.element(code).map(|element| element.value)
    }

    /// The primary key: the first element that is one.
    pub fn key(&self) -> Option<Element<'_>> {
        self.elements().find(|element| element.ai.is_some_and(Ai::is_key))
    }

    /// The qualifiers of the key, in the order of the table; as many as go together in a path.
    pub fn qualifiers(&self) -> Vec<Element<'_>> {
        if self.in_path > 0 {
            return self.elements().take(self.in_path).skip(1).collect();
        }
        let Some(key) = self.key().and_then(|key| key.ai) else { return Vec::new() };
        let present = |sequence: &Vec<Code>| -> Vec<Element<'_>> {
            let found = sequence.iter().filter_map(|code| self.elements().find(|element| element.code == *code));
            found.collect()
        };
        let mut best: Vec<Element<'_>> = Vec::new();
        for found in key.qualifiers().iter().map(present) {
            let text = |elements: &[Element<'_>]| elements.iter().map(|element| element.code).collect::<Vec<_>>();
            let longer = found.len() > best.len();
            if longer || found.len() == best.len() && text(&found) < text(&best) {
                best = found;
            }
        }
        best
    }

    /// What is neither key nor qualifier.
    pub fn attributes(&self) -> Vec<Element<'_>> {
        let key = self.key().map(|key| key.code);
        let qualifiers: Vec<Code> = self.qualifiers().iter().map(|element| element.code).collect();
        let rest = self.elements().filter(|own| Some(own.code) != key && !qualifiers.contains(&own.code));
        rest.collect()
    }

    /// The pairs of a URI that are not GS1's.
    pub fn extras(&self) -> &[Extra] {
        &self.extras
    }

    /// What stood before the key of a URI, without its trailing slash: `https://id.gs1.org`.
    pub fn stem(&self) -> Option<&str> {
        self.stem.as_deref()
    }
}
