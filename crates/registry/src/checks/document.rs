//! Documents attached to an application: what a file is, by its octets and not by its name, and how it may be called.

use hufu_ident::Refusal;

const CLAUSE: &str = "SNMS file/upload";
/// Images up to 1 MB, PDF up to 5 MB, both in units of 1024 × 1024 octets.
const IMAGE_OCTETS: usize = 1024 * 1024;
const PDF_OCTETS: usize = 5 * 1024 * 1024;
/// Characters of a stored name, without its ending.
const NAME_LENGTH: usize = 100;
const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// A PNG ends with this chunk and nothing behind it (ISO/IEC 15948 §11.2.5).
const PNG_END: &[u8] = b"\0\0\0\0IEND\xaeB`\x82";
/// The end mark of a PDF stands within its last kilobyte, as readers have it.
const PDF_TAIL: usize = 1024;

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    Png,
    Jpeg,
    Pdf,
}

impl DocumentKind {
    /// Finds out what the octets are, whole and within the limits.
    pub fn recognise(octets: &[u8]) -> Result<DocumentKind, Refusal> {
        let kind = DocumentKind::by_beginning(octets)?;
        let limit = kind.limit();
        if octets.len() > limit {
            let megabytes = limit / (1024 * 1024);
            return Err(Refusal::new(
                "document-size",
                CLAUSE,
                format!("{}不能超过{megabytes} MB", kind.zh()),
                format!("{} must not exceed {megabytes} MB", kind.en()),
            ));
        }
        if !kind.is_whole(octets) {
            let (zh, en) = ("文件不完整", "the file is not complete");
            return Err(Refusal::new("document-incomplete", kind.clause(), zh, en));
        }
        Ok(kind)
    }

    /// How many octets such a document may have.
    pub fn limit(self) -> usize {
        match self {
            DocumentKind::Png | DocumentKind::Jpeg => IMAGE_OCTETS,
            DocumentKind::Pdf => PDF_OCTETS,
        }
    }

    pub fn is_image(self) -> bool {
        self != DocumentKind::Pdf
    }

    pub fn media_type(self) -> &'static str {
        match self {
            DocumentKind::Png => "image/png",
            DocumentKind::Jpeg => "image/jpeg",
            DocumentKind::Pdf => "application/pdf",
        }
    }

    /// The ending of its stored name, without the dot.
    pub fn ending(self) -> &'static str {
        match self {
            DocumentKind::Png => "png",
            DocumentKind::Jpeg => "jpg",
            DocumentKind::Pdf => "pdf",
        }
    }

    fn by_beginning(octets: &[u8]) -> Result<DocumentKind, Refusal> {
        match octets {
            [] => {
                let (zh, en) = ("文件是空的", "the file is empty");
                Err(Refusal::new("document-empty", CLAUSE, zh, en))
            }
            _ if octets.starts_with(PNG_SIGNATURE) => Ok(DocumentKind::Png),
            [0xff, 0xd8, 0xff, ..] => Ok(DocumentKind::Jpeg),
            _ if octets.starts_with(b"%PDF-") => Ok(DocumentKind::Pdf),
            _ => {
                let (zh, en) = ("只接受PNG、JPEG图片和PDF文件", "only PNG and JPEG images and PDF files are taken");
                Err(Refusal::new("document-kind", CLAUSE, zh, en))
            }
        }
    }

    fn is_whole(self, octets: &[u8]) -> bool {
        match self {
            DocumentKind::Png => png_is_whole(octets),
            DocumentKind::Jpeg => jpeg_is_whole(octets),
            DocumentKind::Pdf => pdf_is_whole(octets),
        }
    }

    fn clause(self) -> &'static str {
        match self {
            DocumentKind::Png => "ISO/IEC 15948 §5",
            DocumentKind::Jpeg => "ISO/IEC 10918-1 §B.1",
            DocumentKind::Pdf => "ISO 32000-1 §7.5",
        }
    }

    fn zh(self) -> &'static str {
        if self.is_image() { "图片" } else { "PDF文件" }
    }

    fn en(self) -> &'static str {
        if self.is_image() { "an image" } else { "a PDF file" }
    }
}

/// Its first chunk is a header with a width and a height, its last one is the end.
fn png_is_whole(octets: &[u8]) -> bool {
    let Some((header, _)) = octets[PNG_SIGNATURE.len()..].split_first_chunk::<16>() else {
        return false;
    };
    let [_, _, _, _, name @ .., w0, w1, w2, w3, h0, h1, h2, h3] = header;
    let sized = u32::from_be_bytes([*w0, *w1, *w2, *w3]) > 0 && u32::from_be_bytes([*h0, *h1, *h2, *h3]) > 0;
    name == b"IHDR" && sized && octets.ends_with(PNG_END)
}

/// It has a frame header, and the end mark is the last thing but filling.
fn jpeg_is_whole(octets: &[u8]) -> bool {
    let end = octets.iter().rposition(|&octet| octet != 0).map_or(0, |last| last + 1);
    octets[..end].ends_with(b"\xff\xd9") && has_frame(octets)
}

/// Walks the marker segments up to the frame header (SOF0 to SOF15 without DHT, JPG and DAC).
fn has_frame(octets: &[u8]) -> bool {
    let mut rest = &octets[2..];
    loop {
        match rest {
            [0xff, 0xff, ..] => rest = &rest[1..],
            [0xff, 0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf, ..] => return true,
            [0xff, 0x01 | 0xd0..=0xd7, ..] => rest = &rest[2..],
            [0xff, 0xda | 0xd9, ..] => return false,
            [0xff, _, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                match rest.get(2 + length.max(2)..) {
                    Some(behind) => rest = behind,
                    None => return false,
                }
            }
            _ => return false,
        }
    }
}

/// A version behind the signature, and the end mark near the end.
fn pdf_is_whole(octets: &[u8]) -> bool {
    let versioned = matches!(octets.get(5..8), Some([b'1' | b'2', b'.', b'0'..=b'9']));
    let tail = &octets[octets.len().saturating_sub(PDF_TAIL)..];
    versioned && tail.windows(5).any(|window| window == b"%%EOF")
}

/// A name to store and show, made of the one that was sent: no folders, no control or direction characters, nothing
/// that a file system or a shell takes otherwise, and the ending that belongs to the contents.
pub fn file_name(sent: &str, kind: DocumentKind) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    let cleaned: String = stem.chars().filter(|&c| !is_invisible(c)).map(plain).take(NAME_LENGTH).collect();
    let cleaned = cleaned.trim_matches([' ', '.', '-', '_']);
    let device = ["con", "prn", "aux", "nul"].contains(&cleaned.to_ascii_lowercase().as_str())
        || matches!(
            cleaned.to_ascii_lowercase().as_bytes(),
            [b'c', b'o', b'm', b'0'..=b'9'] | [b'l', b'p', b't', b'0'..=b'9']
        );
    let stem = if cleaned.is_empty() || device { "document" } else { cleaned };
    format!("{stem}.{}", kind.ending())
}

/// Control characters, and those that turn the direction of writing or are not seen.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn plain(c: char) -> char {
    if c.is_whitespace() {
        ' '
    } else if "<>:\"|?*'`$&;%#{}~^!\\/".contains(c) {
        '_'
    } else {
        c
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png() -> Vec<u8> {
        let mut octets = PNG_SIGNATURE.to_vec();
        octets.extend(b"\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55");
        octets.extend(PNG_END);
        octets
    }

    fn jpeg() -> Vec<u8> {
        b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x0b\x08\0\x01\0\x01\x01\x01\x11\0\xff\xda\0\x08\x01\x01\0\0\x3f\0\x12\xff\xd9"
            .to_vec()
    }

    fn pdf() -> Vec<u8> {
        b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\nstartxref\n0\n%%EOF\n".to_vec()
    }

    #[test]
    fn whole_documents_are_recognised() {
        for (octets, kind) in [(png(), DocumentKind::Png), (jpeg(), DocumentKind::Jpeg), (pdf(), DocumentKind::Pdf)] {
            assert_eq!(DocumentKind::recognise(&octets).unwrap(), kind);
        }
        let mut filled = jpeg();
        filled.extend([0; 7]);
        assert!(DocumentKind::recognise(&filled).is_ok());
    }

    #[test]
    fn no_beginning_of_one_passes() {
        for octets in [png(), jpeg(), pdf()] {
            // The PDF's last line break is not needed.
            for length in 0..octets.len() - 1 {
                let refusal = DocumentKind::recognise(&octets[..length]).unwrap_err();
                assert!(["document-empty", "document-kind", "document-incomplete"].contains(&refusal.code));
            }
        }
    }

    #[test]
    fn what_is_refused() {
        let mut flat = png();
        flat[19] = 0;
        let mut unframed = jpeg();
        unframed[9] = 0xc4;
        let mut behind = png();
        behind.extend(b"<script>");
        for (octets, code) in [
            (Vec::new(), "document-empty"),
            (b"GIF89a".to_vec(), "document-kind"),
            (b"<html>%PDF-1.7 %%EOF".to_vec(), "document-kind"),
            (b"MZ\x90".to_vec(), "document-kind"),
            (b"%PDF-x.y %%EOF".to_vec(), "document-incomplete"),
            (flat, "document-incomplete"),
            (unframed, "document-incomplete"),
            (behind, "document-incomplete"),
            ([png(), vec![0; IMAGE_OCTETS]].concat(), "document-size"),
            ([jpeg(), vec![0; IMAGE_OCTETS]].concat(), "document-size"),
            ([pdf(), vec![0; PDF_OCTETS]].concat(), "document-size"),
        ] {
            assert_eq!(DocumentKind::recognise(&octets).unwrap_err().code, code);
        }
    }

    #[test]
    fn the_limits_are_exact() {
        let mut octets = pdf();
        let filling = PDF_OCTETS - octets.len();
        octets.splice(9..9, vec![b' '; filling]);
        assert_eq!(octets.len(), PDF_OCTETS);
        assert!(DocumentKind::recognise(&octets).is_ok());
        octets.insert(9, b' ');
        assert_eq!(DocumentKind::recognise(&octets).unwrap_err().code, "document-size");
    }

    #[test]
    fn names_are_made_harmless() {
        for (sent, stored) in [
            ("营业执照.PDF", "营业执照.pdf"),
            ("../../etc/passwd", "passwd.pdf"),
            ("C:\\scans\\licence 2026.jpeg", "licence 2026.pdf"),
            ("a\u{202e}fdp.exe", "afdp.pdf"),
            ("x\r\nSet-Cookie: a.pdf", "xSet-Cookie_ a.pdf"),
            ("<b>|?*.pdf", "b.pdf"),
            ("...", "document.pdf"),
            ("", "document.pdf"),
            ("CON.pdf", "document.pdf"),
            ("lpt1", "document.pdf"),
            ("$(rm -rf).pdf", "(rm -rf).pdf"),
            ("a/", "document.pdf"),
        ] {
            assert_eq!(file_name(sent, DocumentKind::Pdf), stored, "{sent:?}");
        }
        assert_eq!(file_name(&"长".repeat(1000), DocumentKind::Png).chars().count(), NAME_LENGTH + 4);
    }
}
