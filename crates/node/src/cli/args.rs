//! Arguments of the commands that run nodes; those of a client command stand with it.

use clap::{Args, ValueEnum};
use std::net::IpAddr;
use std::path::PathBuf;

/// Arguments of `hufu serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// The configuration of the node
    #[arg(long, value_name = "FILE", env = "HUFU_CONFIG")]
    pub config: PathBuf,
}

/// Arguments of `hufu init`.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// What the node is: root, top-level, secondary, enterprise or recursive
    pub role: String,
    /// The prefix that it serves
    #[arg(long)]
    pub prefix: Option<String>,
    /// Where the configuration, keys and secrets are written
    #[arg(long, default_value = ".")]
    pub dir: PathBuf,
    /// The name of its operator, for people
    #[arg(long)]
    pub name: Option<String>,
    /// The nodes above it: root servers, or the first hop of a recursive node (may be repeated)
    #[arg(long, visible_alias = "parent", value_name = "ADDR")]
    pub upstream: Vec<String>,
    /// An address that others reach it by (may be repeated)
    #[arg(long, value_name = "IP")]
    pub advertise: Vec<IpAddr>,
    /// Overwrite what is there
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `hufu check-config`.
#[derive(Debug, Clone, Args)]
pub struct CheckConfigArgs {
    /// The configuration to check
    #[arg(value_name = "FILE", required_unless_present = "config")]
    pub file: Option<PathBuf>,
    /// The same, as `hufu serve` takes it
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub config: Option<PathBuf>,
}

/// Arguments of `hufu demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Where the demo keeps its data between starts
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Write nodes, endpoints, secrets and samples here (JSON) when everything is ready
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Fixed ports are easy to remember; free ones let several demos run at once
    #[arg(long, value_enum, default_value_t = PortsChoice::Fixed)]
    pub ports: PortsChoice,
    /// Resolve every sample over UDP, TCP and HTTP, print a table, and end
    #[arg(long)]
    pub check: bool,
    /// End as soon as everything is ready
    #[arg(long)]
    pub once: bool,
}

/// Which ports the demo takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PortsChoice {
    /// The same at every start
    Fixed,
    /// Free ones
    Auto,
}
