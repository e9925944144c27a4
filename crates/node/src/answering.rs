//! Where a node's answers come from: its own records first, then, if it resolves for others, the recursor.

use crate::publisher::NOTE;
use crate::upstream::Wire;
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_ident::systems::handle::{Site, kind};
use hufu_ident::{Absence, Answer, Delegation, Identifier, Name, Query, Selection, Value, ValueSet, limits};
use hufu_resolve::{Ask, Authority, CacheState, Recursor, Resolved, StoreFault, Trace};
use std::borrow::Cow;
use std::sync::Arc;

/// The parts that answer; either may be absent.
#[derive(Clone)]
pub struct Answering {
    pub authority: Option<Arc<Authority>>,
    pub recursor: Option<Arc<Recursor<Wire>>>,
    /// Whether the recursor works for clients, or only for this node's own questions.
    pub recursion: bool,
}

/// How a name is asked for.
#[derive(Debug, Clone, Copy)]
pub struct How {
    pub authoritative: bool,
    pub public_only: bool,
    pub recursion_desired: bool,
    pub do_not_refer: bool,
    pub hops: u8,
}

impl Default for How {
    fn default() -> Self {
        How { authoritative: false, public_only: true, recursion_desired: true, do_not_refer: false, hops: 0 }
    }
}

/// What a look-up found.
#[derive(Debug, Clone)]
pub enum Found {
    /// All values of an own record, or the public values of somebody else's.
    Values {
        values: ValueSet,
        own: bool,
        stale: bool,
        cache: CacheState,
    },
    Referral(Delegation),
    /// A protocol code and its text.
    No {
        code: ResponseCode,
        text: String,
    },
}

impl Found {
    pub fn no(code: ResponseCode, text: impl Into<String>) -> Self {
        Found::No { code, text: text.into() }
    }

    fn own(values: ValueSet) -> Self {
        Found::Values { values, own: true, stale: false, cache: CacheState::Miss }
    }
}

/// The reference's text for a prefix that is not served here.
pub const NOT_HERE: &str = "That prefix doesn't live here";

/// Steps up from a name on which a note is looked for.
const NOTED_STEPS: usize = 32;

/// The text for a prefix whose nodes only a private network reaches.
pub const PRIVATE_ONLY: &str = "The nodes of that prefix are on a private network";

/// The handle that a referral names: the prefix handle where the prefix cannot be seen from the name; the reference
/// leaves it empty for names of its own.
pub fn referral_handle(delegation: &Delegation) -> Vec<u8> {
    match delegation.prefix.path() {
        Some(_) => delegation.prefix.handle().as_str().into(),
        None => Vec::new(),
    }
}

/// The protocol's code and text for an absence.
pub fn absence(absence: Absence) -> (ResponseCode, &'static str) {
    match absence {
        Absence::NotFound => (ResponseCode::HANDLE_NOT_FOUND, ""),
        Absence::NothingSelected => (ResponseCode::VALUES_NOT_FOUND, ""),
        Absence::NotResponsible => (ResponseCode::SERVER_NOT_RESP, NOT_HERE),
        Absence::WrongServer => (ResponseCode::SERVER_NOT_RESP, "Request was hashed incorrectly"),
    }
}

impl Answering {
    /// Looks a name up for a client.
    pub async fn look_up(&self, name: &Identifier, how: How, trace: &Trace) -> Result<Found, StoreFault> {
        let local = self.local(name, how)?;
        let recurse = self.recursion && how.recursion_desired;
        match (local, &self.recursor) {
            (Answer::Referral(_) | Answer::Absent(Absence::NotResponsible), Some(recursor)) if recurse => {
                Ok(self.recurse(recursor, name, how, trace).await)
            }
            (Answer::Absent(why), _) => {
                let (code, text) = self.absence_of(name.name(), why);
                Ok(Found::no(code, text))
            }
            (answer, _) => Ok(as_found(answer)),
        }
    }

    /// Code and text of an absence. Where nobody answers because a prefix is on hold, suspended or retired, the text
    /// says so: its prefix handle is kept here.
    pub fn absence_of(&self, name: Name<'_>, why: Absence) -> (ResponseCode, Cow<'static, str>) {
        let (code, text) = absence(why);
        let note = (why == Absence::NotResponsible).then(|| self.note_on(name)).flatten();
        (code, note.map_or(Cow::Borrowed(text), Cow::Owned))
    }

    /// What the registry has noted on the nearest prefix of the name.
    fn note_on(&self, name: Name<'_>) -> Option<String> {
        let authority = self.authority.as_ref()?;
        name.home().lineage().take(NOTED_STEPS).find_map(|prefix| {
            let values = authority.values(prefix.handle().key(authority.rule()).as_bytes()).ok()??;
            let note = values.iter().find(|value| value.index == NOTE && value.is_kind(kind::DESC))?;
            Some(format!("{prefix}: {}", String::from_utf8_lossy(note.data)))
        })
    }

    /// Looks a name up for the node itself: own records whole, others' public values, wherever they live.
    pub async fn look_up_anywhere(&self, name: &Identifier) -> Result<Found, StoreFault> {
        let how = How { do_not_refer: true, ..How::default() };
        match (self.local(name, how)?, &self.recursor) {
            (Answer::Absent(Absence::NotResponsible), Some(recursor)) => {
                Ok(self.recurse(recursor, name, how, &Trace::off()).await)
            }
            (answer, _) => Ok(as_found(answer)),
        }
    }

    /// What own records say.
    pub fn local(&self, name: &Identifier, how: How) -> Result<Answer, StoreFault> {
        let Some(authority) = &self.authority else { return Ok(Answer::Absent(Absence::NotResponsible)) };
        authority.answer(&Query {
            name: name.name(),
            selection: Selection::default(),
            authoritative: how.authoritative,
            public_only: how.public_only,
            recursion_desired: how.recursion_desired,
            do_not_refer: how.do_not_refer,
            hops: how.hops,
        })
    }

    async fn recurse(&self, recursor: &Recursor<Wire>, name: &Identifier, how: How, trace: &Trace) -> Found {
        if how.hops > limits::SERVER_HOPS {
            return Found::no(ResponseCode::RECURSION_COUNT_TOO_HIGH, "");
        }
        if !how.public_only {
            return self.send_there(recursor, name, how, trace).await;
        }
        let ask = Ask { authoritative: how.authoritative, hops: how.hops };
        let resolution = recursor.resolve(name, ask, trace).await;
        let (stale, cache) = (resolution.stale, resolution.cache);
        match resolution.resolved {
            Resolved::Values(values) => Found::Values { values, own: false, stale, cache },
            other => refusal_of(other),
        }
    }

    /// Private values pass no third party: the asker is sent to the responsible servers themselves.
    async fn send_there(&self, recursor: &Recursor<Wire>, name: &Identifier, how: How, trace: &Trace) -> Found {
        if how.do_not_refer {
            let text = "private values are given by the responsible server only";
            return Found::no(ResponseCode::SERVER_NOT_RESP, text);
        }
        match recursor.sites_for(name, trace).await {
            Ok(sites) => Found::Referral(Delegation {
                prefix: name.name().home(),
                for_prefixes: false,
                values: sites.iter().zip(1..).map(|(site, index)| site_value(index, site)).collect(),
            }),
            Err(other) => refusal_of(other),
        }
    }
}

fn site_value(index: u32, site: &Site) -> Value {
    Value::new(index, kind::SITE, site.to_bytes())
}

fn as_found(answer: Answer) -> Found {
    match answer {
        Answer::Found(record) => Found::own(record.values),
        Answer::Referral(delegation) => Found::Referral(delegation),
        Answer::Alias(_) => Found::no(ResponseCode::ERROR, "unexpected alias"),
        Answer::Absent(why) => {
            let (code, text) = absence(why);
            Found::no(code, text)
        }
    }
}

fn refusal_of(resolved: Resolved) -> Found {
    match resolved {
        Resolved::NotFound => Found::no(ResponseCode::HANDLE_NOT_FOUND, ""),
        Resolved::NotResponsible => Found::no(ResponseCode::SERVER_NOT_RESP, "No node answers for that prefix"),
        Resolved::Unreachable(why) => {
            Found::no(ResponseCode::ERROR, format!("the responsible node does not answer: {why}"))
        }
        Resolved::Busy => Found::no(ResponseCode::SERVER_TOO_BUSY, "too many resolutions under way"),
        Resolved::Loop => Found::no(ResponseCode::ERROR, "the referrals lead round in circles"),
        Resolved::Values(_) => Found::no(ResponseCode::ERROR, "unexpected values"),
    }
}
