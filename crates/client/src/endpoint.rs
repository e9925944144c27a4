//! One way to reach a server: address, protocol and, for HTTP, a path.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use hufu_ident::systems::handle::Protocol;

use crate::error::{Error, ErrorKind};

/// Port of the Handle protocol (RFC 3652 §2).
const HANDLE_PORT: u16 = 2641;
/// Port of the HTTP interface, by custom.
const HTTP_PORT: u16 = 8000;

/// Where and how to ask. Written as `tcp://192.0.2.1:2641`, `udp://…`, `http://192.0.2.1:8000/path`, `https://…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    pub address: SocketAddr,
    pub protocol: Protocol,
    /// Path of the HTTP tunnel, with its leading slash; `/` for the other protocols.
    pub path: String,
}

impl Endpoint {
    pub fn new(protocol: Protocol, address: SocketAddr) -> Self {
        Endpoint { address, protocol, path: "/".into() }
    }

    pub fn udp(address: SocketAddr) -> Self {
        Endpoint::new(Protocol::Udp, address)
    }

    pub fn tcp(address: SocketAddr) -> Self {
        Endpoint::new(Protocol::Tcp, address)
    }

    /// Reads the written form, in which a host name may stand for the address: then the DNS is asked, and its
    /// first address taken. Without scheme TCP is meant; without port 2641, for HTTP 8000.
    pub async fn lookup(text: &str) -> Result<Self, Error> {
        let (protocol, authority, path) = parts(text)?;
        let (host, port) = host_and_port(authority, protocol)?;
        let unknown = |why: &dyn fmt::Display| {
            Error::new(ErrorKind::Unreachable, format!("no address is known for {host}: {why}"))
        };
        let mut found = tokio::net::lookup_host((host, port)).await.map_err(|error| unknown(&error))?;
        let address = found.next().ok_or_else(|| unknown(&"the answer is empty"))?;
        Ok(Endpoint { address, protocol, path: path.into() })
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    /// Reads the written form with a numeric address; see [`Endpoint::lookup`] for host names.
    fn from_str(text: &str) -> Result<Self, Error> {
        let (protocol, authority, path) = parts(text)?;
        let (host, port) = host_and_port(authority, protocol)?;
        let ip = host.parse().map_err(|_| Error::invalid(format!("`{host}` is no IP address")))?;
        Ok(Endpoint { address: SocketAddr::new(ip, port), protocol, path: path.into() })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.protocol.name().to_ascii_lowercase(), self.address)?;
        if self.path == "/" { Ok(()) } else { f.write_str(&self.path) }
    }
}

/// Protocol, `host:port`, and path.
fn parts(text: &str) -> Result<(Protocol, &str, &str), Error> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("tcp", text));
    let protocol = Protocol::parse(scheme);
    let protocol = protocol.ok_or_else(|| Error::invalid(format!("`{scheme}` is not udp, tcp, http or https")))?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    Ok((protocol, authority, if path.is_empty() { "/" } else { path }))
}

/// Host without the brackets of an IPv6 address, and port.
fn host_and_port(authority: &str, protocol: Protocol) -> Result<(&str, u16), Error> {
    let usual = if matches!(protocol, Protocol::Http | Protocol::Https) { HTTP_PORT } else { HANDLE_PORT };
    let bare_ipv6 = authority.parse::<std::net::Ipv6Addr>().is_ok();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !bare_ipv6 && !authority.ends_with(']') => {
            let wrong = |_| Error::invalid(format!("`{port}` is no port"));
            (host, port.parse().map_err(wrong)?)
        }
        _ => (authority, usual),
    };
    match host.trim_start_matches('[').trim_end_matches(']') {
        "" => Err(Error::invalid("an endpoint needs an address")),
        host => Ok((host, port)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        for (text, written) in [
            ("192.0.2.1", "tcp://192.0.2.1:2641"),
            ("udp://192.0.2.1:99", "udp://192.0.2.1:99"),
            ("http://[2001:db8::1]/a/b", "http://[2001:db8::1]:8000/a/b"),
            ("2001:db8::1", "tcp://[2001:db8::1]:2641"),
            ("HTTPS://192.0.2.1:443/", "https://192.0.2.1:443"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), written, "{text}");
        }
        for text in ["", "ftp://192.0.2.1", "tcp://:1", "192.0.2.1:x", "192.0.2.1:70000", "name:1"] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}
