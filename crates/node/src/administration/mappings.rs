//! What must hold of mappings before they are written: readable, not about themselves, no circle of aliases.

use super::{Administration, Refused};
use crate::answering::Found;
use crate::clock;
use hufu_ident::mapping::{Mapping, SAME_AS};
use hufu_ident::systems::handle::kind;
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_ident::{Identifier, Value, ValueSet};
use hufu_resolve::{AliasFault, follow};
use std::time::Duration;

/// How long a write waits for the records that its aliases lead to.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a chain of aliases was not followed to its end.
enum End {
    Fault(AliasFault),
    /// Nobody could say; what cannot be seen is not refused.
    Unknown,
}

impl From<AliasFault> for End {
    fn from(fault: AliasFault) -> Self {
        End::Fault(fault)
    }
}

impl Administration {
    /// Refuses values that would map `identifier` to itself or lead whoever resolves it round in circles.
    pub(super) async fn check_mappings(&self, identifier: &Identifier, values: &[Value]) -> Result<(), Refused> {
        for value in values.iter().filter(|value| kind::is_one_of(&value.kind, &[kind::ALIAS, SAME_AS])) {
            let set = ValueSet::from_values(vec![value.clone()]);
            let Some(mapping) = set.iter().find_map(|value| Mapping::of(&value)) else {
                return Err(no(format!("value {} names no identifier, or has a line that is not known", value.index)));
            };
            if self.is_same(&mapping.to, identifier) {
                return Err(no(format!("value {} maps {identifier} to itself", value.index)));
            }
            if mapping.alias {
                self.check_chain(identifier, mapping.to).await?;
            }
        }
        Ok(())
    }

    /// Follows the aliases from `target` on; none may lead to `identifier`.
    async fn check_chain(&self, identifier: &Identifier, target: Identifier) -> Result<(), Refused> {
        let look_up = |name: Identifier| async move {
            if self.is_same(&name, identifier) {
                return Err(End::Fault(AliasFault::Cycle(name)));
            }
            match self.answering.look_up_anywhere(&name).await {
                Ok(Found::Values { values, .. }) => Ok(values),
                _ => Err(End::Unknown),
            }
        };
        let chain = follow(target, clock::seconds(), look_up, |values: &ValueSet| Some(values));
        match tokio::time::timeout(PATIENCE, chain).await {
            Ok(Err(End::Fault(fault))) => Err(no(fault.to_string())),
            _ => Ok(()),
        }
    }

    fn is_same(&self, one: &Identifier, other: &Identifier) -> bool {
        let rule = self.authority.rule();
        one.key(rule) == other.key(rule)
    }
}

fn no(text: String) -> Refused {
    Refused::no(ResponseCode::INVALID_VALUE, text)
}
