//! Names of other systems than Handle: who answers is known only to those who delegate, because any length of their
//! authority path may have been delegated. So the nearest node known is asked for the name itself, and refers.
//!
//! Referrals are remembered under the prefix they are about, so that the next name below it starts there. A
//! network of the system's own servers stands behind a gateway ([`crate::foreign`]): it is asked where it is the
//! longest known way, and, for a whole system, where our own nodes know of nobody.

use super::{Ask, Recursor, Resolved};
use crate::cache::{Entry, Remembered};
use crate::reply::Referral;
use crate::trace::{CacheState, Hop};
use crate::upstream::Upstream;
use crate::walk::{Path, Walk};
use hufu_ident::systems::handle::{Site, kind};
use hufu_ident::{Identifier, Name, Prefix, RecordKey};
use std::time::Duration;
use tokio::time::Instant;

/// First octet of the cache keys of remembered referrals; no system's space.
const REFERRED: u8 = b'>';

/// The nearest node known for a name.
pub(super) struct Nearest {
    pub sites: Vec<Site>,
    /// What it answers for; none for the root.
    pub prefix: Option<Prefix>,
    /// Known by a referral, not by configuration.
    learned: bool,
}

impl Nearest {
    /// Whether a gateway for `beyond` is the longer way. One for a whole system is the last resort instead.
    fn is_less_than(&self, beyond: &Prefix) -> bool {
        let whole = beyond.path().is_some_and(|(_, path)| path.is_empty());
        !whole && self.prefix.as_ref().is_none_or(|prefix| prefix.as_str().len() < beyond.as_str().len())
    }
}

impl<U: Upstream> Recursor<U> {
    /// Asks whoever is nearest known, then, where nobody is responsible, the gateway.
    pub(super) async fn fetch_tagged(&self, name: &Identifier, ask: Ask, walk: &Walk<'_>, path: &Path<'_>) -> Resolved {
        let home = name.name().home();
        let beyond = self.foreign.as_ref().and_then(|foreign| foreign.covering(&home));
        let nearest = self.nearest_service(&home, true);
        if beyond.as_ref().is_some_and(|beyond| nearest.is_less_than(beyond)) {
            return self.ask_beyond(name, walk).await;
        }
        let learned = nearest.learned;
        let mut resolved = self.ask_nearest(name, nearest, ask, walk, path).await;
        if learned && resolved == Resolved::NotResponsible {
            // It was delegated anew since we were told.
            self.forget_referrals(&home);
            resolved = self.ask_nearest(name, self.nearest_service(&home, false), ask, walk, path).await;
        }
        match resolved {
            Resolved::NotResponsible if beyond.is_some() => self.ask_beyond(name, walk).await,
            other => other,
        }
    }

    async fn ask_nearest(
        &self,
        name: &Identifier,
        nearest: Nearest,
        ask: Ask,
        walk: &Walk<'_>,
        path: &Path<'_>,
    ) -> Resolved {
        match nearest.sites.is_empty() {
            true => Resolved::NotResponsible,
            false => self.ask_sites(name, nearest.sites, nearest.prefix, ask, walk, path).await,
        }
    }

    async fn ask_beyond(&self, name: &Identifier, walk: &Walk<'_>) -> Resolved {
        let Some(foreign) = &self.foreign else { return Resolved::NotResponsible };
        if !walk.takes_question() {
            return Resolved::Loop;
        }
        let started = Instant::now();
        let told = foreign.ask(name, self.limits.deadline).await;
        walk.trace.add(|| Hop {
            question: name.to_string(),
            server: None,
            cache: CacheState::Miss,
            outcome: format!("{}: {}", told.by, super::outcome(&told.resolved).0),
            values: super::outcome(&told.resolved).1,
            took: started.elapsed(),
        });
        told.resolved
    }

    /// The sites of the longest prefix at or above `home` that configuration or (`learned`) a referral names.
    pub(super) fn nearest_service(&self, home: &Prefix, learned: bool) -> Nearest {
        let bootstrap = self.bootstrap.load();
        for prefix in home.lineage() {
            let configured = bootstrap.exactly(&prefix);
            if !configured.is_empty() {
                return Nearest { sites: configured.to_vec(), prefix: Some(prefix), learned: false };
            }
            if let Some(sites) = learned.then(|| self.referred_sites(&prefix)).flatten() {
                return Nearest { sites, prefix: Some(prefix), learned: true };
            }
        }
        Nearest { sites: bootstrap.root().to_vec(), prefix: None, learned: false }
    }

    fn referred_sites(&self, prefix: &Prefix) -> Option<Vec<Site>> {
        let entry = self.cache.fresh(referral_key(prefix).as_bytes(), self.now())?;
        let Remembered::Values(values) = &entry.what else { return None };
        let sites: Vec<Site> = values
            .iter()
            .filter(|value| kind::is_one_of(value.kind, &kind::SERVICE))
            .filter_map(|value| Site::decode(value.data).ok())
            .collect();
        (!sites.is_empty()).then_some(sites)
    }

    /// Remembers a referral, if whoever answers for `reached` may give it: it is about a prefix of the name, and a
    /// longer one. Gives that prefix.
    pub(super) fn learn(&self, name: Name<'_>, reached: Option<&Prefix>, referral: &Referral) -> Option<Prefix> {
        if !name.is_tagged() || referral.below {
            return None;
        }
        let prefix = referral.service.as_ref()?.name().described_prefix()?;
        let about_the_name = name.home().lineage().any(|above| above == prefix);
        let longer = reached.is_none_or(|reached| prefix.as_str().len() > reached.as_str().len());
        if !about_the_name || !longer {
            return None;
        }
        let now = self.now();
        let ttl = Duration::from_secs(u64::from(referral.values.shortest_ttl(now / 1000))).min(self.limits.max_ttl);
        let fresh_until = super::later(now, ttl);
        let what = Remembered::Values(referral.values.clone());
        let key = referral_key(&prefix);
        self.cache.insert(key.as_bytes(), Entry { what, fresh_until, stale_until: fresh_until });
        Some(prefix)
    }

    fn forget_referrals(&self, home: &Prefix) {
        home.lineage().for_each(|prefix| self.cache.remove(referral_key(&prefix).as_bytes()));
    }
}

fn referral_key(prefix: &Prefix) -> RecordKey {
    let mut key = vec![REFERRED];
    key.extend_from_slice(prefix.as_str().as_bytes());
    RecordKey::from_bytes(key)
}
