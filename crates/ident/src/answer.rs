//! The question and the four answers that every protocol is translated into.

use crate::identifier::{Identifier, Name, Prefix};
use crate::record::{Record, Selection, Value};

/// One question to a node.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    pub name: Name<'a>,
    pub selection: Selection<'a>,
    /// Only an authority may answer; caches are passed by (flag AUTH).
    pub authoritative: bool,
    /// Leave out values without public read (flag PUBL).
    pub public_only: bool,
    /// The node may resolve on the asker's behalf (flag RECU).
    pub recursion_desired: bool,
    /// Do not answer with a referral (flag DNRF).
    pub do_not_refer: bool,
    /// How many servers have passed this question on.
    pub hops: u8,
}

/// What a node says. Every protocol composes its own bytes from one of these four.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Found(Record),
    Referral(Delegation),
    Alias(Identifier),
    Absent(Absence),
}

/// Why there is no record to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// The identifier is not registered (RC 100).
    NotFound,
    /// It is, but nothing of it is selected or visible (RC 200).
    NothingSelected,
    /// This node does not answer for the prefix (RC 301).
    NotResponsible,
    /// Another server of the site answers for it (RC 301).
    WrongServer,
}

/// Where a delegated prefix is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// The prefix that was delegated, the longest one that matches.
    pub prefix: Prefix,
    /// Whether the sites answer for prefix handles below (RC 303) or for the identifiers themselves (RC 302).
    pub for_prefixes: bool,
    /// HS_SITE, HS_SITE.6, HS_SERV and their `.PREFIX` forms.
    pub values: Vec<Value>,
}
