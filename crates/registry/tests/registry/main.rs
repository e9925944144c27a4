//! The registry on both databases, from outside. Every test runs on SQLite and on PostgreSQL.

mod accounts;
mod accounts_duties;
mod accounts_keys;
mod accounts_sign_in;
mod audit;
mod jobs;
mod letters;
mod notices;
mod objects;
mod onboarding;
mod operator;
mod organisations;
mod prefixes;
mod prefixes_life;
mod prefixes_transfer;
mod statistics;
mod templates;

use hufu_registry::audit::ChainDigest;
use hufu_registry::{Caller, Database, Registry};
use hufu_testkit::Scratch;
use std::sync::atomic::{AtomicU64, Ordering};

/// 2026-01-05T02:00:00Z, a Monday.
pub const NOW: i64 = 1_767_578_400_000;

/// A registry on a fresh database, and the database.
pub struct Bench {
    pub registry: Registry,
    pub scratch: Scratch,
}

impl Bench {
    async fn on(scratch: Scratch) -> Self {
        let database = Database::connect(&scratch.url).await.expect("a database");
        let registry =
            Registry::open(database, random, ChainDigest::Sm3, NOW).await.expect("a schema").sealing([7; 32]);
        Bench { registry, scratch }
    }
}

/// Both kinds of databases, one after the other.
pub async fn benches() -> Vec<Bench> {
    let mut benches = Vec::new();
    for scratch in Scratch::both() {
        benches.push(Bench::on(scratch).await);
    }
    benches
}

/// The operator on the node's own machine, who may do everything.
pub fn operator() -> Caller {
    Caller::local(0, "test", NOW)
}

/// Different each time, the same in every run.
pub fn random(octets: &mut [u8]) {
    static STATE: AtomicU64 = AtomicU64::new(0x9E37_79B9_7F4A_7C15);
    for octet in octets {
        let mut z = STATE.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        *octet = (z ^ (z >> 27)).to_le_bytes()[5];
    }
}
