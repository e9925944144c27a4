//! Notices a commit that does not end, which its own thread cannot say.

use super::{STALL, Shared};
use crate::store::StoreError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often the watchdog looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// Since when the writer has been at work on a group.
pub(super) struct Pulse {
    epoch: Instant,
    /// Milliseconds after `epoch`, plus one; 0 while it rests.
    since: AtomicU64,
}

impl Pulse {
    pub fn new() -> Self {
        Pulse { epoch: Instant::now(), since: AtomicU64::new(0) }
    }

    pub fn start(&self) {
        self.since.store(self.epoch.elapsed().as_millis() as u64 + 1, Ordering::Relaxed);
    }

    pub fn stop(&self) {
        self.since.store(0, Ordering::Relaxed);
    }

    /// How long the present group has taken; `None` between groups.
    pub fn busy_for(&self) -> Option<Duration> {
        let since = self.since.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.epoch.elapsed().saturating_sub(Duration::from_millis(since)))
    }
}

/// The watching thread; ends when dropped.
pub(super) struct Watchdog {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    pub fn spawn(shared: Arc<Shared>) -> Result<Self, StoreError> {
        let (stop, stopped) = mpsc::sync_channel(0);
        let path = shared.path.clone();
        let thread = thread::Builder::new().name("store-watch".into());
        let thread = thread.spawn(move || watch(&shared, &stopped)).map_err(StoreError::io(&path))?;
        Ok(Watchdog { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn watch(shared: &Shared, stopped: &Receiver<()>) {
    let mut reported = false;
    while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
        let stalled = shared.pulse.busy_for().filter(|time| *time > STALL);
        if let (Some(time), false) = (stalled, reported) {
            let seconds = time.as_secs();
            tracing::error!(seconds, path = %shared.path.display(), "a commit does not end");
        }
        reported = stalled.is_some();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pulse_tells_work_from_rest() {
        let pulse = Pulse::new();
        assert!(pulse.busy_for().is_none());
        pulse.start();
        assert!(pulse.busy_for().is_some_and(|time| time < STALL));
        pulse.stop();
        assert!(pulse.busy_for().is_none());
    }
}
