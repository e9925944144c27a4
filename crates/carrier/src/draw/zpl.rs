//! ZPL II: what label printers of Zebra and compatible ones take. Symbols in the printer's own commands where these
//! say unambiguously what is meant, else as a graphic with our modules.

use crate::layout::{LETTER, Layout};
use crate::payload::Payload;
use crate::symbols::{ErrorCorrection, Step, Symbology, plan};
use crate::tag::Epc;
use std::fmt::Write;

/// Magnifications that `^BQ` takes on all printers.
const QR_MODULE: std::ops::RangeInclusive<u32> = 1..=10;
/// What introduces an escape in `^FD` behind `^FH`; it need not be `_`, which `^BX` uses itself.
const ESCAPE: char = '\\';

/// A label as one `^XA … ^XZ` format.
pub fn zpl(layout: &Layout) -> String {
    let mut out = begin(layout);
    symbol(layout, &mut out);
    for line in &layout.lines {
        let (size, x, y) = (layout.scale * LETTER, line.x, line.y);
        let _ = writeln!(out, "^FO{x},{y}^A0N,{size},{size}^FH{ESCAPE}^FD{}^FS", field(&line.text));
    }
    out.push_str("^XZ\n");
    out
}

/// A format that writes an EPC to the tag in the label, protocol control bits included (`^RF`, bank `A`).
pub fn tag(epc: &Epc) -> String {
    format!("^XA\n^RS8\n^RFW,H,,{},A^FD{}^FS\n^XZ\n", epc.octets(), epc.hex())
}

fn begin(layout: &Layout) -> String {
    let (width, height) = (layout.media.width(), layout.media.height());
    format!("^XA\n^CI28\n^PW{width}\n^LL{height}\n^LH0,0\n")
}

fn symbol(layout: &Layout, out: &mut String) {
    let (x, y, module, row) = (layout.x, layout.y, layout.module, layout.row);
    let at = format!("^FO{x},{y}");
    let command = match (layout.symbol.symbology, &layout.symbol.payload) {
        // Printers write no ECI, and are not agreed on FNC1 in QR codes.
        (_, Payload::Text(text)) if !is_plain(text) => None,
        (Symbology::Gs1Qr, _) => None,
        (Symbology::Qr, Payload::Text(text)) if QR_MODULE.contains(&module) => {
            let level = level(layout.symbol.correction);
            Some(format!("^BQN,2,{module}^FH{ESCAPE}^FD{level}A,{}^FS", field(text)))
        }
        (Symbology::DataMatrix | Symbology::Gs1DataMatrix, payload) => {
            let side = layout.symbol.matrix.width();
            Some(format!("^BXN,{module},200,{side},{side},6,_^FH{ESCAPE}^FD{}^FS", field(&data_matrix(payload))))
        }
        (Symbology::Code128 | Symbology::Gs1_128, payload) => {
            code128(payload).map(|data| format!("^BY{module}^BCN,{row},N,N,N,N^FH{ESCAPE}^FD{}^FS", field(&data)))
        }
        (Symbology::Pdf417, Payload::Text(text)) => {
            let columns = layout.symbol.matrix.width().saturating_sub(69) / 17;
            let rows = layout.symbol.matrix.height();
            Some(format!("^BY{module}^B7N,{row},,{columns},{rows},N^FH{ESCAPE}^FD{}^FS", field(text)))
        }
        _ => None,
    };
    let _ = writeln!(out, "{at}{}", command.unwrap_or_else(|| graphic(layout)));
}

/// Visible ASCII: what printers encode as it stands.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|octet| matches!(octet, b' '..=b'~'))
}

/// Text in a `^FD` field behind `^FH\`: what would begin a command or an escape is written in hexadecimal.
fn field(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'^' | b'~' | b'\\' => {
                let _ = write!(out, "{ESCAPE}{octet:02X}");
            }
            b' '..=b'~' => out.push(char::from(octet)),
            _ => {
                let _ = write!(out, "{ESCAPE}{octet:02X}");
            }
        }
    }
    out
}

/// `_1` is FNC1, `__` an underscore.
fn data_matrix(payload: &Payload) -> String {
    match payload {
        Payload::Text(text) => text.replace('_', "__"),
        Payload::Elements(data) => format!("_1{}", data.replace('_', "__").replace('\u{1d}', "_1")),
    }
}

/// The characters of our own plan, each switch written out; none if it needs set A, whose writing in ZPL is clumsy.
fn code128(payload: &Payload) -> Option<String> {
    use crate::symbols::Set;
    let (start, steps) = plan(payload).ok()?;
    let mut out = String::from(match start {
        Set::A => return None,
        Set::B => ">:",
        Set::C => ">;",
    });
    for step in steps {
        match step {
            Step::Fnc1 => out.push_str(">8"),
            Step::Latch(Set::A) | Step::One(Set::A, _) => return None,
            Step::Latch(Set::B) => out.push_str(">6"),
            Step::Latch(Set::C) => out.push_str(">5"),
            Step::One(_, b'>') => out.push_str(">0"),
            Step::One(_, b'^') => out.push_str("><"),
            Step::One(_, b'~') => out.push_str(">="),
            Step::One(_, octet) => out.push(char::from(octet)),
            Step::Two(tens, ones) => out.extend([char::from(tens), char::from(ones)]),
        }
    }
    Some(out)
}

fn level(correction: ErrorCorrection) -> char {
    match correction {
        ErrorCorrection::L => 'L',
        ErrorCorrection::M => 'M',
        ErrorCorrection::Q => 'Q',
        ErrorCorrection::H => 'H',
    }
}

/// The modules as a graphic field, one bit a dot.
fn graphic(layout: &Layout) -> String {
    let matrix = &layout.symbol.matrix;
    let stride = (matrix.width() * layout.module as usize).div_ceil(8);
    let total = stride * matrix.height() * layout.row as usize;
    let mut out = format!("^GFA,{total},{total},{stride},");
    for modules in matrix.rows() {
        let dots = modules.iter().flat_map(|dark| std::iter::repeat_n(*dark, layout.module as usize));
        let dots: Vec<bool> = dots.collect();
        let mut line = String::with_capacity(stride * 2);
        for octet in dots.chunks(8) {
            let bits = octet.iter().enumerate().fold(0u8, |bits, (at, dark)| bits | u8::from(*dark) << (7 - at));
            let _ = write!(line, "{bits:02X}");
        }
        (0..layout.row).for_each(|_| out.push_str(&line));
    }
    out.push_str("^FS");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Media, Symbol};

    fn written(symbology: Symbology, payload: Payload) -> String {
        let symbol = Symbol::encode(symbology, payload, ErrorCorrection::M).unwrap();
        zpl(&Layout::new(symbol, "a^b", Media::new(60.0, 30.0, 203).unwrap(), true).unwrap())
    }

    #[test]
    fn what_steers_the_printer_is_escaped() {
        let text = written(Symbology::Qr, Payload::Text("88.1/a^XZ~JA\\_".into()));
        assert!(text.contains("^FDMA,88.1/a\\5EXZ\\7EJA\\5C_^FS"), "{text}");
        assert!(text.contains("^FDa\\5Eb^FS"), "{text}");
        assert_eq!(text.matches("^XZ").count(), 1);
    }

    #[test]
    fn fnc1_in_the_printers_words() {
        let elements = || Payload::elements("^010952132100001810AB_C^21x").unwrap();
        assert!(written(Symbology::Gs1DataMatrix, elements()).contains("^FD_1010952132100001810AB__C_121x^FS"));
        let linear = written(Symbology::Gs1_128, elements());
        assert!(linear.contains("^FD>;>8010952132100001810>6AB_C>821x^FS"), "{linear}");
        assert!(written(Symbology::Gs1Qr, elements()).contains("^GFA,"));
    }

    #[test]
    fn text_beyond_ascii_is_a_graphic() {
        assert!(written(Symbology::Qr, Payload::Text("88.1/虎".into())).contains("^GFA,"));
        let epc = Epc::parse("3034257BF7194E4000001A85").unwrap();
        assert!(tag(&epc).contains("^RFW,H,,12,A^FD3034257BF7194E4000001A85^FS"));
    }
}
