//! No decoder panics, and what one accepts composes to the octets it was given.
//!
//! The inputs are random octets and mutations of good messages, made by a seeded generator, so that a run can be
//! repeated. `HUFU_FUZZ_INPUTS` says how many (default 300,000), `HUFU_FUZZ_SEED` where they start.

use crate::corpus;
use bytes::Bytes;
use hufu_ident::record::Value;
use hufu_ident::systems::handle::wire::{
    Body, Content, CredentialField, Message, Plain, Question, Reader, put_bytes, put_u32,
};
use hufu_ident::systems::handle::{Data, PublicKey, Site, kind};
use hufu_ident::systems::vaa;
use hufu_ident::{CaseRule, Identifier, ValueSet, limits, system};

const INPUTS: u64 = 300_000;
const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
/// Longest input, in octets.
const LONGEST: usize = 4096;

/// The predefined types, and two of nobody.
const KINDS: [&str; 16] = [
    kind::ADMIN,
    kind::SITE,
    kind::SITE_6,
    kind::SITE_PREFIX,
    kind::NA_DELEGATE,
    kind::SERV,
    kind::SERV_PREFIX,
    kind::ALIAS,
    kind::VLIST,
    kind::PUBKEY,
    kind::SECKEY,
    kind::NAMESPACE,
    kind::CERT,
    kind::SIGNATURE,
    kind::URL,
    "x.unknown",
];

#[test]
fn no_input_panics_and_what_decodes_composes_to_the_same_octets() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (inputs, seed) = (number("HUFU_FUZZ_INPUTS", INPUTS), number("HUFU_FUZZ_SEED", SEED));
    let seeds = Seeds::gather();
    let mut random = XorShift(seed | 1);
    let mut seen = Seen::default();
    let mut input = Vec::with_capacity(LONGEST);
    for number in 0..inputs {
        input.clear();
        seeds.make(&mut random, &mut input);
        input.truncate(LONGEST);
        let witness = Witness { number, input: &input };
        probe(&input, &mut seen);
        drop(witness);
    }
    println!("{inputs} inputs from seed {seed:#x}: {seen:?}");
    // The inputs are worth something only if the decoders get past the first fields.
    let share = |count: u64, least: u64| assert!(count >= inputs / least, "{seen:?}");
    share(seen.messages, 20);
    share(seen.questions, 200);
    share(seen.value_sets, 200);
    share(seen.data, 20);
    share(seen.identifiers, 50);
}

/// Tells which input it was when a decoder panics.
struct Witness<'a> {
    number: u64,
    input: &'a [u8],
}

impl Drop for Witness<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("input {}: {}", self.number, hex::encode(self.input));
        }
    }
}

/// How many inputs each decoder accepted.
#[derive(Debug, Default)]
struct Seen {
    messages: u64,
    questions: u64,
    value_sets: u64,
    data: u64,
    identifiers: u64,
    vaa: u64,
}

fn probe(input: &[u8], seen: &mut Seen) {
    probe_message(input, seen);
    probe_values(input, seen);
    for kind in KINDS {
        if let Ok(data) = Data::decode(kind.as_bytes(), input) {
            assert!(data.to_bytes() == input, "{kind}");
            seen.data += u64::from(!matches!(data, Data::Octets(_) | Data::Text(_) | Data::Name(_)));
        }
    }
    if let Ok(site) = Site::decode(input) {
        assert_eq!(site.to_bytes(), input);
        site.servers.iter().for_each(|server| assert!(site.addresses(server).len() <= 3));
    }
    if let Ok(key) = PublicKey::decode(input) {
        assert_eq!(key.to_bytes(), input);
    }
    probe_text(&String::from_utf8_lossy(input), seen);
}

fn probe_message(input: &[u8], seen: &mut Seen) {
    let message = Message::decode(input);
    let question = Question::decode(input);
    seen.questions += u64::from(question.is_some());
    let Ok(message) = message else {
        assert!(question.is_none(), "the hot path takes what the full decoder refuses");
        return;
    };
    seen.messages += 1;
    assert_eq!(message.to_bytes(), input);
    let Some(Plain { header, body: Body::Resolve { handle, selection }, trailing, credential, .. }) = message.plain()
    else {
        assert!(question.is_none(), "the hot path takes what is no resolution");
        return;
    };
    assert_eq!(question.is_some(), std::str::from_utf8(handle).is_ok());
    let Some(question) = question else { return };
    assert_eq!((question.envelope, question.header), (message.envelope, *header));
    assert_eq!((question.name.text().as_bytes(), question.trailing), (&handle[..], &trailing[..]));
    assert_eq!(
        (question.selection.indexes(), question.selection.types()),
        (selection.indexes.clone(), selection.types.clone())
    );
    assert_eq!(question.signed, matches!(credential, CredentialField::Signed(_) | CredentialField::Opaque(_)));
}

fn probe_values(input: &[u8], seen: &mut Seen) {
    let trusted = ValueSet::trusted(Bytes::copy_from_slice(input));
    let (whole, capped) = (trusted.to_values().len(), trusted.with_ttl_at_most(30));
    assert!(trusted.public().iter().count() <= whole && capped.iter().count() >= whole);
    let Ok(set) = ValueSet::decode(Bytes::copy_from_slice(input)) else {
        return;
    };
    seen.value_sets += 1;
    let mut out = Vec::with_capacity(input.len());
    put_u32(&mut out, set.len() as u32);
    set.iter().for_each(|value| value.to_value().compose(&mut out));
    assert_eq!(out, input);
    for filtered in [set.public(), set.filtered(|value| value.index % 2 == 0), set.with_ttl_at_most(30)] {
        assert_eq!(ValueSet::decode(filtered.as_bytes().clone()), Ok(filtered));
    }
}

fn probe_text(text: &str, seen: &mut Seen) {
    if let Ok(identifier) = Identifier::parse_new(text) {
        seen.identifiers += 1;
        for rule in [CaseRule::Insensitive, CaseRule::Sensitive] {
            let key = identifier.key(rule);
            assert_eq!(key.to_identifier().key(rule), key);
        }
    }
    if let Ok(identifier) = Identifier::parse_percent(text) {
        assert!(text.contains('%') || identifier.as_str() == text);
    }
    let length = text.chars().count();
    match vaa::parse(text) {
        Ok(parts) => {
            seen.vaa += 1;
            let whole = format!("{}.{}.{}/{}", parts.issuer, parts.node, parts.enterprise, parts.suffix);
            assert_eq!(whole, text);
        }
        Err(refusal) => assert!(refusal.at.is_none_or(|at| at <= length), "{refusal}"),
    }
    let _ = system::check_new(text);
}

/// Marsaglia's xorshift64*.
struct XorShift(u64);

impl XorShift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `bound`; 0 for a bound of 0.
    fn below(&mut self, bound: usize) -> usize {
        match bound {
            0 => 0,
            _ => (self.next() >> 33) as usize % bound,
        }
    }

    fn octet(&mut self) -> u8 {
        (self.next() >> 56) as u8
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// What good inputs look like.
struct Seeds {
    messages: Vec<Vec<u8>>,
    values: Vec<Vec<u8>>,
    texts: Vec<Vec<u8>>,
}

impl Seeds {
    fn gather() -> Seeds {
        let messages: Vec<_> = corpus::own("handle/messages.json").iter().map(corpus::octets).collect();
        let values = messages.iter().flat_map(|frame| values_in(frame)).collect();
        let mut texts = Vec::new();
        for (file, field) in
            [("handle/names.json", "name"), ("handle/texts.json", "text"), ("vaa/identifiers.json", "text")]
        {
            texts.extend(corpus::own(file).iter().map(|entry| corpus::text(entry, field).as_bytes().to_vec()));
        }
        Seeds { messages, values, texts }
    }

    fn make(&self, random: &mut XorShift, out: &mut Vec<u8>) {
        match random.below(20) {
            0 => {
                let length = random.below(200);
                out.extend((0..length).map(|_| random.octet()));
            }
            1..=12 => self.mutated(&self.messages, random, out),
            13..=16 => self.mutated(&self.values, random, out),
            _ => self.mutated(&self.texts, random, out),
        }
    }

    fn mutated(&self, kind: &[Vec<u8>], random: &mut XorShift, out: &mut Vec<u8>) {
        let seed: &Vec<u8> = random.pick(kind);
        out.extend_from_slice(seed);
        let message = std::ptr::eq(kind, self.messages.as_slice());
        for _ in 0..random.below(4) {
            mutate(random, out, kind);
        }
        // Mostly with lengths that fit, or nothing behind the envelope would ever be read.
        if message && out.len() >= 44 && random.below(4) != 0 {
            repair_lengths(out);
        }
    }
}

/// One change; `others` are what a splice takes its second half from.
fn mutate(random: &mut XorShift, out: &mut Vec<u8>, others: &[Vec<u8>]) {
    let at = random.below(out.len());
    match random.below(9) {
        0 | 1 if !out.is_empty() => out[at] ^= 1 << random.below(8),
        2 if !out.is_empty() => out[at] = random.octet(),
        3 => out.truncate(at),
        4 => out.insert(at, *random.pick(&[0, 1, 0x7F, 0x80, 0xFF, b'/', b'.', b'%'])),
        5 if !out.is_empty() => drop(out.remove(at)),
        6 if out.len() >= at + 4 => {
            let number = *random.pick(&[0, 1, 2, 3, 4, 26, 255, 65_536, 262_145, 0x7FFF_FFFF, 0x8000_0000, u32::MAX]);
            out[at..at + 4].copy_from_slice(&number.to_be_bytes());
        }
        7 if out.len() >= 44 => {
            // Near the truth: one of the length fields, a little off.
            let field = *random.pick(&[16, 40, 44, at.min(out.len() - 4)]);
            if let Some(four) = out.get_mut(field..field + 4) {
                let near = u32::from_be_bytes(four.try_into().unwrap()).wrapping_add(random.below(9) as u32);
                four.copy_from_slice(&near.wrapping_sub(4).to_be_bytes());
            }
        }
        _ => {
            let behind = random.pick(others);
            out.truncate(at);
            out.extend_from_slice(&behind[random.below(behind.len())..]);
        }
    }
}

/// Makes the lengths of envelope and body fit again, the body ending where an empty credential begins.
fn repair_lengths(out: &mut [u8]) {
    let message = (out.len() - 20) as u32;
    out[16..20].copy_from_slice(&message.to_be_bytes());
    let body = u32::from_be_bytes(out[40..44].try_into().unwrap());
    if body > message - 24 {
        out[40..44].copy_from_slice(&(message - 24).saturating_sub(4).to_be_bytes());
    }
}

/// The value sets, data and keys inside a message.
fn values_in(frame: &[u8]) -> Vec<Vec<u8>> {
    let message = Message::decode(frame).expect("a good message");
    let Some(plain) = message.plain() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    match &plain.body {
        Body::Values { values, .. } | Body::Referral { values: Some(values), .. } => {
            found.push(ValueSet::from_values(values.clone()).as_bytes().to_vec());
            found.extend(values.iter().filter(|value| value.data.len() > 20).map(|value| value.data.clone()));
            found.extend(values.iter().filter(|value| !value.references.is_empty()).map(value_list));
        }
        Body::Site(site) => {
            found.push(site.to_bytes());
            found.extend(site.servers.iter().map(|server| server.public_key.clone()));
        }
        Body::SessionSetup(setup) => found.extend(setup.public_key().map(|key| key.to_bytes())),
        _ => {}
    }
    found.retain(|octets| !octets.is_empty());
    found
}

/// The references of a value as the data of an HS_VLIST.
fn value_list(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    put_u32(&mut out, value.references.len() as u32);
    for reference in &value.references {
        put_bytes(&mut out, &reference.handle);
        put_u32(&mut out, reference.index);
    }
    debug_assert!(Data::decode(b"HS_VLIST", &out).is_ok() && Reader::new(&out).count("list", 8).is_ok());
    out
}

/// Both decoders refuse what is longer than a message may be.
#[test]
fn a_question_is_no_longer_than_a_message() {
    let frame_of = |trailing: usize| {
        let mut message = Message::decode(&corpus::octets(&corpus::own("handle/messages.json")[0])).unwrap();
        let Content::Plain(plain) = &mut message.content else { panic!("sealed") };
        plain.trailing = vec![0; trailing];
        message.to_bytes()
    };
    let room = limits::MESSAGE_OCTETS + 20 - frame_of(0).len();
    let longest = frame_of(room);
    assert!(Message::decode(&longest).is_ok() && Question::decode(&longest).is_some());
    let longer = frame_of(room + 1);
    assert!(Message::decode(&longer).is_err() && Question::decode(&longer).is_none());
}
