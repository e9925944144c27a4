//! The registry of one node: its database, and the two things it is given because it must not make them itself.

use crate::accounts::role;
use crate::audit::{self, ChainDigest};
use crate::caller::{Caller, Time};
use crate::database::Database;
use crate::error::Error;
use crate::operator::OperatorAbove;
use crate::permission::Permission;
use crate::seal::Seal;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Notify;

/// Fills octets with randomness from the operating system.
pub type Random = fn(&mut [u8]);

/// The control plane of one node. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    pub(crate) database: Database,
    pub(crate) random: Random,
    pub(crate) digest: ChainDigest,
    /// For what is kept but must be read again.
    pub(crate) seal: Option<Arc<Seal>>,
    /// Rings when something waits in the outbox.
    pub(crate) bell: Arc<Notify>,
    /// Where the octets of documents are.
    pub(crate) documents: Option<Arc<Path>>,
    /// The registry operator above that is told what is decided here.
    pub(crate) above: Option<Arc<OperatorAbove>>,
}

impl Registry {
    /// Brings the schema up to date and is ready.
    pub async fn open(database: Database, random: Random, digest: ChainDigest, now: Time) -> Result<Self, Error> {
        database.migrate(now).await?;
        let mut write = database.begin_write().await?;
        role::settle(&mut write.transaction, now).await?;
        write.transaction.commit().await?;
        Ok(Registry {
            database,
            random,
            digest,
            seal: None,
            bell: Arc::new(Notify::new()),
            documents: None,
            above: None,
        })
    }

    /// The same registry, keeping documents in a folder, which is made if it is not there.
    pub fn with_documents(mut self, folder: &Path) -> Result<Self, Error> {
        crate::onboarding::documents::prepare(folder)?;
        self.documents = Some(folder.into());
        Ok(self)
    }

    /// The key under which secrets are sealed that must be read again; kept outside of the database.
    pub fn sealing(self, key: [u8; 32]) -> Self {
        Registry { seal: Some(Arc::new(Seal::new(key))), ..self }
    }

    /// The same registry, telling an operator above what it decides.
    pub fn below_operator(self, above: OperatorAbove) -> Self {
        Registry { above: Some(Arc::new(above)), ..self }
    }

    pub(crate) fn has_operator_above(&self) -> bool {
        self.above.is_some()
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Passes if the caller holds the permission; a denial is written down before it is answered.
    pub async fn authorise(&self, caller: &Caller, permission: Permission, object: &str) -> Result<(), Error> {
        let Some(refusal) = caller.lacks(permission) else { return Ok(()) };
        self.write_denial(caller, permission, object).await?;
        Err(refusal.into())
    }

    /// Passes if things of `organisation` are within the caller's scope; otherwise the denial is written down, and
    /// `absent` is the answer: a stranger does not learn that there is such a thing.
    pub async fn reach(
        &self,
        caller: &Caller,
        permission: Permission,
        organisation: Option<&str>,
        object: &str,
        absent: crate::Refusal,
    ) -> Result<(), Error> {
        if caller.reaches(organisation) {
            return Ok(());
        }
        self.write_denial(caller, permission, object).await?;
        Err(absent.into())
    }

    pub(crate) async fn write_denial(
        &self,
        caller: &Caller,
        permission: Permission,
        object: &str,
    ) -> Result<(), Error> {
        let mut write = self.database.begin_write().await?;
        let mut head = audit::lock_head(&mut write.transaction).await?;
        let entry = audit::NewEntry {
            action: permission.name().into(),
            object: object.into(),
            outcome: audit::Outcome::Denied,
            before: json!(null),
            after: json!(null),
            organisation: caller.organisation().map(str::to_owned),
        };
        audit::append(&mut write.transaction, &mut head, caller, &entry, self.digest).await?;
        audit::store_head(&mut write.transaction, &head).await?;
        write.transaction.commit().await?;
        Ok(())
    }
}
