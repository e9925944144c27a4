//! The data plane: what a node answers, from its own records, from its cache, or by walking referrals.
//!
//! Nothing here writes to the store or opens a socket: upstream servers are asked through [`Upstream`], and time is
//! an argument.

#![forbid(unsafe_code)]

pub mod alias;
pub mod authority;
pub mod bootstrap;
pub mod cache;
mod flight;
pub mod foreign;
pub mod health;
pub mod recursor;
pub mod referral;
mod reply;
pub mod same;
pub mod select;
pub mod trace;
pub mod upstream;
mod walk;

pub use alias::{AliasFault, follow};
pub use authority::{Authority, StoreFault};
pub use bootstrap::Bootstrap;
pub use cache::{AnswerCache, Freshness};
pub use foreign::{Foreign, Told};
pub use recursor::{Ask, Recursor, RecursorLimits, Resolution, Resolved, is_private};
pub use referral::shown_to;
pub use same::{Code, Declared, known_codes};
pub use select::{Selected, select};
pub use trace::{CacheState, Hop, Trace};
pub use upstream::{Endpoint, Upstream, UpstreamFault};
