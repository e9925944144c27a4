//! Clients: the secondary nodes that may register here, each an organisation with the key that its node signs with.
//!
//! ```text
//! active ──revoke──► revoked (for ever; a new key is a new client)
//! ```

use super::message;
use crate::accounts::key::{is_within, networks};
use crate::caller::{Caller, DAY, Origin, Scope, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::organisations::{self, OrganisationState};
use crate::permission::Permission;
use crate::prefixes::canonical;
use crate::registry::Registry;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use std::net::IpAddr;

/// Octets of an Ed25519 public key.
const KEY: usize = 32;
/// Characters of a client's name.
const NAME_MOST: usize = 100;
/// A message that nobody has read for so long raises an alarm.
pub(super) const UNREAD_DAYS: i64 = 30;

/// Whether it may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OperatorClientState {
    Active,
    Revoked,
}

/// A client as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperatorClient {
    pub id: String,
    pub organisation: String,
    pub name: String,
    /// The only prefix that it may have, and register below; empty for any.
    pub prefix: String,
    /// Ed25519, 32 octets in base64.
    pub public_key: String,
    /// Networks from which it is heard; any if there are none.
    pub addresses: Vec<String>,
    pub state: OperatorClientState,
    /// Messages that it has not acknowledged.
    pub messages: i64,
    /// When the oldest of them was queued.
    pub oldest_message: Option<Time>,
    /// The oldest has been there for more than 30 days.
    pub alarm: bool,
    pub created: Time,
    pub updated: Time,
    pub version: i64,
}

/// A client to be.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewOperatorClient {
    /// The organisation that runs the secondary node.
    pub organisation: String,
    #[schema(max_length = 100)]
    pub name: String,
    /// The only prefix that it may have, and register below; absent for any.
    #[serde(default)]
    #[schema(max_length = 255)]
    pub prefix: String,
    /// Ed25519, 32 octets in base64.
    #[schema(max_length = 44)]
    pub public_key: String,
    /// Addresses and networks in CIDR form from which it is heard; any if there are none.
    #[serde(default)]
    #[schema(max_items = 32)]
    pub addresses: Vec<String>,
}

/// Which clients are wanted; empty fields do not restrict.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct OperatorClientFilter {
    pub organisation: Option<String>,
    /// `active` or `revoked`.
    pub state: Option<String>,
}

const COLUMNS: &str = "id, organisation, name, public_key, state, created, updated, version, prefix, addresses";
const SORTABLE: [Column; 2] = [Column::Text("name"), Column::Number("created")];

fn read(row: &AnyRow) -> Result<OperatorClient, Error> {
    let active = row.try_get::<String, _>(4)? == "active";
    Ok(OperatorClient {
        id: row.try_get(0)?,
        organisation: row.try_get(1)?,
        name: row.try_get(2)?,
        public_key: row.try_get(3)?,
        state: if active { OperatorClientState::Active } else { OperatorClientState::Revoked },
        messages: 0,
        oldest_message: None,
        alarm: false,
        created: row.try_get(5)?,
        updated: row.try_get(6)?,
        version: row.try_get(7)?,
        prefix: row.try_get(8)?,
        addresses: serde_json::from_str(&row.try_get::<String, _>(9)?)?,
    })
}

pub(super) async fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<OperatorClient>, Error> {
    const SELECT: &str = "SELECT id, organisation, name, public_key, state, created, updated, version, prefix, \
                          addresses FROM operator_client WHERE id = $1";
    let row = sqlx::query(SELECT).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

fn absent(id: &str) -> Refusal {
    Refusal::absent("上级接口客户", "client of the operator interface", id)
}

/// Its prefix in canonical spelling, and its networks.
fn check(new: &NewOperatorClient) -> Result<(String, Vec<String>), Refusal> {
    let mut wrong = Vec::new();
    let networks = networks(&new.addresses, &mut wrong);
    let prefix = match new.prefix.trim() {
        "" => String::new(),
        text => canonical(text)?,
    };
    let length = new.name.trim().chars().count();
    if length == 0 || length > NAME_MOST {
        wrong.push(FieldRefusal::new("name", "out-of-range", "名称应为 1–100 字", "a name has 1 to 100 characters"));
    }
    if STANDARD.decode(&new.public_key).is_ok_and(|key| key.len() == KEY) {
        return if wrong.is_empty() { Ok((prefix, networks)) } else { Err(Refusal::fields(wrong)) };
    }
    let (zh, en) = ("公钥应为 Ed25519 的 32 个八位组，以 base64 书写", "the key is 32 octets of Ed25519 in base64");
    wrong.push(FieldRefusal::new("publicKey", "malformed", zh, en));
    Err(Refusal::fields(wrong))
}

impl OperatorClient {
    /// Whether it is heard from there.
    pub fn comes_from(&self, address: IpAddr) -> bool {
        is_within(&self.addresses, address)
    }
}

/// What a client may do: its own organisation's prefixes.
pub fn operator_caller(client: &OperatorClient, address: &str, request: &str, at: Time) -> Caller {
    let permissions = [
        Permission::PrefixRead,
        Permission::PrefixWrite,
        Permission::TransferWrite,
        Permission::OrganisationRead,
        Permission::OrganisationWrite,
    ];
    Caller {
        origin: Origin::Key { account: client.id.clone(), key: client.id.clone() },
        name: format!("operator-client:{}", client.id),
        permissions: permissions.into_iter().collect(),
        scope: Scope::Organisation(client.organisation.clone()),
        address: address.to_owned(),
        request: request.to_owned(),
        ..Caller::node(at)
    }
}

impl Registry {
    /// Lets the node of an organisation register here. Refused: key known, organisation unknown.
    pub async fn register_operator_client(
        &self,
        caller: &Caller,
        new: &NewOperatorClient,
    ) -> Result<OperatorClient, Error> {
        let act = self.begin(caller, Permission::OperatorWrite, "operator-client").await?;
        let mut act = act.reach(None, "operator-client", absent("")).await?;
        let (prefix, addresses) = check(new)?;
        if organisations::find(act.sql(), &new.organisation).await?.is_none() {
            let refusal = FieldRefusal::new("organisation", "not-found", "没有该组织", "there is no such organisation");
            return Err(Refusal::fields(vec![refusal]).into());
        }
        let client = OperatorClient {
            id: act.fresh_id("opc"),
            organisation: new.organisation.clone(),
            name: new.name.trim().to_owned(),
            prefix,
            public_key: new.public_key.clone(),
            addresses,
            state: OperatorClientState::Active,
            messages: 0,
            oldest_message: None,
            alarm: false,
            created: act.now(),
            updated: act.now(),
            version: 1,
        };
        let insert = "INSERT INTO operator_client (id, organisation, name, public_key, state, next_message, created, \
                      updated, version, prefix, addresses) VALUES ($1, $2, $3, $4, 'active', 1, $5, $6, 1, $7, $8)";
        let taken = || {
            let (zh, en) = ("该公钥已登记；每个客户使用自己的密钥", "this key is registered; each client has its own");
            Refusal::new(Kind::Conflict, "key-registered", zh, en)
        };
        sqlx::query(insert)
            .bind(&client.id)
            .bind(&client.organisation)
            .bind(&client.name)
            .bind(&client.public_key)
            .bind(client.created)
            .bind(client.updated)
            .bind(&client.prefix)
            .bind(json!(client.addresses).to_string())
            .execute(act.sql())
            .await
            .map_err(|error| Error::unique(error, taken))?;
        let object = format!("operator-client {}", client.id);
        act.record("operator-client.register", &object, Some(&client.organisation), json!(null), json!(client));
        act.commit(client).await
    }

    /// From now on nothing signed with its key is accepted.
    pub async fn revoke_operator_client(&self, caller: &Caller, id: &str) -> Result<OperatorClient, Error> {
        let object = format!("operator-client {id}");
        let act = self.begin(caller, Permission::OperatorWrite, &object).await?;
        let mut act = act.reach(None, &object, absent(id)).await?;
        let before = find(act.sql(), id).await?.ok_or_else(|| absent(id))?;
        if before.state == OperatorClientState::Revoked {
            return Ok(before);
        }
        let mut after = OperatorClient { state: OperatorClientState::Revoked, ..before.clone() };
        (after.updated, after.version) = (act.now(), before.version + 1);
        let update = "UPDATE operator_client SET state = 'revoked', updated = $1, version = $2 WHERE id = $3";
        let update = sqlx::query(update).bind(after.updated).bind(after.version).bind(id);
        update.execute(act.sql()).await?;
        let (old, new) = crate::act::difference(&before, &after);
        act.record("operator-client.revoke", &object, Some(&after.organisation), old, new);
        act.commit(after).await
    }

    pub async fn operator_clients(
        &self,
        caller: &Caller,
        filter: &OperatorClientFilter,
        listing: &Listing,
    ) -> Result<Page<OperatorClient>, Error> {
        self.authorise(caller, Permission::OperatorWrite, "operator-client").await?;
        self.reach(caller, Permission::OperatorWrite, None, "operator-client", absent("")).await?;
        let mut wanted = Filter::new("operator_client", COLUMNS);
        wanted.equal("organisation", filter.organisation.as_deref());
        wanted.equal("state", filter.state.as_deref());
        let mut page = wanted.page(self, listing, &SORTABLE, "-created", Column::Text("id"), read).await?;
        let mut connection = self.database.reader().acquire().await?;
        for client in &mut page.items {
            let (count, oldest) = message::extent(&mut connection, &client.id).await?;
            client.messages = count;
            client.oldest_message = oldest;
            client.alarm = oldest.is_some_and(|at| at + UNREAD_DAYS * DAY < caller.at);
        }
        Ok(page)
    }

    /// The client of that id, if it may register now. For the door, which has not verified anything yet.
    pub async fn operator_client(&self, id: &str) -> Result<Option<OperatorClient>, Error> {
        let mut connection = self.database.reader().acquire().await?;
        let found = find(&mut connection, id).await?.filter(|client| client.state == OperatorClientState::Active);
        let Some(client) = found else { return Ok(None) };
        let organisation = organisations::find(&mut connection, &client.organisation).await?;
        Ok(organisation.filter(|found| found.state == OrganisationState::Active).map(|_| client))
    }

    /// Clients whose oldest message has been unread for 30 days, for the node's alarm.
    pub async fn silent_operator_clients(&self, now: Time) -> Result<Vec<String>, Error> {
        let before = now - UNREAD_DAYS * DAY;
        let select = "SELECT DISTINCT client FROM operator_message WHERE queued < $1 ORDER BY client";
        let rows = sqlx::query(select).bind(before).fetch_all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}
