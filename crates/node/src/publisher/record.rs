//! What the registry wants of a prefix, as writes to the record store. Pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hufu_ident::systems::handle::{AdminRecord, Interface, Protocol, Server as SiteServer, Site, kind, right};
use hufu_ident::{CaseRule, Prefix, RecordKey, Reference, Value, ValueSet};
use hufu_registry::outbox::{Publication, Server, Wanted};
use hufu_store::{Condition, Moving, Stored, Write};
use std::net::IpAddr;

/// Indexes of the values that the registry puts into a prefix handle; whatever stands elsewhere is left alone.
const ADMINS: std::ops::Range<u32> = 100..120;
/// The value that says why a prefix is not served.
pub const NOTE: u32 = 990;
/// The attribute by which a site names its server's other address.
const OTHER_ADDRESS: &str = "alt_addr";

/// What is known of the present state.
pub struct Present<'a> {
    pub stored: Option<&'a Stored>,
    pub homed: bool,
    pub moving: Option<Moving>,
}

/// This node, as it stands in prefix handles.
pub struct Here<'a> {
    pub site: &'a Site,
    pub administrator: &'a Reference,
    pub rule: CaseRule,
    /// Unix seconds.
    pub now: u32,
}

/// The key of the prefix handle.
pub fn key(prefix: &Prefix, rule: CaseRule) -> RecordKey {
    prefix.handle().key(rule)
}

/// The writes that bring the present state to the wanted one; none where it is so already.
pub fn writes(publication: &Publication, present: &Present<'_>, here: &Here<'_>) -> Result<Vec<Write>, String> {
    let prefix = Prefix::parse(&publication.prefix).map_err(|refusal| refusal.to_string())?;
    let mut writes = Vec::new();
    let moving = moving(&publication.wanted, present);
    // What undoes a move, and what begins one, comes first: what follows is the prefix handle only.
    if moving != present.moving {
        writes.push(Write::Move(prefix.clone(), moving));
    }
    let (values, homed) = match &publication.wanted {
        Wanted::Own { .. } => return Ok(writes),
        Wanted::Hosted { administrators, .. } => {
            let sites = vec![here.site.clone()];
            (Some(delegated(present, here, &sites, true, administrators)?), true)
        }
        Wanted::Delegated { servers, below, administrators, leaving, .. } => {
            let sites = renewed(servers, present.stored)?;
            let values = delegated(present, here, &sites, *below, administrators)?;
            (Some(values), *leaving && present.homed)
        }
        Wanted::Withheld { reason } | Wanted::Retired { reason } => {
            let mut values = kept(present.stored);
            values.push(admin(ADMINS.start, here.administrator.clone()));
            values.push(Value::new(NOTE, kind::DESC, reason.as_str()));
            (Some(values), false)
        }
        Wanted::Unknown => (None, false),
    };
    // A prefix is homed before its handle says so, and no longer homed only after it says something else.
    if homed && !present.homed {
        writes.push(Write::Home(prefix.clone()));
    }
    let key = key(&prefix, here.rule);
    let condition = present.stored.map_or(Condition::Absent, |stored| Condition::Version(stored.version));
    match values {
        Some(values) => {
            let values = stamped(values, present.stored, here.now);
            if present.stored.is_none_or(|stored| stored.values != values) {
                writes.push(Write::Put { key, values, condition });
            }
        }
        None if present.stored.is_some() => writes.push(Write::Delete { key, condition }),
        None => {}
    }
    if !homed && present.homed {
        writes.push(Write::Unhome(prefix));
    }
    Ok(writes)
}

/// Whether what is below the prefix is written: not while it leaves, and before it is here.
fn moving(wanted: &Wanted, present: &Present<'_>) -> Option<Moving> {
    match wanted {
        Wanted::Own { frozen: true } | Wanted::Hosted { frozen: true, .. } => Some(Moving::Out),
        Wanted::Delegated { leaving: true, .. } if present.homed => Some(Moving::Left),
        Wanted::Delegated { arriving: true, .. } => Some(Moving::In),
        _ => None,
    }
}

/// Values that are nobody's business here.
fn kept(stored: Option<&Stored>) -> Vec<Value> {
    let ours = |value: &Value| {
        kind::is_one_of(&value.kind, &kind::SERVICE)
            || kind::is_one_of(&value.kind, &kind::PREFIX_SERVICE)
            || (value.is_kind(kind::ADMIN) && ADMINS.contains(&value.index))
            || (value.is_kind(kind::DESC) && value.index == NOTE)
    };
    let values = stored.map(|stored| stored.values.to_values()).unwrap_or_default();
    values.into_iter().filter(|value| !ours(value)).collect()
}

fn delegated(
    present: &Present<'_>,
    here: &Here<'_>,
    sites: &[Site],
    below: bool,
    administrators: &[String],
) -> Result<Vec<Value>, String> {
    let mut values = kept(present.stored);
    let free = |values: &[Value]| (1..).find(|index| values.iter().all(|value| value.index != *index)).unwrap_or(1);
    let kinds: &[&str] = if below { &[kind::SITE, kind::SITE_PREFIX] } else { &[kind::SITE] };
    for kind in kinds {
        for site in sites {
            let index = free(&values);
            values.push(Value::new(index, kind, site.to_bytes()));
        }
    }
    values.push(admin(ADMINS.start, here.administrator.clone()));
    for (index, text) in (ADMINS.start + 1..ADMINS.end).zip(administrators) {
        let reference = Reference::parse(text).ok_or_else(|| format!("{text:?} names no administrator"))?;
        values.push(admin(index, reference));
    }
    Ok(values)
}

fn admin(index: u32, who: Reference) -> Value {
    Value::new(index, kind::ADMIN, AdminRecord::new(right::ALL, who).to_bytes())
}

/// A value that says the same as before keeps its time.
fn stamped(mut values: Vec<Value>, stored: Option<&Stored>, now: u32) -> ValueSet {
    let old = stored.map(|stored| stored.values.to_values()).unwrap_or_default();
    for value in &mut values {
        let same = old.iter().find(|old| old.same_but_time(value));
        value.timestamp = same.map_or(now, |old| old.timestamp);
    }
    ValueSet::from_values(values)
}

/// The sites of these servers: as they are stored if they say the same, else with a serial above those.
fn renewed(servers: &[Server], stored: Option<&Stored>) -> Result<Vec<Site>, String> {
    let values = stored.map(|stored| stored.values.to_values()).unwrap_or_default();
    let present = values.iter().filter(|value| value.is_kind(kind::SITE));
    let present: Vec<Site> = present.filter_map(|value| Site::decode(&value.data).ok()).collect();
    let Some(last) = present.iter().map(|site| site.serial).max() else { return sites(servers, 1) };
    let unchanged = sites(servers, last)?;
    match unchanged == present {
        true => Ok(unchanged),
        false => sites(servers, last.wrapping_add(1).max(1)),
    }
}

/// One site a server: each holds everything. The two addresses of one server (known by its key) share a site.
fn sites(servers: &[Server], serial: u16) -> Result<Vec<Site>, String> {
    let mut sites: Vec<(Site, &Server)> = Vec::with_capacity(servers.len());
    for server in servers {
        let address: IpAddr = server.address.parse().map_err(|_| format!("{:?} is no address", server.address))?;
        let other = |(site, first): &&mut (Site, &Server)| {
            first.public_key.is_some()
                && (first.public_key == server.public_key)
                && (first.udp, first.tcp, first.http) == (server.udp, server.tcp, server.http)
                && site.attribute(OTHER_ADDRESS).is_none()
                && first.address.contains(':') != server.address.contains(':')
        };
        if let Some((site, _)) = sites.iter_mut().find(other) {
            *site = site.clone().with_attribute(OTHER_ADDRESS, &address.to_string());
            continue;
        }
        let key = server.public_key.as_deref().map(|text| STANDARD.decode(text)).transpose();
        let key = key.map_err(|_| "the public key is not in base64".to_owned())?.unwrap_or_default();
        let interface = |purpose, protocol, port: Option<u16>| {
            port.map(|port| Interface { purpose, protocol, port: u32::from(port) })
        };
        let interfaces = [
            interface(Interface::BOTH, Protocol::Tcp, server.tcp),
            interface(Interface::QUERY, Protocol::Udp, server.udp),
            interface(Interface::BOTH, Protocol::Http, server.http),
        ];
        let interfaces = interfaces.into_iter().flatten().collect();
        sites.push((Site::new(serial, vec![SiteServer::new(1, address, key, interfaces)]), server));
    }
    Ok(sites.into_iter().map(|(site, _)| site).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        let interfaces = vec![Interface { purpose: Interface::BOTH, protocol: Protocol::Tcp, port: 2641 }];
        Site::new(1, vec![SiteServer::new(1, IpAddr::from([192, 0, 2, 1]), vec![1, 2], interfaces)])
    }

    fn run(wanted: Wanted, stored: Option<&Stored>, homed: bool) -> Vec<Write> {
        let publication = Publication { prefix: "88.118.8".into(), wanted };
        let administrator = Reference::new(301, "0.NA/88.118");
        let (site, rule, now) = (site(), CaseRule::Insensitive, 7);
        let here = Here { site: &site, administrator: &administrator, rule, now };
        writes(&publication, &Present { stored, homed, moving: None }, &here).expect("writes")
    }

    fn server(address: &str, key: Option<&str>) -> Server {
        let public_key = key.map(str::to_owned);
        Server { address: address.into(), udp: Some(2641), tcp: Some(2641), http: None, public_key }
    }

    fn delegated_to(servers: Vec<Server>, leaving: bool) -> Wanted {
        Wanted::Delegated {
            servers,
            below: true,
            administrators: vec!["300:0.NA/88.118.8".into()],
            leaving,
            arriving: false,
        }
    }

    fn hosted(frozen: bool) -> Wanted {
        Wanted::Hosted { administrators: Vec::new(), frozen }
    }

    fn values(writes: &[Write]) -> Vec<Value> {
        let put = writes.iter().find_map(|write| match write {
            Write::Put { values, .. } => Some(values.to_values()),
            _ => None,
        });
        put.expect("a record is put")
    }

    fn stored(values: Vec<Value>) -> Stored {
        Stored { version: 5, values: ValueSet::from_values(values) }
    }

    #[test]
    fn a_delegation_names_each_server_and_keeps_what_is_not_ours() {
        let before = stored(vec![
            Value::new(1, kind::EMAIL, "somebody's"),
            Value::new(2, kind::SITE, site().to_bytes()),
            Value::new(NOTE, kind::DESC, "on hold"),
            Value::new(300, kind::PUBKEY, "a key"),
            Value::new(200, kind::ADMIN, "another's"),
        ]);
        let servers =
            vec![server("192.0.2.8", Some("AQI=")), server("2001:db8::8", Some("AQI=")), server("192.0.2.9", None)];
        let writes = run(delegated_to(servers, false), Some(&before), false);
        assert!(matches!(writes[..], [Write::Put { condition: Condition::Version(5), .. }]), "{writes:?}");
        let values = values(&writes);
        let sites: Vec<Site> =
            values.iter().filter(|v| v.is_kind(kind::SITE)).map(|v| Site::decode(&v.data).unwrap()).collect();
        assert_eq!(sites.len(), 2, "the two addresses of one server share a site");
        assert_eq!(sites[0].attribute(OTHER_ADDRESS), Some(&b"2001:db8::8"[..]));
        assert_eq!(sites[0].serial, 2);
        assert_eq!(values.iter().filter(|value| value.is_kind(kind::SITE_PREFIX)).count(), 2);
        let has = |index: u32, kind: &str| values.iter().any(|value| value.index == index && value.is_kind(kind));
        assert!(
            has(1, kind::EMAIL)
                && has(300, kind::PUBKEY)
                && has(200, kind::ADMIN)
                && has(100, kind::ADMIN)
                && has(101, kind::ADMIN)
        );
        assert!(!has(NOTE, kind::DESC));
        let mut indexes: Vec<u32> = values.iter().map(|value| value.index).collect();
        indexes.dedup();
        assert_eq!(indexes.len(), values.len(), "no index twice");
    }

    #[test]
    fn hosting_homes_first_and_withholding_unhomes_last() {
        let writes = run(hosted(false), None, false);
        assert!(matches!(writes[..], [Write::Home(_), Write::Put { condition: Condition::Absent, .. }]), "{writes:?}");
        let before = stored(values(&writes));
        assert!(run(hosted(false), Some(&before), true).is_empty(), "twice is once");
        let writes = run(Wanted::Withheld { reason: "停用".into() }, Some(&before), true);
        assert!(matches!(writes[..], [Write::Put { .. }, Write::Unhome(_)]), "{writes:?}");
        let values = values(&writes);
        assert!(values.iter().all(|value| !value.is_kind(kind::SITE) && !value.is_kind(kind::SITE_PREFIX)));
        assert!(values.iter().any(|value| value.index == NOTE && value.data == "停用".as_bytes()));
        let writes = run(Wanted::Unknown, Some(&before), true);
        assert!(matches!(writes[..], [Write::Delete { .. }, Write::Unhome(_)]), "{writes:?}");
        assert!(run(Wanted::Unknown, None, false).is_empty());
    }

    #[test]
    fn whoever_moves_out_is_answered_for_until_the_end() {
        let writes = run(delegated_to(vec![server("192.0.2.8", None)], true), None, true);
        assert!(matches!(writes[..], [Write::Move(_, Some(Moving::Left)), Write::Put { .. }]), "{writes:?}");
        let writes = run(delegated_to(vec![server("192.0.2.8", None)], false), None, true);
        assert!(matches!(writes[..], [Write::Put { .. }, Write::Unhome(_)]), "{writes:?}");
    }

    #[test]
    fn a_prefix_freezes_before_it_is_copied_and_takes_copies_before_it_is_here() {
        let frozen = run(hosted(true), None, true);
        assert!(matches!(frozen[0], Write::Move(_, Some(Moving::Out))), "{frozen:?}");
        assert!(matches!(run(Wanted::Own { frozen: true }, None, true)[..], [Write::Move(_, Some(Moving::Out))]));
        assert!(run(Wanted::Own { frozen: false }, None, true).is_empty());
        let Wanted::Delegated { servers, below, administrators, .. } =
            delegated_to(vec![server("192.0.2.8", None)], false)
        else {
            unreachable!()
        };
        let arriving = Wanted::Delegated { servers, below, administrators, leaving: false, arriving: true };
        let writes = run(arriving, None, false);
        assert!(matches!(writes[..], [Write::Move(_, Some(Moving::In)), Write::Put { .. }]), "{writes:?}");
    }

    #[test]
    fn the_same_again_writes_nothing() {
        let wanted = || delegated_to(vec![server("192.0.2.8", None)], false);
        let first = stored(values(&run(wanted(), None, false)));
        // The serial rises only with a change.
        assert!(run(wanted(), Some(&first), false).is_empty());
    }
}
