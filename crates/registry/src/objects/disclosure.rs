//! The log of disclosures: every time somebody was given a field that is not public, for the owner to see and export.
//!
//! It is written before the answer is given: what cannot be written down is not shown.

use super::Objects;
use super::grants::{Grant, Reader};
use super::owner::Owner;
use super::record::{Held, Kept};
use crate::caller::{Caller, Time};
use crate::error::Error;
use crate::listing::{Column, Filter, Listing, Page};
use crate::permission::Permission;
use crate::templates::Visibility;
use hufu_ident::{Identifier, Reference, ValueSet};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One disclosure of granted fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Disclosure {
    pub id: String,
    /// Milliseconds since 1970.
    pub at: Time,
    /// Whose object; empty for the node's own.
    pub owner: String,
    pub identifier: String,
    /// Who read it: an account, or a proven identity.
    pub reader: String,
    /// The reader's organisation at this node; empty for somebody from elsewhere.
    pub organisation: String,
    pub address: String,
    pub purpose: String,
    pub fields: Vec<String>,
    /// The grants that opened them.
    pub grants: Vec<String>,
    /// `api`, `handle`, `http`, `idhub`, `export` or `search`.
    pub door: String,
    /// Id of the request.
    pub request: String,
}

/// Which disclosures are wanted.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct DisclosureFilter {
    /// Of one object.
    pub identifier: Option<String>,
    pub reader: Option<String>,
    pub organisation: Option<String>,
    pub purpose: Option<String>,
    /// From then on; milliseconds since 1970.
    pub since: Option<Time>,
    /// Before then.
    pub until: Option<Time>,
}

/// Through which door, from where and under what request somebody reads.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    pub door: &'static str,
    /// How the log names the reader.
    pub reader: &'a str,
    pub organisation: &'a str,
    pub address: &'a str,
    pub request: &'a str,
}

const COLUMNS: &str =
    "id, at, owner, identifier, reader, organisation, address, purpose, fields, grants, door, request";

fn read(row: &AnyRow) -> Result<Disclosure, Error> {
    let text = |at: usize| row.try_get::<String, _>(at);
    Ok(Disclosure {
        id: text(0)?,
        at: row.try_get(1)?,
        owner: text(2)?,
        identifier: text(3)?,
        reader: text(4)?,
        organisation: text(5)?,
        address: text(6)?,
        purpose: text(7)?,
        fields: serde_json::from_str(&text(8)?)?,
        grants: serde_json::from_str(&text(9)?)?,
        door: text(10)?,
        request: text(11)?,
    })
}

impl Objects {
    /// Writes a disclosure down.
    pub(super) async fn write_disclosure(
        &self,
        reader: &Reader,
        visit: &Visit<'_>,
        owner: &Owner,
        kept: &Kept,
        given: &BTreeMap<u32, Arc<Grant>>,
    ) -> Result<(), Error> {
        let name = |field: &Held| given.contains_key(&field.index).then(|| field.name.clone());
        let fields: Vec<String> = kept.fields.iter().filter_map(name).collect();
        let grants: BTreeSet<&str> = given.values().map(|grant| grant.id.as_str()).collect();
        let key = Identifier::parse(&kept.sheet.identifier).map(|it| hex::encode(it.key(self.rule).as_bytes()));
        let mut write = self.registry.database().begin_write().await?;
        let insert = "INSERT INTO disclosure (id, at, owner, identifier, identifier_key, reader, organisation, \
                      address, purpose, fields, grants, door, request) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
        sqlx::query(insert)
            .bind(crate::id::fresh("dsc", self.registry.random))
            .bind(reader.at)
            .bind(owner.organisation.as_deref().unwrap_or_default())
            .bind(&kept.sheet.identifier)
            .bind(key.unwrap_or_default())
            .bind(visit.reader)
            .bind(visit.organisation)
            .bind(visit.address)
            .bind(&reader.purpose)
            .bind(serde_json::to_string(&fields)?)
            .bind(serde_json::to_string(&grants)?)
            .bind(visit.door)
            .bind(visit.request)
            .execute(&mut *write.transaction)
            .await?;
        Ok(write.transaction.commit().await?)
    }

    /// For a protocol's door: the indexes of values that are not public and that the proven identity may see besides.
    /// What it gives is written down first. Nothing where the record is no object.
    pub async fn opened_to_identity(
        &self,
        identifier: &Identifier,
        values: &ValueSet,
        identity: &Reference,
        purpose: &str,
        visit: Visit<'_>,
        at: Time,
    ) -> Result<BTreeSet<u32>, Error> {
        let Some(kept) = Kept::read(values)? else { return Ok(BTreeSet::new()) };
        if !kept.fields.iter().any(|field| field.visibility == Visibility::Granted) {
            return Ok(BTreeSet::new());
        }
        let mut connection = self.registry.database().reader().acquire().await?;
        let Some(owner) = self.owner_of(&mut connection, identifier).await? else { return Ok(BTreeSet::new()) };
        drop(connection);
        let reader = Reader { purpose: purpose.to_owned(), ..Reader::of_identity(identity, at) };
        let organisation = owner.organisation.as_deref().unwrap_or_default();
        let opened = self.opened(&reader, organisation, &owner.prefix, &kept).await?;
        if !opened.is_empty() {
            self.write_disclosure(&reader, &visit, &owner, &kept, &opened).await?;
        }
        Ok(opened.into_keys().collect())
    }

    /// Who has read what of the caller's objects.
    pub async fn disclosures(
        &self,
        caller: &Caller,
        filter: &DisclosureFilter,
        listing: &Listing,
    ) -> Result<Page<Disclosure>, Error> {
        self.registry.authorise(caller, Permission::GrantRead, "disclosure").await?;
        let mut wanted = Filter::new("disclosure", COLUMNS);
        wanted.equal("owner", caller.organisation());
        if let Some(text) = &filter.identifier {
            let key = Identifier::parse(text).map(|it| hex::encode(it.key(self.rule).as_bytes()));
            wanted.equal("identifier_key", Some(&key.unwrap_or_default()));
        }
        wanted.equal("reader", filter.reader.as_deref());
        wanted.equal("organisation", filter.organisation.as_deref());
        wanted.equal("purpose", filter.purpose.as_deref());
        wanted.at_least("at", filter.since);
        wanted.below("at", filter.until);
        wanted.page(&self.registry, listing, &[Column::Number("at")], "-at", Column::Text("id"), read).await
    }
}
