//! Inputs by number: random ones, and good ones from the conformance data with changes in them.

use serde_json::Value as Json;
use std::path::Path;

/// Longest input, in octets.
const LONGEST: usize = 4096;
/// Most changes in one input.
const CHANGES: usize = 5;

/// What means something to some decoder.
const MARKS: &str = "/.:-_%()[]{}<>=&?#+*,;^!~|\\\"' 0129azAZ\u{1d}\u{1e}\u{4}\u{feff}中é\u{0}";
const PIECES: [&str; 24] = [
    "gs1:",
    "oid:",
    "ecode:",
    "did:",
    "hdl:",
    "urn:",
    "urn:epc:id:sgtin:",
    "https://",
    "id.gs1.org",
    "(01)",
    "01/",
    "(21)",
    "]d2",
    "]Q1",
    "[)>\u{1e}06\u{1d}",
    "25S",
    "88.118.8/",
    "%2F",
    "%zz",
    "did:bid:ef",
    "did:web:",
    "{}",
    "1.2.156",
    "0000000000",
];
/// Octets that begin or end something on the wire.
const EDGES: [u8; 12] = [0, 1, 2, 6, 0x0D, 0x30, 0x7F, 0x80, 0x81, 0x82, 0xFE, 0xFF];

/// Good inputs of one decoder.
pub struct Seeds {
    good: Vec<Vec<u8>>,
    octets: bool,
}

impl Seeds {
    /// Every text in the named files and folders; hexadecimal ones as octets, if it is octets that are wanted.
    pub fn gather(vectors: &Path, names: &[&str], octets: bool) -> Result<Seeds, String> {
        let mut good = Vec::new();
        for name in names {
            let path = vectors.join(name);
            let wrong = |error: std::io::Error| format!("{}: {error}; --vectors says where they are", path.display());
            let mut files = vec![path.clone()];
            if path.is_dir() {
                let entries = std::fs::read_dir(&path).map_err(wrong)?;
                files =
                    entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(wrong)?;
                // The order of a directory is no order, and an input is known by its number.
                files.sort();
            }
            for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "json")) {
                let text = std::fs::read_to_string(file).map_err(wrong)?;
                let json: Json = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
                collect(&json, octets, &mut good);
            }
        }
        good.retain(|input| !input.is_empty() && input.len() <= LONGEST);
        match good.is_empty() {
            true => Err(format!("no good inputs in {names:?}")),
            false => Ok(Seeds { good, octets }),
        }
    }

    /// Input `number` of a run.
    pub fn make(&self, seed: u64, number: u64, out: &mut Vec<u8>) {
        let mut random = Random::new(seed, number);
        out.clear();
        match random.below(16) {
            0 => {
                let length = random.below(120);
                out.extend((0..length).map(|_| random.octet()));
            }
            1 if !self.octets => {
                let length = random.below(12);
                (0..length).for_each(|_| self.piece(&mut random, out));
            }
            _ => {
                out.extend_from_slice(random.pick(&self.good).as_slice());
                let changes = random.below(CHANGES);
                (0..changes).for_each(|_| self.change(&mut random, out));
            }
        }
        out.truncate(LONGEST);
    }

    fn piece(&self, random: &mut Random, out: &mut Vec<u8>) {
        match random.below(3) {
            0 => out.extend_from_slice(random.pick(&PIECES).as_bytes()),
            1 => {
                let count = random.below(20);
                out.extend((0..count).map(|_| b'0' + (random.octet() % 10)));
            }
            _ => {
                let mark = MARKS.chars().nth(random.below(MARKS.chars().count())).unwrap_or('/');
                out.extend_from_slice(mark.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }

    /// One change.
    fn change(&self, random: &mut Random, out: &mut Vec<u8>) {
        let at = random.below(out.len() + 1);
        let there = at < out.len();
        match random.below(10) {
            0 if there => out[at] ^= 1 << random.below(8),
            1 if there && self.octets => out[at] = *random.pick(&EDGES),
            1 if there => out[at] = b'0' + random.octet() % 10,
            2 => out.truncate(at),
            3 if there => drop(out.remove(at)),
            4 | 5 => {
                let mut piece = Vec::new();
                match self.octets {
                    true => piece.push(*random.pick(&EDGES)),
                    false => self.piece(random, &mut piece),
                }
                out.splice(at..at, piece);
            }
            6 if there => {
                // A stretch of it twice.
                let end = at + random.below(out.len() - at + 1);
                let again = out[at..end].to_vec();
                out.splice(at..at, again);
            }
            7 if there => {
                let end = at + random.below((out.len() - at).min(8) + 1);
                out.drain(at..end);
            }
            8 if there => {
                let other = random.below(out.len());
                out.swap(at, other);
            }
            _ => {
                // The end of another good one.
                let other = random.pick(&self.good);
                let from = random.below(other.len() + 1);
                out.truncate(at);
                out.extend_from_slice(&other[from..]);
            }
        }
    }
}

fn collect(json: &Json, octets: bool, good: &mut Vec<Vec<u8>>) {
    match json {
        Json::String(text) if octets => good.extend(hexadecimal(text)),
        Json::String(text) => good.push(text.as_bytes().to_vec()),
        Json::Array(list) => list.iter().for_each(|one| collect(one, octets, good)),
        Json::Object(fields) => fields.values().for_each(|one| collect(one, octets, good)),
        _ => {}
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    let whole = digits.len() >= 2 && digits.len().is_multiple_of(2);
    whole.then(|| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// Marsaglia's xorshift64*, begun anew for each input.
struct Random(u64);

impl Random {
    fn new(seed: u64, number: u64) -> Random {
        let mixed = (seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mut random = Random((mixed ^ (mixed >> 31)) | 1);
        random.next();
        random
    }

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
