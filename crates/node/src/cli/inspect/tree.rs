//! A decoded thing as a tree of fields with their place in the octets: one source for the text and the JSON.

use crate::cli::screen::printable;
use hufu_ident::Reference;
use hufu_ident::systems::handle::kinds::is_text;
use serde_json::{Map, Value as Json, json};

/// A field: its key, where it stands, and what it holds.
#[derive(Debug, Clone)]
pub struct Node {
    key: &'static str,
    at: usize,
    content: Content,
    /// What a reader wants to know beside the value, e.g. the name of a number.
    notes: Vec<(&'static str, Json)>,
}

#[derive(Debug, Clone)]
enum Content {
    Leaf(Json),
    Fields(Vec<Node>),
    Items(Vec<Node>),
}

impl Node {
    /// Where it starts.
    pub fn at(&self) -> usize {
        self.at
    }

    pub fn note(mut self, key: &'static str, value: impl Into<Json>) -> Self {
        self.notes.push((key, value.into()));
        self
    }

    pub fn to_json(&self) -> Json {
        match &self.content {
            Content::Leaf(value) => value.clone(),
            Content::Items(items) => items.iter().map(Node::to_json).collect(),
            Content::Fields(fields) => {
                let mut out = Map::new();
                fields.iter().for_each(|field| field.put_into(&mut out));
                out.into()
            }
        }
    }

    /// Adds this field and its notes to an object.
    pub fn put_into(&self, out: &mut Map<String, Json>) {
        out.insert(self.key.into(), self.to_json());
        for (key, value) in &self.notes {
            out.insert((*key).into(), value.clone());
        }
    }

    /// Appends the lines of the text form: offset, indented key, value.
    pub fn print(&self, depth: usize, out: &mut Vec<String>) {
        let shown_note = |(key, note): &(&str, Json)| match note {
            Json::Bool(true) => (*key).to_owned(),
            Json::Bool(false) => String::new(),
            _ => shown(note),
        };
        let notes = self.notes.iter().map(shown_note).filter(|note| !note.is_empty());
        let notes: String = notes.map(|note| format!("  ({note})")).collect();
        let head = format!("{:>6}  {}{}", self.at, "  ".repeat(depth), self.key);
        match &self.content {
            Content::Leaf(Json::Null) => {}
            Content::Leaf(value) => out.push(format!("{head}: {}{notes}", shown(value))),
            Content::Fields(fields) => {
                out.push(format!("{head}{notes}"));
                fields.iter().for_each(|field| field.print(depth + 1, out));
            }
            Content::Items(items) => {
                out.push(format!("{head}: {}{notes}", items.len()));
                items.iter().for_each(|item| item.print(depth + 1, out));
            }
        }
    }
}

/// A JSON value as a person reads it.
fn shown(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => printable(text),
        Json::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(" "),
        Json::Object(object) => match object.get("hex").and_then(Json::as_str) {
            Some(octets) => format!("0x{octets}"),
            None => value.to_string(),
        },
        other => other.to_string(),
    }
}

/// Octets as text where they are text, else as hex.
pub fn text_or_hex(octets: &[u8]) -> Json {
    match std::str::from_utf8(octets) {
        Ok(text) if is_text(text) => text.into(),
        _ => json!({"hex": hex::encode(octets)}),
    }
}

/// Walks over the octets in the order of the wire, so that every field knows its place.
#[derive(Debug, Clone, Copy)]
pub struct Cursor(pub usize);

impl Cursor {
    /// A field of a fixed number of octets.
    pub fn fixed(&mut self, key: &'static str, octets: usize, value: impl Into<Json>) -> Node {
        let node = Node { key, at: self.0, content: Content::Leaf(value.into()), notes: Vec::new() };
        self.0 += octets;
        node
    }

    /// Something that we say and no octet holds, e.g. the kind of a body.
    pub fn said(&mut self, key: &'static str, value: impl Into<Json>) -> Node {
        self.fixed(key, 0, value)
    }

    pub fn u32(&mut self, key: &'static str, value: u32) -> Node {
        self.fixed(key, 4, value)
    }

    /// A length and octets, shown as text where they are text.
    pub fn bytes(&mut self, key: &'static str, octets: &[u8]) -> Node {
        self.fixed(key, 4 + octets.len(), text_or_hex(octets))
    }

    /// A length and octets, shown as hex.
    pub fn sized_hex(&mut self, key: &'static str, octets: &[u8]) -> Node {
        self.fixed(key, 4 + octets.len(), hex::encode(octets))
    }

    /// Octets without a length, shown as hex.
    pub fn raw_hex(&mut self, key: &'static str, octets: &[u8]) -> Node {
        self.fixed(key, octets.len(), hex::encode(octets))
    }

    /// Fields one after another.
    pub fn fields(&mut self, key: &'static str, fill: impl FnOnce(&mut Cursor) -> Vec<Node>) -> Node {
        let at = self.0;
        let fields = fill(self);
        Node { key, at, content: Content::Fields(fields), notes: Vec::new() }
    }

    /// A `u4` count and as many items.
    pub fn items<T>(&mut self, key: &'static str, items: &[T], mut each: impl FnMut(&mut Cursor, &T) -> Node) -> Node {
        let at = self.0;
        self.0 += 4;
        let items = items.iter().map(|item| each(self, item)).collect();
        Node { key, at, content: Content::Items(items), notes: Vec::new() }
    }

    /// A handle and an index.
    pub fn reference(&mut self, key: &'static str, reference: &Reference) -> Node {
        self.fields(key, |cursor| vec![cursor.bytes("handle", &reference.handle), cursor.u32("index", reference.index)])
    }
}
