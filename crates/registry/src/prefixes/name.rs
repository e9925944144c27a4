//! Names of prefixes: their canonical text, their system, and whose they are to give out.

use crate::error::{FieldRefusal, Refusal};
use hufu_ident::systems::vaa;
use hufu_ident::{Prefix as Name, Scheme, recognise};

/// A name that can be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub name: Name,
    pub system: Scheme,
}

/// The prefix below which whatever has no dot and no tag stands: the root's.
const ROOT: &str = "0.NA";

/// Parses a name in any spelling and checks it by the rules of its system.
pub fn check(text: &str) -> Result<Checked, Refusal> {
    let refuse = |refusal: hufu_ident::Refusal| Refusal::fields(vec![FieldRefusal::of("prefix", &refusal)]);
    let name = Name::parse(text.trim()).map_err(refuse)?;
    let system = match name.path() {
        Some((_, "")) => {
            let (zh, en) = ("整个标识体系不能作为前缀登记", "a whole identifier system is no prefix of anybody");
            return Err(Refusal::fields(vec![FieldRefusal::new("prefix", "whole-system", zh, en)]));
        }
        Some((system, _)) => system.scheme(),
        None => recognise(name.as_str()),
    };
    if name.path().is_none() {
        check_dotted(name.as_str()).map_err(refuse)?;
    }
    Ok(Checked { name, system })
}

fn check_dotted(text: &str) -> Result<(), hufu_ident::Refusal> {
    if text == ROOT || text.starts_with("0.") || text == "0" {
        let (zh, en) = ("“0.”开头的前缀由系统使用", "prefixes under “0.” belong to the system itself");
        return Err(hufu_ident::Refusal::new("prefix-of-system", "RFC 3651 §2", zh, en));
    }
    if !vaa::claims(text) || !text.contains('.') {
        return Ok(());
    }
    // The issuer's own child is a node: its segment is checked as part of a whole enterprise prefix.
    match text.matches('.').count() {
        1 => vaa::parse_prefix(&format!("{text}.1")).map(|_| ()),
        _ => vaa::parse_prefix(text).map(|_| ()),
    }
}

/// Whether `own` is the one to give `name` out: one segment deeper where segments are parted by something, anywhere
/// below where every character is a step.
pub fn is_given_out_by(own: &Name, name: &Name) -> bool {
    if own.as_str() == ROOT {
        return name.parent().is_none() && name.path().is_none();
    }
    match name.path() {
        Some((system, _)) if system.separator().is_empty() => name.is_derived_from(own),
        _ => name.parent().as_ref() == Some(own),
    }
}

/// What stands after `own` in names one step below it: `.` and nothing else for dotted ones.
pub fn with_step(own: &Name, step: &str) -> String {
    if own.as_str() == ROOT { step.to_owned() } else { format!("{}{step}", own.derived_start()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_system_are_checked_by_its_grammar() {
        for (text, canonical, system) in [
            ("88.118.8", "88.118.8", Scheme::Vaa),
            ("88.118", "88.118", Scheme::Vaa),
            ("86.122.2", "86.122.2", Scheme::Handle),
            ("10.1234", "10.1234", Scheme::Handle),
            ("20.500.12345", "20.500.12345", Scheme::Handle),
            ("gs1:6901234", "GS1:6901234", Scheme::Gs1),
            ("oid:1.2.156.3", "OID:1.2.156.3", Scheme::Oid),
            ("did:bid", "DID:BID", Scheme::Did),
            ("did:bid:by01", "DID:BID:BY01", Scheme::Did),
            ("did:web", "DID:WEB", Scheme::Did),
        ] {
            let checked = check(text).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
            assert_eq!((checked.name.as_str(), checked.system), (canonical, system));
        }
        for text in
            ["", "88.12.1", "88.118.x", "88.118.8.1", "gs1:", "gs1:69a", "oid:1.2.", "oid:7", "did:bid:x", "0.NA"]
        {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_node_gives_out_its_own_children_only() {
        let given = |own: &str, name: &str| is_given_out_by(&Name::folded(own), &Name::folded(name));
        assert!(given("88.118", "88.118.8"));
        assert!(!given("88.118", "88.118.8.1"));
        assert!(!given("88.118", "88.1189"));
        assert!(!given("88.118", "88.118"));
        assert!(given("88", "88.118") && !given("88", "88.118.8"));
        assert!(given("0.NA", "88") && !given("0.NA", "88.118") && !given("0.NA", "GS1:690"));
        assert!(given("GS1:690", "GS1:6901234") && !given("GS1:690", "GS1:691"));
        assert!(given("OID:1.2.156.3", "OID:1.2.156.3.7") && !given("OID:1.2.156.3", "OID:1.2.156.3.7.1"));
    }

    #[test]
    fn steps_are_what_stands_below() {
        let own = Name::folded("88.118");
        assert_eq!(with_step(&own, "8"), "88.118.8");
        assert_eq!(with_step(&Name::folded("GS1:690"), "1234"), "GS1:6901234");
        assert_eq!(with_step(&Name::folded("0.NA"), "88"), "88");
    }
}
