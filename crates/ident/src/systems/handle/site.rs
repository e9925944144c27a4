//! HS_SITE: where a service is, its servers, keys and interfaces (RFC 3651 §3.2.2).

use super::hash;
use super::wire::{Reader, Version, WireError, put_bytes, put_u16, put_u32};
use crate::identifier::Name;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A site record; every field is kept as received, so that it re-encodes to the same octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    pub format: u16,
    pub version: Version,
    /// Increased at every change.
    pub serial: u16,
    /// 0x80 this is a primary site, 0x40 there are several primaries.
    pub primary_mask: u8,
    /// 0 by prefix, 1 by suffix, 2 by whole handle.
    pub hash_option: u8,
    pub hash_filter: Vec<u8>,
    pub attributes: Vec<Attribute>,
    pub servers: Vec<Server>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    pub name: Vec<u8>,
    pub value: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub id: u32,
    /// IPv4 stands in the last four octets after twelve zeros.
    pub address: [u8; 16],
    /// Encoded public key, see [`super::keys::PublicKey`]; may be empty.
    pub public_key: Vec<u8>,
    pub interfaces: Vec<Interface>,
}

/// One way to reach a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interface {
    /// 0 out of service, 1 administration, 2 query, 3 both.
    pub purpose: u8,
    pub protocol: Protocol,
    pub port: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    Udp,
    Tcp,
    Http,
    Https,
    Other(u8),
}

impl Protocol {
    fn from_octet(octet: u8) -> Self {
        match octet {
            0 => Protocol::Udp,
            1 => Protocol::Tcp,
            2 => Protocol::Http,
            3 => Protocol::Https,
            other => Protocol::Other(other),
        }
    }

    fn octet(self) -> u8 {
        match self {
            Protocol::Udp => 0,
            Protocol::Tcp => 1,
            Protocol::Http => 2,
            Protocol::Https => 3,
            Protocol::Other(octet) => octet,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Protocol::Udp => "UDP",
            Protocol::Tcp => "TCP",
            Protocol::Http => "HTTP",
            Protocol::Https => "HTTPS",
            Protocol::Other(_) => "OTHER",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Protocol::Udp, Protocol::Tcp, Protocol::Http, Protocol::Https]
            .into_iter()
            .find(|protocol| protocol.name().eq_ignore_ascii_case(text))
    }
}

impl Interface {
    pub const ADMIN: u8 = 1;
    pub const QUERY: u8 = 2;
    pub const BOTH: u8 = 3;

    pub fn serves(&self, purpose: u8) -> bool {
        self.purpose & purpose != 0
    }
}

/// Octets of the smallest attribute and server.
const MIN_ATTRIBUTE: usize = 8;
const MIN_SERVER: usize = 28;
const INTERFACE: usize = 6;

impl Site {
    pub const PRIMARY: u8 = 0x80;
    pub const MULTI_PRIMARY: u8 = 0x40;
    /// Hash by the whole handle, the default.
    pub const HASH_ALL: u8 = 2;

    /// A primary site of the current format.
    pub fn new(serial: u16, servers: Vec<Server>) -> Self {
        Site {
            format: 1,
            version: super::wire::OWN_VERSION,
            serial,
            primary_mask: Self::PRIMARY,
            hash_option: Self::HASH_ALL,
            hash_filter: Vec::new(),
            attributes: Vec::new(),
            servers,
        }
    }

    pub fn with_attribute(mut self, name: &str, value: &str) -> Self {
        self.attributes.push(Attribute { name: name.into(), value: value.into() });
        self
    }

    /// Decodes a value's data; octets after the last interface are an error.
    pub fn decode(data: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(data);
        let site = Site::decode_from(&mut reader)?;
        reader.finish("HS_SITE")?;
        Ok(site)
    }

    pub fn decode_from(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let format = reader.u16("site format version")?;
        let version = Version::new(reader.u8("site protocol major")?, reader.u8("site protocol minor")?);
        let serial = reader.u16("site serial")?;
        let primary_mask = reader.u8("site primary mask")?;
        let hash_option = reader.u8("site hash option")?;
        let hash_filter = reader.bytes("site hash filter")?.to_vec();
        let attributes = reader.count("site attributes", MIN_ATTRIBUTE)?;
        let attributes = (0..attributes).map(|_| Attribute::decode(reader)).collect::<Result<_, _>>()?;
        let servers = reader.count("site servers", MIN_SERVER)?;
        let servers = (0..servers).map(|_| Server::decode(reader)).collect::<Result<_, _>>()?;
        Ok(Site { format, version, serial, primary_mask, hash_option, hash_filter, attributes, servers })
    }

    pub fn compose(&self, out: &mut Vec<u8>) {
        put_u16(out, self.format);
        out.extend_from_slice(&[self.version.major, self.version.minor]);
        put_u16(out, self.serial);
        out.extend_from_slice(&[self.primary_mask, self.hash_option]);
        put_bytes(out, &self.hash_filter);
        put_u32(out, self.attributes.len() as u32);
        for attribute in &self.attributes {
            put_bytes(out, &attribute.name);
            put_bytes(out, &attribute.value);
        }
        put_u32(out, self.servers.len() as u32);
        self.servers.iter().for_each(|server| server.compose(out));
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        self.compose(&mut out);
        out
    }

    pub fn is_primary(&self) -> bool {
        self.primary_mask & Self::PRIMARY != 0
    }

    pub fn attribute(&self, name: &str) -> Option<&[u8]> {
        let found = self.attributes.iter().find(|attribute| attribute.name == name.as_bytes());
        found.map(|attribute| attribute.value.as_slice())
    }

    /// The server that answers for `name`, by the site's hash.
    pub fn server_for(&self, name: Name<'_>) -> Option<&Server> {
        self.servers.get(self.server_position(name)?)
    }

    /// Position of that server in the site record; none for a site without servers.
    pub fn server_position(&self, name: Name<'_>) -> Option<usize> {
        match self.servers.len() {
            0 => None,
            1 => Some(0),
            count => Some((hash::hash(name, self.hash_option) % count as u64) as usize),
        }
    }

    /// Addresses of a server: its own and the site's `alt_addr` for it.
    pub fn addresses(&self, server: &Server) -> Vec<IpAddr> {
        let mut addresses = vec![server.ip()];
        let alternative = |name: &str| {
            let text = self.attribute(name).and_then(|value| std::str::from_utf8(value).ok());
            text.and_then(|text| text.trim().parse::<IpAddr>().ok())
        };
        addresses.extend(alternative(&format!("alt_addr.{}", server.id)));
        if self.servers.len() == 1 {
            addresses.extend(alternative("alt_addr"));
        }
        addresses.retain(|address| !address.is_unspecified());
        addresses.dedup();
        addresses
    }
}

impl Attribute {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let name = reader.bytes("attribute name")?.to_vec();
        Ok(Attribute { name, value: reader.bytes("attribute value")?.to_vec() })
    }
}

impl Server {
    /// A server at `address` with these interfaces.
    pub fn new(id: u32, address: IpAddr, public_key: Vec<u8>, interfaces: Vec<Interface>) -> Self {
        let address = match address {
            IpAddr::V4(v4) => {
                let mut octets = [0; 16];
                octets[12..].copy_from_slice(&v4.octets());
                octets
            }
            IpAddr::V6(v6) => v6.octets(),
        };
        Server { id, address, public_key, interfaces }
    }

    /// Its address: IPv4 when the first twelve octets are zero and the last four are not those of `::1`.
    pub fn ip(&self) -> IpAddr {
        let mapped = self.address[..10] == [0; 10] && self.address[10..12] == [0xFF, 0xFF];
        let loopback = self.address == Ipv6Addr::LOCALHOST.octets();
        match (self.address[..12] == [0; 12] && !loopback) || mapped {
            true => {
                let [.., a, b, c, d] = self.address;
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            }
            false => IpAddr::V6(Ipv6Addr::from(self.address)),
        }
    }

    /// The same server with `instead` in the place of its address where `replace` says so.
    pub fn at(&self, instead: IpAddr, replace: impl Fn(IpAddr) -> bool) -> Server {
        match replace(self.ip()) {
            true => Server::new(self.id, instead, self.public_key.clone(), self.interfaces.clone()),
            false => self.clone(),
        }
    }

    /// Socket addresses of the interfaces that serve `purpose` by `protocol`.
    pub fn endpoints(&self, purpose: u8, protocol: Protocol) -> impl Iterator<Item = SocketAddr> + '_ {
        let wanted = move |interface: &&Interface| interface.protocol == protocol && interface.serves(purpose);
        let ip = self.ip();
        let ports = self.interfaces.iter().filter(wanted).filter_map(|interface| u16::try_from(interface.port).ok());
        ports.map(move |port| SocketAddr::new(ip, port))
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let id = reader.u32("server id")?;
        let mut address = [0; 16];
        address.copy_from_slice(reader.take(16, "server address")?);
        let public_key = reader.bytes("server public key")?.to_vec();
        let count = reader.count("server interfaces", INTERFACE)?;
        let interfaces = (0..count).map(|_| Interface::decode(reader)).collect::<Result<_, _>>()?;
        Ok(Server { id, address, public_key, interfaces })
    }

    fn compose(&self, out: &mut Vec<u8>) {
        put_u32(out, self.id);
        out.extend_from_slice(&self.address);
        put_bytes(out, &self.public_key);
        put_u32(out, self.interfaces.len() as u32);
        for interface in &self.interfaces {
            out.extend_from_slice(&[interface.purpose, interface.protocol.octet()]);
            put_u32(out, interface.port);
        }
    }
}

impl Interface {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let purpose = reader.u8("interface type")?;
        let protocol = Protocol::from_octet(reader.u8("interface protocol")?);
        Ok(Interface { purpose, protocol, port: reader.u32("interface port")? })
    }
}
