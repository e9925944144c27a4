//! Decides a group of batches: conditions, sequences and effects. No storage, no I/O.

use crate::batch::{Batch, CommitError, Committed, Condition, Earlier, Write};
use crate::change::{self, Change, Operation};
use crate::store::{HomedPrefixes, StoreError};
use hufu_ident::{CaseRule, Prefix, RecordKey, ValueSet};
use std::collections::HashMap;

/// Where a store stands between two commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Position {
    /// Sequence of the newest change.
    pub sequence: u64,
    pub records: u64,
}

/// What a change leaves behind.
#[derive(Debug)]
pub(crate) enum After {
    Values(ValueSet),
    Nothing,
    Homed(Prefix),
    Unhomed(Prefix),
}

/// One change to apply.
#[derive(Debug)]
pub(crate) struct Effect {
    pub change: Change,
    /// Records in the store after it.
    pub records: u64,
    pub after: After,
}

/// The effects of a group, in order.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub position: Position,
    pub effects: Vec<Effect>,
    /// Versions to be kept beside the records.
    pub earlier: Vec<(RecordKey, Earlier)>,
    /// Versions that the group leaves, where it differs from the store.
    versions: HashMap<RecordKey, Option<u64>>,
}

impl Plan {
    pub fn from(position: Position) -> Self {
        Plan { position, ..Plan::default() }
    }

    /// Adds a batch as a whole, or nothing of it. `stored` looks a version up in the store.
    pub fn add(
        &mut self,
        batch: Batch,
        stored: impl Fn(&[u8]) -> Result<Option<u64>, StoreError>,
    ) -> Result<Committed, CommitError> {
        let (position, effects) = (self.position, self.effects.len());
        let mut staged = HashMap::new();
        let find = |staged: &HashMap<RecordKey, Option<u64>>, this: &Self, key: &RecordKey| match staged
            .get(key)
            .or_else(|| this.versions.get(key))
        {
            Some(version) => Ok(*version),
            None => stored(key.as_bytes()).map_err(|error| CommitError::ReadOnly(error.to_string().into())),
        };
        for (index, write) in batch.writes.into_iter().enumerate() {
            let step = match &write {
                Write::Put { key, condition, .. } | Write::Delete { key, condition } => {
                    find(&staged, self, key).and_then(|found| check(*condition, index, found))
                }
                Write::Home(_) | Write::Unhome(_) => Ok(None),
            };
            match step {
                Ok(found) => self.step(write, batch.time, found, &mut staged),
                Err(error) => {
                    self.position = position;
                    self.effects.truncate(effects);
                    return Err(error);
                }
            }
        }
        self.versions.extend(staged);
        self.earlier.extend(batch.earlier);
        Ok(Committed { first: position.sequence + 1, last: self.position.sequence })
    }

    fn step(&mut self, write: Write, time: u64, found: Option<u64>, staged: &mut HashMap<RecordKey, Option<u64>>) {
        self.position.sequence += 1;
        let sequence = self.position.sequence;
        let mut digest = change::Digest::default();
        let (key, operation, after) = match write {
            Write::Put { key, values, .. } => {
                staged.insert(key.clone(), Some(sequence));
                digest = change::digest(&values);
                let operation = if found.is_some() { Operation::Replace } else { Operation::Create };
                (key, operation, After::Values(values))
            }
            Write::Delete { key, .. } => {
                staged.insert(key.clone(), None);
                (key, Operation::Delete, After::Nothing)
            }
            Write::Home(prefix) => (handle_key(&prefix), Operation::Home, After::Homed(prefix)),
            Write::Unhome(prefix) => (handle_key(&prefix), Operation::Unhome, After::Unhomed(prefix)),
        };
        match (operation, found) {
            (Operation::Create, _) => self.position.records += 1,
            (Operation::Delete, Some(_)) => self.position.records = self.position.records.saturating_sub(1),
            _ => {}
        }
        let change = Change { sequence, time, key, operation, digest };
        self.effects.push(Effect { change, records: self.position.records, after });
    }

    /// The homed prefixes after this plan; `None` if it leaves them alone.
    pub fn homed(&self, before: &HomedPrefixes) -> Option<HomedPrefixes> {
        let mut after: Option<HomedPrefixes> = None;
        for effect in &self.effects {
            match &effect.after {
                After::Homed(prefix) => {
                    after.get_or_insert_with(|| before.clone()).insert(prefix.clone());
                }
                After::Unhomed(prefix) => {
                    after.get_or_insert_with(|| before.clone()).remove(prefix);
                }
                After::Values(_) | After::Nothing => {}
            }
        }
        after
    }
}

fn check(condition: Condition, write: usize, found: Option<u64>) -> Result<Option<u64>, CommitError> {
    if condition.holds(found) { Ok(found) } else { Err(CommitError::Conflict { write, found }) }
}

fn handle_key(prefix: &Prefix) -> RecordKey {
    prefix.handle().key(CaseRule::Insensitive)
}
