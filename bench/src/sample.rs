//! The records served and the questions asked: one prefix, numbered names, answers of 500 octets.

use hufu_ident::systems::handle::wire::{
    AnswerHead, Body, ENVELOPE_OCTETS, Envelope, HEADER_OCTETS, Header, Message, OpCode, Question, flag,
};
use hufu_ident::systems::handle::{AdminRecord, kind, right};
use hufu_ident::{CaseRule, Identifier, Reference, SelectionBuf, Value, ValueSet};
use hufu_store::{Batch, Condition, MemoryStore, Records, Write};
use std::path::Path;

/// Where all names live.
pub const PREFIX: &str = "88.118.8";
/// Octets of every answer with its envelope: one UDP packet.
pub const ANSWER_OCTETS: usize = 500;
/// Digits at the end of a name.
const DIGITS: usize = 9;
/// Octets of an answer that are not values: envelope, header, credential, name with its length, value count.
const FRAME_OCTETS: usize = ENVELOPE_OCTETS + HEADER_OCTETS + 4 + 4 + name_octets() + 4;
/// Octets of a value that are neither type nor data.
const VALUE_OCTETS: usize = 26;
/// When every record was last changed (Unix seconds).
const CHANGED: u32 = 1_767_225_600;
/// Writes in one batch.
const BATCH: u32 = 5_000;

const fn name_octets() -> usize {
    PREFIX.len() + "/SN2021-".len() + DIGITS
}

/// Where the digits of the name stand in a question and in its answer.
const DIGITS_AT: usize = ENVELOPE_OCTETS + HEADER_OCTETS + 4 + name_octets() - DIGITS;

pub fn name(number: u32) -> String {
    format!("{PREFIX}/SN2021-{number:0DIGITS$}")
}

/// A link, a description that pads the answer to [`ANSWER_OCTETS`], and an administrator.
pub fn values(number: u32) -> ValueSet {
    let admin = AdminRecord::new(right::RECORD, Reference::new(301, format!("0.NA/{PREFIX}")));
    let mut values = vec![
        Value::new(1, "URL", format!("https://parts.example/{}", name(number))),
        Value::new(100, kind::ADMIN, admin.to_bytes()),
    ];
    let before: usize = values.iter().map(|value| VALUE_OCTETS + value.kind.len() + value.data.len()).sum();
    let room = ANSWER_OCTETS - FRAME_OCTETS - before - VALUE_OCTETS - "DESC".len();
    values.push(Value::new(2, "DESC", description(number, room)));
    values.iter_mut().for_each(|value| value.timestamp = CHANGED);
    ValueSet::from_values(values)
}

/// Text of which about a third is random, as serial numbers and digests are, and the rest compresses.
fn description(number: u32, octets: usize) -> String {
    let mut random = Random::new(u64::from(number) + 1);
    let mut text = String::with_capacity(octets + 80);
    while text.len() < octets {
        let part = random.next();
        text.push_str(&format!("{{\"part\":\"{part:016x}\",\"maker\":\"Example Bearings Ltd.\"}} "));
    }
    text.truncate(octets);
    text
}

/// Writes a store of `count` records to `path`, sorted and past the journal, as after a bulk import.
pub fn write_store(path: &Path, count: u32) -> Result<(), String> {
    let store = MemoryStore::new();
    for first in (0..count).step_by(BATCH as usize) {
        let numbers = first..count.min(first + BATCH);
        let put = |number| {
            let key = Identifier::parse(&name(number)).map_err(|refusal| refusal.to_string())?;
            let key = key.key(CaseRule::Insensitive);
            Ok(Write::Put { key, values: values(number), condition: Condition::Any })
        };
        let writes = numbers.map(put).collect::<Result<Vec<_>, String>>()?;
        let batch = Batch::new(writes, u64::from(CHANGED));
        store.commit(batch).wait().map_err(|error| error.to_string())?;
    }
    store.backup(path).map_err(|error| error.to_string())?;
    Ok(())
}

/// The question that a client asks, with its number and its request id to be filled in.
#[derive(Debug, Clone)]
pub struct Asking {
    frame: Vec<u8>,
}

impl Asking {
    pub fn new() -> Self {
        let flags = flag::CACR | flag::RECU | flag::PUBL;
        let header = Header::request(OpCode::RESOLUTION, flags, u64::from(CHANGED));
        let body = Body::Resolve { handle: name(0).into(), selection: SelectionBuf::default() };
        Asking { frame: Message::new(Envelope::new(0), header, body).to_bytes() }
    }

    /// The frame that asks for name `number` with request id `id`.
    pub fn frame(&mut self, id: u32, number: u32) -> &[u8] {
        self.frame[8..12].copy_from_slice(&id.to_be_bytes());
        write_digits(&mut self.frame[DIGITS_AT..DIGITS_AT + DIGITS], number);
        &self.frame
    }
}

fn write_digits(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// The request id of an answer; `None` for what is no whole answer.
pub fn answered_id(frame: &[u8]) -> Option<u32> {
    let id = frame.get(8..12)?.try_into().ok()?;
    (frame.len() > ENVELOPE_OCTETS + HEADER_OCTETS).then(|| u32::from_be_bytes(id))
}

/// Says what is wrong with the answer to name `number`: code 1, all its octets, and, if `named`, that very name.
pub fn check(frame: &[u8], number: u32, named: bool) -> Result<(), String> {
    let code = u32::from_be_bytes([frame[24], frame[25], frame[26], frame[27]]);
    if code != 1 {
        return Err(format!("{} was answered with code {code}", name(number)));
    }
    if frame.len() != ANSWER_OCTETS {
        return Err(format!("{} was answered with {} octets, not {ANSWER_OCTETS}", name(number), frame.len()));
    }
    let mut digits = [0; DIGITS];
    write_digits(&mut digits, number);
    if named && frame[DIGITS_AT..DIGITS_AT + DIGITS] != digits {
        return Err(format!("the answer to {} is of another name", name(number)));
    }
    Ok(())
}

/// The answer of the floor: that of a real server to name 0.
pub fn floor_answer() -> Vec<u8> {
    let mut out = Vec::new();
    let mut asking = Asking::new();
    if let Some(question) = Question::decode(asking.frame(0, 0)) {
        let head = AnswerHead { site_serial: 1, primary: true, stale: false, now: u64::from(CHANGED) };
        head.found(&question, values(0).as_bytes(), &mut out);
    }
    out
}

/// xorshift64*: fast, and the same in every run.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * u64::from(bound)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_their_octets_and_questions_their_name() {
        let answer = floor_answer();
        assert_eq!(answer.len(), ANSWER_OCTETS);
        assert_eq!(check(&answer, 0, true), Ok(()));
        assert!(check(&answer, 1, true).is_err());
        assert_eq!(check(&answer, 1, false), Ok(()));
        let mut asking = Asking::new();
        let question = Question::decode(asking.frame(7, 123_456_789)).unwrap();
        assert_eq!(question.name.text(), name(123_456_789));
        assert_eq!(question.envelope.request_id, 7);
        assert_eq!(values(5).as_bytes().len(), values(99_999).as_bytes().len());
    }

    #[test]
    fn random_numbers_stay_below_their_bound() {
        let mut random = Random::new(1);
        let numbers: Vec<u32> = (0..10_000).map(|_| random.below(10)).collect();
        assert!((0..10).all(|wanted| numbers.contains(&wanted)) && numbers.iter().all(|number| *number < 10));
    }
}
