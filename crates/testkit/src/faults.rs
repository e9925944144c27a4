//! A forwarder with faults: it stands before a node on UDP and TCP, and delays, loses or cuts.

use crate::{ports, runtime};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinHandle;

/// Forwards to a node. Dropping it closes its sockets.
pub struct FaultProxy {
    pub address: SocketAddr,
    faults: Arc<Faults>,
    tasks: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Faults {
    /// Milliseconds before anything is passed on, in each direction.
    delay: AtomicU64,
    /// One packet of so many is lost; 0 loses none.
    loss: AtomicU32,
    packets: AtomicU32,
    /// Nothing gets through.
    cut: AtomicBool,
}

impl Faults {
    fn loses(&self) -> bool {
        let loss = self.loss.load(Ordering::Relaxed);
        let nth = self.packets.fetch_add(1, Ordering::Relaxed);
        self.cut.load(Ordering::Relaxed) || (loss > 0 && nth.is_multiple_of(loss))
    }

    async fn wait(&self) {
        tokio::time::sleep(Duration::from_millis(self.delay.load(Ordering::Relaxed))).await;
    }
}

impl FaultProxy {
    /// Listens on a free port and forwards to `node` without faults.
    pub fn before(node: SocketAddr) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()));
        let faults = Arc::new(Faults::default());
        let (tcp, udp) = crate::block_on(async {
            let tcp = TcpListener::bind(address).await.expect("a TCP port");
            (tcp, UdpSocket::bind(address).await.expect("a UDP port"))
        });
        let tasks = vec![
            runtime().spawn(forward_connections(tcp, node, faults.clone())),
            runtime().spawn(forward_packets(Arc::new(udp), node, faults.clone())),
        ];
        FaultProxy { address, faults, tasks }
    }

    pub fn delay(&self, delay: Duration) {
        self.faults.delay.store(delay.as_millis() as u64, Ordering::Relaxed);
    }

    /// Loses the first and then every `nth` UDP packet.
    pub fn lose_every(&self, nth: u32) {
        self.faults.packets.store(0, Ordering::Relaxed);
        self.faults.loss.store(nth, Ordering::Relaxed);
    }

    /// Lets nothing through, silently, until it is mended.
    pub fn cut(&self, cut: bool) {
        self.faults.cut.store(cut, Ordering::Relaxed);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn forward_connections(listener: TcpListener, node: SocketAddr, faults: Arc<Faults>) {
    while let Ok((client, _)) = listener.accept().await {
        let faults = faults.clone();
        tokio::spawn(async move {
            let Ok(server) = TcpStream::connect(node).await else { return };
            let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
            tokio::join!(pass(from_client, to_server, &faults), pass(from_server, to_client, &faults));
        });
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, faults: &Faults) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        faults.wait().await;
        let silent = faults.cut.load(Ordering::Relaxed);
        if !silent && to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

/// Each client gets a socket of its own towards the node, so that answers find the way back.
async fn forward_packets(socket: Arc<UdpSocket>, node: SocketAddr, faults: Arc<Faults>) {
    let mut clients: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut buffer = vec![0; 64 << 10];
    while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
        let onward = match clients.get(&client) {
            Some(onward) => onward.clone(),
            None => {
                let onward = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a UDP port"));
                onward.connect(node).await.expect("a UDP address");
                tokio::spawn(answers(onward.clone(), socket.clone(), client, faults.clone()));
                clients.insert(client, onward.clone());
                onward
            }
        };
        if !faults.loses() {
            let (packet, faults) = (buffer[..length].to_vec(), faults.clone());
            tokio::spawn(async move {
                faults.wait().await;
                let _ = onward.send(&packet).await;
            });
        }
    }
}

async fn answers(onward: Arc<UdpSocket>, socket: Arc<UdpSocket>, client: SocketAddr, faults: Arc<Faults>) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        // "Connection refused" while the node is down: nothing to pass on.
        let Ok(length) = onward.recv(&mut buffer).await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        faults.wait().await;
        if !faults.cut.load(Ordering::Relaxed) {
            let _ = socket.send_to(&buffer[..length], client).await;
        }
    }
}
