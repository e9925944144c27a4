//! A store without a disk: for tests, and for nodes that keep nothing.

use crate::batch::{Batch, Earlier};
use crate::change::{self, Change};
use crate::engine::{compose_earlier, copy_to, earlier_key};
use crate::plan::{After, Plan, Position};
use crate::receipt::{Outcome, Receipt};
use crate::store::{BackupReport, Delegations, HomedPrefixes, MovingPrefixes, Records, StoreError, StoreSize, Stored};
use hufu_ident::RecordKey;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Keeps everything in memory, with the meaning of [`crate::DiskStore`]; commits at once.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    position: Position,
    records: BTreeMap<RecordKey, Stored>,
    /// By sequence: the change, and how many records there were after it.
    log: BTreeMap<u64, (Change, u64)>,
    homed: Arc<HomedPrefixes>,
    /// By key and version.
    earlier: BTreeMap<(RecordKey, u64), Earlier>,
    moving: Arc<MovingPrefixes>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        MemoryStore::default()
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn commit(&mut self, batch: Batch) -> Outcome {
        batch.check()?;
        let mut plan = Plan::from(self.position, self.moving.clone());
        let committed = plan.add(batch, |key| Ok(self.get(key).map(|stored| stored.version)))?;
        if let Some(homed) = plan.homed(&self.homed) {
            self.homed = Arc::new(homed);
        }
        (self.position, self.moving) = (plan.position, plan.moving);
        self.earlier.extend(plan.earlier.drain(..).map(|(key, earlier)| ((key, earlier.version), earlier)));
        for effect in plan.effects {
            let (key, version) = (effect.change.key.clone(), effect.change.sequence);
            match effect.after {
                After::Values(values) => drop(self.records.insert(key, Stored { version, values })),
                After::Nothing => drop(self.records.remove(&key)),
                After::Homed(_) | After::Unhomed(_) | After::Moving(..) => {}
            }
            self.log.insert(version, (effect.change, effect.records));
        }
        Ok(committed)
    }

    fn get(&self, key: &[u8]) -> Option<&Stored> {
        self.records.get(&RecordKey::from_bytes(key.to_vec()))
    }

    fn oldest(&self) -> u64 {
        self.log.first_key_value().map_or(self.position.sequence + 1, |(sequence, _)| *sequence)
    }
}

impl Records for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Stored>, StoreError> {
        Ok(self.read().get(key).cloned())
    }

    fn scan(&self, start: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<(RecordKey, Stored)>, StoreError> {
        let key = |octets: &[u8]| RecordKey::from_bytes(octets.to_vec());
        let from = match after {
            Some(after) if after >= start => Bound::Excluded(key(after)),
            _ => Bound::Included(key(start)),
        };
        let state = self.read();
        let page = state.records.range((from, Bound::Unbounded));
        let page = page.take_while(|(key, _)| key.as_bytes().starts_with(start)).take(limit);
        Ok(page.map(|(key, stored)| (key.clone(), stored.clone())).collect())
    }

    fn commit(&self, batch: Batch) -> Receipt {
        Receipt::ready(self.write().commit(batch))
    }

    fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, StoreError> {
        let state = self.read();
        let oldest = state.oldest();
        if after.saturating_add(1) < oldest {
            return Err(StoreError::Trimmed { oldest });
        }
        let page = state.log.range((Bound::Excluded(after), Bound::Unbounded)).take(limit);
        Ok(page.map(|(_, (change, _))| change.clone()).collect())
    }

    fn earlier(&self, key: &[u8], below: u64, limit: usize) -> Result<Vec<Earlier>, StoreError> {
        let key = RecordKey::from_bytes(key.to_vec());
        let state = self.read();
        let range = state.earlier.range((key.clone(), 0)..(key, below));
        Ok(range.rev().take(limit).map(|(_, earlier)| earlier.clone()).collect())
    }

    fn trim_changes(&self, before: u64) -> Result<u64, StoreError> {
        let mut state = self.write();
        let before = before.min(state.position.sequence);
        let kept = state.log.split_off(&before);
        Ok(std::mem::replace(&mut state.log, kept).len() as u64)
    }

    fn last_sequence(&self) -> u64 {
        self.read().position.sequence
    }

    fn backup(&self, to: &Path) -> Result<BackupReport, StoreError> {
        let state = self.read();
        let records = state.records.iter().map(|(key, stored)| {
            Ok((key.as_bytes().to_vec(), crate::engine::compose_row(stored.version, &stored.values)))
        });
        let mut history: Vec<_> = state
            .earlier
            .iter()
            .map(|((key, version), earlier)| (earlier_key(key.as_bytes(), *version), compose_earlier(earlier)))
            .collect();
        history.sort();
        let history = history.into_iter().map(Ok);
        let log = state.log.iter().map(|(sequence, (change, records))| {
            Ok((sequence.to_be_bytes().to_vec(), change::compose(change, *records)))
        });
        copy_to(to, state.position.sequence, records, history, log, (&state.homed, &state.moving))
    }

    fn size(&self) -> StoreSize {
        let state = self.read();
        let of = |(key, stored): (&RecordKey, &Stored)| key.as_bytes().len() + stored.values.as_bytes().len();
        let octets = state.records.iter().map(of).sum::<usize>() as u64;
        StoreSize { records: state.position.records, octets }
    }

    fn refusing_writes(&self) -> Option<Arc<str>> {
        None
    }
}

impl Delegations for MemoryStore {
    fn homed(&self) -> Arc<HomedPrefixes> {
        Arc::clone(&self.read().homed)
    }

    fn moving(&self) -> Arc<MovingPrefixes> {
        Arc::clone(&self.read().moving)
    }
}
