//! The accept loop that TCP and HTTP share.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::admission::{Admission, Ticket};
use crate::context::Context;

/// Pause after a failure to accept: out of file descriptors, a retry at once would fail too.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts on all listeners until the shutdown, then waits for the connections for the drain time, then
/// cuts them off. `serve` makes the task of one connection, which keeps the ticket as long as it is open.
pub(crate) async fn accept_on<F>(
    listeners: Vec<std::net::TcpListener>,
    context: &Arc<Context>,
    serve: impl Fn(TcpStream, SocketAddr, Ticket) -> F + Clone + Send + 'static,
) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let admission = Admission::new(Arc::clone(context));
    let mut loops = JoinSet::new();
    for listener in listeners {
        let listener = TcpListener::from_std(listener)?;
        loops.spawn(accept(listener, Arc::clone(context), Arc::clone(&admission), serve.clone()));
    }
    while let Some(ended) = loops.join_next().await {
        ended.map_err(io::Error::other)?;
    }
    Ok(())
}

async fn accept<F>(
    listener: TcpListener,
    context: Arc<Context>,
    admission: Arc<Admission>,
    serve: impl Fn(TcpStream, SocketAddr, Ticket) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    let stop = context.shutdown.triggered();
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            // Takes finished tasks out of the set.
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                if let Some(ticket) = admission.admit(address.ip()) {
                    // Answers are written whole, so there is nothing to wait for.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(serve(stream, address, ticket));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(context.shutdown.drain(), drained).await.is_err() {
        tracing::warn!(connections = connections.len(), "connections cut off at the end of the drain time");
    }
}
