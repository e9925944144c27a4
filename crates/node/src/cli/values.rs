//! Values as people read them: one line for the data, a table for a record, and their JSON.

use super::screen::{Screen, number, printable, table};
use crate::http::value_json::data_to_json;
use comfy_table::{Cell, Table};
use hufu_ident::systems::handle::{AdminRecord, Data, Interface, KeyParts, PublicKey, Server, Site, keys, kind};
use hufu_ident::{Reference, Ttl, Value};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

/// Octets shown of data that are no text.
const SHOWN_OCTETS: usize = 24;

/// Data in one line.
pub fn data_line(kind: &[u8], data: &[u8]) -> String {
    if kind.eq_ignore_ascii_case(kind::SECKEY.as_bytes()) {
        return format!("({} secret octets)", data.len());
    }
    match Data::decode(kind, data) {
        Ok(Data::Text(text) | Data::Name(text)) => printable(&text),
        Ok(Data::Admin(admin)) => admin_line(&admin),
        Ok(Data::Site(site)) => site_line(&site),
        Ok(Data::PublicKey(key)) => key_line(&key),
        Ok(Data::ValueList(list)) => printable(&list.iter().map(Reference::to_string).collect::<Vec<_>>().join(", ")),
        Ok(Data::Octets(octets)) => octets_line(&octets),
        Err(error) => format!("{} ({error})", octets_line(data)),
    }
}

fn admin_line(admin: &AdminRecord) -> String {
    format!("{} {}", printable(&admin.admin.to_string()), admin.permission_string())
}

/// Serial, standing, then each server with its interfaces.
pub fn site_line(site: &Site) -> String {
    let standing = if site.is_primary() { "primary" } else { "mirror" };
    let described = site.attribute("desc").map(|text| format!(" “{}”", printable(&String::from_utf8_lossy(text))));
    let servers: Vec<String> = site.servers.iter().map(server_line).collect();
    format!("{standing}, serial {}{} · {}", site.serial, described.unwrap_or_default(), servers.join(" · "))
}

fn server_line(server: &Server) -> String {
    let interfaces: Vec<String> = server.interfaces.iter().map(interface_line).collect();
    format!("#{} {} {}", server.id, server.ip(), interfaces.join(" "))
}

/// `tcp:2641`, with what it serves if not both.
fn interface_line(interface: &Interface) -> String {
    let purpose = match interface.purpose {
        0 => " (off)",
        Interface::ADMIN => " (admin)",
        Interface::QUERY => " (query)",
        _ => "",
    };
    format!("{}:{}{purpose}", interface.protocol.name().to_ascii_lowercase(), interface.port)
}

fn key_line(key: &PublicKey) -> String {
    let bits = |number: &[u8]| keys::unsigned(number).len() * 8;
    match &key.parts {
        KeyParts::Rsa { n, .. } => format!("RSA, {} bits", bits(n)),
        KeyParts::Dsa { p, .. } => format!("DSA, {} bits", bits(p)),
        KeyParts::Dh { p, .. } => format!("Diffie–Hellman, {} bits", bits(p)),
        KeyParts::Sm2(_) => "SM2".into(),
        KeyParts::Other(_) => format!("{} (unknown)", printable(&String::from_utf8_lossy(&key.key_type))),
    }
}

fn octets_line(octets: &[u8]) -> String {
    let shown = hex::encode(&octets[..octets.len().min(SHOWN_OCTETS)]);
    match octets.len() {
        0..=SHOWN_OCTETS => format!("0x{shown}"),
        count => format!("0x{shown}… ({count} octets)"),
    }
}

/// A TTL as seconds, or as the time it ends.
fn ttl_text(ttl: Ttl) -> String {
    match ttl {
        Ttl::Relative(seconds) => seconds.to_string(),
        Ttl::Absolute(until) => time(until),
    }
}

fn time(seconds: u32) -> String {
    Timestamp::from_second(seconds.into()).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// The values of a record.
pub fn values_table(values: &[Value], screen: &Screen) -> Table {
    let headings = match screen.pick("zh", "en") {
        "zh" => ["索引", "类型", "数据", "TTL", "权限"],
        _ => ["INDEX", "TYPE", "DATA", "TTL", "PERMISSIONS"],
    };
    let mut out = table(&headings);
    for value in values {
        out.add_row([
            number(value.index),
            Cell::new(printable(&String::from_utf8_lossy(&value.kind))),
            Cell::new(data_line(&value.kind, &value.data)),
            number(ttl_text(value.ttl)),
            Cell::new(format!("{:04b}", value.permissions.0)),
        ]);
    }
    out
}

/// One value with every field, as `hufu create --values-file` reads it.
pub fn value_json(value: &Value) -> Json {
    let ttl = match value.ttl {
        Ttl::Relative(seconds) => Json::from(seconds),
        Ttl::Absolute(until) => time(until).into(),
    };
    let mut out = json!({
        "index": value.index,
        "type": String::from_utf8_lossy(&value.kind),
        "data": data_to_json(&value.kind, &value.data),
        "ttl": ttl,
        "permissions": format!("{:04b}", value.permissions.0 & 0x0F),
        "timestamp": (value.timestamp != 0).then(|| time(value.timestamp)),
    });
    if !value.references.is_empty() {
        let one = |reference: &Reference| json!({"handle": String::from_utf8_lossy(&reference.handle), "index": reference.index});
        out["references"] = value.references.iter().map(one).collect();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_ident::systems::handle::{Protocol, right};

    #[test]
    fn structured_data_fit_in_a_line() {
        let admin = AdminRecord::new(right::ALL, Reference::new(300, "0.NA/88.118.8"));
        assert_eq!(data_line(b"HS_ADMIN", &admin.to_bytes()), "300:0.NA/88.118.8 111111111111");
        let interface = |purpose, protocol| Interface { purpose, protocol, port: 2641 };
        let interfaces = vec![interface(2, Protocol::Udp), interface(3, Protocol::Tcp)];
        let server = Server::new(1, [127, 0, 0, 1].into(), Vec::new(), interfaces);
        let site = Site::new(3, vec![server]).with_attribute("desc", "示例");
        let line = "primary, serial 3 “示例” · #1 127.0.0.1 udp:2641 (query) tcp:2641";
        assert_eq!(data_line(b"HS_SITE", &site.to_bytes()), line);
        assert_eq!(data_line(b"HS_SECKEY", b"secret"), "(6 secret octets)");
        assert_eq!(data_line(b"X", &[0; 30]).chars().last(), Some(')'));
    }
}
