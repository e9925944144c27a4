//! Sessions: who is signed in, from where, and how that ends.

use super::Account;
use super::account::{self, By, managing};
use super::credential::own_session;
use super::policy::MINUTE;
use crate::caller::{Caller, Origin, Pending, Time};
use crate::error::{Error, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::permission::Permission;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Row;
use sqlx::any::AnyRow;

/// A use is written down at most this often.
pub(crate) const USED: Time = MINUTE;

/// A session as the API shows it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub id: String,
    pub account: String,
    /// From where it was begun.
    pub address: String,
    /// What the program that began it calls itself.
    pub agent: String,
    pub created: Time,
    /// To the minute.
    pub used: Time,
    /// The end in any case.
    pub expires: Time,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Whose sessions are wanted.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct SessionFilter {
    /// Id of an account; the own one if it is left out.
    pub account: Option<String>,
}

/// Who asks, and what they may do.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Current {
    pub name: String,
    /// Absent for the operator on the node's own machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// The only organisation whose things are reached; absent if all are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    pub permissions: Vec<Permission>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// What must be done before anything else is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
}

const COLUMNS: &str = "id, account, address, agent, created, used, expires";

fn read(row: &AnyRow, caller: &Caller) -> Result<Session, Error> {
    let id: String = row.try_get(0)?;
    let current = matches!(&caller.origin, Origin::Session { session, .. } if *session == id);
    Ok(Session {
        id,
        account: row.try_get(1)?,
        address: row.try_get(2)?,
        agent: row.try_get(3)?,
        created: row.try_get(4)?,
        used: row.try_get(5)?,
        expires: row.try_get(6)?,
        current,
    })
}

fn absent(id: &str) -> Refusal {
    Refusal::absent("会话", "session", id)
}

impl Registry {
    /// Who the caller is. Anybody who has proven anything may ask.
    pub async fn current(&self, caller: &Caller) -> Result<Current, Error> {
        if caller.origin == Origin::Anonymous {
            own_session(caller)?;
        }
        let mut connection = self.database.reader().acquire().await?;
        let account = match caller.account() {
            Some(id) => account::find(&mut connection, By::Id(id), caller.at).await?.map(|found| found.account),
            None => None,
        };
        let session = match &caller.origin {
            Origin::Session { session, .. } => {
                let select = "SELECT id, account, address, agent, created, used, expires FROM session WHERE id = $1";
                let row = sqlx::query(select).bind(session).fetch_optional(&mut *connection).await?;
                row.map(|row| read(&row, caller)).transpose()?
            }
            _ => None,
        };
        Ok(Current {
            name: caller.name.clone(),
            account,
            organisation: caller.organisation().map(str::to_owned),
            permissions: caller.permissions.iter().collect(),
            session,
            pending: caller.pending,
        })
    }

    /// Sessions that have not ended: the own ones, or those of an account that the caller may see.
    pub async fn sessions(
        &self,
        caller: &Caller,
        filter: &SessionFilter,
        listing: &Listing,
    ) -> Result<Page<Session>, Error> {
        let wanted = match (filter.account.as_deref(), caller.account()) {
            (Some(id), Some(own)) if id == own => id,
            (Some(id), _) => {
                self.account_of(caller, id).await?;
                id
            }
            (None, Some(own)) => own,
            (None, None) => own_session(caller)?.0,
        };
        let mut rows = Filter::new("session", COLUMNS);
        rows.equal("account", Some(wanted));
        rows.at_least("expires", Some(caller.at));
        let sortable = [Column::Number("created"), Column::Number("used")];
        rows.page(self, listing, &sortable, "-created", Column::Text("id"), |row| read(row, caller)).await
    }

    async fn account_of(&self, caller: &Caller, id: &str) -> Result<Account, Error> {
        Registry::account(self, caller, id).await
    }

    /// Ends a session: the own, another of the own account, or one of an account that the caller manages.
    pub async fn end_session(&self, caller: &Caller, id: &str) -> Result<(), Error> {
        let object = format!("session {id}");
        let select = "SELECT session.account, account.organisation FROM session \
                      JOIN account ON account.id = session.account WHERE session.id = $1";
        let row = sqlx::query(select).bind(id).fetch_optional(self.database.reader()).await?;
        let (account, organisation): (String, String) = match &row {
            Some(row) => (row.try_get(0)?, row.try_get(1)?),
            None => Default::default(),
        };
        let own = caller.account().is_some_and(|own| own == account);
        let mut act = if own {
            own_session(caller)?;
            self.begin_open(caller, Permission::LockWrite).await?
        } else {
            let act = self.begin(caller, managing(caller, Permission::LockWrite), &object).await?;
            let home = Some(organisation.as_str()).filter(|home| !home.is_empty());
            act.reach(home, &object, absent(id)).await?
        };
        let gone = sqlx::query("DELETE FROM session WHERE id = $1").bind(id).execute(act.sql()).await?;
        if gone.rows_affected() == 0 {
            return Err(absent(id).into());
        }
        let before = json!({"account": account});
        act.record("session.delete", &object, Some(&organisation), before, json!(null));
        act.commit(()).await
    }

    /// Signs out.
    pub async fn sign_out(&self, caller: &Caller) -> Result<(), Error> {
        let (_, session) = own_session(caller)?;
        self.end_session(caller, session).await
    }
}
