//! Operations that change or list records, whoever carries them: the Handle protocol and HTTP come here.
//!
//! The order of checks is the reference server's (create: responsible → name → indexes → exists → proof → right),
//! because clients can tell the refusals apart. Every operation is atomic per identifier: it is computed from a
//! version of the record and committed only if that version still stands.

mod authorise;
mod identity;
mod mappings;
mod operations;
pub mod rights;

pub use identity::{Claim, Identities, Proof};
pub use operations::{Done, Operation};

use crate::answering::Answering;
use hufu_ident::systems::handle::Site;
use hufu_ident::systems::handle::proof::Legacy;
use hufu_ident::systems::handle::wire::ResponseCode;
use hufu_ident::{Delegation, Reference};
use hufu_registry::objects::Objects;
use hufu_resolve::{Authority, StoreFault};
use std::sync::Arc;

/// Why an operation is not done.
#[derive(Debug, Clone)]
pub enum Refused {
    /// A code of the protocol and its text (which the reference often leaves empty).
    No { code: ResponseCode, text: String },
    /// Another node is responsible.
    Referral(Delegation),
    /// Whoever asks must prove who they are.
    NeedsProof,
}

impl Refused {
    pub fn no(code: ResponseCode, text: impl Into<String>) -> Self {
        Refused::No { code, text: text.into() }
    }

    pub fn code(code: ResponseCode) -> Self {
        Refused::no(code, "")
    }
}

impl From<StoreFault> for Refused {
    fn from(fault: StoreFault) -> Self {
        let id = crate::telemetry::incident("record store", &fault);
        Refused::no(ResponseCode::ERROR, format!("Internal Error, incident {id}"))
    }
}

/// Who reads through which door, for the log of disclosures.
#[derive(Debug, Clone, Copy)]
pub struct Visitor<'a> {
    pub door: &'static str,
    pub address: &'a str,
    pub request: &'a str,
    /// What it is read for, where the door can say so.
    pub purpose: &'a str,
}

/// The rules of an administration.
#[derive(Debug, Clone)]
pub struct Rules {
    pub server_administrators: Vec<Reference>,
    pub full_access: bool,
    pub prefix_administrators: bool,
    pub allow_listing: bool,
    pub legacy: Legacy,
}

/// Performs operations on the node's own records.
pub struct Administration {
    pub(crate) authority: Arc<Authority>,
    pub(crate) answering: Answering,
    pub(crate) identities: Arc<Identities>,
    pub(crate) rules: Rules,
    /// This node's site, put into prefix handles that it hosts.
    pub(crate) site: Site,
    /// The objects of this node, which share the records with whatever is written here.
    pub(crate) objects: Option<Objects>,
}

impl Administration {
    pub fn new(
        authority: Arc<Authority>,
        answering: Answering,
        identities: Arc<Identities>,
        rules: Rules,
        site: Site,
        objects: Option<Objects>,
    ) -> Self {
        Administration { authority, answering, identities, rules, site, objects }
    }

    pub fn identities(&self) -> &Arc<Identities> {
        &self.identities
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }
}
