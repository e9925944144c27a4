//! Asking by TCP: one connection for many requests, answers matched by request id.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::dial::{DialError, head_of};
use crate::frame::{Head, MESSAGE, first_frame};

/// Requests in flight on one connection.
const IN_FLIGHT: usize = 1024;
/// Requests that may wait to be written.
const QUEUE: usize = 64;
/// Frames of one answer that may wait to be taken.
const ANSWERS: usize = 16;
/// Octets asked of the socket at once, and put together for one write.
const CHUNK: usize = 16 << 10;

/// A TCP connection to a server. Clones share it; it is closed with the last of them.
///
/// Servers may answer in any order. Some answer one request and close: what is not answered by then fails
/// with [`DialError::Closed`], and the caller may connect again.
#[derive(Clone, Debug)]
pub struct TcpLink {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    peer: SocketAddr,
    requests: mpsc::Sender<Vec<u8>>,
    pending: Arc<Pending>,
    task: JoinHandle<()>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Who waits for which request id; `None` when the connection is closed.
#[derive(Debug)]
struct Pending(Mutex<Option<HashMap<u32, mpsc::Sender<Vec<u8>>>>>);

impl Pending {
    fn lock(&self) -> MutexGuard<'_, Option<HashMap<u32, mpsc::Sender<Vec<u8>>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn insert(&self, request_id: u32, waiter: mpsc::Sender<Vec<u8>>) -> Result<(), DialError> {
        let mut pending = self.lock();
        let waiters = pending.as_mut().ok_or(DialError::Closed)?;
        if waiters.len() >= IN_FLIGHT {
            return Err(DialError::Busy);
        }
        match waiters.entry(request_id) {
            Entry::Occupied(_) => Err(DialError::InFlight(request_id)),
            Entry::Vacant(vacant) => {
                vacant.insert(waiter);
                Ok(())
            }
        }
    }

    fn get(&self, request_id: u32) -> Option<mpsc::Sender<Vec<u8>>> {
        self.lock().as_ref()?.get(&request_id).cloned()
    }

    fn remove(&self, request_id: u32) {
        if let Some(waiters) = self.lock().as_mut() {
            waiters.remove(&request_id);
        }
    }

    /// Fails all waiters and takes no more.
    fn close(&self) {
        *self.lock() = None;
    }
}

impl TcpLink {
    /// Connects, within `wait`.
    pub async fn connect(to: SocketAddr, wait: Duration) -> Result<TcpLink, DialError> {
        let stream = timeout(wait, TcpStream::connect(to)).await.map_err(|_| DialError::TimedOut)??;
        // Requests are written whole, so there is nothing to wait for.
        let _ = stream.set_nodelay(true);
        let (input, output) = stream.into_split();
        let (requests, queue) = mpsc::channel(QUEUE);
        let pending = Arc::new(Pending(Mutex::new(Some(HashMap::new()))));
        let task = tokio::spawn(converse(input, output, queue, Arc::clone(&pending)));
        Ok(TcpLink { inner: Arc::new(Inner { peer: to, requests, pending, task }) })
    }

    /// The server's address.
    pub fn peer(&self) -> SocketAddr {
        self.inner.peer
    }

    /// Whether the connection has ended; then every request fails.
    pub fn is_closed(&self) -> bool {
        self.inner.pending.lock().is_none()
    }

    /// Sends a frame and waits for the first frame with the same request id, in all for `wait`.
    pub async fn ask(&self, frame: Vec<u8>, wait: Duration) -> Result<Vec<u8>, DialError> {
        let exchange = async { self.open(frame).await?.receive().await };
        timeout(wait, exchange).await.unwrap_or(Err(DialError::TimedOut))
    }

    /// Sends a frame whose answer is many frames. They have to be taken: while the queue of one answer is
    /// full, no other answer comes in on this connection.
    ///
    /// Errors: [`DialError::InFlight`] if the request id is in use, [`DialError::Busy`] at 1024 requests.
    pub async fn open(&self, frame: Vec<u8>) -> Result<Answers, DialError> {
        let request_id = head_of(&frame)?.request_id;
        let (waiter, frames) = mpsc::channel(ANSWERS);
        self.inner.pending.insert(request_id, waiter)?;
        // From here on, dropping `answers` gives the request id free.
        let answers = Answers { link: self.clone(), request_id, frames };
        self.inner.requests.send(frame).await.map_err(|_| DialError::Closed)?;
        Ok(answers)
    }
}

/// The frames that answer one request. Dropping it tells the link that no more are wanted.
#[derive(Debug)]
pub struct Answers {
    link: TcpLink,
    request_id: u32,
    frames: mpsc::Receiver<Vec<u8>>,
}

impl Answers {
    /// The next frame, within `wait`.
    pub async fn next(&mut self, wait: Duration) -> Result<Vec<u8>, DialError> {
        timeout(wait, self.receive()).await.unwrap_or(Err(DialError::TimedOut))
    }

    async fn receive(&mut self) -> Result<Vec<u8>, DialError> {
        self.frames.recv().await.ok_or(DialError::Closed)
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        // Frees the reader if it waits for room in this queue.
        self.frames.close();
        self.link.inner.pending.remove(self.request_id);
    }
}

/// Serves the connection until its end.
async fn converse(input: OwnedReadHalf, output: OwnedWriteHalf, queue: mpsc::Receiver<Vec<u8>>, pending: Arc<Pending>) {
    let ended = tokio::select! {
        ended = read(input, &pending) => ended,
        // A server that stops listening may still answer, so this never ends before the input.
        () = write(output, queue) => Ok(()),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection to server broken");
    }
    pending.close();
}

/// Gives each frame to whom it is for; ends with the input.
async fn read(mut input: OwnedReadHalf, pending: &Pending) -> Result<(), DialError> {
    let mut buffer = BytesMut::new();
    loop {
        while let Some(length) = first_frame(&buffer, MESSAGE)? {
            let waiter = Head::read(&buffer).and_then(|head| pending.get(head.request_id));
            if let Some(waiter) = waiter {
                // Fails if the waiter has gone meanwhile; then nobody wants the frame.
                let _ = waiter.send(buffer[..length].to_vec()).await;
            }
            buffer.advance(length);
        }
        buffer.reserve(CHUNK);
        if input.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
    }
}

/// Writes requests, several at once if several wait.
async fn write(mut output: OwnedWriteHalf, mut queue: mpsc::Receiver<Vec<u8>>) {
    let written: io::Result<()> = async {
        while let Some(mut frames) = queue.recv().await {
            while frames.len() < CHUNK
                && let Ok(frame) = queue.try_recv()
            {
                frames.extend_from_slice(&frame);
            }
            output.write_all(&frames).await?;
        }
        Ok(())
    }
    .await;
    if let Err(error) = written {
        tracing::debug!(%error, "cannot write to server");
    }
    std::future::pending().await
}
