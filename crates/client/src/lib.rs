//! The Rust SDK of Hufu: ask a node of the Handle protocol, and administer what it holds.
//!
//! * [`Client`]: one server. Resolve, create, add, modify, remove, delete, list; challenges are answered with an
//!   [`Identity`]. [`Client::login`] opens a connection for many changes in a row.
//! * [`Exchange`]: frames to any server by UDP, TCP or HTTP, with shared connections; what a recursive node asks with.
//! * [`Web`]: plain HTTP(S) for gateways to other networks and for checks of their servers.
//! * [`locate`]: where a prefix is administered.
//!
//! Every operation has a deadline and every queue a bound. All failures are one [`Error`].

#![forbid(unsafe_code)]

mod answers;
mod client;
mod endpoint;
mod error;
mod exchange;
mod identity;
mod keyfile;
mod lease;
mod listing;
mod local;
mod locate;
mod login;
mod operation;
mod pool;
mod reply;
mod tunnel;
mod web;

pub use client::{Client, DEFAULT_DEADLINE, Resolved, Written};
pub use endpoint::Endpoint;
pub use error::{Error, ErrorKind};
pub use exchange::Exchange;
pub use identity::{Identity, Proof};
pub use listing::Listing;
pub use local::ask_local;
pub use locate::locate;
pub use login::LoggedIn;
pub use operation::{Operation, ResolveOptions};
pub use web::{Trust, Web, WebAnswer, WebRequest};
