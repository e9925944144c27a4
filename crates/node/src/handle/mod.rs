//! The Handle protocol's server side: frames in, frames out.
//!
//! [`service`] answers simple resolutions at once; everything else goes through [`dispatch`], which translates
//! messages to look-ups and operations and back.

mod challenge;
mod dispatch;
mod login;
mod reply;
mod service;
mod session;

pub use service::{HandleService, Identity};
