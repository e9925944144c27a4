//! What an asker is told of a delegation: a private address is told only to who asks from a private one.

use hufu_ident::systems::handle::{Attribute, Site, kind};
use hufu_ident::{Delegation, Value};
use std::borrow::Cow;
use std::net::IpAddr;

use crate::recursor::is_private;

/// The delegation as an asker at `asker` may see it; none if nothing is left of it.
pub fn shown_to(delegation: &Delegation, asker: IpAddr) -> Option<Cow<'_, Delegation>> {
    if is_private(asker) || !delegation.values.iter().any(names_private) {
        return Some(Cow::Borrowed(delegation));
    }
    let values: Vec<Value> = delegation.values.iter().filter_map(without_private).collect();
    let seen = Delegation { values, ..delegation.clone() };
    (!seen.values.is_empty()).then_some(Cow::Owned(seen))
}

fn site_of(value: &Value) -> Option<Site> {
    let service = kind::is_one_of(&value.kind, &[kind::SERV, kind::SERV_PREFIX]);
    if service { None } else { Site::decode(&value.data).ok() }
}

fn names_private(value: &Value) -> bool {
    site_of(value).is_some_and(|site| {
        site.servers.iter().any(|server| is_private(server.ip())) || site.attributes.iter().any(is_private_alternative)
    })
}

fn is_private_alternative(attribute: &Attribute) -> bool {
    let text = attribute.name.starts_with(b"alt_addr").then(|| std::str::from_utf8(&attribute.value).ok()).flatten();
    text.and_then(|text| text.trim().parse().ok()).is_some_and(is_private)
}

/// The value with its private addresses taken out; none if no server can be reached by what is left. A server
/// whose own address is private takes its public alternative instead.
fn without_private(value: &Value) -> Option<Value> {
    let Some(mut site) = site_of(value) else { return Some(value.clone()) };
    for server in &mut site.servers {
        *server = server.at(IpAddr::from([0, 0, 0, 0]), is_private);
    }
    site.attributes.retain(|attribute| !is_private_alternative(attribute));
    let reachable = site.servers.iter().any(|server| !site.addresses(server).is_empty());
    reachable.then(|| Value { data: site.to_bytes(), ..value.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_ident::Prefix;
    use hufu_ident::systems::handle::Server;

    fn delegation(server: &str, alternative: Option<&str>) -> Delegation {
        let mut site = Site::new(1, vec![Server::new(1, server.parse().unwrap(), Vec::new(), Vec::new())]);
        if let Some(alternative) = alternative {
            site = site.with_attribute("alt_addr", alternative);
        }
        let values = vec![Value::new(1, kind::SITE, site.to_bytes())];
        Delegation { prefix: Prefix::folded("88.118.8"), for_prefixes: false, values }
    }

    fn told(delegation: &Delegation, asker: &str) -> Option<Vec<String>> {
        let seen = shown_to(delegation, asker.parse().unwrap())?;
        let site = Site::decode(&seen.values[0].data).unwrap();
        Some(site.servers.iter().flat_map(|server| site.addresses(server)).map(|ip| ip.to_string()).collect())
    }

    #[test]
    fn a_private_address_is_told_to_private_askers_only() {
        let both = delegation("10.0.0.8", Some("2001:db8::8"));
        assert_eq!(told(&both, "192.168.1.1").unwrap(), ["10.0.0.8", "2001:db8::8"]);
        assert_eq!(told(&both, "203.0.113.9").unwrap(), ["2001:db8::8"]);
        let public = delegation("198.51.100.8", Some("fd00::8"));
        assert_eq!(told(&public, "203.0.113.9").unwrap(), ["198.51.100.8"]);
        assert_eq!(told(&public, "::1").unwrap(), ["198.51.100.8", "fd00::8"]);
        assert_eq!(told(&delegation("10.0.0.8", None), "203.0.113.9"), None);
        assert_eq!(told(&delegation("10.0.0.8", Some("fd00::8")), "2001:db8::1"), None);
    }
}
