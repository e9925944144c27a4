//! The first start of a control plane: the key that seals its secrets, and the first administrators.
//!
//! Nothing has a default secret. The logins are written to `first-logins` in the data directory, readable by the node's
//! user only, to be handed over and removed; each password must be changed at its first use.

use crate::config::Config;
use crate::node::StartError;
use crate::{clock, keys, random};
use hufu_registry::accounts::first::{FirstLogin, FirstSetup};
use hufu_registry::{Caller, Registry, Time};
use std::path::{Path, PathBuf};

/// The key of the seal, 32 octets.
const SEAL: &str = "registry.key";
/// Who can sign in after the first start.
const LOGINS: &str = "first-logins";

fn file(path: &Path, error: std::io::Error) -> StartError {
    StartError::File { path: path.into(), error }
}

/// Reads the key of the seal; makes it where there is none.
pub fn seal(data: &Path) -> Result<[u8; 32], StartError> {
    let path = data.join(SEAL);
    match std::fs::read(&path) {
        Ok(octets) => octets.try_into().map_err(|_| {
            file(&path, std::io::Error::new(std::io::ErrorKind::InvalidData, "a key of 32 octets is wanted"))
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = random::octets::<32>();
            keys::write_private(&path, &key).map_err(|error| file(&path, error))?;
            Ok(key)
        }
        Err(error) => Err(file(&path, error)),
    }
}

/// Enters the first accounts of a node that has none, and writes their logins down.
pub async fn first_logins(registry: &Registry, config: &Config) -> Result<Vec<FirstLogin>, StartError> {
    if registry.has_accounts().await? {
        return Ok(Vec::new());
    }
    let setup = match &config.registry.first_accounts {
        Some(path) => read(path)?,
        None => FirstSetup::of(&config.name),
    };
    let caller = Caller::node(clock::millis() as Time);
    let logins = match registry.first_administrators(&caller, &setup).await {
        // Another process on the same database was faster.
        Err(error) if error.refusal().is_some_and(|refusal| refusal.code == "already-set-up") => return Ok(Vec::new()),
        other => other?,
    };
    let path = config.data_directory.join(LOGINS);
    // One that is left from a database before would be taken for these.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(file(&path, error)),
        _ => {}
    }
    keys::write_private(&path, text(&logins).as_bytes()).map_err(|error| file(&path, error))?;
    let file = path.display();
    tracing::info!(%file, accounts = logins.len(), "first logins written; hand them over and remove the file");
    Ok(logins)
}

fn read(path: &PathBuf) -> Result<FirstSetup, StartError> {
    let text = std::fs::read_to_string(path).map_err(|error| file(path, error))?;
    toml::from_str(&text)
        .map_err(|error| file(path, std::io::Error::new(std::io::ErrorKind::InvalidData, error.to_string())))
}

/// One line a login, parted by tabs.
fn text(logins: &[FirstLogin]) -> String {
    let mut text = "# 登录名 login\t口令 password\t角色 roles\n".to_owned();
    for login in logins {
        text.push_str(&format!("{}\t{}\t{}\n", login.login, login.password, login.roles.join(",")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_key_of_the_seal_is_made_once_and_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = seal(folder.path()).expect("made");
        assert_eq!(seal(folder.path()).expect("read"), key);
        let mode = std::fs::metadata(folder.path().join(SEAL)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(folder.path().join(SEAL), b"short").expect("written");
        assert!(seal(folder.path()).is_err());
    }
}
