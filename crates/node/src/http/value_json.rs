//! Values as the JSON of the Handle HTTP API, both ways.
//!
//! What is written is what Handle.Net writes, key order included; what is read is every form it reads.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hufu_ident::systems::handle::wire::Version;
use hufu_ident::systems::handle::{
    AdminRecord, Attribute, Data, Interface, KeyParts, Protocol, PublicKey, Server, Site, keys, kind, kinds, right,
};
use hufu_ident::{CaseRule, Name, Permissions, RecordKey, Reference, Ttl, Value, ValueSet};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use std::fmt;
use std::net::IpAddr;

/// What is wrong with a JSON document, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// The way to the place, e.g. `values[0].data.format`; empty for the whole document.
    pub path: String,
    /// The rule that is broken there.
    pub rule: String,
}

impl JsonError {
    fn new(rule: impl Into<String>) -> Self {
        JsonError { path: String::new(), rule: rule.into() }
    }

    /// The same error, seen from one level further out.
    fn under(mut self, step: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{step}{dot}{}", self.path);
        self
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.rule),
            path => write!(f, "{path}: {}", self.rule),
        }
    }
}

impl std::error::Error for JsonError {}

type Read<T> = Result<T, JsonError>;

/// One value. Permissions of `1110`, a timestamp of 0 and an empty list of references are left out.
pub fn value_to_json(value: &Value) -> Json {
    let mut out = Map::new();
    out.insert("index".into(), value.index.into());
    out.insert("type".into(), String::from_utf8_lossy(&value.kind).into());
    out.insert("data".into(), data_to_json(&value.kind, &value.data));
    let bits = value.permissions.0 & ALL_PERMISSIONS;
    if bits != Permissions::default().0 {
        out.insert("permissions".into(), format!("{bits:04b}").into());
    }
    let ttl = match value.ttl {
        Ttl::Relative(seconds) => seconds.into(),
        Ttl::Absolute(until) => iso_time(until).into(),
    };
    out.insert("ttl".into(), ttl);
    if value.timestamp != 0 {
        out.insert("timestamp".into(), iso_time(value.timestamp).into());
    }
    if !value.references.is_empty() {
        out.insert("references".into(), references_to_json(&value.references));
    }
    out.into()
}

/// All values of a set, ascending by index.
pub fn values_to_json(values: &ValueSet) -> Json {
    values.iter().map(|value| value_to_json(&value.to_value())).collect()
}

/// `{"format":…,"value":…}`: as the type says where the data decode, else as text, else in base64.
pub fn data_to_json(kind: &[u8], data: &[u8]) -> Json {
    structured(kind, data).unwrap_or_else(|| octets_to_json(data))
}

fn structured(kind: &[u8], data: &[u8]) -> Option<Json> {
    let (format, value) = match Data::decode(kind, data).ok()? {
        Data::Admin(admin) => ("admin", admin_to_json(&admin)?),
        Data::ValueList(list) => ("vlist", references_to_json(&list)),
        Data::Site(site) if !kind.eq_ignore_ascii_case(kind::SITE_6.as_bytes()) => ("site", site_to_json(&site)),
        Data::PublicKey(key) => ("key", key_to_json(&key)?),
        _ => return None,
    };
    Some(json!({"format": format, "value": value}))
}

fn octets_to_json(data: &[u8]) -> Json {
    match std::str::from_utf8(data) {
        Ok(text) if kinds::is_text(text) => json!({"format": "string", "value": text}),
        _ => base64_json(data),
    }
}

fn base64_json(data: &[u8]) -> Json {
    json!({"format": "base64", "value": STANDARD.encode(data)})
}

/// None for an administrator whose name is not UTF-8: such data have no JSON form but base64.
fn admin_to_json(admin: &AdminRecord) -> Option<Json> {
    let handle = std::str::from_utf8(&admin.admin.handle).ok()?;
    Some(json!({"handle": handle, "index": admin.admin.index, "permissions": admin.permission_string()}))
}

pub(super) fn references_to_json(references: &[Reference]) -> Json {
    let one =
        |reference: &Reference| json!({"handle": String::from_utf8_lossy(&reference.handle), "index": reference.index});
    references.iter().map(one).collect()
}

/// A site; the hash option is left out when it is the usual one (by the whole handle).
pub fn site_to_json(site: &Site) -> Json {
    let mut out = Map::new();
    out.insert("version".into(), site.format.into());
    out.insert("protocolVersion".into(), format!("{}.{}", site.version.major, site.version.minor).into());
    out.insert("serialNumber".into(), site.serial.into());
    out.insert("primarySite".into(), site.is_primary().into());
    out.insert("multiPrimary".into(), (site.primary_mask & Site::MULTI_PRIMARY != 0).into());
    if site.hash_option != Site::HASH_ALL {
        out.insert("hashOption".into(), site.hash_option.into());
    }
    if !site.hash_filter.is_empty() {
        out.insert("hashFilter".into(), bare_text(&site.hash_filter));
    }
    let attribute = |a: &Attribute| json!({"name": bare_text(&a.name), "value": bare_text(&a.value)});
    out.insert("attributes".into(), site.attributes.iter().map(attribute).collect());
    out.insert("servers".into(), site.servers.iter().map(server_to_json).collect());
    out.into()
}

/// A bare string where the octets are text, else an object with a format.
fn bare_text(octets: &[u8]) -> Json {
    match std::str::from_utf8(octets) {
        Ok(text) if kinds::is_text(text) => text.into(),
        _ => base64_json(octets),
    }
}

fn server_to_json(server: &Server) -> Json {
    let key = PublicKey::decode(&server.public_key).ok().and_then(|key| key_to_json(&key));
    let key = key.map(|key| json!({"format": "key", "value": key}));
    let interface = |interface: &Interface| {
        let protocol = match interface.protocol {
            Protocol::Other(number) => number.into(),
            known => Json::from(known.name()),
        };
        let (query, admin) = (interface.serves(Interface::QUERY), interface.serves(Interface::ADMIN));
        json!({"query": query, "admin": admin, "protocol": protocol, "port": interface.port})
    };
    json!({
        "serverId": server.id,
        "address": server.ip().to_string(),
        "publicKey": key.unwrap_or_else(|| base64_json(&server.public_key)),
        "interfaces": server.interfaces.iter().map(interface).collect::<Json>(),
    })
}

/// An RSA or DSA key as JWK (RFC 7518 §6); other keys have no such form here.
pub fn key_to_json(key: &PublicKey) -> Option<Json> {
    let number = |octets: &[u8]| URL_SAFE_NO_PAD.encode(keys::unsigned(octets));
    match &key.parts {
        KeyParts::Rsa { e, n, .. } => Some(json!({"kty": "RSA", "n": number(n), "e": number(e)})),
        KeyParts::Dsa { q, p, g, y } => {
            Some(json!({"kty": "DSA", "y": number(y), "p": number(p), "q": number(q), "g": number(g)}))
        }
        _ => None,
    }
}

/// Unix seconds as `2026-11-20T16:08:31Z`.
pub(super) fn iso_time(seconds: u32) -> String {
    Timestamp::from_second(seconds.into()).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// The values of a request body: an array of values, `{"values":[…]}`, or one value. A `handle` next to
/// `values` must be the one in the path.
pub fn body_to_values(body: &Json, path_handle: &str) -> Read<Vec<Value>> {
    if body.is_array() {
        return list(body, value_from_json);
    }
    if find(body, "values").is_none() {
        return Ok(vec![value_from_json(body)?]);
    }
    let key = |handle: &str| RecordKey::of(Name::new(handle), CaseRule::Insensitive);
    let same = |json: &Json| match key(text(json)?) == key(path_handle) {
        true => Ok(()),
        false => Err(JsonError::new("must be the identifier in the path")),
    };
    optional(body, "handle", same)?;
    member(body, "values", |json| list(json, value_from_json))
}

/// Reads one value. The timestamp is ignored, because the server sets it.
pub fn value_from_json(json: &Json) -> Read<Value> {
    if !json.is_object() {
        return Err(JsonError::new("must be a value: an object with index, type and data"));
    }
    Ok(Value {
        index: member(json, "index", positive)?,
        timestamp: 0,
        ttl: optional(json, "ttl", ttl_from_json)?.unwrap_or_default(),
        permissions: optional(json, "permissions", permissions_from_json)?.unwrap_or_default(),
        kind: member(json, "type", |json| Ok(text(json)?.as_bytes().to_vec()))?,
        data: member(json, "data", data_from_json)?,
        references: optional(json, "references", |json| list(json, reference_from_json))?.unwrap_or_default(),
    })
}

fn ttl_from_json(json: &Json) -> Read<Ttl> {
    if json.is_number() {
        return number(json).map(Ttl::Relative);
    }
    let time = json.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let seconds = time.and_then(|time| u32::try_from(time.as_second()).ok());
    seconds.map(Ttl::Absolute).ok_or_else(|| JsonError::new("must be seconds, or a time like 2030-01-01T00:00:00Z"))
}

const ALL_PERMISSIONS: u8 = 0x0F;

fn permissions_from_json(json: &Json) -> Read<Permissions> {
    let bits = match text(json)? {
        "*" => Some(ALL_PERMISSIONS),
        text => binary(text).and_then(|bits| u8::try_from(bits).ok()).filter(|bits| *bits <= ALL_PERMISSIONS),
    };
    bits.map(Permissions).ok_or_else(|| {
        JsonError::new("must be \"*\" or four characters 0 or 1: admin read, admin write, public read, public write")
    })
}

/// Reads data: a bare string, or an object with `format` and `value`.
pub fn data_from_json(json: &Json) -> Read<Vec<u8>> {
    match json {
        Json::String(text) => Ok(text.as_bytes().to_vec()),
        Json::Object(_) => {
            let known = |json: &Json| FORMATS.into_iter().find(|format| json == format);
            let rule = || JsonError::new(format!("must be one of {}", FORMATS.join(", ")));
            let format = member(json, "format", |json| known(json).ok_or_else(rule))?;
            member(json, "value", |value| formatted(format, value))
        }
        _ => Err(JsonError::new("must be a string, or an object with format and value")),
    }
}

const FORMATS: [&str; 7] = ["string", "base64", "hex", "admin", "vlist", "site", "key"];

fn formatted(format: &str, value: &Json) -> Read<Vec<u8>> {
    match format {
        "base64" => STANDARD.decode(text(value)?).map_err(|error| JsonError::new(format!("base64: {error}"))),
        "hex" => hex::decode(text(value)?).map_err(|error| JsonError::new(format!("hex: {error}"))),
        "admin" => admin_from_json(value).map(|admin| admin.to_bytes()),
        "vlist" => list(value, reference_from_json).map(|list| Data::ValueList(list).to_bytes()),
        "site" => site_from_json(value).map(|site| site.to_bytes()),
        "key" => key_from_json(value).map(|key| key.to_bytes()),
        _ => Ok(text(value)?.as_bytes().to_vec()),
    }
}

fn reference_from_json(json: &Json) -> Read<Reference> {
    Ok(Reference::new(member(json, "index", number)?, member(json, "handle", text)?))
}

fn admin_from_json(json: &Json) -> Read<AdminRecord> {
    Ok(AdminRecord::new(member(json, "permissions", rights_from_json)?, reference_from_json(json)?))
}

/// Rights as twelve characters or `"*"`, as a number whose bits they are, as `true` for all, or as an array
/// with ADD_HANDLE first.
fn rights_from_json(json: &Json) -> Read<u16> {
    let rights = match json {
        Json::Bool(true) => Some(right::ALL),
        Json::Bool(false) => Some(0),
        Json::String(text) if text == "*" => Some(right::ALL),
        Json::String(text) => binary(text).and_then(|bits| u16::try_from(bits).ok()),
        Json::Number(bits) => bits.as_u64().and_then(|bits| u16::try_from(bits).ok()),
        Json::Array(flags) if flags.len() <= 12 => {
            let bit = |(at, flag): (usize, &Json)| match flag {
                Json::Bool(on) => Some(u16::from(*on) << at),
                other => other.as_u64().filter(|bit| *bit <= 1).map(|bit| (bit as u16) << at),
            };
            flags.iter().enumerate().map(bit).sum()
        }
        _ => None,
    };
    let rule =
        "must be twelve characters 0 or 1 (LIST_HANDLES first), \"*\", true, a number below 4096, or an array of 12";
    rights.filter(|bits| *bits <= right::ALL).ok_or_else(|| JsonError::new(rule))
}

/// Reads a site, also with the old spelling of its keys (`ServerList`, `Address`, …).
pub fn site_from_json(json: &Json) -> Read<Site> {
    let flag = |key, bit| Ok(if optional(json, key, boolean)?.unwrap_or(false) { bit } else { 0 });
    let servers_key = if find(json, "serverList").is_some() { "serverList" } else { "servers" };
    Ok(Site {
        format: optional(json, "version", number)?.unwrap_or(1),
        version: optional(json, "protocolVersion", version_from_json)?.unwrap_or(Version::new(2, 11)),
        serial: optional(json, "serialNumber", number)?.unwrap_or(1),
        primary_mask: flag("primarySite", Site::PRIMARY)? | flag("multiPrimary", Site::MULTI_PRIMARY)?,
        hash_option: optional(json, "hashOption", number)?.unwrap_or(Site::HASH_ALL),
        hash_filter: optional(json, "hashFilter", data_from_json)?.unwrap_or_default(),
        attributes: optional(json, "attributes", attributes_from_json)?.unwrap_or_default(),
        servers: member(json, servers_key, |json| list(json, server_from_json))?,
    })
}

fn version_from_json(json: &Json) -> Read<Version> {
    let parts = json.as_str().and_then(|text| text.split_once('.'));
    let version = parts.and_then(|(major, minor)| Some(Version::new(major.parse().ok()?, minor.parse().ok()?)));
    version.ok_or_else(|| JsonError::new("must be a version like \"2.11\""))
}

fn attributes_from_json(json: &Json) -> Read<Vec<Attribute>> {
    let Json::Object(object) = json else {
        return list(json, |one| {
            Ok(Attribute { name: member(one, "name", data_from_json)?, value: member(one, "value", data_from_json)? })
        });
    };
    let one = |(name, value): (&String, &Json)| {
        let value = data_from_json(value).map_err(|error| error.under(name))?;
        Ok(Attribute { name: name.as_bytes().to_vec(), value })
    };
    object.iter().map(one).collect()
}

fn server_from_json(json: &Json) -> Read<Server> {
    let address =
        |json: &Json| text(json)?.parse::<IpAddr>().map_err(|_| JsonError::new("must be an IPv4 or IPv6 address"));
    let interfaces_key = if find(json, "interfaceList").is_some() { "interfaceList" } else { "interfaces" };
    Ok(Server::new(
        member(json, "serverId", number)?,
        member(json, "address", address)?,
        optional(json, "publicKey", data_from_json)?.unwrap_or_default(),
        member(json, interfaces_key, |json| list(json, interface_from_json))?,
    ))
}

fn interface_from_json(json: &Json) -> Read<Interface> {
    let protocol = |json: &Json| match json {
        Json::Number(_) => number(json).map(Protocol::Other),
        _ => Protocol::parse(text(json)?).ok_or_else(|| JsonError::new("must be UDP, TCP, HTTP or HTTPS")),
    };
    let flag = |key, bit| Ok(if optional(json, key, boolean)?.unwrap_or(false) { bit } else { 0 });
    Ok(Interface {
        purpose: flag("query", Interface::QUERY)? | flag("admin", Interface::ADMIN)?,
        protocol: member(json, "protocol", protocol)?,
        port: member(json, "port", number)?,
    })
}

/// Reads an RSA or DSA key from its JWK.
pub fn key_from_json(json: &Json) -> Read<PublicKey> {
    let number = |key| {
        let decode = |json: &Json| {
            URL_SAFE_NO_PAD.decode(text(json)?).map_err(|error| JsonError::new(format!("base64url: {error}")))
        };
        member(json, key, decode)
    };
    match member(json, "kty", text)? {
        "RSA" => Ok(PublicKey::rsa(&number("e")?, &number("n")?)),
        "DSA" => Ok(PublicKey::dsa(&number("q")?, &number("p")?, &number("g")?, &number("y")?)),
        _ => Err(JsonError::new("must be RSA or DSA").under("kty")),
    }
}

/// A member by its name, exactly or without regard to case; `null` counts as missing.
fn find<'a>(json: &'a Json, key: &str) -> Option<&'a Json> {
    let object = json.as_object()?;
    let folded = || object.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value);
    object.get(key).or_else(folded).filter(|value| !value.is_null())
}

fn optional<'a, T>(json: &'a Json, key: &str, read: impl FnOnce(&'a Json) -> Read<T>) -> Read<Option<T>> {
    find(json, key).map(read).transpose().map_err(|error| error.under(key))
}

fn member<'a, T>(json: &'a Json, key: &str, read: impl FnOnce(&'a Json) -> Read<T>) -> Read<T> {
    optional(json, key, read)?.ok_or_else(|| JsonError::new("is missing").under(key))
}

fn list<T>(json: &Json, read: impl Fn(&Json) -> Read<T>) -> Read<Vec<T>> {
    let items = json.as_array().ok_or_else(|| JsonError::new("must be an array"))?;
    let one = |(at, item)| read(item).map_err(|error| error.under(&format!("[{at}]")));
    items.iter().enumerate().map(one).collect()
}

fn text(json: &Json) -> Read<&str> {
    json.as_str().ok_or_else(|| JsonError::new("must be a string"))
}

fn boolean(json: &Json) -> Read<bool> {
    json.as_bool().ok_or_else(|| JsonError::new("must be true or false"))
}

fn number<N: TryFrom<u64>>(json: &Json) -> Read<N> {
    let number = json.as_u64().and_then(|number| N::try_from(number).ok());
    number.ok_or_else(|| JsonError::new("must be a whole number that is not negative and fits"))
}

fn positive(json: &Json) -> Read<u32> {
    number(json).ok().filter(|index| *index > 0).ok_or_else(|| JsonError::new("must be a positive whole number"))
}

fn binary(text: &str) -> Option<u32> {
    text.bytes().all(|digit| matches!(digit, b'0' | b'1')).then(|| u32::from_str_radix(text, 2).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// Recorded facts, where they are at hand; a notice where they are not.
    fn recorded(file: &str) -> Vec<Json> {
        let beside = || Some(format!("{}/../../../shared", std::env::var("CARGO_MANIFEST_DIR").ok()?));
        let root = std::env::var("HUFU_SHARED").ok().or_else(beside).unwrap_or_default();
        match std::fs::read_to_string(format!("{root}/vectors/handle/{file}")) {
            Ok(text) => serde_json::from_str(&text).unwrap(),
            Err(error) => {
                writeln!(std::io::stderr(), "skipped: {file} is not at hand ({error})").unwrap();
                Vec::new()
            }
        }
    }

    #[test]
    fn recorded_data_have_the_recorded_json() {
        for vector in recorded("values.json") {
            let field = |key: &str| vector[key].as_str().unwrap();
            let Some((_, expected)) = field("meaning").split_once("json=") else {
                continue;
            };
            let (kind, _) = field("name").split_once('.').unwrap();
            let octets = hex::decode(field("hex")).unwrap();
            let expected: Json = serde_json::from_str(expected).unwrap();
            let data = expected.get("data").cloned().unwrap_or_else(
                || json!({"format": if kind == "HS_SITE" { "site" } else { "admin" }, "value": expected}),
            );
            assert_eq!(data_to_json(kind.as_bytes(), &octets).to_string(), data.to_string(), "{}", field("name"));
            assert_eq!(data_from_json(&data).unwrap(), octets, "{}", field("name"));
        }
    }

    #[test]
    fn a_recorded_put_comes_back_as_the_recorded_get() {
        let exchanges = recorded("rest.json");
        let of = |name: &str, part: &str| -> Option<Json> {
            let exchange = exchanges.iter().find(|exchange| exchange["name"] == name)?;
            serde_json::from_str(exchange[part].as_str()?).ok()
        };
        let Some(put) = of("put_formats", "request_body") else {
            return;
        };
        let got = of("get_formats_auth", "response_body").unwrap();
        let mut values = body_to_values(&put, "20.500.TEST/fmt").unwrap();
        let time: Timestamp = got["values"][0]["timestamp"].as_str().unwrap().parse().unwrap();
        values.iter_mut().for_each(|value| value.timestamp = time.as_second() as u32);
        assert_eq!(values_to_json(&ValueSet::from_values(values)).to_string(), got["values"].to_string());
    }

    #[test]
    fn every_input_form_is_read() {
        let data = |json: Json| data_from_json(&json).unwrap();
        assert_eq!(data(json!("虎符")), "虎符".as_bytes());
        assert_eq!(data(json!({"format": "hex", "value": "00fF10"})), [0, 0xFF, 0x10]);
        for (permissions, bits) in [
            (json!("011111110011"), 0x7F3),
            (json!("10"), 2),
            (json!("*"), 0xFFF),
            (json!(true), 0xFFF),
            (json!(4095), 0xFFF),
            (json!([true, 0, 1]), 5),
        ] {
            let admin = json!({"handle": "0.NA/20", "index": 300, "permissions": permissions});
            assert_eq!(admin_from_json(&admin).unwrap().permissions, bits, "{permissions}");
        }
        let value = |permissions, ttl| json!({"index": 1, "type": "URL", "data": "u", "permissions": permissions, "ttl": ttl, "timestamp": "x"});
        let read = value_from_json(&value("0110", json!("2030-01-01T08:00:00+08:00"))).unwrap();
        assert_eq!((read.permissions.0, read.ttl, read.timestamp), (6, Ttl::Absolute(1_893_456_000), 0));
        assert_eq!(value_from_json(&value("*", json!(60))).unwrap().permissions.0, 15);
    }

    #[test]
    fn old_site_spelling_is_read() {
        let old = json!({"Version": 1, "SerialNumber": 3, "PrimarySite": true, "attributes": {"desc": "old"},
            "ServerList": [{"ServerId": 1, "Address": "192.0.2.1",
                "InterfaceList": [{"Query": true, "Admin": false, "Protocol": "udp", "Port": 2641}]}]});
        let site = site_from_json(&old).unwrap();
        assert_eq!((site.serial, site.primary_mask, site.hash_option), (3, Site::PRIMARY, Site::HASH_ALL));
        assert_eq!(site.attribute("desc"), Some(b"old".as_slice()));
        assert_eq!(site_from_json(&site_to_json(&site)).unwrap(), site);
    }

    #[test]
    fn data_that_break_their_type_are_shown_as_they_are() {
        assert_eq!(data_to_json(b"HS_ADMIN", b"no").to_string(), r#"{"format":"string","value":"no"}"#);
        assert_eq!(data_to_json(b"HS_PUBKEY", &[0, 1]).to_string(), r#"{"format":"base64","value":"AAE="}"#);
    }

    #[test]
    fn errors_name_the_place_and_the_rule() {
        let one = |extra: Json| {
            let mut value = json!({"index": 1, "type": "URL", "data": "u"});
            value.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            json!({"values": [value]})
        };
        for (body, expected) in [
            (json!(3), "must be a value"),
            (json!({"handle": "20.500/b", "values": []}), "handle: must be the identifier in the path"),
            (json!({"values": {}}), "values: must be an array"),
            (json!([{"index": 1, "type": "URL"}]), "[0].data: is missing"),
            (one(json!({"index": 0})), "values[0].index: must be a positive"),
            (one(json!({"data": ["u"]})), "values[0].data: must be a string, or"),
            (one(json!({"data": {"format": "x", "value": ""}})), "values[0].data.format: must be one of string"),
            (one(json!({"data": {"format": "base64", "value": "*"}})), "values[0].data.value: base64: "),
            (one(json!({"permissions": "11111"})), "values[0].permissions: must be \"*\""),
            (one(json!({"ttl": -1})), "values[0].ttl: must be a whole number"),
            (one(json!({"references": [{"handle": "h"}]})), "values[0].references[0].index: is missing"),
        ] {
            let error = body_to_values(&body, "20.500/a").unwrap_err().to_string();
            assert!(error.starts_with(expected), "{body} → {error}");
        }
        assert!(body_to_values(&json!({"handle": "20.500/A", "values": []}), "20.500/a").is_ok());
    }
}
