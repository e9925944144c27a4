//! A network without sockets: nodes by address that can be down, slow or lying, and a log of every question.

use hufu_ident::systems::handle::Protocol;
use hufu_ident::systems::handle::wire::{Body, Content, Envelope, Header, Message, ResponseCode, flag};
use hufu_ident::{Absence, Answer, CaseRule, Identifier, Name, Prefix, Query, Selection, Value, ValueSet};
use hufu_resolve::{Authority, Endpoint, Upstream, UpstreamFault};
use hufu_store::{Batch, Condition, MemoryStore, Store, Write};
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Changes the honest answer to a question about a name.
pub type Lie = Arc<dyn Fn(&str, Message) -> Message + Send + Sync>;

/// How an endpoint behaves.
#[derive(Clone)]
pub enum Mode {
    Up,
    /// Says nothing until the asker gives up.
    Down,
    /// Refuses at once.
    Refusing,
    Slow(Duration),
    Lying(Lie),
    /// Sends these octets.
    Noise(Vec<u8>),
}

/// One question that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub to: SocketAddr,
    pub protocol: Protocol,
    pub name: String,
    pub flags: u32,
    pub hops: u8,
}

/// The network; its clones are the same one.
#[derive(Clone, Default)]
pub struct Network(Arc<Inner>);

#[derive(Default)]
struct Inner {
    nodes: Mutex<HashMap<SocketAddr, Arc<Node>>>,
    modes: Mutex<HashMap<(SocketAddr, Protocol), Mode>>,
    log: Mutex<Vec<Asked>>,
}

impl Network {
    pub fn add(&self, at: &str, node: &Arc<Node>) {
        self.0.nodes.lock().unwrap().insert(address(at), node.clone());
    }

    pub fn set(&self, at: &str, mode: Mode) {
        self.set_one(at, Protocol::Udp, mode.clone());
        self.set_one(at, Protocol::Tcp, mode);
    }

    pub fn set_one(&self, at: &str, protocol: Protocol, mode: Mode) {
        self.0.modes.lock().unwrap().insert((address(at), protocol), mode);
    }

    /// Makes a node answer with what `lie` makes of its honest answer.
    pub fn lies(&self, at: &str, lie: impl Fn(&str, Message) -> Message + Send + Sync + 'static) {
        self.set(at, Mode::Lying(Arc::new(lie)));
    }

    /// Every question since the last [`Network::forget`].
    pub fn log(&self) -> Vec<Asked> {
        self.0.log.lock().unwrap().clone()
    }

    pub fn forget(&self) {
        self.0.log.lock().unwrap().clear();
    }

    /// Questions sent to one address.
    pub fn count(&self, at: &str) -> usize {
        let at = address(at);
        self.log().iter().filter(|asked| asked.to == at).count()
    }

    /// Questions sent to anybody.
    pub fn total(&self) -> usize {
        self.log().len()
    }

    fn note(&self, to: Endpoint, request: &Message) {
        let plain = request.plain().expect("a plain question");
        let Body::Resolve { handle, .. } = &plain.body else { panic!("not a resolution: {plain:?}") };
        self.0.log.lock().unwrap().push(Asked {
            to: to.address,
            protocol: to.protocol,
            name: String::from_utf8(handle.clone()).expect("a name in UTF-8"),
            flags: plain.header.flags,
            hops: plain.header.hops,
        });
    }

    fn answer(&self, to: Endpoint, request: &Message, lie: Option<Lie>) -> Result<Vec<u8>, UpstreamFault> {
        let node = self.0.nodes.lock().unwrap().get(&to.address).cloned();
        let node = node.ok_or_else(|| UpstreamFault::Unreachable(to, "nobody there".into()))?;
        let (name, honest) = node.respond(request);
        Ok(match lie {
            Some(lie) => lie(&name, honest).to_bytes(),
            None => honest.to_bytes(),
        })
    }
}

impl Upstream for Network {
    fn ask<'a>(
        &'a self,
        to: Endpoint,
        frame: &'a [u8],
        deadline: Duration,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, UpstreamFault>> + Send + 'a>> {
        Box::pin(async move {
            let request = Message::decode(frame).expect("a well-formed question");
            self.note(to, &request);
            let mode = self.0.modes.lock().unwrap().get(&(to.address, to.protocol)).cloned();
            tokio::task::yield_now().await;
            let (wait, lie) = match mode.unwrap_or(Mode::Up) {
                Mode::Up => (Duration::ZERO, None),
                Mode::Down => (Duration::MAX, None),
                Mode::Slow(wait) => (wait, None),
                Mode::Lying(lie) => (Duration::ZERO, Some(lie)),
                Mode::Refusing => return Err(UpstreamFault::Unreachable(to, "refused".into())),
                Mode::Noise(octets) => return Ok(octets),
            };
            if wait > Duration::ZERO {
                tokio::time::sleep(wait.min(deadline)).await;
            }
            if wait >= deadline {
                return Err(UpstreamFault::Timeout(to));
            }
            self.answer(to, &request, lie)
        })
    }
}

/// A server: an authority over a store in memory.
pub struct Node {
    pub authority: Authority,
}

impl Node {
    pub fn new() -> Arc<Self> {
        Node::made(|authority| authority)
    }

    pub fn made(make: impl FnOnce(Authority) -> Authority) -> Arc<Self> {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        Arc::new(Node { authority: make(Authority::new(store, CaseRule::Insensitive, 1 << 20)) })
    }

    pub fn home(&self, prefix: &str) {
        self.write(Write::Home(Prefix::folded(prefix)));
    }

    pub fn put(&self, name: &str, values: Vec<Value>) {
        let key = identifier(name).key(CaseRule::Insensitive);
        let values = ValueSet::from_values(values);
        self.write(Write::Put { key: key.clone(), values, condition: Condition::Any });
        self.authority.forget(&key);
    }

    pub fn delete(&self, name: &str) {
        let key = identifier(name).key(CaseRule::Insensitive);
        self.write(Write::Delete { key: key.clone(), condition: Condition::Any });
        self.authority.forget(&key);
    }

    fn write(&self, write: Write) {
        let batch = Batch::new(vec![write], 0);
        self.authority.store().commit(batch).wait().expect("a write in memory");
    }

    /// What the authority says to a name, asked as a client would.
    pub fn answer(&self, name: &str, do_not_refer: bool) -> Answer {
        let query = Query {
            name: Name::new(name),
            selection: Selection::default(),
            authoritative: false,
            public_only: true,
            recursion_desired: false,
            do_not_refer,
            hops: 0,
        };
        self.authority.answer(&query).expect("a store in memory")
    }

    /// The name asked about, and the answer.
    fn respond(&self, request: &Message) -> (String, Message) {
        let plain = request.plain().expect("a plain question");
        let Body::Resolve { handle, .. } = &plain.body else { panic!("not a resolution") };
        let name = String::from_utf8(handle.clone()).expect("a name in UTF-8");
        let (code, body) = match self.answer(&name, plain.header.has(flag::DNRF)) {
            Answer::Found(record) => {
                let values = record.values.public().to_values();
                match values.is_empty() {
                    true => (ResponseCode::VALUES_NOT_FOUND, Body::error("")),
                    false => (ResponseCode::SUCCESS, Body::Values { handle: handle.clone(), values }),
                }
            }
            Answer::Referral(delegation) => {
                let code = match delegation.for_prefixes {
                    true => ResponseCode::PREFIX_REFERRAL,
                    false => ResponseCode::SERVICE_REFERRAL,
                };
                let handle = match delegation.prefix.path() {
                    Some(_) => delegation.prefix.handle().as_str().into(),
                    None => Vec::new(),
                };
                (code, Body::Referral { handle, values: Some(delegation.values) })
            }
            Answer::Absent(Absence::NotFound) => (ResponseCode::HANDLE_NOT_FOUND, Body::error("")),
            Answer::Absent(Absence::NothingSelected) => (ResponseCode::VALUES_NOT_FOUND, Body::error("")),
            Answer::Absent(_) => (ResponseCode::SERVER_NOT_RESP, Body::error("not here")),
            Answer::Alias(_) => panic!("no authority answers with an alias"),
        };
        (name, said(request, code, body))
    }
}

/// An answer to `request`.
fn said(request: &Message, code: ResponseCode, body: Body) -> Message {
    let asked = request.plain().expect("a plain question").header;
    let flags = Header::answer_flags(asked.flags, true);
    let header = Header { response: code, flags, ..asked };
    Message::new(Envelope { flags: 0, ..request.envelope }, header, body)
}

/// The same answer with another code and body.
pub fn instead(mut answer: Message, code: ResponseCode, body: Body) -> Message {
    if let Content::Plain(plain) = &mut answer.content {
        plain.header.response = code;
        plain.body = body;
    }
    answer
}

pub fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

pub fn identifier(text: &str) -> Identifier {
    Identifier::parse(text).expect("a name")
}
