//! The organisation: its credit code, where and when it was registered.

use super::{Aspect, Checker, Findings, Input, Outcome};
use crate::checks::credit_code::CreditCode;
use crate::checks::division::Division;
use jiff::civil::Date;

pub struct OrganisationCheck;

impl Checker for OrganisationCheck {
    fn name(&self) -> &'static str {
        "organisation-form"
    }

    fn aspect(&self) -> Aspect {
        Aspect::Organisation
    }

    fn check(&self, input: &Input<'_>) -> Findings {
        let mut findings = Findings::default();
        let Some(subject) = &input.content.subject else { return findings };
        let field = "subject.orgCrtCode";
        if subject.org_crt_type == Some(1) {
            let code = findings.take(Outcome::Fail, field, CreditCode::parse(subject.org_crt_code.trim()));
            let registered = code.as_ref().and_then(CreditCode::division);
            let located = Division::parse(&subject.org_addr_province).ok();
            if let (Some(registered), Some(located)) = (registered, located)
                && registered.province() != located.province()
            {
                let zh = format!("信用代码登记于{}，单位地址在{}", registered.province().0, located.province().0);
                let en = format!("registered in {}, but located in {}", registered.province().1, located.province().1);
                findings.add(Outcome::Doubtful, field, "division-differs", zh, en);
            }
        } else {
            let (zh, en) = ("证件类型为“其他”，须人工核对", "another kind of certificate: a person has to look at it");
            findings.add(Outcome::Doubtful, "subject.orgCrtType", "certificate-other", zh, en);
        }
        let date = |text: &str| text.parse::<Date>().ok();
        if date(&subject.establish_date).is_some_and(|day| day > input.today) {
            let (zh, en) = ("成立日期在将来", "founded in the future");
            findings.add(Outcome::Fail, "subject.establishDate", "date-future", zh, en);
        }
        if date(&subject.period_validity).is_some_and(|day| day < input.today) {
            let (zh, en) = ("证件已过有效期", "the certificate has expired");
            findings.add(Outcome::Fail, "subject.periodValidity", "certificate-expired", zh, en);
        }
        findings
    }
}
