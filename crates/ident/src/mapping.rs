//! Mapping 异构标识映射: one thing's identifiers in several systems, declared by the owner of each.
//!
//! A value of type [`SAME_AS`] says that its record is about the same thing as another identifier. Its first line is
//! that identifier; lines after it may bound the time in Unix seconds (`from: 1767225600`, `until: …`) and may say
//! `alias: yes`: then whoever resolves this identifier is led on to the other. HS_ALIAS, which every Handle client
//! knows, is such an alias without end. Our profile: no standard lays this down.

use crate::identifier::Identifier;
use crate::record::ValueRef;
use crate::systems::handle::kind;

/// Type of a value that names another identifier of the same thing.
pub const SAME_AS: &str = "SAME-AS";

/// One identifier declared to be the same thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub to: Identifier,
    /// Unix seconds from which it holds.
    pub from: Option<u64>,
    /// Unix seconds from which it holds no longer.
    pub until: Option<u64>,
    /// Resolution goes on there.
    pub alias: bool,
}

impl Mapping {
    /// A mapping without bounds.
    pub fn to(to: Identifier) -> Self {
        Mapping { to, from: None, until: None, alias: false }
    }

    /// What a value declares; none for other types and for what cannot be read.
    pub fn of(value: &ValueRef<'_>) -> Option<Self> {
        let text = std::str::from_utf8(value.data).ok()?;
        if value.is_kind(kind::ALIAS) {
            return Some(Mapping { alias: true, ..Mapping::to(Identifier::parse(text.trim()).ok()?) });
        }
        value.is_kind(SAME_AS).then(|| Mapping::parse(text)).flatten()
    }

    /// Reads the data of a [`SAME_AS`] value. Lines that are not known make it unreadable: what bounds it must not be
    /// overlooked.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut mapping = Mapping::to(Identifier::parse(lines.next()?.trim()).ok()?);
        for line in lines.map(str::trim).filter(|line| !line.is_empty()) {
            let (key, value) = line.split_once(':')?;
            match (key.trim(), value.trim()) {
                ("from", seconds) => mapping.from = Some(seconds.parse().ok()?),
                ("until", seconds) => mapping.until = Some(seconds.parse().ok()?),
                ("alias", "yes") => mapping.alias = true,
                ("alias", "no") => mapping.alias = false,
                _ => return None,
            }
        }
        Some(mapping)
    }

    /// The data of a [`SAME_AS`] value that declares it.
    pub fn to_text(&self) -> String {
        let mut text = self.to.to_string();
        let mut line = |key: &str, value: String| text.push_str(&format!("\n{key}: {value}"));
        self.from.into_iter().for_each(|seconds| line("from", seconds.to_string()));
        self.until.into_iter().for_each(|seconds| line("until", seconds.to_string()));
        if self.alias {
            line("alias", "yes".into());
        }
        text
    }

    /// Whether it holds at `now` (Unix seconds).
    pub fn holds(&self, now: u64) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Value, ValueSet};

    #[test]
    fn bounds_are_read_and_written() {
        let text = "88.118.8/型号 A\nfrom: 100\nuntil: 200\nalias: yes";
        let mapping = Mapping::parse(text).unwrap();
        assert_eq!((mapping.to.as_str(), mapping.from, mapping.until), ("88.118.8/型号 A", Some(100), Some(200)));
        assert!(mapping.alias);
        assert_eq!(mapping.to_text(), text);
        assert_eq!([99, 100, 199, 200].map(|now| mapping.holds(now)), [false, true, true, false]);
        assert_eq!(Mapping::parse("oid:1.2.156.1").unwrap().to_text(), "oid:1.2.156.1");
        for unreadable in
            ["", "\nfrom: 1", "88.1/a\nfrom: soon", "88.1/a\nwhen: 1", "88.1/a\nalias: maybe", "88.1/a\nx"]
        {
            assert_eq!(Mapping::parse(unreadable), None, "{unreadable:?}");
        }
    }

    #[test]
    fn an_hs_alias_is_a_mapping_without_end() {
        let values =
            [Value::new(1, kind::ALIAS, " 88.1/b "), Value::new(2, SAME_AS, "88.1/c"), Value::new(3, "URL", "88.1/d")];
        let set = ValueSet::from_values(values.to_vec());
        let found: Vec<_> =
            set.iter().filter_map(|value| Mapping::of(&value)).map(|m| (m.to.to_string(), m.alias)).collect();
        assert_eq!(found, [("88.1/b".to_owned(), true), ("88.1/c".to_owned(), false)]);
    }
}
