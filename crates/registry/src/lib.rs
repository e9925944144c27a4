//! The control plane: who may have which prefix, and who decided so.

#![forbid(unsafe_code)]

pub mod calendar;
pub mod checks;
pub mod industry;
pub mod names;
pub mod password;
pub mod totp;
