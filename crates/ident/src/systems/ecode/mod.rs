//! Ecode (GB/T 31866): version, numbering scheme and main code, delegated by scheme and leading part of the code.

use crate::reading::Reading;
use crate::refusal::Refusal;
use crate::system::{Scheme, System};

/// The system as the record space sees it.
pub struct Ecode;

impl System for Ecode {
    fn scheme(&self) -> Scheme {
        Scheme::Ecode
    }

    fn space(&self) -> u8 {
        b'e'
    }

    fn authority<'a>(&self, rest: &'a str) -> &'a str {
        rest
    }

    fn parent(&self, path: &str) -> Option<usize> {
        path.len().checked_sub(1)
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
