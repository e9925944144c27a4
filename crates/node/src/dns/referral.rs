//! A delegated node: by NS where its own node serves DNS, else to its HTTP resolver.

use super::answer::Reply;
use super::key::ds_of;
use super::records::{self, Service};
use super::zone::{self, Zone};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, Record, RecordType};
use hufu_ident::Delegation;
use hufu_ident::systems::handle::{Interface, Protocol, Site};
use hufu_resolve::shown_to;
use std::net::{IpAddr, SocketAddr};

/// The attribute of a site by which a node says that it serves DNS, and its value where a referral can follow.
pub const DNS_PORT: &str = "dns_port";
/// The attribute by which a node publishes the key of its zones; what a parent zone vouches for.
pub const DNS_KEY: &str = "dns_key";
const STANDARD_PORT: &[u8] = b"53";

/// Sends the asker on, to what an asker at its address may see of the delegation.
pub(super) fn reply(
    zone: &Zone,
    delegation: &Delegation,
    asker: IpAddr,
    owner: &Name,
    dotted: &str,
    kind: RecordType,
) -> Reply {
    let Some(delegation) = shown_to(delegation, asker) else { return Reply::code(ResponseCode::Refused) };
    let sites = sites_of(&delegation);
    let apex = delegation.prefix.path().and_then(|(_, path)| zone.owner(path));
    let addresses = dns_addresses(&sites);
    match apex {
        Some(apex) if !addresses.is_empty() => by_name_server(&apex, &addresses, zone.long_ttl()),
        _ => by_http(&sites, zone, owner, dotted, kind),
    }
}

fn sites_of(delegation: &Delegation) -> Vec<Site> {
    delegation.values.iter().filter_map(|value| Site::decode(&value.data).ok()).collect()
}

/// Whether an asker at an address is sent on by NS.
pub(super) fn is_by_name_server(delegation: &Delegation, asker: IpAddr) -> bool {
    shown_to(delegation, asker).is_some_and(|seen| !dns_addresses(&sites_of(&seen)).is_empty())
}

/// The DS records of a child zone: one a key that its sites publish. None where there is no zone cut.
pub(super) fn ds(zone: &Zone, delegation: &Delegation, asker: IpAddr, cut: &Name) -> Vec<Record> {
    if !is_by_name_server(delegation, asker) {
        return Vec::new();
    }
    let sites = sites_of(delegation);
    let mut keys: Vec<&[u8]> = sites.iter().filter_map(|site| site.attribute(DNS_KEY)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().filter_map(|key| ds_of(key, cut, zone.long_ttl())).collect()
}

/// Where the sites that serve DNS on its own port are.
fn dns_addresses(sites: &[Site]) -> Vec<IpAddr> {
    let served = sites.iter().filter(|site| site.attribute(DNS_PORT).is_some_and(|port| port == STANDARD_PORT));
    let mut addresses: Vec<IpAddr> = served.flat_map(zone::addresses_of).collect();
    addresses.dedup();
    addresses
}

fn by_name_server(apex: &Name, addresses: &[IpAddr], ttl: u32) -> Reply {
    let mut reply = Reply::default();
    for server in zone::servers_below(apex, addresses) {
        reply.authorities.push(zone::ns(apex, &server.name, ttl));
        let glue = server.addresses.iter().map(|address| zone::address(&server.name, *address, ttl));
        reply.additionals.extend(glue);
    }
    reply
}

/// We speak for a node without DNS: its links are its HTTP resolvers.
fn by_http(sites: &[Site], zone: &Zone, owner: &Name, dotted: &str, kind: RecordType) -> Reply {
    let service =
        |url: String| Service { name: "ORS+UINF".into(), result: format!("{url}/oid/{dotted}"), ttl: zone.long_ttl() };
    let services: Vec<Service> = sites.iter().filter_map(http_of).map(service).collect();
    if services.is_empty() {
        return Reply::code(ResponseCode::ServFail);
    }
    let answers = match kind {
        RecordType::NAPTR => records::naptr(owner, &services, zone.long_ttl()),
        _ => Vec::new(),
    };
    Reply { authoritative: true, answers, ..Reply::default() }
}

/// `http://address:port` of a site's first server that has such an interface.
pub(super) fn http_of(site: &Site) -> Option<String> {
    let web = |server: &hufu_ident::systems::handle::Server| {
        let serving = |protocol| {
            let mut ways = server.interfaces.iter();
            ways.find(|way: &&Interface| way.protocol == protocol && way.serves(Interface::QUERY)).copied()
        };
        let (start, way) = match (serving(Protocol::Https), serving(Protocol::Http)) {
            (Some(way), _) => ("https", way),
            (None, way) => ("http", way?),
        };
        let port = u16::try_from(way.port).ok()?;
        let address = site.addresses(server).into_iter().next()?;
        Some(format!("{start}://{}", SocketAddr::new(address, port)))
    };
    site.servers.iter().find_map(web)
}
