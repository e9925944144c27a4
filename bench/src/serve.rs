//! The servers measured, each in a process of its own: the floor, an authority, a recursive node.

use crate::sample;
use axum::Router;
use axum::http::header;
use clap::Subcommand;
use hufu_net::{Context, HttpServer, Limits, Outcome, Peer, RateLimits, Replies, Service, Shutdown};
use hufu_node::config::{Config, Octets, UpstreamConfig};
use hufu_node::node::RunningNode;
use hufu_node::roles::Role;
use std::future::Future;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// Threads of the shared runtime: as many as remain when UDP has its own on a small machine.
const RUNTIME_THREADS: usize = 2;
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A server to be; started by the load, not by people.
#[derive(Debug, Subcommand)]
pub enum Server {
    /// Answers everything with the same 500 octets.
    #[command(hide = true)]
    ServeEcho {
        #[arg(long, default_value_t = 1)]
        udp_workers: usize,
    },
    /// An enterprise node with a store of its own.
    #[command(hide = true)]
    ServeAuthority {
        #[arg(long)]
        records: u32,
        /// MiB for whole records; 0 sends every read to the store.
        #[arg(long)]
        record_cache: u64,
        #[arg(long, default_value_t = 1)]
        udp_workers: usize,
    },
    /// No server: writes the store of an authority and ends, so that no memory of that is counted as the server's.
    #[command(hide = true)]
    WriteStore {
        #[arg(long)]
        records: u32,
        path: PathBuf,
    },
    /// A recursive node.
    #[command(hide = true)]
    ServeRecursive {
        /// Where the prefix of all names is served.
        #[arg(long)]
        upstream: SocketAddr,
        #[arg(long, default_value_t = 1)]
        udp_workers: usize,
    },
}

/// Where a server listens; said to the parent in one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listening {
    pub udp: SocketAddr,
    pub tcp: SocketAddr,
    pub http: SocketAddr,
}

impl Listening {
    fn first(udp: &[SocketAddr], tcp: &[SocketAddr], http: &[SocketAddr]) -> Result<Self, String> {
        let first = |addresses: &[SocketAddr]| addresses.first().copied().ok_or("the server listens nowhere");
        Ok(Listening { udp: first(udp)?, tcp: first(tcp)?, http: first(http)? })
    }

    pub fn read(line: &str) -> Option<Self> {
        let mut words = line.trim().strip_prefix("ready ")?.split(' ');
        let mut next = || words.next()?.parse().ok();
        Some(Listening { udp: next()?, tcp: next()?, http: next()? })
    }

    fn say(&self) {
        println!("ready {} {} {}", self.udp, self.tcp, self.http);
    }
}

/// Serves until standard input ends, which is when the parent does.
pub fn serve(server: &Server) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(RUNTIME_THREADS).enable_all().build();
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    runtime.map_err(|error| error.to_string())?.block_on(async {
        match server {
            Server::WriteStore { records, path } => sample::write_store(path, *records),
            Server::ServeEcho { udp_workers } => echo(*udp_workers).await,
            Server::ServeAuthority { records, record_cache, udp_workers } => {
                let directory = scratch.path();
                write_store_apart(&directory.join("records"), *records)?;
                let mut config = config(Role::Enterprise, directory, *udp_workers)?;
                config.prefixes = vec![sample::PREFIX.into()];
                // One octet holds no record.
                config.store.record_cache = Octets((record_cache << 20).max(1));
                node(config).await
            }
            Server::ServeRecursive { upstream, udp_workers } => {
                let mut config = config(Role::Recursive, scratch.path(), *udp_workers)?;
                config.resolution.recursion = true;
                config.resolution.upstream =
                    vec![UpstreamConfig { prefix: sample::PREFIX.into(), servers: vec![*upstream] }];
                node(config).await
            }
        }
    })
}

fn write_store_apart(path: &Path, records: u32) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.arg("write-store").args(["--records", &records.to_string()]).arg(path).stdin(Stdio::null());
    let status = command.status().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("the store was not written: {status}")) }
}

/// Everything as people get it by default, on free ports of this machine.
fn config(role: Role, directory: &Path, udp_workers: usize) -> Result<Config, String> {
    let mut config = Config::new(role, "bench", directory.to_owned());
    config.handle.listen = vec![LOCAL];
    (config.handle.udp_port, config.handle.tcp_port) = (0, 0);
    config.handle.udp_workers = udp_workers;
    config.handle.key_file = directory.join("server-key.pem");
    config.http.listen = vec![LOCAL];
    config.http.port = 0;
    config.admin.enabled = false;
    hufu_node::keys::load_or_make(&config.handle.key_file).map_err(|error| error.to_string())?;
    Ok(config)
}

async fn node(config: Config) -> Result<(), String> {
    let node = RunningNode::start(config).await.map_err(|error| error.to_string())?;
    let endpoints = &node.endpoints;
    Listening::first(&endpoints.udp, &endpoints.tcp, &endpoints.http)?.say();
    until_told_to_stop().await;
    node.stop().await;
    Ok(())
}

/// The floor: the sockets of a node with nothing behind them.
async fn echo(udp_workers: usize) -> Result<(), String> {
    let any = [SocketAddr::new(LOCAL, 0)];
    let (udp, tcp) = hufu_net::bind_handle(&any, udp_workers).map_err(|error| error.to_string())?;
    let http = HttpServer::bind(&any).map_err(|error| error.to_string())?;
    let listening = Listening::first(udp.local_addrs(), tcp.local_addrs(), http.local_addrs())?;
    let context = Context::new(Limits::default(), RateLimits::default(), Shutdown::new(Duration::ZERO));
    let service = Arc::new(Echo { answer: sample::floor_answer() });
    tokio::spawn(udp.run(service.clone(), context.clone()));
    tokio::spawn(tcp.run(service, context.clone()));
    tokio::spawn(http.run(same_page(), None, context.clone()));
    listening.say();
    until_told_to_stop().await;
    context.shutdown.trigger();
    Ok(())
}

/// 500 octets of JSON for every path.
fn same_page() -> Router {
    let head = r#"{"responseCode":1,"handle":"88.118.8/SN2021-000000000","values":["#;
    let filler = sample::ANSWER_OCTETS - head.len() - 4;
    let body: &'static str = Box::leak(format!("{head}\"{}\"]}}", "x".repeat(filler)).into_boxed_str());
    Router::new().fallback(move || async move { ([(header::CONTENT_TYPE, "application/json")], body) })
}

async fn until_told_to_stop() {
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    tokio::select! {
        _ = end => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Answers every request at once with the same octets.
struct Echo {
    answer: Vec<u8>,
}

impl Service for Echo {
    fn answer(&self, frame: &[u8], _peer: &Peer, out: &mut Vec<u8>) -> Outcome {
        if frame.get(24..28) != Some(&[0; 4]) {
            return Outcome::Drop;
        }
        out.extend_from_slice(&self.answer);
        out[8..12].copy_from_slice(&frame[8..12]);
        Outcome::Answered
    }

    fn answer_later(
        self: Arc<Self>,
        _frame: Vec<u8>,
        _peer: Peer,
        _replies: Replies,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_reads_back() {
        let line = "ready 127.0.0.1:1 127.0.0.1:2 127.0.0.1:3\n";
        let listening = Listening::read(line).unwrap();
        assert_eq!([listening.udp, listening.tcp, listening.http].map(|address| address.port()), [1, 2, 3]);
        assert!(Listening::read("").is_none());
    }
}
