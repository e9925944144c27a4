//! Data Matrix (ISO/IEC 16022, ECC 200): FNC1 in first position, ECI 26 for text beyond Latin 1.

use super::too_long;
use crate::matrix::Matrix;
use crate::payload::Payload;
use datamatrix::{DataMatrixBuilder, SymbolList};
use hufu_ident::Refusal;

/// Digits that the largest symbol, 144 × 144, holds (table 7).
const CAPACITY: usize = 3116;

pub fn encode(payload: &Payload) -> Result<Matrix, Refusal> {
    let clause = "ISO/IEC 16022 table 7";
    if payload.data().len() > CAPACITY {
        return Err(too_long(clause));
    }
    // Squares only: the rectangles are for parts where there is no room for a square.
    let sizes = SymbolList::default().enforce_square();
    let builder = DataMatrixBuilder::new().with_symbol_list(sizes).with_macros(false);
    let code = match payload {
        Payload::Text(text) => builder.encode_str(text),
        // The separator may be FNC1 or the control character GS (GS1 General Specifications §7.8.5).
        Payload::Elements(data) => builder.with_fnc1_start(true).encode(data.as_bytes()),
    };
    let bitmap = code.map_err(|_| too_long(clause))?.bitmap();
    Ok(Matrix::new(bitmap.width(), bitmap.bits().to_vec()))
}
