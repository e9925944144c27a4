//! The tree of object identifiers as far as this node's store has it: children, labels, and what lies below.

use crate::answering::Answering;
use hufu_ident::identifier::NA;
use hufu_ident::systems::oid::label::{self, Labels, StandardLabels};
use hufu_ident::{CaseRule, Identifier, Prefix, RecordKey, ValueSet};
use hufu_resolve::StoreFault;
use hufu_store::{Store, Stored};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The type of a value that names its node by a Unicode label.
pub const LABEL: &str = "ORS+LABEL";
/// Children looked through for a label, or listed.
pub const CHILDREN: usize = 4096;
/// Records read at once.
const PAGE: usize = 256;

/// A view of the store; empty for a node that keeps nothing.
#[derive(Clone)]
pub struct Tree {
    store: Option<Arc<dyn Store>>,
}

/// A child of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Dot form.
    pub oid: String,
    /// Its record's public values; none where only something below it is kept here.
    pub values: Option<ValueSet>,
    /// Whether another node answers for it, as a prefix handle here says.
    pub delegated: bool,
}

impl Child {
    /// Its Unicode labels.
    pub fn labels(&self) -> Vec<String> {
        let values = self.values.iter().flat_map(|values| values.to_values());
        values.filter(|value| value.is_kind(LABEL)).filter_map(|value| String::from_utf8(value.data).ok()).collect()
    }
}

impl Tree {
    pub fn of(answering: &Answering) -> Tree {
        Tree { store: answering.authority.as_ref().map(|authority| Arc::clone(authority.store())) }
    }

    /// Sequence of the newest change, the serial of the zone.
    pub fn serial(&self) -> u64 {
        self.store.as_ref().map_or(0, |store| store.last_sequence())
    }

    /// Whether anything is kept here, homed here or delegated from here strictly below a node (the empty one stands
    /// above the roots).
    pub fn has_below(&self, dotted: &str) -> Result<bool, StoreFault> {
        let Some(store) = &self.store else { return Ok(false) };
        let range = key_of(dotted);
        if !self.scan(&range, Some(&range), 1)?.is_empty() || !self.scan(&delegation_range(dotted), None, 1)?.is_empty()
        {
            return Ok(true);
        }
        let above = Prefix::folded(&format!("oid:{dotted}"));
        Ok(store.homed().iter().any(|homed| homed.is_derived_from(&above)))
    }

    /// The shortest prefix homed here that a node lies below, or is.
    pub fn homed_above(&self, dotted: &str) -> Option<String> {
        let homed = self.store.as_ref()?.homed();
        let lineage: Vec<Prefix> = Prefix::folded(&format!("oid:{dotted}")).lineage().collect();
        let found = lineage.into_iter().rev().find(|prefix| homed.contains(prefix))?;
        found.path().map(|(_, path)| path.to_owned())
    }

    /// The children of a node in numeric order, at most [`CHILDREN`].
    pub fn children(&self, dotted: &str) -> Result<Vec<Child>, StoreFault> {
        // Keyed as records are, which is the numeric order.
        let mut children: BTreeMap<Vec<u8>, Child> = BTreeMap::new();
        let range = key_of(dotted);
        let mut after = range.clone();
        while children.len() < CHILDREN {
            let Some((key, stored)) = self.scan(&range, Some(&after), 1)?.into_iter().next() else { break };
            let Some(child) = child_of(dotted, key.to_identifier().as_str()) else { break };
            let own = key_of(&child);
            let values = (own == key.as_bytes()).then(|| stored.values.public());
            // Every key below the child goes on with the high octet of a small number.
            after = [&own[..], &[0xFF]].concat();
            children.insert(own, Child { oid: child, values, delegated: false });
        }
        self.add_delegated(dotted, &mut children)?;
        Ok(children.into_values().collect())
    }

    /// Adds the children that prefix handles name.
    fn add_delegated(&self, dotted: &str, children: &mut BTreeMap<Vec<u8>, Child>) -> Result<(), StoreFault> {
        let range = delegation_range(dotted);
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.scan(&range, after.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            for (key, _) in &page {
                let handle = key.to_identifier();
                let Some(name) = handle.as_str().strip_prefix(NA).and_then(|rest| rest.strip_prefix('/')) else {
                    continue;
                };
                let Some(child) = child_of(dotted, name) else { continue };
                let own = self.store.as_ref().is_some_and(|store| store.is_homed(&Prefix::folded(name)));
                let here = format!("oid:{child}").eq_ignore_ascii_case(name);
                let added = Child { oid: child.clone(), values: None, delegated: false };
                let known = children.entry(key_of(&child)).or_insert(added);
                known.delegated |= here && !own;
            }
            match page.last() {
                Some((key, _)) if full && children.len() < CHILDREN => after = Some(key.as_bytes().to_vec()),
                _ => return Ok(()),
            }
        }
    }

    fn scan(&self, start: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<(RecordKey, Stored)>, StoreFault> {
        match &self.store {
            Some(store) => Ok(store.scan(start, after, limit)?),
            None => Ok(Vec::new()),
        }
    }

    /// The node that a label names below `parent`, by the standards or by a record kept here. `label` may be an
    /// A-label.
    pub fn named(&self, parent: &str, label: &str) -> Result<Option<String>, StoreFault> {
        if let Some(node) = StandardLabels.node(parent, label) {
            return Ok(Some(node));
        }
        if parent.is_empty() {
            return Ok(None);
        }
        let Some(folded) = label::to_dns(label) else { return Ok(None) };
        let is_it = |child: &Child| child.labels().iter().any(|own| label::to_dns(own).as_ref() == Some(&folded));
        Ok(self.children(parent)?.into_iter().find(is_it).map(|child| child.oid))
    }
}

impl Labels for Tree {
    /// A store that cannot be read knows no labels; the look-up that follows reports the fault.
    fn node(&self, parent: &str, label: &str) -> Option<String> {
        self.named(parent, label).ok().flatten()
    }
}

/// The record key of a node, which all keys below it begin with.
fn key_of(dotted: &str) -> Vec<u8> {
    RecordKey::range_of(&Prefix::folded(&format!("oid:{dotted}")))
}

/// What the keys of the prefix handles below a node begin with.
fn delegation_range(dotted: &str) -> Vec<u8> {
    let dot = if dotted.is_empty() { "" } else { "." };
    let handle = Identifier::parse(&format!("{NA}/oid:{dotted}{dot}"));
    handle.map(|handle| handle.key(CaseRule::Insensitive).as_bytes().to_vec()).unwrap_or_default()
}

/// The child of `dotted` that `name` (with its tag) is or lies below.
fn child_of(dotted: &str, name: &str) -> Option<String> {
    let rest = name.get("oid:".len()..)?.strip_prefix(dotted)?;
    let (rest, dot) = match dotted.is_empty() {
        true => (rest, ""),
        false => (rest.strip_prefix('.')?, "."),
    };
    let arc = rest.split('.').next().filter(|arc| !arc.is_empty())?;
    Some(format!("{dotted}{dot}{arc}"))
}
