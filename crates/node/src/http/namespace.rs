//! HS_NAMESPACE: what the owner of a prefix says about all identifiers below it, in XML.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

/// The parts of a namespace that resolution over HTTP heeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Whether the identifiers below are in use.
    pub active: bool,
    /// What to tell who asks for an identifier of an inactive namespace.
    pub status_message: Option<String>,
    /// Identifiers whose 10320/loc values hold for all identifiers below.
    pub locations: Vec<String>,
    /// The locations of namespaces further up take no part.
    pub no_nslocs: bool,
}

impl Default for Namespace {
    fn default() -> Self {
        Namespace { active: true, status_message: None, locations: Vec::new(), no_nslocs: false }
    }
}

impl Namespace {
    /// Reads the XML; none when it is not well-formed or its root is not `namespace`.
    pub fn parse(xml: &str) -> Option<Self> {
        let mut reader = Reader::from_str(xml);
        let mut namespace = Namespace::default();
        let mut open: Vec<Vec<u8>> = Vec::new();
        let mut text = String::new();
        loop {
            match reader.read_event().ok()? {
                Event::Start(tag) => {
                    namespace.heed(&open, &tag)?;
                    open.push(tag.local_name().as_ref().to_vec());
                    text.clear();
                }
                Event::Empty(tag) => namespace.heed(&open, &tag)?,
                Event::Text(part) => text.push_str(&part.decode().ok()?),
                Event::CData(part) => text.push_str(&part.decode().ok()?),
                Event::GeneralRef(entity) => match entity.resolve_char_ref().ok()? {
                    Some(character) => text.push(character),
                    None => text.push_str(resolve_predefined_entity(&entity.decode().ok()?)?),
                },
                Event::End(_) => {
                    let name = open.pop()?;
                    if open.len() == 1 {
                        namespace.take(&name, text.trim());
                    }
                    text.clear();
                    if open.is_empty() {
                        return Some(namespace);
                    }
                }
                Event::Eof => return None,
                _ => {}
            }
        }
    }

    /// Looks at an opening tag: the root must be `namespace`, `locs` may carry `no_nslocs`.
    fn heed(&mut self, open: &[Vec<u8>], tag: &BytesStart<'_>) -> Option<()> {
        let name = tag.local_name();
        match open {
            [] if name.as_ref() != b"namespace" => return None,
            [_] if name.as_ref() == b"locs" => {
                let attribute = tag.try_get_attribute("no_nslocs").ok()?;
                self.no_nslocs |= attribute.is_some_and(|flag| !matches!(&*flag.value, b"0" | b"false" | b"no"));
            }
            _ => {}
        }
        Some(())
    }

    fn take(&mut self, name: &[u8], text: &str) {
        match name {
            b"status" => self.active = !text.eq_ignore_ascii_case("inactive"),
            b"statusmsg" if !text.is_empty() => self.status_message = Some(text.to_owned()),
            b"locs" if !text.is_empty() => self.locations.push(text.to_owned()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_message_and_locations_are_read() {
        let xml = r#"<?xml version="1.0"?><namespace><contact><status>inactive</status></contact>
            <status> inactive </status><statusmsg>closed &amp; gone&#33; <![CDATA[<2026>]]></statusmsg>
            <template delimiter="@"><value/></template><locs no_nslocs="true">10320/loc-a</locs></namespace>"#;
        let namespace = Namespace::parse(xml).unwrap();
        assert!(!namespace.active);
        assert_eq!(namespace.status_message.as_deref(), Some("closed & gone! <2026>"));
        assert_eq!(namespace.locations, ["10320/loc-a"]);
        assert!(namespace.no_nslocs);
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        assert_eq!(Namespace::parse("<namespace><contact/></namespace>"), Some(Namespace::default()));
        for broken in ["", "<namespace>", "<other></other>", "<namespace>&unknown;</namespace>", "no xml"] {
            assert_eq!(Namespace::parse(broken), None, "{broken}");
        }
    }
}
