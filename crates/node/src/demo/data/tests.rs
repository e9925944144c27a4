//! The samples as a whole: enough, unique, registrable, within their bounds, and referring to nothing absent.

use super::*;
use hufu_ident::systems::handle::kind;
use hufu_ident::{Permissions, Ttl, ValueSet, system};
use std::collections::{HashMap, HashSet};

const URL: &str = "https://node.example";

#[test]
fn there_are_thousands_and_always_the_same() {
    for company in companies() {
        let all: Vec<_> = records(company, URL).collect();
        assert!((3000..=6000).contains(&all.len()), "{}: {}", company.prefix, all.len());
        assert!(records(company, URL).eq(all));
    }
    let stranger = Company { prefix: "88.999.1", name: "", name_en: "", industry: "" };
    assert!(records(&stranger, URL).next().is_none() && samples(&stranger).is_empty());
}

#[test]
fn identifiers_are_unique_and_may_be_registered() {
    for company in companies() {
        let mut seen = HashSet::new();
        for (suffix, _) in records(company, URL) {
            let name = format!("{}/{suffix}", company.prefix);
            let (identifier, _) = system::check_new(&name).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
            assert!(seen.insert(identifier.key(Default::default())), "{name}");
        }
    }
}

#[test]
fn records_are_small_and_well_formed() {
    for company in companies() {
        for (suffix, values) in records(company, URL) {
            let indexes: Vec<_> = values.iter().map(|value| value.index).collect();
            assert_eq!(indexes, (1..=values.len() as u32).collect::<Vec<_>>(), "{suffix}");
            assert!((5..=9).contains(&values.len()), "{suffix}: {}", values.len());
            assert!(values.iter().all(|value| std::str::from_utf8(&value.data).is_ok_and(|text| !text.is_empty())));
            let octets = ValueSet::from_values(values).as_bytes().len();
            assert!(octets <= 1500, "{suffix}: {octets}");
        }
    }
}

#[test]
fn what_a_record_refers_to_is_there() {
    const REFERRING: [&str; 6] = [kind::ALIAS, "组成部件", "组成光纤", "原料标识", "承载光缆", "来源集装箱"];
    for company in companies() {
        let all: HashSet<_> = records(company, URL).map(|(suffix, _)| format!("{}/{suffix}", company.prefix)).collect();
        let mut met = HashSet::new();
        for (suffix, values) in records(company, URL) {
            for value in values.iter().filter(|value| kind::is_one_of(&value.kind, &REFERRING)) {
                let text = String::from_utf8(value.data.clone()).unwrap();
                assert!(text.lines().all(|name| all.contains(name)), "{suffix}: {text}");
                met.insert(value.kind.clone());
            }
        }
        assert!(met.len() >= 2, "{}", company.prefix);
    }
}

#[test]
fn some_values_are_inner_and_some_live_briefly() {
    for company in companies() {
        let values: Vec<_> = records(company, URL).flat_map(|(_, values)| values).collect();
        let inner = values.iter().filter(|value| value.permissions == Permissions(0x0C)).count();
        let live = values.iter().filter(|value| value.ttl == Ttl::Relative(300)).count();
        let usual = values.iter().filter(|value| value.ttl == Ttl::default()).count();
        assert!(inner > 500 && live > 50 && live + usual == values.len(), "{}: {inner}, {live}", company.prefix);
        let secret = |value: &&Value| ["成本", "工艺参数", "客户"].iter().any(|kind| value.is_kind(kind));
        assert_eq!(values.iter().filter(secret).filter(|value| value.permissions.public_read()).count(), 0);
    }
}

#[test]
fn samples_are_records_and_show_every_kind() {
    for company in companies() {
        let all: HashMap<_, _> = records(company, URL).collect();
        let list = samples(company);
        assert_eq!(list.len(), 4);
        assert!(list.iter().all(|sample| all.contains_key(&sample.suffix)), "{list:?}");
        let has = |number: usize, kind| all[&list[number].suffix].iter().any(|value| value.is_kind(kind));
        assert!(list[1].suffix.contains(' ') && !list[1].suffix.is_ascii());
        assert!(has(0, kind::URL) && has(2, kind::ALIAS) && has(3, kind::URL) && has(3, kind::LOC));
        let mut shown = list.iter().flat_map(|sample| &all[&sample.suffix]);
        assert!(shown.any(|value| !value.permissions.public_read()), "{list:?}");
    }
    assert_eq!(samples(&ENGINES)[0].suffix, "JXDY2106023");
}
