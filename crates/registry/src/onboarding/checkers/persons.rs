//! The legal representative and the contact person: numbers of their certificates, and how they are reached.

use super::{Aspect, Checker, Findings, Input, Outcome};
use crate::checks::citizen::CitizenNumber;
use crate::checks::passport;
use crate::subject::Person;
use jiff::civil::Date;

/// Years from which somebody acts for themselves (Civil Code art. 18).
const OF_AGE: i16 = 18;

pub struct LegalPersonCheck;

pub struct ContactCheck;

impl Checker for LegalPersonCheck {
    fn name(&self) -> &'static str {
        "legal-person-form"
    }

    fn aspect(&self) -> Aspect {
        Aspect::LegalPerson
    }

    fn check(&self, input: &Input<'_>) -> Findings {
        let mut findings = Findings::default();
        if let Some(subject) = &input.content.subject {
            certificate(&subject.legal, "subject.legal", input.today, &mut findings);
        }
        findings
    }
}

impl Checker for ContactCheck {
    fn name(&self) -> &'static str {
        "contact-form"
    }

    fn aspect(&self) -> Aspect {
        Aspect::Contact
    }

    fn check(&self, input: &Input<'_>) -> Findings {
        let mut findings = Findings::default();
        if let Some(subject) = &input.content.subject {
            certificate(&subject.contact, "subject.contact", input.today, &mut findings);
        }
        findings
    }
}

fn certificate(person: &Person, field: &str, today: Date, findings: &mut Findings) {
    let number = format!("{field}.crtNo");
    match person.crt_type {
        Some(1) => {
            let parsed = CitizenNumber::parse(person.crt_no.trim(), today);
            if let Some(citizen) = findings.take(Outcome::Fail, &number, parsed)
                && citizen.age(today) < OF_AGE
            {
                let (zh, en) = ("未满 18 周岁", "younger than 18");
                findings.add(Outcome::Doubtful, &number, "person-minor", zh, en);
            }
        }
        Some(2) => {
            findings.take(Outcome::Fail, &number, passport::parse(person.crt_no.trim()));
        }
        _ => {
            let (zh, en) = ("证件类型为“其他”，须人工核对", "another kind of certificate: a person has to look at it");
            findings.add(Outcome::Doubtful, &format!("{field}.crtType"), "certificate-other", zh, en);
        }
    }
}
