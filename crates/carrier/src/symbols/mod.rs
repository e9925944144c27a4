//! The symbologies: which there are, and a payload as a symbol.

mod code128;
mod data_matrix;
mod pdf417;
mod qr;

pub(crate) use code128::{Set, Step, plan};

use crate::matrix::Matrix;
use crate::payload::Payload;
use hufu_ident::Refusal;

/// A kind of symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Symbology {
    /// ISO/IEC 18004.
    Qr,
    /// QR with FNC1 in first position.
    Gs1Qr,
    /// ISO/IEC 16022, ECC 200.
    DataMatrix,
    /// Data Matrix with FNC1 in first position.
    Gs1DataMatrix,
    /// ISO/IEC 15417.
    Code128,
    /// Code 128 with FNC1 behind the start character.
    Gs1_128,
    /// ISO/IEC 15438.
    Pdf417,
}

impl Symbology {
    pub const ALL: [Symbology; 7] = [
        Symbology::Qr,
        Symbology::Gs1Qr,
        Symbology::DataMatrix,
        Symbology::Gs1DataMatrix,
        Symbology::Code128,
        Symbology::Gs1_128,
        Symbology::Pdf417,
    ];

    /// Its name in commands and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Symbology::Qr => "qr",
            Symbology::Gs1Qr => "gs1-qr",
            Symbology::DataMatrix => "datamatrix",
            Symbology::Gs1DataMatrix => "gs1-datamatrix",
            Symbology::Code128 => "code128",
            Symbology::Gs1_128 => "gs1-128",
            Symbology::Pdf417 => "pdf417",
        }
    }

    /// Whether it carries GS1 element strings.
    pub fn is_gs1(self) -> bool {
        matches!(self, Symbology::Gs1Qr | Symbology::Gs1DataMatrix | Symbology::Gs1_128)
    }

    /// Whether it consists of square modules in two dimensions.
    pub fn is_matrix(self) -> bool {
        !matches!(self, Symbology::Code128 | Symbology::Gs1_128 | Symbology::Pdf417)
    }

    /// Light modules that must stay beside it, and above and below it.
    pub fn quiet_zone(self) -> (usize, usize) {
        match self {
            // ISO/IEC 18004 §6.3.8
            Symbology::Qr | Symbology::Gs1Qr => (4, 4),
            // ISO/IEC 16022 §7.2 asks for one; two are what printers keep.
            Symbology::DataMatrix | Symbology::Gs1DataMatrix => (2, 2),
            // ISO/IEC 15417 §4.6.1
            Symbology::Code128 | Symbology::Gs1_128 => (10, 0),
            // ISO/IEC 15438 §5.8.3
            Symbology::Pdf417 => (2, 2),
        }
    }

    /// The standard that lays it down.
    pub fn standard(self) -> &'static str {
        match self {
            Symbology::Qr | Symbology::Gs1Qr => "ISO/IEC 18004",
            Symbology::DataMatrix | Symbology::Gs1DataMatrix => "ISO/IEC 16022",
            Symbology::Code128 | Symbology::Gs1_128 => "ISO/IEC 15417",
            Symbology::Pdf417 => "ISO/IEC 15438",
        }
    }
}

/// How much of a QR code may be destroyed: about 7, 15, 25 or 30 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorCorrection {
    L,
    #[default]
    M,
    Q,
    H,
}

/// How high the rows of a symbol are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// So many times the module width.
    Modules(usize),
    /// As high as there is room: bars.
    Bars,
}

/// A payload in modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    pub symbology: Symbology,
    pub payload: Payload,
    pub matrix: Matrix,
    pub rows: Rows,
    /// Of QR codes.
    pub correction: ErrorCorrection,
}

impl Symbol {
    /// Encodes a payload in the smallest symbol that holds it. GS1 symbols take element strings, the others text.
    pub fn encode(symbology: Symbology, payload: Payload, correction: ErrorCorrection) -> Result<Symbol, Refusal> {
        check_kind(symbology, &payload)?;
        let matrix = match symbology {
            Symbology::Qr | Symbology::Gs1Qr => qr::encode(&payload, correction)?,
            Symbology::DataMatrix | Symbology::Gs1DataMatrix => data_matrix::encode(&payload)?,
            Symbology::Code128 | Symbology::Gs1_128 => code128::encode(&payload)?,
            Symbology::Pdf417 => pdf417::encode(payload.data())?,
        };
        let rows = match symbology {
            Symbology::Code128 | Symbology::Gs1_128 => Rows::Bars,
            Symbology::Pdf417 => Rows::Modules(pdf417::ROW_MODULES),
            _ => Rows::Modules(1),
        };
        Ok(Symbol { symbology, payload, matrix, rows, correction })
    }
}

fn check_kind(symbology: Symbology, payload: &Payload) -> Result<(), Refusal> {
    let clause = symbology.standard();
    match payload {
        _ if payload.data().is_empty() => {
            Err(Refusal::new("empty-symbol", clause, "没有可编码的内容", "there is nothing to encode").at(0))
        }
        Payload::Text(_) if symbology.is_gs1() => {
            let zh = format!("{}只能承载GS1要素字符串", symbology.name());
            let en = format!("{} carries GS1 element strings only", symbology.name());
            Err(Refusal::new("needs-element-string", "GS1 General Specifications §7.8", zh, en))
        }
        Payload::Elements(_) if !symbology.is_gs1() => {
            let (zh, en) = ("要素字符串须用GS1码制", "element strings need a GS1 symbol, which begins with FNC1");
            Err(Refusal::new("needs-gs1-symbol", "GS1 General Specifications §7.8", zh, en))
        }
        _ => Ok(()),
    }
}

/// The refusal of a payload that no symbol of this kind can hold.
fn too_long(clause: &'static str) -> Refusal {
    let (zh, en) = ("内容超出该码制的最大容量", "more than the largest symbol of this kind can hold");
    Refusal::new("symbol-capacity", clause, zh, en)
}
