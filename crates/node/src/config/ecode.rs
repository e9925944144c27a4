//! The table of Ecode numbering schemes that configuration names; one for all nodes of a process.

use super::ConfigError;
use hufu_ident::systems::ecode::Schemes;
use std::path::Path;

/// Octets of a table.
const TABLE: u64 = 16 << 20;

/// Reads a table and makes it known to this process, before the built-in rows. A second, different one is refused.
pub fn make_known(path: &Path) -> Result<(), ConfigError> {
    let wrong = |why: String| ConfigError::rule("ecode-schemes", format!("{}: {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if size > TABLE {
        return Err(wrong(format!("{size} octets, at most {TABLE}")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let schemes = Schemes::parse(&text).map_err(|refusal| wrong(refusal.to_string()))?;
    match schemes.extended(Schemes::built_in()).make_known() {
        true => Ok(()),
        false => Err(wrong("another table is in use in this process already".into())),
    }
}
