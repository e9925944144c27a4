//! The table of Ecode numbering schemes that configuration names; one for all nodes of a process.
//!
//! Whose an Ecode is, and under which key it is kept, depends on the table, and names are judged wherever they are
//! read. So a process has one table: a node that would need another one is refused when it starts.

use super::ConfigError;
use hufu_ident::systems::ecode::Schemes;
use std::path::{Path, PathBuf};

/// Octets of a table.
const TABLE: u64 = 16 << 20;
/// The variable that names a table, for every command.
const VARIABLE: &str = "HUFU_ECODE_SCHEMES";

/// The table that the environment names.
pub fn of_environment() -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os(VARIABLE)?);
    // Relative to where the command runs, not to a configuration.
    Some(std::path::absolute(&path).unwrap_or(path))
}

/// Makes the table of a node known, or that it has none but the built-in rows. A node beside it in the same process
/// that has another one is refused, whichever starts first.
pub fn settle(own: Option<&Path>) -> Result<(), ConfigError> {
    match own.map(Path::to_owned).or_else(of_environment) {
        Some(path) => make_known(&path),
        None if Schemes::built_in().clone().make_known() => Ok(()),
        None => Err(ConfigError::rule("ecode-schemes", format!("this node names no table; {OTHER}"))),
    }
}

const OTHER: &str = "another node of this process has another one, and they would judge the same Ecode differently: \
                     name the same table in both, or run them in processes of their own";

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
        false => Err(wrong(OTHER.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_one_table() {
        // The built-in one, so that no other test of this process is disturbed.
        settle(None).unwrap();
        let home = tempfile::tempdir().unwrap();
        let table = home.path().join("schemes.tsv");
        std::fs::write(&table, "2\t7001\tcompany:8!+serial:1-12\t某方案\tA scheme\tours\n").unwrap();
        let refusal = settle(Some(&table)).unwrap_err().to_string();
        assert!(refusal.contains("another node of this process has another one"), "{refusal}");
        std::fs::write(&table, "# no rows of its own\n").unwrap();
        settle(Some(&table)).unwrap();
        settle(None).unwrap();
    }
}
