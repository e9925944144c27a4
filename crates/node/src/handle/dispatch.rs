//! Every operation that is not a simple resolution: decoded, translated, performed, answered.

use super::challenge::Pending;
use super::reply::{self, Said, Wrap};
use super::service::{HandleService, names_body};
use super::session::{ALGORITHM_AES, Session};
use crate::administration::{Claim, Done, Operation, Proof, Refused, Visitor};
use crate::answering::{Found, How};
use crate::random;
use hufu_ident::systems::handle::proof;
use hufu_ident::systems::handle::wire::{
    Body, ChallengeAnswer, Content, CredentialField, Envelope, Header, Message, OpCode, Plain, Reader, ResponseCode,
    SessionSetup, flag, put_bytes, put_u32,
};
use hufu_ident::{Identifier, RecordKey, Reference, Selection, SelectionBuf, ValueSet, limits};
use hufu_net::{Peer, Replies};
use hufu_resolve::{Hop, Selected, Trace, select};
use std::time::{Duration, Instant};

/// Answers one frame into `replies`.
pub async fn answer(service: &HandleService, frame: Vec<u8>, peer: Peer, replies: &Replies) {
    let message = match Message::decode(&frame) {
        Ok(message) => message,
        Err(error) => {
            service.meter.malformed();
            if let Some(bytes) = undecodable(service, &frame, &error.to_string()) {
                let _ = replies.send(bytes).await;
            }
            return;
        }
    };
    let session = service.sessions.get(message.envelope.session_id, Instant::now());
    let sealed = message.plain().is_none();
    let message = match open(message, session.as_ref()) {
        Ok(message) => message,
        Err((message, code)) => {
            let wrap = Wrap { session_id: message.envelope.session_id, ..Wrap::default() };
            let _ = replies.send(reply::compose(&service.identity, &message, &wrap, Said::no(code, ""))).await;
            return;
        }
    };
    let Some(plain) = message.plain().filter(|plain| plain.header.is_request()) else { return };
    let seal = sealed || (session.is_some() && plain.header.has(flag::ENCR));
    let turn = Turn { service, peer, replies, session, seal };
    turn.take(&message, plain).await;
}

/// Decrypts a sealed message with its session's key (no such session: RC 500; undecipherable: RC 501).
fn open(message: Message, session: Option<&Session>) -> Result<Message, (Message, ResponseCode)> {
    let Content::Sealed(sealed) = &message.content else { return Ok(message) };
    let Some(session) = session else {
        let code = match message.envelope.session_id {
            0 => ResponseCode::SESSION_FAILED,
            _ => ResponseCode::SESSION_TIMEOUT,
        };
        return Err((message, code));
    };
    let octets = session.decrypt(sealed);
    match octets.and_then(|octets| Plain::decode(&message.envelope, &octets).ok()) {
        Some(plain) => Ok(Message { content: Content::Plain(Box::new(plain)), ..message }),
        None => Err((message, ResponseCode::SESSION_FAILED)),
    }
}

/// What a peer says in answer to a challenge.
fn proof_of(pending: &Pending, answer: &ChallengeAnswer) -> Proof {
    Proof {
        identity: Reference { handle: answer.user.clone(), index: answer.index },
        auth_type: answer.auth_type.clone(),
        nonce: pending.nonce.to_vec(),
        digest: pending.digest.clone(),
        response: answer.signed_response.clone(),
    }
}

/// The answer to octets that do not decode; none when not even the envelope does.
fn undecodable(service: &HandleService, frame: &[u8], why: &str) -> Option<Vec<u8>> {
    let mut reader = Reader::new(frame);
    let envelope = Envelope::decode(&mut reader).ok()?;
    let header = Header::decode(&mut reader).ok();
    if header.is_some_and(|(header, _)| !header.is_request()) {
        return None;
    }
    let op = header.map_or(OpCode::RESERVED, |(header, _)| header.op);
    Some(reply::protocol_error(&service.identity, &envelope, op, why))
}

/// One request and where its answers go.
struct Turn<'a> {
    service: &'a HandleService,
    peer: Peer,
    replies: &'a Replies,
    /// The session of the request's envelope, if there is one.
    session: Option<Session>,
    /// Whether answers are encrypted.
    seal: bool,
}

impl Turn<'_> {
    async fn take(&self, message: &Message, plain: &Plain) {
        let session = message.envelope.session_id;
        let login = self.service.logins.identity(self.peer.connection, session);
        match (plain.header.op, &plain.body) {
            (OpCode::RESPONSE_TO_CHALLENGE, Body::ChallengeAnswer(answer)) => self.proven(message, answer).await,
            (OpCode::GET_SITE_INFO, _) => {
                self.say(message, Said::done(Body::Site(Box::new(self.service.identity.site.clone())))).await;
            }
            (OpCode::LOGIN_ID_SYSTEM, _) => self.challenge(message, plain).await,
            (OpCode::SESSION_SETUP, Body::SessionSetup(setup)) => self.set_up(message, setup).await,
            (OpCode::SESSION_EXCHANGEKEY, _) => self.no(message, ResponseCode::SESSION_FAILED, "").await,
            _ if self.session.is_some() && login.is_none() => self.in_session(message, plain).await,
            _ if session > 0 && login.is_none() => {
                let text = "Invalid session id or session time out. Please try again.";
                self.no(message, ResponseCode::SESSION_TIMEOUT, text).await;
            }
            _ => {
                let claim = login.map_or(Claim::Nobody, Claim::Proven);
                self.perform(message, &claim).await;
            }
        }
    }

    /// Opens a session by Diffie–Hellman; the other modes are not offered (RC 501).
    async fn set_up(&self, message: &Message, setup: &SessionSetup) {
        let version = message.envelope.version;
        let anonymous = setup.identity.is_empty();
        let identity = (!anonymous).then(|| Reference::new(setup.identity_index, setup.identity.clone()));
        let id = self.service.challenges.fresh_id();
        let key = setup.public_key().filter(|_| setup.mode == 4 && version.at_least(2, 7));
        let Some((session, ours)) = key.and_then(|theirs| Session::agree(id, &theirs, identity)) else {
            let text = "only Diffie-Hellman with Oakley group 2 or RFC 3526 group 14 is offered";
            return self.no(message, ResponseCode::SESSION_FAILED, text).await;
        };
        let life = Duration::from_secs(u64::from(setup.timeout));
        self.service.sessions.open(session, life, Instant::now());
        let mut data = Vec::new();
        put_u32(&mut data, ALGORITHM_AES);
        ours.compose(&mut data);
        let body = Body::SessionAnswer { mode: setup.mode, data };
        // Two stray octets that the reference writes and expects.
        let said = Said { trailing: vec![0, 0], ..Said::done(body) };
        let wrap = Wrap { session_id: id, ..Wrap::default() };
        let _ = self.replies.send(reply::compose(&self.service.identity, message, &wrap, said)).await;
    }

    /// A request inside a session: its MAC is checked once the session has proved its identity.
    async fn in_session(&self, message: &Message, plain: &Plain) {
        let Some(session) = &self.session else { return };
        let signed = matches!(plain.credential, CredentialField::Signed(_));
        if session.authenticated || signed || plain.header.op == OpCode::SESSION_TERMINATE {
            match session.check_mac(&message.envelope, plain) {
                Ok(counter) if !self.service.sessions.is_new(session.id, counter) => {
                    return self.no(message, ResponseCode::SESSION_MESSAGE_REJECTED, "").await;
                }
                Ok(_) => {}
                Err(ResponseCode::INVALID_CREDENTIAL) => {
                    let text = "Session request missing MAC code.";
                    return self.no(message, ResponseCode::INVALID_CREDENTIAL, text).await;
                }
                Err(code) => return self.no(message, code, "Session authentication failed.").await,
            }
        }
        if plain.header.op == OpCode::SESSION_TERMINATE {
            self.say(message, Said::done(Body::Empty)).await;
            return self.service.sessions.close(session.id);
        }
        let claim = match &session.identity {
            Some(identity) if session.authenticated => Claim::Proven(identity.clone()),
            _ => Claim::Nobody,
        };
        self.perform(message, &claim).await;
    }

    /// An answer to a challenge: the request that waits is performed for whoever it names.
    async fn proven(&self, message: &Message, answer: &ChallengeAnswer) {
        let id = message.envelope.session_id;
        let mut waiting = self.service.challenges.take(id, Instant::now());
        let fits = match &self.session {
            Some(session) => self.fitting(session, &waiting, answer).await,
            None => Ok(waiting.len().checked_sub(1)),
        };
        let (at, refused) = match fits {
            Ok(Some(at)) => (at, None),
            Ok(None) => return self.no(message, ResponseCode::AUTHEN_TIMEOUT, "").await,
            Err(refused) => (waiting.len() - 1, Some(refused)),
        };
        let pending = waiting.remove(at);
        waiting.into_iter().for_each(|other| self.service.challenges.keep(id, other));
        let proof = proof_of(&pending, answer);
        // The final answer belongs to the request that waited, under the new request id.
        let mut original = pending.request;
        original.envelope.request_id = message.envelope.request_id;
        if let Some(refused) = refused {
            return self.refuse(&original, refused).await;
        }
        let claim = match self.session {
            Some(_) => Claim::Proven(proof.identity),
            None => Claim::Proof(Box::new(proof)),
        };
        match original.plain().map(|plain| plain.header.op) {
            Some(OpCode::LOGIN_ID_SYSTEM) => self.log_in(&original, claim).await,
            _ => self.perform(&original, &claim).await,
        }
    }

    /// Which of a session's waiting requests the proof is for: several may have been challenged at once.
    async fn fitting(
        &self,
        session: &Session,
        waiting: &[Pending],
        answer: &ChallengeAnswer,
    ) -> Result<Option<usize>, Refused> {
        let mut last = Ok(None);
        for (at, pending) in waiting.iter().enumerate() {
            match self.authenticate_session(session, &proof_of(pending, answer)).await {
                Ok(()) => return Ok(Some(at)),
                Err(refused) => last = Err(refused),
            }
        }
        last
    }

    /// A right proof of the identity named at set-up authenticates the session from now on.
    async fn authenticate_session(&self, session: &Session, proof: &Proof) -> Result<(), Refused> {
        let administration = self.service.administration.as_ref();
        let administration = administration.ok_or_else(|| Refused::code(ResponseCode::AUTHEN_ERROR))?;
        administration.identities().verify(proof).await?;
        if session.identity.as_ref().is_some_and(|named| named.same(&proof.identity)) {
            self.service.sessions.authenticate(session.id);
        }
        Ok(())
    }

    async fn log_in(&self, request: &Message, claim: Claim) {
        let Claim::Proof(proof) = claim else { return };
        let Some(administration) = &self.service.administration else {
            return self.no(request, ResponseCode::OPERATION_NOT_SUPPORTED, "nobody logs in at this node").await;
        };
        if let Err(refused) = administration.identities().verify(&proof).await {
            return self.refuse(request, refused).await;
        }
        let session = request.envelope.session_id;
        match self.service.logins.bind(self.peer.connection, session, proof.identity.clone()) {
            true => self.say(request, Said::done(Body::Empty)).await,
            false => self.no(request, ResponseCode::SERVER_TOO_BUSY, "too many logins on this connection").await,
        }
    }

    /// Performs `request` for whoever `claim` says.
    async fn perform(&self, request: &Message, claim: &Claim) {
        let Some(plain) = request.plain() else { return };
        match (plain.header.op, plain.body.clone()) {
            (OpCode::RESOLUTION, Body::Resolve { handle, selection }) => {
                self.resolve(request, plain, &handle, &selection, claim).await;
            }
            (OpCode::VERIFY_CHALLENGE, Body::Verify(verify)) => {
                let verdict = match &self.service.administration {
                    Some(administration) => administration.identities().verify_for_other(verify).await,
                    None => false,
                };
                self.say(request, Said::done(Body::Verified(u8::from(verdict)))).await;
            }
            (op, body) => match operation_of(op, body, plain.header.flags) {
                Some(operation) => self.administer(request, plain, operation, claim).await,
                None if op == OpCode::RESERVED => {
                    self.no(request, ResponseCode::PROTOCOL_ERROR, "Unknown opCode in message: 0").await;
                }
                None => {
                    let text = format!("operation {} is not supported", op.0);
                    self.no(request, ResponseCode::OPERATION_NOT_SUPPORTED, &text).await;
                }
            },
        }
    }

    async fn administer(&self, request: &Message, plain: &Plain, operation: Operation, claim: &Claim) {
        let Some(administration) = &self.service.administration else {
            return self.no(request, ResponseCode::SERVER_NOT_RESP, "Not a primary server").await;
        };
        let created = matches!(operation, Operation::Create { .. });
        match administration.perform(operation, claim).await {
            Ok(Done::Changed { name, overwritten }) => {
                self.service.meter.changed(plain.header.op);
                let body = if created { Body::Name(name) } else { Body::Empty };
                let flags = if overwritten { flag::OVRW } else { 0 };
                self.say(request, Said::done(body).with_flags(flags)).await;
            }
            Ok(Done::List(start)) => self.list(request, &start).await,
            Ok(Done::Homed(prefixes)) => {
                let names: Vec<Identifier> = prefixes.iter().map(hufu_ident::Prefix::handle).collect();
                self.stream(request, &names).await;
            }
            Err(Refused::NeedsProof) => self.challenge(request, plain).await,
            Err(refused) => self.refuse(request, refused).await,
        }
    }

    async fn resolve(&self, request: &Message, plain: &Plain, handle: &[u8], selection: &SelectionBuf, claim: &Claim) {
        let name = std::str::from_utf8(handle).ok().and_then(|text| Identifier::parse(text).ok());
        let Some(name) = name else {
            return self.no(request, ResponseCode::INVALID_HANDLE, "Invalid UTF8 encoding").await;
        };
        let header = &plain.header;
        let how = How {
            authoritative: header.has(flag::AUTH),
            public_only: header.has(flag::PUBL),
            recursion_desired: header.has(flag::RECU),
            do_not_refer: header.has(flag::DNRF),
            hops: header.hops,
        };
        let trace = if header.has(flag::TRACE) { Trace::on() } else { Trace::off() };
        let started = Instant::now();
        let found = self.service.answering.look_up(&name, how, &trace).await;
        self.service.meter.waited(started.elapsed());
        let found = match found {
            Ok(found) => found,
            Err(fault) => return self.refuse(request, fault.into()).await,
        };
        let said = match found {
            Found::Values { values, stale, own, .. } => {
                let values = if stale { values.with_ttl_at_most(30) } else { values };
                let Some(said) = self.selected(request, &name, &values, selection, claim, own).await else {
                    return;
                };
                Said { foreign: !own, ..said.with_flags(if stale { flag::STALE } else { 0 }) }
            }
            Found::Referral(delegation) => Said::referral(&delegation, &self.peer),
            Found::No { code, text } => Said::no(code, &text),
        };
        self.service.meter.resolved(name.as_str(), said.code);
        if let Some(queries) = &self.service.queries {
            queries.add(&self.peer, name.as_str(), said.code);
        }
        let said = if header.has(flag::TRACE) { traced(said, &trace.take()) } else { said };
        self.say(request, said).await;
    }

    /// Selects the values the asker may have; `None` when a challenge was sent instead.
    async fn selected(
        &self,
        request: &Message,
        name: &Identifier,
        values: &ValueSet,
        selection: &SelectionBuf,
        claim: &Claim,
        own: bool,
    ) -> Option<Said> {
        let plain = request.plain()?;
        let mut wire = Vec::new();
        selection.compose(&mut wire);
        let wanted = Selection::decode(&mut Reader::new(&wire)).unwrap_or_default();
        let public_only = plain.header.has(flag::PUBL);
        let mut body = Vec::new();
        put_bytes(&mut body, name.as_str().as_bytes());
        let head = body.len();
        let mut selected = select(values, &wanted, public_only, false, &mut body);
        let private = selected == Selected::NeedsAuthority;
        // In a session whoever asks for all values needs the right to read, though all of them be public.
        let in_session = self.session.is_some() && !public_only && matches!(selected, Selected::Values(_));
        if (private || in_session) && own {
            body.truncate(head);
            let administration = self.service.administration.as_ref()?;
            let address = self.peer.address.ip().to_canonical().to_string();
            let visitor = Visitor { door: "handle", address: &address, request: "", purpose: "" };
            match administration.readable(claim, name, values, &visitor).await {
                Ok(readable) => selected = select(&readable, &wanted, public_only, true, &mut body),
                Err(Refused::NeedsProof) => {
                    self.challenge(request, plain).await;
                    return None;
                }
                Err(Refused::No { code, text }) => return Some(Said::no(code, &text)),
                Err(Refused::Referral(delegation)) => return Some(Said::referral(&delegation, &self.peer)),
            }
        }
        Some(match selected {
            Selected::Values(_) => Said { private, ..Said::done(Body::Opaque(body)) },
            Selected::Nothing => Said::no(ResponseCode::VALUES_NOT_FOUND, ""),
            _ => Said::no(ResponseCode::INSUFFICIENT_PERMISSIONS, ""),
        })
    }

    /// Lists the keys that start so, in messages of fifty names, all but the last marked as to be continued.
    async fn list(&self, request: &Message, start: &[u8]) {
        let Some(administration) = &self.service.administration else { return };
        let mut after: Option<RecordKey> = None;
        loop {
            let page = match administration.page(start, after.as_ref(), limits::NAMES_PER_MESSAGE + 1) {
                Ok(page) => page,
                Err(refused) => return self.refuse(request, refused).await,
            };
            let more = page.len() > limits::NAMES_PER_MESSAGE;
            let shown = &page[..page.len().min(limits::NAMES_PER_MESSAGE)];
            let names: Vec<Identifier> = shown.iter().map(RecordKey::to_identifier).collect();
            let said = Said::done(names_body(&names)).with_flags(if more { flag::CONT } else { 0 });
            if !self.deliver(request, said).await || !more {
                return;
            }
            after = shown.last().cloned();
        }
    }

    async fn stream(&self, request: &Message, names: &[Identifier]) {
        let mut pages = names.chunks(limits::NAMES_PER_MESSAGE).peekable();
        if pages.peek().is_none() {
            return self.say(request, Said::done(names_body(&[]))).await;
        }
        while let Some(page) = pages.next() {
            let more = if pages.peek().is_some() { flag::CONT } else { 0 };
            if !self.deliver(request, Said::done(names_body(page)).with_flags(more)).await {
                return;
            }
        }
    }

    /// Asks the peer to prove who it is; the request waits.
    async fn challenge(&self, request: &Message, plain: &Plain) {
        let mut octets = Vec::new();
        plain.compose_signed_part(&mut octets);
        let version = hufu_ident::systems::handle::wire::answer_version(&request.envelope);
        let digest = proof::request_digest(version, &octets);
        let nonce = random::octets::<{ limits::NONCE_OCTETS }>();
        let id = self.session.as_ref().map_or_else(|| self.service.challenges.fresh_id(), |session| session.id);
        let pending = Pending { request: request.clone(), digest: digest.clone(), nonce, made: Instant::now() };
        self.service.challenges.keep(id, pending);
        let old = (!version.at_least(2, 1)).then_some(digest.digest);
        let body = Body::Challenge { nonce: nonce.to_vec(), digest: old };
        let said = Said::new(ResponseCode::AUTHENTICATION_NEEDED, body);
        let wrap = Wrap { session_id: id, session: self.session.as_ref(), seal: self.seal };
        let _ = self.replies.send(reply::compose(&self.service.identity, request, &wrap, said)).await;
    }

    async fn refuse(&self, request: &Message, refused: Refused) {
        let said = match refused {
            Refused::No { code, text } => Said::no(code, &text),
            Refused::Referral(delegation) => Said::referral(&delegation, &self.peer),
            Refused::NeedsProof => Said::no(ResponseCode::AUTHENTICATION_FAILED, ""),
        };
        self.say(request, said).await;
    }

    async fn no(&self, request: &Message, code: ResponseCode, text: &str) {
        self.say(request, Said::no(code, text)).await;
    }

    async fn say(&self, request: &Message, said: Said) {
        self.deliver(request, said).await;
    }

    async fn deliver(&self, request: &Message, said: Said) -> bool {
        let session_id = request.envelope.session_id;
        let private = said.private && request.envelope.version.at_least(2, 8);
        let wrap = Wrap { session_id, session: self.session.as_ref(), seal: self.seal || private };
        self.replies.send(reply::compose(&self.service.identity, request, &wrap, said)).await.is_ok()
    }
}

fn operation_of(op: OpCode, body: Body, flags: u32) -> Option<Operation> {
    let overwrite = flags & flag::OVRW != 0;
    let mint = flags & flag::MINT != 0;
    Some(match (op, body) {
        (OpCode::CREATE_HANDLE, Body::Values { handle: name, values }) => {
            Operation::Create { name, values, overwrite, mint }
        }
        (OpCode::ADD_VALUE, Body::Values { handle: name, values }) => Operation::Add { name, values, overwrite },
        (OpCode::MODIFY_VALUE, Body::Values { handle: name, values }) => Operation::Modify { name, values },
        (OpCode::REMOVE_VALUE, Body::Indexes { handle: name, indexes }) => Operation::Remove { name, indexes },
        (OpCode::DELETE_HANDLE, Body::Name(name)) => Operation::Delete { name },
        (OpCode::LIST_HANDLES, Body::Name(prefix)) => Operation::List { prefix },
        (OpCode::LIST_DERIVED_PREFIXES, Body::Name(prefix)) => Operation::ListDerived { prefix },
        (OpCode::LIST_HOMED_NAS, Body::Name(_)) => Operation::ListHomed,
        (OpCode::HOME_NA, Body::Name(prefix)) => Operation::Home { prefix },
        (OpCode::UNHOME_NA, Body::Name(prefix)) => Operation::Unhome { prefix },
        _ => return None,
    })
}

/// The same answer with the trace behind its body; an error text is followed by an empty list of indexes, where
/// DO-IRP 3.0 puts them, so that the trace is not taken for one.
fn traced(mut said: Said, hops: &[Hop]) -> Said {
    if let Body::Error { indexes, .. } = &mut said.body {
        *indexes = Some(Vec::new());
    }
    Said { trailing: hops_json(hops), ..said }
}

/// The trace as a JSON array, for a client that asked for it (our profile).
pub fn hops_json(hops: &[Hop]) -> Vec<u8> {
    let rows: Vec<serde_json::Value> = hops
        .iter()
        .map(|hop| {
            serde_json::json!({
                "question": hop.question,
                "server": hop.server.map(|server| server.to_string()),
                "cache": hop.cache.name(),
                "outcome": hop.outcome,
                "values": hop.values,
                "microseconds": hop.took.as_micros() as u64,
            })
        })
        .collect();
    serde_json::to_vec(&rows).unwrap_or_default()
}
