//! Object identifiers (ITU-T X.660): `1.2.156.20009.7`, delegated arc by arc.
//!
//! * [`ObjectIdentifier`]: the value; arcs have no bound but that of the whole.
//! * [`text`], [`der`]: its written forms and its octets.
//! * [`label`]: Unicode labels, which need a table to become numbers.
//! * [`ors`]: its owner names in DNS. [`china`]: the rules below the Chinese nodes.

pub mod china;
pub mod der;
pub mod label;
pub mod ors;
mod read;
pub mod text;
mod value;

pub use value::{ARCS, CHARACTERS, ObjectIdentifier, check_arcs};

use crate::reading::Reading;
use crate::refusal::Refusal;
use crate::system::{Scheme, System};

/// The system as the record space sees it.
pub struct Oid;

/// Octets in front of each arc of a record key: how many digits follow.
const COUNT: usize = 2;

impl System for Oid {
    fn scheme(&self) -> Scheme {
        Scheme::Oid
    }

    fn space(&self) -> u8 {
        b'o'
    }

    fn authority<'a>(&self, rest: &'a str) -> &'a str {
        rest
    }

    fn parent(&self, path: &str) -> Option<usize> {
        if path.is_empty() { None } else { Some(path.rfind('.').unwrap_or(0)) }
    }

    fn separator(&self) -> &'static str {
        "."
    }

    fn check_path(&self, path: &str) -> Result<(), Refusal> {
        if path.is_empty() { Ok(()) } else { check_arcs(path) }
    }

    fn canonical(&self, rest: &str) -> Result<String, Refusal> {
        if rest.starts_with('/') {
            let node = text::from_iri(rest, &label::StandardLabels)?;
            return ObjectIdentifier::parse(&node).map(|oid| oid.to_string());
        }
        ObjectIdentifier::parse(rest).map(|oid| oid.to_string())
    }

    fn read(&self, text: &str) -> Option<Result<Reading, Refusal>> {
        read::read(text)
    }

    fn write_key(&self, rest: &str, out: &mut Vec<u8>) {
        self.write_range(rest, out);
    }

    /// Each arc behind the number of its digits: the keys of a node and of all below begin alike, and sort as
    /// numbers do.
    fn write_range(&self, path: &str, out: &mut Vec<u8>) {
        if path.is_empty() {
            return;
        }
        for arc in path.split('.') {
            // Names off the wire have at most 2048 octets; a longer text could only be cut.
            let count = u16::try_from(arc.len()).unwrap_or(u16::MAX);
            out.extend_from_slice(&count.to_be_bytes());
            out.extend(arc.bytes().take(usize::from(count)));
        }
    }

    fn name_of_key(&self, key: &[u8]) -> String {
        let (mut arcs, mut rest) = (Vec::new(), key);
        while let Some((count, behind)) = rest.split_at_checked(COUNT) {
            let count = count.iter().fold(0, |number, octet| number << 8 | usize::from(*octet));
            let (arc, behind) = behind.split_at(count.min(behind.len()));
            arcs.push(String::from_utf8_lossy(arc));
            rest = behind;
        }
        arcs.join(".")
    }
}
