//! Octets for tags: NFC messages and EPC memory.

mod epc;
mod ndef;

pub use epc::Epc;
pub use ndef::ndef;
