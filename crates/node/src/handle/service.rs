//! The protocol's front door: simple resolutions are answered here and now; the rest is left to `dispatch`.

use super::challenge::Challenges;
use super::login::Logins;
use super::session::Sessions;
use super::{dispatch, reply};
use crate::administration::Administration;
use crate::answering::{Answering, PRIVATE_ONLY, referral_handle};
use crate::clock;
use crate::telemetry::{Meter, QueryLog};
use hufu_ident::systems::handle::Site;
use hufu_ident::systems::handle::wire::{
    AnswerHead, Body, ENVELOPE_OCTETS, Envelope, OpCode, Question, Reader, ResponseCode, flag, put_bytes, put_u32,
};
use hufu_ident::{Answer, Delegation, Query, Value, ValueSet};
use hufu_net::{ConnectionId, FrameError, Outcome, Peer, Replies, Service};
use hufu_resolve::cache::Remembered;
use hufu_resolve::{Selected, select, shown_to};
use rsa::RsaPrivateKey;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Who this server is to its peers.
pub struct Identity {
    pub key: RsaPrivateKey,
    pub site: Site,
    pub site_serial: u16,
    /// A primary: its answers are authoritative.
    pub primary: bool,
}

/// The Handle protocol's service of one node.
pub struct HandleService {
    pub(super) identity: Arc<Identity>,
    pub(super) answering: Answering,
    pub(super) administration: Option<Arc<Administration>>,
    pub(super) challenges: Challenges,
    pub(super) logins: Logins,
    pub(super) sessions: Sessions,
    pub(super) meter: Arc<Meter>,
    pub(super) queries: Option<Arc<QueryLog>>,
}

thread_local! {
    /// The key under construction; reused, so that a hit allocates nothing.
    static KEY: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl HandleService {
    pub fn new(
        identity: Arc<Identity>,
        answering: Answering,
        administration: Option<Arc<Administration>>,
        challenge_life: std::time::Duration,
        meter: Arc<Meter>,
        queries: Option<Arc<QueryLog>>,
    ) -> Self {
        let challenges = Challenges::new(challenge_life);
        HandleService {
            identity,
            answering,
            administration,
            challenges,
            logins: Logins::default(),
            sessions: Sessions::default(),
            meter,
            queries,
        }
    }

    /// Answers a simple resolution if no waiting is needed.
    fn answer_now(&self, question: &Question<'_>, peer: &Peer, out: &mut Vec<u8>) -> Option<ResponseCode> {
        let now = clock::millis();
        let head = AnswerHead {
            site_serial: self.identity.site_serial,
            primary: self.identity.primary,
            stale: false,
            now: now / 1000,
        };
        KEY.with_borrow_mut(|key| {
            if let Some(authority) = &self.answering.authority {
                if let Ok(Some(values)) = authority.direct(question.name, key) {
                    return compose_values(&head, question, &values, out);
                }
                if let Some(code) = self.answer_absence(&head, question, peer, out) {
                    return Some(code);
                }
            }
            self.answer_cached(&head, question, key, now, out)
        })
    }

    /// Refers or refuses from own records; `None` when the recursor should try or the full path must decide.
    fn answer_absence(
        &self,
        head: &AnswerHead,
        question: &Question<'_>,
        peer: &Peer,
        out: &mut Vec<u8>,
    ) -> Option<ResponseCode> {
        let authority = self.answering.authority.as_ref()?;
        let answer = authority.answer(&query_of(question)).ok()?;
        let recurse = self.answering.recursion && question.header.has(flag::RECU);
        match answer {
            Answer::Absent(hufu_ident::Absence::NotResponsible) | Answer::Referral(_) if recurse => None,
            Answer::Absent(why) => {
                let (code, text) = self.answering.absence_of(question.name, why);
                head.error(question, code, &text, out);
                Some(code)
            }
            Answer::Referral(delegation) => {
                let Some(delegation) = shown_to(&delegation, peer.address.ip()) else {
                    head.error(question, ResponseCode::SERVER_NOT_RESP, PRIVATE_ONLY, out);
                    return Some(ResponseCode::SERVER_NOT_RESP);
                };
                let code = match delegation.for_prefixes {
                    true => ResponseCode::PREFIX_REFERRAL,
                    false => ResponseCode::SERVICE_REFERRAL,
                };
                head.compose(question, code, out, |out| compose_referral(&delegation, out));
                Some(code)
            }
            _ => None,
        }
    }

    fn answer_cached(
        &self,
        head: &AnswerHead,
        question: &Question<'_>,
        key: &mut Vec<u8>,
        now: u64,
        out: &mut Vec<u8>,
    ) -> Option<ResponseCode> {
        let recursor = self.answering.recursor.as_ref().filter(|_| self.answering.recursion)?;
        if !question.header.has(flag::PUBL) || question.header.has(flag::AUTH) || !question.header.has(flag::RECU) {
            return None;
        }
        key.clear();
        question.name.write_key(recursor.rule(), key);
        let entry = recursor.cached(key, now)?;
        let head = AnswerHead { primary: false, ..*head };
        match &entry.what {
            Remembered::Values(values) => compose_values(&head, question, values, out),
            Remembered::NotFound => {
                head.error(question, ResponseCode::HANDLE_NOT_FOUND, "", out);
                Some(ResponseCode::HANDLE_NOT_FOUND)
            }
            Remembered::NotResponsible => {
                head.error(question, ResponseCode::SERVER_NOT_RESP, "No node answers for that prefix", out);
                Some(ResponseCode::SERVER_NOT_RESP)
            }
        }
    }
}

fn query_of<'a>(question: &Question<'a>) -> Query<'a> {
    Query {
        name: question.name,
        selection: question.selection,
        authoritative: question.header.has(flag::AUTH),
        public_only: question.header.has(flag::PUBL),
        recursion_desired: question.header.has(flag::RECU),
        do_not_refer: question.header.has(flag::DNRF),
        hops: question.header.hops,
    }
}

/// Composes a found record; `None` when its reader must prove a right first.
fn compose_values(
    head: &AnswerHead,
    question: &Question<'_>,
    values: &ValueSet,
    out: &mut Vec<u8>,
) -> Option<ResponseCode> {
    let start = out.len();
    let mut selected = Selected::Nothing;
    head.compose(question, ResponseCode::SUCCESS, out, |out| {
        put_bytes(out, question.name.text().as_bytes());
        selected = select(values, &question.selection, question.header.has(flag::PUBL), false, out);
    });
    match selected {
        Selected::Values(_) => Some(ResponseCode::SUCCESS),
        Selected::Nothing => {
            out.truncate(start);
            head.error(question, ResponseCode::VALUES_NOT_FOUND, "", out);
            Some(ResponseCode::VALUES_NOT_FOUND)
        }
        Selected::NeedsAuthority | Selected::Unreadable => {
            out.truncate(start);
            None
        }
    }
}

fn compose_referral(delegation: &Delegation, out: &mut Vec<u8>) {
    put_bytes(out, &referral_handle(delegation));
    let readable: Vec<&Value> = delegation.values.iter().filter(|value| value.permissions.public_read()).collect();
    put_u32(out, readable.len() as u32);
    readable.iter().for_each(|value| value.compose(out));
}

impl Service for HandleService {
    fn answer(&self, frame: &[u8], peer: &Peer, out: &mut Vec<u8>) -> Outcome {
        if is_response(frame) {
            // Never answer an answer: two servers could keep each other busy for ever.
            return Outcome::Drop;
        }
        let simple = |question: &Question<'_>| question.is_simple() && !question.header.has(flag::TRACE);
        let Some(question) = Question::decode(frame).filter(simple) else { return Outcome::Later };
        match self.answer_now(&question, peer, out) {
            Some(code) => {
                self.meter.resolved(question.name.text(), code);
                if let Some(queries) = &self.queries {
                    queries.add(peer, question.name.text(), code);
                }
                Outcome::Answered
            }
            None => Outcome::Later,
        }
    }

    fn answer_later(
        self: Arc<Self>,
        frame: Vec<u8>,
        peer: Peer,
        replies: Replies,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { dispatch::answer(&self, frame, peer, &replies).await })
    }

    fn closed(&self, connection: ConnectionId) {
        self.logins.forget(connection);
    }

    fn malformed(&self, envelope: &[u8], reason: FrameError, out: &mut Vec<u8>) {
        self.meter.malformed();
        if let Ok(envelope) = Envelope::decode(&mut Reader::new(envelope)) {
            let text = reason.to_string();
            out.extend(reply::protocol_error(&self.identity, &envelope, OpCode::RESERVED, &text));
        }
    }
}

/// Whether the response code, the second field of the header, says that this is an answer.
fn is_response(frame: &[u8]) -> bool {
    let at = ENVELOPE_OCTETS + 4;
    let encrypted = frame.get(2).is_some_and(|flags| flags & Envelope::ENCRYPTED != 0);
    !encrypted && frame.get(at..at + 4).is_some_and(|code| code != [0; 4])
}

/// The body of a listing: names in pages.
pub(super) fn names_body(names: &[hufu_ident::Identifier]) -> Body {
    Body::Names(names.iter().map(|name| name.as_str().as_bytes().to_vec()).collect())
}
