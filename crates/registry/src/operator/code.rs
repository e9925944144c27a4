//! Result codes of EPP (RFC 5730 §3), and which refusal is which.

use crate::error::{Error, Kind, Refusal};

/// A result code: 1xxx done, 2xxx not.
pub type ResultCode = u16;

pub const CODE_DONE: ResultCode = 1000;
/// Accepted; decided later, and told by a message.
pub const CODE_PENDING: ResultCode = 1001;
/// Failed here; nothing was changed, and the same request may be sent again.
pub const CODE_FAILED: ResultCode = 2400;

/// The code of whatever is no answer.
pub fn code_of_error(error: &Error) -> ResultCode {
    match error {
        Error::Refused(refusal) => code_of_refusal(refusal),
        Error::Repeated(_) => CODE_DONE,
        Error::Fault(_) => CODE_FAILED,
    }
}

pub(super) fn code_of_refusal(refusal: &Refusal) -> ResultCode {
    match refusal.code {
        "idempotency-key-reused" => 2308,
        "prefix-taken" | "prefix-own" | "prefix-overlaps" | "registration-exists" => 2302,
        "transfer-code" | "wrong-code" => 2202,
        "renewal-expiry" | "prefix-reserved" | "prefix-blocked" | "prefix-retired" => 2306,
        "client-prefix" => 2201,
        "transfer-pending" => 2300,
        "transfer-decided" | "transfer-not-pending" => 2301,
        _ => match refusal.kind {
            Kind::Invalid if refusal.fields.iter().any(|field| field.code == "missing") => 2003,
            Kind::Invalid if refusal.fields.iter().any(|field| field.code == "out-of-range") => 2004,
            Kind::Invalid => 2005,
            Kind::Unauthenticated => 2200,
            Kind::Denied => 2201,
            Kind::Absent | Kind::Gone => 2303,
            Kind::Conflict | Kind::Stale => 2304,
            Kind::Limit => 2306,
            Kind::Unavailable => CODE_FAILED,
        },
    }
}
