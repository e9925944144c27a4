//! Finds out what octets are, decodes them, and composes them anew.

use super::As;
use super::data::{PrivateKeyFile, data, reencoded};
use super::message;
use super::tree::{Cursor, Node};
use hufu_ident::Value;
use hufu_ident::systems::handle::wire::{ENVELOPE_OCTETS, Envelope, Message, Reader, WireError, put_u32};
use hufu_ident::systems::handle::{Data, KeyParts, kind, kinds};

/// What octets turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Message,
    /// One packet of a message that was cut.
    Packet,
    Value,
    Values,
    Data,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Message => "message",
            Kind::Packet => "packet",
            Kind::Value => "value",
            Kind::Values => "values",
            Kind::Data => "data",
        }
    }
}

/// Something decoded.
#[derive(Debug)]
pub struct Found {
    pub kind: Kind,
    pub nodes: Vec<Node>,
    /// Composed from what was decoded.
    pub recomposed: Vec<u8>,
    /// Whether that gave the octets that were read.
    pub same: bool,
}

/// Octets that are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub kind: Option<Kind>,
    /// Octets from the start of the thing; characters for broken hex.
    pub at: usize,
    pub field: &'static str,
    pub rule: &'static str,
}

impl Unreadable {
    pub fn new(kind: Option<Kind>, at: usize, field: &'static str, rule: &'static str) -> Self {
        Unreadable { kind, at, field, rule }
    }

    fn of(kind: Kind, base: usize, error: &WireError) -> Self {
        Unreadable::new(Some(kind), base + error.at, error.field, error.rule)
    }
}

type Outcome = Result<Found, Unreadable>;

/// Everything in one line: several messages may follow each other, anything else stands alone.
/// What cannot be read comes with its octets.
pub fn all<'a>(octets: &'a [u8], form: As, kind: Option<&str>) -> Vec<Result<Found, (Unreadable, &'a [u8])>> {
    let alone = |outcome: Outcome| vec![outcome.map_err(|unreadable| (unreadable, octets))];
    match form {
        As::Message => messages(octets),
        As::Value => alone(value(octets)),
        As::Values => alone(values(octets)),
        As::Data => alone(typed_data(octets, kind)),
        As::Auto if starts_with_frame(octets) => messages(octets),
        As::Auto => alone(anything_else(octets, kind)),
    }
}

/// Frames one after another.
fn messages(mut octets: &[u8]) -> Vec<Result<Found, (Unreadable, &[u8])>> {
    let mut all = Vec::new();
    loop {
        let end = frame_end(octets).unwrap_or(octets.len());
        let (frame, rest) = octets.split_at(end);
        all.push(message(frame).map_err(|unreadable| (unreadable, frame)));
        octets = rest;
        if octets.is_empty() {
            return all;
        }
    }
}

/// Where the frame at the start ends, if it is there whole.
fn frame_end(octets: &[u8]) -> Option<usize> {
    let envelope = Envelope::decode(&mut Reader::new(octets)).ok()?;
    let end = ENVELOPE_OCTETS.checked_add(envelope.length as usize)?;
    (end <= octets.len()).then_some(end)
}

/// Whether the envelope's length fits exactly, or a known version with a possible length announces another frame.
fn starts_with_frame(octets: &[u8]) -> bool {
    match frame_end(octets) {
        Some(end) if end == octets.len() => true,
        Some(_) => looks_like_envelope(octets),
        None => false,
    }
}

/// Whether octets start like a message of a version in use.
fn looks_like_envelope(octets: &[u8]) -> bool {
    matches!(octets, [1..=5, 0..=20, ..])
}

pub fn message(frame: &[u8]) -> Outcome {
    if let Some(packet) = packet(frame) {
        return Ok(packet);
    }
    match Message::decode(frame) {
        Ok(decoded) => {
            let recomposed = message::recomposed(&decoded);
            let same = recomposed == frame;
            Ok(Found { kind: Kind::Message, nodes: message::nodes(&decoded), recomposed, same })
        }
        Err(error) => Err(Unreadable::of(Kind::Message, message::error_base(frame), &error)),
    }
}

/// One packet of several: the flag says so, and it holds less than the length announces.
fn packet(frame: &[u8]) -> Option<Found> {
    let mut reader = Reader::new(frame);
    let envelope = Envelope::decode(&mut reader).ok()?;
    let part = reader.rest();
    if !envelope.is(Envelope::TRUNCATED) || part.is_empty() || part.len() >= envelope.length as usize {
        return None;
    }
    let mut cursor = Cursor(0);
    let nodes = vec![message::envelope(&mut cursor, &envelope), cursor.raw_hex("part", part)];
    let mut recomposed = Vec::with_capacity(frame.len());
    envelope.compose(&mut recomposed);
    recomposed.extend_from_slice(part);
    let same = recomposed == frame;
    Some(Found { kind: Kind::Packet, nodes, recomposed, same })
}

fn value(octets: &[u8]) -> Outcome {
    let mut reader = Reader::new(octets);
    let decoded = Value::decode(&mut reader).and_then(|value| reader.finish("value").map(|()| value));
    let mut value = decoded.map_err(|error| Unreadable::of(Kind::Value, 0, &error))?;
    let nodes = message::value_fields(&mut Cursor(0), &value);
    message::reencode(&mut value);
    let mut recomposed = Vec::with_capacity(octets.len());
    value.compose(&mut recomposed);
    let same = recomposed == octets;
    Ok(Found { kind: Kind::Value, nodes, recomposed, same })
}

fn values(octets: &[u8]) -> Outcome {
    /// Octets of the smallest value record.
    const MIN_VALUE: usize = 26;
    let mut reader = Reader::new(octets);
    let mut decode = || {
        let count = reader.count("values", MIN_VALUE)?;
        let list = (0..count).map(|_| Value::decode(&mut reader)).collect::<Result<Vec<_>, _>>()?;
        reader.finish("values").map(|()| list)
    };
    let mut list = decode().map_err(|error| Unreadable::of(Kind::Values, 0, &error))?;
    let nodes = vec![message::values(&mut Cursor(0), &list)];
    let mut recomposed = Vec::with_capacity(octets.len());
    put_u32(&mut recomposed, list.len() as u32);
    for value in &mut list {
        message::reencode(value);
        value.compose(&mut recomposed);
    }
    let same = recomposed == octets;
    Ok(Found { kind: Kind::Values, nodes, recomposed, same })
}

/// Neither a frame nor a concatenation of frames: a value, a set, or data.
fn anything_else(octets: &[u8], kind: Option<&str>) -> Outcome {
    let record = match value(octets) {
        Ok(found) => return Ok(found),
        Err(unreadable) => unreadable,
    };
    if let Ok(found) = values(octets) {
        return Ok(found);
    }
    match kind.or_else(|| guess_layout(octets)) {
        Some(kind) => typed_data(octets, Some(kind)),
        None if looks_like_envelope(octets) => message(octets),
        None if is_plain_text(octets) => typed_data(octets, Some(kind::DESC)),
        None => Err(record),
    }
}

/// The name under which private key files go.
const PRIVATE_KEY: &str = "privkey";

/// The type whose layout the octets have.
fn guess_layout(octets: &[u8]) -> Option<&'static str> {
    if PrivateKeyFile::decode(octets).is_ok_and(|file| file.is_plain()) {
        return Some(PRIVATE_KEY);
    }
    let fits = |name: &&str| match Data::decode(name.as_bytes(), octets) {
        // Any octets may be a key of a kind that nobody knows.
        Ok(Data::PublicKey(key)) => !matches!(key.parts, KeyParts::Other(_)),
        decoded => decoded.is_ok(),
    };
    let layouts = [kind::PUBKEY, kind::SITE, kind::ADMIN, kind::VLIST];
    layouts.into_iter().find(fits)
}

fn is_plain_text(octets: &[u8]) -> bool {
    std::str::from_utf8(octets).is_ok_and(kinds::is_text)
}

fn typed_data(octets: &[u8], kind: Option<&str>) -> Outcome {
    let text = || is_plain_text(octets).then_some(kind::DESC);
    let guessed = kind.or_else(|| guess_layout(octets)).or_else(text);
    let none = || Unreadable::new(Some(Kind::Data), 0, "data", "fits no known type; name it with --type");
    let kind = guessed.ok_or_else(none)?;
    let unreadable = |error: WireError| Unreadable::of(Kind::Data, 0, &error);
    let mut cursor = Cursor(0);
    let said = cursor.said("type", kind);
    if kind.eq_ignore_ascii_case(PRIVATE_KEY) {
        let file = PrivateKeyFile::decode(octets).map_err(unreadable)?;
        let recomposed = file.to_bytes();
        let same = recomposed == octets;
        return Ok(Found { kind: Kind::Data, nodes: vec![said, file.node(&mut cursor)], recomposed, same });
    }
    Data::decode(kind.as_bytes(), octets).map_err(unreadable)?;
    let recomposed = reencoded(kind.as_bytes(), octets);
    let same = recomposed == octets;
    let nodes = vec![said, data(&mut cursor, "data", kind.as_bytes(), octets)];
    Ok(Found { kind: Kind::Data, nodes, recomposed, same })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, Value as Json};

    /// A resolution request for `20.500.TEST/abc`.
    const REQUEST: &str = "020b020b000000000102030400000000000000370000000100000000\
        19000000ffff0000655499c00000001b0000000f32302e3530302e544553542f6162630000000000000000\
        00000000";
    const VALUE: &str = "000000016553f10000000151800e0000000355524c00000015\
        68747470733a2f2f6578616d706c652e636f6d2f6100000000";
    const ADMIN: &str = "0fff00000010302e4e412f32302e3530302e544553540000012c";

    fn octets(text: &str) -> Vec<u8> {
        hex::decode(text).unwrap()
    }

    fn json(found: &Found) -> Json {
        let mut out = Map::new();
        found.nodes.iter().for_each(|node| node.put_into(&mut out));
        out.into()
    }

    #[test]
    fn a_request_shows_every_field_and_its_place() {
        let request = octets(REQUEST);
        let found = all(&request, As::Auto, None).remove(0).unwrap();
        assert!(found.kind == Kind::Message && found.same);
        let shown = json(&found);
        assert_eq!(shown["envelope"]["requestId"], 0x0102_0304);
        assert_eq!(shown["header"]["opName"], "RESOLUTION");
        assert_eq!(shown["header"]["flagNames"], serde_json::json!(["RECU", "CACR", "PUBL"]));
        assert_eq!((&shown["header"]["bodyLength"], &shown["digest"]), (&Json::from(27), &Json::Null));
        assert_eq!(shown["body"]["handle"], "20.500.TEST/abc");
        assert_eq!((&shown["trailing"], &shown["credential"]["state"]), (&Json::from(""), &Json::from("empty")));
        let mut lines = Vec::new();
        found.nodes.iter().for_each(|node| node.print(0, &mut lines));
        assert!(lines.contains(&"    44    handle: 20.500.TEST/abc".to_owned()), "{lines:#?}");
        assert!(lines.contains(&"    71    state: empty".to_owned()), "{lines:#?}");
    }

    #[test]
    fn values_sets_and_data_are_told_apart() {
        let kind_of = |text: &str| {
            let octets = octets(text);
            let found = all(&octets, As::Auto, None).remove(0).unwrap();
            (found.kind, found.same)
        };
        assert_eq!(kind_of(VALUE), (Kind::Value, true));
        assert_eq!(kind_of(&format!("00000001{VALUE}")), (Kind::Values, true));
        assert_eq!(kind_of(ADMIN), (Kind::Data, true));
        let admin = octets(ADMIN);
        let found = all(&admin, As::Data, Some("HS_ADMIN")).remove(0).unwrap();
        assert_eq!(json(&found)["data"]["value"]["handle"], "0.NA/20.500.TEST");
        let value = octets(VALUE);
        let found = all(&value, As::Auto, None).remove(0).unwrap();
        assert_eq!(json(&found)["data"], serde_json::json!({"format": "string", "value": "https://example.com/a"}));
    }

    #[test]
    fn frames_in_a_row_are_several_and_a_rest_is_an_error() {
        let two = octets(&format!("{REQUEST}{REQUEST}"));
        assert_eq!(all(&two, As::Auto, None).iter().filter(|found| found.is_ok()).count(), 2);
        let cut = all(&two[..120], As::Auto, None);
        assert!(cut.len() == 2 && cut[0].is_ok() && cut[1].as_ref().unwrap_err().1.len() == 45);
    }

    #[test]
    fn errors_count_from_the_start_of_the_frame() {
        let mut broken = octets(REQUEST);
        broken[47] = 0xFF; // The length of the handle.
        let (error, _) = all(&broken, As::Auto, None).remove(0).unwrap_err();
        assert_eq!((error.at, error.field), (48, "handle"));
        let (error, _) = all(&broken[..60], As::Auto, None).remove(0).unwrap_err();
        assert_eq!((error.kind, error.at, error.field), (Some(Kind::Message), 20, "message"));
    }

    #[test]
    fn a_cut_packet_is_shown_as_such() {
        let mut packet = octets(REQUEST)[..60].to_vec();
        packet[2] |= 0x20;
        let found = message(&packet).unwrap();
        assert!(found.kind == Kind::Packet && found.same);
    }

    #[test]
    fn a_private_key_file_is_readable() {
        let mut file = vec![0, 0, 0, 1];
        for part in [b"RSA_PRIV_KEY".as_slice(), &[5], &[7]] {
            hufu_ident::systems::handle::wire::put_bytes(&mut file, part);
        }
        let found = all(&file, As::Auto, None).remove(0).unwrap();
        assert!(found.same);
        assert_eq!(json(&found)["data"]["d"], "07");
        file.push(0);
        assert_eq!(all(&file, As::Data, Some("privkey")).remove(0).unwrap_err().0.field, "private key file");
    }

    #[test]
    fn no_input_panics() {
        let request = octets(REQUEST);
        for at in 0..request.len() {
            for bit in 0..8 {
                let mut changed = request.clone();
                changed[at] ^= 1 << bit;
                for form in [As::Auto, As::Message, As::Value, As::Values, As::Data] {
                    all(&changed, form, None);
                    all(&changed[at..], form, Some("HS_SITE"));
                }
            }
        }
    }
}
