//! The address of a website (table T1, row 20): http or https, a host that the public can reach, a path.

use super::{Reach, address, domain, length};
use hufu_ident::Refusal;
use std::net::IpAddr;

const CLAUSE: &str = "RFC 3986 §3";
/// As the interface has it.
const LENGTH: usize = 255;

/// The address with its scheme and host in small letters and as A-labels, or why it is none.
pub fn parse(text: &str, reach: Reach) -> Result<String, Refusal> {
    let text = text.trim();
    if length(text, LENGTH) > LENGTH {
        let (zh, en) = (format!("网址超过{LENGTH}个字符"), format!("the address has more than {LENGTH} characters"));
        return Err(Refusal::new("website-length", "SNMS ent/apply", zh, en).at(LENGTH));
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => ("https", rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => ("http", rest),
        _ => {
            let (zh, en) = ("网址须以https://或http://开头", "a website begins with https:// or http://");
            return Err(Refusal::new("website-scheme", CLAUSE, zh, en).at(0));
        }
    };
    let begins = scheme.len() + 3;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let authority = authority_of(authority, reach).map_err(|refusal| refusal.shifted(begins))?;
    if let Some(at) = path.chars().position(|c| c.is_whitespace() || c.is_control() || "<>\"\\^`{|}".contains(c)) {
        let at = text.chars().count() - path.chars().count() + at;
        let (zh, en) = ("网址里有不能用的字符", "a character that an address cannot have");
        return Err(Refusal::new("website-character", CLAUSE, zh, en).at(at));
    }
    Ok(format!("{scheme}://{authority}{path}"))
}

/// `host`, `host:port`, `[IPv6]`, `[IPv6]:port`; a user in front is refused as a character of the host.
fn authority_of(text: &str, reach: Reach) -> Result<String, Refusal> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((ip, port)) => {
            let ip = address::address(ip, reach).map_err(|refusal| refusal.shifted(1))?;
            if ip.is_ipv4() {
                let (zh, en) = ("方括号里须是IPv6地址", "what stands in brackets is an IPv6 address");
                return Err(Refusal::new("website-host", CLAUSE, zh, en).at(1));
            }
            (format!("[{ip}]"), port)
        }
        None => {
            let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            let host = match host.parse::<IpAddr>() {
                Ok(_) => address::address(host, reach)?.to_string(),
                Err(_) => domain::parse(host, reach)?,
            };
            (host, port)
        }
    };
    let port_at = text.chars().count() - port.chars().count();
    let digits = match port.strip_prefix(':') {
        None if port.is_empty() => return Ok(host),
        Some(digits) if digits.bytes().all(|octet| octet.is_ascii_digit()) => digits,
        _ => "",
    };
    match digits.parse().ok().filter(|&number: &u16| number != 0) {
        Some(number) => Ok(format!("{host}:{number}")),
        None => {
            let (zh, en) = ("端口须为1至65535", "a port is 1 to 65535");
            Err(Refusal::new("website-port", CLAUSE, zh, en).at(port_at))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (text, stored) in [
            ("https://www.Example.CN", "https://www.example.cn"),
            (" HTTP://a.cn:08080/x?y=z#w ", "http://a.cn:8080/x?y=z#w"),
            ("https://例子.中国/路径", "https://xn--fsqu00a.xn--fiqs8s/路径"),
            ("https://8.8.8.8:8443/", "https://8.8.8.8:8443/"),
            ("https://[2400:3200::1]:443", "https://[2400:3200::1]:443"),
            ("https://a.cn?x", "https://a.cn?x"),
        ] {
            assert_eq!(parse(text, Reach::Public).unwrap(), stored, "{text}");
        }
        assert_eq!(parse("http://10.0.0.1", Reach::Anywhere).unwrap(), "http://10.0.0.1");
    }

    #[test]
    fn what_is_refused_and_where() {
        for (text, code, at) in [
            ("", "website-scheme", 0),
            ("www.example.cn", "website-scheme", 0),
            ("javascript://a.cn", "website-scheme", 0),
            ("https://", "domain-empty", 8),
            ("https://user@a.cn", "domain-character", 12),
            ("https://localhost", "domain-labels", 8),
            ("http://127.0.0.1/", "address-special", 7),
            ("https://[::1]/", "address-special", 9),
            ("https://[8.8.8.8]/", "website-host", 9),
            ("https://a.cn:0", "website-port", 12),
            ("https://a.cn:65536/", "website-port", 12),
            ("https://a.cn:x", "website-port", 12),
            ("https://[2400:3200::1]x", "website-port", 22),
            ("https://a.cn/a b", "website-character", 14),
            ("https://a.cn/<b>", "website-character", 13),
        ] {
            let refusal = parse(text, Reach::Public).unwrap_err();
            assert_eq!((refusal.code, refusal.at), (code, Some(at)), "{text}");
        }
        let long = format!("https://a.cn/{}", "a".repeat(255));
        assert_eq!(parse(&long, Reach::Public).unwrap_err().code, "website-length");
    }
}
