//! Links in records: a value whose type is the link type and whose data is a URL, or JSON with its attributes.
//!
//! `DESC` describes the level, `gs1:defaultLink` names its default link (by type, URL or JSON),
//! `gs1:defaultLinkMulti` its variants, `gs1:handledBy` another resolver, `gs1:withdrawn` its end, and `gs1:level`
//! what the level's name cannot say: the names of its variables, and its place among the levels of the key.

use hufu_ident::systems::gs1::links::{self, DEFAULT_LINK, DEFAULT_LINK_MULTI, Default, HANDLED_BY, Level, Link, PIP};
use hufu_ident::systems::handle::kind;
use hufu_ident::{ValueRef, ValueSet};
use serde_json::{Map, Value as Json, json};

/// The type of the description of a level.
pub const DESCRIPTION: &str = "DESC";
/// The type of what a level's name cannot say: `{"order":1,"qualifiers":[{"10":"{lot}"}]}`.
pub const LEVEL: &str = "gs1:level";
/// The type of the value by which an owner ends an identifier.
pub const WITHDRAWN: &str = "gs1:withdrawn";

/// Which attributes of a link are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Target and title, as a default link has them.
    Bare,
    /// All, languages in full.
    Full,
    /// All, languages as the linkset schema can write them.
    Schema,
}

/// Reads the public values of a level's record.
pub fn level(name: &str, values: &ValueSet) -> Level {
    let mut level = Level { name: name.to_owned(), ..Level::default() };
    let mut plain = Vec::new();
    for value in values.iter().filter(|value| value.permissions.public_read()) {
        let (Ok(kind), Ok(data)) = (std::str::from_utf8(value.kind), std::str::from_utf8(value.data)) else { continue };
        match links::curie(kind).as_str() {
            DEFAULT_LINK => level.default = level.default.or_else(|| default(data)),
            DEFAULT_LINK_MULTI => level.multi.extend(link(PIP, data)),
            HANDLED_BY | LEVEL | WITHDRAWN => {}
            _ if value.is_kind(DESCRIPTION) => level.description = level.description.or_else(|| Some(data.to_owned())),
            _ if value.is_kind(kind::URL) => plain.extend(link(PIP, data)),
            link_type if is_link_value(link_type, data) && level.links.len() < links::LINKS => {
                level.links.extend(link(link_type, data));
            }
            _ => {}
        }
    }
    // A record of another kind is one link; beside typed links its URLs are for the other doors.
    if level.links.is_empty() && level.default.is_none() {
        level.links = plain;
    }
    level.links.retain(|link| link.public);
    level.multi.retain(|link| link.public);
    level
}

/// A type of the GS1 or another vocabulary; an IANA relation only with a link object, since other systems' types may
/// look the same.
pub fn is_link_value(link_type: &str, data: &str) -> bool {
    let named = link_type.starts_with("gs1:") || link_type.contains("://");
    let reserved = [LEVEL, WITHDRAWN, HANDLED_BY, DEFAULT_LINK, DEFAULT_LINK_MULTI].contains(&link_type);
    !reserved && links::is_link(link_type) && (named || data.trim_start().starts_with('{'))
}

fn default(data: &str) -> Option<Default> {
    let curie = links::curie(data.trim());
    if curie.starts_with("gs1:") {
        return Some(Default::Type(curie));
    }
    link(PIP, data).filter(|link| link.public).map(Default::Link)
}

/// A link from the data of a value; none if there is no target that may be redirected to.
pub fn link(link_type: &str, data: &str) -> Option<Link> {
    let data = data.trim();
    if !data.starts_with('{') {
        return links::is_target(data).then(|| Link::new(link_type, data));
    }
    let Json::Object(object) = serde_json::from_str(data).ok()? else { return None };
    let text = |name: &str| object.get(name).and_then(Json::as_str);
    let href = text("href").filter(|href| links::is_target(href))?;
    Some(Link {
        title: text("title").unwrap_or_default().to_owned(),
        media_type: text("type").filter(|text| !text.is_empty()).map(str::to_owned),
        hreflang: texts(object.get("hreflang")),
        context: texts(object.get("context")),
        fwqs: object.get("fwqs").and_then(Json::as_bool).unwrap_or(true),
        public: object.get("public").and_then(Json::as_bool).unwrap_or(true),
        ..Link::new(text("linktype").filter(|_| link_type == PIP).unwrap_or(link_type), href)
    })
}

/// A list of texts, or one text.
fn texts(json: Option<&Json>) -> Vec<String> {
    match json {
        Some(Json::String(one)) => vec![one.clone()],
        Some(Json::Array(list)) => list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

/// A link as a linkset writes it.
pub fn to_json(link: &Link, shape: Shape) -> Json {
    let mut out = Map::new();
    let title = if link.title.is_empty() { &link.href } else { &link.title };
    out.insert("href".into(), json!(link.href));
    out.insert("title".into(), json!(title));
    if shape == Shape::Bare {
        return Json::Object(out);
    }
    if let Some(media_type) = &link.media_type {
        out.insert("type".into(), json!(media_type));
    }
    let languages: Vec<String> = match shape {
        Shape::Schema => link.hreflang.iter().filter_map(|tag| links::schema_tag(tag)).collect(),
        _ => link.hreflang.clone(),
    };
    if !languages.is_empty() {
        out.insert("hreflang".into(), json!(languages));
    }
    if !link.context.is_empty() {
        out.insert("context".into(), json!(link.context));
    }
    if !link.fwqs {
        out.insert("fwqs".into(), json!(false));
    }
    Json::Object(out)
}

/// The first value of a type, as text.
pub fn text_of(values: &ValueSet, wanted: &str) -> Option<String> {
    let found = |value: &ValueRef<'_>| value.is_kind(wanted) && value.permissions.public_read();
    values.iter().find(found).and_then(|value| std::str::from_utf8(value.data).ok().map(|text| text.trim().to_owned()))
}

/// The names of a level's variables: AI → name without braces.
pub fn variables(values: &ValueSet) -> Vec<(String, String)> {
    let Some(Ok(level)) = text_of(values, LEVEL).map(|text| serde_json::from_str::<Json>(&text)) else {
        return Vec::new();
    };
    let qualifiers = level.get("qualifiers").and_then(Json::as_array);
    let pairs = qualifiers.into_iter().flatten().filter_map(Json::as_object).flatten();
    let name = |(ai, value): (&String, &Json)| {
        let inner = value.as_str()?.strip_prefix('{')?.strip_suffix('}')?;
        Some((ai.clone(), inner.to_owned()))
    };
    pairs.filter_map(name).collect()
}
