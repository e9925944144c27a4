//! Addresses of services: single IP addresses, and the lists `[ip]:port;[ip]:port` of table T1, row 35.

use super::{Reach, length};
use hufu_ident::Refusal;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const CLAUSE: &str = "top-level interface T1-35, T1-45";
/// `ipPort` and `extIpAddr` have at most so many characters.
const LIST_LENGTH: usize = 255;

/// A special range: first address, bits of its prefix, what it is for, where it is laid down.
type Range<Ip> = (Ip, u32, &'static str, &'static str, &'static str);

/// IANA IPv4 special-purpose registry: what is not globally reachable, and multicast.
const SPECIAL_V4: [Range<Ipv4Addr>; 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "本网络", "this network", "RFC 791 §3.2"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "私有", "private", "RFC 1918"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "运营商共享", "shared by carriers", "RFC 6598"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "环回", "loopback", "RFC 1122 §3.2.1.3"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "链路本地", "link-local", "RFC 3927"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "私有", "private", "RFC 1918"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "协议保留", "for protocols", "RFC 6890 §2.1"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "文档示例", "for documentation", "RFC 5737"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "已停用", "deprecated", "RFC 7526"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "私有", "private", "RFC 1918"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "测试", "for benchmarks", "RFC 2544"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "文档示例", "for documentation", "RFC 5737"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "文档示例", "for documentation", "RFC 5737"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "组播", "multicast", "RFC 5771"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "保留", "reserved", "RFC 1112 §4"),
];

/// IANA IPv6 special-purpose registry within the global unicast space 2000::/3.
const SPECIAL_V6: [Range<Ipv6Addr>; 5] = [
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "文档示例", "for documentation", "RFC 3849"),
    // After the longer prefix: the ranges are looked through in order.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "协议保留", "for protocols", "RFC 2928"),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "已停用的6to4", "6to4, deprecated", "RFC 7526"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "文档示例", "for documentation", "RFC 9637"),
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16, "已停用的6bone", "6bone, deprecated", "RFC 3701"),
];

/// The IPv6 ranges outside 2000::/3 that have a name of their own.
const OUTSIDE_V6: [Range<Ipv6Addr>; 6] = [
    (Ipv6Addr::UNSPECIFIED, 128, "未指定", "unspecified", "RFC 4291 §2.5.2"),
    (Ipv6Addr::LOCALHOST, 128, "环回", "loopback", "RFC 4291 §2.5.3"),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, "IPv4映射", "IPv4-mapped", "RFC 4291 §2.5.5.2"),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "私有", "private", "RFC 4193"),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, "链路本地", "link-local", "RFC 4291 §2.5.6"),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, "组播", "multicast", "RFC 4291 §2.7"),
];

/// An address and a port on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    pub ip: IpAddr,
    pub port: u16,
}

/// `[192.0.2.1]:2641`, as the tables have it, for both kinds of addresses.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]:{}", self.ip, self.port)
    }
}

/// Parses one address, which must be reachable as said.
pub fn address(text: &str, reach: Reach) -> Result<IpAddr, Refusal> {
    let ip: IpAddr = text.parse().map_err(|_| {
        let (zh, en) = ("不是IPv4或IPv6地址", "this is no IPv4 or IPv6 address");
        Refusal::new("address-form", CLAUSE, zh, en).at(0)
    })?;
    match special(ip).filter(|_| reach == Reach::Public) {
        Some((zh, en, clause)) => {
            let (zh, en) = (format!("{ip}是{zh}地址，公网不可达"), format!("{ip} is not public: {en}"));
            Err(Refusal::new("address-special", clause, zh, en).at(0))
        }
        None => Ok(ip),
    }
}

/// Parses addresses with `;` between.
pub fn addresses(text: &str, reach: Reach) -> Result<Vec<IpAddr>, Refusal> {
    each(text, |item| address(item, reach))
}

/// Parses a list like `[192.0.2.1]:2641;[2001:db8::1]:2641`.
pub fn endpoints(text: &str, reach: Reach) -> Result<Vec<Endpoint>, Refusal> {
    each(text, |item| endpoint(item, reach))
}

/// What a special address is for, in Chinese and English, and the clause; none for a globally reachable one.
pub fn special(ip: IpAddr) -> Option<(&'static str, &'static str, &'static str)> {
    match ip {
        IpAddr::V4(ip) => special_v4(ip),
        IpAddr::V6(ip) => special_v6(ip),
    }
}

fn special_v4(ip: Ipv4Addr) -> Option<(&'static str, &'static str, &'static str)> {
    let within = |row: &&Range<Ipv4Addr>| (ip.to_bits() ^ row.0.to_bits()).leading_zeros() >= row.1;
    SPECIAL_V4.iter().find(within).map(|row| (row.2, row.3, row.4))
}

fn special_v6(ip: Ipv6Addr) -> Option<(&'static str, &'static str, &'static str)> {
    let within = |row: &&Range<Ipv6Addr>| (ip.to_bits() ^ row.0.to_bits()).leading_zeros() >= row.1;
    let global = ip.segments()[0] >> 13 == 1;
    let ranges: &[_] = if global { &SPECIAL_V6 } else { &OUTSIDE_V6 };
    match ranges.iter().find(within) {
        Some(row) => Some((row.2, row.3, row.4)),
        None if global => None,
        None => Some(("保留", "reserved", "RFC 4291 §2.4")),
    }
}

/// Every item of a list with `;` between; nothing may be there twice. The wide `；` of Chinese keyboards is one too.
fn each<T: PartialEq>(text: &str, parse: impl Fn(&str) -> Result<T, Refusal>) -> Result<Vec<T>, Refusal> {
    if length(text, LIST_LENGTH) > LIST_LENGTH {
        let zh = format!("超过{LIST_LENGTH}个字符");
        let en = format!("more than {LIST_LENGTH} characters");
        return Err(Refusal::new("address-list-length", CLAUSE, zh, en).at(LIST_LENGTH));
    }
    let mut items = Vec::new();
    let mut at = 0;
    for piece in text.split([';', '；']) {
        let begins = at + piece.chars().take_while(|c| c.is_whitespace()).count();
        at += piece.chars().count() + 1;
        let item = parse(piece.trim()).map_err(|refusal| refusal.shifted(begins))?;
        if items.contains(&item) {
            let (zh, en) = ("地址重复", "the address is there twice");
            return Err(Refusal::new("address-twice", "our profile", zh, en).at(begins));
        }
        items.push(item);
    }
    Ok(items)
}

fn endpoint(text: &str, reach: Reach) -> Result<Endpoint, Refusal> {
    let parts = text.strip_prefix('[').and_then(|rest| rest.split_once("]:"));
    let Some((ip, port)) = parts else {
        let (zh, en) = ("须写成[地址]:端口", "an entry is written [address]:port");
        return Err(Refusal::new("endpoint-form", CLAUSE, zh, en).at(0));
    };
    let ip_at = 1;
    let port_at = ip_at + ip.chars().count() + 2;
    let ip = address(ip, reach).map_err(|refusal| refusal.shifted(ip_at))?;
    let digits = !port.is_empty() && port.bytes().all(|octet| octet.is_ascii_digit());
    match port.parse().ok().filter(|&port: &u16| digits && port != 0) {
        Some(port) => Ok(Endpoint { ip, port }),
        None => {
            let (zh, en) = ("端口须为1至65535", "a port is 1 to 65535");
            Err(Refusal::new("endpoint-port", CLAUSE, zh, en).at(port_at))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn lists_are_read_and_written() {
        let list = endpoints("[8.8.8.8]:2641; [2400:3200::1]:443", Reach::Public).unwrap();
        assert_eq!(list.iter().map(Endpoint::to_string).collect::<Vec<_>>(), ["[8.8.8.8]:2641", "[2400:3200::1]:443"]);
        assert_eq!(endpoints("[10.0.0.1]:1；[::1]:65535", Reach::Anywhere).unwrap().len(), 2);
        assert_eq!(addresses("8.8.8.8;2400:3200::1", Reach::Public).unwrap(), [ip("8.8.8.8"), ip("2400:3200::1")]);
    }

    #[test]
    fn special_addresses_are_known() {
        for special_ip in [
            "0.1.2.3",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.1.1",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::2",
            "::ffff:8.8.8.8",
            "64:ff9b::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002::1",
            "3ffe::1",
            "3fff::1",
            "4000::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(special(ip(special_ip)).is_some(), "{special_ip}");
            assert_eq!(address(special_ip, Reach::Public).unwrap_err().code, "address-special");
            assert_eq!(address(special_ip, Reach::Anywhere).unwrap(), ip(special_ip));
        }
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:db9::1",
            "2400:3200::1",
            "240e::1",
            "3fff:1000::1",
        ] {
            assert_eq!(special(ip(public)), None, "{public}");
        }
    }

    #[test]
    fn a_special_address_is_told_what_it_is() {
        for (text, reason) in [
            ("172.31.255.255", "private"),
            ("100.127.255.255", "shared by carriers"),
            ("198.19.255.255", "for benchmarks"),
            ("239.255.255.255", "multicast"),
            ("255.255.255.255", "reserved"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::ffff:8.8.8.8", "IPv4-mapped"),
            ("fd12::1", "private"),
            ("febf::1", "link-local"),
            ("fec0::1", "reserved"),
            ("ff02::1", "multicast"),
            ("2001:db8:ffff::1", "for documentation"),
            ("2001:1ff::1", "for protocols"),
            ("3fff:fff::1", "for documentation"),
        ] {
            assert_eq!(special(ip(text)).unwrap().1, reason, "{text}");
        }
    }

    #[test]
    fn what_is_refused_and_where() {
        for (text, code, at) in [
            ("", "endpoint-form", 0),
            ("8.8.8.8:53", "endpoint-form", 0),
            ("[8.8.8.8]", "endpoint-form", 0),
            ("[8.8.8.8]:53;", "endpoint-form", 13),
            ("[8.8.8]:53", "address-form", 1),
            ("[8.8.8.08]:53", "address-form", 1),
            ("[fe80::1%eth0]:53", "address-form", 1),
            ("[8.8.8.8]:0", "endpoint-port", 10),
            ("[8.8.8.8]:65536", "endpoint-port", 10),
            ("[8.8.8.8]:+53", "endpoint-port", 10),
            ("[8.8.8.8]:53; [10.0.0.1]:53", "address-special", 15),
            ("[8.8.8.8]:53;[8.8.8.8]:53", "address-twice", 13),
        ] {
            let refusal = endpoints(text, Reach::Public).unwrap_err();
            assert_eq!((refusal.code, refusal.at), (code, Some(at)), "{text}");
        }
        let long = "[8.8.8.8]:53;".repeat(20);
        assert_eq!(endpoints(&long, Reach::Public).unwrap_err().code, "address-list-length");
    }
}
