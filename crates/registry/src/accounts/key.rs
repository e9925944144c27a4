//! API keys: issued, rotated, revoked. A key is at most what its account may do.
//!
//! ```text
//! valid ──rotate──► valid with another secret; the former one for a grace time
//!   │
//!   └──revoke, or its time is over──► no longer valid
//! ```
//! A key makes no keys, so that whoever stole one cannot outlive its revocation; it may rotate itself.

use super::account::AccountKind;
use super::policy::{self, HOUR};
use super::role;
use super::token::{Token, TokenKind};
use crate::Act;
use crate::act::difference;
use crate::caller::{Caller, DAY, Origin, Time};
use crate::error::{Error, FieldRefusal, Kind, Refusal};
use crate::listing::{Column, Filter, Listing, Page};
use crate::notices::{self, Audience, NewNotice, NoticeKind};
use crate::permission::{Permission, PermissionSet};
use crate::registry::Registry;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use std::net::IpAddr;

/// A key lives two years at most.
const LIFE: Time = 731 * DAY;
/// Most keys of an account that are not revoked.
const KEYS: i64 = 20;
/// Most networks of an address list.
const ADDRESSES: usize = 32;
/// Most characters of a note.
const NOTE: usize = 200;
/// Its holder is told so many days before a key ends.
pub const NOTICE_DAYS: i64 = 14;
/// Keys that are told of in one act.
const REMINDED: i64 = 50;
/// Most hours that a former secret goes on.
const GRACE: i64 = 720;

/// A key as the API shows it; never its secret.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    pub id: String,
    pub account: String,
    pub organisation: String,
    pub note: String,
    /// At most this, of what the account may do.
    pub permissions: Vec<Permission>,
    /// Networks from which it is taken; any if there are none.
    pub addresses: Vec<String>,
    pub expires: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Time>,
    /// The last use, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<Time>,
    /// Until when the secret before the last rotation is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub former_until: Option<Time>,
    pub created: Time,
    pub updated: Time,
    pub version: i64,
}

/// A key to be.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewKey {
    /// A machine's account; the own one if it is left out.
    #[serde(default)]
    pub account: Option<String>,
    #[schema(max_length = 200)]
    pub note: String,
    #[schema(min_items = 1)]
    pub permissions: Vec<Permission>,
    /// Addresses and networks in CIDR form.
    #[serde(default)]
    #[schema(max_items = 32)]
    pub addresses: Vec<String>,
    /// Milliseconds since 1970, within two years.
    pub expires: Time,
}

/// What can be changed of a key.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyContent {
    #[schema(max_length = 200)]
    pub note: String,
    #[schema(min_items = 1)]
    pub permissions: Vec<Permission>,
    #[serde(default)]
    #[schema(max_items = 32)]
    pub addresses: Vec<String>,
}

/// How a key is rotated.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rotation {
    /// Hours that the former secret is still taken; as the policy says if it is left out.
    #[schema(minimum = 0, maximum = 720)]
    pub grace_hours: Option<i64>,
}

/// A key with its secret.
#[derive(Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuedKey {
    pub key: ApiKey,
    /// To send as `Authorization: Bearer …`. Shown once; absent in a repeated answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// Which keys are wanted; empty fields do not restrict.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct KeyFilter {
    pub account: Option<String>,
    pub organisation: Option<String>,
    /// Part of the note.
    pub note: Option<String>,
}

const COLUMNS: &str = "id, account, organisation, note, permissions, addresses, expires, revoked, used, former_until, \
                       created, updated, version";
const SORTABLE: [Column; 3] = [Column::Number("created"), Column::Number("expires"), Column::Number("used")];

fn read(row: &AnyRow, now: Time) -> Result<ApiKey, Error> {
    let moment = |at: i64| Some(at).filter(|at| *at > 0);
    Ok(ApiKey {
        id: row.try_get(0)?,
        account: row.try_get(1)?,
        organisation: row.try_get(2)?,
        note: row.try_get(3)?,
        permissions: role::permissions(&row.try_get::<String, _>(4)?)?.iter().collect(),
        addresses: serde_json::from_str(&row.try_get::<String, _>(5)?)?,
        expires: row.try_get(6)?,
        revoked: moment(row.try_get(7)?),
        used: moment(row.try_get(8)?),
        former_until: moment(row.try_get(9)?).filter(|until| *until > now),
        created: row.try_get(10)?,
        updated: row.try_get(11)?,
        version: row.try_get(12)?,
    })
}

async fn find(connection: &mut AnyConnection, id: &str, now: Time) -> Result<Option<ApiKey>, Error> {
    let select = "SELECT id, account, organisation, note, permissions, addresses, expires, revoked, used, \
                  former_until, created, updated, version FROM api_key WHERE id = $1";
    let row = sqlx::query(select).bind(id).fetch_optional(connection).await?;
    row.map(|row| read(&row, now)).transpose()
}

fn absent(id: &str) -> Refusal {
    Refusal::absent("接口密钥", "API key", id)
}

/// Why a key is not taken, though its secret is right.
pub(crate) fn refusal(revoked: Time, expires: Time, addresses: &[String], from: IpAddr, now: Time) -> Option<Refusal> {
    let refuse = |code, zh: &str, en: &str| Some(Refusal::new(Kind::Unauthenticated, code, zh, en));
    if revoked > 0 {
        return refuse("key-revoked", "接口密钥已吊销，请更换", "this API key was revoked; take another");
    }
    if now >= expires {
        return refuse("key-expired", "接口密钥已过期，请更换", "this API key has expired; take another");
    }
    if !is_within(addresses, from) {
        let (zh, en) = ("接口密钥不能从该地址使用", "this API key is not taken from this address");
        return Some(Refusal::new(Kind::Denied, "key-address", zh, en));
    }
    None
}

/// Whether an address is in one of these networks; without any, every address is.
pub(crate) fn is_within(networks: &[String], from: IpAddr) -> bool {
    let from = from.to_canonical();
    let within = |network: &String| network.parse::<IpNet>().is_ok_and(|network| network.contains(&from));
    networks.is_empty() || networks.iter().any(within)
}

/// Networks as they are stored.
pub(crate) fn networks(texts: &[String], wrong: &mut Vec<FieldRefusal>) -> Vec<String> {
    if texts.len() > ADDRESSES {
        let (zh, en) = (format!("最多 {ADDRESSES} 个网段"), format!("at most {ADDRESSES} networks"));
        wrong.push(FieldRefusal::new("addresses", "many", zh, en));
        return Vec::new();
    }
    let mut networks = Vec::new();
    for text in texts {
        let text = text.trim();
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        match network {
            Ok(network) => networks.push(network.trunc().to_string()),
            Err(_) => {
                let zh = "请填写 IP 地址或 CIDR 网段，如 192.0.2.0/24";
                let en = "an address or a network such as 192.0.2.0/24 is wanted";
                wrong.push(FieldRefusal::new("addresses", "address-form", zh, en));
            }
        }
    }
    networks
}

fn check_note(note: &str, wrong: &mut Vec<FieldRefusal>) -> String {
    let note = note.trim();
    if note.is_empty() || note.chars().count() > NOTE || note.chars().any(char::is_control) {
        let (zh, en) = (format!("备注为 1–{NOTE} 个字符"), format!("a note has 1 to {NOTE} characters"));
        wrong.push(FieldRefusal::new("note", "length", zh, en));
    }
    note.to_owned()
}

fn stored(permissions: &[Permission]) -> (PermissionSet, String) {
    let set: PermissionSet = permissions.iter().copied().collect();
    let names: Vec<&str> = set.iter().map(Permission::name).collect();
    (set, json!(names).to_string())
}

impl Act {
    /// Refuses a key with these permissions for this account if account or caller could not hold them, or if it would
    /// let the caller act as another person.
    async fn may_issue(&mut self, account: &str, set: PermissionSet) -> Result<(), Error> {
        let found = self.account(account).await?.account;
        let local = matches!(self.caller.origin, Origin::Local { .. } | Origin::Node);
        if self.caller.account() != Some(account) && found.kind == AccountKind::Person && !local {
            let (zh, en) = ("人员账号的接口密钥只能由本人管理", "a person's keys are issued by that person");
            return Err(Refusal::new(Kind::Denied, "key-of-person", zh, en).into());
        }
        let held = role::grants(self.sql(), account).await?.permissions;
        let able = held.intersection(self.caller.permissions);
        if let Some(beyond) = set.iter().find(|one| !able.contains(*one)) {
            let zh = format!("权限“{}”超出账号或您自己的权限", beyond.zh());
            let en = format!("{} is more than the account or you may do", beyond.name());
            return Err(Refusal::new(Kind::Denied, "key-beyond-account", zh, en).into());
        }
        Ok(())
    }

    async fn reached_key(mut self, id: &str, version: Option<i64>) -> Result<(Act, ApiKey), Error> {
        let now = self.now();
        let found = find(self.sql(), id, now).await?;
        let organisation = found.as_ref().map(|key| key.organisation.clone());
        let act = self.reach(organisation.as_deref(), &format!("key {id}"), absent(id)).await?;
        let found = found.ok_or_else(|| absent(id))?;
        if version.is_some_and(|seen| seen != found.version) {
            return Err(Refusal::stale(found.version).into());
        }
        Ok((act, found))
    }

    async fn changed_key(&mut self, before: &ApiKey) -> Result<ApiKey, Error> {
        let now = self.now();
        let update = sqlx::query("UPDATE api_key SET updated = $1, version = version + 1 WHERE id = $2");
        update.bind(now).bind(&before.id).execute(self.sql()).await?;
        let after = find(self.sql(), &before.id, now).await?.ok_or_else(|| absent(&before.id))?;
        let (old, new) = difference(before, &after);
        self.record("key.write", &format!("key {}", before.id), Some(&before.organisation), old, new);
        Ok(after)
    }
}

fn revoked(key: &ApiKey) -> Result<(), Refusal> {
    match key.revoked {
        None => Ok(()),
        Some(_) => {
            let (zh, en) = ("接口密钥已吊销", "this API key was revoked");
            Err(Refusal::new(Kind::Gone, "key-revoked", zh, en))
        }
    }
}

impl Registry {
    /// Tells the holders of keys that end soon, once for each end. For the node's clock; says how many.
    pub async fn remind_of_keys(&self, caller: &Caller) -> Result<u64, Error> {
        let select = "SELECT api_key.id, api_key.account, api_key.note, api_key.expires, account.kind, \
                      account.organisation FROM api_key JOIN account ON account.id = api_key.account \
                      WHERE revoked = 0 AND expires > $1 AND expires <= $2 AND noticed <> expires \
                      ORDER BY expires, api_key.id LIMIT $3";
        let soon = |now: Time| {
            let until = now.saturating_add(NOTICE_DAYS * DAY);
            sqlx::query(select).bind(now).bind(until).bind(REMINDED)
        };
        if soon(caller.at).fetch_optional(self.database.reader()).await?.is_none() {
            return Ok(0);
        }
        let mut act = self.begin(caller, Permission::KeyWrite, "key").await?;
        let rows = soon(caller.at).fetch_all(act.sql()).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        for row in &rows {
            let (id, account, note): (String, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let (expires, organisation): (i64, String) = (row.try_get(3)?, row.try_get(5)?);
            // A machine reads no notices: its organisation does.
            let audience = match row.try_get::<String, _>(4)? == "person" {
                true => Audience::Account(account),
                false => Audience::Organisation(organisation.clone()),
            };
            let facts = vec![("name", id.clone()), ("reason", note), ("due", notices::moment(expires))];
            let object = format!("key {id}");
            let kind = NoticeKind::KeyExpiring;
            act.notify(&NewNotice { kind, audience, object: object.clone(), facts, mail: None }).await?;
            let update = sqlx::query("UPDATE api_key SET noticed = expires WHERE id = $1").bind(&id);
            update.execute(act.sql()).await?;
            act.record("key.remind", &object, Some(&organisation), json!(null), json!({"expires": expires}));
        }
        act.commit(rows.len() as u64).await
    }

    /// Those that the caller reaches.
    pub async fn keys(&self, caller: &Caller, filter: &KeyFilter, listing: &Listing) -> Result<Page<ApiKey>, Error> {
        self.authorise(caller, Permission::KeyRead, "key").await?;
        let mut wanted = Filter::new("api_key", COLUMNS);
        wanted.equal("organisation", caller.organisation());
        wanted.equal("organisation", filter.organisation.as_deref());
        wanted.equal("account", filter.account.as_deref());
        wanted.containing("note", filter.note.as_deref());
        let read = |row: &AnyRow| read(row, caller.at);
        wanted.page(self, listing, &SORTABLE, "-created", Column::Text("id"), read).await
    }

    pub async fn key(&self, caller: &Caller, id: &str) -> Result<ApiKey, Error> {
        let object = format!("key {id}");
        self.authorise(caller, Permission::KeyRead, &object).await?;
        let mut connection = self.database.reader().acquire().await?;
        let found = find(&mut connection, id, caller.at).await?;
        drop(connection);
        let organisation = found.as_ref().map(|key| key.organisation.as_str());
        self.reach(caller, Permission::KeyRead, organisation, &object, absent(id)).await?;
        Ok(found.ok_or_else(|| absent(id))?)
    }

    /// Issues a key.
    pub async fn create_key(&self, caller: &Caller, new: &NewKey) -> Result<IssuedKey, Error> {
        let act = self.begin(caller, Permission::KeyWrite, "key").await?;
        if matches!(caller.origin, Origin::Key { .. }) {
            let (zh, en) = ("接口密钥不能签发接口密钥", "an API key issues no API keys; sign in");
            return Err(Refusal::new(Kind::Denied, "session-needed", zh, en).into());
        }
        let own = caller.account().map(str::to_owned);
        let Some(account) = new.account.clone().or(own) else {
            let (zh, en) = ("请指定账号", "say whose key it shall be");
            return Err(Refusal::fields(vec![FieldRefusal::new("account", "missing", zh, en)]).into());
        };
        let (mut act, found) = act.reached_account(&account, None).await?;
        let mut wrong = Vec::new();
        let note = check_note(&new.note, &mut wrong);
        let addresses = networks(&new.addresses, &mut wrong);
        if new.expires <= caller.at || new.expires > caller.at + LIFE {
            let (zh, en) = ("有效期应在两年之内", "a key expires within two years");
            wrong.push(FieldRefusal::new("expires", "out-of-range", zh, en));
        }
        if new.permissions.is_empty() {
            let (zh, en) = ("请至少选择一项权限", "a key has at least one permission");
            wrong.push(FieldRefusal::new("permissions", "missing", zh, en));
        }
        if !wrong.is_empty() {
            return Err(Refusal::fields(wrong).into());
        }
        let (set, permissions) = stored(&new.permissions);
        act.may_issue(&account, set).await?;
        let count = sqlx::query("SELECT COUNT(*) FROM api_key WHERE account = $1 AND revoked = 0").bind(&account);
        if count.fetch_one(act.sql()).await?.try_get::<i64, _>(0)? >= KEYS {
            let (zh, en) = (format!("一个账号最多 {KEYS} 个接口密钥"), format!("an account has at most {KEYS} keys"));
            return Err(Refusal::new(Kind::Limit, "keys-many", zh, en).into());
        }
        let token = Token::fresh(TokenKind::Key, self.random);
        let insert = "INSERT INTO api_key (id, account, organisation, note, secret, former, former_until, permissions, \
                      addresses, expires, revoked, used, created, updated, version) \
                      VALUES ($1, $2, $3, $4, $5, '', 0, $6, $7, $8, 0, 0, $9, $10, 1)";
        sqlx::query(insert)
            .bind(&token.id)
            .bind(&account)
            .bind(&found.account.organisation)
            .bind(note)
            .bind(token.digest())
            .bind(permissions)
            .bind(json!(addresses).to_string())
            .bind(new.expires)
            .bind(caller.at)
            .bind(caller.at)
            .execute(act.sql())
            .await?;
        let key = find(act.sql(), &token.id, caller.at).await?.ok_or_else(|| absent(&token.id))?;
        let (object, after) = (format!("key {}", key.id), serde_json::to_value(&key)?);
        act.record("key.write", &object, Some(&key.organisation), json!(null), after);
        // What is kept to be repeated has no secret in it.
        let answer = act.commit(IssuedKey { key, secret: None }).await?;
        Ok(IssuedKey { secret: Some(token.text()), ..answer })
    }

    /// Changes note, permissions and addresses.
    pub async fn amend_key(
        &self,
        caller: &Caller,
        id: &str,
        version: Option<i64>,
        content: &KeyContent,
    ) -> Result<ApiKey, Error> {
        let act = self.begin(caller, Permission::KeyWrite, &format!("key {id}")).await?;
        let (mut act, before) = act.reached_key(id, version).await?;
        revoked(&before)?;
        if matches!(caller.origin, Origin::Key { .. }) {
            let (zh, en) = ("接口密钥不能修改接口密钥", "an API key changes no API keys; sign in");
            return Err(Refusal::new(Kind::Denied, "session-needed", zh, en).into());
        }
        let mut wrong = Vec::new();
        let note = check_note(&content.note, &mut wrong);
        let addresses = networks(&content.addresses, &mut wrong);
        if content.permissions.is_empty() {
            let (zh, en) = ("请至少选择一项权限", "a key has at least one permission");
            wrong.push(FieldRefusal::new("permissions", "missing", zh, en));
        }
        if !wrong.is_empty() {
            return Err(Refusal::fields(wrong).into());
        }
        let (set, permissions) = stored(&content.permissions);
        act.may_issue(&before.account, set).await?;
        let update = sqlx::query("UPDATE api_key SET note = $1, permissions = $2, addresses = $3 WHERE id = $4");
        let update = update.bind(note).bind(permissions).bind(json!(addresses).to_string()).bind(id);
        update.execute(act.sql()).await?;
        let after = act.changed_key(&before).await?;
        act.commit(after).await
    }

    /// Gives a key another secret; the former one goes on for a grace time.
    pub async fn rotate_key(&self, caller: &Caller, id: &str, rotation: &Rotation) -> Result<IssuedKey, Error> {
        let itself = matches!(&caller.origin, Origin::Key { key, .. } if key == id);
        let object = format!("key {id}");
        let act = match itself {
            true => self.begin_open(caller, Permission::KeyWrite).await?,
            false => self.begin(caller, Permission::KeyWrite, &object).await?,
        };
        let (mut act, before) = act.reached_key(id, None).await?;
        revoked(&before)?;
        if !itself {
            if matches!(caller.origin, Origin::Key { .. }) {
                let (zh, en) = ("接口密钥只能轮换自身", "an API key rotates only itself");
                return Err(Refusal::new(Kind::Denied, "session-needed", zh, en).into());
            }
            let held = role::grants(act.sql(), &before.account).await?.permissions;
            let set: PermissionSet = before.permissions.iter().copied().collect();
            act.may_issue(&before.account, set.intersection(held)).await?;
        }
        let hours = match rotation.grace_hours {
            Some(hours) if !(0..=GRACE).contains(&hours) => {
                let (zh, en) = (format!("宽限期为 0–{GRACE} 小时"), format!("the grace is 0 to {GRACE} hours"));
                return Err(Refusal::fields(vec![FieldRefusal::new("graceHours", "out-of-range", zh, en)]).into());
            }
            Some(hours) => hours,
            None => policy::read(act.sql()).await?.key_grace_hours,
        };
        let token = Token::renewed(TokenKind::Key, id, self.random);
        let update = "UPDATE api_key SET former = secret, former_until = $1, secret = $2 WHERE id = $3";
        let update = sqlx::query(update).bind(caller.at + hours * HOUR).bind(token.digest()).bind(id);
        update.execute(act.sql()).await?;
        let after = act.changed_key(&before).await?;
        let answer = act.commit(IssuedKey { key: after, secret: None }).await?;
        Ok(IssuedKey { secret: Some(token.text()), ..answer })
    }

    /// Ends a key for good.
    pub async fn revoke_key(&self, caller: &Caller, id: &str) -> Result<ApiKey, Error> {
        let security = !caller.permissions.contains(Permission::KeyWrite);
        let permission = if security && caller.permissions.contains(Permission::LockWrite) {
            Permission::LockWrite
        } else {
            Permission::KeyWrite
        };
        let act = self.begin(caller, permission, &format!("key {id}")).await?;
        let (mut act, before) = act.reached_key(id, None).await?;
        revoked(&before)?;
        let update = sqlx::query("UPDATE api_key SET revoked = $1, former = '', former_until = 0 WHERE id = $2");
        update.bind(caller.at).bind(id).execute(act.sql()).await?;
        let after = act.changed_key(&before).await?;
        act.commit(after).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_until_it_ends_and_from_where_it_may() {
        let code = |revoked, expires, list: &[&str], from: &str| {
            let list: Vec<String> = list.iter().map(|network| (*network).to_owned()).collect();
            let from = from.parse().expect("an address");
            refusal(revoked, expires, &list, from, 1000).map(|refusal| refusal.code)
        };
        assert_eq!(code(0, 1001, &[], "192.0.2.1"), None);
        assert_eq!(code(0, 1000, &[], "192.0.2.1"), Some("key-expired"));
        assert_eq!(code(5, 2000, &[], "192.0.2.1"), Some("key-revoked"));
        assert_eq!(code(0, 2000, &["192.0.2.0/28"], "192.0.2.15"), None);
        assert_eq!(code(0, 2000, &["192.0.2.0/28"], "::ffff:192.0.2.15"), None);
        assert_eq!(code(0, 2000, &["192.0.2.0/28"], "192.0.2.16"), Some("key-address"));
        assert_eq!(code(0, 2000, &["2001:db8::/32"], "192.0.2.1"), Some("key-address"));
    }

    #[test]
    fn address_lists_become_networks() {
        let mut wrong = Vec::new();
        let texts: Vec<String> = ["192.0.2.7", " 192.0.2.9/24", "2001:db8::1/32"].map(str::to_owned).to_vec();
        assert_eq!(networks(&texts, &mut wrong), ["192.0.2.7/32", "192.0.2.0/24", "2001:db8::/32"]);
        assert!(wrong.is_empty());
        networks(&["192.0.2.0/33".into(), "x".into()], &mut wrong);
        assert_eq!(wrong.len(), 2);
    }
}
