//! Following aliases (HS_ALIAS, and mappings that say so) from name to name, with cycles and over-long chains cut.

use hufu_ident::mapping::Mapping;
use hufu_ident::{Identifier, ValueSet, limits};
use std::future::Future;

/// Why a chain of aliases leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AliasFault {
    #[error("the aliases form a circle at {0}")]
    Cycle(Identifier),
    #[error("more than {} aliases in a row", limits::ALIAS_DEPTH)]
    TooLong,
}

/// The name that a record stands for at `now` (Unix seconds), if it is an alias that everybody may see.
pub fn target(values: &ValueSet, now: u64) -> Option<Identifier> {
    let public = values.iter().filter(|value| value.permissions.public_read());
    let aliases = public.filter_map(|value| Mapping::of(&value)).filter(|mapping| mapping.alias && mapping.holds(now));
    aliases.map(|mapping| mapping.to).next()
}

/// Looks `name` up with `look_up` and follows aliases to a record that is none, or to an absence.
///
/// Gives the names passed, first to last, and what `look_up` said of the last.
pub async fn follow<T, E, F>(
    name: Identifier,
    now: u64,
    mut look_up: impl FnMut(Identifier) -> F,
    values_of: impl Fn(&T) -> Option<&ValueSet>,
) -> Result<(Vec<Identifier>, T), E>
where
    F: Future<Output = Result<T, E>>,
    E: From<AliasFault>,
{
    let mut passed = vec![name.clone()];
    let mut current = name;
    loop {
        let found = look_up(current.clone()).await?;
        let Some(next) = values_of(&found).and_then(|values| target(values, now)) else {
            return Ok((passed, found));
        };
        let same = |seen: &Identifier| seen.key(Default::default()) == next.key(Default::default());
        if passed.iter().any(same) {
            return Err(AliasFault::Cycle(next).into());
        }
        if passed.len() > limits::ALIAS_DEPTH {
            return Err(AliasFault::TooLong.into());
        }
        passed.push(next.clone());
        current = next;
    }
}
