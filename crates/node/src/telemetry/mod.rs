//! What a node says about itself: metrics, the query log, and incidents with an id.

mod meter;
mod queries;

pub use meter::Meter;
pub use queries::QueryLog;

use std::fmt::Display;
use std::io::IsTerminal;

/// Logs a breakage in one line and gives the id that the asker is told.
pub fn incident(part: &'static str, fault: &dyn Display) -> String {
    let id = hex::encode(crate::random::octets::<6>());
    tracing::error!(incident = %id, part, %fault, "incident");
    id
}

/// Starts logging to standard error.
pub fn start_logging(log: &crate::config::LogConfig) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_new(&log.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match log.format {
        crate::config::LogFormat::Json => builder.json().try_init(),
        crate::config::LogFormat::Text => builder.try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}
