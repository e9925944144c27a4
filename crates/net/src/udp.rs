//! The UDP server: batches of packets in, batches of packets out (RFC 3652 §2.3).

mod desk;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::UdpSocket;
use tokio::runtime::{self, Handle};
use tokio::task::JoinSet;

use self::desk::{Desk, Station};
use crate::bind::{self, BindError};
use crate::context::Context;
use crate::reassembly::Reassembly;
use crate::service::Service;

/// UDP sockets bound and not yet served.
#[derive(Debug)]
pub struct UdpServer {
    /// For each worker, its sockets.
    workers: Vec<Vec<std::net::UdpSocket>>,
    threads: bool,
    local: Vec<SocketAddr>,
}

impl UdpServer {
    /// Binds all addresses. With `workers` = 0 they are served by tasks of the runtime that calls
    /// [`UdpServer::run`]; otherwise by that many threads of their own, among which the kernel spreads
    /// the clients. Addresses with port 0 get the same free port.
    pub fn bind(addresses: &[SocketAddr], workers: usize) -> Result<UdpServer, BindError> {
        let count = workers.max(1);
        let bound = bind::bind_all(addresses, |address| bind::udp(address, count))?;
        let local = bound.iter().map(|(_, local)| *local).collect();
        let mut by_worker: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
        for (sockets, _) in bound {
            by_worker.iter_mut().zip(sockets).for_each(|(worker, socket)| worker.push(socket));
        }
        Ok(UdpServer { workers: by_worker, threads: workers > 0, local })
    }

    /// The addresses listened on, one for each address bound, with their real ports.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.local
    }

    /// Serves until the shutdown and the end of slow requests in flight. Slow requests run on the runtime
    /// that calls this. Errors: the operating system refuses a thread or to watch a socket.
    pub async fn run(self, service: Arc<dyn Service>, context: Arc<Context>) -> io::Result<()> {
        let station = Station {
            service,
            reassembly: Arc::new(Mutex::new(Reassembly::new(context.limits.clone()))),
            runtime: Handle::current(),
            context,
        };
        if !self.threads {
            let sockets = self.workers.into_iter().flatten().collect();
            return serve_all(sockets, station).await;
        }
        let mut threads = JoinSet::new();
        for (number, sockets) in self.workers.into_iter().enumerate() {
            let (report, ended) = tokio::sync::oneshot::channel();
            let station = station.clone();
            let work = move || {
                let runtime = runtime::Builder::new_current_thread().enable_all().build();
                let _ = report.send(runtime.and_then(|runtime| runtime.block_on(serve_all(sockets, station))));
            };
            std::thread::Builder::new().name(format!("udp-{number}")).spawn(work)?;
            threads.spawn(async move { ended.await.map_err(io::Error::other)? });
        }
        while let Some(ended) = threads.join_next().await {
            ended.map_err(io::Error::other)??;
        }
        Ok(())
    }
}

async fn serve_all(sockets: Vec<std::net::UdpSocket>, station: Station) -> io::Result<()> {
    let mut loops = JoinSet::new();
    for socket in sockets {
        let socket = Arc::new(UdpSocket::from_std(socket)?);
        loops.spawn(Desk::new(socket, station.clone()).serve());
    }
    while let Some(ended) = loops.join_next().await {
        ended.map_err(io::Error::other)?;
    }
    Ok(())
}
