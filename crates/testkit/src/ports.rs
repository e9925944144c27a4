//! Free ports on both loopbacks, chosen before the process that takes them is started.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Mutex;

/// Below the range from which the kernel takes ports for outgoing connections.
const RANGE: std::ops::Range<u16> = 16_000..32_000;

/// Ports given out by this process, never twice.
static GIVEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());

/// A port that is free for TCP and UDP on 127.0.0.1 and, where there is one, on `::1`.
pub fn free() -> u16 {
    let mut given = GIVEN.lock().expect("the list of ports");
    for _ in 0..10_000 {
        let port = RANGE.start + rand::random::<u16>() % (RANGE.end - RANGE.start);
        if !given.contains(&port) && is_free(port) {
            given.push(port);
            return port;
        }
    }
    panic!("no port is free between {} and {}", RANGE.start, RANGE.end);
}

/// Whether this machine has the IPv6 loopback.
pub fn has_ipv6() -> bool {
    UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

fn is_free(port: u16) -> bool {
    let mut addresses = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))];
    if has_ipv6() {
        addresses.push(SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
    }
    addresses.iter().all(|address| TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok())
}
