//! From the registry to the records: drains the outbox, and lets the registry know that time passes.
//!
//! Every publication is the whole wanted state of one prefix: it is compared with what is there, and what differs is
//! written as one batch of the store. Killed anywhere, it begins again and comes to the same end. A publication that
//! cannot be applied is an incident; it is tried again with growing pauses, and holds up its own prefix only.

mod record;

pub use record::NOTE;

use crate::node::Parts;
use crate::{clock, provision, telemetry};
use hufu_ident::{Prefix, RecordKey, Reference};
use hufu_registry::outbox::{STRIDE, Waiting, Wanted};
use hufu_registry::{Caller, Error, Registry, Time};
use hufu_resolve::Authority;
use hufu_store::{Batch, CommitError, Receipt};
use record::{Here, Present, key, writes};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Looks at the outbox at least so often: another process may have written to it.
const PAUSE: Duration = Duration::from_secs(1);
/// Lets the registry know that time passes.
const MINUTE: Duration = Duration::from_secs(60);
/// Longest pause after a fault.
const LONGEST: Duration = Duration::from_secs(60);
/// Attempts against other writers of the same record.
const ATTEMPTS: usize = 16;
/// Times that a tick is repeated at once while there is more to do.
const TICKS: usize = 64;

/// Keeps the records of prefixes as the registry wants them.
pub struct Publisher {
    parts: Arc<Parts>,
    registry: Registry,
    authority: Arc<Authority>,
    /// The first administrator of the node's first prefix, if it was configured with one.
    administrator: Option<Reference>,
    /// Prefixes whose publication failed: when to try again.
    paused: HashMap<String, Instant>,
}

impl Publisher {
    /// None for a node without registry or records.
    pub fn new(parts: Arc<Parts>) -> Option<Self> {
        let registry = parts.registry.clone()?;
        let authority = parts.answering.authority.clone()?;
        let administrator = parts.config.prefixes.first().map(|prefix| provision::first_administrator(prefix));
        Some(Publisher { parts, registry, authority, administrator, paused: HashMap::new() })
    }

    /// Works until the node stops.
    pub async fn run(mut self) -> std::io::Result<()> {
        let shutdown = self.parts.net.shutdown.clone();
        let (mut minute, mut faults) = (None::<Instant>, 0_u32);
        while !shutdown.is_triggered() {
            if minute.is_none_or(|last| last.elapsed() >= MINUTE) {
                minute = Some(Instant::now());
                if let Err(error) = self.tick().await {
                    telemetry::incident("registry clock", &error);
                }
            }
            let pause = match self.drain().await {
                Ok(()) => {
                    faults = 0;
                    PAUSE
                }
                Err(error) => {
                    telemetry::incident("publisher", &error);
                    faults = faults.saturating_add(1);
                    growing(faults)
                }
            };
            tokio::select! {
                () = shutdown.triggered() => {}
                () = self.registry.something_waits(), if faults == 0 => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        Ok(())
    }

    /// Does what is due by now.
    async fn tick(&self) -> Result<(), Error> {
        for _ in 0..TICKS {
            let done = self.registry.tick(&Caller::node(now())).await?;
            if done == hufu_registry::prefixes::Ticked::default() {
                break;
            }
        }
        Ok(())
    }

    /// Applies what waits, in order.
    async fn drain(&mut self) -> Result<(), Error> {
        let (mut after, started) = (0, Instant::now());
        loop {
            let page = self.registry.waiting_after(after).await?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            let more = page.len() as i64 == STRIDE;
            self.apply_page(page, started).await?;
            if !more {
                break;
            }
        }
        self.parts.meter.outbox(self.registry.waiting_count().await?);
        Ok(())
    }

    /// Of several publications of one prefix the last counts. A prefix that was paused when the round `started` waits
    /// for the next round as a whole, or an older publication could come after a newer one.
    async fn apply_page(&mut self, page: Vec<Waiting>, started: Instant) -> Result<(), Error> {
        let mut last: HashMap<&str, i64> = HashMap::new();
        for waiting in &page {
            last.insert(&waiting.publication.prefix, waiting.sequence);
        }
        // All are queued before the first is waited for: the store writes what waits with one fsync.
        let (mut begun, mut done, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for waiting in &page {
            let prefix = waiting.publication.prefix.as_str();
            if last.get(prefix) != Some(&waiting.sequence) {
                continue;
            }
            if self.paused.get(prefix).is_some_and(|until| started < *until) {
                continue;
            }
            begun.push((waiting, self.begin(waiting).await));
        }
        for (waiting, begun) in begun {
            match self.end(waiting, begun).await {
                Ok(()) => done.push(waiting.publication.prefix.clone()),
                Err(fault) => failed.push((waiting, fault)),
            }
        }
        for (waiting, fault) in failed {
            telemetry::incident("publisher", &fault);
            self.registry.not_published(waiting.sequence, &fault).await?;
            let attempts = u32::try_from(waiting.attempts).unwrap_or(u32::MAX).saturating_add(1);
            self.paused.insert(waiting.publication.prefix.clone(), Instant::now() + growing(attempts));
        }
        let applied = |waiting: &&Waiting| done.contains(&waiting.publication.prefix);
        let sequences: Vec<i64> = page.iter().filter(applied).map(|waiting| waiting.sequence).collect();
        if sequences.is_empty() {
            return Ok(());
        }
        let at = now();
        self.registry.published(&sequences, at).await?;
        for waiting in page.iter().filter(applied) {
            let latency = u64::try_from(at - waiting.created).unwrap_or_default();
            self.parts.meter.activated(Duration::from_millis(latency));
        }
        for prefix in done {
            self.paused.remove(&prefix);
        }
        Ok(())
    }

    /// Queues what differs from the wanted state; nothing where it is so already.
    async fn begin(&self, waiting: &Waiting) -> Result<Option<(Receipt, RecordKey)>, String> {
        let prefix = Prefix::parse(&waiting.publication.prefix).map_err(|refusal| refusal.to_string())?;
        let ends = !matches!(waiting.publication.wanted, Wanted::Hosted { .. } | Wanted::Own { .. });
        let store = self.authority.store();
        let record = key(&prefix, self.authority.rule());
        let stored = store.get(record.as_bytes()).map_err(|fault| fault.to_string())?;
        let homed = store.is_homed(&prefix);
        // Without one, whoever administers the own prefix above it: that is the one it was given out below.
        let above = || prefix.parent().map(|own| provision::first_administrator(own.as_str()));
        let administrator = self.administrator.clone().or_else(above).ok_or("no prefix is above it")?;
        let here = Here {
            site: &self.parts.identity.site,
            administrator: &administrator,
            rule: self.authority.rule(),
            now: clock::seconds() as u32,
        };
        let moving = store.moving().get(&prefix).copied();
        let present = Present { stored: stored.as_ref(), homed, moving };
        let writes = writes(&waiting.publication, &present, &here)?;
        if homed && ends && has_objects(&self.authority, &prefix)? {
            let noted = self.registry.note_objects(&Caller::node(now()), prefix.as_str()).await;
            noted.map_err(|error| error.to_string())?;
        }
        if writes.is_empty() {
            return Ok(None);
        }
        Ok(Some((store.commit(Batch { writes, time: clock::seconds() }), record)))
    }

    /// Waits until it is written; begins again where others have written to the record meanwhile.
    async fn end(&self, waiting: &Waiting, begun: Result<Option<(Receipt, RecordKey)>, String>) -> Result<(), String> {
        let mut begun = begun?;
        for _ in 0..ATTEMPTS {
            let Some((receipt, record)) = begun else { return Ok(()) };
            let outcome = receipt.await;
            self.authority.forget(&record);
            match outcome {
                Ok(_) => return Ok(()),
                Err(CommitError::Conflict { .. }) => begun = self.begin(waiting).await?,
                Err(fault) => return Err(fault.to_string()),
            }
        }
        Err("others write to the prefix handle all the time".into())
    }
}

/// Whether identifiers are kept here below a prefix.
pub fn has_objects(authority: &Authority, prefix: &Prefix) -> Result<bool, String> {
    let start = RecordKey::range_of(prefix);
    let found = authority.store().scan(&start, None, 1).map_err(|fault| fault.to_string())?;
    Ok(!found.is_empty())
}

fn now() -> Time {
    clock::millis() as Time
}

/// 1 s, 2 s, 4 s, … up to [`LONGEST`].
fn growing(faults: u32) -> Duration {
    Duration::from_secs(1 << faults.saturating_sub(1).min(6)).min(LONGEST)
}
