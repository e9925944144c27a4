//! Onboarding and review 企业接入·审核: from an application to what it asks for.
//!
//! ```text
//!                      ┌──────────── save ───────────┐
//!             save     ▼                             │
//!  draft ───┐      returned ◄────── return ──────────┤
//!    │      │          │                             │
//!    └──submit──► submitted ──claim──► in-review ────┴─ approve ─► approved
//!                      ▲                 │  │  │
//!                      └──── release ────┘  │  └─ reject ─► rejected
//!                                           └─ endorse (the first of two approvals) ─► submitted
//!  draft, submitted, in-review, returned ── withdraw ─► withdrawn
//! ```
//!
//! A draft may be incomplete; `submit` names everything that is missing at once ([`form`]) and runs the built-in
//! [`checkers`]. What they and others find is [`evidence`]: evidence that fails blocks the approval unless a reviewer
//! sets it aside with a reason. An approval is carried out in the act that decides it ([`carry_out`]).

pub mod application;
pub mod carry_out;
pub mod checkers;
pub mod content;
pub mod deadlines;
pub mod documents;
pub mod evidence;
pub mod form;
pub mod jobs;
pub mod review;
pub mod state;
pub mod submission;
pub mod uploads;

pub use application::{Application, ApplicationFilter, ApplicationKind, NewApplication};
pub use content::{Administrator, Content, PrefixWish};
pub use state::{Event, State};
