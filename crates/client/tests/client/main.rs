//! The client against servers that play a script.

mod administration;
mod exchange;
mod fake;
mod identity;
mod locate;
mod login;
mod recorded;
mod tunnel;
