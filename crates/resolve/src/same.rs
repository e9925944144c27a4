//! All known codes of one thing: from any of them along what their owners declare ([`Mapping`]).
//!
//! What one record says of another is a claim; where both say it of each other it is mutual. Claims are followed
//! breadth-first, each record looked up once, bounded in depth and number, so circles end.

use hufu_ident::mapping::Mapping;
use hufu_ident::{Identifier, RecordKey, ValueSet};
use std::collections::HashMap;
use std::future::Future;

/// Codes of one thing that are followed and told.
pub const CODES: usize = 64;
/// Declarations followed in a row.
pub const DEPTH: usize = 8;

/// One identifier of the thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    pub identifier: Identifier,
    /// Declarations between the code that was asked for and this one.
    pub depth: usize,
    /// Whose records declare it.
    pub declared_by: Vec<Declared>,
    /// Its own record declares one of those in turn; true for the code asked for.
    pub mutual: bool,
    /// Its record is found and visible to the asker.
    pub found: bool,
}

/// One declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    pub by: Identifier,
    pub alias: bool,
    /// Unix seconds.
    pub from: Option<u64>,
    pub until: Option<u64>,
}

/// The codes of the thing that `start` names, itself first. `look_up` gives what the asker may see of a record.
pub async fn known_codes<F>(start: Identifier, now: u64, mut look_up: impl FnMut(Identifier) -> F) -> Vec<Code>
where
    F: Future<Output = Option<ValueSet>>,
{
    let key = |identifier: &Identifier| identifier.key(Default::default());
    let mut places: HashMap<RecordKey, usize> = HashMap::from([(key(&start), 0)]);
    let mut codes = vec![Code { identifier: start, depth: 0, declared_by: Vec::new(), mutual: true, found: false }];
    let mut next = 0;
    while next < codes.len() {
        let (here, depth) = (codes[next].identifier.clone(), codes[next].depth);
        let values = look_up(here.clone()).await;
        codes[next].found = values.is_some();
        let declared = values.iter().flat_map(ValueSet::iter).filter(|value| value.permissions.public_read());
        for mapping in declared.filter_map(|value| Mapping::of(&value)).filter(|mapping| mapping.holds(now)) {
            let known = places.get(&key(&mapping.to)).copied();
            let at = match known {
                Some(at) => at,
                None if depth < DEPTH && codes.len() < CODES => {
                    places.insert(key(&mapping.to), codes.len());
                    let identifier = mapping.to.clone();
                    codes.push(Code {
                        identifier,
                        depth: depth + 1,
                        declared_by: Vec::new(),
                        mutual: false,
                        found: false,
                    });
                    codes.len() - 1
                }
                None => continue,
            };
            let Mapping { alias, from, until, .. } = mapping;
            codes[at].declared_by.push(Declared { by: here.clone(), alias, from, until });
        }
        next += 1;
    }
    mark_mutual(&mut codes);
    codes
}

/// A code is mutual if it and one of those that declare it declare each other.
fn mark_mutual(codes: &mut [Code]) {
    let key = |identifier: &Identifier| identifier.key(Default::default());
    let edges: Vec<(RecordKey, RecordKey)> = codes
        .iter()
        .flat_map(|code| code.declared_by.iter().map(move |declared| (key(&declared.by), key(&code.identifier))))
        .collect();
    for code in codes.iter_mut().skip(1) {
        let own = key(&code.identifier);
        code.mutual = code.declared_by.iter().any(|declared| edges.contains(&(own.clone(), key(&declared.by))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_ident::Value;
    use hufu_ident::mapping::SAME_AS;
    use std::future::ready;

    fn names(records: &[(&str, &[&str])], start: &str, now: u64) -> Vec<(String, bool, bool)> {
        let look_up = |name: Identifier| {
            let found = records.iter().find(|(own, _)| *own == name.as_str());
            ready(found.map(|(_, same)| {
                ValueSet::from_values(same.iter().zip(1..).map(|(to, index)| Value::new(index, SAME_AS, *to)).collect())
            }))
        };
        let start = Identifier::parse(start).unwrap();
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let work = std::pin::pin!(known_codes(start, now, look_up));
        let std::task::Poll::Ready(codes) = work.poll(&mut context) else { panic!("nothing to wait for") };
        codes.into_iter().map(|code| (code.identifier.to_string(), code.mutual, code.found)).collect()
    }

    #[test]
    fn codes_are_gathered_from_any_of_them() {
        let records: &[(&str, &[&str])] = &[
            ("88.118.8/SN1", &["oid:1.2.156.20009.7", "gs1:01/06901234567892/21/SN1\nuntil: 200"]),
            ("oid:1.2.156.20009.7", &["88.118.8/SN1"]),
            ("gs1:01/06901234567892/21/SN1", &["88.118.8/erp-4711", "88.118.8/gone\nuntil: 50"]),
            ("88.118.8/erp-4711", &[]),
        ];
        let row = |name: &str, mutual, found| (name.to_owned(), mutual, found);
        assert_eq!(
            names(records, "oid:1.2.156.20009.7", 100),
            [
                row("oid:1.2.156.20009.7", true, true),
                row("88.118.8/SN1", true, true),
                row("gs1:01/06901234567892/21/SN1", false, true),
                row("88.118.8/erp-4711", false, true),
            ]
        );
        assert_eq!(names(records, "88.118.8/SN1", 300).len(), 2, "what has ended no longer leads on");
        assert_eq!(names(records, "88.118.8/none", 1), [row("88.118.8/none", true, false)]);
    }

    #[test]
    fn endless_declarations_end() {
        let long: Vec<(String, Vec<String>)> =
            (0..200).map(|n| (format!("1/{n}"), vec![format!("1/{}", n + 1), "1/0".into()])).collect();
        let same: Vec<Vec<&str>> = long.iter().map(|(_, same)| same.iter().map(String::as_str).collect()).collect();
        let records: Vec<(&str, &[&str])> =
            long.iter().zip(&same).map(|((own, _), same)| (own.as_str(), &same[..])).collect();
        assert_eq!(names(&records, "1/0", 1).len(), DEPTH + 1);
    }
}
