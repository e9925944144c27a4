//! Verifications. The built-in ones are pure: they say what the content itself gives away. Those that ask others (the
//! network, a register) run in the node and hand in their findings as [`super::evidence`].

mod industries;
mod names;
mod organisation;
mod persons;
mod prefixes;
mod resources;

use super::application::ApplicationKind;
use super::content::Content;
use crate::checks::Reach;
use crate::names::WordList;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

/// Findings kept of one verification.
pub const FINDINGS: usize = 50;

/// What part of an application is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// 法人资质: the organisation and its certificate.
    Organisation,
    /// 法定代表人身份.
    LegalPerson,
    /// 联系人身份与联系方式.
    Contact,
    /// 网络接入资源: addresses and domains.
    Resources,
    /// 标识名称合规.
    Name,
    /// 行业分类.
    Industry,
    /// 前缀.
    Prefixes,
}

impl Aspect {
    pub const ALL: [Aspect; 7] = [
        Aspect::Organisation,
        Aspect::LegalPerson,
        Aspect::Contact,
        Aspect::Resources,
        Aspect::Name,
        Aspect::Industry,
        Aspect::Prefixes,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Aspect::Organisation => "organisation",
            Aspect::LegalPerson => "legal-person",
            Aspect::Contact => "contact",
            Aspect::Resources => "resources",
            Aspect::Name => "name",
            Aspect::Industry => "industry",
            Aspect::Prefixes => "prefixes",
        }
    }

    pub fn zh(self) -> &'static str {
        match self {
            Aspect::Organisation => "法人资质核验",
            Aspect::LegalPerson => "法定代表人身份核验",
            Aspect::Contact => "联系人身份核验",
            Aspect::Resources => "网络接入资源核验",
            Aspect::Name => "名称合规核验",
            Aspect::Industry => "行业分类核验",
            Aspect::Prefixes => "前缀核验",
        }
    }

    pub fn parse(name: &str) -> Option<Aspect> {
        Aspect::ALL.into_iter().find(|aspect| aspect.name() == name)
    }

    /// Whether applications of a kind have it.
    pub fn applies(self, kind: ApplicationKind) -> bool {
        match self {
            Aspect::Prefixes => kind != ApplicationKind::Amendment,
            Aspect::Resources | Aspect::Name => true,
            _ => kind != ApplicationKind::Prefix,
        }
    }

    /// The part of the content that a verification of this aspect looks at.
    pub fn input(self, content: &Content) -> Json {
        let subject = content.subject.clone().unwrap_or_default();
        match self {
            Aspect::Organisation => json!({
                "orgName": subject.org_name, "orgNature": subject.org_nature, "orgCrtType": subject.org_crt_type,
                "orgCrtCode": subject.org_crt_code, "orgCrtImg": subject.org_crt_img,
                "orgAddrProvince": subject.org_addr_province, "orgAddrCity": subject.org_addr_city,
                "orgAddrCounty": subject.org_addr_county, "orgAddr": subject.org_addr,
                "regAuthority": subject.reg_authority, "regCapital": subject.reg_capital,
                "establishDate": subject.establish_date, "periodValidity": subject.period_validity,
                "licences": subject.licences, "legalName": subject.legal.name,
            }),
            Aspect::LegalPerson => json!(subject.legal),
            Aspect::Contact => json!({"contact": subject.contact, "administrator": content.administrator}),
            Aspect::Resources => json!({
                "systems": subject.systems, "extWeb": subject.ext_web, "website": subject.website,
                "servers": content.prefixes.iter().map(|wish| json!(wish.servers)).collect::<Vec<_>>(),
            }),
            Aspect::Name => json!({
                "orgName": subject.org_name, "extWebName": subject.ext_web.name,
                "purposes": content.prefixes.iter().map(|wish| wish.purpose.as_str()).collect::<Vec<_>>(),
            }),
            Aspect::Industry => json!({
                "industryCategory": subject.industry_category, "industrySpecific": subject.industry_specific,
                "serIndustries": subject.ser_industries,
            }),
            Aspect::Prefixes => json!({"orgName": subject.org_name, "prefixes": content.prefixes}),
        }
    }

    /// Says whether two contents are the same for this aspect.
    pub fn digest(self, content: &Content) -> String {
        let text = format!("{}\n{}", self.name(), self.input(content));
        format!("sha256:{}", hex::encode(Sha256::digest(text.as_bytes())))
    }
}

/// How a verification came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = EvidenceOutcome)]
pub enum Outcome {
    Pass,
    /// A person has to look.
    Doubtful,
    /// Blocks the approval.
    Fail,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Pass => "pass",
            Outcome::Doubtful => "doubtful",
            Outcome::Fail => "fail",
        }
    }

    pub fn parse(name: &str) -> Option<Outcome> {
        [Outcome::Pass, Outcome::Doubtful, Outcome::Fail].into_iter().find(|outcome| outcome.name() == name)
    }
}

/// One thing that a verification has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Finding {
    /// Dotted path into the content; empty where it is about no one field.
    #[serde(default)]
    #[schema(max_length = 128)]
    pub field: String,
    pub weight: Outcome,
    #[schema(max_length = 64)]
    pub code: String,
    #[schema(max_length = 1000)]
    pub zh: String,
    #[schema(max_length = 1000)]
    pub en: String,
}

/// What a verification has found; nothing is a pass.
#[derive(Debug, Clone, Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    pub fn add(&mut self, weight: Outcome, field: &str, code: &str, zh: impl Into<String>, en: impl Into<String>) {
        if self.0.len() < FINDINGS {
            let (zh, en) = (zh.into(), en.into());
            self.0.push(Finding { field: field.into(), weight, code: code.into(), zh, en });
        }
    }

    /// Takes the refusal of a pure check as a finding.
    pub fn take<T>(&mut self, weight: Outcome, field: &str, result: Result<T, hufu_ident::Refusal>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(refusal) => {
                self.add(weight, field, refusal.code, refusal.zh, refusal.en);
                None
            }
        }
    }

    pub fn outcome(&self) -> Outcome {
        self.0.iter().map(|finding| finding.weight).max().unwrap_or(Outcome::Pass)
    }
}

/// What a verification gets.
pub struct Input<'a> {
    pub kind: ApplicationKind,
    pub content: &'a Content,
    /// The date in China.
    pub today: Date,
    pub reach: Reach,
    pub words: &'a WordList,
}

/// A verification that needs nobody else.
pub trait Checker: Send + Sync {
    /// As evidence names it.
    fn name(&self) -> &'static str;

    fn aspect(&self) -> Aspect;

    fn applies(&self, kind: ApplicationKind) -> bool {
        self.aspect().applies(kind)
    }

    fn check(&self, input: &Input<'_>) -> Findings;
}

/// The built-in verifications.
pub const BUILT_IN: [&dyn Checker; 7] = [
    &organisation::OrganisationCheck,
    &persons::LegalPersonCheck,
    &persons::ContactCheck,
    &resources::ResourceCheck,
    &names::NameCheck,
    &industries::IndustryCheck,
    &prefixes::PrefixCheck,
];
