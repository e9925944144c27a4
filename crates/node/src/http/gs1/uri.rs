//! PROVISIONAL: reads a Digital Link path by a table of its own until the data sets of `ident` are here.

use super::request::{decoded, encoded, is_key};
use hufu_ident::Refusal;

/// A URI read.
pub struct Read {
    /// Key and qualifiers as a record name without tag.
    pub name: String,
    /// Path and query of the long form, if the URI was compressed.
    pub readable: Option<String>,
    /// The short form, if it was asked for.
    pub compressed: Option<String>,
}

const CLAUSE: &str = "GS1 Digital Link URI syntax §4";

pub fn read(path: &str, _query: &str) -> Option<Result<Read, Refusal>> {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let first = segments.first()?;
    let handle = first.starts_with(|c: char| c.is_ascii_digit()) && !is_key(first);
    let at = segments.iter().position(|segment| is_key(segment)).filter(|at| at + 1 < segments.len())?;
    if handle || first.contains(':') {
        return None;
    }
    Some(parse(&segments[at..]))
}

fn parse(segments: &[&str]) -> Result<Read, Refusal> {
    let refuse = |code, zh: &str, en: &str| Refusal::new(code, CLAUSE, zh, en);
    let (pairs, rest) = segments.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(refuse("odd-path", "路径不成对", "the path is no list of pairs"));
    }
    let mut name = String::new();
    let allowed: &[&str] = match segments[0] {
        "01" => &["22", "10", "21", "235"],
        "8006" => &["22", "10", "21"],
        "414" => &["254", "7040"],
        "417" | "8004" => &["7040"],
        "8010" => &["8011"],
        "8017" | "8018" => &["8019"],
        "415" => &["8020"],
        _ => &[],
    };
    let mut order = 0;
    for (at, [ai, spelt]) in pairs.iter().enumerate() {
        let mut value = decoded(spelt);
        if value.is_empty() {
            return Err(refuse("empty-value", "值为空", "a value is empty"));
        }
        if at > 0 {
            let place = allowed.iter().position(|own| own == ai).map(|place| place + 1).filter(|place| *place > order);
            order = place.ok_or_else(|| refuse("qualifier", "限定符不合法", "no such qualifier here"))?;
        }
        if *ai == "01" && [8, 12, 13].contains(&value.len()) {
            value = format!("{value:0>14}");
        }
        if at == 0 {
            let digits = match *ai {
                "01" => 14,
                "00" | "8017" | "8018" => 18,
                "414" | "415" | "417" => 13,
                _ => 0,
            };
            if digits > 0 && (value.len() != digits || !checks(&value)) {
                return Err(refuse("check-digit", "校验码不符", "length or check digit is wrong"));
            }
        }
        if at > 0 {
            name.push('/');
        }
        name.push_str(&format!("{ai}/{}", encoded(&value)));
    }
    Ok(Read { name, readable: None, compressed: None })
}

fn checks(value: &str) -> bool {
    value.bytes().all(|octet| octet.is_ascii_digit())
        && value
            .bytes()
            .rev()
            .enumerate()
            .map(|(at, octet)| u32::from(octet - b'0') * if at % 2 == 1 { 3 } else { 1 })
            .sum::<u32>()
            % 10
            == 0
}
