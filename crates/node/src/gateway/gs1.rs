//! GS1 identifiers of other resolvers: their linkset (GS1-Conformant Resolver 1.2, RFC 9264) becomes a record.

use super::{Gateway, Trouble, json};
use axum::http::header::ACCEPT;
use hufu_client::{WebAnswer, WebRequest};
use hufu_ident::{Identifier, Value};
use serde_json::Value as Json;
use std::time::Duration;

/// Values taken from one linkset.
const VALUES: usize = 512;
/// The hosts under which GS1 has named its link types.
const VOCABULARIES: [&str; 4] =
    ["https://ref.gs1.org/voc/", "https://gs1.org/voc/", "https://www.gs1.org/voc/", "http://gs1.org/voc/"];
/// What an anchor's description becomes.
const DESCRIPTION: &str = "DESC";

pub async fn ask(gateway: &Gateway, name: &Identifier, wait: Duration) -> Result<Vec<Value>, Trouble> {
    let Some((_, path)) = name.name().tagged() else { return Err(Trouble::Absent) };
    let url = format!("{}/{path}?linkType=linkset", gateway.url);
    let request = WebRequest::get(url).with_header(ACCEPT, "application/linkset+json, application/json;q=0.9");
    let answer = gateway.get(request, wait).await?;
    let body = json(&answer)?;
    let Some(contexts) = body.get("linkset").and_then(Json::as_array) else {
        return Err(Trouble::Fault("the answer is no linkset".into()));
    };
    // A linkset holds all levels up to the key; this record is the level that was asked for.
    let level = contexts.iter().find(|context| is_about(context, path)).ok_or(Trouble::Absent)?;
    Ok(values_of(gateway, level, &answer))
}

fn is_about(context: &Json, path: &str) -> bool {
    let anchor = context.get("anchor").and_then(Json::as_str).unwrap_or_default();
    let bare = anchor.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    bare.strip_suffix(path).is_some_and(|before| before.ends_with('/'))
}

fn values_of(gateway: &Gateway, level: &Json, answer: &WebAnswer) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    let mut add = |kind: &str, data: String| {
        if values.len() < VALUES {
            values.push(gateway.value(values.len() as u32 + 1, kind, data, answer));
        }
    };
    for (member, what) in level.as_object().into_iter().flatten() {
        match (member.as_str(), what) {
            ("anchor", _) => {}
            ("description", Json::String(text)) => add(DESCRIPTION, text.clone()),
            ("itemDescription", Json::String(text)) if level.get("description").is_none() => {
                add(DESCRIPTION, text.clone());
            }
            (relation, Json::Array(links)) => links.iter().for_each(|link| add(&link_type(relation), link.to_string())),
            _ => {}
        }
    }
    values
}

/// `gs1:pip` for `https://ref.gs1.org/voc/pip`; other relations as they are.
fn link_type(relation: &str) -> String {
    let own = VOCABULARIES.iter().find_map(|vocabulary| relation.strip_prefix(vocabulary));
    own.map_or_else(|| relation.to_owned(), |name| format!("gs1:{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_known_by_its_anchor() {
        let context = |anchor: &str| serde_json::json!({"anchor": anchor});
        assert!(is_about(&context("https://id.example/x/01/09521321000018/21/7"), "01/09521321000018/21/7"));
        assert!(is_about(&context("https://id.example/01/09521321000018/"), "01/09521321000018"));
        assert!(!is_about(&context("https://id.example/01/09521321000018"), "01/09521321000018/21/7"));
        assert!(!is_about(&context("https://id.example/8801/09521321000018"), "01/09521321000018"));
        assert_eq!(link_type("https://gs1.org/voc/pip"), "gs1:pip");
        assert_eq!(link_type("license"), "license");
    }
}
