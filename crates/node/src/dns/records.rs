//! NAPTR records of a node, made from the values of its record (ITU-T X.672; RFC 3403).

use super::tree::LABEL;
use hickory_proto::rr::rdata::NAPTR;
use hickory_proto::rr::{Name, RData, Record};
use hufu_ident::ValueSet;
use hufu_ident::systems::handle::kind;

/// Octets of one character string (RFC 1035 §3.3).
const STRING: usize = 255;
/// The start of the types that are services of the resolution system.
const ORS: &str = "ORS+";
/// NAPTR records of one node.
const RECORDS: usize = 64;
/// All have one order; the preference goes up from here, so that a client may stop at the first of a type.
const ORDER: u16 = 100;
const PREFERENCE: u16 = 10;

/// One service of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    pub name: String,
    pub result: String,
    /// Seconds.
    pub ttl: u32,
}

/// What is known of a node beside its values.
pub(super) struct Circumstances<'a> {
    pub dotted: &'a str,
    /// Where this node serves its own documents; `None` for somebody else's record.
    pub documents: Option<&'a str>,
    /// Whether it has children here.
    pub children: bool,
    /// Unix seconds.
    pub now: u64,
}

/// The services of a node: the canonical identifier always, then what its values say, then our own documents.
pub(super) fn services(values: &ValueSet, about: &Circumstances<'_>) -> Vec<Service> {
    let ttl = values.shortest_ttl(about.now);
    let mut services = vec![Service { name: format!("{ORS}COID"), result: about.dotted.into(), ttl }];
    services.extend(explicit(values, about.now));
    let has = |services: &[Service], name: &str| services.iter().any(|own| own.name.eq_ignore_ascii_case(name));
    if !has(&services, "ORS+UINF")
        && let Some(url) = values.iter().find(|value| value.is_kind(kind::URL))
        && let Ok(result) = std::str::from_utf8(url.data)
    {
        let ttl = url.ttl.seconds_left(about.now);
        services.push(Service { name: format!("{ORS}UINF"), result: result.into(), ttl });
    }
    for (name, file, due) in [("ORS+CINF", "cinf.xml", about.children), ("ORS+RINF", "rinf.xml", true)] {
        if let Some(base) = about.documents.filter(|_| due && !has(&services, name)) {
            let result = format!("{base}/oid/{}/{file}", about.dotted);
            services.push(Service { name: name.into(), result, ttl });
        }
    }
    services
}

/// The values whose type is a service.
fn explicit(values: &ValueSet, now: u64) -> Vec<Service> {
    let of_value = |value: hufu_ident::ValueRef<'_>| {
        let name = std::str::from_utf8(value.kind).ok()?;
        let start = name.get(..ORS.len())?;
        let legal = name.len() <= STRING && name.bytes().all(|octet| octet.is_ascii_graphic());
        let other = value.is_kind(LABEL) || value.is_kind("ORS+COID");
        if !start.eq_ignore_ascii_case(ORS) || !legal || other {
            return None;
        }
        let result = std::str::from_utf8(value.data).ok()?.to_owned();
        Some(Service { name: name.to_owned(), result, ttl: value.ttl.seconds_left(now) })
    };
    values.iter().filter_map(of_value).take(RECORDS).collect()
}

/// The records of the services; what does not fit into a character string is served over HTTP only.
pub(super) fn naptr(owner: &Name, services: &[Service], cap: u32) -> Vec<Record> {
    // One RRset has one TTL (RFC 2181 §5.2).
    let ttl = services.iter().map(|service| service.ttl).min().unwrap_or_default().min(cap);
    let fitting = services.iter().filter_map(|service| Some((service, regexp(&service.result)?)));
    let record = |(number, (service, regexp)): (u16, (&Service, String))| {
        let preference = number.saturating_mul(PREFERENCE);
        let [flags, name, regexp] =
            [&b"U"[..], service.name.as_bytes(), regexp.as_bytes()].map(|text| text.to_vec().into_boxed_slice());
        let naptr = NAPTR::new(ORDER, preference, flags, name, regexp, Name::root());
        Record::from_rdata(owner.clone(), ttl, RData::NAPTR(naptr))
    };
    (1..).zip(fitting).map(record).collect()
}

/// The fixed substitution `!^.*$!result!`; `None` if it cannot be one.
fn regexp(result: &str) -> Option<String> {
    // The delimiter and the escape must not stand in the result; both are legal in a URL only escaped or not at all.
    let result = result.replace('!', "%21").replace('\\', "%5C");
    let text = format!("!^.*$!{result}!");
    (text.len() <= STRING && !result.contains(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_ident::Value;

    fn about(documents: Option<&str>) -> Circumstances<'_> {
        Circumstances { dotted: "1.2.156.7", documents, children: true, now: 0 }
    }

    #[test]
    fn services_come_from_the_values_and_our_own_documents_fill_the_gaps() {
        let values = ValueSet::from_values(vec![
            Value::new(1, "URL", "https://a.example/x"),
            Value::new(2, "ors+rinf", "https://a.example/r.xml"),
            Value::new(3, "ORS+snas", "coap://a.example"),
            Value::new(4, LABEL, "名"),
            Value::new(5, "ORS+COID", "9.9"),
        ]);
        let found = services(&values, &about(Some("http://n")));
        let found: Vec<_> = found.iter().map(|service| (&service.name[..], &service.result[..])).collect();
        assert_eq!(
            found,
            [
                ("ORS+COID", "1.2.156.7"),
                ("ors+rinf", "https://a.example/r.xml"),
                ("ORS+snas", "coap://a.example"),
                ("ORS+UINF", "https://a.example/x"),
                ("ORS+CINF", "http://n/oid/1.2.156.7/cinf.xml"),
            ]
        );
        let others = services(&values, &about(None));
        assert!(others.iter().all(|service| !service.name.contains("CINF")));
    }

    #[test]
    fn a_result_never_ends_its_substitution_early() {
        assert_eq!(regexp("http://a/!b\\1").as_deref(), Some("!^.*$!http://a/%21b%5C1!"));
        assert_eq!(regexp(&"x".repeat(249)), None);
        assert_eq!(regexp("a\nb"), None);
    }
}
