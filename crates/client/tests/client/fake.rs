//! A server that plays a script, and what the scripts are made of.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hufu_client::{Client, Endpoint};
use hufu_ident::Value;
use hufu_ident::systems::handle::proof::request_digest;
use hufu_ident::systems::handle::wire::{
    Body, Envelope, Header, Message, OpCode, Plain, ResponseCode, answer_version, flag,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A listening script; stops listening when dropped.
pub struct Fake {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    /// Plays `script` on every connection.
    pub async fn start<F, S>(script: S) -> Fake
    where
        S: Fn(Connection) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(script(Connection { stream }));
            }
        });
        Fake { address, connections, task }
    }

    /// Answers every request with what `answer` makes of it, for ever.
    pub async fn answering(answer: impl Fn(&Request) -> Vec<Message> + Send + Sync + 'static) -> Fake {
        let answer = Arc::new(answer);
        Fake::start(move |mut connection| {
            let answer = Arc::clone(&answer);
            async move {
                while let Some(request) = connection.receive().await {
                    for message in answer(&request) {
                        connection.send(&message).await;
                    }
                }
            }
        })
        .await
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::tcp(self.address)
    }

    pub fn client(&self) -> Client {
        Client::new(self.endpoint())
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

pub struct Connection {
    pub stream: TcpStream,
}

impl Connection {
    /// The next request; none at the end.
    pub async fn receive(&mut self) -> Option<Request> {
        let mut frame = vec![0; 20];
        self.stream.read_exact(&mut frame).await.ok()?;
        let length = u32::from_be_bytes(frame[16..20].try_into().unwrap()) as usize;
        frame.resize(20 + length, 0);
        self.stream.read_exact(&mut frame[20..]).await.ok()?;
        Some(Request::new(frame))
    }

    pub async fn send(&mut self, message: &Message) {
        // The client may have gone.
        let _ = self.stream.write_all(&message.to_bytes()).await;
    }
}

/// A request as it came.
pub struct Request {
    pub frame: Vec<u8>,
    pub envelope: Envelope,
    pub plain: Plain,
}

impl Request {
    pub fn new(frame: Vec<u8>) -> Self {
        let message = Message::decode(&frame).unwrap();
        Request { envelope: message.envelope, plain: message.plain().unwrap().clone(), frame }
    }

    pub fn op(&self) -> OpCode {
        self.plain.header.op
    }

    /// The name that the body begins with.
    pub fn name(&self) -> String {
        let name = match &self.plain.body {
            Body::Resolve { handle, .. } | Body::Values { handle, .. } | Body::Name(handle) => handle,
            other => panic!("no name in {other:?}"),
        };
        String::from_utf8(name.clone()).unwrap()
    }

    /// Header and body.
    pub fn signed_part(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.plain.compose_signed_part(&mut out);
        out
    }

    pub fn answer(&self, code: ResponseCode, body: Body) -> Message {
        self.answer_as(self.op(), code, body)
    }

    /// The answer to an op 200 carries the operation that was challenged.
    pub fn answer_as(&self, op: OpCode, code: ResponseCode, body: Body) -> Message {
        let envelope = Envelope { version: answer_version(&self.envelope), ..Envelope::new(self.envelope.request_id) };
        let flags = Header::answer_flags(self.plain.header.flags & !flag::RRDG, true);
        let header = Header { op, response: code, flags, ..self.plain.header };
        Message::new(envelope, header, body)
    }

    /// A success that carries the name as data of its one value.
    pub fn echo(&self) -> Message {
        let values = vec![Value::new(1, "DESC", self.name())];
        self.answer(ResponseCode::SUCCESS, Body::Values { handle: self.name().into(), values })
    }

    /// A challenge to this request, or with the digest of other octets.
    pub fn challenge(&self, id: u32, nonce: &[u8], digested: &[u8]) -> Message {
        let body = Body::Challenge { nonce: nonce.to_vec(), digest: None };
        let mut message = self.answer(ResponseCode::AUTHENTICATION_NEEDED, body);
        message.envelope.session_id = id;
        if let hufu_ident::systems::handle::wire::Content::Plain(plain) = &mut message.content {
            plain.header.flags |= flag::RRDG;
            plain.digest = Some(request_digest(message.envelope.version, digested));
        }
        message
    }
}
