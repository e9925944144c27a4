//! What scanners send: a symbology identifier, then the data (ISO/IEC 15424; GS1 General Specifications §5).

use super::ai;
use super::check;
use super::data_set::{DataSet, Options};
use super::draft::{Coding, Draft};
use super::element_string::{self, GS};
use super::uri;
use crate::refusal::Refusal;

const CLAUSE: &str = "ISO/IEC 15424; GS1 General Specifications §5";

/// The symbol that was scanned, as its identifier tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symbology {
    /// `]C1`
    Gs1_128,
    /// `]e0`: DataBar and every composite.
    DataBar,
    /// `]d2`
    Gs1DataMatrix,
    /// `]d1`
    DataMatrix,
    /// `]Q3`
    Gs1QrCode,
    /// `]Q1`
    QrCode,
    /// `]J1`
    Gs1DotCode,
    /// `]J0`
    DotCode,
    /// `]E0`: EAN-13, and UPC with a leading zero.
    Ean13,
    /// `]E4`
    Ean8,
}

impl Symbology {
    pub const ALL: [Symbology; 10] = [
        Symbology::Gs1_128,
        Symbology::DataBar,
        Symbology::Gs1DataMatrix,
        Symbology::DataMatrix,
        Symbology::Gs1QrCode,
        Symbology::QrCode,
        Symbology::Gs1DotCode,
        Symbology::DotCode,
        Symbology::Ean13,
        Symbology::Ean8,
    ];

    /// The three characters before the data.
    pub fn identifier(self) -> &'static str {
        match self {
            Symbology::Gs1_128 => "]C1",
            Symbology::DataBar => "]e0",
            Symbology::Gs1DataMatrix => "]d2",
            Symbology::DataMatrix => "]d1",
            Symbology::Gs1QrCode => "]Q3",
            Symbology::QrCode => "]Q1",
            Symbology::Gs1DotCode => "]J1",
            Symbology::DotCode => "]J0",
            Symbology::Ean13 => "]E0",
            Symbology::Ean8 => "]E4",
        }
    }

    fn holds(self) -> Holds {
        match self {
            Symbology::DataMatrix | Symbology::QrCode | Symbology::DotCode => Holds::Text,
            Symbology::Ean13 => Holds::Gtin(13),
            Symbology::Ean8 => Holds::Gtin(8),
            _ => Holds::ElementStrings,
        }
    }
}

enum Holds {
    ElementStrings,
    Text,
    Gtin(usize),
}

/// A scan that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    pub symbology: Symbology,
    pub content: Content,
}

/// What a symbol holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    Data(DataSet),
    /// A Digital Link, as it was written, and what it says.
    Link(String, DataSet),
    /// The digits of an EAN or UPC symbol, and what they and a composite part say.
    Gtin(String, DataSet),
    /// Some text that is no GS1 data.
    Text(String),
}

impl Scan {
    /// Reads scan data.
    ///
    /// # Errors
    /// `gs1-symbology` for an identifier that is not ours, else what the data refuse.
    pub fn parse(text: &str, options: &Options) -> Result<Scan, Refusal> {
        let known = Symbology::ALL.into_iter().find(|symbology| text.starts_with(symbology.identifier()));
        let Some(symbology) = known else {
            let (zh, en) = ("不支持此码制标识符", "this symbology identifier is not supported");
            return Err(Refusal::new("gs1-symbology", CLAUSE, zh, en).at(0));
        };
        let content = match symbology.holds() {
            Holds::ElementStrings => Content::Data(element_string::read_separated(text, 3, GS, options)?),
            Holds::Text => plain(text, options)?,
            Holds::Gtin(digits) => gtin(text, digits, options)?,
        };
        Ok(Scan { symbology, content })
    }

    /// The scan as one line without symbology identifier: separator text, link, digits (with `|` and the separator text
    /// of a composite part), or the text with `\` before a leading `^` or `\`.
    pub fn message(&self) -> String {
        match &self.content {
            Content::Data(set) => set.to_separated(),
            Content::Link(text, _) => text.clone(),
            Content::Gtin(digits, set) if set.slots.len() < 2 => digits.clone(),
            Content::Gtin(digits, set) => {
                let mut rest = set.clone();
                rest.slots.remove(0);
                format!("{digits}|{}", rest.to_separated())
            }
            Content::Text(text) if text.trim_start_matches('\\').starts_with('^') => format!("\\{text}"),
            Content::Text(text) => text.clone(),
        }
    }

    /// The data set that the symbol holds.
    pub fn into_data_set(self) -> Result<DataSet, Refusal> {
        match self.content {
            Content::Data(set) | Content::Link(_, set) | Content::Gtin(_, set) => Ok(set),
            Content::Text(_) => {
                let (zh, en) = ("此码内容不是GS1数据", "the symbol holds text that is no GS1 data");
                Err(Refusal::new("gs1-scan-text", CLAUSE, zh, en).at(3))
            }
        }
    }
}

fn plain(text: &str, options: &Options) -> Result<Content, Refusal> {
    // Bounds the text as well.
    let _ = Draft::new(text, Coding::Plain, options)?;
    let payload = text.get(3..).unwrap_or_default();
    if uri::after_scheme(payload).is_some() {
        let set = uri::parse(payload, options).map_err(|refusal| shifted(refusal, 3))?;
        return Ok(Content::Link(payload.to_owned(), set));
    }
    Ok(Content::Text(payload.to_owned()))
}

fn shifted(refusal: Refusal, by: usize) -> Refusal {
    Refusal { at: refusal.at.map(|at| at + by), ..refusal }
}

fn gtin(text: &str, digits: usize, options: &Options) -> Result<Content, Refusal> {
    let mut draft = Draft::new(text, Coding::Plain, options)?;
    let (number, composite) = match text.get(3 + digits..) {
        Some(rest) => (text.get(3..3 + digits).unwrap_or_default(), rest),
        None => {
            let (zh, en) = (format!("须为{digits}位数字"), format!("{digits} digits should stand here"));
            return Err(draft.refuse(text.len(), "gs1-scan-digits", &zh, &en));
        }
    };
    let whole = check::only_digits(number).and_then(|()| check::Check::Mod10.run(number, options.century));
    whole.map_err(|finding| {
        draft.refuse(3 + finding.at, finding.fault.code(), finding.fault.zh(), finding.fault.en())
    })?;
    let Some(gtin) = ai::Code::parse("01") else { return Ok(Content::Text(number.to_owned())) };
    draft.set.values.push_str("00000000000000".get(digits..).unwrap_or_default());
    draft.set.values.push_str(number);
    draft.add((gtin, ai::of_code(gtin)), 0, 3)?;
    draft.padded(14 - digits);
    match composite {
        "" => {}
        _ if composite.starts_with("|]e0") => {
            element_string::add_separated(&mut draft, text, 3 + digits + 4, GS)?;
        }
        _ => return Err(draft.refuse(3 + digits, "gs1-scan-composite", "此处应为“|]e0”", "“|]e0” should stand here")),
    }
    Ok(Content::Gtin(number.to_owned(), draft.finish()?))
}

impl DataSet {
    /// What a scanner would send for this data in a symbol.
    ///
    /// # Errors
    /// `gs1-symbology-holds` if such a symbol cannot hold it; for symbols of text, what [`DataSet::to_uri`] refuses.
    pub fn to_scan_data(&self, symbology: Symbology) -> Result<String, Refusal> {
        let mut out = String::from(symbology.identifier());
        match symbology.holds() {
            Holds::ElementStrings => self.write_separated(char::from(GS), &mut out),
            Holds::Text => out.push_str(&self.to_uri(self.stem())?),
            Holds::Gtin(digits) => {
                let zeros = "00000000000000".get(digits..).unwrap_or_default();
                let value = self.key().filter(|key| key.code() == "01" && self.slots.len() == 1);
                let Some(number) = value.and_then(|key| key.value.strip_prefix(zeros)) else {
                    let (zh, en) = ("此码制只容得下短GTIN", "such a symbol holds a short GTIN and nothing else");
                    return Err(Refusal::new("gs1-symbology-holds", CLAUSE, zh, en));
                };
                out.push_str(number);
            }
        }
        Ok(out)
    }
}
