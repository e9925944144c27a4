//! For integration tests: hierarchies of real node processes, raw frames over sockets, HTTP with the tests' own
//! trust, faults on the way, and the recorded vectors.
//!
//! Everything panics where something is not as a test needs it, with what it saw.

#![forbid(unsafe_code)]

pub mod country;
pub mod faults;
pub mod keys;
pub mod node;
pub mod ports;
pub mod recordings;
pub mod shell;
pub mod talk;
pub mod web;

pub use country::{Country, Plan};
pub use faults::FaultProxy;
pub use node::NodeProcess;
pub use shell::Outcome;
pub use talk::Talk;
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
