//! Whether what an application declares is there: its addresses answer on their ports, its domain leads to its address.
//!
//! Only addresses that the rules allow are tried, so nobody explores the operator's own network with an application.
//! What does not answer is doubtful, not failed: it may not run yet.

use hufu_registry::checks::{Reach, address, domain};
use hufu_registry::onboarding::checkers::{Finding, Findings, Outcome};
use hufu_registry::onboarding::content::Content;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long an address has to answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// Most addresses that are tried for one application.
const TRIED: usize = 64;

/// Tries everything at the same time.
pub async fn check(content: &Content, reach: Reach) -> (Outcome, Vec<Finding>) {
    let mut trying = JoinSet::new();
    for (field, target) in targets(content, reach).into_iter().take(TRIED) {
        trying.spawn(async move {
            let open = matches!(timeout(PATIENCE, TcpStream::connect(target)).await, Ok(Ok(_)));
            (field, target, open)
        });
    }
    let mut silent: Vec<(String, SocketAddr)> =
        trying.join_all().await.into_iter().filter(|(_, _, open)| !open).map(|(field, at, _)| (field, at)).collect();
    silent.sort();
    let mut findings = Findings::default();
    for (field, target) in silent {
        let (zh, en) = (format!("{target} 无法连接"), format!("{target} does not answer"));
        findings.add(Outcome::Doubtful, &field, "address-unreachable", zh, en);
    }
    if let Some(subject) = &content.subject {
        look_up(&subject.ext_web.domain, &subject.ext_web.ip, reach, &mut findings).await;
    }
    (findings.outcome(), findings.0)
}

/// The declared addresses with the fields that they stand in.
fn targets(content: &Content, reach: Reach) -> Vec<(String, SocketAddr)> {
    let mut all = Vec::new();
    let systems = content.subject.iter().flat_map(|subject| subject.systems.iter().enumerate());
    for (at, system) in systems.filter(|(_, system)| !system.ip_port.is_empty()) {
        let endpoints = address::endpoints(&system.ip_port, reach).unwrap_or_default();
        let field = format!("subject.systems[{at}].ipPort");
        all.extend(endpoints.into_iter().map(|end| (field.clone(), SocketAddr::new(end.ip, end.port))));
    }
    for (at, wish) in content.prefixes.iter().enumerate() {
        for (number, server) in wish.servers.iter().enumerate() {
            let Ok(ip) = address::address(&server.address, reach) else { continue };
            let field = format!("prefixes[{at}].servers[{number}]");
            let ports = [server.tcp, server.http].into_iter().flatten();
            all.extend(ports.map(|port| (field.clone(), SocketAddr::new(ip, port))));
        }
    }
    all
}

async fn look_up(name: &str, declared: &str, reach: Reach, findings: &mut Findings) {
    let Ok(name) = domain::parse(name, reach) else { return };
    let field = "subject.extWeb.domain";
    let found: Vec<IpAddr> = match timeout(PATIENCE, lookup_host((name.as_str(), 443))).await {
        Ok(Ok(addresses)) => addresses.map(|address| address.ip()).collect(),
        _ => Vec::new(),
    };
    if found.is_empty() {
        let (zh, en) = (format!("域名 {name} 无法解析"), format!("the domain {name} does not resolve"));
        findings.add(Outcome::Doubtful, field, "domain-unresolved", zh, en);
        return;
    }
    let declared = address::addresses(declared, reach).unwrap_or_default();
    if !declared.is_empty() && !declared.iter().any(|address| found.contains(address)) {
        let zh = format!("域名 {name} 未解析到所填 IP");
        let en = format!("the domain {name} leads to another address than the declared one");
        findings.add(Outcome::Doubtful, field, "domain-differs", zh, en);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_registry::onboarding::content::PrefixWish;
    use hufu_registry::outbox::Server;

    fn content(address: &str, port: u16) -> Content {
        let server = Server { address: address.into(), udp: Some(1), tcp: Some(port), http: None, public_key: None };
        Content { prefixes: vec![PrefixWish { servers: vec![server], ..PrefixWish::default() }], ..Content::default() }
    }

    #[tokio::test]
    async fn an_open_port_passes_and_a_closed_one_is_doubtful() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        assert_eq!(check(&content("127.0.0.1", port), Reach::Anywhere).await.0, Outcome::Pass);
        drop(listener);
        let (outcome, findings) = check(&content("127.0.0.1", port), Reach::Anywhere).await;
        assert_eq!((outcome, findings[0].code.as_str()), (Outcome::Doubtful, "address-unreachable"));
    }

    #[tokio::test]
    async fn the_operators_own_network_is_not_explored() {
        for address in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1"] {
            assert!(targets(&content(address, 80), Reach::Public).is_empty(), "{address}");
        }
        assert_eq!(targets(&content("8.8.8.8", 80), Reach::Public).len(), 1);
    }
}
