//! Where the walk starts: the sites that configuration names for the root and for prefixes.

use hufu_ident::Prefix;
use hufu_ident::systems::handle::{Interface, Protocol, Server, Site};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Sites by prefix; the root's stand apart. A node without any resolves nothing for others.
#[derive(Debug, Clone, Default)]
pub struct Bootstrap {
    root: Vec<Site>,
    prefixes: BTreeMap<Prefix, Vec<Site>>,
}

impl Bootstrap {
    /// Adds a site of the global root.
    pub fn add_root(&mut self, site: Site) {
        self.root.push(site);
    }

    /// Adds a site that answers for `prefix` and for the prefixes below it.
    pub fn add(&mut self, prefix: Prefix, site: Site) {
        self.prefixes.entry(prefix).or_default().push(site);
    }

    pub fn is_empty(&self) -> bool {
        self.root.is_empty() && self.prefixes.is_empty()
    }

    pub fn root(&self) -> &[Site] {
        &self.root
    }

    /// The sites of the longest configured prefix that is `prefix` or an ancestor of it, and that prefix;
    /// else the root's.
    pub fn nearest(&self, prefix: &Prefix) -> (&[Site], Option<Prefix>) {
        for candidate in prefix.lineage() {
            if let Some(sites) = self.prefixes.get(&candidate) {
                return (sites, Some(candidate));
            }
        }
        (&self.root, None)
    }

    /// The sites configured for this very prefix.
    pub fn exactly(&self, prefix: &Prefix) -> &[Site] {
        self.prefixes.get(prefix).map_or(&[], Vec::as_slice)
    }

    /// Every configured address.
    pub fn addresses(&self) -> impl Iterator<Item = std::net::IpAddr> + '_ {
        let sites = self.root.iter().chain(self.prefixes.values().flatten());
        sites.flat_map(|site| site.servers.iter().flat_map(|server| site.addresses(server)))
    }
}

/// A site made from bare addresses: each is a server of its own site that speaks UDP and TCP on one port.
pub fn site_at(address: SocketAddr) -> Site {
    let interface = |protocol| Interface { purpose: Interface::BOTH, protocol, port: u32::from(address.port()) };
    let interfaces = vec![interface(Protocol::Udp), interface(Protocol::Tcp)];
    Site::new(0, vec![Server::new(1, address.ip(), Vec::new(), interfaces)])
}
