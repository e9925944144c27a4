//! One server, asked and administered.

use std::sync::Arc;
use std::time::Duration;

use hufu_ident::systems::handle::Site;
use hufu_ident::systems::handle::wire::{Body, Plain, ResponseCode, flag};
use hufu_ident::{SelectionBuf, Value};
use tokio::time::timeout;

use crate::answers::Answers;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::identity::Identity;
use crate::listing::Listing;
use crate::login::{self, LoggedIn};
use crate::operation::{Operation, ResolveOptions, frame_of};
use crate::reply::Reply;

/// How long an operation may take, challenges included, unless the caller says otherwise.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);
/// Challenges answered for one request; a server may ask again for an older form of proof.
const CHALLENGES: usize = 2;

/// Asks one server, and changes what it holds. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    server: Endpoint,
    exchange: Exchange,
    identity: Option<Arc<Identity>>,
    deadline: Duration,
}

/// The answer to a question: values, or where else to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// SUCCESS, or SERVICE_REFERRAL or PREFIX_REFERRAL, of which the caller may follow [`Resolved::values`].
    pub code: ResponseCode,
    /// The selected values; of a referral, those that say where to ask (HS_SITE and the like).
    pub values: Vec<Value>,
    /// Of a referral: the service handle to look up for its sites, if it names one.
    pub referred_to: Option<String>,
    /// The answer is past its time because its authority cannot be reached.
    pub stale: bool,
    /// A primary answered.
    pub authoritative: bool,
    /// What the server put behind the values: with `trace`, a JSON array of the hops that were made.
    pub trailing: Vec<u8>,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Something that existed was replaced.
    pub overwritten: bool,
}

impl Client {
    /// A client without identity and with connections of its own.
    pub fn new(server: Endpoint) -> Self {
        Client { server, exchange: Exchange::new(), identity: None, deadline: DEFAULT_DEADLINE }
    }

    /// Answers challenges as this identity.
    pub fn with_identity(self, identity: Identity) -> Self {
        Client { identity: Some(Arc::new(identity)), ..self }
    }

    /// Shares the connections of others.
    pub fn with_exchange(self, exchange: Exchange) -> Self {
        Client { exchange, ..self }
    }

    /// Bounds each operation, and each batch of a listing; 10 s if not set.
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Client { deadline, ..self }
    }

    pub fn server(&self) -> &Endpoint {
        &self.server
    }

    /// The selected values of `name` (RFC 3652 §3.2). Referrals are returned, not followed.
    pub async fn resolve(
        &self,
        name: &str,
        selection: &SelectionBuf,
        options: ResolveOptions,
    ) -> Result<Resolved, Error> {
        let reply = self.ask(Operation::resolve(name, selection, options)).await?;
        let referral = matches!(reply.code(), ResponseCode::SERVICE_REFERRAL | ResponseCode::PREFIX_REFERRAL);
        let plain = match &reply.plain.body {
            Body::Referral { .. } if referral => reply.plain,
            _ => reply.accepted()?,
        };
        let (referred_to, values) = match plain.body {
            Body::Values { values, .. } => (None, values),
            Body::Referral { handle, values } => {
                let handle = (!handle.is_empty()).then(|| String::from_utf8_lossy(&handle).into_owned());
                (handle, values.unwrap_or_default())
            }
            _ => return Err(Error::malformed("the answer holds no values")),
        };
        Ok(Resolved {
            code: plain.header.response,
            values,
            referred_to,
            stale: plain.header.has(flag::STALE),
            authoritative: plain.header.has(flag::AUTH),
            trailing: plain.trailing,
        })
    }

    /// The server's own site record.
    pub async fn site_info(&self) -> Result<Site, Error> {
        match self.ask(Operation::site_info()).await?.accepted()?.body {
            Body::Site(site) | Body::SizedSite(site) => Ok(*site),
            _ => Err(Error::malformed("the answer holds no site record")),
        }
    }

    /// Makes a record; with `overwrite`, an existing one is replaced.
    pub async fn create(&self, name: &str, values: Vec<Value>, overwrite: bool) -> Result<Written, Error> {
        self.carry_out(Operation::create(name, values, overwrite)).await
    }

    /// Adds values; with `overwrite`, those of the same index are replaced.
    pub async fn add(&self, name: &str, values: Vec<Value>, overwrite: bool) -> Result<Written, Error> {
        self.carry_out(Operation::add(name, values, overwrite)).await
    }

    /// Changes the values of the same indexes, which must exist.
    pub async fn modify(&self, name: &str, values: Vec<Value>) -> Result<Written, Error> {
        self.carry_out(Operation::modify(name, values)).await
    }

    /// Removes values, all of which must exist.
    pub async fn remove(&self, name: &str, indexes: &[u32]) -> Result<Written, Error> {
        self.carry_out(Operation::remove(name, indexes)).await
    }

    /// Deletes a record.
    pub async fn delete(&self, name: &str) -> Result<Written, Error> {
        self.carry_out(Operation::delete(name)).await
    }

    /// Makes the server responsible for a prefix (`88.118` or `0.NA/88.118`).
    pub async fn home(&self, prefix: &str) -> Result<Written, Error> {
        self.carry_out(Operation::home(prefix)).await
    }

    /// Ends the server's responsibility for a prefix.
    pub async fn unhome(&self, prefix: &str) -> Result<Written, Error> {
        self.carry_out(Operation::unhome(prefix)).await
    }

    /// The names under a prefix (`88.118` or `0.NA/88.118`), batch by batch. Needs TCP or HTTP.
    pub async fn list(&self, prefix: &str) -> Result<Listing, Error> {
        self.stream(Operation::list(prefix)).await
    }

    /// The prefix handles that the server is responsible for, batch by batch. Needs TCP or HTTP.
    pub async fn list_homed(&self) -> Result<Listing, Error> {
        self.stream(Operation::list_homed()).await
    }

    /// Sends any change, answering challenges as needed.
    pub async fn carry_out(&self, operation: Operation) -> Result<Written, Error> {
        Ok(Written::of(&self.ask(operation).await?.accepted()?))
    }

    /// Opens a connection that acts as this client's identity until it ends (op 2001), for many changes in a row.
    /// The server must be reached by TCP.
    ///
    /// Errors: a refusal that says so if the server knows no login.
    pub async fn login(&self) -> Result<LoggedIn, Error> {
        let identity = self.identity.as_ref().ok_or_else(|| Error::invalid("a login needs an identity"))?;
        let login = login::login(&self.server, identity, self.deadline);
        timeout(self.deadline, login).await.unwrap_or_else(|_| Err(Error::timed_out()))
    }

    async fn ask(&self, operation: Operation) -> Result<Reply, Error> {
        Ok(self.converse(operation, false).await?.0)
    }

    async fn stream(&self, operation: Operation) -> Result<Listing, Error> {
        let (first, answers) = self.converse(operation, true).await?;
        Listing::new(first, answers, self.deadline)
    }

    /// Asks, and answers challenges; the last reply, and what may follow it if it `streams`.
    async fn converse(&self, operation: Operation, streams: bool) -> Result<(Reply, Answers), Error> {
        let talk = self.talk(operation, streams);
        timeout(self.deadline, talk).await.unwrap_or_else(|_| Err(Error::timed_out()))
    }

    async fn talk(&self, operation: Operation, streams: bool) -> Result<(Reply, Answers), Error> {
        let flags = operation.flags;
        let request = frame_of(&operation.into_message(0))?;
        let (mut reply, mut answers) = self.send(&request, streams).await?;
        let mut last = request.clone();
        for _ in 0..CHALLENGES {
            let Some(identity) = self.identity.as_ref().filter(|_| reply.is_challenge()) else {
                break;
            };
            last = frame_of(&reply.prove(identity, flags, [&request, &last]).await?)?;
            (reply, answers) = self.send(&last, streams).await?;
        }
        Ok((reply, answers))
    }

    async fn send(&self, frame: &[u8], streams: bool) -> Result<(Reply, Answers), Error> {
        let mut answers = match streams {
            true => self.exchange.open_stream(&self.server, frame).await?,
            false => self.exchange.open(&self.server, frame).await?,
        };
        Ok((Reply::decode(&answers.next().await?)?, answers))
    }
}

impl Written {
    pub(crate) fn of(answer: &Plain) -> Self {
        Written { overwritten: answer.header.has(flag::OVRW) }
    }
}
