//! Checks of the delegation data that a holder sends. Pure.

use super::prefix::DelegationData;
use super::rules::PrefixRules;
use crate::checks::{Reach, address};
use crate::error::{FieldRefusal, Refusal};
use crate::outbox::Server;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hufu_ident::Reference;
use hufu_ident::systems::handle::PublicKey;

/// Servers of one prefix.
pub const SERVERS_MOST: usize = 16;
/// Administrators of one prefix.
pub const ADMINISTRATORS_MOST: usize = 16;
/// Octets of a public key.
const KEY_OCTETS: usize = 4096;
/// Octets of an administrator's name.
const NAME_OCTETS: usize = 1024;

/// All fields that are not acceptable.
pub fn check(data: &DelegationData, rules: &PrefixRules) -> Result<(), Refusal> {
    let mut fields = Vec::new();
    let mut most = |field: &str, found: usize, most: usize| {
        if found > most {
            let (zh, en) = (format!("最多 {most} 个"), format!("there are {most} at most"));
            fields.push(FieldRefusal::new(field, "too-many", zh, en));
        }
    };
    most("servers", data.servers.len(), SERVERS_MOST);
    most("administrators", data.administrators.len(), ADMINISTRATORS_MOST);
    for (position, server) in data.servers.iter().enumerate().take(SERVERS_MOST) {
        check_server(server, &format!("servers.{position}"), rules, &mut fields);
    }
    for (position, name) in data.administrators.iter().enumerate().take(ADMINISTRATORS_MOST) {
        let indexed = name.split_once(':').is_some_and(|(index, _)| index.parse::<u32>().is_ok());
        let good = indexed
            && name.len() <= NAME_OCTETS
            && Reference::parse(name).is_some_and(|reference| std::str::from_utf8(&reference.handle).is_ok());
        if !good {
            let (zh, en) = (
                "管理员应写作 序号:标识，如 300:0.NA/88.118.8",
                "an administrator is index:handle, as in 300:0.NA/88.118.8",
            );
            fields.push(FieldRefusal::new(format!("administrators.{position}"), "administrator-form", zh, en));
        }
    }
    if fields.is_empty() { Ok(()) } else { Err(Refusal::fields(fields)) }
}

fn check_server(server: &Server, at: &str, rules: &PrefixRules, fields: &mut Vec<FieldRefusal>) {
    let reach = if rules.private_addresses { Reach::Anywhere } else { Reach::Public };
    if let Err(refusal) = address::address(&server.address, reach) {
        fields.push(FieldRefusal::of(format!("{at}.address"), &refusal));
    }
    let ports = [server.udp, server.tcp, server.http];
    if ports.iter().all(Option::is_none) || ports.contains(&Some(0)) {
        let (zh, en) = (
            "请至少填写一个端口（UDP、TCP 或 HTTP），1–65535",
            "give at least one port (udp, tcp or http), 1 to 65535",
        );
        fields.push(FieldRefusal::new(at, "server-ports", zh, en));
    }
    let Some(key) = &server.public_key else { return };
    let decoded = (key.len() <= KEY_OCTETS * 2).then(|| STANDARD.decode(key).ok()).flatten();
    let good = decoded.is_some_and(|octets| octets.len() <= KEY_OCTETS && PublicKey::decode(&octets).is_ok());
    if !good {
        let (zh, en) = ("公钥应为 Handle 公钥字节的 base64", "a key is the octets of a Handle public key in base64");
        fields.push(FieldRefusal::new(format!("{at}.publicKey"), "public-key", zh, en));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(address: &str) -> Server {
        Server { address: address.into(), udp: Some(2641), tcp: Some(2641), http: None, public_key: None }
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let public = PrefixRules::default();
        let good = DelegationData { servers: vec![server("8.8.8.8"), server("2400:3200::1")], ..Default::default() };
        assert_eq!(check(&good, &public), Ok(()));
        let wrong = DelegationData {
            servers: vec![
                server("127.0.0.1"),
                server("host"),
                Server { udp: None, tcp: None, ..server("8.8.8.8") },
                Server { udp: Some(0), ..server("8.8.8.8") },
                Server { public_key: Some("AAAA".into()), ..server("8.8.8.8") },
            ],
            below: false,
            administrators: vec!["x".into(), "300:0.NA/88.118.8".into()],
        };
        let fields: Vec<_> = check(&wrong, &public).unwrap_err().fields.into_iter().map(|f| f.field).collect();
        let expected = [
            "servers.0.address",
            "servers.1.address",
            "servers.2",
            "servers.3",
            "servers.4.publicKey",
            "administrators.0",
        ];
        assert_eq!(fields, expected);
        let closed = PrefixRules { private_addresses: true, ..public };
        assert_eq!(check(&DelegationData { servers: vec![server("10.0.0.1")], ..Default::default() }, &closed), Ok(()));
    }

    #[test]
    fn counts_are_bounded() {
        let many = DelegationData { servers: vec![server("8.8.8.8"); SERVERS_MOST + 1], ..Default::default() };
        assert_eq!(check(&many, &PrefixRules::default()).unwrap_err().fields[0].code, "too-many");
    }
}
