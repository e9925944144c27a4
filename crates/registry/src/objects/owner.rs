//! Whose an identifier is: the organisation that holds its prefix, if this node serves the prefix.

use super::Objects;
use crate::error::{Error, Kind, Refusal};
use crate::prefixes::{State, own, prefix};
use hufu_ident::{Identifier, Prefix};
use hufu_store::Moving;
use sqlx::AnyConnection;

/// A prefix served here and who holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub prefix: String,
    /// `None`: the node itself.
    pub organisation: Option<String>,
    /// Whether identifiers below it may be changed now.
    pub running: bool,
    /// It is on its way to another node: nothing below it is written here.
    pub moving: bool,
}

/// The refusal of an identifier that is none of this node's, in the words of the national interface where it has any.
pub(crate) fn not_here(name: &str) -> Refusal {
    let zh = format!("{name} 不属于本节点托管的前缀，请到其所属节点登记");
    let en = format!("{name} is below no prefix that this node serves; register it at the node that does");
    Refusal::new(Kind::Absent, "not-served-here", zh, en)
}

impl Objects {
    /// The nearest prefix of `identifier` that this node serves; `None` if it serves none.
    pub(crate) async fn owner_of(
        &self,
        connection: &mut AnyConnection,
        identifier: &Identifier,
    ) -> Result<Option<Owner>, Error> {
        let home = identifier.name().home();
        // A name without tag belongs to its very prefix, one with a tag to the nearest that was delegated.
        let steps = if identifier.name().is_tagged() { usize::MAX } else { 1 };
        let homed = self.store.homed();
        for candidate in home.lineage().take(steps.min(64)) {
            if !homed.contains(&candidate) {
                continue;
            }
            return self.owner_of_prefix(connection, &candidate).await.map(Some);
        }
        Ok(None)
    }

    /// Who holds a prefix that is served here.
    pub(crate) async fn owner_of_prefix(&self, connection: &mut AnyConnection, homed: &Prefix) -> Result<Owner, Error> {
        let name = homed.as_str().to_owned();
        let moving = matches!(self.store.moving().get(homed), Some(Moving::Out | Moving::Left));
        if let Some(row) = prefix::find(connection, &name).await?.filter(|row| !row.state.is_free()) {
            let running = row.state == State::Enabled && row.homed_until == 0;
            return Ok(Owner { prefix: name, organisation: Some(row.organisation), running, moving });
        }
        // The node's own, or homed by the configuration.
        let own = own::all(connection).await?;
        let left = own.iter().any(|own| !own.active && own.name == name);
        Ok(Owner { prefix: name, organisation: None, running: !left, moving })
    }
}
