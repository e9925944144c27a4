//! Query parameters and form fields, repeatable, in order.

use std::borrow::Cow;

/// Parameters kept of one request.
const MOST: usize = 256;

#[derive(Debug, Clone, Default)]
pub struct Params(Vec<(String, Option<String>)>);

impl Params {
    /// Reads `a=1&b&c=x%20y` (WHATWG form encoding; `+` is a space).
    pub fn parse(query: &str) -> Self {
        let decode = |text: &str| -> String {
            let spaced = text.replace('+', " ");
            let decoded: Cow<'_, str> = percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy();
            decoded.into_owned()
        };
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).take(MOST);
        let split = |pair: &str| match pair.split_once('=') {
            Some((name, value)) => (decode(name), Some(decode(value))),
            None => (decode(pair), None),
        };
        Params(pairs.map(split).collect())
    }

    pub fn push(&mut self, name: &str, value: String) {
        if self.0.len() < MOST {
            self.0.push((name.to_owned(), Some(value)));
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_deref())
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.0.iter().filter(move |(key, _)| key == name).filter_map(|(_, value)| value.as_deref())
    }

    /// A switch: absent = none; without a value, or with anything but `false`, `no`, `0` = true.
    pub fn switch(&self, name: &str) -> Option<bool> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name)?;
        Some(!matches!(value.as_deref(), Some("false" | "no" | "0")))
    }

    /// The parameters as a query again.
    pub fn to_query(&self) -> String {
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let pair = |(name, value): &(String, Option<String>)| match value {
            Some(value) => format!("{}={}", encode(name), encode(value)),
            None => encode(name),
        };
        self.0.iter().map(pair).collect::<Vec<_>>().join("&")
    }
}
