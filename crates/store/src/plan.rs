//! Decides a group of batches: conditions, sequences and effects. No storage, no I/O.

use crate::batch::{Batch, CommitError, Committed, Condition, Earlier, Moving, Write};
use crate::change::{self, Change, Operation};
use crate::store::{HomedPrefixes, MovingPrefixes, StoreError};
use hufu_ident::identifier::NA;
use hufu_ident::{CaseRule, Prefix, RecordKey, ValueSet};
use std::collections::HashMap;
use std::sync::Arc;

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
    Moving(Prefix, Option<Moving>),
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
    /// The prefixes that move after it.
    pub moving: Arc<MovingPrefixes>,
}

impl Plan {
    pub fn from(position: Position, moving: Arc<MovingPrefixes>) -> Self {
        Plan { position, moving, ..Plan::default() }
    }

    /// Adds a batch as a whole, or nothing of it. `stored` looks a version up in the store.
    pub fn add(
        &mut self,
        batch: Batch,
        stored: impl Fn(&[u8]) -> Result<Option<u64>, StoreError>,
    ) -> Result<Committed, CommitError> {
        let (position, effects, moving) = (self.position, self.effects.len(), self.moving.clone());
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
                Write::Put { key, condition, .. } | Write::Delete { key, condition } => not_leaving(&self.moving, key)
                    .and_then(|()| find(&staged, self, key))
                    .and_then(|found| check(*condition, index, found)),
                Write::Home(_) | Write::Unhome(_) | Write::Move(..) => Ok(None),
            };
            match step {
                Ok(found) => self.step(write, batch.time, found, &mut staged),
                Err(error) => {
                    (self.position, self.moving) = (position, moving);
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
            Write::Move(prefix, moving) => {
                let all = Arc::make_mut(&mut self.moving);
                match moving {
                    Some(moving) => drop(all.insert(prefix.clone(), moving)),
                    None => drop(all.remove(&prefix)),
                }
                (handle_key(&prefix), Operation::Move, After::Moving(prefix, moving))
            }
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
                After::Values(_) | After::Nothing | After::Moving(..) => {}
            }
        }
        after
    }
}

fn check(condition: Condition, write: usize, found: Option<u64>) -> Result<Option<u64>, CommitError> {
    if condition.holds(found) { Ok(found) } else { Err(CommitError::Conflict { write, found }) }
}

/// Refuses the write of a record below a prefix that is on its way out: an identifier of it, or the handle of a prefix
/// derived from it. Its own handle says where it is, and is written.
fn not_leaving(moving: &MovingPrefixes, key: &RecordKey) -> Result<(), CommitError> {
    let leaving = moving.iter().filter(|(_, moving)| **moving != Moving::In).map(|(prefix, _)| prefix);
    for prefix in leaving {
        let mut derived = RecordKey::range_of(&Prefix::folded(NA));
        derived.extend_from_slice(prefix.derived_start().as_bytes());
        if key.as_bytes().starts_with(&RecordKey::range_of(prefix)) || key.as_bytes().starts_with(&derived) {
            return Err(CommitError::Moving { prefix: prefix.clone() });
        }
    }
    Ok(())
}

fn handle_key(prefix: &Prefix) -> RecordKey {
    prefix.handle().key(CaseRule::Insensitive)
}
