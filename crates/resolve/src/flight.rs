//! Identical questions that are under way at once are asked once: each is a flight that its askers share.

use crate::recursor::Resolution;
use hufu_ident::RecordKey;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;

type Cell = Arc<OnceCell<Resolution>>;

/// The questions under way, by record key; one is forgotten as soon as it is answered or nobody waits any more.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<RecordKey, Cell>>);

impl Flights {
    /// What `ask` brings, or what an identical question that is under way brings; the second says whether `ask`
    /// ran. When the asker whose `ask` runs gives up, another one's starts in its place.
    pub async fn share<F>(&self, key: &RecordKey, ask: impl FnOnce() -> F) -> (Resolution, bool)
    where
        F: Future<Output = Resolution>,
    {
        let seat = self.board(key);
        let mut asked = false;
        let resolution = seat.cell.get_or_init(|| {
            asked = true;
            ask()
        });
        let resolution = resolution.await.clone();
        (resolution, asked)
    }

    /// How many questions are under way.
    pub fn len(&self) -> usize {
        self.table().len()
    }

    fn board<'a>(&'a self, key: &'a RecordKey) -> Seat<'a> {
        let mut table = self.table();
        let cell = match table.get(key) {
            Some(cell) => cell.clone(),
            None => table.entry(key.clone()).or_default().clone(),
        };
        Seat { flights: self, key, cell }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<RecordKey, Cell>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One asker's part in a flight.
struct Seat<'a> {
    flights: &'a Flights,
    key: &'a RecordKey,
    cell: Cell,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut table = self.flights.table();
        // Given back under the lock, so that the last of several who leave at once sees that it is the last.
        let mine = std::mem::take(&mut self.cell);
        let listed = table.get(self.key).is_some_and(|cell| Arc::ptr_eq(cell, &mine));
        // The table holds one, and this asker the other.
        if listed && (mine.initialized() || Arc::strong_count(&mine) == 2) {
            table.remove(self.key);
        }
        drop(mine);
    }
}
