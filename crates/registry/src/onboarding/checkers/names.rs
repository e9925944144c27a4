//! Names and texts that others will see, against the word list.

use super::{Aspect, Checker, Findings, Input, Outcome};
use crate::names::Weight;

pub struct NameCheck;

impl Checker for NameCheck {
    fn name(&self) -> &'static str {
        "name-words"
    }

    fn aspect(&self) -> Aspect {
        Aspect::Name
    }

    fn check(&self, input: &Input<'_>) -> Findings {
        let mut findings = Findings::default();
        let mut texts = Vec::new();
        if let Some(subject) = &input.content.subject {
            texts.push(("subject.orgName".to_owned(), subject.org_name.as_str()));
            texts.push(("subject.extWeb.name".to_owned(), subject.ext_web.name.as_str()));
        }
        for (at, wish) in input.content.prefixes.iter().enumerate() {
            texts.push((format!("prefixes[{at}].purpose"), wish.purpose.as_str()));
        }
        for (field, text) in texts.into_iter().filter(|(_, text)| !text.trim().is_empty()) {
            // A purpose is a text, not a name: what its form is matters to nobody.
            let Some(hits) = findings.take(Outcome::Doubtful, &field, input.words.examine(&first_line(text))) else {
                continue;
            };
            for hit in hits {
                let weight = match hit.category.weight {
                    Weight::Refused => Outcome::Fail,
                    Weight::Review => Outcome::Doubtful,
                    Weight::Allowed => continue,
                };
                let refusal = hit.refusal();
                findings.add(weight, &field, refusal.code, refusal.zh, refusal.en);
            }
        }
        findings
    }
}

/// As much of a text as is examined like a name: line ends as spaces, at most 255 characters.
fn first_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(255).collect()
}
