//! Chains of aliases: followed to their end, cut when they turn or go on too long.

use crate::country::{Country, resolve};
use crate::network::{Network, identifier};
use hufu_ident::systems::handle::kind;
use hufu_ident::{Identifier, Value, ValueSet, limits};
use hufu_resolve::{AliasFault, Recursor, Resolved, alias, follow};
use std::collections::HashMap;

#[derive(Debug, PartialEq, Eq)]
enum Fault {
    Alias(AliasFault),
    Absent,
}

impl From<AliasFault> for Fault {
    fn from(fault: AliasFault) -> Self {
        Fault::Alias(fault)
    }
}

fn to(target: &str) -> ValueSet {
    ValueSet::from_values(vec![Value::new(1, kind::ALIAS, target)])
}

async fn chase(records: &[(&str, ValueSet)], from: &str) -> Result<(Vec<String>, ValueSet), Fault> {
    let records: HashMap<_, _> = records.iter().map(|(name, values)| (name.to_string(), values.clone())).collect();
    let look_up = |name: Identifier| {
        let found = records.get(name.as_str()).cloned().ok_or(Fault::Absent);
        async move { found }
    };
    let (passed, last) = follow(identifier(from), 0, look_up, |values| Some(values)).await?;
    Ok((passed.iter().map(ToString::to_string).collect(), last))
}

#[tokio::test]
async fn a_chain_leads_to_its_last_record() {
    let plain = ValueSet::from_values(vec![Value::new(1, "URL", "u")]);
    let records = [("1/a", to("1/b")), ("1/b", to(" 1/c\n")), ("1/c", plain.clone())];
    assert_eq!(chase(&records, "1/a").await, Ok((vec!["1/a".into(), "1/b".into(), "1/c".into()], plain.clone())));
    assert_eq!(chase(&records, "1/c").await, Ok((vec!["1/c".into()], plain)));
    assert_eq!(chase(&[("1/a", to("1/none"))], "1/a").await, Err(Fault::Absent));
}

#[tokio::test]
async fn circles_are_cut() {
    let cycle = |name: &str| Err(Fault::Alias(AliasFault::Cycle(identifier(name))));
    assert_eq!(chase(&[("1/a", to("1/a"))], "1/a").await, cycle("1/a"));
    assert_eq!(chase(&[("1/a", to("1/A"))], "1/a").await, cycle("1/A"), "spelling does not hide a circle");
    let records = [("1/a", to("1/b")), ("1/b", to("1/c")), ("1/c", to("1/b"))];
    assert_eq!(chase(&records, "1/a").await, cycle("1/b"));
}

#[tokio::test]
async fn twenty_links_are_followed_and_no_more() {
    let chain = |links: usize| -> Vec<(String, ValueSet)> {
        let link = |at: usize| (format!("1/{at}"), to(&format!("1/{}", at + 1)));
        let last = (format!("1/{links}"), ValueSet::from_values(Vec::new()));
        (0..links).map(link).chain([last]).collect()
    };
    for (links, followed) in [(limits::ALIAS_DEPTH, true), (limits::ALIAS_DEPTH + 1, false)] {
        let records = chain(links);
        let records: Vec<_> = records.iter().map(|(name, values)| (name.as_str(), values.clone())).collect();
        match chase(&records, "1/0").await {
            Ok((passed, _)) => assert!(followed && passed.len() == links + 1),
            Err(fault) => assert!(!followed && fault == Fault::Alias(AliasFault::TooLong), "{fault:?}"),
        }
    }
}

#[test]
fn only_a_public_well_formed_alias_counts() {
    let target = |value: Value| alias::target(&ValueSet::from_values(vec![value]), 0).map(|name| name.to_string());
    assert_eq!(target(Value::new(1, "hs_alias", "1/b")), Some("1/b".into()));
    assert_eq!(target(Value::new(1, kind::ALIAS, "1/b").with_permissions(0x0C)), None, "it would give itself away");
    assert_eq!(target(Value::new(1, kind::ALIAS, "")), None);
    assert_eq!(target(Value::new(1, kind::ALIAS, vec![0xFF, 0xFE])), None);
    assert_eq!(target(Value::new(1, "HS_ALIASES", "1/b")), None);
}

/// What the recursor found, or why not.
async fn look_up(recursor: &Recursor<Network>, name: Identifier) -> Result<ValueSet, Fault> {
    match resolve(recursor, name.as_str()).await.resolved {
        Resolved::Values(values) => Ok(values),
        _ => Err(Fault::Absent),
    }
}

#[tokio::test(start_paused = true)]
async fn aliases_cross_prefixes() {
    let country = Country::new();
    country.enterprise.put("88.118.8/old", vec![Value::new(1, kind::ALIAS, "86.122.2/x")]);
    let recursor = country.recursor(Default::default());
    let found = follow(identifier("88.118.8/old"), 0, |name| look_up(&recursor, name), |values| Some(values)).await;
    let (passed, values) = found.expect("a record");
    assert_eq!(passed, [identifier("88.118.8/old"), identifier("86.122.2/x")]);
    assert!(values.iter().any(|value| value.is_kind("URL")));
}
