//! A delegation as a redirect: the HTTP address of the node that answers for the prefix.

use hufu_ident::Delegation;
use hufu_ident::systems::handle::{Interface, Protocol, Site};
use std::net::{IpAddr, SocketAddr};

/// The root of the resolver, as an asker at `asker` may see it; a private address only if the asker has one too.
pub fn resolver(delegation: &Delegation, asker: IpAddr) -> Option<String> {
    let seen = hufu_resolve::shown_to(delegation, asker)?;
    let sites: Vec<Site> = seen.values.iter().filter_map(|value| Site::decode(&value.data).ok()).collect();
    let by = |protocol| sites.iter().find_map(|site| address(site, protocol));
    let https = by(Protocol::Https).map(|address| format!("https://{address}"));
    https.or_else(|| by(Protocol::Http).map(|address| format!("http://{address}")))
}

fn address(site: &Site, protocol: Protocol) -> Option<SocketAddr> {
    site.servers.iter().find_map(|server| {
        let port = server.endpoints(Interface::QUERY, protocol).next()?.port();
        site.addresses(server).first().map(|ip| SocketAddr::new(*ip, port))
    })
}
