//! PNG: black and white, one bit a dot, with the resolution in the file.

use crate::layout::{LETTER, Layout};
use font8x8::legacy::BASIC_LEGACY;
use png::{BitDepth, ColorType, Encoder, EncodingError, PixelDimensions, Unit};

/// A label as a PNG picture.
pub fn png(layout: &Layout) -> Result<Vec<u8>, EncodingError> {
    let canvas = Canvas::of(layout);
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, canvas.width, canvas.height);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    let metre = (f64::from(layout.media.dpi) / 0.0254).round() as u32;
    encoder.set_pixel_dims(Some(PixelDimensions { xppu: metre, yppu: metre, unit: Unit::Meter }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&canvas.bits)?;
    writer.finish()?;
    Ok(out)
}

/// Dots, eight to an octet, rows padded to whole octets; a set bit is white.
struct Canvas {
    width: u32,
    height: u32,
    bits: Vec<u8>,
}

impl Canvas {
    fn of(layout: &Layout) -> Self {
        let (width, height) = (layout.media.width(), layout.media.height());
        let mut canvas = Canvas { width, height, bits: vec![0xFF; width.div_ceil(8) as usize * height as usize] };
        for (row, start, length) in layout.symbol.matrix.runs() {
            let (x, y) = (layout.x + start as u32 * layout.module, layout.y + row as u32 * layout.row);
            canvas.fill(x, y, length as u32 * layout.module, layout.row);
        }
        for line in &layout.lines {
            for (number, character) in line.text.chars().enumerate() {
                canvas.letter(line.x + number as u32 * LETTER * layout.scale, line.y, character, layout.scale);
            }
        }
        canvas
    }

    fn fill(&mut self, x: u32, y: u32, width: u32, height: u32) {
        let stride = self.width.div_ceil(8) as usize;
        let columns = x..(x + width).min(self.width);
        for row in self.bits.chunks_exact_mut(stride).skip(y as usize).take(height as usize) {
            for at in columns.clone() {
                if let Some(octet) = row.get_mut(at as usize / 8) {
                    *octet &= !(0x80 >> (at % 8));
                }
            }
        }
    }

    fn letter(&mut self, x: u32, y: u32, character: char, scale: u32) {
        let glyph = BASIC_LEGACY.get(character as usize).copied().unwrap_or_default();
        for (row, bits) in (0..).zip(glyph) {
            for column in (0..LETTER).filter(|column| bits >> column & 1 == 1) {
                self.fill(x + column * scale, y + row * scale, scale, scale);
            }
        }
    }
}
