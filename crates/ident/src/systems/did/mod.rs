//! Decentralised identifiers (W3C DID Core): `did:bid:ef…`, `did:web:example.com`, delegated by method and chain code.
//!
//! In the record space the scheme of a DID is its tag, so a DID is its own name there. It is delegated by its
//! method (`did:bid`), by the code of a sub-chain (`did:bid:by01`), for `did:web` by host and path parts
//! (`did:web:example.com:p`), and for methods without a rule of their own here by every segment but the last.

pub mod bid;
pub mod encoding;
pub mod key;
mod name;
mod vaa_names;
pub mod web;

pub use bid::{Bid, Encoding, KeyType, PublicKeyText, bid_of};
pub use key::KeyName;
pub use name::{DidName, Method, parse};
pub use vaa_names::VaaName;
pub use web::WebName;

use crate::identifier::Identifier;
use crate::reading::Reading;
use crate::refusal::Refusal;
use crate::system::{Scheme, System};

/// The system as the record space sees it.
pub struct Did;

/// The scheme and its colon.
const TAG: &str = "did:";

impl System for Did {
    fn scheme(&self) -> Scheme {
        Scheme::Did
    }

    fn space(&self) -> u8 {
        b'd'
    }

    fn authority<'a>(&self, rest: &'a str) -> &'a str {
        let did = rest.get(..name::extent(rest)).unwrap_or(rest);
        let Some((method, id)) = did.split_once(':') else { return did };
        let segments = match method {
            "bid" => usize::from(id.contains(':')),
            "cn" | "vaa" | "key" => 0,
            "web" => id.matches(':').count().max(1),
            // An empty segment is legal in a name and none in a path: what stands before it delegates.
            _ => id.split(':').take(id.matches(':').count()).take_while(|segment| !segment.is_empty()).count(),
        };
        let end = id.match_indices(':').map(|(at, _)| at).chain([id.len()]).nth(segments.wrapping_sub(1));
        let kept = if segments == 0 { method.len() } else { method.len() + 1 + end.unwrap_or(id.len()) };
        did.get(..kept).unwrap_or(did)
    }

    fn parent(&self, path: &str) -> Option<usize> {
        if path.is_empty() { None } else { Some(path.rfind(':').unwrap_or(0)) }
    }

    fn separator(&self) -> &'static str {
        ":"
    }

    fn check_path(&self, path: &str) -> Result<(), Refusal> {
        if path.is_empty() {
            return Ok(());
        }
        let lower = path.to_ascii_lowercase();
        let mut at = 0;
        for segment in lower.split(':') {
            let strange = |c: char| !c.is_ascii_alphanumeric() && (at == 0 || !".-_%".contains(c));
            let wrong = segment.chars().position(strange).or(segment.is_empty().then_some(0));
            if let Some(wrong) = wrong {
                let zh = "授权路径为方法名及其后的段，以“:”分隔";
                let en = "a path is a method name and segments after it, between colons";
                return Err(Refusal::new("did-path", name::CLAUSE, zh, en).at(at + wrong));
            }
            at += segment.chars().count() + 1;
        }
        match lower.strip_prefix("bid:") {
            Some(acsn) => bid::check_acsn(acsn).map_err(|refusal| refusal.shifted(4)),
            None => Ok(()),
        }
    }

    fn canonical(&self, rest: &str) -> Result<String, Refusal> {
        let name = parse(rest)?;
        if name.is_url() {
            let at = rest.get(..name::extent(rest)).unwrap_or_default().chars().count();
            let (zh, en) = ("登记的是DID本身，不含路径、查询和片段", "path, query and fragment are no part of a name");
            return Err(Refusal::new("did-url-part", name::CLAUSE, zh, en).at(at));
        }
        Ok(match &name.own {
            Method::Web(web) => format!("{}:{}", name.method, web.canonical()),
            _ => rest.to_owned(),
        })
    }

    fn read(&self, text: &str) -> Option<Result<Reading, Refusal>> {
        if let Some(rest) = text.get(..TAG.len()).filter(|tag| tag.eq_ignore_ascii_case(TAG)).map(|_| &text[4..]) {
            return Some(read_did(rest).map_err(|refusal| refusal.shifted(TAG.len())));
        }
        PublicKeyText::parse(text).map(|key| read_key(&key))
    }

    /// Every segment ends with a colon, so that `did:bid:by0` does not begin `did:bid:by01`.
    fn write_range(&self, path: &str, out: &mut Vec<u8>) {
        if !path.is_empty() {
            out.extend(path.bytes().map(|octet| octet.to_ascii_uppercase()));
            out.push(b':');
        }
    }
}

/// The identifier of a key's holder, from the key's text.
fn read_key(key: &PublicKeyText) -> Result<Reading, Refusal> {
    let did = key.did()?;
    let mut reading = read_did(did.strip_prefix(TAG).unwrap_or(&did))?;
    reading.form("public_key", key.to_string());
    let (zh, en) = ("由公钥推导出的标识", "the identifier is derived from this public key");
    reading.held("bid-derived", bid::CLAUSE, zh, en);
    Ok(reading)
}

/// Reads what follows `did:`.
fn read_did(rest: &str) -> Result<Reading, Refusal> {
    let name = parse(rest)?;
    let did = rest.get(..name::extent(rest)).unwrap_or(rest);
    let canonical = Did.canonical(did)?;
    let mut reading = Reading::new(Scheme::Did).with_name(Identifier::parse(&format!("{TAG}{canonical}"))?);
    reading.held("did-syntax", name::CLAUSE, "符合DID语法", "the syntax of a DID holds");
    reading.part("method", name.method);
    describe(&name, &mut reading);
    let parts = [("path", name.path), ("query", name.query), ("fragment", name.fragment)];
    parts.into_iter().filter_map(|(part, text)| Some((part, text?))).for_each(|(part, text)| reading.part(part, text));
    reading.form("did", format!("{TAG}{canonical}"));
    if name.is_url() {
        reading.form("did_url", format!("{TAG}{canonical}{}", rest.get(did.len()..).unwrap_or_default()));
    }
    if let Method::Web(web) = &name.own {
        reading.form("document_url", web.document_url());
    }
    Ok(reading)
}

fn describe(name: &DidName<'_>, reading: &mut Reading) {
    match &name.own {
        Method::Bid(bid) => describe_bid(bid, reading),
        Method::Web(web) => {
            reading.part("host", web.host.as_str());
            web.port.into_iter().for_each(|port| reading.part("port", port.to_string()));
            web.path.iter().for_each(|part| reading.part("path part", part.as_str()));
            reading.held("did-web", web::CLAUSE, "主机、端口和路径符合did:web", "host, port and path fit did:web");
        }
        Method::Key(key) => {
            reading.part("multicodec", format!("0x{:x}", key.codec));
            reading.part("public key", hexadecimal(&key.key));
            match key.algorithm {
                Some(algorithm) => {
                    reading.part("algorithm", algorithm);
                    reading.held("did-key", key::CLAUSE, "公钥长度相符", "the key has the length of its algorithm");
                }
                None => reading.advise(Refusal::new(
                    "did-key-codec-unknown",
                    key::CLAUSE,
                    "multicodec编号未收录，公钥长度未核对",
                    "the multicodec number is not known here; the length was not checked",
                )),
            }
        }
        Method::Vaa(own) => describe_vaa(own, reading),
        Method::Opaque => {
            reading.part("method-specific id", name.id);
            let (zh, en) = ("此方法的自身规则未收录，仅核对通用语法", "the rule of this method is not known here");
            reading.advise(Refusal::new("did-method-unknown", name::CLAUSE, zh, en));
        }
    }
}

fn describe_bid(bid: &Bid<'_>, reading: &mut Reading) {
    bid.acsn.into_iter().for_each(|acsn| reading.part("ACSN", acsn));
    reading.part("key type", format!("{} ({})", bid.key_type.letter(), bid.key_type.name()));
    reading.part("encoding", format!("{} ({})", bid.encoding.letter(), bid.encoding.name()));
    reading.part("suffix", bid.suffix);
    reading.part("digest", hexadecimal(&bid.octets));
    reading.held("bid-suffix", bid::CLAUSE, "后缀解码为22字节", "the suffix holds 22 octets");
    if bid.encoding == Encoding::Base64 {
        let (zh, en) = ("base64后缀含DID通用语法不允许的字符", "base64 holds characters that DID syntax does not know");
        reading.advise(Refusal::new("bid-base64", name::CLAUSE, zh, en));
    }
    match bid.checksum {
        Some(true) => reading.held("bid-checksum", bid::PROFILE, "bech32校验和相符", "the bech32 checksum fits"),
        Some(false) => {
            let (zh, en) =
                ("bech32校验和与空前缀不符；校验前缀未公开", "the bech32 checksum is not that of an empty prefix");
            reading.advise(Refusal::new("bid-checksum", bid::PROFILE, zh, en));
        }
        None => {}
    }
}

fn describe_vaa(own: &VaaName<'_>, reading: &mut Reading) {
    match own {
        VaaName::Prefix(parts) => {
            reading.part("issuer", parts.issuer);
            reading.part("node", parts.node);
            reading.part("enterprise", parts.enterprise);
            reading.form("prefix", format!("{}.{}.{}", parts.issuer, parts.node, parts.enterprise));
            reading.held("did-cn", vaa_names::CN_CLAUSE, "符合VAA前缀规则", "the VAA prefix rule holds");
        }
        VaaName::Digest(text) => reading.part("digest", *text),
        VaaName::Contract(identifier) => {
            reading.part("contract", *identifier);
            reading.form("handle", *identifier);
        }
    }
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authority_is_method_and_chain() {
        for (rest, authority) in [
            ("bid:ef18F9AVK4SQLZPRrPkrVWwp9kBpdXHx", "bid"),
            ("bid:by01:ef18F9AVK4SQLZPRrPkrVWwp9kBpdXHx", "bid:by01"),
            ("web:example.com", "web:example.com"),
            ("web:example.com:p", "web:example.com"),
            ("web:example.com%3A80:p:88.118.8", "web:example.com%3A80:p"),
            ("cn:88.118.8", "cn"),
            ("ethr:0x5:0xabc", "ethr:0x5"),
            ("example:123/path:a?q#f", "example"),
            ("ethr:0x5::0xabc", "ethr:0x5"),
            ("example::a:b", "example"),
            ("", ""),
            ("x", "x"),
        ] {
            assert_eq!(Did.authority(rest), authority, "{rest}");
        }
        assert!(Did.check_path("bid:by0").is_err() && Did.check_path("BID:BY01").is_ok());
    }

    #[test]
    fn ranges_hold_what_is_below_and_nothing_else() {
        let range = |path: &str| {
            let mut out = Vec::new();
            Did.write_range(path, &mut out);
            out
        };
        let mut key = Vec::new();
        Did.write_key("bid:by01:efx", &mut key);
        assert!(key.starts_with(&range("bid")) && key.starts_with(&range("bid:by01")));
        assert!(!key.starts_with(&range("bid:by0")) && !key.starts_with(&range("bi")));
        assert_eq!(Did.name_of_key(&key), "bid:by01:efx");
    }
}
