//! Create, delete, add, remove, modify, list, home: each with the reference's order of checks.

use super::{Administration, Claim, Refused, rights};
use crate::answering::{NOT_HERE, absence};
use crate::clock;
use hufu_ident::identifier::NA;
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_ident::systems::handle::{Site, kind, right};
use hufu_ident::{
    Absence, Answer, Identifier, Permissions, Prefix, Query, RecordKey, Selection, Value, ValueSet, limits,
};
use hufu_store::{Batch, CommitError, Condition, Moving, Write};
use std::collections::HashSet;

/// What is to be done.
#[derive(Debug, Clone)]
pub enum Operation {
    Create {
        name: Vec<u8>,
        values: Vec<Value>,
        overwrite: bool,
        mint: bool,
    },
    Delete {
        name: Vec<u8>,
    },
    Add {
        name: Vec<u8>,
        values: Vec<Value>,
        overwrite: bool,
    },
    Remove {
        name: Vec<u8>,
        indexes: Vec<u32>,
    },
    Modify {
        name: Vec<u8>,
        values: Vec<Value>,
    },
    /// The identifiers of a prefix; the caller pages through them with [`Administration::page`].
    List {
        prefix: Vec<u8>,
    },
    /// The prefix handles derived from a prefix (DO-IRP 3.0).
    ListDerived {
        prefix: Vec<u8>,
    },
    ListHomed,
    Home {
        prefix: Vec<u8>,
    },
    Unhome {
        prefix: Vec<u8>,
    },
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// `name` as given or minted.
    Changed {
        name: Vec<u8>,
        overwritten: bool,
    },
    /// The identifiers whose keys start so may be listed.
    List(Vec<u8>),
    Homed(Vec<Prefix>),
}

/// Times an operation is computed anew because another write came between.
const ATTEMPTS: usize = 16;

type Outcome = Result<Done, Refused>;

impl Administration {
    /// Performs an operation for whoever `claim` says.
    pub async fn perform(&self, operation: Operation, claim: &Claim) -> Outcome {
        match operation {
            Operation::Create { name, values, overwrite, mint } => {
                let name = if mint { minted(name) } else { name };
                self.create(&name, values, overwrite, claim).await
            }
            Operation::Delete { name } => self.delete(&name, claim).await,
            Operation::Add { name, values, overwrite } => self.add(&name, values, overwrite, claim).await,
            Operation::Remove { name, indexes } => self.remove(&name, &indexes, claim).await,
            Operation::Modify { name, values } => self.modify(&name, values, claim).await,
            Operation::List { prefix } => {
                let prefix = self.may_list(&prefix, claim).await?;
                Ok(Done::List(RecordKey::range_of(&prefix)))
            }
            Operation::ListDerived { prefix } => {
                let prefix = self.may_list(&prefix, claim).await?;
                let mut start = RecordKey::range_of(&Prefix::folded(NA));
                start.extend_from_slice(prefix.derived_start().as_bytes());
                Ok(Done::List(start))
            }
            Operation::ListHomed => {
                self.authorise_server(claim).await?;
                Ok(Done::Homed(self.authority.store().homed().iter().cloned().collect()))
            }
            Operation::Home { prefix } => self.home(&prefix, claim, true).await,
            Operation::Unhome { prefix } => self.home(&prefix, claim, false).await,
        }
    }

    async fn create(&self, name: &[u8], values: Vec<Value>, overwrite: bool, claim: &Claim) -> Outcome {
        let name = &canonical(name)?;
        let identifier = self.responsible(name)?;
        let checked = hufu_ident::system::check_new(identifier.as_str());
        checked.map_err(|refusal| Refused::no(ResponseCode::INVALID_HANDLE, refusal.to_string()))?;
        check_values(&values)?;
        let key = identifier.key(self.authority.rule());
        for _ in 0..ATTEMPTS {
            let stored = self.read(&key)?;
            let (before, condition) = match &stored {
                Some(_) if !overwrite => return Err(Refused::code(ResponseCode::HANDLE_ALREADY_EXISTS)),
                Some(stored) => (Some(stored.values.clone()), Condition::Version(stored.version)),
                None => (None, Condition::Absent),
            };
            self.authorise_create(&identifier, before.as_ref(), &values, claim).await?;
            self.check_mappings(&identifier, &values).await?;
            let old = before.as_ref().map(ValueSet::to_values).unwrap_or_default();
            let mut writes = Vec::new();
            let mut new = stamped(values.clone(), &old);
            if before.is_none() {
                writes.extend(self.host(&identifier, &mut new));
            }
            writes.insert(0, put(&key, new, condition));
            if self.commit(&key, writes).await? {
                return Ok(Done::Changed { name: name.to_vec(), overwritten: before.is_some() });
            }
        }
        Err(contended())
    }

    /// Rights to create, or to overwrite what is there.
    async fn authorise_create(
        &self,
        identifier: &Identifier,
        before: Option<&ValueSet>,
        values: &[Value],
        claim: &Claim,
    ) -> Result<(), Refused> {
        if claim.identity().is_none() {
            return Err(Refused::NeedsProof);
        }
        if let Some(before) = before {
            let needed = rights::to_overwrite(&before.to_values(), values);
            let in_record = self.authorise(claim, needed, &[before]).await;
            let Err(Refused::No { code: ResponseCode::INVALID_ADMIN, .. }) = in_record else { return in_record };
            if self.authorise(claim, right::ADD_ADMIN, &[before]).await.is_ok() {
                return Ok(());
            }
            self.authorise(claim, right::DELETE_HANDLE, &[before]).await?;
        }
        let (above, needed) = match identifier.name().described_prefix() {
            Some(prefix) => match self.prefix_above(&prefix) {
                Some(above) => (above.handle(), right::ADD_DERIVED_PREFIX),
                None => (identifier.name().home().handle(), right::ADD_HANDLE),
            },
            None => (self.home_of(identifier)?.handle(), right::ADD_HANDLE),
        };
        let record = self.prefix_record(&above).await;
        self.authorise(claim, needed, &[&record]).await
    }

    /// The prefix whose administrators may derive `prefix`: the one above it; where every character is a step, the
    /// nearest above it that lives here.
    fn prefix_above(&self, prefix: &Prefix) -> Option<Prefix> {
        match prefix.path() {
            Some(_) => prefix.lineage().skip(1).find(|above| self.authority.store().is_homed(above)),
            None => prefix.parent(),
        }
    }

    /// The prefix that answers here for a name that is no prefix handle.
    fn home_of(&self, identifier: &Identifier) -> Result<Prefix, Refused> {
        let home = self.authority.home_of(identifier.name())?;
        Ok(home.unwrap_or_else(|| identifier.name().home()))
    }

    /// A new prefix handle that names no service is hosted here: its prefix is homed in the same commit, and the
    /// record says where it is served. One that names this very node is homed likewise.
    fn host(&self, identifier: &Identifier, values: &mut Vec<Value>) -> Option<Write> {
        let prefix = identifier.name().described_prefix()?;
        prefix.parent()?;
        let services: Vec<&Value> =
            values.iter().filter(|value| kind::is_one_of(&value.kind, &kind::SERVICE)).collect();
        if services.is_empty() {
            let index = (1..).find(|index| values.iter().all(|value| value.index != *index)).unwrap_or(1);
            let mut site = Value::new(index, kind::SITE, self.site.to_bytes());
            site.timestamp = clock::seconds() as u32;
            values.push(site);
            return Some(Write::Home(prefix));
        }
        let own = |value: &&Value| Site::decode(&value.data).is_ok_and(|site| site.servers == self.site.servers);
        services.iter().any(own).then_some(Write::Home(prefix))
    }

    async fn delete(&self, name: &[u8], claim: &Claim) -> Outcome {
        let identifier = parse_name(name)?;
        if self.authority.is_elsewhere_in_site(identifier.name()) {
            return Err(refused_absence(Absence::WrongServer));
        }
        if !self.authority.is_home_of(identifier.name()) {
            self.responsible(name)?;
        }
        if claim.identity().is_none() {
            return Err(Refused::NeedsProof);
        }
        let key = identifier.key(self.authority.rule());
        for _ in 0..ATTEMPTS {
            let stored = self.read(&key)?.ok_or_else(|| refused_absence(Absence::NotFound))?;
            self.authorise(claim, right::DELETE_HANDLE, &[&stored.values]).await?;
            let condition = Condition::Version(stored.version);
            let mut writes = vec![Write::Delete { key: key.clone(), condition }];
            if let Some(prefix) = identifier.name().described_prefix()
                && self.prefix_above(&prefix).is_some_and(|above| self.authority.store().is_homed(&above))
                && self.authority.store().is_homed(&prefix)
            {
                writes.push(Write::Unhome(prefix));
            }
            if self.commit(&key, writes).await? {
                return Ok(Done::Changed { name: name.to_vec(), overwritten: false });
            }
        }
        Err(contended())
    }

    async fn add(&self, name: &[u8], values: Vec<Value>, overwrite: bool, claim: &Claim) -> Outcome {
        let identifier = self.responsible(name)?;
        if values.is_empty() {
            return Err(Refused::no(ResponseCode::INVALID_VALUE, "Value list was empty"));
        }
        check_values(&values)?;
        if claim.identity().is_none() {
            return Err(Refused::NeedsProof);
        }
        self.change(&identifier, claim, |old| {
            let mut rights = 0;
            let mut overwritten = false;
            let mut new = old.to_vec();
            for value in &values {
                match new.iter().position(|present| present.index == value.index) {
                    Some(_) if !overwrite => {
                        let text = format!("Index conflict for {}", value.index);
                        return Err(Refused::no(ResponseCode::VALUE_ALREADY_EXISTS, text));
                    }
                    Some(at) => {
                        rights |= rights::to_modify(&new[at], value);
                        new[at] = value.clone();
                        overwritten = true;
                    }
                    None => {
                        rights |= rights::to_add([value]);
                        new.push(value.clone());
                    }
                }
            }
            Ok(Change { rights, open: false, new, overwritten, fault: None })
        })
        .await
    }

    async fn remove(&self, name: &[u8], indexes: &[u32], claim: &Claim) -> Outcome {
        let identifier = self.responsible(name)?;
        if claim.identity().is_none() {
            return Err(Refused::NeedsProof);
        }
        self.change(&identifier, claim, |old| {
            if indexes.iter().any(|index| old.iter().all(|value| value.index != *index)) {
                return Err(Refused::code(ResponseCode::VALUES_NOT_FOUND));
            }
            let (gone, new): (Vec<_>, Vec<_>) = old.iter().cloned().partition(|value| indexes.contains(&value.index));
            Ok(Change { rights: rights::to_remove(&gone), open: false, new, overwritten: false, fault: None })
        })
        .await
    }

    async fn modify(&self, name: &[u8], values: Vec<Value>, claim: &Claim) -> Outcome {
        let identifier = self.responsible(name)?;
        self.change(&identifier, claim, |old| {
            let mut rights = 0;
            let mut open = true;
            let mut new = old.to_vec();
            for value in &values {
                let at = new.iter().position(|present| present.index == value.index);
                let at = at.ok_or_else(|| Refused::code(ResponseCode::VALUES_NOT_FOUND))?;
                let writable = Permissions::ADMIN_WRITE | Permissions::PUBLIC_WRITE;
                if !old[at].permissions.has(writable) {
                    return Err(Refused::no(ResponseCode::INSUFFICIENT_PERMISSIONS, "Value is read-only"));
                }
                let needed = rights::to_modify(&old[at], value);
                open &= needed == 0 && old[at].permissions.has(Permissions::PUBLIC_WRITE);
                rights |= needed;
                new[at] = value.clone();
            }
            let fault = check_duplicates(&values).err().map(|text| Refused::no(ResponseCode::INVALID_VALUE, text));
            let fault = fault.or_else(|| check_indexes(&values).err());
            Ok(Change { rights, open, new, overwritten: false, fault })
        })
        .await
    }

    /// Reads, computes, judges and commits a change to one record, again if another write came between.
    async fn change(
        &self,
        identifier: &Identifier,
        claim: &Claim,
        compute: impl Fn(&[Value]) -> Result<Change, Refused>,
    ) -> Outcome {
        let key = identifier.key(self.authority.rule());
        for _ in 0..ATTEMPTS {
            let stored = self.read(&key)?.ok_or_else(|| refused_absence(Absence::NotFound))?;
            let old = stored.values.to_values();
            let change = compute(&old)?;
            if !change.open {
                self.authorise(claim, change.rights, &[&stored.values]).await?;
            }
            if let Some(fault) = change.fault {
                return Err(fault);
            }
            let changed = |value: &&Value| !old.iter().any(|before| before.same_but_time(value));
            let changed: Vec<Value> = change.new.iter().filter(changed).cloned().collect();
            self.check_mappings(identifier, &changed).await?;
            let new = stamped(change.new, &old);
            if self.commit(&key, vec![put(&key, new, Condition::Version(stored.version))]).await? {
                let name = identifier.as_str().as_bytes().to_vec();
                return Ok(Done::Changed { name, overwritten: change.overwritten });
            }
        }
        Err(contended())
    }

    /// The prefix, if it is served here and whoever asks may list it.
    async fn may_list(&self, prefix: &[u8], claim: &Claim) -> Result<Prefix, Refused> {
        if !self.rules.allow_listing {
            let text = "This server does not support the list handles operation.";
            return Err(Refused::no(ResponseCode::OPERATION_NOT_SUPPORTED, text));
        }
        let prefix = parse_prefix(prefix)?;
        if !self.authority.store().is_homed(&prefix) {
            return Err(Refused::no(ResponseCode::SERVER_NOT_RESP, NOT_HERE));
        }
        if claim.identity().is_none() {
            return Err(Refused::NeedsProof);
        }
        let record = self.prefix_record(&prefix.handle()).await;
        self.authorise(claim, right::LIST_HANDLES, &[&record]).await?;
        Ok(prefix)
    }

    /// Keys that start so, after `after`, in order.
    pub fn page(&self, start: &[u8], after: Option<&RecordKey>, limit: usize) -> Result<Vec<RecordKey>, Refused> {
        let found = self.authority.store().scan(start, after.map(RecordKey::as_bytes), limit);
        let found = found.map_err(|fault| Refused::from(hufu_resolve::StoreFault::from(fault)))?;
        Ok(found.into_iter().map(|(key, _)| key).collect())
    }

    async fn home(&self, prefix: &[u8], claim: &Claim, home: bool) -> Outcome {
        let prefix_handle = parse_name(prefix)?;
        let Some(prefix) = prefix_handle.name().described_prefix() else {
            return Err(Refused::no(ResponseCode::INVALID_HANDLE, "Handle is not a prefix handle"));
        };
        let checked = Prefix::parse(prefix.as_str());
        let prefix = checked.map_err(|refusal| Refused::no(ResponseCode::INVALID_HANDLE, refusal.to_string()))?;
        self.authorise_server(claim).await?;
        let name = prefix_handle.as_str().as_bytes().to_vec();
        let write = if home { Write::Home(prefix) } else { Write::Unhome(prefix) };
        self.commit(&prefix_handle.key(self.authority.rule()), vec![write]).await?;
        Ok(Done::Changed { name, overwritten: false })
    }

    /// The identifier, if this node answers for it.
    fn responsible(&self, name: &[u8]) -> Result<Identifier, Refused> {
        let identifier = parse_name(name)?;
        if self.authority.is_home_of(identifier.name()) {
            return match self.authority.is_elsewhere_in_site(identifier.name()) {
                true => Err(refused_absence(Absence::WrongServer)),
                false => Ok(identifier),
            };
        }
        if self.arrives(&identifier) {
            return Ok(identifier);
        }
        let query = Query {
            name: identifier.name(),
            selection: Selection::default(),
            authoritative: true,
            public_only: true,
            recursion_desired: false,
            do_not_refer: false,
            hops: 0,
        };
        match self.authority.answer(&query)? {
            Answer::Referral(delegation) => Err(Refused::Referral(delegation)),
            _ => Err(refused_absence(Absence::NotResponsible)),
        }
    }

    /// Whether the identifier's prefix is on its way into this node: it is written before it is answered.
    fn arrives(&self, identifier: &Identifier) -> bool {
        let moving = self.authority.store().moving();
        if moving.is_empty() {
            return false;
        }
        let home = identifier.name().described_prefix().and_then(|prefix| prefix.parent());
        let home = home.unwrap_or_else(|| identifier.name().home());
        home.lineage().any(|prefix| moving.get(&prefix) == Some(&Moving::In))
    }

    fn read(&self, key: &RecordKey) -> Result<Option<hufu_store::Stored>, Refused> {
        let stored = self.authority.store().get(key.as_bytes());
        stored.map_err(|fault| Refused::from(hufu_resolve::StoreFault::from(fault)))
    }

    /// Commits; false means that another write came between.
    async fn commit(&self, key: &RecordKey, writes: Vec<Write>) -> Result<bool, Refused> {
        // What the registry has found in the store stands until it has written.
        let _turn = match &self.objects {
            Some(objects) => Some(objects.turn().read().await),
            None => None,
        };
        let receipt = self.authority.store().commit(Batch::new(writes, clock::seconds()));
        let outcome = receipt.await;
        self.authority.forget(key);
        match outcome {
            Ok(_) => Ok(true),
            Err(CommitError::Conflict { .. }) => Ok(false),
            Err(CommitError::Moving { prefix }) => Err(moving(&prefix)),
            Err(CommitError::Busy) => {
                Err(Refused::no(ResponseCode::SERVER_TOO_BUSY, "too many writes are waiting; try again"))
            }
            Err(CommitError::ReadOnly(why)) => {
                tracing::error!(reason = %why, "write refused: storage is read-only");
                let text = "Server can only resolve handles due to maintenance. Come back later";
                Err(Refused::no(ResponseCode::SERVER_BACKUP, text))
            }
            Err(CommitError::TooLarge { .. }) => {
                Err(Refused::no(ResponseCode::INVALID_VALUE, "the record is too large"))
            }
            Err(fault) => {
                let id = crate::telemetry::incident("record store", &fault);
                Err(Refused::no(ResponseCode::ERROR, format!("Internal Error, incident {id}")))
            }
        }
    }
}

/// A computed change to one record.
struct Change {
    rights: u16,
    /// Everybody may do it.
    open: bool,
    new: Vec<Value>,
    overwritten: bool,
    /// What is wrong with it, told only to who may do it.
    fault: Option<Refused>,
}

fn put(key: &RecordKey, values: Vec<Value>, condition: Condition) -> Write {
    Write::Put { key: key.clone(), values: ValueSet::from_values(values), condition }
}

/// Sets the time of every value that is new or differs; an unchanged one keeps its own.
fn stamped(mut values: Vec<Value>, old: &[Value]) -> Vec<Value> {
    let now = clock::seconds() as u32;
    for value in &mut values {
        let same = old.iter().find(|before| before.index == value.index && before.same_but_time(value));
        value.timestamp = same.map_or(now, |before| before.timestamp);
    }
    values
}

fn check_values(values: &[Value]) -> Result<(), Refused> {
    check_indexes(values)?;
    check_duplicates(values).map_err(|text| Refused::no(ResponseCode::VALUE_ALREADY_EXISTS, text))?;
    if values.len() > limits::VALUES_PER_RECORD {
        let text = format!("at most {} values in one record", limits::VALUES_PER_RECORD);
        return Err(Refused::no(ResponseCode::INVALID_VALUE, text));
    }
    Ok(())
}

fn check_indexes(values: &[Value]) -> Result<(), Refused> {
    match values.iter().all(|value| (1..=i32::MAX as u32).contains(&value.index)) {
        true => Ok(()),
        false => Err(Refused::no(ResponseCode::INVALID_VALUE, "Value indexes must be positive")),
    }
}

fn check_duplicates(values: &[Value]) -> Result<(), String> {
    let mut seen = HashSet::new();
    match values.iter().find(|value| !seen.insert(value.index)) {
        Some(value) => Err(format!("Index conflict for {}", value.index)),
        None => Ok(()),
    }
}

fn parse_name(name: &[u8]) -> Result<Identifier, Refused> {
    let invalid = |text: String| Refused::no(ResponseCode::INVALID_HANDLE, text);
    let text = std::str::from_utf8(name).map_err(|_| invalid("Invalid UTF8 encoding".into()))?;
    Identifier::parse(text).map_err(|refusal| invalid(refusal.to_string()))
}

/// The spelling under which a name is registered: that of its system if it carries a tag, else its own.
fn canonical(name: &[u8]) -> Result<Vec<u8>, Refused> {
    let identifier = parse_name(name)?;
    if !identifier.name().is_tagged() {
        return Ok(name.to_vec());
    }
    let checked = hufu_ident::system::check_new(identifier.as_str());
    let (identifier, _) = checked.map_err(|refusal| Refused::no(ResponseCode::INVALID_HANDLE, refusal.to_string()))?;
    Ok(identifier.as_str().as_bytes().to_vec())
}

/// `0.NA/P`, or `P` alone.
fn parse_prefix(name: &[u8]) -> Result<Prefix, Refused> {
    let identifier = parse_name(name)?;
    if identifier.name().is_tagged() {
        return Ok(Prefix::folded(identifier.as_str()));
    }
    let prefix = identifier.name().described_prefix();
    let refusal = || Refused::no(ResponseCode::INVALID_HANDLE, "Handle is not a prefix handle");
    let prefix = prefix.ok_or_else(refusal)?;
    if prefix.as_str().is_empty() {
        return Ok(Prefix::folded(NA));
    }
    Ok(prefix)
}

/// The given beginning of a name and a random UUID.
fn minted(mut start: Vec<u8>) -> Vec<u8> {
    start.extend_from_slice(uuid::Uuid::new_v4().hyphenated().to_string().as_bytes());
    start
}

fn refused_absence(why: Absence) -> Refused {
    let (code, text) = absence(why);
    Refused::no(code, text)
}

/// Of a prefix that is about to be copied to another node. The code stands first, in both languages' text.
fn moving(prefix: &Prefix) -> Refused {
    let text = format!(
        "prefix-moving: 前缀 {prefix} 正在迁移，暂停写入，请稍后重试。The prefix {prefix} is moving to another node; \
         nothing below it is written meanwhile. Resolve again and retry in a moment."
    );
    Refused::no(ResponseCode::SERVER_BACKUP, text)
}

fn contended() -> Refused {
    Refused::no(ResponseCode::SERVER_TOO_BUSY, "too many writes to this identifier at once; try again")
}
