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
//! request: waiting ─answered five times without a decision─► stuck (retried rarely, others go on); retry ─► waiting
//!          waiting, stuck, refused ─drop─► dropped;  done, and lost above (deleted, transferred) ─► ended
//!
//! registration (top-level):  enabled ⇄ disabled, either ─delete─► deleted ─create─► enabled
//! ```
//! Requests about one prefix, or one below the other, leave in the order of the acts. A command is answered from memory
//! when it comes again, a refused one too: whoever wants it tried anew sends it under another id. Messages are read in
//! order; reading removes nothing, and the act that applies one remembers its id.

mod answer;
mod catch_up;
mod client;
mod code;
mod command;
mod connection;
mod door;
mod message;
mod received;
mod registration;
mod request;
mod send;

pub use answer::CommandRefusal;
pub use client::{NewOperatorClient, OperatorClient, OperatorClientFilter, OperatorClientState, operator_caller};
pub use code::{CODE_DONE, CODE_FAILED, CODE_PENDING, ResultCode, code_of_error};
pub use command::{Command, CommandAnswer, check_transaction};
pub use connection::{Contact, OperatorAbove, OperatorConnection};
pub use door::Disbelieved;
pub use message::{Message, MessageKind, Queue};
pub use received::{ReceivedMessage, ReceivedMessageFilter};
pub use registration::{Registration, RegistrationFilter, RegistrationState};
pub use request::{OperatorRequest, OperatorRequestFilter, OwnPrefixRequest, RequestState};
pub use send::Outgoing;
