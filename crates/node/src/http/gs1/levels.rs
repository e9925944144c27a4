//! The records of a request's levels: the key with every part of its qualifiers, by value or as a variable.
//!
//! A request with three qualifiers has 27 levels. All of them have one home, since the key decides it: so the key is
//! asked first, and what is nobody's or somebody else's is known after one question. Where the home is another node,
//! the rest is asked several at a time.

use super::super::Web;
use super::record;
use super::request::Request;
use crate::answering::{self, Answering, How};
use crate::clock;
use hufu_ident::systems::gs1::links::{self, HANDLED_BY, Level};
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_ident::{Absence, Answer, Delegation, Identifier, ValueSet};
use hufu_resolve::Trace;
use tokio::task::JoinSet;

/// What stands for the matched beginning of a serial key, and for its rest.
const PARTS: [&str; 2] = ["{0}", "{1}"];

/// Questions to another node that are under way at once for one request.
const AT_ONCE: usize = 16;

/// What is known of a request's key.
pub enum Found {
    Levels(Levels),
    /// The root of another resolver.
    HandledBy(String),
    Referral(Delegation),
    No(ResponseCode, String),
}

/// The levels that have a record, most special first.
pub struct Levels {
    pub list: Vec<Level>,
    /// Seconds that the answer may be kept.
    pub ttl: u32,
    pub stale: bool,
    /// The level that was asked for has ended.
    pub withdrawn: bool,
}

/// One record, or why there is none.
enum One {
    Record { values: ValueSet, stale: bool },
    Nothing,
    Other(Found),
}

pub async fn find(web: &Web, request: &Request) -> Found {
    let answering = &web.parts.answering;
    let mut names = links::level_names(&request.key_name(), &request.qualifiers());
    let Some(last) = names.pop() else { return unknown(web, request) };
    let key = match one(answering, &last.name).await {
        One::Other(other) => return other_than(web, request, other),
        key => key,
    };
    let mut ones = every(answering, names.iter().map(|level| level.name.clone())).await;
    names.push(last);
    ones.push(key);
    let mut levels = Levels { list: Vec::new(), ttl: u32::MAX, stale: false, withdrawn: false };
    let mut handled = None;
    for (level, one) in names.iter().zip(ones) {
        match one {
            One::Nothing => {}
            One::Record { values, stale } => {
                let names = record::variables(&values);
                let named = |(ai, value): &(String, String)| {
                    let name = names.iter().find(|(own, _)| own == ai).map_or(ai, |(_, name)| name);
                    (name.clone(), value.clone())
                };
                let bound: Vec<(String, String)> = level.bound.iter().map(named).collect();
                handled = handled.or_else(|| record::text_of(&values, HANDLED_BY));
                levels.take(&request.spelt(level), &values, stale, &bound);
            }
            One::Other(other) => return other_than(web, request, other),
        }
    }
    if let Some(resolver) = handled.filter(|resolver| links::is_target(resolver)) {
        return Found::HandledBy(resolver);
    }
    if levels.list.is_empty() {
        return by_prefix(web, request, levels).await;
    }
    Found::Levels(levels)
}

impl Levels {
    fn take(&mut self, name: &str, values: &ValueSet, stale: bool, bound: &[(String, String)]) {
        self.ttl = self.ttl.min(values.shortest_ttl(clock::seconds()));
        self.stale |= stale;
        self.withdrawn |= self.list.is_empty() && record::text_of(values, record::WITHDRAWN).is_some();
        let mut level = record::level(name, values);
        let every = level.links.iter_mut().chain(&mut level.multi);
        let default = match &mut level.default {
            Some(links::Default::Link(link)) => Some(link),
            _ => None,
        };
        every.chain(default).for_each(|link| link.href = links::substitute(&link.href, bound));
        self.list.push(level);
    }
}

/// Nothing stands under the key itself: a rule for all values that begin so, or another resolver.
async fn by_prefix(web: &Web, request: &Request, mut levels: Levels) -> Found {
    let names: Vec<_> = links::prefix_names(&request.key.0, &request.key.2).collect();
    let ones = every(&web.parts.answering, names.iter().map(|(name, ..)| name.clone())).await;
    for ((_, start, rest), one) in names.iter().zip(ones) {
        match one {
            One::Nothing => {}
            One::Record { values, stale } => {
                let bound = [("0".to_owned(), (*start).to_owned()), ("1".to_owned(), (*rest).to_owned())];
                levels.take(&request.key_name(), &values, stale, &bound);
                return Found::Levels(levels);
            }
            One::Other(other) => return other_than(web, request, other),
        }
    }
    unknown(web, request)
}

fn unknown(web: &Web, request: &Request) -> Found {
    other_than(web, request, Found::No(ResponseCode::HANDLE_NOT_FOUND, String::new()))
}

/// Whether links are a rule for values that begin so (`{0}` or `{1}` in a target).
pub fn is_rule<'a>(mut targets: impl Iterator<Item = &'a str>) -> bool {
    targets.any(|href| PARTS.iter().any(|part| href.contains(part)))
}

/// Where this node has no record: the resolver that its prefix handles name, else what was found.
fn other_than(web: &Web, request: &Request, found: Found) -> Found {
    let Ok(name) = Identifier::parse(&format!("gs1:{}", request.key_name())) else { return found };
    let how = How { do_not_refer: true, ..How::default() };
    for prefix in name.name().home().lineage() {
        if let Ok(Answer::Found(record)) = web.parts.answering.local(&prefix.handle(), how)
            && let Some(resolver) = record::text_of(&record.values, HANDLED_BY).filter(|text| links::is_target(text))
        {
            return Found::HandledBy(resolver);
        }
    }
    found
}

/// One record after the other where they are kept here; otherwise several at a time. In the order of the names.
async fn every(answering: &Answering, names: impl Iterator<Item = String>) -> Vec<One> {
    let names: Vec<String> = names.collect();
    let mut ones = Vec::with_capacity(names.len());
    if names.first().is_none_or(|first| is_kept_here(answering, first)) {
        for name in &names {
            ones.push(one(answering, name).await);
        }
        return ones;
    }
    let mut waiting = names.into_iter().enumerate();
    let mut asked = JoinSet::new();
    let mut ask_next = |asked: &mut JoinSet<(usize, One)>| {
        let Some((at, name)) = waiting.next() else { return };
        let answering = answering.clone();
        asked.spawn(async move { (at, one(&answering, &name).await) });
    };
    (0..AT_ONCE).for_each(|_| ask_next(&mut asked));
    let mut told = Vec::with_capacity(ones.capacity());
    while let Some(next) = asked.join_next().await {
        ask_next(&mut asked);
        match next {
            Ok(one) => told.push(one),
            Err(fault) => {
                let id = crate::telemetry::incident("levels", &fault);
                return vec![One::Other(Found::No(ResponseCode::ERROR, format!("incident {id}")))];
            }
        }
    }
    told.sort_by_key(|(at, _)| *at);
    ones.extend(told.into_iter().map(|(_, one)| one));
    ones
}

/// Whether this node's own store has the last word on a name, and so on all of the same key.
fn is_kept_here(answering: &Answering, name: &str) -> bool {
    let Ok(name) = Identifier::parse(&format!("gs1:{name}")) else { return true };
    let elsewhere = |answer: &Answer| {
        matches!(answer, Answer::Referral(_) | Answer::Absent(Absence::NotResponsible | Absence::WrongServer))
    };
    answering.local(&name, How::default()).is_ok_and(|answer| !elsewhere(&answer))
}

async fn one(answering: &Answering, name: &str) -> One {
    let Ok(name) = Identifier::parse(&format!("gs1:{name}")) else { return One::Nothing };
    match answering.look_up(&name, How::default(), &Trace::off()).await {
        Ok(answering::Found::Values { values, stale, .. }) => One::Record { values, stale },
        Ok(answering::Found::No { code: ResponseCode::HANDLE_NOT_FOUND | ResponseCode::VALUES_NOT_FOUND, .. }) => {
            One::Nothing
        }
        Ok(answering::Found::No { code, text }) => One::Other(Found::No(code, text)),
        Ok(answering::Found::Referral(delegation)) => One::Other(Found::Referral(delegation)),
        Err(fault) => {
            let id = crate::telemetry::incident("record store", &fault);
            One::Other(Found::No(ResponseCode::ERROR, format!("incident {id}")))
        }
    }
}
