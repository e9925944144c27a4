//! GS1 keys: `01/06901234567892/21/SN1`, delegated by company prefix, digit by digit.

pub mod epc;
pub mod links;

use crate::reading::Reading;
use crate::refusal::Refusal;
use crate::system::{Scheme, System};

/// The system as the record space sees it.
pub struct Gs1;

impl System for Gs1 {
    fn scheme(&self) -> Scheme {
        Scheme::Gs1
    }

    fn space(&self) -> u8 {
        b'g'
    }

    fn authority<'a>(&self, rest: &'a str) -> &'a str {
        let value = rest.split('/').nth(1).unwrap_or_default();
        let start = usize::from(rest.starts_with("01/"));
        value.get(start..value.len().min(13)).unwrap_or_default()
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
