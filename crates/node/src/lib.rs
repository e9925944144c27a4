//! The composition root: configuration, parts and roles become running nodes.
//!
//! The only crate that knows roles, reads configuration, spawns tasks and takes the time.

#![forbid(unsafe_code)]

pub mod administration;
pub mod answering;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod courier;
pub mod demo;
mod dns;
pub mod first_start;
pub mod gateway;
pub mod handle;
pub mod http;
pub mod init;
pub mod keys;
pub mod node;
pub mod operator;
pub mod parsed;
pub mod provision;
mod publisher;
pub mod random;
pub mod roles;
pub mod serve;
pub mod telemetry;
pub mod upstream;
