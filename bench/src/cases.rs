//! What is measured: which server, asked in which way.

use crate::Options;
use crate::load::Way;
use crate::process::Server;

/// MiB that hold every record of the usual run.
const ROOMY: u64 = 512;

/// One line of the table. The floor of each is the echo server, asked in the same way.
pub struct Case {
    pub name: &'static str,
    server: Kind,
    way: Kinds,
    /// Whether every name is asked for once before it counts.
    pub warm: bool,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Echo,
    Authority { record_cache: u64 },
    Recursive,
}

#[derive(Debug, Clone, Copy)]
enum Kinds {
    Udp,
    TcpPipelined,
    TcpConnect,
    Http,
}

const HIT: Kind = Kind::Authority { record_cache: ROOMY };

const CASES: [Case; 7] = [
    // The floor against another of itself: how far its ratio is from 1 is how far to trust the others.
    Case { name: "echo", server: Kind::Echo, way: Kinds::Udp, warm: false },
    Case { name: "udp-hit", server: HIT, way: Kinds::Udp, warm: true },
    Case { name: "udp-recursive-hit", server: Kind::Recursive, way: Kinds::Udp, warm: true },
    Case { name: "udp-store", server: Kind::Authority { record_cache: 0 }, way: Kinds::Udp, warm: true },
    Case { name: "tcp-pipelined", server: HIT, way: Kinds::TcpPipelined, warm: true },
    Case { name: "tcp-connect", server: HIT, way: Kinds::TcpConnect, warm: true },
    Case { name: "http-json", server: HIT, way: Kinds::Http, warm: true },
];

pub fn names() -> Vec<&'static str> {
    CASES.iter().map(|case| case.name).collect()
}

/// The cases whose name contains `filter`; all without one. A whole name means that case only.
pub fn matching(filter: Option<&str>) -> Vec<&'static Case> {
    let filter = filter.unwrap_or_default();
    match CASES.iter().find(|case| case.name == filter) {
        Some(case) => vec![case],
        None => CASES.iter().filter(|case| case.name.contains(filter)).collect(),
    }
}

/// A server under measurement, and the one behind it.
pub struct Subject {
    pub server: Server,
    _upstream: Option<Server>,
}

impl Case {
    pub fn way(&self, options: &Options) -> Way {
        match self.way {
            Kinds::Udp => Way::Udp { window: options.window },
            Kinds::TcpPipelined => Way::TcpPipelined { window: options.window },
            Kinds::TcpConnect => Way::TcpConnect { clients: 4 },
            Kinds::Http => Way::Http { clients: 8 },
        }
    }

    /// Whether its answers carry the name asked for.
    pub fn is_named(&self) -> bool {
        !matches!(self.server, Kind::Echo)
    }

    pub fn start(&self, options: &Options) -> Result<Subject, String> {
        match self.server {
            Kind::Echo => Ok(Subject { server: floor(options)?, _upstream: None }),
            Kind::Authority { record_cache } => {
                Ok(Subject { server: authority(options, record_cache)?, _upstream: None })
            }
            Kind::Recursive => {
                let upstream = authority(options, ROOMY)?;
                let address = upstream.listening.udp.to_string();
                let server = start(options, "serve-recursive", &["--upstream", &address])?;
                Ok(Subject { server, _upstream: Some(upstream) })
            }
        }
    }
}

/// The echo server.
pub fn floor(options: &Options) -> Result<Server, String> {
    start(options, "serve-echo", &[])
}

fn authority(options: &Options, record_cache: u64) -> Result<Server, String> {
    let (records, cache) = (options.records.to_string(), record_cache.to_string());
    start(options, "serve-authority", &["--records", &records, "--record-cache", &cache])
}

fn start(options: &Options, subcommand: &str, more: &[&str]) -> Result<Server, String> {
    let workers = options.udp_workers.to_string();
    let mut arguments = vec![subcommand, "--udp-workers", &workers];
    arguments.extend(more);
    Server::start(&arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_part_of_the_name_or_all_of_it() {
        assert_eq!(matching(None).len(), CASES.len());
        assert_eq!(matching(Some("tcp")).len(), 2);
        assert_eq!(matching(Some("hit")).len(), 2);
        assert_eq!(matching(Some("udp-hit")).len(), 1);
        assert!(matching(Some("dns")).is_empty());
    }
}
