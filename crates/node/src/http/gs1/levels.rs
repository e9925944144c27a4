//! The records of a request's levels: the key with every part of its qualifiers, by value or as a variable.

use super::super::Web;
use super::record;
use super::request::Request;
use crate::answering::{self, How};
use crate::clock;
use hufu_ident::systems::gs1::links::{self, HANDLED_BY, Level};
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_ident::{Answer, Delegation, Identifier, ValueSet};
use hufu_resolve::Trace;

/// What stands for the matched beginning of a serial key, and for its rest.
const PARTS: [&str; 2] = ["{0}", "{1}"];

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
    let qualifiers: Vec<(&str, &str, &str)> = request.qualifiers();
    let mut levels = Levels { list: Vec::new(), ttl: u32::MAX, stale: false, withdrawn: false };
    let mut handled = None;
    for level in links::level_names(&request.key_name(), &qualifiers) {
        match one(web, &level.name).await {
            One::Nothing => {}
            One::Record { values, stale } => {
                let names = record::variables(&values);
                let named = |(ai, value): &(String, String)| {
                    let name = names.iter().find(|(own, _)| own == ai).map_or(ai, |(_, name)| name);
                    (name.clone(), value.clone())
                };
                let bound: Vec<(String, String)> = level.bound.iter().map(named).collect();
                handled = handled.or_else(|| record::text_of(&values, HANDLED_BY));
                levels.take(&request.spelt(&level), &values, stale, &bound);
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
    for (name, start, rest) in links::prefix_names(&request.key.0, &request.key.2) {
        if let One::Record { values, stale } = one(web, &name).await {
            let bound = [("0".to_owned(), start.to_owned()), ("1".to_owned(), rest.to_owned())];
            levels.take(&request.key_name(), &values, stale, &bound);
            return Found::Levels(levels);
        }
    }
    let (code, text) = (ResponseCode::HANDLE_NOT_FOUND, String::new());
    other_than(web, request, Found::No(code, text))
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

async fn one(web: &Web, name: &str) -> One {
    let Ok(name) = Identifier::parse(&format!("gs1:{name}")) else { return One::Nothing };
    match web.parts.answering.look_up(&name, How::default(), &Trace::off()).await {
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
