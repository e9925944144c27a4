//! Brings a store that an older version of this program wrote to the present layout.

use super::layout::Engine;
use crate::store::StoreError;
use std::path::Path;

/// The layout this program writes.
pub(super) const SCHEMA: u32 = 1;

/// Takes a store from schema `from` to `from + 1`. A step may be interrupted and is then run again.
pub(super) struct Step {
    pub from: u32,
    pub run: fn(&Engine) -> Result<(), StoreError>,
}

/// All steps there are. Schema 1 is the first that was ever released.
pub(super) const STEPS: &[Step] = &[];

/// Runs the steps that `engine` needs to reach `known`; refuses a store that is newer, or older than any step.
pub(super) fn upgrade(engine: &Engine, path: &Path, known: u32, steps: &[Step]) -> Result<(), StoreError> {
    let mut found = match engine.schema()? {
        Some(schema) => schema,
        None if engine.is_empty()? => return engine.set_schema(known),
        None => 0,
    };
    while found != known {
        let step = steps.iter().find(|step| step.from == found && found < known);
        let Some(step) = step else {
            return Err(StoreError::Schema { path: path.to_owned(), found, known });
        };
        (step.run)(engine)?;
        found += 1;
        engine.set_schema(found)?;
        tracing::info!(schema = found, "store upgraded");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::StoreOptions;

    fn engine(path: &Path) -> Engine {
        Engine::open(path, &StoreOptions::default()).unwrap()
    }

    #[test]
    fn a_new_store_is_of_the_present_schema() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(folder.path());
        upgrade(&engine, folder.path(), SCHEMA, STEPS).unwrap();
        assert_eq!(engine.schema().unwrap(), Some(SCHEMA));
    }

    #[test]
    fn an_old_store_takes_every_step_or_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(folder.path());
        engine.set_schema(0).unwrap();
        let refusal = upgrade(&engine, folder.path(), 2, &[]).unwrap_err().to_string();
        assert!(refusal.contains("has schema 0; this program knows 2"), "{refusal}");
        let steps = [Step { from: 0, run: |_| Ok(()) }, Step { from: 1, run: |_| Ok(()) }];
        upgrade(&engine, folder.path(), 2, &steps).unwrap();
        assert_eq!(engine.schema().unwrap(), Some(2));
    }

    #[test]
    fn a_newer_store_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(folder.path());
        engine.set_schema(SCHEMA + 1).unwrap();
        let refusal = upgrade(&engine, folder.path(), SCHEMA, STEPS).unwrap_err();
        assert!(matches!(refusal, StoreError::Schema { found: 2, known: 1, .. }), "{refusal}");
    }
}
