//! Answers from a node's own records: found, referred further down, or absent.

use hufu_ident::identifier::NA;
use hufu_ident::systems::handle::{Site, kind};
use hufu_ident::{Absence, Answer, CaseRule, Delegation, Name, Prefix, Query, Record, RecordKey, ValueSet};
use hufu_store::{Moving, Store, StoreError};
use quick_cache::Weighter;
use quick_cache::sync::{Cache, GuardResult};
use std::sync::Arc;

/// Why the authority cannot answer at all: an incident, not a business no.
#[derive(Debug, thiserror::Error)]
#[error("the record store cannot be read: {0}")]
pub struct StoreFault(#[from] StoreError);

/// Own records in front of which stands a cache of value sets; writers call [`Authority::forget`].
pub struct Authority {
    store: Arc<dyn Store>,
    rule: CaseRule,
    cache: Cache<Vec<u8>, Option<ValueSet>, ByOctets>,
    /// Position of this server in its site, and how names spread over the site's servers.
    share: Option<Share>,
}

/// Who answers for a tagged name.
enum Nearest {
    Homed(Prefix),
    Delegated(Delegation),
}

/// Which part of a site's names this server holds.
#[derive(Debug, Clone)]
pub struct Share {
    pub site: Site,
    pub position: usize,
}

#[derive(Clone)]
struct ByOctets;

impl Weighter<Vec<u8>, Option<ValueSet>> for ByOctets {
    fn weight(&self, key: &Vec<u8>, values: &Option<ValueSet>) -> u64 {
        (key.len() + 64 + values.as_ref().map_or(0, |values| values.as_bytes().len())) as u64
    }
}

impl Authority {
    /// `cache_octets` bounds the memory of the cache.
    pub fn new(store: Arc<dyn Store>, rule: CaseRule, cache_octets: u64) -> Self {
        let entries = (cache_octets / 600).max(64) as usize;
        let cache = Cache::with_weighter(entries, cache_octets, ByOctets);
        Authority { store, rule, cache, share: None }
    }

    /// Restricts the answers to the names that hash to `share.position`.
    pub fn with_share(mut self, share: Share) -> Self {
        self.share = (share.site.servers.len() > 1).then_some(share);
        self
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub fn rule(&self) -> CaseRule {
        self.rule
    }

    /// The values stored under `key`, through the cache.
    pub fn values(&self, key: &[u8]) -> Result<Option<ValueSet>, StoreFault> {
        match self.cache.get_value_or_guard(key, None) {
            GuardResult::Value(values) => Ok(values),
            GuardResult::Guard(guard) => {
                let values = self.store.get(key)?.map(|stored| stored.values);
                // A write in between has removed the placeholder: then the insert is refused, as it should be.
                let _ = guard.insert(values.clone());
                Ok(values)
            }
            GuardResult::Timeout => Ok(self.store.get(key)?.map(|stored| stored.values)),
        }
    }

    /// Drops a record from the cache; called after every commit that touches it.
    pub fn forget(&self, key: &RecordKey) {
        self.cache.remove(key.as_bytes());
    }

    /// Drops everything, e.g. after a restore.
    pub fn forget_all(&self) {
        self.cache.clear();
    }

    /// Octets and entries held by the cache.
    pub fn cache_size(&self) -> (u64, usize) {
        (self.cache.weight(), self.cache.len())
    }

    /// Whether names under the prefix of `name` live here; see [`Authority::home_of`].
    pub fn is_home_of(&self, name: Name<'_>) -> bool {
        if !name.is_prefix_handle() {
            return self.home_of(name).is_ok_and(|home| home.is_some());
        }
        let homed = self.store.homed();
        homed.contains(&Prefix::folded(NA))
            || name.described_prefix().is_some_and(|prefix| prefix.lineage().any(|p| homed.contains(&p)))
    }

    /// The homed prefix that answers for a name that is no prefix handle: its own, and for a name with a tag the
    /// longest of its authority path, unless a longer one is delegated to somebody else.
    pub fn home_of(&self, name: Name<'_>) -> Result<Option<Prefix>, StoreFault> {
        let home = name.home();
        if !name.is_tagged() {
            return Ok((self.store.is_homed(&home) && !self.has_left(&home)).then_some(home));
        }
        Ok(match self.nearest(&home)? {
            Some(Nearest::Homed(prefix)) if !self.has_left(&prefix) => Some(prefix),
            _ => None,
        })
    }

    /// The nearest to `deepest` of itself and what it is derived from that is homed here or delegated from here.
    fn nearest(&self, deepest: &Prefix) -> Result<Option<Nearest>, StoreFault> {
        let homed = self.store.homed();
        for prefix in deepest.lineage() {
            if homed.contains(&prefix) {
                return Ok(Some(Nearest::Homed(prefix)));
            }
            if let Some(delegation) = self.delegation(&prefix, false)? {
                return Ok(Some(Nearest::Delegated(delegation)));
            }
        }
        Ok(None)
    }

    /// Whether another server of this site holds the name.
    pub fn is_elsewhere_in_site(&self, name: Name<'_>) -> bool {
        let Some(share) = &self.share else { return false };
        share.site.server_position(name) != Some(share.position)
    }

    /// The values of a name that is answered here without referral; the hot path's question. `None` means that
    /// [`Authority::answer`] must decide.
    pub fn direct(&self, name: Name<'_>, key: &mut Vec<u8>) -> Result<Option<ValueSet>, StoreFault> {
        if self.is_elsewhere_in_site(name) || !self.is_home_of(name) {
            return Ok(None);
        }
        key.clear();
        name.write_key(self.rule, key);
        self.values(key)
    }

    /// Answers a query from own records: the longest delegated prefix wins.
    pub fn answer(&self, query: &Query<'_>) -> Result<Answer, StoreFault> {
        let name = query.name;
        let home = self.is_home_of(name) || (query.do_not_refer && self.was_home_of(name)?);
        if home && self.is_elsewhere_in_site(name) {
            return Ok(Answer::Absent(Absence::WrongServer));
        }
        if home {
            let key = RecordKey::of(name, self.rule);
            if let Some(values) = self.values(key.as_bytes())? {
                return Ok(Answer::Found(Record { identifier: name.to_identifier(), values }));
            }
        }
        if !query.do_not_refer
            && let Some(delegation) = self.delegation_of(name)?
        {
            return Ok(Answer::Referral(delegation));
        }
        Ok(Answer::Absent(if home { Absence::NotFound } else { Absence::NotResponsible }))
    }

    /// Whom this node refers a name to: for prefix handles the service of the prefixes below an ancestor (RC 303),
    /// for other names that of their prefix or of an ancestor (RC 302).
    fn delegation_of(&self, name: Name<'_>) -> Result<Option<Delegation>, StoreFault> {
        if let Some(prefix) = name.described_prefix() {
            return self.delegation_above(&prefix);
        }
        let home = name.home();
        if name.is_tagged() {
            return match self.nearest(&home)? {
                Some(Nearest::Delegated(delegation)) => Ok(Some(delegation)),
                Some(Nearest::Homed(prefix)) if self.has_left(&prefix) => self.delegation(&prefix, false),
                _ => Ok(None),
            };
        }
        if self.store.is_homed(&home) && !self.has_left(&home) {
            return Ok(None);
        }
        match self.delegation(&home, false)? {
            Some(delegation) => Ok(Some(delegation)),
            None => Ok(self.delegation_above(&home)?.map(as_service)),
        }
    }

    /// Whether names under the prefix of `name` lived here until lately. Who does not want to be sent on gets what is
    /// still here.
    fn was_home_of(&self, name: Name<'_>) -> Result<bool, StoreFault> {
        if name.is_prefix_handle() || self.store.moving().is_empty() {
            return Ok(false);
        }
        let home = name.home();
        Ok(match name.is_tagged() {
            true => matches!(self.nearest(&home)?, Some(Nearest::Homed(prefix)) if self.has_left(&prefix)),
            false => self.store.is_homed(&home) && self.has_left(&home),
        })
    }

    /// Whether a prefix that lived here is served elsewhere by now.
    fn has_left(&self, prefix: &Prefix) -> bool {
        self.store.moving().get(prefix) == Some(&Moving::Left)
    }

    /// The service of the prefixes below the nearest ancestor that names one, unless that is this node itself.
    fn delegation_above(&self, prefix: &Prefix) -> Result<Option<Delegation>, StoreFault> {
        for ancestor in prefix.lineage().skip(1) {
            if let Some(below) = self.delegation(&ancestor, true)? {
                let here = self.store.is_homed(&ancestor) && self.is_own_service(&ancestor, &below)?;
                return Ok((!here).then_some(below));
            }
        }
        Ok(None)
    }

    /// Whether the prefixes below a prefix homed here are served by just those who serve its identifiers: by us.
    fn is_own_service(&self, prefix: &Prefix, below: &Delegation) -> Result<bool, StoreFault> {
        let own = self.delegation(prefix, false)?.map_or_else(Vec::new, |own| own.values);
        Ok(below.values.iter().all(|value| own.iter().any(|own| own.data == value.data)))
    }

    /// What a prefix handle kept here says to everybody about its service.
    fn delegation(&self, prefix: &Prefix, for_prefixes: bool) -> Result<Option<Delegation>, StoreFault> {
        let key = prefix.handle().key(self.rule);
        let Some(values) = self.values(key.as_bytes())? else { return Ok(None) };
        let Some(mut delegation) = hufu_store::delegation_in(prefix, &values, for_prefixes) else { return Ok(None) };
        delegation.values.retain(|value| value.permissions.public_read());
        Ok((!delegation.values.is_empty()).then_some(delegation))
    }
}

/// The same servers, named as those that answer for identifiers: a client follows RC 302 by `HS_SITE` values only.
fn as_service(mut delegation: Delegation) -> Delegation {
    delegation.for_prefixes = false;
    for value in &mut delegation.values {
        let plain = match value.is_kind(kind::SERV_PREFIX) {
            true => kind::SERV,
            false => kind::SITE,
        };
        value.kind = plain.as_bytes().to_vec();
    }
    delegation
}
