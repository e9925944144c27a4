//! Files of labels: pictures, sheets, and the language of printers.

mod pdf;
mod png;
mod svg;
mod zpl;

pub use pdf::{Paper, Sheet};
pub use png::png;
pub use svg::svg;
pub use zpl::{tag, zpl};
