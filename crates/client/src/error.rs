//! The one error of this crate: what kind, what to tell a human, and the server's code if it said "no".

use std::fmt;
use std::sync::Arc;

use hufu_ident::systems::handle::wire::{ResponseCode, WireError};

/// Why there is no result. Cheap to clone; [`Error::kind`] is for machines, `Display` for people.
#[derive(Clone)]
pub struct Error {
    kind: ErrorKind,
    text: Arc<str>,
}

/// What went wrong, as far as a program can act upon it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The server answered, and the answer is a "no" (RFC 3652 §2.2.2.2).
    Refused(ResponseCode),
    /// No connection could be made.
    Unreachable,
    /// No answer in time. A change may have been carried out or not.
    TimedOut,
    /// The server closed the connection before it answered. A change may have been carried out or not.
    Closed,
    /// A bound of this client is reached: connections, requests in flight.
    Busy,
    /// The answer is no message, or not one that fits the question.
    Malformed,
    /// The server could not show that it challenges what was sent, so nothing was proved to it.
    Untrusted,
    /// The transport or server cannot do this.
    Unsupported,
    /// The caller gave something unusable: a key file, an identity, a frame, an address.
    Invalid,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Error { kind, text: text.into().into() }
    }

    /// A "no" of the server, with its own words if there are any.
    pub(crate) fn refused(code: ResponseCode, message: &str) -> Self {
        let text = match message {
            "" => format!("refused: {code}"),
            _ => format!("refused: {code}: {message}"),
        };
        Error::new(ErrorKind::Refused(code), text)
    }

    pub(crate) fn malformed(text: impl Into<String>) -> Self {
        Error::new(ErrorKind::Malformed, text)
    }

    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Error::new(ErrorKind::Invalid, text)
    }

    pub(crate) fn timed_out() -> Self {
        Error::new(ErrorKind::TimedOut, "no answer in time")
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The server's response code, if it refused.
    pub fn code(&self) -> Option<ResponseCode> {
        match self.kind {
            ErrorKind::Refused(code) => Some(code),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.text)
    }
}

impl std::error::Error for Error {}

impl From<WireError> for Error {
    fn from(error: WireError) -> Self {
        Error::malformed(format!("the answer is no message: {error}"))
    }
}
