//! Wished prefixes: names that their systems know, and proof for those that are held already.

use super::{Aspect, Checker, Findings, Input, Outcome};
use crate::onboarding::content::Origin;
use hufu_ident::Prefix;

pub struct PrefixCheck;

impl Checker for PrefixCheck {
    fn name(&self) -> &'static str {
        "prefix-names"
    }

    fn aspect(&self) -> Aspect {
        Aspect::Prefixes
    }

    fn check(&self, input: &Input<'_>) -> Findings {
        let mut findings = Findings::default();
        let mut seen = Vec::new();
        for (at, wish) in input.content.prefixes.iter().enumerate() {
            let field = format!("prefixes[{at}].name");
            if wish.name.is_empty() {
                continue;
            }
            let Some(name) = findings.take(Outcome::Fail, &field, Prefix::parse(wish.name.trim())) else { continue };
            if seen.contains(&name) {
                findings.add(
                    Outcome::Fail,
                    &field,
                    "prefix-twice",
                    "同一前缀申请了两次",
                    "the same prefix is wanted twice",
                );
            }
            if wish.origin == Origin::Held {
                let (zh, en) = ("已持有的前缀须核对持有证明", "a person has to look at the proof that it is held");
                findings.add(Outcome::Doubtful, &field, "proof-to-check", zh, en);
            }
            seen.push(name);
        }
        findings
    }
}
