//! Connections that have logged in by op 2001: (connection, session number) → identity, until the connection ends.

use hufu_ident::Reference;
use hufu_net::ConnectionId;
use std::collections::HashMap;
use std::sync::RwLock;

/// Logins on one connection.
const PER_CONNECTION: usize = 16;

/// Who speaks on which connection under which session number.
#[derive(Default)]
pub struct Logins(RwLock<HashMap<ConnectionId, Vec<(u32, Reference)>>>);

impl Logins {
    /// Binds an identity; false when the connection has too many already.
    pub fn bind(&self, connection: ConnectionId, session: u32, identity: Reference) -> bool {
        let Ok(mut logins) = self.0.write() else { return false };
        let bound = logins.entry(connection).or_default();
        bound.retain(|(number, _)| *number != session);
        if bound.len() >= PER_CONNECTION {
            return false;
        }
        bound.push((session, identity));
        true
    }

    pub fn identity(&self, connection: ConnectionId, session: u32) -> Option<Reference> {
        let logins = self.0.read().ok()?;
        let bound = logins.get(&connection)?;
        bound.iter().find(|(number, _)| *number == session).map(|(_, identity)| identity.clone())
    }

    pub fn forget(&self, connection: ConnectionId) {
        if let Ok(mut logins) = self.0.write() {
            logins.remove(&connection);
        }
    }
}
