//! Asking a node, and its errors in words: the seam to the SDK.

use super::error::CliError;
use hufu_client::{Client, Endpoint, Error, ErrorKind, Exchange, Identity, ResolveOptions};
use hufu_ident::systems::handle::wire::{Body, Envelope, Header, Message, OpCode, Plain, Reader, ResponseCode, flag};
use hufu_ident::{SelectionBuf, Value};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Says what happened, at which server, and what to do next.
pub fn explain(error: &Error, place: &str) -> CliError {
    let text = error.to_string();
    let (base, next) = match error.kind() {
        ErrorKind::Refused(code) => (CliError::no(text).code(code.0.to_string()), advice(code)),
        ErrorKind::Invalid | ErrorKind::Unsupported => (CliError::usage(text), None),
        ErrorKind::Unreachable => {
            let next = "check the address and that the node runs; name another with --via or --server";
            (CliError::incident(format!("cannot reach the node: {text}")), Some(next))
        }
        ErrorKind::TimedOut | ErrorKind::Closed => {
            (CliError::incident(text), Some("a change may have been carried out or not: look before you repeat it"))
        }
        _ => (CliError::incident(text), None),
    };
    let error = base.place(place);
    next.map_or(error.clone(), |next| error.next(next))
}

fn advice(code: ResponseCode) -> Option<&'static str> {
    Some(match code {
        ResponseCode::AUTHENTICATION_NEEDED => {
            "say who you are with --identity, and prove it with --secret-file or --key-file"
        }
        ResponseCode::AUTHENTICATION_FAILED => "the secret or key is not that of the identity",
        ResponseCode::INVALID_ADMIN | ResponseCode::INSUFFICIENT_PERMISSIONS => {
            "the identity has no right to do this there; look at the HS_ADMIN values"
        }
        ResponseCode::SERVER_NOT_RESP => "ask a node that serves the prefix, or one that resolves",
        ResponseCode::SERVER_TOO_BUSY => "try again later",
        ResponseCode::SERVER_BACKUP => "the node takes no changes now; its operator's log says why",
        ResponseCode::HANDLE_ALREADY_EXISTS => "use --overwrite to replace it",
        _ => return None,
    })
}

/// What a node said to a question: every response code is an answer here.
#[derive(Debug, Clone)]
pub struct Reply {
    pub code: ResponseCode,
    /// The words of an error answer.
    pub message: String,
    pub values: Vec<Value>,
    /// The service handle that a referral names.
    pub referred_to: Option<String>,
    pub stale: bool,
    pub authoritative: bool,
    /// What stands behind the values.
    pub trailing: Vec<u8>,
    pub via: String,
    pub microseconds: u64,
}

impl Reply {
    fn new(code: ResponseCode) -> Self {
        Reply {
            code,
            message: String::new(),
            values: Vec::new(),
            referred_to: None,
            stale: false,
            authoritative: false,
            trailing: Vec::new(),
            via: String::new(),
            microseconds: 0,
        }
    }

    pub fn is_referral(&self) -> bool {
        matches!(self.code, ResponseCode::SERVICE_REFERRAL | ResponseCode::PREFIX_REFERRAL)
    }
}

/// Asks the first node that can be reached, and stays with it.
pub struct Asker {
    exchange: Exchange,
    endpoints: Vec<Endpoint>,
    identity: Option<Identity>,
    timeout: Duration,
}

impl Asker {
    pub fn new(endpoints: Vec<Endpoint>, identity: Option<Identity>, timeout: Duration) -> Self {
        Asker { exchange: Exchange::new(), endpoints, identity, timeout }
    }

    /// Asks one question.
    pub async fn ask(
        &mut self,
        name: &str,
        selection: &SelectionBuf,
        options: ResolveOptions,
    ) -> Result<Reply, CliError> {
        loop {
            let Some(endpoint) = self.endpoints.first().cloned() else {
                return Err(CliError::usage("no node to ask").next("name one with --via ADDR"));
            };
            let start = Instant::now();
            match self.ask_at(&endpoint, name, selection, options).await {
                Ok(mut reply) => {
                    reply.via = endpoint.to_string();
                    reply.microseconds = start.elapsed().as_micros() as u64;
                    return Ok(reply);
                }
                Err(error) if self.endpoints.len() > 1 && is_unreachable(&error) => {
                    self.endpoints.remove(0);
                }
                Err(error) => return Err(explain(&error, &endpoint.to_string())),
            }
        }
    }

    async fn ask_at(
        &self,
        endpoint: &Endpoint,
        name: &str,
        selection: &SelectionBuf,
        options: ResolveOptions,
    ) -> Result<Reply, Error> {
        if let Some(identity) = &self.identity {
            let client = Client::new(endpoint.clone()).with_exchange(self.exchange.clone());
            let client = client.with_identity(identity.clone()).with_deadline(self.timeout);
            return ask_as(&client, name, selection, options).await;
        }
        let request = question(name, selection, options);
        let answer = self.exchange.ask(endpoint, &request.to_bytes(), self.timeout).await?;
        let decoded = match Message::decode(&answer) {
            Ok(decoded) => decoded,
            Err(error) => return read_refusal(&answer).filter(|_| options.trace).ok_or_else(|| error.into()),
        };
        match decoded.plain() {
            Some(plain) => Ok(read(plain)),
            // An answer that is sealed, though nothing was agreed, is as good as none.
            None => Ok(Reply { message: "the answer is encrypted".into(), ..Reply::new(ResponseCode::ERROR) }),
        }
    }
}

/// A node that is not there at all; only then another one is tried.
fn is_unreachable(error: &Error) -> bool {
    error.kind() == ErrorKind::Unreachable
}

/// Asks with an identity that answers challenges.
pub async fn ask_as(
    client: &Client,
    name: &str,
    selection: &SelectionBuf,
    options: ResolveOptions,
) -> Result<Reply, Error> {
    match client.resolve(name, selection, options).await {
        Ok(found) => Ok(Reply {
            values: found.values,
            referred_to: found.referred_to,
            stale: found.stale,
            authoritative: found.authoritative,
            trailing: found.trailing,
            ..Reply::new(found.code)
        }),
        Err(error) => match error.code() {
            Some(code) => Ok(Reply { message: error.to_string(), ..Reply::new(code) }),
            None => Err(error),
        },
    }
}

fn question(name: &str, selection: &SelectionBuf, options: ResolveOptions) -> Message {
    let flags = [
        (options.authoritative, flag::AUTH),
        (options.public_only, flag::PUBL),
        (options.do_not_refer, flag::DNRF),
        (options.recursion, flag::RECU),
        (options.trace, flag::TRACE),
    ];
    let flags = flags.iter().filter(|(wanted, _)| *wanted).fold(flag::CACR, |flags, (_, bit)| flags | bit);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let body = Body::Resolve { handle: name.into(), selection: selection.clone() };
    Message::new(Envelope::new(1), Header::request(OpCode::RESOLUTION, flags, now), body)
}

fn read(plain: &Plain) -> Reply {
    let mut reply = Reply {
        stale: plain.header.has(flag::STALE),
        authoritative: plain.header.has(flag::AUTH),
        trailing: plain.trailing.clone(),
        ..Reply::new(plain.header.response)
    };
    match &plain.body {
        Body::Values { values, .. } => reply.values.clone_from(values),
        Body::Referral { handle, values } => {
            reply.referred_to = (!handle.is_empty()).then(|| String::from_utf8_lossy(handle).into_owned());
            reply.values = values.clone().unwrap_or_default();
        }
        Body::Error { message: Some(message), .. } => reply.message = String::from_utf8_lossy(message).into_owned(),
        Body::Challenge { .. } => reply.message = "this needs an identity".into(),
        _ => {}
    }
    reply
}

/// A refusal whose text is followed by a trace, where the protocol's newest version has a list of indexes.
fn read_refusal(frame: &[u8]) -> Option<Reply> {
    let mut reader = Reader::new(frame);
    Envelope::decode(&mut reader).ok()?;
    let (header, length) = Header::decode(&mut reader).ok()?;
    let mut body = Reader::new(reader.take(length as usize, "body").ok()?);
    let message = String::from_utf8_lossy(body.bytes("message").ok()?).into_owned();
    let trailing = body.rest().to_vec();
    let (stale, authoritative) = (header.has(flag::STALE), header.has(flag::AUTH));
    let refused = !header.is_request() && header.response != ResponseCode::SUCCESS && !header.has(flag::RRDG);
    refused.then(|| Reply { message, trailing, stale, authoritative, ..Reply::new(header.response) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_may_carry_a_trace() {
        let header =
            Header { response: ResponseCode::HANDLE_NOT_FOUND, ..Header::request(OpCode::RESOLUTION, flag::STALE, 0) };
        let mut octets = Vec::new();
        hufu_ident::systems::handle::wire::put_bytes(&mut octets, b"no");
        octets.extend_from_slice(b"[{\"cache\":\"miss\"}]");
        let frame = Message::new(Envelope::new(1), header, Body::Opaque(octets)).to_bytes();
        assert!(Message::decode(&frame).is_err());
        let reply = read_refusal(&frame).unwrap();
        assert_eq!((reply.code.0, reply.message.as_str(), reply.stale), (100, "no", true));
        assert_eq!(crate::cli::trace::hops(&reply.trailing).len(), 1);
        for end in 0..frame.len() {
            read_refusal(&frame[..end]);
        }
    }
}
