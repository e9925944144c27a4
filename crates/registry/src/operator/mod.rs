//! The interface to the registry operator 标识注册管理机构: how a secondary node obtains its prefix and tells what it has
//! given out below, and the other end of it in the top-level role. Our profile: EPP semantics, no transport here.
//!
//! ```text
//! secondary                                       top-level
//!   an act ─► request: waiting ──send──► command ─► an act, with the client transaction id as Idempotency-Key
//!                │  ▲  └─ unreachable: later, the same id
//!                │  └──── retry ────────┐
//!                ├─ 1000 ─► done        │
//!                ├─ 2xxx ─► refused ────┘◄─────────┐
//!                └─ 1001 ─► pending ── message: approved ─► done, rejected ─► refused
//!
//! registration (top-level):  enabled ⇄ disabled, either ─delete─► deleted ─create─► enabled
//! ```
//! Requests leave in the order of the acts. A command that was carried out is answered from memory when it comes again;
//! one that was refused has changed nothing and is tried anew. Messages are read in order; reading removes nothing, and
//! the act that applies one remembers its id.

mod client;
mod code;
mod command;
mod message;
mod registration;
mod request;

pub use client::{NewOperatorClient, OperatorClient, OperatorClientFilter, OperatorClientState, operator_caller};
pub use code::{CODE_DONE, CODE_FAILED, CODE_PENDING, ResultCode, code_of_error};
pub use command::{Command, CommandAnswer, check_transaction};
pub use message::{Message, MessageKind, Queue};
pub use registration::{Registration, RegistrationState};
pub use request::{OperatorRequest, OperatorRequestFilter, OwnPrefixRequest, RequestState};
