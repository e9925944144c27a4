//! A connection that is proved once: op 2001, an extension of the clients of the Chinese system.
//!
//! The client chooses a session id for the connection and says it from its first message on. After one challenge,
//! every unsigned request with that session id on that connection is made as the identity. Whoever can write into
//! the stream can do so too: over networks that are not trusted it belongs in a tunnel.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hufu_ident::Value;
use hufu_ident::systems::handle::Protocol;
use hufu_ident::systems::handle::wire::{
    Body, Content, CredentialField, Envelope, Header, Message, OpCode, Plain, ResponseCode, flag,
};
use hufu_net::TcpLink;
use tokio::sync::Semaphore;

use crate::client::Written;
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::exchange::RequestIds;
use crate::identity::Identity;
use crate::operation::{Operation, frame_of, unix_seconds};
use crate::reply::Reply;

/// Requests in flight on the connection; more wait.
const WINDOW: usize = 512;
/// Session ids count from here, as in the clients that brought them up; one for each connection.
const FIRST_SESSION: u32 = 10_001;
static SESSIONS: AtomicU32 = AtomicU32::new(0);
/// Flags of the login and of its challenge answer; no others may be set.
const FLAGS: u32 = flag::RECU | flag::RRDG;

/// A connection that acts as an identity until its last clone is dropped.
///
/// Requests may be made by many tasks at once: up to 512 are in flight, the rest wait. Each is answered within the
/// client's deadline, counted from when it is sent. The server keeps the order of changes to one identifier only if
/// each is sent after the answer to the one before.
#[derive(Clone)]
pub struct LoggedIn {
    inner: Arc<Inner>,
}

struct Inner {
    link: TcpLink,
    ids: RequestIds,
    session: u32,
    window: Semaphore,
    deadline: Duration,
}

pub(crate) async fn login(server: &Endpoint, identity: &Arc<Identity>, deadline: Duration) -> Result<LoggedIn, Error> {
    if server.protocol != Protocol::Tcp {
        return Err(Error::new(ErrorKind::Unsupported, "a login needs a TCP connection"));
    }
    let link = TcpLink::connect(server.address, deadline).await?;
    let session = FIRST_SESSION + SESSIONS.fetch_add(1, Ordering::Relaxed) % (i32::MAX as u32 - FIRST_SESSION);
    let connection = Inner { link, ids: RequestIds::random(), session, window: Semaphore::new(WINDOW), deadline };
    connection.prove(identity).await?;
    Ok(LoggedIn { inner: Arc::new(connection) })
}

impl LoggedIn {
    /// Makes a record; with `overwrite`, an existing one is replaced.
    pub async fn create(&self, name: &str, values: Vec<Value>, overwrite: bool) -> Result<Written, Error> {
        self.send(Operation::create(name, values, overwrite)).await
    }

    /// Sends any change.
    ///
    /// Errors: as of [`crate::Client::carry_out`]; [`ErrorKind::Closed`] once the connection has ended, after which a
    /// new login is needed.
    pub async fn send(&self, operation: Operation) -> Result<Written, Error> {
        let inner = &self.inner;
        let message = operation.into_message(inner.session);
        let closed = |_| Error::new(ErrorKind::Closed, "the connection has ended");
        let _place = inner.window.acquire().await.map_err(closed)?;
        let (_, reply) = inner.ask(message).await?;
        Ok(Written::of(&reply.accepted()?))
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.inner.link.is_closed()
    }
}

impl Inner {
    /// Sends a message under a request id of its own; the frame that was sent, and its answer.
    async fn ask(&self, mut message: Message) -> Result<(Vec<u8>, Reply), Error> {
        message.envelope.request_id = self.ids.next();
        let frame = frame_of(&message)?;
        let answer = self.link.ask(frame.clone(), self.deadline).await?;
        Ok((frame, Reply::decode(&answer)?))
    }

    /// The three requests of a login. Its last answer need not come under the session id.
    async fn prove(&self, identity: &Arc<Identity>) -> Result<Plain, Error> {
        let (_, site) = self.ask(Operation::site_info().into_message(self.session)).await?;
        understood(site)?.accepted()?;
        let (login, challenge) = self.ask(self.login_request(identity)).await?;
        let challenge = understood(challenge)?;
        match challenge.code() {
            ResponseCode::AUTHENTICATION_NEEDED => {}
            ResponseCode::SUCCESS => {
                return Err(Error::new(ErrorKind::Untrusted, "the server logs in without a challenge"));
            }
            _ => return challenge.accepted(),
        }
        let proof = challenge.prove(identity, FLAGS, [&login, &login]).await?;
        self.ask(proof).await?.1.accepted()
    }

    /// Op 2001, which ends after its body: not even the length of a credential follows.
    fn login_request(&self, identity: &Identity) -> Message {
        let (user, index) = (identity.name.handle.clone(), identity.name.index);
        let envelope = Envelope { session_id: self.session, ..Envelope::new(1) };
        let header = Header::request(OpCode::LOGIN_ID_SYSTEM, FLAGS, unix_seconds());
        let mut message = Message::new(envelope, header, Body::Login { user, index });
        if let Content::Plain(plain) = &mut message.content {
            plain.credential = CredentialField::Missing(Vec::new());
        }
        message
    }
}

/// Puts what servers without op 2001 say into words: that they do not know the session, or the operation.
fn understood(reply: Reply) -> Result<Reply, Error> {
    match reply.code() {
        code @ (ResponseCode::SESSION_TIMEOUT | ResponseCode::OPERATION_NOT_SUPPORTED) => {
            Err(Error::refused(code, "this server has no login (op 2001); each change has to be proved by itself"))
        }
        _ => Ok(reply),
    }
}
