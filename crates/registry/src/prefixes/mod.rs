//! Prefixes: given out, recorded, renewed, held, suspended, transferred, ended. The same for every identifier system.
//!
//! ```text
//!             ┌────────── withdraw ───────────┐
//!   apply ► pending ─review► in-review        │            one row per name, for ever; a deleted or rejected name
//!             │  └─────┬────────┘ └─ reject ► rejected     may be applied for again, a retired one never
//!             └approve─┤
//!                      ▼          suspend
//!   allocate ───► enabled ◄──────────────────► suspended
//!                  │   ▲           resume          │
//!     delete in the│   │ restore                   │
//!     first days,  │   │       delete              │
//!     no objects   │   redemption ◄────────────────┘
//!                  │       │ 30 days
//!                  │       ▼
//!                  │   pending-delete
//!                  │       │ 5 days
//!                  ▼       ▼
//!               deleted ◄──┴──► retired (there were identifiers below it)
//! ```
//! Renewal, amendment, flags and transfer do not change the state; flags may forbid them ([`Flag`]). What the data
//! plane shall say follows from the row as a whole, and is published with every change that changes it.

mod allocate;
mod delegation;
mod flag;
mod hosting;
mod life;
mod lookup;
mod name;
mod own;
mod plan;
mod prefix;
pub mod quota;
mod reservation;
mod rules;
mod state;
mod telling;
mod tick;
mod transfer;

pub(crate) use delegation::check as check_delegation;
pub(crate) use own::{add_own_prefix, giver, remove_own_prefix};
pub(crate) use prefix::find as find_row;
pub(crate) use rules::read as read_rules;

pub use allocate::{Availability, Wish};
pub use flag::{Action, Flag, Flags, Setter};
pub use hosting::Move;
pub use life::{Decision, FlagChange, PrefixChange, PrefixFilter, Renewal, canonical};
pub use lookup::{PublicOrganisation, PublicPrefix};
pub use own::OwnPrefix;
pub use plan::NumberPlan;
pub use prefix::{DelegationData, Moving, Prefix, PrefixOrigin};
pub use quota::{Quota, QuotaChange, QuotaKind};
pub use reservation::{NewReservation, Reservation, ReservationFilter, ReservationKind};
pub use rules::PrefixRules;
pub use state::{Event, State};
pub use tick::Ticked;
pub use transfer::{
    RejectReason, Transfer, TransferAnswer, TransferCode, TransferFilter, TransferKind, TransferRequest, TransferState,
};
