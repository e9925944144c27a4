//! How a record is written down: values one after the other, and the addresses and names that stand in them.

use super::Company;
use hufu_ident::systems::handle::kind;
use hufu_ident::{Permissions, Ttl, Value};

/// Life of values that change from hour to hour, in seconds.
const LIVE_SECONDS: u32 = 300;
/// Administrators read and write, the public sees nothing.
const INNER: u8 = Permissions::ADMIN_READ | Permissions::ADMIN_WRITE;

/// Where a company's records are shown.
pub struct Site {
    prefix: &'static str,
    public_url: String,
}

impl Site {
    pub fn new(company: &Company, public_url: &str) -> Self {
        Site { prefix: company.prefix, public_url: public_url.trim_end_matches('/').to_owned() }
    }

    /// The whole identifier.
    pub fn name(&self, suffix: &str) -> String {
        format!("{}/{suffix}", self.prefix)
    }

    /// The page of a record; `noredirect` keeps it from redirecting to itself.
    pub fn page(&self, suffix: &str) -> String {
        format!("{}/{}/{}?noredirect", self.public_url, self.prefix, escaped(suffix))
    }

    /// A 10320/loc: the page in Chinese, or in English for whoever asks with `locatt=lang:en` or `country=gb`.
    pub fn locations(&self, suffix: &str) -> String {
        let page = self.page(suffix);
        format!(
            "<locations chooseby=\"locatt,country,weighted\">\
             <location id=\"0\" lang=\"zh\" country=\"cn\" weight=\"1\" href=\"{page}&amp;lang=zh\"/>\
             <location id=\"1\" lang=\"en\" country=\"gb\" weight=\"0\" href=\"{page}&amp;lang=en\"/></locations>"
        )
    }
}

/// Percent-encodes a path.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(octet)),
            _ => out.push_str(&format!("%{octet:02X}")),
        }
    }
    out
}

/// A record being written, with indexes from 1 in the order of writing.
#[derive(Default)]
pub struct Sheet(Vec<Value>);

impl Sheet {
    /// Starts with the page of the record.
    pub fn page(site: &Site, suffix: &str) -> Self {
        Sheet::default().text(kind::URL, site.page(suffix))
    }

    /// Starts with the identifier that this one stands for.
    pub fn alias(target: &str) -> Self {
        Sheet::default().text(kind::ALIAS, target)
    }

    /// A public value.
    pub fn text(self, kind: &str, text: impl Into<String>) -> Self {
        self.value(kind, text, |value| value)
    }

    /// A public value that changes often.
    pub fn live(self, kind: &str, text: impl Into<String>) -> Self {
        self.value(kind, text, |value| Value { ttl: Ttl::Relative(LIVE_SECONDS), ..value })
    }

    /// A value for administrators only.
    pub fn inner(self, kind: &str, text: impl Into<String>) -> Self {
        self.value(kind, text, |value| value.with_permissions(INNER))
    }

    fn value(mut self, kind: &str, text: impl Into<String>, mark: fn(Value) -> Value) -> Self {
        let index = self.0.len() as u32 + 1;
        self.0.push(mark(Value::new(index, kind, text.into())));
        self
    }

    pub fn values(self) -> Vec<Value> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_addressed_in_ascii() {
        let site = Site::new(&super::super::ENGINES, "https://engines.example/");
        assert_eq!(site.page("工具 T3"), "https://engines.example/88.118.8/%E5%B7%A5%E5%85%B7%20T3?noredirect");
    }

    #[test]
    fn inner_and_live_values_are_marked() {
        let values = Sheet::alias("88.118.8/a").live("状态", "在库").inner("成本", "1").text("DESC", "x").values();
        let bits: Vec<_> = values.iter().map(|value| (value.index, value.permissions.0)).collect();
        assert_eq!(bits, [(1, 0x0E), (2, 0x0E), (3, 0x0C), (4, 0x0E)]);
        assert_eq!(values[1].ttl, Ttl::Relative(300));
    }
}
