//! `hufu serve`: one node from its configuration, until SIGTERM or SIGINT; SIGHUP reloads.

use crate::cli::{CliError, Screen, ServeArgs};
use crate::config::Config;
use crate::node::RunningNode;
use crate::telemetry;
use std::path::Path;
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Runs the node; the error is for the person who started it.
pub async fn serve(path: &Path) -> Result<(), String> {
    let config = Config::load(path).map_err(|error| error.to_string())?;
    telemetry::start_logging(&config.log);
    // Before the node is ready: whoever sees it ready may stop it.
    let signals = Signals::listen().map_err(|error| error.to_string())?;
    let node = RunningNode::start(config).await.map_err(|error| error.to_string())?;
    tracing::info!(
        role = node.role().name(),
        name = node.name(),
        udp = ?node.endpoints.udp,
        tcp = ?node.endpoints.tcp,
        http = ?node.endpoints.http,
        admin = ?node.endpoints.admin,
        "node answers"
    );
    until_told_to_stop(&node, path, signals).await;
    tracing::info!("stopping; requests in flight may end");
    node.stop().await;
    Ok(())
}

/// The signals that a process with nodes listens to.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    pub fn listen() -> std::io::Result<Self> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

impl Signals {
    /// Returns at the first SIGTERM or SIGINT.
    pub async fn to_stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

async fn until_told_to_stop(node: &RunningNode, path: &Path, mut signals: Signals) {
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => return,
            _ = signals.interrupt.recv() => return,
            _ = signals.hangup.recv() => reload_node(node, path),
        }
    }
}

fn reload_node(node: &RunningNode, path: &Path) {
    let outcome = Config::load(path)
        .map_err(|error| error.to_string())
        .and_then(|config| node.reload(&config).map_err(|error| error.to_string()));
    match outcome {
        Ok(()) => tracing::info!("certificates and starting points reloaded"),
        Err(error) => tracing::error!(%error, "reload failed; everything stays as it was"),
    }
}

/// The command: runs until it is told to stop.
pub fn run(args: ServeArgs, _screen: &Screen) -> Result<ExitCode, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::incident(format!("cannot start: {error}")))?;
    runtime.block_on(serve(&args.config)).map_err(CliError::usage)?;
    Ok(ExitCode::SUCCESS)
}
