//! A symbol and its text on a label of a size: everything in dots of the printer, so that modules are crisp.

use crate::symbols::{Rows, Symbol};
use hufu_ident::Refusal;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// Bounds of a label in millimetres and of its resolution in dots per inch.
const SIDE_MM: std::ops::RangeInclusive<f64> = 5.0..=300.0;
const DPI: std::ops::RangeInclusive<u32> = 100..=1200;
/// White that text keeps from the edge, and from the symbol.
const MARGIN_MM: f64 = 1.0;
/// Height of letters.
const LETTER_MM: f64 = 2.0;
/// Dots of a letter before it is scaled, and of a line with its gap.
pub const LETTER: u32 = 8;
pub const LINE: u32 = 10;
/// Lines below a symbol; beside it there may be as many as fit.
const LINES_BELOW: usize = 4;
/// Characters of a caption; what is longer is not shown.
const CAPTION_CHARS: usize = 512;
/// A label this much wider than high may have its text beside the symbol.
const WIDE: f64 = 1.3;

/// A label without anything on it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Media {
    /// Millimetres.
    pub width_mm: f64,
    pub height_mm: f64,
    /// Dots per inch of the printer.
    pub dpi: u32,
}

impl Media {
    /// A label of 5 to 300 mm a side, at 100 to 1200 dpi.
    pub fn new(width_mm: f64, height_mm: f64, dpi: u32) -> Result<Self, Refusal> {
        if !SIDE_MM.contains(&width_mm) || !SIDE_MM.contains(&height_mm) || !DPI.contains(&dpi) {
            let (zh, en) =
                ("标签每边须为5～300毫米，分辨率100～1200 dpi", "a label is 5 to 300 mm a side, at 100 to 1200 dpi");
            return Err(Refusal::new("label-size", "our profile", zh, en));
        }
        Ok(Media { width_mm, height_mm, dpi })
    }

    /// Whole dots in so many millimetres.
    pub fn dots(&self, millimetres: f64) -> u32 {
        (millimetres * f64::from(self.dpi) / 25.4 + 1e-6).floor().max(0.0) as u32
    }

    /// Millimetres of so many dots.
    pub fn millimetres(&self, dots: u32) -> f64 {
        f64::from(dots) * 25.4 / f64::from(self.dpi)
    }

    pub fn width(&self) -> u32 {
        self.dots(self.width_mm)
    }

    pub fn height(&self) -> u32 {
        self.dots(self.height_mm)
    }
}

/// A line of text; place of its upper left corner in dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    pub x: u32,
    pub y: u32,
}

/// A label with everything in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    pub media: Media,
    pub symbol: Symbol,
    /// Upper left corner of the symbol without quiet zone, in dots.
    pub x: u32,
    pub y: u32,
    /// Dots of a module's width and of a row's height.
    pub module: u32,
    pub row: u32,
    /// Dots of a dot of a letter.
    pub scale: u32,
    pub lines: Vec<Line>,
    /// Whether there was no room for the text.
    pub is_mute: bool,
}

/// A rectangle in dots.
#[derive(Debug, Clone, Copy)]
struct Area {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

/// Areas for a symbol and its text.
struct Cut {
    symbol: Area,
    text: Area,
    most_lines: usize,
}

impl Layout {
    /// Finds the arrangement with the largest modules: text below or, on a wide label, beside the symbol.
    ///
    /// `is_ascii` is for pictures that have letters of ASCII only: other characters are percent-encoded. Refused is
    /// a symbol that is larger than the label at one dot a module.
    pub fn new(symbol: Symbol, caption: &str, media: Media, is_ascii: bool) -> Result<Self, Refusal> {
        let caption = if is_ascii { ascii(caption) } else { caption.replace(char::is_control, " ") };
        let cuts = cuts(&symbol, &media, &caption);
        let placed = cuts.iter().filter_map(|cut| {
            let lines = wrap(&caption, cut.text, cut.most_lines, scale(&media))?;
            place(&symbol, cut.symbol).map(|place| (place, lines))
        });
        // The first of equals stays: text below.
        let best = placed.reduce(|best, other| if other.0.module > best.0.module { other } else { best });
        let whole = Area { x: 0, y: 0, width: media.width(), height: media.height() };
        let is_mute = best.is_none();
        let (Place { x, y, module, row }, lines) = match best {
            Some(best) => best,
            None => (place(&symbol, whole).ok_or_else(|| too_large(&symbol, &media))?, Vec::new()),
        };
        Ok(Layout { media, symbol, x, y, module, row, scale: scale(&media), lines, is_mute })
    }
}

/// Dots of a dot of a letter: letters of about two millimetres.
fn scale(media: &Media) -> u32 {
    ((media.dots(LETTER_MM) + LETTER / 2) / LETTER).max(1)
}

fn cuts(symbol: &Symbol, media: &Media, caption: &str) -> Vec<Cut> {
    let (width, height, margin) = (media.width(), media.height(), media.dots(MARGIN_MM));
    let line = LINE * scale(media);
    let inner = width.saturating_sub(2 * margin);
    let below = |lines: usize| {
        let text = if caption.is_empty() { 0 } else { lines as u32 * line + margin };
        let symbol = Area { x: 0, y: 0, width, height: height.saturating_sub(text) };
        Cut { symbol, text: Area { x: margin, y: symbol.height, width: inner, height: text }, most_lines: lines }
    };
    let mut cuts: Vec<Cut> = (1..=LINES_BELOW).map(below).collect();
    if symbol.symbology.is_matrix() && f64::from(width) >= WIDE * f64::from(height) {
        let text_height = height.saturating_sub(2 * margin);
        let text = Area { x: height, y: margin, width: width.saturating_sub(height + margin), height: text_height };
        let most_lines = (text_height / line) as usize;
        cuts.push(Cut { symbol: Area { x: 0, y: 0, width: height, height }, text, most_lines });
    }
    cuts
}

struct Place {
    x: u32,
    y: u32,
    module: u32,
    row: u32,
}

/// The largest modules with which the symbol and its quiet zone fit, in the middle of the area.
fn place(symbol: &Symbol, area: Area) -> Option<Place> {
    let (beside, above) = symbol.symbology.quiet_zone();
    let (columns, rows) = (symbol.matrix.width() as u32, symbol.matrix.height() as u32);
    let across = area.width / (columns + 2 * beside as u32);
    let (module, row) = match symbol.rows {
        Rows::Modules(high) => {
            let down = area.height / (rows * high as u32 + 2 * above as u32);
            let module = across.min(down);
            (module, module * high as u32)
        }
        // Bars keep a little white above; text needs some below.
        Rows::Bars => (across, area.height.saturating_sub(area.height / 8)),
    };
    let (width, height) = (module * columns, row * rows);
    let place = Place { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, module, row };
    (module > 0 && row > 0).then_some(place)
}

/// The caption in lines, centred in the area; none if it does not fit.
fn wrap(caption: &str, area: Area, most_lines: usize, scale: u32) -> Option<Vec<Line>> {
    if caption.is_empty() {
        return Some(Vec::new());
    }
    let cells = area.width / (LETTER * scale);
    let mut lines: Vec<(String, u32)> = vec![(String::new(), 0)];
    for character in caption.chars().take(CAPTION_CHARS + 1) {
        let wide = 1 + u32::from(!character.is_ascii());
        if lines.last().is_none_or(|(_, used)| used + wide > cells) {
            lines.push((String::new(), 0));
        }
        if let Some((line, used)) = lines.last_mut() {
            line.push(character);
            *used += wide;
        }
    }
    let line = LINE * scale;
    if cells < 2 || lines.len() > most_lines || caption.chars().count() > CAPTION_CHARS {
        return None;
    }
    let top = area.y + area.height.saturating_sub(lines.len() as u32 * line) / 2;
    let at = |(number, (text, used)): (usize, (String, u32))| {
        let x = area.x + area.width.saturating_sub(used * LETTER * scale) / 2;
        Line { text, x, y: top + number as u32 * line }
    };
    Some(lines.into_iter().enumerate().map(at).collect())
}

/// Everything but visible ASCII as percent-escapes.
fn ascii(caption: &str) -> String {
    const HIDDEN: &AsciiSet = CONTROLS;
    utf8_percent_encode(caption, HIDDEN).to_string()
}

fn too_large(symbol: &Symbol, media: &Media) -> Refusal {
    let (beside, _) = symbol.symbology.quiet_zone();
    let needed = media.millimetres((symbol.matrix.width() + 2 * beside) as u32);
    let zh = format!("符号连同静区至少宽{needed:.1}毫米，标签放不下；请缩短内容、加大标签或改用二维码");
    let en = format!(
        "the symbol with its quiet zone is at least {needed:.1} mm wide and does not fit the label; shorten the content, take a larger label, or a two-dimensional symbol"
    );
    Refusal::new("symbol-too-large", symbol.symbology.standard(), zh, en)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorCorrection, Payload, Symbology};

    fn layout(symbology: Symbology, text: &str, size: (f64, f64), caption: &str) -> Result<Layout, Refusal> {
        let symbol = Symbol::encode(symbology, Payload::Text(text.into()), ErrorCorrection::M).unwrap();
        Layout::new(symbol, caption, Media::new(size.0, size.1, 203).unwrap(), true)
    }

    #[test]
    fn a_symbol_and_its_quiet_zone_are_on_the_label() {
        for (size, symbology) in [(50.0, 30.0), (30.0, 30.0), (100.0, 20.0)]
            .into_iter()
            .flat_map(|size| [Symbology::Qr, Symbology::DataMatrix].map(|symbology| (size, symbology)))
        {
            let made = layout(symbology, "https://id.example.cn/88.118.8/X", size, "88.118.8/X").unwrap();
            let (beside, above) = symbology.quiet_zone();
            let (module, width) = (made.module, made.symbol.matrix.width() as u32 * made.module);
            assert!(made.x >= beside as u32 * module && made.y >= above as u32 * module);
            assert!(made.x + width + beside as u32 * module <= made.media.width());
            assert!(made.y + width + above as u32 * module <= made.media.height());
            assert!(!made.is_mute && !made.lines.is_empty());
        }
    }

    #[test]
    fn a_wide_label_has_its_text_beside() {
        let made = layout(Symbology::Qr, "88.118.8/X", (50.0, 30.0), "88.118.8/X").unwrap();
        assert!(made.lines[0].x > made.x + made.symbol.matrix.width() as u32 * made.module);
    }

    #[test]
    fn what_does_not_fit_is_refused_or_left_out() {
        let refusal = layout(Symbology::Code128, &"x".repeat(100), (50.0, 30.0), "").unwrap_err();
        assert_eq!(refusal.code, "symbol-too-large");
        let made = layout(Symbology::Qr, "x", (10.0, 10.0), &"y".repeat(300)).unwrap();
        assert!(made.is_mute && made.lines.is_empty());
        assert_eq!(Media::new(4.0, 30.0, 203).unwrap_err().code, "label-size");
        assert_eq!(Media::new(f64::NAN, 30.0, 203).unwrap_err().code, "label-size");
    }

    #[test]
    fn letters_beyond_ascii_are_escaped() {
        let made = layout(Symbology::Qr, "x", (50.0, 30.0), "88.1/虎").unwrap();
        assert_eq!(made.lines.iter().map(|line| line.text.as_str()).collect::<String>(), "88.1/%E8%99%8E");
    }
}
