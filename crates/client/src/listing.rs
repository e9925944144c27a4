//! A listing as it comes, message by message (RFC 3652 §3.6).

use std::time::Duration;

use hufu_ident::systems::handle::wire::{Body, Plain, flag};
use tokio::time::timeout;

use crate::answers::Answers;
use crate::error::Error;
use crate::reply::Reply;

/// Names, batch by batch; at most one batch is held. Dropping it ends the interest in more.
pub struct Listing {
    answers: Answers,
    deadline: Duration,
    /// The answer that came with the start.
    first: Option<Plain>,
    ended: bool,
}

impl Listing {
    pub(crate) fn new(first: Reply, answers: Answers, deadline: Duration) -> Result<Self, Error> {
        Ok(Listing { answers, deadline, first: Some(first.accepted()?), ended: false })
    }

    /// The next names, as the server stores them; `None` after the last. Octets that are not UTF-8 show as U+FFFD.
    ///
    /// Errors: no batch within the deadline, or a refusal on the way. After an error there is nothing more.
    pub async fn next(&mut self) -> Result<Option<Vec<String>>, Error> {
        if self.ended {
            return Ok(None);
        }
        // Until this one is known to be good and not the last.
        self.ended = true;
        let plain = match self.first.take() {
            Some(first) => first,
            None => self.receive().await?.accepted()?,
        };
        let Body::Names(names) = plain.body else {
            return Err(Error::malformed("the answer holds no names"));
        };
        self.ended = !plain.header.has(flag::CONT);
        Ok(Some(names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()))
    }

    /// All names that are left. Mind their number.
    pub async fn collect(mut self) -> Result<Vec<String>, Error> {
        let mut all = Vec::new();
        while let Some(names) = self.next().await? {
            all.extend(names);
        }
        Ok(all)
    }

    async fn receive(&mut self) -> Result<Reply, Error> {
        let frame = timeout(self.deadline, self.answers.next()).await.unwrap_or_else(|_| Err(Error::timed_out()))?;
        Reply::decode(&frame)
    }
}
