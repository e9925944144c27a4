//! PDF417 (ISO/IEC 15438): text compaction for visible ASCII, byte compaction with ECI 26 for everything else.

use super::too_long;
use crate::matrix::Matrix;
use hufu_ident::Refusal;

/// A row is three modules high (§5.8.2).
pub const ROW_MODULES: usize = 3;
/// Codewords of a symbol (§5.4.1).
const CODEWORDS: usize = 928;
/// Characters that fit in text compaction (§5.1.1).
const CAPACITY: usize = 1850;
/// Rows and columns of codewords (§5.2).
const ROWS: std::ops::RangeInclusive<usize> = 3..=90;
const COLUMNS: std::ops::RangeInclusive<usize> = 1..=30;
/// Width to height that is aimed at: what fits most labels.
const SHAPE: f64 = 2.5;
/// Modules of a codeword, and of a row beside its data: start, two indicators, stop.
const COLUMN: usize = 17;
const FRAME: usize = 69;

const PAD: u16 = 900;
const BYTES: u16 = 901;
/// Byte compaction of a multiple of six octets.
const WHOLE_BYTES: u16 = 924;
const ECI: u16 = 927;
const UTF8: u16 = 26;
/// The field of the error correction, and its generator.
const FIELD: u32 = 929;
const ROOT: u32 = 3;

const START: &[u8] = b"81111113";
const STOP: &[u8] = b"711311121";
/// Widths of bars and spaces of each codeword in the clusters 0, 3 and 6 (annex A): lines of equal length.
const PATTERNS: &[u8] = include_bytes!("pdf417.txt");
const PATTERN: usize = 9;

pub fn encode(text: &str) -> Result<Matrix, Refusal> {
    let clause = "ISO/IEC 15438 §5.1.1";
    if text.len() > CAPACITY {
        return Err(too_long(clause));
    }
    let data = codewords(text);
    let level = recommended_level(data.len());
    let check = 2 << level;
    let (rows, columns) = dimensions(data.len() + 1 + check).ok_or_else(|| too_long(clause))?;
    let length = rows * columns - check;
    let mut codewords = Vec::with_capacity(rows * columns);
    codewords.push(length as u16);
    codewords.extend(data);
    codewords.resize(length, PAD);
    codewords.extend(error_correction(&codewords, check));
    let mut dark = Vec::with_capacity(rows * (FRAME + COLUMN * columns));
    for (row, words) in codewords.chunks_exact(columns).enumerate() {
        let (left, right) = indicators(row, rows, columns, level);
        bars(START, &mut dark);
        for word in [left].into_iter().chain(words.iter().copied()).chain([right]) {
            bars(pattern(row % 3, word), &mut dark);
        }
        bars(STOP, &mut dark);
    }
    Ok(Matrix::new(FRAME + COLUMN * columns, dark))
}

fn bars(widths: &[u8], dark: &mut Vec<bool>) {
    for (at, width) in widths.iter().enumerate() {
        dark.extend(std::iter::repeat_n(at % 2 == 0, usize::from(width - b'0')));
    }
}

fn pattern(cluster: usize, codeword: u16) -> &'static [u8] {
    let at = (usize::from(codeword) * 3 + cluster) * PATTERN;
    PATTERNS.get(at..at + PATTERN - 1).unwrap_or_default()
}

/// What the row indicators say: number of the row in threes, and by turns the rows, the level, the columns (§5.11.3).
fn indicators(row: usize, rows: usize, columns: usize, level: usize) -> (u16, u16) {
    let turns = [(rows - 1) / 3, level * 3 + (rows - 1) % 3, columns - 1];
    let word = |turn: usize| (row / 3 * 30 + turns[turn % 3]) as u16;
    (word(row), word(row + 2))
}

fn codewords(text: &str) -> Vec<u16> {
    if text.bytes().all(|octet| matches!(octet, b' '..=b'~')) {
        return pairs(text_values(text));
    }
    let octets = text.as_bytes();
    let mut out = vec![ECI, UTF8, if octets.len().is_multiple_of(6) { WHOLE_BYTES } else { BYTES }];
    let sixes = octets.chunks_exact(6);
    let rest = sixes.remainder();
    for six in sixes {
        let number = six.iter().fold(0u64, |number, octet| number << 8 | u64::from(*octet));
        out.extend((0..5).rev().map(|place| (number / 900u64.pow(place) % 900) as u16));
    }
    out.extend(rest.iter().map(|octet| u16::from(*octet)));
    out
}

/// Two values to a codeword; an odd one is joined by a shift that nothing follows.
fn pairs(mut values: Vec<u16>) -> Vec<u16> {
    if values.len() % 2 == 1 {
        values.push(SHIFT);
    }
    values.chunks_exact(2).map(|pair| pair[0] * 30 + pair[1]).collect()
}

const MIXED: &str = "0123456789&\r\t,:#-.$/+%*=^";
const PUNCTUATION: &str = ";<>@[\\]_`~!\r\t,:\n-.$/\"|*()?{}'";
const SPACE: u16 = 26;
/// In the submodes upper, lower, mixed: to lower (or one upper letter), to mixed (or upper), one punctuation mark.
const TO_LOWER: u16 = 27;
const TO_MIXED: u16 = 28;
const SHIFT: u16 = 29;

#[derive(Clone, Copy, PartialEq)]
enum Submode {
    Upper,
    Lower,
    Mixed,
}

/// Text compaction (§5.4.1.5) of visible ASCII, beginning in upper case; punctuation is shifted to.
fn text_values(text: &str) -> Vec<u16> {
    let mut out = Vec::with_capacity(text.len() * 2);
    let mut mode = Submode::Upper;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let (own, value) = match character {
            ' ' => (mode, SPACE),
            'A'..='Z' => (Submode::Upper, character as u16 - u16::from(b'A')),
            'a'..='z' => (Submode::Lower, character as u16 - u16::from(b'a')),
            _ => match (MIXED.find(character), PUNCTUATION.find(character)) {
                // One mark is shorter by shift than by latch and back.
                (Some(_), Some(mark)) if mode != Submode::Mixed && characters.peek().is_none_or(is_letter) => {
                    out.extend([SHIFT, mark as u16]);
                    continue;
                }
                (Some(value), _) => (Submode::Mixed, value as u16),
                (None, mark) => {
                    out.extend([SHIFT, mark.unwrap_or_default() as u16]);
                    continue;
                }
            },
        };
        let single = characters.peek().is_none_or(|next| !next.is_ascii_uppercase());
        match (mode, own) {
            (Submode::Lower, Submode::Upper) if single => {
                out.extend([TO_LOWER, value]);
                continue;
            }
            (Submode::Lower, Submode::Upper) => out.extend([TO_MIXED, TO_MIXED]),
            (Submode::Mixed, Submode::Upper) | (Submode::Upper | Submode::Lower, Submode::Mixed) => out.push(TO_MIXED),
            (Submode::Upper | Submode::Mixed, Submode::Lower) => out.push(TO_LOWER),
            _ => {}
        }
        mode = own;
        out.push(value);
    }
    out
}

fn is_letter(character: &char) -> bool {
    character.is_ascii_alphabetic()
}

/// Recommended error correction (annex E).
fn recommended_level(data: usize) -> usize {
    match data {
        0..=40 => 2,
        41..=160 => 3,
        161..=320 => 4,
        _ => 5,
    }
}

/// Reed–Solomon over the field of 929 (§5.10): the remainder of the data divided by the generator, negated.
fn error_correction(data: &[u16], count: usize) -> Vec<u16> {
    let generator = generator(count);
    let mut remainder = vec![0u32; count];
    for word in data {
        let factor = (u32::from(*word) + remainder[0]) % FIELD;
        remainder.rotate_left(1);
        remainder[count - 1] = 0;
        for (place, coefficient) in remainder.iter_mut().zip(&generator) {
            *place = (*place + (FIELD - factor) * coefficient) % FIELD;
        }
    }
    remainder.into_iter().map(|word| ((FIELD - word) % FIELD) as u16).collect()
}

/// The product of `x − 3^i` for i from 1 to `count`, highest power first, without the leading one.
fn generator(count: usize) -> Vec<u32> {
    let mut product = vec![0u32; count + 1];
    product[0] = 1;
    let mut root = 1;
    for degree in 1..=count {
        root = root * ROOT % FIELD;
        for at in (1..=degree).rev() {
            product[at] = (product[at] + (FIELD - root) * product[at - 1]) % FIELD;
        }
    }
    product.split_off(1)
}

/// Rows and columns that hold so many codewords, in the shape aimed at.
fn dimensions(codewords: usize) -> Option<(usize, usize)> {
    let fits = COLUMNS.map(|columns| (codewords.div_ceil(columns).max(*ROWS.start()), columns));
    let fits = fits.filter(|(rows, columns)| ROWS.contains(rows) && rows * columns <= CODEWORDS);
    fits.min_by_key(|(rows, columns)| {
        let shape = (FRAME + COLUMN * columns) as f64 / (rows * ROW_MODULES) as f64;
        ((shape / SHAPE).ln().abs() * 1e6) as u64
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_codeword_has_a_pattern_of_its_cluster() {
        assert_eq!(PATTERNS.len(), 929 * 3 * PATTERN);
        for (cluster, codeword) in (0..3).flat_map(|cluster| (0..929).map(move |codeword| (cluster, codeword))) {
            let widths: Vec<i32> = pattern(cluster, codeword).iter().map(|width| i32::from(width - b'0')).collect();
            assert_eq!(widths.iter().sum::<i32>(), 17);
            assert_eq!((widths[0] - widths[2] + widths[4] - widths[6]).rem_euclid(9), 3 * cluster as i32);
        }
    }

    #[test]
    fn a_codeword_sequence_is_divisible_by_its_generator() {
        let data = [5, 453, 178, 121, 239];
        let words: Vec<u16> = data.iter().copied().chain(error_correction(&data, 4)).collect();
        // The known answer of the standard's annex for this message at level 1.
        assert_eq!(words[5..], [452, 327, 657, 619]);
        for power in 1..=4 {
            let root = ROOT.pow(power);
            assert_eq!(words.iter().fold(0, |sum, word| (sum * root + u32::from(*word)) % FIELD), 0);
        }
    }

    #[test]
    fn text_is_compacted() {
        assert_eq!(codewords("PDF417"), [453, 178, 121, 239]);
        assert_eq!(codewords("虎")[..3], [ECI, UTF8, BYTES]);
        assert_eq!(codewords("虎符")[..3], [ECI, UTF8, WHOLE_BYTES]);
        assert_eq!(encode(&"x".repeat(1851)).unwrap_err().code, "symbol-capacity");
    }
}
