//! What the lens read, as JSON: one object for the command line and for HTTP.

use hufu_ident::systems::gs1::Companies;
use hufu_ident::{Reading, Refusal, lens};
use serde_json::{Map, Value as Json, json};

/// Reads a text, with the spellings that need a company prefix where `companies` knows it.
pub fn read(text: &str, companies: &Companies) -> Result<Reading, Refusal> {
    lens::read(text).and_then(|reading| companies.complete(reading))
}

/// Reads a text and says what was understood.
pub fn parsed(text: &str, companies: &Companies) -> Json {
    match read(text, companies) {
        Ok(reading) => understood(text, &reading),
        Err(refusal) => refused(text, &refusal),
    }
}

/// A text that was read.
pub fn understood(input: &str, reading: &Reading) -> Json {
    let parts: Vec<Json> = reading.parts.iter().map(|part| json!({"name": part.name, "value": part.value})).collect();
    let forms: Map<String, Json> =
        reading.forms.iter().map(|(name, text)| ((*name).to_owned(), text.as_str().into())).collect();
    let check = |check: &hufu_ident::reading::Check| {
        json!({
            "code": check.code, "clause": check.clause, "ok": check.ok, "text_zh": check.zh, "text_en": check.en
        })
    };
    let mut out = json!({
        "input": input,
        "ok": true,
        "system": reading.system,
        "identifier": reading.name.as_ref().map(|name| name.as_str()),
        "parts": parts,
        "forms": forms,
        "checks": reading.checks.iter().map(check).collect::<Vec<_>>(),
    });
    if let Some(name) = &reading.name {
        out["authority"] = name.name().home().as_str().into();
    }
    out
}

/// A text that was not.
pub fn refused(input: &str, refusal: &Refusal) -> Json {
    json!({
        "input": input,
        "ok": false,
        "error": {
            "code": refusal.code,
            "at": refusal.at,
            "clause": refusal.clause,
            "text": refusal.en,
            "text_zh": refusal.zh,
        },
    })
}
