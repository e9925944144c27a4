//! Opening sockets, and saying what to do when one cannot be opened.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

use crate::tcp::TcpServer;
use crate::udp::UdpServer;

/// Octets asked for as socket buffers of UDP; the kernel may give less (`net.core.rmem_max`).
const UDP_BUFFER: usize = 4 << 20;
/// Connections that may wait to be accepted; the kernel may allow fewer (`net.core.somaxconn`).
const BACKLOG: i32 = 1024;
/// How often a free port is looked for that all protocols and addresses can have.
const PORT_ATTEMPTS: usize = 16;

/// An address cannot be listened on.
#[derive(Debug, Error)]
#[error("cannot listen on {protocol} {address}: {source}{}", hint(source))]
pub struct BindError {
    pub address: SocketAddr,
    /// `udp` or `tcp`.
    pub protocol: &'static str,
    pub source: io::Error,
}

impl BindError {
    /// Whether another socket has the port.
    pub fn is_in_use(&self) -> bool {
        self.source.kind() == io::ErrorKind::AddrInUse
    }
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; stop the program that has the port, or set another port",
        io::ErrorKind::PermissionDenied => "; set a port from 1024 upward, or give the program CAP_NET_BIND_SERVICE",
        io::ErrorKind::AddrNotAvailable => "; set an address that this machine has",
        _ if is_unsupported(error) => "; this machine has no IPv6, set IPv4 addresses only",
        _ => "",
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EAFNOSUPPORT)
}

/// Opens UDP and TCP on the same addresses, as the Handle protocol wants it. Addresses with port 0 all
/// get the same free port. `workers` as in [`UdpServer::bind`].
pub fn bind_handle(addresses: &[SocketAddr], workers: usize) -> Result<(UdpServer, TcpServer), BindError> {
    until_port_is_free(addresses, || {
        let tcp = TcpServer::bind(addresses)?;
        let left_open = |local: &&SocketAddr| addresses.contains(&SocketAddr::new(local.ip(), 0));
        let port = tcp.local_addrs().iter().find(left_open).map_or(0, SocketAddr::port);
        let addresses: Vec<_> = addresses.iter().map(|address| or_port(*address, port)).collect();
        Ok((UdpServer::bind(&addresses, workers)?, tcp))
    })
}

/// Opens one socket for each address by `open`, which also tells the address it got. Addresses with port
/// 0 all get the same port. IPv6 on a machine that has none is left out if there are other addresses.
pub(crate) fn bind_all<S>(
    addresses: &[SocketAddr],
    open: impl Fn(SocketAddr) -> Result<(S, SocketAddr), BindError>,
) -> Result<Vec<(S, SocketAddr)>, BindError> {
    until_port_is_free(addresses, || {
        let mut bound = Vec::new();
        let mut port = 0;
        for address in addresses {
            match open(or_port(*address, port)) {
                Ok((socket, local)) => {
                    if address.port() == 0 {
                        port = local.port();
                    }
                    bound.push((socket, local));
                }
                Err(error) if is_unsupported(&error.source) && address.is_ipv6() && addresses.len() > 1 => {
                    tracing::warn!(%address, "no IPv6 on this machine, address left out");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(bound)
    })
}

/// The free port that one socket got may be taken for the next; then another is tried, unless a port was
/// asked for.
pub(crate) fn until_port_is_free<T>(
    addresses: &[SocketAddr],
    bind: impl Fn() -> Result<T, BindError>,
) -> Result<T, BindError> {
    for _ in 1..PORT_ATTEMPTS {
        match bind() {
            Err(error) if error.is_in_use() && addresses.iter().any(|address| address.port() == 0) => {}
            done => return done,
        }
    }
    bind()
}

/// The address, with `port` if it left its own open.
fn or_port(mut address: SocketAddr, port: u16) -> SocketAddr {
    if address.port() == 0 {
        address.set_port(port);
    }
    address
}

/// Opens a TCP listener.
pub(crate) fn tcp(address: SocketAddr) -> Result<(TcpListener, SocketAddr), BindError> {
    let open = || -> io::Result<_> {
        let socket = socket(address, Type::STREAM, Protocol::TCP)?;
        // Lets a restarted server have its port back while old connections linger.
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from(socket);
        let local = listener.local_addr()?;
        Ok((listener, local))
    };
    open().map_err(|source| BindError { address, protocol: "tcp", source })
}

/// Opens `count` UDP sockets on one address, among which the kernel spreads the clients.
pub(crate) fn udp(address: SocketAddr, count: usize) -> Result<(Vec<UdpSocket>, SocketAddr), BindError> {
    let open_all = || -> io::Result<_> {
        // Sockets that share a port would also share it with another server of this user, started by
        // mistake. So the port is first had alone.
        let alone = udp_socket(address, false)?;
        let local = alone.local_addr()?;
        if count <= 1 {
            return Ok((vec![alone], local));
        }
        drop(alone);
        let sockets = (0..count).map(|_| udp_socket(local, true)).collect::<io::Result<_>>()?;
        Ok((sockets, local))
    };
    open_all().map_err(|source| BindError { address, protocol: "udp", source })
}

/// Opens one UDP socket; `shared` if others are to have the same port.
pub(crate) fn udp_socket(address: SocketAddr, shared: bool) -> io::Result<UdpSocket> {
    let socket = socket(address, Type::DGRAM, Protocol::UDP)?;
    socket.set_reuse_port(shared)?;
    // Larger buffers ride out bursts; without them the server still works.
    let _ = socket.set_recv_buffer_size(UDP_BUFFER);
    let _ = socket.set_send_buffer_size(UDP_BUFFER);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn socket(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(text: &str) -> Vec<SocketAddr> {
        text.split(' ').map(|address| address.parse().unwrap()).collect()
    }

    #[test]
    fn gives_one_port_to_all_when_left_open() {
        let (udp, tcp) = bind_handle(&any("127.0.0.1:0 [::1]:0"), 2).unwrap();
        let port = tcp.local_addrs()[0].port();
        assert_ne!(port, 0);
        for address in tcp.local_addrs().iter().chain(udp.local_addrs()) {
            assert_eq!(address.port(), port);
        }
        assert_eq!((udp.local_addrs().len(), tcp.local_addrs().len()), (2, 2));
    }

    #[test]
    fn says_what_to_do_when_the_port_is_taken() {
        let first = UdpServer::bind(&any("127.0.0.1:0"), 2).unwrap();
        let error = UdpServer::bind(first.local_addrs(), 2).unwrap_err();
        assert!(error.is_in_use());
        let text = error.to_string();
        assert!(text.contains(&first.local_addrs()[0].to_string()), "{text}");
        assert!(text.contains("set another port"), "{text}");

        let first = TcpServer::bind(&any("127.0.0.1:0")).unwrap();
        assert!(TcpServer::bind(first.local_addrs()).unwrap_err().is_in_use());
    }

    #[test]
    fn says_what_to_do_when_the_address_is_elsewhere() {
        let error = TcpServer::bind(&any("192.0.2.1:0")).unwrap_err();
        assert!(error.to_string().contains("set an address that this machine has"), "{error}");
    }
}
