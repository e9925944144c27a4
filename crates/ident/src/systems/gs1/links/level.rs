//! Levels: a key alone, and a key with some of its qualifiers; and the default link among them.

use super::link_type::PIP;
use super::{Choice, Link, Wants, choose, choose_fitting};

/// What stands in the name of a level for any value of a qualifier.
const ANY: &str = "{}";
/// Qualifiers of one request; no key has more (GS1 Digital Link URI syntax).
const QUALIFIERS: usize = 6;
/// Characters of the shortest key value under which a rule for all longer ones may stand.
const LEAST_PREFIX: usize = 12;
/// The keys whose values are serial, so that a rule for a beginning makes sense.
const PREFIX_KEYS: [&str; 3] = ["00", "8003", "8004"];

/// What one level says.
#[derive(Debug, Clone, std::default::Default, PartialEq, Eq)]
pub struct Level {
    /// Its name without tag: `01/09521321000018/21/7`.
    pub name: String,
    pub description: Option<String>,
    pub links: Vec<Link>,
    pub default: Option<Default>,
    /// Variants of the default link.
    pub multi: Vec<Link>,
}

/// How a level names its default link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Default {
    /// The first of its links of that type; the others of the type are its variants.
    Type(String),
    Link(Link),
}

impl Level {
    fn of_type<'a>(&'a self, link_type: &'a str) -> impl Iterator<Item = &'a Link> + 'a {
        self.links.iter().filter(move |link| link.link_type == link_type)
    }

    /// The link that the level calls its default.
    pub fn own_default(&self) -> Option<&Link> {
        match self.default.as_ref()? {
            Default::Type(link_type) => self.of_type(link_type).next(),
            Default::Link(link) => Some(link),
        }
    }

    /// The variants of the default link.
    pub fn variants(&self) -> Vec<&Link> {
        if !self.multi.is_empty() {
            return self.multi.iter().collect();
        }
        match &self.default {
            Some(Default::Type(link_type)) => {
                let all: Vec<&Link> = self.of_type(link_type).collect();
                if all.len() > 1 { all } else { Vec::new() }
            }
            _ => Vec::new(),
        }
    }
}

/// The default link of a request, and the place of its level in `levels` (most special first): that of the nearest
/// level which names one; where none does, the first product page, or first link, of the nearest level with links.
pub fn default_of(levels: &[Level]) -> Option<(usize, &Link)> {
    let own = levels.iter().enumerate().find_map(|(at, level)| Some((at, level.own_default()?)));
    let some = |(at, level): (usize, &'_ Level)| -> Option<(usize, usize)> {
        let page = level.links.iter().position(|link| link.link_type == PIP);
        page.or((!level.links.is_empty()).then_some(0)).map(|link| (at, link))
    };
    own.or_else(|| {
        let (at, link) = levels.iter().enumerate().find_map(some)?;
        Some((at, levels.get(at)?.links.get(link)?))
    })
}

/// Where a request without a link type goes: a variant that fits it, else the default link.
pub fn default_target<'a>(levels: &'a [Level], wants: &Wants) -> Option<&'a Link> {
    let (at, default) = default_of(levels)?;
    let variants = levels.get(at).map(Level::variants).unwrap_or_default();
    choose_fitting(&variants, wants).or(Some(default))
}

/// The choice among links of a type: those of the most special level that has any.
pub fn of_type<'a>(levels: &'a [Level], link_type: &str, wants: &Wants) -> Option<Choice<'a>> {
    let candidates =
        |level: &'a Level| -> Vec<&'a Link> { level.links.iter().filter(|link| link.link_type == link_type).collect() };
    let found = levels.iter().map(candidates).find(|links| !links.is_empty())?;
    Some(choose(&found, wants))
}

/// The name of a level that a request might have, and what its variables are bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelName {
    /// Without tag; `{}` stands for any value.
    pub name: String,
    /// AI and value (decoded) of each qualifier that stands as `{}`.
    pub bound: Vec<(String, String)>,
}

/// All levels that a request with this key and these qualifiers (AI, value as spelt in names, value decoded, in the
/// order of the table) might have: every part of its qualifiers, each by its value or as `{}`.
///
/// Most special first: more qualifiers before fewer, then the ones further right in the table's order, then an exact
/// value before `{}`; the key last.
pub fn level_names(key: &str, qualifiers: &[(&str, &str, &str)]) -> Vec<LevelName> {
    let qualifiers = &qualifiers[..qualifiers.len().min(QUALIFIERS)];
    let mut masks: Vec<u32> = (0..1u32 << qualifiers.len()).collect();
    masks.sort_by_key(|mask| std::cmp::Reverse((mask.count_ones(), *mask)));
    let parts =
        |mask: u32| qualifiers.iter().enumerate().filter(move |(at, _)| mask & (1 << at) != 0).map(|(_, part)| part);
    let mut names = Vec::new();
    for mask in masks {
        let count = mask.count_ones();
        let mut templates: Vec<u32> = (0..1u32 << count).collect();
        templates.sort_by_key(|template| (template.count_ones(), *template));
        for template in templates {
            let mut level = LevelName { name: key.to_owned(), bound: Vec::new() };
            for (at, (ai, spelt, value)) in parts(mask).enumerate() {
                let any = template & (1 << at) != 0;
                level.name.push_str(&format!("/{ai}/{}", if any { ANY } else { spelt }));
                if any {
                    level.bound.push(((*ai).to_owned(), (*value).to_owned()));
                }
            }
            names.push(level);
        }
    }
    names
}

/// Names of rules for all values that begin so, longest beginning first, with the beginning and the rest; for serial
/// keys only.
pub fn prefix_names<'a>(ai: &'a str, value: &'a str) -> impl Iterator<Item = (String, &'a str, &'a str)> + 'a {
    let serial = PREFIX_KEYS.contains(&ai) && value.is_ascii();
    let lengths = (LEAST_PREFIX..=value.len()).rev().filter(move |_| serial);
    lengths.map(move |length| {
        let (start, rest) = value.split_at(length);
        (format!("{ai}/{start}{ANY}"), start, rest)
    })
}
