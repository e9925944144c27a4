//! First start: the prefixes of the configuration are homed and get their prefix handles; later starts only bring
//! the site record up to date.

use crate::clock;
use crate::config::Config;
use hufu_ident::systems::handle::{AdminRecord, Site, kind, right};
use hufu_ident::{CaseRule, Identifier, Prefix, Reference, Value, ValueSet};
use hufu_store::{Batch, CommitError, Condition, Store, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    #[error("{path}: {error}")]
    File { path: PathBuf, error: String },
    #[error("the store refused the first records: {0}")]
    Commit(#[from] CommitError),
    #[error("the store cannot be read: {0}")]
    Read(#[from] hufu_store::StoreError),
}

/// Where the handle of a prefix's own record is: `0.NA/0.NA` for the root's.
pub fn prefix_handle(prefix: &str) -> Identifier {
    Prefix::folded(prefix).handle()
}

/// The identity of the first administrator of a prefix.
pub fn first_administrator(prefix: &str) -> Reference {
    Reference::new(301, prefix_handle(prefix).as_str())
}

/// Homes the configured prefixes and writes or refreshes their prefix handles.
pub async fn provision(store: &Arc<dyn Store>, config: &Config, site: &Site) -> Result<(), ProvisionError> {
    for prefix in &config.prefixes {
        let handle = prefix_handle(prefix);
        let key = handle.key(CaseRule::Insensitive);
        let stored = store.get(key.as_bytes())?;
        let (values, condition) = match &stored {
            Some(stored) => (refreshed(stored.values.to_values(), site), Condition::Version(stored.version)),
            None => (first_values(config, prefix, site)?, Condition::Absent),
        };
        let values = ValueSet::from_values(values);
        let mut writes = Vec::new();
        if stored.is_none_or(|stored| stored.values != values) {
            writes.push(Write::Put { key, values, condition });
        }
        let prefix = Prefix::folded(prefix);
        if !store.is_homed(&prefix) {
            writes.push(Write::Home(prefix));
        }
        if !writes.is_empty() {
            store.commit(Batch::new(writes, clock::seconds())).await?;
        }
    }
    refresh_hosted(store, site).await
}

/// The values that describe a new prefix: site, administrators, their secret and key.
fn first_values(config: &Config, prefix: &str, site: &Site) -> Result<Vec<Value>, ProvisionError> {
    let handle = prefix_handle(prefix);
    let admin = |index| AdminRecord::new(right::ALL, Reference::new(index, handle.as_str())).to_bytes();
    let mut values = vec![
        Value::new(1, kind::SITE, site.to_bytes()),
        Value::new(100, kind::ADMIN, admin(300)),
        Value::new(101, kind::ADMIN, admin(301)),
    ];
    if config.role.recipe().delegates_below {
        values.push(Value::new(2, kind::SITE_PREFIX, site.to_bytes()));
    }
    if let Some(path) = &config.administration.secret_file {
        let secret = read(path)?;
        values.push(Value::new(301, kind::SECKEY, secret.trim()).with_permissions(0x0C));
    }
    if let Some(path) = &config.administration.public_key_file {
        values.push(Value::new(300, kind::PUBKEY, public_key(path, &read(path)?)?));
    }
    let now = clock::seconds() as u32;
    values.iter_mut().for_each(|value| value.timestamp = now);
    Ok(values)
}

/// The same values with this node's present site in the place of its former one (known by its key).
fn refreshed(mut values: Vec<Value>, site: &Site) -> Vec<Value> {
    let key = |site: &Site| site.servers.first().map(|server| server.public_key.clone());
    for value in values.iter_mut().filter(|value| kind::is_one_of(&value.kind, &[kind::SITE, kind::SITE_PREFIX])) {
        let former = Site::decode(&value.data).is_ok_and(|former| former != *site && key(&former) == key(site));
        if former {
            value.data = site.to_bytes();
            value.timestamp = clock::seconds() as u32;
        }
    }
    values
}

/// Prefixes hosted here beside the configured ones: their handles name this node's site too.
async fn refresh_hosted(store: &Arc<dyn Store>, site: &Site) -> Result<(), ProvisionError> {
    for prefix in store.homed().iter() {
        let key = prefix.handle().key(CaseRule::Insensitive);
        let Some(stored) = store.get(key.as_bytes())? else { continue };
        let values = ValueSet::from_values(refreshed(stored.values.to_values(), site));
        if values != stored.values {
            let writes = vec![Write::Put { key, values, condition: Condition::Version(stored.version) }];
            store.commit(Batch::new(writes, clock::seconds())).await?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, ProvisionError> {
    std::fs::read_to_string(path).map_err(|error| ProvisionError::File { path: path.into(), error: error.to_string() })
}

fn public_key(path: &Path, pem: &str) -> Result<Vec<u8>, ProvisionError> {
    use rsa::pkcs8::DecodePublicKey;
    use rsa::traits::PublicKeyParts;
    let key = rsa::RsaPublicKey::from_public_key_pem(pem).map_err(|error| ProvisionError::File {
        path: path.into(),
        error: format!("not an RSA public key in PEM: {error}"),
    })?;
    let key = hufu_ident::systems::handle::PublicKey::rsa(&key.e().to_bytes_be(), &key.n().to_bytes_be());
    Ok(key.to_bytes())
}
