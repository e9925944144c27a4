//! The query log, off unless configured: one tab-separated line per question, written by its own thread.
//!
//! Columns: Unix milliseconds, client address, transport, identifier, response code. When the disk is slower than
//! the questions, lines are dropped and counted rather than anybody kept waiting.

use crate::clock;
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_net::Peer;
use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// Lines waiting to be written.
const WAITING: usize = 65_536;

pub struct QueryLog {
    lines: SyncSender<String>,
    dropped: AtomicU64,
}

impl QueryLog {
    /// Opens the file for appending, readable by its owner only.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        let (lines, queue) = sync_channel(WAITING);
        std::thread::Builder::new()
            .name("query-log".into())
            .spawn(move || write_lines(BufWriter::new(file), &queue))?;
        Ok(QueryLog { lines, dropped: AtomicU64::new(0) })
    }

    pub fn add(&self, peer: &Peer, name: &str, code: ResponseCode) {
        let name = name.replace(['\t', '\n', '\r'], " ");
        let line = format!("{}\t{}\t{:?}\t{}\t{}\n", clock::millis(), peer.address.ip(), peer.transport, name, code.0);
        if self.lines.try_send(line).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lines that were not written because the disk was too slow.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

fn write_lines(mut file: impl Write, queue: &Receiver<String>) {
    loop {
        match queue.recv_timeout(Duration::from_secs(1)) {
            Ok(line) => {
                if let Err(error) = file.write_all(line.as_bytes()) {
                    tracing::error!(%error, "query log cannot be written");
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                let _ = file.flush();
            }
            Err(RecvTimeoutError::Disconnected) => {
                let _ = file.flush();
                return;
            }
        }
    }
}
