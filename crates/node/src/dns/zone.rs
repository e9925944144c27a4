//! The zone: its names, and the records that every zone has.

use super::absolute;
use crate::config::DnsConfig;
use hickory_proto::rr::rdata::{A, AAAA, NS, SOA};
use hickory_proto::rr::{Name, RData, Record};
use hufu_ident::systems::handle::Site;
use hufu_ident::systems::oid::ors;
use std::net::IpAddr;
use std::time::Duration;

/// SOA timers in seconds (RFC 1912 §2.2); nobody transfers this zone.
const REFRESH: i32 = 3600;
const RETRY: i32 = 600;
const EXPIRE: i32 = 604_800;

/// A name server and where it is.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub name: Name,
    pub addresses: Vec<IpAddr>,
}

pub(super) struct Zone {
    /// The zone's own name.
    suffix: Name,
    /// The same as text without the last dot.
    text: String,
    /// Whether its apex is here.
    pub apex: bool,
    configured: Vec<Server>,
    hostmaster: Option<Name>,
    own_addresses: Vec<IpAddr>,
    max_ttl: u32,
    negative_ttl: u32,
}

impl Zone {
    pub fn new(config: &DnsConfig, site: &Site) -> Option<Zone> {
        let server = |server: &crate::config::NameServer| {
            Some(Server { name: absolute(&server.name)?.to_lowercase(), addresses: server.addresses.clone() })
        };
        let seconds = |span: Duration| u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
        Some(Zone {
            suffix: absolute(&config.zone)?.to_lowercase(),
            text: config.zone.trim_matches('.').to_ascii_lowercase(),
            apex: config.apex,
            configured: config.nameservers.iter().map(server).collect::<Option<_>>()?,
            hostmaster: Some(&config.hostmaster).filter(|name| !name.is_empty()).and_then(|name| absolute(name)),
            own_addresses: addresses_of(site),
            max_ttl: seconds(config.max_ttl.0),
            negative_ttl: seconds(config.negative_ttl.0),
        })
    }

    /// The labels of a name in front of the zone's, nearest to the zone first, in lower case; `None` outside.
    pub fn labels(&self, name: &Name) -> Option<Vec<String>> {
        if !self.suffix.zone_of(name) {
            return None;
        }
        let own = usize::from(name.num_labels().saturating_sub(self.suffix.num_labels()));
        let text = |label: &[u8]| String::from_utf8_lossy(label).to_ascii_lowercase();
        let mut labels: Vec<String> = name.iter().take(own).map(text).collect();
        labels.reverse();
        Some(labels)
    }

    /// The owner of a node in dot form; the zone's own name for the empty one. `None` if DNS cannot carry it.
    pub fn owner(&self, dotted: &str) -> Option<Name> {
        if dotted.is_empty() {
            return Some(self.suffix.clone());
        }
        absolute(&ors::owner(dotted, &self.text)?)
    }

    /// The name of a label below a node.
    pub fn label_owner(&self, parent: &str, label: &str) -> Option<Name> {
        self.owner(parent)?.prepend_label(label).ok()
    }

    /// The longest TTL.
    pub fn long_ttl(&self) -> u32 {
        self.max_ttl
    }

    /// The TTL of absences.
    pub fn negative_ttl(&self) -> u32 {
        self.negative_ttl
    }

    /// The name servers of the zone that begins at `apex`.
    pub fn servers(&self, apex: &Name) -> Vec<Server> {
        if !self.configured.is_empty() {
            return self.configured.clone();
        }
        servers_below(apex, &self.own_addresses)
    }

    pub fn soa(&self, apex: &Name, serial: u64) -> Record {
        let servers = self.servers(apex);
        let first = servers.first().map_or_else(|| apex.clone(), |server| server.name.clone());
        let default = || apex.prepend_label("hostmaster").unwrap_or_else(|_| apex.clone());
        let hostmaster = self.hostmaster.clone().unwrap_or_else(default);
        // The sequence of changes modulo 2^32 is what serial arithmetic wants (RFC 1982).
        let serial = serial as u32;
        let soa = SOA::new(first, hostmaster, serial, REFRESH, RETRY, EXPIRE, self.negative_ttl);
        Record::from_rdata(apex.clone(), self.negative_ttl, RData::SOA(soa))
    }

    pub fn name_servers(&self, apex: &Name) -> Vec<Record> {
        self.servers(apex).iter().map(|server| ns(apex, &server.name, self.max_ttl)).collect()
    }
}

/// The servers of a zone that names none: `ns1` below its apex, with all the addresses.
pub(super) fn servers_below(apex: &Name, addresses: &[IpAddr]) -> Vec<Server> {
    let name = apex.prepend_label("ns1").ok();
    name.map(|name| Server { name, addresses: addresses.to_vec() }).into_iter().collect()
}

pub(super) fn ns(owner: &Name, server: &Name, ttl: u32) -> Record {
    Record::from_rdata(owner.clone(), ttl, RData::NS(NS(server.clone())))
}

pub(super) fn address(owner: &Name, address: IpAddr, ttl: u32) -> Record {
    let data = match address {
        IpAddr::V4(v4) => RData::A(A(v4)),
        IpAddr::V6(v6) => RData::AAAA(AAAA(v6)),
    };
    Record::from_rdata(owner.clone(), ttl, data)
}

/// Where the servers of a site are: their own addresses, and a second one as an attribute.
pub(super) fn addresses_of(site: &Site) -> Vec<IpAddr> {
    let second = site.attribute("alt_addr").and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
    site.servers.iter().map(|server| server.ip()).chain(second).collect()
}
