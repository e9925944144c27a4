//! The answer to a question about a name of the zone.

use super::denial::Denied;
use super::locate::{Located, locate};
use super::records::{self, Circumstances};
use super::sign::{Provable, sign};
use super::{Asked, Door, referral, zone};
use crate::answering::{Found, How};
use crate::{clock, telemetry};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::{CNAME, HINFO, NULL};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hufu_ident::systems::handle::wire::ResponseCode as Rc;
use hufu_ident::{Absence, Answer, Delegation, Identifier, ValueSet};
use hufu_resolve::{StoreFault, Trace};

/// Types that a node may have, for the proof that it has no other.
const KINDS: [RecordType; 4] = [RecordType::SOA, RecordType::NS, RecordType::DNSKEY, RecordType::NAPTR];
/// Renamings by labels that one answer follows.
const RENAMES: usize = 8;

/// What a response says, before it is octets.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub code: ResponseCode,
    pub authoritative: bool,
    pub answers: Vec<Record>,
    pub authorities: Vec<Record>,
    pub additionals: Vec<Record>,
    /// Of what the zone itself says.
    pub provable: Option<Provable>,
}

impl Default for Reply {
    fn default() -> Self {
        Reply {
            code: ResponseCode::NoError,
            authoritative: false,
            answers: Vec::new(),
            authorities: Vec::new(),
            additionals: Vec::new(),
            provable: None,
        }
    }
}

impl Reply {
    pub fn code(code: ResponseCode) -> Reply {
        Reply { code, ..Reply::default() }
    }
}

/// What is known of a node of the tree.
enum State {
    Record {
        values: ValueSet,
        own: bool,
    },
    /// It has no record, but something lies below it: an empty non-terminal (RFC 8020), or an apex.
    Bare,
    Absent,
    Elsewhere(Delegation),
    NotOurs,
    Unreachable,
}

impl Door {
    pub(super) async fn answer(&self, asked: &Asked, labels: &[String]) -> Reply {
        let reply = match self.answer_within(asked, labels).await {
            Ok(reply) => reply,
            Err(fault) => {
                telemetry::incident("dns", &fault);
                return Reply::code(ResponseCode::ServFail);
            }
        };
        let Some(key) = self.parts.zone_key.as_ref().filter(|_| asked.dnssec) else { return reply };
        sign(reply, key, self.zone.negative_ttl(), clock::seconds()).unwrap_or_else(|fault| {
            telemetry::incident("dns signature", &fault);
            Reply::code(ResponseCode::ServFail)
        })
    }

    /// Follows labels to their numbers, then answers for the node.
    async fn answer_within(&self, asked: &Asked, labels: &[String]) -> Result<Reply, StoreFault> {
        let (mut labels, mut owner) = (labels.to_vec(), asked.question.name().clone());
        let mut renamed = Vec::new();
        for _ in 0..RENAMES {
            let (dotted, alias) = match locate(&labels, &self.tree)? {
                Located::Node { dotted, alias } => (dotted, alias),
                Located::Nothing { nearest } => {
                    let reply = self.nothing(asked, &owner, &nearest).await?;
                    return Ok(with_front(reply, renamed));
                }
                Located::Renamed { parent, label, target, rest } => {
                    if let Some(reply) = self.not_own(asked, &parent, &owner).await? {
                        return Ok(with_front(reply, renamed));
                    }
                    let Some(records) = self.rename(&parent, &label, &target, &rest, &owner) else {
                        return Ok(Reply::code(ResponseCode::YXDomain));
                    };
                    owner = records.1;
                    renamed.extend(records.0);
                    labels = target.split('.').map(str::to_owned).chain(rest).collect();
                    continue;
                }
            };
            let reply = self.node(asked, &owner, &dotted, alias.as_ref()).await?;
            return Ok(with_front(reply, renamed));
        }
        Ok(Reply::code(ResponseCode::ServFail))
    }

    /// The DNAME of a label, the CNAME that follows from it (RFC 6672 §3.1), and the name it leads to.
    fn rename(
        &self,
        parent: &str,
        label: &str,
        target: &str,
        rest: &[String],
        owner: &Name,
    ) -> Option<([Record; 2], Name)> {
        let (from, to) = (self.zone.label_owner(parent, label)?, self.zone.owner(target)?);
        let mut new = to.clone();
        for label in rest {
            new = new.prepend_label(label.as_str()).ok()?;
        }
        let ttl = self.zone.long_ttl();
        let cname = Record::from_rdata(owner.clone(), ttl, RData::CNAME(CNAME(new.clone())));
        Some(([dname(&from, &to, ttl), cname], new))
    }

    /// What is to be said if a node is not answered for here.
    async fn not_own(&self, asked: &Asked, dotted: &str, owner: &Name) -> Result<Option<Reply>, StoreFault> {
        if dotted.is_empty() || self.answering().authority.is_none() {
            return Ok(None);
        }
        match self.local_state(dotted)? {
            State::Elsewhere(delegation) if !asked.recurse => Ok(Some(self.refer(asked, &delegation, owner, dotted))),
            State::NotOurs if !asked.recurse => Ok(Some(Reply::code(ResponseCode::Refused))),
            _ => Ok(None),
        }
    }

    /// The answer where no node has the name: a name server's own, one that is delegated, or none.
    async fn nothing(&self, asked: &Asked, owner: &Name, nearest: &str) -> Result<Reply, StoreFault> {
        if let Some(reply) = self.not_own(asked, nearest, owner).await? {
            return Ok(reply);
        }
        let Some(apex) = self.apex_of(nearest) else { return Ok(Reply::code(ResponseCode::Refused)) };
        if let Some(server) = self.zone.servers(&apex).into_iter().find(|server| server.name == *owner) {
            let ttl = self.zone.long_ttl();
            let all = server.addresses.iter().map(|address| zone::address(owner, *address, ttl));
            let of = |kind: RecordType| all.clone().filter(move |record| record.record_type() == kind);
            let answers: Vec<Record> = of(asked.question.query_type()).collect();
            let types = [RecordType::A, RecordType::AAAA].into_iter().filter(|kind| of(*kind).next().is_some());
            return Ok(match answers.is_empty() {
                true => self.without_type(&apex, owner, types.collect()),
                false => self.positive(&apex, answers),
            });
        }
        let above_server = |server: &zone::Server| *owner != server.name && owner.zone_of(&server.name);
        Ok(match self.zone.servers(&apex).iter().any(above_server) {
            true => self.without_type(&apex, owner, Vec::new()),
            false => self.without_name(&apex, owner),
        })
    }

    /// The answer about a node.
    async fn node(
        &self,
        asked: &Asked,
        owner: &Name,
        dotted: &str,
        alias: Option<&(String, String)>,
    ) -> Result<Reply, StoreFault> {
        let kind = asked.question.query_type();
        if let (Some((parent, label)), RecordType::DNAME) = (alias, kind)
            && let (Some(from), Some(to)) = (self.zone.label_owner(parent, label), self.zone.owner(dotted))
            && let Some(apex) = self.apex_of(parent)
        {
            return Ok(self.positive(&apex, vec![dname(&from, &to, self.zone.long_ttl())]));
        }
        let state = self.state(asked, dotted).await?;
        self.count(asked, dotted, &state);
        match state {
            State::Elsewhere(delegation) if kind == RecordType::DS && at_cut(&delegation, dotted) => {
                // The parent's side of a cut answers for its DS (RFC 4035 §3.1.4.1).
                Ok(self.at_the_cut(asked, &delegation, dotted))
            }
            State::Elsewhere(delegation) => Ok(self.refer(asked, &delegation, owner, dotted)),
            State::NotOurs => Ok(Reply::code(ResponseCode::Refused)),
            State::Unreachable => Ok(Reply::code(ResponseCode::ServFail)),
            State::Absent => Ok(match self.apex_of(dotted) {
                Some(apex) => self.without_name(&apex, owner),
                None => Reply::code(ResponseCode::Refused),
            }),
            State::Record { values, own: false } => Ok(self.others(owner, dotted, kind, &values)),
            State::Record { values, own: true } => {
                self.here(asked, owner, dotted, alias.is_some(), Some(&values.public()))
            }
            State::Bare => self.here(asked, owner, dotted, alias.is_some(), None),
        }
    }

    /// Sends the asker on to who answers; by what is said where nobody else has the zone, it is this one's own.
    fn refer(&self, asked: &Asked, delegation: &Delegation, owner: &Name, dotted: &str) -> Reply {
        let (asker, kind) = (asked.peer.address.ip(), asked.question.query_type());
        let mut reply = referral::reply(&self.zone, delegation, asker, owner, dotted, kind);
        let Some(zone) = self.apex_of(dotted).filter(|_| reply.code == ResponseCode::NoError) else { return reply };
        let Some(cut) = reply.authorities.first().map(|ns| ns.name.clone()) else {
            return match reply.answers.is_empty() {
                true => self.without_type(&zone, owner, vec![RecordType::NAPTR]),
                false => Reply { provable: Some(Provable { zone, denied: None }), ..reply },
            };
        };
        if asked.dnssec {
            let vouched = referral::ds(&self.zone, delegation, asker, &cut);
            let denied = vouched.is_empty().then(|| Denied::Type { name: cut, types: vec![RecordType::NS] });
            reply.authorities.extend(vouched);
            reply.provable = Some(Provable { zone, denied });
        }
        reply
    }

    /// The parent's answer about the DS of a child.
    fn at_the_cut(&self, asked: &Asked, delegation: &Delegation, dotted: &str) -> Reply {
        let above = dotted.rsplit_once('.').map_or("", |(above, _)| above);
        let (Some(apex), Some(cut)) = (self.apex_of(above), self.zone.owner(dotted)) else {
            return Reply::code(ResponseCode::Refused);
        };
        let asker = asked.peer.address.ip();
        match referral::ds(&self.zone, delegation, asker, &cut) {
            records if records.is_empty() => {
                let by_ns = referral::is_by_name_server(delegation, asker);
                let own = if by_ns { RecordType::NS } else { RecordType::NAPTR };
                self.without_type(&apex, &cut, vec![own])
            }
            records => self.positive(&apex, records),
        }
    }

    /// The answer about a node that exists here, with or without a record.
    fn here(
        &self,
        asked: &Asked,
        owner: &Name,
        dotted: &str,
        is_alias: bool,
        values: Option<&ValueSet>,
    ) -> Result<Reply, StoreFault> {
        let Some(apex) = self.apex_of(dotted) else { return Ok(Reply::code(ResponseCode::Refused)) };
        let of = |kind: RecordType| -> Result<Vec<Record>, StoreFault> {
            Ok(match (kind, values) {
                (RecordType::SOA, _) if *owner == apex => vec![self.zone.soa(&apex, self.tree.serial())],
                (RecordType::NS, _) if *owner == apex => self.zone.name_servers(&apex),
                (RecordType::DNSKEY, _) if *owner == apex => self.keys(&apex),
                (RecordType::NAPTR, Some(values)) => self.own(owner, dotted, values)?,
                (RecordType::ANY, _) => vec![minimal(owner, self.zone.long_ttl())],
                _ => Vec::new(),
            })
        };
        let answers = of(asked.question.query_type())?;
        if !answers.is_empty() {
            return Ok(self.positive(&apex, answers));
        }
        let mut types: Vec<RecordType> = is_alias.then_some(RecordType::DNAME).into_iter().collect();
        for kind in KINDS {
            if asked.dnssec && !of(kind)?.is_empty() {
                types.push(kind);
            }
        }
        Ok(self.without_type(&apex, owner, types))
    }

    fn keys(&self, apex: &Name) -> Vec<Record> {
        self.parts.zone_key.iter().map(|key| key.dnskey(apex, self.zone.long_ttl())).collect()
    }

    /// The NAPTR records of a record kept here.
    fn own(&self, owner: &Name, dotted: &str, values: &ValueSet) -> Result<Vec<Record>, StoreFault> {
        let children = self.tree.has_below(dotted)?;
        let base = self.parts.config.http.public_url.clone().or_else(|| referral::http_of(&self.parts.identity.site));
        let documents = base.as_deref().map(|base| base.trim_end_matches('/'));
        let about = Circumstances { dotted, documents, children, now: clock::seconds() };
        Ok(records::naptr(owner, &records::services(values, &about), self.zone.long_ttl()))
    }

    /// The answer from somebody else's record, found for a client.
    fn others(&self, owner: &Name, dotted: &str, kind: RecordType, values: &ValueSet) -> Reply {
        let about = Circumstances { dotted, documents: None, children: false, now: clock::seconds() };
        let services = records::services(&values.public(), &about);
        let answers = match kind {
            RecordType::NAPTR => records::naptr(owner, &services, self.zone.long_ttl()),
            RecordType::ANY => vec![minimal(owner, self.zone.long_ttl())],
            _ => Vec::new(),
        };
        Reply { answers, ..Reply::default() }
    }

    async fn state(&self, asked: &Asked, dotted: &str) -> Result<State, StoreFault> {
        let local = match self.answering().authority.is_some() {
            true => self.local_state(dotted)?,
            false if dotted.is_empty() => State::Bare,
            false => State::NotOurs,
        };
        if !asked.recurse || !matches!(local, State::Elsewhere(_) | State::NotOurs) {
            return Ok(local);
        }
        let Ok(name) = Identifier::parse(&format!("oid:{dotted}")) else { return Ok(State::Absent) };
        Ok(match self.answering().look_up(&name, How::default(), &Trace::off()).await? {
            Found::Values { values, own, .. } => State::Record { values, own },
            Found::Referral(delegation) => State::Elsewhere(delegation),
            Found::No { code: Rc::HANDLE_NOT_FOUND, .. } => self.absent_there(&name, dotted).await,
            // Nobody answers for it; yet somebody may for what lies below, so that it is not denied.
            Found::No { code: Rc::SERVER_NOT_RESP, .. } => State::Bare,
            Found::No { .. } => State::Unreachable,
        })
    }

    /// A node that has no record at the node which answers for it.
    async fn absent_there(&self, name: &Identifier, dotted: &str) -> State {
        let Some((recursor, owner)) = self.answering().recursor.as_ref().zip(self.zone.owner(dotted)) else {
            return State::Absent;
        };
        match self.below.exists(recursor, name, dotted, &owner).await {
            true => State::Bare,
            false => State::Absent,
        }
    }

    /// What own records say of a node.
    fn local_state(&self, dotted: &str) -> Result<State, StoreFault> {
        let Ok(name) = Identifier::parse(&format!("oid:{dotted}")) else { return Ok(State::Absent) };
        let how = How { recursion_desired: false, ..How::default() };
        Ok(match self.answering().local(&name, how)? {
            Answer::Found(record) => State::Record { values: record.values.public(), own: true },
            Answer::Referral(delegation) => State::Elsewhere(delegation),
            Answer::Absent(Absence::NotResponsible) if !self.zone.apex => State::NotOurs,
            Answer::Absent(Absence::NotFound | Absence::NotResponsible) => {
                let exists = dotted.is_empty() || self.is_apex(dotted) || self.tree.has_below(dotted)?;
                if exists { State::Bare } else { State::Absent }
            }
            Answer::Absent(Absence::NothingSelected) => State::Bare,
            Answer::Absent(Absence::WrongServer) | Answer::Alias(_) => State::NotOurs,
        })
    }

    fn is_apex(&self, dotted: &str) -> bool {
        !self.zone.apex && self.tree.homed_above(dotted).as_deref() == Some(dotted)
    }

    /// The apex of the zone that a node is in: the zone's own name, or the owner of the prefix homed here.
    fn apex_of(&self, dotted: &str) -> Option<Name> {
        if self.zone.apex || self.answering().authority.is_none() {
            return self.zone.owner("");
        }
        self.zone.owner(&self.tree.homed_above(dotted)?)
    }

    fn positive(&self, apex: &Name, answers: Vec<Record>) -> Reply {
        let provable = Some(Provable { zone: apex.clone(), denied: None });
        Reply { authoritative: true, answers, provable, ..Reply::default() }
    }

    /// NODATA at a name that has `types`.
    fn without_type(&self, apex: &Name, owner: &Name, types: Vec<RecordType>) -> Reply {
        self.negative(apex, ResponseCode::NoError, Denied::Type { name: owner.clone(), types })
    }

    /// NXDOMAIN.
    fn without_name(&self, apex: &Name, owner: &Name) -> Reply {
        self.negative(apex, ResponseCode::NXDomain, Denied::Name(owner.clone()))
    }

    /// An absence, with the SOA that says how long it may be kept (RFC 2308).
    fn negative(&self, apex: &Name, code: ResponseCode, denied: Denied) -> Reply {
        let authoritative = self.answering().authority.is_some();
        let authorities = vec![self.zone.soa(apex, self.tree.serial())];
        let provable = Some(Provable { zone: apex.clone(), denied: Some(denied) });
        Reply { code, authoritative, authorities, provable, ..Reply::default() }
    }

    fn count(&self, asked: &Asked, dotted: &str, state: &State) {
        let code = match state {
            State::Record { .. } | State::Bare => Rc::SUCCESS,
            State::Absent => Rc::HANDLE_NOT_FOUND,
            State::Elsewhere(_) => Rc::SERVICE_REFERRAL,
            State::NotOurs => Rc::SERVER_NOT_RESP,
            State::Unreachable => Rc::ERROR,
        };
        self.parts.resolved(&asked.peer, &format!("oid:{dotted}"), code);
    }
}

/// Whether a delegation begins at just this node.
fn at_cut(delegation: &Delegation, dotted: &str) -> bool {
    delegation.prefix.path().is_some_and(|(_, path)| path == dotted)
}

/// Puts the renamings in front, in the order in which they were followed.
fn with_front(mut reply: Reply, mut front: Vec<Record>) -> Reply {
    if !front.is_empty() {
        reply.authoritative = true;
        front.append(&mut reply.answers);
        reply.answers = front;
    }
    reply
}

/// The message library has no form of its own for this type; its data is one name, not compressed (RFC 6672 §2.5).
fn dname(from: &Name, to: &Name, ttl: u32) -> Record {
    let mut octets = Vec::new();
    for label in to.iter() {
        octets.push(label.len() as u8);
        octets.extend_from_slice(label);
    }
    octets.push(0);
    Record::from_rdata(from.clone(), ttl, RData::Unknown { code: RecordType::DNAME, rdata: NULL::with(octets) })
}

/// The whole of the answer to a question for everything (RFC 8482 §4.2).
fn minimal(owner: &Name, ttl: u32) -> Record {
    Record::from_rdata(owner.clone(), ttl, RData::HINFO(HINFO::new("RFC8482".into(), String::new())))
}
