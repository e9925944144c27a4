//! PDF sheets: labels in a grid on pages, modules as vectors, one page in memory at a time.
//!
//! A document comes in pieces: [`Sheet::begin`], what [`Sheet::add`] gives whenever a page is full, and
//! [`Sheet::finish`]. Written one after the other they are the file (ISO 32000-1 §7.5).

use crate::layout::{LETTER, Layout};
use hufu_ident::Refusal;
use miniz_oxide::deflate::compress_to_vec_zlib;
use std::fmt::Write;

const POINTS_PER_MM: f64 = 72.0 / 25.4;
/// Pages of a document: its directory stays in memory.
const PAGES: usize = 100_000;
const DEFLATE_LEVEL: u8 = 6;
/// Objects 1 to 3: catalog, page tree, font. Each page has two more: itself and its content.
const FIXED: usize = 3;

/// How labels lie on a page; everything in millimetres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paper {
    pub width: f64,
    pub height: f64,
    /// White around the grid.
    pub margin: f64,
    /// Between labels.
    pub gap: f64,
}

impl Paper {
    pub const A4: Paper = Paper { width: 210.0, height: 297.0, margin: 10.0, gap: 2.0 };

    /// Columns and rows of labels of that size; refused if not even one fits.
    pub fn grid(&self, width_mm: f64, height_mm: f64) -> Result<(usize, usize), Refusal> {
        let count =
            |paper: f64, label: f64| ((paper - 2.0 * self.margin + self.gap) / (label + self.gap) + 1e-9) as usize;
        match (count(self.width, width_mm), count(self.height, height_mm)) {
            (0, _) | (_, 0) => {
                let (zh, en) = ("标签大于纸张可用区域", "the label is larger than the page within its margins");
                Err(Refusal::new("label-larger-than-page", "our profile", zh, en))
            }
            grid => Ok(grid),
        }
    }
}

/// A document in the making.
#[derive(Debug)]
pub struct Sheet {
    paper: Paper,
    columns: usize,
    rows: usize,
    /// The page under way and how many labels it has.
    content: String,
    used: usize,
    /// Where each object begins, from object 4 on.
    offsets: Vec<u64>,
    written: u64,
}

impl Sheet {
    /// A document for labels of that size; the octets are its beginning.
    pub fn begin(paper: Paper, width_mm: f64, height_mm: f64) -> Result<(Self, Vec<u8>), Refusal> {
        let (columns, rows) = paper.grid(width_mm, height_mm)?;
        // The octets behind the version tell transfer programs that this is no text (§7.5.2).
        let head = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
        let (content, offsets) = (String::new(), Vec::new());
        Ok((Sheet { paper, columns, rows, content, used: 0, offsets, written: head.len() as u64 }, head))
    }

    /// The page, from 1, that the next label comes on.
    pub fn page(&self) -> usize {
        self.offsets.len() / 2 + 1
    }

    /// Adds a label. The octets are the page that it filled, if it did.
    pub fn add(&mut self, layout: &Layout) -> Result<Vec<u8>, Refusal> {
        if self.offsets.len() / 2 >= PAGES {
            let (zh, en) = ("超过100000页", "more than 100000 pages");
            return Err(Refusal::new("too-many-pages", "our profile", zh, en));
        }
        let (column, row) = (self.used % self.columns, self.used / self.columns);
        let left = self.paper.margin + column as f64 * (layout.media.width_mm + self.paper.gap);
        let top = self.paper.margin + row as f64 * (layout.media.height_mm + self.paper.gap);
        draw(layout, left, self.paper.height - top, &mut self.content);
        self.used += 1;
        Ok(if self.used == self.columns * self.rows { self.close_page() } else { Vec::new() })
    }

    /// The last page, if it is not full, and the directory of the document.
    pub fn finish(mut self) -> Vec<u8> {
        let mut out = if self.used > 0 || self.offsets.is_empty() { self.close_page() } else { Vec::new() };
        let pages = self.offsets.len() / 2;
        let kids: Vec<String> = (0..pages).map(|page| format!("{} 0 R", FIXED + 1 + 2 * page)).collect();
        let fixed = [
            "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
            format!("<</Type/Pages/Count {pages}/Kids[{}]>>", kids.join(" ")),
            "<</Type/Font/Subtype/Type1/BaseFont/Courier/Encoding/WinAnsiEncoding>>".to_owned(),
        ];
        let mut offsets = Vec::with_capacity(FIXED);
        for (number, body) in fixed.iter().enumerate() {
            offsets.push(self.written);
            self.append(format!("{} 0 obj\n{body}\nendobj\n", number + 1).as_bytes(), &mut out);
        }
        let start = self.written;
        let count = FIXED + self.offsets.len() + 1;
        let mut table = format!("xref\n0 {count}\n0000000000 65535 f \n");
        for offset in offsets.iter().chain(&self.offsets) {
            let _ = writeln!(table, "{offset:010} 00000 n ");
        }
        let _ = write!(table, "trailer\n<</Size {count}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n");
        self.append(table.as_bytes(), &mut out);
        out
    }

    fn close_page(&mut self) -> Vec<u8> {
        let (page, content) = (FIXED + self.offsets.len() + 1, FIXED + self.offsets.len() + 2);
        let (width, height) = (self.paper.width * POINTS_PER_MM, self.paper.height * POINTS_PER_MM);
        let mut out = Vec::new();
        self.offsets.push(self.written);
        let body = format!(
            "{page} 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 {width:.3} {height:.3}]/Resources<</Font<</F 3 0 R>>>>/Contents {content} 0 R>>\nendobj\n"
        );
        self.append(body.as_bytes(), &mut out);
        let packed = compress_to_vec_zlib(self.content.as_bytes(), DEFLATE_LEVEL);
        self.offsets.push(self.written);
        let head = format!("{content} 0 obj\n<</Filter/FlateDecode/Length {}>>\nstream\n", packed.len());
        self.append(head.as_bytes(), &mut out);
        self.append(&packed, &mut out);
        self.append(b"\nendstream\nendobj\n", &mut out);
        self.content.clear();
        self.used = 0;
        out
    }

    fn append(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        self.written += octets.len() as u64;
        out.extend_from_slice(octets);
    }
}

/// Draws a label with its upper left corner at that place, millimetres from the lower left corner of the page. Within
/// it one unit is one dot, and y counts downward.
fn draw(layout: &Layout, left: f64, top: f64, out: &mut String) {
    let dot = 72.0 / f64::from(layout.media.dpi);
    let (x, y) = (left * POINTS_PER_MM, top * POINTS_PER_MM);
    let _ = writeln!(out, "q {dot:.6} 0 0 -{dot:.6} {x:.4} {y:.4} cm");
    for (row, start, length) in layout.symbol.matrix.runs() {
        let (x, y) = (layout.x + start as u32 * layout.module, layout.y + row as u32 * layout.row);
        let _ = writeln!(out, "{x} {y} {} {} re", length as u32 * layout.module, layout.row);
    }
    out.push_str("f\n");
    let size = layout.scale * (LETTER + 3);
    for line in &layout.lines {
        let (x, y) = (line.x, line.y + LETTER * layout.scale);
        // The text matrix turns letters upright again.
        let _ = writeln!(out, "BT /F {size} Tf 1 0 0 -1 {x} {y} Tm ({}) Tj ET", escaped(&line.text));
    }
    out.push_str("Q\n");
}

/// A literal string (§7.3.4.2). What is not visible ASCII has been percent-encoded before.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '(' | ')' | '\\' => out.extend(['\\', character]),
            ' '..='~' => out.push(character),
            _ => out.push('?'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorCorrection, Media, Payload, Symbol, Symbology};

    #[test]
    fn labels_fill_pages() {
        let media = Media::new(50.0, 30.0, 203).unwrap();
        let symbol = Symbol::encode(Symbology::Qr, Payload::Text("x".into()), ErrorCorrection::M).unwrap();
        let layout = Layout::new(symbol, "(x)", media, true).unwrap();
        assert_eq!(Paper::A4.grid(50.0, 30.0).unwrap(), (3, 8));
        let (mut sheet, mut file) = Sheet::begin(Paper::A4, 50.0, 30.0).unwrap();
        for _ in 0..49 {
            file.extend(sheet.add(&layout).unwrap());
        }
        assert_eq!(sheet.page(), 3);
        file.extend(sheet.finish());
        let text = String::from_utf8_lossy(&file);
        assert!(text.contains("/Count 3/"));
        assert!(text.ends_with("%%EOF\n"));
        // Every entry of the directory points to its object.
        let at = file.windows(5).rposition(|window| window == b"xref\n").unwrap();
        let start = file[..at].windows(5).rposition(|window| window == b"xref\n").unwrap_or(at);
        let table = String::from_utf8_lossy(&file[start..]).into_owned();
        for (number, line) in table.lines().skip(3).take_while(|line| line.ends_with(" n ")).enumerate() {
            let offset: usize = line[..10].parse().unwrap();
            let expected = format!("{} 0 obj", number + 1);
            assert!(file[offset..].starts_with(expected.as_bytes()), "{expected} at {offset}");
        }
    }

    #[test]
    fn a_label_larger_than_the_page_is_refused() {
        assert_eq!(Paper::A4.grid(200.0, 30.0).unwrap_err().code, "label-larger-than-page");
    }
}
