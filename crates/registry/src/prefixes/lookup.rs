//! What anybody may know of prefixes and their holders: for RDAP and whois.

use super::own;
use super::prefix::{self, COLUMNS, Prefix};
use crate::error::Error;
use crate::listing::{Column, Filter, Listing, Page};
use crate::organisations;
use crate::registry::Registry;
use hufu_ident::Prefix as Name;
use sqlx::Row as _;

/// An organisation as the public sees it: no persons, no certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicOrganisation {
    pub id: String,
    pub name: String,
    pub website: String,
    /// The node's operator rather than an enterprise.
    pub operator: bool,
    pub created: i64,
    pub updated: i64,
}

/// A prefix as the public sees it.
#[derive(Debug, Clone)]
pub struct PublicPrefix {
    pub prefix: Prefix,
    pub holder: Option<PublicOrganisation>,
    pub sponsor: Option<PublicOrganisation>,
}

fn public(found: organisations::Organisation) -> PublicOrganisation {
    PublicOrganisation {
        operator: found.kind == organisations::OrganisationKind::Operator,
        id: found.id,
        name: found.name,
        website: found.subject.website,
        created: found.created,
        updated: found.updated,
    }
}

impl Registry {
    /// The registered prefix that answers for `text`: itself, or the nearest above it. Wishes are nobody's business.
    pub async fn public_prefix(&self, text: &str) -> Result<Option<PublicPrefix>, Error> {
        let mut connection = self.database.reader().acquire().await?;
        for name in Name::folded(text).lineage().take(64) {
            let found = prefix::find(&mut connection, name.as_str()).await?;
            let Some(row) = found.filter(|row| row.enabled != 0 && !row.state.is_free()) else { continue };
            let holder = organisations::find(&mut connection, &row.organisation).await?.map(public);
            let sponsor = organisations::find(&mut connection, &row.sponsor).await?.map(public);
            return Ok(Some(PublicPrefix { prefix: row.view(), holder, sponsor }));
        }
        Ok(None)
    }

    /// Prefixes that begin so.
    pub async fn public_prefixes(&self, start: &str, listing: &Listing) -> Result<Page<Prefix>, Error> {
        let mut wanted = Filter::new("prefix", COLUMNS);
        wanted.prefixed("name", Some(&start.to_ascii_uppercase()));
        wanted.at_least("enabled", Some(1));
        let read = |row: &_| prefix::read(row).map(|row| row.view());
        wanted.page(self, listing, &[Column::Text("name")], "name", Column::Text("name"), read).await
    }

    pub async fn public_organisation(&self, id: &str) -> Result<Option<PublicOrganisation>, Error> {
        let mut connection = self.database.reader().acquire().await?;
        Ok(organisations::find(&mut connection, id).await?.map(public))
    }

    /// Organisations with this in their name that hold a registered prefix; at most `limit`.
    pub async fn public_organisations(&self, part: &str, limit: i64) -> Result<Vec<PublicOrganisation>, Error> {
        let escaped = part.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
        let select = "SELECT id FROM organisation WHERE LOWER(name) LIKE $1 ESCAPE '!' AND id IN \
                      (SELECT organisation FROM prefix WHERE enabled > 0) ORDER BY name, id LIMIT $2";
        let rows = sqlx::query(select).bind(format!("%{escaped}%")).bind(limit);
        let rows = rows.fetch_all(self.database.reader()).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            found.extend(self.public_organisation(&row.try_get::<String, _>(0)?).await?);
        }
        Ok(found)
    }

    /// Prefixes that the organisation holds and the public may know of; at most a page.
    pub async fn public_holdings(&self, organisation: &str) -> Result<Vec<Prefix>, Error> {
        let mut wanted = Filter::new("prefix", COLUMNS);
        wanted.equal("organisation", Some(organisation));
        wanted.at_least("enabled", Some(1));
        let read = |row: &_| prefix::read(row).map(|row| row.view());
        let listing = Listing { limit: Some(crate::listing::PAGE_MOST), ..Listing::default() };
        Ok(wanted.page(self, &listing, &[Column::Text("name")], "name", Column::Text("name"), read).await?.items)
    }

    /// The node's own prefixes, for the bootstrap file.
    pub async fn public_own_prefixes(&self) -> Result<Vec<String>, Error> {
        let mut connection = self.database.reader().acquire().await?;
        let own = own::all(&mut connection).await?;
        Ok(own.into_iter().filter(|own| own.active).map(|own| own.name).collect())
    }
}
