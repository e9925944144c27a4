//! The way of an answer, hop by hop, as a table that is read at a glance.

use super::screen::{Screen, duration, number, printable, table};
use comfy_table::{Cell, Table};
use serde_json::Value as Json;

/// The hops that a node put behind the values of its answer, as JSON; none if there is nothing readable.
pub fn hops(trailing: &[u8]) -> Vec<Json> {
    let start = trailing.iter().position(|octet| *octet == b'[').unwrap_or(trailing.len());
    match serde_json::from_slice(&trailing[start..]) {
        Ok(Json::Array(hops)) => hops,
        _ => Vec::new(),
    }
}

/// Step, question, server, cache, answer, time.
pub fn hops_table(hops: &[Json], screen: &Screen) -> Table {
    let headings = match screen.pick("zh", "en") {
        "zh" => ["步骤", "提问", "服务器", "缓存", "应答", "用时"],
        _ => ["STEP", "QUESTION", "SERVER", "CACHE", "ANSWER", "TIME"],
    };
    let mut out = table(&headings);
    for (at, hop) in hops.iter().enumerate() {
        let text = |key: &str| hop.get(key).and_then(Json::as_str).map(printable);
        let values = hop.get("values").and_then(Json::as_u64).unwrap_or_default();
        let answer = text("outcome").unwrap_or_default();
        let answer = match values {
            0 => answer,
            1 => format!("{answer} · 1 {}", screen.pick("个值", "value")),
            _ => format!("{answer} · {values} {}", screen.pick("个值", "values")),
        };
        let took = hop.get("microseconds").and_then(Json::as_u64).map(duration);
        out.add_row([
            number(at + 1),
            Cell::new(text("question").unwrap_or_default()),
            Cell::new(text("server").unwrap_or_else(|| "—".into())),
            Cell::new(cache(text("cache"), screen)),
            Cell::new(answer),
            number(took.unwrap_or_default()),
        ]);
    }
    out
}

/// The state of the cache; what is past its time is marked.
fn cache(state: Option<String>, screen: &Screen) -> String {
    match state.as_deref() {
        None => String::new(),
        Some("stale") => screen.pick("过期 ⚠", "stale ⚠").into(),
        Some("hit") => screen.pick("命中", "hit").into(),
        Some("miss") => screen.pick("未命中", "miss").into(),
        Some("negative") => screen.pick("否定", "negative").into(),
        Some(other) => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::{Lang, Output};

    #[test]
    fn hops_are_a_table() {
        let trailing = br#"[{"question":"0.NA/88","server":"127.0.0.1:2641/udp","cache":"miss",
            "outcome":"303 PREFIX_REFERRAL","values":2,"microseconds":1500},
            {"question":"88.118.8/x","server":null,"cache":"stale","outcome":"1 SUCCESS","values":1,"microseconds":9}]"#;
        let screen = Screen { output: Output::Table, lang: Lang::En };
        let text = hops_table(&hops(trailing), &screen).to_string();
        for part in ["303 PREFIX_REFERRAL · 2 values", "1.5 ms", "stale ⚠", "1 SUCCESS · 1 value", "—"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn anything_else_is_no_trace() {
        for trailing in [&b""[..], b"\0\0\0\0", b"[", b"[1", b"{}", b"\xff\xfe"] {
            assert!(hops(trailing).is_empty());
        }
        hops_table(&hops(b"[1,null,{\"cache\":5}]"), &Screen { output: Output::Table, lang: Lang::Zh });
    }
}
