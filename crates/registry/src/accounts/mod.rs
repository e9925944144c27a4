//! Accounts: who may sign in or send a key, what for, and how they prove themselves.
//!
//! ```text
//!             accept                   lock
//! invited ─────────────► active ◄──────────────► locked
//!    │                      │         unlock        │
//!    └──────── disable ─────┴───────────────────────┘
//!                   ▼
//!               disabled ── enable ──► active, or invited where no password was set yet
//! ```
//! A person has a password, and a second factor where a role asks for one; a machine has API keys only. What an account
//! may do comes from its roles; where, from their reach. A login is locked for a while after failures ([`guard`]); that
//! is no state of the account, and nobody can tell by it whether there is such a login.
//!
//! | file | what |
//! |---|---|
//! | [`role`] | roles, and how the three duties (三员分立) are kept apart |
//! | [`account`] | accounts, their states and roles |
//! | [`credential`] | invitations, resets, passwords |
//! | [`second_factor`] | one-time passwords and recovery codes |
//! | [`sign_in`], [`guard`] | signing in, and what failures bring |
//! | [`session`], [`key`] | what a bearer shows, and [`identify`] makes of it |
//! | [`day_token`] | what stands for a key for a day, in the SNMS dialect |
//! | [`first`] | the first administrators of a node |

pub mod account;
pub mod credential;
pub mod day_token;
pub mod first;
pub mod guard;
pub mod identify;
pub mod key;
pub mod policy;
pub mod role;
pub mod second_factor;
mod secret;
pub mod session;
pub mod sign_in;
pub mod token;

pub use account::Account;
pub use credential::Invitation;
pub use policy::AccountPolicy;
pub use token::{Token, TokenKind};
