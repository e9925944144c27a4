//! A request read: the data set of its URI, and the words that steer the answer (`linkType`, `context`, `compress`).

use super::super::{Asked, Web};
use super::uri::{self, Read};
use axum::http::header;
use hufu_ident::Refusal;
use hufu_ident::systems::gs1::links::{self, Languages, LevelName, MediaRanges, Wants};
use hufu_net::Transport;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What is escaped in a value of a URI (§7.3 of the syntax): all but the unreserved characters.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The keys of the URI syntax.
const KEYS: [&str; 16] = [
    "00", "01", "253", "255", "401", "402", "414", "415", "417", "8003", "8004", "8006", "8010", "8013", "8017", "8018",
];

/// AI, value as spelt in names, value.
pub type Part = (String, String, String);

#[derive(Debug, Clone)]
pub struct Request {
    pub key: Part,
    qualifiers: Vec<Part>,
    /// Key and qualifiers, the name of the most special level.
    pub name: String,
    /// What is passed on to the target.
    pub query: String,
    /// In the spelling of [`links::curie`].
    pub link_type: Option<String>,
    context: Option<String>,
    pub wants_compressed: bool,
    /// The short form of the URI, if it was asked for and there is one.
    pub compressed: Option<String>,
    /// The readable form of a URI that came compressed.
    pub readable: Option<String>,
}

/// Reads a path and a query; `None` if they are no GS1 Digital Link URI and so belong to another door.
pub fn read(path: &str, query: &str) -> Option<Result<Request, Refusal>> {
    Some(uri::read(path.strip_suffix('/').unwrap_or(path), query)?.map(|read| Request::new(read, query)))
}

/// Whether a text is the AI of a key.
pub fn is_key(ai: &str) -> bool {
    KEYS.contains(&ai)
}

pub fn decoded(spelt: &str) -> String {
    percent_decode_str(spelt).decode_utf8_lossy().into_owned()
}

pub fn encoded(value: &str) -> String {
    utf8_percent_encode(value, VALUE).to_string()
}

/// The root of this resolver's URIs: configured, or where it was asked.
pub fn root(web: &Web, asked: &Asked) -> String {
    if let Some(root) = &web.parts.config.gs1.resolver_root {
        return root.clone();
    }
    let legal = |host: &&str| {
        let within = |octet: u8| octet.is_ascii_alphanumeric() || b".-:[]".contains(&octet);
        !host.is_empty() && host.len() <= 255 && host.bytes().all(within)
    };
    let scheme = if asked.peer.transport == Transport::Https { "https" } else { "http" };
    format!("{scheme}://{}", asked.header(header::HOST).filter(legal).unwrap_or("localhost"))
}

impl Request {
    fn new(read: Read, query: &str) -> Self {
        let segments: Vec<&str> = read.name.split('/').collect();
        let part = |[ai, spelt]: &[&str; 2]| ((*ai).to_owned(), (*spelt).to_owned(), decoded(spelt));
        let mut parts = segments.as_chunks::<2>().0.iter().map(part);
        let key = parts.next().unwrap_or_default();
        let qualifiers = parts.collect();
        let word = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .filter(|(own, _)| own.eq_ignore_ascii_case(name))
                .map(|(_, value)| decoded(&value.replace('+', " ")))
                .next()
        };
        let (readable, query) = match read.readable {
            Some(readable) => {
                // The attributes were part of the short form; the target gets them as it would from the long one.
                let query = readable.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
                (Some(readable), query)
            }
            None => (None, query.to_owned()),
        };
        Request {
            key,
            qualifiers,
            name: read.name,
            query,
            link_type: word("linkType").map(|text| links::curie(&text)),
            context: word("context"),
            wants_compressed: word("compress").is_some_and(|text| text.eq_ignore_ascii_case("true")),
            compressed: read.compressed,
            readable,
        }
    }

    /// `01/09521321000018`.
    pub fn key_name(&self) -> String {
        format!("{}/{}", self.key.0, self.key.1)
    }

    /// The qualifiers.
    pub fn parts(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.qualifiers.iter().map(|(ai, spelt, value)| (ai.as_str(), value.as_str(), spelt.as_str()))
    }

    /// AI, value as spelt in names, value of each qualifier, in the order of the table.
    pub fn qualifiers(&self) -> Vec<(&str, &str, &str)> {
        self.qualifiers.iter().map(|(ai, spelt, value)| (ai.as_str(), spelt.as_str(), value.as_str())).collect()
    }

    /// The name of a level with this request's values in the place of its variables.
    pub fn spelt(&self, level: &LevelName) -> String {
        let mut name = self.key_name();
        let segments: Vec<&str> = level.name.split('/').skip(2).collect();
        for [ai, value] in segments.as_chunks::<2>().0 {
            let own = self.qualifiers.iter().find(|(own, _, _)| own == ai).map(|(_, spelt, _)| spelt.as_str());
            name.push_str(&format!("/{ai}/{}", own.unwrap_or(value)));
        }
        name
    }

    /// What the request says about the link that it wants.
    pub fn wants(&self, asked: &Asked) -> Wants {
        Wants {
            context: self.context.clone(),
            languages: Languages::parse(asked.header(header::ACCEPT_LANGUAGE).unwrap_or_default()),
            media: MediaRanges::parse(asked.header(header::ACCEPT).unwrap_or_default()),
        }
    }
}
