//! HTTP on a Unix socket, for administration from the node's own machine. Who connects is known from the kernel.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::context::Context;

/// Connections at once; more wait in the kernel.
const CONNECTIONS: usize = 64;
/// After a connection that could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// The user at the other end of the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalUser(pub u32);

/// A bound socket file, removed when dropped. Readable and writable for its owner only.
#[derive(Debug)]
pub struct LocalServer {
    listener: UnixListener,
    path: PathBuf,
}

impl LocalServer {
    /// Binds `path`; a file left by a process that is gone is replaced, one that answers is refused.
    pub fn bind(path: &Path) -> io::Result<LocalServer> {
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        if path.exists() {
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(path, mode)?;
        Ok(LocalServer { listener, path: path.to_owned() })
    }

    /// Serves `router` until the shutdown; each request carries its [`LocalUser`] as an extension.
    pub async fn run(self, router: Router, context: Arc<Context>) -> io::Result<()> {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut open = JoinSet::new();
        loop {
            let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = context.shutdown.triggered() => break,
            };
            let stream = accepted.and_then(|(stream, _)| Ok((LocalUser(stream.peer_cred()?.uid()), stream)));
            let (user, stream) = match stream {
                Ok(both) => both,
                // One connection that cannot be had, or no descriptor left for now, is no end of the door.
                Err(error) => {
                    tracing::warn!(%error, "a local connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let (router, context) = (router.clone(), context.clone());
            open.spawn(async move {
                converse(stream, router, user, &context).await;
                drop(place);
            });
            while open.try_join_next().is_some() {}
        }
        while open.join_next().await.is_some() {}
        Ok(())
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn converse(stream: UnixStream, router: Router, user: LocalUser, context: &Context) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(user);
        router.clone().oneshot(request)
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(context.limits.http_head);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = context.shutdown.triggered() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "local connection broken");
    }
}
