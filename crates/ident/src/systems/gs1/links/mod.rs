//! What a GS1 resolver knows of an identifier: links by type, and which of them a request is led to.
//!
//! Pure: the words of a request (link type, context, `Accept-Language`, `Accept`) and the links of the levels come
//! in, a choice comes out (GS1-Conformant Resolver 1.2.0; RFC 9264).

mod accept;
mod choose;
mod language;
mod level;
mod link_type;
mod target;

pub use accept::{MediaRanges, prefers};
pub use choose::{Choice, Wants, choose, choose_fitting};
pub use language::{Languages, schema_tag};
pub use level::{Default, Level, LevelName, default_of, default_target, level_names, of_type, prefix_names};
pub use link_type::{
    DEFAULT_LINK, DEFAULT_LINK_MULTI, HANDLED_BY, KNOWN, LINKSET_MEMBER, PIP, VOCABULARY, curie, iri, is_link,
};
pub use target::{forward, substitute};

/// Links of one level that are looked at; a record may hold more values of other kinds.
pub const LINKS: usize = 1_000;

/// One link of one level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// As [`curie`] gives it: `gs1:pip`, an absolute URI of another vocabulary, or an IANA relation.
    pub link_type: String,
    /// An `http` or `https` URL, perhaps with `{variable}` in it.
    pub href: String,
    /// For people; empty where the record has none.
    pub title: String,
    /// IANA media type of the target.
    pub media_type: Option<String>,
    /// BCP 47 tags of the target; `und` for none in particular.
    pub hreflang: Vec<String>,
    /// What else the link is for: a country, a role, ….
    pub context: Vec<String>,
    /// Whether the query of the request is passed on to the target.
    pub fwqs: bool,
    /// Whether everybody may see it.
    pub public: bool,
}

impl Link {
    /// A public link without conditions.
    pub fn new(link_type: &str, href: &str) -> Self {
        Link {
            link_type: curie(link_type),
            href: href.to_owned(),
            title: String::new(),
            media_type: None,
            hreflang: Vec::new(),
            context: Vec::new(),
            fwqs: true,
            public: true,
        }
    }
}

/// Whether a target may be redirected to: `http` or `https`, a host, and nothing that ends a header line.
pub fn is_target(href: &str) -> bool {
    let folded = href.get(..8).unwrap_or(href).to_ascii_lowercase();
    let host = folded.strip_prefix("https://").or_else(|| folded.strip_prefix("http://"));
    let start = if folded.starts_with("https://") { 8 } else { 7 };
    let named = href.get(start..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '['));
    host.is_some() && named && !href.chars().any(|c| c.is_control() || c.is_whitespace())
}
