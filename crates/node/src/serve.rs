//! `hufu serve`: one node from its configuration, until SIGTERM or SIGINT; SIGHUP reloads.

use crate::cli::{CliError, Screen, ServeArgs};
use crate::config::Config;
use crate::node::RunningNode;
use crate::telemetry;
use std::path::Path;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Runs the node; the error is for the person who started it.
pub async fn serve(path: &Path) -> Result<(), String> {
    let config = Config::load(path).map_err(|error| error.to_string())?;
    telemetry::start_logging(&config.log);
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
    until_told_to_stop(&node, path).await.map_err(|error| error.to_string())?;
    tracing::info!("stopping; requests in flight may end");
    node.stop().await;
    Ok(())
}

async fn until_told_to_stop(node: &RunningNode, path: &Path) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut reload = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = reload.recv() => reload_node(node, path),
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
