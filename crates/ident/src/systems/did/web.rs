//! `did:web`: a host, perhaps a port, perhaps path parts; and where its document is.

use crate::identifier::percent_decode;
use crate::refusal::Refusal;

pub const CLAUSE: &str = "did:web method specification §2.2";
/// Characters of a host name and of one of its labels (RFC 1035 §2.3.4).
const HOST_CHARS: usize = 253;
const LABEL_CHARS: usize = 63;

/// A `did:web` taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebName {
    /// In lower case.
    pub host: String,
    pub port: Option<u16>,
    /// Path parts as they stand in the DID.
    pub path: Vec<String>,
}

impl WebName {
    /// Where the DID document is: under `/.well-known/` without path parts, else under the path.
    pub fn document_url(&self) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        let path = if self.path.is_empty() { ".well-known".to_owned() } else { self.path.join("/") };
        format!("https://{}{port}/{path}/did.json", self.host)
    }

    /// The method-specific identifier in its canonical spelling.
    pub fn canonical(&self) -> String {
        let port = self.port.map(|port| format!("%3A{port}")).unwrap_or_default();
        let path: String = self.path.iter().map(|part| format!(":{part}")).collect();
        format!("{}{port}{path}", self.host)
    }
}

/// Parses what follows `did:web:`, whose characters have been checked; positions count from its start.
pub fn parse(id: &str) -> Result<WebName, Refusal> {
    let mut parts = id.split(':');
    let authority = parts.next().unwrap_or_default();
    let (host, port) = match authority.find('%') {
        Some(at) => (&authority[..at], Some(check_port(&authority[at..]).map_err(|refusal| refusal.at(at))?)),
        None => (authority, None),
    };
    check_host(host)?;
    let mut path = Vec::new();
    let mut at = authority.len() + 1;
    for part in parts {
        if part.is_empty() {
            let (zh, en) = ("路径段为空", "a path part is empty");
            return Err(Refusal::new("did-web-path", CLAUSE, zh, en).at(at));
        }
        let decoded = percent_decode(part).map_err(|refusal| refusal.at(at))?;
        if decoded == "." || decoded == ".." {
            let (zh, en) = ("路径段不得为“.”或“..”", "a path part may not be “.” or “..”");
            return Err(Refusal::new("did-web-path", CLAUSE, zh, en).at(at));
        }
        path.push(part.to_owned());
        at += part.len() + 1;
    }
    Ok(WebName { host: host.to_ascii_lowercase(), port, path })
}

fn check_port(text: &str) -> Result<u16, Refusal> {
    let wrong =
        || Refusal::new("did-web-port", CLAUSE, "端口须写作%3A加1至65535", "a port is written %3A and 1 to 65535");
    let digits = text.strip_prefix("%3A").or_else(|| text.strip_prefix("%3a")).ok_or_else(wrong)?;
    let plain = !digits.starts_with('0') && digits.bytes().all(|octet| octet.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).ok_or_else(wrong)
}

fn check_host(host: &str) -> Result<(), Refusal> {
    let wrong = |at: usize, zh: &str, en: &str| Err(Refusal::new("did-web-host", CLAUSE, zh, en).at(at));
    if host.len() > HOST_CHARS {
        return wrong(HOST_CHARS, "主机名超过253个字符", "the host is longer than 253 characters");
    }
    let mut at = 0;
    for label in host.split('.') {
        let fits = (1..=LABEL_CHARS).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-');
        if !fits || label.contains('_') {
            return wrong(at, "主机名的段不合规", "a label of the host is not a host name's");
        }
        at += label.len() + 1;
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|octet| octet.is_ascii_digit()) || is_hexadecimal(last) {
        return wrong(0, "主机不得为IP地址", "the host may not be an IP address");
    }
    Ok(())
}

/// Whether a last label makes a URL parser take the host for an IPv4 address (WHATWG URL §3.5).
fn is_hexadecimal(label: &str) -> bool {
    let digits = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    digits.is_some_and(|digits| digits.bytes().all(|octet| octet.is_ascii_hexdigit()))
}
