//! The data plane against a small country in memory: nodes that answer decoded messages, on a clock that is turned
//! by hand.

mod alias;
mod authority;
mod country;
mod health;
mod joined;
mod lifetime;
mod network;
mod permission;
mod referral;
mod service;
mod suspicion;
mod tagged;
mod traced;
mod walk;
