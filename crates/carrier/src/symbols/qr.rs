//! QR codes (ISO/IEC 18004): segments, FNC1 in first position, ECI 26 for text beyond ASCII.

use super::{ErrorCorrection, too_long};
use crate::matrix::Matrix;
use crate::payload::Payload;
use hufu_ident::Refusal;
use qrcode::QrCode;
use qrcode::bits::Bits;
use qrcode::optimize::Parser;
use qrcode::types::{Color, EcLevel, Mode, QrError, QrResult, Version};

/// Octets of version 40-L in byte mode and digits in numeric mode: more cannot fit (table 7).
const CAPACITY: usize = 7089;
/// UTF-8 in the register of extended channel interpretations.
const ECI_UTF8: u32 = 26;

pub fn encode(payload: &Payload, correction: ErrorCorrection) -> Result<Matrix, Refusal> {
    let level = level(correction);
    if payload.data().len() > CAPACITY {
        return Err(too_long("ISO/IEC 18004 table 7"));
    }
    for version in (1..=40).map(Version::Normal) {
        match attempt(payload, version, level) {
            Ok(code) => return Ok(matrix(code)),
            Err(QrError::DataTooLong) => {}
            Err(error) => return Err(broken(error)),
        }
    }
    Err(too_long("ISO/IEC 18004 table 7"))
}

fn attempt(payload: &Payload, version: Version, level: EcLevel) -> QrResult<QrCode> {
    let mut bits = Bits::new(version);
    match payload {
        Payload::Text(text) if text.is_ascii() => push_ascii(&mut bits, text.as_bytes(), false)?,
        Payload::Text(text) => {
            bits.push_eci_designator(ECI_UTF8)?;
            // One segment: octets of UTF-8 can look like Shift JIS, which must not become kanji mode.
            bits.push_byte_data(text.as_bytes())?;
        }
        Payload::Elements(data) => {
            bits.push_fnc1_first_position()?;
            push_ascii(&mut bits, data.as_bytes(), true)?;
        }
    }
    bits.push_terminator(level)?;
    QrCode::with_bits(bits, level)
}

/// Pushes ASCII in the shortest segments. Behind FNC1, `%` of alphanumeric mode would be read as the separator and is
/// written twice (§7.4.8.2.2).
fn push_ascii(bits: &mut Bits, data: &[u8], fnc1: bool) -> QrResult<()> {
    for segment in Parser::new(data).optimize(bits.version()) {
        let part = data.get(segment.begin..segment.end).unwrap_or_default();
        match segment.mode {
            Mode::Numeric => bits.push_numeric_data(part)?,
            Mode::Alphanumeric if fnc1 => bits.push_alphanumeric_data(&doubled(part))?,
            Mode::Alphanumeric => bits.push_alphanumeric_data(part)?,
            Mode::Byte | Mode::Kanji => bits.push_byte_data(part)?,
        }
    }
    Ok(())
}

fn doubled(part: &[u8]) -> Vec<u8> {
    part.iter().flat_map(|octet| std::iter::repeat_n(*octet, 1 + usize::from(*octet == b'%'))).collect()
}

fn matrix(code: QrCode) -> Matrix {
    let width = code.width();
    Matrix::new(width, code.into_colors().into_iter().map(|color| color == Color::Dark).collect())
}

fn level(correction: ErrorCorrection) -> EcLevel {
    match correction {
        ErrorCorrection::L => EcLevel::L,
        ErrorCorrection::M => EcLevel::M,
        ErrorCorrection::Q => EcLevel::Q,
        ErrorCorrection::H => EcLevel::H,
    }
}

fn broken(error: QrError) -> Refusal {
    let en = format!("the text cannot be written as a QR code: {error}");
    Refusal::new("symbol-encoding", "ISO/IEC 18004 §7.4", format!("无法编码为QR码：{error}"), en)
}
