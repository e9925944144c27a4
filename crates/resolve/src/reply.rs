//! What one upstream server said, read with suspicion: only an answer to the very question counts.

use crate::recursor::Resolved;
use hufu_ident::systems::handle::wire::{Body, Message, OpCode, ResponseCode};
use hufu_ident::{CaseRule, Identifier, RecordKey, Value, ValueSet};

/// A usable answer.
pub(crate) enum Reply {
    Final(Resolved),
    Referral(Referral),
}

/// Where to ask instead.
pub(crate) struct Referral {
    /// The handle that names the servers, where `values` do not.
    pub service: Option<Identifier>,
    pub values: ValueSet,
    /// The servers keep the prefix handles below a prefix (RC 303).
    pub below: bool,
}

impl Reply {
    /// Reads the answer to the question `request` for `name`; the error says why it is none.
    pub fn read(name: &Identifier, request: u32, frame: &[u8]) -> Result<(ResponseCode, Reply), String> {
        let answer = Message::decode(frame).map_err(|error| error.to_string())?;
        let plain = answer.plain().ok_or("an encrypted answer outside a session")?;
        let (header, code) = (&plain.header, plain.header.response);
        if answer.envelope.request_id != request || header.op != OpCode::RESOLUTION || header.is_request() {
            return Err(format!("the answer to another question, with {code}"));
        }
        let reply = match (code, &plain.body) {
            (ResponseCode::SUCCESS, Body::Values { handle, values }) => {
                if !names(handle, name) {
                    return Err("an answer about another name".into());
                }
                Reply::Final(Resolved::Values(set_of(values).public()))
            }
            (ResponseCode::VALUES_NOT_FOUND, _) => Reply::Final(Resolved::Values(set_of(&[]))),
            (ResponseCode::HANDLE_NOT_FOUND, _) => Reply::Final(Resolved::NotFound),
            (ResponseCode::SERVER_NOT_RESP, _) => Reply::Final(Resolved::NotResponsible),
            (ResponseCode::RECURSION_COUNT_TOO_HIGH, _) => Reply::Final(Resolved::Loop),
            (ResponseCode::SERVICE_REFERRAL | ResponseCode::PREFIX_REFERRAL, Body::Referral { handle, values }) => {
                let service = std::str::from_utf8(handle).ok().and_then(|text| Identifier::parse(text).ok());
                let values = set_of(values.as_deref().unwrap_or_default());
                Reply::Referral(Referral { service, values, below: code == ResponseCode::PREFIX_REFERRAL })
            }
            (code, _) => Reply::Final(Resolved::Unreachable(format!("the server said {code}"))),
        };
        Ok((code, reply))
    }

    /// How many values came with it.
    pub fn values(&self) -> usize {
        match self {
            Reply::Final(Resolved::Values(values)) => values.len(),
            Reply::Referral(referral) => referral.values.len(),
            Reply::Final(_) => 0,
        }
    }
}

/// Whether the octets spell `name`, whatever the case rule of the server.
fn names(octets: &[u8], name: &Identifier) -> bool {
    let rule = CaseRule::Insensitive;
    let spelt = std::str::from_utf8(octets).map(|text| RecordKey::of(hufu_ident::Name::new(text), rule));
    spelt.is_ok_and(|key| key == name.key(rule))
}

/// A set of what may hold an index twice: the first of each is kept.
fn set_of(values: &[Value]) -> ValueSet {
    let mut values = values.to_vec();
    values.sort_by_key(|value| value.index);
    values.dedup_by_key(|value| value.index);
    ValueSet::from_values(values)
}
