//! What can be asked of a server, as header fields and body (RFC 3652 §3).

use std::time::{SystemTime, UNIX_EPOCH};

use hufu_ident::limits::MESSAGE_OCTETS;
use hufu_ident::systems::handle::wire::{
    Body, ENVELOPE_OCTETS, Envelope, HEADER_OCTETS, Header, Message, OpCode, flag,
};
use hufu_ident::{SelectionBuf, Value};

use crate::error::Error;

/// The name in requests that need none.
const NO_NAME: &str = "/";

/// One operation, ready to be sent by a [`crate::Client`] or a [`crate::LoggedIn`] connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub(crate) op: OpCode,
    pub(crate) flags: u32,
    body: Body,
}

/// How a question is to be answered. The default is what most clients send: recursion, public values only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolveOptions {
    /// Only a primary may answer; caches are passed by (AUTH).
    pub authoritative: bool,
    /// Leave out values without public read (PUBL). Without it, an identity with the right to read may be needed.
    pub public_only: bool,
    /// Do not answer with a referral (DNRF).
    pub do_not_refer: bool,
    /// The server may resolve on our behalf (RECU).
    pub recursion: bool,
    /// Ask for the way of the answer (TRACE, our profile); see [`crate::Resolved::trailing`].
    pub trace: bool,
}

impl Default for ResolveOptions {
    fn default() -> Self {
        ResolveOptions { authoritative: false, public_only: true, do_not_refer: false, recursion: true, trace: false }
    }
}

impl ResolveOptions {
    fn flags(&self) -> u32 {
        let chosen = [
            (self.authoritative, flag::AUTH),
            (self.public_only, flag::PUBL),
            (self.do_not_refer, flag::DNRF),
            (self.recursion, flag::RECU),
            (self.trace, flag::TRACE),
        ];
        chosen.iter().filter(|(wanted, _)| *wanted).fold(flag::CACR, |flags, (_, bit)| flags | bit)
    }
}

impl Operation {
    fn new(op: OpCode, body: Body) -> Self {
        Operation { op, flags: flag::DEFAULT_QUERY, body }
    }

    fn of_name(op: OpCode, name: &str) -> Self {
        Operation::new(op, Body::Name(name.into()))
    }

    fn of_values(op: OpCode, name: &str, values: Vec<Value>) -> Self {
        Operation::new(op, Body::Values { handle: name.into(), values })
    }

    fn overwriting(mut self, overwrite: bool) -> Self {
        self.flags |= if overwrite { flag::OVRW } else { 0 };
        self
    }

    /// The selected values of `name` (op 1).
    pub fn resolve(name: &str, selection: &SelectionBuf, options: ResolveOptions) -> Self {
        let body = Body::Resolve { handle: name.into(), selection: selection.clone() };
        Operation { op: OpCode::RESOLUTION, flags: options.flags(), body }
    }

    /// The server's own site record (op 2).
    pub fn site_info() -> Self {
        Operation::of_name(OpCode::GET_SITE_INFO, NO_NAME)
    }

    /// A new record (op 100). With `overwrite`, an existing one is replaced.
    pub fn create(name: &str, values: Vec<Value>, overwrite: bool) -> Self {
        Operation::of_values(OpCode::CREATE_HANDLE, name, values).overwriting(overwrite)
    }

    /// The end of a record (op 101).
    pub fn delete(name: &str) -> Self {
        Operation::of_name(OpCode::DELETE_HANDLE, name)
    }

    /// More values in a record (op 102). With `overwrite`, values of the same index are replaced.
    pub fn add(name: &str, values: Vec<Value>, overwrite: bool) -> Self {
        Operation::of_values(OpCode::ADD_VALUE, name, values).overwriting(overwrite)
    }

    /// The end of some values (op 103).
    pub fn remove(name: &str, indexes: &[u32]) -> Self {
        Operation::new(OpCode::REMOVE_VALUE, Body::Indexes { handle: name.into(), indexes: indexes.to_vec() })
    }

    /// Other contents for the values of the same indexes (op 104).
    pub fn modify(name: &str, values: Vec<Value>) -> Self {
        Operation::of_values(OpCode::MODIFY_VALUE, name, values)
    }

    /// The names under a prefix (op 105).
    pub fn list(prefix: &str) -> Self {
        Operation::of_name(OpCode::LIST_HANDLES, &prefix_handle(prefix))
    }

    /// Responsibility for a prefix (op 300).
    pub fn home(prefix: &str) -> Self {
        Operation::of_name(OpCode::HOME_NA, &prefix_handle(prefix))
    }

    /// The end of responsibility for a prefix (op 301).
    pub fn unhome(prefix: &str) -> Self {
        Operation::of_name(OpCode::UNHOME_NA, &prefix_handle(prefix))
    }

    /// The prefixes that the server is responsible for (op 302).
    pub fn list_homed() -> Self {
        Operation::of_name(OpCode::LIST_HOMED_NAS, NO_NAME)
    }

    /// The message, unsigned. Request ids are given by whoever sends it.
    pub(crate) fn into_message(self, session_id: u32) -> Message {
        let header = Header::request(self.op, self.flags, unix_seconds());
        Message::new(Envelope { session_id, ..Envelope::new(1) }, header, self.body)
    }
}

/// `0.NA/88.118` for `88.118`; a prefix handle as it is.
pub(crate) fn prefix_handle(prefix: &str) -> String {
    if prefix.contains('/') { prefix.into() } else { format!("0.NA/{prefix}") }
}

/// Composes a frame; a message above 262144 octets is an error.
pub(crate) fn frame_of(message: &Message) -> Result<Vec<u8>, Error> {
    let frame = message.to_bytes();
    match frame.len() - ENVELOPE_OCTETS {
        ..=MESSAGE_OCTETS => Ok(frame),
        octets => Err(Error::invalid(format!("a message of {octets} octets is longer than {MESSAGE_OCTETS}"))),
    }
}

/// Header and body of a frame of ours: what its digest covers.
pub(crate) fn signed_part(frame: &[u8]) -> &[u8] {
    let head = ENVELOPE_OCTETS + HEADER_OCTETS;
    let length = match frame.get(head - 4..head) {
        Some([a, b, c, d]) => u32::from_be_bytes([*a, *b, *c, *d]) as usize,
        _ => 0,
    };
    frame.get(ENVELOPE_OCTETS..head + length).unwrap_or_default()
}

pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
