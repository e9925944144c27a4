//! How an identifier can be written on a carrier, and the choice among these.

use crate::payload::Payload;
use hufu_ident::{Reading, Refusal};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Octets of a base URL or template.
const BASE_OCTETS: usize = 512;
/// What stands for the identifier in a template.
const PLACE: &str = "{}";
/// Unreserved characters stay (RFC 3986 §2.3), and the colon of tagged names.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');
const PATH: &AsciiSet = &SEGMENT.remove(b'/');

/// An identifier and its spellings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// As it was given; what the human-readable line shows.
    pub raw: String,
    /// The name a node is asked for, in canonical spelling; none if nothing can be asked for.
    pub name: Option<String>,
    /// GS1 Digital Link URI.
    pub digital_link: Option<String>,
    /// GS1 element string with `^` for FNC1.
    pub elements: Option<String>,
    /// GS1 element string in brackets, for people.
    pub brackets: Option<String>,
    /// EPC memory in hexadecimal.
    pub epc_hex: Option<String>,
}

/// Which spelling is carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wording {
    /// The identifier as it is.
    Raw,
    /// `BASE/identifier`; for GS1 keys `BASE/01/…`.
    Url(String),
    /// The identifier in a query: `{}` in the template, else appended as `?identity=`.
    Whois(String),
    /// GS1 Digital Link, on a domain of one's own if there is a base.
    DigitalLink(Option<String>),
    ElementString,
}

impl Content {
    /// The spellings that a reading offers.
    pub fn of_reading(raw: &str, reading: &Reading) -> Self {
        let form = |name| reading.form_named(name).map(str::to_owned);
        Content {
            raw: raw.into(),
            name: reading.name.as_ref().map(|name| name.as_str().to_owned()),
            digital_link: form("digital_link"),
            elements: form("element_string_fnc1"),
            brackets: form("element_string"),
            epc_hex: form("epc_hex"),
        }
    }

    /// What a symbol shall carry. Refused is a spelling that this identifier does not have, and a base that is no URL.
    pub fn payload(&self, wording: &Wording) -> Result<Payload, Refusal> {
        match wording {
            Wording::Raw => Ok(Payload::Text(self.raw.clone())),
            Wording::Url(base) => self.url(base).map(Payload::Text),
            Wording::Whois(template) => self.whois(template).map(Payload::Text),
            Wording::DigitalLink(base) => self.link(base.as_deref()).map(Payload::Text),
            Wording::ElementString => match &self.elements {
                Some(elements) => Payload::elements(elements),
                None => Err(no_such_form("GS1要素字符串", "GS1 element string")),
            },
        }
    }

    /// The line for people: brackets for element strings, else the identifier as given.
    pub fn caption(&self) -> &str {
        self.brackets.as_deref().unwrap_or(&self.raw)
    }

    fn asked(&self) -> Result<&str, Refusal> {
        self.name.as_deref().ok_or_else(|| no_such_form("可解析的名称", "name that a node can be asked for"))
    }

    fn url(&self, base: &str) -> Result<String, Refusal> {
        check_base(base)?;
        if self.digital_link.is_some() {
            return self.link(Some(base));
        }
        let name = self.asked()?;
        let (prefix, suffix) = name.split_once('/').unwrap_or((name, ""));
        if matches!(suffix, "." | "..") {
            let zh = "后缀“.”“..”会被浏览器当作目录；请用whois形式";
            let en = "browsers take the suffixes “.” and “..” for directories; use the whois form";
            return Err(Refusal::new("dot-suffix", "RFC 3986 §5.2.4", zh, en).at(prefix.chars().count() + 1));
        }
        // Where a path would be normalised, its slashes are escaped as well.
        let plain = suffix.split('/').all(|segment| !matches!(segment, "" | "." | ".."));
        let suffix = utf8_percent_encode(suffix, if plain { PATH } else { SEGMENT });
        let slash = if name.contains('/') { "/" } else { "" };
        Ok(format!("{}/{}{slash}{suffix}", base.trim_end_matches('/'), utf8_percent_encode(prefix, SEGMENT)))
    }

    fn whois(&self, template: &str) -> Result<String, Refusal> {
        check_base(&template.replace(PLACE, "x"))?;
        let name = self.asked()?;
        let value = utf8_percent_encode(name, PATH).to_string();
        Ok(match template.contains(PLACE) {
            true => template.replace(PLACE, &value),
            false => format!("{template}{}identity={value}", if template.contains('?') { '&' } else { '?' }),
        })
    }

    fn link(&self, base: Option<&str>) -> Result<String, Refusal> {
        let link = self.digital_link.as_deref().ok_or_else(|| no_such_form("GS1 Digital Link", "GS1 Digital Link"))?;
        let Some(base) = base else { return Ok(link.to_owned()) };
        check_base(base)?;
        let host = link.find("://").map_or(0, |at| at + 3);
        let path = link.get(host..).and_then(|rest| rest.find('/').and_then(|at| rest.get(at..))).unwrap_or_default();
        Ok(format!("{}{path}", base.trim_end_matches('/')))
    }
}

fn no_such_form(zh: &str, en: &str) -> Refusal {
    let (zh, en) = (format!("该标识没有{zh}"), format!("this identifier has no {en}"));
    Refusal::new("no-such-form", "our profile", zh, en)
}

fn check_base(base: &str) -> Result<(), Refusal> {
    let refuse = |zh: &str, en: &str| Refusal::new("bad-base", "RFC 3986 §3", zh, en);
    let rest = ["https://", "http://"].into_iter().find_map(|scheme| base.strip_prefix(scheme));
    if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) {
        return Err(refuse(
            "基础网址须以http://或https://及主机名开头",
            "a base begins with http:// or https:// and a host",
        )
        .at(0));
    }
    if base.len() > BASE_OCTETS {
        return Err(refuse("基础网址超过512字节", "the base is longer than 512 octets").at(BASE_OCTETS));
    }
    let legal = |c: char| c.is_ascii_graphic() && !"#\"<>\\^`{|}".contains(c);
    match base.chars().position(|character| !legal(character)) {
        Some(position) => {
            Err(refuse("基础网址含非法字符", "the base has a character that no URL may have").at(position))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Content {
        Content { raw: text.into(), name: Some(text.into()), ..Content::default() }
    }

    fn written(content: &Content, wording: Wording) -> String {
        content.payload(&wording).unwrap().data().to_owned()
    }

    #[test]
    fn urls_survive_a_browser() {
        let url = |text| written(&named(text), Wording::Url("https://id.example.cn/".into()));
        assert_eq!(url("88.118.8/X"), "https://id.example.cn/88.118.8/X");
        assert_eq!(url("88.101.5/型号:A 1/2"), "https://id.example.cn/88.101.5/%E5%9E%8B%E5%8F%B7:A%201/2");
        assert_eq!(url("88.1/a/../b?c#d"), "https://id.example.cn/88.1/a%2F..%2Fb%3Fc%23d");
        assert_eq!(url("88.1/a//b"), "https://id.example.cn/88.1/a%2F%2Fb");
        assert_eq!(url("oid:1.2.156"), "https://id.example.cn/oid:1.2.156");
        let refusal = named("88.1/..").payload(&Wording::Url("https://a".into())).unwrap_err();
        assert_eq!((refusal.code, refusal.at), ("dot-suffix", Some(5)));
    }

    #[test]
    fn whois_puts_it_into_the_query() {
        let whois = |base: &str| written(&named("88.389.00054/a&b"), Wording::Whois(base.into()));
        assert_eq!(whois("https://p.cn/whois"), "https://p.cn/whois?identity=88.389.00054/a%26b");
        assert_eq!(whois("https://p.cn/w?a=1"), "https://p.cn/w?a=1&identity=88.389.00054/a%26b");
        assert_eq!(whois("https://p.cn/w?i={}&z"), "https://p.cn/w?i=88.389.00054/a%26b&z");
    }

    #[test]
    fn gs1_keys_have_links_and_elements() {
        let content = Content {
            digital_link: Some("https://id.gs1.org/01/09521321000018/10/A".into()),
            elements: Some("^010952132100001810A".into()),
            ..named("gs1:01/09521321000018/10/A")
        };
        let own = "https://id.example.cn/01/09521321000018/10/A";
        assert_eq!(written(&content, Wording::DigitalLink(Some("https://id.example.cn".into()))), own);
        assert_eq!(written(&content, Wording::Url("https://id.example.cn".into())), own);
        assert_eq!(written(&content, Wording::DigitalLink(None)), content.digital_link.clone().unwrap());
        assert_eq!(written(&content, Wording::ElementString), "010952132100001810A");
        assert_eq!(named("88.1/x").payload(&Wording::ElementString).unwrap_err().code, "no-such-form");
    }

    #[test]
    fn bases_are_urls() {
        for base in ["", "id.example.cn", "ftp://a", "https://", "https:///x", "https://a b", "https://a/#x"] {
            assert_eq!(named("88.1/x").payload(&Wording::Url(base.into())).unwrap_err().code, "bad-base", "{base}");
        }
    }
}
