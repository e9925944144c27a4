//! Entry documents of the management API, of release 3 and release 2, as records and back.

use super::levels::is_rule;
use super::record::{self, DESCRIPTION, LEVEL};
use super::request;
use hufu_ident::systems::gs1::links::{self, DEFAULT_LINK};
use hufu_ident::systems::handle::{AdminRecord, kind, right};
use hufu_ident::{Permissions, Reference, Value, ValueSet};
use serde_json::{Map, Value as Json, json};

/// Where the parts of a level stand in its record.
const DESCRIPTION_INDEX: u32 = 1;
const DEFAULT_INDEX: u32 = 2;
const LEVEL_INDEX: u32 = 3;
const ADMIN_INDEX: u32 = 100;
const FIRST_LINK: u32 = 1_001;
/// Qualifiers in the order of the syntax dictionary, whatever the key.
const QUALIFIERS: [&str; 9] = ["22", "10", "21", "235", "254", "7040", "8011", "8019", "8020"];
const ANY: &str = "{}";

/// An entry as posted: one level of one key.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Name of the key, without tag: `01/09506000134376`.
    pub key: String,
    /// Name of the level.
    pub name: String,
    pub description: Option<String>,
    pub default: Option<String>,
    /// As posted.
    pub qualifiers: Vec<Json>,
    pub links: Vec<Map<String, Json>>,
}

impl Entry {
    /// Reads an entry of either release. The error says what is wrong with it.
    pub fn parse(json: &Json) -> Result<Self, String> {
        let Json::Object(object) = json else { return Err("an entry is a JSON object".into()) };
        let object = if object.contains_key("identificationKeyType") { from_v2(object)? } else { object.clone() };
        let entry = Entry::partial(&object, text(&object, "anchor").ok_or("`anchor` is missing")?)?;
        if entry.description.is_none() {
            return Err("`itemDescription` is missing".into());
        }
        let Some(default) = &entry.default else { return Err("`defaultLinktype` is missing".into()) };
        if !object.contains_key("links") {
            return Err("`links` is missing".into());
        }
        let default = links::curie(default);
        if !entry.links.iter().any(|link| link_type(link) == default) {
            return Err(format!("`defaultLinktype` {default} does not occur among `links`"));
        }
        Ok(entry)
    }

    /// Reads what is there of an entry under the anchor.
    pub fn partial(object: &Map<String, Json>, anchor: &str) -> Result<Self, String> {
        let links = match object.get("links") {
            None => Vec::new(),
            Some(Json::Array(list)) if list.len() <= links::LINKS => list.iter().map(link).collect::<Result<_, _>>()?,
            Some(_) => return Err(format!("`links` is a list of at most {} links", links::LINKS)),
        };
        let qualifiers = match object.get("qualifiers") {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Array(list)) => list.clone(),
            Some(_) => return Err("`qualifiers` is a list of objects such as {\"10\":\"{lot}\"}".into()),
        };
        let targets = links.iter().filter_map(|link| text(link, "href"));
        let (key, name) = names(anchor, &qualifiers, is_rule(targets))?;
        let optional = |name: &str| match object.get(name) {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(format!("`{name}` must be text")),
        };
        let (description, default) = (optional("itemDescription")?, optional("defaultLinktype")?);
        if let Some(default) = default.as_deref().filter(|text| !links::curie(text).starts_with("gs1:")) {
            return Err(format!("`defaultLinktype` {default:?} must read gs1:…"));
        }
        Ok(Entry { key, name, description, default, qualifiers, links })
    }

    /// The values of a new record, which `owner` administers.
    pub fn values(&self, order: usize, owner: &Reference) -> Vec<Value> {
        let admin = AdminRecord::new(right::ALL, owner.clone()).to_bytes();
        let mut values = self.head();
        if order > 0 || !self.qualifiers.is_empty() {
            let level = json!({"order": order, "qualifiers": self.qualifiers});
            values.push(Value::new(LEVEL_INDEX, LEVEL, level.to_string()));
        }
        values.push(Value::new(ADMIN_INDEX, kind::ADMIN, admin));
        values.extend(self.links.iter().zip(FIRST_LINK..).map(|(link, index)| link_value(index, link)));
        values
    }

    /// Description and default link, as far as the entry has them.
    fn head(&self) -> Vec<Value> {
        let description =
            self.description.as_ref().map(|text| Value::new(DESCRIPTION_INDEX, DESCRIPTION, text.as_str()));
        let default = self.default.as_ref().map(|text| Value::new(DEFAULT_INDEX, DEFAULT_LINK, text.as_str()));
        description.into_iter().chain(default).collect()
    }

    /// The links that a stored record has not yet, as values behind its own.
    pub fn added_to(&self, stored: &ValueSet) -> Vec<Value> {
        let known: Vec<Map<String, Json>> = stored_links(stored).into_iter().map(|(_, link)| link).collect();
        let fresh = self.links.iter().filter(|link| !known.contains(link));
        fresh.zip(next_index(stored)..).map(|(link, index)| link_value(index, link)).collect()
    }

    /// What changes when the entry is laid over a stored record: a link takes the place of one with the same type,
    /// languages and contexts.
    pub fn laid_over(&self, stored: &ValueSet) -> Vec<Value> {
        let known = stored_links(stored);
        let mut values = self.head();
        for value in &mut values {
            // The parts may have been written by other means, under other indexes.
            let same = stored.iter().find(|own| own.kind.eq_ignore_ascii_case(&value.kind));
            value.index = same.map_or(value.index, |own| own.index);
        }
        let mut next = next_index(stored)..;
        for link in &self.links {
            let same = known.iter().find(|(_, own)| identity(own) == identity(link)).map(|(index, _)| *index);
            let Some(index) = same.or_else(|| next.next()) else { break };
            values.retain(|value: &Value| value.index != index);
            values.push(link_value(index, link));
        }
        values
    }

    /// Indexes of the stored links that the entry names by type, languages and contexts.
    pub fn named_in(&self, stored: &ValueSet) -> Vec<u32> {
        let wanted: Vec<_> = self.links.iter().map(identity).collect();
        stored_links(stored)
            .into_iter()
            .filter(|(_, link)| wanted.contains(&identity(link)))
            .map(|(at, _)| at)
            .collect()
    }

    /// `01_09506000134376`.
    pub fn id(&self) -> String {
        self.key.trim_end_matches(ANY).replace('/', "_")
    }
}

/// A stored level as an entry of release 3.
pub fn to_json(name: &str, values: &ValueSet) -> Json {
    let mut out = Map::new();
    let mut parts = name.splitn(3, '/');
    let (ai, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    out.insert("anchor".into(), json!(format!("/{ai}/{}", value.trim_end_matches(ANY))));
    out.insert("itemDescription".into(), json!(record::text_of(values, DESCRIPTION).unwrap_or_default()));
    if let Some(default) = record::text_of(values, DEFAULT_LINK) {
        out.insert("defaultLinktype".into(), json!(default));
    }
    let posted = level_of(values).and_then(|level| level.get("qualifiers").cloned());
    let named = || {
        let rest: Vec<&str> = parts.next().map(|rest| rest.split('/').collect()).unwrap_or_default();
        let (pairs, _) = rest.as_chunks::<2>();
        Json::Array(pairs.iter().map(|[ai, value]| json!({*ai: request::decoded(value)})).collect())
    };
    let qualifiers = posted.unwrap_or_else(named);
    if qualifiers.as_array().is_some_and(|list| !list.is_empty()) {
        out.insert("qualifiers".into(), qualifiers);
    }
    let links = stored_links(values).into_iter().map(|(_, link)| Json::Object(link)).collect();
    out.insert("links".into(), Json::Array(links));
    Json::Object(out)
}

/// Its place among the levels of the key, in the order of posting.
pub fn order(values: &ValueSet) -> u64 {
    level_of(values).and_then(|level| level.get("order").and_then(Json::as_u64)).unwrap_or(0)
}

fn level_of(values: &ValueSet) -> Option<Json> {
    serde_json::from_str(&record::text_of(values, LEVEL)?).ok()
}

/// The links of a record in order, with their indexes, as posted.
fn stored_links(values: &ValueSet) -> Vec<(u32, Map<String, Json>)> {
    let one = |value: hufu_ident::ValueRef<'_>| {
        let (kind, data) = (std::str::from_utf8(value.kind).ok()?, std::str::from_utf8(value.data).ok()?);
        if !record::is_link_value(&links::curie(kind), data) {
            return None;
        }
        let mut link = Map::new();
        link.insert("linktype".into(), json!(kind));
        match serde_json::from_str(data) {
            Ok(Json::Object(rest)) => link.extend(rest),
            _ => {
                link.insert("href".into(), json!(data));
                link.insert("title".into(), json!(""));
            }
        }
        Some((value.index, link))
    };
    values.iter().filter_map(one).collect()
}

fn next_index(stored: &ValueSet) -> u32 {
    stored.iter().map(|value| value.index).max().unwrap_or(0).saturating_add(1).max(FIRST_LINK)
}

fn link_value(index: u32, link: &Map<String, Json>) -> Value {
    let mut rest = link.clone();
    rest.shift_remove("linktype");
    let value = Value::new(index, text(link, "linktype").unwrap_or_default(), Json::Object(rest).to_string());
    match link.get("public") {
        Some(Json::Bool(false)) => value.with_permissions(Permissions::ADMIN_READ | Permissions::ADMIN_WRITE),
        _ => value,
    }
}

fn link_type(link: &Map<String, Json>) -> String {
    links::curie(text(link, "linktype").unwrap_or_default())
}

/// What makes two links the same one: type, languages, contexts.
fn identity(link: &Map<String, Json>) -> (String, Vec<String>, Vec<String>) {
    let set = |name: &str| {
        let list = link.get(name).and_then(Json::as_array).into_iter().flatten();
        let mut list: Vec<String> = list.filter_map(|one| one.as_str().map(str::to_owned)).collect();
        list.sort_unstable();
        list.dedup();
        list
    };
    (link_type(link), set("hreflang"), set("context"))
}

fn text<'a>(object: &'a Map<String, Json>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Json::as_str)
}

/// A link, checked. To name one for removal its type is enough.
fn link(json: &Json) -> Result<Map<String, Json>, String> {
    let Json::Object(link) = json else { return Err("a link is a JSON object".into()) };
    let kind = text(link, "linktype").ok_or("a link has no `linktype`")?;
    if !links::is_link(kind) || !record::is_link_value(&links::curie(kind), "{") {
        return Err(format!("`linktype` {kind:?} must read gs1:…, or be a URI of letters, digits, `.` and `/`"));
    }
    if let Some(href) = link.get("href") {
        let href = href.as_str().filter(|href| links::is_target(href));
        href.ok_or("`href` must be an http or https URL without white space")?;
    }
    let lists = ["hreflang", "context"].iter().filter_map(|name| Some((name, link.get(*name)?)));
    for (name, list) in lists {
        let texts = list.as_array().is_some_and(|list| list.iter().all(Json::is_string));
        if !texts {
            return Err(format!("`{name}` must be a list of texts"));
        }
    }
    for name in ["title", "type"] {
        if link.get(name).is_some_and(|value| !value.is_string()) {
            return Err(format!("`{name}` must be text"));
        }
    }
    Ok(link.clone())
}

/// Whether each link has what a link to be stored needs.
pub fn check_complete(entry: &Entry) -> Result<(), String> {
    let lacks = |link: &&Map<String, Json>| text(link, "href").is_none() || text(link, "title").is_none();
    match entry.links.iter().find(lacks) {
        Some(link) => Err(format!("the link {} lacks `href` or `title`", link_type(link))),
        None => Ok(()),
    }
}

/// The names of key and level. Qualifiers in braces stand for any value; a rule for serial keys has braces behind
/// its beginning.
fn names(anchor: &str, qualifiers: &[Json], rule: bool) -> Result<(String, String), String> {
    let mut pairs = Vec::new();
    for qualifier in qualifiers {
        let one = qualifier.as_object().filter(|object| object.len() == 1).and_then(|object| object.iter().next());
        let pair = one.and_then(|(ai, value)| Some((ai.as_str(), value.as_str()?)));
        pairs.push(pair.ok_or("a qualifier is an object with one member such as {\"10\":\"ABC\"}")?);
    }
    pairs.sort_by_key(|(ai, _)| QUALIFIERS.iter().position(|own| own == ai).unwrap_or(QUALIFIERS.len()));
    let anchor = anchor.strip_prefix('/').unwrap_or(anchor).trim_end_matches('/');
    if rule && pairs.is_empty() {
        let (ai, value) = anchor.split_once('/').unwrap_or_default();
        if links::prefix_names(ai, value).next().is_some_and(|(_, start, _)| start == value) {
            let well = value.bytes().all(|octet| octet.is_ascii_alphanumeric());
            let name = format!("{ai}/{value}{ANY}");
            return if well { Ok((name.clone(), name)) } else { Err(format!("{value:?} is no beginning of a key")) };
        }
    }
    let is_variable = |value: &str| value.starts_with('{') && value.ends_with('}') && value.len() > 2;
    let mut path = format!("/{anchor}");
    for (ai, value) in &pairs {
        // Any digit is a legal value of every qualifier.
        let value = if is_variable(value) { "1".into() } else { request::encoded(value) };
        path.push_str(&format!("/{ai}/{value}"));
    }
    let read = request::read(&path, "").ok_or_else(|| format!("{anchor:?} does not begin with a GS1 key"))?;
    let read = read.map_err(|refusal| refusal.to_string())?;
    let mut name = read.key_name();
    for ((ai, _, spelt), (_, value)) in read.parts().zip(&pairs) {
        name.push_str(&format!("/{ai}/{}", if is_variable(value) { ANY } else { spelt }));
    }
    Ok((read.key_name(), name))
}

/// An entry of release 2 as one of release 3.
fn from_v2(old: &Map<String, Json>) -> Result<Map<String, Json>, String> {
    let need = |name: &str| text(old, name).ok_or_else(|| format!("`{name}` is missing"));
    let mut links: Vec<Map<String, Json>> = Vec::new();
    let mut default = None;
    let responses = old.get("responses").and_then(Json::as_array).ok_or("`responses` is missing")?;
    for response in responses {
        let Json::Object(response) = response else { return Err("a response is a JSON object".into()) };
        let (kind, href) = (text(response, "linkType"), text(response, "targetUrl"));
        let (Some(kind), Some(href)) = (kind, href) else {
            return Err("a response lacks `linkType` or `targetUrl`".into());
        };
        if response.get("defaultLinkType").and_then(Json::as_bool) == Some(true) {
            default.get_or_insert(kind);
        }
        let language = text(response, "ianaLanguage").or_else(|| text(response, "language"));
        let same =
            |link: &&mut Map<String, Json>| text(link, "linktype") == Some(kind) && text(link, "href") == Some(href);
        if let Some(link) = links.iter_mut().find(same) {
            let list = link.get_mut("hreflang").and_then(Json::as_array_mut);
            list.into_iter()
                .for_each(|list| list.extend(language.map(|tag| json!(tag)).filter(|tag| !list.contains(tag))));
            continue;
        }
        links.push(link_of_v2(response, kind, href, language));
    }
    let default = default.or_else(|| links.first().and_then(|link| text(link, "linktype"))).unwrap_or_default();
    let path = text(old, "qualifierPath").unwrap_or("/").trim_matches('/');
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let (pairs, odd) = parts.as_chunks::<2>();
    if !odd.is_empty() {
        return Err("`qualifierPath` is pairs of AI and value".into());
    }
    let qualifiers: Vec<Json> = pairs.iter().map(|[ai, value]| json!({*ai: request::decoded(value)})).collect();
    let mut new = Map::new();
    let anchor = format!("/{}/{}", need("identificationKeyType")?, need("identificationKey")?);
    new.insert("anchor".into(), json!(anchor));
    new.insert("itemDescription".into(), json!(need("itemDescription")?));
    new.insert("defaultLinktype".into(), json!(default));
    new.insert("qualifiers".into(), Json::Array(qualifiers));
    new.insert("links".into(), Json::Array(links.into_iter().map(Json::Object).collect()));
    Ok(new)
}

fn link_of_v2(response: &Map<String, Json>, kind: &str, href: &str, language: Option<&str>) -> Map<String, Json> {
    let mut link = Map::new();
    link.insert("linktype".into(), json!(kind));
    link.insert("href".into(), json!(href));
    link.insert("title".into(), json!(text(response, "linkTitle").unwrap_or_default()));
    if let Some(media_type) = text(response, "mimeType") {
        link.insert("type".into(), json!(media_type));
    }
    link.insert("hreflang".into(), json!(language.into_iter().collect::<Vec<_>>()));
    if let Some(context) = text(response, "context") {
        link.insert("context".into(), json!([context]));
    }
    let shown = ["active", "public"].iter().all(|name| response.get(*name).and_then(Json::as_bool).unwrap_or(true));
    if !shown {
        link.insert("public".into(), json!(false));
    }
    link
}
