//! The answer to a commit, awaited or waited for.

use crate::batch::{CommitError, Committed};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use tokio::sync::oneshot;

pub(crate) type Outcome = Result<Committed, CommitError>;

/// Resolves once the batch is on disk or refused. Dropping it does not recall the batch.
///
/// A future of any runtime; [`Receipt::wait`] blocks instead.
#[derive(Debug)]
#[must_use = "a batch may be refused"]
pub struct Receipt(State);

#[derive(Debug)]
enum State {
    Ready(Outcome),
    Waiting(oneshot::Receiver<Outcome>),
}

impl Receipt {
    pub(crate) fn ready(outcome: Outcome) -> Self {
        Receipt(State::Ready(outcome))
    }

    pub(crate) fn waiting(receiver: oneshot::Receiver<Outcome>) -> Self {
        Receipt(State::Waiting(receiver))
    }

    /// Blocks this thread until the outcome is known; for threads that no async runtime schedules on.
    pub fn wait(self) -> Outcome {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        let mut receipt = pin!(self);
        loop {
            if let Poll::Ready(outcome) = receipt.as_mut().poll(&mut context) {
                return outcome;
            }
            thread::park();
        }
    }
}

impl Future for Receipt {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let outcome = match &mut self.0 {
            State::Ready(outcome) => return Poll::Ready(outcome.clone()),
            State::Waiting(receiver) => match Pin::new(receiver).poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(outcome) => outcome.unwrap_or(Err(CommitError::Closed)),
            },
        };
        self.0 = State::Ready(outcome.clone());
        Poll::Ready(outcome)
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
