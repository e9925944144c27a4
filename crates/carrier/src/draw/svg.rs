//! SVG: one path of crisp modules, and the text as text.

use crate::layout::{LETTER, Layout};
use std::fmt::Write;

/// A label as an SVG document. One unit is one dot; the size is given in millimetres.
pub fn svg(layout: &Layout) -> String {
    let media = &layout.media;
    let (width, height) = (media.width(), media.height());
    let mut out = String::with_capacity(4096);
    out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (across, down) = (media.millimetres(width), media.millimetres(height));
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{across:.3}mm\" height=\"{down:.3}mm\" viewBox=\"0 0 {width} {height}\">"
    );
    let _ = writeln!(out, "<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>");
    out.push_str("<path fill=\"#000\" shape-rendering=\"crispEdges\" d=\"");
    for (row, start, length) in layout.symbol.matrix.runs() {
        let x = layout.x + start as u32 * layout.module;
        let y = layout.y + row as u32 * layout.row;
        let run = length as u32 * layout.module;
        let _ = write!(out, "M{x} {y}h{run}v{}h-{run}z", layout.row);
    }
    out.push_str("\"/>\n");
    // A letter of a monospaced font is 0.6 em wide, so this stays within the cells of the layout.
    let size = layout.scale * (LETTER + 3);
    for line in &layout.lines {
        let (x, y) = (line.x, line.y + LETTER * layout.scale);
        let _ = writeln!(
            out,
            "<text x=\"{x}\" y=\"{y}\" font-family=\"monospace\" font-size=\"{size}\" xml:space=\"preserve\">{}</text>",
            escaped(&line.text)
        );
    }
    out.push_str("</svg>\n");
    out
}

/// Text in XML. What XML 1.0 cannot say at all (§2.2) becomes the replacement character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            _ if character.is_control() => out.push('\u{FFFD}'),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_from_text() {
        assert_eq!(escaped("a<b>&\u{7}\"虎"), "a&lt;b&gt;&amp;\u{FFFD}\"虎");
    }
}
