//! For integration tests: hierarchies of real node processes, raw frames over sockets, HTTP with the tests' own
//! trust, faults on the way, scratch databases, and the recorded vectors.
//!
//! Everything panics where something is not as a test needs it, with what it saw.

#![forbid(unsafe_code)]

#[cfg(feature = "nodes")]
pub mod country;
pub mod databases;
#[cfg(feature = "nodes")]
pub mod faults;
#[cfg(feature = "nodes")]
pub mod keys;
#[cfg(feature = "nodes")]
pub mod node;
#[cfg(feature = "nodes")]
pub mod ports;
#[cfg(feature = "nodes")]
pub mod recordings;
#[cfg(feature = "nodes")]
pub mod shell;
#[cfg(feature = "nodes")]
pub mod talk;
#[cfg(feature = "nodes")]
pub mod web;

pub use databases::Scratch;

#[cfg(feature = "nodes")]
pub use country::{Country, Plan};
#[cfg(feature = "nodes")]
pub use faults::FaultProxy;
#[cfg(feature = "nodes")]
pub use node::NodeProcess;
#[cfg(feature = "nodes")]
pub use shell::Outcome;
#[cfg(feature = "nodes")]
pub use talk::Talk;
#[cfg(feature = "nodes")]
pub use web::Web;

use std::future::Future;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// The runtime of everything asynchronous in a test process.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        built.expect("a runtime")
    })
}

/// Waits for asynchronous work in a test that is none itself.
pub fn block_on<F: Future>(work: F) -> F::Output {
    runtime().block_on(work)
}

/// Waits until `done`, asking every 20 ms; panics after `limit`.
pub fn eventually(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
