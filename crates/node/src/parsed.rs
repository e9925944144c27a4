//! What the lens read, as JSON: one object for the command line and for HTTP.

use hufu_ident::reading::{Check, Part};
use hufu_ident::systems::gs1::Companies;
use hufu_ident::{Reading, Refusal, lens};
use serde::{Serialize, Serializer};

/// Reads a text, with the spellings that need a company prefix where `companies` knows it.
pub fn read(text: &str, companies: &Companies) -> Result<Reading, Refusal> {
    lens::read(text).and_then(|reading| companies.complete(reading))
}

/// A text and what was understood of it. Written down as it is, because a million may follow each other.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[schema(as = Parsed)]
pub enum Parsed<'a> {
    Understood(Understood<'a>),
    Refused(Refused<'a>),
}

/// A text that was read.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Understood)]
pub struct Understood<'a> {
    input: &'a str,
    ok: bool,
    system: &'a str,
    identifier: Option<&'a str>,
    #[serde(serialize_with = "parts")]
    #[schema(value_type = Vec<PartRow>)]
    parts: &'a [Part],
    #[serde(serialize_with = "forms")]
    #[schema(value_type = BTreeMap<String, String>)]
    forms: &'a [(&'static str, String)],
    #[serde(serialize_with = "checks")]
    #[schema(value_type = Vec<CheckRow>)]
    checks: &'a [Check],
    #[serde(skip_serializing_if = "Option::is_none")]
    authority: Option<String>,
}

/// A text that was not.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = NotUnderstood)]
pub struct Refused<'a> {
    input: &'a str,
    ok: bool,
    error: Why<'a>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = WhyNot)]
struct Why<'a> {
    code: &'a str,
    at: Option<usize>,
    clause: &'a str,
    text: &'a str,
    text_zh: &'a str,
}

impl<'a> Parsed<'a> {
    pub fn of(input: &'a str, read: &'a Result<Reading, Refusal>) -> Self {
        match read {
            Ok(reading) => Parsed::Understood(Understood {
                input,
                ok: true,
                system: reading.system,
                identifier: reading.name.as_ref().map(|name| name.as_str()),
                parts: &reading.parts,
                forms: &reading.forms,
                checks: &reading.checks,
                authority: reading.name.as_ref().map(|name| name.name().home().as_str().to_owned()),
            }),
            Err(Refusal { code, at, clause, zh, en }) => {
                let error = Why { code, at: *at, clause, text: en, text_zh: zh };
                Parsed::Refused(Refused { input, ok: false, error })
            }
        }
    }
}

/// A part of a code.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PartOfCode)]
struct PartRow<'a> {
    name: &'a str,
    value: &'a str,
}

/// A rule that was looked at.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CheckOfCode)]
struct CheckRow<'a> {
    code: &'a str,
    clause: &'a str,
    ok: bool,
    text_zh: &'a str,
    text_en: &'a str,
}

fn parts<S: Serializer>(parts: &[Part], out: S) -> Result<S::Ok, S::Error> {
    out.collect_seq(parts.iter().map(|part| PartRow { name: &part.name, value: &part.value }))
}

fn forms<S: Serializer>(forms: &[(&'static str, String)], out: S) -> Result<S::Ok, S::Error> {
    out.collect_map(forms.iter().map(|(name, text)| (name, text)))
}

fn checks<S: Serializer>(checks: &[Check], out: S) -> Result<S::Ok, S::Error> {
    let rows = checks.iter().map(|check| CheckRow {
        code: check.code,
        clause: check.clause,
        ok: check.ok,
        text_zh: &check.zh,
        text_en: &check.en,
    });
    out.collect_seq(rows)
}
