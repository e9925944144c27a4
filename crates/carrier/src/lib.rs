//! Symbols and labels: from a text to a picture, a printer's language or the octets of a tag. Pure, no I/O.
//!
//! A [`Content`] says how an identifier can be written, a [`Payload`] is what is carried, a [`Symbol`] is its
//! modules, a [`Layout`] is a symbol with its text on a label of a size, and [`draw`] makes files of layouts.

#![forbid(unsafe_code)]

mod content;
pub mod draw;
mod layout;
mod matrix;
mod payload;
pub mod scan;
mod symbols;
pub mod tag;

pub use content::{Content, Wording};
pub use layout::{Layout, Line, Media};
pub use matrix::Matrix;
pub use payload::Payload;
pub use symbols::{ErrorCorrection, Rows, Symbol, Symbology};
