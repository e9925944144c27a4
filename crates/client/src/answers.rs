//! The answers to one request, whatever carries them.

use hufu_net::frames;

use crate::error::Error;
use crate::lease::Lease;
use crate::tunnel::Body;

/// Checks an answer and gives it the asker's request id.
type Restore = Box<dyn Fn(&mut [u8]) -> Result<(), Error> + Send + Sync>;

/// The frames that answer one request, in order. Dropping it ends the interest in more.
pub(crate) struct Answers {
    source: Source,
    restore: Restore,
}

pub(crate) enum Source {
    /// UDP: one answer.
    One(Option<Vec<u8>>),
    /// TCP.
    Link(Lease),
    /// HTTP: one frame after another in the body.
    Body(Body),
}

impl Answers {
    pub(crate) fn new(
        source: Source,
        restore: impl Fn(&mut [u8]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        Answers { source, restore: Box::new(restore) }
    }

    /// The next frame. Waits without bound.
    pub(crate) async fn next(&mut self) -> Result<Vec<u8>, Error> {
        let mut frame = match &mut self.source {
            Source::One(answer) => answer.take().ok_or_else(|| Error::malformed("no more answers come by UDP"))?,
            Source::Link(lease) => lease.next().await?,
            Source::Body(body) => body.next().await?,
        };
        (self.restore)(&mut frame)?;
        Ok(frame)
    }
}

/// The first whole frame in `octets`.
pub(crate) fn first_frame(octets: &[u8]) -> Option<Vec<u8>> {
    frames(octets).next().map(<[u8]>::to_vec)
}
