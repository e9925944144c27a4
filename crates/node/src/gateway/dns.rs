//! OIDs of other nodes, asked of the DNS (ORS, ITU-T X.672): the NAPTR records of the identifier's owner name.
//!
//! The URL of such a gateway names a resolver and a zone: `dns://192.0.2.53:53/oid-res.org`.

use super::{Gateway, Trouble, foreign_value};
use hickory_proto::op::{Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::rdata::NAPTR;
use hickory_proto::rr::{Name, RData, RecordType};
use hufu_ident::systems::oid::ors;
use hufu_ident::{Identifier, Value};
use hufu_net::dns_exchange;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// Values taken from one answer.
const VALUES: usize = 64;
/// The pattern that every ORS record has around its result; the delimiter may be another.
const PATTERN: &str = "^.*$";

/// The resolver and the zone that a gateway's URL names.
pub fn target(url: &str) -> Option<(SocketAddr, &str)> {
    let (server, zone) =
        url.strip_prefix("dns://")?.split_once('/').unwrap_or((url.strip_prefix("dns://")?, ors::ZONE));
    Some((server.parse().ok()?, zone)).filter(|(_, zone)| !zone.is_empty())
}

pub(super) async fn ask(gateway: &Gateway, name: &Identifier, wait: Duration) -> Result<Vec<Value>, Trouble> {
    let Some((_, oid)) = name.name().tagged() else { return Err(Trouble::Absent) };
    let (server, zone) = target(&gateway.url).ok_or_else(|| Trouble::Fault("the URL names no resolver".into()))?;
    ask_resolver(server, zone, oid, wait).await
}

/// The ORS records of an OID, as values.
pub(super) async fn ask_resolver(
    server: SocketAddr,
    zone: &str,
    oid: &str,
    wait: Duration,
) -> Result<Vec<Value>, Trouble> {
    // A name that DNS cannot carry is registered in no zone.
    let owner = ors::owner(oid, zone).ok_or(Trouble::Absent)?;
    let found = ask_owner(server, &owner, wait).await;
    match found {
        // Where a name is an alias, its data stand one label below.
        Ok(values) if values.is_empty() => ask_owner(server, &format!("{}.{owner}", ors::DUMMY), wait).await,
        other => other,
    }
    .and_then(|values| if values.is_empty() { Err(Trouble::Absent) } else { Ok(values) })
}

async fn ask_owner(server: SocketAddr, owner: &str, wait: Duration) -> Result<Vec<Value>, Trouble> {
    let fault = |error: &dyn std::fmt::Display| Trouble::Fault(error.to_string());
    let name = Name::from_str(owner).map_err(|error| fault(&error))?;
    let query = Query::query(name, RecordType::NAPTR);
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(query.clone());
    let octets = message.to_vec().map_err(|error| fault(&error))?;
    let id = message.metadata.id;
    let fits = |answer: &[u8]| Message::from_vec(answer).is_ok_and(|answer| is_answer(&answer, id, &query));
    let answer = dns_exchange(server, &octets, wait, fits).await.map_err(|error| fault(&error))?;
    let answer = Message::from_vec(&answer).map_err(|error| fault(&error))?;
    match answer.metadata.response_code {
        ResponseCode::NoError => Ok(values_of(&answer)),
        ResponseCode::NXDomain => Err(Trouble::Absent),
        code => Err(Trouble::Fault(format!("the resolver said {code}"))),
    }
}

fn is_answer(answer: &Message, id: u16, query: &Query) -> bool {
    let meta = &answer.metadata;
    meta.id == id && meta.message_type == MessageType::Response && answer.queries.first() == Some(query)
}

/// `ORS+…` services as values of that type; the results in the order of the records' order and preference.
fn values_of(answer: &Message) -> Vec<Value> {
    let mut records: Vec<(&NAPTR, u32)> = Vec::new();
    for record in &answer.answers {
        if let RData::NAPTR(naptr) = &record.data {
            records.push((naptr, record.ttl));
        }
    }
    records.sort_by_key(|(naptr, _)| (naptr.order, naptr.preference));
    let values = records.into_iter().filter_map(|(naptr, ttl)| Some((service(naptr)?, result(naptr)?, ttl)));
    values.take(VALUES).zip(1..).map(|((kind, data, ttl), index)| foreign_value(index, &kind, data, ttl)).collect()
}

fn service(naptr: &NAPTR) -> Option<String> {
    let service = std::str::from_utf8(&naptr.services).ok()?.to_ascii_uppercase();
    service.starts_with("ORS+").then_some(service)
}

/// The result between the delimiters, if the pattern is the one that takes the whole name.
fn result(naptr: &NAPTR) -> Option<String> {
    let regexp = std::str::from_utf8(&naptr.regexp).ok()?;
    let delimiter = regexp.chars().next()?;
    let mut parts = regexp.split(delimiter).skip(1);
    let (pattern, result) = (parts.next()?, parts.next()?);
    (pattern == PATTERN && !result.is_empty()).then(|| result.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_resolver_and_zone() {
        let zone = |url| target(url).map(|(server, zone)| (server.to_string(), zone.to_owned()));
        assert_eq!(zone("dns://192.0.2.53:53/ors.example.cn"), Some(("192.0.2.53:53".into(), "ors.example.cn".into())));
        assert_eq!(zone("dns://[2001:db8::53]:53"), Some(("[2001:db8::53]:53".into(), "oid-res.org".into())));
        assert_eq!([zone("dns://resolver/x"), zone("https://a/b"), zone("dns://192.0.2.53:53/")], [None, None, None]);
    }

    #[test]
    fn only_whole_name_results_are_taken() {
        let naptr = |service: &str, regexp: &str| {
            let [flags, service, regexp] = ["U", service, regexp].map(|text| text.as_bytes().into());
            NAPTR::new(0, 0, flags, service, regexp, Name::root())
        };
        assert_eq!(result(&naptr("ORS+UINF", "!^.*$!https://a.example/!")).as_deref(), Some("https://a.example/"));
        assert_eq!(result(&naptr("ORS+COID", "|^.*$|2.999|")).as_deref(), Some("2.999"));
        assert_eq!(result(&naptr("ORS+UINF", "!^(.*)$!\\1!")), None);
        assert_eq!(service(&naptr("ors+cinf", "")).as_deref(), Some("ORS+CINF"));
        assert_eq!(service(&naptr("E2U+sip", "")), None);
    }
}
