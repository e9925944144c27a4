//! Network resources: whether what is declared is for the public, and fits together.

use super::{Aspect, Checker, Findings, Input, Outcome};
use crate::checks::{address, domain, website};

pub struct ResourceCheck;

impl Checker for ResourceCheck {
    fn name(&self) -> &'static str {
        "resources-form"
    }

    fn aspect(&self) -> Aspect {
        Aspect::Resources
    }

    fn check(&self, input: &Input<'_>) -> Findings {
        let mut findings = Findings::default();
        if let Some(subject) = &input.content.subject {
            for (at, system) in subject.systems.iter().enumerate().filter(|(_, system)| !system.ip_port.is_empty()) {
                let field = format!("subject.systems[{at}].ipPort");
                findings.take(Outcome::Fail, &field, address::endpoints(&system.ip_port, input.reach));
            }
            if !subject.ext_web.domain.is_empty() {
                let parsed = domain::parse(&subject.ext_web.domain, input.reach);
                findings.take(Outcome::Fail, "subject.extWeb.domain", parsed);
            }
            if !subject.ext_web.ip.is_empty() {
                let parsed = address::addresses(&subject.ext_web.ip, input.reach);
                findings.take(Outcome::Fail, "subject.extWeb.ip", parsed);
            }
            if !subject.website.is_empty() {
                // Nothing depends on it, so a wrong one is for the reviewer to judge.
                findings.take(Outcome::Doubtful, "subject.website", website::parse(&subject.website, input.reach));
            }
        }
        for (at, wish) in input.content.prefixes.iter().enumerate() {
            for (number, server) in wish.servers.iter().enumerate() {
                let field = format!("prefixes[{at}].servers[{number}].address");
                findings.take(Outcome::Fail, &field, address::address(&server.address, input.reach));
            }
        }
        findings
    }
}
