//! Classes of GB/T 4754-2017: each exists, and lies in the one above.

use super::{Aspect, Checker, Findings, Input, Outcome};
use crate::industry::Industry;

pub struct IndustryCheck;

impl Checker for IndustryCheck {
    fn name(&self) -> &'static str {
        "industry-codes"
    }

    fn aspect(&self) -> Aspect {
        Aspect::Industry
    }

    fn check(&self, input: &Input<'_>) -> Findings {
        let mut findings = Findings::default();
        let Some(subject) = &input.content.subject else { return findings };
        let own = Industry::parse_fields([&subject.industry_category, &subject.industry_specific, "", ""]);
        findings.take(Outcome::Fail, "subject.industrySpecific", own);
        for (at, served) in subject.ser_industries.iter().enumerate() {
            let fields = [&served.category, &served.specific, &served.trade, &served.subclass].map(String::as_str);
            findings.take(Outcome::Fail, &format!("subject.serIndustries[{at}]"), Industry::parse_fields(fields));
        }
        findings
    }
}
