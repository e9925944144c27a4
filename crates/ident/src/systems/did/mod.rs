//! Decentralised identifiers: `did:bid:ef…`, delegated by method and chain code.

use crate::reading::Reading;
use crate::refusal::Refusal;
use crate::system::{Scheme, System};

/// The system as the record space sees it.
pub struct Did;

impl System for Did {
    fn scheme(&self) -> Scheme {
        Scheme::Did
    }

    fn space(&self) -> u8 {
        b'd'
    }

    fn authority<'a>(&self, rest: &'a str) -> &'a str {
        rest.rfind(':').map_or("", |colon| &rest[..colon])
    }

    fn parent(&self, path: &str) -> Option<usize> {
        if path.is_empty() { None } else { Some(path.rfind(':').unwrap_or(0)) }
    }

    fn separator(&self) -> &'static str {
        ":"
    }

    fn check_path(&self, _path: &str) -> Result<(), Refusal> {
        Ok(())
    }

    fn canonical(&self, rest: &str) -> Result<String, Refusal> {
        Ok(rest.to_owned())
    }

    fn read(&self, _text: &str) -> Option<Result<Reading, Refusal>> {
        None
    }
}
