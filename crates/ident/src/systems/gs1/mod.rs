//! GS1 keys: `01/06901234567892/21/SN1`, delegated by company prefix, digit by digit.
//!
//! Whatever shape a code comes in (brackets, separators, a scan, a Digital Link, a compressed one), it becomes a
//! [`DataSet`], and can be written in any other. What an Application Identifier may hold stands in a table
//! ([`ai()`]); the record name of a data set is its key with qualifiers, in the spelling of a Digital Link's path.

mod ai;
mod check;
mod company;
mod compress;
mod coupon;
mod data_set;
mod draft;
mod element_string;
pub mod epc;
mod fault;
pub mod links;
mod name;
mod read;
mod scan;
mod uri;
mod uri_write;

pub use ai::{Ai, Charset, Code, Part, Pattern, ai, all, rows};
pub use check::{Century, Check, characters, check_digit_of, check_pair_of};
pub use company::{Companies, MOST_COMPANIES};
pub use compress::CompressOptions;
pub use data_set::{DataSet, ELEMENTS, Element, Extra, INPUT_CHARS, Options};
pub use fault::{Fault, Finding};
pub use scan::{Content, Scan, Symbology};
pub use uri::{NOT_A_LINK, unescape};
pub use uri_write::escape;

use crate::reading::Reading;
use crate::refusal::Refusal;
use crate::system::{Scheme, System};

/// The system as the record space sees it.
pub struct Gs1;

/// The year by which names are judged, which no clock may change: it decides between centuries for leap days only.
const NAME_YEAR: u16 = 2021;

impl System for Gs1 {
    fn scheme(&self) -> Scheme {
        Scheme::Gs1
    }

    fn space(&self) -> u8 {
        b'g'
    }

    fn authority<'a>(&self, rest: &'a str) -> &'a str {
        name::authority(rest)
    }

    fn parent(&self, path: &str) -> Option<usize> {
        // One character less, should a path off the wire not be digits.
        path.char_indices().next_back().map(|(at, _)| at)
    }

    fn check_path(&self, path: &str) -> Result<(), Refusal> {
        name::check_authority(path)
    }

    fn canonical(&self, rest: &str) -> Result<String, Refusal> {
        name::canonical(rest, &Options::resolver(NAME_YEAR))
    }

    fn read(&self, text: &str) -> Option<Result<Reading, Refusal>> {
        read::read(text, &Options::resolver(NAME_YEAR))
    }
}
